package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
)

// clockSkew is how far a platform's clock may be from ours.
const clockSkew = 60 * time.Second

// NoncePolicy says what a token has to be bound to.
type NoncePolicy string

// The policies. The zero value is NonceRequired.
const (
	NonceRequired NoncePolicy = "required" // a nonce of ours, sent beside the token
	NonceOptional NoncePolicy = "optional" // checked if the token or the client names one
	NonceNone     NoncePolicy = "none"     // for platforms that cannot: their tokens work once
)

// Rules is what a token must satisfy. Keys, Issuer and Audiences are required.
type Rules struct {
	Keys       KeySource
	Algorithms []jose.SignatureAlgorithm // empty: RS256 alone
	Issuer     func(issuer string) bool  // ExactIssuer or IssuerUnder
	Audiences  []string                  // our client ids
	// AudienceClaim is the claim that names the client: empty for aud, "client_id" for access
	// tokens of Amazon Cognito.
	AudienceClaim string
	// AccessTokens accepts access tokens, which are refused otherwise.
	AccessTokens bool
	// Required are claims that a token must have, each with one of the values given. "a.b" is
	// the member b of a claim a, unless there is a claim of that name.
	Required map[string][]string
	// Events is for tokens that tell of an event, not of a sign-in: they need neither sub nor
	// exp. Set MaxAge with it.
	Events bool
	// KeyURL is the one value that a header jku may have; the address is not followed. Empty:
	// a token with such a header is refused.
	KeyURL     string
	Nonce      NoncePolicy
	MaxAge     time.Duration // since the token was made; zero: until it expires
	MaxAuthAge time.Duration // since the player signed in there, which the token must say; zero: any
	Now        func() time.Time
}

// Expected is what came along with a token.
type Expected struct {
	Nonce       string // as the client sent it, unhashed
	AccessToken string // checked against at_hash, where the token has one
	Code        string // checked against c_hash, where the token has one
}

// Verifier checks ID tokens. Source: OpenID Connect Core 1.0, section 3.1.3.7. It is safe for
// concurrent use.
type Verifier struct{ rules Rules }

// NewVerifier makes a Verifier.
func NewVerifier(r Rules) *Verifier {
	if len(r.Algorithms) == 0 {
		r.Algorithms = []jose.SignatureAlgorithm{jose.RS256}
	}
	if r.AudienceClaim == "" {
		r.AudienceClaim = "aud"
	}
	if r.Nonce == "" {
		r.Nonce = NonceRequired
	}
	return &Verifier{r}
}

// ExactIssuer accepts these issuers, byte for byte.
func ExactIssuer(issuers ...string) func(string) bool {
	return func(issuer string) bool { return slices.Contains(issuers, issuer) }
}

// IssuerUnder accepts a base and what lies below it, "https://a.example" and
// "https://a.example/x" but not "https://a.example.evil".
func IssuerUnder(base string) func(string) bool {
	return func(issuer string) bool {
		rest, found := strings.CutPrefix(issuer, base)
		return found && (rest == "" || rest[0] == '/')
	}
}

