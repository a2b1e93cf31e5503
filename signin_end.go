package muster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// wayInField is the member of a sign-in's record that says by which way in it was opened.
const wayInField = "way"

// endWayOps ends the sign-ins that were opened by a way in which the player has no more. The
// one that asks goes on, bound to none from now on: its player has just said who they are.
func (b *Backend) endWayOps(ctx context.Context, r *Revocation, gone WayIn) ([]Op, error) {
	records, err := b.store.List(ctx, PlayerPartition(r.Player), ListOptions{Prefix: SignInPrefix, Limit: maxSignIns})
	if err != nil {
		return nil, err
	}
	caller, _ := CallerFrom(ctx)
	var ops []Op
	for _, rec := range records {
		fields, err := decode[map[string]json.RawMessage](rec)
		if err != nil {
			return nil, err
		}
		var way WayIn
		if len(fields[wayInField]) > 0 {
			if err := json.Unmarshal(fields[wayInField], &way); err != nil {
				return nil, fmt.Errorf("read the way in of sign-in %q: %w", rec.Sort, err)
			}
		}
		switch id := rec.Sort[len(SignInPrefix):]; {
		case way != gone:
		case caller.Player == r.Player && caller.Family == id:
			delete(fields, wayInField)
			kept, err := put(rec.Key, rec.Version, fields, rec.ExpiresAt)
			if err != nil {
				return nil, err
			}
			ops = append(ops, kept)
		default:
			ops = append(ops, Op{Kind: Delete, Key: rec.Key, Version: AnyVersion})
			r.SignIn = append(r.SignIn, id)
		}
	}
	if len(r.SignIn) == 0 {
		return ops, nil
	}
	denied, err := revocationOp(*r)
	return append(ops, denied), err
}

// endBelated ends what a change that has ended sign-ins of a player did not name: sign-ins that
// were written while it was, and those beyond what fits into one Write. a is the account as the
// change has left it. They are not renewed any more in any case, so this is for their access
// tokens and sockets: a failure leaves those to their end, and the change stays done.
func (b *Backend) endBelated(ctx context.Context, a *account) {
	ctx = context.WithoutCancel(ctx)
	for after, more := "", true; more; {
		page, err := b.store.List(ctx, PlayerPartition(a.ID), ListOptions{Prefix: SignInPrefix, After: after, Limit: maxSignIns})
		if err == nil {
			err = b.endAmong(ctx, a, page)
		}
		if err != nil {
			b.log.WarnContext(ctx, "access tokens of a player who is signed out are good until they end", "player", a.ID, "error", err)
			return
		}
		if more = len(page) == maxSignIns; more {
			after = page[len(page)-1].Sort
		}
	}
}

// endAmong ends those of some sign-ins that the account says have ended.
func (b *Backend) endAmong(ctx context.Context, a *account, page []Record) error {
	r := Revocation{Player: a.ID, Why: SignedOut, At: b.instant()}
	var ops []Op
	for _, rec := range page {
		in, err := decode[signInRecord](rec)
		if err != nil {
			return err
		}
		if id := rec.Sort[len(SignInPrefix):]; a.ended(SignInRef{ID: id, At: in.OpenedAt, Way: in.Way, Mark: in.Mark}) {
			ops = append(ops, Op{Kind: Delete, Key: rec.Key, Version: AnyVersion})
			r.SignIn = append(r.SignIn, id)
		}
	}
	if len(ops) == 0 {
		return nil
	}
	denied, err := revocationOp(r)
	if err != nil {
		return err
	}
	if err := b.store.Write(ctx, append(ops, denied)...); err != nil {
		return err
	}
	b.revoke(ctx, r)
	return nil
}

// signInRecord is what the record of a sign-in says to the rules.
type signInRecord struct {
	OpenedAt time.Time `json:"opened"`
	Way      WayIn     `json:"way"`
	Mark     WayMark   `json:"mark"`
}

// ended says that a sign-in may not go on although its account is in use.
func (a *account) ended(in SignInRef) bool {
	return a.SignedOut.ends(in) || in.Way != "" && !a.opens(in)
}
