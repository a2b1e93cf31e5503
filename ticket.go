package muster

import (
	"slices"
	"time"
)

// ticket is the record of one matchmaking request. Its methods decide; they change
// nothing but the copy they return.
type ticket struct {
	ID            TicketID       `json:"id"`
	Mode          ModeName       `json:"mode"`
	Configuration string         `json:"configuration"`
	Players       []ticketPlayer `json:"players"`         // who started it comes first
	Party         PartyID        `json:"party,omitempty"` // whose ticket it is
	Status        TicketStatus   `json:"status"`
	ReasonCode    string         `json:"reasonCode,omitempty"`
	ReasonMessage string         `json:"reasonMessage,omitempty"`
	// Request is a hash of the request that made the ticket, if that had an idempotency key.
	Request   string    `json:"request,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`

	// EventAt is the time of the latest event that was applied, by GameLift's clock:
	// older ones come too late. A final ticket needs none. NewsAt is when we last heard
	// anything, by ours.
	EventAt time.Time `json:"eventAt,omitzero"`
	NewsAt  time.Time `json:"newsAt"`
	// CheckedAt is when GameLift was last asked, by our clock.
	CheckedAt time.Time `json:"checkedAt,omitzero"`
	// AgainAt is when GameLift, which did not know the ticket, was last told of it again.
	AgainAt time.Time `json:"againAt,omitzero"`

	EstimatedWaitSeconds int         `json:"estimatedWaitSeconds,omitempty"`
	Match                ticketMatch `json:"match,omitzero"`
	// Closed are the matches that the ticket has left, the latest last: their late events
	// say nothing.
	Closed []MatchID `json:"closed,omitempty"`

	// Placement is set while the backend places the ticket's match by itself.
	Placement PlacementID `json:"placement,omitempty"`

	Session   SessionID `json:"session,omitempty"`
	IPAddress string    `json:"ipAddress,omitempty"`
	DNSName   string    `json:"dnsName,omitempty"`
	Port      int       `json:"port,omitempty"`
}

// ticketPlayer is one player of a ticket, with what GameLift was told.
type ticketPlayer struct {
	ID          PlayerID                  `json:"id"`
	Attributes  map[string]AttributeValue `json:"attributes,omitempty"`
	LatencyInMs map[string]int            `json:"latencyInMs,omitempty"`
	// Why says, by attribute, where its value came from; Dropped, by location, why a
	// latency was not sent.
	Why      map[string]attributeReason `json:"why,omitempty"`
	Dropped  map[string]latencyProblem  `json:"dropped,omitempty"`
	Team     string                     `json:"team,omitempty"`
	Seat     SeatID                     `json:"seat,omitempty"`
	Accepted *bool                      `json:"accepted,omitempty"`
}

// ticketMatch is the match a ticket is in, proposed or made.
type ticketMatch struct {
	ID                 MatchID   `json:"id,omitempty"`
	AcceptanceRequired bool      `json:"acceptanceRequired,omitempty"`
	AcceptBy           time.Time `json:"acceptBy,omitzero"`
	PlayerCount        int       `json:"playerCount,omitempty"`
	AcceptedCount      int       `json:"acceptedCount,omitempty"`
}

// player returns the ticket's own entry of p, or nil. The entry is the ticket's.
func (t *ticket) player(p PlayerID) *ticketPlayer {
	for i := range t.Players {
		if t.Players[i].ID == p {
			return &t.Players[i]
		}
	}
	return nil
}

// lastLook is when anything was last known of the ticket, by our clock; zero: nobody knows.
func (t *ticket) lastLook(now time.Time) (last time.Time) {
	for _, at := range []time.Time{t.CheckedAt, t.NewsAt} {
		if at.After(last) && !wild(at, now) {
			last = at
		}
	}
	return last
}

// clone copies the ticket with its players, so that a decision never reaches the
// original.
func (t ticket) clone() ticket {
	t.Players = append([]ticketPlayer(nil), t.Players...)
	return t
}

// change is what a decision did to a ticket.
type change uint8

const (
	unchanged change = iota // nothing is to be written
	noted                   // something only we care for
	news                    // its players want to know
	rumour                  // its players want to know, but it is not worth a record
)

// after decides what an event makes of the ticket. It is unchanged when the event
// says nothing new: it came twice, too late, or after the end. It is a rumour when the
// event tells only of what players of other tickets answered. A final ticket never
// changes, a final event is never too late, and within one match a ticket only moves
// forward; a ticket whose match was not accepted searches again.
func (t ticket) after(ev Event, now time.Time) (next ticket, what change) {
	if t.Status.Final() {
		return t, unchanged
	}
	next = t.clone()
	if !next.apply(ev) {
		return t, unchanged
	}
	if t.sameButOthers(next) {
		return next, rumour
	}
	next.NewsAt, next.UpdatedAt = now, now
	switch {
	case next.Status.Final():
		next.EventAt, next.Closed = time.Time{}, nil
	case ev.At.After(t.EventAt):
		next.EventAt = ev.At
	}
	return next, news
}

