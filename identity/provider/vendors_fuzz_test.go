package provider

import (
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"

	"muster"
	"muster/identity/provider/providertest"
)

func FuzzSignedPlayerInfo(f *testing.F) {
	good := signInfo(facebookSecret, map[string]any{"algorithm": "HMAC-SHA256", "issued_at": 1795334400, "player_id": instantPlayer})
	_, payload, _ := strings.Cut(good, ".")
	for _, seed := range []string{good, "." + payload, payload, "a.b", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		info, err := openPlayerInfo(token, facebookSecret)
		if err == nil && (info.PlayerID != instantPlayer || !strings.HasSuffix(token, "."+payload)) {
			t.Errorf("%q is taken for %+v", token, info)
		}
	})
}

func FuzzWebhookSignature(f *testing.F) {
	r := newRig(f)
	body := []byte(`{"token":"token"}`)
	good := signBody([]string{webhookKey}, r.now(), body)
	_, code, _ := strings.Cut(good, ",")
	for _, seed := range []string{good, "t=1," + code, code, "t=,v1=", ",,,=", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if signedBy([]string{webhookKey}, header, r.now(), body) && !strings.Contains(strings.ToLower(header), code) {
			t.Errorf("%q is taken for a signature", header)
		}
	})
}

func FuzzWebhookAnswer(f *testing.F) {
	for _, seed := range []string{`{"subject":"ann"}`, `{"subject":"ann","entitlements":["base"],"expiresAt":"2026-11-22T09:00:00Z"}`, `{"reason":"account.banned"}`, `{}`, `null`, `[`} {
		f.Add(http.StatusOK, []byte(seed))
		f.Add(http.StatusUnprocessableEntity, []byte(seed))
	}
	r := newRig(f)
	hook := newWebhook(r, WebhookOptions{})
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		told, err := hook.read(t.Context(), Answer{Status: status, Body: body})
		switch {
		case err == nil && (status != http.StatusOK || told.Subject == "" || told.check() != nil):
			t.Errorf("%d %q is taken for %+v", status, body, told)
		case err != nil && muster.KindOf(err) == muster.Internal:
			t.Errorf("%d %q is an error of ours: %v", status, body, err)
		}
	})
}

func FuzzXSTSToken(f *testing.F) {
	ours := providertest.RSAKey(0)
	r := newRig(f)
	f.Add("XBL3.0 x=1234;" + xboxToken(r, xboxClaims(r, nil)))
	f.Add(providertest.Seal(&ours.PublicKey, "inner", nil))
	f.Add("XBL3.0 x=;a.b.c.d.e")
	f.Add(providertest.Seal(&providertest.RSAKey(1).PublicKey, "inner", nil))
	f.Fuzz(func(t *testing.T, text string) {
		_, text = cutXBL(text)
		sealed, err := parseSealed(text)
		if err != nil {
			return
		}
		opened, err := unseal(sealed, []*rsa.PrivateKey{ours})
		if err != nil {
			return
		}
		if claims, err := opened.claims(); err == nil && claims.Issuer != XboxIssuer {
			t.Errorf("%q opens as %+v", text, claims)
		}
	})
}
