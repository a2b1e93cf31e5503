package muster_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"muster"
)

// jostled lets others go first before every call, so that calls at once really mix.
type jostled struct{ muster.Store }

func (j jostled) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	runtime.Gosched()
	return j.Store.Get(ctx, key)
}

func (j jostled) Write(ctx context.Context, ops ...muster.Op) error {
	runtime.Gosched()
	return j.Store.Write(ctx, ops...)
}

// lockedLift lets several goroutines use the fake.
type lockedLift struct {
	mu sync.Mutex // guards the fake
	*fakeGameLift
}

func (l *lockedLift) StartMatchmaking(ctx context.Context, req muster.StartMatchmaking) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fakeGameLift.StartMatchmaking(ctx, req)
}

func (l *lockedLift) StopMatchmaking(ctx context.Context, id muster.TicketID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fakeGameLift.StopMatchmaking(ctx, id)
}

func (l *lockedLift) Tickets(ctx context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fakeGameLift.Tickets(ctx, ids)
}

func newRacingRig() *rig {
	return newRigWith(false, func(o *muster.Options) {
		o.Store = jostled{o.Store}
		o.GameLift = &lockedLift{fakeGameLift: o.GameLift.(*fakeGameLift)}
	})
}

// atOnce runs all of them together.
func atOnce(all ...func()) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for _, do := range all {
		wg.Go(func() { <-begin; do() })
	}
	close(begin)
	wg.Wait()
}

func TestSixtyFourJoinWhereOnePlaceIsLeft(t *testing.T) {
	ctx := context.Background()
	for _, how := range []string{"by code", "by invite"} {
		t.Run(how, func(t *testing.T) {
			r := newRacingRig()
			party, ids := r.party(t, "squad", "ann", "bob", "cat")
			var mu sync.Mutex
			codes := map[string]int{}
			var joins []func()
			rivals := 64
			if how == "by invite" {
				rivals = 10 // as many as a party may invite
			}
			for i := range rivals {
				rival := r.guest(fmt.Sprint("rival", i))
				if how == "by invite" {
					must[muster.PartyView](t)(r.Invite(ctx, ids[0], rival))
				}
				joins = append(joins, func() {
					join := func() (muster.PartyView, error) { return r.JoinParty(ctx, rival, party.Code) }
					if how == "by invite" {
						join = func() (muster.PartyView, error) { return r.AcceptInvite(ctx, rival, party.ID) }
					}
					_, err := join()
					mu.Lock()
					defer mu.Unlock()
					codes[codeOf(err)]++
				})
			}
			atOnce(joins...)
			if codes["joined"] != 1 || codes["party.full"] != rivals-1 {
				t.Errorf("the answers are %v, want one that joined and a full party for the others", codes)
			}
			r.checkParties(t)
		})
	}
}

// codeOf is the code of an error, "joined" without one.
func codeOf(err error) string {
	if err == nil {
		return "joined"
	}
	code, _, _ := strings.Cut(err.Error(), ":")
	return code
}

// TestWhatHappensAtOnceToAParty lets two or more things happen together, many times, and
// checks what stands afterwards.
func TestWhatHappensAtOnceToAParty(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		do   func(r *rig, v muster.PartyView, ids []muster.PlayerID) []func()
	}{
		{"a join and a start", func(r *rig, v muster.PartyView, ids []muster.PlayerID) []func() {
			eve := r.guest("eve")
			return []func(){
				func() { _, _ = r.JoinParty(ctx, eve, v.Code) },                               // or the party queues already
				func() { _, _, _ = r.StartTicket(ctx, ids[0], squadTicket("squad"), "") },     // always works in the end
				func() { _, _ = r.ReportReady(ctx, ids[1], muster.PartyReport{Ready: true}) }, // or it is too late
			}
		}},
		{"a start and two who leave", func(r *rig, _ muster.PartyView, ids []muster.PlayerID) []func() {
			return []func(){
				func() { _, _, _ = r.StartTicket(ctx, ids[0], squadTicket("squad"), "") },
				func() { _ = r.LeaveParty(ctx, ids[1]) },
				func() { _ = r.LeaveParty(ctx, ids[0]) },
			}
		}},
		{"a start, a kick and another leader", func(r *rig, _ muster.PartyView, ids []muster.PlayerID) []func() {
			return []func(){
				func() { _, _, _ = r.StartTicket(ctx, ids[0], squadTicket("squad"), "") },
				func() { _, _ = r.Kick(ctx, ids[0], ids[2]) },
				func() { _, _ = r.PassLead(ctx, ids[0], ids[1]) },
			}
		}},
		{"a member's own ticket, a start and a leave", func(r *rig, _ muster.PartyView, ids []muster.PlayerID) []func() {
			return []func(){
				func() { _, _, _ = r.StartTicket(ctx, ids[0], squadTicket("squad"), "") },
				func() { _ = r.LeaveParty(ctx, ids[1]); _, _, _ = r.StartTicket(ctx, ids[1], duel(), "") },
			}
		}},
		{"all leave", func(r *rig, _ muster.PartyView, ids []muster.PlayerID) []func() {
			var all []func()
			for _, id := range ids {
				all = append(all, func() { _ = r.LeaveParty(ctx, id) })
			}
			return all
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 20 {
				r := newRacingRig()
				view, ids := r.party(t, "squad", "ann", "bob", "cat")
				atOnce(c.do(r, view, ids)...)
				r.checkParties(t)
			}
		})
	}
}

func TestAPlayerWhoJoinsTwoPartiesAtOnceIsInOne(t *testing.T) {
	ctx := context.Background()
	for range 30 {
		r := newRacingRig()
		one, _ := r.party(t, "squad", "ann")
		two, _ := r.party(t, "squad", "bob")
		eve := r.guest("eve")
		answers := make([]error, 3)
		atOnce(
			func() { _, answers[0] = r.JoinParty(ctx, eve, one.Code) },
			func() { _, answers[1] = r.JoinParty(ctx, eve, two.Code) },
			func() { _, answers[2] = r.CreateParty(ctx, eve, muster.PartySettings{}) },
		)
		in := must[muster.PartyView](t)(r.Party(ctx, eve))
		if len(in.Members) > 2 {
			t.Errorf("eve is in %+v", in)
		}
		joined := 0
		for _, err := range answers[:2] {
			if err == nil {
				joined++
			}
		}
		// Her own party, in which she is alone, may be given up for another's.
		if joined > 1 || joined == 0 && answers[2] != nil {
			t.Errorf("the answers are %v", answers)
		}
		r.checkParties(t)
	}
}
