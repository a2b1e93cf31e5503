package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// fakeAdvisor remembers what it was asked and answers with its advice.
type fakeAdvisor struct {
	asked  []muster.AdviceRequest
	advice muster.Advice
	err    error
	hold   chan struct{} // if not nil, Explain waits for it
}

func (f *fakeAdvisor) Explain(_ context.Context, q muster.AdviceRequest) (muster.Advice, error) {
	f.asked = append(f.asked, q)
	if f.hold != nil {
		<-f.hold
	}
	a := f.advice
	a.TicketID = q.Ticket
	return a, f.err
}

// newAdvisedRig is newRig with an advisor, and a second mode.
func newAdvisedRig(f *fakeAdvisor) *rig {
	r := newRig(true)
	low := 0.0
	mode := func(name muster.ModeName) muster.Mode {
		return muster.Mode{
			Name: name, Configuration: string(name) + "-config", Teams: []muster.ModeTeam{{Name: "red", MinPlayers: 1, MaxPlayers: 1}},
			Attributes: map[string]muster.AttributeSource{"skill": {From: muster.FromRating, Min: &low}},
		}
	}
	r.Backend = muster.New(muster.Options{
		Store: r.store, GameLift: r.lift, Notifier: r.inbox, Rating: winnerGains{}, Advisor: f,
		Modes: []muster.Mode{mode("duel"), mode("race")}, Locations: []string{"custom-local"},
		Now: r.clock.now, NewID: ids("id"), Log: slog.New(slog.DiscardHandler),
	})
	return r
}

// queue starts a ticket of a new guest that no fake match takes.
func (r *rig) queue(t *testing.T, name string, mode muster.ModeName) (muster.PlayerID, muster.TicketID) {
	t.Helper()
	p := r.guest(name)
	view := r.start(t, p, muster.TicketRequest{Mode: mode, LatencyInMs: map[string]int{"custom-local": 40}})
	r.lift.waiting = nil
	r.mustDeliver(t)
	return p, view.ID
}

func TestAnAdvisorIsToldOfTheTicketsThatWaitInTheMode(t *testing.T) {
	f := &fakeAdvisor{}
	r := newAdvisedRig(f)
	ann, first := r.queue(t, "ann", "duel")
	r.queue(t, "racer", "race")
	r.clock.advance(time.Second)
	bob, second := r.queue(t, "bob", "duel")
	r.clock.advance(time.Second)
	must[muster.TicketView](t)(r.CancelTicket(context.Background(), bob, second))
	_, third := r.queue(t, "cy", "duel")
	must[muster.ExplanationView](t)(r.TicketExplanation(context.Background(), ann, first))
	q := f.asked[0]
	var got []string
	for _, w := range q.Waiting {
		got = append(got, fmt.Sprint(w.Ticket, " ", q.Now.Sub(w.StartedAt), " ", *w.Players[0].Attributes["skill"].N, w.Players[0].LatencyInMs))
	}
	want := fmt.Sprintf("%s 2s 1500 map[custom-local:40]; %s 0s 1500 map[custom-local:40]", first, third)
	if strings.Join(got, "; ") != want || q.Configuration != "duel-config" || q.Ticket != first {
		t.Errorf("the advisor was told of %q, want %q (%s, %s)", got, want, q.Configuration, q.Ticket)
	}
}

func TestTheListOfWaitingTicketsIsReadAnewAfterAWhileAndHasTheAskersTicket(t *testing.T) {
	f := &fakeAdvisor{}
	r := newAdvisedRig(f)
	ann, first := r.queue(t, "ann", "duel")
	explain := must[muster.ExplanationView](t)
	listed := r.clock.now()
	explain(r.TicketExplanation(context.Background(), ann, first))
	r.clock.advance(time.Second)
	bob, second := r.queue(t, "bob", "duel")
	r.queue(t, "cy", "duel")
	if old := explain(r.TicketExplanation(context.Background(), bob, second)); !old.AsOf.Equal(listed) {
		t.Errorf("the old list is as of %v, not %v", old.AsOf, listed)
	}
	r.clock.advance(4 * time.Second)
	if anew := explain(r.TicketExplanation(context.Background(), ann, first)); !anew.AsOf.Equal(r.clock.now()) {
		t.Errorf("the new list is as of %v, not %v", anew.AsOf, r.clock.now())
	}
	counts := []int{len(f.asked[0].Waiting), len(f.asked[1].Waiting), len(f.asked[2].Waiting)}
	if fmt.Sprint(counts) != "[1 2 3]" || f.asked[1].Waiting[1].Ticket != second {
		t.Errorf("lists of %v tickets, want 1, then the old one with the asker's ticket, then all 3", counts)
	}
}

