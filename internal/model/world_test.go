package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"muster"
)

// world is one history as it unfolds. It is a single thread's: what happens at the same
// time in other replicas happens between two uses of the store.
type world struct {
	t     *testing.T
	seed  uint64
	rand  *rand.Rand
	now   time.Time
	lift  *lift
	store driver
	calm  bool // no more crashes, losses and meanwhiles

	replicas []*replica
	acting   int // how deep in actions we are
	flying   []news
	happens  []action // all that can happen
	calls    int      // of the store, for one in the middle of which something else happens
	trace    func(format string, args ...any)
	counts   map[string]int // how often what happened

	facts
}

// beginning is long after today: DynamoDB removes by the true time what has expired.
var beginning = time.Date(2090, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, seed uint64, open opener) *world {
	w := &world{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 0x6d75)), now: beginning,
		happens: actions(), calls: 40, trace: func(string, ...any) {}, counts: map[string]int{}, facts: newFacts(),
	}
	clock := func() time.Time { return w.now }
	w.store = open(w, clock)
	w.lift = newLift(clock, w.rand, liftConfigs())
	for i := range 3 {
		w.replicas = append(w.replicas, newReplica(w, i))
	}
	return w
}

// action is something that can happen.
type action struct {
	name   string
	weight int
	do     func(w *world, r *replica)
}

// actions is everything that can happen.
func actions() []action {
	var all []action
	for _, some := range [][]action{timeActions(), playerActions(), accountActions(), partyActions(), ticketActions(), roomActions(), backfillActions(), resultActions()} {
		all = append(all, some...)
	}
	return all
}

// step lets one random thing happen on a random replica. One that died comes back.
func (w *world) step(all []action, total int) {
	w.acting++
	defer func() { w.acting-- }()
	r := w.idle()
	r.busy = true
	defer func() { r.busy = false }()
	pick := w.rand.IntN(total)
	for _, a := range all {
		if pick -= a.weight; pick < 0 {
			w.trace("%*s%s: %s", 2*w.acting, "", r.name, a.name)
			a.do(w, r)
			break
		}
	}
	w.now = w.now.Add(time.Duration(1+w.rand.IntN(20)) * time.Millisecond)
	if w.acting > 1 {
		return
	}
	for _, r := range w.replicas {
		if r.dead {
			w.trace("  %s begins anew", r.name)
			w.counts["crashes"]++
			r.restart()
		}
	}
}

// idle is a random replica that is not in the middle of something. In the world's single
// thread one that waits for its own earlier call would wait for ever.
func (w *world) idle() *replica {
	var idle []*replica
	for _, r := range w.replicas {
		if !r.busy {
			idle = append(idle, r)
		}
	}
	return idle[w.rand.IntN(len(idle))]
}

// meanwhile lets something else happen in the middle of an action, now and then.
func (w *world) meanwhile() { w.interrupt(w.calls) }

// interrupt lets something else happen in the middle of an action, once in so many times.
func (w *world) interrupt(oneIn int) {
	if w.calm || w.acting == 0 || w.acting > 2 || w.rand.IntN(oneIn) > 0 {
		return
	}
	w.counts["meanwhiles"]++
	w.step(w.happens, weights(w.happens))
}

func weights(all []action) int {
	total := 0
	for _, a := range all {
		total += a.weight
	}
	return total
}

// play lets steps happen, and then gives the service time to come to rest.
func (w *world) play(steps int) {
	for i := range 6 + 2*(w.seed%3) {
		w.signIn(w.replicas[0], fmt.Sprint("guest-", i))
	}
	total := weights(w.happens)
	for range steps {
		w.step(w.happens, total)
		if w.t.Failed() {
			return
		}
	}
	w.rest()
}

// rest ends everything at GameLift without telling anybody and gives the reconciler its
// time.
func (w *world) rest() {
	w.calm = true
	w.trace("rest")
	w.lift.settle()
	w.flying = nil
	for _, r := range w.replicas {
		r.skew %= 4 * time.Second // somebody sets the clocks right
	}
	for i := range 24 {
		w.now = w.now.Add(10 * time.Second)
		w.lift.movePlacements() // those that are asked for only now
		w.lift.timeOut()
		r := w.replicas[i%len(w.replicas)].alive()
		w.allow(r.Reconcile(context.Background()), "reconcile at rest")
		w.removeAll(r)
		w.erase(r)
		w.allow(r.Recount(context.Background()), "recount at rest")
	}
}

