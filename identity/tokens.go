package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
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

// accessClaims are the claims of an access token. Source: RFC 9068; sid is the refresh
// family.
type accessClaims struct {
	jwt.Claims
	Scope  muster.Scope `json:"scope"`
	Family string       `json:"sid"`
	// SignedIn is when the player was proven (auth_time of OpenID Connect). Tokens of game
	// servers have none.
	SignedIn *jwt.NumericDate `json:"auth_time,omitempty"`
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
		Scope: c.Scope, Family: c.Family, SignedIn: numericDate(c.SignedInAt),
	})
}

// numericDate is an instant as tokens have it; nil: not known.
func numericDate(at time.Time) *jwt.NumericDate {
	if at.IsZero() {
		return nil
	}
	return jwt.NewNumericDate(at)
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

// sign makes a token of claims. jwt.Signed would take the claims apart and put them
// together again twice, a fifth of what a sign-in costs.
func sign(signer jose.Signer, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	token, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token.CompactSerialize()
}

// Verify checks an access token and says who it speaks for. It does not read the store,
// and does not know what was revoked.
// Errors are Unauthenticated: "token.expired" for a token that was good once,
// "token.invalid" for anything else.
func (s *Service) Verify(ctx context.Context, accessToken string) (muster.Caller, error) {
	now := s.now()
	keys := s.keys.At(now)
	if len(accessToken) > maxAccessToken {
		return muster.Caller{}, errTokenTooLong(accessToken)
	}
	hash := tokenHash(sha256.Sum256([]byte(accessToken)))
	if caller, ok := s.verified.find(keys, hash, now); ok {
		return caller, nil
	}
	own := AccessTokens{Keys: keys, Issuer: s.issuer, Audience: s.audience, Now: s.now}
	claims, err := own.open(ctx, accessToken)
	if err != nil {
		return muster.Caller{}, err
	}
	caller := claims.caller()
	s.verified.keep(keys, hash, caller, claims.Expiry.Time())
	return caller, nil
}

// caller is who a checked token speaks for. A game server's has the server's name where a
// player's has the player.
func (c accessClaims) caller() muster.Caller {
	if c.Scope == muster.ServerScope {
		return muster.Caller{Scope: muster.ServerScope, Key: c.Subject}
	}
	caller := muster.Caller{Player: muster.PlayerID(c.Subject), Scope: c.Scope, Family: c.Family}
	if c.SignedIn != nil {
		caller.SignedInAt = c.SignedIn.Time().UTC()
	}
	return caller
}
