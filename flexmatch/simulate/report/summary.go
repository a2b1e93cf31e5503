package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"muster/flexmatch/simulate"
	"muster/flexmatch/simulate/internal/spell"
)

// Sentences say in plain words what came out: first of each result, then, of two, how
// the second compares with the first.
func Sentences(results []*simulate.Result) []string {
	if len(results) == 0 {
		return nil
	}
	out := []string{opening(results)}
	for _, r := range results {
		prefix := ""
		if len(results) > 1 {
			prefix = r.Rules + ": "
		}
		out = append(out, prefix+fortunes(r))
	}
	if len(results) == 2 {
		return append(out, versus(results[0], results[1]))
	}
	for _, r := range results {
		out = append(out, weakest(r)...)
	}
	return out
}

// opening says how much was simulated. In the same time as many come for the first time
// under each rule set; more or fewer may return after a match, and so queue again.
func opening(results []*simulate.Result) string {
	r := results[0]
	s := fmt.Sprintf("%s of simulated time from %s, %s queued in %s.",
		spell.Seconds(r.SimulatedSeconds), spell.Clock(r.StartHour, 0), spell.Plural(float64(r.Players.Queued), "player"), spell.Plural(float64(r.Tickets), "ticket"))
	for _, other := range results[1:] {
		switch {
		case other.SimulatedSeconds != r.SimulatedSeconds:
			s += fmt.Sprintf(" With %s they were %s in %s, so the counts do not compare.", other.Rules, spell.Count(float64(other.Players.Queued)), spell.Seconds(other.SimulatedSeconds))
		case other.Players.Queued != r.Players.Queued:
			s += fmt.Sprintf(" With %s they were %s, as more or fewer return after a match.", other.Rules, spell.Count(float64(other.Players.Queued)))
		}
	}
	if r.Interrupted {
		s += " The run was interrupted; this is what was simulated until then."
	}
	return s
}

