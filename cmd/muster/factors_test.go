package main

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as authenticator apps do
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
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

func TestASecondFactorOverHTTP(t *testing.T) {
	url, terminal := newPasswords(t)
	const credentials = `{"email":"ann@example.com","password":"four words of mine"}`
	var sent struct{ ID string }
	if status := post(t, url+"/v1/auth/register", "", credentials, &sent); status != http.StatusAccepted {
		t.Fatalf("register: %d", status)
	}
	type granted struct {
		loginAnswer
		AccessToken string `json:"accessToken"`
	}
	var grant granted
	if status := post(t, url+"/v1/auth/email/verify", "", fmt.Sprintf(`{"id":%q,"code":%q}`, sent.ID, awaitCode(t, terminal)), &grant); status != http.StatusCreated {
		t.Fatalf("verify: %d", status)
	}
	var made struct{ Secret, URI string }
	if status := post(t, url+"/v1/auth/factors/totp", grant.AccessToken, ``, &made); status != http.StatusOK || made.URI == "" {
		t.Fatalf("set up: %d %+v", status, made)
	}
	var codes struct{ RecoveryCodes []string }
	body := fmt.Sprintf(`{"code":%q}`, authenticator(t, made.Secret, 0))
	if status := post(t, url+"/v1/auth/factors/totp/confirm", grant.AccessToken, body, &codes); status != http.StatusOK || len(codes.RecoveryCodes) != 10 {
		t.Fatalf("confirm: %d %+v", status, codes)
	}
	challenge := func() string {
		var asked struct {
			AccessToken string
			Challenge   struct{ Name, Session string }
		}
		if status := post(t, url+"/v1/auth/login/email", "", credentials, &asked); status != http.StatusOK || asked.AccessToken != "" || asked.Challenge.Name != "SOFTWARE_TOKEN_MFA" {
			t.Fatalf("sign-in: %d %+v", status, asked)
		}
		return asked.Challenge.Session
	}
	var again loginAnswer
	body = fmt.Sprintf(`{"session":%q,"code":%q}`, challenge(), authenticator(t, made.Secret, 1)) // a telephone that is ahead
	if status := post(t, url+"/v1/auth/challenge", "", body, &again); status != http.StatusOK || again.Player != grant.Player {
		t.Errorf("the code: %d %+v", status, again)
	}
	body = fmt.Sprintf(`{"session":%q,"recoveryCode":%q}`, challenge(), codes.RecoveryCodes[0])
	if status := post(t, url+"/v1/auth/challenge", "", body, &again); status != http.StatusOK || again.Player != grant.Player {
		t.Errorf("the recovery code: %d %+v", status, again)
	}
	proof := `{"provider":"email","proof":{"fields":{"email":"ann@example.com","password":"four words of mine"}}}`
	var guest, refused granted
	if status := post(t, url+"/v1/auth/guest", "", `{}`, &guest); status != http.StatusCreated {
		t.Fatalf("guest: %d", status)
	}
	if status := post(t, url+"/v1/auth/merge", guest.AccessToken, proof, &refused); status != http.StatusForbidden || refused.Code != "factor.required" {
		t.Errorf("a merge without a code: %d %+v", status, refused)
	}
}
