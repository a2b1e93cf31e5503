package scenario

import (
	"fmt"
	"slices"

	"muster/flexmatch"
)

// apiError is how GameLift's API refuses a call.
type apiError struct{ kind, message string }

func (e *apiError) Error() string { return e.kind + ": " + e.message }

func invalid(format string, args ...any) *apiError {
	return &apiError{"InvalidRequestException", fmt.Sprintf(format, args...)}
}

func unknownTicket(id string) *apiError {
	return &apiError{"NotFoundException", fmt.Sprintf("there is no ticket %s", shorten(id))}
}

// start takes in a ticket. It is in QUEUED until the matchmaker runs.
func (p *play) start(t flexmatch.Ticket) *apiError {
	if p.byID[t.ID] != nil {
		return invalid("ticket %s exists already", shorten(t.ID))
	}
	if err := p.config.RuleSet.CheckTicket(t); err != nil {
		return invalid("%v", err)
	}
	q := &request{ticket: t, status: queued}
	p.requests = append(p.requests, q)
	p.byID[t.ID] = q
	p.replace(q)
	return nil
}

// replace cancels the earlier backfill ticket of the same game session while it still
// waits or is proposed. Source: Amazon's FlexMatch guide on backfill.
func (p *play) replace(q *request) {
	session := q.ticket.GameSessionARN
	for _, earlier := range p.requests {
		if session == "" || earlier == q || earlier.ticket.GameSessionARN != session {
			continue
		}
		switch {
		case earlier.waiting():
			earlier.status = cancelled
		case earlier.status == requiresAcceptance:
			p.step(p.now, false, flexmatch.Start{Ticket: q.ticket}) // the pool replaces it
		}
	}
}

// accept is AcceptMatch.
func (p *play) accept(v verb) *apiError {
	q := p.byID[v.ticketID]
	switch {
	case q == nil:
		return unknownTicket(v.ticketID)
	case v.answer != "ACCEPT" && v.answer != "REJECT":
		return invalid("the acceptance type is %q, not ACCEPT or REJECT", v.answer)
	case q.status != requiresAcceptance:
		return invalid("ticket %s is in %s, it has no match to accept", shorten(v.ticketID), q.status)
	}
	effects := p.step(p.now, false, flexmatch.Answer{TicketID: v.ticketID, PlayerIDs: v.playerIDs, Accept: v.answer == "ACCEPT"})
	for _, e := range effects {
		if refused, is := e.(flexmatch.Refused); is {
			return invalid("%s", refused.Message)
		}
	}
	return nil
}

// stop is StopMatchmaking.
func (p *play) stop(id string) *apiError {
	q := p.byID[id]
	switch {
	case q == nil:
		return unknownTicket(id)
	case q.waiting():
		p.step(p.now, false, flexmatch.Start{Ticket: q.ticket}, flexmatch.Stop{TicketID: id})
	case q.status == requiresAcceptance:
		p.step(p.now, false, flexmatch.Stop{TicketID: id})
	default:
		return invalid("matchmaking ticket %s is in %s status and cannot be canceled", shorten(id), q.status)
	}
	return nil
}

// placed ends the placement of a ticket's match.
func (p *play) placed(v verb) *apiError {
	q := p.byID[v.ticketID]
	switch {
	case q == nil:
		return unknownTicket(v.ticketID)
	case q.status != placing:
		return invalid("ticket %s is in %s, its match is not being placed", shorten(v.ticketID), q.status)
	}
	match := q.matchID
	i := slices.IndexFunc(p.formed, func(f formed) bool { return f.match.ID == match })
	ids := p.formed[i].match.TicketIDs
	switch v.outcome {
	case "FULFILLED":
		p.step(p.now, false, flexmatch.Placed{MatchID: match})
		p.events = append(p.events, "MatchmakingSucceeded")
		p.move(ids, completed, match)
	case "TIMED_OUT":
		p.step(p.now, false, flexmatch.NotPlaced{MatchID: match})
		p.events = append(p.events, "MatchmakingTimedOut:TimedOut")
		p.move(ids, timedOut, match)
	default:
		p.step(p.now, false, flexmatch.NotPlaced{MatchID: match})
		p.events = append(p.events, "MatchmakingFailed:UNEXPECTED_ERROR")
		p.move(ids, failed, match)
	}
	return nil
}
