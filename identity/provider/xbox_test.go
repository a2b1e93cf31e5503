package provider

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // of thumbprints
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/identity"
	"muster/identity/provider/providertest"
)

const (
	relyingParty = "rp://game.example/"
	partnerXUID  = "2814600000000042"
)

// pemOf is private keys as a file of them.
func pemOf(keys ...*rsa.PrivateKey) Secret {
	var text []byte
	for _, key := range keys {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})...)
	}
	return FixedSecret(string(text))
}

func newXbox(r *rig, o XboxOptions) *Xbox {
	o.Client, o.Now, o.RelyingParty = r.client, r.now, relyingParty
	r.Serve("/psskeys", providertest.KeysPath)
	o.Keys = map[string]KeySource{}
	for _, path := range []string{providertest.KeysPath, "/psskeys"} {
		o.Keys[r.URL()+path] = NewKeySet(r.client, r.URL()+path, r.now)
	}
	o.Certificates = newCertificateSet(r.client, r.URL()+"/xsts/signingkeys", r.now)
	if o.PrivateKeys == nil {
		o.PrivateKeys = pemOf(providertest.RSAKey(0))
	}
	return NewXbox(o)
}

// xboxClaims are those of a good token, with some changed.
func xboxClaims(r *rig, change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": "xsts.auth.xboxlive.com", "aud": relyingParty, "sbx": "RETAIL",
		"nbf": r.now().Unix(), "exp": r.now().Add(4 * time.Hour).Unix(),
		"xti": map[string]any{"tid": "1234567"}, "xdi": map[string]any{"dty": "XboxOne"},
		"xui": []any{xboxUser(nil)},
	}
	for name, value := range change {
		claims[name] = value
	}
	return claims
}

func xboxUser(change map[string]any) map[string]any {
	user := map[string]any{"uhs": "1234", "ptx": partnerXUID, "gtg": "Ann", "agg": "Adult", "prv": "184 254 255"}
	for name, value := range change {
		user[name] = value
	}
	return user
}

// signXSTS signs claims as Xbox does for a relying party with the option JKU. header is added to
// the usual one.
func signXSTS(r *rig, key string, claims, header map[string]any) string {
	usual := map[string]any{"jku": r.URL() + providertest.KeysPath}
	maps.Copy(usual, header)
	return r.Sign(key, claims, usual)
}

// xboxToken seals a token with claims for our key.
func xboxToken(r *rig, claims map[string]any) string {
	return providertest.Seal(&providertest.RSAKey(0).PublicKey, signXSTS(r, "rsa-1", claims, nil), map[string]any{"x5t": "ours"})
}

func TestAnXSTSTokenProvesItsUser(t *testing.T) {
	r := newRig(t)
	token := xboxToken(r, xboxClaims(r, nil))
	for name, c := range map[string]struct {
		text    string
		options XboxOptions
	}{
		"by itself":                    {token, XboxOptions{}},
		"as a header":                  {"XBL3.0 x=1234;" + token, XboxOptions{}},
		"as a header of all its users": {"XBL3.0 x=*;" + token, XboxOptions{}},
		"of a title that is ours":      {token, XboxOptions{TitleIDs: []string{"7", "1234567"}}},
		"for the older of two keys":    {token, XboxOptions{PrivateKeys: pemOf(providertest.RSAKey(1), providertest.RSAKey(0))}},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := newXbox(r, c.options).Verify(t.Context(), identity.Proof{Token: c.text})
			if err != nil || who.Subject != partnerXUID || who.DisplayName != "Ann" || who.Once == "" {
				t.Errorf("Verify = %+v, %v", who, err)
			}
		})
	}
	plain := providertest.Seal(&providertest.RSAKey(0).PublicKey, signXSTS(r, "rsa-1", xboxClaims(r, nil), nil), map[string]any{"zip": nil})
	if _, err := newXbox(r, XboxOptions{}).Verify(t.Context(), identity.Proof{Token: plain}); err != nil {
		t.Errorf("a token that is not compressed: %v", err)
	}
	r.Publish("pss-1", "PS256")
	pss := providertest.Seal(&providertest.RSAKey(0).PublicKey, signXSTS(r, "pss-1", xboxClaims(r, nil), map[string]any{"jku": r.URL() + "/psskeys"}), nil)
	if who, err := newXbox(r, XboxOptions{}).Verify(t.Context(), identity.Proof{Token: pss}); err != nil || who.Subject != partnerXUID {
		t.Errorf("a token signed with PS256: %+v, %v", who, err)
	}
}

