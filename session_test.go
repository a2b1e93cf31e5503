package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// open makes a session of mode "lobby" with its creator in it.
func (r *rig) open(t *testing.T, owner muster.PlayerID, req muster.SessionRequest) muster.SessionPlacementView {
	t.Helper()
	req.Mode = "lobby"
	made := must[muster.SessionPlacementView](t)(r.CreateSession(context.Background(), owner, req))
	if err := r.deliverPlaced(); err != nil {
		t.Fatal(err)
	}
	view := must[muster.SessionPlacementView](t)(r.Placement(context.Background(), owner, made.ID))
	if view.Status != muster.PlacementFulfilled || view.Seat == nil {
		t.Fatalf("the placement is %+v, want a session with a seat", view)
	}
	return view
}

// sweep lets time pass with a reconciler that looks every two seconds.
func (r *rig) sweep(t *testing.T, d time.Duration) {
	t.Helper()
	for end := r.clock.now().Add(d); r.clock.now().Before(end); {
		r.clock.advance(2 * time.Second)
		if err := r.Reconcile(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// listed are the sessions that a player finds.
func (r *rig) listed(t *testing.T, q muster.SessionQuery) []muster.SessionID {
	t.Helper()
	q.Mode, q.Limit = "lobby", 50
	var ids []muster.SessionID
	for _, s := range must[muster.SessionPage](t)(r.OpenSessions(context.Background(), q)).Sessions {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestALobbyFromCreationToItsEnd(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, cyd, eve := r.guest("ann"), r.guest("bob"), r.guest("cyd"), r.guest("eve")
	made := r.open(t, ann, muster.SessionRequest{Name: "  ann's   place ", Properties: map[string]string{"map": "tower"}, LatencyInMs: map[string]int{"custom-local": 7, "moon": 3}})
	id := made.SessionID
	sent := r.lift.placements[made.ID].req
	if sent.Queue != "lobbies" || sent.MaxPlayers != 6 || sent.Name != "ann's place" || sent.Properties["map"] != "tower" {
		t.Errorf("asked for %+v", sent)
	}
	if fmt.Sprint(sent.Players[0].LatencyInMs) != "map[custom-local:7]" {
		t.Errorf("latencies sent are %v, want only those of known places", sent.Players[0].LatencyInMs)
	}
	if made.Code != "" {
		t.Errorf("a public session has the code %q", made.Code)
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 1 || got[0] != id {
		t.Fatalf("listed are %v, want %s", got, id)
	}

	seat := must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	again := must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	if seat != again || seat.PlayerSessionID == made.Seat.PlayerSessionID || seat.Port != 7777 {
		t.Errorf("bob's seats are %+v and %+v, want one of his own", seat, again)
	}
	watch := must[muster.SeatView](t)(r.JoinSession(ctx, cyd, id, muster.JoinRequest{Role: muster.Spectator}))
	if watch.Role != muster.Spectator {
		t.Errorf("cyd's seat is %+v, want one to watch from", watch)
	}
	mine := must[muster.SessionView](t)(r.Session(ctx, bob, id))
	if mine.PlayerCount != 2 || mine.SpectatorCount != 1 || len(mine.Players) != 3 || mine.Players[0].DisplayName == "" {
		t.Errorf("bob sees %+v", mine)
	}
	others := must[muster.SessionView](t)(r.Session(ctx, eve, id))
	if others.Players != nil || others.PlayerCount != 2 {
		t.Errorf("eve sees %+v, want counts only", others)
	}

	must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Properties: map[string]string{"round": "2"}}))
	if got := r.listed(t, muster.SessionQuery{Properties: map[string]string{"round": "2"}}); len(got) != 1 {
		t.Errorf("found by its new property: %v", got)
	}
	if got := r.listed(t, muster.SessionQuery{Properties: map[string]string{"round": "1"}}); len(got) != 0 {
		t.Errorf("found by a property that it has not: %v", got)
	}
	if err := r.LeaveSession(ctx, bob); err != nil {
		t.Fatal(err)
	}
	if err := r.LeaveSession(ctx, bob); err != nil {
		t.Errorf("leaving twice: %v", err)
	}
	_, err := r.Seat(ctx, bob)
	wantError(t, err, muster.NotFound, "session.none")

	done := must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true}))
	if done.EndedAt == nil {
		t.Errorf("the ended session is %+v", done)
	}
	must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true}))
	for _, p := range []muster.PlayerID{ann, cyd} {
		_, err := r.Seat(ctx, p)
		wantError(t, err, muster.NotFound, "session.none")
	}
	_, err = r.JoinSession(ctx, eve, id, muster.JoinRequest{})
	wantError(t, err, muster.Conflict, "session.ended")
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("listed after its end: %v", got)
	}
	r.sweep(t, 5*time.Minute)
	r.leavesNothing(t, "DUE#", "OPEN#", "SC#")
}

