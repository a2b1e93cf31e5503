package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/identity"
)

const (
	webhookKey  = "0123456789abcdef0123456789abcdef"
	webhookNext = "fedcba9876543210fedcba9876543210"
)

func webhookVendor() vendor {
	return vendor{
		make: func(r *rig) identity.Provider {
			r.Answer("/prove", http.StatusOK, map[string]any{"subject": "ann"})
			return newWebhook(r, WebhookOptions{})
		},
		proof: identity.Proof{Token: "a token of the studio's own"}, subject: "ann",
		paths: []string{"/prove"}, secrets: []string{webhookKey, "a token of the studio's own"},
	}
}

func newWebhook(r *rig, o WebhookOptions) *Webhook {
	o.Client, o.Now, o.Name, o.URL, o.Key = r.client, r.now, "studio", r.URL()+"/prove", FixedSecret(webhookKey)
	return NewWebhook(o)
}

func TestAWebhookGetsTheProofSigned(t *testing.T) {
	r := newRig(t)
	r.Answer("/prove", http.StatusOK, map[string]any{"subject": "ann", "displayName": "Ann"})
	hook := newWebhook(r, WebhookOptions{NextKey: FixedSecret(webhookNext), Takes: []string{"token", "nonce", "fields.device"}})
	proof := identity.Proof{Token: "<token>", Nonce: "nonce", Fields: map[string]string{"device": "d1"}}
	who, err := hook.Verify(t.Context(), proof)
	if err != nil || who != (identity.Verified{Subject: "ann", DisplayName: "Ann", Nonce: "nonce"}) {
		t.Fatalf("Verify = %+v, %v", who, err)
	}
	call := r.Calls("/prove")[0]
	if want := `{"provider":"studio","token":"\u003ctoken\u003e","nonce":"nonce","fields":{"device":"d1"}}`; call.Body != want {
		t.Errorf("the body is %s, want %s", call.Body, want)
	}
	want := fmt.Sprintf("t=%d", r.now().Unix())
	for _, key := range []string{webhookKey, webhookNext} {
		mac := hmac.New(sha256.New, []byte(key))
		fmt.Fprintf(mac, "%d.%s", r.now().Unix(), call.Body)
		want += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	if got := call.Header.Get("Muster-Signature"); got != want || call.Method != http.MethodPost || call.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s of %s with signature %s, want %s", call.Method, call.Header.Get("Content-Type"), got, want)
	}
}

func TestAnswersOfAWebhook(t *testing.T) {
	const future, past = "2026-11-22T09:00:00Z", "2026-11-22T08:00:00Z"
	for name, c := range map[string]struct {
		status int
		body   string
		reason identity.Reason // empty: signed in
	}{
		"a subject":                    {200, `{"subject":"ann"}`, ""},
		"all there is":                 {200, `{"subject":"ann","displayName":"Ann","entitlements":["base"],"expiresAt":"` + future + `"}`, ""},
		"no subject":                   {200, `{"displayName":"Ann"}`, identity.ProviderUnavailable},
		"an empty subject":             {200, `{"subject":""}`, identity.ProviderUnavailable},
		"a subject that is a number":   {200, `{"subject":7}`, identity.ProviderUnavailable},
		"a subject without an end":     {200, `{"subject":"` + strings.Repeat("x", 513) + `"}`, identity.ProviderUnavailable},
		"a subject of two lines":       {200, `{"subject":"ann\nbob"}`, identity.ProviderUnavailable},
		"a member more":                {200, `{"subject":"ann","admin":true}`, identity.ProviderUnavailable},
		"a member in another case":     {200, `{"subject":"ann","Subject":"bob"}`, identity.ProviderUnavailable},
		"a member twice":               {200, `{"subject":"ann","subject":"bob"}`, identity.ProviderUnavailable},
		"something after the end":      {200, `{"subject":"ann"}{}`, identity.ProviderUnavailable},
		"a list":                       {200, `["ann"]`, identity.ProviderUnavailable},
		"null":                         {200, `null`, identity.ProviderUnavailable},
		"too many entitlements":        {200, `{"subject":"ann","entitlements":["x"` + strings.Repeat(`,"x"`, 100) + `]}`, identity.ProviderUnavailable},
		"an entitlement that is empty": {200, `{"subject":"ann","entitlements":[""]}`, identity.ProviderUnavailable},
		"an end that is no time":       {200, `{"subject":"ann","expiresAt":"soon"}`, identity.ProviderUnavailable},
		"an end in the past":           {200, `{"subject":"ann","expiresAt":"` + past + `"}`, identity.CredentialExpired},
		"an answer of 100 kB":          {200, `{"subject":"ann"` + strings.Repeat(" ", 100<<10) + `}`, identity.ProviderUnavailable},
		"another success":              {201, `{"subject":"ann"}`, identity.ProviderUnavailable},
		"no content":                   {204, ``, identity.ProviderUnavailable},
		"a refusal":                    {422, `{"reason":"credential.invalid"}`, identity.CredentialInvalid},
		"a ban":                        {422, `{"reason":"account.banned"}`, identity.AccountBanned},
		"a refusal for want of a game": {422, `{"reason":"credential.not_entitled"}`, identity.NotEntitled},
		"a refusal without a reason":   {422, `{}`, identity.ProviderUnavailable},
		"a reason that is not theirs":  {422, `{"reason":"provider.unavailable"}`, identity.ProviderUnavailable},
		"a reason that we do not know": {422, `{"reason":"because"}`, identity.ProviderUnavailable},
		"a signature not accepted":     {401, ``, identity.ProviderUnavailable},
		"an address that is not there": {404, ``, identity.ProviderUnavailable},
		"a request not understood":     {400, ``, identity.ProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Handle("/prove", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body)) // the caller may have left
			})
			who, err := newWebhook(r, WebhookOptions{}).Verify(t.Context(), identity.Proof{Token: "token"})
			if c.reason != "" {
				wantRefused(t, err, c.reason, c.body)
			} else if err != nil || who.Subject != "ann" {
				t.Errorf("Verify = %+v, %v", who, err)
			}
		})
	}
}

