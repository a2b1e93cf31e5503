package main

import (
	"context"
	"log/slog"

	"muster"
)

// logRefusedProofs writes one line for each proof that signs nobody in: the provider and the
// reason, neither the proof nor whom it is about. A platform that cannot be asked is a warning.
func logRefusedProofs(log *slog.Logger) func(provider string, refusal *muster.Error) {
	return func(provider string, refusal *muster.Error) {
		level := slog.LevelInfo
		if refusal.Kind == muster.Unavailable || refusal.Kind == muster.Exhausted {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("provider", provider), slog.String("reason", refusal.Code)}
		if refusal.Err != nil {
			attrs = append(attrs, slog.String("cause", refusal.Err.Error()))
		}
		log.LogAttrs(context.Background(), level, "a proof was refused", attrs...)
	}
}
