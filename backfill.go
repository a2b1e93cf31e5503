package muster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// backfillPrefix begins the ids of tickets that game servers have for their sessions, so
// that events about them are told apart from those of players without a read.
const backfillPrefix = "backfill-"

// forServer says that a ticket is a game server's own request for more players.
func (id TicketID) forServer() bool { return strings.HasPrefix(string(id), backfillPrefix) }

// backfill is the record of a game server's request for more players. The newcomers have
// tickets of their own, which complete with the session.
type backfill struct {
	Ticket    TicketID     `json:"ticket"`
	Session   SessionID    `json:"session"`
	Status    TicketStatus `json:"status"`
	StartedAt time.Time    `json:"startedAt"`
}

const backfillLife = 24 * time.Hour

// backfillLook is how often GameLift is asked about a request: events tell sooner how it
// ended.
const backfillLook = 30 * time.Second

func backfillKey(id TicketID) Key { return Key{"BF#" + string(id), "META"} }

func (f backfill) view() BackfillView {
	return BackfillView{TicketID: f.Ticket, SessionID: f.Session, Status: f.Status, StartedAt: f.StartedAt}
}

// backfillEnds are the events after which a request is over.
var backfillEnds = map[EventType]TicketStatus{
	MatchmakingSucceeded: Completed,
	MatchmakingTimedOut:  TimedOut,
	MatchmakingCancelled: Cancelled,
	MatchmakingFailed:    Failed,
}

// StartBackfill asks matchmaking for more players for a game server's session. players
// are those who are in it, all of them of the session's roster; what matchmaking is told
// of them comes from where the mode says, as for their own tickets. A later request for a
// session replaces the earlier one.
func (b *Backend) StartBackfill(ctx context.Context, id SessionID, req BackfillRequest) (BackfillView, error) {
	s, _, err := b.sessionOf(ctx, id)
	if err != nil {
		return BackfillView{}, err
	}
	mode, known := b.modes[s.Mode]
	if !known || mode.Kind != "" && mode.Kind != Matchmaking {
		return BackfillView{}, Errorf(Denied, "backfill.no_matchmaking", "FlexMatch did not make this session, so it cannot fill it")
	}
	if err := req.check(s); err != nil {
		return BackfillView{}, err
	}
	f := backfill{Ticket: TicketID(backfillPrefix + b.newID()), Session: id, Status: Searching, StartedAt: b.instant()}
	start := StartBackfill{Ticket: f.Ticket, Configuration: mode.Configuration, Session: id}
	for _, m := range req.Players {
		player, err := b.backfillPlayer(ctx, mode, id, m.PlayerID)
		if err != nil {
			return BackfillView{}, err
		}
		start.Players = append(start.Players, BackfillPlayer{MatchmakingPlayer: player, Team: m.Team})
	}
	if err := b.mayAsk("backfill/" + string(id)); err != nil {
		return BackfillView{}, err
	}
	if err := b.storeBackfill(ctx, f); err != nil {
		return BackfillView{}, err
	}
	err = b.gamelift.StartBackfill(ctx, start)
	if definiteRefusal(err) {
		if undo := b.endBackfill(context.WithoutCancel(ctx), f.Ticket, Failed); undo != nil {
			b.log.WarnContext(ctx, "undo refused backfill", "ticket", f.Ticket, "error", undo)
		}
		return BackfillView{}, err
	}
	if err != nil {
		b.log.WarnContext(ctx, "backfill start unsettled", "ticket", f.Ticket, "error", err)
	}
	return f.view(), err
}

// check says whether a request names players of the session only, each once and with a
// team.
func (r BackfillRequest) check(s session) error {
	if !s.EndedAt.IsZero() {
		return Errorf(Conflict, "session.ended", "the session is over")
	}
	if len(r.Players) == 0 || len(r.Players) > maxSessionSeats {
		return Errorf(Invalid, "backfill.players", "a backfill names 1 to %d players, not %d", maxSessionSeats, len(r.Players))
	}
	seen := make(map[PlayerID]bool, len(r.Players))
	for _, p := range r.Players {
		_, known := s.Teams[p.PlayerID]
		switch {
		case !known || seen[p.PlayerID]:
			return Errorf(Invalid, "backfill.stranger", "player %q is not in this session, or named twice", p.PlayerID)
		case p.Team == "":
			return Errorf(Invalid, "backfill.team", "player %q has no team", p.PlayerID)
		}
		seen[p.PlayerID] = true
	}
	return nil
}

// backfillPlayer gathers what GameLift is told about a player of a running session. What
// they chose, and their latency to the session's place, is on their ticket while that is
// kept; without it the mode's first choices stand.
func (b *Backend) backfillPlayer(ctx context.Context, mode Mode, id SessionID, p PlayerID) (MatchmakingPlayer, error) {
	req := TicketRequest{Mode: mode.Name}
	held, _, err := b.slotOf(ctx, p)
	if err != nil {
		return MatchmakingPlayer{}, err
	}
	if held.holds(id) && held.Ticket != "" {
		t, _, err := loadOr(ctx, b.store, ticketKey(held.Ticket), ticket{})
		if err != nil {
			return MatchmakingPlayer{}, err
		}
		if mine := t.player(p); mine != nil {
			req.Preferences = mode.offered(chosen(mine.Attributes))
			if ms, ok := mine.LatencyInMs[id.location()]; ok {
				req.LatencyInMs = map[string]int{id.location(): ms}
			}
		}
	}
	who, err := b.entrant(ctx, p, mode, req)
	if err != nil {
		return MatchmakingPlayer{}, err
	}
	told, err := mode.brief([]entrant{who})
	if err != nil {
		return MatchmakingPlayer{}, err
	}
	return MatchmakingPlayer{ID: p, Attributes: told[0].Attributes, LatencyInMs: told[0].LatencyInMs}, nil
}

