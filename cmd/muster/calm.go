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
	"muster/identity"
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
// says how many were left out and what else they were about. What no line has said calmFor
// after the first that was left out gets one of its own. All other lines pass.
type calm struct {
	slog.Handler
	outages *outages
}

// later calls something after a time; what it does may be lost when the program ends.
type later func(after time.Duration, do func())

// newCalm is a calm log whose instants are those of the process's clock.
func newCalm(h slog.Handler) slog.Handler {
	return newCalmBy(h, func(after time.Duration, do func()) { time.AfterFunc(after, do) })
}

func newCalmBy(h slog.Handler, l later) slog.Handler {
	rest := func(r slog.Record) { _ = h.Handle(context.Background(), r) } // as slog itself does
	return calm{h, &outages{later: l, rest: rest, known: make(map[string]*outage)}}
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
		left.addTo(&r)
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
	if asked := (*identity.ProviderError)(nil); errors.As(err, &asked) {
		where = asked.Provider + " "
	}
	if failed := (*net.OpError)(nil); errors.As(err, &failed) && failed.Addr != nil {
		where += failed.Addr.String() + " "
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
	later later
	rest  func(slog.Record) // writes a line of its own

	mu    sync.Mutex
	known map[string]*outage // guarded by mu; by cause
}

// outage is one cause for which things fail. Where another line speaks for the cause from then
// on, another outage takes its place, and what it left out with it.
type outage struct {
	level   slog.Level // of the line that speaks for it
	message string
	saidAt  time.Time
	left    leftOut
}

// leftOut is what was not written since an outage was spoken of.
type leftOut struct {
	count  int
	level  slog.Level // the most severe
	others []string   // messages besides that which was written
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
		if known.left.add(r, known.message); known.left.count == 1 {
			o.later(calmFor, func() { o.sayRest(cause, known, r.Time.Add(calmFor)) })
		}
		return false, leftOut{}
	default:
		left, known.left = known.left, leftOut{}
	}
	o.known[cause] = &outage{level: r.Level, message: r.Message, saidAt: r.Time}
	return true, left
}

// sayRest writes how many lines of an outage were left out, if no other line has by now.
func (o *outages) sayRest(cause string, k *outage, now time.Time) {
	o.mu.Lock()
	left := k.left
	if left.count > 0 {
		k.left, k.saidAt = leftOut{}, now
	}
	o.mu.Unlock()
	if left.count == 0 {
		return
	}
	r := slog.NewRecord(now, left.level, "more of it failed", 0)
	r.AddAttrs(slog.String("cause", strings.TrimSpace(cause)))
	left.addTo(&r)
	o.rest(r)
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

func (l *leftOut) add(r slog.Record, said string) {
	if l.count++; l.count == 1 || r.Level > l.level {
		l.level = r.Level
	}
	if r.Message != said && len(l.others) < maxOthers && !slices.Contains(l.others, r.Message) {
		l.others = append(l.others, r.Message)
	}
}

// addTo says in a line what was left out.
func (l leftOut) addTo(r *slog.Record) {
	r.AddAttrs(slog.Int("alsoFailed", l.count))
	if len(l.others) > 0 {
		r.AddAttrs(slog.String("also", strings.Join(l.others, "; ")))
	}
}
