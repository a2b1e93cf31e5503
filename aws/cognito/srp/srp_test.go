package srp_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"muster/aws/cognito/srp"
)

var passwords = []string{"Correct-Horse-7", "p", "p\u00e4ssw\u00f6rd mit Leerzeichen", "\u5bc6\u7801", strings.Repeat("long", 64)}

func newExchange(t *testing.T) *srp.Exchange {
	t.Helper()
	e, err := srp.New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// vector is an exchange that cognito-srp 0.2.0 served and cognito-srp-helper 2.3.4
// signed, and the group's prime as the former has it.
type vector struct {
	Pool, User, Password, SecretBlock, Exponent, A, Salt, B, Timestamp, Signature, Prime string
}

func readVector(t *testing.T) vector {
	t.Helper()
	body, err := os.ReadFile("testdata/vector.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheKnownAnswer(t *testing.T) {
	v := readVector(t)
	secret, err := hex.DecodeString(v.Exponent)
	if err != nil {
		t.Fatal(err)
	}
	e, err := srp.New(bytes.NewReader(secret))
	if err != nil {
		t.Fatal(err)
	}
	if e.A() != v.A {
		t.Errorf("A is %s, want %s", e.A(), v.A)
	}
	at, err := time.Parse("Mon Jan 2 15:04:05 UTC 2006", v.Timestamp)
	if err != nil {
		t.Fatal(err)
	}
	c := srp.Challenge{Salt: v.Salt, B: v.B, SecretBlock: v.SecretBlock, UserID: v.User}
	got, err := e.Answer(v.Pool, v.Password, c, at)
	if err != nil {
		t.Fatal(err)
	}
	if want := (srp.Answer{Signature: v.Signature, Timestamp: v.Timestamp}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, change := range map[string]func(password, pool *string, c *srp.Challenge){
		"another password": func(password, _ *string, _ *srp.Challenge) { *password += "x" },
		"another pool":     func(_, pool *string, _ *srp.Challenge) { *pool += "x" },
		"another user":     func(_, _ *string, c *srp.Challenge) { c.UserID += "x" },
		"another salt":     func(_, _ *string, c *srp.Challenge) { c.Salt += "00" },
		"another B":        func(_, _ *string, c *srp.Challenge) { c.B = "2" },
	} {
		password, pool, changed := v.Password, v.Pool, c
		change(&password, &pool, &changed)
		other, err := e.Answer(pool, password, changed, at)
		if err != nil || other.Signature == v.Signature {
			t.Errorf("%s: the signature is the same, or %v", name, err)
		}
	}
}

func TestAFalseServerGetsNoAnswer(t *testing.T) {
	prime := readVector(t).Prime
	good := srp.Challenge{Salt: "a1b2", B: "abcdef", SecretBlock: "YmxvY2s=", UserID: "ada"}
	tests := []struct {
		name   string
		change func(*srp.Challenge)
		want   error
	}{
		{"B is zero", func(c *srp.Challenge) { c.B = "0" }, srp.ErrPublicValue},
		{"B is the prime", func(c *srp.Challenge) { c.B = prime }, srp.ErrPublicValue},
		{"B is the prime behind zeros", func(c *srp.Challenge) { c.B = "00" + prime }, srp.ErrPublicValue},
		{"B is larger than the prime", func(c *srp.Challenge) { c.B = prime + "00" }, srp.ErrPublicValue},
		{"B is empty", func(c *srp.Challenge) { c.B = "" }, srp.ErrMalformed},
		{"B is no number", func(c *srp.Challenge) { c.B = "0x12" }, srp.ErrMalformed},
		{"B is negative", func(c *srp.Challenge) { c.B = "-2" }, srp.ErrMalformed},
		{"B is endless", func(c *srp.Challenge) { c.B = strings.Repeat("a", 1025) }, srp.ErrMalformed},
		{"the salt is no number", func(c *srp.Challenge) { c.Salt = "xyz" }, srp.ErrMalformed},
		{"the salt is empty", func(c *srp.Challenge) { c.Salt = "" }, srp.ErrMalformed},
		{"the block is no base64", func(c *srp.Challenge) { c.SecretBlock = "?" }, srp.ErrMalformed},
		{"nobody is named", func(c *srp.Challenge) { c.UserID = "" }, srp.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			if _, err := newExchange(t).Answer("AbCdEfGhI", "secret", c, time.Unix(0, 0)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := newExchange(t).Answer("AbCdEfGhI", "secret", good, time.Unix(0, 0)); err != nil {
		t.Errorf("the challenge that the others differ from: %v", err)
	}
}

func TestARandomSourceThatFailsIsNoSecret(t *testing.T) {
	if _, err := srp.New(bytes.NewReader(nil)); err == nil {
		t.Error("an exchange was made without randomness")
	}
	if _, err := srp.New(bytes.NewReader(make([]byte, 128))); err == nil {
		t.Error("an exchange was made of zeros")
	}
}
