package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"muster"
)

// Issuer is a service whose access tokens players show to us as they are, instead of
// signing in for ours. It is safe for concurrent use.
type Issuer interface {
	// Issuers are the values that iss has in its tokens.
	Issuers() []string
	// VerifyAccess checks an access token. Errors are those of refusal.go.
	VerifyAccess(ctx context.Context, token string) (Access, error)
}

// Access is what an access token of another issuer says of its holder.
type Access struct {
	Subject        string // as Verified has it; empty for a program, which is no player
	Holder         string // player or program, for records
	Groups, Scopes []string
	IssuedAt       time.Time
	ExpiresAt      time.Time
	SignedInAt     time.Time // when the player was proven there, or the token made; zero: not known
}

// Bearing is how the tokens of one issuer are taken.
type Bearing struct {
	Issuer Issuer
	// Groups and Scopes make of members of a group, and of holders of a scope, what is
	// neither guest nor player: muster.ServerScope or muster.AdminScope. All others are
	// players.
	Groups, Scopes map[string]muster.Scope
	// MaxAge is how long a token is taken after it was made; zero: until it expires.
	MaxAge time.Duration
}

// end is until when a token is taken.
func (b Bearing) end(a Access) time.Time {
	if oldest := a.IssuedAt.Add(b.MaxAge); b.MaxAge > 0 && oldest.Before(a.ExpiresAt) {
		return oldest
	}
	return a.ExpiresAt
}

// scope is what a holder is: the most that a group or a scope of theirs gives.
func (b Bearing) scope(a Access) muster.Scope {
	given := make(map[muster.Scope]bool)
	for _, group := range a.Groups {
		given[b.Groups[group]] = true
	}
	for _, scope := range a.Scopes {
		given[b.Scopes[scope]] = true
	}
	for _, scope := range []muster.Scope{muster.AdminScope, muster.ServerScope} {
		if given[scope] {
			return scope
		}
	}
	return muster.PlayerScope
}

// BearersOptions is what Bearers needs. All but Admit is required.
type BearersOptions struct {
	// Own verifies the tokens of every issuer that is not among Issuers.
	Own func(ctx context.Context, token string) (muster.Caller, error)
	// Issuers are whose tokens are taken, by the names of the providers that know their
	// subjects.
	Issuers  map[string]Bearing
	Accounts Accounts
	// Admit says whether a player may come in who signed in at the issuer at an instant; zero:
	// not known. It is asked with every look at whose a token is. Nil: everybody may.
	Admit func(ctx context.Context, player muster.PlayerID, signedInAt time.Time) error
	Now   func() time.Time
}

// Bearers verifies access tokens of several issuers. It is safe for concurrent use.
//
// A token that was checked is remembered until it expires, but whose it is only for
// ownerKept: an identity that was taken from a player is theirs that long at most. These
// tokens outlive ours and are renewed elsewhere, so Admit is asked as often; what has to
// hold at once is the caller's to check on every request, as for tokens of ours.
type Bearers struct {
	own      func(ctx context.Context, token string) (muster.Caller, error)
	issuers  map[string]namedIssuer // by iss
	accounts Accounts
	admit    func(ctx context.Context, player muster.PlayerID, signedInAt time.Time) error
	now      func() time.Time
	known    knownTokens
}

type namedIssuer struct {
	provider string
	Bearing
}

// ownerKept is how long it is remembered which player a foreign subject is.
const ownerKept = 10 * time.Second

// maxForeignToken bounds the text of a token of another issuer, in bytes.
const maxForeignToken = 8 << 10

// NewBearers makes a Bearers. Two issuers of one name are an error.
func NewBearers(o BearersOptions) (*Bearers, error) {
	b := &Bearers{own: o.Own, issuers: make(map[string]namedIssuer), accounts: o.Accounts, admit: o.Admit, now: o.Now}
	for _, provider := range slices.Sorted(maps.Keys(o.Issuers)) {
		bearing := o.Issuers[provider]
		for _, name := range bearing.Issuer.Issuers() {
			if other, twice := b.issuers[name]; twice {
				return nil, fmt.Errorf("tokens of %s are taken by both %s and %s", name, other.provider, provider)
			}
			b.issuers[name] = namedIssuer{provider, bearing}
		}
	}
	return b, nil
}

