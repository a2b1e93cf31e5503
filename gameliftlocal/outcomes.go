package gameliftlocal

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
)

// This file turns the matchmaker's effects into ticket states, events, placements
// and backfills. Everything in it runs under the service's lock.

// searching: a ticket is in the pool, for the first time, again after a failed
// proposal, or moved to a pool with newer settings, of which nobody is told.
func (m *matchmaker) searching(g *generation, e flexmatch.Searching) {
	t := m.service.tickets.byID[e.TicketID]
	moved := t.api.Status == types.MatchmakingConfigurationStatusSearching
	if m.homes[e.TicketID] == nil {
		m.enter(g, e.TicketID)
	}
	if e.Returned {
		delete(g.matches, t.matchID)
		t.unseat()
		t.api.StatusReason, t.api.StatusMessage = new(reasonAcceptance), new(messageReturned)
	}
	t.api.Status = types.MatchmakingConfigurationStatusSearching
	if moved {
		return
	}
	var wait any = "NOT_AVAILABLE"
	if seconds := m.waits.seconds(); seconds != nil {
		wait = *seconds
	}
	m.service.publishMatch(g.config, e.At, []*ticket{t}, matchDetail{Type: eventSearching, EstimatedWaitMillis: wait})
}

func (m *matchmaker) proposed(g *generation, e flexmatch.Proposed) {
	teams := map[string]string{}
	for _, team := range e.Match.Teams {
		for _, p := range team.Players {
			teams[p.ID] = team.Name
		}
	}
	lm := &liveMatch{maker: m, config: g.config, match: e.Match, rules: g.rules, metrics: metricsOf(e.Metrics)}
	for _, id := range e.Match.TicketIDs {
		t := m.service.tickets.byID[id]
		t.matchID, t.answers = e.Match.ID, map[string]bool{}
		t.api.StatusReason, t.api.StatusMessage = nil, nil
		t.seat(teams)
		if e.AcceptanceRequired {
			t.api.Status = types.MatchmakingConfigurationStatusRequiresAcceptance
		}
		lm.tickets = append(lm.tickets, t)
	}
	g.matches[e.Match.ID] = lm
	d := matchDetail{
		Type: eventPotentialMatch, MatchID: e.Match.ID, AcceptanceRequired: &e.AcceptanceRequired, RuleEvaluationMetrics: lm.metrics,
	}
	if e.AcceptanceRequired {
		d.AcceptanceTimeout = g.config.AcceptanceTimeoutSeconds
	}
	m.service.publishMatch(g.config, e.At, lm.tickets, d)
}

func (m *matchmaker) answered(g *generation, e flexmatch.Answered) {
	t := m.service.tickets.byID[e.TicketID]
	for _, id := range e.PlayerIDs {
		t.answers[id] = e.Accept
	}
	lm := g.matches[e.MatchID]
	m.service.publishMatch(g.config, e.At, lm.tickets, matchDetail{Type: eventAcceptMatch, MatchID: e.MatchID})
}

// acceptanceNames spells outcomes as the event does.
var acceptanceNames = map[flexmatch.AcceptanceOutcome]string{
	flexmatch.Accepted: "Accepted",
	flexmatch.Rejected: "Rejected",
	flexmatch.TimedOut: "TimedOut",
}

func (m *matchmaker) acceptanceCompleted(g *generation, e flexmatch.AcceptanceCompleted) {
	lm := g.matches[e.MatchID]
	m.service.publishMatch(g.config, e.At, lm.tickets, matchDetail{
		Type: eventAcceptMatchCompleted, MatchID: e.MatchID, Acceptance: acceptanceNames[e.Outcome],
	})
}

// matched: the match stands. Without a queue that is all; a match with a backfill
// ticket joins its session; any other wants a new one.
func (m *matchmaker) matched(g *generation, e flexmatch.Matched) {
	s := m.service
	lm := g.matches[e.Match.ID]
	for _, t := range lm.tickets {
		t.api.Status = types.MatchmakingConfigurationStatusPlacing
	}
	switch backfill := lm.backfill(); {
	case lm.config.FlexMatchMode == types.FlexMatchModeStandalone:
		s.complete(lm, e.At, nil, nil)
	case backfill != nil:
		s.joinSession(lm, backfill, e.At)
	default:
		s.placeMatch(lm, e.At)
	}
}

// placeMatch asks the configuration's queue for a session.
func (s *Service) placeMatch(lm *liveMatch, at time.Time) {
	queue, ok := s.queueOf(s.res.Load(), lm.config.GameSessionQueueArns)
	if !ok { // deleted since the configuration was made
		s.fail(lm, at, types.MatchmakingConfigurationStatusFailed)
		return
	}
	s.startMatchPlacement(lm, queue, at)
}

