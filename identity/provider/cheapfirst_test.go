package provider

import (
	"strings"
	"testing"

	"muster/identity"
	"muster/identity/provider/providertest"
)

// TestATokenThatIsNotForUsCostsNoCall has each provider's first token be a bad one: it has no
// keys yet.
func TestATokenThatIsNotForUsCostsNoCall(t *testing.T) {
	bad := badTokens()
	for name, way := range tokenWays() {
		t.Run(name, func(t *testing.T) {
			for _, name := range []string{
				"another audience", "another authorized party", "another issuer", "no subject", "an end long past", "no end",
				"a beginning in the future", "a time before which it is no good", "the use of an access token", "another algorithm of its key",
				"no algorithm", "keys of its own", "an address of keys", "seventeen kilobytes", "two parts", "nothing",
			} {
				a := newAttempt(t, way)
				bad[name].spoil(a)
				_, err := a.verify(t)
				wantReason(t, err, bad[name].reason)
				if calls := a.Calls(""); len(calls) != 0 {
					t.Errorf("a token with %s costs %d calls", name, len(calls))
				}
			}
			a := newAttempt(t, way)
			if !way.nonce {
				return
			}
			a.sign()
			a.proof.Nonce = "another"
			_, err := a.verify(t)
			wantReason(t, err, identity.NonceMismatch)
			if calls := a.Calls(""); len(calls) != 0 {
				t.Errorf("a token with another nonce costs %d calls", len(calls))
			}
		})
	}
}

func TestATokenWithoutARequiredClaimCostsNoCall(t *testing.T) {
	for name, claim := range map[string]string{"epic": "pfpid", "nintendo": "typ", "google": "hd"} {
		a := newAttempt(t, tokenWays()[name])
		delete(a.claims, claim)
		a.sign()
		_, err := a.verify(t)
		wantReason(t, err, identity.WrongApplication)
		if calls := a.Calls(""); len(calls) != 0 {
			t.Errorf("%s: %d calls", name, len(calls))
		}
	}
}

func TestAnXSTSTokenThatIsNotForUsCostsNoCall(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string]map[string]any{
		"another issuer":        {"iss": "evil.example"},
		"another relying party": {"aud": "rp://evil/"},
		"another sandbox":       {"sbx": "XDKS.1"},
		"expired":               {"exp": r.now().Unix() - 3600},
		"not valid yet":         {"nbf": r.now().Unix() + 3600},
		"nobody":                {"xui": []any{}},
		"several users":         {"xui": []any{xboxUser(nil), xboxUser(nil)}},
		"no rights":             {"xui": []any{xboxUser(map[string]any{"prv": nil})}},
	} {
		if _, err := newXbox(r, XboxOptions{}).Verify(t.Context(), identity.Proof{Token: xboxToken(r, xboxClaims(r, change))}); err == nil {
			t.Errorf("%s: it signs in", name)
		}
	}
	if calls := r.Calls(""); len(calls) != 0 {
		t.Errorf("%d calls for tokens that are not for us", len(calls))
	}
}

func TestAnXSTSTokenOfNoFormCostsNoKey(t *testing.T) {
	r := newRig(t)
	read := 0
	xbox := newXbox(r, XboxOptions{PrivateKeys: func() (string, error) { read++; return pemOf(providertest.RSAKey(0))() }})
	signed := signXSTS(r, "rsa-1", xboxClaims(r, nil), nil)
	for _, text := range []string{"", "a.b.c.d.e", signed, providertest.Seal(&providertest.RSAKey(0).PublicKey, signed, map[string]any{"alg": "RSA1_5"})} {
		_, err := xbox.Verify(t.Context(), identity.Proof{Token: text})
		wantReason(t, err, identity.CredentialInvalid, text)
	}
	if read != 0 {
		t.Errorf("the private key was read %d times", read)
	}
}

func TestAnXboxKeyThatCannotBeReadIsOursToMend(t *testing.T) {
	r := newRig(t)
	proof := identity.Proof{Token: xboxToken(r, xboxClaims(r, nil))}
	_, err := newXbox(r, XboxOptions{PrivateKeys: FixedSecret("")}).Verify(t.Context(), proof)
	wantReason(t, err, identity.ProviderUnavailable)
	if !strings.Contains(r.log(), "level=ERROR") || len(r.Calls("")) != 0 {
		t.Errorf("log %q, calls %v", r.log(), r.Calls(""))
	}
}

func TestANewXboxKeyIsUsedAtOnce(t *testing.T) {
	r := newRig(t)
	key := providertest.RSAKey(1)
	xbox := newXbox(r, XboxOptions{PrivateKeys: func() (string, error) { return pemOf(key)() }})
	proof := identity.Proof{Token: xboxToken(r, xboxClaims(r, nil))} // sealed for key 0
	_, err := xbox.Verify(t.Context(), proof)
	wantReason(t, err, identity.CredentialInvalid)
	first, err := xbox.privateKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := xbox.privateKeys(t.Context()); err != nil || again[0] != first[0] {
		t.Errorf("the same text is parsed again: %v", err)
	}
	key = providertest.RSAKey(0)
	if _, err := xbox.Verify(t.Context(), proof); err != nil {
		t.Error(err)
	}
}

func TestACodeThatNeedsANonceIsNotSpentWithoutOne(t *testing.T) {
	r := newRig(t)
	p := NewOIDC(OIDCOptions{
		Client: r.client, Now: r.now, Issuer: "https://id.example", ClientIDs: []string{"game-client"}, KeysURL: r.URL() + providertest.KeysPath,
		Code: &CodeOptions{Credentials: Credentials{ClientID: "game-client", Auth: AuthNone}, TokenURL: r.URL() + "/token", WithoutPKCE: true},
	})
	_, err := p.Verify(t.Context(), identity.Proof{Code: "one-use"})
	wantReason(t, err, identity.NonceMismatch)
	if calls := r.Calls(""); len(calls) != 0 {
		t.Errorf("%d calls", len(calls))
	}
}

func TestWhatNoCodeAndNoTokenCanBeCostsNoCall(t *testing.T) {
	r := newRig(t)
	asks := newIssuer(r, func(o *OIDCOptions) {
		takesCodes(o)
		o.Introspection = &IntrospectionOptions{Credentials: o.Code.Credentials}
	})
	for name, p := range map[string]identity.Provider{
		"facebook": newFacebook(r, FacebookOptions{}), "amazon": newAmazon(r, false), "discord": newDiscord(r), "play games": playGames(r),
		"xbox web": newXboxWeb(r, XboxWebOptions{ClientSecret: FixedSecret(microsoftSecret)}), "codes of an issuer": asks,
	} {
		for _, text := range []string{"a\nb", "a\x00b", "caf\u00e9", "\x7f"} {
			_, err := p.Verify(t.Context(), identity.Proof{Token: text, Code: text, RedirectURI: ourPage})
			wantRefused(t, err, identity.CredentialInvalid, name)
		}
	}
	_, err := asks.Verify(t.Context(), identity.Proof{Token: "a\nb"})
	wantRefused(t, err, identity.CredentialInvalid)
	if calls := r.Calls(""); len(calls) != 0 {
		t.Errorf("%d calls", len(calls))
	}
}
