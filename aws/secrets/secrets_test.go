package secrets

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"muster/aws/caller"
)

const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:muster/signing-keys-a1b2c3"

// serviceAt answers every GetSecretValue for arn. Shapes: API reference of Secrets Manager,
// GetSecretValue.
func serviceAt(t *testing.T, status int, answer string) *Secret {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var asked struct{ SecretID string }
		if err := json.Unmarshal([]byte(strings.Replace(string(body), "SecretId", "SecretID", 1)), &asked); err != nil || asked.SecretID != arn {
			t.Errorf("asked for %s (%v)", body, err)
		}
		if target := r.Header.Get("X-Amz-Target"); target != "secretsmanager.GetSecretValue" {
			t.Errorf("called is %s", target)
		}
		if signed := r.Header.Get("Authorization"); !strings.Contains(signed, "/eu-central-1/secretsmanager/") {
			t.Errorf("signed for %s", signed)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	secret, err := New(Options{ARN: arn, Endpoint: server.URL, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestASecretIsRead(t *testing.T) {
	for what, c := range map[string]struct{ answer, want string }{
		"a text": {`{"SecretString":"keys\n"}`, "keys\n"},
		"bytes":  {`{"SecretBinary":"a2V5cw=="}`, "keys"},
	} {
		if got, err := serviceAt(t, http.StatusOK, c.answer).Read(t.Context()); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

func TestASecretThatCannotBeRead(t *testing.T) {
	for what, c := range map[string]struct {
		status       int
		answer, said string
	}{
		"nothing in it": {http.StatusOK, `{}`, "is empty"},
		"not there": {
			http.StatusBadRequest, `{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`,
			"ResourceNotFoundException: Secrets Manager can't find the specified secret.",
		},
		"not for us": {http.StatusBadRequest, `{"__type":"AccessDeniedException","Message":"no policy allows it"}`, "AccessDeniedException: no policy allows it"},
	} {
		_, err := serviceAt(t, c.status, c.answer).Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), arn) || !strings.HasSuffix(err.Error(), c.said) {
			t.Errorf("%s: %v", what, err)
		}
		if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) != (what == "not there") {
			t.Errorf("%s: it is of the type %T", what, err)
		}
	}
}

func TestAServiceThatDoesNotAnswerIsNotAwaited(t *testing.T) {
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	defer server.Close()
	defer close(stuck)
	secret, err := New(Options{ARN: arn, Endpoint: server.URL, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret", CallTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Read(t.Context()); err == nil {
		t.Error("it was read")
	}
}

func TestASecretNeedsCredentials(t *testing.T) {
	for _, variable := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(variable, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	secret, err := New(Options{ARN: arn, Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Read(t.Context()); !errors.Is(err, caller.ErrNoCredentials) {
		t.Error(err)
	}
}

func TestWhatIsTheARNOfASecret(t *testing.T) {
	for text, want := range map[string]bool{
		arn: true,
		"arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:keys-a1b2c3": true,
		"muster/signing-keys":     false,
		"":                        false,
		arn + " ":                 false,
		arn + `"},{"Effect":"All`: false,
		"arn:aws:ssm:eu-central-1:123456789012:parameter/keys": false,
	} {
		if got := IsARN(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
		if _, err := New(Options{ARN: text, AccessKeyID: "a", SecretAccessKey: "b"}); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
