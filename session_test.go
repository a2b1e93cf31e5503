package muster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
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

// serverSession asks for a session as a game server does.
func (r *rig) serverSession(t *testing.T, req muster.SessionRequest) muster.SessionPlacementView {
	t.Helper()
	view, created, err := r.CreateServerSession(context.Background(), req, "")
	if err != nil || !created {
		t.Fatalf("the session is %+v, new: %t (%v)", view, created, err)
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
		{"a name begins with no mark", muster.SessionRequest{Mode: "lobby", Name: "\u0301"}, muster.Invalid, "session.name_characters"},
		{"a name is text", muster.SessionRequest{Mode: "lobby", Name: "\xff"}, muster.Invalid, "session.name_length"},
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
		made := r.serverSession(t, muster.SessionRequest{Mode: "lobby", Properties: map[string]string{"round": "9"}})
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
	})
	t.Run("where nobody creates, servers do not either", func(t *testing.T) {
		r := lobby(func(o *muster.SessionOptions) { o.Create = "" })
		_, _, err := r.CreateServerSession(ctx, muster.SessionRequest{Mode: "lobby"}, "")
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
