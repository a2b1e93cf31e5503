package model

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"muster"
)

// What lift plays of queues and of sessions that players join by themselves.

// liftPlacement is a request for a session on a queue.
type liftPlacement struct {
	muster.PlacementSnapshot
	req muster.StartPlacement
}

// modeOf is the mode that a session is of.
func (g *lift) modeOf(s *muster.SessionSnapshot) muster.ModeName {
	switch {
	case s.Configuration != "":
		return muster.ModeName(s.Configuration)
	case s.Teams != nil:
		return "raid"
	}
	return "arena"
}

// matchOf is the match that a session was placed for; empty: for none, or by GameLift.
func (g *lift) matchOf(id muster.SessionID) muster.MatchID {
	for _, p := range g.placements {
		var data struct{ MatchID muster.MatchID }
		if p.Session == id && json.Unmarshal([]byte(p.req.Data), &data) == nil {
			return data.MatchID
		}
	}
	return ""
}

// liftRoom is what a session that a queue placed has beyond its snapshot.
type liftRoom struct {
	max int // live seats at a time
}

func (g *lift) StartPlacement(_ context.Context, req muster.StartPlacement) error {
	if g.fails(25) {
		return errSilent
	}
	if g.fails(25) {
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "the request is refused")
	}
	if g.placements[req.Placement] == nil {
		g.placements[req.Placement] = &liftPlacement{muster.PlacementSnapshot{Placement: req.Placement, Status: muster.PlacementPending}, req}
	}
	if g.fails(25) {
		return errSilent // it was done all the same
	}
	return nil
}

func (g *lift) StopPlacement(_ context.Context, id muster.PlacementID) error {
	p := g.placements[id]
	switch {
	case g.fails(20):
		return errSilent
	case p == nil:
		return muster.Errorf(muster.NotFound, "gamelift.not_found", "no placement %s", id)
	case p.Status.Final():
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "placement is %s", p.Status)
	}
	g.endPlacement(p, muster.PlacementCancelled)
	return nil
}