// leavesNothing fails the test for records in partitions that begin so.
func (r *rig) leavesNothing(t *testing.T, prefixes ...string) {
	t.Helper()
	err := r.store.Scan(context.Background(), func(page []muster.Record) error {
		for _, rec := range page {
			for _, p := range prefixes {
				if strings.HasPrefix(rec.Partition, p) {
					t.Errorf("record %s / %s is left: %s", rec.Partition, rec.Sort, rec.Value)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreatingASession(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("x", 65)
	cases := []struct {
		name string
		req  muster.SessionRequest
		kind muster.Kind
		code string
	}{
		{"an unknown mode is not found", muster.SessionRequest{Mode: "chess"}, muster.NotFound, "mode.unknown"},
		{"a mode of matchmaking has no sessions to create", muster.SessionRequest{Mode: "duel"}, muster.Denied, "session.matchmaking_only"},
		{"a name has an end", muster.SessionRequest{Mode: "lobby", Name: long}, muster.Invalid, "session.name_length"},
		{"a name is printable", muster.SessionRequest{Mode: "lobby", Name: "a\x07b"}, muster.Invalid, "session.name_characters"},
		{"no more players than the mode allows", muster.SessionRequest{Mode: "lobby", MaxPlayers: 5}, muster.Invalid, "session.max_players"},
		{"no fewer than none", muster.SessionRequest{Mode: "lobby", MaxPlayers: -1}, muster.Invalid, "session.max_players"},
		{"a property that the mode does not list", muster.SessionRequest{Mode: "lobby", Properties: map[string]string{"x": "y"}}, muster.Invalid, "session.property"},
		{"a value that is not offered", muster.SessionRequest{Mode: "lobby", Properties: map[string]string{"map": "moon"}}, muster.Invalid, "session.property"},
		{"a property for game servers alone", muster.SessionRequest{Mode: "lobby", Properties: map[string]string{"round": "1"}}, muster.Invalid, "session.property"},
		{"a team where there is none", muster.SessionRequest{Mode: "lobby", Team: "red"}, muster.Invalid, "session.team_unknown"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := lobby(nil)
			_, err := r.CreateSession(ctx, r.guest("ann"), c.req)
			wantError(t, err, c.kind, c.code)
		})
	}
	t.Run("where servers create, players do not", func(t *testing.T) {
		r := lobby(func(o *muster.SessionOptions) { o.Create = muster.CreateByServers })
		_, err := r.CreateSession(ctx, r.guest("ann"), muster.SessionRequest{Mode: "lobby"})
		wantError(t, err, muster.Denied, "session.create_denied")
		made := must[muster.SessionPlacementView](t)(r.CreateServerSession(ctx, muster.SessionRequest{Mode: "lobby", Properties: map[string]string{"round": "9"}}))
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		view := must[muster.SessionPlacementView](t)(r.ServerPlacement(ctx, made.ID))
		if view.Status != muster.PlacementFulfilled || view.Seat != nil {
			t.Errorf("the placement is %+v, want a session without a seat", view)
		}
		if got := r.listed(t, muster.SessionQuery{HasRoom: true, Location: "custom-local"}); len(got) != 1 {
			t.Errorf("listed are %v", got)
		}
		if got := r.listed(t, muster.SessionQuery{Location: "custom-far"}); len(got) != 0 {
			t.Errorf("listed elsewhere are %v", got)
		}
	})
	t.Run("where nobody creates, servers do not either", func(t *testing.T) {
		r := lobby(func(o *muster.SessionOptions) { o.Create = "" })
		_, err := r.CreateServerSession(ctx, muster.SessionRequest{Mode: "lobby"})
		wantError(t, err, muster.Denied, "session.create_denied")
	})
	t.Run("a ticket for a mode without matchmaking is refused", func(t *testing.T) {
		r := lobby(nil)
		_, _, err := r.StartTicket(ctx, r.guest("ann"), muster.TicketRequest{Mode: "lobby"}, "")
		wantError(t, err, muster.Denied, "ticket.no_matchmaking")
	})
	t.Run("locations in order go without latencies being dropped here", func(t *testing.T) {
		r := lobby(func(o *muster.SessionOptions) { o.LocationOrder = []string{"custom-local"} })
		made := r.open(t, r.guest("ann"), muster.SessionRequest{})
		if got := r.lift.placements[made.ID].req.LocationOrder; len(got) != 1 {
			t.Errorf("the order sent is %v", got)
		}
	})
}

func TestOneThingAtATimeAndReconnectFirst(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.lift.manual = true
	made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
	for name, try := range map[string]func() error{
		"another session": func() error {
			_, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})
			return err
		},
		"a ticket": func() error { _, _, err := r.StartTicket(ctx, ann, duel(), ""); return err },
	} {
		t.Run("while placing, "+name+" is refused with the placement", func(t *testing.T) {
			err := try()
			wantError(t, err, muster.Conflict, "placement.pending")
			if got := err.(*muster.Error).Details["placementId"]; got != made.ID { //nolint:errorlint // wantError has looked
				t.Errorf("the answer names %v, want %s", got, made.ID)
			}
		})
	}
	snap := must[muster.Snapshot](t)(r.Snapshot(ctx, ann))
	if snap.Placement == nil || snap.Placement.ID != made.ID {
		t.Errorf("the snapshot is %+v", snap)
	}
	if me := must[muster.PlayerView](t)(r.Me(ctx, ann)); me.Activity == nil || me.Activity.PlacementID != made.ID {
		t.Errorf("ann is %+v", me)
	}
	r.lift.endPlacement(made.ID, muster.PlacementFulfilled)
	if err := r.deliverPlaced(); err != nil {
		t.Fatal(err)
	}
	id := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID)).SessionID
	seat := must[muster.SeatView](t)(r.Seat(ctx, ann))
	r.lift.manual = false
	other := r.open(t, bob, muster.SessionRequest{})
	for name, try := range map[string]func() error{
		"another session": func() error {
			_, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})
			return err
		},
		"a ticket":     func() error { _, _, err := r.StartTicket(ctx, ann, duel(), ""); return err },
		"another seat": func() error { _, err := r.JoinSession(ctx, ann, other.SessionID, muster.JoinRequest{}); return err },
		"to watch as well": func() error {
			_, err := r.JoinSession(ctx, ann, id, muster.JoinRequest{Role: muster.Spectator})
			return err
		},
	} {
		t.Run("while seated, "+name+" is refused with the seat", func(t *testing.T) {
			err := try()
			wantError(t, err, muster.Conflict, "session.live")
			if got := err.(*muster.Error).Details["seat"]; got != seat { //nolint:errorlint // wantError has looked
				t.Errorf("the answer has %v, want %v", got, seat)
			}
		})
	}
	if err := r.LeaveSession(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.start(t, ann, duel())
}

