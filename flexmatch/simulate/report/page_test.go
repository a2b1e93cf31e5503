package report

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/flexmatch"
	"muster/flexmatch/simulate"
)

// page renders a report and returns it.
func render(t *testing.T, r Run) string {
	t.Helper()
	var b strings.Builder
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// duelRules match any two players.
const duelRules = `{
	"name": "duel", "ruleLanguageVersion": "1.0",
	"playerAttributes": [{"name": "skill", "type": "number", "default": 1500}],
	"teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}]
}`

// trioRules match three against three who are alike, in two steps, near one location.
const trioRules = `{
	"name": "trio", "ruleLanguageVersion": "1.0", // comments are allowed
	"playerAttributes": [{"name": "skill", "type": "number", "default": 1500}],
	"teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 3}, {"name": "b", "minPlayers": 2, "maxPlayers": 3}],
	"rules": [
		{"name": "alike", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 200},
		{"name": "near", "type": "latency", "maxLatency": 120}
	],
	"expansions": [{"target": "rules[alike].maxDistance", "steps": [{"waitTimeSeconds": 20, "value": 400}, {"waitTimeSeconds": 60, "value": 900}]}]
}`

func parse(t *testing.T, name, body string) simulate.Rules {
	t.Helper()
	r, err := simulate.ParseRules(name, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func simulated(t *testing.T, o simulate.Options, rules ...simulate.Rules) Run {
	t.Helper()
	results, err := simulate.Run(t.Context(), rules, o)
	if err != nil {
		t.Fatal(err)
	}
	return Run{Results: results, Rules: rules, Population: o.Population, Command: "muster rules simulate"}
}

// comparison is a busy hour in which everything happens, under two rule sets.
func comparison(t *testing.T) Run {
	t.Helper()
	p, err := simulate.ParsePopulation([]byte(`{
		"name": "busy", "seed": 5, "startHour": 19, "playersPerDay": 12000,
		"parties": {"1": 70, "2": 20, "3": 10},
		"patience": {"distribution": "exponential", "mean": 60},
		"acceptance": {"acceptRate": 0.9, "silentRate": 0.05, "timeoutSeconds": 12},
		"matches": {"returnRate": 0.5, "durationSeconds": 300}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	return simulated(t, simulate.Options{Population: p, Duration: time.Hour}, parse(t, "trio", trioRules), parse(t, "duel", duelRules))
}

func TestAReportLoadsNothingAndRunsNothing(t *testing.T) {
	body := strings.ToLower(render(t, comparison(t)))
	for _, no := range []string{"http:", "https:", "//", "<script", "<link", "<img", "<iframe", "url(", "@import", "src=", "href=", "onload", "onerror"} {
		if i := strings.Index(body, no); i >= 0 {
			// A rule set may have comments; they are text.
			if no == "//" && strings.Count(body, "//") == strings.Count(body, "// comments are allowed") {
				continue
			}
			t.Errorf("%q at ...%s...", no, body[max(0, i-40):min(len(body), i+40)])
		}
	}
}

func TestAReportEscapesHostileNames(t *testing.T) {
	const evil = `</title></pre><script>alert(1)</script><img src=x onerror="alert(2)">`
	r := comparison(t)
	for i := range r.Rules {
		r.Rules[i].Name, r.Rules[i].Body = evil, evil+r.Rules[i].Body
		r.Results[i].Rules = evil
		r.Results[i].SkillAttribute = evil
		r.Results[i].Assumptions = []string{evil}
		for j := range r.Results[i].ByRegion {
			r.Results[i].ByRegion[j].Name = evil
		}
	}
	p := *r.Population
	p.Name, p.Description, p.Regions = evil, evil, []simulate.Region{{Name: evil, Weight: 1}}
	r.Population, r.Command = &p, evil
	body := render(t, r)
	if strings.Contains(body, "<script") || strings.Contains(body, "<img") || strings.Contains(body, `onerror="`) {
		t.Error("a name became markup")
	}
	if strings.Count(body, "&lt;script&gt;") < 10 {
		t.Error("the names are not shown")
	}
	wellFormed(t, body)
}

// wellFormed reads HTML whose elements all end, but for those that never do.
func wellFormed(t *testing.T, body string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.Replace(body, "<!doctype html>", "", 1)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d elements do not end", depth)
	}
}

func TestEveryPlaceOfADrawingIsANumberInside(t *testing.T) {
	body := render(t, comparison(t))
	if strings.Contains(body, "ZgotmplZ") {
		t.Error("the template refused a value")
	}
	wellFormed(t, body)
	numbers := regexp.MustCompile(`\b(x|y|x1|x2|y1|y2|width|height)="([^"]*)"`)
	shape := regexp.MustCompile(`^-?[0-9]+(\.[0-9])?$`)
	found := 0
	for _, m := range numbers.FindAllStringSubmatch(body, -1) {
		found++
		if !shape.MatchString(m[2]) || strings.HasPrefix(m[2], "-") {
			t.Errorf("%s", m[0])
		}
	}
	if paths := regexp.MustCompile(` d="([^"]*)"`).FindAllStringSubmatch(body, -1); found < 200 || len(paths) < 15 {
		t.Errorf("%d places and %d lines", found, len(paths))
	} else {
		line := regexp.MustCompile(`^(M[0-9. ]+(h3|(L[0-9. ]+)*))+$`)
		for _, p := range paths {
			if !line.MatchString(p[1]) {
				t.Errorf("path %q", p[1])
			}
		}
	}
}

func TestEveryChartSaysWhatItShows(t *testing.T) {
	r := comparison(t)
	count := 0
	for _, s := range newPage(r).Sections {
		for _, c := range s.Charts {
			count++
			if c.Title == "" || c.Label == "" || c.XName == "" || len(c.XTicks) < 2 {
				t.Errorf("%q lacks a title, label or axis: %+v", c.Title, c)
			}
			if len(c.Legend) == 0 {
				t.Errorf("%q compares rule sets without a legend", c.Title)
			}
		}
	}
	if count < 12 {
		t.Errorf("%d charts", count)
	}
}

func TestAReportOfNobodyIsStillAPage(t *testing.T) {
	p := simulate.DefaultPopulation()
	p.Tickets = []flexmatch.Ticket{{ID: "t", StartAt: time.Unix(0, 0), Players: []flexmatch.Player{{ID: "p"}}}}
	body := render(t, simulated(t, simulate.Options{Population: p}, parse(t, "duel", duelRules)))
	if !strings.Contains(body, "a match has 2 players or more, and the queue never had more than 1") || strings.Contains(body, "NaN") {
		t.Error("the page does not say so")
	}
	wellFormed(t, body)
}

func TestTextShowsBothRuleSetsAndTheDifference(t *testing.T) {
	var b strings.Builder
	r := comparison(t)
	r.Results[0].Rules = "evil\x1b[31m\nname"
	if err := Text(&b, r.Results); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"difference", "Waiting time of matched players", "by region", "by party size", "over time", "points", "duel: by skill"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.ContainsRune(text, '\x1b') {
		t.Error("a name reaches the terminal as it is")
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.HasSuffix(line, " ") {
			t.Errorf("trailing space in %q", line)
		}
	}
}

func TestSentencesPointAtWhoFaresWorst(t *testing.T) {
	r := &simulate.Result{
		SimulatedSeconds: 3600, Matches: 90, SkillAttribute: "skill",
		Players: simulate.Outcomes{Queued: 1000, Matched: 900, Abandoned: 100},
		Wait:    simulate.Summary{Count: 900, P50: 10, P90: 40},
		ByRegion: []simulate.Group{
			{Name: "near", Players: simulate.Outcomes{Queued: 800, Matched: 790, Abandoned: 10}, Wait: simulate.Summary{Count: 790, P50: 8, P90: 30}},
			{Name: "far", Players: simulate.Outcomes{Queued: 200, Matched: 110, Abandoned: 90}, Wait: simulate.Summary{Count: 110, P50: 60, P90: 200}},
		},
	}
	text := strings.Join(Sentences([]*simulate.Result{r}), "\n")
	for _, want := range []string{"90 % of players were matched", "within 10 s", "10 % gave up", "region far wait longest"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	other := *r
	other.Rules, other.Players, other.Wait = "second", simulate.Outcomes{Queued: 1000, Matched: 950, Abandoned: 50}, simulate.Summary{Count: 950, P50: 5, P90: 50}
	text = strings.Join(Sentences([]*simulate.Result{r, &other}), "\n")
	for _, want := range []string{"5.0 percentage points more", "median wait shorter by 5 s (50 %)", "nine in ten longer by 10 s (25 %)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// A narrow page has larger letters in its drawings, breaks long differences and shows
// where there is more at the side.
func TestAReportCanBeReadOnAPhone(t *testing.T) {
	body := render(t, comparison(t))
	for _, want := range []string{"container-type: inline-size", "@container (max-width: 27rem) { svg text { font-size: 13px", "td.change { white-space: normal", "var(--shade), transparent) right", `tabindex="0" role="region"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, r := range comparison(t).Results[:1] {
		c := rows("t", "", []*simulate.Result{r, r}, secondsUnit, "x", []row{{name: "a", main: []float64{1, 2}, text: []string{"p", "q"}}})
		if gap := c.Words[2].Y - c.Words[1].Y; gap < 16 {
			t.Errorf("the values of a pair stand %v apart, in letters of up to 14", gap)
		}
	}
}

func TestFewAreCountedAsFew(t *testing.T) {
	r := &simulate.Result{
		SimulatedSeconds: 3600, Matches: 1, Tickets: 1, SkillAttribute: "skill", Players: simulate.Outcomes{Queued: 1, Matched: 1},
		Wait: simulate.Summary{Count: 1}, SkillGap: simulate.Summary{Count: 1, P50: 12},
	}
	text := strings.Join(Sentences([]*simulate.Result{r}), "\n")
	for _, want := range []string{"1 h of simulated time from 00:00, 1 player queued in 1 ticket.", "In the only match skill differs by 12 between"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestWhatStandsInTheWayIsSaid(t *testing.T) {
	r := &simulate.Result{
		Players: simulate.Outcomes{Queued: 10, Waiting: 10}, QueueMax: 10, MinPlayers: 2, Asked: 8,
		Obstacles: []simulate.Obstacle{{Rule: "Near", Tickets: 6}, {Tickets: 2}},
	}
	var b strings.Builder
	if err := Text(&b, []*simulate.Result{r}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"Nobody was matched. The rule that stood in the way most is Near (6 of 8 tickets that were asked while they waited).",
		"what kept waiting tickets tickets share Near 6 75 % too few players 2 25 %",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	r.Obstacles = r.Obstacles[1:]
	if got := fortunes(r); !strings.Contains(got, "waited for is more players (2 of 8 tickets") {
		t.Error(got)
	}
}

func TestAssumptionsOfOneRuleSetSayWhose(t *testing.T) {
	a, b := &simulate.Result{Rules: "a", Assumptions: []string{"both", "one"}}, &simulate.Result{Rules: "b", Assumptions: []string{"other", "both"}}
	if got := assumed([]*simulate.Result{a, b}); strings.Join(got, "|") != "both|a: one|b: other" {
		t.Errorf("%q", got)
	}
	if got := assumed([]*simulate.Result{a}); strings.Join(got, "|") != "both|one" {
		t.Errorf("alone: %q", got)
	}
}

func TestUnequalTimesAreNotExplainedByReturning(t *testing.T) {
	a, b := &simulate.Result{Rules: "a", SimulatedSeconds: 60}, &simulate.Result{Rules: "b", SimulatedSeconds: 90, Players: simulate.Outcomes{Queued: 3}}
	if got := opening([]*simulate.Result{a, b}); strings.Contains(got, "return") || !strings.Contains(got, "With b they were 3 in 90 s") {
		t.Error(got)
	}
	b.SimulatedSeconds = 60
	if got := opening([]*simulate.Result{a, b}); !strings.Contains(got, "return after a match") {
		t.Error(got)
	}
}

func TestAnInterruptedRunIsSaidToBeOne(t *testing.T) {
	r := &simulate.Result{Interrupted: true, SimulatedSeconds: 60}
	if got := Sentences([]*simulate.Result{r})[0]; !strings.Contains(got, "interrupted") {
		t.Errorf("nobody is told: %q", got)
	}
}

func TestNothingIsNotANumber(t *testing.T) {
	p := simulate.DefaultPopulation()
	for _, d := range []time.Duration{time.Second, time.Minute, 20 * time.Minute} {
		for _, rules := range [][]simulate.Rules{{parse(t, "trio", trioRules)}, {parse(t, "duel", duelRules), parse(t, "trio", trioRules)}} {
			r := simulated(t, simulate.Options{Population: p, Duration: d}, rules...)
			var text strings.Builder
			if err := Text(&text, r.Results); err != nil {
				t.Fatal(err)
			}
			if body := render(t, r); strings.Contains(text.String(), "NaN") || strings.Contains(body, "NaN") || strings.Contains(body, "Inf") {
				t.Errorf("after %v:\n%s", d, text.String())
			}
		}
	}
}
