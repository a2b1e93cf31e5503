package gameliftlocal

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
)

// matchmaker is the actor of one matchmaking configuration. Its goroutine receives
// messages, steps the pool, performs the effects and sleeps until the pool's next
// deadline: there is no tick, so players who fit are matched at once.
//
// Messages are taken in order. Whoever holds the service's lock may post, but must not
// wait for an answer, since effects are performed under that lock.
type matchmaker struct {
	service *Service
	name    string
	wake    chan struct{} // holds one token when the inbox is not empty

	mu     sync.Mutex // guards inbox and closed
	inbox  []letter
	closed error // not nil: the goroutine has ended, and letters are answered so

	// The service's lock guards these.
	waits   waits
	accepts *flexmatch.RuleSet // what new tickets are checked against

	// What follows belongs to the goroutine.
	current *generation
	delayed []letter               // tickets that are QUEUED, by due time
	older   []*generation          // still proposing or placing under earlier settings
	homes   map[string]*generation // by ticket id
	retired error                  // not nil: ends when drained, and what comes later is answered so
}

// letter is one message: an input for the pool, new settings, or the end.
type letter struct {
	input  flexmatch.Input
	reply  chan<- error // nil: nobody waits. Has room for one
	config *types.MatchmakingConfiguration
	rules  *flexmatch.RuleSet // with config
	retire error              // errRetired or errStopped
	due    time.Time          // of a Start: not before this; zero: at once
}

// generation is a pool with the settings that it was made with. An update of the
// configuration makes a new one; searching tickets move over.
type generation struct {
	config  types.MatchmakingConfiguration
	rules   *flexmatch.RuleSet
	pool    *flexmatch.Pool
	matches map[string]*liveMatch // by match id
	tickets int                   // how many the pool holds
}

// liveMatch is a match from its proposal until it has a session or is given up. The
// service's lock guards it.
type liveMatch struct {
	maker   *matchmaker
	config  types.MatchmakingConfiguration
	match   flexmatch.Match
	rules   *flexmatch.RuleSet
	tickets []*ticket
	metrics []ruleMetric
	// nextBackfill is the id of the automatic backfill that follows the match; "": none.
	nextBackfill string
}

func newMatchmaker(s *Service, config types.MatchmakingConfiguration, rules *flexmatch.RuleSet) *matchmaker {
	m := &matchmaker{
		service: s, name: val(config.Name), wake: make(chan struct{}, 1),
		homes: map[string]*generation{}, accepts: rules,
	}
	m.current = m.newGeneration(config, rules)
	return m
}

func (m *matchmaker) newGeneration(config types.MatchmakingConfiguration, rules *flexmatch.RuleSet) *generation {
	return &generation{
		config: config, rules: rules, matches: map[string]*liveMatch{},
		pool: flexmatch.NewPool(flexmatch.Config{
			RuleSet:            rules,
			RequestTimeout:     time.Duration(val(config.RequestTimeoutSeconds)) * time.Second,
			AcceptanceRequired: val(config.AcceptanceRequired),
			AcceptanceTimeout:  time.Duration(val(config.AcceptanceTimeoutSeconds)) * time.Second,
			AdditionalPlayers:  additionalPlayers(config),
			Seed:               sha256.Sum256([]byte(m.service.newID())),
		}),
	}
}

// additionalPlayers is unused without a queue, as Amazon's API says.
func additionalPlayers(c types.MatchmakingConfiguration) int {
	if c.FlexMatchMode == types.FlexMatchModeStandalone {
		return 0
	}
	return int(val(c.AdditionalPlayerCount))
}

// post puts a message into the inbox. It never blocks; what bounds the inbox is that
// each ticket brings few messages, and callers wait for theirs.
func (m *matchmaker) post(msg letter) {
	m.mu.Lock()
	closed := m.closed
	if closed == nil {
		m.inbox = append(m.inbox, msg)
	}
	m.mu.Unlock()
	if closed != nil {
		msg.answer(closed)
		return
	}
	select {
	case m.wake <- struct{}{}:
	default: // the token of an earlier message is still there
	}
}

