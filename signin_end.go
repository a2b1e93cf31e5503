package muster

import (
	"context"
	"encoding/json"
	"fmt"
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

// ended says that a sign-in may not go on although its account is in use.
func (a *account) ended(in SignInRef) bool {
	return a.SignedOut.ends(in) || in.Way != "" && !a.opens(in)
}