// allow fails the history on an error of a kind that is not among those that this moment
// explains. A crash, a lost answer and contention are always possible.
func (w *world) allow(err error, doing string, kinds ...muster.Kind) {
	w.t.Helper()
	if err == nil {
		return
	}
	kind := muster.KindOf(err)
	if kind == muster.Unavailable && !w.calm {
		return
	}
	var known *muster.Error
	if kind == muster.NotFound && !w.calm && len(w.left) > 0 && errors.As(err, &known) && known.Code == "player.not_found" {
		return // deleted in the middle of the call
	}
	for _, k := range kinds {
		if kind == k {
			return
		}
	}
	w.fail("%s: unexpected error: %v", doing, err)
}

// fail says what does not hold, and how to see it again.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("MUSTER_SEED=%d: %s", w.seed, fmt.Sprintf(format, args...))
}

// timeActions are what befalls the whole world.
func timeActions() []action {
	return []action{
		{"time passes", 8, func(w *world, _ *replica) { w.now = w.now.Add(time.Duration(w.rand.IntN(5000)) * time.Millisecond) }},
		{"a lot of time passes", 1, func(w *world, _ *replica) {
			if w.acting == 1 && w.rand.IntN(4) == 0 {
				w.now = w.now.Add(time.Duration(w.rand.IntN(40)) * time.Minute)
			}
		}},
		{"GameLift moves on", 18, func(w *world, _ *replica) { w.lift.moveOn() }},
		{"a day passes", 1, func(w *world, _ *replica) {
			if w.acting == 1 && w.rand.IntN(8) == 0 { // no call takes that long
				w.now = w.now.Add(time.Duration(20+w.rand.IntN(10)) * time.Hour)
				w.lift.endAll() // nothing waits or lasts that long
				w.counts["days"]++
			}
		}},
		{"an evening passes", 1, func(w *world, _ *replica) {
			if w.acting == 1 && w.rand.IntN(3) == 0 {
				w.evening()
			}
		}},
		{"events arrive", 25, func(w *world, r *replica) { w.fly(r) }},
		{"the reconciler looks", 8, func(w *world, r *replica) {
			w.allow(r.Reconcile(context.Background()), "reconcile")
		}},
		{"a crash is near", 3, func(w *world, r *replica) {
			r.killIn, r.keeps = 1+w.rand.IntN(8), w.rand.IntN(2) == 0
		}},
		{"a clock jumps", 1, func(w *world, r *replica) {
			r.skew = time.Duration(w.rand.IntN(8000)-4000) * time.Millisecond
			if w.rand.IntN(4) == 0 { // it is set wrong
				r.skew = time.Duration(w.rand.IntN(80_000)-40_000) * time.Millisecond
			}
		}},
	}
}

// news is an event on its way.
type news struct {
	name    string
	deliver func(r *replica) error
}

// fly takes new events up, loses some, doubles some, and lands others in any order.
func (w *world) fly(r *replica) {
	for _, n := range w.fresh() {
		switch w.rand.IntN(12) {
		case 0:
		case 1:
			w.flying = append(w.flying, n, n)
		default:
			w.flying = append(w.flying, n)
		}
	}
	for range w.rand.IntN(4) {
		if len(w.flying) == 0 {
			return
		}
		i := 0
		if w.rand.IntN(3) == 0 {
			i = w.rand.IntN(len(w.flying))
		}
		n := w.flying[i]
		w.flying = append(w.flying[:i:i], w.flying[i+1:]...)
		w.trace("    %s", n.name)
		if err := n.deliver(r); err != nil {
			w.allow(err, "apply an event")
			if w.rand.IntN(3) > 0 {
				w.flying = append(w.flying, n) // it is delivered again, mostly
			}
		}
	}
}

// fresh are the events that GameLift has sent since the last time.
func (w *world) fresh() []news {
	var all []news
	for _, ev := range w.lift.events {
		all = append(all, news{fmt.Sprint(ev.Type, " ", ev.MatchID), func(r *replica) error {
			return r.ApplyEvent(context.Background(), ev)
		}})
	}
	for _, ev := range w.lift.placed {
		all = append(all, news{fmt.Sprint(ev.Status, " ", ev.Placement), func(r *replica) error {
			return r.ApplyPlacement(context.Background(), ev)
		}})
	}
	w.lift.events, w.lift.placed = nil, nil
	return all
}