// answer tells whoever waits for the letter.
func (l letter) answer(err error) {
	if l.reply != nil {
		l.reply <- err
	}
}

// errRetired is the answer of a matchmaker whose configuration was deleted.
var errRetired error = refusal{flexmatch.Refused{
	Reason: flexmatch.UnknownTicket, Message: "The matchmaking configuration has been deleted.",
}}

// close answers what came too late, and all that will.
func (m *matchmaker) close(why error) {
	m.mu.Lock()
	m.closed = why
	late := m.inbox
	m.inbox = nil
	m.mu.Unlock()
	for _, l := range late {
		l.answer(why)
	}
}

// ask posts an input and waits until its effects have been performed, or until the
// caller or the service gives up. The error is nil, the pool's refusal, or the
// context's.
func (m *matchmaker) ask(ctx context.Context, in flexmatch.Input) error {
	reply := make(chan error, 1)
	l := letter{input: in, reply: reply}
	if start, ok := in.(flexmatch.Start); ok {
		l.due = start.Ticket.StartAt.Add(m.service.delay)
	}
	m.post(l)
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-m.service.stopped:
		return errStopped
	}
}

// refusal is the pool's answer to an input that changed nothing.
type refusal struct{ flexmatch.Refused }

func (r refusal) Error() string { return r.Message }

// run is the actor. It ends with ctx, or when its configuration is gone and its last
// ticket too.
func (m *matchmaker) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		m.turn()
		if m.retired != nil && m.drained() {
			m.close(m.retired)
			return
		}
		var due <-chan time.Time
		if at, ok := m.deadline(); ok {
			timer.Reset(at.Sub(m.service.clock.now()))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			m.close(errStopped)
			return
		case <-m.wake:
		case <-due:
		}
	}
}

// turn handles what is due and what was posted.
func (m *matchmaker) turn() {
	now := m.service.clock.now()
	for _, g := range m.generations() {
		if at, ok := g.pool.Deadline(); ok && !at.After(now) {
			_ = m.step(g, now, nil) // time alone is never refused
		}
	}
	m.startDelayed(now)
	m.mu.Lock()
	inbox := m.inbox
	m.inbox = nil
	m.mu.Unlock()
	for _, msg := range inbox {
		m.handle(m.service.clock.now(), msg)
	}
	m.older = dropDrained(m.older)
}

func (m *matchmaker) handle(now time.Time, msg letter) {
	switch {
	case msg.retire != nil:
		m.retired = msg.retire
		m.stopAll(now)
		msg.answer(nil)
	case msg.config != nil:
		m.reconfigure(now, *msg.config, msg.rules)
	default:
		m.input(now, msg)
	}
}

// input gives a letter's input to its pool, unless it is a ticket that must wait
// before, or one that does.
func (m *matchmaker) input(now time.Time, msg letter) {
	switch in := msg.input.(type) {
	case flexmatch.Start:
		if m.retired != nil {
			if msg.reply == nil {
				m.refusedUnasked(now, in)
			}
			msg.answer(m.retired)
			return
		}
		if msg.due.After(now) {
			m.delayed = append(m.delayed, letter{input: in, due: msg.due})
			msg.answer(nil)
			return
		}
	case flexmatch.Stop:
		if m.dropDelayed(now, in.TicketID) {
			msg.answer(nil)
			return
		}
	}
	g := m.home(msg.input)
	err := m.step(g, now, msg.input)
	switch in := msg.input.(type) {
	case flexmatch.Placed:
		m.release(g, in.MatchID)
	case flexmatch.NotPlaced:
		m.release(g, in.MatchID)
	}
	if msg.reply == nil && err != nil {
		m.refusedUnasked(now, msg.input)
	}
	msg.answer(err)
}

