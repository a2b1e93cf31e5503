package muster

import (
	"context"
	"errors"
	"time"
)

// EndReason is why one sign-in of a player ends.
type EndReason string

// The reasons.
const (
	// ByPlayer is a logout, here or from another device.
	ByPlayer EndReason = "signedOut"
	// RefreshReused is a refresh token that was used before: somebody has a copy.
	RefreshReused EndReason = "refreshReused"
)

// NoticeSignInEnded is the type of the notice that tells a player's other devices of a
// sign-in that ended because somebody has a copy of its refresh token.
const NoticeSignInEnded = "signInEnded"

// SignInEndedView is what they are told.
type SignInEndedView struct {
	ID     string    `json:"id"`
	Reason EndReason `json:"reason"`
	At     time.Time `json:"at"`
}

// SignInRef is a sign-in, or one that is about to be opened and has no id yet.
type SignInRef struct {
	ID  string
	At  time.Time // when the player was proven; zero: it does not matter
	Way WayIn     // by which; empty: it does not matter
	// Mark is that of the way in when it was proven; it matters where Way does.
	Mark WayMark
}

// signedOut is when all sign-ins of a player ended at once: those that were opened before, or
// after by what was proven before, however many they are. One may go on.
type signedOut struct {
	At   time.Time `json:"at"`
	Keep string    `json:"keep,omitempty"`
}

func (s signedOut) ends(in SignInRef) bool {
	return !in.At.IsZero() && in.At.Before(s.At) && (s.Keep == "" || in.ID != s.Keep)
}

// errSignedOut is the answer to a sign-in, or its renewal, that came too late for that.
func errSignedOut() *Error {
	return Errorf(Unauthenticated, "refresh.invalid", "this sign-in was ended meanwhile: sign in again")
}

func signInKey(p PlayerID, id string) Key { return Key{PlayerPartition(p), SignInPrefix + id} }

// SignIns lists a player's sign-ins, oldest first.
func (b *Backend) SignIns(ctx context.Context, p PlayerID) ([]SignInView, error) {
	return b.openSignIns(ctx, p)
}

// EndSignIn ends a sign-in: its refresh token is not good any more, its access tokens are
// void, and its sockets close. One that is not there, or has ended, is NotFound. If it ends
// because its refresh token was used twice, that is recorded and the player is told.
func (b *Backend) EndSignIn(ctx context.Context, p PlayerID, id string, why EndReason) error {
	if !ours(string(p)) || !ours(id) {
		return errNoSignIn()
	}
	var r Revocation
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		rec, err := b.store.Get(ctx, signInKey(p, id))
		if errors.Is(err, ErrNotFound) {
			return nil, errNoSignIn()
		}
		if err != nil {
			return nil, err
		}
		r = Revocation{Player: p, Why: SignedOut, At: b.instant(), SignIn: []string{id}}
		denied, err := revocationOp(r)
		if err != nil {
			return nil, err
		}
		ops := []Op{{Kind: Delete, Key: rec.Key, Version: rec.Version}, denied}
		if why == RefreshReused {
			found, err := AuditOps(ctx, r.At, Audit{Player: p, Event: AuditRefreshReused, Detail: map[string]string{"signIn": id}})
			return append(ops, found...), err
		}
		return ops, nil
	})
	if err != nil {
		return err
	}
	b.revoke(ctx, r)
	if why == RefreshReused {
		b.notifier.Notify(ctx, Notice{Player: p, Type: NoticeSignInEnded, Data: SignInEndedView{ID: id, Reason: why, At: r.At}})
	}
	return nil
}

// EndSignIns ends sign-ins of a player as a part of the Write that opens another in their
// place: the operations to write with it, and what to call once that is done. used says that
// one of their access tokens may be good still, and has to be refused whatever happens: a
// revocation is stored then. Without it the replicas are told, and a message that is lost leaves
// those tokens good until they end by themselves. What ended with everyone's sign-ins is void
// everywhere, and nobody is told of it again.
func (b *Backend) EndSignIns(p PlayerID, ends []SignInRef, used bool) (ops []Op, done func(ctx context.Context), err error) {
	r := Revocation{Player: p, Why: SignedOut, At: b.instant()}
	for _, in := range ends {
		ops = append(ops, Op{Kind: Delete, Key: signInKey(p, in.ID), Version: AnyVersion})
		if in.At.IsZero() || !b.outWithEveryone(in) {
			r.SignIn = append(r.SignIn, in.ID)
		}
	}
	if len(r.SignIn) == 0 {
		return ops, func(context.Context) {}, nil
	}
	if used {
		denied, err := revocationOp(r)
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, denied)
	}
	return ops, func(ctx context.Context) { b.revoke(ctx, r) }, nil
}

func errNoSignIn() *Error {
	return Errorf(NotFound, "sign_in.not_found", "you have no such sign-in")
}

// SignOutEverywhere ends all sign-ins of a player, for the player or for an operator. Access
// tokens of other issuers are refused from then on, unless they are of a later sign-in there.
func (b *Backend) SignOutEverywhere(ctx context.Context, p PlayerID) error {
	var r Revocation
	var a account
	err := Change(ctx, b.store, func(ctx context.Context) (ops []Op, err error) {
		var version int64
		if a, version, err = b.account(ctx, p); err != nil {
			return nil, err
		}
		r = Revocation{Player: p, Why: SignedOut, At: b.instant(), Elsewhere: true}
		if ops, err = b.signOutOps(ctx, &r, 0); err != nil {
			return nil, err
		}
		a.SignedOut = signedOut{At: r.At}
		kept, err := put(accountKey(p), version, a, time.Time{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, kept)
		found, err := AuditOps(ctx, r.At, Audit{Player: p, Event: AuditSignedOut})
		return append(ops, found...), err
	})
	if err != nil {
		return err
	}
	b.revoke(ctx, r)
	b.endBelated(ctx, &a)
	return nil
}

// maxSignIns bounds the sign-ins that end in one Write. Identity keeps fewer; if many were opened
// at the same instant, the others end right after it, or with their account.
const maxSignIns = 80

// signOutOps ends all sign-ins of the player of a revocation, which names them from then
// on, and stores it. Whoever writes the operations calls revoke with it afterwards. beside is how
// many operations the Write has besides; a few need not be told. Sign-ins that do not fit stay
// where they are.
func (b *Backend) signOutOps(ctx context.Context, r *Revocation, beside int) ([]Op, error) {
	room := min(maxSignIns, MaxWriteOps-1-beside)
	records, err := b.store.List(ctx, PlayerPartition(r.Player), ListOptions{Prefix: SignInPrefix, Limit: room})
	if err != nil {
		return nil, err
	}
	ops := make([]Op, 0, len(records)+1)
	for _, rec := range records {
		ops = append(ops, Op{Kind: Delete, Key: rec.Key, Version: AnyVersion})
		r.SignIn = append(r.SignIn, rec.Sort[len(SignInPrefix):])
	}
	denied, err := revocationOp(*r)
	return append(ops, denied), err
}
