package muster_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"muster"
)

// The tests here hold the rules that are drawn from the defects of published backends,
// one test a rule; those about requests are in httpapi.

// Elsewhere any caller could read any ticket, and a whole match was returned to anyone.
func TestRuleEveryReadIsCheckedAgainstTheCaller(t *testing.T) {
	ctx := context.Background()
	r := newRig(true)
	ann, bob, eve := r.guest("ann"), r.guest("bob"), r.guest("eve")
	a := r.start(t, ann, duel())
	r.start(t, bob, duel())
	r.mustDeliver(t)
	asEve := map[string]func() error{
		"read":    func() error { _, err := r.Ticket(ctx, eve, a.ID); return err },
		"wait":    func() error { _, err := r.WaitTicket(ctx, eve, a.ID, 0, 0); return err },
		"cancel":  func() error { _, err := r.CancelTicket(ctx, eve, a.ID); return err },
		"accept":  func() error { _, err := r.AnswerMatch(ctx, eve, a.ID, true); return err },
		"decline": func() error { _, err := r.AnswerMatch(ctx, eve, a.ID, false); return err },
		"explain": func() error { _, err := r.TicketExplanation(ctx, eve, a.ID); return err },
	}
	for name, do := range asEve {
		t.Run(name+" a ticket of others", func(t *testing.T) { wantError(t, do(), muster.NotFound, "ticket.not_found") })
	}
	b := must[muster.Snapshot](t)(r.Snapshot(ctx, bob)).Ticket.ID
	must[muster.TicketView](t)(r.AnswerMatch(ctx, ann, a.ID, true))
	must[muster.TicketView](t)(r.AnswerMatch(ctx, bob, b, true))
	r.mustDeliver(t)
	_, err := r.Seat(ctx, eve)
	wantError(t, err, muster.NotFound, "session.none")
	if snap := must[muster.Snapshot](t)(r.Snapshot(ctx, eve)); snap.Seat != nil || snap.Ticket != nil {
		t.Errorf("eve, who did nothing, is told %+v", snap)
	}
}

// Elsewhere every ticket got the first player's session id, so that all but one of a
// match came with somebody else's.
func TestRuleSeatsAreMappedByPlayerNeverByPosition(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	players := []muster.PlayerID{r.guest("ann"), r.guest("bob")}
	for _, p := range players {
		r.start(t, p, duel())
	}
	for _, ev := range r.lift.take() {
		slices.Reverse(ev.Tickets) // whatever the order
		if len(ev.Tickets) == 2 {  // and whoever else is named in a ticket
			ev.Tickets[0].Players = append([]muster.EventPlayer{{ID: "stranger", Team: "red", Seat: "psess-of-a-stranger"}}, ev.Tickets[0].Players...)
		}
		if err := r.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range players {
		seat := must[muster.SeatView](t)(r.Seat(ctx, p))
		if owner := r.lift.seats[seat.PlayerSessionID]; owner == nil || owner.Player != p {
			t.Errorf("%s has the seat %q of %+v", p, seat.PlayerSessionID, owner)
		}
	}
}

// meeting is a store in which those who read a slot wait for each other, so that all
// have read it before any of them writes.
type meeting struct {
	muster.Store
	first sync.Map // goroutines' first reads only: retries do not wait
	all   *sync.WaitGroup
}

func (m *meeting) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	rec, err := m.Store.Get(ctx, key)
	if _, again := m.first.LoadOrStore(key.Sort, true); key.Sort == "SLOT" && !again {
		m.all.Done()
		m.all.Wait()
	}
	return rec, err
}

