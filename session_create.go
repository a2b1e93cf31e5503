package muster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// browsable says that open sessions of the mode are listed.
func (m Mode) browsable() bool { return m.Sessions != nil && m.Sessions.Browse }

// CreateSession asks for a session on behalf of a player, who gets the first seat. The
// slot is taken and the request stored in one transaction before GameLift hears of it; a
// refusal undoes that, a lost answer is settled by the reconciler.
//
// Errors: Invalid; NotFound for an unknown mode; Denied where players create no sessions;
// Unavailable with mode.unavailable where GameLift lacks the queue;
// Conflict with ticketId, placementId or seat while the player is queued or seated;
// Exhausted while sessions that they created before still run.
func (b *Backend) CreateSession(ctx context.Context, me PlayerID, req SessionRequest) (SessionPlacementView, error) {
	mode, err := b.placedMode(req.Mode)
	if err != nil {
		return SessionPlacementView{}, err
	}
	if mode.Sessions.Create != CreateByPlayers {
		return SessionPlacementView{}, Errorf(Denied, "session.create_denied", "players create no sessions of mode %q", mode.Name)
	}
	if _, _, err := b.account(ctx, me); err != nil {
		return SessionPlacementView{}, err
	}
	plan, err := mode.plan(req, false)
	if err != nil {
		return SessionPlacementView{}, err
	}
	latencies, _, err := b.latencies(req.LatencyInMs)
	if err != nil {
		return SessionPlacementView{}, err
	}
	team, err := pickTeam(mode.Teams, nil, req.Team, "")
	if err != nil {
		return SessionPlacementView{}, err
	}
	plan.Owner = me
	return b.startRoom(ctx, mode, plan, placement{
		ID: PlacementID(roomPlacement + b.newID()), Players: []placementPlayer{{ID: me, Team: team, LatencyInMs: latencies}},
	})
}

// CreateServerSession asks for a session on behalf of a game server or of whoever has its
// key: nobody is in it yet. The same idempotency key with the same request gives the same
// placement, and created is false.
func (b *Backend) CreateServerSession(ctx context.Context, req SessionRequest, key string) (view SessionPlacementView, created bool, err error) {
	mode, err := b.placedMode(req.Mode)
	if err != nil {
		return SessionPlacementView{}, false, err
	}
	if c := mode.Sessions.Create; c != CreateByPlayers && c != CreateByServers {
		return SessionPlacementView{}, false, Errorf(Denied, "session.create_denied", "nobody creates sessions of mode %q", mode.Name)
	}
	plan, err := mode.plan(req, true)
	if err != nil {
		return SessionPlacementView{}, false, err
	}
	if key == "" {
		view, err = b.startRoom(ctx, mode, plan, placement{ID: PlacementID(roomPlacement + b.newID())})
		return view, err == nil, err
	}
	for range 2 {
		p, version, err := b.keyedPlacement(ctx, key, requestHash(req))
		if err != nil {
			return SessionPlacementView{}, false, err
		}
		if version != 0 {
			view, err := b.placementView(&p, "", version)
			return view, false, err
		}
		view, err = b.startRoom(ctx, mode, plan, p)
		if !errors.Is(err, errKeyTaken) {
			return view, err == nil, err
		}
	}
	return SessionPlacementView{}, false, ErrConflict
}

// errKeyTaken says that somebody was faster with the same idempotency key.
var errKeyTaken = errors.New("the idempotency key is taken")

// placedMode finds a mode whose sessions the backend asks for.
func (b *Backend) placedMode(name ModeName) (Mode, error) {
	mode, known := b.modes[name]
	if !known {
		return Mode{}, errUnknownMode(name)
	}
	if mode.Sessions == nil {
		return Mode{}, Errorf(Denied, "session.matchmaking_only", "sessions of mode %q come from matchmaking only", name)
	}
	return mode, nil
}

