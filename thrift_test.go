package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// Writes that were taken apart to make them cheaper, and what holds all the same.

// version is that of a record; 0: it is not there.
func (r *rig) version(key muster.Key) int64 {
	rec, err := r.store.Get(context.Background(), key)
	if err != nil {
		return 0
	}
	return rec.Version
}

func ticketRecord(id muster.TicketID) muster.Key {
	return muster.Key{Partition: "T#" + string(id), Sort: "META"}
}

func slotRecord(p muster.PlayerID) muster.Key {
	return muster.Key{Partition: "P#" + string(p), Sort: "SLOT"}
}

// dues counts the due records of tickets.
func (r *rig) dues(t *testing.T) int {
	n := 0
	for shard := range 8 {
		n += len(must[[]muster.Record](t)(r.store.List(context.Background(), fmt.Sprint("DUE#ticket#", shard), muster.ListOptions{})))
	}
	return n
}

// shaky is a rig whose next replica fails at the left-th Write from now on.
func (r *rig) shaky(acceptance bool, left int) *rig {
	return newRigWith(acceptance, func(o *muster.Options) {
		o.Store, o.Now, o.GameLift = &failingStore{Store: r.store, left: left}, r.clock.now, r.lift
	})
}

func TestTheAnswersOfOthersAreToldAndNotStored(t *testing.T) {
	ctx := context.Background()
	r := newRig(true)
	ann, bob := r.guest("ann"), r.guest("bob")
	a, b := r.start(t, ann, duel()), r.start(t, bob, duel())
	if err := r.deliver(); err != nil {
		t.Fatal(err)
	}
	before := r.version(ticketRecord(b.ID))
	if _, err := r.AnswerMatch(ctx, ann, a.ID, true); err != nil {
		t.Fatal(err)
	}
	r.inbox.take()
	events := r.lift.take()
	for range 2 {
		for _, ev := range events {
			if err := r.ApplyEvent(ctx, ev); err != nil {
				t.Fatal(err)
			}
		}
	}
	if after := r.version(ticketRecord(b.ID)); after != before {
		t.Errorf("the ticket of who did not answer was written %d times", after-before)
	}
	heard := false
	for _, n := range r.inbox.take() {
		view := n.Data.(muster.TicketView)
		if n.Player != bob || view.Match == nil {
			continue
		}
		heard = true
		if view.Match.AcceptedCount != 1 || view.Match.You != "pending" || view.Version != before {
			t.Errorf("bob is told of %+v in version %d, want one acceptance in version %d", *view.Match, view.Version, before)
		}
		if f := n.Follow[0]; !f.Newer(muster.Followed{Version: before}) || f.Newer(f) {
			t.Errorf("what bob knows by it is %+v: newer than the version alone, and not than itself", f)
		}
	}
	if !heard {
		t.Error("bob is not told that ann accepted")
	}
	view := must[muster.TicketView](t)(r.AnswerMatch(ctx, bob, b.ID, true))
	if view.Match.You != "accepted" {
		t.Errorf("bob's answer is shown as %q", view.Match.You)
	}
}

// A replica may die between a seat and the ticket that it belongs to.
func TestSeatsOfATicketThatIsNotYetCompletedAreGoodAndAreNotTakenTwice(t *testing.T) {
	ctx := context.Background()
	for cut := range 6 {
		r := newRig(false)
		ann, bob := r.guest("ann"), r.guest("bob")
		tickets := map[muster.PlayerID]muster.TicketView{ann: r.start(t, ann, duel()), bob: r.start(t, bob, duel())}
		events := r.lift.take()
		last := events[len(events)-1]
		for _, ev := range events[:len(events)-1] {
			if err := r.ApplyEvent(ctx, ev); err != nil {
				t.Fatal(err)
			}
		}
		err := r.shaky(false, cut).ApplyEvent(ctx, last)
		if done := cut >= 5; (err == nil) != done { // the session, two seats, two tickets
			t.Fatalf("cut off after %d writes: error %v", cut, err)
		}
		for p := range tickets {
			snap := must[muster.Snapshot](t)(r.Snapshot(ctx, p))
			if snap.Seat == nil && snap.Ticket == nil {
				t.Errorf("cut off after %d writes %s has neither ticket nor seat", cut, p)
			}
			if _, _, err := r.StartTicket(ctx, p, duel(), ""); muster.KindOf(err) != muster.Conflict {
				t.Errorf("cut off after %d writes %s can start another ticket: %v", cut, p, err)
			}
			if snap.Seat != nil && r.lift.seats[snap.Seat.PlayerSessionID].Player != p {
				t.Errorf("%s has the seat of somebody else", p)
			}
		}
		if err := r.ApplyEvent(ctx, last); err != nil {
			t.Fatal(err)
		}
		for p, ticket := range tickets {
			if view := must[muster.TicketView](t)(r.Ticket(ctx, p, ticket.ID)); view.Status != muster.Completed || view.Seat == nil {
				t.Errorf("cut off after %d writes and told again, the ticket of %s is %s with the seat %v", cut, p, view.Status, view.Seat)
			}
			if seat := must[muster.SeatView](t)(r.Seat(ctx, p)); seat.SessionID != last.Session {
				t.Errorf("%s sits in %q", p, seat.SessionID)
			}
		}
	}
}

