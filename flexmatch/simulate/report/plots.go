package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"muster/flexmatch/simulate"
	"muster/flexmatch/simulate/internal/spell"
)

// lineName is the name of a result's line; a lone result needs no name of its own.
func lineName(results []*simulate.Result, i int, what string) string {
	if len(results) == 1 {
		return what
	}
	if what == "" {
		return results[i].Rules
	}
	return results[i].Rules + ", " + what
}

// perBucket makes a line of a value of each bucket.
func perBucket(name, class string, r *simulate.Result, of func(simulate.Bucket) float64) series {
	s := series{name: name, class: class}
	for _, b := range r.Buckets {
		s.x, s.y = append(s.x, b.FromSeconds), append(s.y, of(b))
	}
	return s
}

// percentiles makes the lines of some summary over time: median and p90 of each result,
// and p99 of a lone one.
func percentiles(results []*simulate.Result, of func(simulate.Bucket) simulate.Summary) []series {
	var out []series
	for i, r := range results {
		add := func(q int, name string, value func(simulate.Summary) float64) {
			out = append(out, perBucket(lineName(results, i, name), seriesClass(i, q), r, func(b simulate.Bucket) float64 {
				s := of(b)
				if s.Count == 0 {
					return math.NaN()
				}
				return value(s)
			}))
		}
		add(0, "half (p50)", func(s simulate.Summary) float64 { return s.P50 })
		add(1, "nine in ten (p90)", func(s simulate.Summary) float64 { return s.P90 })
		if len(results) == 1 {
			add(2, "99 in 100 (p99)", func(s simulate.Summary) float64 { return s.P99 })
		}
	}
	return out
}

func curves(results []*simulate.Result, what string, of func(*simulate.Result) []simulate.CurvePoint) []series {
	var out []series
	for i, r := range results {
		s := series{name: lineName(results, i, what), class: seriesClass(i, 0)}
		if len(results) > 1 {
			s.name = r.Rules
		}
		for _, p := range of(r) {
			s.x, s.y = append(s.x, p.Value), append(s.y, p.Share)
		}
		out = append(out, s)
	}
	return out
}

func waitCharts(results []*simulate.Result) []*chart {
	return []*chart{
		overTime("Waiting time over time", "", results, secondsUnit, "waiting time",
			percentiles(results, func(b simulate.Bucket) simulate.Summary { return b.Wait })),
		cumulative("Matched within", "Of all who queued: what is missing to 100 % at the right was not matched, or waited longer.",
			secondsUnit, "waiting time", "share of players", curves(results, "matched players", func(r *simulate.Result) []simulate.CurvePoint { return r.WaitCurve })),
	}
}

func groupCharts(results []*simulate.Result) []*chart {
	skill := results[0].SkillAttribute
	return []*chart{
		rows("By "+cmp.Or(skill, "skill"), "Tenths of the players, from the weakest to the best.", results, secondsUnit, "waiting time",
			groupRows(results, func(r *simulate.Result) []simulate.Group { return r.ByDecile })),
		rows("By region", "", results, secondsUnit, "waiting time",
			groupRows(results, func(r *simulate.Result) []simulate.Group { return r.ByRegion })),
		rows("By party size", "Players in the party.", results, secondsUnit, "waiting time",
			groupRows(results, func(r *simulate.Result) []simulate.Group { return r.BySize })),
	}
}

// groupRows lists the groups of all results by name, in the order of the first that has
// them; one group alone compares nothing.
func groupRows(results []*simulate.Result, of func(*simulate.Result) []simulate.Group) []row {
	var names []string
	for _, r := range results {
		for _, g := range of(r) {
			if !slices.Contains(names, g.Name) {
				names = append(names, g.Name)
			}
		}
	}
	if len(names) < 2 {
		return nil
	}
	var out []row
	for _, name := range names {
		one := row{name: name, main: make([]float64, len(results)), faint: make([]float64, len(results)), text: make([]string, len(results))}
		for i, r := range results {
			one.text[i] = "nobody"
			for _, g := range of(r) {
				if g.Name == name {
					one.main[i], one.faint[i], one.text[i] = g.Wait.P50, g.Wait.P90, groupText(g)
				}
			}
		}
		out = append(out, one)
	}
	return out
}

func groupText(g simulate.Group) string {
	lost := fmt.Sprintf("%.0f %% left", 100*fraction(g.Players.Lost(), g.Players.Queued))
	if g.Wait.Count == 0 {
		return "none, " + lost
	}
	return fmt.Sprintf("%s · %s · %s", spell.Compact(g.Wait.P50), spell.Compact(g.Wait.P90), lost)
}

