package muster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ticketLife is how long a ticket is kept, and with it what its idempotency key did.
const ticketLife = 24 * time.Hour

// firstLook is when the reconciler looks at a new ticket that nothing was heard of.
const firstLook = 15 * time.Second

// StartTicket asks for a match on behalf of a player. The slot is taken and the
// ticket stored in one transaction before GameLift hears of it; a refusal undoes that.
// When GameLift's answer is lost the ticket stands and the reconciler settles it.
//
// The same key with the same request gives the same ticket, and created is false.
// Errors: Invalid; NotFound for an unknown mode; Conflict with ticketId or seat while
// the player is queued or seated.
func (b *Backend) StartTicket(ctx context.Context, p PlayerID, req TicketRequest, key string) (view TicketView, created bool, err error) {
	mode, known := b.modes[req.Mode]
	if !known {
		return TicketView{}, false, errUnknownMode(req.Mode)
	}
	if !mode.matches() {
		return TicketView{}, false, Errorf(Denied, "ticket.no_matchmaking", "nobody is matched in mode %q: create a session or join one", req.Mode)
	}
	t := ticket{ID: TicketID(b.newID())}
	if key != "" {
		earlier, version, err := b.keyedTicket(ctx, p, key, requestHash(req))
		if err != nil {
			return TicketView{}, false, err
		}
		if version != 0 {
			view, err = b.ticketView(&earlier, p, version)
			return view, false, err
		}
		t = earlier
	}
	if t, err = b.storeTicket(ctx, p, mode, req, t); err != nil {
		return TicketView{}, false, err
	}
	b.tellStart(ctx, &t)
	err = b.gamelift.StartMatchmaking(ctx, StartMatchmaking{Ticket: t.ID, Configuration: t.Configuration, Players: t.waiting().Players})
	if definiteRefusal(err) {
		b.log.WarnContext(ctx, "matchmaking refused", "ticket", t.ID, "mode", mode.Name, "error", err)
		stands, undo := b.undoTicket(ctx, t.ID)
		if undo != nil {
			b.log.WarnContext(ctx, "undo refused ticket", "ticket", t.ID, "error", undo)
		}
		if !stands {
			return TicketView{}, false, b.notThere(ctx, mode, "configuration", t.Configuration, errRefused(err, mode, &t))
		}
	}
	if err != nil {
		b.log.WarnContext(ctx, "matchmaking start unsettled", "ticket", t.ID, "error", err)
	}
	view, err = b.ticketView(&t, p, 1)
	return view, true, err
}

func errUnknownMode(name ModeName) error {
	return Errorf(NotFound, "mode.unknown", "there is no mode %q", name)
}

// definiteRefusal says that GameLift did not take the request and never will have.
func definiteRefusal(err error) bool {
	switch KindOf(err) {
	case Invalid, NotFound, Denied, Unauthenticated, Exhausted, Conflict:
		return err != nil
	}
	return false
}

// entrant is a player who goes on a ticket, before it is decided what GameLift is told.
type entrant struct {
	ticketPlayer
	facts       playerFacts
	preferences map[string]string
}

// entrant gathers what can be told about a player.
func (b *Backend) entrant(ctx context.Context, p PlayerID, mode Mode, req TicketRequest) (entrant, error) {
	if _, _, err := b.account(ctx, p); err != nil {
		return entrant{}, err
	}
	latencies, dropped, err := b.latencies(req.LatencyInMs)
	if err != nil {
		return entrant{}, err
	}
	facts, err := b.facts(ctx, p, mode)
	return entrant{ticketPlayer{ID: p, LatencyInMs: latencies, Dropped: dropped}, facts, req.Preferences}, err
}

// facts reads what the mode's attributes of a player are made of, and nothing more.
func (b *Backend) facts(ctx context.Context, p PlayerID, mode Mode) (playerFacts, error) {
	var facts playerFacts
	for _, source := range mode.Attributes {
		if source.From != FromRating {
			continue
		}
		standing, err := b.ratingOf(ctx, p, mode.Name)
		if err != nil {
			return playerFacts{}, err
		}
		facts.points, facts.games = b.ratingSystem(mode.Name).Points(standing.Skill), standing.Games
		break
	}
	var err error
	facts.documents, err = b.storedDocuments(ctx, p, mode.namespaces())
	return facts, err
}

