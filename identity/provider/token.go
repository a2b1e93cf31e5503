package provider

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// maxToken bounds the text of a token, in bytes.
const maxToken = 16 << 10

// tokenHeader is the part of a token's header that counts.
type tokenHeader struct {
	Algorithm jose.SignatureAlgorithm `json:"alg"`
	KeyID     string                  `json:"kid"`
	Type      string                  `json:"typ"`
	KeyURL    string                  `json:"jku"`
}

// refusedHeaders would let the token say with which key it is checked, or change how it is
// read.
var refusedHeaders = []string{"jwk", "x5u", "x5c", "crit", "b64", "zip"}

// openedToken is a token of a form that is worth the check of its signature.
type openedToken struct {
	header tokenHeader
	signed *jose.JSONWebSignature
}

// openToken reads a token in the compact form. It trusts nothing of it.
func openToken(text string, algorithms []jose.SignatureAlgorithm, keyURL string) (openedToken, error) {
	if len(text) > maxToken {
		return openedToken{}, fmt.Errorf("the token is longer than %d bytes", maxToken)
	}
	if !LooksLikeJWT(text) {
		return openedToken{}, errors.New("the token does not have three parts")
	}
	head, _, _ := strings.Cut(text, ".")
	header, err := readHeader(head, algorithms, keyURL)
	if err != nil {
		return openedToken{}, err
	}
	signed, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return openedToken{}, errors.New("the token does not parse")
	}
	return openedToken{header, signed}, nil
}

// LooksLikeJWT says that a text has the three parts of a signed token, as opposed to an
// opaque one.
func LooksLikeJWT(text string) bool {
	foreign := func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return strings.Count(text, ".") == 2 && !strings.ContainsFunc(text, foreign)
}

func readHeader(part string, algorithms []jose.SignatureAlgorithm, keyURL string) (tokenHeader, error) {
	var header tokenHeader
	body, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return header, errors.New("the token's header does not decode")
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || json.Unmarshal(body, &header) != nil {
		return header, errors.New("the token's header is not the JSON expected")
	}
	for _, name := range refusedHeaders {
		if _, there := members[name]; there {
			return header, fmt.Errorf("the token's header has %s", name)
		}
	}
	if _, there := members["jku"]; there && (keyURL == "" || header.KeyURL != keyURL) {
		return header, errors.New("the token's header names another address of keys")
	}
	if !slices.Contains(algorithms, header.Algorithm) {
		return header, errors.New("the token is signed with another algorithm")
	}
	return header, nil
}

// check says whether a key signed the token.
func (t openedToken) check(key any) error {
	if _, err := t.signed.Verify(key); err != nil {
		return errors.New("the token's signature is not of its key")
	}
	return nil
}

// claims reads what the signature covers. They are nobody's word before check.
func (t openedToken) claims() (Claims, error) {
	payload := t.signed.UnsafePayloadWithoutVerification()
	claims, err := readClaims(payload)
	// One token can be written as more than one text; what its signature covers cannot.
	covered := sha256.Sum256(payload)
	claims.once = hex.EncodeToString(covered[:])
	return claims, err
}

// Claims are what a token says.
type Claims struct {
	Issuer          string
	Subject         string
	Audience        []string
	AuthorizedParty string
	Nonce           string
	ExpiresAt       time.Time
	IssuedAt        time.Time
	NotBefore       time.Time
	AuthenticatedAt time.Time

	all  map[string]any
	once string // the same for every text that the token can be written as
}

// Text is a claim that is a string; empty: it is not there, or is something else.
func (c Claims) Text(name string) string {
	text, _ := c.all[name].(string)
	return text
}

// Texts is a claim that is a list of strings, or one.
func (c Claims) Texts(name string) []string {
	texts, _ := texts(c.all[name])
	return texts
}

// Truth is a claim that is true, or "true".
func (c Claims) Truth(name string) bool { return c.all[name] == true || c.all[name] == "true" }

// Value is a claim as JSON decodes it; nil: it is not there.
func (c Claims) Value(name string) any { return c.all[name] }

// at is a claim, or a member of one, "a.b"; nil: it is not there.
func (c Claims) at(path string) any {
	if value, there := c.all[path]; there {
		return value
	}
	name, member, nested := strings.Cut(path, ".")
	group, ok := c.all[name].(map[string]any)
	if !nested || !ok {
		return nil
	}
	return group[member]
}

func readClaims(payload []byte) (Claims, error) {
	var c Claims
	// This decoder takes no member twice, and no name in another case.
	if err := json.Unmarshal(payload, &c.all); err != nil || c.all == nil {
		return Claims{}, errors.New("the token's claims are not a JSON object")
	}
	for name, dest := range map[string]*string{"iss": &c.Issuer, "sub": &c.Subject, "azp": &c.AuthorizedParty, "nonce": &c.Nonce} {
		value, there := c.all[name]
		text, ok := value.(string)
		if there && !ok {
			return Claims{}, fmt.Errorf("the token's %s is not a string", name)
		}
		*dest = text
	}
	for name, dest := range map[string]*time.Time{"exp": &c.ExpiresAt, "iat": &c.IssuedAt, "nbf": &c.NotBefore, "auth_time": &c.AuthenticatedAt} {
		value, there := c.all[name]
		at, ok := instant(value)
		if there && !ok {
			return Claims{}, fmt.Errorf("the token's %s is not a time", name)
		}
		*dest = at
	}
	audience, ok := texts(c.all["aud"])
	if !ok {
		return Claims{}, errors.New("the token's aud is neither a string nor a list of strings")
	}
	c.Audience = audience
	return c, nil
}

// maxInstant is the year 9999, in seconds since 1970.
const maxInstant = 253402300799

// instant reads a NumericDate (RFC 7519, section 2).
func instant(value any) (time.Time, bool) {
	seconds, ok := value.(float64)
	if !ok || math.IsNaN(seconds) || seconds <= 0 || seconds > maxInstant {
		return time.Time{}, false
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*float64(time.Second))).UTC(), true
}

// texts reads a string or a list of strings; nil is an empty list.
func texts(value any) ([]string, bool) {
	switch value := value.(type) {
	case nil:
		return nil, true
	case string:
		return []string{value}, true
	case []any:
		list := make([]string, 0, len(value))
		for _, item := range value {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			list = append(list, text)
		}
		return list, true
	}
	return nil, false
}

// boundTo says whether a token's nonce is the one we gave out, as it is or hashed, which is
// how Apple's libraries and others pass it on.
func boundTo(claim, nonce string) bool {
	sum := sha256.Sum256([]byte(nonce))
	bound := 0
	for _, form := range []string{nonce, hex.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:])} {
		bound |= subtle.ConstantTimeCompare([]byte(claim), []byte(form))
	}
	return bound == 1
}

// halfHash is the value of at_hash or c_hash for a text. Source: OpenID Connect Core 1.0,
// section 3.1.3.6; for EdDSA, which the source does not name, SHA-512 goes with Ed25519.
func halfHash(algorithm jose.SignatureAlgorithm, text string) (string, error) {
	var sum []byte
	switch {
	case strings.HasSuffix(string(algorithm), "256"):
		whole := sha256.Sum256([]byte(text))
		sum = whole[:]
	case strings.HasSuffix(string(algorithm), "384"):
		whole := sha512.Sum384([]byte(text))
		sum = whole[:]
	case strings.HasSuffix(string(algorithm), "512"), algorithm == jose.EdDSA:
		whole := sha512.Sum512([]byte(text))
		sum = whole[:]
	default:
		return "", errors.New("no hash goes with the token's algorithm")
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]), nil
}
