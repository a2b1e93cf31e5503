package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// What marks a token as a join token, so that no other token of the backend passes for one.
const (
	joinAudience = "game-session"
	joinType     = "join+jwt" // in the header
)

const (
	keysFreshFor = 10 * time.Minute
	keysRetry    = 2 * time.Second // between two fetches that unknown keys cause
	clockLeeway  = 5 * time.Second
	maxKeysBytes = 64 << 10
)

// joinClaims is what a verified join token says.
type joinClaims struct {
	Player  string `json:"sub"`
	Session string `json:"sid"`
	Seat    string `json:"psid"`
}

// tokenVerifier checks join tokens against the backend's published keys. It is safe
// for concurrent use.
type tokenVerifier struct {
	url    string // of the key set
	client *http.Client
	now    func() time.Time

	turn      chan struct{} // holds one token; whoever has it reads and changes the rest
	keys      jose.JSONWebKeySet
	fetchedAt time.Time
	triedAt   time.Time
}

func newTokenVerifier(backend string, client *http.Client, now func() time.Time) *tokenVerifier {
	v := &tokenVerifier{url: backend + "/.well-known/jwks.json", client: client, now: now, turn: make(chan struct{}, 1)}
	v.turn <- struct{}{}
	return v
}

// verify returns what a token says, if one of the backend's keys signed it, it is a join
// token for game servers, and it has not expired.
func (v *tokenVerifier) verify(ctx context.Context, token string) (joinClaims, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		return joinClaims{}, fmt.Errorf("read the join token: %w", err)
	}
	header := parsed.Headers[0]
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != joinType {
		return joinClaims{}, errors.New("the token is not a join token")
	}
	key, err := v.key(ctx, header.KeyID)
	if err != nil {
		return joinClaims{}, err
	}
	var standard jwt.Claims
	var claims joinClaims
	if err := parsed.Claims(key, &standard, &claims); err != nil {
		return joinClaims{}, fmt.Errorf("check the join token: %w", err)
	}
	if standard.Expiry == nil {
		return joinClaims{}, errors.New("the join token never expires")
	}
	want := jwt.Expected{AnyAudience: jwt.Audience{joinAudience}, Time: v.now()}
	if err := standard.ValidateWithLeeway(want, clockLeeway); err != nil {
		return joinClaims{}, fmt.Errorf("check the join token: %w", err)
	}
	if claims.Player == "" || claims.Session == "" || claims.Seat == "" {
		return joinClaims{}, errors.New("the join token names no player, session or seat")
	}
	return claims, nil
}

// prefetch loads the keys so that the first player need not wait for them.
func (v *tokenVerifier) prefetch(ctx context.Context) {
	_, _ = v.key(ctx, "") // the first join tries again and says what is wrong
}

var errNoKeys = errors.New("the backend's keys cannot be read")

// key returns the public key of that id, asking the backend when it is not known or
// the known ones are old. Old keys are better than none.
func (v *tokenVerifier) key(ctx context.Context, id string) (*jose.JSONWebKey, error) {
	select {
	case <-v.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { v.turn <- struct{}{} }()
	found := v.keys.Key(id)
	stale := v.now().Sub(v.fetchedAt) > keysFreshFor
	if (len(found) == 0 || stale) && v.now().Sub(v.triedAt) >= keysRetry {
		v.triedAt = v.now()
		keys, err := v.fetch(ctx)
		if err != nil && len(found) == 0 {
			v.triedAt = time.Time{} // nothing to fall back on: the next player may try at once
			return nil, fmt.Errorf("%w: %w", errNoKeys, err)
		}
		if err == nil {
			v.keys, v.fetchedAt = keys, v.now()
			found = v.keys.Key(id)
		}
	}
	if len(found) == 0 || !found[0].IsPublic() || !found[0].Valid() {
		return nil, errors.New("the join token is signed by an unknown key")
	}
	return &found[0], nil
}

func (v *tokenVerifier) fetch(ctx context.Context) (jose.JSONWebKeySet, error) {
	var keys jose.JSONWebKeySet
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url, nil)
	if err != nil {
		return keys, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return keys, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		return keys, fmt.Errorf("the backend answered %s", resp.Status)
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxKeysBytes)).Decode(&keys)
	return keys, err
}
