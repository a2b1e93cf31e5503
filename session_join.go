package muster

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"
)

// errNoSession is for a session that is not there, and as well for one that this caller
// must not know of: a wrong code tells neither from the other.
func errNoSession() *Error {
	return Errorf(NotFound, "session.not_found", "there is no such session, or the code is wrong")
}

// errJoining is for a player whose place in a session is not confirmed by GameLift yet.
func errJoining(held slot) error {
	err := Errorf(Conflict, "session.joining", "you are joining a session; try again in a moment")
	err.Details = map[string]any{"sessionId": held.Seat.SessionID}
	err.RetryAfter = 2 * time.Second
	return err
}

// sessionOf reads a session by its ARN. What could not be one is not found.
func (b *Backend) sessionOf(ctx context.Context, id SessionID) (session, int64, error) {
	if id == "" || len(id) > maxSessionID || !utf8.ValidString(string(id)) {
		return session{}, 0, errNoSession()
	}
	s, version, err := load[session](ctx, b.store, sessionKey(id))
	if errors.Is(err, ErrNotFound) {
		return session{}, 0, errNoSession()
	}
	return s, version, err
}

// JoinByCode is JoinSession for who has a private session's code only, as people type it.
func (b *Backend) JoinByCode(ctx context.Context, me PlayerID, req JoinRequest) (SeatView, error) {
	return b.guarded(me, func() (SeatView, error) {
		code, ok := typedCode(req.Code, roomCodeLength)
		if !ok {
			return SeatView{}, errNoSession()
		}
		to, _, err := load[roomCode](ctx, b.store, roomCodeKey(code))
		if errors.Is(err, ErrNotFound) {
			return SeatView{}, errNoSession()
		}
		if err != nil {
			return SeatView{}, err
		}
		return b.join(ctx, me, to.Session, req)
	})
}

// JoinSession gives the caller a seat in a running session, to play or to watch. The
// place and the caller's slot are taken in one transaction before GameLift is asked for
// the seat; a refusal undoes that, a lost answer is settled later. Who has a seat in the
// session gets that one.
//
// Errors: NotFound for a session that is not there or whose code is wrong; Exhausted
// after many of those; Conflict for one that is full, locked or over, and while the caller
// is busy; Denied where nobody may watch.
func (b *Backend) JoinSession(ctx context.Context, me PlayerID, id SessionID, req JoinRequest) (SeatView, error) {
	return b.guarded(me, func() (SeatView, error) { return b.join(ctx, me, id, req) })
}

// guarded makes guessing slow: of sessions, and of their codes.
func (b *Backend) guarded(me PlayerID, join func() (SeatView, error)) (SeatView, error) {
	if b.guesses.spent(string(me), b.now()) {
		return SeatView{}, &Error{Kind: Exhausted, Code: "session.too_many_codes", Message: "too many wrong codes; wait a minute", RetryAfter: guessWindow}
	}
	seat, err := join()
	if KindOf(err) == NotFound {
		b.guesses.take(string(me), b.now())
	}
	return seat, err
}

func (b *Backend) join(ctx context.Context, me PlayerID, id SessionID, req JoinRequest) (SeatView, error) {
	if req.Role != "" && req.Role != Spectator {
		return SeatView{}, Errorf(Invalid, "session.role", "the one role to ask for is spectator")
	}
	if _, _, err := b.account(ctx, me); err != nil {
		return SeatView{}, err
	}
	req.Code, _ = typedCode(req.Code, roomCodeLength) // what can be no code is as wrong as none
	held, err := b.takePlace(ctx, me, id, req)
	if err != nil {
		return SeatView{}, err
	}
	if held.Kind == slotSession {
		return b.signed(held.Seat, me)
	}
	grant, err := b.gamelift.ReserveSeat(ctx, ReserveSeat{Session: id, Player: me, Data: string(req.Role)})
	if err == nil {
		return b.takeSeat(ctx, held, grant)
	}
	if !definiteRefusal(err) {
		b.log.WarnContext(ctx, "seat unsettled", "session", id, "player", me, "error", err)
		return SeatView{}, err
	}
	seat, err := b.seatRefused(context.WithoutCancel(ctx), held, err)
	if definiteRefusal(err) {
		b.looks.refuse(seatAttempt(id, me, req.Role), b.now(), err)
	}
	return seat, err
}

