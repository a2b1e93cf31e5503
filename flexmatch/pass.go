package flexmatch

import (
	"math"
	"slices"
	"time"
)

// search makes every match that became possible: such a match has a fresh ticket in it,
// as the others were tried before. Anchors are tried from the oldest; one that cannot be
// matched waits and the next is tried (the guide says only that passes repeat; we
// chose).
func (p *Pool) search() {
	fresh := slices.DeleteFunc(p.fresh, func(e *entry) bool { return !e.fresh })
	p.fresh = nil
	if len(fresh) == 0 {
		return
	}
	p.passes++
	slices.SortFunc(fresh, func(a, b *entry) int { return a.rank.compare(b.rank) })
	tried := len(fresh)
	switch {
	case p.crowded():
		tried = p.passCrowd(fresh)
	case len(fresh) > 1:
		p.passOver()
	default:
		work := p.allowance()
		if m := p.from(fresh[0], &work); m != nil {
			p.form(m)
		}
	}
	for _, e := range fresh[:tried] {
		e.fresh = false
	}
	p.fresh = slices.DeleteFunc(fresh[tried:], func(e *entry) bool { return !e.fresh })
	if len(p.fresh) > 0 {
		p.alarms.set(&p.rest, p.now.Add(1)) // goes on as soon as the caller has had its turn
	}
}

// allowance is the work for a pass over a pool that is not crowded.
func (p *Pool) allowance() int {
	if p.waiting.size <= p.limits.few {
		return fewWork
	}
	return passWork
}

// Unfinished tells that the last Step did not try every ticket, for the work it would
// have been: only pools of hundreds whose rules are dear to ask come to that. The next
// Step, for which Deadline asks at once, goes on.
func (p *Pool) Unfinished() bool { return len(p.fresh) > 0 }

// Complete is Step for a caller who has the time: it goes on until every ticket was
// tried, some nanoseconds past now.
func (p *Pool) Complete(now time.Time, in ...Input) []Effect {
	effects := p.Step(now, in...)
	for p.Unfinished() {
		effects = append(effects, p.Step(p.now.Add(1))...)
	}
	return effects
}

// passOver tries every waiting ticket as the anchor.
func (p *Pool) passOver() {
	work, failures := p.allowance(), 0
	for e := p.waiting.after(0, firstRank); e != nil; e = p.waiting.after(0, e.rank) {
		if p.failedBefore(e, failures) {
			continue
		}
		q := query{seeds: []*entry{e}, after: e.rank}
		if p.set.backfillsLast() && e.backfill {
			q.after = firstRank // those before it found no match; now they may join it
		}
		if m := p.find(q, &work); m != nil {
			p.form(m)
			continue
		}
		failures++
		p.noteFailure(e, failures)
	}
}

// passCrowd tries the fresh tickets in turn and says how many it had the work for. Of a
// pool that is all fresh each is the anchor of those behind it; otherwise it may be with
// older ones that are not tried again themselves.
func (p *Pool) passCrowd(fresh []*entry) (tried int) {
	work, failures := p.limits.crowdWork+p.limits.freshWork*len(fresh), 0
	alone := len(fresh) == p.waiting.size
	var held []*found
	for _, e := range fresh {
		if work <= 0 {
			break
		}
		tried++
		if !e.fresh || p.failedBefore(e, failures) {
			continue
		}
		var m *found
		if alone && !(e.backfill && p.set.backfillsLast()) {
			m = p.find(query{seeds: []*entry{e}, after: e.rank}, &work)
		} else {
			m = p.from(e, &work)
		}
		if m == nil {
			failures++
			p.noteFailure(e, failures)
			continue
		}
		for _, e := range m.entries {
			p.withdraw(e)
		}
		held = append(held, m)
	}
	for _, m := range p.rematch(held) {
		p.form(m)
	}
	return tried
}

// failedBefore tells that a ticket like this one found no match in the pass, so that
// this one need not be tried. After some failures it is worth knowing who is alike.
func (p *Pool) failedBefore(e *entry, failures int) bool {
	c := e.class
	if failures >= p.limits.likes {
		c = p.finder.classes.of(e)
	}
	return c != nil && c.failedPass == p.passes && c.failedLevel == e.level
}

func (p *Pool) noteFailure(e *entry, failures int) {
	if failures < p.limits.likes {
		return
	}
	if c := p.finder.classes.of(e); c != nil {
		c.failedPass, c.failedLevel = p.passes, e.level
	}
}

// from looks for a match with a fresh ticket. Without one, which is the usual case in a
// pool of many, nothing else need be looked at. If there is one, the match is that of
// the oldest ticket which can be in one with the fresh ticket.
func (p *Pool) from(fresh *entry, work *int) *found {
	m := p.find(query{seeds: []*entry{fresh}, after: firstRank}, work)
	switch {
	case m == nil && p.set.backfillsLast() && !fresh.backfill:
		return p.anchored(fresh, nil, work)
	case m != nil && !p.set.large: // a large match takes the oldest as they come
		if older := p.anchored(fresh, m.entries[0], work); older != nil {
			return older
		}
	}
	return m
}

// anchored looks for the match of the oldest ticket, up to a given one, that can be with
// the fresh one. Without a given one it is for the backfills that come last.
func (p *Pool) anchored(fresh, upTo *entry, work *int) *found {
	after := firstRank
	if upTo == nil {
		if p.index.backfills == 0 {
			return nil
		}
		after = rank{at: rankReach - 1, arrival: math.MaxInt} // where low priority begins
	}
	var anchors []*entry
	for h := p.index.huntAll(fresh, after); len(anchors) < p.limits.anchors; {
		e := h.next()
		if e == nil {
			break
		}
		if e != fresh && (upTo != nil || e.backfill) {
			anchors = append(anchors, e)
		}
		if e == upTo {
			break
		}
	}
	for _, anchor := range anchors {
		q := query{seeds: []*entry{anchor, fresh}, after: anchor.rank}
		if upTo == nil {
			q.after = firstRank
		}
		if m := p.find(q, work); m != nil {
			return m
		}
	}
	return nil
}

// crowded: more tickets wait than a batch holds.
func (p *Pool) crowded() bool { return p.waiting.size > p.limits.candidates }

// find asks for one match. In a crowded pool the work allowed for one anchor is small,
// so that no ticket keeps the others waiting; otherwise it shrinks to leastWork when the
// pass has spent its own.
func (p *Pool) find(q query, work *int) *found {
	q.crowded = p.crowded()
	var allowed int
	switch {
	case p.set.large:
		allowed = largeWork
	case q.crowded:
		allowed = p.limits.crowdAnchorWork
	case p.waiting.size <= p.limits.few:
		allowed = max(leastWork, *work)
	default:
		allowed = max(leastWork, min(*work, anchorWork))
	}
	left := allowed
	var m *found
	if p.set.large {
		m = p.finder.large(q, &left)
	} else {
		m = p.finder.find(q, &left)
	}
	*work -= allowed - left
	return m
}
