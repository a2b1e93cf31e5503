package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"muster"
	"muster/flexmatch"
	"muster/flexmatch/scenario"
)

type rulesMatchCmd struct {
	Rules   string   `required:"" help:"The rule set as JSON." placeholder:"FILE"`
	Tickets string   `required:"" help:"The tickets, one JSON object a line; - is the standard input." placeholder:"FILE"`
	At      *float64 `help:"When the matchmaker runs, in seconds on the clock of the tickets' startTime (default: when the newest ticket starts)." placeholder:"SECONDS"`
	JSON    bool     `name:"json" help:"Print JSON instead of text."`

	Explain explainFlag `help:"Say why tickets wait: this one, or without TICKET all." placeholder:"[TICKET]"`
}

// Help is the long description that --help shows.
func (*rulesMatchCmd) Help() string {
	return `Runs the matchmaker once over all tickets that have started by then. A ticket is {"ticketId":"t1","startTime":0,"players":[` +
		`{"playerId":"p1","attributes":{"skill":{"N":10}},"latencyInMs":{"us-east-1":40}}]}; docs/rules.md has more.`
}

// Validate is called by the command line parser.
func (c *rulesMatchCmd) Validate() error {
	const most = 4e9
	if c.At != nil && !(math.Abs(*c.At) <= most) { // NaN is not
		return usageError{fmt.Sprintf("--at is seconds on the clock of the tickets' startTime, from -%.0f to %.0f, not %v", most, most, *c.At)}
	}
	if c.Rules == "-" && c.Tickets == "-" {
		return usageError{"--rules and --tickets cannot both be the standard input"}
	}
	return nil
}

// Run matches the tickets and prints what came of it.
func (c *rulesMatchCmd) Run(p *process) error {
	if p.getenv("GOGC") == "" {
		debug.SetGCPercent(400) // the heap is small: by default the pass would collect it over and over
	}
	in, err := c.read(p)
	if err != nil {
		return err
	}
	pass := matchOnce(in.set, in.file.Tickets, c.At)
	why, err := pass.explanations(c.Explain)
	if err != nil {
		return err
	}
	notes := slices.Concat(in.notes(c.Tickets), pass.sharedPlayers(in))
	if c.JSON {
		report := pass.report()
		report.Explanations, report.Warnings = why, slices.Concat(in.warnings.texts(), notes)
		printJSON(p.stdout, report)
		return nil
	}
	in.warnings.print(p.stderr)
	for _, note := range slices.Concat(notes, pass.emptiness(c.Tickets)) {
		fmt.Fprintf(p.stderr, "muster: %s\n", note)
	}
	pass.print(p.stdout)
	if !c.Explain.set {
		pass.printInTheWay(p.stdout)
	}
	pass.printExplanations(p.stdout, c.Explain, why)
	return nil
}

// matchPass is one run of the matchmaker and what came of it.
type matchPass struct {
	set     *flexmatch.RuleSet
	pool    *flexmatch.Pool // after the pass
	at      time.Time
	matches []flexmatch.Match
	tickets map[string]flexmatch.Ticket // those that took part
	waiting []flexmatch.Ticket          // oldest first
	later   []flexmatch.Ticket          // those that start after the pass
	took    time.Duration
}

// matchOnce runs the matchmaker over the tickets that have started at an instant; nil:
// when the newest starts. The time it takes is that of the pass alone.
func matchOnce(set *flexmatch.RuleSet, tickets []flexmatch.Ticket, at *float64) *matchPass {
	pass := &matchPass{set: set, at: scenario.At(0), tickets: make(map[string]flexmatch.Ticket, len(tickets))}
	for i, t := range tickets {
		if i == 0 || t.StartAt.After(pass.at) {
			pass.at = t.StartAt
		}
	}
	if at != nil {
		pass.at = scenario.At(*at)
	}
	for _, t := range tickets {
		if t.StartAt.After(pass.at) {
			pass.later = append(pass.later, t)
			continue
		}
		pass.tickets[t.ID] = t
		pass.waiting = append(pass.waiting, t)
	}
	slices.SortStableFunc(pass.waiting, func(a, b flexmatch.Ticket) int { return a.StartAt.Compare(b.StartAt) })
	in := make([]flexmatch.Input, len(pass.waiting))
	for i, t := range pass.waiting {
		in[i] = flexmatch.Start{Ticket: t}
	}
	pass.pool = flexmatch.NewPool(flexmatch.Config{RuleSet: set, MaxTickets: len(in) + 1})
	runtime.GC() // what reading left behind is not the pass's
	began := time.Now()
	effects := pass.pool.Complete(pass.at, in...)
	pass.took = time.Since(began)
	pass.follow(effects)
	return pass
}

// follow sorts the tickets by what became of them.
func (m *matchPass) follow(effects []flexmatch.Effect) {
	gone := make(map[string]bool)
	for _, e := range effects {
		switch e := e.(type) {
		case flexmatch.Matched:
			m.matches = append(m.matches, e.Match)
			for _, id := range e.Match.TicketIDs {
				gone[id] = true
			}
		case flexmatch.Cancelled: // a later backfill of its game session replaced it
			gone[e.TicketID] = true
		}
	}
	m.waiting = slices.DeleteFunc(m.waiting, func(t flexmatch.Ticket) bool { return gone[t.ID] })
}

