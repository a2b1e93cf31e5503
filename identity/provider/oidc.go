package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
)

// OIDCOptions describe an OpenID provider. Client, Issuer, ClientIDs and Now are required.
type OIDCOptions struct {
	Client *Client
	Now    func() time.Time

	Issuer      string   // as tokens name it, byte for byte
	MoreIssuers []string // that tokens may name instead
	IssuerBelow bool     // tokens may name what lies below Issuer, too
	ClientIDs   []string // ours, each of which a token may be for
	Algorithms  []jose.SignatureAlgorithm
	// KeysURL is where the keys are; empty: the issuer's description says it.
	KeysURL string
	Keys    KeySource // instead of published keys; nil: they are published
	// NamesKeysURL says that tokens have a header jku, which has to be KeysURL.
	NamesKeysURL bool

	SubjectClaim string              // whose value is the subject; empty: sub
	NameClaim    string              // whose value people may read; empty: none
	Required     map[string][]string // see Rules; of opaque tokens, the answer about them must have these
	Nonce        NoncePolicy
	MaxAge       time.Duration // see Rules
	MaxAuthAge   time.Duration // see Rules

	Code *CodeOptions // nil: no authorization codes
	// Introspection nil: no opaque tokens. They are bound to no nonce and do not say their age:
	// Nonce, MaxAge and MaxAuthAge are for ID tokens alone, and an opaque token works once.
	Introspection *IntrospectionOptions
}

// CodeOptions is how authorization codes are exchanged.
type CodeOptions struct {
	Credentials
	RedirectURIs []string // that codes may be made for
	TokenURL     string   // empty: the issuer's description says it
	WithoutPKCE  bool     // accept a code without a verifier
	// WantIssuer refuses a code without the iss that came with it (RFC 9207). One that comes is
	// looked at in any case.
	WantIssuer bool
}

// IntrospectionOptions is how opaque access tokens are looked at (RFC 7662).
type IntrospectionOptions struct {
	Credentials
	URL string // empty: the issuer's description says it
}

// OIDC proves identities with an OpenID provider: by ID tokens, by authorization codes, or by
// opaque access tokens. It is safe for concurrent use.
type OIDC struct {
	client       *Client
	verifier     *Verifier
	code         *codeExchange
	introspected *introspection
	subjectClaim string
	nameClaim    string
	nonce        NoncePolicy
}

// NewOIDC makes an OIDC. It calls nobody before it is asked.
func NewOIDC(o OIDCOptions) *OIDC {
	dir := newDirectory(o.Client, o.Issuer, o.Now)
	keys := o.Keys
	if keys == nil {
		keys = newKeySetAt(o.Client, fixedOr(o.KeysURL, dir, keysMember), o.Now)
	}
	issuer := ExactIssuer(append([]string{o.Issuer}, o.MoreIssuers...)...)
	if o.IssuerBelow {
		issuer = IssuerUnder(o.Issuer)
	}
	keyURL := ""
	if o.NamesKeysURL {
		keyURL = o.KeysURL
	}
	p := &OIDC{
		client: o.Client, subjectClaim: o.SubjectClaim, nameClaim: o.NameClaim, nonce: o.Nonce,
		verifier: NewVerifier(Rules{
			Keys: keys, Algorithms: o.Algorithms, Issuer: issuer, KeyURL: keyURL,
			Audiences: o.ClientIDs, Nonce: o.Nonce, MaxAge: o.MaxAge, MaxAuthAge: o.MaxAuthAge, Required: o.Required, Now: o.Now,
		}),
	}
	if o.Code != nil {
		credentials := o.Code.Credentials
		p.code = &codeExchange{
			client: o.Client, now: o.Now, redirects: o.Code.RedirectURIs, pkce: !o.Code.WithoutPKCE,
			issuer: issuer, wantsIssuer: o.Code.WantIssuer,
			endpoint:    fixedOr(o.Code.TokenURL, dir, tokenMember),
			credentials: func(identity.Proof) (Credentials, error) { return credentials, nil },
		}
	}
	if o.Introspection != nil {
		p.introspected = &introspection{
			client: o.Client, credentials: o.Introspection.Credentials, issuer: issuer, audiences: o.ClientIDs, required: o.Required, now: o.Now,
			endpoint: fixedOr(o.Introspection.URL, dir, introspectionMember),
		}
	}
	return p
}

func fixedOr(address string, dir *directory, m member) func(context.Context) (string, error) {
	if address != "" {
		return func(context.Context) (string, error) { return address, nil }
	}
	return dir.address(m)
}

// Verify implements identity.Provider.
func (p *OIDC) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	switch {
	case proof.Code != "" && p.code != nil:
		who, _, err := p.byCode(ctx, proof)
		return who, err
	case proof.Token == "":
	case LooksLikeJWT(proof.Token):
		return p.byToken(ctx, proof.Token, Expected{Nonce: proof.Nonce})
	case p.introspected != nil && visible(proof.Token):
		claims, who, err := p.introspected.verify(ctx, proof.Token)
		if err != nil {
			return identity.Verified{}, err
		}
		return p.about(claims, who)
	}
	return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("there is no proof of a kind that is taken"))
}

