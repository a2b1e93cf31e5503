package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"muster"
)

// maxAccessToken bounds the text that is looked at, in bytes; ours have some 500.
const maxAccessToken = 4096

// clockSkew is how far another replica's clock may run ahead of ours. It softens only
// the start of a token's life, never its end.
const clockSkew = 30 * time.Second

// PublicKeys finds the keys that access tokens are checked with: *Keys are those that sign,
// and whatever reads them where they are published will do.
type PublicKeys interface {
	// Key returns the key of an id, if it is made for the algorithm. The error for any other
	// is Unauthenticated; for keys that cannot be had it is of another kind.
	Key(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error)
}

// AccessTokens checks the access tokens of a Service, also where the keys that sign them are
// not. It is safe for concurrent use.
type AccessTokens struct {
	Keys     PublicKeys
	Issuer   string // as in Options of the Service, like Audience
	Audience string
	Now      func() time.Time
}

// Verify checks an access token and says who it speaks for. Errors are Unauthenticated,
// "token.expired" for a token that was good once and "token.invalid" for anything else, or
// what Keys failed with.
func (a AccessTokens) Verify(ctx context.Context, text string) (muster.Caller, error) {
	claims, err := a.open(ctx, text)
	if err != nil {
		return muster.Caller{}, err
	}
	return claims.caller(), nil
}

// open checks all of an access token. Errors are those of Verify; their causes are for the
// log and say nothing of the token's content.
func (a AccessTokens) open(ctx context.Context, text string) (accessClaims, error) {
	claims, err := a.read(ctx, text)
	var e *muster.Error
	switch {
	case errors.As(err, &e) && e.Kind != muster.Unauthenticated:
		return accessClaims{}, err
	case err != nil:
		return accessClaims{}, errTokenInvalid(err)
	case !a.Now().Before(claims.Expiry.Time()):
		return accessClaims{}, muster.Errorf(muster.Unauthenticated, "token.expired", "the access token has expired: refresh it")
	}
	return claims, nil
}

// read checks all of an access token but its end.
func (a AccessTokens) read(ctx context.Context, text string) (accessClaims, error) {
	var claims accessClaims
	if len(text) > maxAccessToken {
		return claims, errTokenTooLong(text)
	}
	token, err := jwt.ParseSigned(text, algorithmsAccepted)
	if err != nil {
		return claims, fmt.Errorf("parse token: %w", err)
	}
	header := token.Headers[0] // the compact form has one
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != accessType {
		return claims, errors.New("token is no access token")
	}
	if header.KeyID == "" {
		return claims, errors.New("token names no key")
	}
	key, err := a.Keys.Key(ctx, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	if err != nil {
		return claims, err
	}
	if err := token.Claims(key, &claims); err != nil {
		return claims, fmt.Errorf("check token: %w", err)
	}
	return claims, a.check(claims)
}

// OtherIssuerError is the cause of a refusal: a token that our keys have signed names another
// issuer, so one of the two addresses is configured wrongly.
type OtherIssuerError struct{ Token, Own string }

func (e OtherIssuerError) Error() string {
	return fmt.Sprintf("the token's issuer is %q, not %q", e.Token, e.Own)
}

func (a AccessTokens) check(c accessClaims) error {
	switch {
	case c.Issuer != a.Issuer:
		return OtherIssuerError{Token: c.Issuer, Own: a.Issuer}
	case !c.Audience.Contains(a.Audience):
		return errors.New("token is for another audience")
	case c.Subject == "" || c.Expiry == nil || c.NotBefore == nil:
		return errors.New("token lacks sub, exp or nbf")
	case a.Now().Add(clockSkew).Before(c.NotBefore.Time()):
		return errors.New("token is not valid yet")
	case c.Scope != muster.GuestScope && c.Scope != muster.PlayerScope && c.Scope != muster.ServerScope:
		return errors.New("token has neither a player's nor a game server's scope")
	}
	return nil
}

// Key implements PublicKeys.
func (k *Keys) Key(_ context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error) {
	key, known := k.public[id]
	if !known || algorithm != key.alg {
		return nil, errTokenInvalid(errors.New("token is signed by an unknown key"))
	}
	return key.key, nil
}

// Key implements PublicKeys.
func (r *KeyRing) Key(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error) {
	return r.keys.Load().Key(ctx, id, algorithm)
}

func errTokenInvalid(cause error) *muster.Error {
	return &muster.Error{Kind: muster.Unauthenticated, Code: "token.invalid", Message: "the access token is not valid", Err: cause}
}

func errTokenTooLong(text string) *muster.Error {
	return errTokenInvalid(fmt.Errorf("token has %d bytes, %d is the limit", len(text), maxAccessToken))
}