// seatAttempt names what a player asks of GameLift to join a session.
func seatAttempt(id SessionID, me PlayerID, role SeatRole) string {
	return "seat/" + string(id) + "/" + string(me) + "/" + string(role)
}

// takePlace takes a place in a session and the player's slot. The slot is returned: of
// kind session for a player who has a seat there already.
func (b *Backend) takePlace(ctx context.Context, me PlayerID, id SessionID, req JoinRequest) (taken slot, err error) {
	asked := false
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		s, version, err := b.sessionOf(ctx, id)
		if err != nil {
			return nil, err
		}
		held, slotVersion, err := b.neededSlot(ctx, me)
		if err != nil {
			return nil, err
		}
		if held.Kind == slotSession && held.Seat.SessionID == id && held.Seat.Role == req.Role {
			taken = held
			return nil, nil
		}
		if !s.admits(req.Code) {
			return nil, errNoSession()
		}
		if err := b.busy(held); err != nil {
			return nil, err
		}
		now := b.instant()
		next, err := s.joined(me, req, b.modes[s.Mode].Teams, now)
		if err == nil {
			err = b.looks.refused(seatAttempt(id, me, req.Role), b.now())
		}
		if err == nil && !asked {
			asked, err = true, b.mayAsk(string(me))
		}
		if err != nil {
			return nil, err
		}
		taken = slot{Kind: slotJoining, Player: me, Since: now, Seat: SeatView{SessionID: id, Mode: s.Mode, Role: req.Role}}
		if req.Role != Spectator {
			taken.Seat.Team = next.Teams[me]
		}
		ops, err := b.putSession(s, next, version)
		if err != nil {
			return nil, err
		}
		op, err := put(slotKey(me), slotVersion, taken, now.Add(slotLife))
		return append(ops, op), err
	})
	return taken, err
}

// takeSeat turns a join into a seat.
func (b *Backend) takeSeat(ctx context.Context, joining slot, grant SeatGrant) (SeatView, error) {
	seated := joining
	seated.Kind, seated.Since = slotSession, time.Time{}
	seated.Seat.PlayerSessionID = grant.Seat
	seated.Seat.IPAddress, seated.Seat.DNSName, seated.Seat.Port = grant.IPAddress, grant.DNSName, grant.Port
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		now, version, err := b.slotOf(ctx, joining.Player)
		if err != nil {
			return nil, err
		}
		if now.Kind == slotSession && now.Seat == seated.Seat {
			return nil, nil
		}
		if !now.sameJoin(joining) {
			return nil, Errorf(Conflict, "session.overtaken", "the join took too long and was given up; try again")
		}
		op, err := put(slotKey(joining.Player), version, seated, b.now().Add(slotLife))
		return []Op{op}, err
	})
	if err != nil {
		return SeatView{}, err
	}
	return b.signed(seated.Seat, joining.Player)
}

// sameJoin says that a slot still holds that very join.
func (s slot) sameJoin(joining slot) bool {
	return s.Kind == slotJoining && s.Seat == joining.Seat && s.Since.Equal(joining.Since)
}

// seatRefused gives the place back, unless GameLift refused because the player has a
// live seat in the session already: an earlier answer was lost, or they left and return
// within the minute that GameLift keeps a seat. A seat in the other role is not theirs to
// use: the game server knows them by it.
func (b *Backend) seatRefused(ctx context.Context, joining slot, refusal error) (SeatView, error) {
	id := joining.Seat.SessionID
	seat, err := b.liveSeat(ctx, id, joining.Player)
	if err != nil {
		return SeatView{}, err // the place stays taken until GameLift says
	}
	if seat.serves(joining) {
		return b.takeSeat(ctx, joining, seat.SeatGrant)
	}
	if err := b.giveBack(ctx, joining); err != nil {
		b.log.WarnContext(ctx, "give a place back", "session", id, "player", joining.Player, "error", err)
	}
	if seat != nil {
		return SeatView{}, &Error{Kind: Conflict, Code: "session.other_role", Message: "your earlier seat in this session is still live, in the other role; try again in a minute", RetryAfter: reservedFor, Err: refusal}
	}
	var e *Error
	if errors.As(refusal, &e) && e.Code == "gamelift.session_full" {
		return SeatView{}, &Error{Kind: Conflict, Code: "session.full", Message: "the session is full", Err: refusal}
	}
	b.settledNow(ctx, "session/"+string(id), func(ctx context.Context) error {
		err := b.lookAtSession(ctx, id)
		if err != nil {
			b.log.WarnContext(ctx, "look at a session that refused a seat", "session", id, "error", err)
		}
		return err
	})
	return SeatView{}, &Error{Kind: Conflict, Code: "session.refused", Message: "the session takes nobody now", Err: refusal}
}

