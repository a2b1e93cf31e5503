package provider

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"muster/identity"
)

// instantMaxAge is how old a signed player info may be.
const instantMaxAge = 10 * time.Minute

// FacebookInstantOptions says of which app players are proved. All of it is required.
type FacebookInstantOptions struct {
	Client    *Client // to alert by; it calls nobody
	Now       func() time.Time
	AppSecret Secret
}

// FacebookInstant proves players of Facebook Instant Games by the signature that
// getSignedPlayerInfoAsync gives. Its subjects are not those of Facebook accounts.
type FacebookInstant struct{ o FacebookInstantOptions }

// NewFacebookInstant makes a FacebookInstant.
func NewFacebookInstant(o FacebookInstantOptions) *FacebookInstant { return &FacebookInstant{o} }

// Takes implements identity.Taker.
func (f *FacebookInstant) Takes() [][]string { return [][]string{{"token"}, {"token", "nonce"}} }

// Verify implements identity.Provider. The token is the signature; a nonce is what the
// client passed to getSignedPlayerInfoAsync.
func (f *FacebookInstant) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	secret, err := f.o.AppSecret.read(ctx, f.o.Client, "Facebook's app secret")
	if err != nil {
		return identity.Verified{}, err
	}
	info, err := openPlayerInfo(proof.Token, secret)
	if err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	now, issued := f.o.Now(), time.Unix(info.IssuedAt, 0)
	switch {
	case issued.After(now.Add(clockSkew)):
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("signed in the future"))
	case now.After(issued.Add(instantMaxAge)):
		return identity.Verified{}, identity.Refusal(identity.CredentialExpired, errors.New("signed too long ago"))
	case proof.Nonce == "":
		// The signature may be written in more ways than one; what it covers may not.
		_, covered, _ := strings.Cut(proof.Token, ".")
		return identity.Verified{Subject: info.PlayerID, Once: covered, Until: issued.Add(instantMaxAge)}, nil
	case subtle.ConstantTimeCompare([]byte(proof.Nonce), []byte(info.Request)) != 1:
		return identity.Verified{}, identity.Refusal(identity.NonceMismatch, errors.New("signed for another nonce"))
	}
	return identity.Verified{Subject: info.PlayerID, Nonce: proof.Nonce}, nil
}

// playerInfo is what Facebook signs. Source: Facebook Instant Games SDK, SignedPlayerInfo.
type playerInfo struct {
	Algorithm string `json:"algorithm"`
	IssuedAt  int64  `json:"issued_at"` // seconds since 1970
	PlayerID  string `json:"player_id"`
	Request   string `json:"request_payload"`
}

// openPlayerInfo checks signature.payload, both base64url; the signature covers the payload
// as it is written.
func openPlayerInfo(token, secret string) (playerInfo, error) {
	signature, payload, found := strings.Cut(token, ".")
	given, err := decodeURL64(signature)
	if !found || err != nil || len(token) > maxToken {
		return playerInfo{}, errors.New("this is no signed player info")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(payload))
	if !hmac.Equal(given, mac.Sum(nil)) {
		return playerInfo{}, errors.New("the signature is not of our app secret")
	}
	var info playerInfo
	body, err := decodeURL64(payload)
	if err != nil || json.Unmarshal(body, &info) != nil || info.PlayerID == "" || info.IssuedAt <= 0 || info.IssuedAt > maxInstant {
		return playerInfo{}, errors.New("the signed player info does not decode")
	}
	if info.Algorithm != "HMAC-SHA256" {
		return playerInfo{}, errors.New("signed by another algorithm")
	}
	return info, nil
}

// decodeURL64 decodes base64url, padded or not.
func decodeURL64(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
