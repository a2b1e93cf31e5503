package muster_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// looker follows what one player was told and looks for what they lack, as a replica does
// whose notices are lost.
type looker struct {
	*rig
	t      *testing.T
	player muster.PlayerID
	known  map[string]muster.Followed // what is still followed, by kind and id
	over   map[string]bool
}

func (r *rig) looker(t *testing.T, p muster.PlayerID) *looker {
	t.Helper()
	l := &looker{rig: r, t: t, player: p, known: map[string]muster.Followed{}, over: map[string]bool{}}
	snap, err := r.Snapshot(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	l.learn(snap.Following())
	return l
}

func (l *looker) learn(all []muster.Followed) {
	for _, f := range all {
		key := f.Kind + " " + f.ID
		switch {
		case f.Every == 0:
			delete(l.known, key)
			l.over[key] = true
		case !l.over[key]:
			l.known[key] = f
		}
	}
}

// look returns the types of the notices that were missing.
func (l *looker) look() (types []string) {
	l.t.Helper()
	for key, f := range l.known {
		lacking, open, err := l.CatchUp(context.Background(), l.player, f)
		if err != nil {
			l.t.Fatal(err)
		}
		if !open {
			delete(l.known, key)
		}
		for _, n := range lacking {
			if n.Player != l.player {
				l.t.Errorf("player %s is shown news of %s", l.player, n.Player)
			}
			types = append(types, n.Type)
			l.learn(n.Follow)
		}
	}
	return types
}

func wantNews(t *testing.T, when string, got []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("%s: missing were %q, want nothing", when, got)
	case want != "" && (len(got) != 1 || got[0] != want):
		t.Errorf("%s: missing were %q, want one %s", when, got, want)
	}
}

func TestWhoMissesEveryNoticeCatchesUp(t *testing.T) {
	r := newRig(true)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	a, b := r.start(t, ann, duel()), r.start(t, bob, duel())
	l := r.looker(t, ann)
	wantNews(t, "nothing has happened", l.look(), "")
	r.mustDeliver(t)
	wantNews(t, "a match was proposed", l.look(), "ticket")
	wantNews(t, "nothing more has happened", l.look(), "")
	for p, id := range map[muster.PlayerID]muster.TicketID{ann: a.ID, bob: b.ID} {
		if _, err := r.AnswerMatch(ctx, p, id, true); err != nil {
			t.Fatal(err)
		}
	}
	r.mustDeliver(t)
	wantNews(t, "there is a seat", l.look(), "ticket")
	wantNews(t, "it is being played", l.look(), "")
	if len(l.known) != 1 {
		t.Errorf("while it is played %d things are followed, want the seat alone", len(l.known))
	}
	seat, err := r.Seat(ctx, ann)
	if err != nil {
		t.Fatal(err)
	}
	connected := r.looker(t, ann) // in the middle of the match
	if _, err := r.ReportResult(ctx, seat.SessionID, muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: "red", Rank: 1, Players: []muster.ResultPlayer{{PlayerID: ann}}},
		{Name: "blue", Rank: 2, Players: []muster.ResultPlayer{{PlayerID: bob}}},
	}}); err != nil {
		t.Fatal(err)
	}
	wantNews(t, "there is a result", l.look(), "result")
	wantNews(t, "there is a result, for who came later", connected.look(), "result")
	for _, l := range []*looker{l, connected} {
		if len(l.known) > 0 {
			t.Errorf("after the end %v are followed", l.known)
		}
	}
}

func TestWhatIsOverIsNotFollowed(t *testing.T) {
	r := newRig(true)
	ctx := context.Background()
	ann, eve := r.guest("ann"), r.guest("eve")
	a := r.start(t, ann, duel())
	l := r.looker(t, ann)
	if _, err := r.CancelTicket(ctx, ann, a.ID); err != nil {
		t.Fatal(err)
	}
	wantNews(t, "the ticket was cancelled", l.look(), "ticket")
	if len(l.known) > 0 {
		t.Errorf("a cancelled ticket is followed: %v", l.known)
	}
	cases := []struct {
		name   string
		player muster.PlayerID
		known  muster.Followed
	}{
		{"a ticket of somebody else", eve, muster.Followed{Kind: "ticket", ID: string(a.ID)}},
		{"a ticket that is not there", ann, muster.Followed{Kind: "ticket", ID: "gone"}},
		{"a seat that was left without a result", ann, muster.Followed{Kind: "seat", ID: "arn:x", Version: 1}},
		{"something that nobody knows", ann, muster.Followed{Kind: "weather", ID: "rain"}},
	}
	for _, c := range cases {
		if lacking, open, err := r.CatchUp(ctx, c.player, c.known); len(lacking) > 0 || open || err != nil {
			t.Errorf("%s: %v %v %v", c.name, lacking, open, err)
		}
	}
}

func TestNoticesSayInWhichVersionTheyTell(t *testing.T) {
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	r.start(t, ann, duel())
	r.start(t, bob, duel())
	r.mustDeliver(t)
	latest := map[string]int64{}
	for _, n := range r.inbox.take() {
		view, isTicket := n.Data.(muster.TicketView)
		if !isTicket || len(n.Follow) == 0 || n.Follow[0].Version != view.Version {
			t.Fatalf("a notice tells %+v and is followed as %+v", n.Data, n.Follow)
		}
		key := string(n.Player) + n.Follow[0].ID
		if view.Version <= latest[key] {
			t.Errorf("version %d was told after %d", view.Version, latest[key])
		}
		latest[key] = view.Version
		if seated := view.Seat != nil; seated != (len(n.Follow) == 2) || seated == (n.Follow[0].Every > 0) {
			t.Errorf("with seat %v these are followed: %+v", seated, n.Follow)
		}
	}
}

func TestAWaiterHearsOfNewsFromAnotherReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(false)
		ctx := context.Background()
		ann := r.guest("ann")
		a := r.start(t, ann, duel())
		other := newRigWith(false, func(o *muster.Options) { o.Store, o.GameLift, o.Now = r.store, r.lift, r.clock.now })
		answered := make(chan muster.TicketStatus, 1)
		go func() {
			view, err := other.WaitTicket(ctx, ann, a.ID, a.Version, time.Hour)
			if err != nil {
				t.Error(err)
			}
			answered <- view.Status
		}()
		synctest.Wait()
		r.inbox.take()
		if _, err := r.CancelTicket(ctx, ann, a.ID); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		other.Heard(r.inbox.take()...)
		if status := <-answered; status != muster.Cancelled || time.Since(began) > 0 {
			t.Errorf("the waiter is told %s after %v", status, time.Since(began))
		}
	})
}
