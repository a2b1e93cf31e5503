package identity

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster"
)

// refreshGrace is how long the previous token of a family is answered again, for a
// client whose answer was lost or that asks from two places at once.
const refreshGrace = 10 * time.Second

// maxFamilies bounds the sign-ins that one player may hold; the oldest gives way.
const maxFamilies = 20

// family is the record of one sign-in: the refresh tokens that descend from it. Only
// the newest is good; the one before is answered again for a moment.
type family struct {
	Scope         muster.Scope `json:"scope"`
	Generation    int64        `json:"gen"` // 1 at sign-in, one more at each rotation
	CurrentHash   []byte       `json:"curHash"`
	PreviousHash  []byte       `json:"prevHash,omitempty"`
	PreviousUntil time.Time    `json:"prevUntil,omitzero"`
	Salt          []byte       `json:"salt,omitempty"` // current = previous token under this salt
	TagKey        []byte       `json:"tagKey"`
	ExpiresAt     time.Time    `json:"absExp"`

	OpenedAt  time.Time `json:"opened,omitzero"` // when its player was proven
	RenewedAt time.Time `json:"renewed,omitzero"`
	Device    string    `json:"device,omitempty"`   // as it called itself at sign-in
	DeviceID  string    `json:"deviceId,omitempty"` // that it gave itself, if it did
	Network   []byte    `json:"net,omitempty"`      // a mark of where it signed in; nil: not known

	Way  muster.WayIn   `json:"way,omitempty"` // by which it was opened; empty: it is bound to none
	Mark muster.WayMark `json:"mark,omitempty"`
}

// handout is a refresh token on its way to the client.
type handout struct {
	token refreshToken
	scope muster.Scope
	ends  time.Time // with its family

	opened time.Time // when its player was proven

	undo []muster.Op // takes back what was written and recorded of a sign-in that was just opened
}

func familyKey(p muster.PlayerID, id string) muster.Key {
	return muster.Key{Partition: muster.PlayerPartition(p), Sort: muster.SignInPrefix + id}
}

// Refresh rotates a refresh token: the answer holds its successor and a new access
// token. The token before, presented again within ten seconds, gets the same successor with
// another access token; any older token means that someone copied one, and ends the whole
// family. Every refusal is Unauthenticated with the code "refresh.invalid", but for those of
// Guard.Admit.
func (s *Service) Refresh(ctx context.Context, token string) (muster.Grant, error) {
	presented, ok := parseRefreshToken(token)
	if !ok {
		return muster.Grant{}, errRefreshRefused()
	}
	if err := s.limits.Spend(ctx, muster.ActRenew); err != nil {
		return muster.Grant{}, err
	}
	salt, err := newSecret(s.random)
	if err != nil {
		return muster.Grant{}, err
	}
	var next handout
	var found verdict
	err = muster.Change(ctx, s.store, func(ctx context.Context) ([]muster.Op, error) {
		record, version, err := s.loadFamily(ctx, presented)
		if err != nil {
			return nil, err
		}
		switch found = s.judge(record, presented); found {
		case tokenCurrent:
			if record.Scope, err = s.scopeNow(ctx, presented.player, record.Scope, record.ref(presented.family)); err != nil {
				return nil, s.unlessChanged(ctx, presented, version, goneOr(err, errRefreshRefused()))
			}
			rotated := presented.next(salt, record.TagKey)
			record = record.rotated(rotated.hash(), salt, s.now())
			next = handout{token: rotated, scope: record.Scope, ends: s.ends(record), opened: record.OpenedAt}
			op, err := s.familyOp(rotated, record, version)
			return []muster.Op{op}, err
		case tokenRepeated:
			next = handout{token: presented.next(record.Salt, record.TagKey), scope: record.Scope, ends: s.ends(record), opened: record.OpenedAt}
			if err := s.guard.Admit(ctx, presented.player, record.ref(presented.family)); err != nil {
				return nil, s.unlessChanged(ctx, presented, version, err)
			}
			return nil, nil
		case tokenLate:
			return []muster.Op{{Kind: muster.Delete, Key: familyKey(presented.player, presented.family), Version: version}}, nil
		}
		return nil, nil
	})
	switch {
	case err != nil:
		return muster.Grant{}, err
	case found == tokenReused:
		if err := s.endFamily(ctx, presented, muster.RefreshReused); err != nil {
			return muster.Grant{}, err
		}
		return muster.Grant{}, errRefreshRefused()
	case found == tokenUnknown, found == tokenLate:
		return muster.Grant{}, errRefreshRefused()
	}
	return s.granted(next)
}

// unlessChanged is the refusal of a sign-in as it was read, or a conflict when it has become
// another since: what ends sign-ins may keep the one that asks for it by changing it.
func (s *Service) unlessChanged(ctx context.Context, t refreshToken, version int64, refused error) error {
	if muster.KindOf(refused) != muster.Unauthenticated {
		return refused
	}
	if _, now, err := s.loadFamily(ctx, t); err == nil && now != version {
		return muster.ErrConflict
	}
	return refused
}

