package main

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as authenticator apps do
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// authenticator is an app that holds a secret (RFC 6238).
func authenticator(t *testing.T, secret string, steps int64) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30+steps))) //nolint:gosec // since 1970
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[sum[19]&0xf:])&0x7fffffff)%1_000_000)
}

// granted is a grant with its access token.
type granted struct {
	loginAnswer
	AccessToken string `json:"accessToken"`
}

const annsCredentials = `{"email":"ann@example.com","password":"four words of mine"}`

// annWithFactor signs ann up, and has her set a second factor up.
func annWithFactor(t *testing.T) (url, secret string, recoveryCodes []string, ann granted) {
	t.Helper()
	url, terminal := newPasswords(t)
	secret, recoveryCodes, ann = annAt(t, url, func() string { return awaitCode(t, terminal) })
	return url, secret, recoveryCodes, ann
}

// annAt is annWithFactor at a backend; code waits for the code that she is mailed.
func annAt(t *testing.T, url string, code func() string) (secret string, recoveryCodes []string, ann granted) {
	t.Helper()
	var sent struct{ ID string }
	if status := post(t, url+"/v1/auth/register", "", annsCredentials, &sent); status != http.StatusAccepted {
		t.Fatalf("register: %d", status)
	}
	if status := post(t, url+"/v1/auth/email/verify", "", fmt.Sprintf(`{"id":%q,"code":%q}`, sent.ID, code()), &ann); status != http.StatusCreated {
		t.Fatalf("verify: %d", status)
	}
	var made struct{ Secret, URI string }
	if status := post(t, url+"/v1/auth/factors/totp", ann.AccessToken, `{"current":"four words of mine"}`, &made); status != http.StatusOK || made.URI == "" {
		t.Fatalf("set up: %d %+v", status, made)
	}
	var codes struct{ RecoveryCodes []string }
	body := fmt.Sprintf(`{"code":%q}`, authenticator(t, made.Secret, 0))
	if status := post(t, url+"/v1/auth/factors/totp/confirm", ann.AccessToken, body, &codes); status != http.StatusOK || len(codes.RecoveryCodes) != 10 {
		t.Fatalf("confirm: %d %+v", status, codes)
	}
	return made.Secret, codes.RecoveryCodes, ann
}

// challengeOf signs ann in as far as the password goes.
func challengeOf(t *testing.T, url string) (session string) {
	t.Helper()
	var asked struct {
		AccessToken string
		Challenge   struct{ Name, Session string }
	}
	if status := post(t, url+"/v1/auth/login/email", "", annsCredentials, &asked); status != http.StatusOK || asked.AccessToken != "" || asked.Challenge.Name != "SOFTWARE_TOKEN_MFA" {
		t.Fatalf("sign-in: %d %+v", status, asked)
	}
	return asked.Challenge.Session
}

func TestASecondFactorOverHTTP(t *testing.T) {
	url, secret, codes, ann := annWithFactor(t)
	var again loginAnswer
	body := fmt.Sprintf(`{"session":%q,"code":%q}`, challengeOf(t, url), authenticator(t, secret, 1)) // a telephone that is ahead
	if status := post(t, url+"/v1/auth/challenge", "", body, &again); status != http.StatusOK || again.Player != ann.Player {
		t.Errorf("the code: %d %+v", status, again)
	}
	body = fmt.Sprintf(`{"session":%q,"recoveryCode":%q}`, challengeOf(t, url), codes[0])
	if status := post(t, url+"/v1/auth/challenge", "", body, &again); status != http.StatusOK || again.Player != ann.Player {
		t.Errorf("the recovery code: %d %+v", status, again)
	}
	var guest, refused granted
	if status := post(t, url+"/v1/auth/guest", "", `{}`, &guest); status != http.StatusCreated {
		t.Fatalf("guest: %d", status)
	}
	proof := `{"provider":"email","proof":{"fields":{"email":"ann@example.com","password":"four words of mine"}}}`
	if status := post(t, url+"/v1/auth/merge", guest.AccessToken, proof, &refused); status != http.StatusForbidden || refused.Code != "factor.required" {
		t.Errorf("a merge without a code: %d %+v", status, refused)
	}
}

// The store is SQLite here.
func TestOfManyAnswersAtOnceOneGetsIn(t *testing.T) {
	url, secret, codes, _ := annWithFactor(t)
	for name, body := range map[string]string{
		"with a code":          fmt.Sprintf(`"code":%q`, authenticator(t, secret, 1)),
		"with a recovery code": fmt.Sprintf(`"recoveryCode":%q`, codes[1]),
	} {
		t.Run(name, func(t *testing.T) {
			var sessions [4]string
			for i := range sessions {
				sessions[i] = challengeOf(t, url)
			}
			var in atomic.Int64
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					var answer granted
					if post(t, url+"/v1/auth/challenge", "", fmt.Sprintf(`{"session":%q,%s}`, sessions[i%len(sessions)], body), &answer) == http.StatusOK {
						in.Add(1)
					}
				})
			}
			wg.Wait()
			if in.Load() != 1 {
				t.Errorf("%d get in", in.Load())
			}
		})
	}
}
