package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/flexmatch/simulate"
	"muster/flexmatch/simulate/internal/spell"
)

// Text writes results as a summary and tables for a terminal.
func Text(w io.Writer, results []*simulate.Result) error {
	t := &textWriter{w: w}
	for _, s := range Sentences(results) {
		t.paragraph(s, 96)
	}
	for _, a := range assumed(results) {
		t.paragraph("Assumed: "+a+".", 96)
	}
	t.table(measureTable(results))
	for _, r := range results {
		title := ""
		if len(results) > 1 {
			title = r.Rules + ": "
		}
		t.table(stepTable(title, r))
		t.table(obstacleTable(title, r))
		t.table(groupTable(title+"by "+cmp.Or(r.SkillAttribute, "skill"), r.ByDecile))
		t.table(groupTable(title+"by region", r.ByRegion))
		t.table(groupTable(title+"by party size", r.BySize))
		t.table(timeTable(title+"over time", r))
	}
	return t.err
}

// assumed lists what was assumed, each thing once; what was for one of several rule sets
// only, with its name.
func assumed(results []*simulate.Result) []string {
	holders := map[string]int{}
	for _, r := range results {
		for _, a := range r.Assumptions {
			holders[a]++
		}
	}
	var out []string
	for _, r := range results {
		for _, a := range r.Assumptions {
			if holders[a] < len(results) {
				a = r.Rules + ": " + a
			}
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// textTable is rows of cells; the first row is the heading. The first column is left
// aligned, the others right.
type textTable [][]string

func measureTable(results []*simulate.Result) textTable {
	heading := []string{""}
	for _, r := range results {
		heading = append(heading, r.Rules)
	}
	if len(results) == 2 {
		heading = append(heading, "difference")
	}
	out := textTable{heading}
	section := ""
	for _, m := range measures(results) {
		if m.section != section {
			section = m.section
			out = append(out, []string{m.section})
		}
		row := []string{"  " + m.name}
		for _, v := range m.values {
			row = append(row, m.unit.spell(v))
		}
		if len(results) == 2 {
			row = append(row, m.unit.spellDifference(m.values[0], m.values[1]))
		}
		out = append(out, row)
	}
	return out
}

func stepTable(title string, r *simulate.Result) textTable {
	if len(r.Expansions) < 2 || r.Matches == 0 {
		return nil
	}
	out := textTable{{title + "by expansion", "matches", "share"}}
	for i, s := range r.Expansions {
		name := "from " + spell.Seconds(s.FromSeconds)
		if i == 0 {
			name = "before the first step"
		}
		out = append(out, []string{name, spell.Count(float64(s.Matches)), spell.Percent(ratio(s.Matches, r.Matches))})
	}
	return out
}

func obstacleTable(title string, r *simulate.Result) textTable {
	if len(r.Obstacles) == 0 {
		return nil
	}
	out := textTable{{title + "what kept waiting tickets", "tickets", "share"}}
	for _, o := range r.Obstacles {
		out = append(out, []string{cmp.Or(o.Rule, "too few players"), spell.Count(float64(o.Tickets)), spell.Percent(ratio(o.Tickets, r.Asked))})
	}
	return out
}

var groupHeading = []string{"players", "matched", "left", "wait p50", "p90", "p99", "longest"}

func groupRow(name string, o simulate.Outcomes, wait simulate.Summary) []string {
	row := []string{name, spell.Count(float64(o.Queued)), spell.Percent(ratio(o.Matched, o.Queued)), spell.Percent(ratio(o.Lost(), o.Queued))}
	for _, v := range []float64{wait.P50, wait.P90, wait.P99, wait.Max} {
		if wait.Count == 0 {
			v = math.NaN()
		}
		row = append(row, spell.Seconds(v))
	}
	return row
}

func groupTable(title string, groups []simulate.Group) textTable {
	if len(groups) < 2 {
		return nil
	}
	out := textTable{append([]string{title}, groupHeading...)}
	for _, g := range groups {
		out = append(out, groupRow(g.Name, g.Players, g.Wait))
	}
	return out
}

// timeTable has at most some dozen rows: every nth bucket, which says its own stretch.
func timeTable(title string, r *simulate.Result) textTable {
	const rows = 26
	every := (len(r.Buckets) + rows - 1) / rows
	if len(r.Buckets) < 2 {
		return nil
	}
	out := textTable{{title, "players", "matched", "left", "wait p50", "p90", "gap p50", "latency p90", "queue"}}
	for i := 0; i < len(r.Buckets); i += every {
		b := r.Buckets[i]
		row := groupRow(spell.Clock(r.StartHour, time.Duration(b.FromSeconds*float64(time.Second))), b.Players, b.Wait)[:6]
		gap, latency := "-", "-"
		if b.SkillGap.Count > 0 {
			gap = spell.Number(b.SkillGap.P50)
		}
		if b.Latency.Count > 0 {
			latency = millisecondsUnit.spell(b.Latency.P90)
		}
		out = append(out, append(row, gap, latency, spell.Number(math.Round(b.QueueMean))))
	}
	if every > 1 {
		out[0][0] += fmt.Sprintf(" (%s every %s)", spell.Seconds(r.BucketSeconds), spell.Seconds(r.BucketSeconds*float64(every)))
	}
	return out
}

// textWriter keeps the first error of its writes.
type textWriter struct {
	w   io.Writer
	err error
}

func (t *textWriter) line(s string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, strings.TrimRight(s, " ")+"\n")
	}
}

// paragraph writes text in lines of at most so many characters, and an empty line.
func (t *textWriter) paragraph(text string, width int) {
	line := ""
	for _, word := range strings.Fields(printable(text)) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			t.line(line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	t.line(line)
	t.line("")
}

func (t *textWriter) table(rows textTable) {
	var widths []int
	for i := range rows {
		for j := range rows[i] {
			rows[i][j] = printable(rows[i][j])
			if j >= len(widths) {
				widths = append(widths, 0)
			}
			if len(rows[i]) > 1 || i == 0 {
				widths[j] = max(widths[j], utf8.RuneCountInString(rows[i][j]))
			}
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for j, cell := range row {
			pad := strings.Repeat(" ", max(0, widths[j]-utf8.RuneCountInString(cell)))
			if j == 0 {
				b.WriteString(cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		t.line(b.String())
	}
	if len(rows) > 0 {
		t.line("")
	}
}

// printable replaces what could move a terminal's cursor or colours: names come from
// files.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
