package wire

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AWS Signature Version 4, seen from the service. Source: AWS General Reference, "Create
// a signed AWS API request".
const (
	algorithm      = "AWS4-HMAC-SHA256"
	signingName    = "gamelift"
	scopeEnd       = "aws4_request"
	timeLayout     = "20060102T150405Z"
	dayLayout      = "20060102"
	maxSkew        = 5 * time.Minute
	maxSkewPresign = 15 * time.Minute
	maxPresignLife = 604800 * time.Second // a week
	maxSigned      = 100                  // signed headers of one request
)

// claim is what a request says about its signature, taken apart but not yet believed.
type claim struct {
	accessKeyID   string
	day           string // of the credential scope
	region        string
	signedHeaders []string // lower case, sorted
	signature     string   // lower-case hex
	at            time.Time
	token         string        // X-Amz-Security-Token; "": none
	life          time.Duration // presigned: how long it may be used; zero: header form
}

// verifier decides whether a request comes from whom it says.
type verifier struct {
	credentials  func(accessKeyID string) (Credentials, bool)
	acceptAnyKey bool
	region       string // "": any
}

// verify returns who signed r, whose whole body is body. Its errors are those of AWS's
// front door, texts included.
func (v verifier) verify(r *http.Request, body []byte, now time.Time) (Caller, *Error) {
	c, refused := parseClaim(r)
	if refused != nil {
		return Caller{}, refused
	}
	caller := Caller{AccessKeyID: c.accessKeyID, Region: c.region}
	if v.region != "" && c.region != v.region {
		return caller, invalidSignature("Credential should be scoped to a valid region, not " + quoteShort(c.region) + ". This service is in " + quoteShort(v.region) + ".")
	}
	if v.acceptAnyKey {
		return caller, nil
	}
	var known Credentials
	ok := false
	if v.credentials != nil {
		known, ok = v.credentials(c.accessKeyID)
	}
	if !ok || known.Secret == "" || !equal(known.SessionToken, c.token) {
		return caller, &Error{Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}
	}
	payload := sha256.Sum256(body)
	payloadHash := hex.EncodeToString(payload[:])
	if sent := r.Header.Values("X-Amz-Content-Sha256"); len(sent) > 0 && !slices.Equal(sent, []string{payloadHash}) {
		return caller, invalidSignature("The value of the header x-amz-content-sha256 is not the SHA-256 of the body.")
	}
	if !equal(c.signature, c.sign(r, payloadHash, known.Secret)) {
		return caller, invalidSignature("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if refused := c.checkTime(now); refused != nil {
		return caller, refused
	}
	if !known.ExpiresAt.IsZero() && !now.Before(known.ExpiresAt) {
		return caller, &Error{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}
	}
	return caller, nil
}

// equal compares secrets in a time that does not depend on where they differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func invalidSignature(message string) *Error {
	return &Error{Code: "InvalidSignatureException", Message: message}
}

func incompleteSignature(message string) *Error {
	return &Error{Code: "IncompleteSignatureException", Message: message}
}

// parseClaim takes the header form or the presigned form apart.
func parseClaim(r *http.Request) (claim, *Error) {
	query := r.URL.Query()
	header := r.Header.Get("Authorization")
	switch {
	case header != "":
		return parseHeaderClaim(r, header)
	case query.Has("X-Amz-Signature"):
		return parseQueryClaim(query)
	}
	return claim{}, &Error{Code: "MissingAuthenticationTokenException", Message: "Request is missing Authentication Token"}
}

func parseHeaderClaim(r *http.Request, header string) (claim, *Error) {
	fields, refused := parseAuthorization(header)
	if refused != nil {
		return claim{}, refused
	}
	c := claim{signature: fields["Signature"], token: r.Header.Get("X-Amz-Security-Token")}
	if refused := c.setScope(fields["Credential"]); refused != nil {
		return c, refused
	}
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		return c, incompleteSignature("Authorization header requires existence of a 'X-Amz-Date' header.")
	}
	if refused := c.setDate(date); refused != nil {
		return c, refused
	}
	// What decides about the request must be under the signature. SDKs sign all of these.
	must := []string{"host", "x-amz-date"}
	for _, name := range []string{"x-amz-target", "x-amz-security-token"} {
		if r.Header.Get(name) != "" {
			must = append(must, name)
		}
	}
	return c, c.setSignedHeaders(fields["SignedHeaders"], must)
}

// parseAuthorization splits "AWS4-HMAC-SHA256 Credential=.., SignedHeaders=..,
// Signature=..". All three parts are there, each once, and not empty, if it succeeds.
func parseAuthorization(header string) (map[string]string, *Error) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return nil, incompleteSignature("Authorization header must begin with '" + algorithm + "'.")
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[name]; !ok || twice {
			return nil, incompleteSignature("Authorization header is not a list of 'name=value' parts, each once.")
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return nil, incompleteSignature("Authorization header requires '" + name + "' parameter.")
		}
	}
	return fields, nil
}