// plan is a request checked against what the mode allows.
func (m Mode) plan(req SessionRequest, byServer bool) (roomPlan, error) {
	name := tidyName(req.Name)
	most := m.maxPlayers()
	switch {
	case utf8.RuneCountInString(name) > maxSessionNameRune || !utf8.ValidString(req.Name):
		return roomPlan{}, Errorf(Invalid, "session.name_length", "a session's name has at most %d characters", maxSessionNameRune)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }), unicode.IsMark(firstRune(name)):
		return roomPlan{}, Errorf(Invalid, "session.name_characters", "a session's name holds printable characters only")
	case req.MaxPlayers < 0 || req.MaxPlayers > most:
		return roomPlan{}, Errorf(Invalid, "session.max_players", "a session of mode %q has 1 to %d players, not %d", m.Name, most, req.MaxPlayers)
	}
	for key, value := range req.Properties {
		choices, listed := m.Sessions.Properties[key]
		free := len(choices) == 0 && byServer && propertyValue(value)
		if !listed || !free && !slices.Contains(choices, value) {
			return roomPlan{}, errProperty(m.Sessions.Properties, byServer, key, value)
		}
	}
	plan := roomPlan{
		Name: name, Private: req.Private, Properties: req.Properties,
		MaxPlayers: most, Spectators: m.Sessions.Spectators,
	}
	if req.MaxPlayers > 0 {
		plan.MaxPlayers = req.MaxPlayers
	}
	return plan, nil
}

// startRoom stores a placement, which has an id and its players, with their slots, and asks
// GameLift for it. With an idempotency key errKeyTaken is possible.
func (b *Backend) startRoom(ctx context.Context, mode Mode, plan roomPlan, p placement) (SessionPlacementView, error) {
	now := b.instant()
	if plan.Private {
		code, err := b.newCode(roomCodeLength)
		if err != nil {
			return SessionPlacementView{}, err
		}
		plan.Code = code
	}
	p.Mode, p.Status, p.Room = mode.Name, PlacementPending, &plan
	p.CreatedAt, p.AskedAt, p.UpdatedAt = now, now, now
	asked := false
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		if p.Request != "" {
			_, version, err := loadOr(ctx, b.store, placementKey(p.ID), placement{})
			if err != nil {
				return nil, err
			}
			if version != 0 {
				return nil, errKeyTaken
			}
		}
		op, err := put(placementKey(p.ID), 0, p, now.Add(placementLife))
		if err != nil {
			return nil, err
		}
		due, err := placementDueOp(p.ID, now)
		if err != nil {
			return nil, err
		}
		ops := []Op{op, due}
		for _, player := range p.Players {
			held, version, err := b.neededSlot(ctx, player.ID)
			if err != nil {
				return nil, err
			}
			if err := b.busy(held); err != nil {
				return nil, err
			}
			op, err := put(slotKey(player.ID), version, slot{Kind: slotPlacement, Placement: p.ID, Player: player.ID}, now.Add(slotLife))
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
		}
		if plan.Owner == "" {
			return ops, nil
		}
		if !asked {
			if err := b.mayAsk(string(plan.Owner)); err != nil {
				return nil, err
			}
			asked = true
		}
		op, err = b.addRoom(ctx, plan.Owner, mode, p.ID)
		return append(ops, op), err
	})
	if err != nil {
		return SessionPlacementView{}, err
	}
	err = b.askPlacement(ctx, p)
	if definiteRefusal(err) {
		b.log.WarnContext(ctx, "placement refused", "placement", p.ID, "mode", mode.Name, "error", err)
		if undo := b.refusePlacement(ctx, p.ID); undo != nil {
			b.log.WarnContext(ctx, "undo refused placement", "placement", p.ID, "error", undo)
		}
		return SessionPlacementView{}, b.notThere(ctx, mode, "queue", mode.Sessions.Queue, err)
	}
	if err != nil {
		b.log.WarnContext(ctx, "placement start unsettled", "placement", p.ID, "error", err)
	}
	return b.Placement(ctx, plan.Owner, p.ID)
}

// refusedPlacement is the reason code of a placement that GameLift did not take.
const refusedPlacement = "placement.refused"

// refusePlacement ends a placement that GameLift does not take.
func (b *Backend) refusePlacement(ctx context.Context, id PlacementID) error {
	return b.changePlacement(context.WithoutCancel(ctx), id, func(p placement) (placement, bool) {
		if p.Status.Final() {
			return p, false
		}
		return p.ended(PlacementFailed, refusedPlacement, "the session was refused", b.instant()), true
	})
}