// Verify checks an access token by its issuer and says who it speaks for. The player of a
// token that is seen for the first time is made. Errors are those of Service.Verify, and
// Unavailable when the issuer's keys cannot be had.
func (b *Bearers) Verify(ctx context.Context, token string) (muster.Caller, error) {
	issuer, foreign := b.issuers[issuerOf(token)]
	if !foreign {
		return b.own(ctx, token)
	}
	id := sha256.Sum256([]byte(token))
	now := b.now()
	seen, known := b.known.find(id, now)
	if !known {
		access, err := issuer.Issuer.VerifyAccess(ctx, token)
		if err != nil {
			return muster.Caller{}, tokenRefusal(err)
		}
		end := issuer.end(access)
		if issuer.MaxAge > 0 && !now.Before(end) {
			return muster.Caller{}, tokenRefusal(Refusal(CredentialExpired, errors.New("the token is too old")))
		}
		seen = knownToken{scope: issuer.scope(access), subject: access.Subject, holder: access.Holder, expiresAt: end, signedInAt: access.SignedInAt.UTC().Truncate(time.Second)}
	}
	if seen.scope != muster.PlayerScope {
		b.known.keep(id, seen)
		return muster.Caller{Scope: seen.scope, Key: issuer.provider + "/" + seen.holder}, nil
	}
	if seen.subject == "" {
		return muster.Caller{}, tokenRefusal(Refusal(WrongApplication, errors.New("the token is a program's, and nothing is given to it")))
	}
	if !now.Before(seen.ownerAt.Add(ownerKept)) {
		player, err := b.player(ctx, issuer.provider, seen)
		if err != nil {
			return muster.Caller{}, err
		}
		seen.owner, seen.ownerAt = player, now
		b.known.keep(id, seen)
	}
	return muster.Caller{Player: seen.owner, Scope: muster.PlayerScope, SignedInAt: seen.signedInAt}, nil
}

// player finds or makes the player of a token's subject, if they may come in.
func (b *Bearers) player(ctx context.Context, provider string, seen knownToken) (muster.PlayerID, error) {
	player, _, err := b.accounts.EnsurePlayer(ctx, muster.Identity{Provider: provider, Subject: subjectKey(seen.subject)}, nil)
	if err != nil {
		return "", fmt.Errorf("find the player of a token of %s: %w", provider, err)
	}
	if b.admit == nil {
		return player, nil
	}
	return player, b.admit(ctx, player, seen.signedInAt)
}

// issuerOf reads who a token says made it; nothing of that is trusted yet. Empty: it does
// not say.
func issuerOf(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, signed := strings.Cut(rest, ".")
	if !signed || len(token) > maxForeignToken {
		return ""
	}
	body, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(body, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// tokenRefusal tells a refused proof as a refused token, which is what the client showed.
func tokenRefusal(err error) error {
	var e *muster.Error
	if !errors.As(err, &e) || e.Kind != muster.Unauthenticated {
		return err
	}
	if e.Code == string(CredentialExpired) {
		return &muster.Error{Kind: muster.Unauthenticated, Code: "token.expired", Message: "the access token has expired: refresh it", Err: err}
	}
	return &muster.Error{Kind: muster.Unauthenticated, Code: "token.invalid", Message: "the access token is not valid", Err: err}
}

// maxKnownTokens bounds each of the two generations of knownTokens; an entry has some 200
// bytes.
const maxKnownTokens = 8192

// knownTokens are tokens that were checked, by the hash of their text. The zero value is
// ready.
type knownTokens struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]knownToken // guarded by mu; old is dropped when young is full
}

// knownToken is a token that was checked.
type knownToken struct {
	scope     muster.Scope
	subject   string
	holder    string
	expiresAt time.Time

	signedInAt time.Time

	owner   muster.PlayerID
	ownerAt time.Time // when owner was looked up
}

// find returns a token that has not expired.
func (k *knownTokens) find(id [sha256.Size]byte, now time.Time) (knownToken, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen, found := k.young[id]
	if !found {
		seen, found = k.old[id]
	}
	if found && !now.Before(seen.expiresAt) {
		delete(k.young, id)
		delete(k.old, id)
		found = false
	}
	return seen, found
}

func (k *knownTokens) keep(id [sha256.Size]byte, seen knownToken) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.young[id]; !there && len(k.young) >= maxKnownTokens {
		k.old, k.young = k.young, nil
	}
	if k.young == nil {
		k.young = make(map[[sha256.Size]byte]knownToken)
	}
	k.young[id] = seen
}
