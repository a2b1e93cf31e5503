package identity

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 has by default, and authenticator apps know; HMAC holds with it
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Codes of authenticator apps are those of RFC 6238 as every app has them: HMAC-SHA1, six
// digits, another one every thirty seconds.
const (
	totpPeriod      = 30 * time.Second
	totpDigits      = 6
	totpSecretBytes = 20 // as RFC 4226, 4 recommends
	// totpSkew is how many steps a code may be early or late: clocks differ, and typing takes
	// a while.
	totpSkew = 1
)

// totpStep is the number of the step that an instant lies in.
func totpStep(at time.Time) int64 { return at.Unix() / int64(totpPeriod/time.Second) }

// totpCode is the code of a step (RFC 4226, 5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step))) //nolint:gosec // steps count from 1970; a hash never fails to write
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", totpDigits, (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// totpMatch says, in constant time, of which step around an instant a code is. Codes of the
// step used and of those before are of none: they may have been read by somebody else.
func totpMatch(secret []byte, said string, now time.Time, used int64) (step int64, ok bool) {
	said = strings.Map(digitRune, said)
	present := totpStep(now)
	for near := present - totpSkew; near <= present+totpSkew; near++ {
		right := subtle.ConstantTimeCompare([]byte(totpCode(secret, near)), []byte(said)) == 1
		if right && near > used {
			step, ok = near, true
		}
	}
	return step, ok
}

// digitRune leaves out what people write between digits.
func digitRune(r rune) rune {
	if r == ' ' || r == '-' {
		return -1
	}
	return r
}

// totpText is a secret as people type it.
func totpText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// totpURI is what the QR code of a secret says. Source: the key URI format of Google
// Authenticator's wiki, which the apps follow.
func totpURI(secret []byte, game, address string) string {
	game = strings.ReplaceAll(game, ":", " ") // which would end it
	values := url.Values{
		"secret": {totpText(secret)}, "issuer": {game}, "algorithm": {"SHA1"},
		"digits": {strconv.Itoa(totpDigits)}, "period": {strconv.Itoa(int(totpPeriod / time.Second))},
	}
	// Spaces as %20: some apps show a plus sign as it is.
	return "otpauth://totp/" + url.PathEscape(game+":"+address) + "?" + strings.ReplaceAll(values.Encode(), "+", "%20")
}