// matchReport is the result as JSON.
type matchReport struct {
	Matches        []matchedTeams `json:"matches"`
	MatchedPlayers int            `json:"matched_players"`
	WaitingTickets int            `json:"waiting_tickets"`
	PassMs         float64        `json:"pass_ms"`
	// Waiting are the tickets that still wait, the oldest first.
	Waiting []waitingTicket `json:"waiting"`
	// Warnings say what is likely not meant in the rule set and the tickets.
	Warnings []string `json:"warnings,omitempty"`
	// Explanations say why tickets wait; absent unless asked for.
	Explanations []muster.Advice `json:"explanations,omitempty"`
}

type matchedTeams struct {
	Teams   map[string][]string `json:"teams"` // player ids by team
	Tickets []string            `json:"tickets"`
}

type waitingTicket struct {
	TicketID   string  `json:"ticketId"`
	AgeSeconds float64 `json:"ageSeconds"`
}

func (m *matchPass) report() matchReport {
	out := matchReport{Matches: []matchedTeams{}, MatchedPlayers: m.players(), WaitingTickets: len(m.waiting), PassMs: milliseconds(m.took)}
	out.Waiting = make([]waitingTicket, len(m.waiting))
	for i, t := range m.waiting {
		out.Waiting[i] = waitingTicket{t.ID, m.at.Sub(t.StartAt).Seconds()}
	}
	for _, match := range m.matches {
		one := matchedTeams{Teams: make(map[string][]string, len(match.Teams)), Tickets: match.TicketIDs}
		for _, team := range match.Teams {
			one.Teams[team.Name] = playerIDs(team)
		}
		out.Matches = append(out.Matches, one)
	}
	return out
}

// players counts the players of all matches.
func (m *matchPass) players() int {
	n := 0
	for _, match := range m.matches {
		for _, team := range match.Teams {
			n += len(team.Players)
		}
	}
	return n
}

// milliseconds keeps three decimals: microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func playerIDs(team flexmatch.Team) []string {
	out := make([]string, len(team.Players))
	for i, p := range team.Players {
		out[i] = p.ID
	}
	return out
}

// maxShown bounds what the text lists: matches, waiting tickets, players of a team.
const maxShown = 50

// print writes the matches with their teams, then who waits.
func (m *matchPass) print(w io.Writer) {
	fmt.Fprintf(w, "%s of %s, %s waiting; the pass at %s s took %g ms\n",
		plural(len(m.matches), "match"), plural(m.players(), "player"), plural(len(m.waiting), "ticket"), plainNumber(scenario.Seconds(m.at)), milliseconds(m.took))
	if len(m.later) > 0 {
		fmt.Fprintf(w, "%s: started later, took no part\n", plural(len(m.later), "ticket"))
	}
	for i, match := range m.matches[:min(len(m.matches), maxShown)] {
		fmt.Fprintf(w, "\nmatch %d, %s, waited %s\n", i+1, plural(len(match.TicketIDs), "ticket"), m.waits(match))
		table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		for _, team := range match.Teams {
			fmt.Fprintf(table, "  %s\t%d\t%s\n", printable(team.Name), len(team.Players), idList(playerIDs(team)))
		}
		_ = table.Flush() // as every print to w
	}
	more(w, len(m.matches), "match")
	if len(m.waiting) == 0 {
		return
	}
	fmt.Fprintf(w, "\nwaiting\n")
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, t := range m.waiting[:min(len(m.waiting), maxShown)] {
		ids := make([]string, len(t.Players))
		for i, p := range t.Players {
			ids[i] = p.ID
		}
		fmt.Fprintf(table, "  %s\tfor %.1f s\t%s\n", printable(t.ID), m.at.Sub(t.StartAt).Seconds(), idList(ids))
	}
	_ = table.Flush() // as every print to w
	more(w, len(m.waiting), "ticket")
}

// more says how many things a list left out.
func more(w io.Writer, n int, thing string) {
	if n > maxShown {
		fmt.Fprintf(w, "\nand %s more; --json lists all\n", plural(n-maxShown, thing))
	}
}

// waits spells how long the tickets of a match have waited: "3.0 s" or "3.0 to 14.5 s".
func (m *matchPass) waits(match flexmatch.Match) string {
	var waits []float64
	for _, id := range match.TicketIDs {
		waits = append(waits, m.at.Sub(m.tickets[id].StartAt).Seconds())
	}
	least, most := fmt.Sprintf("%.1f", slices.Min(waits)), fmt.Sprintf("%.1f s", slices.Max(waits))
	if least+" s" == most {
		return most
	}
	return least + " to " + most
}

// idList lists ids for people, not too many.
func idList(ids []string) string {
	out := make([]string, 0, min(len(ids), maxShown+1))
	for i, id := range ids {
		if i == maxShown {
			out = append(out, fmt.Sprintf("and %d more", len(ids)-maxShown))
			break
		}
		out = append(out, printable(id))
	}
	return strings.Join(out, ", ")
}

// printable shows a name from outside so that it cannot steer a terminal.
func printable(name string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == ',' }) {
		return strconv.Quote(name)
	}
	return name
}
