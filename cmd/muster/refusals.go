package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"muster"
)

// warnAgain is how long a reason for refusing SNS messages stays unsaid once it was said:
// anybody can post them.
const warnAgain = time.Minute

// maxReasons bounds the reasons remembered. There are fewer; the bound is for certain.
const maxReasons = 64

// refusals warns of SNS messages that were refused: without a word, events that do not
// arrive look like matches that take long. It is safe for concurrent use.
type refusals struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex // guards what follows
	said   map[string]time.Time
	unsaid map[string]int // since then
}

func newRefusals(log *slog.Logger, now func() time.Time) *refusals {
	return &refusals{log: log, now: now, said: make(map[string]time.Time), unsaid: make(map[string]int)}
}

// watch is take, with a warning of what it refuses.
func (r *refusals) watch(take func(context.Context, []byte) error) func(context.Context, []byte) error {
	return func(ctx context.Context, body []byte) error {
		err := take(ctx, body)
		var known *muster.Error
		if errors.As(err, &known) && (known.Kind == muster.Denied || known.Kind == muster.Invalid) {
			r.warn(ctx, known)
		}
		return err
	}
}

func (r *refusals) warn(ctx context.Context, err *muster.Error) {
	before, due := r.due(err.Code)
	if !due {
		return
	}
	attrs := []any{"code", err.Code, "reason", err.Message}
	if err.Err != nil {
		attrs = append(attrs, "error", err.Err)
	}
	if before > 0 {
		attrs = append(attrs, "alsoRefused", before)
	}
	if hint := refusalHints[err.Code]; hint != "" {
		attrs = append(attrs, "hint", hint)
	}
	r.log.WarnContext(ctx, "an SNS message was refused, so its event is not known here", attrs...)
}

// refusalHints say what to do where the settings are the likely cause.
var refusalHints = map[string]string{
	"sns.certificate_url": "if this is muster gamelift's, name its certificates with --sns-trust, such as http://127.0.0.1:4570/sns/",
	"sns.subscribe_url":   "if this is muster gamelift's, name its address with --sns-trust, such as http://127.0.0.1:4570/sns/",
	"sns.topic":           "name the topic with --sns-topic, or take the subscription away",
	"sns.type":            "subscribe without raw message delivery",
	"sns.stale":           "compare this machine's clock",
}

// due says whether to speak of a reason now, and how often it went unsaid before.
func (r *refusals) due(reason string) (before int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if at, known := r.said[reason]; known && now.Sub(at) < warnAgain {
		r.unsaid[reason]++
		return 0, false
	}
	if len(r.said) >= maxReasons {
		clear(r.said)
		clear(r.unsaid)
	}
	before = r.unsaid[reason]
	r.said[reason] = now
	delete(r.unsaid, reason)
	return before, true
}
