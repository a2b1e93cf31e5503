package srp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"muster/aws/cognito/srp"
	"muster/internal/peertest"
)

// asked and answered are the lines that testdata/peers.cjs reads and writes.
type asked struct {
	Pool        string `json:"pool"`
	User        string `json:"user"`
	Password    string `json:"password"`
	SecretBlock string `json:"secretBlock"`
	A           string `json:"a,omitempty"`
	Salt        string `json:"salt,omitempty"`
	Secret      string `json:"secret,omitempty"` // of the server
	Timestamp   string `json:"timestamp,omitempty"`
}

type answered struct{ Exponent, A, Salt, B, Timestamp, Signature string }

// ask has the packages of npm compute: cognito-srp 0.2.0 and cognito-srp-helper 2.3.4.
func ask(t *testing.T, questions []asked) []answered {
	t.Helper()
	peertest.Find(t, "npm cognito-srp and cognito-srp-helper", "MUSTER_COGNITO_PEERS", "node_modules", "cognito-srp-helper")
	var in bytes.Buffer
	for _, q := range questions {
		line, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/peers.cjs")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	answers := make([]answered, 0, len(questions))
	for line := range bytes.Lines(out) {
		var a answered
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

const peerTime = "Sun Nov 1 09:05:07 UTC 2026"

var peerClock = time.Date(2026, 11, 1, 9, 5, 7, 0, time.UTC)

func TestAServerByOthersTakesOurProofs(t *testing.T) {
	var questions []asked
	var exchanges []*srp.Exchange
	random := mathrand.NewChaCha8([32]byte{7})
	draw := func(size int) string {
		raw := make([]byte, size)
		_, _ = random.Read(raw) // never fails
		return hex.EncodeToString(raw)
	}
	for i := range 6 {
		e, err := srp.New(random)
		if err != nil {
			t.Fatal(err)
		}
		exchanges = append(exchanges, e)
		questions = append(questions, asked{
			Pool: "AbCdEfGhI", User: fmt.Sprintf("user-%d", i), Password: passwords[i%len(passwords)],
			SecretBlock: "c2VjcmV0IGJsb2NrIG9mIHRoZSBwb29s", A: e.A(), Timestamp: peerTime, Salt: draw(16), Secret: draw(64),
		})
	}
	for i, server := range ask(t, questions) {
		q := questions[i]
		proof, err := exchanges[i].Answer(q.Pool, q.Password, srp.Challenge{Salt: server.Salt, B: server.B, SecretBlock: q.SecretBlock, UserID: q.User}, peerClock)
		if err != nil {
			t.Fatal(err)
		}
		if proof.Timestamp != peerTime {
			t.Errorf("timestamp %q, want %q", proof.Timestamp, peerTime)
		}
		if proof.Signature != server.Signature {
			t.Errorf("question %d: the server computes %s, we %s", i, server.Signature, proof.Signature)
		}
	}
}

func TestAClientByOthersComputesTheSame(t *testing.T) {
	var questions []asked
	for i := range 6 {
		questions = append(questions, asked{
			Pool: "AbCdEfGhI", User: fmt.Sprintf("user-%d", i), Password: passwords[i%len(passwords)], SecretBlock: "YmxvY2s=",
		})
	}
	for i, client := range ask(t, questions) {
		q := questions[i]
		exponent := strings.Repeat("0", max(256-len(client.Exponent), 0)) + client.Exponent
		secret, err := hex.DecodeString(exponent)
		if err != nil {
			t.Fatal(err)
		}
		e, err := srp.New(bytes.NewReader(secret))
		if err != nil {
			t.Fatal(err)
		}
		if e.A() != strings.TrimLeft(client.A, "0") {
			t.Errorf("question %d: the public values differ", i)
		}
		at, err := time.Parse("Mon Jan 2 15:04:05 UTC 2006", client.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := e.Answer(q.Pool, q.Password, srp.Challenge{Salt: client.Salt, B: client.B, SecretBlock: q.SecretBlock, UserID: q.User}, at)
		if err != nil {
			t.Fatal(err)
		}
		if proof.Signature != client.Signature || proof.Timestamp != client.Timestamp {
			t.Errorf("question %d: the other client computes %s at %s, we %s at %s", i, client.Signature, client.Timestamp, proof.Signature, proof.Timestamp)
		}
	}
}