// Who frees a slot while another waits to seat its player must not be undone by that.
func TestASlotThatWasFreedAndTakenAgainIsOfAnotherVersion(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	var versions []int64
	for range 3 {
		view := r.start(t, ann, duel())
		versions = append(versions, r.version(slotRecord(ann)))
		if _, err := r.CancelTicket(ctx, ann, view.ID); err != nil {
			t.Fatal(err)
		}
		if me := must[muster.PlayerView](t)(r.Me(ctx, ann)); me.Activity != nil {
			t.Errorf("the player is in %+v after cancelling", *me.Activity)
		}
	}
	if versions[0] >= versions[1] || versions[1] >= versions[2] {
		t.Errorf("the slot had versions %v: one life of it looks like another", versions)
	}
}

func TestADueRecordWhoseTicketNeverCameIsForgottenAfterAMinute(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	if _, _, err := r.shaky(false, 1).StartTicket(ctx, ann, duel(), ""); err == nil {
		t.Fatal("a start without its ticket succeeded")
	}
	for _, c := range []struct {
		after time.Duration
		dues  int
	}{{0, 1}, {firstLook, 1}, {59 * time.Second, 1}, {time.Second, 0}} {
		r.clock.advance(c.after)
		if err := r.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		if n := r.dues(t); n != c.dues {
			t.Errorf("%v later there are %d due records, want %d", c.after, n, c.dues)
		}
	}
	r.start(t, ann, duel()) // nothing holds the player
}

// lateStore holds back the Write of a ticket until something else has happened.
type lateStore struct {
	muster.Store
	mu    sync.Mutex
	first func() // guarded by mu
}

func (s *lateStore) Write(ctx context.Context, ops ...muster.Op) error {
	s.mu.Lock()
	first := s.first
	if len(ops) > 1 {
		s.first = nil
	}
	s.mu.Unlock()
	if len(ops) > 1 && first != nil {
		first()
	}
	return s.Store.Write(ctx, ops...)
}

func TestATicketThatComesLongAfterItsDueRecordIsLookedAfter(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	slow := newRigWith(false, func(o *muster.Options) {
		o.Now, o.GameLift = r.clock.now, r.lift
		o.Store = &lateStore{Store: r.store, first: func() {
			r.clock.advance(40 * time.Second)
			if err := r.Reconcile(ctx); err != nil {
				t.Error(err)
			}
		}}
	})
	r.lift.startErr = func() (bool, error) { return false, errDown }
	view, _, err := slow.StartTicket(ctx, ann, duel(), "")
	if err != nil {
		t.Fatal(err)
	}
	r.clock.advance(time.Minute)
	if err := r.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	if now := must[muster.TicketView](t)(r.Ticket(ctx, ann, view.ID)); now.Status != muster.Failed {
		t.Errorf("the ticket, which GameLift never heard of, is %s", now.Status)
	}
}

