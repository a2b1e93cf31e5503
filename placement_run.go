package muster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

const placementLife = 24 * time.Hour

func placementKey(id PlacementID) Key { return Key{"PL#" + string(id), "META"} }

// duePlacement brings a placement to the reconciler's notice.
type duePlacement struct {
	Placement PlacementID `json:"placement"`
}

// placementDueOp is the record that brings a new placement to notice.
func placementDueOp(id PlacementID, now time.Time) (Op, error) {
	return put(duePlacements.key(string(id), now.Add(firstLook)), AnyVersion, duePlacement{id}, now.Add(placementLife))
}

// askPlacement asks GameLift for a session. It can be repeated.
func (b *Backend) askPlacement(ctx context.Context, p placement) error {
	mode, known := b.modes[p.Mode]
	if !known || mode.Sessions == nil {
		return Errorf(Invalid, "mode.unknown", "there is no mode %q with sessions", p.Mode)
	}
	req := StartPlacement{
		Placement: p.ID, Queue: mode.Sessions.Queue, MaxPlayers: mode.maxPlayers() + mode.Sessions.Spectators,
		Data: p.sessionData(), LocationOrder: mode.Sessions.LocationOrder,
	}
	if p.Room != nil {
		req.Name, req.Properties, req.MaxPlayers = p.Room.Name, p.Room.Properties, p.Room.MaxPlayers+p.Room.Spectators
	}
	latencies, err := b.placementLatencies(ctx, p)
	if err != nil {
		return err
	}
	for _, player := range p.Players {
		req.Players = append(req.Players, SeatPlayer{ID: player.ID, LatencyInMs: latencies[player.ID]})
	}
	return b.gamelift.StartPlacement(ctx, req)
}

// placementLatencies are the players' latencies: those of a match stand in its tickets.
func (b *Backend) placementLatencies(ctx context.Context, p placement) (map[PlayerID]map[string]int, error) {
	latencies := make(map[PlayerID]map[string]int, len(p.Players))
	for _, player := range p.Players {
		latencies[player.ID] = player.LatencyInMs
	}
	for _, et := range p.tickets() {
		t, _, err := load[ticket](ctx, b.store, ticketKey(et.ID))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, player := range t.Players {
			latencies[player.ID] = player.LatencyInMs
		}
	}
	return latencies, nil
}

// sessionData tells the game server what its session is for: GameSessionData. A match
// has its teams in the form of FlexMatch's matchmaker data.
func (p *placement) sessionData() string {
	type player struct {
		ID PlayerID `json:"playerId"`
	}
	type team struct {
		Name    string   `json:"name"`
		Players []player `json:"players"`
	}
	doc := struct {
		Mode    ModeName `json:"mode"`
		MatchID MatchID  `json:"matchId,omitempty"`
		Teams   []team   `json:"teams,omitempty"`
	}{Mode: p.Mode, MatchID: p.Match}
	if p.Match != "" {
		byTeam := make(map[string][]player)
		for _, m := range p.Players {
			byTeam[m.Team] = append(byTeam[m.Team], player{m.ID})
		}
		for _, name := range slices.Sorted(maps.Keys(byTeam)) {
			doc.Teams = append(doc.Teams, team{name, byTeam[name]})
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		panic("muster: plain strings always encode: " + err.Error())
	}
	return string(body)
}

// ApplyPlacement takes in one placement event. It may be called twice with the same
// event, or late; when it returns an error the event must be delivered again. Placements
// that are not ours are skipped.
func (b *Backend) ApplyPlacement(ctx context.Context, ev PlacementEvent) error {
	if !oursToPlace(ev.Placement) {
		return nil
	}
	if err := b.settlePlacement(ctx, ev.PlacementSnapshot); err != nil {
		return fmt.Errorf("apply placement %s: %w", ev.Placement, err)
	}
	return nil
}

func (b *Backend) settlePlacement(ctx context.Context, snap PlacementSnapshot) error {
	return b.changePlacement(ctx, snap.Placement, func(p placement) (placement, bool) { return p.settled(snap, b.instant()) })
}

// changePlacement lets decide replace a placement, with all that hangs on it: one that
// ends frees its players, one that is fulfilled seats them. A match's tickets may be too
// many for one transaction; they change first, so that a crash leaves a placement that
// is settled again. One that is not there is skipped. decide may be called several times.
func (b *Backend) changePlacement(ctx context.Context, id PlacementID, decide func(placement) (placement, bool)) error {
	p, _, err := load[placement](ctx, b.store, placementKey(id))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if next, changed := decide(p); changed && next.Match != "" && next.Status.Final() {
		if err := b.finishMatch(ctx, next); err != nil {
			return err
		}
	}
	var told placement
	var toldVersion int64
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		told = placement{}
		before, version, err := load[placement](ctx, b.store, placementKey(id))
		if errors.Is(err, ErrNotFound) {
			return nil, nil // it was there a moment ago: it has expired
		}
		if err != nil {
			return nil, err
		}
		after, changed := decide(before)
		if !changed {
			return nil, nil
		}
		told, toldVersion = after, version+1
		return b.placementOps(ctx, after, version)
	})
	if err != nil {
		return err
	}
	if told.ID != "" {
		b.watch.wake(TicketID(id)) // placements' ids are never those of tickets
		b.tellPlacement(ctx, told, toldVersion)
	}
	return nil
}