// storeTicket takes the slots of a player and of their party, and stores a new ticket for
// all of them, all or nothing. The id of t stands, and what its idempotency key says.
func (b *Backend) storeTicket(ctx context.Context, p PlayerID, mode Mode, req TicketRequest, t ticket) (ticket, error) {
	now := b.instant()
	t.Mode, t.Configuration = mode.Name, mode.Configuration
	t.Status, t.CreatedAt, t.UpdatedAt, t.NewsAt = Queued, now, now, now
	announced := false
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		team, err := b.gather(ctx, p, mode, req, t.ID)
		if err != nil {
			return nil, err
		}
		if !announced {
			if err := b.mayAsk(string(p)); err != nil {
				return nil, err
			}
			if err := b.announceTicket(ctx, &t); err != nil {
				return nil, err
			}
			announced = true
		}
		t.Players, t.Party = team.players, team.party
		op, err := put(ticketKey(t.ID), 0, t, now.Add(ticketLife))
		return append(team.ops, op), err
	})
	return t, err
}

// announceTicket writes the due record of a ticket that is about to be stored. Alone it
// costs half of what it would in the ticket's transaction; if no ticket comes, the
// reconciler forgets it.
func (b *Backend) announceTicket(ctx context.Context, t *ticket) error {
	due := due{Ticket: t.ID, Mode: t.Mode, CreatedAt: t.CreatedAt}
	op, err := put(dueTickets.key(string(t.ID), t.CreatedAt.Add(firstLook)), AnyVersion, due, t.CreatedAt.Add(ticketLife))
	if err != nil {
		return err
	}
	return b.store.Write(ctx, op)
}

// busy is the error for a player whose slot is held.
func (b *Backend) busy(held slot) error {
	switch held.Kind {
	case slotTicket:
		err := Errorf(Conflict, "ticket.already_queued", "you are already in the queue")
		err.Details = map[string]any{"ticketId": held.Ticket}
		return err
	case slotPlacement:
		err := Errorf(Conflict, "placement.pending", "you are already waiting for a session")
		err.Details = map[string]any{"placementId": held.Placement}
		return err
	case slotJoining:
		return errJoining(held)
	case slotSession:
		seat, signErr := b.signed(held.Seat, held.Player)
		if signErr != nil {
			return signErr
		}
		err := Errorf(Conflict, "session.live", "you have a live seat in a session: rejoin it, or leave it first")
		err.Details = map[string]any{"seat": seat}
		return err
	}
	return nil
}

// refusedTicket is the reason code of a ticket that GameLift did not take.
const refusedTicket = "ticket.refused"

// undoTicket frees what storeTicket took. The request may be made again, with its
// idempotency key, too. A ticket stands of which GameLift was told again meanwhile: that
// may be why it refused it.
func (b *Backend) undoTicket(ctx context.Context, id TicketID) (stands bool, err error) {
	_, _, err = b.changeTicket(context.WithoutCancel(ctx), id, func(now ticket) (ticket, change) {
		if stands = !now.AgainAt.IsZero(); stands || now.Status.Final() {
			return now, unchanged
		}
		next := now.clone()
		next.end(Failed, refusedTicket, "matchmaking refused the ticket")
		next.UpdatedAt = b.instant()
		return next, news
	})
	return stands, err
}

// Ticket is a ticket as the caller sees it; a ticket without the caller is NotFound.
func (b *Backend) Ticket(ctx context.Context, p PlayerID, id TicketID) (TicketView, error) {
	t, version, err := b.ticketOf(ctx, p, id)
	if err != nil {
		return TicketView{}, err
	}
	return b.ticketView(&t, p, version)
}

func (b *Backend) ticketView(t *ticket, p PlayerID, version int64) (TicketView, error) {
	v := t.view(p, version)
	if v.Seat == nil {
		return v, nil
	}
	seat, err := b.signed(*v.Seat, p)
	v.Seat = &seat
	return v, err
}

// ticketOf reads a ticket for one of its players. To anyone else it does not exist.
func (b *Backend) ticketOf(ctx context.Context, p PlayerID, id TicketID) (ticket, int64, error) {
	t, version, err := b.anyTicket(ctx, id)
	if err == nil && t.player(p) == nil {
		return ticket{}, 0, errNoTicket()
	}
	return t, version, err
}

func errNoTicket() error { return Errorf(NotFound, "ticket.not_found", "there is no such ticket") }

// WaitTicket is Ticket once its version exceeds after, or when wait has passed. after
// below zero waits for the next change from now. Who waits often enough already does not wait.
func (b *Backend) WaitTicket(ctx context.Context, p PlayerID, id TicketID, after int64, wait time.Duration) (TicketView, error) {
	return longPoll(ctx, b, p, id, after, wait, func() (TicketView, int64, bool, error) {
		view, err := b.Ticket(ctx, p, id)
		return view, view.Version, view.Status.Final(), err
	})
}