func parseQueryClaim(query url.Values) (claim, *Error) {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if len(query[name]) != 1 || query.Get(name) == "" {
			return claim{}, incompleteSignature("AWS query-string parameters must include '" + name + "', once.")
		}
	}
	if query.Get("X-Amz-Algorithm") != algorithm {
		return claim{}, incompleteSignature("X-Amz-Algorithm must be '" + algorithm + "'.")
	}
	c := claim{signature: query.Get("X-Amz-Signature"), token: query.Get("X-Amz-Security-Token")}
	if refused := c.setScope(query.Get("X-Amz-Credential")); refused != nil {
		return c, refused
	}
	if refused := c.setDate(query.Get("X-Amz-Date")); refused != nil {
		return c, refused
	}
	seconds, err := strconv.ParseUint(query.Get("X-Amz-Expires"), 10, 32)
	c.life = time.Duration(seconds) * time.Second
	if err != nil || c.life == 0 || c.life > maxPresignLife {
		return c, incompleteSignature("X-Amz-Expires must be from 1 to 604800 seconds.")
	}
	return c, c.setSignedHeaders(query.Get("X-Amz-SignedHeaders"), []string{"host"})
}

// setScope reads KEY/DAY/REGION/gamelift/aws4_request.
func (c *claim) setScope(credential string) *Error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") {
		return incompleteSignature("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	switch {
	case parts[3] != signingName:
		return invalidSignature("Credential should be scoped to correct service: '" + signingName + "'.")
	case parts[4] != scopeEnd:
		return invalidSignature("Credential should be scoped with a valid terminator: '" + scopeEnd + "'.")
	}
	c.accessKeyID, c.day, c.region = parts[0], parts[1], parts[2]
	return nil
}

func (c *claim) setDate(date string) *Error {
	at, err := time.Parse(timeLayout, date)
	if err != nil {
		return incompleteSignature("Date must be in ISO-8601 'basic format'. Got " + quoteShort(date) + ". See http://en.wikipedia.org/wiki/ISO_8601")
	}
	if at.Format(dayLayout) != c.day {
		return invalidSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " + quoteShort(c.day) + " != " + quoteShort(at.Format(dayLayout)) + ".")
	}
	c.at = at
	return nil
}

func (c *claim) setSignedHeaders(list string, must []string) *Error {
	c.signedHeaders = strings.Split(list, ";")
	if len(c.signedHeaders) > maxSigned || !slices.IsSorted(c.signedHeaders) || list != strings.ToLower(list) || slices.Contains(c.signedHeaders, "") {
		return incompleteSignature("SignedHeaders must be a sorted list of lower-case header names.")
	}
	for _, name := range must {
		if !slices.Contains(c.signedHeaders, name) {
			return invalidSignature("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	return nil
}

// checkTime refuses a signature of another time than about now.
func (c *claim) checkTime(now time.Time) *Error {
	skew, until := maxSkew, c.at.Add(maxSkew)
	if c.life != 0 {
		skew, until = maxSkewPresign, c.at.Add(c.life)
	}
	at, is := c.at.Format(timeLayout), now.UTC().Format(timeLayout)
	switch {
	case now.After(until):
		return invalidSignature(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)", at, now.UTC().Add(-until.Sub(c.at)).Format(timeLayout), is, int(until.Sub(c.at).Minutes())))
	case c.at.After(now.Add(skew)):
		return invalidSignature(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)", at, now.UTC().Add(skew).Format(timeLayout), is, int(skew.Minutes())))
	}
	return nil
}

// sign calculates the signature that r ought to have, as lower-case hex.
func (c *claim) sign(r *http.Request, payloadHash, secret string) string {
	request := sha256.Sum256([]byte(c.canonicalRequest(r, payloadHash)))
	scope := strings.Join([]string{c.day, c.region, signingName, scopeEnd}, "/")
	text := strings.Join([]string{algorithm, c.at.Format(timeLayout), scope, hex.EncodeToString(request[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.day, c.region, signingName, scopeEnd} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (c *claim) canonicalRequest(r *http.Request, payloadHash string) string {
	var b strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	// Every service but S3 signs the path encoded once more than it is sent.
	b.WriteString(r.Method + "\n" + uriEncode(path, true) + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range c.signedHeaders {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(c.signedHeaders, ";") + "\n" + payloadHash)
	return b.String()
}

// canonicalHeader joins the values of a header, each without outer and with single inner
// spaces. Go keeps two headers apart from the others.
func canonicalHeader(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	var values []string
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

// canonicalQuery sorts the parameters by their encoded form and leaves the signature out.
func canonicalQuery(query url.Values) string {
	type pair struct{ name, value string }
	var pairs []pair
	for name, values := range query {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, pair{uriEncode(name, false), uriEncode(v, false)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	texts := make([]string, len(pairs))
	for i, p := range pairs {
		texts[i] = p.name + "=" + p.value
	}
	return strings.Join(texts, "&")
}

// uriEncode percent-encodes everything but the unreserved characters of RFC 3986, and
// slashes too unless keepSlash.
func uriEncode(s string, keepSlash bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}
