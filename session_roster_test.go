package muster_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"muster"
)

// backfilled lets visitors come to a duel one after another. All but the last few leave it at
// once, as GameLift sees it.
func (r *rig) backfilled(t *testing.T, id muster.SessionID, visitors, stay int) []muster.PlayerID {
	t.Helper()
	var all []muster.PlayerID
	for i := range visitors {
		p := r.guest(fmt.Sprint("visitor", i))
		view, _, err := r.StartTicket(t.Context(), p, duel(), "")
		if err != nil {
			t.Fatal(err)
		}
		seat := muster.SeatID("psess-" + p)
		ev := muster.Event{
			Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", MatchID: "later", Session: id,
			Tickets: []muster.EventTicket{{ID: view.ID, Players: []muster.EventPlayer{{ID: p, Team: "red", Seat: seat}}}},
		}
		if err := r.ApplyEvent(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		r.lift.seats[seat] = &muster.SeatState{Seat: seat, Player: p, Session: id, Live: i >= visitors-stay}
		r.clock.advance(time.Second)
		if i < visitors-stay {
			if err := r.RemovePlayer(t.Context(), id, p); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, p)
	}
	return all
}

func (r *rig) rosterOf(t *testing.T, id muster.SessionID) map[muster.PlayerID]bool {
	t.Helper()
	roster := make(map[muster.PlayerID]bool)
	for _, p := range must[muster.ServerSessionView](t)(r.ServerSession(t.Context(), id)).Players {
		roster[p.PlayerID] = true
	}
	return roster
}

func TestAMatchOfManyVisitorsHasAResult(t *testing.T) {
	open := func(t *testing.T) (r *rig, a, b muster.PlayerID, id muster.SessionID, visitors []muster.PlayerID) {
		r = league(muster.Competition{})
		a, b = r.guest("a"), r.guest("b")
		id = r.seated(t, map[muster.PlayerID]string{a: "red", b: "blue"})
		return r, a, b, id, r.backfilled(t, id, 230, 2)
	}
	t.Run("that names who is there", func(t *testing.T) {
		r, a, b, id, visitors := open(t)
		_, err := r.ReportResult(t.Context(), id, beats(a, b))
		wantError(t, err, muster.Invalid, "result.incomplete") // two more are there
		report := beats(a, b)
		report.Teams[0] = side("red", 1, append([]muster.PlayerID{a}, visitors[228:]...)...)
		_ = must[muster.ResultView](t)(r.ReportResult(t.Context(), id, report))
		for _, p := range []muster.PlayerID{a, b, visitors[228], visitors[229]} {
			if s := r.rating(t, p); s.Games != 1 {
				t.Errorf("%s stands at %+v", p, s)
			}
			r.wantSettled(t, p, 1)
		}
	})
	t.Run("that names everybody", func(t *testing.T) {
		r, a, b, id, visitors := open(t)
		report := beats(a, b)
		report.Teams[0] = side("red", 1, append([]muster.PlayerID{a}, visitors...)...)
		_ = must[muster.ResultView](t)(r.ReportResult(t.Context(), id, report))
		if again := must[muster.ResultView](t)(r.ReportResult(t.Context(), id, report)); !again.Repeated || len(again.Players) != 200 {
			t.Errorf("a repeat is answered with repeated %v and %d players", again.Repeated, len(again.Players))
		}
		if s := r.rating(t, visitors[0]); s.Games != 0 {
			t.Errorf("who left first stands at %+v", s)
		}
		if s := r.rating(t, visitors[100]); s.Games != 1 {
			t.Errorf("who left later stands at %+v", s)
		}
	})
	t.Run("that names nobody of it", func(t *testing.T) {
		r, _, _, id, visitors := open(t)
		_, err := r.ReportResult(t.Context(), id, beats(visitors[0], visitors[1]))
		wantError(t, err, muster.Invalid, "result.players")
	})
	t.Run("and who has left may be removed again", func(t *testing.T) {
		r, _, _, id, visitors := open(t)
		if err := r.RemovePlayer(t.Context(), id, visitors[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestOfALongRosterWhoLeftFirstIsLetGoOf(t *testing.T) {
	r := lobby(nil)
	host := r.guest("host")
	id := r.open(t, host, muster.SessionRequest{}).SessionID
	var visitors []muster.PlayerID
	for i := range 260 {
		visitors = append(visitors, r.guest(fmt.Sprint("visitor", i)))
	}
	slices.Reverse(visitors) // ids that sort last come first
	for _, p := range visitors {
		_ = must[muster.SeatView](t)(r.JoinSession(t.Context(), p, id, muster.JoinRequest{}))
		if p == visitors[259] {
			break
		}
		if err := r.LeaveSession(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		r.lift.endSeats(func(s muster.SeatState) bool { return s.Player == p })
		r.clock.advance(time.Second)
	}
	roster := r.rosterOf(t, id)
	if len(roster) != 200 || !roster[host] {
		t.Fatalf("the roster has %d players, the host among them: %v", len(roster), roster[host])
	}
	for i, p := range visitors[101:] { // those before left while the roster was short
		if !roster[p] {
			t.Errorf("visitor %d of 260 is not on the roster", i+101)
		}
	}
	place := func(p muster.PlayerID, rank int, left bool) muster.ResultPlace {
		return muster.ResultPlace{ResultPlayer: muster.ResultPlayer{PlayerID: p, Left: left}, Rank: rank}
	}
	gone := visitors[slices.IndexFunc(visitors, func(p muster.PlayerID) bool { return !roster[p] })]
	view := must[muster.ResultView](t)(r.ReportResult(t.Context(), id, muster.ResultReport{Players: []muster.ResultPlace{
		place(host, 1, false), place(visitors[259], 2, false), place(visitors[258], 3, true), place(gone, 4, true),
	}}))
	rated := map[muster.PlayerID]bool{}
	for _, row := range view.Players {
		if !row.Unrated {
			rated[row.PlayerID] = true
		}
	}
	if len(rated) != 3 || !rated[visitors[258]] || rated[gone] {
		t.Errorf("rated are %v", rated)
	}
}
