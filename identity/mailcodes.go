package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

// MailCodes makes the codes and links that mails carry. They follow from the id of a
// request and the signing keys, so that nothing that is stored gives one away, not even
// while its mail waits to be sent.
type MailCodes struct {
	keys KeySource
	now  func() time.Time
	page string // where links lead; empty: there are none
}

// NewMailCodes makes MailCodes. page is the address of a page of the studio's that takes
// links, or empty; what it is to know stands in the fragment, which no server sees.
func NewMailCodes(keys KeySource, now func() time.Time, page string) *MailCodes {
	return &MailCodes{keys: keys, now: now, page: page}
}

// codeAlphabet has no letters that look like another character (Crockford's base 32).
var codeAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Sizes: a code is 40 bits, to be guessed a few times at most; a link cannot be guessed.
const (
	codeBytes   = 5
	mailPurpose = "mail codes"
)

// Reveal gives the code and the link of a request, as its mail says them.
func (c *MailCodes) Reveal(id string) (code, link string, err error) {
	keys, err := c.keys.At(c.now()).Derive(mailPurpose)
	if err != nil {
		return "", "", err
	}
	code = codeOf(keys[0], id)
	if c.page != "" {
		link = c.page + "#" + url.Values{"token": {id + "." + linkSecretOf(keys[0], id)}}.Encode()
	}
	return code[:4] + "-" + code[4:], link, nil
}

func codeOf(key Derived, id string) string {
	return codeAlphabet.EncodeToString(macOf(key, "code", id)[:codeBytes])
}

func linkSecretOf(key Derived, id string) string {
	return base64.RawURLEncoding.EncodeToString(macOf(key, "link", id))
}

func macOf(key Derived, use, id string) []byte {
	mac := hmac.New(sha256.New, key.Secret)
	_, _ = mac.Write([]byte(use + "\x00" + id)) // a hash never fails to write
	return mac.Sum(nil)
}

// isCode says, in constant time, whether somebody read the code of a request. Case, spaces
// and hyphens do not matter. The codes of all keys do, so that a change of keys costs nobody
// theirs.
func (c *MailCodes) isCode(id, said string) (bool, error) {
	return c.matches(id, strings.Map(codeRune, said), codeOf)
}

// isLink says the same of the secret of a link.
func (c *MailCodes) isLink(id, secret string) (bool, error) {
	return c.matches(id, secret, linkSecretOf)
}

func (c *MailCodes) matches(id, said string, of func(key Derived, id string) string) (bool, error) {
	keys, err := c.keys.At(c.now()).Derive(mailPurpose)
	if err != nil {
		return false, err
	}
	right := 0
	for _, key := range keys {
		right |= subtle.ConstantTimeCompare([]byte(of(key, id)), []byte(said))
	}
	return right == 1, nil
}

// codeRune reads one character of a code as people write it.
func codeRune(r rune) rune {
	switch {
	case r == ' ' || r == '-':
		return -1
	case r >= 'a' && r <= 'z':
		r += 'A' - 'a'
	}
	switch r {
	case 'O':
		return '0'
	case 'I', 'L':
		return '1'
	}
	return r
}
