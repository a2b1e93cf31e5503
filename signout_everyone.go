package muster

import (
	"context"
	"time"
)

// everyoneKey names the one record that says when all sign-ins of all players ended. It
// stands behind all revocations, so that every look at them reads it, and it does not
// expire: a sign-in may be older than whatever it is compared with. The next takes its place.
var everyoneKey = Key{revocationPartition, "~everyone"}

// everyoneRecord is the revocation of all, and who made it.
type everyoneRecord struct {
	Revocation
	By       string `json:"by,omitempty"` // fingerprint of the operator's key
	Operator string `json:"operator,omitempty"`
}

// EveryoneView is the latest end of all sign-ins of all players.
type EveryoneView struct {
	At       *time.Time `json:"at,omitempty"`       // sign-ins from before are void; nil: it never happened
	By       string     `json:"by,omitempty"`       // fingerprint of the operator's key
	Operator string     `json:"operator,omitempty"` // as they said
}

func (e *everyoneRecord) view() EveryoneView {
	return EveryoneView{At: someTime(e.At), By: e.By, Operator: e.Operator}
}

// SignOutEveryone ends all sign-ins of all players who were proven before now, with their
// access tokens and sockets. It is one record, however many players there are: what is
// older than that record says is refused wherever it is shown. Keys of game servers and
// operators, and tokens of game servers, stay good.
//
// Tokens count in whole seconds, so the end is that of the running one: nobody
// opens a sign-in before it (MayOpen).
func (b *Backend) SignOutEveryone(ctx context.Context) (EveryoneView, error) {
	var made everyoneRecord
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		was, version, err := loadOr(ctx, b.store, everyoneKey, everyoneRecord{})
		if err != nil {
			return nil, err
		}
		caller, _ := CallerFrom(ctx)
		now := b.instant()
		made = everyoneRecord{Revocation: Revocation{Why: EveryoneOut, At: wholeSecondFrom(now)}, By: caller.Key, Operator: operatorFrom(ctx)}
		if made.At.Before(was.At) { // by the clock of another replica
			made.At = was.At
		}
		kept, err := put(everyoneKey, version, made, time.Time{})
		if err != nil {
			return nil, err
		}
		found, err := AuditOps(ctx, now, Audit{Event: AuditEveryoneOut})
		return append(found, kept), err
	})
	if err != nil {
		return EveryoneView{}, err
	}
	b.revoke(ctx, made.Revocation)
	return made.view(), nil
}

// wholeSecondFrom is the first whole second that is not before an instant.
func wholeSecondFrom(at time.Time) time.Time {
	if whole := at.Truncate(time.Second); !whole.Equal(at) {
		return whole.Add(time.Second)
	}
	return at
}

// EveryoneSignedOut is when SignOutEveryone was called for the last time.
func (b *Backend) EveryoneSignedOut(ctx context.Context) (EveryoneView, error) {
	latest, _, err := loadOr(ctx, b.store, everyoneKey, everyoneRecord{})
	return latest.view(), err
}

// outWithEveryone says that a sign-in, or what is to become one, is from before the latest
// SignOutEveryone that this replica knows of. One whose age is not known is.
func (b *Backend) outWithEveryone(in SignInRef) bool {
	return (in.ID != "" || !in.At.IsZero()) && in.At.Before(b.revocations.everyoneBefore())
}

// openSignIns lists a player's sign-ins, the oldest first, but those that ended with
// everyone's: their records go when they expire.
func (b *Backend) openSignIns(ctx context.Context, p PlayerID) ([]SignInView, error) {
	open := []SignInView{}
	if b.signIns == nil {
		return open, nil
	}
	all, err := b.signIns(ctx, p)
	for _, in := range all {
		ref := SignInRef{ID: in.ID}
		if in.OpenedAt != nil {
			ref.At = *in.OpenedAt
		}
		if !b.outWithEveryone(ref) {
			open = append(open, in)
		}
	}
	return open, err
}