// apply changes t in place as ev says and reports whether anything was new.
func (t *ticket) apply(ev Event) bool {
	switch ev.Type {
	case MatchmakingSucceeded:
		t.complete(ev)
		return true
	case MatchmakingTimedOut:
		t.timeOut()
		return true
	case MatchmakingCancelled:
		t.end(Cancelled, "ticket.cancelled", "the ticket was cancelled")
		return true
	case MatchmakingFailed:
		t.end(Failed, "ticket.failed", "the match could not be started")
		return true
	case AcceptMatchCompleted:
		return t.acceptanceCompleted(ev)
	case PotentialMatchCreated, AcceptMatch:
		return t.proposed(ev)
	case MatchmakingSearching:
		if t.tooLate(ev) || t.Status == Searching {
			return false
		}
		t.leave(ev.EstimatedWaitSeconds)
		return true
	}
	return false
}

// tooLate says that something newer than ev was applied already.
func (t *ticket) tooLate(ev Event) bool { return !ev.At.After(t.EventAt) && !t.EventAt.IsZero() }

// over says that ev is about a match that the ticket has left.
func (t *ticket) over(ev Event) bool {
	return ev.MatchID != "" && slices.Contains(t.Closed, ev.MatchID)
}

// maxClosed bounds how many left matches a ticket remembers: late events are of the last
// few.
const maxClosed = 8

// leave closes matches for good, that of the ticket among them, and puts the ticket back
// among those who wait.
func (t *ticket) leave(estimatedWaitSeconds int, matches ...MatchID) {
	closed := slices.Clone(t.Closed)
	for _, m := range append(matches, t.Match.ID) {
		if m != "" && !slices.Contains(closed, m) {
			closed = append(closed, m)
		}
	}
	t.Closed = closed[max(0, len(closed)-maxClosed):]
	t.search(estimatedWaitSeconds)
}

// search puts the ticket among those who wait.
func (t *ticket) search(estimatedWaitSeconds int) {
	t.Status = Searching
	t.EstimatedWaitSeconds = estimatedWaitSeconds
	t.Match = ticketMatch{}
	for i := range t.Players {
		t.Players[i].Accepted, t.Players[i].Team = nil, ""
	}
}

// proposed takes in a proposed match, or an answer to it: either may come first.
func (t *ticket) proposed(ev Event) bool {
	same := t.Match.ID == ev.MatchID && t.Match.ID != ""
	if t.over(ev) || !same && t.tooLate(ev) && !(ev.At.Equal(t.EventAt) && t.Status == Searching) {
		return false // not too late: a match is often proposed in the very instant its last ticket arrives
	}
	if same && t.Status == Placing && t.Match.AcceptanceRequired {
		return false
	}
	before := t.clone()
	if !same {
		t.leave(0)
		t.Match = ticketMatch{ID: ev.MatchID}
	}
	if ev.Type == PotentialMatchCreated {
		t.Match.AcceptanceRequired = ev.AcceptanceRequired
		if ev.AcceptanceTimeout > 0 {
			t.Match.AcceptBy = ev.At.Add(ev.AcceptanceTimeout)
		}
	} else {
		t.Match.AcceptanceRequired = true
	}
	t.Status = Placing
	if t.Match.AcceptanceRequired {
		t.Status = RequiresAcceptance
	}
	t.countAnswers(ev)
	return !same || !sameAnswers(before, *t)
}

// countAnswers takes the answers that an event tells, and the players' teams.
func (t *ticket) countAnswers(ev Event) {
	players, accepted := 0, 0
	for _, et := range ev.Tickets {
		players += len(et.Players)
		for _, p := range et.Players {
			if p.Accepted != nil && *p.Accepted {
				accepted++
			}
			if mine := t.player(p.ID); mine != nil && et.ID == t.ID {
				if p.Accepted != nil {
					mine.Accepted = p.Accepted
				}
				if p.Team != "" {
					mine.Team = p.Team
				}
			}
		}
	}
	t.Match.PlayerCount = max(t.Match.PlayerCount, players)
	t.Match.AcceptedCount = max(t.Match.AcceptedCount, accepted)
}

// sameAnswers says that two states of a ticket in one match look alike to its players.
func sameAnswers(a, b ticket) bool {
	if a.Status != b.Status || a.Match != b.Match {
		return false
	}
	for i := range a.Players {
		x, y := a.Players[i].Accepted, b.Players[i].Accepted
		if (x == nil) != (y == nil) || x != nil && *x != *y {
			return false
		}
	}
	return true
}