func TestADueRecordIsOneReplicasAtATimeAndIsNotMoved(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	view := r.start(t, ann, duel())
	if err := r.deliver(); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(31 * time.Second)
	for round := range 4 {
		asked := r.lift.asked
		for range 3 { // replicas
			if err := r.Reconcile(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if r.lift.asked != asked+1 {
			t.Errorf("in round %d GameLift was asked %d times, want once", round, r.lift.asked-asked)
		}
		if n := r.dues(t); n != 1 {
			t.Errorf("in round %d there are %d due records", round, n)
		}
		r.clock.advance(10 * time.Second)
	}
	if _, err := r.CancelTicket(ctx, ann, view.ID); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(10 * time.Second)
	if err := r.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	if n := r.dues(t); n != 0 {
		t.Errorf("%d due records are left of a ticket that is over", n)
	}
}

func TestAnIdempotencyKeyIsRememberedForADay(t *testing.T) {
	ctx := context.Background()
	refuse := func() (bool, error) { return false, muster.Errorf(muster.Exhausted, "gamelift.limit", "later") }
	start := func(t *testing.T, r *rig, p muster.PlayerID) (muster.TicketView, bool) {
		t.Helper()
		view, created, err := r.StartTicket(ctx, p, duel(), "key")
		if err != nil {
			t.Fatal(err)
		}
		return view, created
	}
	t.Run("whatever became of the ticket, and past midnight", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		first, _ := start(t, r, ann)
		if _, err := r.CancelTicket(ctx, ann, first.ID); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(23 * time.Hour)
		again, created := start(t, r, ann)
		if created || again.ID != first.ID || again.Status != muster.Cancelled {
			t.Errorf("the repeat gave ticket %s (%s), created %t; want %s", again.ID, again.Status, created, first.ID)
		}
	})
	t.Run("by a replica whose clock says that it is still yesterday", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		r.clock.advance(12*time.Hour + time.Second)
		first, _ := start(t, r, ann)
		behind := newRigWith(false, func(o *muster.Options) {
			o.Store, o.GameLift = r.store, r.lift
			o.Now = func() time.Time { return r.clock.now().Add(-5 * time.Second) }
		})
		if again, created := start(t, behind, ann); created || again.ID != first.ID {
			t.Errorf("the repeat gave ticket %s, created %t; want %s", again.ID, created, first.ID)
		}
	})
	t.Run("and no longer: then it makes a ticket of another id", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		first, _ := start(t, r, ann)
		if _, err := r.CancelTicket(ctx, ann, first.ID); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(24*time.Hour + time.Second)
		if again, created := start(t, r, ann); !created || again.ID == first.ID {
			t.Errorf("the key gave ticket %s, created %t; GameLift knew %s already", again.ID, created, first.ID)
		}
	})
	t.Run("of one player, not of another", func(t *testing.T) {
		r := newRig(false)
		a, _ := start(t, r, r.guest("ann"))
		if b, created := start(t, r, r.guest("bob")); !created || a.ID == b.ID {
			t.Errorf("bob's key gave ticket %s, created %t", b.ID, created)
		}
	})
	t.Run("but not what GameLift refused, ten times at the most", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		r.lift.startErr = refuse
		for range 10 {
			_, _, err := r.StartTicket(ctx, ann, duel(), "key")
			wantError(t, err, muster.Exhausted, "gamelift.limit")
		}
		_, _, err := r.StartTicket(ctx, ann, duel(), "key")
		wantError(t, err, muster.Conflict, "request.idempotency_refused")
		r.lift.startErr = nil
		if _, created, err := r.StartTicket(ctx, ann, duel(), "another key"); err != nil || !created {
			t.Errorf("another key gives %t, %v", created, err)
		}
	})
	t.Run("with what was asked, also by what GameLift refused", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		r.lift.startErr = refuse
		_, _, err := r.StartTicket(ctx, ann, duel(), "key")
		wantError(t, err, muster.Exhausted, "gamelift.limit")
		_, _, err = r.StartTicket(ctx, ann, muster.TicketRequest{Mode: "duel", Preferences: map[string]string{"map": "tower"}}, "key")
		wantError(t, err, muster.Conflict, "request.idempotency_reused")
	})
}

func TestAHistoryRowDoesNotRepeatItsKeyAndEarlierOnesAreRead(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	r.play(t, ann, bob)
	rows := func() []muster.Record {
		return must[[]muster.Record](t)(r.store.List(ctx, "P#"+string(ann), muster.ListOptions{Prefix: "MR#"}))
	}
	row := rows()[0]
	shown := must[muster.MatchHistoryPage](t)(r.Matches(ctx, ann, 10, "")).Matches[0]
	if strings.Contains(string(row.Value), string(shown.SessionID)) || shown.SessionID == "" || shown.EndedAt.IsZero() {
		t.Errorf("of the match %+v the row is %s", shown, row.Value)
	}
	earlier, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	op := muster.Op{Kind: muster.Put, Key: row.Key, Value: earlier, Version: row.Version, ExpiresAt: row.ExpiresAt}
	if err := r.store.Write(ctx, op); err != nil {
		t.Fatal(err)
	}
	if again := must[muster.MatchHistoryPage](t)(r.Matches(ctx, ann, 10, "")).Matches[0]; !reflect.DeepEqual(again, shown) {
		t.Errorf("a row of an earlier version is shown as %+v, want %+v", again, shown)
	}
}
