package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/flexmatch/simulate"
)

const twoTickets = `{"ticketId": "t1", "startTime": 5, "players": [{"playerId": "p1", "attributes": {"skill": {"N": 10}}, "latencyInMs": {"here": 20}}]}
{"ticketId": "t2", "startTime": 9, "players": [{"playerId": "p2", "attributes": {"skill": {"N": 12}}, "latencyInMs": {"here": 40}}]}
`

// example is a file of the repository's examples.
func example(name string) string {
	return filepath.Join("..", "..", "examples", filepath.FromSlash(name))
}

func TestRulesSimulateShowsTheExamplesSideBySide(t *testing.T) {
	page := filepath.Join(t.TempDir(), "report.html")
	code, stdout, stderr := runRules(t, "", "simulate", "--rules", example("rules/ranked-5v5.json"), "--against", example("rules/ranked-5v5-relaxed.json"),
		"--population", example("populations/evening.json"), "--for", "20m", "--report", page)
	if code != 0 || stderr != "The report is in "+page+"\n" {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	for _, want := range []string{"ranked-5v5", "ranked-5v5-relaxed", "difference", "Against ranked-5v5, ranked-5v5-relaxed matches"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	body, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(body, []byte("ranked-5v5 against ranked-5v5-relaxed")) || !bytes.Contains(body, []byte("--for 20m --seed 7 --report report.html<")) {
		t.Errorf("the page, of %d bytes, does not show the comparison: %v", len(body), err)
	}
}

func TestRulesSimulatePrintsJSONThatASeedRepeats(t *testing.T) {
	rules := writeFile(t, "pairs.json", pairRules)
	args := []string{"simulate", "--rules", rules, "--for", "10m", "--players", "50000", "--seed", "3", "--request-timeout", "2m", "--json"}
	code, first, stderr := runRules(t, "", args...)
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var out struct {
		Results []simulate.Result `json:"results"`
	}
	if err := json.Unmarshal([]byte(first), &out); err != nil || len(out.Results) != 1 {
		t.Fatalf("%v in %s", err, first)
	}
	if r := out.Results[0]; r.Rules != "pairs" || r.Seed != 3 || r.Players.Matched == 0 || r.SimulatedSeconds != 600 {
		t.Errorf("%+v", r)
	}
	if _, again, _ := runRules(t, "", args...); again != first {
		t.Error("a second run prints something else")
	}
}

func TestRulesSimulateReplaysRecordedTickets(t *testing.T) {
	folder := t.TempDir()
	for name, body := range map[string]string{"tickets.jsonl": twoTickets, "population.json": `{"recorded": "tickets.jsonl"}`} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := runRules(t, pairRules, "simulate", "--rules", "-", "--population", filepath.Join(folder, "population.json"), "--json")
	var out struct {
		Results []simulate.Result `json:"results"`
	}
	if err := json.Unmarshal([]byte(stdout), &out); code != 0 || err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, stderr)
	}
	if r := out.Results[0]; r.Matches != 1 || r.Wait.Max != 4 || r.SkillGap.Max != 2 || r.Latency.Mean != 30 || r.Population != "population.json" {
		t.Errorf("%+v", r)
	}
}

func TestRulesSimulateRefusesWhatItCannotUse(t *testing.T) {
	good, bad := writeFile(t, "good.json", pairRules), writeFile(t, "bad.json", brokenRules)
	mapRules := writeFile(t, "map.json", strings.Replace(pairRules, `"playerAttributes": [`, `"playerAttributes": [{"name": "m", "type": "string_number_map"}, `, 1))
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no rule set", nil, 2, "missing flags: --rules=FILE (muster rules simulate --help lists what there is)"},
		{"a rule set that is not there", []string{"--rules", "nowhere.json"}, 2, "nowhere.json cannot be read"},
		{"a broken rule set, with its problems", []string{"--rules", bad}, 1, "bad.json:4:"},
		{"a broken second rule set", []string{"--rules", good, "--against", bad}, 1, "bad.json:4:"},
		{"a population that is not there", []string{"--rules", good, "--population", "nobody.json"}, 2, "nobody.json cannot be read"},
		{"a broken population, by its key", []string{"--rules", good, "--population", writeFile(t, "p.json", `{"sed": 1}`)}, 2, "sed: unknown key"},
		{"a population that does not fit", []string{"--rules", mapRules}, 2, "attributes.m: map declares"},
		{"players below zero", []string{"--rules", good, "--players=-3"}, 2, "--players is from"},
		{"no players", []string{"--rules", good, "--players", "0"}, 2, "--players is from 1 to 10000000, not 0"},
		{"players that are not a number", []string{"--rules", good, "--players", "NaN"}, 2, "--players is from 1 to 10000000, not NaN"},
		{"a year", []string{"--rules", good, "--for", "9000h"}, 2, "--for: 9000h is not from 1s to 2400h"},
		{"no time at all", []string{"--rules", good, "--for", "0s"}, 2, "--for: 0s is not from 1s"},
		{"a day as d", []string{"--rules", good, "--for", "1d"}, 2, `--for: "1d" is not a duration; write for example 24h`},
		{"a week of words", []string{"--rules", good, "--for", "week"}, 2, `"week" is not a duration; write for example 6h, 90m or 45s`},
		{"a timeout of nothing", []string{"--rules", good, "--request-timeout", "0s"}, 2, "--request-timeout: 0s is not from 1s"},
		{"a skill that nobody declares", []string{"--rules", good, "--population", writeFile(t, "n.json", `{"skillAttribute": "nope"}`)}, 2, `no rule set declares a number attribute "nope"`},
		{"recorded tickets that are not there", []string{"--rules", good, "--population", writeFile(t, "r.json", `{"recorded": "gone.jsonl"}`)}, 2, "gone.jsonl cannot be read"},
		{"more players than were recorded", []string{"--rules", good, "--players", "5", "--population", writeFile(t, "s.json", `{"recorded": "gone.jsonl"}`)}, 2, "does not go with recorded"},
		{"a report that cannot be written", []string{"--rules", good, "--for", "1m", "--report", filepath.Join("nowhere", "at", "all.html")}, 2, "all.html cannot be written: no such file"},
		{"a report that is a folder", []string{"--rules", good, "--for", "2400h", "--players", "10000000", "--report", t.TempDir()}, 2, "cannot be written"},
		{"both from the standard input", []string{"--rules", "-", "--against", "-"}, 2, "cannot be both"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := runRules(t, "", append([]string{"simulate"}, c.args...)...)
			if code != c.code || !strings.Contains(stderr, c.want) {
				t.Errorf("exit %d, want %d; stderr %q, want %q", code, c.code, stderr, c.want)
			}
		})
	}
}

