package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// report is what `muster up --matches M --json` prints.
type report struct {
	Matches      int `json:"matches"`
	Players      int `json:"players"`
	Seated       int `json:"seated"`
	SeatsRefused int `json:"seats_refused"`
	Results      int `json:"results"`
	QueueToSeat  struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
		Max float64 `json:"max"`
	} `json:"queue_to_seat_ms"`
}

func TestUpPlaysFiveMatchesWithEightBotsAndStops(t *testing.T) {
	stdout, stderr, code := run(t, "up", "--data", t.TempDir(), "--http", "127.0.0.1:0", "--gamelift", "127.0.0.1:0",
		"--bots", "8", "--matches", "5", "--json")
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	var got report
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("standard output is not one JSON object: %v\n%s", err, stdout)
	}
	t.Logf("%+v", got)
	if got.Matches != 5 || got.Results != 5 || got.SeatsRefused != 0 {
		t.Errorf("got %+v, want 5 matches, 5 results and no refused seat", got)
	}
	if got.Players != 8 || got.Seated != 10 {
		t.Errorf("got %d players and %d seats, want 8 and 10", got.Players, got.Seated)
	}
	if q := got.QueueToSeat; q.P50 <= 0 || q.P50 > q.P99 || q.P99 > q.Max {
		t.Errorf("queue to seat is %+v, want ordered positive milliseconds", q)
	}
}

func TestUpRefusesWithOneClearSentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // nothing was written
	file := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(file, []byte("not a folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		args []string
		says []string
	}{
		{"when the HTTP port is in use", []string{"--http", taken.Addr().String(), "--gamelift", "127.0.0.1:0"}, []string{taken.Addr().String(), "in use", "--http"}},
		{"when the GameLift port is in use", []string{"--http", "127.0.0.1:0", "--gamelift", taken.Addr().String()}, []string{taken.Addr().String(), "in use", "--gamelift"}},
		{"when the data folder cannot be made", []string{"--data", filepath.Join(file, "below")}, []string{filepath.Join(file, "below")}},
		{"when the data folder is a file", []string{"--data", file}, []string{file}},
		{"when an address is not one", []string{"--http", "nonsense"}, []string{"nonsense"}},
		{"when matches are asked for without bots", []string{"--matches", "3"}, []string{"--bots"}},
		{"when it should listen to the whole network", []string{"--http", "0.0.0.0:0"}, []string{"loopback"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"up", "--data", filepath.Join(t.TempDir(), "data"), "--http", "127.0.0.1:0", "--gamelift", "127.0.0.1:0"}
			stdout, stderr, code := run(t, append(args, c.args...)...)
			if code == 0 {
				t.Fatalf("exit code 0\n%s", stdout)
			}
			if stdout != "" || !oneSentence(stderr) {
				t.Errorf("want one sentence on standard error, got\n%s%s", stdout, stderr)
			}
			for _, word := range c.says {
				if !strings.Contains(stderr, word) {
					t.Errorf("%q does not say %q", strings.TrimSpace(stderr), word)
				}
			}
		})
	}
}

func TestABrokenConfigurationNamesEveryProblemWithItsLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "muster.yaml")
	if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte("{\n  \"teams\": []\n}"), 0o600); err != nil {
		t.Fatal(err)
	}
	body := "locations: [home]\nmodes:\n  - name: duel\n    ruleSet: bad.json\n    requestTimeoutSeconds: 0.5\n"
	cases := []struct {
		name, body string
		says       []string
	}{
		{"a value of the wrong type", body, []string{":5: modes[0].requestTimeoutSeconds", "whole number"}},
		{"an unknown key", "modes:\n  - name: duel\n    rulset: x\n", []string{":3: rulset", "no such key"}},
		{"several bad values at once", strings.Replace(body, "0.5", "99999", 1), []string{":1: locations[0]", ":4: modes[0].ruleSet", ":5: modes[0].requestTimeoutSeconds", "ruleLanguageVersion"}},
		{"something that is not YAML", "modes: [", []string{"muster.yaml"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(c.body), 0o600); err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(t.TempDir(), "data")
			_, stderr, code := run(t, "up", "--config", path, "--data", data, "--http", "127.0.0.1:0", "--gamelift", "127.0.0.1:0")
			if code == 0 {
				t.Fatal("exit code 0")
			}
			for _, word := range c.says {
				if !strings.Contains(stderr, word) {
					t.Errorf("standard error does not say %q:\n%s", word, stderr)
				}
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("the data folder was made although the configuration is broken")
			}
		})
	}
}