// Elsewhere a request looked for a running one and then started: two at once both did.
func TestRuleOneLiveTicketPerPlayerIsAConditionalWrite(t *testing.T) {
	const replicas = 16
	r := newRig(false)
	ann := r.guest("ann")
	var met, done sync.WaitGroup
	met.Add(replicas)
	lift := &countingLift{GameLift: r.lift}
	errs := make([]error, replicas)
	for i := range replicas {
		backend := muster.New(muster.Options{
			Store: &meeting{Store: r.store, all: &met}, GameLift: lift, Notifier: r.inbox, Rating: winnerGains{},
			Modes: []muster.Mode{{Name: "duel", Configuration: "duel-config", Teams: []muster.ModeTeam{{Name: "red", MinPlayers: 1, MaxPlayers: 1}}}},
			Now:   r.clock.now, NewID: ids(fmt.Sprint("replica-", i)), Log: slog.New(slog.DiscardHandler),
		})
		done.Go(func() { _, _, errs[i] = backend.StartTicket(context.Background(), ann, duel(), "") })
	}
	done.Wait()
	started := 0
	for _, err := range errs {
		if err == nil {
			started++
			continue
		}
		wantError(t, err, muster.Conflict, "ticket.already_queued")
	}
	if started != 1 || lift.started != 1 {
		t.Errorf("%d of %d starts succeeded and GameLift heard of %d tickets; one player has one", started, replicas, lift.started)
	}
}

// countingLift counts the tickets that are started.
type countingLift struct {
	muster.GameLift
	mu      sync.Mutex // guards started, and the fake below
	started int
}

func (c *countingLift) StartMatchmaking(ctx context.Context, req muster.StartMatchmaking) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started++
	return c.GameLift.StartMatchmaking(ctx, req)
}

