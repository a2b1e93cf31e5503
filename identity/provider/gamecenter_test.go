package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/identity"
	"muster/identity/provider/providertest"
)

const certificateAt = "/public-key/gc-prod-10.cer"

// gameCenterRig is Apple's host with a certificate, and an authority over it.
type gameCenterRig struct {
	*rig
	authority    *x509.Certificate
	authorityKey *ecdsa.PrivateKey
}

func newGameCenterRig(t *testing.T) *gameCenterRig {
	t.Helper()
	g := &gameCenterRig{rig: newRig(t)}
	var err error
	if g.authorityKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: g.now().Add(-time.Hour), NotAfter: g.now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, g.authorityKey.Public(), g.authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	if g.authority, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	g.serve(certificateAt, g.certify(t, providertest.RSAKey(0).Public(), g.now().Add(-time.Hour), g.now().Add(time.Hour)))
	return g
}

func (g *gameCenterRig) certify(t *testing.T, key crypto.PublicKey, from, till time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "game center"}, NotBefore: from, NotAfter: till}
	der, err := x509.CreateCertificate(rand.Reader, template, g.authority, key, g.authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (g *gameCenterRig) serve(path string, body []byte) {
	g.Handle(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pkix-cert")
		_, _ = w.Write(body) // the caller may have left
	})
}

// trusted is a pool of certificates.
func trusted(certificates ...*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool
}

// open trusts the rig's own authority.
func (g *gameCenterRig) open() *GameCenter { return g.trusting(trusted(g.authority)) }

func (g *gameCenterRig) trusting(authorities *x509.CertPool) *GameCenter {
	return NewGameCenter(GameCenterOptions{Client: g.client, Now: g.now, BundleIDs: []string{"com.studio.game"}, Authorities: authorities, host: g.URL()})
}

// proof signs a player in; fields are those that differ from the usual.
func (g *gameCenterRig) proof(t *testing.T, fields map[string]string) identity.Proof {
	t.Helper()
	f := map[string]string{
		"playerId": "T:_ann", "bundleId": "com.studio.game", "timestamp": strconv.FormatInt(g.now().UnixMilli(), 10),
		"salt": base64.StdEncoding.EncodeToString([]byte("salt")), "publicKeyUrl": g.URL() + certificateAt,
	}
	maps.Copy(f, fields)
	if _, given := fields["signature"]; !given {
		millis, _ := strconv.ParseUint(f["timestamp"], 10, 64) // what does not parse is signed as zero
		salt, _ := base64.StdEncoding.DecodeString(f["salt"])
		signed := append(binary.BigEndian.AppendUint64([]byte(f["playerId"]+f["bundleId"]), millis), salt...)
		digest := sha256.Sum256(signed)
		signature, err := rsa.SignPKCS1v15(rand.Reader, providertest.RSAKey(0), crypto.SHA256, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		f["signature"] = base64.StdEncoding.EncodeToString(signature)
	}
	return identity.Proof{Fields: f}
}

func TestGameCenterProvesAPlayer(t *testing.T) {
	g := newGameCenterRig(t)
	p := g.open()
	for range 3 {
		who, err := p.Verify(t.Context(), g.proof(t, nil))
		if err != nil || who.Subject != "T:_ann" || who.Once == "" || !who.Until.Equal(g.now().Add(gameCenterAge+clockSkew)) {
			t.Fatalf("the signature proves %+v, %v", who, err)
		}
	}
	if got := len(g.Calls(certificateAt)); got != 1 {
		t.Errorf("the certificate was fetched %d times", got)
	}
	service := door(t, g.rig, p)
	proof := g.proof(t, nil)
	if _, err := service.ProveIdentity(t.Context(), "acme", proof); err != nil {
		t.Fatal(err)
	}
	_, err := service.ProveIdentity(t.Context(), "acme", proof)
	wantReason(t, err, identity.CredentialExpired)
}

func TestSignaturesOfGameCenterThatProveNothing(t *testing.T) {
	millis := func(g *gameCenterRig, d time.Duration) string {
		return strconv.FormatInt(g.now().Add(d).UnixMilli(), 10)
	}
	field := func(name, value string) func(*gameCenterRig) map[string]string {
		return func(*gameCenterRig) map[string]string { return map[string]string{name: value} }
	}
	at := func(address func(base string) string) func(*gameCenterRig) map[string]string {
		return func(g *gameCenterRig) map[string]string {
			return map[string]string{"publicKeyUrl": address(g.URL())}
		}
	}
	for name, c := range map[string]struct {
		fields func(*gameCenterRig) map[string]string
		reason identity.Reason
	}{
		"another bundle": {field("bundleId", "com.evil.game"), identity.WrongApplication},
		"a time in the future": {func(g *gameCenterRig) map[string]string {
			return map[string]string{"timestamp": millis(g, 2*time.Minute)}
		}, identity.CredentialInvalid},
		"a time long past": {func(g *gameCenterRig) map[string]string {
			return map[string]string{"timestamp": millis(g, -12*time.Minute)}
		}, identity.CredentialExpired},
		"a time that is none":        {field("timestamp", "now"), identity.CredentialInvalid},
		"a time beyond all":          {field("timestamp", "9223372036854775807"), identity.CredentialInvalid},
		"no player":                  {field("playerId", ""), identity.CredentialInvalid},
		"no salt":                    {field("salt", ""), identity.CredentialInvalid},
		"a signature of something":   {field("signature", base64.StdEncoding.EncodeToString(make([]byte, 256))), identity.CredentialInvalid},
		"a signature that is none":   {field("signature", "%%"), identity.CredentialInvalid},
		"another host":               {at(func(string) string { return "https://evil.example" + certificateAt }), identity.CredentialInvalid},
		"a host that ends as theirs": {at(func(string) string { return "https://evil-static.gc.apple.com" + certificateAt }), identity.CredentialInvalid},
		"a user in the address":      {at(func(base string) string { return "http://x@" + base[len("http://"):] + certificateAt }), identity.CredentialInvalid},
		"a query in the address":     {at(func(base string) string { return base + certificateAt + "?x" }), identity.CredentialInvalid},
		"another path":               {at(func(base string) string { return base + "/elsewhere/gc-prod-10.cer" }), identity.CredentialInvalid},
		"another file":               {at(func(base string) string { return base + "/public-key/setup.cer" }), identity.CredentialInvalid},
		"one of the sandbox":         {at(func(base string) string { return base + "/public-key/gc-sb-2.cer" }), identity.CredentialInvalid},
		"a path that climbs":         {at(func(base string) string { return base + "/public-key/..%2fx.cer" }), identity.CredentialInvalid},
		"a certificate nobody has":   {at(func(base string) string { return base + "/public-key/gc-prod-99.cer" }), identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGameCenterRig(t)
			_, err := g.open().Verify(t.Context(), g.proof(t, c.fields(g)))
			wantReason(t, err, c.reason)
		})
	}
	g := newGameCenterRig(t)
	proof := g.proof(t, nil)
	proof.Fields["playerId"] = "T:_mallory"
	_, err := g.open().Verify(t.Context(), proof)
	wantReason(t, err, identity.CredentialInvalid)
}

