package cost

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"muster"
	"muster/replica"
)

// alone is the rest of a replica that nobody else is there for.
type alone struct{}

func (alone) Notify(context.Context, ...muster.Notice) {}

func (alone) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed }

// A replica on which nobody plays looks for work that fell due, and says that it is there.
func TestAnHourOfAReplicaOnWhichNobodyPlays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		store := newMeter(time.Now)
		options := muster.Options{
			Store: store, GameLift: &lift{}, Notifier: alone{}, Rating: plackettLuce{}, Modes: []muster.Mode{scenarios[0].mode()},
			Now: time.Now, NewID: func() string { return "id" }, Log: slog.New(slog.DiscardHandler),
		}
		mesh := replica.New(replica.Options{
			Store: store, ID: "replica-1", URL: "http://127.0.0.1:1", Secrets: func() []replica.Secret { return []replica.Secret{{ID: "a", Key: make([]byte, 32)}} },
			Local: alone{}, Transport: alone{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		done := make(chan error, 2)
		go func() { done <- muster.New(options).Run(ctx) }()
		go func() { done <- mesh.Run(ctx) }()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		hour := store.total()
		t.Logf("an idle hour of one replica: %.0f write units, %.0f read units, %.4f dollars", hour.Writes, hour.Reads, hour.dollarsPerMillion()/1e6)
		if hour.Writes > 750 || hour.Reads > mostIdleReads {
			t.Errorf("an idle hour takes %.0f write units and %.0f read units, more than 750 and %d", hour.Writes, hour.Reads, mostIdleReads)
		}
	})
}

const mostIdleReads = 47_000

// Waiting costs too: the reconciler asks GameLift about tickets of which nothing is heard,
// and players who are connected to one of several replicas are looked after.
func TestAMinuteOfWaitingAndOfPlaying(t *testing.T) {
	s := scenarios[0]
	f := &flow{world: newWorld(t, s, func(now func() time.Time) metered { return newMeter(now) }), scenario: s}
	f.begin()
	f.signIn()
	f.queue(1)
	idle := f.sweeps(time.Minute, true)
	waiting := f.sweeps(time.Minute, false).minus(idle).each(s.players())
	t.Logf("a minute in the queue beyond the first seconds: %s write units, %s read units a player", number(waiting.Writes), number(waiting.Reads))
	if waiting.Writes > 9 {
		t.Errorf("a minute of waiting costs %.1f write units, more than 9", waiting.Writes)
	}
	looks := f.looks()
	f.propose(1)
	f.seat(1)
	seated := f.looks()
	t.Logf("looking after a connected player, with several replicas, a minute: %.0f read units in the queue, %.0f in a session", looks, seated)
	if looks > 30 || seated > 2 {
		t.Errorf("looking after a player takes %.0f and %.0f read units a minute, more than 30 and 2", looks, seated)
	}
}

// sweeps is what the reconciler takes while time passes, as often as it looks; or, before
// anything falls due, what as many looks at nothing take.
func (f *flow) sweeps(d time.Duration, still bool) bill {
	const every = 2 * time.Second
	return f.spent(func() {
		for at := time.Duration(0); at < d; at += every {
			if !still {
				f.pass(every)
			}
			f.must(f.Reconcile(context.Background()))
		}
	})
}

// looks is the read units that one player's replica takes a minute to look for what it
// was not told of the latest news.
func (f *flow) looks() float64 {
	var known []muster.Followed
	for _, n := range f.told {
		if n.Player == f.players[0] && len(n.Follow) > 0 {
			known = n.Follow
		}
	}
	total := 0.0
	for _, k := range known {
		if k.Every == 0 {
			continue
		}
		one := f.spent(func() {
			_, _, err := f.CatchUp(context.Background(), f.players[0], k)
			f.must(err)
		})
		total += one.Reads * float64(time.Minute/k.Every)
	}
	return total
}
