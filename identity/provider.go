package identity

import (
	"context"
	"fmt"
	"time"

	"muster"
)

// Proof is what a client got from its platform; none of it is trusted before
// Provider.Verify has said so.
type Proof = muster.Proof

// Provider proves identities of one kind: a platform, a user pool, an issuer. It is safe
// for concurrent use.
type Provider interface {
	// Verify says whom a proof is about. The subject comes from what was verified, never
	// from a field beside it. Errors are those of refusal.go; text of the provider never
	// reaches the client.
	Verify(ctx context.Context, proof Proof) (Verified, error)
}

// Verified is whom a proof was about.
type Verified struct {
	Subject     string // unique within the provider and its environment
	DisplayName string // for people; empty: not told

	// Once identifies a proof that the provider would accept again; it is refused here
	// until Until. Empty: the provider itself takes a proof once.
	Once  string
	Until time.Time

	// Nonce is the value that the proof was bound to, unhashed; it is used up. Empty: the proof is
	// bound to none, which only a provider that needs none may allow.
	Nonce string

	// Mark is that of the way in that was read to verify the proof; only ways in whose secret we
	// keep have one.
	Mark muster.WayMark

	// Consent is kept for Revoker, until the player is deleted or unlinks the identity. Zero:
	// there is none.
	Consent Consent
}

// Limits of a proof's members, in bytes, checked before anything reads them.
const (
	maxProofToken  = 16 << 10
	maxProofCode   = 4 << 10
	maxProofFields = 16
	maxProofField  = 4 << 10
	maxSubject     = 512
)

// Login signs in whoever a proof of a configured provider is about, and makes the player
// when the identity is new: it is Enter for a client that is not signed in.
func (s *Service) Login(ctx context.Context, provider string, proof Proof) (muster.Grant, error) {
	in, err := s.Enter(ctx, muster.Caller{}, provider, proof)
	return in.Grant, err
}

// playerOf is the player of a proven identity, made when it is new. An address makes nobody:
// it has to be confirmed first. One that is unknown was deleted after its password was checked.
func (s *Service) playerOf(ctx context.Context, id muster.Identity) (player muster.PlayerID, created bool, err error) {
	if id.Provider == muster.EmailProvider {
		player, _, err = s.accounts.FindIdentity(ctx, id)
		if muster.KindOf(err) == muster.NotFound {
			return "", false, errPasswordRefused()
		}
	} else {
		player, created, err = s.accounts.EnsurePlayer(ctx, id, nil)
	}
	if err != nil {
		err = fmt.Errorf("sign in with %s: %w", id.Provider, err)
	}
	return player, created, err
}

// ProveIdentity checks a proof against a configured provider and uses it up. An unknown
// provider is NotFound.
func (s *Service) ProveIdentity(ctx context.Context, provider string, proof Proof) (muster.Identity, error) {
	id, _, err := s.prove(ctx, provider, proof)
	return id, err
}

// prove is ProveIdentity with what else the proof has shown: a consent is to be kept once the
// account has taken the identity.
func (s *Service) prove(ctx context.Context, provider string, proof Proof) (id muster.Identity, who Verified, err error) {
	p, known := s.providers[provider]
	if !known {
		return muster.Identity{}, Verified{}, muster.Errorf(muster.NotFound, "provider.unknown", "there is no way in of this name: GET /v1/auth/providers lists them")
	}
	defer func() { s.tellRefused(provider, err) }()
	if err := checkProof(proof); err != nil {
		return muster.Identity{}, Verified{}, err
	}
	if err := checkForm(p, proof); err != nil {
		return muster.Identity{}, Verified{}, err
	}
	if err := s.limits.Spend(ctx, muster.ActSignIn); err != nil {
		return muster.Identity{}, Verified{}, err
	}
	who, err = p.Verify(ctx, proof)
	if err != nil {
		return muster.Identity{}, Verified{}, atProvider(provider, err)
	}
	if who.Subject == "" {
		return muster.Identity{}, Verified{}, fmt.Errorf("provider %s verified a proof without a subject", provider)
	}
	if err := s.useUp(ctx, provider, who); err != nil {
		return muster.Identity{}, Verified{}, err
	}
	return muster.Identity{Provider: provider, Subject: subjectKey(who.Subject)}, who, nil
}

// checkProof bounds what a provider gets to read.
func checkProof(p Proof) error {
	tooLong := len(p.Token) > maxProofToken || len(p.Code) > maxProofCode || len(p.RedirectURI) > maxProofCode ||
		len(p.CodeVerifier) > maxProofField || len(p.Nonce) > maxProofField || len(p.Fields) > maxProofFields
	for name, value := range p.Fields {
		tooLong = tooLong || len(name)+len(value) > maxProofField
	}
	if tooLong {
		return Refusal(CredentialInvalid, nil)
	}
	return nil
}

// subjectKey is how a subject stands in a record's key: as it is, or as its hash when it
// is longer than any known provider's.
func subjectKey(subject string) string {
	if len(subject) <= maxSubject {
		return subject
	}
	return fmt.Sprintf("sha256:%x", hashText(subject))
}