func (g *lift) Placement(_ context.Context, id muster.PlacementID) (muster.PlacementSnapshot, error) {
	if g.fails(20) {
		return muster.PlacementSnapshot{}, errSilent
	}
	if p := g.placements[id]; p != nil {
		return p.PlacementSnapshot, nil
	}
	return muster.PlacementSnapshot{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no placement %s", id)
}

// movePlacements ends placements, mostly well.
func (g *lift) movePlacements() {
	for _, id := range slices.Sorted(maps.Keys(g.placements)) {
		p := g.placements[id]
		switch {
		case p.Status.Final() || !g.calm && g.rand.IntN(3) > 0:
		case g.fails(10):
			g.endPlacement(p, muster.PlacementFailed)
		case g.fails(10):
			g.endPlacement(p, muster.PlacementTimedOut)
		default:
			g.endPlacement(p, muster.PlacementFulfilled)
		}
	}
}

// endPlacement ends a placement and tells of it; fulfilled is with a session.
func (g *lift) endPlacement(p *liftPlacement, status muster.PlacementStatus) {
	p.Status = status
	if status == muster.PlacementFulfilled {
		s := g.startSession("", "", p.teams())
		g.rooms[s.ID] = liftRoom{max: p.req.MaxPlayers}
		p.Session, p.IPAddress, p.Port, p.Seats = s.ID, s.IPAddress, s.Port, map[muster.PlayerID]muster.SeatID{}
		for _, player := range p.req.Players {
			p.Seats[player.ID] = g.seat(s.ID, player.ID)
		}
	}
	g.placed = append(g.placed, muster.PlacementEvent{ID: g.id("event"), At: g.now(), PlacementSnapshot: p.PlacementSnapshot})
}

// teams are those that the backend told the game server of; nil without a match.
func (p *liftPlacement) teams() map[muster.PlayerID]string {
	var data struct {
		MatchID string
		Teams   []struct {
			Name    string
			Players []struct {
				PlayerID muster.PlayerID `json:"playerId"`
			}
		}
	}
	if err := json.Unmarshal([]byte(p.req.Data), &data); err != nil {
		panic("the session's data is no JSON: " + p.req.Data)
	}
	if data.MatchID == "" {
		return nil
	}
	teams := map[muster.PlayerID]string{}
	for _, t := range data.Teams {
		for _, player := range t.Players {
			teams[player.PlayerID] = t.Name
		}
	}
	return teams
}

func (g *lift) ReserveSeat(_ context.Context, req muster.ReserveSeat) (muster.SeatGrant, error) {
	if g.fails(15) {
		return muster.SeatGrant{}, errSilent
	}
	s := g.sessions[req.Session]
	room, open := g.rooms[req.Session]
	live := g.liveSeats(req.Session)
	switch {
	case !open || !s.Live:
		return muster.SeatGrant{}, muster.Errorf(muster.Invalid, "gamelift.invalid", "the session takes nobody")
	case slices.ContainsFunc(live, func(seat muster.SeatState) bool { return seat.Player == req.Player }):
		return muster.SeatGrant{}, muster.Errorf(muster.Invalid, "gamelift.invalid", "the player has a seat")
	case len(live) >= room.max:
		return muster.SeatGrant{}, muster.Errorf(muster.Conflict, "gamelift.session_full", "the session is full")
	}
	seat := g.seat(req.Session, req.Player)
	g.seats[seat].Data = req.Data
	if g.fails(15) {
		return muster.SeatGrant{}, errSilent
	}
	return muster.SeatGrant{Seat: seat, IPAddress: s.IPAddress, Port: s.Port}, nil
}

func (g *lift) LiveSeats(_ context.Context, id muster.SessionID) ([]muster.SeatState, error) {
	if g.fails(20) {
		return nil, errSilent
	}
	return g.liveSeats(id), nil
}

func (g *lift) liveSeats(id muster.SessionID) []muster.SeatState {
	var live []muster.SeatState
	for _, name := range slices.Sorted(maps.Keys(g.seats)) {
		if seat := g.seats[name]; seat.Session == id && seat.Live {
			live = append(live, *seat)
		}
	}
	return live
}

func (g *lift) EndSession(_ context.Context, id muster.SessionID, force bool) error {
	s := g.sessions[id]
	switch {
	case g.fails(20):
		return errSilent
	case s == nil:
		return muster.Errorf(muster.NotFound, "gamelift.not_found", "no session %s", id)
	case !s.Live && !s.Ending:
		return muster.Errorf(muster.Conflict, "gamelift.conflict", "the session is over")
	}
	if force || g.rand.IntN(2) == 0 {
		g.end(id)
	} else {
		s.Live, s.Ending = false, true // its server takes its time
	}
	if g.fails(20) {
		return errSilent // it was done all the same
	}
	return nil
}

// roomActions are what players do who choose their sessions by themselves.
func roomActions() []action {
	ctx := context.Background()
	refused := []muster.Kind{muster.Conflict, muster.NotFound, muster.Denied, muster.Invalid, muster.Exhausted}
	return []action{
		{"a session is asked for", 3, func(w *world, r *replica) {
			p, ok := w.somebody()
			if !ok {
				return
			}
			view, err := r.CreateSession(ctx, p, muster.SessionRequest{Mode: "arena", Private: w.rand.IntN(3) == 0})
			w.allow(err, "ask for a session", refused...)
			w.shown(p, view)
			if err == nil {
				w.asked = append(w.asked, placementFact{p, view.ID})
			}
		}},
		{"a placement is looked at", 3, func(w *world, r *replica) {
			if len(w.asked) == 0 {
				return
			}
			a := w.asked[len(w.asked)-1-w.rand.IntN(min(4, len(w.asked)))]
			view, err := r.Placement(ctx, a.player, a.id)
			w.allow(err, "look at a placement", muster.NotFound)
			w.shown(a.player, view)
			if view.SessionID != "" && !slices.Contains(w.opened, room{view.SessionID, view.Code}) {
				w.opened = append(w.opened, room{view.SessionID, view.Code})
			}
		}},
		{"a placement is cancelled", 1, func(w *world, r *replica) {
			if len(w.asked) == 0 {
				return
			}
			a := w.asked[len(w.asked)-1-w.rand.IntN(min(4, len(w.asked)))]
			view, err := r.CancelPlacement(ctx, a.player, a.id)
			w.allow(err, "cancel a placement", muster.Conflict, muster.NotFound)
			w.shown(a.player, view)
		}},
		{"a session is joined", 8, func(w *world, r *replica) {
			p, ok := w.somebody()
			if !ok || len(w.opened) == 0 {
				return
			}
			to := w.opened[len(w.opened)-1-w.rand.IntN(min(3, len(w.opened)))]
			req := muster.JoinRequest{Code: to.code}
			if w.rand.IntN(4) == 0 {
				req.Role = muster.Spectator
			}
			seat, err := r.JoinSession(ctx, p, to.id, req)
			w.allow(err, "join a session", refused...)
			w.shown(p, seat)
			if err == nil {
				w.counts["joins"]++
			}
		}},
		{"sessions are browsed", 1, func(w *world, r *replica) {
			page, err := r.OpenSessions(ctx, muster.SessionQuery{Mode: "arena", Limit: 10})
			w.allow(err, "browse")
			w.shown("", page)
			for _, s := range page.Sessions {
				if s.Private || s.EndedAt != nil {
					w.fail("a session is listed that nobody can join: %+v", s)
				}
			}
		}},
		{"a player leaves a session", 3, func(w *world, r *replica) {
			if p, ok := w.somebody(); ok {
				w.leaves(p, "")
				w.allow(r.LeaveSession(ctx, p), "leave a session")
			}
		}},
		{"a game server lets a player go", 1, func(w *world, r *replica) {
			if p, ok := w.somebody(); ok && len(w.opened) > 0 {
				w.leaves(p, w.opened[len(w.opened)-1].id)
				w.allow(r.RemovePlayer(ctx, w.opened[len(w.opened)-1].id, p), "remove a player", muster.NotFound)
			}
		}},
		{"a seat lapses", 2, func(w *world, _ *replica) {
			if p, ok := w.somebody(); ok {
				for _, seat := range w.lift.seats {
					if seat.Player == p && w.lift.rooms[seat.Session].max > 0 {
						seat.Live = false
					}
				}
			}
		}},
		{"a room is left alone", 1, func(w *world, r *replica) {
			if w.acting > 1 || len(w.opened) == 0 {
				return // no call takes that long
			}
			id := w.opened[len(w.opened)-1].id
			if !w.lift.sessions[id].Live {
				return
			}
			for _, seat := range w.lift.liveSeats(id) {
				w.lift.seats[seat.Seat].Live = false
			}
			for range 4 + w.rand.IntN(6) {
				w.now = w.now.Add(45 * time.Second)
				w.allow(r.Reconcile(ctx), "reconcile")
			}
			if !w.lift.sessions[id].Live {
				w.counts["rooms ended"]++
			}
			if w.rand.IntN(2) == 0 && w.lift.sessions[id].Ending {
				w.lift.end(id) // its server has ended
			}
		}},
		{"a room closes", 1, func(w *world, r *replica) {
			if len(w.opened) == 0 || w.rand.IntN(2) == 0 {
				return
			}
			id := w.opened[len(w.opened)-1].id
			w.lift.end(id)
			if w.rand.IntN(2) == 0 {
				return // its game server is gone without a word
			}
			_, err := r.UpdateSession(ctx, id, muster.SessionUpdate{Ended: true})
			w.allow(err, "end a session", muster.NotFound)
		}},
	}
}

// roomRecord: whoever has a place in a room is held by it, and nothing else.
func roomRecord(all census, session string, value map[string]any) string {
	room, _ := value["room"].(map[string]any)
	members, _ := room["members"].(map[string]any)
	for player := range members {
		slot := all[muster.Key{Partition: "P#" + player, Sort: "SLOT"}]
		seat, _ := slot["seat"].(map[string]any)
		if seat["sessionId"] != session {
			return "has a place for " + player + ", whose slot says otherwise"
		}
	}
	if room["closingAt"] != nil && len(members) > 0 {
		return "is closing, because nobody is in it, and has places taken"
	}
	return ""
}

// placementRecord: a placement that is under way holds those it is for.
func placementRecord(all census, _, _ string, value map[string]any) string {
	players, _ := value["players"].([]any)
	final := muster.PlacementStatus(value["status"].(string)).Final()
	for _, p := range players {
		id := p.(map[string]any)["id"].(string)
		if problem := all.player(id); problem != "" {
			return problem
		}
		slot := all[muster.Key{Partition: "P#" + id, Sort: "SLOT"}]
		if !final && value["match"] == nil && slot["placement"] != value["id"] {
			return "is under way and does not hold " + id
		}
	}
	return ""
}

// openRecord: what is listed as open is there and goes on.
func openRecord(all census, _, _ string, value map[string]any) string {
	s := all[muster.Key{Partition: "GS#" + value["session"].(string), Sort: "META"}]
	if s == nil || s["endedAt"] != nil {
		return "lists a session that is over"
	}
	return ""
}

// roomCodeRecord: a code leads to a session.
func roomCodeRecord(all census, _, _ string, value map[string]any) string {
	if all[muster.Key{Partition: "GS#" + value["session"].(string), Sort: "META"}] == nil {
		return "is the code of no session"
	}
	return ""
}