// backfill is the match's backfill ticket, if it has one; the matchmaker never puts
// two together.
func (lm *liveMatch) backfill() *ticket {
	for _, t := range lm.tickets {
		if t.backfill {
			return t
		}
	}
	return nil
}

// departure is how a ticket left the pool without a session.
type departure struct {
	at      time.Time
	status  types.MatchmakingConfigurationStatus
	metrics []flexmatch.RuleMetric // nil: it was never searched for
	// unaccepted: its players did not accept a match, or a later backfill replaces it.
	unaccepted bool
}

// left: a ticket is no longer in the pool and got no session.
func (m *matchmaker) left(g *generation, id string, how departure) {
	s := m.service
	t := s.tickets.byID[id]
	m.forget(g, id)
	delete(g.matches, t.matchID)
	d := matchDetail{MatchID: t.matchID, RuleEvaluationMetrics: metricsOf(how.metrics)}
	if how.metrics == nil {
		d.RuleEvaluationMetrics = noMetrics(g.rules)
	}
	switch {
	case how.status == types.MatchmakingConfigurationStatusTimedOut:
		d.Type, d.Reason, d.Message = eventTimedOut, reasonTimedOut, messageTimedOut
	case how.status == types.MatchmakingConfigurationStatusFailed:
		d.Type, d.Reason, d.Message = eventFailed, reasonUnexpected, messageUnexpected
	case how.unaccepted:
		d.Type, d.Reason, d.Message = eventCancelled, reasonAcceptance, messageAcceptance
	default:
		d.Type, d.Reason, d.Message = eventCancelled, reasonCancelled, messageCancelled
	}
	t.unseat()
	s.tickets.end(t, how.at, how.status, d.Reason, d.Message)
	if !how.unaccepted || s.tellAll {
		s.publishMatch(g.config, how.at, []*ticket{t}, d)
	}
	s.backfillEnded(t)
}

// complete gives every ticket of a match its result. conn is nil without a queue;
// seats are the player session ids by player.
func (s *Service) complete(lm *liveMatch, at time.Time, conn *types.GameSessionConnectionInfo, seats map[string]string) {
	d := matchDetail{Type: eventSucceeded, MatchID: lm.match.ID}
	if conn != nil {
		d.GameSessionInfo = eventSession{
			GameSessionARN: val(conn.GameSessionArn), IPAddress: val(conn.IpAddress), DNSName: val(conn.DnsName), Port: val(conn.Port),
		}
	}
	for _, t := range lm.tickets {
		t.sessions, t.answers = seats, nil
		if conn != nil {
			t.api.GameSessionConnectionInfo = t.connection(*conn)
		}
		s.tickets.end(t, at, types.MatchmakingConfigurationStatusCompleted, "", "")
		if !t.backfill {
			lm.maker.waits.add(at.Sub(val(t.api.StartTime)))
		} else if s.backfills[t.sessionARN] == t {
			delete(s.backfills, t.sessionARN)
		}
	}
	s.publishMatch(lm.config, at, lm.tickets, d)
	lm.maker.post(letter{input: flexmatch.Placed{MatchID: lm.match.ID}})
}

// connection is the way into the session for the players of one ticket only.
func (t *ticket) connection(conn types.GameSessionConnectionInfo) *types.GameSessionConnectionInfo {
	conn.MatchedPlayerSessions = nil
	for _, p := range t.api.Players {
		if seat := t.sessions[val(p.PlayerId)]; seat != "" {
			conn.MatchedPlayerSessions = append(conn.MatchedPlayerSessions,
				types.MatchedPlayerSession{PlayerId: p.PlayerId, PlayerSessionId: &seat})
		}
	}
	return &conn
}

// fail ends the tickets of a match that got no session: TIMED_OUT when the queue's
// time ran out, as was observed of Amazon's service, FAILED for everything else.
func (s *Service) fail(lm *liveMatch, at time.Time, status types.MatchmakingConfigurationStatus) {
	d := matchDetail{
		Type: eventFailed, MatchID: lm.match.ID, Reason: reasonUnexpected, Message: messageUnexpected, RuleEvaluationMetrics: lm.metrics,
	}
	if status == types.MatchmakingConfigurationStatusTimedOut {
		d.Type, d.Reason, d.Message = eventTimedOut, reasonTimedOut, messageTimedOut
	}
	for _, t := range lm.tickets {
		t.answers = nil
		s.tickets.end(t, at, status, d.Reason, d.Message)
		if d.Type == eventTimedOut {
			s.publishMatch(lm.config, at, []*ticket{t}, d)
		}
		s.backfillEnded(t)
	}
	if d.Type == eventFailed {
		s.publishMatch(lm.config, at, lm.tickets, d)
	}
	lm.maker.post(letter{input: flexmatch.NotPlaced{MatchID: lm.match.ID}})
}
