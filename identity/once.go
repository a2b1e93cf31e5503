package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"muster"
)

// nonceTTL is how long a nonce may take from us over the platform back to us.
const nonceTTL = 5 * time.Minute

func nonceKey(nonce string) muster.Key {
	return muster.Key{Partition: "NONCE#" + hex.EncodeToString(hashText(nonce)), Sort: "N"}
}

func onceKey(provider, proof string) muster.Key {
	return muster.Key{Partition: "ONCE#" + provider + "#" + hex.EncodeToString(hashText(proof)), Sort: "O"}
}

// NewNonce gives out a value that a client has its platform put into a proof; it works
// once.
func (s *Service) NewNonce(ctx context.Context) (nonce string, ttl time.Duration, err error) {
	if err := s.limits.Spend(ctx, muster.ActNonce); err != nil {
		return "", 0, err
	}
	if nonce, err = newSecretText(s.random); err != nil {
		return "", 0, err
	}
	err = s.store.Write(ctx, muster.Op{Kind: muster.Put, Key: nonceKey(nonce), Value: []byte("{}"), ExpiresAt: s.now().UTC().Add(nonceTTL)})
	if err != nil {
		return "", 0, fmt.Errorf("keep a nonce: %w", err)
	}
	return nonce, nonceTTL, nil
}

// useUp takes the nonce that a proof was bound to, and remembers a proof that works once.
func (s *Service) useUp(ctx context.Context, provider string, who Verified) error {
	var ops []muster.Op
	if who.Nonce != "" {
		rec, err := s.store.Get(ctx, nonceKey(who.Nonce))
		if errors.Is(err, muster.ErrNotFound) {
			return Refusal(NonceMismatch, nil)
		}
		if err != nil {
			return fmt.Errorf("read a nonce: %w", err)
		}
		ops = append(ops, muster.Op{Kind: muster.Delete, Key: rec.Key, Version: rec.Version})
	}
	if who.Once != "" {
		ops = append(ops, muster.Op{
			Kind: muster.Put, Key: onceKey(provider, who.Once), Value: []byte("{}"), ExpiresAt: who.Until.UTC().Add(clockSkew + time.Second),
		})
	}
	if len(ops) == 0 {
		return nil
	}
	err := s.store.Write(ctx, ops...)
	switch {
	case errors.Is(err, muster.ErrConflict): // used meanwhile, or before
		return Refusal(CredentialExpired, nil)
	case err != nil:
		return fmt.Errorf("use up a proof: %w", err)
	}
	return nil
}
