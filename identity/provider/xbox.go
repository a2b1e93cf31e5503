package provider

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
)

// What an XSTS token is signed by, and by whom.
const (
	XboxIssuer = "xsts.auth.xboxlive.com"
	// Tokens of relying parties with the option JKU name one of these, and a key there.
	XboxKeysURL    = "https://xsts-keys.auth.xboxlive.com/keys"
	XboxPSSKeysURL = "https://xsts-keys.auth.xboxlive.com/psskeys"
	// Tokens of the others name a certificate of this list.
	XboxCertificatesURL = "https://xsts.auth.xboxlive.com/xsts/signingkeys"

	XboxRetail = "RETAIL" // the sandbox of players
)

// xboxMultiplayer is the privilege to play with others over the network.
const xboxMultiplayer = "254"

// XboxOptions says which tokens are taken. Client, Now, RelyingParty and PrivateKeys are
// required.
type XboxOptions struct {
	Client       *Client
	Now          func() time.Time
	RelyingParty string   // as Partner Center has it: "rp://..." or "https://..."
	PrivateKeys  Secret   // one to four RSA keys in PEM; tokens are encrypted for one of them
	Sandbox      string   // empty: XboxRetail
	TitleIDs     []string // decimal; empty: whatever titles get tokens for our relying party

	// XUIDs makes Xbox user ids the subjects, for tokens without a partner XUID. They are
	// another name space: never change it for players there are.
	XUIDs bool
	// AllowSolo takes players without the privilege to play with others.
	AllowSolo bool
	// AllowReuse takes a token more than once, for games whose clients keep it.
	AllowReuse bool

	Keys         map[string]KeySource // by address; nil: XboxKeysURL and XboxPSSKeysURL
	Certificates KeySource            // by thumbprint; nil: those at XboxCertificatesURL
}

// Xbox proves players by XSTS tokens for the studio's own relying party, which only its
// private key opens. Subjects are partner XUIDs. Sources: Microsoft Game Development Kit,
// "Xbox services security tokens (XSTS tokens)" and "Example XSTS Token, decryption, and
// validation", as of January 2026; Microsoft's GameService sample.
type Xbox struct {
	o    XboxOptions
	keys relyingKeys
}

// NewXbox makes an Xbox.
func NewXbox(o XboxOptions) *Xbox {
	o.Sandbox = or(o.Sandbox, XboxRetail)
	if o.Keys == nil {
		o.Keys = make(map[string]KeySource)
		for _, address := range []string{XboxKeysURL, XboxPSSKeysURL} {
			o.Keys[address] = NewKeySet(o.Client, address, o.Now)
		}
	}
	if o.Certificates == nil {
		o.Certificates = newCertificateSet(o.Client, XboxCertificatesURL, o.Now)
	}
	return &Xbox{o: o}
}

// Takes implements identity.Taker.
func (x *Xbox) Takes() [][]string { return [][]string{{"token"}} }

// Verify implements identity.Provider. The token is what the game would send as
// Authorization header, "XBL3.0 x=userhash;token", or the token in it alone. It goes from
// what is cheap to what is dear: the form, one decryption, the claims, and only then a key
// of Xbox's and the signature, without which the claims are nobody's word.
func (x *Xbox) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	hash, text := cutXBL(proof.Token)
	sealed, err := parseSealed(text)
	if err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	private, err := x.privateKeys(ctx)
	if err != nil {
		return identity.Verified{}, err
	}
	opened, err := unseal(sealed, private)
	if err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	claims, err := opened.claims()
	if err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	who, reason, err := x.decide(claims, hash)
	if err != nil {
		return identity.Verified{}, identity.Refusal(reason, err)
	}
	key, err := x.signingKey(ctx, opened.signed.Signatures[0].Protected)
	if err != nil {
		return identity.Verified{}, err
	}
	if err := opened.check(key); err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	return who, nil
}

// cutXBL takes "XBL3.0 x=hash;token" apart. Without the form the whole text is the token; the
// hash "*" stands for all users, "-" for none of them.
func cutXBL(text string) (hash, token string) {
	rest, found := strings.CutPrefix(text, "XBL3.0 x=")
	if !found {
		return "", text
	}
	hash, token, _ = strings.Cut(rest, ";")
	if hash == "*" {
		hash = ""
	}
	return hash, token
}