func TestTicketsAreFoundAfterTheReconcilerMovedThem(t *testing.T) {
	f := &fakeAdvisor{}
	r := newAdvisedRig(f)
	ann, first := r.queue(t, "ann", "duel")
	r.queue(t, "bob", "duel")
	for range 5 {
		r.clock.advance(20 * time.Second)
		if err := r.Reconcile(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	must[muster.ExplanationView](t)(r.TicketExplanation(context.Background(), ann, first))
	if n := len(f.asked[0].Waiting); n != 2 {
		t.Errorf("the advisor was told of %d tickets, want 2", n)
	}
}

func TestOnlyItsPlayersAreToldWhyATicketWaits(t *testing.T) {
	f := &fakeAdvisor{}
	r := newAdvisedRig(f)
	_, id := r.queue(t, "ann", "duel")
	_, err := r.TicketExplanation(context.Background(), r.guest("eve"), id)
	wantError(t, err, muster.NotFound, "ticket.not_found")
	_, err = r.ExplainTicket(context.Background(), "no such ticket")
	wantError(t, err, muster.NotFound, "ticket.not_found")
	_, err = r.ExplainTicket(context.Background(), "id-99999")
	wantError(t, err, muster.NotFound, "ticket.not_found")
	if a, err := r.ExplainTicket(context.Background(), id); err != nil || a.Mode != "duel" || a.Status != muster.Searching || a.TicketID != id {
		t.Errorf("an operator is told %+v, %v", a, err)
	}
	if len(f.asked) != 1 {
		t.Errorf("the advisor was asked %d times", len(f.asked))
	}
}

func TestATicketThatDoesNotSearchNeedsNoAdvice(t *testing.T) {
	f := &fakeAdvisor{err: errDown}
	r := newAdvisedRig(f)
	ann, id := r.queue(t, "ann", "duel")
	_, err := r.TicketExplanation(context.Background(), ann, id)
	wantError(t, err, muster.Unavailable, "gamelift.unavailable")
	must[muster.TicketView](t)(r.CancelTicket(context.Background(), ann, id))
	v := must[muster.ExplanationView](t)(r.TicketExplanation(context.Background(), ann, id))
	if v.Message != "It is over without a match." || v.Status != muster.Cancelled || len(f.asked) != 1 {
		t.Errorf("%+v, asked %d times", v, len(f.asked))
	}
	_, err = newRig(false).ExplainTicket(context.Background(), "id-00001")
	wantError(t, err, muster.NotFound, "ticket.not_found")
}

func TestABackendWithoutAnAdvisorExplainsNothing(t *testing.T) {
	r := newRig(false)
	ann, id := r.queue(t, "ann", "duel")
	_, err := r.TicketExplanation(context.Background(), ann, id)
	wantError(t, err, muster.NotFound, "explanation.none")
}

func TestExplanationsAreGivenOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAdvisor{hold: make(chan struct{})}
		r := newAdvisedRig(f)
		_, id := r.queue(t, "ann", "duel")
		first := make(chan error)
		go func() { _, err := r.ExplainTicket(context.Background(), id); first <- err }()
		synctest.Wait()
		_, err := r.ExplainTicket(context.Background(), id)
		wantError(t, err, muster.Exhausted, "explanation.busy")
		gone, leave := context.WithCancel(context.Background())
		leave()
		if _, err := r.ExplainTicket(gone, id); err == nil {
			t.Error("a caller who left was served")
		}
		close(f.hold)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if _, err := r.ExplainTicket(context.Background(), id); err != nil {
			t.Errorf("the next is not served: %v", err)
		}
	})
}

