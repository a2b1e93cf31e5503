package lambda

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"muster"
)

// Accounts finds the players behind identities.
type Accounts interface {
	// FindIdentity returns the player of a known identity; an unknown one is NotFound.
	FindIdentity(ctx context.Context, id muster.Identity) (p muster.PlayerID, secretHash []byte, err error)
	// EnsurePlayer is FindIdentity, and makes a player for an identity that is new.
	EnsurePlayer(ctx context.Context, id muster.Identity, secretHash []byte) (p muster.PlayerID, created bool, err error)
}

// Signers says who speaks by signing calls. Without Pools no signer is a player, without
// Server none is a game server.
type Signers struct {
	Pools    []Pools
	Accounts Accounts
	// Limits holds back who would make players without end. Nil: nobody is.
	Limits muster.Limits
	// Admit says whether a player may come in; it is asked at every call.
	Admit func(ctx context.Context, p muster.PlayerID) error
	// Server says that whoever signs under an ARN of an account is a game server.
	Server func(account, arn string) bool
}

// Caller is who a signer speaks as. A player that an identity leads to is made at its first
// call. An identity without a login is a guest. Whoever signs for nobody of ours is Denied.
func (s *Signers) Caller(ctx context.Context, signer Signer) (muster.Caller, error) {
	if signer.IdentityID == "" && signer.IdentityPool == "" {
		if s.Server != nil && s.Server(signer.Account, signer.ARN) {
			return muster.Caller{Scope: muster.ServerScope, Key: signer.UserID}, nil
		}
		return muster.Caller{}, notOurs(errors.New("the signer is neither of an identity pool nor under a role of ours"))
	}
	player, err := s.player(ctx, signer)
	if err != nil {
		return muster.Caller{}, err
	}
	if err := s.Admit(ctx, player); err != nil {
		return muster.Caller{}, err
	}
	scope := muster.GuestScope
	if signer.authenticated() {
		scope = muster.PlayerScope
	}
	return muster.Caller{Player: player, Scope: scope}, nil
}

// player finds or makes the player of somebody of an identity pool.
func (s *Signers) player(ctx context.Context, signer Signer) (muster.PlayerID, error) {
	i := slices.IndexFunc(s.Pools, func(p Pools) bool { return slices.Contains(p.IdentityPools, signer.IdentityPool) })
	if i < 0 {
		return "", notOurs(errors.New("the signer is of no identity pool of ours"))
	}
	player, id, err := s.Pools[i].Player(signer)
	switch {
	case err != nil:
		return "", notOurs(err)
	case player != "":
		return player, nil
	}
	player, _, err = s.Accounts.FindIdentity(ctx, id)
	if err != nil && muster.KindOf(err) == muster.NotFound {
		player, err = s.begin(ctx, signer, id)
	}
	if err != nil {
		return "", fmt.Errorf("find the player of a signer: %w", err)
	}
	return player, nil
}

// begin makes the player of an identity that is new, which counts as the sign-in by a proof, or
// as the guest, that it is.
func (s *Signers) begin(ctx context.Context, signer Signer, id muster.Identity) (muster.PlayerID, error) {
	what := muster.ActGuest
	if signer.authenticated() {
		what = muster.ActSignIn
	}
	if s.Limits != nil {
		if err := s.Limits.Spend(ctx, what); err != nil {
			return "", err
		}
	}
	player, _, err := s.Accounts.EnsurePlayer(ctx, id, nil)
	return player, err
}

// notOurs is what a signer hears who is nobody here; why is for our log.
func notOurs(why error) error {
	return &muster.Error{Kind: muster.Denied, Code: "auth.signer", Message: "whoever signed this call is nobody here", Err: why}
}

type signerKey struct{}

// withSigner returns a context that carries who signed a call.
func withSigner(ctx context.Context, s Signer) context.Context {
	return context.WithValue(ctx, signerKey{}, s)
}

// SignerFrom is who signed the call that a request came with; false: nobody did.
func SignerFrom(ctx context.Context) (Signer, bool) {
	s, signed := ctx.Value(signerKey{}).(Signer)
	return s, signed
}
