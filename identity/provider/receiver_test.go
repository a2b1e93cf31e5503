package provider

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/identity"
)

// vouching is a studio's provider that says what a test wants.
type vouching func(identity.Proof) (identity.Verified, error)

func (v vouching) Verify(_ context.Context, p identity.Proof) (identity.Verified, error) { return v(p) }

// hooked is a Webhook that asks a Receiver around a provider, through a real server.
func hooked(t *testing.T, r *rig, p identity.Provider, keys ...Secret) *Webhook {
	t.Helper()
	server := httptest.NewServer(NewReceiver(ReceiverOptions{Provider: p, Keys: keys, Now: r.now}))
	t.Cleanup(server.Close)
	return NewWebhook(WebhookOptions{
		Client: r.client, Now: r.now, Name: "studio", URL: server.URL,
		Key: FixedSecret(webhookKey), NextKey: FixedSecret(webhookNext), Takes: []string{"token", "nonce", "fields.device"},
	})
}

func TestAProviderBehindAReceiverIsAsGoodAsOneAtHome(t *testing.T) {
	until := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	proof := identity.Proof{Token: "token", Nonce: "nonce", Fields: map[string]string{"device": "d1"}}
	for name, c := range map[string]struct {
		who    identity.Verified
		err    error
		reason identity.Reason // empty: signed in
	}{
		"a player":             {identity.Verified{Subject: "ann", DisplayName: "Ann"}, nil, ""},
		"a proof for once":     {identity.Verified{Subject: "ann", Once: "token", Until: until}, nil, ""},
		"nobody":               {identity.Verified{}, nil, identity.ProviderUnavailable},
		"a bad proof":          {identity.Verified{}, identity.Refusal(identity.CredentialInvalid, nil), identity.CredentialInvalid},
		"an old proof":         {identity.Verified{}, identity.Refusal(identity.CredentialExpired, nil), identity.CredentialExpired},
		"another application":  {identity.Verified{}, identity.Refusal(identity.WrongApplication, nil), identity.WrongApplication},
		"another nonce":        {identity.Verified{}, identity.Refusal(identity.NonceMismatch, nil), identity.NonceMismatch},
		"no copy of the game":  {identity.Verified{}, identity.Refusal(identity.NotEntitled, nil), identity.NotEntitled},
		"a ban":                {identity.Verified{}, identity.Refusal(identity.AccountBanned, nil), identity.AccountBanned},
		"a child":              {identity.Verified{}, identity.Refusal(identity.AgeOrPrivilege, nil), identity.AgeOrPrivilege},
		"a pause":              {identity.Verified{}, identity.RefusalAfter(identity.ProviderRateLimited, 9*time.Second, nil), identity.ProviderRateLimited},
		"a trouble":            {identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, nil), identity.ProviderUnavailable},
		"a trouble of its own": {identity.Verified{}, errors.New("the database is gone"), identity.ProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			hook := hooked(t, r, vouching(func(p identity.Proof) (identity.Verified, error) {
				if p.Token != proof.Token || p.Nonce != proof.Nonce || p.Fields["device"] != "d1" {
					t.Errorf("the proof arrives as %+v", p)
				}
				return c.who, c.err
			}), FixedSecret(webhookKey))
			who, err := hook.Verify(t.Context(), proof)
			if c.reason != "" {
				e := wantReason(t, err, c.reason, "the database is gone")
				if c.reason == identity.ProviderRateLimited && e.RetryAfter != 9*time.Second {
					t.Errorf("the pause is %v", e.RetryAfter)
				}
				return
			}
			if err != nil || who.Subject != c.who.Subject || who.DisplayName != c.who.DisplayName || (who.Once == "") != (c.who.Once == "") || !who.Until.Equal(c.who.Until) {
				t.Errorf("Verify = %+v, %v; want %+v", who, err, c.who)
			}
		})
	}
}

