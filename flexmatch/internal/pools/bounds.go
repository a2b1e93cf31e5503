package pools

import (
	"math"
	"slices"

	"muster/flexmatch"
)

// pairsBound: any two match, so all but an odd one can be.
func pairsBound(tickets []flexmatch.Ticket) int { return len(tickets) / 2 * 2 }

// rankedPairsBound is exact. Only players of one region and mode can meet, and among
// them two whose skills are near enough: see pairable.
func rankedPairsBound(tickets []flexmatch.Ticket) int {
	type cell struct{ region, mode string }
	skills := map[cell][]float64{}
	for _, t := range tickets {
		a := t.Players[0].Attributes
		c := cell{a[regionName].String, a[modeName].String}
		skills[c] = append(skills[c], a[skillName].Number)
	}
	players := 0
	for _, s := range skills {
		players += 2 * pairable(s, 100)
	}
	return players
}

// pairable is the greatest number of disjoint pairs of values that are at most within
// apart. Pairing neighbours from the least upwards is best: where a < b are the least two
// and a pairs with c and b with d, a can as well pair with b and c with d, as neither is
// further apart than one of the old pairs. It sorts values.
func pairable(values []float64, within float64) int {
	slices.Sort(values)
	pairs := 0
	for i := 1; i < len(values); i++ {
		if values[i]-values[i-1] <= within {
			pairs++
			i++
		}
	}
	return pairs
}

// fivesBound counts per mode, and asks of a match only that two teams can be filled with
// whole parties and that one location is near enough for all. Skill, which it leaves
// out, keeps few apart: most ten players of N(1500, 300) can be split evenly.
func fivesBound(tickets []flexmatch.Ticket) int {
	byMode := map[string][]flexmatch.Ticket{}
	for _, t := range tickets {
		mode := t.Players[0].Attributes[modeName].String
		byMode[mode] = append(byMode[mode], t)
	}
	players := 0
	for _, some := range byMode {
		players += locationsBound(some, func(p parties) int { return p.fives() / 2 * 10 })
	}
	return players
}

// royaleBound asks of a match 75 to 100 players and a location that is near enough for
// all, which is all the rules ask; only locationsBound is not exact.
func royaleBound(tickets []flexmatch.Ticket) int {
	return locationsBound(tickets, func(p parties) int { return groupable(p[1], 75, 100) })
}

// parties counts parties by their size, 1 to 5.
type parties [6]int

// fives is the greatest number of disjoint sets of parties that have five players each.
//
// Sets are made in an order in which each kind can replace a later one at no loss. A
// party of 4 fits only with a single, and any set that holds a single may as well become
// 4+1. The same holds for a 3 and a set that holds a 2; and a 2 that moves from 2+2+1 or
// 2+1+1+1 into 3+1+1 gets the two singles in return, which completes its old set. In
// the same way 2+1+1+1 twice is 2+2+1 and five singles.
func (p parties) fives() int {
	sets := 0
	for _, set := range []parties{
		{5: 1}, {4: 1, 1: 1}, {3: 1, 2: 1}, {3: 1, 1: 2}, {2: 2, 1: 1}, {2: 1, 1: 3}, {1: 5},
	} {
		times := math.MaxInt
		for size, n := range set {
			if n > 0 {
				times = min(times, p[size]/n)
			}
		}
		for size, n := range set {
			p[size] -= times * n
		}
		sets += times
	}
	return sets
}

// groupable is how many of n players can be put into groups of least to most: all, if
// the fewest groups that could hold them are not too many for the minimum; otherwise as
// many full groups as there are.
func groupable(n, least, most int) int {
	if groups := (n + most - 1) / most; groups*least <= n {
		return n
	}
	return n / most * most
}

// locationsBound bounds the players that can be matched when all tickets of a match must
// share a location that each accepts. matchable says how many players of some parties
// can be matched at most if locations play no part; more parties must not lower it.
//
// Divide the locations into groups in any way: matches played in one group of locations
// are made of tickets that accept one of the group's, so they have at most as many
// players as matchable says for these tickets. The sum over the groups bounds the whole;
// the result is the least sum over all ways to divide.
func locationsBound(tickets []flexmatch.Ticket, matchable func(parties) int) int {
	names := locations()
	all := 1<<len(names) - 1
	accepting := make([]parties, all+1) // by the exact set of locations, a bit each
	for _, t := range tickets {
		accepting[accepted(t, names)][len(t.Players)]++
	}
	bound := make([]int, all+1) // by the set of locations that are divided
	for set := 1; set <= all; set++ {
		bound[set] = math.MaxInt
		for group := set; group > 0; group = (group - 1) & set {
			bound[set] = min(bound[set], matchable(reaching(accepting, group))+bound[set&^group])
		}
	}
	return bound[all]
}

// reaching adds up the parties that accept at least one location of a group.
func reaching(accepting []parties, group int) parties {
	var sum parties
	for set, some := range accepting {
		if set&group == 0 {
			continue
		}
		for size, n := range some {
			sum[size] += n
		}
	}
	return sum
}

// accepted is the set of locations, a bit each, at which the ticket's average latency is
// within the limit.
func accepted(t flexmatch.Ticket, names []string) int {
	set := 0
	for i, name := range names {
		sum, reported := 0, true
		for _, p := range t.Players {
			ms, ok := p.LatencyInMs[name]
			sum, reported = sum+ms, reported && ok
		}
		if reported && sum <= maxLatencyInMs*len(t.Players) {
			set |= 1 << i
		}
	}
	return set
}