// signingKey finds the key that a token names. Its headers jku and x5u are never followed: jku
// chooses among addresses of ours, x5u is for nothing. A token that names a certificate has a
// kid as well, which means the same.
func (x *Xbox) signingKey(ctx context.Context, header jose.Header) (any, error) {
	algorithm := jose.SignatureAlgorithm(header.Algorithm)
	thumbprint, _ := header.ExtraHeaders["x5t"].(string)
	address, _ := header.ExtraHeaders["jku"].(string)
	keys, ours := x.o.Keys[address]
	switch {
	case thumbprint != "":
		return x.o.Certificates.Key(ctx, thumbprint, algorithm)
	case header.KeyID != "" && ours:
		return keys.Key(ctx, header.KeyID, algorithm)
	}
	return nil, identity.Refusal(identity.CredentialInvalid, errors.New("the token names no key of Xbox"))
}

// decide says whom the claims are about. hash picks one of several users.
func (x *Xbox) decide(c Claims, hash string) (identity.Verified, identity.Reason, error) {
	if reason, err := x.checkToken(c); err != nil {
		return identity.Verified{}, reason, err
	}
	user, err := pickUser(c.Value("xui"), hash)
	if err != nil {
		return identity.Verified{}, identity.CredentialInvalid, err
	}
	claim := "ptx"
	if x.o.XUIDs {
		claim = "xid"
	}
	who := identity.Verified{Subject: user[claim], DisplayName: user["gtg"]}
	switch {
	case who.Subject == "":
		return identity.Verified{}, identity.CredentialInvalid, errors.New("the token has no " + claim)
	case !x.o.AllowSolo && !slices.Contains(strings.Fields(user["prv"]), xboxMultiplayer):
		return identity.Verified{}, identity.AgeOrPrivilege, errors.New("without the privilege " + xboxMultiplayer)
	}
	if !x.o.AllowReuse {
		who.Once, who.Until = c.once, c.ExpiresAt.Add(clockSkew)
	}
	return who, "", nil
}

// checkToken decides on everything but the user.
func (x *Xbox) checkToken(c Claims) (identity.Reason, error) {
	now := x.o.Now()
	title, _ := c.Value("xti").(map[string]any)
	titleID, _ := title["tid"].(string)
	switch {
	case c.Issuer != XboxIssuer:
		return identity.CredentialInvalid, errors.New("the token is of another issuer")
	case !slices.Equal(c.Audience, []string{x.o.RelyingParty}):
		return identity.WrongApplication, errors.New("the token is for another relying party")
	case c.ExpiresAt.IsZero() || c.NotBefore.IsZero():
		return identity.CredentialInvalid, errors.New("the token lacks exp or nbf")
	case c.NotBefore.After(now.Add(clockSkew)) || c.IssuedAt.After(now.Add(clockSkew)):
		return identity.CredentialInvalid, errors.New("the token is not valid yet")
	case !now.Before(c.ExpiresAt.Add(clockSkew)):
		return identity.CredentialExpired, errors.New("the token has expired")
	case c.Text("sbx") != x.o.Sandbox:
		return identity.WrongApplication, errors.New("the token is of another sandbox")
	case len(x.o.TitleIDs) > 0 && !slices.Contains(x.o.TitleIDs, titleID):
		return identity.WrongApplication, errors.New("the token is another title's")
	}
	return "", nil
}

// pickUser returns the claims of the one user, or of the one with the hash.
func pickUser(xui any, hash string) (map[string]string, error) {
	users, _ := xui.([]any)
	var picked []map[string]string
	for _, entry := range users {
		claims, _ := entry.(map[string]any)
		user := make(map[string]string, len(claims))
		for name, value := range claims {
			if text, ok := value.(string); ok {
				user[name] = text
			}
		}
		if hash == "" || user["uhs"] == hash {
			picked = append(picked, user)
		}
	}
	if len(picked) != 1 {
		return nil, errors.New("the token is about none of several users, or about nobody")
	}
	return picked[0], nil
}
