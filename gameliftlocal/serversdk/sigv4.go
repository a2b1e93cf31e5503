package serversdk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

const (
	signatureAlgorithm  = "AWS4-HMAC-SHA256"
	signatureTimeLayout = "20060102T150405Z"
	// maxSkew is how old or early the signature of a new process may be. One that is
	// known repeats its first signature on every reconnect, hours later.
	maxSkew = 15 * time.Minute
)

var errSignature = errors.New("the request signature does not match")

// verifySignature checks the SDKs' variant of Signature Version 4: it covers the three
// ids and nothing else, no method, path, host or payload. secretKey finds the secret of
// an access key. reconnect drops the check of its age. Source: Go server SDK 5.5.0.
func verifySignature(q query, now time.Time, reconnect bool, secretKey func(string) (string, bool)) error {
	if q.algorithm != signatureAlgorithm {
		return errors.New("X-Amz-Algorithm is not " + signatureAlgorithm)
	}
	accessKey, scope, _ := strings.Cut(q.credential, "/")
	parts := strings.Split(scope, "/") // date, region, service, terminator
	if len(parts) != 4 || parts[2] != "gamelift" || parts[3] != "aws4_request" {
		return errors.New("X-Amz-Credential is not <access key>/<date>/<region>/gamelift/aws4_request")
	}
	at, err := time.Parse(signatureTimeLayout, q.date)
	if err != nil || !strings.HasPrefix(q.date, parts[0]+"T") {
		return errors.New("X-Amz-Date is not a time of the credential's date")
	}
	if !reconnect && now.Sub(at).Abs() > maxSkew {
		return errors.New("the request signature has expired")
	}
	secret, ok := secretKey(accessKey)
	if !ok {
		return errors.New("the access key is not known")
	}
	for _, encoded := range canonicalQueries(q) {
		want := sign(secret, q.date, parts, encoded)
		if hmac.Equal([]byte(want), []byte(q.signature)) {
			return nil
		}
	}
	return errSignature
}

// sign is the signature of a canonical query.
func sign(secret, date string, scope []string, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{signatureAlgorithm, date, strings.Join(scope, "/"), hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // a hash never fails
	return h.Sum(nil)
}

// canonicalQueries is what may have been signed: Go writes a space as a plus, the
// others as %20.
func canonicalQueries(q query) []string {
	canonical := "ComputeId=" + escape(q.compute) + "&FleetId=" + escape(q.fleet) + "&pID=" + escape(q.process)
	return []string{canonical, strings.ReplaceAll(canonical, "%20", "+")}
}

// escape encodes every byte but the unreserved ones of RFC 3986.
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
