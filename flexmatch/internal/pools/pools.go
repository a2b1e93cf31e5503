// Package pools makes the populations that the matchmaker is measured with: seeded, of
// any size, each with the rule set it is to be matched by and an upper bound on what any
// matchmaker could make of it.
//
// Kinds lists them. Kind.Tickets draws a population for one pass, Kind.Bound says how
// many of its players could at most be matched, Count how many were. Kind.Standing makes
// a population that cannot be matched, for arrivals to be measured against.
//
// It judges no rules: that a match keeps them is for others to check.
package pools

import (
	"embed"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"muster/flexmatch"
)

// Kind is one sort of population. Kinds makes them all.
type Kind struct {
	Name    string
	RuleSet []byte // JSON, in Amazon's rule language
	// Rules and Players say in a few words what is asked and who is there.
	Rules, Players string

	draw     func(d *draws) []flexmatch.Player
	bound    func([]flexmatch.Ticket) int
	standing func(n int) *Standing // nil where nobody ever waits
}

//go:embed *.json
var ruleSets embed.FS

// Kinds lists the populations: open1v1, ranked1v1, ranked5v5, party5v5 and royale100.
func Kinds() []Kind {
	kinds := []Kind{
		{
			Name:    "open1v1",
			Rules:   "none: any two",
			Players: "solo",
			draw:    func(*draws) []flexmatch.Player { return make([]flexmatch.Player, 1) },
			bound:   pairsBound,
		},
		{
			Name:    "ranked1v1",
			Rules:   "same region, same mode, skills at most 100 apart",
			Players: "solo; 4 regions and 3 modes, all equally likely; skill N(1500, 300)",
			draw: func(d *draws) []flexmatch.Player {
				return []flexmatch.Player{{Attributes: map[string]flexmatch.Value{
					skillName: number(d.skill()), regionName: text(d.pick(locations())), modeName: text(d.pick(modes())),
				}}}
			},
			bound:    rankedPairsBound,
			standing: standingPairs,
		},
		{
			Name:     "ranked5v5",
			Rules:    "same mode, average skill of the teams at most 100 apart, one location that is 150 ms or nearer for all",
			Players:  "solo; mode and skill as above; 4 home locations, 20 to 80 ms at home and 90 to 250 ms elsewhere, uniform",
			draw:     func(d *draws) []flexmatch.Player { return d.party(1) },
			bound:    fivesBound,
			standing: standingFives,
		},
		{
			Name:     "party5v5",
			Rules:    "as ranked5v5",
			Players:  "parties of 1 (50 %), 2 (25 %), 3 (10 %), 4 (5 %) and 5 (10 %), of one mode and one home; else as ranked5v5",
			draw:     func(d *draws) []flexmatch.Player { return d.party(d.partySize()) },
			bound:    fivesBound,
			standing: standingParties,
		},
		{
			Name:    "royale100",
			Rules:   "25 squads of 3 or 4 (a large match, balanced by skill), one location that is 150 ms or nearer for all",
			Players: "solo; skill and latency as above",
			draw: func(d *draws) []flexmatch.Player {
				return []flexmatch.Player{{
					Attributes:  map[string]flexmatch.Value{skillName: number(d.skill())},
					LatencyInMs: d.latency(d.pick(locations())),
				}}
			},
			bound:    royaleBound,
			standing: standingRoyale,
		},
	}
	for i := range kinds {
		body, err := ruleSets.ReadFile(kinds[i].Name + ".json")
		if err != nil {
			panic(err) // the file is part of the program
		}
		kinds[i].RuleSet = body
	}
	return kinds
}

// Tickets draws n tickets. The same n and seed give the same tickets, and a smaller n
// the first of them. Ticket i starts at StartAt(i).
func (k Kind) Tickets(n int, seed uint64) []flexmatch.Ticket {
	d := &draws{rand.New(rand.NewPCG(seed, 0))}
	out := make([]flexmatch.Ticket, n)
	for i := range out {
		out[i] = newTicket(fmt.Sprintf("ticket-%d", i), i, k.draw(d))
	}
	return out
}

// Bound is a number of players that no matchmaker can exceed on these tickets. It is
// exact for open1v1 and ranked1v1; for the others it asks for less than the rules do,
// see there.
func (k Kind) Bound(tickets []flexmatch.Ticket) int { return k.bound(tickets) }

// StartAt is when ticket i starts: one every millisecond. StartAt(n) is the instant to
// match n tickets at.
func StartAt(i int) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond)
}

// Players is how many players the tickets hold.
func Players(tickets []flexmatch.Ticket) int {
	n := 0
	for _, t := range tickets {
		n += len(t.Players)
	}
	return n
}

// Names of the attributes in the rule sets.
const (
	skillName  = "skill"
	regionName = "region"
	modeName   = "mode"
)

// maxLatencyInMs is what the latency rules allow.
const maxLatencyInMs = 150

func locations() []string {
	return []string{"us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"}
}

func modes() []string { return []string{"ranked", "casual", "hardcore"} }

// draws is the source of everything random about a population.
type draws struct{ random *rand.Rand }

// skill is N(1500, 300), a whole number.
func (d *draws) skill() float64 { return math.Round(1500 + 300*d.random.NormFloat64()) }

// partySize is 1 to 5, as Kinds says.
func (d *draws) partySize() int {
	switch n := d.random.IntN(100); {
	case n < 50:
		return 1
	case n < 75:
		return 2
	case n < 85:
		return 3
	case n < 90:
		return 4
	}
	return 5
}

// party is players of one mode and one home location, each with a skill and latencies
// of their own.
func (d *draws) party(size int) []flexmatch.Player {
	mode, home := d.pick(modes()), d.pick(locations())
	out := make([]flexmatch.Player, size)
	for i := range out {
		out[i] = flexmatch.Player{
			Attributes:  map[string]flexmatch.Value{skillName: number(d.skill()), modeName: text(mode)},
			LatencyInMs: d.latency(home),
		}
	}
	return out
}

// latency reports every location.
func (d *draws) latency(home string) map[string]int {
	out := make(map[string]int, len(locations()))
	for _, l := range locations() {
		if l == home {
			out[l] = 20 + d.random.IntN(61)
		} else {
			out[l] = 90 + d.random.IntN(161)
		}
	}
	return out
}

// pick draws one of a few names, all equally likely.
func (d *draws) pick(names []string) string { return names[d.random.IntN(len(names))] }

// newTicket names the players after the ticket.
func newTicket(id string, i int, players []flexmatch.Player) flexmatch.Ticket {
	for j := range players {
		players[j].ID = fmt.Sprintf("%s-player-%d", id, j+1)
	}
	return flexmatch.Ticket{ID: id, StartAt: StartAt(i), Players: players}
}

func number(n float64) flexmatch.Value {
	return flexmatch.Value{Kind: flexmatch.NumberAttribute, Number: n}
}

func text(s string) flexmatch.Value {
	return flexmatch.Value{Kind: flexmatch.StringAttribute, String: s}
}