// dropDelayed cancels a ticket that is still QUEUED.
func (m *matchmaker) dropDelayed(now time.Time, id string) bool {
	at := slices.IndexFunc(m.delayed, func(l letter) bool { return l.input.(flexmatch.Start).Ticket.ID == id })
	if at < 0 {
		return false
	}
	m.delayed = slices.Delete(m.delayed, at, at+1)
	m.service.mu.Lock()
	defer m.service.mu.Unlock()
	defer m.service.settle()
	m.left(m.current, id, departure{at: now, status: types.MatchmakingConfigurationStatusCancelled})
	return true
}

// startDelayed lets in the tickets that have waited long enough. All wait equally
// long, so they are in order.
func (m *matchmaker) startDelayed(now time.Time) {
	for len(m.delayed) > 0 && !m.delayed[0].due.After(now) {
		due := m.delayed[0]
		m.delayed = m.delayed[1:]
		m.input(now, due)
	}
}

// refusedUnasked ends an automatic backfill that the pool does not take: nobody waits
// for its refusal. Other letters without a reply may be refused without harm.
func (m *matchmaker) refusedUnasked(now time.Time, in flexmatch.Input) {
	if start, ok := in.(flexmatch.Start); ok {
		m.service.mu.Lock()
		defer m.service.mu.Unlock()
		defer m.service.settle()
		m.left(m.current, start.Ticket.ID, departure{at: now, status: types.MatchmakingConfigurationStatusFailed})
	}
}

// home finds the generation that an input is for.
func (m *matchmaker) home(in flexmatch.Input) *generation {
	ticketID, matchID := "", ""
	switch in := in.(type) {
	case flexmatch.Stop:
		ticketID = in.TicketID
	case flexmatch.Answer:
		ticketID = in.TicketID
	case flexmatch.Placed:
		matchID = in.MatchID
	case flexmatch.NotPlaced:
		matchID = in.MatchID
	}
	if g := m.homes[ticketID]; g != nil {
		return g
	}
	for _, g := range m.older {
		if g.matches[matchID] != nil {
			return g
		}
	}
	return m.current
}

// step gives a pool one input, or only the time, and performs what comes of it.
func (m *matchmaker) step(g *generation, now time.Time, in flexmatch.Input) error {
	var effects []flexmatch.Effect
	if in == nil {
		effects = g.pool.Step(now)
	} else {
		effects = g.pool.Step(now, in)
	}
	moves, err := m.perform(g, effects)
	for _, id := range moves {
		m.move(now, id, g)
	}
	return err
}

// perform applies effects in their order, under the service's lock. moves are tickets
// that came back to searching under settings that are no longer current.
func (m *matchmaker) perform(g *generation, effects []flexmatch.Effect) (moves []string, err error) {
	s := m.service
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.settle()
	for _, e := range effects {
		switch e := e.(type) {
		case flexmatch.Refused:
			err = refusal{e}
		case flexmatch.Searching:
			m.searching(g, e)
			if g != m.current {
				moves = append(moves, e.TicketID)
			}
		case flexmatch.Proposed:
			m.proposed(g, e)
		case flexmatch.Answered:
			m.answered(g, e)
		case flexmatch.AcceptanceCompleted:
			m.acceptanceCompleted(g, e)
		case flexmatch.Matched:
			m.matched(g, e)
		case flexmatch.Expired:
			m.left(g, e.TicketID, departure{at: e.At, status: types.MatchmakingConfigurationStatusTimedOut, metrics: e.Metrics})
		case flexmatch.Cancelled:
			m.left(g, e.TicketID, departure{
				at: e.At, status: types.MatchmakingConfigurationStatusCancelled, metrics: e.Metrics, unaccepted: !e.ByRequest,
			})
		}
	}
	return moves, err
}