// sameButOthers says that next is the ticket in the same match, with the same answers of
// its own players, and differs at most in how many others have accepted. Every answer of
// a match is told to all its tickets: storing it in each of them would cost the square of
// their number.
func (t ticket) sameButOthers(next ticket) bool {
	t.Match.AcceptedCount = next.Match.AcceptedCount
	return next.Status == RequiresAcceptance && sameAnswers(t, next)
}

// acceptanceCompleted ends the wait for answers. When a match was not accepted, a
// ticket whose players all accepted searches again and any other is over. Source:
// AcceptMatch in the GameLift API reference.
func (t *ticket) acceptanceCompleted(ev Event) bool {
	same := t.Match.ID == ev.MatchID && t.Match.ID != ""
	if t.over(ev) || !same && t.tooLate(ev) && !(ev.Acceptance == "Accepted" && t.Match.ID == "") {
		return false
	}
	if ev.Acceptance == "Accepted" {
		if same && t.Status == Placing {
			return false
		}
		t.countAnswers(ev)
		t.Match.ID, t.Match.AcceptanceRequired, t.Status = ev.MatchID, true, Placing
		t.Match.AcceptedCount = t.Match.PlayerCount
		return true
	}
	t.countAnswers(ev)
	switch declined, silent := t.answers(); {
	case declined:
		t.end(Cancelled, "match.declined", "the match was declined")
	case silent:
		return false // see undecided
	default:
		t.leave(0, ev.MatchID)
	}
	return true
}

// answers says whether one of the ticket's players declined, and whether the answer of
// one is not known.
func (t *ticket) answers() (declined, silent bool) {
	for _, p := range t.Players {
		silent = silent || p.Accepted == nil
		declined = declined || p.Accepted != nil && !*p.Accepted
	}
	return declined, silent
}

// undecided says that ev ends a match that was not accepted and that it is not known
// what the ticket's players answered. Who did not answer is out, but an answer may have
// been lost on its way to us: only GameLift can tell.
func (t ticket) undecided(ev Event) bool {
	if ev.Type != AcceptMatchCompleted || ev.Acceptance == "Accepted" || t.Status.Final() || t.over(ev) {
		return false
	}
	same := t.Match.ID == ev.MatchID && t.Match.ID != ""
	if !same && t.tooLate(ev) {
		return false
	}
	next := t.clone()
	next.countAnswers(ev)
	declined, silent := next.answers()
	return silent && !declined
}

// complete takes in the session and the seats of the ticket's own players.
func (t *ticket) complete(ev Event) {
	t.Status = Completed
	t.Session, t.IPAddress, t.DNSName, t.Port = ev.Session, ev.IPAddress, ev.DNSName, ev.Port
	t.countAnswers(ev)
	t.Match.ID = ev.MatchID
	t.Match.AcceptBy = time.Time{}
	if t.Match.AcceptanceRequired {
		t.Match.AcceptedCount = t.Match.PlayerCount
	}
	for _, et := range ev.Tickets {
		for _, p := range et.Players {
			if mine := t.player(p.ID); mine != nil && et.ID == t.ID {
				mine.Seat = p.Seat
			}
		}
	}
}

// end is a final status without a seat.
func (t *ticket) end(status TicketStatus, code, message string) {
	t.Status, t.ReasonCode, t.ReasonMessage = status, code, message
	t.Match = ticketMatch{}
}

// timeOut ends a ticket for which time ran out: the search's, or the placement's.
func (t *ticket) timeOut() {
	if t.Status == Placing {
		t.end(TimedOut, "ticket.no_server", "a match was found, but no game server was free in time")
		return
	}
	t.end(TimedOut, "ticket.timed_out", "no match was found in time")
}

// lostAfter is how long a ticket that GameLift does not know may still be on its way
// there.
const lostAfter = 10 * time.Second

// startableFor is how long after its making GameLift may be told of a ticket again: some
// three of the reconciler's looks.
const startableFor = 45 * time.Second

