package wire_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"

	"muster/gameliftlocal/wire"
)

var signedAt = time.Date(2026, 11, 22, 5, 21, 27, 0, time.UTC)

const (
	tokenKey     = "ASIATEMPORARY"
	tokenSecret  = "a temporary secret"
	token        = "session/token+with=signs"
	expiredKey   = "ASIAEXPIRED"
	mismatchText = "The request signature we calculated does not match"
)

func keysWithTokens(id string) (wire.Credentials, bool) {
	switch id {
	case tokenKey:
		return wire.Credentials{Secret: tokenSecret, SessionToken: token}, true
	case expiredKey:
		return wire.Credentials{Secret: testSecret, ExpiresAt: signedAt}, true
	case "AKIDEMPTY":
		return wire.Credentials{}, true
	}
	return knownKeys(id)
}

// verifying serves ListFleets at a fixed instant.
func verifying(now time.Time, change func(*wire.Options)) http.Handler {
	opts := wire.Options{
		Credentials: keysWithTokens,
		Region:      testRegion,
		Now:         func() time.Time { return now },
		Operations: []wire.Operation{wire.Op(func(context.Context, *gamelift.ListFleetsInput) (*gamelift.ListFleetsOutput, error) {
			return nil, nil
		})},
	}
	if change != nil {
		change(&opts)
	}
	return wire.NewHandler(opts)
}

// attempt is a request to be signed with Amazon's signer and then changed.
type attempt struct {
	keys    aws.Credentials
	service string
	region  string
	before  func(*http.Request)
	after   func(*http.Request)
	presign bool // sign by query, for 15 minutes
	now     time.Time
}

const listFleetsBody = `{"Limit":1}`

// answer makes the attempt and returns status and body.
func (a attempt) answer(t *testing.T) (int, string) {
	t.Helper()
	return a.against(t, verifying(a.now, nil))
}

func (a attempt) against(t *testing.T, h http.Handler) (int, string) {
	t.Helper()
	r := jsonRequest(t, "http://127.0.0.1:4570/with a prefix", "ListFleets", listFleetsBody)
	if a.before != nil {
		a.before(r)
	}
	sum := sha256.Sum256([]byte(listFleetsBody))
	hash, signer := hex.EncodeToString(sum[:]), v4.NewSigner()
	if a.presign {
		query := r.URL.Query()
		query.Set("X-Amz-Expires", "900")
		query.Set("b", "2 x")
		query.Add("a-b", "1")
		query.Add("a", "~/")
		r.URL.RawQuery = query.Encode()
		address, headers, err := signer.PresignHTTP(t.Context(), a.keys, r, hash, a.service, a.region, signedAt)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = url.Parse(address); err != nil {
			t.Fatal(err)
		}
		for name, values := range headers {
			r.Header[name] = values
		}
	} else if err := signer.SignHTTP(t.Context(), a.keys, r, hash, a.service, a.region, signedAt); err != nil {
		t.Fatal(err)
	}
	if a.after != nil {
		a.after(r)
	}
	// What a server sees of a request that a client made.
	in := httptest.NewRequest(r.Method, r.URL.String(), r.Body)
	in.Header, in.ContentLength = r.Header, r.ContentLength
	if r.Host != "" {
		in.Host = r.Host
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	return w.Code, w.Body.String()
}

func honest() attempt {
	return attempt{
		keys:    aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret},
		service: "gamelift",
		region:  testRegion,
		now:     signedAt,
	}
}

func TestSignaturesOfAmazonsSignerHold(t *testing.T) {
	temporary := aws.Credentials{AccessKeyID: tokenKey, SecretAccessKey: tokenSecret, SessionToken: token}
	tests := []struct {
		name   string
		change func(*attempt)
	}{
		{"as it is", func(*attempt) {}},
		{"five minutes late", func(a *attempt) { a.now = signedAt.Add(5 * time.Minute) }},
		{"five minutes early", func(a *attempt) { a.now = signedAt.Add(-5 * time.Minute) }},
		{"with a session token", func(a *attempt) { a.keys = temporary }},
		{"with more headers", func(a *attempt) {
			a.before = func(r *http.Request) {
				r.Header.Set("X-Amz-Meta", "  two   spaces  ")
				r.Header.Add("X-Amz-Meta", "twice")
			}
		}},
		{"with the body's hash", func(a *attempt) {
			a.before = func(r *http.Request) {
				sum := sha256.Sum256([]byte(listFleetsBody))
				r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
			}
		}},
		{"with headers added on the way", func(a *attempt) {
			a.after = func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }
		}},
		{"presigned", func(a *attempt) { a.presign = true }},
		{"presigned with a session token", func(a *attempt) { a.presign, a.keys = true, temporary }},
		{"presigned, at its end", func(a *attempt) { a.presign, a.now = true, signedAt.Add(15*time.Minute) }},
		{"presigned by a clock that is ahead", func(a *attempt) { a.presign, a.now = true, signedAt.Add(-15*time.Minute) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := honest()
			test.change(&a)
			if code, body := a.answer(t); code != 200 {
				t.Errorf("answer %d %s", code, body)
			}
		})
	}
}