// placementOps stores a placement, and with the end of one that was asked for by
// somebody its session and its players' slots.
func (b *Backend) placementOps(ctx context.Context, p placement, version int64) ([]Op, error) {
	op, err := put(placementKey(p.ID), version, p, p.CreatedAt.Add(placementLife))
	if err != nil {
		return nil, err
	}
	ops := []Op{op}
	if !p.Status.Final() || p.Match != "" {
		return ops, nil
	}
	seated := make(map[PlayerID]bool, len(p.Players))
	for _, player := range p.Players {
		held, heldVersion, err := b.slotOf(ctx, player.ID)
		if err != nil {
			return nil, err
		}
		if heldVersion == 0 || held.Kind != slotPlacement || held.Placement != p.ID {
			continue
		}
		if p.Status != PlacementFulfilled || player.Seat == "" {
			op, err := b.freeSlot(player.ID, heldVersion)
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
			continue
		}
		op, err := put(slotKey(player.ID), heldVersion, slot{Kind: slotSession, Seat: p.seat(player), Player: player.ID}, b.now().Add(slotLife))
		if err != nil {
			return nil, err
		}
		ops, seated[player.ID] = append(ops, op), true
	}
	if p.Status != PlacementFulfilled {
		return ops, nil
	}
	more, err := b.roomOps(ctx, p, seated)
	return append(ops, more...), err
}

// roomOps stores the session of a fulfilled placement that players can join. Who waits for
// it no longer, and so is not seated, has no place in it.
func (b *Backend) roomOps(ctx context.Context, p placement, seated map[PlayerID]bool) ([]Op, error) {
	now := b.instant()
	_, version, err := loadOr(ctx, b.store, sessionKey(p.Session), session{})
	if err != nil || version != 0 {
		return nil, err
	}
	s := session{ID: p.Session, Mode: p.Mode, MatchID: p.Match, Teams: make(map[PlayerID]string), StartedAt: now}
	s.Room = &room{roomPlan: *p.Room, Browse: b.modes[p.Mode].browsable(), Members: make(map[PlayerID]member), KeptAt: now}
	for _, player := range p.Players {
		s.Teams[player.ID] = player.Team
		if seated[player.ID] {
			s.Room.Members[player.ID] = member{Since: now}
		}
	}
	ops, err := b.putSession(session{}, s, 0)
	if err != nil {
		return nil, err
	}
	op, err := sessionDueOp(s.ID, now.Add(sessionLook))
	if err != nil {
		return nil, err
	}
	ops = append(ops, op)
	if s.Room.Owner != "" {
		noted, err := b.placeRoom(ctx, p)
		if err != nil {
			return nil, err
		}
		ops = append(ops, noted...)
	}
	if s.Room.Code == "" {
		return ops, nil
	}
	op, err = put(roomCodeKey(s.Room.Code), AnyVersion, roomCode{s.ID}, now.Add(sessionLife))
	return append(ops, op), err
}

// tellPlacement tells every player of a placement how it stands. The players of a match
// are told by their tickets.
func (b *Backend) tellPlacement(ctx context.Context, p placement, version int64) {
	if p.Match != "" {
		return
	}
	notices := make([]Notice, 0, len(p.Players))
	for _, player := range p.Players {
		view, err := b.placementView(&p, player.ID, version)
		if err != nil {
			b.log.ErrorContext(ctx, "sign seat", "placement", p.ID, "player", player.ID, "error", err)
			continue
		}
		notices = append(notices, placementNotice(player.ID, view))
	}
	b.notifier.Notify(ctx, notices...)
}

func placementNotice(p PlayerID, v SessionPlacementView) Notice {
	return Notice{Player: p, Type: "placement", Data: v, Follow: followOfPlacement(v)}
}

func (b *Backend) placementView(p *placement, me PlayerID, version int64) (SessionPlacementView, error) {
	v := p.view(me, version)
	if v.Seat == nil {
		return v, nil
	}
	seat, err := b.signed(*v.Seat, me)
	v.Seat = &seat
	return v, err
}

func (b *Backend) sweepPlacement(ctx context.Context, now time.Time, rec *Record, d duePlacement) error {
	p, _, err := loadOr(ctx, b.store, placementKey(d.Placement), placement{Status: PlacementFailed})
	if err != nil {
		return err
	}
	if p.Status.Final() {
		if err := b.forget(ctx, []Key{rec.Key}); err != nil {
			return fmt.Errorf("forget a finished placement: %w", err)
		}
		return nil
	}
	taken, err := b.leaseDue(ctx, rec, now.Add(lookAgain))
	if err != nil || !taken {
		return err
	}
	return b.lookAtPlacement(ctx, p)
}