func TestPlacementsEndOnceWhateverIsHeard(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name   string
		ends   []muster.PlacementStatus // in the order in which the news come
		status muster.PlacementStatus
		code   string
	}{
		{"fulfilled", []muster.PlacementStatus{muster.PlacementFulfilled}, muster.PlacementFulfilled, ""},
		{"fulfilled, told twice", []muster.PlacementStatus{muster.PlacementFulfilled, muster.PlacementFulfilled}, muster.PlacementFulfilled, ""},
		{"a failure that comes late changes nothing", []muster.PlacementStatus{muster.PlacementFulfilled, muster.PlacementFailed}, muster.PlacementFulfilled, ""},
		{"failed", []muster.PlacementStatus{muster.PlacementFailed, muster.PlacementFulfilled}, muster.PlacementFailed, "placement.failed"},
		{"timed out", []muster.PlacementStatus{muster.PlacementTimedOut}, muster.PlacementTimedOut, "placement.no_server"},
		{"cancelled", []muster.PlacementStatus{muster.PlacementCancelled}, muster.PlacementCancelled, "placement.cancelled"},
		{"pending is no news", []muster.PlacementStatus{muster.PlacementPending}, muster.PlacementPending, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := lobby(nil)
			ann := r.guest("ann")
			r.lift.manual = true
			made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
			r.inbox.take()
			for _, status := range c.ends {
				snap := muster.PlacementSnapshot{Placement: made.ID, Status: status}
				if status == muster.PlacementFulfilled {
					snap.Session, snap.Port, snap.Seats = "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-local/x", 1, map[muster.PlayerID]muster.SeatID{"someone": "psess-2", ann: "psess-1"}
					r.lift.seats["psess-1"] = &muster.SeatState{Seat: "psess-1", Player: ann, Live: true}
				}
				if err := r.ApplyPlacement(ctx, muster.PlacementEvent{ID: "e", PlacementSnapshot: snap}); err != nil {
					t.Fatal(err)
				}
			}
			view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID))
			if view.Status != c.status || (view.Reason == nil) != (c.code == "") || view.Reason != nil && view.Reason.Code != c.code {
				t.Errorf("the placement is %+v", view)
			}
			_, err := r.Seat(ctx, ann)
			if seated := err == nil; seated != (c.status == muster.PlacementFulfilled) {
				t.Errorf("seated is %t: %v", seated, err)
			}
			told := r.inbox.take()
			if want := map[bool]int{true: 1, false: 0}[c.status.Final()]; len(told) != want {
				t.Errorf("%d notices, want %d: %+v", len(told), want, told)
			}
			for _, n := range told {
				if n.Player != ann || n.Type != "placement" {
					t.Errorf("told %+v", n)
				}
			}
		})
	}
	t.Run("events of placements that are not ours are skipped", func(t *testing.T) {
		r := lobby(nil)
		for _, id := range []muster.PlacementID{"", "0199c0de-0000-7000-8000-000000000001", "room-unknown", "match-unknown"} {
			ev := muster.PlacementEvent{ID: "e", PlacementSnapshot: muster.PlacementSnapshot{Placement: id, Status: muster.PlacementFailed}}
			if err := r.ApplyPlacement(ctx, ev); err != nil {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

// TestAPlacementIsSettledWithoutEvents plays what can become of a request when no event
// ever comes.
func TestAPlacementIsSettledWithoutEvents(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name   string
		start  func() (bool, error)
		code   string // of the call's own error
		then   func(r *rig, id muster.PlacementID)
		status muster.PlacementStatus
		asks   int
	}{
		{"the reconciler hears that it was fulfilled", nil, "", func(r *rig, _ muster.PlacementID) { r.lift.takePlaced() }, muster.PlacementFulfilled, 1},
		{"a lost answer changes nothing", func() (bool, error) { return true, errDown }, "", nil, muster.PlacementFulfilled, 1},
		{"a lost request is made again", func() (bool, error) { return false, errDown }, "", func(r *rig, _ muster.PlacementID) { r.lift.placeErr = nil }, muster.PlacementFulfilled, 2},
		{"a request that is lost again and again fails in the end", func() (bool, error) { return false, errDown }, "", nil, muster.PlacementFailed, 6},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := lobby(nil)
			ann := r.guest("ann")
			r.lift.placeErr = c.start
			made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
			if c.then != nil {
				c.then(r, made.ID)
			}
			r.lift.takePlaced()
			r.sweep(t, 100*time.Second)
			view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID))
			if view.Status != c.status || r.lift.asks != c.asks {
				t.Errorf("the placement is %+v after %d tries, want %s after %d", view, r.lift.asks, c.status, c.asks)
			}
			_, err := r.Seat(ctx, ann)
			if (err == nil) != (c.status == muster.PlacementFulfilled) {
				t.Errorf("the seat: %v", err)
			}
			r.sweep(t, 30*time.Second)
			r.leavesNothing(t, "DUE#placement")
		})
	}
	t.Run("a refusal frees the player at once", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.placeErr = func() (bool, error) { return false, muster.Errorf(muster.Invalid, "gamelift.invalid_request", "no") }
		_, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})
		wantError(t, err, muster.Invalid, "gamelift.invalid_request")
		r.start(t, ann, duel())
	})
	t.Run("while GameLift is down nothing is decided", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.down = true
		made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
		for range 40 {
			r.clock.advance(5 * time.Second)
			_ = r.Reconcile(ctx) // it says that GameLift is down
		}
		if view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID)); view.Status != muster.PlacementPending {
			t.Errorf("the placement is %+v", view)
		}
		r.lift.down = false
		r.sweep(t, 30*time.Second)
		if view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, made.ID)); view.Status != muster.PlacementFailed {
			t.Errorf("the placement is %+v, want it lost", view)
		}
	})
}