func TestRulesSimulatePrintsTheWarningsOfCheck(t *testing.T) {
	rules := writeFile(t, "odd.json", strings.Replace(pairRules, `"name": "Near",`, `"name": "Near", "maxDistence": 3,`, 1))
	_, checked, _ := runRules(t, "", "check", rules)
	warning, _, _ := strings.Cut(checked, "\n")
	code, stdout, stderr := runRules(t, "", "simulate", "--rules", rules, "--for", "1m", "--json")
	if code != 0 || !strings.Contains(warning, "warning: ") || stderr != warning+"\n" || !json.Valid([]byte(stdout)) {
		t.Errorf("exit %d, stderr %q, want %q", code, stderr, warning)
	}
}

func TestARefusedSimulationLeavesNoReport(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	c := rulesSimulateCmd{Report: page}
	if err := c.checkReport(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(page); err == nil {
		t.Error("a report that was only tried is there")
	}
	if err := os.WriteFile(page, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.checkReport(); err != nil {
		t.Fatal(err)
	}
	if body, _ := os.ReadFile(page); string(body) != "old" {
		t.Errorf("an old report becomes %q", body)
	}
}

func TestTheCommandOfAReportMakesItAgain(t *testing.T) {
	span, players := timeSpan(90*time.Minute), 2.5e6
	c := rulesSimulateCmd{
		Rules: "-", Against: "it's new.json", Population: filepath.Join(t.TempDir(), "who.json"),
		For: &span, Players: &players, RequestTimeout: &span, Report: "out/page.html",
	}
	want := `muster rules simulate --rules - --against 'it'\''s new.json' --population who.json --for 1h30m --players 2500000 --seed 4 --request-timeout 1h30m --report out/page.html`
	if got := c.command(4); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFilesOfOneNameKeepTheirFolders(t *testing.T) {
	if got := ruleSetNames([]string{"a/ranked.json", "b/ranked.json"}); got[0] != "a/ranked.json" || got[1] != "b/ranked.json" {
		t.Errorf("%q", got)
	}
	if got := ruleSetNames([]string{"a/ranked.json", "-"}); got[0] != "ranked" || got[1] != "<stdin>" {
		t.Errorf("%q", got)
	}
}

func TestProgressIsALineEveryFewSecondsOffTheTerminal(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	line := newProgressLine(&out, func() time.Time { return now })
	for second := range 12 {
		now = time.Unix(int64(second), 0)
		line.update(simulate.Progress{Simulated: time.Duration(second) * time.Hour, Total: 24 * time.Hour, StartHour: 6, Queued: 10 * second, Matches: second})
	}
	line.end()
	want := " 21 %  11:00  50 players, 5 matches\n 42 %  16:00  100 players, 10 matches\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestProgressOnATerminalIsOneLineThatIsClearedInTheEnd(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	line := newProgressLine(&out, func() time.Time { return now })
	line.terminal = true
	now = time.Unix(5, 0)
	line.update(simulate.Progress{Simulated: time.Hour, Total: 2 * time.Hour, Queued: 7, Matches: 3})
	line.end()
	if want := "\r 50 %  01:00  7 players, 3 matches\x1b[K\r\x1b[K"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
