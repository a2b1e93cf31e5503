package pools

import (
	"fmt"
	"math"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"muster/flexmatch"
)

// mostPlayers tries every way to put tickets into matches and returns the most players
// that can be matched. plays judges one match.
func mostPlayers(tickets []flexmatch.Ticket, plays func([]flexmatch.Ticket) bool) int {
	all := 1<<len(tickets) - 1
	players := make([]int, all+1) // of a match of these tickets, 0 if it is none
	for set := 1; set <= all; set++ {
		if some := chosen(tickets, set); plays(some) {
			players[set] = Players(some)
		}
	}
	most := make([]int, all+1)
	for set := 1; set <= all; set++ {
		oldest := set & -set
		most[set] = most[set&^oldest]
		for match := set; match > 0; match = (match - 1) & set {
			if match&oldest != 0 && players[match] > 0 {
				most[set] = max(most[set], players[match]+most[set&^match])
			}
		}
	}
	return most[all]
}

// chosen lists the tickets of a set, a bit each.
func chosen(tickets []flexmatch.Ticket, set int) []flexmatch.Ticket {
	var out []flexmatch.Ticket
	for i, t := range tickets {
		if set>>i&1 == 1 {
			out = append(out, t)
		}
	}
	return out
}

// playsOpen1v1 and its like are the rule sets' rules once more, by hand.
func playsOpen1v1(match []flexmatch.Ticket) bool { return len(match) == 2 }

func playsRanked1v1(match []flexmatch.Ticket) bool {
	return len(match) == 2 && same(match, regionName) && same(match, modeName) &&
		math.Abs(averageSkill(match[:1])-averageSkill(match[1:])) <= 100
}

func plays5v5(match []flexmatch.Ticket) bool {
	if Players(match) != 10 || !same(match, modeName) || !shareLocation(match) {
		return false
	}
	for set := range 1 << len(match) {
		red, blue := chosen(match, set), chosen(match, ^set)
		if Players(red) == 5 && math.Abs(averageSkill(red)-averageSkill(blue)) <= 100 {
			return true
		}
	}
	return false
}

func same(match []flexmatch.Ticket, attribute string) bool {
	for _, t := range match {
		for _, p := range t.Players {
			if p.Attributes[attribute].String != match[0].Players[0].Attributes[attribute].String {
				return false
			}
		}
	}
	return true
}

func averageSkill(team []flexmatch.Ticket) float64 {
	sum := 0.0
	for _, t := range team {
		for _, p := range t.Players {
			sum += p.Attributes[skillName].Number
		}
	}
	return sum / float64(Players(team))
}

func shareLocation(match []flexmatch.Ticket) bool {
	for _, l := range locations() {
		near := true
		for _, t := range match {
			sum := 0.0
			for _, p := range t.Players {
				ms, reported := p.LatencyInMs[l]
				sum, near = sum+float64(ms), near && reported
			}
			near = near && sum/float64(len(t.Players)) <= 150
		}
		if near {
			return true
		}
	}
	return false
}

func TestNoWayToMatchBeatsTheBound(t *testing.T) {
	for _, c := range []struct {
		kind     string
		tickets  int // more than two matches' worth would take too long to try
		partyMin int // smaller parties are left out
		plays    func([]flexmatch.Ticket) bool
		reached  int // on so many of 40 pools at least the bound is what can be matched
	}{
		{"open1v1", 7, 1, playsOpen1v1, 40},
		{"open1v1", 8, 1, playsOpen1v1, 40},
		{"ranked1v1", 11, 1, playsRanked1v1, 40},
		{"ranked5v5", 12, 1, plays5v5, 30},
		{"party5v5", 11, 1, plays5v5, 20},
		{"party5v5", 11, 2, plays5v5, 20},
		{"party5v5", 11, 4, plays5v5, 5}, // whole parties are teams: skill, which the bound leaves out, decides,
	} {
		t.Run(fmt.Sprintf("%s with %d tickets of %d players or more", c.kind, c.tickets, c.partyMin), func(t *testing.T) {
			reached, matched := 0, 0
			const seeds = 40
			for seed := range uint64(seeds) {
				tickets := alike(kindNamed(t, c.kind).Tickets(600, seed), c.tickets, c.partyMin)
				most, bound := mostPlayers(tickets, c.plays), kindNamed(t, c.kind).Bound(tickets)
				if most > bound {
					t.Errorf("seed %d: %d players can be matched, the bound says %d", seed, most, bound)
				}
				matched += most
				if most == bound {
					reached++
				}
			}
			if matched == 0 || reached < c.reached {
				t.Errorf("%d players were matched at all; the bound was reached on %d pools of %d, want %d", matched, reached, seeds, c.reached)
			}
		})
	}
}

