package identity

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster"
)

// consentTTL is how long we can take a consent back after the player last proved it to us.
const consentTTL = 400 * 24 * time.Hour

// Revoker is a provider whose platform wants to hear of it when an account is deleted here, or
// does without it from now on.
type Revoker interface {
	// Revoke takes back the consent that a proof came with. Nil: it is taken back, or was
	// void. An error means to try again later.
	Revoke(ctx context.Context, consent Consent) error
}

// Consent is what a platform gave us for a player, by which it is taken back. It is worth
// nothing to who does not have our own credentials there.
type Consent struct {
	Token    string `json:"token"`
	ClientID string `json:"clientId,omitempty"` // of ours, to which it was given
}

// Herald is a provider whose platform tells us what becomes of its accounts.
type Herald interface {
	// Heard checks what the platform says. Errors are those of Verify.
	Heard(ctx context.Context, payload string) (News, error)
}

// News is what a platform says of one of its accounts.
type News struct {
	Subject string
	// Withdrawn says that the account does not sign in here any more: it was deleted there, or
	// its owner took the consent back.
	Withdrawn bool

	Once  string // as of Verified
	Until time.Time
}

// keptConsent is the record of a consent.
type keptConsent struct {
	Consent
	GivenAt time.Time `json:"givenAt,omitzero"`
}

func consentKey(id muster.Identity) muster.Key {
	return muster.Key{Partition: "CONSENT#" + id.Provider + "#" + hex.EncodeToString(hashText(id.Subject)), Sort: "C"}
}

// consentOps keeps what a proof came with, in place of what there was.
func (s *Service) consentOps(id muster.Identity, given Consent) ([]muster.Op, error) {
	if given.Token == "" {
		return nil, nil
	}
	now := s.instant()
	value, err := json.Marshal(keptConsent{given, now})
	if err != nil {
		return nil, fmt.Errorf("encode a consent: %w", err)
	}
	return []muster.Op{{
		Kind: muster.Put, Key: consentKey(id), Version: muster.AnyVersion, Value: value, ExpiresAt: now.Add(consentTTL),
	}}, nil
}

// ConsentOf says what is kept of an identity's platform, without the secret. Nothing is
// NotFound.
func (s *Service) ConsentOf(ctx context.Context, id muster.Identity) (muster.ConsentView, error) {
	rec, given, err := s.consent(ctx, id)
	if err != nil {
		return muster.ConsentView{}, err
	}
	if given.GivenAt.IsZero() {
		given.GivenAt = rec.ExpiresAt.Add(-consentTTL)
	}
	return muster.ConsentView{Provider: id.Provider, GivenAt: given.GivenAt, ExpiresAt: rec.ExpiresAt}, nil
}

// consent reads the record of a consent; none is NotFound.
func (s *Service) consent(ctx context.Context, id muster.Identity) (muster.Record, keptConsent, error) {
	rec, err := s.store.Get(ctx, consentKey(id))
	if err != nil {
		return muster.Record{}, keptConsent{}, fmt.Errorf("read a consent: %w", err)
	}
	var given keptConsent
	if err := json.Unmarshal(rec.Value, &given); err != nil {
		return muster.Record{}, keptConsent{}, fmt.Errorf("decode a consent: %w", err)
	}
	return rec, given, nil
}

// TakeBack tells the platform of an identity that it leads to nobody here any more, where there
// is something to tell. It may be repeated; an error means to do so. Where the identity leads to
// somebody again, what is kept is theirs and stays.
func (s *Service) TakeBack(ctx context.Context, id muster.Identity) error {
	rec, given, err := s.consent(ctx, id)
	if errors.Is(err, muster.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	// After the consent: one that somebody brought who came back is read only once they are
	// found here.
	switch _, _, err := s.accounts.FindIdentity(ctx, id); {
	case err == nil:
		return nil
	case muster.KindOf(err) != muster.NotFound:
		return fmt.Errorf("find whose consent it is: %w", err)
	}
	if revoker, can := s.providers[id.Provider].(Revoker); can {
		if err := revoker.Revoke(ctx, given.Consent); err != nil {
			return fmt.Errorf("take a consent back: %w", atProvider(id.Provider, err))
		}
	}
	// Not if there is another one by now: whose that is a repeat will find.
	err = s.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: rec.Key, Version: rec.Version})
	if err != nil {
		return fmt.Errorf("forget a consent: %w", err)
	}
	return nil
}

// forgetConsent deletes a consent that the platform knows to be withdrawn.
func (s *Service) forgetConsent(ctx context.Context, id muster.Identity) error {
	return s.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: consentKey(id), Version: muster.AnyVersion})
}

// maxNews bounds what a platform says, in bytes.
const maxNews = 16 << 10

// Hear takes what a platform says of one of its accounts. If the account does not sign in
// here any more, all sign-ins of its player end; what else the player has is kept. What was
// heard before is no error, and does nothing.
func (s *Service) Hear(ctx context.Context, provider, payload string) (err error) {
	herald, tells := s.providers[provider].(Herald)
	if !tells {
		return muster.Errorf(muster.NotFound, "provider.unknown", "there is no way in of this name that tells news")
	}
	defer func() { s.tellRefused(provider, err) }()
	if len(payload) > maxNews {
		return Refusal(CredentialInvalid, nil)
	}
	news, err := herald.Heard(ctx, payload)
	if err != nil || !news.Withdrawn {
		return atProvider(provider, err)
	}
	id := muster.Identity{Provider: provider, Subject: subjectKey(news.Subject)}
	if news.Once != "" { // looked at first and kept last: what was cut off is done when the platform repeats itself
		_, err := s.store.Get(ctx, onceKey(provider, news.Once))
		if !errors.Is(err, muster.ErrNotFound) {
			return err
		}
	}
	if err := s.withdraw(ctx, id); err != nil {
		return err
	}
	err = s.useUp(ctx, provider, Verified{Once: news.Once, Until: news.Until})
	if muster.KindOf(err) == muster.Unauthenticated {
		return nil // it was heard twice at once
	}
	return err
}

// withdraw ends the sign-ins of an identity's player, and forgets its consent.
func (s *Service) withdraw(ctx context.Context, id muster.Identity) error {
	player, _, err := s.accounts.FindIdentity(ctx, id)
	switch {
	case muster.KindOf(err) == muster.NotFound:
	case err != nil:
		return fmt.Errorf("find who withdrew: %w", err)
	default:
		if err := s.signOut(ctx, player); err != nil && muster.KindOf(err) != muster.NotFound {
			return fmt.Errorf("sign out who withdrew: %w", err)
		}
	}
	return s.forgetConsent(ctx, id)
}