// scopeNow is the scope that a sign-in has from now on, if its player is let in: a guest who
// gained another way in is a player. A guest who is gone is NotFound.
func (s *Service) scopeNow(ctx context.Context, player muster.PlayerID, was muster.Scope, in muster.SignInRef) (muster.Scope, error) {
	if was != muster.GuestScope {
		return was, s.guard.Admit(ctx, player, in)
	}
	return s.accounts.ScopeOf(ctx, player, in)
}

// Logout ends the sign-in that a refresh token, used or not, belongs to, with its access
// tokens. One that has ended already is no error; a token that we did not make is.
func (s *Service) Logout(ctx context.Context, token string) error {
	presented, ok := parseRefreshToken(token)
	if !ok {
		return errRefreshRefused()
	}
	record, _, err := s.loadFamily(ctx, presented)
	switch {
	case muster.KindOf(err) == muster.Unauthenticated:
		return nil
	case err != nil:
		return err
	case !presented.genuine(record.TagKey):
		return errRefreshRefused()
	}
	return s.endFamily(ctx, presented, muster.ByPlayer)
}

// endFamily ends the family of a token. That somebody else has done so is no error.
func (s *Service) endFamily(ctx context.Context, t refreshToken, why muster.EndReason) error {
	err := s.guard.EndSignIn(ctx, t.player, t.family, why)
	if err != nil && muster.KindOf(err) != muster.NotFound {
		return fmt.Errorf("end a sign-in: %w", err)
	}
	return nil
}

// verdict is what a presented token is to its family.
type verdict uint8

const (
	tokenUnknown  verdict = iota // not of our making
	tokenLate                    // of a family that is over
	tokenCurrent                 // the newest: rotate
	tokenRepeated                // the one before, within its grace: answer again
	tokenReused                  // an old one: someone has a copy
)

// judge decides what a presented token is. Hashes are compared in constant time.
func (s *Service) judge(f family, t refreshToken) verdict {
	now := s.now()
	switch {
	case !t.genuine(f.TagKey):
		return tokenUnknown
	case !now.Before(s.ends(f)):
		return tokenLate
	}
	hash := t.hash()
	switch {
	case subtle.ConstantTimeCompare(hash, f.CurrentHash) == 1:
		return tokenCurrent
	case subtle.ConstantTimeCompare(hash, f.PreviousHash) == 1 && now.Before(f.PreviousUntil):
		return tokenRepeated
	}
	return tokenReused
}

// ends is when a family is over: at its end, or when nobody has renewed it for too long.
func (s *Service) ends(f family) time.Time {
	used := f.lastUsed()
	if idle := used.Add(s.idleTTL); s.idleTTL > 0 && !used.IsZero() && idle.Before(f.ExpiresAt) {
		return idle
	}
	return f.ExpiresAt
}

// lastUsed is when the family gave out its latest tokens; zero: not known.
func (f family) lastUsed() time.Time {
	if f.RenewedAt.After(f.OpenedAt) {
		return f.RenewedAt
	}
	return f.OpenedAt
}

// ref names the sign-in; id is the family's.
func (f family) ref(id string) muster.SignInRef {
	return muster.SignInRef{ID: id, At: f.OpenedAt, Way: f.Way, Mark: f.Mark}
}

// rotated is the record after its current token was used.
func (f family) rotated(hash, salt []byte, now time.Time) family {
	f.PreviousHash, f.PreviousUntil = f.CurrentHash, now.UTC().Add(refreshGrace)
	f.CurrentHash, f.Salt = hash, salt
	f.Generation++
	f.RenewedAt = now.UTC().Truncate(time.Second)
	return f
}

// loadFamily reads the record a token points to; an absent one is refused.
func (s *Service) loadFamily(ctx context.Context, t refreshToken) (family, int64, error) {
	rec, err := s.store.Get(ctx, familyKey(t.player, t.family))
	if errors.Is(err, muster.ErrNotFound) {
		return family{}, 0, errRefreshRefused()
	}
	if err != nil {
		return family{}, 0, fmt.Errorf("read refresh family: %w", err)
	}
	var f family
	if err := json.Unmarshal(rec.Value, &f); err != nil {
		return family{}, 0, fmt.Errorf("decode refresh family: %w", err)
	}
	return f, rec.Version, nil
}

// familyOp stores the family that token belongs to in place of version. The store may
// forget it a second after it has ended.
func (s *Service) familyOp(token refreshToken, f family, version int64) (muster.Op, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return muster.Op{}, fmt.Errorf("encode refresh family: %w", err)
	}
	return muster.Op{
		Kind: muster.Put, Key: familyKey(token.player, token.family), Value: body,
		Version: version, ExpiresAt: s.ends(f).Add(time.Second),
	}, nil
}

func errRefreshRefused() *muster.Error {
	return muster.Errorf(muster.Unauthenticated, "refresh.invalid", "this refresh token is not valid: sign in again")
}
