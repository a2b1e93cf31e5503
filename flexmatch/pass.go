package flexmatch

import "slices"

// freshShare: a pass goes over all tickets when at least one of so many is fresh;
// otherwise it goes from the fresh ones to those that might be with them.
const freshShare = 16

// search makes every match that became possible: such a match has a fresh ticket in it,
// as the others were tried before. Anchors are tried from the oldest; one that cannot be
// matched waits and the next is tried (the guide says only that passes repeat; we
// chose).
func (p *Pool) search() {
	fresh := slices.DeleteFunc(p.fresh, func(e *entry) bool { return !e.fresh })
	p.fresh = p.fresh[:0]
	if len(fresh) == 0 {
		return
	}
	p.passes++
	work, few := passWork, !p.crowded()
	switch {
	case p.waiting.size <= p.limits.few:
		work = fewWork
	case !few:
		work = crowdedWork
	}
	if len(fresh) > 1 && (few || len(fresh)*freshShare >= p.waiting.size) {
		p.passOver(&work)
	} else {
		slices.SortFunc(fresh, func(a, b *entry) int { return a.rank.compare(b.rank) })
		for _, e := range fresh {
			if e.fresh {
				p.passFrom(e, &work)
			}
		}
	}
	for _, e := range fresh {
		e.fresh = false
	}
}

// passOver tries every waiting ticket as the anchor.
func (p *Pool) passOver(work *int) {
	crowded, failures := p.crowded(), 0
	var held []*found
	for e := p.waiting.after(0, firstRank); e != nil; e = p.waiting.after(0, e.rank) {
		if c := p.likes(e, failures >= p.limits.likes); c != nil && c.failedPass == p.passes && c.failedLevel == e.level {
			continue // an older one like it found nobody among more
		}
		q := query{seeds: []*entry{e}, after: e.rank}
		if p.backfillsLast() && e.backfill {
			q.after = firstRank // those before it found no match; now they may join it
		}
		if m := p.find(q, work); m != nil && crowded {
			for _, e := range m.entries {
				p.withdraw(e)
			}
			held = append(held, m)
			continue
		} else if m != nil {
			p.form(m)
			continue
		}
		failures++
		if c := p.likes(e, failures >= p.limits.likes); c != nil {
			c.failedPass, c.failedLevel = p.passes, e.level
		}
	}
	for _, m := range p.rematch(held) {
		p.form(m)
	}
}

// likes is the class of an entry if it is worth knowing.
func (p *Pool) likes(e *entry, worth bool) *class {
	if !worth {
		return e.class
	}
	return p.finder.classes.of(e)
}

// passFrom looks for a match with a fresh ticket. Without one, which is the usual case
// in a pool of many, nothing else need be looked at. If there is one, the match is that
// of the oldest ticket which can be in one with the fresh ticket.
func (p *Pool) passFrom(fresh *entry, work *int) {
	m := p.find(query{seeds: []*entry{fresh}, after: firstRank}, work)
	switch {
	case m == nil && p.backfillsLast() && !fresh.backfill:
		m = p.anchored(fresh, nil, work)
	case m != nil && m.entries[0] != fresh:
		if older := p.anchored(fresh, m.entries[0], work); older != nil {
			m = older
		}
	}
	if m != nil {
		p.form(m)
	}
}

// anchored looks for the match of the oldest ticket, up to a given one, that can be with
// the fresh one. Without a given one it is for the backfills that come last.
func (p *Pool) anchored(fresh, upTo *entry, work *int) *found {
	after := firstRank
	if upTo == nil {
		after = fresh.rank
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
		if p.set.large {
			q.seeds = q.seeds[:1] // a match without the fresh ticket was tried before
		}
		if upTo == nil {
			q.after = firstRank
		}
		if m := p.find(q, work); m != nil {
			return m
		}
	}
	return nil
}

// backfillsLast: backfill tickets are anchors only, after all others.
func (p *Pool) backfillsLast() bool {
	return p.set.algorithm.priority == lowPriority && !p.set.large
}

// crowded: more tickets wait than a batch holds.
func (p *Pool) crowded() bool { return p.waiting.size > p.limits.candidates }

// find asks for one match. The work allowed for one anchor shrinks to leastWork when
// the pass has spent its own.
func (p *Pool) find(q query, work *int) *found {
	q.crowded = p.crowded()
	allowed := max(leastWork, min(*work, anchorWork))
	if p.waiting.size <= p.limits.few {
		allowed = max(leastWork, *work)
	}
	left := allowed
	var m *found
	if p.set.large {
		m = p.finder.large(q)
	} else {
		m = p.finder.find(q, &left)
	}
	*work -= allowed - left
	return m
}