// reservedFor is how long GameLift keeps a seat that nobody takes (GameLift API
// reference, CreatePlayerSession).
const reservedFor = time.Minute

// heldSeat is a live seat as GameLift has it.
type heldSeat struct {
	SeatGrant
	role SeatRole
}

// serves says that the seat is what a join asked for; nil serves none.
func (h *heldSeat) serves(joining slot) bool { return h != nil && h.role == joining.Seat.Role }

// liveSeat finds a player's live seat in a session, as GameLift has it; nil: there is none.
func (b *Backend) liveSeat(ctx context.Context, id SessionID, p PlayerID) (*heldSeat, error) {
	seats, err := b.gamelift.LiveSeats(ctx, id)
	if KindOf(err) == NotFound {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, err
	}
	for _, seat := range seats {
		if seat.Player != p || !seat.Live {
			continue
		}
		at, err := b.gamelift.Session(ctx, id)
		if err != nil {
			return nil, err
		}
		return &heldSeat{SeatGrant{Seat: seat.Seat, IPAddress: at.IPAddress, DNSName: at.DNSName, Port: at.Port}, seat.role()}, nil
	}
	return nil, nil //nolint:nilnil // documented
}

// giveBack undoes a join: the place and the slot, if they are still that join's.
func (b *Backend) giveBack(ctx context.Context, joining slot) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		now, slotVersion, err := b.slotOf(ctx, joining.Player)
		if err != nil || !now.sameJoin(joining) {
			return nil, err
		}
		free, err := b.freeSlot(joining.Player, slotVersion)
		if err != nil {
			return nil, err
		}
		ops := []Op{free}
		s, version, err := loadOr(ctx, b.store, sessionKey(joining.Seat.SessionID), session{})
		if err != nil {
			return nil, err
		}
		if next, changed := s.refused(joining.Player, b.instant()); changed {
			more, err := b.putSession(s, next, version)
			return append(ops, more...), err
		}
		return ops, nil
	})
}

// settleJoin asks GameLift what became of a join whose answer was lost.
func (b *Backend) settleJoin(ctx context.Context, joining slot) error {
	seat, err := b.liveSeat(ctx, joining.Seat.SessionID, joining.Player)
	if err != nil {
		return err
	}
	if !seat.serves(joining) {
		return b.giveBack(ctx, joining)
	}
	_, err = b.takeSeat(ctx, joining, seat.SeatGrant)
	if KindOf(err) == Conflict {
		return nil // somebody else settled it
	}
	return err
}

// LeaveSession frees the caller of the session they are in; without one it does nothing.
// At GameLift their seat stays until the game server removes them or nobody takes it.
func (b *Backend) LeaveSession(ctx context.Context, me PlayerID) error {
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		held, version, err := b.slotOf(ctx, me)
		if err != nil || held.Kind != slotSession && held.Kind != slotJoining {
			return nil, err
		}
		return b.leaveOps(ctx, held, version)
	})
}

// leaveOps frees a slot that a session holds, and the place in it.
func (b *Backend) leaveOps(ctx context.Context, held slot, slotVersion int64) ([]Op, error) {
	free, err := b.freeSlot(held.Player, slotVersion)
	if err != nil {
		return nil, err
	}
	ops := []Op{free}
	s, version, err := loadOr(ctx, b.store, sessionKey(held.Seat.SessionID), session{})
	if err != nil {
		return nil, err
	}
	next, changed := s.without(held.Player, b.instant())
	if !changed {
		return ops, nil
	}
	more, err := b.putSession(s, next, version)
	return append(ops, more...), err
}
