package gameliftlocal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSubscribersAreAwaited(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		if err := h.service.AwaitSubscribers(h.ctx); err != nil {
			t.Errorf("with a subscriber that has confirmed: %v", err)
		}
	})
	t.Run("one that never confirms is named", func(t *testing.T) {
		key := signingKey()
		synctest.Test(t, func(t *testing.T) {
			o := Options{Subscriptions: map[string][]string{testTopic: {"http://backend.test/events"}}}
			o.SNS.Key = key
			service, err := Open(t.Context(), o) // and Run is never called
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err = service.AwaitSubscribers(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), testTopic) {
				t.Errorf("got %v, want the subscription of %s and that time ran out", err, testTopic)
			}
		})
	})
}
