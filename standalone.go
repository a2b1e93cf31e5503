package muster

import (
	"context"
	"fmt"
	"time"
)

// Standalone matchmaking ends with a match and no session: the backend asks a queue for
// one. There is one placement a match, under an id that follows from the match's, so
// that repeated events and other replicas mean the same one. A ticket waits for it in
// status placing.

// awaiting decides what a match without a session makes of a ticket: it waits for the
// placement.
func (t ticket) awaiting(ev Event, id PlacementID, now time.Time) (next ticket, what change) {
	if t.Status.Final() || t.Placement != "" || t.over(ev) {
		return t, unchanged
	}
	next = t.clone()
	next.countAnswers(ev)
	if next.Match.AcceptanceRequired {
		next.Match.AcceptedCount = next.Match.PlayerCount
	}
	next.Status, next.Match.ID, next.Match.AcceptBy, next.Placement = Placing, ev.MatchID, time.Time{}, id
	next.NewsAt, next.UpdatedAt = now, now
	if ev.At.After(t.EventAt) {
		next.EventAt = ev.At
	}
	return next, news
}

// placed decides what the end of a match's placement makes of a ticket. Seats go by
// player id.
func (t ticket) placed(p placement, now time.Time) (next ticket, what change) {
	if t.Status.Final() || t.Placement != p.ID && t.Match.ID != p.Match {
		return t, unchanged
	}
	next = t.clone()
	next.Placement, next.NewsAt, next.UpdatedAt = p.ID, now, now
	switch p.Status {
	case PlacementFulfilled:
		next.Status = Completed
		next.Session, next.IPAddress, next.DNSName, next.Port = p.Session, p.IPAddress, p.DNSName, p.Port
		for i := range next.Players {
			if got := p.player(next.Players[i].ID); got != nil {
				next.Players[i].Seat, next.Players[i].Team = got.Seat, got.Team
			}
		}
	case PlacementTimedOut:
		next.Status = Placing
		next.timeOut()
	default:
		next.end(Failed, "ticket.failed", "the match could not be started")
	}
	return next, news
}

// placesMatch says that the backend places the match of an event by itself.
func (b *Backend) placesMatch(ev Event) bool {
	name, known := b.modeOf(ev.Configuration)
	return known && b.modes[name].Kind == Standalone && ev.MatchID != "" && ev.Session == "" &&
		(ev.Type == PotentialMatchCreated || ev.Type == MatchmakingSucceeded)
}

// applyMatch takes in a match of standalone matchmaking. A proposed one is recorded with
// its players: should the news that it was made be lost, this tells who is in it.
func (b *Backend) applyMatch(ctx context.Context, ev Event) error {
	id := placementOfMatch(ev.MatchID)
	decide := func(t ticket) (ticket, change) { return t.after(ev, b.instant()) }
	also, begun := b.matchOps(ev)
	if ev.Type == MatchmakingSucceeded {
		wanted, place := false, also // by a ticket: news that come too late place nobody
		decide = func(t ticket) (ticket, change) {
			next, what := t.awaiting(ev, id, b.instant())
			wanted = wanted || next.Placement == id && !next.Status.Final()
			return next, what
		}
		also = func(ctx context.Context) ([]Op, error) {
			if !wanted {
				return nil, nil
			}
			return place(ctx)
		}
	}
	for _, ids := range ticketChunks(ev.Tickets) {
		if err := b.changeTickets(ctx, ids, decide, also); err != nil {
			return fmt.Errorf("apply %s: %w", ev.Type, err)
		}
	}
	if !*begun {
		return nil
	}
	return b.askMatch(ctx, id)
}

// matchOps records the placement that a match needs: proposed, and pending once it is
// made. begun becomes true when these ops make it pending: whoever does that asks for it.
func (b *Backend) matchOps(ev Event) (ops moreOps, begun *bool) {
	begun = new(bool)
	now := b.instant()
	mode, _ := b.modeOf(ev.Configuration)
	p := placement{
		ID: placementOfMatch(ev.MatchID), Mode: mode, Status: PlacementProposed, Match: ev.MatchID, CreatedAt: now, UpdatedAt: now,
	}
	for _, et := range ev.Tickets {
		for _, player := range et.Players {
			p.Players = append(p.Players, placementPlayer{ID: player.ID, Ticket: et.ID, Team: player.Team})
		}
	}
	return func(ctx context.Context) ([]Op, error) {
		known, version, err := loadOr(ctx, b.store, placementKey(p.ID), p)
		if err != nil || known.Status != PlacementProposed {
			return nil, err
		}
		if ev.Type == MatchmakingSucceeded {
			*begun = true
			return b.pendingOps(p, version)
		}
		if version != 0 {
			return nil, nil
		}
		op, err := put(placementKey(p.ID), 0, p, now.Add(placementLife))
		return []Op{op}, err
	}, begun
}