// Elsewhere a late event put a finished ticket back among those that wait.
func TestRuleATerminalTicketIsFinal(t *testing.T) {
	ctx := context.Background()
	ends := map[muster.TicketStatus]muster.EventType{
		muster.Completed: muster.MatchmakingSucceeded, muster.Failed: muster.MatchmakingFailed,
		muster.Cancelled: muster.MatchmakingCancelled, muster.TimedOut: muster.MatchmakingTimedOut,
	}
	all := []muster.EventType{
		muster.MatchmakingSearching, muster.PotentialMatchCreated, muster.AcceptMatch, muster.AcceptMatchCompleted,
		muster.MatchmakingSucceeded, muster.MatchmakingTimedOut, muster.MatchmakingCancelled, muster.MatchmakingFailed,
	}
	for status, end := range ends {
		t.Run(string(status), func(t *testing.T) {
			r := newRig(false)
			ann := r.guest("ann")
			mine := r.start(t, ann, duel())
			r.mustDeliver(t)
			ev := muster.Event{
				ID: "end", Type: end, At: r.clock.now(), Configuration: "duel-config", MatchID: "m-1", Session: "arn:aws:gamelift:session-1",
				Tickets: []muster.EventTicket{{ID: mine.ID, Players: []muster.EventPlayer{{ID: ann, Team: "red", Seat: "psess-1"}}}},
			}
			if end != muster.MatchmakingSucceeded {
				ev.Session = ""
			}
			if err := r.ApplyEvent(ctx, ev); err != nil {
				t.Fatal(err)
			}
			final := must[muster.TicketView](t)(r.Ticket(ctx, ann, mine.ID))
			if final.Status != status {
				t.Fatalf("the ticket is %s, want %s", final.Status, status)
			}
			for _, kind := range all {
				for _, late := range []time.Duration{-time.Hour, 0, time.Hour} {
					for _, match := range []muster.MatchID{"m-1", "m-2", ""} {
						again := ev
						again.Type, again.At, again.MatchID, again.Acceptance = kind, ev.At.Add(late), match, "Accepted"
						if err := r.ApplyEvent(ctx, again); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if now := must[muster.TicketView](t)(r.Ticket(ctx, ann, mine.ID)); now.Version != final.Version || now.Status != status {
				t.Errorf("late events made %+v of %+v", now, final)
			}
		})
	}
}

// watchedLift notes when tickets are described, how many at once, and how often seats
// are.
type watchedLift struct {
	*fakeGameLift
	asks  map[muster.TicketID][]time.Time
	sizes []int
	seats map[muster.PlayerID][]time.Time // by owner
}

func (w *watchedLift) Seat(ctx context.Context, id muster.SeatID) (muster.SeatState, error) {
	state, err := w.fakeGameLift.Seat(ctx, id)
	if err == nil {
		w.seats[state.Player] = append(w.seats[state.Player], w.clock.now())
	}
	return state, err
}

func (w *watchedLift) Tickets(ctx context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	for _, id := range ids {
		w.asks[id] = append(w.asks[id], w.clock.now())
	}
	w.sizes = append(w.sizes, len(ids))
	return w.fakeGameLift.Tickets(ctx, ids)
}

// Elsewhere clients polled GameLift through the backend every second or so.
func TestRuleGameLiftIsAskedOnlyAsABackstop(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	lift := &watchedLift{fakeGameLift: r.lift, asks: map[muster.TicketID][]time.Time{}}
	backend := muster.New(muster.Options{
		Store: r.store, GameLift: lift, Notifier: r.inbox, Rating: winnerGains{},
		Modes: []muster.Mode{{Name: "duel", Configuration: "duel-config", Teams: []muster.ModeTeam{{Name: "red", MinPlayers: 1, MaxPlayers: 1}}}},
		Now:   r.clock.now, NewID: ids("id"), Log: slog.New(slog.DiscardHandler),
	})
	const tickets = 35
	for i := range tickets {
		if _, _, err := backend.StartTicket(ctx, r.guest(fmt.Sprint("guest-", i)), duel(), ""); err != nil {
			t.Fatal(err)
		}
		lift.waiting = nil // nobody is matched
	}
	news := r.clock.now()
	for _, ev := range lift.take() {
		if err := backend.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	for range 180 {
		r.clock.advance(time.Second)
		if err := backend.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(lift.asks) != tickets {
		t.Errorf("%d of %d silent tickets were asked about", len(lift.asks), tickets)
	}
	for id, at := range lift.asks {
		if first := at[0].Sub(news); first < 30*time.Second {
			t.Errorf("ticket %s was asked about %v after its last news, which is less than 30 s", id, first)
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < 10*time.Second {
				t.Errorf("ticket %s was asked about twice within %v, which is less than 10 s", id, gap)
			}
		}
	}
	if slices.Max(lift.sizes) != 10 || len(lift.sizes) > 12*tickets/10*2 {
		t.Errorf("tickets were asked about in groups of %v; tens are what there is", lift.sizes)
	}
}

// Elsewhere what a client asked of the backend was a call of GameLift each time.
func TestRuleHoweverOftenPlayersAskGameLiftIsAskedSeldom(t *testing.T) {
	ctx := context.Background()
	begin := func() (*rig, *watchedLift) {
		var lift *watchedLift
		r := newRigWith(false, func(o *muster.Options) {
			lift = &watchedLift{
				fakeGameLift: o.GameLift.(*fakeGameLift),
				asks:         map[muster.TicketID][]time.Time{}, seats: map[muster.PlayerID][]time.Time{},
			}
			o.GameLift = lift
		})
		return r, lift
	}
	// asked does all that looks at a player's slot, four times a second.
	asked := func(t *testing.T, r *rig, p muster.PlayerID, d time.Duration) {
		for range int(d / (250 * time.Millisecond)) {
			must[muster.PlayerView](t)(r.Me(ctx, p))
			must[muster.Snapshot](t)(r.Snapshot(ctx, p))
			must[muster.PartyView](t)(r.Party(ctx, p))
			_, _ = r.Seat(ctx, p) // none, while they search
			r.clock.advance(250 * time.Millisecond)
		}
	}
	apart := func(t *testing.T, what string, at []time.Time, least time.Duration) {
		t.Helper()
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < least {
				t.Errorf("%s was asked about twice within %v, which is less than %v", what, gap, least)
			}
		}
	}
	t.Run("a ticket after 30 silent seconds, then every 10", func(t *testing.T) {
		r, lift := begin()
		ann := r.guest("ann")
		must[muster.PartyView](t)(r.CreateParty(ctx, ann, muster.PartySettings{}))
		id := r.start(t, ann, duel()).ID
		r.mustDeliver(t)
		news := r.clock.now()
		asked(t, r, ann, 2*time.Minute)
		at := lift.asks[id]
		if len(at) != 9 || at[0].Sub(news) < 30*time.Second {
			t.Fatalf("the ticket was asked about %d times, first %v after its last news", len(at), at[0].Sub(news))
		}
		apart(t, "the ticket", at, 10*time.Second)
	})
	t.Run("a new ticket that nothing was heard of after 15 seconds", func(t *testing.T) {
		r, lift := begin()
		ann := r.guest("ann")
		must[muster.PartyView](t)(r.CreateParty(ctx, ann, muster.PartySettings{}))
		id := r.start(t, ann, duel()).ID
		began := r.clock.now()
		asked(t, r, ann, 20*time.Second)
		if at := lift.asks[id]; len(at) != 1 || at[0].Sub(began) != 15*time.Second {
			t.Errorf("the ticket was asked about at %v, begun at %v", at, began)
		}
	})
	t.Run("a ticket while GameLift is down", func(t *testing.T) {
		r, lift := begin()
		ann := r.guest("ann")
		must[muster.PartyView](t)(r.CreateParty(ctx, ann, muster.PartySettings{}))
		id := r.start(t, ann, duel()).ID
		r.mustDeliver(t)
		lift.down = true
		asked(t, r, ann, time.Minute)
		apart(t, "the ticket", lift.asks[id], 10*time.Second)
	})
	t.Run("a seat every 10 seconds, and at once for who wants another match", func(t *testing.T) {
		r, lift := begin()
		ann, bob := r.guest("ann"), r.guest("bob")
		party := must[muster.PartyView](t)(r.CreateParty(ctx, ann, muster.PartySettings{}))
		must[muster.PartyView](t)(r.JoinParty(ctx, bob, party.Code))
		r.start(t, ann, muster.TicketRequest{Mode: "squad"})
		r.start(t, r.guest("eve"), muster.TicketRequest{Mode: "squad"})
		r.mustDeliver(t)
		asked(t, r, bob, time.Minute)
		for _, p := range []muster.PlayerID{ann, bob} {
			if at := lift.seats[p]; len(at) == 0 || len(at) > 6 {
				t.Errorf("the seat of %s was asked about %d times in a minute", p, len(at))
			}
			apart(t, "a seat", lift.seats[p], 10*time.Second)
		}
		before := len(lift.seats[ann])
		for range 60 {
			_, _, err := r.StartTicket(ctx, ann, muster.TicketRequest{Mode: "squad"}, "")
			wantError(t, err, muster.Conflict, "session.live")
			r.clock.advance(100 * time.Millisecond)
		}
		if more := len(lift.seats[ann]) - before; more != 2 {
			t.Errorf("60 starts in 6 s asked %d times about the seat, want 2", more)
		}
		apart(t, "the seat", lift.seats[ann][before:], 3*time.Second)
	})
	t.Run("a seat that has ended does not stop who asked about it just now", func(t *testing.T) {
		r, lift := begin()
		ann := r.guest("ann")
		r.start(t, ann, duel())
		r.start(t, r.guest("bob"), duel())
		r.mustDeliver(t)
		must[muster.SeatView](t)(r.Seat(ctx, ann))
		lift.endSeats(func(muster.SeatState) bool { return true })
		r.start(t, ann, duel())
	})
	t.Run("a seat that has ended while its slot stands", func(t *testing.T) {
		r, lift := begin()
		ann := r.guest("ann")
		r.start(t, ann, duel())
		r.start(t, r.guest("bob"), duel())
		r.mustDeliver(t)
		lift.endSeats(func(muster.SeatState) bool { return true })
		for range 1000 {
			must[muster.PlayerView](t)(r.Me(ctx, ann))
		}
		if n := len(lift.seats[ann]); n != 1 {
			t.Errorf("1000 looks at a player asked %d times about their seat", n)
		}
	})
}
