package realtime

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestADrainedHubLetsEverybodyGoOneAfterAnother(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		var devices []*device
		for i := range 100 {
			d, _ := r.fresh(fmt.Sprint("p", i))
			devices = append(devices, d)
		}
		var gone []time.Duration
		began := time.Now()
		left := make(chan time.Duration)
		for _, d := range devices {
			go func() {
				if code := d.code(); code != websocket.StatusServiceRestart {
					t.Errorf("closed with %d", code)
				}
				left <- time.Since(began)
			}()
		}
		go r.hub.Drain(context.Background(), 5*time.Second)
		synctest.Wait()
		if _, res, err := r.dial("late"); err == nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a late device was let in: %v", err)
		}
		for range devices {
			gone = append(gone, <-left)
		}
		if first, last := gone[0], gone[len(gone)-1]; first > time.Second || last < 4*time.Second || last > 6*time.Second {
			t.Errorf("the first left after %v, the last after %v", first, last)
		}
	})
}

func TestADrainEndsWithItsContext(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.fresh("ann")
		r.fresh("bob")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began := time.Now()
		r.hub.Drain(ctx, time.Hour)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
