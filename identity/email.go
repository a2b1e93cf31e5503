package identity

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"muster"
)

// Bounds of an address (RFC 5321, 4.5.3.1), in bytes.
const (
	maxAddress   = 254
	maxLocalPart = 64
)

// canonicalEmail is the form in which addresses are compared, kept and written to:
// without spaces around, in lower case, the domain in ASCII (UTS 46). The part before the @
// is lower-cased too: no known provider tells Ann from ann, and players do not either. It
// is ASCII without quotes; what providers make of dots and plus signs is theirs.
func canonicalEmail(text string) (string, error) {
	text = strings.TrimSpace(text)
	at := strings.LastIndexByte(text, '@')
	if at < 1 || len(text) > 4*maxAddress {
		return "", errEmailInvalid()
	}
	local := strings.ToLower(text[:at])
	if !dotAtom(local) || len(local) > maxLocalPart {
		return "", errEmailInvalid()
	}
	domain, err := idna.Lookup.ToASCII(text[at+1:])
	if err == nil { // bytes that are no text become a label that nobody could look up
		_, err = idna.Lookup.ToASCII(domain)
	}
	if err != nil || !utf8.ValidString(text) || !strings.Contains(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		return "", errEmailInvalid()
	}
	address := local + "@" + strings.ToLower(domain)
	if last := domain[strings.LastIndexByte(domain, '.')+1:]; len(address) > maxAddress || strings.Trim(last, "0123456789") == "" {
		return "", errEmailInvalid() // too long, or a number, as of an IP address
	}
	return address, nil
}

// dotAtom says that text is a local part without quotes (RFC 5322, 3.2.3).
func dotAtom(text string) bool {
	for word := range strings.SplitSeq(text, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
		}) {
			return false
		}
	}
	return true
}

// emailIdentity is the way in of whoever reads the mail of an address.
func emailIdentity(address string) muster.Identity {
	return muster.Identity{Provider: muster.EmailProvider, Subject: address}
}

func errEmailInvalid() error {
	return muster.Errorf(muster.Invalid, "email.invalid", "this is not an e-mail address that we can write to")
}
