package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// function is the program as a function of Lambda, and the service that hands it events.
// Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
type function struct {
	t        *testing.T
	events   chan string
	outcomes chan outcome
}

// outcome is what the function said to an event.
type outcome struct {
	failed bool
	body   []byte
}

func startFunction(t *testing.T, handler string, env ...string) *function {
	t.Helper()
	f := &function{t: t, events: make(chan string), outcomes: make(chan outcome, 1)}
	const invocations = "/2018-06-01/runtime/invocation/"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, invocations); path {
		case "next":
			select {
			case event := <-f.events:
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
				w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:muster")
				_, _ = io.WriteString(w, event)
			case <-r.Context().Done():
			}
		case "1/response", "1/error":
			body, _ := io.ReadAll(r.Body)
			f.outcomes <- outcome{path == "1/error", body}
			w.WriteHeader(http.StatusAccepted)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), append(env, "_HANDLER="+handler, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(service.URL, "http://"))...)
	cmd.Stderr = &lockedBuffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // as the service ends functions
		_ = cmd.Wait()
		service.CloseClientConnections()
		service.Close()
		if t.Failed() {
			t.Logf("the function said: %s", cmd.Stderr)
		}
	})
	return f
}

// invoke hands an event to the function and waits for what it says.
func (f *function) invoke(event string) (outcome, error) {
	timeout := time.After(time.Minute)
	select {
	case f.events <- event:
	case <-timeout:
		return outcome{}, errors.New("the function takes no event")
	}
	select {
	case o := <-f.outcomes:
		return o, nil
	case <-timeout:
		return outcome{}, errors.New("the function does not answer")
	}
}

// ask hands an event to the function. dest is its answer; the text is its error.
func (f *function) ask(event string, dest any) (failed string) {
	f.t.Helper()
	o, err := f.invoke(event)
	if err != nil {
		f.t.Fatal(err)
	}
	if o.failed {
		var told struct {
			Message string `json:"errorMessage"`
		}
		_ = json.Unmarshal(o.body, &told)
		return told.Message
	}
	if err := json.Unmarshal(o.body, dest); err != nil {
		f.t.Fatalf("%s: %v", o.body, err)
	}
	return ""
}

func TestAuthorizerDecidesAsTheBackend(t *testing.T) {
	p := up(t, t.TempDir())
	f := startFunction(t, "authorizer", "MUSTER_URL="+p.HTTP)
	good := guestToken(t, p.HTTP)
	parts := strings.Split(good, ".")
	for name, header := range map[string]string{
		"a good token":      "Bearer " + good,
		"another case":      "bearer " + good,
		"no scheme":         good,
		"a cut signature":   "Bearer " + good[:len(good)-10],
		"other claims":      "Bearer " + parts[0] + ".e30." + parts[2],
		"no algorithm":      "Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + parts[1] + ".",
		"nonsense":          "Bearer nonsense",
		"no such key":       "Bearer msk_nothing",
		"two in one header": "Bearer " + good + ",Bearer " + good,
		"too much":          "Bearer " + strings.Repeat("x", 9000),
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest(http.MethodGet, p.HTTP+"/v1/players/me", nil)
			req.Header.Set("Authorization", header)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			event, _ := json.Marshal(map[string]any{"type": "TOKEN", "authorizationToken": header, "methodArn": "arn:aws:execute-api:eu-central-1:123456789012:api/prod/GET/x"})
			var answer struct {
				PrincipalID    string
				PolicyDocument struct {
					Statement []struct{ Effect, Resource string }
				}
			}
			failed := f.ask(string(event), &answer)
			switch {
			case failed == "Unauthorized":
				if res.StatusCode != http.StatusUnauthorized {
					t.Errorf("the function says 401, the backend %d", res.StatusCode)
				}
			case failed != "":
				t.Errorf("the function failed: %s", failed)
			case res.StatusCode == http.StatusUnauthorized || answer.PrincipalID == "" || answer.PolicyDocument.Statement[0].Effect != "Allow" ||
				answer.PolicyDocument.Statement[0].Resource != "arn:aws:execute-api:eu-central-1:123456789012:api/prod/*":
				t.Errorf("the function says %+v, the backend %d", answer, res.StatusCode)
			}
		})
	}
	if failed := f.ask(`{"hello":"world"}`, nil); !strings.Contains(failed, "no authorizer") {
		t.Errorf("an event of nothing known: %q", failed)
	}
}

func guestToken(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Post(url+"/v1/auth/guest", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var grant struct{ AccessToken string }
	if err := json.NewDecoder(res.Body).Decode(&grant); err != nil || grant.AccessToken == "" {
		t.Fatalf("no guest: %d, %v", res.StatusCode, err)
	}
	return grant.AccessToken
}
