package muster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// How long records outlive their use.
const (
	ticketLife      = 24 * time.Hour
	idempotencyLife = 24 * time.Hour
)

// firstLook is when the reconciler looks at a new ticket that nothing was heard of.
const firstLook = 15 * time.Second

// maxIdempotencyKey bounds the Idempotency-Key of a request, in bytes.
const maxIdempotencyKey = 128

// idempotent remembers which ticket a request with a key made.
type idempotent struct {
	RequestHash string   `json:"requestHash"`
	Ticket      TicketID `json:"ticket"`
}

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
	if len(key) > maxIdempotencyKey || !utf8.ValidString(key) {
		return TicketView{}, false, Errorf(Invalid, "request.idempotency_key", "an idempotency key has at most %d bytes, in UTF-8", maxIdempotencyKey)
	}
	hash := requestHash(req)
	if earlier, ok, err := b.earlierTicket(ctx, p, key, hash); err != nil || ok {
		return earlier, false, err
	}
	t, err := b.storeTicket(ctx, p, mode, req, key, hash)
	if err != nil {
		return TicketView{}, false, err
	}
	b.tellStart(ctx, &t)
	err = b.gamelift.StartMatchmaking(ctx, StartMatchmaking{Ticket: t.ID, Configuration: t.Configuration, Players: t.waiting().Players})
	if definiteRefusal(err) {
		b.log.WarnContext(ctx, "matchmaking refused", "ticket", t.ID, "mode", mode.Name, "error", err)
		if undo := b.undoTicket(ctx, t, key); undo != nil {
			b.log.WarnContext(ctx, "undo refused ticket", "ticket", t.ID, "error", undo)
		}
		return TicketView{}, false, err
	}
	if err != nil {
		b.log.WarnContext(ctx, "matchmaking start unsettled", "ticket", t.ID, "error", err)
	}
	view, err = b.Ticket(ctx, p, t.ID)
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