func TestClaimsOfXboxThatProveNobody(t *testing.T) {
	users := func(list ...any) map[string]any { return map[string]any{"xui": list} }
	for name, c := range map[string]struct {
		change  map[string]any
		hash    string
		options XboxOptions
		reason  identity.Reason // empty: signed in
	}{
		"another issuer":                         {map[string]any{"iss": "xsts.auth.xboxlive.com.evil.example"}, "", XboxOptions{}, identity.CredentialInvalid},
		"an issuer with a prefix":                {map[string]any{"iss": "evil.xsts.auth.xboxlive.com"}, "", XboxOptions{}, identity.CredentialInvalid},
		"another relying party":                  {map[string]any{"aud": "http://xboxlive.com"}, "", XboxOptions{}, identity.WrongApplication},
		"a relying party that begins like ours":  {map[string]any{"aud": relyingParty + "evil"}, "", XboxOptions{}, identity.WrongApplication},
		"two relying parties":                    {map[string]any{"aud": []string{relyingParty, "rp://evil/"}}, "", XboxOptions{}, identity.WrongApplication},
		"the sandbox of developers":              {map[string]any{"sbx": "XDKS.1"}, "", XboxOptions{}, identity.WrongApplication},
		"the sandbox of players, in development": {nil, "", XboxOptions{Sandbox: "XDKS.1"}, identity.WrongApplication},
		"another title":                          {nil, "", XboxOptions{TitleIDs: []string{"7"}}, identity.WrongApplication},
		"no title":                               {map[string]any{"xti": nil}, "", XboxOptions{TitleIDs: []string{"7"}}, identity.WrongApplication},
		"expired":                                {map[string]any{"exp": time.Date(2026, 11, 22, 7, 58, 59, 0, time.UTC).Unix()}, "", XboxOptions{}, identity.CredentialExpired},
		"never expiring":                         {map[string]any{"exp": nil}, "", XboxOptions{}, identity.CredentialInvalid},
		"not valid yet":                          {map[string]any{"nbf": time.Date(2026, 11, 22, 8, 2, 0, 0, time.UTC).Unix()}, "", XboxOptions{}, identity.CredentialInvalid},
		"made in the future":                     {map[string]any{"iat": time.Date(2026, 11, 22, 8, 2, 0, 0, time.UTC).Unix()}, "", XboxOptions{}, identity.CredentialInvalid},
		"nobody":                                 {users(), "", XboxOptions{}, identity.CredentialInvalid},
		"no users at all":                        {map[string]any{"xui": nil}, "", XboxOptions{}, identity.CredentialInvalid},
		"users that are no list":                 {map[string]any{"xui": xboxUser(nil)}, "", XboxOptions{}, identity.CredentialInvalid},
		"several users":                          {users(xboxUser(nil), xboxUser(map[string]any{"uhs": "5678", "ptx": "9"})), "", XboxOptions{}, identity.CredentialInvalid},
		"several users, of whom one is named":    {users(xboxUser(map[string]any{"uhs": "5678", "ptx": "9"}), xboxUser(nil)), "1234", XboxOptions{}, ""},
		"several users of one hash":              {users(xboxUser(nil), xboxUser(map[string]any{"ptx": "9"})), "1234", XboxOptions{}, identity.CredentialInvalid},
		"none of its users":                      {nil, "-", XboxOptions{}, identity.CredentialInvalid},
		"a hash that is nobody's":                {nil, "9999", XboxOptions{}, identity.CredentialInvalid},
		"no partner XUID":                        {users(xboxUser(map[string]any{"ptx": nil, "xid": "7"})), "", XboxOptions{}, identity.CredentialInvalid},
		"an XUID, where that counts":             {users(xboxUser(map[string]any{"ptx": nil, "xid": partnerXUID})), "", XboxOptions{XUIDs: true}, ""},
		"a partner XUID that is a number":        {users(xboxUser(map[string]any{"ptx": 7})), "", XboxOptions{}, identity.CredentialInvalid},
		"no right to play with others":           {users(xboxUser(map[string]any{"prv": "184 1254 2540"})), "", XboxOptions{}, identity.AgeOrPrivilege},
		"no rights":                              {users(xboxUser(map[string]any{"prv": nil})), "", XboxOptions{}, identity.AgeOrPrivilege},
		"no need to play with others":            {users(xboxUser(map[string]any{"prv": nil})), "", XboxOptions{AllowSolo: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			text := xboxToken(r, xboxClaims(r, c.change))
			if c.hash != "" {
				text = "XBL3.0 x=" + c.hash + ";" + text
			}
			who, err := newXbox(r, c.options).Verify(t.Context(), identity.Proof{Token: text})
			if c.reason != "" {
				wantRefused(t, err, c.reason, partnerXUID, text)
			} else if err != nil || who.Subject != partnerXUID {
				t.Errorf("Verify = %+v, %v", who, err)
			}
		})
	}
}

