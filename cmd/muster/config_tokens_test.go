package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/httpapi"
	"muster/identity"
	"muster/store/memory"
)

func TestHowLongSignInsLastIsConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"idleHours: 0":            "identity.tokens.idleHours: lies between 1 and 720, not 0",
		"idleHours: 721":          "identity.tokens.idleHours: lies between 1 and 720, not 721",
		"idleHours: 0.5":          "identity.tokens.idleHours: wants a whole number",
		"oneSignInPerDevice: off": "identity.tokens.oneSignInPerDevice: wants true or false",
		"freshToSignOut: 1":       "identity.tokens.freshToSignOut: wants true or false",
		"idleDays: 7":             "idleDays: there is no such key",
	} {
		_, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  tokens: {"+text+"}\n"), files)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]identity.Options{
		"":                          {},
		"idleHours: 168":            {IdleTTL: 7 * 24 * time.Hour},
		"oneSignInPerDevice: true":  {},
		"oneSignInPerDevice: false": {SeveralPerDevice: true},
	} {
		c, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  tokens: {"+text+"}\n"), files)
		if err != nil {
			t.Fatal(err)
		}
		var o identity.Options
		c.Identity.Tokens.apply(&o)
		if o.IdleTTL != want.IdleTTL || o.SeveralPerDevice != want.SeveralPerDevice {
			t.Errorf("%q: idle for %v, several for a device: %v", text, o.IdleTTL, o.SeveralPerDevice)
		}
	}
}

func TestAFreshSignInEndsOthersUnlessTheConfigurationSaysOtherwise(t *testing.T) {
	for text, want := range map[string]bool{"": true, "freshToSignOut: true": true, "freshToSignOut: false": false} {
		c, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  tokens: {"+text+"}\n"), files)
		if err != nil {
			t.Fatal(err)
		}
		var o httpapi.Options
		c.Identity.Tokens.serve(&o, nil)
		if (o.Fresh != nil) != want {
			t.Errorf("%q: asked for: %v", text, o.Fresh != nil)
		}
	}
}

func TestADeviceThatSignsInAgainIsSignedInOnce(t *testing.T) {
	for text, left := range map[string]int{"oneSignInPerDevice: true": 3, "oneSignInPerDevice: false": 5} {
		c, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  tokens: {"+text+"}\n"), files)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := identity.NewKeys(strings.NewReader(strings.Repeat("muster", 1000)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := newBackend(backendParts{url: "http://muster.test", store: memory.New(time.Now), keys: keys, identity: c.Identity, log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		body, grant := `{}`, muster.Grant{}
		for i := range 5 {
			status, answer := ask(t, b.handler, "POST", "/v1/auth/guest", body, "Muster-Device", "phone-0c1d2e3f4a5b")
			if status/100 != 2 || json.Unmarshal([]byte(answer), &grant) != nil {
				t.Fatalf("sign-in %d: %d %s", i, status, answer)
			}
			guest, err := json.Marshal(map[string]any{"guest": grant.Guest})
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				body = string(guest)
			}
		}
		_, answer := ask(t, b.handler, "GET", "/v1/players/me/sign-ins", ``, "Authorization", "Bearer "+grant.AccessToken)
		var all struct{ SignIns []muster.SignInView }
		if json.Unmarshal([]byte(answer), &all) != nil || len(all.SignIns) != left { // all of it within ten seconds
			t.Errorf("%s: %s", text, answer)
		}
	}
}
