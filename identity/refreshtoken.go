package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"

	"muster"
)

// A refresh token's text is "mrt_<player>.<family>.<secret>.<tag>": where its record
// is, 256 bits that prove it, and a tag that shows we made it. The tag tells a token
// that was used before, which ends the family, from one that somebody invented, which
// does nothing: to know a player's ids must not be enough to sign them out.

const (
	refreshPrefix    = "mrt_"
	tagBytes         = 16
	maxRefreshToken  = 512 // bytes; ours have some 150
	maxRefreshIDText = 128 // bytes of the player or the family
)

var refreshID = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)

// refreshToken is what the text of a refresh token says.
type refreshToken struct {
	player muster.PlayerID
	family string
	secret []byte // secretBytes long
	tag    []byte // tagBytes long
}

// String is the text handed to the client. It is a secret.
func (t refreshToken) String() string {
	b64 := base64.RawURLEncoding
	return refreshPrefix + string(t.player) + "." + t.family + "." + b64.EncodeToString(t.secret) + "." + b64.EncodeToString(t.tag)
}

// parseRefreshToken reads the text of a refresh token; ok is false for any text that
// String could not have written.
func parseRefreshToken(text string) (t refreshToken, ok bool) {
	body, found := strings.CutPrefix(text, refreshPrefix)
	if !found || len(text) > maxRefreshToken {
		return refreshToken{}, false
	}
	parts := strings.Split(body, ".")
	if len(parts) != 4 || !isRefreshID(parts[0]) || !isRefreshID(parts[1]) {
		return refreshToken{}, false
	}
	b64 := base64.RawURLEncoding.Strict()
	secret, err := b64.DecodeString(parts[2])
	if err != nil || len(secret) != secretBytes {
		return refreshToken{}, false
	}
	tag, err := b64.DecodeString(parts[3])
	if err != nil || len(tag) != tagBytes {
		return refreshToken{}, false
	}
	t = refreshToken{player: muster.PlayerID(parts[0]), family: parts[1], secret: secret, tag: tag}
	// The decoder skips line breaks; a token has one spelling.
	return t, t.String() == text
}

func isRefreshID(s string) bool { return len(s) <= maxRefreshIDText && refreshID.MatchString(s) }

// hash is what the store keeps of the token.
func (t refreshToken) hash() []byte {
	sum := sha256.Sum256(t.secret)
	return sum[:]
}

// sealed is the token with the tag that tagKey gives its secret.
func (t refreshToken) sealed(tagKey []byte) refreshToken {
	t.tag = mac(tagKey, t.secret)[:tagBytes]
	return t
}

// genuine says that we made the token: its tag is that of its secret.
func (t refreshToken) genuine(tagKey []byte) bool {
	return hmac.Equal(t.tag, mac(tagKey, t.secret)[:tagBytes])
}

// next is the token that replaces this one under a salt. The salt alone (the store)
// or this token alone (a client) does not tell it; both together always tell the same,
// so that a lost answer can be given again without keeping any token.
func (t refreshToken) next(salt, tagKey []byte) refreshToken {
	t.secret = mac(salt, t.secret)
	return t.sealed(tagKey)
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(message) // a hash never fails to write
	return h.Sum(nil)
}
