package flexmatch

import (
	"container/heap"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// Pool is one matchmaker: the tickets that wait, the matches that are being made of
// them, and all rules of matching. Inputs go in by Step, effects come out of it, and
// nothing else happens: it has no clock, no goroutine and no I/O. A Pool is not safe
// for concurrent use.
type Pool struct {
	config  Config
	set     *RuleSet
	now     time.Time // of the last Step
	arrived int       // Start inputs taken so far

	entries  map[string]*entry // every known ticket, by id
	waiting  shelf             // searching tickets that may match, in batch order
	fresh    []*entry          // those that became fresh since the last search
	index    *index            // of waiting
	passes   int               // over the pool so far
	limits   limits
	matches  map[string]*liveMatch // proposed or being placed, by id
	sessions map[string]*entry     // backfill tickets by game session
	alarms   alarms
	rest     alarm // of a pass that was too much work for one Step

	finder  *finder
	ids     *rand.ChaCha8
	effects []Effect // of the Step at hand
	input   int      // index of the one at hand
}

// NewPool makes an empty pool. It panics without a rule set.
func NewPool(c Config) *Pool { return newPool(c, defaultLimits) }

func newPool(c Config, l limits) *Pool {
	if c.RuleSet == nil {
		panic("flexmatch: NewPool without a RuleSet")
	}
	if c.MaxTickets <= 0 {
		c.MaxTickets = defaultMaxTickets
	}
	c.AdditionalPlayers = max(c.AdditionalPlayers, 0)
	index := newIndex(c.RuleSet.plan, l)
	return &Pool{
		config:   c,
		set:      c.RuleSet,
		entries:  map[string]*entry{},
		matches:  map[string]*liveMatch{},
		sessions: map[string]*entry{},
		index:    index,
		limits:   l,
		finder:   newFinder(c.RuleSet, index, c.AdditionalPlayers, l),
		ids:      rand.NewChaCha8(c.Seed),
	}
}

// Step handles every deadline up to now in time order, then the inputs in theirs, then
// searches for matches, and returns what the caller must do, in order. now must not go
// back; an earlier now counts as the last one. Same state and inputs: same effects.
func (p *Pool) Step(now time.Time, in ...Input) []Effect {
	now = now.Round(0)
	if now.Before(p.now) {
		now = p.now
	}
	p.effects = make([]Effect, 0, 2*len(in))
	for {
		at, ok := p.Deadline()
		if !ok || at.After(now) {
			break
		}
		p.settle(at)
		p.search()
	}
	p.now = now
	for i, one := range in {
		p.input = i
		p.apply(one)
	}
	p.settle(now)
	p.search()
	out := p.effects
	p.effects = nil
	return out
}

// Deadline is the next instant at which Step would act without input, always after
// the now of the last Step; ok is false when nothing is waiting for time.
func (p *Pool) Deadline() (at time.Time, ok bool) {
	if len(p.alarms) == 0 {
		return time.Time{}, false
	}
	return p.alarms[0].at, true
}

// Size is how many tickets the pool knows: searching, proposed or being placed.
func (p *Pool) Size() int { return len(p.entries) }

func (p *Pool) emit(e Effect) { p.effects = append(p.effects, e) }

// settle moves the pool to an instant and handles what falls due there. Request
// timeouts come before anything that could still match the ticket.
func (p *Pool) settle(at time.Time) {
	if at.After(p.now) {
		p.now = at
	}
	for len(p.alarms) > 0 && !p.alarms[0].at.After(p.now) {
		a := p.alarms[0]
		switch {
		case a == &p.rest:
			p.alarms.set(a, time.Time{})
			continue
		case a.match != nil:
			p.decide(a.match, TimedOut)
			continue
		}
		e := a.entry
		if p.expired(e) {
			p.leave(e)
			p.emit(Expired{At: p.now, TicketID: e.ticket.ID, Metrics: p.metrics(e.metrics)})
			continue
		}
		p.age(e)
		p.schedule(e)
	}
}

func (p *Pool) expired(e *entry) bool {
	return p.config.RequestTimeout > 0 && !e.startAt.Add(p.config.RequestTimeout).After(p.now)
}

// age brings a searching ticket to the level of its present age. A ticket keeps its
// StartAt for life, also after a failed proposal (the guide is silent; we chose).
func (p *Pool) age(e *entry) {
	level := p.set.level(p.now.Sub(e.startAt))
	if level == e.level || e.hopeless() {
		return
	}
	p.finder.waiting[e.level]--
	p.finder.waiting[level]++
	e.level = level
	p.refresh(e)
}

// refresh marks a ticket whose matches have to be tried.
func (p *Pool) refresh(e *entry) {
	if !e.fresh {
		e.fresh = true
		p.fresh = append(p.fresh, e)
	}
}

// schedule sets a searching ticket's alarm: its request timeout or the next expansion
// boundary of its age, whichever is earlier.
func (p *Pool) schedule(e *entry) {
	var at time.Time
	if p.config.RequestTimeout > 0 {
		at = e.startAt.Add(p.config.RequestTimeout)
	}
	if !e.hopeless() && e.level < len(p.set.waits) {
		boundary := e.startAt.Add(p.set.waits[e.level])
		if at.IsZero() || boundary.Before(at) {
			at = boundary
		}
	}
	p.alarms.set(&e.alarm, at)
}

// enter puts a ticket into the search, new or returned.
func (p *Pool) enter(e *entry, returned bool) {
	e.state, e.match, e.level = searching, nil, p.set.level(p.now.Sub(e.startAt))
	p.schedule(e)
	p.emit(Searching{At: p.now, TicketID: e.ticket.ID, Returned: returned})
	if e.hopeless() {
		return
	}
	p.waiting.insert(item{rank: e.rank, entry: e})
	p.index.insert(e)
	p.finder.waiting[e.level]++
	p.refresh(e)
}

// withdraw takes a ticket out of the search; it stays known.
func (p *Pool) withdraw(e *entry) {
	p.alarms.set(&e.alarm, time.Time{})
	if e.cell == nil {
		return
	}
	p.waiting.remove(0, e.rank)
	p.index.remove(e)
	p.finder.waiting[e.level]--
	e.fresh = false
}

// leave forgets a ticket.
func (p *Pool) leave(e *entry) {
	p.withdraw(e)
	p.index.forget(e)
	delete(p.entries, e.ticket.ID)
	if p.sessions[e.ticket.GameSessionARN] == e {
		delete(p.sessions, e.ticket.GameSessionARN)
	}
	p.finder.classes.forget(e)
}

// metrics spells counts with the rules' names.
func (p *Pool) metrics(counts []tally) []RuleMetric {
	out := make([]RuleMetric, len(p.set.ruleNames))
	for i, name := range p.set.ruleNames {
		out[i].Rule = name
	}
	for i, t := range counts {
		out[i].Passed, out[i].Failed = t.passed, t.failed
	}
	return out
}

// newID makes a random UUID from the pool's seed.
func (p *Pool) newID() string {
	var b [16]byte
	_, _ = p.ids.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	at := 0
	for i, part := range []int{4, 2, 2, 2, 6} {
		if i > 0 {
			text[at] = '-'
			at++
		}
		hex.Encode(text[at:], b[:][(at-i)/2:(at-i)/2+part])
		at += 2 * part
	}
	return string(text[:])
}

// alarm is the instant at which a ticket or a match needs attention. Its owner is one
// of entry and match.
type alarm struct {
	at    time.Time
	order int // breaks ties: order of arrival
	index int // in alarms, from 1; 0 when not set
	entry *entry
	match *liveMatch
}

// alarms is a heap, the next one first.
type alarms []*alarm

// set moves an alarm to an instant; the zero instant takes it out.
func (h *alarms) set(a *alarm, at time.Time) {
	switch {
	case at.IsZero() && a.index > 0:
		heap.Remove(h, a.index-1)
	case at.IsZero():
	case a.index > 0:
		a.at = at
		heap.Fix(h, a.index-1)
	default:
		a.at = at
		heap.Push(h, a)
	}
}

// Len, Less, Swap, Push and Pop make alarms a heap.Interface.
func (h alarms) Len() int { return len(h) }

// Less orders by instant, then by arrival.
func (h alarms) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].order < h[j].order
}

// Swap exchanges two alarms.
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

// Push appends an *alarm.
func (h *alarms) Push(x any) {
	a := x.(*alarm)
	*h = append(*h, a)
	a.index = len(*h)
}

// Pop removes the last alarm.
func (h *alarms) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	*h = (*h)[:last]
	a.index = 0
	return a
}