func TestCertificatesOfGameCenterThatAreNotUsed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, g *gameCenterRig)
		open   func(*gameCenterRig) *GameCenter // nil: it trusts the rig's authority
		reason identity.Reason
	}{
		"one that is over": {func(t *testing.T, g *gameCenterRig) {
			g.serve(certificateAt, g.certify(t, providertest.RSAKey(0).Public(), g.now().Add(-2*time.Hour), g.now().Add(-time.Hour)))
		}, nil, identity.CredentialInvalid},
		"one of another key": {func(t *testing.T, g *gameCenterRig) {
			g.serve(certificateAt, g.certify(t, providertest.RSAKey(1).Public(), g.now().Add(-time.Hour), g.now().Add(time.Hour)))
		}, nil, identity.CredentialInvalid},
		"one of another kind": {func(t *testing.T, g *gameCenterRig) {
			g.serve(certificateAt, g.certify(t, g.Key("ec-1").Private.Public(), g.now().Add(-time.Hour), g.now().Add(time.Hour)))
		}, nil, identity.CredentialInvalid},
		"one of other authorities":                {func(*testing.T, *gameCenterRig) {}, func(g *gameCenterRig) *GameCenter { return g.trusting(x509.NewCertPool()) }, identity.ProviderUnavailable},
		"one that Apple's authority did not make": {func(*testing.T, *gameCenterRig) {}, func(g *gameCenterRig) *GameCenter { return g.trusting(nil) }, identity.ProviderUnavailable},
		"a large one": {func(_ *testing.T, g *gameCenterRig) {
			g.Fail(certificateAt, providertest.Failure{Body: strings.Repeat("x", maxCertificate+1)})
		}, nil, identity.ProviderUnavailable},
		"one that is elsewhere on the host": {func(_ *testing.T, g *gameCenterRig) {
			g.Serve("/elsewhere", certificateAt)
			g.Fail(certificateAt, providertest.Failure{Forward: "/elsewhere"})
		}, nil, identity.ProviderUnavailable},
		"garbage": {func(_ *testing.T, g *gameCenterRig) { g.Fail(certificateAt, providertest.Failure{Body: "x"}) }, nil, identity.ProviderUnavailable},
		"none, for the host is down": {func(_ *testing.T, g *gameCenterRig) {
			g.Fail(certificateAt, providertest.Failure{Status: 500})
		}, nil, identity.ProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGameCenterRig(t)
			c.spoil(t, g)
			p := g.open()
			if c.open != nil {
				p = c.open(g)
			}
			_, err := p.Verify(t.Context(), g.proof(t, nil))
			wantReason(t, err, c.reason)
			if calls := g.Calls(""); len(calls) > 2 || calls[0].Path != certificateAt || calls[len(calls)-1].Path != certificateAt {
				t.Errorf("calls of %v", calls)
			}
		})
	}
}

