package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"muster/flexmatch/simulate"
	"muster/flexmatch/simulate/internal/spell"
)

//go:embed page.html
var pageTemplate string

// Run is what a page shows. Results are of one simulate.Run; Rules and Population are
// what it was given.
type Run struct {
	Results    []*simulate.Result
	Rules      []simulate.Rules
	Population *simulate.Population
	// Command, if any, is the command line that makes the page again.
	Command string
}

// page is what the template reads.
type page struct {
	Run
	Title     string
	Subtitle  string
	Sentences []string
	Tiles     []tile
	Sections  []section
	Numbers   []numberGroup
	Lines     []string
	Assumed   []string
	Pair      bool
}

// tile is a figure at the top of the page.
type tile struct {
	Name   string
	Values []tileValue
	Change string // of two results
	Good   string // "better", "worse" or ""
}

type tileValue struct{ Class, Rules, Text string }

type section struct {
	Title  string
	Note   string
	Charts []*chart
}

type numberGroup struct {
	Title string
	Rows  []numberRow
}

type numberRow struct {
	Name   string
	Values []string
	Change string
	Good   string
}

// HTML writes a page of HTML that stands for itself: it loads nothing from
// anywhere and has no script.
func HTML(w io.Writer, r Run) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"px": func(f float64) string { return fmt.Sprintf("%.1f", f) },
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	return t.Execute(w, newPage(r))
}

func newPage(r Run) page {
	names := make([]string, len(r.Results))
	for i, one := range r.Results {
		names[i] = one.Rules
	}
	p := page{Run: r, Title: strings.Join(names, " against "), Sentences: Sentences(r.Results), Pair: len(r.Results) == 2}
	if r.Population != nil {
		p.Lines = r.Population.Lines()
	}
	if len(r.Results) == 0 {
		return p
	}
	first := r.Results[0]
	p.Subtitle = fmt.Sprintf("%s · %s from %s · seed %d", cmp.Or(first.Population, "population without a name"), spell.Seconds(first.SimulatedSeconds), spell.Clock(first.StartHour, 0), first.Seed)
	p.Assumed = assumed(r.Results)
	p.Tiles = tiles(r.Results)
	p.Sections = sections(r.Results)
	p.Numbers = numbers(r.Results)
	return p
}

// judge says whether a change is for the better.
func judge(m measure) string {
	if len(m.values) != 2 || m.better == neither || m.unit.spell(m.values[0]) == m.unit.spell(m.values[1]) {
		return ""
	}
	d := m.values[1] - m.values[0]
	if math.IsNaN(d) || d == 0 {
		return ""
	}
	if (d > 0) == (m.better == higher) {
		return "better"
	}
	return "worse"
}

// tileMeasures are the measures that make tiles: section and name.
var tileMeasures = []struct{ section, name, title string }{
	{"Players", "matched", "Players matched"},
	{"Waiting time of matched players", "half (p50)", "Half wait at most"},
	{"Waiting time of matched players", "nine in ten (p90)", "Nine in ten wait at most"},
	{"Skill gap in a match", "half (p50)", "Skill gap, median"},
	{"Difference of team averages", "half (p50)", "Team difference, median"},
	{"Latency at the best common location", "nine in ten (p90)", "Latency, nine in ten"},
}

func tiles(results []*simulate.Result) []tile {
	var out []tile
	all := measures(results)
	for _, want := range tileMeasures {
		for _, m := range all {
			if m.section != want.section || m.name != want.name {
				continue
			}
			t := tile{Name: want.title, Good: judge(m)}
			for i, v := range m.values {
				t.Values = append(t.Values, tileValue{fmt.Sprintf("c%d", i%4), results[i].Rules, m.unit.spell(v)})
			}
			if len(results) == 2 {
				t.Change = m.unit.spellDifference(m.values[0], m.values[1])
			}
			out = append(out, t)
		}
	}
	return out
}

func numbers(results []*simulate.Result) []numberGroup {
	var out []numberGroup
	for _, m := range measures(results) {
		if len(out) == 0 || out[len(out)-1].Title != m.section {
			out = append(out, numberGroup{Title: m.section})
		}
		r := numberRow{Name: m.name, Good: judge(m)}
		for _, v := range m.values {
			r.Values = append(r.Values, m.unit.spell(v))
		}
		if len(results) == 2 {
			// On narrow pages it may break before the percentage, not inside.
			r.Change = strings.ReplaceAll(m.unit.spellDifference(m.values[0], m.values[1]), " %", "\u00a0%")
		}
		g := &out[len(out)-1]
		g.Rows = append(g.Rows, r)
	}
	return out
}

// sections arranges the charts; those that have nothing to show are left out.
func sections(results []*simulate.Result) []section {
	all := []section{
		{"Waiting", "Of players who were matched, by when they joined the queue: half waited no longer than the full line says, nine in ten no longer than the dashed one.", waitCharts(results)},
		{"Who waits", "Full bars: half of the matched players waited no longer. Pale bars: nine in ten. At the right, both, and the share that left without a match.", groupCharts(results)},
		{"How good the matches are", "By when the match was made.", qualityCharts(results)},
		{"How the rules loosened", "A match is as old as its newest ticket, unless the rule set says otherwise; expansions go by that age.", stageCharts(results)},
		{"The queue", "", queueCharts(results)},
	}
	var out []section
	for _, s := range all {
		var charts []*chart
		for _, c := range s.Charts {
			if c != nil {
				charts = append(charts, c)
			}
		}
		if s.Charts = charts; len(charts) > 0 {
			out = append(out, s)
		}
	}
	return out
}