// pendingOps makes a match's placement pending, and lets the reconciler know of it.
func (b *Backend) pendingOps(p placement, version int64) ([]Op, error) {
	now := b.instant()
	next := p.clone()
	next.Status, next.AskedAt, next.UpdatedAt = PlacementPending, now, now
	op, err := put(placementKey(p.ID), version, next, now.Add(placementLife))
	if err != nil {
		return nil, err
	}
	due, err := placementDueOp(p.ID, now)
	return []Op{op, due}, err
}

// askMatch asks for a match's session. The reconciler asks again should that be in vain.
func (b *Backend) askMatch(ctx context.Context, id PlacementID) error {
	p, _, err := load[placement](ctx, b.store, placementKey(id))
	if err != nil {
		return err
	}
	err = b.askPlacement(ctx, p)
	if definiteRefusal(err) {
		b.log.WarnContext(ctx, "placement refused", "placement", id, "mode", p.Mode, "error", err)
		return b.refusePlacement(ctx, id)
	}
	if err != nil {
		b.log.WarnContext(ctx, "placement start unsettled", "placement", id, "error", err)
	}
	return nil
}

// finishMatch ends a match's tickets as its placement ended, and stores its session.
func (b *Backend) finishMatch(ctx context.Context, p placement) error {
	var also moreOps
	if p.Status == PlacementFulfilled {
		also = func(ctx context.Context) ([]Op, error) { return b.matchSessionOps(ctx, p) }
	}
	for _, ids := range ticketChunks(p.tickets()) {
		err := b.changeTickets(ctx, ids, func(t ticket) (ticket, change) { return t.placed(p, b.instant()) }, also)
		if err != nil {
			return err
		}
	}
	return nil
}

// matchSessionOps stores the session of a match that the backend placed. Where the mode
// lets people watch, it has a room.
func (b *Backend) matchSessionOps(ctx context.Context, p placement) ([]Op, error) {
	mode := b.modes[p.Mode]
	if mode.Sessions != nil && mode.Sessions.Spectators > 0 {
		p.Room = &roomPlan{MaxPlayers: len(p.Players), Spectators: mode.Sessions.Spectators}
		seated := make(map[PlayerID]bool, len(p.Players))
		for _, player := range p.Players {
			seated[player.ID] = player.Seat != ""
		}
		return b.roomOps(ctx, p, seated)
	}
	s := session{ID: p.Session, Mode: p.Mode, MatchID: p.Match, Teams: make(map[PlayerID]string), StartedAt: b.instant()}
	for _, player := range p.Players {
		s.Teams[player.ID] = player.Team
	}
	return b.storeSessionOps(s)(ctx)
}

// matchLostAfter is how long news of a match may take until the ticket counts as lost.
const matchLostAfter = time.Minute

// adoptMatch goes on with a ticket that GameLift has completed without a session: the
// news of its match is late or lost. Whose proposal is lost, too, cannot be placed, since
// GameLift does not say who is in a match.
func (b *Backend) adoptMatch(ctx context.Context, t ticket) error {
	id := placementOfMatch(t.Match.ID)
	p, version, err := loadOr(ctx, b.store, placementKey(id), placement{})
	if err != nil {
		return err
	}
	if t.Match.ID == "" || version == 0 {
		_, _, err := b.changeTicket(ctx, t.ID, func(t ticket) (ticket, change) { return t.unmatched(b.instant()) })
		return err
	}
	if p.Status == PlacementProposed { // first: a ticket that awaits a placement is not asked about any more
		err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
			p, version, err := load[placement](ctx, b.store, placementKey(id))
			if err != nil || p.Status != PlacementProposed {
				return nil, err
			}
			return b.pendingOps(p, version)
		})
		if err != nil {
			return err
		}
	}
	made := Event{Type: MatchmakingSucceeded, At: t.EventAt, MatchID: p.Match, Tickets: p.tickets()}
	_, _, err = b.changeTicket(ctx, t.ID, func(t ticket) (ticket, change) { return t.awaiting(made, id, b.instant()) })
	switch {
	case err != nil:
		return err
	case p.Status.Final(): // it ended before this ticket had heard of it
		return b.finishMatch(ctx, p)
	case p.Status == PlacementProposed:
		return b.askMatch(ctx, id)
	}
	return nil
}

// unmatched ends a ticket whose match nobody knows, once its news can no longer come.
func (t ticket) unmatched(now time.Time) (next ticket, what change) {
	if t.Status.Final() || t.Placement != "" {
		return t, unchanged
	}
	next = t.clone()
	next.CheckedAt = now
	if now.Sub(t.NewsAt) < matchLostAfter {
		return next, noted
	}
	next.end(Failed, "ticket.match_lost", "the match was lost; please try again")
	next.UpdatedAt = now
	return next, news
}