// alike is the first n tickets of the first mode with parties of a size or larger.
func alike(tickets []flexmatch.Ticket, n, partyMin int) []flexmatch.Ticket {
	var out []flexmatch.Ticket
	for _, t := range tickets {
		a, first := t.Players[0].Attributes, tickets[0].Players[0].Attributes
		if len(out) < n && len(t.Players) >= partyMin && a[modeName].String == first[modeName].String && a[regionName].String == first[regionName].String {
			out = append(out, t)
		}
	}
	return out
}

func TestBoundKeepsModesAndRegionsApart(t *testing.T) {
	player := func(i int, region, mode string, skill float64) flexmatch.Ticket {
		return newTicket(fmt.Sprint(i), i, []flexmatch.Player{{Attributes: map[string]flexmatch.Value{
			regionName: text(region), modeName: text(mode), skillName: number(skill),
		}}})
	}
	tickets := []flexmatch.Ticket{
		player(0, "a", "x", 1000), player(1, "b", "x", 1000), player(2, "a", "y", 1000),
		player(3, "a", "x", 1100), player(4, "b", "x", 1101), player(5, "a", "y", 1050), player(6, "a", "y", 1060),
	}
	if got := kindNamed(t, "ranked1v1").Bound(tickets); got != 4 {
		t.Errorf("the bound is %d players, want 4", got)
	}
	if got := fivesBound(kindNamed(t, "ranked5v5").Tickets(9, 1)); got != 0 {
		t.Errorf("nine players have a bound of %d, want 0", got)
	}
}

func TestPairableIsAMaximumMatching(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 600), 0, 10).Draw(t, "values")
		tickets := make([]flexmatch.Ticket, len(values))
		for i, v := range values {
			tickets[i] = newTicket(fmt.Sprint(i), i, []flexmatch.Player{{Attributes: map[string]flexmatch.Value{skillName: number(v)}}})
		}
		most := mostPlayers(tickets, playsRanked1v1)
		if got := 2 * pairable(values, 100); got != most {
			t.Fatalf("pairable puts %d players into pairs, %d is possible", got, most)
		}
	})
}

func TestFivesMakesTheMostTeams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p parties
		var tickets []flexmatch.Ticket
		for i := range rapid.IntRange(0, 11).Draw(t, "parties") {
			size := rapid.IntRange(1, 5).Draw(t, "size")
			p[size]++
			tickets = append(tickets, newTicket(fmt.Sprint(i), i, make([]flexmatch.Player, size)))
		}
		most := mostPlayers(tickets, func(team []flexmatch.Ticket) bool { return Players(team) == 5 })
		if got := 5 * p.fives(); got != most {
			t.Fatalf("parties %v make teams of %d players, %d is possible", p[1:], got, most)
		}
	})
}

func TestGroupableFindsTheBestSizes(t *testing.T) {
	for _, size := range []struct{ least, most int }{{75, 100}, {1, 1}, {3, 4}, {10, 10}} {
		reachable := []bool{true} // by the number of players in groups
		best := 0
		for n := 1; n <= 450; n++ {
			found := false
			for group := size.least; group <= min(size.most, n); group++ {
				found = found || reachable[n-group]
			}
			reachable = append(reachable, found)
			if found {
				best = n
			}
			if got := groupable(n, size.least, size.most); got != best {
				t.Fatalf("%d players in groups of %d to %d: %d, want %d", n, size.least, size.most, got, best)
			}
		}
	}
}

