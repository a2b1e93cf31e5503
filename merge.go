package muster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MergePolicy is what becomes of the documents of a player who is merged into another.
type MergePolicy string

// The policies; empty is MergeFill.
const (
	MergeFill MergePolicy = "fill" // those that the other has not become theirs
	MergeKeep MergePolicy = "keep" // they are erased
	MergeOff  MergePolicy = "off"  // nobody is merged
)

// Valid says whether there is such a policy.
func (m MergePolicy) Valid() bool {
	switch m {
	case "", MergeFill, MergeKeep, MergeOff:
		return true
	}
	return false
}

// maxMerged bounds how many players become part of one.
const maxMerged = 10

// mergedPlayer is a player who became part of another, as the other's account knows them.
type mergedPlayer struct {
	ID PlayerID  `json:"id"`
	At time.Time `json:"at"`
}

// Merge makes one player of two, both of whom the caller has proven to be: from becomes
// part of into. One transaction decides it: from's identities lead to into from then on,
// from's guest, sign-ins and name are gone, and nobody is from any more. The rest is due
// work that goes on wherever it was cut off: documents follow the MergePolicy, and from
// leaves the boards. What from played stays as it was recorded, under from's id, and is shown
// in into's history; ratings are not mixed. newSecret is the hash of the secret that into's guest
// gets when into gains its first other way in.
//
// Merging again what was merged changes nothing. Errors: Denied where merging is off;
// Conflict "merge.busy" while from is in a party or does something, "merge.both_have" when both
// have an identity of one provider (details: "providers"), "identity.too_many" and
// "merge.too_many".
func (b *Backend) Merge(ctx context.Context, into, from PlayerID, newSecret []byte) (view LinksView, err error) {
	if b.merging == MergeOff {
		return LinksView{}, Errorf(Denied, "merge.off", "players are not merged here")
	}
	if into == from {
		return b.Links(ctx, into)
	}
	if err := b.settleIdle(ctx, from); err != nil {
		return LinksView{}, err
	}
	var r Revocation
	err = Change(ctx, b.store, func(ctx context.Context) (ops []Op, err error) {
		r = Revocation{Player: from, Why: AccountMerged, At: b.instant()}
		ops, view, err = b.mergeOps(ctx, into, from, newSecret, &r)
		return ops, err
	})
	if err != nil {
		return LinksView{}, err
	}
	b.revoke(ctx, r)
	return view, nil
}

// settleIdle refuses a player who does something, after settling what only looks like it.
func (b *Backend) settleIdle(ctx context.Context, p PlayerID) error {
	held, _, err := b.neededSlot(ctx, p)
	if err != nil {
		return err
	}
	if held.Kind != slotFree {
		return errMergeBusy()
	}
	return nil
}

func errMergeBusy() *Error {
	return Errorf(Conflict, "merge.busy", "the other player is playing, or in a party: leave first")
}

