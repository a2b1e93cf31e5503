package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// world is what is true, whatever anybody was told: a version of something for each
// player. It counts the looks.
type world struct {
	mu       sync.Mutex
	versions map[muster.PlayerID]int64
	over     bool
	fail     bool
	lossy    bool
	looks    map[muster.PlayerID]int
	atOnce   int // looks under way
	most     int
	takes    time.Duration
}

func newWorld() *world {
	return &world{versions: map[muster.PlayerID]int64{}, looks: map[muster.PlayerID]int{}, lossy: true}
}

func followedAs(version int64) muster.Followed {
	return muster.Followed{Kind: "thing", ID: "x", Version: version, Every: 2 * time.Second}
}

func (w *world) catchUp(_ context.Context, p muster.PlayerID, known muster.Followed) ([]muster.Notice, bool, error) {
	w.mu.Lock()
	w.looks[p]++
	w.atOnce++
	w.most = max(w.most, w.atOnce)
	version, over, fail := w.versions[p], w.over, w.fail
	w.mu.Unlock()
	time.Sleep(w.takes)
	w.mu.Lock()
	w.atOnce--
	w.mu.Unlock()
	switch {
	case fail:
		return nil, false, errors.New("the store is away")
	case version <= known.Version:
		return nil, !over, nil
	}
	f := followedAs(version)
	if over {
		f.Every = 0
	}
	return []muster.Notice{{Player: p, Type: "thing", Data: map[string]int64{"version": version}, Follow: []muster.Followed{f}}}, !over, nil
}

func (w *world) change(p muster.PlayerID) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.versions[p]++
	return w.versions[p]
}

// set changes the world under its lock.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) looksAt(p muster.PlayerID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.looks[p]
}

// inWorld runs a test with a hub that follows a world.
func inWorld(t *testing.T, test func(t *testing.T, r *rig, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r, end := newRig(t, func(o *Options) {
			o.Follow = &Follow{CatchUp: w.catchUp, Lossy: func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.lossy }}
		})
		defer end()
		r.play.snapshot = func(context.Context) (muster.Snapshot, error) { return muster.Snapshot{}, nil }
		test(t, r, w)
	})
}

// told tells a player the latest of the world.
func (r *rig) told(p muster.PlayerID, version int64) {
	r.hub.Notify(context.Background(), muster.Notice{
		Player: p, Type: "thing", Data: map[string]int64{"version": version}, Follow: []muster.Followed{followedAs(version)},
	})
}

func TestLostNewsIsFoundWithinTwoSeconds(t *testing.T) {
	inWorld(t, func(t *testing.T, r *rig, w *world) {
		d, _ := r.fresh("ann")
		r.told("ann", w.change("ann"))
		d.read("thing")
		w.change("ann") // and nobody tells
		began := time.Now()
		if got := d.read("thing").version(t); got != 2 {
			t.Errorf("version %d was told, want 2", got)
		}
		if took := time.Since(began); took > 2*time.Second+followTick {
			t.Errorf("it took %v", took)
		}
		go d.code() // reads on
		before := w.looksAt("ann")
		time.Sleep(time.Minute)
		if n := w.looksAt("ann") - before; n < 27 || n > 30 {
			t.Errorf("in a minute it looked %d times", n)
		}
	})
}

func TestOldNewsIsNotToldAgain(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ann")
		for _, version := range []int64{1, 2, 2, 1, 3, 2} {
			r.told("ann", version)
		}
		r.notify("ann", map[string]int{"version": 99}) // says nothing of versions: always news
		for _, want := range []int64{1, 2, 3, 99} {
			if got := d.read("").version(t); got != want {
				t.Fatalf("version %d was told, want %d", got, want)
			}
		}
	})
}

// Some news has no version of its own: how many have accepted a match.
func TestWithinOneVersionLaterStepsAreNews(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ann")
		for _, told := range [][2]int{{1, 1}, {1, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 3}, {2, 1}} {
			f := followedAs(int64(told[0]))
			f.Step = told[1]
			r.hub.Notify(context.Background(), muster.Notice{
				Player: "ann", Type: "thing", Data: map[string]int{"version": 10*told[0] + told[1]}, Follow: []muster.Followed{f},
			})
		}
		r.notify("ann", map[string]int{"version": 99})
		for _, want := range []int64{11, 12, 20, 21, 99} {
			if got := d.read("").version(t); got != want {
				t.Fatalf("%d was told, want %d", got, want)
			}
		}
	})
}

