package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"muster"
)

const (
	// calmFor is how long an outage goes unsaid once it was said.
	calmFor = 10 * time.Second
	// maxCauses bounds the outages that are remembered, maxOthers the messages that one has.
	maxCauses, maxOthers = 64, 5
	// maxCauseText is the longest cause that is told from others of its code, in bytes: long
	// ones have ids in them.
	maxCauseText = 80
)

// calm is a log in which an outage does not drown the rest. While something that is needed
// cannot be had, every request fails for the same cause, and so does what runs beside them.
// Of the warnings and errors for one cause one is written in calmFor, the most severe, and
// says how many were left out and what else they were about. All other lines pass.
type calm struct {
	slog.Handler
	outages *outages
}

func newCalm(h slog.Handler) slog.Handler {
	return calm{h, &outages{known: make(map[string]*outage)}}
}

func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler {
	return calm{c.Handler.WithAttrs(attrs), c.outages}
}

func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name), c.outages} }

func (c calm) Handle(ctx context.Context, r slog.Record) error {
	cause := outageOf(r)
	if cause == "" {
		return c.Handler.Handle(ctx, r)
	}
	said, left := c.outages.say(cause, r)
	if !said {
		return nil
	}
	if left.count > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("alsoFailed", left.count))
	}
	if len(left.others) > 0 {
		r.AddAttrs(slog.String("also", strings.Join(left.others, "; ")))
	}
	return c.Handler.Handle(ctx, r)
}

// outageOf is what a line says cannot be had; empty: it is about something else.
func outageOf(r slog.Record) (cause string) {
	if r.Level < slog.LevelWarn {
		return ""
	}
	r.Attrs(func(a slog.Attr) bool {
		err, is := a.Value.Any().(error)
		var known *muster.Error
		if is && errors.As(err, &known) && known.Kind == muster.Unavailable {
			cause = known.Code + " " + rootOf(known)
		}
		return cause == ""
	})
	return cause
}

// rootOf tells the causes of one code apart; empty: it does not.
func rootOf(err error) string {
	where := ""
	if failed := (*net.OpError)(nil); errors.As(err, &failed) && failed.Addr != nil {
		where = failed.Addr.String() + " "
	}
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	if known := (*muster.Error)(nil); errors.As(err, &known) || len(err.Error()) > maxCauseText {
		return where
	}
	return where + err.Error()
}

// outages are those that were spoken of. It is safe for concurrent use.
type outages struct {
	mu    sync.Mutex
	known map[string]*outage // guarded by mu; by cause
}

// outage is one cause for which things fail.
type outage struct {
	level   slog.Level // of the line that speaks for it
	message string
	saidAt  time.Time
	left    leftOut
}

// leftOut is what was not written since an outage was spoken of.
type leftOut struct {
	count  int
	others []string // messages besides that which was written
}

// say decides whether a line is written, and what it says besides of those that were not.
func (o *outages) say(cause string, r slog.Record) (said bool, left leftOut) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.known[cause]
	switch {
	case known == nil:
		if len(o.known) >= maxCauses {
			clear(o.known)
		}
	case !known.due(r):
		known.left.add(r.Message, known.message)
		return false, leftOut{}
	default:
		left = known.left
	}
	o.known[cause] = &outage{level: r.Level, message: r.Message, saidAt: r.Time}
	return true, left
}

// due says that a line speaks for the outage: it is worse than what was said, as bad and
// calmFor later, or milder and nothing as bad has come for twice as long.
func (k *outage) due(r slog.Record) bool {
	age := r.Time.Sub(k.saidAt)
	switch {
	case r.Level > k.level:
		return true
	case r.Level == k.level:
		return age >= calmFor
	}
	return age >= 2*calmFor
}

func (l *leftOut) add(message, said string) {
	l.count++
	if message != said && len(l.others) < maxOthers && !slices.Contains(l.others, message) {
		l.others = append(l.others, message)
	}
}