func number(n float64) *float64 { return &n }

func TestWhatPlayersAreTold(t *testing.T) {
	missed := func(property, unit string, limit float64) muster.AdviceMiss {
		return muster.AdviceMiss{Amount: number(123.456), Unit: unit, Property: property, Limit: &limit, Location: "secret-place"}
	}
	away := func(name, kind string, m muster.AdviceMiss) []muster.AdviceRule {
		return []muster.AdviceRule{{Name: name, Type: kind, Tickets: 3, Nearest: m, Median: m}}
	}
	never := func(o muster.AdviceObstacle) muster.Advice {
		o.Message, o.PlayerID = "for operators", "p-secret"
		return muster.Advice{Never: []muster.AdviceObstacle{o}}
	}
	cases := []struct {
		name   string
		advice muster.Advice
		want   string
	}{
		{"nobody else waits", muster.Advice{NeededPlayers: 1}, "Waiting for 1 more player."},
		{"several are missing", muster.Advice{NeededPlayers: 9, CompatiblePlayers: 6}, "Waiting for 3 more players (6 of the 9 needed fit already)."},
		{"one of several is there", muster.Advice{NeededPlayers: 3, CompatiblePlayers: 1}, "Waiting for 2 more players (1 of the 3 needed fits already)."},
		{"a distance", muster.Advice{NeededPlayers: 1, Rules: away("Close", "distance", missed("maxDistance", "skill", 100))}, "Waiting for 1 more player within 100 skill."},
		{
			"a distance that an expansion widens in time",
			muster.Advice{NeededPlayers: 1, Reach: &muster.AdviceReach{InSeconds: 6.2}, Rules: away("Close", "distance", missed("maxDistance", "skill", 99.999))},
			"Waiting for 1 more player within 100 skill. More fit in 7 s.",
		},
		{"a latency", muster.Advice{NeededPlayers: 2, Rules: away("Fast", "latency", missed("maxLatency", "ms", 80))}, "Waiting for 2 more players within 80 ms of the same location."},
		{"a spread of latencies", muster.Advice{NeededPlayers: 2, Rules: away("Fast", "latency", missed("maxDistance", "ms", 30))}, "Waiting for 2 more players with a latency within 30 ms of yours."},
		{"no matter of degree", muster.Advice{NeededPlayers: 1, Rules: away("SameMode", "comparison", muster.AdviceMiss{})}, "Waiting for 1 more player who fits SameMode."},
		{"strings that differ", muster.Advice{NeededPlayers: 1, Rules: away("SameMode", "comparison", muster.AdviceMiss{Unit: "mode"})}, "Waiting for 1 more player with a fitting mode."},
		{"no location in common", muster.Advice{NeededPlayers: 1, Rules: away("Fast", "latency", muster.AdviceMiss{})}, "Waiting for 1 more player with a location in common."},
		{"a limit that is another player's value", muster.Advice{NeededPlayers: 1, Rules: away("Below", "comparison", missed("referenceValue", "skill", 4321))}, "Waiting for 1 more player with a fitting skill."},
		{"a count", muster.Advice{NeededPlayers: 1, Rules: away("Maps", "collection", missed("minCount", "strings", 1))}, "Waiting for 1 more player who fits Maps."},
		{"somebody is blocked", muster.Advice{NeededPlayers: 1, Rules: []muster.AdviceRule{{Name: "BlockList", Type: "collection", Tickets: 1, Personal: true}}}, "Waiting for 1 more player."},
		{"a match is possible", muster.Advice{NeededPlayers: 1, CompatiblePlayers: 1, Possible: true}, "A match is being put together."},
		{
			"whole teams fail",
			muster.Advice{NeededPlayers: 1, CompatiblePlayers: 4, Attempt: &muster.AdviceAttempt{Failed: []muster.AdviceRuleMiss{{Name: "Fair", Miss: missed("minCount", "strings", 5)}}}},
			"Enough players wait, but there is no match of them that satisfies Fair, and the rules do not relax: it takes other players.",
		},
		{
			"whole teams are too far apart",
			muster.Advice{Steps: 2, NextStep: &muster.AdviceStep{InSeconds: 3}, NeededPlayers: 1, CompatiblePlayers: 4, Attempt: &muster.AdviceAttempt{Failed: []muster.AdviceRuleMiss{{Name: "Fair", Type: "distance", Miss: missed("maxDistance", "skill", 5)}}}},
			"Enough players wait, but there is no match of them within 5 skill yet.",
		},
		{
			"a whole match without good latencies",
			muster.Advice{Steps: 2, Step: 2, NeededPlayers: 1, CompatiblePlayers: 4, Attempt: &muster.AdviceAttempt{Failed: []muster.AdviceRuleMiss{{Name: "Fast", Type: "latency", Miss: missed("maxDistance", "ms", 30)}}}},
			"Enough players wait, but there is no match of them with latencies within 30 ms of each other.",
		},
		{"parties do not fill the teams", muster.Advice{NeededPlayers: 1, CompatiblePlayers: 4, Attempt: &muster.AdviceAttempt{Missing: 1}}, "Waiting for players who fill the teams."},
		{"an attribute is missing", never(muster.AdviceObstacle{Kind: muster.MissingAttribute, Attribute: "level"}), "No match can be found: this mode needs the attribute level, which is not set."},
		{"no latency", never(muster.AdviceObstacle{Kind: muster.MissingLatency}), "No match can be found: this mode needs latencies, and none was measured."},
		{"a party too large", never(muster.AdviceObstacle{Kind: muster.PartyTooLarge, Players: 4, Limit: 3}), "No match can be found: a party of 4 is larger than any team, which takes 3."},
		{"a full session", never(muster.AdviceObstacle{Kind: muster.SessionFull}), "No match can be found: the session is full."},
		{"nowhere near enough", never(muster.AdviceObstacle{Kind: muster.NoLocation, Miss: &muster.AdviceMiss{Amount: number(30), Limit: number(150)}}), "No match can be found: no location is within 150 ms."},
		{"no location of all", never(muster.AdviceObstacle{Kind: muster.NoLocation, Miss: &muster.AdviceMiss{}}), "No match can be found: there is no location that all players of the party reach."},
		{"a rule on a constant", never(muster.AdviceObstacle{Kind: muster.NeverFits, Rule: "Grown"}), "No match can be found: rule Grown of this mode does not admit you."},
		{"an own value that a rule does not admit", never(muster.AdviceObstacle{Kind: muster.NeverFits, Rule: "Grown", Miss: &muster.AdviceMiss{Unit: "level"}}), "No match can be found: your level is outside what this mode admits."},
		{"anything else", never(muster.AdviceObstacle{Kind: muster.Unmatchable}), "No match can be found: something that this mode needs is missing."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeAdvisor{advice: c.advice}
			r := newAdvisedRig(f)
			ann, id := r.queue(t, "ann", "duel")
			v := must[muster.ExplanationView](t)(r.TicketExplanation(context.Background(), ann, id))
			if v.Message != c.want {
				t.Errorf("message %q, want %q", v.Message, c.want)
			}
			body, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"123.4", "secret", "4321", "for operators"} {
				if strings.Contains(string(body), secret) {
					t.Errorf("players are told %q: %s", secret, body)
				}
			}
		})
	}
}

func TestTheNumberOfWaitingTicketsIsBounded(t *testing.T) {
	f := &fakeAdvisor{}
	r := newAdvisedRig(f)
	ann, first := r.queue(t, "ann", "duel")
	for i := range 520 {
		r.queue(t, fmt.Sprint("guest ", i), "duel")
	}
	must[muster.ExplanationView](t)(r.TicketExplanation(context.Background(), ann, first))
	if n := len(f.asked[0].Waiting); n != 500 {
		t.Errorf("the advisor was told of %d tickets, want 500", n)
	}
	if a := must[muster.Advice](t)(r.ExplainTicket(context.Background(), first)); !a.Partial {
		t.Error("the advice does not say that more tickets wait")
	}
}
