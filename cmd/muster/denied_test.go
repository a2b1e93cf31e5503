package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/identity"
)

const (
	lostOperator = "cognito/eu-central-1_AbCdEfGhI/8f14e45f-ceea-467f-a8b9-1c2d3e4f5a6b"
	lostServer   = "AROAEXAMPLE:i-0abc"
)

func TestDeniedNamesAreThoseOfAuditRecords(t *testing.T) {
	const who = "providers: {cognito: {userPools: [{id: eu-central-1_AbCdEfGhI, clientIds: [c]}]}}, bearers: {cognito: {maxAgeSeconds: 600}}, " +
		"serverRoles: {roles: ['arn:aws:iam::123456789012:role/GameServer'], regions: [eu-central-1]}, "
	c, err := parseConfig("c.yaml", []byte(oneMode+"identity: {"+who+"denied: ["+lostOperator+", '"+lostServer+"', AROAOTHER]}\n"), files)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Identity.providers(newTestTools(nil))
	if err != nil {
		t.Fatal(err)
	}
	if issuers, err := c.Identity.bearers(made); err != nil || issuers["cognito"].MaxAge != 10*time.Minute {
		t.Errorf("tokens are taken for %v, %v", issuers["cognito"].MaxAge, err)
	}
	for text, want := range map[string]string{
		who + "denied: [somebody]":                                   `identity.denied[0]: "somebody" is neither`,
		who + "denied: [AROAEXAMPLE, google/ann]":                    `identity.denied[1]: "google/ann" is neither`,
		"denied: ['" + lostServer + "']":                             `identity.denied[0]`,
		strings.Replace(who, "600", "-1", 1) + "denied: []":          "bearers.cognito.maxAgeSeconds: lies between 0",
		strings.Replace(who, "600", "99999999", 1) + "merging: fill": "bearers.cognito.maxAgeSeconds: lies between 0",
	} {
		if _, err := parseConfig("c.yaml", []byte(oneMode+"identity: {"+text+"}\n"), files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestWhoIsDeniedIsNotLetIn(t *testing.T) {
	d := (&identityConfig{Denied: []string{lostOperator, lostServer, "AROAOTHER"}}).denials()
	for name, c := range map[string]struct {
		caller muster.Caller
		denied bool
	}{
		"an operator who is denied":     {muster.Caller{Scope: muster.AdminScope, Key: lostOperator}, true},
		"another operator":              {muster.Caller{Scope: muster.AdminScope, Key: lostOperator + "0"}, false},
		"a game server that is denied":  {muster.Caller{Scope: muster.ServerScope, Key: lostServer}, true},
		"another session of its role":   {muster.Caller{Scope: muster.ServerScope, Key: "AROAEXAMPLE:i-0def"}, false},
		"a session of a denied role":    {muster.Caller{Scope: muster.ServerScope, Key: "AROAOTHER:i-0def"}, true},
		"a role that begins like it":    {muster.Caller{Scope: muster.ServerScope, Key: "AROAOTHERS:i-0def"}, false},
		"a server's key":                {muster.Caller{Scope: muster.ServerScope, Key: "4f3c2b1a"}, false},
		"a player":                      {muster.Caller{Scope: muster.PlayerScope, Player: "AROAOTHER"}, false},
		"a caller without name or mark": {muster.Caller{}, false},
	} {
		verify := d.unless(func(context.Context, string) (muster.Caller, error) { return c.caller, nil })
		caller, err := verify(t.Context(), "token")
		if c.denied != (muster.KindOf(err) == muster.Denied) || c.denied != (caller == muster.Caller{}) && c.caller != (muster.Caller{}) {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
	broken := errors.New("broken")
	if _, err := d.unless(func(context.Context, string) (muster.Caller, error) { return muster.Caller{}, broken })(t.Context(), "token"); !errors.Is(err, broken) {
		t.Errorf("a failure becomes %v", err)
	}
}

// proves is a provider that proves one subject.
type proves string

func (p proves) Verify(context.Context, identity.Proof) (identity.Verified, error) {
	return identity.Verified{Subject: string(p), Once: "once"}, nil
}

func TestADeniedRoleGetsNoToken(t *testing.T) {
	d := (&identityConfig{Denied: []string{lostServer}}).denials()
	who, err := deniedProver{proves(lostServer), d}.Verify(t.Context(), identity.Proof{})
	if muster.KindOf(err) != muster.Denied || who != (identity.Verified{}) {
		t.Errorf("a denied one is %+v, %v", who, err)
	}
	if who, err := (deniedProver{proves("AROAEXAMPLE:i-0def"), d}).Verify(t.Context(), identity.Proof{}); err != nil || who.Subject != "AROAEXAMPLE:i-0def" {
		t.Errorf("another is %+v, %v", who, err)
	}
}
