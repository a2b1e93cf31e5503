package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const (
	signedPool     = "us-west-2:0a1b2c3d-0000-4000-8000-000000000001"
	signedIdentity = "us-west-2:0a1b2c3d-0000-4000-8000-00000000aaaa"
)

// gateway stands for API Gateway and SNS before a function, which gets one event at a time
// as one instance does. Whoever shows a signature is an identity of signedPool: that it is
// right nobody checks here.
type gateway struct {
	url string

	mu sync.Mutex
	f  *function // guarded by mu; nil: not yet
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.URL.Path == "/sns" {
			err = g.sns(body)
		} else if err == nil {
			err = g.call(w, r, body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *gateway) invoke(event any) ([]byte, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.f == nil {
		return nil, fmt.Errorf("there is no function yet")
	}
	o, err := g.f.invoke(string(text))
	if err == nil && o.failed {
		err = fmt.Errorf("the function failed: %s", o.body)
	}
	return o.body, err
}

// call passes a call on as an HTTP API does (payload 2.0).
func (g *gateway) call(w http.ResponseWriter, r *http.Request, body []byte) error {
	headers := make(map[string]string)
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	about := map[string]any{
		"apiId": "abc", "domainName": r.Host, "stage": "$default", "requestId": "request=",
		"http": map[string]string{"method": r.Method, "path": r.URL.Path, "sourceIp": "192.0.2.1", "userAgent": r.UserAgent()},
	}
	if strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		about["authorizer"] = map[string]any{"iam": map[string]any{
			"accountId": "123456789012", "userArn": "arn:aws:sts::123456789012:assumed-role/players/CognitoIdentityCredentials",
			"cognitoIdentity": map[string]any{"amr": []string{"authenticated"}, "identityId": signedIdentity, "identityPoolId": signedPool},
		}}
	}
	out, err := g.invoke(map[string]any{
		"version": "2.0", "rawPath": r.URL.Path, "rawQueryString": r.URL.RawQuery, "headers": headers, "requestContext": about, "body": string(body),
	})
	if err != nil {
		return err
	}
	var answer struct {
		StatusCode int
		Headers    map[string]string
		Body       string
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return err
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.StatusCode)
	_, err = io.WriteString(w, answer.Body)
	return err
}

// sns confirms the subscription of a function, and passes messages on as SNS does to one.
func (g *gateway) sns(body []byte) error {
	var m struct{ Type, TopicArn, Message, MessageID, SubscribeURL string }
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	if m.Type == "SubscriptionConfirmation" {
		res, err := http.Get(m.SubscribeURL)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	_, err := g.invoke(map[string]any{"Records": []any{map[string]any{
		"EventSource": "aws:sns", "Sns": map[string]string{"Type": m.Type, "TopicArn": m.TopicArn, "Message": m.Message, "MessageId": m.MessageID},
	}}})
	return err
}

// as calls as somebody and decodes the answer, which must be good.
func (g *gateway) as(t *testing.T, who, method, path, body string, dest any) {
	t.Helper()
	req, err := http.NewRequest(method, g.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", who)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: status %d, %v: %s", method, path, res.StatusCode, err, text)
	}
	if err := json.Unmarshal(text, dest); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
}

// TestAMatchThroughAFunction has somebody with a token and somebody who signs meet in a
// match, with everything that the backend hears and says going through a function.
func TestAMatchThroughAFunction(t *testing.T) {
	store, env := sharedStore(t)
	g := newGateway(t)
	var lift struct{ GameLift, Credentials string }
	dir := t.TempDir()
	start(t, []string{"MUSTER_URL=" + g.url, "MUSTER_SERVER_KEY=unused"}, &lift, "gamelift", "--addr", "127.0.0.1:0", "--data", filepath.Join(dir, "gamelift"), "--json",
		"--subscribe", stormTopic+"="+g.url+"/sns", "--", binary, "demo-server", "--port", "{port}")
	config := demoConfig(t, dir)
	file, err := os.OpenFile(config, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(file, "  providers:\n    cognito-identity: {identityPools: ['%s']}\n", signedPool) // demoConfig ends within identity
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	env = append([]string{
		"AWS_SHARED_CREDENTIALS_FILE=" + lift.Credentials, "AWS_REGION=us-west-2", "MUSTER_SIGNING_KEYS_FILE=" + newKeys(t), "MUSTER_SERVER_KEY_HASHES=" + strings.Repeat("0", 64),
		"MUSTER_CONFIG=" + config, "MUSTER_URL=" + g.url, "MUSTER_STORE=" + store, "MUSTER_GAMELIFT_ENDPOINT=" + lift.GameLift, "MUSTER_SNS_TOPICS=" + stormTopic,
	}, env...)
	if _, errs, code := runIn(t, env, "provision", "--topic", stormTopic); code != 0 {
		t.Fatal(errs)
	}
	start(t, env, &struct{}{}, "serve", "--json", "--create-table", "--http", "127.0.0.1:0", "--internal", "127.0.0.1:0", "--drain-notice", "0s").stop() // makes the table
	f := startFunction(t, "lambda", env...)
	g.mu.Lock()
	g.f = f
	g.mu.Unlock()

	ann, bob := "Bearer "+guestToken(t, g.url), "AWS4-HMAC-SHA256 Credential=ASIA, SignedHeaders=host, Signature=00"
	type ticket struct {
		ID, Status string
		Version    int64
		Seat       *struct{ PlayerSessionID, JoinToken string }
	}
	waiting := map[string]*ticket{ann: {}, bob: {}}
	accepted := map[string]bool{} // once each: soon after both there is nothing to accept
	for who, its := range waiting {
		g.as(t, who, http.MethodPost, "/v1/matchmaking/tickets", `{"mode":"duel"}`, its)
	}
	for polls := 0; len(waiting) > 0; polls++ {
		if polls > 120 {
			t.Fatalf("there is no match: %+v", waiting)
		}
		for who, its := range waiting {
			at := "/v1/matchmaking/tickets/" + its.ID
			g.as(t, who, http.MethodGet, fmt.Sprintf("%s?wait=1&after=%d", at, its.Version), "", its)
			switch its.Status {
			case "requiresAcceptance":
				if !accepted[who] {
					g.as(t, who, http.MethodPost, at+"/accept", "", &ticket{})
					accepted[who] = true
				}
			case "completed":
				if its.Seat == nil || its.Seat.PlayerSessionID == "" || its.Seat.JoinToken == "" {
					t.Errorf("there is no seat: %+v", its)
				}
				delete(waiting, who)
			case "failed", "cancelled", "timedOut":
				t.Fatalf("a ticket ended: %+v", its)
			}
		}
	}
	var nothing struct{}
	if failed := f.ask(`{"muster":"tick"}`, &nothing); failed != "" {
		t.Errorf("a round failed: %s", failed)
	}
}
