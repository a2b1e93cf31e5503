package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"muster"
	"muster/aws/lambda"
)

// stand is a function's booth on a file as its store, and beside a local GameLift.
type stand struct {
	t    *testing.T
	args []string
	env  map[string]string
	f    *lambda.Function
	b    *booth
}

func newStand(t *testing.T, more string) *stand {
	t.Helper()
	h := newLift(t)
	args, env := h.serveArgs(t)
	for _, unknown := range []string{"--http", "--sns-trust", "--drain", "--drain-notice"} {
		i := slices.Index(args, unknown)
		args = slices.Delete(args, i, i+2)
	}
	args = slices.DeleteFunc(args, func(a string) bool { return a == "--create-table" })
	config := args[slices.Index(args, "--config")+1]
	body, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(body, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, args: args, env: env}
	value := func(name string) string { return args[slices.Index(args, name)+1] }
	c := lambdaCmd{
		Config: config, URL: value("--url") + "/game", Store: value("--store"),
		awsFlags:    awsFlags{Region: region, GameliftEndpoint: value("--gamelift-endpoint"), SNSTopics: []string{topicARN}},
		callerFlags: callerFlags{ServerKeyHashes: []string{value("--server-key-hash")}, AdminKeyHashes: []string{value("--admin-key-hash")}},
	}
	settings, err := c.serve().settings(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	settings.store.Create = true
	if s.b, err = openBooth(t.Context(), settings, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.b.stack.end(); err != nil {
			t.Error(err)
		}
	})
	s.f = s.b.function()
	return s
}

// call invokes the function by payload 2.0; iam is what the context says of a signer, or
// empty.
func (s *stand) call(method, path, authorization, body, iam string) (status int, answer map[string]any) {
	s.t.Helper()
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": "/game" + path, "headers": map[string]string{"authorization": authorization, "content-type": "application/json"}, "body": body,
		"requestContext": map[string]any{
			"domainName": "play.example", "stage": "$default", "http": map[string]any{"method": method, "sourceIp": "192.0.2.1"},
			"authorizer": json.RawMessage(`{"iam":` + iam + `}`),
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := s.f.Invoke(s.t.Context(), event)
	if err != nil {
		s.t.Fatal(err)
	}
	var told struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(out, &told); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(told.Body), &answer); err != nil && told.Body != "" {
		s.t.Fatalf("status %d: %q is no JSON", told.StatusCode, told.Body)
	}
	return told.StatusCode, answer
}

const (
	unsigned   = "null"
	signature  = "AWS4-HMAC-SHA256 Credential=ASIA, SignedHeaders=host, Signature=00"
	identityID = "eu-central-1:0a1b2c3d-0000-4000-8000-00000000aaaa"
)

// pooled is the context's word for an identity of the pool.
func pooled(logins ...string) string {
	amr, _ := json.Marshal(logins)
	return fmt.Sprintf(`{"accountId":"123456789012","userArn":"arn:aws:sts::123456789012:assumed-role/players/CognitoIdentityCredentials","userId":"AROA:CognitoIdentityCredentials",
		"cognitoIdentity":{"amr":%s,"identityId":%q,"identityPoolId":%q}}`, amr, identityID, identityPoolID)
}

const withPools = `
identity:
  providers:
    pools:
      kind: cognito-identity
      identityPools: ['` + identityPoolID + `']
      guests: true
      developer: {provider: login.example}
  serverRoles: {roles: ['arn:aws:iam::123456789012:role/GameServer'], regions: [eu-central-1]}
`

func (s *stand) me(authorization, iam string) (status int, id, code string) {
	s.t.Helper()
	status, answer := s.call(http.MethodGet, "/v1/players/me", authorization, "", iam)
	id, _ = answer["id"].(string)
	code, _ = answer["code"].(string)
	return status, id, code
}