// Verify checks a token against the rules. Errors are refusals; their causes hold nothing
// of the token. What would be refused whoever signed it is refused first: it is worth neither
// a call for keys nor the check of a signature.
func (v *Verifier) Verify(ctx context.Context, token string, with Expected) (Claims, error) {
	opened, err := openToken(token, v.rules.Algorithms, v.rules.KeyURL)
	if err != nil {
		return Claims{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	claims, err := opened.claims()
	if err != nil {
		return Claims{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	if reason, err := v.rules.check(claims, opened.header, with); err != nil {
		return Claims{}, identity.Refusal(reason, err)
	}
	key, err := v.rules.Keys.Key(ctx, opened.header.KeyID, opened.header.Algorithm)
	if err != nil {
		return Claims{}, err
	}
	if err := opened.check(key); err != nil {
		return Claims{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	return claims, nil
}

// Proved turns checked claims into whom they are about. The token works once: by the nonce
// it is bound to, or as it is.
func (v *Verifier) Proved(claims Claims, with Expected) identity.Verified {
	who := identity.Verified{Subject: claims.Subject}
	if v.rules.Nonce != NonceNone && claims.Nonce != "" {
		who.Nonce = with.Nonce
		return who
	}
	who.Once, who.Until = claims.once, claims.ExpiresAt.Add(clockSkew)
	return who
}

// check decides on everything but the signature.
func (r *Rules) check(c Claims, h tokenHeader, with Expected) (identity.Reason, error) {
	switch {
	case !r.Issuer(c.Issuer):
		return identity.CredentialInvalid, errors.New("the token is of another issuer")
	case c.Subject == "" && !r.Events:
		return identity.CredentialInvalid, errors.New("the token is about nobody")
	case !r.AccessTokens && isAccessToken(c, h):
		return identity.CredentialInvalid, errors.New("the token is an access token, not an ID token")
	}
	for _, check := range []func() (identity.Reason, error){
		func() (identity.Reason, error) { return r.checkAudience(c) },
		func() (identity.Reason, error) { return r.checkTimes(c) },
		func() (identity.Reason, error) { return checkRequired(c, r.Required) },
		func() (identity.Reason, error) { return r.checkNonce(c, with) },
		func() (identity.Reason, error) { return checkHashes(c, h, with) },
	} {
		if reason, err := check(); err != nil {
			return reason, err
		}
	}
	return "", nil
}

// isAccessToken tells by the type that RFC 9068 gives, and by the claim that Amazon Cognito
// and others give.
func isAccessToken(c Claims, h tokenHeader) bool {
	typ := strings.TrimPrefix(strings.ToLower(h.Type), "application/")
	use := c.Text("token_use")
	return typ == "at+jwt" || use != "" && use != "id"
}

func (r *Rules) checkAudience(c Claims) (identity.Reason, error) {
	audience := c.Audience
	if r.AudienceClaim != "aud" {
		audience = []string{c.Text(r.AudienceClaim)}
	}
	ours := func(id string) bool { return id != "" && slices.Contains(r.Audiences, id) }
	if !slices.ContainsFunc(audience, ours) {
		return identity.WrongApplication, errors.New("the token is for another audience")
	}
	if c.AuthorizedParty != "" || len(audience) > 1 {
		if !ours(c.AuthorizedParty) {
			return identity.WrongApplication, errors.New("the token was given to another party")
		}
	}
	return "", nil
}

func (r *Rules) checkTimes(c Claims) (identity.Reason, error) {
	now := r.Now()
	switch {
	case c.ExpiresAt.IsZero() && !r.Events, c.IssuedAt.IsZero():
		return identity.CredentialInvalid, errors.New("the token lacks exp or iat")
	case c.IssuedAt.After(now.Add(clockSkew)):
		return identity.CredentialInvalid, errors.New("the token was made in the future")
	case c.NotBefore.After(now.Add(clockSkew)):
		return identity.CredentialInvalid, errors.New("the token is not valid yet")
	case !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt.Add(clockSkew)):
		return identity.CredentialExpired, errors.New("the token has expired")
	case r.MaxAge > 0 && now.After(c.IssuedAt.Add(r.MaxAge+clockSkew)):
		return identity.CredentialExpired, errors.New("the token is too old")
	case r.MaxAuthAge <= 0:
		return "", nil
	case c.AuthenticatedAt.IsZero():
		return identity.CredentialInvalid, errors.New("the token lacks auth_time")
	case now.After(c.AuthenticatedAt.Add(r.MaxAuthAge + clockSkew)):
		return identity.CredentialExpired, errors.New("the player signed in there too long ago")
	}
	return "", nil
}

// checkRequired holds claims against what is required of them.
func checkRequired(c Claims, required map[string][]string) (identity.Reason, error) {
	for _, name := range slices.Sorted(maps.Keys(required)) {
		if !slices.Contains(required[name], scalar(c.at(name))) {
			return identity.WrongApplication, fmt.Errorf("the token does not have the required %s", name)
		}
	}
	return "", nil
}

func (r *Rules) checkNonce(c Claims, with Expected) (identity.Reason, error) {
	switch {
	case r.Nonce == NonceNone:
		return "", nil
	case r.Nonce == NonceOptional && c.Nonce == "" && with.Nonce == "":
		return "", nil
	case with.Nonce == "" || !boundTo(c.Nonce, with.Nonce):
		return identity.NonceMismatch, errors.New("the token is not bound to the nonce")
	}
	return "", nil
}

func checkHashes(c Claims, h tokenHeader, with Expected) (identity.Reason, error) {
	for claim, value := range map[string]string{"at_hash": with.AccessToken, "c_hash": with.Code} {
		told := c.Text(claim)
		if told == "" || value == "" {
			continue
		}
		want, err := halfHash(h.Algorithm, value)
		if err != nil {
			return identity.CredentialInvalid, err
		}
		if told != want {
			return identity.CredentialInvalid, fmt.Errorf("the token's %s is of something else", claim)
		}
	}
	return "", nil
}