func TestCancellingAPlacement(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*rig, muster.PlayerID, muster.PlacementID) {
		r := lobby(nil)
		r.lift.manual = true
		ann := r.guest("ann")
		return r, ann, must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})).ID
	}
	t.Run("frees the player", func(t *testing.T) {
		r, ann, id := begin(t)
		view := must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		if view.Status != muster.PlacementCancelled {
			t.Errorf("the placement is %+v", view)
		}
		again := must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		if again.Version != view.Version {
			t.Error("cancelling twice changed something")
		}
		r.start(t, ann, duel())
	})
	t.Run("that was fulfilled meanwhile gives the seat", func(t *testing.T) {
		r, ann, id := begin(t)
		r.lift.endPlacement(id, muster.PlacementFulfilled)
		view := must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		if view.Status != muster.PlacementFulfilled || view.Seat == nil {
			t.Errorf("the placement is %+v", view)
		}
	})
	t.Run("that never arrived does not bring it back", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.placeErr = func() (bool, error) { return false, errDown }
		id := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})).ID
		r.lift.placeErr = nil
		must[muster.SessionPlacementView](t)(r.CancelPlacement(ctx, ann, id))
		r.sweep(t, 60*time.Second)
		if view := must[muster.SessionPlacementView](t)(r.Placement(ctx, ann, id)); view.Status != muster.PlacementCancelled || r.lift.asks != 1 {
			t.Errorf("the placement is %+v after %d tries", view, r.lift.asks)
		}
	})
	t.Run("is refused while GameLift is down", func(t *testing.T) {
		r, ann, id := begin(t)
		r.lift.down = true
		_, err := r.CancelPlacement(ctx, ann, id)
		wantError(t, err, muster.Unavailable, "gamelift.unavailable")
	})
	t.Run("of another is not found", func(t *testing.T) {
		r, _, id := begin(t)
		for _, stranger := range []muster.PlayerID{r.guest("eve"), ""} {
			_, err := r.CancelPlacement(ctx, stranger, id)
			wantError(t, err, muster.NotFound, "placement.not_found")
			_, err = r.Placement(ctx, stranger, id)
			wantError(t, err, muster.NotFound, "placement.not_found")
			_, err = r.WaitPlacement(ctx, stranger, id, -1, time.Second)
			wantError(t, err, muster.NotFound, "placement.not_found")
		}
	})
}

func TestWaitingForAPlacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ctx := lobby(nil), context.Background()
		ann := r.guest("ann")
		r.lift.manual = true
		made := must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"}))
		answer := make(chan muster.SessionPlacementView)
		go func() {
			view, _ := r.WaitPlacement(ctx, ann, made.ID, made.Version, 20*time.Second) // the view says it
			answer <- view
		}()
		synctest.Wait()
		r.lift.endPlacement(made.ID, muster.PlacementFulfilled)
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		if view := <-answer; view.Status != muster.PlacementFulfilled || view.Seat == nil {
			t.Errorf("the waiter got %+v", view)
		}
	})
}

func TestPrivateSessions(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, eve := r.guest("ann"), r.guest("bob"), r.guest("eve")
	made := r.open(t, ann, muster.SessionRequest{Private: true})
	id, code := made.SessionID, made.Code
	if len(code) != 10 {
		t.Fatalf("the code is %q", code)
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("a private session is listed: %v", got)
	}
	_, unknown := r.JoinSession(ctx, eve, id+"x", muster.JoinRequest{Code: code})
	for name, try := range map[string]func() error{
		"without a code": func() error { _, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{}); return err },
		"with a wrong one": func() error {
			_, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{Code: "2345678934"})
			return err
		},
		"with part of it": func() error { _, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{Code: code[:9]}); return err },
		"to watch": func() error {
			_, err := r.JoinSession(ctx, eve, id, muster.JoinRequest{Role: muster.Spectator})
			return err
		},
		"by a wrong code alone": func() error { _, err := r.JoinByCode(ctx, eve, muster.JoinRequest{Code: "2345678934"}); return err },
		"by no code":            func() error { _, err := r.JoinByCode(ctx, eve, muster.JoinRequest{}); return err },
		"reading it":            func() error { _, err := r.Session(ctx, eve, id); return err },
	} {
		if err := try(); fmt.Sprint(err) != fmt.Sprint(unknown) {
			t.Errorf("%s: %v differs from the answer for no session: %v", name, err, unknown)
		}
	}
	spelled := strings.ToLower(code[:5]) + " - " + code[5:]
	must[muster.SeatView](t)(r.JoinByCode(ctx, bob, muster.JoinRequest{Code: spelled}))
	if v := must[muster.SessionView](t)(r.Session(ctx, bob, id)); v.Code != code {
		t.Errorf("a member sees the code %q, want %q", v.Code, code)
	}
	if err := r.LeaveSession(ctx, bob); err != nil {
		t.Fatal(err)
	}
	_, err := r.Session(ctx, bob, id)
	wantError(t, err, muster.NotFound, "session.not_found")
	must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true}))
	_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: code})
	wantError(t, err, muster.NotFound, "session.not_found")
	_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: code})
	for muster.KindOf(err) == muster.NotFound {
		_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: "2222222222"})
	}
	wantError(t, err, muster.Exhausted, "session.too_many_codes")
	r.clock.advance(time.Minute)
	_, err = r.JoinByCode(ctx, eve, muster.JoinRequest{Code: code})
	wantError(t, err, muster.NotFound, "session.not_found")
	_ = r.store.Scan(ctx, func(page []muster.Record) error {
		for _, rec := range page {
			if strings.Contains(rec.Partition+rec.Sort, code) {
				t.Errorf("the code stands in the key %s / %s", rec.Partition, rec.Sort)
			}
		}
		return nil
	})
}

// TestTheLastPlaceGoesToOne lets 64 players join at once where one place is left.
func TestTheLastPlaceGoesToOne(t *testing.T) {
	r, ctx := lobby(func(o *muster.SessionOptions) { o.MaxPlayers, o.Spectators = 2, 0 }), context.Background()
	id := r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
	var wg sync.WaitGroup
	var mu sync.Mutex
	var seats []muster.SeatView
	for i := range 64 {
		p := r.guest(fmt.Sprint("guest-", i))
		wg.Go(func() {
			seat, err := r.JoinSession(ctx, p, id, muster.JoinRequest{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				seats = append(seats, seat)
			case muster.KindOf(err) != muster.Conflict && muster.KindOf(err) != muster.Unavailable:
				t.Errorf("player %s: %v", p, err)
			}
		})
	}
	wg.Wait()
	if len(seats) != 1 {
		t.Fatalf("%d players got the last place", len(seats))
	}
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); len(v.Players) != 2 {
		t.Errorf("the roster is %+v", v.Players)
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("a full session is listed: %v", got)
	}
	if err := r.RemovePlayer(ctx, id, r.lift.seats[seats[0].PlayerSessionID].Player); err != nil {
		t.Fatal(err)
	}
	if got := r.listed(t, muster.SessionQuery{HasRoom: true}); len(got) != 1 {
		t.Errorf("a session with a free place is not listed: %v", got)
	}
}