func TestSignaturesThatDoNotHold(t *testing.T) {
	setHeader := func(name, value string) func(*attempt) {
		return func(a *attempt) { a.after = func(r *http.Request) { r.Header.Set(name, value) } }
	}
	editAuthorization := func(old, new string) func(*attempt) {
		return func(a *attempt) {
			a.after = func(r *http.Request) {
				before := r.Header.Get("Authorization")
				edited := strings.Replace(before, old, new, 1)
				if edited == before {
					panic("nothing was edited")
				}
				r.Header.Set("Authorization", edited)
			}
		}
	}
	editQuery := func(name, value string) func(*attempt) {
		return func(a *attempt) {
			a.presign = true
			a.after = func(r *http.Request) {
				q := r.URL.Query()
				if q.Del(name); value != "" {
					q.Set(name, value)
				}
				r.URL.RawQuery = q.Encode()
			}
		}
	}
	tests := []struct {
		name    string
		change  func(*attempt)
		code    string
		message string
	}{
		{"no authorization", func(a *attempt) { a.after = func(r *http.Request) { r.Header.Del("Authorization") } }, "MissingAuthenticationTokenException", ""},
		{"another scheme", setHeader("Authorization", "Basic eDp5"), "IncompleteSignatureException", "AWS4-HMAC-SHA256"},
		{"no parts", setHeader("Authorization", "AWS4-HMAC-SHA256 x"), "IncompleteSignatureException", "name=value"},
		{"a part twice", editAuthorization("Signature=", "Signature=x, Signature="), "IncompleteSignatureException", "once"},
		{"no signature", editAuthorization("Signature=", "Sig="), "IncompleteSignatureException", "'Signature'"},
		{"no signed headers", editAuthorization("SignedHeaders=", "Headers="), "IncompleteSignatureException", "'SignedHeaders'"},
		{"a short credential", editAuthorization("/aws4_request", ""), "IncompleteSignatureException", "5 slash-delimited"},
		{"another terminator", editAuthorization("/aws4_request", "/aws5_request"), "InvalidSignatureException", "terminator"},
		{"another day", editAuthorization("/20261122/", "/20261121/"), "InvalidSignatureException", "'20261121' != '20261122'"},
		{"no date", func(a *attempt) { a.after = func(r *http.Request) { r.Header.Del("X-Amz-Date") } }, "IncompleteSignatureException", "X-Amz-Date"},
		{"a date in another form", setHeader("X-Amz-Date", "2026-11-22T05:21:27Z"), "IncompleteSignatureException", "ISO-8601"},
		{"another date", setHeader("X-Amz-Date", "20261122T052128Z"), "InvalidSignatureException", mismatchText},
		{"another service", func(a *attempt) { a.service = "dynamodb" }, "InvalidSignatureException", "scoped to correct service: 'gamelift'"},
		{"another region", func(a *attempt) { a.region = "eu-west-1" }, "InvalidSignatureException", "not 'eu-west-1'"},
		{"an unknown key", func(a *attempt) { a.keys.AccessKeyID = "AKIDOTHER" }, "UnrecognizedClientException", "security token"},
		{"a key without secret", func(a *attempt) { a.keys.AccessKeyID = "AKIDEMPTY" }, "UnrecognizedClientException", ""},
		{"a wrong secret", func(a *attempt) { a.keys.SecretAccessKey = "guess" }, "InvalidSignatureException", mismatchText},
		{"an expired key", func(a *attempt) { a.keys.AccessKeyID = expiredKey }, "ExpiredTokenException", "expired"},
		{"a token for a key without", func(a *attempt) { a.keys.SessionToken = token }, "UnrecognizedClientException", ""},
		{"no token for a key with", func(a *attempt) {
			a.keys = aws.Credentials{AccessKeyID: tokenKey, SecretAccessKey: tokenSecret}
		}, "UnrecognizedClientException", ""},
		{"another token", func(a *attempt) {
			a.keys = aws.Credentials{AccessKeyID: tokenKey, SecretAccessKey: tokenSecret, SessionToken: "x"}
		}, "UnrecognizedClientException", ""},
		{"a token that is not signed", func(a *attempt) {
			a.keys = aws.Credentials{AccessKeyID: tokenKey, SecretAccessKey: tokenSecret}
			a.after = func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", token) }
		}, "InvalidSignatureException", "'x-amz-security-token' must be a 'SignedHeader'"},
		{"a changed signature", editAuthorization("Signature=", "Signature=0"), "InvalidSignatureException", mismatchText},
		{"a changed target", setHeader("X-Amz-Target", "GameLift.ListBuilds"), "InvalidSignatureException", mismatchText},
		{"a changed host", func(a *attempt) { a.after = func(r *http.Request) { r.Host = "127.0.0.1:4571" } }, "InvalidSignatureException", mismatchText},
		{"a changed path", func(a *attempt) { a.after = func(r *http.Request) { r.URL.Path = "/elsewhere" } }, "InvalidSignatureException", mismatchText},
		{"a changed query", func(a *attempt) { a.after = func(r *http.Request) { r.URL.RawQuery = "a=b" } }, "InvalidSignatureException", mismatchText},
		{"a changed body", func(a *attempt) {
			a.after = func(r *http.Request) { r.Body = http.NoBody }
		}, "InvalidSignatureException", mismatchText},
		{"a hash of another body", func(a *attempt) {
			a.before = func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }
		}, "InvalidSignatureException", "SHA-256 of the body"},
		{"a body that is not signed", func(a *attempt) {
			a.before = func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }
		}, "InvalidSignatureException", "SHA-256 of the body"},
		{"a header that is signed and gone", func(a *attempt) {
			a.after = func(r *http.Request) { r.Header.Del("Content-Type") }
		}, "InvalidSignatureException", mismatchText},
		{"headers out of order", editAuthorization("SignedHeaders=", "SignedHeaders=zzz;"), "IncompleteSignatureException", "sorted"},
		{"a host that is not signed", editAuthorization(";host;", ";"), "InvalidSignatureException", "'host' must be"},
		{"a target that is not signed", editAuthorization(";x-amz-target", ""), "InvalidSignatureException", "'x-amz-target' must be"},
		{"too late", func(a *attempt) { a.now = signedAt.Add(5*time.Minute + time.Second) }, "InvalidSignatureException", "Signature expired: 20261122T052127Z is now earlier than 20261122T052128Z (20261122T052628Z - 5 min.)"},
		{"too early", func(a *attempt) { a.now = signedAt.Add(-5*time.Minute - time.Second) }, "InvalidSignatureException", "Signature not yet current: 20261122T052127Z is still later than 20261122T052126Z (20261122T051626Z + 5 min.)"},

		{"presigned with a changed query", editQuery("b", "3"), "InvalidSignatureException", mismatchText},
		{"presigned with another key", editQuery("X-Amz-Credential", "AKIDOTHER/20261122/us-east-1/gamelift/aws4_request"), "UnrecognizedClientException", ""},
		{"presigned for too long", editQuery("X-Amz-Expires", "604801"), "IncompleteSignatureException", "604800"},
		{"presigned for no time", editQuery("X-Amz-Expires", "0"), "IncompleteSignatureException", "604800"},
		{"presigned for a negative time", editQuery("X-Amz-Expires", "-1"), "IncompleteSignatureException", "604800"},
		{"presigned without a date", editQuery("X-Amz-Date", ""), "IncompleteSignatureException", "'X-Amz-Date'"},
		{"presigned by another algorithm", editQuery("X-Amz-Algorithm", "AWS4-ECDSA"), "IncompleteSignatureException", "AWS4-HMAC-SHA256"},
		{"presigned without the host", editQuery("X-Amz-SignedHeaders", "content-type"), "InvalidSignatureException", "'host'"},
		{"presigned and too late", func(a *attempt) { a.presign, a.now = true, signedAt.Add(15*time.Minute+time.Second) }, "InvalidSignatureException", "Signature expired"},
		{"presigned and too early", func(a *attempt) { a.presign, a.now = true, signedAt.Add(-15*time.Minute-time.Second) }, "InvalidSignatureException", "not yet current"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := honest()
			test.change(&a)
			code, body := a.answer(t)
			if code == 200 {
				t.Fatal("the request was let in")
			}
			if code != 400 || !strings.Contains(body, `"__type":"`+test.code+`"`) || !strings.Contains(body, test.message) {
				t.Errorf("answer %d %s\nwant %s: %s", code, body, test.code, test.message)
			}
		})
	}
}

func TestAnyKeyIsStillAClaimForTheRegion(t *testing.T) {
	anyKey := func(o *wire.Options) { o.AcceptAnyKey, o.Credentials = true, nil }
	a := honest()
	a.keys = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}
	if code, body := a.against(t, verifying(signedAt.Add(time.Hour), anyKey)); code != 200 {
		t.Errorf("a strange key answers %d %s", code, body)
	}
	a.region = "eu-west-1"
	if code, body := a.against(t, verifying(signedAt, anyKey)); code != 400 || !strings.Contains(body, "valid region") {
		t.Errorf("another region answers %d %s", code, body)
	}
	a.after = func(r *http.Request) { r.Header.Del("Authorization") }
	if code, body := a.against(t, verifying(signedAt, anyKey)); code != 400 || !strings.Contains(body, "MissingAuthenticationToken") {
		t.Errorf("no signature answers %d %s", code, body)
	}
}

func TestWithoutOptionsNobodyGetsIn(t *testing.T) {
	if code, body := honest().against(t, wire.NewHandler(wire.Options{Now: func() time.Time { return signedAt }})); code != 400 || !strings.Contains(body, "UnrecognizedClientException") {
		t.Errorf("answer %d %s", code, body)
	}
}
