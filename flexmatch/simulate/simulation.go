package simulate

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"muster/flexmatch"
)

// simulation is one rule set at work on the population: a pool, the tickets in it and
// what will happen to them. Time is the time since its start.
type simulation struct {
	world   *world
	pool    *flexmatch.Pool
	come    *arrivals
	agenda  agenda
	tickets map[string]*ticket // in the pool's search or in a proposal, by id
	record  *record
	now     time.Duration
	started int // tickets so far
	planned int // events so far; breaks ties

	obstacles tally

	inputs []flexmatch.Input // for the next step
	starts []*ticket         // by index of inputs, nil for other inputs
}

// ticket is a party in the queue.
type ticket struct {
	id       string
	party    *party
	visit    uint64 // how many times the party has queued before
	startAt  time.Duration
	departAt time.Duration // when it gives up; 0: never
	matchID  string        // of the proposal it is in, "" while it searches
	asked    uint64        // how many proposals it was in
}

// event is something planned. Which fields are set tells what: a party that returns, a
// ticket whose patience ends, or a player of a ticket who answers a proposal.
type event struct {
	at     time.Duration
	order  int
	back   *party
	visit  uint64
	ticket *ticket
	// matchID, player and accept are of an answer.
	matchID string
	player  string
	accept  bool
}

// maxTickets bounds the queue; whoever comes when it is full is refused.
const maxTickets = 1_000_000

// dayOne is the instant at which simulations start. Any would do.
func dayOne() time.Time { return time.Unix(0, 0).UTC() }

func newSimulation(rules Rules, o Options) (*simulation, error) {
	w, err := newWorld(o.Population, rules, o.Seed)
	if err != nil {
		return nil, err
	}
	config := flexmatch.Config{RuleSet: rules.Set, RequestTimeout: o.RequestTimeout, MaxTickets: maxTickets}
	if a := o.Population.Acceptance; a != nil {
		config.AcceptanceRequired = true
		config.AcceptanceTimeout = time.Duration(a.TimeoutSeconds * float64(time.Second))
	}
	binary.LittleEndian.PutUint64(config.Seed[:], o.Seed)
	return &simulation{
		world: w, pool: flexmatch.NewPool(config), come: newArrivals(w),
		tickets: map[string]*ticket{},
		record:  newRecord(w, o.Duration),
	}, nil
}

// advance simulates until an instant, itself not included.
func (s *simulation) advance(until time.Duration) {
	for {
		at, ok := s.next()
		if !ok || at >= until {
			s.now = until
			s.record.advance(until)
			return
		}
		s.now = at
		s.record.advance(at)
		s.gather()
		s.step()
	}
}

// next is the instant at which something happens next.
func (s *simulation) next() (time.Duration, bool) {
	at, ok := s.come.at, !s.come.over
	if len(s.agenda) > 0 && (!ok || s.agenda[0].at < at) {
		at, ok = s.agenda[0].at, true
	}
	if deadline, waits := s.pool.Deadline(); waits && (!ok || deadline.Sub(dayOne()) < at) {
		at, ok = deadline.Sub(dayOne()), true
	}
	return max(at, s.now), ok
}

// gather turns what happens now into inputs: arrivals first, then the agenda.
func (s *simulation) gather() {
	for !s.come.over && s.come.at <= s.now {
		s.enter(s.come.take(), 0)
	}
	for len(s.agenda) > 0 && s.agenda[0].at <= s.now {
		e := heap.Pop(&s.agenda).(event)
		switch t := e.ticket; {
		case e.back != nil:
			s.enter(e.back, e.visit)
		case s.tickets[t.id] == nil:
			// It left the queue before.
		case e.matchID != "":
			if t.matchID == e.matchID {
				s.input(flexmatch.Answer{TicketID: t.id, PlayerIDs: []string{e.player}, Accept: e.accept}, nil)
			}
		case t.matchID == "":
			s.input(flexmatch.Stop{TicketID: t.id}, nil)
		}
	}
}

// enter lets a party queue.
func (s *simulation) enter(p *party, visit uint64) {
	s.started++
	t := &ticket{id: "t" + strconv.Itoa(s.started), party: p, visit: visit, startAt: s.now}
	if patience := s.world.population.Patience; patience != nil {
		t.departAt = s.now + max(1, lasting(patience.draw(s.world.stream(patienceStream, p.index, visit))))
		s.plan(event{at: t.departAt, ticket: t})
	}
	s.tickets[t.id] = t
	s.record.queued(t)
	s.input(flexmatch.Start{Ticket: flexmatch.Ticket{ID: t.id, StartAt: dayOne().Add(s.now), Players: p.players}}, t)
}

// lasting is a number of seconds as a duration, at most some years.
func lasting(seconds float64) time.Duration {
	return time.Duration(min(seconds, 1e8) * float64(time.Second))
}

