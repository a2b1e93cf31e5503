package flexmatch

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Lines says the explanation in plain words for operators and designers, the most
// important first. It names rules, attributes and locations as the rule set does, and
// players only where their own data keeps the ticket out.
func (x Explanation) Lines() []string {
	lines := []string{x.head()}
	if x.Standing != StandsSearching {
		return lines
	}
	for _, o := range x.Never {
		lines = append(lines, "It can never match: "+o.String()+".")
	}
	if len(x.Never) > 0 {
		return lines
	}
	lines = append(lines, x.company()...)
	for _, r := range x.Rules {
		lines = append(lines, r.clause(x.Reach)+".")
	}
	if x.NoRoom > 0 {
		lines = append(lines, counted(x.NoRoom, "ticket finds", "tickets find")+" no room in a match with it.")
	}
	if x.Attempt != nil {
		lines = append(lines, x.Attempt.lines(x)...)
	}
	if x.Next != nil {
		lines = append(lines, x.Next.String()+".")
	}
	return lines
}

// Summary is Lines in one text.
func (x Explanation) Summary() string { return strings.Join(x.Lines(), "\n") }

func (x Explanation) head() string {
	kind := "Ticket"
	if x.Backfill {
		kind = "Backfill ticket"
	}
	out := fmt.Sprintf("%s %s, %s, ", kind, x.TicketID, counted(x.Players, "player", "players"))
	switch x.Standing {
	case StandsProposed:
		return out + "is in a match that waits to be accepted."
	case StandsPlacing:
		return out + "is in a match that waits for a session."
	}
	out += "has been searching for " + spoken(x.Age)
	if x.Steps > 0 {
		out += fmt.Sprintf(", past %d of %s", x.Step, counted(x.Steps, "expansion step", "expansion steps"))
	}
	if x.TimesOutIn > 0 {
		out += ", and times out in " + spoken(x.TimesOutIn)
	}
	return out + "."
}

// company says who else waits.
func (x Explanation) company() []string {
	if x.Waiting == 0 {
		if x.NeededPlayers == 0 {
			return []string{"No other ticket waits."}
		}
		return []string{fmt.Sprintf("No other ticket waits; it needs %s more.", counted(x.NeededPlayers, "player", "players"))}
	}
	looked := counted(x.Waiting, "other ticket waits", "other tickets wait")
	if x.Considered < x.Waiting {
		looked += fmt.Sprintf(", of which the nearest %d by age were looked at", x.Considered)
	}
	out := fmt.Sprintf("%s; %d of them, with %s, could be in a match with it.", looked, x.Compatible, counted(x.CompatiblePlayers, "player", "players"))
	if x.Compatible == 0 {
		out = looked + "; none could be in a match with it now."
	}
	lines := []string{out}
	if x.CompatiblePlayers < x.NeededPlayers {
		lines = append(lines, fmt.Sprintf("It needs %s more, %d compatible.", counted(x.NeededPlayers, "player", "players"), x.CompatiblePlayers))
	}
	if x.Reach != nil {
		lines = append(lines, fmt.Sprintf("The next becomes compatible in %s, at expansion step %d.", spoken(x.Reach.In), x.Reach.Step))
	}
	return lines
}

// String says it in one clause.
func (r RuleObstacle) String() string { return r.clause(r.Reach) }

// clause is String beside what is known of all rules together: when the first ticket
// becomes compatible.
func (r RuleObstacle) clause(all *Reach) string {
	name := r.Rule
	if r.Statement != "" {
		name += ", which is " + r.Statement + ","
	}
	out := fmt.Sprintf("Rule %s keeps %s away", name, counted(r.Candidates, "ticket", "tickets"))
	if r.Nearest.Known {
		out += ": the nearest misses " + r.Nearest.String()
		if r.Median.Known && r.Candidates > 1 {
			out += fmt.Sprintf(", the median by %s", measured(r.Median.Amount, r.Median.Unit))
		}
	}
	switch {
	case r.Reach == nil:
		return out
	case all == nil || all.In != r.Reach.In:
		return out + fmt.Sprintf("; without the other rules it would let the first in after %s", spoken(r.Reach.In))
	}
	return out + fmt.Sprintf("; it lets the first in after %s", spoken(r.Reach.In))
}

