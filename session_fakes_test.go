package muster_test

import (
	"context"
	"slices"
	"sync"

	"muster"
)

// fakeHosting is the part of fakeGameLift that places sessions and seats players who
// come by themselves.
type fakeHosting struct {
	mu         sync.Mutex // for tests of contention; it guards seats and sessions too
	placements map[muster.PlacementID]*fakePlacement
	placed     []muster.PlacementEvent // for the test to deliver
	capacity   map[muster.SessionID]int
	backfills  []muster.StartBackfill
	placeErr   func() (took bool, err error) // decides what StartPlacement answers
	reserveErr func() (took bool, err error) // decides what ReserveSeat answers
	manual     bool                          // placements wait for the test to end them
	asks       int                           // calls of StartPlacement
	standalone bool                          // matches get no session
	ends       []bool                        // calls of EndSession: whether with force
	endErr     error                         // what EndSession answers
}

type fakePlacement struct {
	muster.PlacementSnapshot
	req muster.StartPlacement
}

func answerOf(decide func() (bool, error)) (took bool, err error) {
	if decide == nil {
		return true, nil
	}
	return decide()
}

func (g *fakeGameLift) StartPlacement(_ context.Context, req muster.StartPlacement) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asks++
	took, err := answerOf(g.placeErr)
	if !took || g.down {
		if err == nil {
			err = errDown
		}
		return err
	}
	if g.placements == nil {
		g.placements, g.capacity = map[muster.PlacementID]*fakePlacement{}, map[muster.SessionID]int{}
	}
	if g.placements[req.Placement] != nil {
		return err
	}
	g.placements[req.Placement] = &fakePlacement{muster.PlacementSnapshot{Placement: req.Placement, Status: muster.PlacementPending}, req}
	if !g.manual {
		g.endPlacement(req.Placement, muster.PlacementFulfilled)
	}
	return err
}

// endPlacement ends a placement; fulfilled makes a session with seats. The caller holds
// the lock, or is alone.
func (g *fakeGameLift) endPlacement(id muster.PlacementID, status muster.PlacementStatus) {
	p := g.placements[id]
	p.Status = status
	if status == muster.PlacementFulfilled {
		p.Session = muster.SessionID("arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-local/" + string(id))
		p.IPAddress, p.Port, p.Seats = "127.0.0.1", 7777, map[muster.PlayerID]muster.SeatID{}
		g.sessions[p.Session] = &muster.SessionSnapshot{ID: p.Session, Live: true, IPAddress: "127.0.0.1", Port: 7777, CreatedAt: g.clock.now()}
		g.capacity[p.Session] = p.req.MaxPlayers
		for _, player := range p.req.Players {
			p.Seats[player.ID] = g.seat(p.Session, player.ID)
		}
	}
	g.placed = append(g.placed, muster.PlacementEvent{ID: g.newID(), At: g.clock.now(), PlacementSnapshot: p.PlacementSnapshot})
}

func (g *fakeGameLift) seat(session muster.SessionID, player muster.PlayerID) muster.SeatID {
	id := muster.SeatID("psess-" + g.newID())
	g.seats[id] = &muster.SeatState{Seat: id, Player: player, Session: session, Live: true}
	return id
}

func (g *fakeGameLift) StopPlacement(_ context.Context, id muster.PlacementID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.placements[id]
	switch {
	case g.down:
		return errDown
	case p == nil:
		return muster.Errorf(muster.NotFound, "gamelift.not_found", "no placement %s", id)
	case p.Status.Final():
		return muster.Errorf(muster.Invalid, "gamelift.invalid", "placement is %s", p.Status)
	}
	g.endPlacement(id, muster.PlacementCancelled)
	return nil
}

func (g *fakeGameLift) Placement(_ context.Context, id muster.PlacementID) (muster.PlacementSnapshot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return muster.PlacementSnapshot{}, errDown
	}
	if p := g.placements[id]; p != nil {
		return p.PlacementSnapshot, nil
	}
	return muster.PlacementSnapshot{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no placement %s", id)
}