func (s *simulation) input(in flexmatch.Input, starts *ticket) {
	s.inputs, s.starts = append(s.inputs, in), append(s.starts, starts)
}

func (s *simulation) plan(e event) {
	s.planned++
	e.order = s.planned
	heap.Push(&s.agenda, e)
}

// step runs the matchmaker on the gathered inputs and lives with what it says.
func (s *simulation) step() {
	starts := s.starts
	effects := s.pool.Step(dayOne().Add(s.now), s.inputs...)
	s.inputs, s.starts = s.inputs[:0], nil
	for _, effect := range effects {
		switch e := effect.(type) {
		case flexmatch.Refused:
			// Only tickets that find the queue full are refused for good: an answer may come
			// in the instant in which another decided the match.
			if e.Index < len(starts) && starts[e.Index] != nil {
				s.leave(starts[e.Index].id, refused)
			}
		case flexmatch.Searching:
			if e.Returned {
				s.searchAgain(s.tickets[e.TicketID])
			}
		case flexmatch.Proposed:
			s.proposed(e)
		case flexmatch.Matched:
			s.matched(e)
		case flexmatch.Expired:
			s.leave(e.TicketID, timedOut)
		case flexmatch.Cancelled:
			if e.ByRequest {
				s.leave(e.TicketID, abandoned)
			} else {
				s.leave(e.TicketID, declined)
			}
		}
	}
}

func (s *simulation) leave(id string, how outcome) {
	t := s.tickets[id]
	if t == nil {
		panic(fmt.Sprintf("simulate: ticket %q leaves the queue twice", id))
	}
	delete(s.tickets, id)
	s.record.left(t, how)
}

// searchAgain follows a failed proposal. Whoever lost patience meanwhile gives up.
func (s *simulation) searchAgain(t *ticket) {
	t.matchID = ""
	if t.departAt > 0 && t.departAt <= s.now {
		s.plan(event{at: s.now, ticket: t})
	}
}

// proposed plans the players' answers.
func (s *simulation) proposed(e flexmatch.Proposed) {
	members := s.members(e.Match)
	for _, t := range members {
		t.matchID = e.Match.ID
	}
	if !e.AcceptanceRequired {
		return
	}
	for _, t := range members {
		// A party answers alike under each rule set: it depends only on how often it queued
		// and was asked.
		r := s.world.stream(answerStream, t.party.index, t.visit<<32|t.asked)
		t.asked++
		for _, p := range t.party.players {
			s.planAnswer(r, t, p.ID)
		}
	}
}

func (s *simulation) planAnswer(r *rand.Rand, t *ticket, player string) {
	a := s.world.population.Acceptance
	delay, mood := lasting(a.AnswerSeconds.draw(r)), r.Float64()
	if mood >= a.AcceptRate && mood < a.AcceptRate+a.SilentRate {
		return
	}
	s.plan(event{at: s.now + delay, ticket: t, matchID: t.matchID, player: player, accept: mood < a.AcceptRate})
}

// members are the tickets of a match, in its order.
func (s *simulation) members(m flexmatch.Match) []*ticket {
	out := make([]*ticket, len(m.TicketIDs))
	for i, id := range m.TicketIDs {
		out[i] = s.tickets[id]
	}
	return out
}

// matched takes a match's tickets out of the queue and plans who returns.
func (s *simulation) matched(e flexmatch.Matched) {
	members := s.members(e.Match)
	s.record.match(e.Match, members)
	s.input(flexmatch.Placed{MatchID: e.Match.ID}, nil)
	for _, t := range members {
		delete(s.tickets, t.id)
		s.record.left(t, matched)
		back := s.world.population.Return
		if back == nil {
			continue
		}
		r := s.world.stream(returnStream, t.party.index, t.visit)
		if length := lasting(back.DurationSeconds.draw(r)); r.Float64() < back.Rate {
			s.plan(event{at: s.now + length, back: t.party, visit: t.visit + 1})
		}
	}
}

// result ends the simulation where it is.
func (s *simulation) result(interrupted bool) *Result {
	waiting := make([]*ticket, 0, len(s.tickets))
	for _, t := range s.tickets {
		waiting = append(waiting, t)
	}
	slices.SortFunc(waiting, func(a, b *ticket) int { return int(a.startAt - b.startAt) })
	return s.record.result(s, waiting, interrupted)
}

// agenda is a heap of events, the next one first.
type agenda []event

// Len, Less, Swap, Push and Pop make agenda a heap.Interface.
func (a agenda) Len() int { return len(a) }

// Less orders by instant, then by when it was planned.
func (a agenda) Less(i, j int) bool {
	if a[i].at != a[j].at {
		return a[i].at < a[j].at
	}
	return a[i].order < a[j].order
}

// Swap exchanges two events.
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push appends an event.
func (a *agenda) Push(x any) { *a = append(*a, x.(event)) }

// Pop removes the last event.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = event{}
	*a = (*a)[:last]
	return e
}
