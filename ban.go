package muster

import (
	"context"
	"errors"
	"time"
)

// ban keeps a player out. It stands in the account, so it holds for every way in that leads
// there.
type ban struct {
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // zero: for good
	Reason string    `json:"reason"`
	By     string    `json:"by,omitempty"` // fingerprint of the operator's key
	// Operator is who made it, as they said.
	Operator string `json:"operator,omitempty"`
}

// holds says whether the ban keeps its player out; nil never does.
func (n *ban) holds(now time.Time) bool {
	return n != nil && (n.Until.IsZero() || now.Before(n.Until))
}

// bannedError is the refusal of a player who is banned; a zero until is for good, an empty
// reason not told.
func bannedError(until time.Time, reason string) *Error {
	message, details := "this account is banned", map[string]any{}
	if !until.IsZero() {
		message += " until " + until.UTC().Format(time.RFC3339)
		details["until"] = until.UTC()
	}
	if reason != "" {
		message += ": " + reason
		details["reason"] = reason
	}
	return &Error{Kind: Denied, Code: "account.banned", Message: message, Details: details}
}

// BanRequest is an operator's wish to keep a player out.
type BanRequest struct {
	Reason   string    // the player is told; 1 to MaxBanReason characters
	Until    time.Time // zero: for good
	Operator string    // who says so; the player is not told; may be empty
}

// MaxBanReason bounds the reason of a ban, in characters.
const MaxBanReason = 200

// BanView is a ban as operators see it.
type BanView struct {
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until,omitempty"` // nil: for good
	Reason string     `json:"reason"`
	By     string     `json:"by,omitempty"` // fingerprint of the operator's key
	// Operator is who made it, as they said.
	Operator string `json:"operator,omitempty"`
}

func (n *ban) view(now time.Time) *BanView {
	if !n.holds(now) {
		return nil
	}
	return &BanView{At: n.At, Until: someTime(n.Until), Reason: n.Reason, By: n.By, Operator: n.Operator}
}

// check says what of the wish cannot be.
func (r BanRequest) check(now time.Time) error {
	if reason := printable(r.Reason, MaxBanReason); reason == "" || reason != r.Reason {
		return Errorf(Invalid, "ban.reason", "a ban has a reason of up to %d printable characters", MaxBanReason)
	}
	if len(r.Operator) > maxNameBytes {
		return Errorf(Invalid, "ban.operator", "the operator is named in at most %d bytes", maxNameBytes)
	}
	if !r.Until.IsZero() && !now.Before(r.Until) {
		return Errorf(Invalid, "ban.until", "a ban ends in the future, or not at all")
	}
	return nil
}

// Admit says whether a player may sign in, or renew a sign-in; an error is the answer.
func (b *Backend) Admit(ctx context.Context, p PlayerID, in SignInRef) error {
	a, _, err := b.account(ctx, p)
	switch {
	case KindOf(err) == NotFound && err != nil:
		return Revocation{Why: AccountDeleted}.refusal()
	case err != nil:
		return err
	case a.Ban.holds(b.now()):
		return bannedError(a.Ban.Until, a.Ban.Reason)
	case a.ended(in), b.outWithEveryone(in):
		return errSignedOut()
	}
	return nil
}

// AdmitBearer says whether a player may come in with an access token of another issuer, of a
// sign-in there at an instant; zero: not known. An error is the answer.
func (b *Backend) AdmitBearer(ctx context.Context, p PlayerID, signedInAt time.Time) error {
	err := b.Admit(ctx, p, SignInRef{At: signedInAt})
	var refused *Error
	if errors.As(err, &refused) && refused.Code == errSignedOut().Code { // there is nothing to refresh here
		return Revocation{Why: SignedOut}.refusal()
	}
	return err
}

// Ban keeps a player out from now on, whatever identity they come with: sign-ins end,
// access tokens are void, sockets close, and what the player waits for is withdrawn. A
// ban takes the place of an earlier one.
func (b *Backend) Ban(ctx context.Context, p PlayerID, req BanRequest) (BanView, error) {
	req.Until = req.Until.UTC().Truncate(time.Second)
	if err := req.check(b.now()); err != nil {
		return BanView{}, err
	}
	caller, _ := CallerFrom(ctx)
	var r Revocation
	var made ban
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		a, version, err := b.account(ctx, p)
		if err != nil {
			return nil, err
		}
		made = ban{At: b.instant(), Until: req.Until, Reason: req.Reason, By: caller.Key, Operator: req.Operator}
		a.Ban = &made
		a.SignedOut = signedOut{At: made.At}
		r = Revocation{Player: p, Why: AccountBanned, At: made.At, Until: made.Until, Reason: made.Reason, Elsewhere: true}
		return b.banOps(ctx, &a, version, &r)
	})
	if err != nil {
		return BanView{}, b.mergedInstead(ctx, p, err)
	}
	b.revoke(ctx, r)
	if err := b.evict(ctx, p); err != nil { // the due record has it done again
		b.log.WarnContext(ctx, "take a banned player out of play", "playerId", p, "error", err)
	}
	return *made.view(made.At), nil
}

