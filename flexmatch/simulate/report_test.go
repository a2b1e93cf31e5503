package simulate

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

// page renders a report and returns it.
func render(t *testing.T, r Report) string {
	t.Helper()
	var b strings.Builder
	if err := WriteReport(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func comparison(t *testing.T) Report {
	t.Helper()
	rules := []Rules{mustParse(t, "trio", trioRules), mustParse(t, "open", openRules)}
	p := busy()
	return Report{Rules: rules, Population: p, Results: mustRun(t, Options{Population: p, Duration: time.Hour}, rules...), Command: "muster rules simulate"}
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
	p.Name, p.Description, p.Regions = evil, evil, []Region{{Name: evil, Weight: 1}}
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
	p := DefaultPopulation()
	p.Tickets = tickets([]float64{0}, []float64{1})
	rules := []Rules{mustParse(t, "open", openRules)}
	body := render(t, Report{Rules: rules, Population: p, Results: mustRun(t, Options{Population: p}, rules...)})
	if !strings.Contains(body, "a match has 2 players or more, and never more than 1 were in the queue") || strings.Contains(body, "NaN") {
		t.Error("the page does not say so")
	}
	wellFormed(t, body)
}

func TestTextShowsBothRuleSetsAndTheDifference(t *testing.T) {
	var b strings.Builder
	r := comparison(t)
	r.Results[0].Rules = "evil\x1b[31m\nname"
	if err := WriteText(&b, r.Results); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"difference", "Waiting time of matched players", "by region", "by party size", "over time", "points", "open: by skill"} {
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
	r := &Result{
		SimulatedSeconds: 3600, Matches: 90, SkillAttribute: "skill",
		Players: Outcomes{Queued: 1000, Matched: 900, Abandoned: 100},
		Wait:    Summary{Count: 900, P50: 10, P90: 40},
		ByRegion: []Group{
			{"near", Outcomes{Queued: 800, Matched: 790, Abandoned: 10}, Summary{Count: 790, P50: 8, P90: 30}},
			{"far", Outcomes{Queued: 200, Matched: 110, Abandoned: 90}, Summary{Count: 110, P50: 60, P90: 200}},
		},
	}
	text := strings.Join(Sentences([]*Result{r}), "\n")
	for _, want := range []string{"90 % of players were matched", "within 10 s", "10 % gave up", "region far wait longest"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	other := *r
	other.Rules, other.Players, other.Wait = "second", Outcomes{Queued: 1000, Matched: 950, Abandoned: 50}, Summary{Count: 950, P50: 5, P90: 50}
	text = strings.Join(Sentences([]*Result{r, &other}), "\n")
	for _, want := range []string{"5.0 percentage points more", "median wait shorter by 5 s (50 %)", "nine in ten longer by 10 s (25 %)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