// mergeOps is the transaction of a merge.
func (b *Backend) mergeOps(ctx context.Context, into, from PlayerID, newSecret []byte, r *Revocation) ([]Op, LinksView, error) {
	now := r.At
	a, version, err := b.account(ctx, into)
	if err != nil {
		return nil, LinksView{}, err
	}
	lost, lostVersion, err := b.account(ctx, from)
	if err != nil {
		return nil, LinksView{}, err
	}
	if slices.ContainsFunc(lost.Merged, func(m mergedPlayer) bool { return m.ID == into }) {
		return nil, LinksView{}, ErrConflict // since into was read, into became a part of from
	}
	for _, who := range []*account{&a, &lost} { // or a ban would end with its account
		if err := who.mayChangeWays(now); err != nil {
			return nil, LinksView{}, err
		}
	}
	idle, err := b.idleOps(ctx, from)
	if err != nil {
		return nil, LinksView{}, err
	}
	wasGuest := a.scope() == GuestScope
	moved, dropped, err := a.absorb(&lost, now)
	if err != nil {
		return nil, LinksView{}, b.unlessStale(ctx, into, version, err)
	}
	view := a.linksView()
	ops, err := b.moveIdentities(ctx, into, moved, dropped)
	if err != nil {
		return nil, LinksView{}, err
	}
	if wasGuest && len(moved) > 0 {
		rotated, err := b.newSecretOps(ctx, &a, newSecret)
		if err != nil {
			return nil, LinksView{}, err
		}
		view.Guest = &Guest{ID: a.identity(GuestProvider).Subject}
		ops = append(ops, rotated...)
	}
	closing, err := b.closingOps(ctx, into, &lost, lostVersion, now)
	if err != nil {
		return nil, LinksView{}, err
	}
	told, err := AuditOps(
		ctx, now,
		Audit{into, AuditMerged, map[string]string{"from": string(from)}},
		Audit{from, AuditMerged, map[string]string{"into": string(into)}},
	)
	if err != nil {
		return nil, LinksView{}, err
	}
	kept, err := put(accountKey(into), version, a, time.Time{})
	if err != nil {
		return nil, LinksView{}, err
	}
	ops = slices.Concat(ops, idle, closing, told, []Op{kept})
	signIns, err := b.signOutOps(ctx, r, len(ops)) // the others go with from's records
	return append(ops, signIns...), view, err
}

// unlessStale is a refusal that follows from two accounts, or ErrConflict when the one that
// was read first has changed: the two never were so at the same time.
func (b *Backend) unlessStale(ctx context.Context, first PlayerID, version int64, refusal error) error {
	_, now, err := b.account(ctx, first)
	switch {
	case err != nil:
		return err
	case now != version:
		return ErrConflict
	}
	return refusal
}

// absorb takes the ways in of another account, those of guests left out: moved are now this
// account's, dropped lead nowhere any more.
func (a *account) absorb(from *account, now time.Time) (moved, dropped []linkedIdentity, err error) {
	var both []string
	for _, id := range from.Identities {
		switch {
		case id.Provider == GuestProvider:
			dropped = append(dropped, id)
		case a.identity(id.Provider) != nil:
			both = append(both, id.Provider)
		default:
			moved = append(moved, id)
		}
	}
	if len(both) > 0 {
		return nil, nil, &Error{
			Kind: Conflict, Code: "merge.both_have", Message: "both players have an identity of one provider: unlink one of them first",
			Details: map[string]any{"providers": both},
		}
	}
	if len(a.Identities)+len(moved) > maxIdentities {
		return nil, nil, errTooManyIdentities()
	}
	if len(a.Merged)+1+len(from.Merged) > maxMerged {
		return nil, nil, Errorf(Conflict, "merge.too_many", "at most %d players become part of one", maxMerged)
	}
	a.Identities = append(a.Identities, moved...)
	a.Merged = slices.Concat(a.Merged, from.Merged, []mergedPlayer{{ID: from.ID, At: now}})
	return moved, dropped, nil
}

