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
}

// handout is a refresh token on its way to the client.
type handout struct {
	token refreshToken
	scope muster.Scope
	ends  time.Time // with its family
}

func familyKey(p muster.PlayerID, id string) muster.Key {
	return muster.Key{Partition: muster.PlayerPartition(p), Sort: muster.SignInPrefix + id}
}

// openFamily starts a family for a sign-in beside those that are held, the oldest of which
// give way when they are too many. A device that none of them is of is recorded; the first
// of a new player needs no record.
func (s *Service) openFamily(ctx context.Context, player muster.PlayerID, scope muster.Scope, proven time.Time, created bool) (handout, error) {
	var held []muster.Record
	if !created {
		var err error
		if held, err = s.families(ctx, player); err != nil {
			return handout{}, err
		}
	}
	secret, err := newSecret(s.random)
	if err != nil {
		return handout{}, err
	}
	tagKey, err := newSecret(s.random)
	if err != nil {
		return handout{}, err
	}
	now, client := s.now().UTC(), muster.ClientFrom(ctx)
	token := refreshToken{player: player, family: s.newID(), secret: secret}.sealed(tagKey)
	record := family{
		Scope: scope, Generation: 1, CurrentHash: token.hash(), TagKey: tagKey,
		ExpiresAt: now.Add(s.refreshTTL), OpenedAt: proven, Device: client.UserAgent, DeviceID: client.Device,
	}
	put, err := familyOp(token, record, 0)
	if err != nil {
		return handout{}, err
	}
	ops := append(crowdedOut(held), put)
	if !created && !isKnownDevice(held, client) {
		found, err := muster.AuditOps(ctx, now, muster.Audit{Player: player, Event: muster.AuditSignIn, Detail: map[string]string{"signIn": token.family}})
		if err != nil {
			return handout{}, err
		}
		ops = append(ops, found...)
	}
	if err := s.store.Write(ctx, ops...); err != nil {
		return handout{}, fmt.Errorf("open refresh family: %w", err)
	}
	return handout{token: token, scope: scope, ends: record.ExpiresAt}, nil
}

// families lists the sign-ins of a player, the oldest first: ids ascend with time.
func (s *Service) families(ctx context.Context, player muster.PlayerID) ([]muster.Record, error) {
	held, err := s.store.List(ctx, muster.PlayerPartition(player), muster.ListOptions{Prefix: muster.SignInPrefix})
	if err != nil {
		return nil, fmt.Errorf("list refresh families: %w", err)
	}
	return held, nil
}

// isKnownDevice says that one of the sign-ins is of the client's device: by the id that
// it gives itself, or else by what it calls itself.
func isKnownDevice(held []muster.Record, client muster.Client) bool {
	for i := len(held) - 1; i >= 0; i-- { // the latest is the likeliest
		var f struct {
			Device   string `json:"device"`
			DeviceID string `json:"deviceId"`
		}
		if json.Unmarshal(held[i].Value, &f) == nil && f.DeviceID == client.Device && (client.Device != "" || f.Device == client.UserAgent) {
			return true
		}
	}
	return false
}

// crowdedOut removes the oldest families of a player who holds too many.
func crowdedOut(held []muster.Record) []muster.Op {
	surplus := min(len(held)-maxFamilies+1, muster.MaxWriteOps-2)
	var ops []muster.Op
	for i := range max(surplus, 0) {
		ops = append(ops, muster.Op{Kind: muster.Delete, Key: held[i].Key, Version: muster.AnyVersion})
	}
	return ops
}

// Refresh rotates a refresh token: the answer holds its successor and a new access
// token. The token before, presented again within ten seconds, gets the same answer; any
// older token means that someone copied one, and ends the whole family. Every refusal
// is Unauthenticated with the code "refresh.invalid", but for those of Guard.Admit.
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
		switch found = record.judge(presented, s.now()); found {
		case tokenCurrent:
			if record.Scope, err = s.scopeNow(ctx, presented, record); err != nil {
				return nil, err
			}
			rotated := presented.next(salt, record.TagKey)
			next = handout{token: rotated, scope: record.Scope, ends: record.ExpiresAt}
			op, err := familyOp(rotated, record.rotated(rotated.hash(), salt, s.now()), version)
			return []muster.Op{op}, err
		case tokenRepeated:
			next = handout{token: presented.next(record.Salt, record.TagKey), scope: record.Scope, ends: record.ExpiresAt}
			return nil, s.guard.Admit(ctx, presented.player, record.ref(presented.family))
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
	case found == tokenUnknown:
		return muster.Grant{}, errRefreshRefused()
	}
	return s.granted(next)
}

// scopeNow is the scope that a sign-in has from now on, if its player is let in: a guest who
// gained another way in is a player.
func (s *Service) scopeNow(ctx context.Context, presented refreshToken, record family) (muster.Scope, error) {
	if record.Scope != muster.GuestScope {
		return record.Scope, s.guard.Admit(ctx, presented.player, record.ref(presented.family))
	}
	scope, err := s.accounts.ScopeOf(ctx, presented.player, record.ref(presented.family))
	if err != nil {
		return "", goneOr(err, errRefreshRefused())
	}
	return scope, nil
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
	tokenUnknown  verdict = iota // not of our making, or the family is over
	tokenCurrent                 // the newest: rotate
	tokenRepeated                // the one before, within its grace: answer again
	tokenReused                  // an old one: someone has a copy
)

// judge decides what a presented token is. Hashes are compared in constant time.
func (f family) judge(t refreshToken, now time.Time) verdict {
	if !t.genuine(f.TagKey) || !now.Before(f.ExpiresAt) {
		return tokenUnknown
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

// ref names the sign-in; id is the family's.
func (f family) ref(id string) muster.SignInRef { return muster.SignInRef{ID: id, At: f.OpenedAt} }

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
// forget it a second after it has expired.
func familyOp(token refreshToken, f family, version int64) (muster.Op, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return muster.Op{}, fmt.Errorf("encode refresh family: %w", err)
	}
	return muster.Op{
		Kind: muster.Put, Key: familyKey(token.player, token.family), Value: body,
		Version: version, ExpiresAt: f.ExpiresAt.Add(time.Second),
	}, nil
}

func errRefreshRefused() *muster.Error {
	return muster.Errorf(muster.Unauthenticated, "refresh.invalid", "this refresh token is not valid: sign in again")
}