// TestOnePlayerJoinsOneSession lets one player do everything at once.
func TestOnePlayerJoinsOneSession(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann := r.guest("ann")
	var ids []muster.SessionID
	for i := range 8 {
		ids = append(ids, r.open(t, r.guest(fmt.Sprint("host-", i)), muster.SessionRequest{}).SessionID)
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		for _, role := range []muster.SeatRole{"", muster.Spectator} {
			wg.Go(func() { _, _ = r.JoinSession(ctx, ann, id, muster.JoinRequest{Role: role}) }) // who won shows below
		}
	}
	wg.Wait()
	in := 0
	for _, id := range ids {
		for _, p := range must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)).Players {
			if p.PlayerID == ann && !p.Left {
				in++
			}
		}
	}
	if in != 1 {
		t.Errorf("ann is in %d sessions", in)
	}
}

func TestAJoinIsSettledWhateverGameLiftAnswers(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*rig, muster.PlayerID, muster.SessionID) {
		r := lobby(nil)
		return r, r.guest("bob"), r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
	}
	join := func(r *rig, p muster.PlayerID, id muster.SessionID) (muster.SeatView, error) {
		return r.JoinSession(ctx, p, id, muster.JoinRequest{})
	}
	t.Run("a lost answer keeps the place, and the seat is found", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) { return true, errDown }
		_, err := join(r, bob, id)
		wantError(t, err, muster.Unavailable, "gamelift.unavailable")
		_, err = r.Seat(ctx, bob)
		wantError(t, err, muster.Conflict, "session.joining")
		_, _, err = r.StartTicket(ctx, bob, duel(), "")
		wantError(t, err, muster.Conflict, "session.joining")
		r.clock.advance(11 * time.Second)
		if seat := must[muster.SeatView](t)(r.Seat(ctx, bob)); seat.SessionID != id || r.lift.seats[seat.PlayerSessionID].Player != bob {
			t.Errorf("the seat is %+v", seat)
		}
	})
	t.Run("a lost request gives the place back", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) { return false, errDown }
		_, err := join(r, bob, id)
		wantError(t, err, muster.Unavailable, "gamelift.unavailable")
		r.clock.advance(11 * time.Second)
		_, err = r.Seat(ctx, bob)
		wantError(t, err, muster.NotFound, "session.none")
		if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); len(v.Players) != 1 {
			t.Errorf("the roster is %+v, want ann alone", v.Players)
		}
	})
	t.Run("a lost answer to a player who never asks again", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) { return false, errDown }
		_, _ = join(r, bob, id) // it is lost
		r.sweep(t, 5*time.Minute)
		if v := must[muster.SessionView](t)(r.Session(ctx, bob, id)); v.PlayerCount != 1 {
			t.Errorf("the session is %+v, want the place given up", v)
		}
	})
	t.Run("a session that is full at GameLift", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.capacity[id] = 1
		_, err := join(r, bob, id)
		wantError(t, err, muster.Conflict, "session.full")
		r.start(t, bob, duel())
	})
	t.Run("a session that is over at GameLift ends here, too", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.sessions[id].Live = false
		_, err := join(r, bob, id)
		wantError(t, err, muster.Conflict, "session.refused")
		if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
			t.Errorf("listed are %v", got)
		}
		r.start(t, bob, duel())
		r.start(t, r.guest("ann"), duel())
	})
	t.Run("who returns while GameLift keeps the seat gets that one", func(t *testing.T) {
		r, bob, id := begin(t)
		first := must[muster.SeatView](t)(join(r, bob, id))
		if err := r.LeaveSession(ctx, bob); err != nil {
			t.Fatal(err)
		}
		if again := must[muster.SeatView](t)(join(r, bob, id)); again.PlayerSessionID != first.PlayerSessionID {
			t.Errorf("the seats are %+v and %+v", first, again)
		}
	})
	t.Run("an answer that comes after the join was given up", func(t *testing.T) {
		r, bob, id := begin(t)
		r.lift.reserveErr = func() (bool, error) {
			r.lift.mu.Unlock()
			defer r.lift.mu.Lock()
			r.clock.advance(11 * time.Second)
			_, _ = r.Seat(ctx, bob) // gives it up
			return true, nil
		}
		_, err := join(r, bob, id)
		wantError(t, err, muster.Conflict, "session.overtaken")
		if v := must[muster.SessionView](t)(r.Session(ctx, bob, id)); v.PlayerCount != 1 {
			t.Errorf("the session is %+v", v)
		}
	})
}