// mergedInstead is, for an operator who looks for a player who is part of another now, a
// Conflict "player.merged" that names the other; any other error is as it was.
func (b *Backend) mergedInstead(ctx context.Context, p PlayerID, err error) error {
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "player.not_found" || !ours(string(p)) {
		return err
	}
	a, _, loadErr := load[account](ctx, b.store, accountKey(p))
	if loadErr != nil || a.Status != accountMerged {
		return err
	}
	return &Error{
		Kind: Conflict, Code: "player.merged", Message: "this player is part of " + string(a.MergedInto) + " now: do it to that one",
		Details: map[string]any{"mergedInto": a.MergedInto},
	}
}

// banOps writes a ban, ends the sign-ins, and has the player taken out of play again a
// little later.
func (b *Backend) banOps(ctx context.Context, a *account, version int64, r *Revocation) ([]Op, error) {
	kept, err := put(accountKey(a.ID), version, a, time.Time{})
	if err != nil {
		return nil, err
	}
	ops, err := b.signOutOps(ctx, r, 0)
	if err != nil {
		return nil, err
	}
	again := r.At.Add(evictAgain)
	due, err := put(dueEvictions.key(string(a.ID), again), AnyVersion, eviction{Player: a.ID}, again.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	detail := map[string]string{"reason": a.Ban.Reason}
	if !a.Ban.Until.IsZero() {
		detail["until"] = a.Ban.Until.Format(time.RFC3339)
	}
	if a.Ban.Operator != "" {
		detail["operator"] = a.Ban.Operator
	}
	found, err := AuditOps(ctx, r.At, Audit{Player: a.ID, Event: AuditBanned, Detail: detail})
	return append(append(ops, kept, due), found...), err
}

// Unban lets a player in again, who has to sign in anew. Who is not banned stays so.
func (b *Backend) Unban(ctx context.Context, p PlayerID) error {
	var r Revocation
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		r = Revocation{}
		a, version, err := b.account(ctx, p)
		if err != nil || a.Ban == nil {
			return nil, err
		}
		r = Revocation{Player: p, Why: BanLifted, At: b.instant()}
		a.Ban = nil
		kept, err := put(accountKey(p), version, a, time.Time{})
		if err != nil {
			return nil, err
		}
		lifted, err := revocationOp(r)
		if err != nil {
			return nil, err
		}
		found, err := AuditOps(ctx, r.At, Audit{Player: p, Event: AuditUnbanned})
		return append(found, kept, lifted), err
	})
	if err == nil && r.Player != "" {
		b.revoke(ctx, r)
	}
	return b.mergedInstead(ctx, p, err)
}

// dueEvictions are players who were banned just now, and may have begun something while
// it happened.
const dueEvictions dueKind = "eviction"

// evictAgain is how long after a ban its player is taken out of play once more: calls that
// were under way are over then. evictEvery is how often it is looked for such players.
const (
	evictAgain = 35 * time.Second
	evictEvery = 30 * time.Second
)

// eviction brings a banned player to notice.
type eviction struct {
	Player PlayerID `json:"player"`
}

// evict withdraws what a banned player waits for, and takes them out of party and session.
func (b *Backend) evict(ctx context.Context, p PlayerID) error {
	return errors.Join(b.endPlay(ctx, p), b.leavePartyFor(ctx, p))
}

// EvictBanned takes out of play who was banned a moment ago. Every replica calls it; they
// share the work.
func (b *Backend) EvictBanned(ctx context.Context) error {
	return sweepEach(ctx, b, dueEvictions, 1, b.evictDue)
}

func (b *Backend) evictDue(ctx context.Context, now time.Time, rec *Record, job eviction) error {
	taken, err := b.leaseDue(ctx, rec, now.Add(purgeLease))
	if err != nil || !taken {
		return err
	}
	a, _, err := b.account(ctx, job.Player)
	switch {
	case err != nil && KindOf(err) != NotFound:
		return err
	case err == nil && a.Ban.holds(now):
		if err := b.evictWhole(ctx, job.Player, &a, now); err != nil {
			return err
		}
	}
	return b.forget(ctx, []Key{rec.Key})
}

// evictWhole ends the sign-ins that came to be while the ban was made, too.
func (b *Backend) evictWhole(ctx context.Context, p PlayerID, a *account, now time.Time) error {
	r := Revocation{Player: p, Why: AccountBanned, At: now, Until: a.Ban.Until, Reason: a.Ban.Reason}
	ops, err := b.signOutOps(ctx, &r, 0)
	if err != nil {
		return err
	}
	if len(r.SignIn) > 0 {
		if err := b.store.Write(ctx, ops...); err != nil {
			return err
		}
		b.revoke(ctx, r)
	}
	return b.evict(ctx, p)
}