func requestHash(req TicketRequest) string {
	body, err := json.Marshal(req) // map keys are sorted, so equal requests are equal bytes
	if err != nil {
		panic("muster: a ticket request of plain strings and numbers always encodes: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// earlierTicket answers a repeated request; ok is false when the key is new.
func (b *Backend) earlierTicket(ctx context.Context, p PlayerID, key, hash string) (view TicketView, ok bool, err error) {
	if key == "" {
		return TicketView{}, false, nil
	}
	earlier, _, err := load[idempotent](ctx, b.store, idempotencyKey(p, key))
	if errors.Is(err, ErrNotFound) {
		return TicketView{}, false, nil
	}
	if err != nil {
		return TicketView{}, false, err
	}
	if earlier.RequestHash != hash {
		return TicketView{}, false, Errorf(Conflict, "request.idempotency_reused", "this idempotency key was used with another request")
	}
	view, err = b.Ticket(ctx, p, earlier.Ticket)
	return view, true, err
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
// all of them, all or nothing.
func (b *Backend) storeTicket(ctx context.Context, p PlayerID, mode Mode, req TicketRequest, key, hash string) (ticket, error) {
	now := b.instant()
	t := ticket{
		ID: TicketID(b.newID()), Mode: mode.Name, Configuration: mode.Configuration, Owner: p,
		Status: Queued, CreatedAt: now, UpdatedAt: now, NewsAt: now,
	}
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		team, err := b.gather(ctx, p, mode, req, t.ID)
		if err != nil {
			return nil, err
		}
		t.Players, t.Party = team.players, team.party
		records := []struct {
			key     Key
			version int64
			value   any
			expires time.Time
		}{
			{ticketKey(t.ID), 0, t, now.Add(ticketLife)},
			{dueTickets.key(string(t.ID), now.Add(firstLook)), 0, due{Ticket: t.ID, Mode: t.Mode, CreatedAt: t.CreatedAt}, now.Add(ticketLife)},
			{idempotencyKey(p, key), AnyVersion, idempotent{RequestHash: hash, Ticket: t.ID}, now.Add(idempotencyLife)},
		}
		if key == "" {
			records = records[:2]
		}
		ops := team.ops
		for _, r := range records {
			op, err := put(r.key, r.version, r.value, r.expires)
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
		}
		return ops, nil
	})
	return t, err
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

// undoTicket frees what storeTicket took, the idempotency key included: the request may
// be made again.
func (b *Backend) undoTicket(ctx context.Context, t ticket, key string) error {
	forget := func(context.Context) ([]Op, error) {
		if key == "" {
			return nil, nil
		}
		return []Op{{Kind: Delete, Key: idempotencyKey(t.Owner, key), Version: AnyVersion}}, nil
	}
	return b.changeTickets(context.WithoutCancel(ctx), []TicketID{t.ID}, func(now ticket) (ticket, change) {
		if now.Status.Final() {
			return now, unchanged
		}
		next := now.clone()
		next.end(Failed, "ticket.refused", "matchmaking refused the ticket")
		next.UpdatedAt = b.instant()
		return next, news
	}, forget)
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
	absent := Errorf(NotFound, "ticket.not_found", "there is no such ticket")
	if !ours(string(id)) {
		return ticket{}, 0, absent
	}
	t, version, err := load[ticket](ctx, b.store, ticketKey(id))
	if errors.Is(err, ErrNotFound) || err == nil && t.player(p) == nil {
		return ticket{}, 0, absent
	}
	return t, version, err
}

// lookEvery is how often a waiter looks for changes made by another replica.
const lookEvery = time.Second

// WaitTicket is Ticket once its version exceeds after, or when wait has passed. after
// below zero waits for the next change from now.
func (b *Backend) WaitTicket(ctx context.Context, p PlayerID, id TicketID, after int64, wait time.Duration) (TicketView, error) {
	until := b.now().Add(wait)
	for {
		changed, done := b.watch.on(id)
		view, err := b.Ticket(ctx, p, id)
		if after < 0 {
			after = view.Version
		}
		left := until.Sub(b.now())
		if err != nil || view.Version > after || view.Status.Final() || left <= 0 {
			done()
			return view, err
		}
		err = waitChange(ctx, changed, min(left, lookEvery))
		done()
		if err != nil {
			return view, err
		}
	}
}

// waitChange waits for a change, at most d.
func waitChange(ctx context.Context, changed <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer.C:
	}
	return nil
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
	stopErr := b.gamelift.StopMatchmaking(ctx, id)
	if KindOf(stopErr) == Unavailable {
		return TicketView{}, stopErr
	}
	if err := b.settle(ctx, id); err != nil {
		return TicketView{}, err
	}
	view, err := b.Ticket(ctx, p, id)
	if err == nil && stopErr != nil && !view.Status.Final() {
		return view, Errorf(Conflict, "ticket.placing", "it is too late to cancel: a match was found and its session is starting")
	}
	return view, err
}

// AnswerMatch accepts or declines the match proposed for the caller's ticket. Without
// an open proposal the error is Conflict.
func (b *Backend) AnswerMatch(ctx context.Context, p PlayerID, id TicketID, accept bool) (TicketView, error) {
	t, _, err := b.ticketOf(ctx, p, id)
	if err != nil {
		return TicketView{}, err
	}
	closed := Errorf(Conflict, "match.not_open", "there is no match to answer")
	if t.Status != RequiresAcceptance {
		return TicketView{}, closed
	}
	if err := b.gamelift.AcceptMatch(ctx, id, []PlayerID{p}, accept); err != nil {
		if KindOf(err) == Unavailable {
			return TicketView{}, err
		}
		closed.Err = err
		if err := b.settle(ctx, id); err != nil {
			b.log.WarnContext(ctx, "settle after a refused answer", "ticket", id, "error", err)
		}
		return TicketView{}, closed
	}
	err = b.changeTicket(ctx, id, func(now ticket) (ticket, change) {
		mine := now.player(p)
		if now.Status != RequiresAcceptance || now.Match.ID != t.Match.ID || mine.Accepted != nil && *mine.Accepted == accept {
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
	return b.Ticket(ctx, p, id)
}
