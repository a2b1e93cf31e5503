package model

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"muster"
)

// sorted lists the keys of a map in order.
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// leaves says that a player means to leave the session that they are in, or one that they
// are named: their seats lapse at GameLift only when its server says so.
func (w *world) leaves(p muster.PlayerID, in muster.SessionID) {
	for _, id := range sorted(w.lift.seats) {
		if seat := w.lift.seats[id]; seat.Player == p && (in == "" || seat.Session == in) {
			w.given[id] = true
		}
	}
}

// checkSeats: whoever has a live seat in a session that goes on is held by it, unless they
// gave it up.
func (w *world) checkSeats(r *replica) {
	ctx := context.Background()
	for _, id := range sorted(w.lift.seats) {
		seat := w.lift.seats[id]
		s := w.lift.sessions[seat.Session]
		if !seat.Live || !s.Live || w.given[id] || w.tried[seat.Session] || !slices.Contains(w.players, seat.Player) {
			continue
		}
		held, err := r.Seat(ctx, seat.Player)
		w.allow(err, "read a seat at rest", muster.NotFound)
		if held.PlayerSessionID == id {
			w.counts["seats"]++
			continue
		}
		if w.unwanted(r, seat.Session) || w.tooLate(r, seat) {
			continue
		}
		w.fail("%s has the live seat %s in %s and is held by %+v (%v)", seat.Player, id, seat.Session, held, err)
	}
}

// tooLate says that a seat is of a match that the backend placed, and that its player's
// ticket had ended by then: the match was taken for lost.
func (w *world) tooLate(r *replica, seat *muster.SeatState) bool {
	match := w.lift.matchOf(seat.Session)
	if match == "" {
		return false
	}
	for _, id := range w.lift.matches[match].tickets {
		view, err := r.Ticket(context.Background(), seat.Player, id)
		if err == nil && view.Status.Final() && view.Status != muster.Completed {
			w.counts["seats that came too late"]++
			return true
		}
	}
	return false
}

// evening lets hours pass in which nothing new begins: sessions go on for more than a day,
// and their players look at them now and then.
func (w *world) evening() {
	w.counts["evenings"]++
	w.calm, w.lift.calm = true, true
	w.lift.endWaiting()
	ctx := context.Background()
	for i := range w.replicas {
		w.now = w.now.Add(time.Duration(9+w.rand.IntN(3)) * time.Hour)
		r := w.replicas[i].alive()
		for _, p := range w.players {
			_, err := r.Snapshot(ctx, p)
			w.allow(err, "look in the evening")
		}
		w.allow(r.Reconcile(ctx), "reconcile in the evening")
	}
	w.calm, w.lift.calm = false, false
}

// backfillActions are what game servers do who want more players.
func backfillActions() []action {
	return []action{
		{"a player walks out of a match", 5, func(w *world, r *replica) {
			for _, id := range sorted(w.lift.seats) {
				seat := w.lift.seats[id]
				s := w.lift.sessions[seat.Session]
				if s.Configuration != "pairs" || !seat.Live || !slices.Contains(w.players, seat.Player) || w.rand.IntN(4) > 0 {
					continue
				}
				w.leaves(seat.Player, seat.Session)
				seat.Live = false
				w.allow(r.RemovePlayer(context.Background(), seat.Session, seat.Player), "let a player go", muster.NotFound)
				return
			}
		}},
		{"a game server asks for players", 8, func(w *world, r *replica) {
			var all []muster.SessionID
			for _, id := range sorted(w.lift.sessions) {
				if s := w.lift.sessions[id]; s.Live && s.Configuration == "pairs" && len(w.lift.liveSeats(id)) < 4 {
					all = append(all, id)
				}
			}
			if len(all) == 0 {
				return
			}
			w.askForPlayers(r, all[w.rand.IntN(len(all))])
		}},
	}
}

// askForPlayers asks for players in place of those who went, or thinks better of it.
func (w *world) askForPlayers(r *replica, id muster.SessionID) {
	ctx := context.Background()
	kinds := []muster.Kind{muster.NotFound, muster.Conflict, muster.Invalid} // unknown yet, over, or without that player yet
	if w.rand.IntN(5) == 0 {
		w.allow(r.StopBackfill(ctx, id), "stop a backfill", kinds...)
		return
	}
	var req muster.BackfillRequest
	for _, seat := range w.lift.liveSeats(id) {
		req.Players = append(req.Players, muster.BackfillMember{PlayerID: seat.Player, Team: w.lift.sessions[id].Teams[seat.Player]})
	}
	if len(req.Players) == 0 {
		return
	}
	_, err := r.StartBackfill(ctx, id, req)
	w.allow(err, "ask for players", kinds...)
}