// Takes implements identity.Taker.
func (p *OIDC) Takes() [][]string {
	token, code := []string{"token"}, []string{"code", "redirectUri"}
	if p.nonce == "" || p.nonce == NonceRequired {
		token, code = append(token, "nonce"), append(code, "nonce")
	}
	takes := [][]string{token}
	if p.code != nil {
		if p.code.pkce {
			code = append(code, "codeVerifier")
		}
		if p.code.wantsIssuer {
			code = append(code, "fields."+issuerField)
		}
		takes = append(takes, code)
	}
	return takes
}

// byToken proves by an ID token.
func (p *OIDC) byToken(ctx context.Context, token string, with Expected) (identity.Verified, error) {
	claims, err := p.verifier.Verify(ctx, token, with)
	if err != nil {
		return identity.Verified{}, err
	}
	return p.about(claims, p.verifier.Proved(claims, with))
}

// about has checked claims say who it is.
func (p *OIDC) about(claims Claims, who identity.Verified) (identity.Verified, error) {
	if p.subjectClaim != "" {
		who.Subject = scalar(claims.at(p.subjectClaim))
		if who.Subject == "" {
			return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, fmt.Errorf("the token does not have %s", p.subjectClaim))
		}
	}
	who.DisplayName = claims.Text(p.nameClaim)
	return who, nil
}

// byCode proves by the ID token that a code is worth.
func (p *OIDC) byCode(ctx context.Context, proof identity.Proof) (identity.Verified, tokens, error) {
	if p.verifier.rules.Nonce == NonceRequired && proof.Nonce == "" { // no token will do: spare the code
		return identity.Verified{}, tokens{}, identity.Refusal(identity.NonceMismatch, errors.New("the code comes without a nonce"))
	}
	got, err := p.code.trade(ctx, proof)
	if err != nil {
		return identity.Verified{}, tokens{}, err
	}
	if got.IDToken == "" {
		return identity.Verified{}, tokens{}, p.client.Misconfigured(ctx, "it gives no ID token for a code: the scope openid is missing")
	}
	who, err := p.byToken(ctx, got.IDToken, Expected{Nonce: proof.Nonce, AccessToken: got.AccessToken, Code: proof.Code})
	who.Once = "" // the platform takes a code once
	return who, got, err
}

// scalar is a claim's value as text: a string as it is, numbers and truths as JSON has them;
// empty for anything else.
func scalar(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case bool:
		return fmt.Sprint(value)
	case float64:
		if value == float64(int64(value)) {
			return fmt.Sprint(int64(value))
		}
	}
	return ""
}

// introspection asks an issuer about opaque access tokens. Source: RFC 7662.
type introspection struct {
	client      *Client
	endpoint    func(context.Context) (string, error)
	credentials Credentials
	issuer      func(string) bool
	audiences   []string
	required    map[string][]string
	now         func() time.Time
}

// verify gives what the issuer says of a token, and whom it is about.
func (i *introspection) verify(ctx context.Context, token string) (Claims, identity.Verified, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	answer, err := i.client.post(ctx, i.endpoint, &i.credentials, form, true, i.now())
	switch {
	case err != nil:
		return Claims{}, identity.Verified{}, err
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return Claims{}, identity.Verified{}, i.client.Misconfigured(ctx, "it does not let us look at tokens")
	case !answer.OK():
		return Claims{}, identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, fmt.Errorf("the platform answers %d", answer.Status))
	}
	var about struct {
		Active   *bool   `json:"active"`
		ClientID string  `json:"client_id"`
		Audience any     `json:"aud"`
		Issuer   string  `json:"iss"`
		Subject  string  `json:"sub"`
		Expiry   float64 `json:"exp"`
	}
	if err := answer.JSON(&about); err != nil {
		return Claims{}, identity.Verified{}, err
	}
	var claims Claims
	if err := answer.JSON(&claims.all); err != nil {
		return Claims{}, identity.Verified{}, err
	}
	audience, ok := texts(about.Audience)
	expiresAt, expires := instant(about.Expiry)
	switch {
	case about.Active == nil || !ok:
		return Claims{}, identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the platform does not say whether the token is active"))
	case !*about.Active:
		return Claims{}, identity.Verified{}, identity.Refusal(identity.CredentialExpired, errors.New("the token is not active"))
	case about.Issuer != "" && !i.issuer(about.Issuer):
		return Claims{}, identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the token is of another issuer"))
	case !i.forUs(about.ClientID, audience):
		return Claims{}, identity.Verified{}, identity.Refusal(identity.WrongApplication, errors.New("the token is for another client"))
	case about.Subject == "" || !expires:
		return Claims{}, identity.Verified{}, i.client.Misconfigured(ctx, "it does not say whose a token is, or until when")
	case !i.now().Before(expiresAt.Add(clockSkew)):
		return Claims{}, identity.Verified{}, identity.Refusal(identity.CredentialExpired, errors.New("the token has expired"))
	}
	if reason, err := checkRequired(claims, i.required); err != nil {
		return Claims{}, identity.Verified{}, identity.Refusal(reason, err)
	}
	sum := sha256.Sum256([]byte(token))
	return claims, identity.Verified{Subject: about.Subject, Once: hex.EncodeToString(sum[:]), Until: expiresAt.Add(clockSkew)}, nil
}

// forUs says whether a token was given to one of our clients, or is for one where the
// platform does not say whom it gave it to.
func (i *introspection) forUs(client string, audience []string) bool {
	if client != "" {
		audience = []string{client}
	}
	return slices.ContainsFunc(audience, func(id string) bool { return slices.Contains(i.audiences, id) })
}