func TestClientsCannotFillTheCertificates(t *testing.T) {
	g := newGameCenterRig(t)
	p := g.open()
	for i := 100; i < 100+3*maxCertificates; i++ {
		_, err := p.Verify(t.Context(), g.proof(t, map[string]string{"publicKeyUrl": fmt.Sprintf("%s/public-key/gc-prod-%d.cer", g.URL(), i)}))
		wantReason(t, err, identity.CredentialInvalid)
	}
	if len(p.certificates) > maxCertificates {
		t.Errorf("%d addresses are kept", len(p.certificates))
	}
	if _, err := p.Verify(t.Context(), g.proof(t, nil)); err != nil {
		t.Error(err)
	}
}

func TestOldCertificatesLeaveRoomForTheNewOne(t *testing.T) {
	g := newGameCenterRig(t)
	p := g.open()
	for i := 100; i < 100+3*maxCertificates; i++ { // all of them are Apple's, and over
		path := fmt.Sprintf("/public-key/gc-prod-%d.cer", i)
		g.serve(path, g.certify(t, providertest.RSAKey(1).Public(), g.now().Add(-2*time.Hour), g.now().Add(-time.Hour)))
		_, err := p.Verify(t.Context(), g.proof(t, map[string]string{"publicKeyUrl": g.URL() + path}))
		wantReason(t, err, identity.CredentialInvalid)
	}
	if _, err := p.Verify(t.Context(), g.proof(t, nil)); err != nil {
		t.Error(err)
	}
}

func TestACertificateThatIsHeldIsNotUsedBeyondItsTime(t *testing.T) {
	g := newGameCenterRig(t)
	p := g.open()
	if _, err := p.Verify(t.Context(), g.proof(t, nil)); err != nil {
		t.Fatal(err)
	}
	g.Fail(certificateAt, providertest.Failure{Status: 500})
	g.pass(time.Hour + time.Second)
	_, err := p.Verify(t.Context(), g.proof(t, nil))
	wantReason(t, err, identity.CredentialInvalid)
}

func TestCertificatesStandWhereApplesDo(t *testing.T) {
	const players, sandbox = "https://static.gc.apple.com/public-key/", "https://sandbox.gc.apple.com/public-key/"
	for address, want := range map[string][2]bool{ // for players, and in the sandbox
		players + "gc-prod-10.cer":                               {true, false},
		players + "gc-prod.cer":                                  {true, false},
		sandbox + "gc-sb-2.cer":                                  {false, true},
		sandbox + "gc-sb.cer":                                    {false, true},
		players + "gc-sb-2.cer":                                  {false, false},
		sandbox + "gc-prod-10.cer":                               {false, false},
		players + "gc-prod-10.cer?":                              {false, false},
		players + "gc-prod-10.cer#":                              {false, false},
		players + "gc-prod-%31.cer":                              {false, false},
		players + "../gc-prod-10.cer":                            {false, false},
		players + "gc-prod-10.cer/":                              {false, false},
		players + "gc-prod-10000.cer":                            {false, false},
		players + "GC-PROD-10.CER":                               {false, false},
		players + "../sap/setup.crt":                             {false, false},
		"http" + players[5:] + "gc-prod.cer":                     {false, false},
		"https://STATIC.gc.apple.com/public-key/gc-prod.cer":     {false, false},
		"https://static.gc.apple.com:443/public-key/gc-prod.cer": {false, false},
		"https://static.gc.apple.com./public-key/gc-prod.cer":    {false, false},
		"": {false, false},
	} {
		for i, box := range []bool{false, true} {
			if got := NewGameCenter(GameCenterOptions{Sandbox: box, Now: time.Now}).isApples(address); got != want[i] {
				t.Errorf("%q, in the sandbox %v: %v", address, box, got)
			}
		}
	}
}

// TestACertificateOfApplesIsTrusted uses the one that Apple's host gave in 2021 and 2022.
func TestACertificateOfApplesIsTrusted(t *testing.T) {
	text, err := os.ReadFile("testdata/gamecenter-2021.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	theirs, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	trust := trustApple(func() time.Time { return now })
	if err := trust(theirs); err != nil {
		t.Error(err)
	}
	if err := checkCertificate(theirs, now); err != nil {
		t.Error(err)
	}
	g := newGameCenterRig(t)
	if err := trust(g.authority); err == nil {
		t.Error("a certificate of somebody else is trusted")
	}
	impostor := *theirs
	impostor.Subject.Organization = []string{"Evil Inc."}
	if err := trust(&impostor); err == nil {
		t.Error("a certificate of another customer of the authority is trusted")
	}
}

func TestAnAuthorityThatIsMissingIsToldOf(t *testing.T) {
	g := newGameCenterRig(t)
	_, err := g.trusting(x509.NewCertPool()).Verify(t.Context(), g.proof(t, nil))
	wantReason(t, err, identity.ProviderUnavailable)
	if !strings.Contains(g.log(), "level=ERROR") || !strings.Contains(g.log(), "look at authorities") {
		t.Errorf("the log says %q", g.log())
	}
}