// settled decides what GameLift's own word makes of a ticket that is not final; known
// is false when GameLift has no such ticket. GameLift was asked at an instant: of a
// ticket that was heard of since, only a final word still counts.
func (t ticket) settled(snap TicketSnapshot, known bool, asked, now time.Time) (next ticket, what change) {
	if t.Status.Final() {
		return t, unchanged
	}
	next = t.clone()
	next.CheckedAt = now
	overtaken := !t.NewsAt.Before(asked) && !wild(t.NewsAt, now)
	switch {
	case overtaken && !(known && snap.Status.Final()):
		return next, noted
	case !known && wild(t.CreatedAt, now): // count from here
		next.CreatedAt = now
		return next, noted
	case !known:
		if t.maybeComing(now) || t.startable(now) {
			return next, noted
		}
		next.lose()
	case t.Placement != "":
		return next, noted // GameLift has done its part
	case snap.Status == Completed:
		next.Status = Completed
		next.Session, next.IPAddress, next.DNSName, next.Port = snap.Session, snap.IPAddress, snap.DNSName, snap.Port
		for i := range next.Players {
			p := &next.Players[i]
			p.Seat = snap.Seats[p.ID]
			if team := snap.Teams[p.ID]; team != "" {
				p.Team = team
			}
		}
	case snap.Status == TimedOut:
		next.timeOut()
	case snap.Status == Cancelled && t.Status == RequiresAcceptance:
		next.end(Cancelled, "match.not_accepted", "the match was not accepted")
	case snap.Status == Cancelled:
		next.end(Cancelled, "ticket.cancelled", "the ticket was cancelled")
	case snap.Status == Failed:
		next.end(Failed, "ticket.failed", "the match could not be started")
	case snap.Status == t.Status:
		next.EstimatedWaitSeconds = snap.EstimatedWaitSeconds
		return next, noted
	case snap.Status == Searching || snap.Status == Queued:
		next.leave(snap.EstimatedWaitSeconds)
		next.Status = snap.Status
	default:
		next.Status = snap.Status
		next.Match.AcceptanceRequired = next.Match.AcceptanceRequired || snap.Status == RequiresAcceptance
		next.Match.PlayerCount = max(next.Match.PlayerCount, len(t.Players))
	}
	next.NewsAt, next.UpdatedAt = now, now
	return next, news
}

// maybeComing says that a request to start the ticket may still be on its way to GameLift.
func (t *ticket) maybeComing(now time.Time) bool {
	return now.Sub(t.CreatedAt) < lostAfter || now.Sub(t.AgainAt) < lostAfter && !wild(t.AgainAt, now)
}

// startable says that GameLift may be told of the ticket again where it does not know it:
// nothing was ever heard of it, and it is young enough to mean the same as when it was made.
func (t *ticket) startable(now time.Time) bool {
	return t.Status == Queued && now.Sub(t.CreatedAt) < startableFor
}

// startedAgain is the ticket of which GameLift is about to be told again.
func (t ticket) startedAgain(now time.Time) (next ticket, what change) {
	if t.maybeComing(now) || !t.startable(now) {
		return t, unchanged
	}
	t.AgainAt = now
	return t, noted
}

// withdrawn is the ticket after its player cancelled it while GameLift did not know it.
func (t ticket) withdrawn(now time.Time) (next ticket, what change) {
	if t.Status != Queued || t.maybeComing(now) {
		return t, unchanged
	}
	next = t.clone()
	next.end(Cancelled, "ticket.cancelled", "the ticket was cancelled")
	next.NewsAt, next.UpdatedAt = now, now
	return next, news
}

// view is the ticket as its player p sees it; the seat is p's own, without join token.
func (t *ticket) view(p PlayerID, version int64) TicketView {
	v := TicketView{
		ID: t.ID, Mode: t.Mode, Status: t.Status, Version: version,
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
		EstimatedWaitSeconds: t.EstimatedWaitSeconds, PartyID: t.Party,
	}
	for _, other := range t.Players {
		v.Players = append(v.Players, other.ID)
	}
	me := t.player(p)
	if t.Match.ID != "" || t.Match.AcceptanceRequired {
		v.Match = t.Match.view(me)
	}
	if t.Status == Completed && me != nil && me.Seat != "" {
		seat := t.seat(*me)
		v.Seat = &seat
	}
	if t.ReasonCode != "" {
		v.Reason = &ReasonView{Code: t.ReasonCode, Message: t.ReasonMessage}
	}
	return v
}

func (m ticketMatch) view(me *ticketPlayer) *MatchView {
	v := &MatchView{
		ID: m.ID, AcceptanceRequired: m.AcceptanceRequired,
		PlayerCount: m.PlayerCount, AcceptedCount: m.AcceptedCount,
	}
	if !m.AcceptBy.IsZero() {
		v.AcceptBy = &m.AcceptBy
	}
	switch {
	case !m.AcceptanceRequired:
	case me == nil || me.Accepted == nil:
		v.You = "pending"
	case *me.Accepted:
		v.You = "accepted"
	default:
		v.You = "declined"
	}
	return v
}

// seat is the place of one of the ticket's players in its session.
func (t *ticket) seat(p ticketPlayer) SeatView {
	return SeatView{
		SessionID: t.Session, Mode: t.Mode, Team: p.Team,
		IPAddress: t.IPAddress, DNSName: t.DNSName, Port: t.Port, PlayerSessionID: p.Seat,
	}
}