func TestLocationsBoundHoldsForGroupsOfAnySize(t *testing.T) {
	reached, cases := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(2, 4).Draw(t, "players of a match")
		masks := rapid.SliceOfN(rapid.IntRange(0, 15), 0, 9).Draw(t, "accepted locations")
		tickets := make([]flexmatch.Ticket, len(masks))
		for i, mask := range masks {
			tickets[i] = newTicket(fmt.Sprint(i), i, []flexmatch.Player{{LatencyInMs: latencyFor(mask)}})
		}
		bound := locationsBound(tickets, func(p parties) int { return p[1] / size * size })
		most := mostPlayers(tickets, func(match []flexmatch.Ticket) bool {
			return len(match) == size && shareLocation(match)
		})
		if most > bound {
			t.Fatalf("%d players can be matched, the bound says %d", most, bound)
		}
		cases++
		if most == bound {
			reached++
		}
	})
	if reached*10 < cases*8 {
		t.Errorf("the bound was reached in only %d of %d cases", reached, cases)
	}
}

// latencyFor is near the locations of a set, a bit each, at the limit; it does not
// report the last location unless it is near.
func latencyFor(set int) map[string]int {
	out := map[string]int{}
	for i, l := range locations() {
		switch {
		case set>>i&1 == 1:
			out[l] = maxLatencyInMs
		case i < len(locations())-1:
			out[l] = maxLatencyInMs + 1
		}
	}
	return out
}

func TestLocationsBoundDividesTheLocations(t *testing.T) {
	for _, c := range []struct {
		name    string
		masks   map[int]int // players by the set of locations they accept
		players int         // of at most
	}{
		{"six at one place and six at another make no ten", map[int]int{1: 6, 2: 6}, 0},
		{"players who accept both places join either", map[int]int{1: 6, 2: 6, 3: 8}, 20},
		{"they cannot be in two places", map[int]int{1: 6, 2: 6, 3: 7}, 10},
		{"who accepts no place is not counted", map[int]int{0: 50, 1: 9}, 0},
		{"one of ten can be had by pairs of places, though in truth by one place", map[int]int{1: 9, 2: 9, 4: 9, 8: 9, 15: 1}, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tickets []flexmatch.Ticket
			for mask, n := range c.masks {
				for range n {
					i := len(tickets)
					tickets = append(tickets, newTicket(fmt.Sprint(i), i, []flexmatch.Player{{LatencyInMs: latencyFor(mask)}}))
				}
			}
			tens := func(p parties) int { return p[1] / 10 * 10 }
			if got := locationsBound(tickets, tens); got != c.players {
				t.Errorf("the bound is %d players, want %d", got, c.players)
			}
		})
	}
}

func TestAcceptedFollowsTheAverageOfAParty(t *testing.T) {
	party := func(ms ...int) flexmatch.Ticket {
		var players []flexmatch.Player
		for _, m := range ms {
			players = append(players, flexmatch.Player{LatencyInMs: map[string]int{"here": m}})
		}
		return newTicket("t", 0, players)
	}
	silent := party(20, 20)
	silent.Players[1].LatencyInMs = nil
	for _, c := range []struct {
		name   string
		ticket flexmatch.Ticket
		want   bool
	}{
		{"the limit itself is accepted", party(150), true},
		{"one more is not", party(151), false},
		{"a near friend makes up for a far one", party(200, 100), true},
		{"not for one further away", party(201, 100), false},
		{"a member who reports nothing rules it out", silent, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := bits.OnesCount(uint(accepted(c.ticket, []string{"here"}))) == 1; got != c.want {
				t.Errorf("accepted: %v, want %v", got, c.want)
			}
		})
	}
}
