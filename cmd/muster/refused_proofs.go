package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"muster"
)

// outageEvery is how often a platform that cannot be asked is worth a warning.
const outageEvery = time.Minute

// logRefusedProofs writes one line for each proof that signs nobody in: the provider and the
// reason, neither the proof nor whom it is about. That a platform cannot be asked is a warning,
// once in outageEvery: requests that fail for it have lines of their own.
func logRefusedProofs(log *slog.Logger, now func() time.Time) func(provider string, refusal *muster.Error) {
	var mu sync.Mutex
	warned := make(map[string]time.Time) // by provider, which are few
	due := func(provider string) bool {
		mu.Lock()
		defer mu.Unlock()
		at := now()
		if last, before := warned[provider]; before && at.Before(last.Add(outageEvery)) {
			return false
		}
		warned[provider] = at
		return true
	}
	return func(provider string, refusal *muster.Error) {
		level := slog.LevelInfo
		if (refusal.Kind == muster.Unavailable || refusal.Kind == muster.Exhausted) && due(provider) {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("provider", provider), slog.String("reason", refusal.Code)}
		if refusal.Err != nil {
			attrs = append(attrs, slog.String("cause", refusal.Err.Error()))
		}
		log.LogAttrs(context.Background(), level, "a proof was refused", attrs...)
	}
}