// lookAtPlacement asks GameLift about a placement and applies its word; one that it does
// not know is asked for again.
func (b *Backend) lookAtPlacement(ctx context.Context, p placement) error {
	snap, err := b.gamelift.Placement(ctx, p.ID)
	if err == nil {
		return b.settlePlacement(ctx, snap)
	}
	if KindOf(err) != NotFound {
		return fmt.Errorf("describe placement %s: %w", p.ID, err)
	}
	now := b.instant()
	if _, _, again := p.unknown(now); again {
		if err := b.askPlacement(ctx, p); err != nil { // it ends when it was asked for long enough
			b.log.WarnContext(ctx, "placement asked for again", "placement", p.ID, "error", err)
		}
		return nil
	}
	return b.changePlacement(ctx, p.ID, func(p placement) (placement, bool) {
		next, changed, _ := p.unknown(now)
		return next, changed
	})
}

// Placement is the caller's own request for a session; any other is NotFound.
func (b *Backend) Placement(ctx context.Context, me PlayerID, id PlacementID) (SessionPlacementView, error) {
	p, version, err := b.placementOf(ctx, me, id)
	if err != nil {
		return SessionPlacementView{}, err
	}
	return b.placementView(&p, me, version)
}

// ServerPlacement is a request for a session that a game server made.
func (b *Backend) ServerPlacement(ctx context.Context, id PlacementID) (SessionPlacementView, error) {
	return b.Placement(ctx, "", id)
}

// placementOf reads a placement for who asked for it; nobody stands for game servers.
func (b *Backend) placementOf(ctx context.Context, me PlayerID, id PlacementID) (placement, int64, error) {
	absent := Errorf(NotFound, "placement.not_found", "there is no such request for a session")
	if !oursToPlace(id) || !ours(string(id)) {
		return placement{}, 0, absent
	}
	p, version, err := load[placement](ctx, b.store, placementKey(id))
	if errors.Is(err, ErrNotFound) || err == nil && (p.Room == nil || p.Room.Owner != me) {
		return placement{}, 0, absent
	}
	return p, version, err
}

// WaitPlacement is Placement once its version exceeds after, or when wait has passed.
// after below zero waits for the next change from now. Who waits often enough already does not wait.
func (b *Backend) WaitPlacement(ctx context.Context, me PlayerID, id PlacementID, after int64, wait time.Duration) (SessionPlacementView, error) {
	return longPoll(ctx, b, me, TicketID(id), after, wait, func() (SessionPlacementView, int64, bool, error) {
		view, err := b.Placement(ctx, me, id)
		return view, view.Version, view.Status.Final(), err
	})
}

// CancelPlacement withdraws the caller's request for a session. One that is over stays
// as it is; one whose session is about to start can no longer be cancelled (Conflict).
func (b *Backend) CancelPlacement(ctx context.Context, me PlayerID, id PlacementID) (SessionPlacementView, error) {
	p, version, err := b.placementOf(ctx, me, id)
	if err != nil {
		return SessionPlacementView{}, err
	}
	if p.Status.Final() {
		return b.placementView(&p, me, version)
	}
	withdrawn := func(p placement) (placement, bool) {
		next := p.clone()
		next.Withdrawn = true
		return next, !p.Withdrawn && !p.Status.Final()
	}
	if err := b.changePlacement(ctx, id, withdrawn); err != nil {
		return SessionPlacementView{}, err
	}
	stopErr := b.looks.once(ctx, "cancel/"+string(id), b.now(), true, func(ctx context.Context) error { return b.withdrawPlacement(ctx, id) })
	if stopErr != nil && !errors.Is(stopErr, errNotStopped) {
		return SessionPlacementView{}, stopErr
	}
	view, err := b.Placement(ctx, me, id)
	if err == nil && stopErr != nil && !view.Status.Final() {
		return view, Errorf(Conflict, "placement.starting", "it is too late to cancel: the session is starting")
	}
	return view, err
}

// withdrawPlacement asks GameLift to stop a placement, and takes in what became of it.
func (b *Backend) withdrawPlacement(ctx context.Context, id PlacementID) error {
	stopErr := b.gamelift.StopPlacement(ctx, id)
	if KindOf(stopErr) == Unavailable {
		return stopErr
	}
	snap, err := b.gamelift.Placement(ctx, id)
	switch {
	case err == nil:
		err = b.settlePlacement(ctx, snap)
	case KindOf(err) == NotFound: // on its way there, or lost: the reconciler says
		err = nil
	}
	if err == nil && stopErr != nil && KindOf(stopErr) != NotFound {
		err = fmt.Errorf("%w: %w", errNotStopped, stopErr)
	}
	return err
}