// StartBackfill implements muster.GameLift: a later request of a session takes the place
// of the earlier.
func (g *lift) StartBackfill(_ context.Context, req muster.StartBackfill) error {
	if g.fails(20) {
		return errSilent
	}
	if g.fails(20) {
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "the request is refused")
	}
	for _, id := range g.order {
		if t := g.tickets[id]; t.backfills == req.Session && t.Status == muster.Searching {
			t.Status = muster.Cancelled
			g.emit(muster.MatchmakingCancelled, "", id)
		}
	}
	t := &liftTicket{
		TicketSnapshot: muster.TicketSnapshot{Ticket: req.Ticket, Status: muster.Searching, Teams: map[muster.PlayerID]string{}},
		config:         req.Configuration, started: g.now(), backfills: req.Session,
	}
	for _, p := range req.Players {
		t.players = append(t.players, p.MatchmakingPlayer)
		t.Teams[p.ID] = p.Team
	}
	g.tickets[req.Ticket] = t
	g.order = append(g.order, req.Ticket)
	g.emit(muster.MatchmakingSearching, "", req.Ticket)
	g.makeMatches()
	if g.fails(20) {
		return errSilent
	}
	return nil
}

// fill gives a session that asks for players one ticket that waits; it reports whether
// there was one.
func (g *lift) fill(name string, config liftConfig) bool {
	for _, id := range g.order {
		asks := g.tickets[id]
		if asks.backfills == "" || asks.Status != muster.Searching || asks.config != name || !g.sessions[asks.backfills].Live || g.closing[asks.backfills] {
			continue
		}
		room := map[string]int{"red": config.size, "blue": config.size}
		for _, team := range asks.Teams {
			room[team]--
		}
		for _, other := range g.order {
			t := g.tickets[other]
			if t.backfills != "" || t.Status != muster.Searching || t.config != name {
				continue
			}
			for _, team := range []string{"red", "blue"} {
				if room[team] < len(t.players) {
					continue
				}
				m := &liftMatch{id: muster.MatchID(g.id("match")), config: name, tickets: []muster.TicketID{other, id}, fills: asks.backfills}
				g.matches[m.id] = m
				for _, p := range t.players {
					t.Teams[p.ID] = team
				}
				t.match, t.Status, asks.match, asks.Status = m.id, muster.Placing, m.id, muster.Placing
				g.emit(muster.PotentialMatchCreated, m.id, m.tickets...)
				return true
			}
		}
	}
	return false
}

// seatNewcomers ends a match that fills a session.
func (g *lift) seatNewcomers(m *liftMatch) {
	s := g.sessions[m.fills]
	status, event := muster.Completed, muster.MatchmakingSucceeded
	if !s.Live || g.closing[s.ID] {
		status, event = muster.Failed, muster.MatchmakingFailed
	}
	newcomers, asks := g.tickets[m.tickets[0]], g.tickets[m.tickets[1]]
	newcomers.Status, asks.Status = status, status
	if status == muster.Completed {
		seats := map[muster.PlayerID]muster.SeatID{}
		for _, p := range newcomers.players {
			s.Teams[p.ID] = newcomers.Teams[p.ID]
			seats[p.ID] = g.seat(s.ID, p.ID)
		}
		for _, seat := range g.liveSeats(s.ID) { // those who are there keep theirs
			seats[seat.Player] = seat.Seat
		}
		for _, t := range []*liftTicket{newcomers, asks} {
			t.Session, t.IPAddress, t.Port, t.Seats = s.ID, s.IPAddress, s.Port, seats
		}
		g.filled++
	}
	g.emit(event, m.id, m.tickets...)
}

// backfillRecord: a request belongs to a session.
func backfillRecord(all census, _, _ string, value map[string]any) string {
	if all[muster.Key{Partition: "GS#" + value["session"].(string), Sort: "META"}] == nil {
		return "is of no session"
	}
	return ""
}