func (g *fakeGameLift) ReserveSeat(_ context.Context, req muster.ReserveSeat) (muster.SeatGrant, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	took, err := answerOf(g.reserveErr)
	if g.down || !took {
		if err == nil {
			err = errDown
		}
		return muster.SeatGrant{}, err
	}
	s := g.sessions[req.Session]
	if s == nil || !s.Live {
		return muster.SeatGrant{}, muster.Errorf(muster.Conflict, "gamelift.conflict", "the session is over")
	}
	live := 0
	for _, seat := range g.seats {
		if seat.Session != req.Session || !seat.Live {
			continue
		}
		if live++; seat.Player == req.Player {
			return muster.SeatGrant{}, muster.Errorf(muster.Invalid, "gamelift.invalid_request", "the player has a seat")
		}
	}
	if live >= g.capacity[req.Session] {
		return muster.SeatGrant{}, muster.Errorf(muster.Conflict, "gamelift.session_full", "full")
	}
	id := g.seat(req.Session, req.Player)
	g.seats[id].Data = req.Data
	grant := muster.SeatGrant{Seat: id, IPAddress: s.IPAddress, Port: s.Port}
	if err != nil {
		return muster.SeatGrant{}, err // the answer is lost
	}
	return grant, nil
}

func (g *fakeGameLift) LiveSeats(_ context.Context, id muster.SessionID) ([]muster.SeatState, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return nil, errDown
	}
	var all []muster.SeatState
	for _, seat := range g.seats {
		if seat.Session == id && seat.Live {
			all = append(all, *seat)
		}
	}
	return all, nil
}

// EndSession tells a session's game server to end, which endServers does.
func (g *fakeGameLift) EndSession(_ context.Context, id muster.SessionID, force bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sessions[id]
	g.ends = append(g.ends, force)
	switch {
	case g.down:
		return errDown
	case g.endErr != nil:
		return g.endErr
	case s == nil:
		return muster.Errorf(muster.NotFound, "gamelift.not_found", "no session %s", id)
	case !s.Live && !s.Ending:
		return muster.Errorf(muster.Conflict, "gamelift.conflict", "the session is over")
	}
	s.Live, s.Ending = false, !force
	return nil
}

// endServers ends the sessions whose game servers were told to end them.
func (g *fakeGameLift) endServers() {
	for _, s := range g.sessions {
		s.Ending = false
	}
}

func (g *fakeGameLift) StartBackfill(_ context.Context, req muster.StartBackfill) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return errDown
	}
	g.backfills = append(g.backfills, req)
	g.tickets[req.Ticket] = &fakeTicket{TicketSnapshot: muster.TicketSnapshot{Ticket: req.Ticket, Status: muster.Searching}}
	return nil
}

// endSeats ends every live seat that matches, as when players disconnect.
func (g *fakeGameLift) endSeats(match func(muster.SeatState) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, seat := range g.seats {
		if match(*seat) {
			seat.Live = false
		}
	}
}

// takePlaced hands over the placement events that were not delivered yet.
func (g *fakeGameLift) takePlaced() []muster.PlacementEvent {
	g.mu.Lock()
	defer g.mu.Unlock()
	events := slices.Clone(g.placed)
	g.placed = nil
	return events
}

// lobby is a rig with a mode whose sessions players make and join.
func lobby(change func(*muster.SessionOptions)) *rig {
	return newRigWith(false, func(o *muster.Options) {
		sessions := &muster.SessionOptions{
			Queue: "lobbies", MaxPlayers: 4, Create: muster.CreateByPlayers, Browse: true, Spectators: 2,
			Properties: map[string][]string{"map": {"harbour", "tower"}, "round": nil},
		}
		if change != nil {
			change(sessions)
		}
		o.Modes = append(o.Modes, muster.Mode{Name: "lobby", Title: "Lobby", Kind: muster.Queue, Sessions: sessions})
	})
}

// standalone is a rig whose mode "duel" is matched without a session.
func standalone(change func(*muster.SessionOptions)) *rig {
	r := newRigWith(false, func(o *muster.Options) {
		sessions := &muster.SessionOptions{Queue: "duels"}
		if change != nil {
			change(sessions)
		}
		o.Modes[0].Kind, o.Modes[0].Sessions = muster.Standalone, sessions
	})
	r.lift.standalone = true
	return r
}

// deliverPlaced applies every placement event that waits, in order.
func (r *rig) deliverPlaced() error {
	for _, ev := range r.lift.takePlaced() {
		if err := r.ApplyPlacement(context.Background(), ev); err != nil {
			return err
		}
	}
	return nil
}