// chosen are the strings that an earlier ticket sent: the choices are among them.
func chosen(sent map[string]AttributeValue) map[string]string {
	choices := make(map[string]string)
	for name, value := range sent {
		if value.S != nil {
			choices[name] = *value.S
		}
	}
	return choices
}

// storeBackfill records a request and makes it the session's own.
func (b *Backend) storeBackfill(ctx context.Context, f backfill) error {
	// As for a player's ticket: alone, and before, the due record costs half.
	due := due{Ticket: f.Ticket, CreatedAt: f.StartedAt}
	op, err := put(dueTickets.key(string(f.Ticket), f.StartedAt.Add(backfillLook)), AnyVersion, due, f.StartedAt.Add(backfillLife))
	if err != nil {
		return err
	}
	if err := b.store.Write(ctx, op); err != nil {
		return err
	}
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		s, version, err := b.sessionOf(ctx, f.Session)
		if err != nil {
			return nil, err
		}
		s.Backfill = f.Ticket
		ops, err := b.putSession(s, s, version)
		if err != nil {
			return nil, err
		}
		op, err := put(backfillKey(f.Ticket), 0, f, f.StartedAt.Add(backfillLife))
		return append(ops, op), err
	})
}

// StopBackfill withdraws a session's request for more players. Without one that is under
// way it does nothing; one that found players already cannot be stopped any more.
func (b *Backend) StopBackfill(ctx context.Context, id SessionID) error {
	s, _, err := b.sessionOf(ctx, id)
	if err != nil || s.Backfill == "" {
		return err
	}
	f, _, err := loadOr(ctx, b.store, backfillKey(s.Backfill), backfill{Status: Cancelled})
	if err != nil || f.Status.Final() {
		return err
	}
	stop := func(ctx context.Context) error { return b.gamelift.StopMatchmaking(ctx, f.Ticket) }
	switch err := b.looks.once(ctx, "cancel/"+string(f.Ticket), b.now(), true, stop); KindOf(err) {
	case Invalid, Conflict:
		if err != nil {
			return &Error{Kind: Conflict, Code: "backfill.placing", Message: "it is too late: players were found", Err: err}
		}
	case NotFound: // it never arrived, or is long over
	default:
		if err != nil {
			return err
		}
	}
	return b.endBackfill(ctx, f.Ticket, Cancelled)
}

// endBackfill records how a request ended. A final status stays.
func (b *Backend) endBackfill(ctx context.Context, id TicketID, status TicketStatus) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		f, version, err := load[backfill](ctx, b.store, backfillKey(id))
		if errors.Is(err, ErrNotFound) || err == nil && f.Status.Final() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		f.Status = status
		op, err := put(backfillKey(id), version, f, f.StartedAt.Add(backfillLife))
		return []Op{op}, err
	})
}

// claimBackfill looks at a due request and claims it; look says that GameLift must be asked
// about it.
func (b *Backend) claimBackfill(ctx context.Context, now time.Time, rec *Record, d due) (look bool, err error) {
	f, version, err := loadOr(ctx, b.store, backfillKey(d.Ticket), backfill{})
	if err != nil {
		return false, err
	}
	coming := version == 0 && leasedUntil(*rec).IsZero()
	if !coming && (version == 0 || f.Status.Final()) {
		if err := b.forget(ctx, []Key{rec.Key}); err != nil {
			return false, fmt.Errorf("forget a finished backfill: %w", err)
		}
		return false, nil
	}
	if coming {
		_, err := b.leaseDue(ctx, rec, now.Add(announcedFor))
		return false, err
	}
	return b.leaseDue(ctx, rec, now.Add(backfillLook))
}

// settleBackfill applies what GameLift said of a request; known is false for one that it
// does not have, whose start must have been lost once askFor has passed.
func (b *Backend) settleBackfill(ctx context.Context, id TicketID, snap TicketSnapshot, known bool, asked time.Time) error {
	if known && snap.Status.Final() {
		return b.endBackfill(ctx, id, snap.Status)
	}
	if known {
		return nil
	}
	f, version, err := loadOr(ctx, b.store, backfillKey(id), backfill{})
	if err != nil || version == 0 || asked.Sub(f.StartedAt) < askFor {
		return err
	}
	return b.endBackfill(ctx, id, Failed)
}

// withoutBackfills records what an event says of game servers' own tickets, and leaves
// those of players.
func (b *Backend) withoutBackfills(ctx context.Context, ev Event) (Event, error) {
	var players []EventTicket
	for _, t := range ev.Tickets {
		if !t.ID.forServer() {
			players = append(players, t)
			continue
		}
		if status, over := backfillEnds[ev.Type]; over {
			if err := b.endBackfill(ctx, t.ID, status); err != nil {
				return ev, err
			}
		}
	}
	ev.Tickets = players
	return ev, nil
}