// TestWhatIsWrongWithAnAnswer is for who writes a webhook: the log says it.
func TestWhatIsWrongWithAnAnswer(t *testing.T) {
	for body, want := range map[string]string{
		`<html>`:                                "it is not one JSON object with each member once",
		`{"subject":"ann","subject":"b"}`:       "it is not one JSON object with each member once",
		`{"subject":7}`:                         "subject is not of the type that is agreed",
		`{"subject":"ann","expiresAt":"soon"}`:  "expiresAt is not of the type that is agreed",
		`{"displayName":"Ann"}`:                 "subject is missing",
		`{"subject":"ann","foo":"top secret"}`:  `there is no member "foo"; there are subject, displayName, entitlements, expiresAt`,
		`{"subject":"ann","entitlements":[""]}`: "one of entitlements is not a text of 1 to 256 bytes",
	} {
		_, err := newWebhook(newRig(t), WebhookOptions{}).read(t.Context(), Answer{Status: http.StatusOK, Body: []byte(body)})
		wantReason(t, err, identity.ProviderUnavailable, body)
		if cause := errors.Unwrap(err); cause == nil || !strings.Contains(cause.Error(), want) || strings.Contains(cause.Error(), "top secret") {
			t.Errorf("%s is wrong because %v, not %s", body, cause, want)
		}
	}
	_, err := newWebhook(newRig(t), WebhookOptions{}).read(t.Context(), Answer{Status: http.StatusUnprocessableEntity, Body: []byte(`{"reason":"because"}`)})
	if cause := errors.Unwrap(err); cause == nil || !strings.Contains(cause.Error(), `"because" is no reason that a webhook may give`) {
		t.Errorf("the reason is wrong because %v", cause)
	}
}

func TestAWebhookTakesTheProofsThatAreConfigured(t *testing.T) {
	r := newRig(t)
	r.Answer("/prove", http.StatusOK, map[string]any{"subject": "ann"})
	hook := newWebhook(r, WebhookOptions{Takes: []string{"fields.ticket", "code"}})
	for name, proof := range map[string]identity.Proof{
		"one member":   {Code: "code"},
		"another one":  {Token: "token"},
		"one too many": {Code: "code", Token: "token", Fields: map[string]string{"ticket": "t"}},
		"other fields": {Code: "code", Fields: map[string]string{"ticket": "t", "user": "eve"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hook.Verify(t.Context(), proof)
			wantRefused(t, err, identity.CredentialInvalid)
		})
	}
	if _, err := hook.Verify(t.Context(), identity.Proof{Code: "code", Fields: map[string]string{"ticket": "t"}}); err != nil {
		t.Error(err)
	}
	if got := hook.Takes(); len(got) != 1 || len(got[0]) != 2 {
		t.Errorf("it tells clients that it takes %v", got)
	}
}

func TestAnEntitlementThatIsAskedFor(t *testing.T) {
	r := newRig(t)
	hook := newWebhook(r, WebhookOptions{Entitlement: "base"})
	r.Answer("/prove", http.StatusOK, map[string]any{"subject": "ann", "entitlements": []string{"skin"}})
	_, err := hook.Verify(t.Context(), identity.Proof{Token: "token"})
	wantRefused(t, err, identity.NotEntitled)
	r.Answer("/prove", http.StatusOK, map[string]any{"subject": "ann", "entitlements": []string{"skin", "base"}})
	if _, err := hook.Verify(t.Context(), identity.Proof{Token: "token"}); err != nil {
		t.Error(err)
	}
}

func TestAProofWithAnEndWorksOnce(t *testing.T) {
	r := newRig(t)
	r.Answer("/prove", http.StatusOK, map[string]any{"subject": "ann", "expiresAt": r.now().Add(time.Hour)})
	hook := newWebhook(r, WebhookOptions{})
	wantOnce(t, hook, identity.Proof{Token: "token"})
	far := r.now().Add(1000 * 24 * time.Hour)
	r.Answer("/prove", http.StatusOK, map[string]any{"subject": "ann", "expiresAt": far})
	if who, err := hook.Verify(t.Context(), identity.Proof{Token: "token"}); err != nil || !who.Until.Equal(r.now().Add(longestReuse)) {
		t.Errorf("Verify = %+v, %v", who, err)
	}
}

// A proof that works once may be used up by the first try, whose answer was lost.
func TestAWebhookIsNotAskedTwice(t *testing.T) {
	r := newRig(t)
	r.Answer("/prove", http.StatusServiceUnavailable, map[string]any{})
	_, err := newWebhook(r, WebhookOptions{}).Verify(t.Context(), identity.Proof{Token: "token"})
	wantRefused(t, err, identity.ProviderUnavailable)
	if calls := len(r.Calls("/prove")); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}