func TestSessionsEndAndPlacesAreGivenUpWithoutAWord(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann, bob, cyd := r.guest("ann"), r.guest("bob"), r.guest("cyd")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	r.lift.endSeats(func(s muster.SeatState) bool { return s.Player == bob })
	r.sweep(t, 5*time.Minute)
	if v := must[muster.SessionView](t)(r.Session(ctx, cyd, id)); v.PlayerCount != 1 {
		t.Errorf("the session is %+v, want bob's place given up", v)
	}
	r.start(t, bob, duel())
	r.lift.sessions[id].Live = false
	r.sweep(t, 5*time.Minute)
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("a session that is over is listed: %v", got)
	}
	_, err := r.Seat(ctx, ann)
	wantError(t, err, muster.NotFound, "session.none")
	r.leavesNothing(t, "DUE#session", "OPEN#")
}

func TestASessionThatLastsForWeeksIsKept(t *testing.T) {
	r := lobby(nil)
	id := r.open(t, r.guest("ann"), muster.SessionRequest{}).SessionID
	for range 21 * 4 {
		r.clock.advance(6 * time.Hour)
		if err := r.Reconcile(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 1 || got[0] != id {
		t.Errorf("after three weeks listed are %v", got)
	}
}

func TestGameServersAndTheirSessions(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*rig, muster.PlayerID, muster.SessionID) {
		r := lobby(nil)
		ann := r.guest("ann")
		return r, ann, r.open(t, ann, muster.SessionRequest{}).SessionID
	}
	yes, no := true, false
	t.Run("a locked session is not listed and takes nobody", func(t *testing.T) {
		r, _, id := begin(t)
		must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Locked: &yes}))
		_, err := r.JoinSession(ctx, r.guest("bob"), id, muster.JoinRequest{})
		wantError(t, err, muster.Conflict, "session.locked")
		if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
			t.Errorf("listed are %v", got)
		}
		must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Locked: &no}))
		must[muster.SeatView](t)(r.JoinSession(ctx, r.guest("bob"), id, muster.JoinRequest{}))
	})
	t.Run("a property that the mode does not list is refused", func(t *testing.T) {
		r, _, id := begin(t)
		_, err := r.UpdateSession(ctx, id, muster.SessionUpdate{Properties: map[string]string{"x": "y"}})
		wantError(t, err, muster.Invalid, "session.property")
		_, err = r.UpdateSession(ctx, id, muster.SessionUpdate{Properties: map[string]string{"map": "moon"}})
		wantError(t, err, muster.Invalid, "session.property")
	})
	t.Run("a player who went is free, once and again", func(t *testing.T) {
		r, ann, id := begin(t)
		for range 2 {
			if err := r.RemovePlayer(ctx, id, ann); err != nil {
				t.Fatal(err)
			}
		}
		r.start(t, ann, duel())
		if err := r.RemovePlayer(ctx, id, ann); err != nil {
			t.Fatal(err)
		}
		if me := must[muster.PlayerView](t)(r.Me(ctx, ann)); me.Activity == nil || me.Activity.Kind != "ticket" {
			t.Errorf("ann's new ticket was lost: %+v", me.Activity)
		}
		wantError(t, r.RemovePlayer(ctx, id, r.guest("eve")), muster.NotFound, "session.player_unknown")
	})
	t.Run("an unknown session is not found", func(t *testing.T) {
		r, ann, _ := begin(t)
		for _, id := range []muster.SessionID{"", "arn:aws:gamelift:none", muster.SessionID(strings.Repeat("x", 2000)), "\xff"} {
			_, err := r.ServerSession(ctx, id)
			wantError(t, err, muster.NotFound, "session.not_found")
			_, err = r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true})
			wantError(t, err, muster.NotFound, "session.not_found")
			wantError(t, r.RemovePlayer(ctx, id, ann), muster.NotFound, "session.not_found")
		}
	})
	t.Run("a match's session is ended, but has no lock", func(t *testing.T) {
		r := newRig(false)
		ann, bob := r.guest("ann"), r.guest("bob")
		r.start(t, ann, duel())
		r.start(t, bob, duel())
		r.mustDeliver(t)
		id := must[muster.SeatView](t)(r.Seat(ctx, ann)).SessionID
		_, err := r.UpdateSession(ctx, id, muster.SessionUpdate{Locked: &yes})
		wantError(t, err, muster.Conflict, "session.not_open")
		_, err = r.JoinSession(ctx, r.guest("eve"), id, muster.JoinRequest{})
		wantError(t, err, muster.NotFound, "session.not_found")
		_, err = r.Session(ctx, r.guest("eve"), id)
		wantError(t, err, muster.NotFound, "session.not_found")
		if v := must[muster.SessionView](t)(r.Session(ctx, ann, id)); len(v.Players) != 2 {
			t.Errorf("ann sees %+v", v)
		}
		must[muster.ServerSessionView](t)(r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true}))
		r.start(t, ann, duel())
		r.start(t, bob, duel())
	})
}

