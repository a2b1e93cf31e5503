package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster"
	"muster/store/sqlite"
)

// ladder is a data folder with the results of some duels between two players in it.
func ladder(t *testing.T, duels int) (folder string, winner muster.PlayerID) {
	t.Helper()
	ctx := context.Background()
	folder = t.TempDir()
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(folder, databaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	conf, err := (&upCmd{}).config()
	if err != nil {
		t.Fatal(err)
	}
	modes := conf.musterModes()
	rules := offlineRules(store, modes, slog.New(slog.DiscardHandler))
	var players [2]muster.PlayerID
	for i := range players {
		if players[i], _, err = rules.EnsurePlayer(ctx, muster.Identity{Provider: "test", Subject: fmt.Sprint(i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	teams := modes[0].Teams
	for i := range duels {
		id := muster.SessionID(fmt.Sprint("arn:duel/", i))
		err := rules.ApplyEvent(ctx, muster.Event{
			Type: muster.MatchmakingSucceeded, At: time.Now(), Configuration: modes[0].Configuration, Session: id,
			Tickets: []muster.EventTicket{{ID: "none", Players: []muster.EventPlayer{{ID: players[0], Team: teams[0].Name}, {ID: players[1], Team: teams[1].Name}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = rules.ReportResult(ctx, id, muster.ResultReport{Teams: []muster.ResultTeam{
			{Name: teams[0].Name, Rank: 1, Players: []muster.ResultPlayer{{PlayerID: players[0]}}},
			{Name: teams[1].Name, Rank: 2, Players: []muster.ResultPlayer{{PlayerID: players[1]}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return folder, players[0]
}

// replayed runs the command.
func replayed(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &process{stdout: &stdout, stderr: &stderr, stdin: strings.NewReader(""), getenv: func(string) string { return "" }}
	code = run(context.Background(), p, append([]string{"ratings", "replay"}, args...))
	return code, stdout.String(), stderr.String()
}

// builtinFile is the built-in configuration as a file.
func builtinFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, builtin); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "builtin", "muster.yaml")
}

func TestRatingsAreWrittenByTheSystemThatAFileNames(t *testing.T) {
	folder, _ := ladder(t, 2)
	conf := otherSystem(t)
	if code, out, errs := replayed(t, "--data", folder, "--mode", "duel", "--config", conf, "--write"); code != 0 || !strings.Contains(out, "2 are repaired") || !strings.Contains(errs, "mode duel of "+conf+" is rated by glicko2\n") {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	if code, out, errs := replayed(t, "--data", folder, "--mode", "duel", "--write"); code != 2 || out != "" || !strings.Contains(errs, "--write needs --config") {
		t.Errorf("without a file: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := replayed(t, "--data", folder, "--mode", "duel", "--config", conf); code != 0 || !strings.Contains(out, "2 agree, 0 differ") {
		t.Errorf("afterwards: %d\n%s%s", code, out, errs)
	}
}

func TestRatingsAreReplayedComparedAndRepaired(t *testing.T) {
	folder, winner := ladder(t, 5)
	mode := "duel"
	if code, out, errs := replayed(t, "--data", folder, "--mode", mode); code != 0 || !strings.HasPrefix(errs, "mode duel of the built-in configuration is rated by plackettLuce\n") || out != "5 results of mode duel give 2 ratings: 2 agree, 0 differ.\n" {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(folder, databaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	err = store.Write(context.Background(), muster.Op{
		Kind: muster.Delete, Key: muster.Key{Partition: "P#" + string(winner), Sort: "RATING#" + mode}, Version: muster.AnyVersion,
	})
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := replayed(t, "--data", folder, "--mode", mode)
	if code != 1 || !strings.HasPrefix(out, "player "+string(winner)+" has no rating, the results give mu ") || !strings.Contains(errs, "1 of 2 ratings are not what the results give") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, errs = replayed(t, "--store", "sqlite:"+filepath.Join(folder, databaseFile), "--mode", mode, "--write", "--json", "--config", builtinFile(t))
	var d muster.ReplayDifference
	var r muster.ReplayReport
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &d) != nil || json.Unmarshal([]byte(lines[1]), &r) != nil {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	if d.Player != winner || !d.Repaired || d.Replayed.Games != 5 || r.Repaired != 1 || r.Results != 5 {
		t.Errorf("%+v %+v", d, r)
	}
	if code, out, errs := replayed(t, "--data", folder, "--mode", mode, "--season", ""); code != 0 || !strings.Contains(out, "2 agree, 0 differ") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

func TestAReplayThatCannotBeSaysWhy(t *testing.T) {
	folder, _ := ladder(t, 1)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--data", folder}, 2, "--mode"},
		{[]string{"--data", folder, "--mode", "chess"}, 2, `there is no mode "chess" in the configuration`},
		{[]string{"--data", folder, "--mode", "duel", "--season", "x"}, 1, `has no season "x"`},
		{[]string{"--data", filepath.Join(folder, "none"), "--mode", "duel"}, 1, "there is no database"},
		{[]string{"--data", folder, "--mode", "duel", "--write"}, 2, "--write needs --config"},
		{[]string{"--store", "ftp:x", "--mode", "duel"}, 2, "ftp:x is no store"},
	} {
		if code, out, errs := replayed(t, c.args...); code != c.code || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%v: %d\n%s%s", c.args, code, out, errs)
		}
	}
}

// With --write a replay that asked Amazon instead of the named DynamoDB would repair
// another table of the same name.
func TestRatingsAreReplayedInTheDynamoDBThatIsNamed(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "")
	t.Setenv("MUSTER_DYNAMODB_ENDPOINT", "")
	var asked atomic.Int64
	table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-test-1/dynamodb/") {
			t.Errorf("the call is signed as %q", r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no such table"}`) // the client reads it or fails
	}))
	defer table.Close()
	args := []string{"--store", "dynamodb:muster", "--mode", "duel", "--write", "--config", builtinFile(t)}
	cases := []struct {
		name string
		env  map[string]string
		args []string
	}{
		{"by flags", nil, []string{"--dynamodb-endpoint", table.URL, "--region", "eu-test-1"}},
		{"by the environment", map[string]string{"MUSTER_DYNAMODB_ENDPOINT": table.URL, "AWS_REGION": "eu-test-1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			asked.Store(0)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			code, _, errs := replayed(t, append(args, c.args...)...)
			if code == 0 || asked.Load() == 0 || !strings.Contains(errs, "table") {
				t.Errorf("code %d after %d calls; it says %q", code, asked.Load(), errs)
			}
		})
	}
}

// otherSystem is the built-in configuration with the duel rated by Glicko-2.
func otherSystem(t *testing.T) (file string) {
	t.Helper()
	file = builtinFile(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("  - name: duel\n"), []byte("  - name: duel\n    rating: {system: glicko2}\n"), 1)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// started is what a backend on the folder says of rating systems at its start, and what the
// player sees of the rating in duels meanwhile.
func started(t *testing.T, folder, file string, p muster.PlayerID) (log string, skill int) {
	t.Helper()
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(folder, databaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	conf, err := (&upCmd{Config: file}).config()
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	rules := offlineRules(store, conf.musterModes(), slog.New(slog.DiscardHandler))
	ratingWatch{rules, slog.New(slog.NewTextHandler(&lines, nil)), "--data " + folder, file}.tell(context.Background())
	ratings, err := rules.Ratings(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	board, err := rules.Leaderboard(context.Background(), muster.LeaderboardQuery{Mode: "duel", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if ratings[0].Games > 0 && (len(board.Entries) != 2 || board.Entries[0].PlayerID != p || board.Entries[0].Skill != ratings[0].Skill) {
		t.Errorf("the winner shows %d and the board says %v", ratings[0].Skill, board.Entries)
	}
	return lines.String(), ratings[0].Skill
}

func TestAChangedRatingSystemIsToldUntilItsResultsAreCountedAgain(t *testing.T) {
	for name, seen := range map[string]bool{"the earlier system was seen at a start": true, "no start ever looked": false} {
		t.Run(name, func(t *testing.T) {
			folder, winner := ladder(t, 3)
			other := otherSystem(t)
			var before int
			if seen {
				var log string
				if log, before = started(t, folder, "", winner); log != "" {
					t.Fatalf("nothing has changed: %s", log)
				}
			}
			command := "muster ratings replay --mode duel --data " + folder + " --config " + other + " --write"
			for range 2 {
				log, skill := started(t, folder, other, winner)
				if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=WARN") || !strings.Contains(log, command) || strings.Contains(log, "plackettLuce") != seen {
					t.Errorf("it says %s", log)
				}
				if seen && skill != before || skill <= newcomersPoints {
					t.Errorf("the winner of three shows %d, before it was %d", skill, before)
				}
			}
			if code, out, errs := replayed(t, strings.Fields(strings.TrimPrefix(command, "muster ratings replay "))...); code != 0 || !strings.Contains(out, "2 are repaired") {
				t.Fatalf("%d\n%s%s", code, out, errs)
			}
			if log, skill := started(t, folder, other, winner); log != "" || skill <= newcomersPoints {
				t.Errorf("counted again, the winner shows %d: %s", skill, log)
			}
		})
	}
}

func TestAnotherModelOnTheSameScaleIsToldOnce(t *testing.T) {
	folder, winner := ladder(t, 1)
	_, before := started(t, folder, "", winner)
	other := otherSystem(t)
	text, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, bytes.Replace(text, []byte(glicko2), []byte("bradleyTerryFull"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if log, skill := started(t, folder, other, winner); !strings.Contains(log, "level=INFO") || !strings.Contains(log, "now=bradleyTerryFull") || skill != before {
		t.Errorf("the winner shows %d, before it was %d: %s", skill, before, log)
	}
	if log, _ := started(t, folder, other, winner); log != "" {
		t.Errorf("the second time: %s", log)
	}
}

func TestAModeThatNobodyPlayedMayChangeItsSystem(t *testing.T) {
	folder, winner := ladder(t, 0)
	started(t, folder, "", winner)
	if log, skill := started(t, folder, otherSystem(t), winner); log != "" || skill != newcomersPoints {
		t.Errorf("a newcomer shows %d: %s", skill, log)
	}
}