// String names the limit and the amount.
func (m Miss) String() string {
	if !m.Known {
		return "it"
	}
	limit := m.Property
	if m.Property != "operation" {
		limit += " " + rounded(m.Limit)
	}
	if m.Rule != "" {
		limit += " of " + m.Rule
	}
	out := fmt.Sprintf("%s by %s", limit, measured(m.Amount, m.Unit))
	if m.Location != "" {
		out += " at " + m.Location
	}
	return out
}

// String says what is in the way.
func (o Obstacle) String() string {
	switch o.Kind {
	case MissingAttribute:
		return fmt.Sprintf("player %s has no attribute %s and the rule set gives no default", o.PlayerID, o.Attribute)
	case MissingLatency:
		return fmt.Sprintf("player %s reported no latency and the rule set has a latency rule", o.PlayerID)
	case PartyTooLarge:
		return fmt.Sprintf("a party of %d is larger than any team, which takes %d", o.Players, o.Limit)
	case SessionFull:
		return fmt.Sprintf("the session has %d players and a match takes %d", o.Players, o.Limit)
	case NoLocation:
		if !o.Miss.Known {
			return fmt.Sprintf("there is no location that all its players report, which rule %s needs", o.Rule)
		}
		return fmt.Sprintf("no location is good enough for rule %s at any expansion step; the best misses %v", o.Rule, o.Miss)
	case NeverFits:
		return fmt.Sprintf("its own values break rule %s at every expansion step (it misses %v)", o.Rule, o.Miss)
	}
	return "its data is not complete"
}

// String says when it comes and what it changes.
func (s ExpansionStep) String() string {
	changes := make([]string, len(s.Changes))
	for i, c := range s.Changes {
		changes[i] = c.String()
	}
	what := "changes nothing"
	if len(changes) > 0 {
		what = "changes " + strings.Join(changes, ", ")
	}
	return fmt.Sprintf("The next expansion step comes in %s, at the age of %s, and %s", spoken(s.In), spoken(s.After), what)
}

// String names the target and both values.
func (c Change) String() string {
	target := "rules[" + c.Rule + "]"
	if c.Team != "" {
		target = "teams[" + c.Team + "]"
	}
	none := func(s string) string {
		if s == "" {
			return "none"
		}
		return s
	}
	return fmt.Sprintf("%s.%s from %s to %s", target, c.Property, none(c.From), none(c.To))
}

// lines says what became of the best match that was tried.
func (a Attempt) lines(x Explanation) []string {
	switch {
	case x.Possible():
		return []string{fmt.Sprintf("A match of %s is possible now.", counted(a.Players, "player", "players"))}
	case a.Missing > 0 && x.CompatiblePlayers >= x.NeededPlayers:
		out := fmt.Sprintf("The compatible parties do not fill the teams: the fullest match tried lacks %s", counted(a.Missing, "player", "players"))
		if x.LeftOpen > 0 {
			out += fmt.Sprintf(", and %s open for later", counted(x.LeftOpen, "slot stays", "slots stay"))
		}
		return []string{out + "."}
	}
	var out []string
	for i, f := range a.Failed {
		who := "The best match tried, of " + counted(a.Players, "player", "players") + ","
		if i > 0 {
			who = "It also"
		}
		missed := "."
		if f.Miss.Known {
			missed = fmt.Sprintf(": it misses %v.", f.Miss)
		}
		out = append(out, fmt.Sprintf("%s breaks rule %s%s", who, f.Rule, missed))
	}
	if len(out) > 0 && a.Together < a.Players {
		out = append(out, fmt.Sprintf("Without breaking a rule, %s fit together.", counted(a.Together, "player", "players")))
	}
	return out
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// rounded is a number with two decimals at most.
func rounded(n float64) string {
	return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64)
}

func measured(n float64, unit string) string {
	switch {
	case unit == "":
		return rounded(n)
	case rounded(n) == "1" && (unit == "players" || unit == "strings"):
		unit = strings.TrimSuffix(unit, "s")
	}
	return rounded(n) + " " + unit
}

// spoken is a duration in whole seconds, or tenths below ten.
func spoken(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(math.Round(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
	}
	return strconv.FormatFloat(math.Round(d.Hours()*10)/10, 'f', -1, 64) + " h"
}