func TestKeysChangeWithoutAGap(t *testing.T) {
	ann := vouching(func(identity.Proof) (identity.Verified, error) { return identity.Verified{Subject: "ann"}, nil })
	proof := identity.Proof{Token: "token", Nonce: "nonce", Fields: map[string]string{"device": "d1"}}
	for name, keys := range map[string][]Secret{
		"before": {FixedSecret(webhookKey)},
		"during": {FixedSecret(webhookKey), FixedSecret(webhookNext)},
		"after":  {FixedSecret(webhookNext)},
	} {
		if _, err := hooked(t, newRig(t), ann, keys...).Verify(t.Context(), proof); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := newRig(t)
	_, err := hooked(t, r, ann, FixedSecret(strings.Repeat("x", MinWebhookKey))).Verify(t.Context(), proof)
	wantRefused(t, err, identity.ProviderUnavailable)
	if !strings.Contains(r.log(), "level=ERROR") {
		t.Errorf("nobody hears of a wrong key: %q", r.log())
	}
}

func TestRequestsThatAReceiverTurnsAway(t *testing.T) {
	r := newRig(t)
	body := []byte(`{"provider":"studio","token":"token"}`)
	signed := signBody([]string{webhookKey}, r.now(), body)
	for name, c := range map[string]struct {
		method, signature string
		body              []byte
		keys              []Secret
		status            int
	}{
		"another body":           {"POST", signed, []byte(`{"provider":"studio","token":"other"}`), nil, 401},
		"another method":         {"PUT", signed, body, nil, 401},
		"no signature":           {"POST", "", body, nil, 401},
		"no time":                {"POST", strings.TrimPrefix(signed, "t="), body, nil, 401},
		"another time":           {"POST", strings.Replace(signed, "t=1", "t=01", 1), body, nil, 401},
		"no code":                {"POST", strings.Split(signed, ",")[0], body, nil, 401},
		"a code in base64":       {"POST", strings.Split(signed, ",")[0] + ",v1=Zm9v", body, nil, 401},
		"an old request":         {"POST", signBody([]string{webhookKey}, r.now().Add(-6*time.Minute), body), body, nil, 401},
		"a request of tomorrow":  {"POST", signBody([]string{webhookKey}, r.now().Add(6*time.Minute), body), body, nil, 401},
		"another key":            {"POST", signBody([]string{webhookNext}, r.now(), body), body, nil, 401},
		"a body without an end":  {"POST", signed, bytes.Repeat([]byte("a"), maxWebhookRequest+1), nil, 413},
		"a body that is no JSON": {"POST", signBody([]string{webhookKey}, r.now(), []byte("token")), []byte("token"), nil, 400},
		"a key that is missing":  {"POST", signed, body, []Secret{func() (string, error) { return "", errors.New("gone") }}, 503},
		"a key that is short":    {"POST", signed, body, []Secret{FixedSecret("short")}, 503},
		"no keys":                {"POST", signBody(nil, r.now(), body), body, []Secret{}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			keys := c.keys
			if keys == nil {
				keys = []Secret{FixedSecret(webhookKey)}
			}
			never := vouching(func(identity.Proof) (identity.Verified, error) {
				t.Error("the provider is asked")
				return identity.Verified{}, nil
			})
			w := httptest.NewRecorder()
			req := httptest.NewRequest(c.method, "/", bytes.NewReader(c.body))
			req.Header.Set(SignatureHeader, c.signature)
			NewReceiver(ReceiverOptions{Provider: never, Keys: keys, Now: r.now}).ServeHTTP(w, req)
			if w.Code != c.status || w.Body.Len() != 0 {
				t.Errorf("%d %s, want %d", w.Code, w.Body, c.status)
			}
		})
	}
}

func TestTheReceiversServerMayBeDown(t *testing.T) {
	r := newRig(t)
	hook := newWebhook(r, WebhookOptions{})
	r.Handle("/prove", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := hook.Verify(t.Context(), identity.Proof{Token: "token"})
	wantRefused(t, err, identity.ProviderUnavailable)
}
