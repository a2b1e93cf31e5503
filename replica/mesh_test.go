package replica

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

func wantTold(t *testing.T, who string, n *node, want ...string) {
	t.Helper()
	if got := n.inbox.texts(); !slices.Equal(got, want) {
		t.Errorf("%s was told %q, want %q", who, got, want)
	}
}

func TestWhatOneReplicaTellsAllOthersTell(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b, c := w.join(), w.join(), w.join()
		a.tell("one")
		b.tell("two")
		for name, n := range map[string]*node{"a": a, "b": b, "c": c} {
			wantTold(t, name, n, `"one"`, `"two"`)
		}
		got := c.inbox.notices[0]
		if got.Player != "ann" || got.Type != "ticket" || len(got.Follow) != 1 || got.Follow[0] != (muster.Followed{Kind: "ticket", ID: "t", Version: 7, Every: time.Second}) {
			t.Errorf("on its way a notice became %+v", got)
		}
		if a.heard != 1 || b.heard != 1 || c.heard != 2 {
			t.Errorf("heard of others were %d, %d and %d notices", a.heard, b.heard, c.heard)
		}
		for _, n := range []*node{a, b, c} {
			if n.Alone() {
				t.Error("a replica feels alone among others")
			}
		}
	})
}

func TestAReplicaAloneTellsItsOwn(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.join()
		a.tell("one")
		wantTold(t, "it", a, `"one"`)
		if !a.Alone() || w.network.posted("10.0.0.1:8081") > 0 {
			t.Errorf("alone is %v, posts %d", a.Alone(), w.network.posted("10.0.0.1:8081"))
		}
	})
}

func TestANewReplicaIsToldOnceItIsKnown(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.join(), w.join()
		time.Sleep(time.Minute - 2*time.Second) // so that a looks for others at the instant at which c comes
		c := w.start()
		c.Known(t.Context())
		a.tell("one")
		b.tell("two")
		wantTold(t, "the new one", c, `"one"`, `"two"`)
	})
}

func TestAReplicaThatDoesNotAnswerHoldsUpAStartForAMomentOnly(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, _ := w.join(), w.join()
		w.network.set(func() { w.network.stuck["10.0.0.2:8081"] = true })
		began := time.Now()
		c := w.start()
		c.Known(t.Context())
		if took := time.Since(began); took != knownFor {
			t.Errorf("it waited for %v", took)
		}
		a.tell("one")
		wantTold(t, "the new one", c, `"one"`)
	})
}

func TestWhoComesWhileOthersAreListedStays(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.join(), w.join()
		comes := member{ID: "r9", URL: "http://10.0.0.9:8081"}
		here := []member{a.self(), b.self()}
		asked := time.Now()
		a.welcome(comes)
		a.take(here, asked)
		if n := len(a.present()); n != 2 {
			t.Errorf("it has %d peers, want the one that came, too", n)
		}
		time.Sleep(time.Millisecond)
		a.take(here, time.Now())
		if n := len(a.present()); n != 1 {
			t.Errorf("it has %d peers, want none that has no record", n)
		}
	})
}

func TestWhoLeavesIsToldNothingAndTellsTheirLast(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.join(), w.join()
		for i := range 1000 {
			b.Notify(context.Background(), muster.Notice{Player: "ann", Type: "ticket", Data: i})
		}
		b.stop()
		if got := len(a.inbox.texts()); got != 1000 {
			t.Errorf("of the last 1000 notices %d arrived", got)
		}
		if records, err := w.store.List(context.Background(), rosterPartition, muster.ListOptions{}); err != nil || len(records) != 1 {
			t.Errorf("%d records are left, %v", len(records), err)
		}
		time.Sleep(renewEvery)
		posts := w.network.posted("10.0.0.2:8081")
		a.tell("one")
		if w.network.posted("10.0.0.2:8081") > posts {
			t.Error("who left is still posted to")
		}
		if a.Alone() {
			t.Error("news of who has just left may still be missing")
		}
		time.Sleep(apartFor + renewEvery)
		if !a.Alone() {
			t.Error("it never feels alone again")
		}
	})
}

func TestADeadReplicaCostsOnlyItself(t *testing.T) {
	cases := []struct {
		name string
		hurt func(w *town, b *node)
	}{
		{"that was killed", func(_ *town, b *node) { b.die() }},
		{"that does not answer", func(w *town, _ *node) { w.network.set(func() { w.network.stuck["10.0.0.2:8081"] = true }) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				a, b, d := w.join(), w.join(), w.join()
				c.hurt(w, b)
				posts := w.network.posted("10.0.0.2:8081")
				began := time.Now()
				for i := range 100 {
					a.tell(fmt.Sprint(i))
				}
				if got := len(d.inbox.texts()); got != 100 || time.Since(began) > 0 {
					t.Errorf("the third was told %d things after %v", got, time.Since(began))
				}
				time.Sleep(14 * time.Second)
				if got := w.network.posted("10.0.0.2:8081") - posts; got > 12 {
					t.Errorf("in 14 s the dead one was posted to %d times", got)
				}
			})
		})
	}
}

func TestAKilledReplicaIsForgotten(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.join(), w.join()
		b.die()
		time.Sleep(recordLife + renewEvery + time.Second)
		if n := len(a.present()); n != 0 {
			t.Errorf("it has %d peers", n)
		}
		b = w.join()
		a.tell("one")
		wantTold(t, "its successor", b, `"one"`)
	})
}

func TestAReplicaThatComesBackIsTold(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.join(), w.join()
		w.network.set(func() { w.network.stuck["10.0.0.2:8081"] = true })
		a.tell("lost")
		time.Sleep(10 * time.Second)
		w.network.set(func() { w.network.stuck["10.0.0.2:8081"] = false })
		time.Sleep(lastRest)
		a.tell("one")
		wantTold(t, "it", b, `"one"`)
	})
}

func TestReplicasWithoutACommonSecretTellEachOtherNothing(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a, b := w.join(secret("mine")), w.join(secret("theirs"))
		a.tell("one")
		wantTold(t, "the stranger", b)
	})
}

func TestSecretsAreReplacedOneReplicaAfterAnother(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		before := w.join(secret("old"), secret("new"))
		after := w.join(secret("new"), secret("old"))
		before.tell("one")
		after.tell("two")
		wantTold(t, "one", before, `"one"`, `"two"`)
		wantTold(t, "the other", after, `"one"`, `"two"`)
	})
}

func TestTheStoreIsWrittenOnceInFiveSecondsWhateverIsTold(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.join()
		w.join()
		version := func() int64 {
			rec, err := w.store.Get(context.Background(), memberKey("r1"))
			if err != nil {
				t.Fatal(err)
			}
			return rec.Version
		}
		before := version()
		for range 60 {
			a.tell("one")
			time.Sleep(time.Second)
		}
		if n := version() - before; n < 11 || n > 13 {
			t.Errorf("in a minute it was written %d times", n)
		}
	})
}

func TestAStrangersRecordIsPassedOver(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		for sort, value := range map[string]string{"x": "no json", "y": `{"id":"z","url":"http://a"}`, "q": `{"id":"q","url":"file:///etc"}`} {
			op := muster.Op{Kind: muster.Put, Key: memberKey(sort), Value: []byte(value)}
			if err := w.store.Write(context.Background(), op); err != nil {
				t.Fatal(err)
			}
		}
		a := w.join()
		if n := len(a.present()); n != 0 {
			t.Errorf("it has %d peers", n)
		}
		synctest.Wait()
	})
}