func qualityCharts(results []*simulate.Result) []*chart {
	skill := cmp.Or(results[0].SkillAttribute, "skill")
	return []*chart{
		overTime("Skill gap over time", "Highest less lowest "+skill+" in a match.", results, skillUnit, "gap",
			percentiles(results, func(b simulate.Bucket) simulate.Summary { return b.SkillGap })),
		cumulative("Skill gap of matches", "", skillUnit, "gap", "share of matches",
			curves(results, "matches", func(r *simulate.Result) []simulate.CurvePoint { return r.GapCurve })),
		overTime("Team balance over time", "Highest less lowest average "+skill+" of a team.", results, skillUnit, "difference of team averages",
			percentiles(results, func(b simulate.Bucket) simulate.Summary { return b.TeamDifference })),
		cumulative("Team balance of matches", "", skillUnit, "difference of team averages", "share of matches",
			curves(results, "matches", func(r *simulate.Result) []simulate.CurvePoint { return r.TeamCurve })),
		overTime("Latency over time", "At the location with the lowest average that all players of a match report.", results, millisecondsUnit, "latency",
			percentiles(results, func(b simulate.Bucket) simulate.Summary { return b.Latency })),
		cumulative("Latency of players", "At the best common location.", millisecondsUnit, "latency", "share of players in matches",
			curves(results, "players", func(r *simulate.Result) []simulate.CurvePoint { return r.LatencyCurve })),
		rows("Match sizes", "Players in a match.", results, shareUnit, "share of matches", sizeRows(results)),
	}
}

// sizeRows lists match sizes, unless all matches have one; many sizes go into at most
// ten ranges.
func sizeRows(results []*simulate.Result) []row {
	low, high := math.MaxInt, 0
	for _, r := range results {
		for _, s := range r.MatchSizes {
			low, high = min(low, s.Players), max(high, s.Players)
		}
	}
	if low >= high {
		return nil
	}
	width := (high-low)/10 + 1
	var out []row
	for from := low; from <= high; from += width {
		one := row{name: fmt.Sprint(from)}
		if width > 1 {
			one.name = fmt.Sprintf("%d to %d", from, min(from+width-1, high))
		}
		for _, r := range results {
			n := 0
			for _, s := range r.MatchSizes {
				if s.Players >= from && s.Players < from+width {
					n += s.Matches
				}
			}
			one.main, one.text = append(one.main, fraction(n, r.Matches)), append(one.text, spell.Percent(fraction(n, r.Matches)))
		}
		out = append(out, one)
	}
	return out
}

// fraction is ratio with 0 of nothing.
func fraction(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return ratio(n, of)
}

func stageCharts(results []*simulate.Result) []*chart {
	var out []*chart
	var lines []series
	for i, r := range results {
		if len(r.Expansions) < 2 {
			continue
		}
		lines = append(lines, perBucket(lineName(results, i, ""), seriesClass(i, 0), r, func(b simulate.Bucket) float64 { return ratio(b.Expanded, b.Matches) }))
		if len(results) == 1 {
			lines[len(lines)-1].name = "matches after a first step"
		}
	}
	if len(lines) == 0 {
		return nil
	}
	out = append(out, rows("Step at which matches were made", "", results, shareUnit, "share of matches", stepRows(results)))
	return append(out, overTime("Matches that needed an expansion", "", results, shareUnit, "share of matches", lines))
}

// stepRows lists the steps of all results by their wait.
func stepRows(results []*simulate.Result) []row {
	var waits []float64
	for _, r := range results {
		for _, s := range r.Expansions {
			waits = append(waits, s.FromSeconds)
		}
	}
	slices.Sort(waits)
	waits = slices.Compact(waits)
	const most = 20
	var out []row
	for i, wait := range waits[:min(len(waits), most)] {
		one := row{name: "from " + spell.Seconds(wait)}
		if i == 0 {
			one.name = "no expansion"
		}
		for _, r := range results {
			share, text := 0.0, "no such step"
			for _, s := range r.Expansions {
				if s.FromSeconds == wait {
					share = fraction(s.Matches, r.Matches)
					text = spell.Percent(share)
				}
			}
			one.main, one.text = append(one.main, share), append(one.text, text)
		}
		out = append(out, one)
	}
	return out
}

func queueCharts(results []*simulate.Result) []*chart {
	var queue, lost []series
	var out []*chart
	for i, r := range results {
		title := "Players who join, and what becomes of them"
		if len(results) > 1 {
			title = r.Rules + ": players who join"
		}
		out = append(out, stacked(title, "", r))
		queue = append(queue, perBucket(lineName(results, i, "mean"), seriesClass(i, 0), r, func(b simulate.Bucket) float64 { return b.QueueMean }))
		lost = append(lost, perBucket(lineName(results, i, "left without a match"), seriesClass(i, 0), r, func(b simulate.Bucket) float64 { return ratio(b.Players.Lost(), b.Players.Queued) }))
	}
	out = append(out, overTime("Players in the queue", "Average over the time, not counting matches that are being played.", results, countUnit, "players", queue))
	if len(results) == 1 {
		return out // the first chart shows who left
	}
	return append(out,
		overTime("Left without a match", "Gave up, timed out or did not accept, of those who joined at that time.", results, shareUnit, "share of players", lost))
}
