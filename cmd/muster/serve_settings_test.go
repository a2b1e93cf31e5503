package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/aws/gamelift"
	"muster/identity"
)

func TestKeysAreMadeAndNotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "signing.json")
	keys := func(stdin string, args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		p := &process{stdout: &out, stderr: &errs, stdin: strings.NewReader(stdin), getenv: os.Getenv}
		code = run(t.Context(), p, append([]string{"keys"}, args...))
		return code, out.String(), errs.String()
	}
	if code, _, said := keys("", "signing", "--out", file); code != 0 {
		t.Fatal(said)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of signing keys: %v %v", info.Mode(), err)
	}
	if _, err := signingKeys(file, ""); err != nil {
		t.Error(err)
	}
	if code, _, said := keys("", "signing", "--out", file); code != 1 || !strings.Contains(said, "is there already") {
		t.Errorf("keys are written over others: %d %s", code, said)
	}
	_, text, _ := keys("", "signing")
	if _, err := signingKeys("", text); err != nil {
		t.Errorf("signing keys on standard output: %v", err)
	}
	for _, kind := range []string{"server", "admin"} {
		_, text, _ := keys("", kind)
		fields := strings.Fields(text)
		key := fields[1]
		if !strings.Contains(text, identity.HashServerKey(key)) {
			t.Errorf("the hash of a %s key is not beside it: %s", kind, text)
		}
		if _, hash, _ := keys(key+"\n", "hash"); strings.TrimSpace(hash) != identity.HashServerKey(key) {
			t.Errorf("the hash of a %s key is %s", kind, hash)
		}
		if _, text, _ := keys("", kind, "--json"); !strings.HasPrefix(text, `{"hash":"`) {
			t.Errorf("as JSON it is %s", text)
		}
	}
	if code, _, said := keys("hello", "hash"); code != 1 || strings.Contains(said, "hello") {
		t.Errorf("what is no key: %d %s", code, said)
	}
}

func TestAddressesAreTakenWithoutAFinalSlash(t *testing.T) {
	cases := []struct{ text, want string }{
		{"https://play.example", "https://play.example"},
		{"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
		{"https://example.com/game/", "https://example.com/game"},
		{"play.example", ""},
		{"ftp://play.example", ""},
		{"https://me:secret@play.example", ""},
		{"https://play.example?x=1", ""},
		{"https://", ""},
	}
	for _, c := range cases {
		got, err := baseURL("--url", c.text)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s gives %q, %v", c.text, got, err)
		}
	}
}

func TestWhatGameLiftHasOtherwiseIsSaid(t *testing.T) {
	const topic = "arn:aws:sns:us-west-2:123456789012:t"
	mode := modeConfig{AcceptanceTimeoutSeconds: 20}
	good := gamelift.MatchmakerState{NotificationTarget: topic, AcceptanceTimeoutSeconds: 20}
	cases := []struct {
		name  string
		state gamelift.MatchmakerState
		known bool
		says  []string
	}{
		{"nothing when all is well", good, true, nil},
		{"a configuration that is not there", good, false, []string{"no such matchmaking configuration"}},
		{"no topic", gamelift.MatchmakerState{AcceptanceTimeoutSeconds: 20}, true, []string{"to no topic"}},
		{"another topic, and no acceptance", gamelift.MatchmakerState{NotificationTarget: topic + "2"}, true, []string{topic + "2", "20 s to accept a match, and GameLift gives them 0 s"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := mode.differences(c.state, c.known, []string{topic})
			if len(got) != len(c.says) {
				t.Fatalf("it says %q", got)
			}
			for i, word := range c.says {
				if !strings.Contains(got[i], word) {
					t.Errorf("%q does not say %q", got[i], word)
				}
			}
		})
	}
}

func TestSessionsThatAreHostedElsewhereHaveLocationsOfTheirOwn(t *testing.T) {
	cases := []struct{ name, locations, says string }{
		{"regions, local zones and custom locations", "locations: [us-east-1, us-east-1-atl-1, custom-rack]\n", ""},
		{"none", "", "c.yaml:1: locations: names the places"},
		{"what is no place", "locations: [the moon]\n", `c.yaml:1: locations[0]: "the moon" is neither`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseConfigFor(true, "c.yaml", []byte(c.locations+"modes:\n  - {name: a, ruleSet: good.json}\n"), files)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestEndingHasADeadline(t *testing.T) {
	began := time.Now()
	err := byDeadline(50*time.Millisecond, func(context.Context) error { select {} })
	if err == nil || time.Since(began) > time.Minute {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}
