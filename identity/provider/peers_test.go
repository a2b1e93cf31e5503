package provider

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity"
	"muster/identity/provider/providertest"
	"muster/internal/peertest"
)

// certified is npm's oidc-provider 9.13.3, a certified OpenID provider.
type certified struct {
	issuer string
	key    providertest.Key // of the client "signs"
}

func newCertified(t *testing.T) *certified {
	t.Helper()
	folder := peertest.Find(t, "npm oidc-provider", "MUSTER_OIDC_PEER", "node_modules", "oidc-provider")
	c := &certified{key: providertest.New(t).Key("ec-1")}
	jwk, err := json.Marshal(c.key.JWK())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/oidc-provider.mjs", folder, string(jwk))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // it ends of that
		_ = cmd.Wait()    // killed or not, it is gone
		if t.Failed() {
			t.Log(complaints.String())
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
			c.issuer = lines.Text()
			go func() { _, _ = io.Copy(io.Discard, stdout) }() // ends with the process
			return c
		}
	}
	t.Fatalf("the provider did not start: %v", complaints.String())
	return nil
}

// formAction finds where a page's form goes.
var formAction = regexp.MustCompile(`action="([^"]+)"`)

// signIn plays the player in a browser, up to the redirect to the game, and returns the code.
func (c *certified) signIn(t *testing.T, client, nonce string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back *url.URL
	browser := &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if next.URL.Host == "game.example" {
			back = next.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	challenge := sha256.Sum256([]byte(goodVerifier))
	resp, err := browser.Get(c.issuer + "/auth?" + url.Values{
		"client_id": {client}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {goodRedirect}, "nonce": {nonce}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode())
	for _, form := range []url.Values{{"prompt": {"login"}, "login": {"ann"}, "password": {"x"}}, {"prompt": {"consent"}}} {
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(resp.Body) // a short page has no form
		_ = resp.Body.Close()            // it was read
		action := formAction.FindSubmatch(page)
		if action == nil {
			t.Fatalf("status %d without a form: %s", resp.StatusCode, page)
		}
		resp, err = browser.PostForm(string(action[1]), form)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // nothing in it counts
	if back == nil || back.Query().Get("code") == "" || back.Query().Get("state") != "s" {
		t.Fatalf("the browser ends at %v with %d", back, resp.StatusCode)
	}
	return back.Query().Get("code")
}

func (c *certified) open(t *testing.T, clientID string, credentials Credentials) *OIDC {
	t.Helper()
	client := NewClient(ClientOptions{Name: "peer", Timeout: time.Minute, Now: time.Now})
	credentials.ClientID = clientID
	return NewOIDC(OIDCOptions{
		Client: client, Now: time.Now, Issuer: c.issuer, ClientIDs: []string{clientID}, Algorithms: []jose.SignatureAlgorithm{jose.RS256, jose.ES256},
		Code:          &CodeOptions{Credentials: credentials, RedirectURIs: []string{goodRedirect}},
		Introspection: &IntrospectionOptions{Credentials: Credentials{ClientID: "api", Secret: FixedSecret("a secret of the api")}},
	})
}

func basicOfPeer() Credentials {
	return Credentials{Secret: FixedSecret("a secret/+%: of the basic client")}
}

func TestACertifiedProviderIsUnderstood(t *testing.T) {
	c := newCertified(t)
	for client, credentials := range map[string]Credentials{
		"basic":  basicOfPeer(),
		"post":   {Auth: AuthPost, Secret: FixedSecret("a secret of the post client")},
		"signs":  {Auth: AuthPrivateKey, Secret: FixedSecret(privateKeyOf(t, c.key)), KeyID: c.key.ID},
		"public": {Auth: AuthNone},
	} {
		t.Run(client, func(t *testing.T) {
			p := c.open(t, client, credentials)
			nonce := "nonce-for-" + client
			proof := codeProof()
			proof.Code, proof.Nonce = c.signIn(t, client, nonce), nonce
			who, err := p.Verify(t.Context(), proof)
			if err != nil || who.Subject != "ann" || who.Nonce != nonce {
				t.Fatalf("the code proves %+v, %v", who, err)
			}
			_, err = p.Verify(t.Context(), proof)
			wantReason(t, err, identity.CredentialExpired)
			proof.Code, proof.CodeVerifier = c.signIn(t, client, nonce), strings.Repeat("x", 43)
			_, err = p.Verify(t.Context(), proof)
			wantReason(t, err, identity.CredentialExpired)
			proof = codeProof()
			proof.Code, proof.Nonce = c.signIn(t, client, "another"), nonce
			_, err = p.Verify(t.Context(), proof)
			wantReason(t, err, identity.NonceMismatch)
		})
	}
}

func TestTokensOfACertifiedProvider(t *testing.T) {
	c := newCertified(t)
	p := c.open(t, "basic", basicOfPeer())
	proof := codeProof()
	proof.Code = c.signIn(t, "basic", "n")
	got, err := p.code.trade(t.Context(), proof)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := p.Verify(t.Context(), identity.Proof{Token: got.IDToken, Nonce: "n"}); err != nil || who.Subject != "ann" {
		t.Errorf("the ID token proves %+v, %v", who, err)
	}
	_, err = p.Verify(t.Context(), identity.Proof{Token: got.IDToken})
	wantReason(t, err, identity.NonceMismatch)
	_, err = c.open(t, "post", basicOfPeer()).Verify(t.Context(), identity.Proof{Token: got.IDToken, Nonce: "n"})
	wantReason(t, err, identity.WrongApplication)
	if who, err := p.Verify(t.Context(), identity.Proof{Token: got.AccessToken}); err != nil || who.Subject != "ann" || who.Once == "" {
		t.Errorf("the access token proves %+v, %v", who, err)
	}
	_, err = c.open(t, "post", basicOfPeer()).Verify(t.Context(), identity.Proof{Token: got.AccessToken})
	wantReason(t, err, identity.WrongApplication)
	_, err = p.Verify(t.Context(), identity.Proof{Token: "never-was-a-token"})
	wantReason(t, err, identity.CredentialExpired)
	wrong := c.open(t, "basic", Credentials{Secret: FixedSecret("wrong")})
	proof.Code, proof.Nonce = c.signIn(t, "basic", "n"), "n"
	_, err = wrong.Verify(t.Context(), proof)
	wantReason(t, err, identity.ProviderUnavailable)
}