func TestBrowsingPagesThroughEverythingOnce(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	want := map[muster.SessionID]bool{}
	for i := range 60 {
		r.clock.advance(time.Second)
		req := muster.SessionRequest{Properties: map[string]string{"map": []string{"harbour", "tower"}[i%2]}}
		id := r.open(t, r.guest(fmt.Sprint("host-", i)), req).SessionID
		if i%2 == 0 {
			want[id] = true
		}
	}
	q := muster.SessionQuery{Mode: "lobby", Limit: 7, Properties: map[string]string{"map": "harbour"}}
	var last time.Time
	pages := 0
	for more := true; more; pages++ {
		page := must[muster.SessionPage](t)(r.OpenSessions(ctx, q))
		for _, s := range page.Sessions {
			if !want[s.ID] || !last.IsZero() && s.CreatedAt.After(last) {
				t.Errorf("session %s of %s is out of place", s.ID, s.CreatedAt)
			}
			delete(want, s.ID)
			last = s.CreatedAt
		}
		q.After, more = page.Next, page.Next != ""
	}
	if len(want) != 0 || pages > 6 {
		t.Errorf("%d sessions were not listed on %d pages", len(want), pages)
	}
	for name, bad := range map[string]muster.SessionQuery{
		"session.limit": {Mode: "lobby", Limit: 51}, "mode.unknown": {Mode: "x", Limit: 1},
		"session.cursor": {Mode: "lobby", Limit: 1, After: "\xff"}, "session.matchmaking_only": {Mode: "duel", Limit: 1},
	} {
		_, err := r.OpenSessions(ctx, bad)
		if e, ok := err.(*muster.Error); !ok || e.Code != name { //nolint:errorlint // the rules return it unwrapped
			t.Errorf("%+v: %v, want %s", bad, err, name)
		}
	}
}

// TestNobodySeesTheSeatOfAnother looks through all that is shown for seats.
func TestNobodySeesTheSeatOfAnother(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, eve := r.guest("ann"), r.guest("bob"), r.guest("eve")
	made := r.open(t, ann, muster.SessionRequest{})
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, made.SessionID, muster.JoinRequest{}))
	shown := map[muster.PlayerID][]any{}
	for _, p := range []muster.PlayerID{ann, bob, eve} {
		page := must[muster.SessionPage](t)(r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", Limit: 10}))
		session := must[muster.SessionView](t)(r.Session(ctx, p, made.SessionID))
		snapshot := must[muster.Snapshot](t)(r.Snapshot(ctx, p))
		shown[p] = append(shown[p], page, session, snapshot)
	}
	for _, n := range r.inbox.take() {
		shown[n.Player] = append(shown[n.Player], n.Data)
	}
	for p, all := range shown {
		body, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		for id, seat := range r.lift.seats {
			if seat.Player != p && strings.Contains(string(body), string(id)) {
				t.Errorf("%s is shown the seat of %s", p, seat.Player)
			}
		}
	}
}

func TestAResultEndsALobby(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, cyd, dan := r.guest("ann"), r.guest("bob"), r.guest("cyd"), r.guest("dan")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	for _, p := range []muster.PlayerID{bob, cyd} {
		must[muster.SeatView](t)(r.JoinSession(ctx, p, id, muster.JoinRequest{}))
	}
	must[muster.SeatView](t)(r.JoinSession(ctx, dan, id, muster.JoinRequest{Role: muster.Spectator}))
	if err := r.LeaveSession(ctx, cyd); err != nil {
		t.Fatal(err)
	}
	report := func(players ...muster.PlayerID) muster.ResultReport {
		all := muster.ResultReport{}
		for i, p := range players {
			all.Players = append(all.Players, muster.ResultPlace{ResultPlayer: muster.ResultPlayer{PlayerID: p}, Rank: i + 1})
		}
		return all
	}
	_, err := r.ReportResult(ctx, id, report(ann))
	wantError(t, err, muster.Invalid, "result.incomplete")
	_, err = r.ReportResult(ctx, id, report(ann, bob, dan))
	wantError(t, err, muster.Invalid, "result.stranger")
	must[muster.ResultView](t)(r.ReportResult(ctx, id, report(ann, bob)))
	for _, p := range []muster.PlayerID{ann, bob, dan} {
		_, err := r.Seat(ctx, p)
		wantError(t, err, muster.NotFound, "session.none")
	}
	if v := must[muster.ServerSessionView](t)(r.ServerSession(ctx, id)); v.EndedAt == nil {
		t.Errorf("the session is %+v", v)
	}
}
