package identity

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"muster"
)

// The types of token we sign. Source: RFC 9068 for access tokens; the other is ours.
const (
	accessType = "at+jwt"
	joinType   = "join+jwt"
)

// JoinAudience is the audience of join tokens: the game servers.
const JoinAudience = "game-session"

// maxAccessToken bounds the text that Verify looks at, in bytes; ours have some 500.
const maxAccessToken = 4096

// clockSkew is how far another replica's clock may run ahead of ours. It softens only
// the start of a token's life, never its end.
const clockSkew = 30 * time.Second

// accessClaims are the claims of an access token. Source: RFC 9068; sid is the refresh
// family.
type accessClaims struct {
	jwt.Claims
	Scope  muster.Scope `json:"scope"`
	Family string       `json:"sid"`
}

// joinClaims are the claims of a join token: the seat that its holder may take.
type joinClaims struct {
	jwt.Claims
	Session muster.SessionID `json:"sid"`
	Seat    muster.SeatID    `json:"psid"`
}

func (s *Service) accessToken(c muster.Caller) (string, error) {
	now := s.now()
	return sign(s.keys.At(now).current().access, accessClaims{
		Claims: jwt.Claims{
			Issuer: s.issuer, Subject: string(c.Player), Audience: jwt.Audience{s.audience}, ID: s.newID(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(s.accessTTL)),
		},
		Scope: c.Scope, Family: c.Family,
	})
}

// JoinToken completes a seat with the token that proves to the game server whose seat
// it is, and with the instant at which that token ends.
func (s *Service) JoinToken(seat *muster.SeatView, player muster.PlayerID) error {
	now := s.now().UTC()
	expiresAt := now.Add(s.joinTTL).Truncate(time.Second) // a token counts in seconds
	text, err := sign(s.keys.At(now).current().join, joinClaims{
		Claims: jwt.Claims{
			Issuer: s.issuer, Subject: string(player), Audience: jwt.Audience{JoinAudience},
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expiresAt),
		},
		Session: seat.SessionID, Seat: seat.PlayerSessionID,
	})
	if err != nil {
		return err
	}
	seat.JoinToken, seat.JoinTokenExpiresAt = text, &expiresAt
	return nil
}

func sign(signer jose.Signer, claims any) (string, error) {
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text, nil
}

// Verify checks an access token and says who it speaks for. It does not read the store,
// and does not know what was revoked.
// Errors are Unauthenticated: "token.expired" for a token that was good once,
// "token.invalid" for anything else.
func (s *Service) Verify(_ context.Context, accessToken string) (muster.Caller, error) {
	now := s.now()
	keys := s.keys.At(now)
	if len(accessToken) > maxAccessToken {
		return muster.Caller{}, errTokenInvalid(fmt.Errorf("token has %d bytes, %d is the limit", len(accessToken), maxAccessToken))
	}
	hash := tokenHash(sha256.Sum256([]byte(accessToken)))
	if caller, ok := s.verified.find(keys, hash, now); ok {
		return caller, nil
	}
	claims, err := s.openAccessToken(keys, accessToken)
	if err != nil {
		return muster.Caller{}, errTokenInvalid(err)
	}
	end := claims.Expiry.Time()
	if !now.Before(end) {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "token.expired", "the access token has expired: refresh it")
	}
	caller := claims.caller()
	s.verified.keep(keys, hash, caller, end)
	return caller, nil
}

// caller is who a checked token speaks for. A game server's has the server's name where a
// player's has the player.
func (c accessClaims) caller() muster.Caller {
	if c.Scope == muster.ServerScope {
		return muster.Caller{Scope: muster.ServerScope, Key: c.Subject}
	}
	return muster.Caller{Player: muster.PlayerID(c.Subject), Scope: c.Scope, Family: c.Family}
}

func errTokenInvalid(cause error) *muster.Error {
	return &muster.Error{Kind: muster.Unauthenticated, Code: "token.invalid", Message: "the access token is not valid", Err: cause}
}

// openAccessToken checks all of an access token but its end. Errors are for the log and
// say nothing of the token's content.
func (s *Service) openAccessToken(keys *Keys, text string) (accessClaims, error) {
	var claims accessClaims
	token, err := jwt.ParseSigned(text, algorithmsAccepted)
	if err != nil {
		return claims, fmt.Errorf("parse token: %w", err)
	}
	header := token.Headers[0] // the compact form has one
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != accessType {
		return claims, fmt.Errorf("token is no access token")
	}
	key, known := keys.public[header.KeyID]
	if !known || jose.SignatureAlgorithm(header.Algorithm) != key.alg {
		return claims, fmt.Errorf("token is signed by an unknown key")
	}
	if err := token.Claims(key.key, &claims); err != nil {
		return claims, fmt.Errorf("check token: %w", err)
	}
	return claims, s.checkClaims(claims)
}

func (s *Service) checkClaims(c accessClaims) error {
	switch {
	case c.Issuer != s.issuer:
		return fmt.Errorf("token is of another issuer")
	case !c.Audience.Contains(s.audience):
		return fmt.Errorf("token is for another audience")
	case c.Subject == "" || c.Expiry == nil || c.NotBefore == nil:
		return fmt.Errorf("token lacks sub, exp or nbf")
	case s.now().Add(clockSkew).Before(c.NotBefore.Time()):
		return fmt.Errorf("token is not valid yet")
	case c.Scope != muster.GuestScope && c.Scope != muster.PlayerScope && c.Scope != muster.ServerScope:
		return fmt.Errorf("token has neither a player's nor a game server's scope")
	}
	return nil
}