func TestTokensThatAreNotFromXbox(t *testing.T) {
	r := newRig(t)
	ours, theirs := &providertest.RSAKey(0).PublicKey, &providertest.RSAKey(1).PublicKey
	claims := xboxClaims(r, nil)
	good := signXSTS(r, "rsa-1", claims, nil)
	sealed := providertest.Seal(ours, good, nil)
	parts := strings.Split(sealed, ".")
	parts[3] = "AAAA" + parts[3][4:]
	r.Hold("rsa-9", "RS256")
	r.Publish("rsa-3", "RS384")
	for name, text := range map[string]string{
		"nothing":                        "",
		"an empty header":                "XBL3.0 x=;",
		"a header without a token":       "XBL3.0 x=1234",
		"a token that is only signed":    good,
		"another's token":                providertest.Seal(theirs, good, nil),
		"other text inside":              strings.Join(parts, "."),
		"another key wrap":               providertest.Seal(ours, good, map[string]any{"alg": "RSA1_5"}),
		"another cipher":                 providertest.Seal(ours, good, map[string]any{"enc": "A256GCM"}),
		"the password as key":            providertest.Seal(ours, good, map[string]any{"alg": "dir"}),
		"a header that must be known":    providertest.Seal(ours, good, map[string]any{"crit": []string{"exp"}, "exp": 1}),
		"a bomb":                         providertest.Seal(ours, strings.Repeat("a", 1<<20), nil),
		"an endless token":               sealed + strings.Repeat("A", maxToken),
		"claims without a signature":     providertest.Seal(ours, providertest.Unsigned(claims, map[string]any{"kid": "rsa-1", "jku": r.URL() + providertest.KeysPath}), nil),
		"a public key as a secret":       providertest.Seal(ours, r.Confuse("rsa-1", claims, map[string]any{"jku": r.URL() + providertest.KeysPath}), nil),
		"another algorithm":              providertest.Seal(ours, signXSTS(r, "ec-1", claims, nil), nil),
		"another hash":                   providertest.Seal(ours, signXSTS(r, "rsa-3", claims, nil), nil),
		"other claims":                   providertest.Seal(ours, providertest.Tampered(good, xboxClaims(r, map[string]any{"sbx": "RETAIL", "x": 1})), nil),
		"a key that is not published":    providertest.Seal(ours, signXSTS(r, "rsa-9", claims, nil), nil),
		"keys at another address":        providertest.Seal(ours, signXSTS(r, "rsa-9", claims, map[string]any{"jku": r.URL() + "/other"}), nil),
		"keys at no address":             providertest.Seal(ours, signXSTS(r, "rsa-1", claims, map[string]any{"jku": nil}), nil),
		"keys at an address like ours":   providertest.Seal(ours, signXSTS(r, "rsa-1", claims, map[string]any{"jku": r.URL() + providertest.KeysPath + "?"}), nil),
		"a certificate as well as a key": providertest.Seal(ours, signXSTS(r, "rsa-9", claims, map[string]any{"jwk": r.Key("rsa-9").JWK(), "x5c": []string{"AAAA"}}), nil),
		"no key":                         providertest.Seal(ours, signXSTS(r, "rsa-1", claims, map[string]any{"kid": nil}), nil),
		"a key of its own":               providertest.Seal(ours, signXSTS(r, "rsa-9", claims, map[string]any{"jwk": r.Key("rsa-9").JWK()}), nil),
		"JSON that is not signed":        providertest.Seal(ours, `{"iss":"xsts.auth.xboxlive.com"}`, nil),
		"claims that are a list":         providertest.Seal(ours, providertest.Tampered(good, nil), nil),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newXbox(r, XboxOptions{}).Verify(t.Context(), identity.Proof{Token: text})
			wantRefused(t, err, identity.CredentialInvalid, text, partnerXUID)
		})
	}
	for _, call := range r.Calls("") {
		if call.Path != providertest.KeysPath {
			t.Errorf("a token had %s called", call.Path)
		}
	}
}

