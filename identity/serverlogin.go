package identity

import (
	"context"
	"time"

	"muster"
)

// LoginServer lets a game server in by a proof instead of a key: with an access token for
// servers, that lives as long as one for players and is not renewed but proven anew. The
// proof is used up under the name given, which is that of no other way in.
func (s *Service) LoginServer(ctx context.Context, name string, prover Provider, proof Proof) (muster.ServerGrant, error) {
	if err := checkProof(proof); err != nil {
		return muster.ServerGrant{}, err
	}
	if err := s.limits.Spend(ctx, muster.ActSignIn); err != nil {
		return muster.ServerGrant{}, err
	}
	who, err := prover.Verify(ctx, proof)
	if err != nil {
		return muster.ServerGrant{}, err
	}
	if err := s.useUp(ctx, name, who); err != nil {
		return muster.ServerGrant{}, err
	}
	access, err := s.accessToken(muster.Caller{Player: muster.PlayerID(subjectKey(who.Subject)), Scope: muster.ServerScope})
	if err != nil {
		return muster.ServerGrant{}, err
	}
	return muster.ServerGrant{AccessToken: access, ExpiresInSeconds: int(s.accessTTL / time.Second)}, nil
}