// moveIdentities leads identities to another player. What else is in their records, other
// packages included, stays as it is.
func (b *Backend) moveIdentities(ctx context.Context, to PlayerID, moved, dropped []linkedIdentity) ([]Op, error) {
	ops := make([]Op, 0, len(moved)+len(dropped))
	for _, id := range moved {
		key := identityKey(Identity{Provider: id.Provider, Subject: id.Subject})
		fields, version, err := load[map[string]json.RawMessage](ctx, b.store, key)
		if err != nil {
			return nil, err
		}
		fields["player"] = quoted(to)
		op, err := put(key, version, fields, time.Time{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	for _, id := range dropped {
		ops = append(ops, Op{Kind: Delete, Key: identityKey(Identity{Provider: id.Provider, Subject: id.Subject}), Version: AnyVersion})
	}
	return ops, nil
}

// idleOps hold while a player does nothing and is in no party. The slot is written, so that
// who means to take it reads the account again.
func (b *Backend) idleOps(ctx context.Context, p PlayerID) ([]Op, error) {
	held, version, err := b.liveSlot(ctx, p)
	if err != nil {
		return nil, err
	}
	in, err := b.membershipOf(ctx, p)
	if err != nil {
		return nil, err
	}
	if held.Kind != slotFree || in.party.exists() {
		return nil, errMergeBusy()
	}
	free, err := b.freeSlot(p, version)
	return []Op{free, {Kind: Check, Key: partyPointerKey(p), Version: in.pointer}}, err
}

// closingOps leaves of an account only that it is merged, frees its name and asks for the rest
// to be done. Players who were merged into it follow.
func (b *Backend) closingOps(ctx context.Context, into PlayerID, a *account, version int64, now time.Time) ([]Op, error) {
	closed, err := put(accountKey(a.ID), version, account{
		ID: a.ID, Status: accountMerged, CreatedAt: a.CreatedAt, MergedInto: into, MergedAt: now,
	}, time.Time{})
	if err != nil {
		return nil, err
	}
	due, err := put(duePurges.key(string(a.ID), now), 0, purge{Player: a.ID, At: now, Fill: b.merging != MergeKeep}, now.Add(tombstoneLife))
	if err != nil {
		return nil, err
	}
	ops := []Op{closed, due}
	for _, earlier := range a.Merged {
		follow, err := b.mergedOp(ctx, earlier.ID, func(m *account) { m.MergedInto = into })
		if err != nil {
			return nil, err
		}
		ops = append(ops, follow)
	}
	name, err := b.releaseName(ctx, a)
	if err != nil {
		return nil, err
	}
	told, err := b.farewellOps(farewell{Player: a.ID, At: now, Gone: true})
	return slices.Concat(ops, name, told), err
}

// mergedOp changes the account of a merged player.
func (b *Backend) mergedOp(ctx context.Context, p PlayerID, change func(*account)) (Op, error) {
	a, version, err := load[account](ctx, b.store, accountKey(p))
	if err != nil {
		return Op{}, err
	}
	change(&a)
	return put(accountKey(p), version, a, time.Time{})
}

// settleMerged does what follows from a merge: it may be repeated at any point. Ratings and
// history stay: results name who played.
func (b *Backend) settleMerged(ctx context.Context, a *account, fill bool) error {
	for _, step := range []struct {
		what string
		do   func(context.Context, PlayerID) error
	}{
		{"end play", b.endPlay},
		{"leave parties", b.leavePartyFor},
		{"leave boards", b.leaveBoards},
		{"retire ratings", func(ctx context.Context, p PlayerID) error { return b.retireMerged(ctx, a) }},
		{"move documents", func(ctx context.Context, p PlayerID) error { return b.moveDocuments(ctx, a, fill) }},
	} {
		if err := step.do(ctx, a.ID); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return b.eraseRecords(ctx, a.ID, func(sort string) bool {
		return strings.HasPrefix(sort, ratingPrefix) || strings.HasPrefix(sort, historyPrefix)
	})
}

// retireMerged marks the ratings of a merged player, so that they stand on no board.
func (b *Backend) retireMerged(ctx context.Context, a *account) error {
	return b.eachRating(ctx, a.ID, a.MergedInto, func(key Key, s rating, version int64) (Op, error) {
		return retiredOp(key, s, version, a.MergedInto)
	})
}

// moveDocuments gives a merged player's documents to whom they became part of, as far as
// those have none in the namespace. The others are erased with the rest.
func (b *Backend) moveDocuments(ctx context.Context, a *account, fill bool) error {
	if !fill {
		return nil
	}
	records, err := b.store.List(ctx, PlayerPartition(a.ID), ListOptions{Prefix: dataPrefix})
	if err != nil {
		return err
	}
	for _, rec := range records {
		to := dataKey(a.MergedInto, strings.TrimPrefix(rec.Sort, dataPrefix))
		err := b.store.Write(
			ctx,
			Op{Kind: Put, Key: to, Value: rec.Value, Version: 0, ExpiresAt: rec.ExpiresAt},
			Op{Kind: Delete, Key: rec.Key, Version: rec.Version},
		)
		if err != nil && !errors.Is(err, ErrConflict) { // they have one, or another replica moved it
			return err
		}
	}
	return nil
}