// reconfigure makes new settings hold for the matches to come.
func (m *matchmaker) reconfigure(now time.Time, config types.MatchmakingConfiguration, rules *flexmatch.RuleSet) {
	old := m.current
	m.current = m.newGeneration(config, rules)
	m.older = append(m.older, old)
	for _, id := range m.ticketsIn(old, func(status types.MatchmakingConfigurationStatus) bool {
		return status == types.MatchmakingConfigurationStatusSearching
	}) {
		m.move(now, id, old)
	}
}

// move takes a searching ticket from an old pool to the current one, unseen from
// outside. New rules may refuse its attributes; the ticket then fails.
func (m *matchmaker) move(now time.Time, id string, from *generation) {
	for _, e := range from.pool.Step(now, flexmatch.Stop{TicketID: id}) {
		switch e.(type) {
		case flexmatch.Refused: // it is not searching any more: it stays
			return
		case flexmatch.Cancelled: // the move, not an end
		default:
			_, _ = m.perform(from, []flexmatch.Effect{e}) // no input of a caller, so no refusal
		}
	}
	m.forget(from, id)
	s := m.service
	s.mu.Lock()
	t := s.tickets.byID[id]
	s.mu.Unlock()
	err := m.step(m.current, now, flexmatch.Start{Ticket: t.request})
	if err != nil {
		s.mu.Lock()
		m.left(m.current, id, departure{at: now, status: types.MatchmakingConfigurationStatusFailed})
		s.settle()
		s.mu.Unlock()
	}
}

// ticketsIn lists the tickets of a pool by status, in no order that matters: each is
// handled on its own.
func (m *matchmaker) ticketsIn(g *generation, wanted func(types.MatchmakingConfigurationStatus) bool) []string {
	s := m.service
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, id := range sortedKeys(m.homes) {
		if t := s.tickets.byID[id]; m.homes[id] == g && t != nil && wanted(t.api.Status) {
			out = append(out, id)
		}
	}
	return out
}

// stopAll withdraws every ticket that can be withdrawn.
func (m *matchmaker) stopAll(now time.Time) {
	for len(m.delayed) > 0 {
		m.dropDelayed(now, m.delayed[0].input.(flexmatch.Start).Ticket.ID)
	}
	for _, g := range m.generations() {
		for _, id := range m.ticketsIn(g, func(types.MatchmakingConfigurationStatus) bool { return true }) {
			_ = m.step(g, now, flexmatch.Stop{TicketID: id}) // refused while placing: the placement ends it
		}
	}
}

// release forgets a match that has ended one way or the other, with its tickets.
func (m *matchmaker) release(g *generation, matchID string) {
	if lm := g.matches[matchID]; lm != nil {
		for _, id := range lm.match.TicketIDs {
			m.forget(g, id)
		}
		delete(g.matches, matchID)
	}
}

// enter and forget keep the table of which pool holds a ticket.
func (m *matchmaker) enter(g *generation, id string) {
	m.homes[id] = g
	g.tickets++
}

func (m *matchmaker) forget(g *generation, id string) {
	if m.homes[id] == g {
		delete(m.homes, id)
		g.tickets--
	}
}

func (m *matchmaker) generations() []*generation {
	return append(append([]*generation(nil), m.older...), m.current)
}

func dropDrained(list []*generation) []*generation {
	kept := list[:0]
	for _, g := range list {
		if g.tickets > 0 {
			kept = append(kept, g)
		}
	}
	clear(list[len(kept):])
	return kept
}

func (m *matchmaker) drained() bool {
	for _, g := range m.generations() {
		if g.tickets > 0 {
			return false
		}
	}
	return true
}

// deadline is when the next pool wants the time, or the next ticket may search.
func (m *matchmaker) deadline() (at time.Time, ok bool) {
	if len(m.delayed) > 0 {
		at, ok = m.delayed[0].due, true
	}
	for _, g := range m.generations() {
		if d, has := g.pool.Deadline(); has && (!ok || d.Before(at)) {
			at, ok = d, true
		}
	}
	return at, ok
}