func TestNobodyIsLookedAfterInVain(t *testing.T) {
	cases := []struct {
		name  string
		do    func(r *rig, w *world, d *device)
		looks bool
	}{
		{"while something goes on", func(*rig, *world, *device) {}, true},
		{"unless nothing can get lost", func(_ *rig, w *world, _ *device) { w.set(func() { w.lossy = false }) }, false},
		{"unless nobody listens", func(_ *rig, _ *world, d *device) { d.leave() }, false},
		{"again when somebody comes back", func(r *rig, _ *world, d *device) { d.leave(); r.connect("ann") }, true},
		{"unless it is over", func(r *rig, _ *world, _ *device) {
			f := followedAs(9)
			f.Every = 0
			r.hub.Notify(context.Background(), muster.Notice{Player: "ann", Type: "thing", Data: 1, Follow: []muster.Followed{f}})
		}, false},
		{"unless a look says that it is over", func(_ *rig, w *world, _ *device) {
			w.set(func() { w.over = true })
			time.Sleep(3 * time.Second)
		}, false},
		{"also when a look failed", func(_ *rig, w *world, _ *device) {
			w.set(func() { w.fail = true })
			time.Sleep(10 * time.Second)
		}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, r *rig, w *world) {
				d, _ := r.fresh("ann")
				r.told("ann", w.change("ann"))
				d.read("thing")
				c.do(r, w, d)
				synctest.Wait()
				before := w.looksAt("ann")
				time.Sleep(10 * time.Second)
				if n := w.looksAt("ann") - before; (n > 0) != c.looks {
					t.Errorf("it looked %d times", n)
				}
			})
		})
	}
}

func TestWhatASnapshotShowsIsFollowed(t *testing.T) {
	inWorld(t, func(t *testing.T, r *rig, w *world) {
		ticket := muster.TicketView{ID: "t-1", Status: muster.Searching, Version: 3}
		r.play.snapshot = func(context.Context) (muster.Snapshot, error) { return muster.Snapshot{Ticket: &ticket}, nil }
		w.versions["ann"] = 3
		d, _ := r.fresh("ann")
		time.Sleep(5 * time.Second)
		if w.looksAt("ann") == 0 {
			t.Error("nobody looked")
		}
		w.change("ann")
		if got := d.read("thing").version(t); got != 4 {
			t.Errorf("the first news is version %d, want 4: the snapshot told 3", got)
		}
	})
}

func TestADeviceThatWasThereBeforeAnotherLacksNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, r *rig, w *world) {
		first, _ := r.fresh("ann") // is told of nothing, and then the notice of version 3 is lost
		w.versions["ann"] = 3
		ticket := muster.TicketView{ID: "t-1", Status: muster.Searching, Version: 3}
		r.play.snapshot = func(context.Context) (muster.Snapshot, error) { return muster.Snapshot{Ticket: &ticket}, nil }
		r.fresh("ann")
		if got := first.read("thing").version(t); got != 3 {
			t.Errorf("the first device is told version %d, want 3", got)
		}
	})
}

func TestManyAreLookedAfterAFewAtATime(t *testing.T) {
	inWorld(t, func(t *testing.T, r *rig, w *world) {
		w.takes = 10 * time.Millisecond
		const players = 300
		for i := range players {
			p := muster.PlayerID(fmt.Sprint("p", i))
			d, _ := r.fresh(string(p))
			go d.code() // reads on
			r.told(p, w.change(p))
		}
		time.Sleep(20 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.most > followAtOnce {
			t.Errorf("%d looks ran at once", w.most)
		}
		for p, n := range w.looks {
			if n < 7 || n > 11 {
				t.Errorf("%s was looked after %d times in 20 s", p, n)
			}
		}
		if len(w.looks) != players {
			t.Errorf("%d were looked after, want %d", len(w.looks), players)
		}
	})
}

func TestAStreamRemembersTheLatestThingsOnly(t *testing.T) {
	s := &stream{}
	now := time.Now()
	for i := range 3 * maxFollowed {
		s.learn([]muster.Followed{{Kind: "thing", ID: fmt.Sprint(i), Version: 1}}, now)
	}
	if len(s.told) != maxFollowed || s.told[maxFollowed-1].ID != fmt.Sprint(3*maxFollowed-1) {
		t.Errorf("it remembers %d things, the last one %+v", len(s.told), s.told[len(s.told)-1])
	}
}

func TestNoticesOfAnotherReplicaArePassedOnAsTheyAre(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ann")
		r.notify("ann", json.RawMessage(`{"version":7,"text":"<&>"}`))
		if m := d.read("ticket"); m.version(t) != 7 || !strings.Contains(string(m.Data), "<&>") {
			t.Errorf("got %s", m.Data)
		}
	})
}