// fortunes says what became of the players and what their matches were like.
func fortunes(r *simulate.Result) string {
	if r.Players.Matched == 0 {
		if r.QueueMax < r.MinPlayers {
			return fmt.Sprintf("Nobody was matched: a match has %s or more, and the queue never had more than %d. A larger population or more patience would help.", spell.Plural(float64(r.MinPlayers), "player"), r.QueueMax)
		}
		return strings.TrimSpace("Nobody was matched. " + inTheWay(r))
	}
	parts := []string{fmt.Sprintf("%s of players were matched, half of them %s and nine in ten %s.",
		spell.Percent(ratio(r.Players.Matched, r.Players.Queued)), within(r.Wait.P50), within(r.Wait.P90))}
	if n := r.Players.Abandoned; n > 0 {
		parts = append(parts, spell.Percent(ratio(n, r.Players.Queued))+" gave up.")
	}
	if n := r.Players.TimedOut; n > 0 {
		parts = append(parts, spell.Percent(ratio(n, r.Players.Queued))+" timed out.")
	}
	if r.SkillGap.Count > 0 {
		which, most := fmt.Sprintf("half of the %s matches", spell.Count(float64(r.Matches))), "at most "
		if r.Matches == 1 {
			which, most = "the only match", ""
		}
		s := fmt.Sprintf("In %s %s differs by %s%s between the best and the weakest player", which, r.SkillAttribute, most, spell.Number(r.SkillGap.P50))
		if r.TeamDifference.Count > 0 {
			s += fmt.Sprintf(", and by %s between the teams' averages", spell.Number(r.TeamDifference.P50))
		}
		parts = append(parts, s+".")
	}
	if r.Latency.Count > 0 {
		rule := ""
		if !r.UsesLatency {
			rule = " (no rule looks at it)"
		}
		parts = append(parts, fmt.Sprintf("Nine in ten players have %.0f ms or less to the best common location%s.", r.Latency.P90, rule))
	}
	if s := inTheWay(r); s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// inTheWay names what kept most of the asked tickets waiting.
func inTheWay(r *simulate.Result) string {
	if r.Asked == 0 || len(r.Obstacles) == 0 {
		return ""
	}
	first := r.Obstacles[0]
	share := fmt.Sprintf("%d of %s that were asked while they waited", first.Tickets, spell.Plural(float64(r.Asked), "ticket"))
	if first.Rule == "" {
		return fmt.Sprintf("What players mostly waited for is more players (%s).", share)
	}
	return fmt.Sprintf("The rule that stood in the way most is %s (%s).", first.Rule, share)
}

// within says a waiting time.
func within(f float64) string {
	if f < 0.05 {
		return "at once"
	}
	return "within " + spell.Seconds(f)
}

// weakest points at the groups and hours that fare worst, if much worse than all.
func weakest(r *simulate.Result) []string {
	var out []string
	for _, kind := range []struct {
		groups []simulate.Group
		format string
	}{
		{r.ByDecile, "Players with " + r.SkillAttribute + " %s"},
		{r.ByRegion, "Players of region %s"},
		{r.BySize, "Parties of %s"},
	} {
		if g, ok := slowest(r, kind.groups); ok {
			who := fmt.Sprintf(kind.format, g.Name)
			out = append(out, fmt.Sprintf("%s wait longest: nine in ten of the matched within %s, and %s leave without a match (all: %s and %s).", who,
				spell.Seconds(g.Wait.P90), spell.Percent(ratio(g.Players.Lost(), g.Players.Queued)), spell.Seconds(r.Wait.P90), spell.Percent(ratio(r.Players.Lost(), r.Players.Queued))))
		}
	}
	worst, at := 0.0, -1
	for i, b := range r.Buckets {
		if b.Wait.Count >= 20 && b.Wait.P90 > worst {
			worst, at = b.Wait.P90, i
		}
	}
	if at >= 0 && worst > 1.3*r.Wait.P90 {
		from := time.Duration(r.Buckets[at].FromSeconds * float64(time.Second))
		out = append(out, fmt.Sprintf("Waiting is longest for those who come at %s: nine in ten of the matched within %s.", spell.Clock(r.StartHour, from), spell.Seconds(worst)))
	}
	return out
}

// slowest is the group that waits longest, if it stands out.
func slowest(r *simulate.Result, groups []simulate.Group) (simulate.Group, bool) {
	const few = 100 // players who say nothing about a group
	var out simulate.Group
	worst := 0.0
	for _, g := range groups {
		if g.Players.Queued < few {
			continue
		}
		// A group that mostly leaves waits long, whatever the few matched waited.
		score := g.Wait.P90 * (1 + 4*float64(g.Players.Lost())/float64(g.Players.Queued))
		if g.Wait.Count == 0 {
			score = math.Inf(1)
		}
		if score > worst {
			worst, out = score, g
		}
	}
	lost, all := float64(out.Players.Lost())/max(1, float64(out.Players.Queued)), float64(r.Players.Lost())/max(1, float64(r.Players.Queued))
	stands := out.Wait.P90 > 1.3*r.Wait.P90 || lost > 1.5*all+0.02
	return out, len(groups) > 1 && worst > 0 && stands
}

// versus says what the second rule set changes, for whom it is better and at what price.
func versus(a, b *simulate.Result) string {
	if a.Players.Matched == 0 || b.Players.Matched == 0 {
		return "With one of the rule sets nobody is matched, so there is nothing to compare."
	}
	var parts []string
	points := 100 * (ratio(b.Players.Matched, b.Players.Queued) - ratio(a.Players.Matched, a.Players.Queued))
	switch {
	case points >= 0.05:
		parts = append(parts, fmt.Sprintf("matches %.1f percentage points more of its players", points))
	case points <= -0.05:
		parts = append(parts, fmt.Sprintf("matches %.1f percentage points fewer of its players", -points))
	default:
		parts = append(parts, "matches as many of its players")
	}
	change := func(what string, from, to float64, u unit, less, more string) {
		d := to - from
		if from <= 0 || math.Abs(d) < 0.01*from {
			parts = append(parts, "leaves "+what+" as it is")
			return
		}
		word := more
		if d < 0 {
			word = less
		}
		parts = append(parts, fmt.Sprintf("makes %s %s by %s (%.0f %%)", what, word, u.spell(math.Abs(d)), math.Abs(100*d/from)))
	}
	change("the median wait", a.Wait.P50, b.Wait.P50, secondsUnit, "shorter", "longer")
	change("the wait of nine in ten", a.Wait.P90, b.Wait.P90, secondsUnit, "shorter", "longer")
	if a.SkillGap.Count > 0 && b.SkillGap.Count > 0 {
		change("the median skill gap", a.SkillGap.P50, b.SkillGap.P50, skillUnit, "smaller", "larger")
	}
	if a.Latency.Count > 0 && b.Latency.Count > 0 {
		change("the latency of nine in ten", a.Latency.P90, b.Latency.P90, millisecondsUnit, "lower", "higher")
	}
	last := len(parts) - 1
	return fmt.Sprintf("Against %s, %s %s, and %s.", a.Rules, b.Rules, strings.Join(parts[:last], ", "), parts[last])
}