// certificate makes one for the public half of a key, and its thumbprint.
func certificate(t *testing.T, key *rsa.PrivateKey, from, to time.Time) (der []byte, thumbprint string) {
	t.Helper()
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "xsts.auth.xboxlive.com"}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(der) //nolint:gosec // as above
	return der, base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestTokensMayNameACertificate(t *testing.T) {
	r := newRig(t)
	day := 24 * time.Hour
	good, goodPrint := certificate(t, providertest.RSAKey(1), r.now().Add(-day), r.now().Add(day))
	old, oldPrint := certificate(t, providertest.RSAKey(1), r.now().Add(-2*day), r.now().Add(-day))
	sign := func(thumbprint string) identity.Proof {
		// Since December 2024 such a token has a kid, too, which is the thumbprint.
		inner := r.Sign("rsa-1", xboxClaims(r, nil), map[string]any{"kid": thumbprint, "jku": "https://evil.example/", "x5t": thumbprint, "x5u": "https://evil.example/"})
		return identity.Proof{Token: providertest.Seal(&providertest.RSAKey(0).PublicKey, inner, nil)}
	}
	r.Answer("/xsts/signingkeys", http.StatusOK, [][]byte{old, []byte("no certificate"), good})
	xbox := newXbox(r, XboxOptions{})
	if who, err := xbox.Verify(t.Context(), sign(goodPrint)); err != nil || who.Subject != partnerXUID {
		t.Errorf("Verify = %+v, %v", who, err)
	}
	for name, thumbprint := range map[string]string{"an expired certificate": oldPrint, "one that is not listed": "AAAA"} {
		_, err := xbox.Verify(t.Context(), sign(thumbprint))
		wantRefused(t, err, identity.CredentialInvalid, name)
	}
	for name, body := range map[string]any{"no certificates": [][]byte{}, "expired ones": [][]byte{old}, "something else": map[string]any{}} {
		r.Answer("/xsts/signingkeys", http.StatusOK, body)
		_, err := newXbox(r, XboxOptions{}).Verify(t.Context(), sign(goodPrint))
		wantRefused(t, err, identity.ProviderUnavailable, name)
	}
}

func TestXboxKeysThatCannotBeHad(t *testing.T) {
	r := newRig(t)
	proof := identity.Proof{Token: xboxToken(r, xboxClaims(r, nil))}
	r.Fail(providertest.KeysPath, providertest.Failure{Status: http.StatusServiceUnavailable})
	xbox := newXbox(r, XboxOptions{})
	_, err := xbox.Verify(t.Context(), proof)
	wantRefused(t, err, identity.ProviderUnavailable)
	r.Mend()
	r.pass(emptyGap)
	if _, err := xbox.Verify(t.Context(), proof); err != nil {
		t.Errorf("once they can: %v", err)
	}
}

func TestAnXSTSTokenWorksOnceUnlessReuseIsAllowed(t *testing.T) {
	r := newRig(t)
	inner := signXSTS(r, "rsa-1", xboxClaims(r, nil), nil)
	seal := func() identity.Proof {
		return identity.Proof{Token: providertest.Seal(&providertest.RSAKey(0).PublicKey, inner, nil)}
	}
	wantOnce(t, newXbox(r, XboxOptions{}), seal(), seal())
	if who, err := newXbox(r, XboxOptions{AllowReuse: true}).Verify(t.Context(), seal()); err != nil || who.Once != "" {
		t.Errorf("Verify = %+v, %v", who, err)
	}
}

func TestKeysOfARelyingParty(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skipf("this Go makes no short keys: %v", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(providertest.RSAKey(0))
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	good := block("PRIVATE KEY", pkcs8)
	for name, c := range map[string]struct {
		text string
		want int // keys
	}{
		"PKCS#8":                     {good, 1},
		"PKCS#1":                     {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(providertest.RSAKey(0))), 1},
		"a key with its certificate": {block("CERTIFICATE", []byte("skipped")) + good, 1},
		"four keys":                  {strings.Repeat(good, 4), 4},
		"five keys":                  {strings.Repeat(good, 5), 0},
		"none":                       {"", 0},
		"text":                       {"secret", 0},
		"a certificate alone":        {block("CERTIFICATE", []byte("skipped")), 0},
		"a short key":                {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)), 0},
		"a key that is garbage":      {block("PRIVATE KEY", []byte("garbage")), 0},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := ParseXboxKeys([]byte(c.text))
			if len(keys) != c.want || (err == nil) != (c.want > 0) {
				t.Errorf("%d keys, %v; want %d", len(keys), err, c.want)
			}
		})
	}
}