// CancelTicket withdraws the caller's ticket. A ticket that is over stays as it is;
// one whose session is being placed can no longer be cancelled (Conflict).
func (b *Backend) CancelTicket(ctx context.Context, p PlayerID, id TicketID) (TicketView, error) {
	t, version, err := b.ticketOf(ctx, p, id)
	if err != nil {
		return TicketView{}, err
	}
	if t.Status.Final() {
		return b.ticketView(&t, p, version)
	}
	attempt := fmt.Sprintf("cancel/%s/%s/%s", id, t.Status, t.Match.ID) // another try may fare otherwise when these change
	stopErr := b.looks.once(ctx, attempt, b.now(), t.Status != Placing, func(ctx context.Context) error { return b.withdraw(ctx, id) })
	if stopErr != nil && !errors.Is(stopErr, errNotStopped) {
		return TicketView{}, stopErr
	}
	view, err := b.Ticket(ctx, p, id)
	if err == nil && stopErr != nil && !view.Status.Final() {
		return view, Errorf(Conflict, "ticket.placing", "it is too late to cancel: a match was found and its session is starting")
	}
	return view, err
}

// errNotStopped says that GameLift did not stop what it was asked to stop.
var errNotStopped = errors.New("GameLift did not stop it")

// withdraw asks GameLift to stop a ticket, and takes in what became of it.
func (b *Backend) withdraw(ctx context.Context, id TicketID) error {
	stopErr := b.gamelift.StopMatchmaking(ctx, id)
	if KindOf(stopErr) == Unavailable {
		return stopErr
	}
	if err := b.settle(ctx, id); err != nil {
		return err
	}
	if KindOf(stopErr) == NotFound {
		if _, _, err := b.changeTicket(ctx, id, func(t ticket) (ticket, change) { return t.withdrawn(b.instant()) }); err != nil {
			return err
		}
	}
	if stopErr != nil {
		return fmt.Errorf("%w: %w", errNotStopped, stopErr)
	}
	return nil
}

// AnswerMatch accepts or declines the match proposed for the caller's ticket. Without
// an open proposal the error is Conflict.
func (b *Backend) AnswerMatch(ctx context.Context, p PlayerID, id TicketID, accept bool) (TicketView, error) {
	t, version, err := b.ticketOf(ctx, p, id)
	if err != nil {
		return TicketView{}, err
	}
	closed := Errorf(Conflict, "match.not_open", "there is no match to answer")
	if t.Status != RequiresAcceptance {
		return TicketView{}, closed
	}
	match := t.Match.ID
	if said := t.player(p).Accepted; said != nil && *said == accept {
		return b.ticketView(&t, p, version)
	}
	answer := fmt.Sprintf("answer/%s/%s/%s/%t", id, match, p, accept)
	err = b.looks.once(ctx, answer, b.now(), true, func(ctx context.Context) error { return b.answer(ctx, p, id, accept) })
	if KindOf(err) == Unavailable {
		return TicketView{}, err
	}
	if err != nil {
		closed.Err = err
		return TicketView{}, closed
	}
	t, version, err = b.changeTicket(ctx, id, func(now ticket) (ticket, change) {
		mine := now.player(p)
		if now.Status != RequiresAcceptance || now.Match.ID != match || mine.Accepted != nil && *mine.Accepted == accept {
			return now, unchanged
		}
		next := now.clone()
		next.player(p).Accepted = &accept
		if accept {
			next.Match.AcceptedCount = min(next.Match.AcceptedCount+1, next.Match.PlayerCount)
		}
		next.UpdatedAt = b.instant()
		return next, news
	})
	if err != nil {
		return TicketView{}, err
	}
	if version == 0 {
		return TicketView{}, errNoTicket()
	}
	return b.ticketView(&t, p, version)
}

// answer tells GameLift a player's answer. Where it takes none, it is asked how the ticket
// stands.
func (b *Backend) answer(ctx context.Context, p PlayerID, id TicketID, accept bool) error {
	err := b.gamelift.AcceptMatch(ctx, id, []PlayerID{p}, accept)
	if err == nil || KindOf(err) == Unavailable {
		return err
	}
	if err := b.settle(ctx, id); err != nil {
		b.log.WarnContext(ctx, "settle after a refused answer", "ticket", id, "error", err)
	}
	return err
}
