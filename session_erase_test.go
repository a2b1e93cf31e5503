package muster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster"
)

// privateLobby is a rig with sessions that players make, and with ids that stand nowhere
// else.
func privateLobby() *rig {
	next := ids("0199c0de-0000-7000-8000-0000000")
	return newRigWith(false, func(o *muster.Options) {
		o.NewID = next
		o.Modes = append(o.Modes, muster.Mode{Name: "lobby", Kind: muster.Queue, Sessions: &muster.SessionOptions{
			Queue: "lobbies", MaxPlayers: 4, Create: muster.CreateByPlayers, Browse: true,
		}})
	})
}

// deleteAccount deletes a player and erases what it can.
func (r *rig) deleteAccount(t *testing.T, p muster.PlayerID) {
	t.Helper()
	if err := r.DeleteAccount(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	r.erase(t)
}

// inSessions are the traces of a player in sessions.
func (r *rig) inSessions(t *testing.T, p muster.PlayerID) (found []string) {
	t.Helper()
	for _, key := range r.traces(t, string(p)) {
		if strings.HasPrefix(key, "GS#") {
			found = append(found, key)
		}
	}
	return found
}

func TestASessionThatGoesOnForgetsWhoWasDeleted(t *testing.T) {
	ctx := context.Background()
	report := func(players ...muster.PlayerID) (all muster.ResultReport) {
		for i, p := range players {
			all.Players = append(all.Players, muster.ResultPlace{Rank: i + 1, ResultPlayer: muster.ResultPlayer{PlayerID: p}})
		}
		return all
	}
	for name, arrange := range map[string]func(t *testing.T, r *rig, ann, bob muster.PlayerID) (id muster.SessionID){
		"its creator, who is in it": func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.SessionID {
			id := r.open(t, ann, muster.SessionRequest{}).SessionID
			must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
			r.deleteAccount(t, ann)
			return id
		},
		"its creator, who left it": func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.SessionID {
			id := r.open(t, ann, muster.SessionRequest{}).SessionID
			must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
			if err := r.LeaveSession(ctx, ann); err != nil {
				t.Fatal(err)
			}
			r.deleteAccount(t, ann)
			return id
		},
		"who is in another's": func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.SessionID {
			id := r.open(t, bob, muster.SessionRequest{}).SessionID
			must[muster.SeatView](t)(r.JoinSession(ctx, ann, id, muster.JoinRequest{}))
			r.deleteAccount(t, ann)
			return id
		},
		"who had left another's, half a day later": func(t *testing.T, r *rig, ann, bob muster.PlayerID) muster.SessionID {
			id := r.open(t, bob, muster.SessionRequest{}).SessionID
			must[muster.SeatView](t)(r.JoinSession(ctx, ann, id, muster.JoinRequest{}))
			if err := r.LeaveSession(ctx, ann); err != nil {
				t.Fatal(err)
			}
			r.deleteAccount(t, ann)
			r.sweep(t, 13*time.Hour)
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			for when, wait := range map[string]int{"at once": 0, "ten days later": 10} {
				t.Run(when, func(t *testing.T) {
					r := privateLobby()
					ann, bob := r.guest("ann"), r.guest("bob")
					id := arrange(t, r, ann, bob)
					for range wait * 24 {
						r.clock.advance(time.Hour)
						if err := r.Reconcile(ctx); err != nil {
							t.Fatal(err)
						}
					}
					r.erase(t)
					if found := r.inSessions(t, ann); len(found) > 0 {
						t.Errorf("the player stands in %v", found)
					}
					if err := r.RemovePlayer(ctx, id, ann); err != nil {
						t.Errorf("removing who is gone: %v", err)
					}
					if err := r.RemovePlayer(ctx, id, "nobody"); muster.KindOf(err) != muster.NotFound {
						t.Errorf("removing nobody: %v", err)
					}
					_, err := r.ReportResult(ctx, id, report(bob, ann, "nobody"))
					wantError(t, err, muster.Invalid, "result.stranger")
					must[muster.ResultView](t)(r.ReportResult(ctx, id, report(bob, ann)))
					if again := must[muster.ResultView](t)(r.ReportResult(ctx, id, report(bob, ann))); !again.Repeated {
						t.Errorf("the same report again: %+v", again)
					}
					for range 10 {
						r.clock.advance(24 * time.Hour)
						r.erase(t)
					}
					if found := r.inSessions(t, ann); len(found) > 0 {
						t.Errorf("after the result the player stands in %v", found)
					}
				})
			}
		})
	}
}

func TestAMatchGoesOnWithoutWhoWasDeleted(t *testing.T) {
	ctx := context.Background()
	r := privateLobby()
	ann, bob := r.guest("ann"), r.guest("bob")
	for _, p := range []muster.PlayerID{ann, bob} {
		r.start(t, p, duel())
	}
	events := r.lift.events
	r.mustDeliver(t)
	mine, theirs := must[muster.SeatView](t)(r.Seat(ctx, ann)), must[muster.SeatView](t)(r.Seat(ctx, bob))
	r.deleteAccount(t, ann)
	for _, ev := range events { // once more, as those of a backfill would be
		if err := r.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
	}
	r.erase(t)
	must[muster.ResultView](t)(r.ReportResult(ctx, mine.SessionID, muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: mine.Team, Rank: 1, Players: []muster.ResultPlayer{{PlayerID: ann}}},
		{Name: theirs.Team, Rank: 2, Players: []muster.ResultPlayer{{PlayerID: bob}}},
	}}))
	for range 10 {
		r.clock.advance(24 * time.Hour)
		r.erase(t)
	}
	if found := r.inSessions(t, ann); len(found) > 0 {
		t.Errorf("after the result the player stands in %v", found)
	}
}

func TestASessionLosesItsNameWithWhoAskedForIt(t *testing.T) {
	ctx := context.Background()
	r := privateLobby()
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.open(t, ann, muster.SessionRequest{Name: "Annabella's den"}).SessionID
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	r.deleteAccount(t, ann)
	for _, key := range r.traces(t, "nobody", "Annabella") {
		if strings.HasPrefix(key, "GS#") {
			t.Errorf("the name stands in %s", key)
		}
	}
}