func TestAFunctionServesTheInterface(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1") // for the developer provider
	s := newStand(t, withPools)
	if status, answer := s.call(http.MethodGet, "/readyz", "", "", unsigned); status != http.StatusOK {
		t.Fatalf("not ready: %v", answer)
	}
	status, grant := s.call(http.MethodPost, "/v1/auth/guest", "", "{}", unsigned)
	if status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("status %d, %v", status, grant)
	}
	token := "Bearer " + grant["accessToken"].(string)
	guest := grant["player"].(map[string]any)["id"].(string)
	if status, id, _ := s.me(token, unsigned); status != http.StatusOK || id != guest {
		t.Errorf("with a token: %d, %q", status, id)
	}
	if status, _, code := s.me("", unsigned); status != http.StatusUnauthorized {
		t.Errorf("without one: %d %s", status, code)
	}
	if status, _ := s.call(http.MethodGet, "/v1/realtime", token, "", unsigned); status != http.StatusNotFound {
		t.Errorf("there is a socket: %d", status)
	}

	// Signatures.
	status, signer, code := s.me(signature, pooled("authenticated"))
	if status != http.StatusOK || signer == "" || signer == guest {
		t.Fatalf("signed: %d %q %s", status, signer, code)
	}
	if _, again, _ := s.me(signature, pooled("authenticated")); again != signer {
		t.Errorf("the signer is %s and then %s", signer, again)
	}
	var wg sync.WaitGroup
	met := make([]string, 16)
	for i := range met {
		wg.Go(func() { _, met[i], _ = s.me(signature, strings.ReplaceAll(pooled("authenticated"), "aaaa", "bbbb")) })
	}
	wg.Wait()
	if slices.Sort(met); met[0] == "" || met[0] != met[15] || met[0] == signer {
		t.Errorf("the first calls of one identity are those of %q", met)
	}
	if _, asGuest, _ := s.me(signature, pooled("unauthenticated")); asGuest != signer {
		t.Errorf("without a login the identity is %s", asGuest)
	}
	if _, id, _ := s.me(token, pooled("authenticated")); id != guest {
		t.Errorf("with both it is %s, not the token's player", id)
	}
	if status, _, _ := s.me("Bearer bad", pooled("authenticated")); status != http.StatusUnauthorized {
		t.Errorf("with a bad token it is %d", status)
	}
	if _, id, code := s.me(signature, pooled("authenticated", "login.example", "login.example:"+identityPoolID+":"+guest)); id != guest {
		t.Errorf("our own player is %q %s", id, code)
	}
	other := strings.ReplaceAll(pooled("authenticated"), identityPoolID, "eu-central-1:ffffffff-0000-4000-8000-000000000001")
	if status, _, _ := s.me(signature, other); status != http.StatusForbidden {
		t.Errorf("of another pool: %d", status)
	}
	if status, _, _ := s.me(signature, unsigned); status != http.StatusUnauthorized {
		t.Errorf("with a signature that nobody checked: %d", status)
	}
	server := `{"accountId":"123456789012","userArn":"arn:aws:sts::123456789012:assumed-role/GameServer/i-1","userId":"AROA:i-1"}`
	if status, answer := s.call(http.MethodGet, "/v1/server/sessions/arn:aws:gamelift:us-west-2::gamesession/fleet-1/x", signature, "", server); status != http.StatusNotFound || answer["code"] == "route.not_found" {
		t.Errorf("a game server: %d %v", status, answer)
	}
	if status, _, _ := s.me(signature, server); status != http.StatusForbidden {
		t.Errorf("a game server as a player: %d", status)
	}
	if status, _, _ := s.me(signature, strings.ReplaceAll(server, "GameServer", "Other")); status != http.StatusForbidden {
		t.Errorf("another role: %d", status)
	}

	// Bans count at once, whoever made them.
	for _, id := range []string{signer, guest} {
		if _, err := s.b.backend.rules.Ban(t.Context(), muster.PlayerID(id), muster.BanRequest{Reason: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if status, _, code := s.me(signature, pooled("authenticated")); status != http.StatusForbidden || code != "account.banned" {
		t.Errorf("a banned signer: %d %s", status, code)
	}
	if status, _, code := s.me(token, unsigned); status != http.StatusForbidden || code != "account.banned" {
		t.Errorf("a banned player: %d %s", status, code)
	}
}

func TestAFunctionMakesRounds(t *testing.T) {
	s := newStand(t, "\nidentity: {passwords: {}, mail: {console: true}}\n")
	if n := len(s.b.backend.rounds); n != 3 {
		t.Errorf("there are %d rounds, want those of the rules, of mails and of second factors", n)
	}
	for range 2 {
		if out, err := s.f.Invoke(t.Context(), []byte(`{"muster":"tick"}`)); err != nil || string(out) != "{}" {
			t.Errorf("%s, %v", out, err)
		}
	}
	sns := fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","Sns":{"TopicArn":%q,"Message":"{\"source\":\"aws.gamelift\",\"detail-type\":\"x\"}"}}]}`, topicARN)
	if _, err := s.f.Invoke(t.Context(), []byte(sns)); err != nil {
		t.Error(err)
	}
}

func TestAFunctionPrintsMailsBesideItsAnswer(t *testing.T) {
	s := newStand(t, "\nidentity: {passwords: {}, mail: {console: true}}\n")
	if p := s.b.parts(nil); p.terminal != os.Stderr {
		t.Error("mails are printed where the answer is")
	}
}

func TestLambdaNamesNoFlagThatItDoesNotHave(t *testing.T) {
	s := newStand(t, "")
	args := slices.Clone(s.args)
	args[slices.Index(args, "--store")+1] = "sqlite:" + filepath.Join(t.TempDir(), "new.db")
	var errs bytes.Buffer
	p := &process{stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs, getenv: func(name string) string { return s.env[name] }}
	if code := run(t.Context(), p, append([]string{"lambda"}, args...)); code != 1 || !strings.Contains(errs.String(), "there is no database") || strings.Contains(errs.String(), "--create-table") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestLambdaAnswersOneEventElsewhere(t *testing.T) {
	s := newStand(t, "")
	if err := s.b.stack.end(); err != nil {
		t.Fatal(err)
	}
	event := `{"version":"2.0","rawPath":"/healthz","requestContext":{"http":{"method":"GET","sourceIp":"192.0.2.1"}}}`
	var out, errs bytes.Buffer
	p := &process{stdin: strings.NewReader(event), stdout: &out, stderr: &errs, getenv: func(name string) string { return s.env[name] }}
	if code := run(t.Context(), p, append([]string{"lambda"}, s.args...)); code != 0 || !strings.Contains(out.String(), `"statusCode":200`) {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
	p.getenv = func(name string) string {
		return map[string]string{envRuntimeAPI: "127.0.0.1:1", envSigningKeys: s.env[envSigningKeys]}[name]
	}
	errs.Reset()
	if code := run(t.Context(), p, append([]string{"lambda"}, s.args...)); code != 2 || !strings.Contains(errs.String(), "dynamodb:TABLE") {
		t.Errorf("a file as a function's store: exit %d, %s", code, errs.String())
	}
}
