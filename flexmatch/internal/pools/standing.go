package pools

import (
	"fmt"

	"muster/flexmatch"
)

// Standing is tickets that cannot be matched with each other, in groups, and the
// arrivals that meet them.
type Standing struct {
	Tickets []flexmatch.Ticket
	groups  int // complete ones
	// arrival makes the players that come to a group: ones that complete a match with
	// all of it, or ones that match with nobody.
	arrival func(group int, completes bool) []flexmatch.Player
}

// Standing makes n tickets, 74 or more, that cannot be matched with each other; ok is
// false where no two tickets ever wait.
func (k Kind) Standing(n int) (s *Standing, ok bool) {
	if k.standing == nil {
		return nil, false
	}
	return k.standing(n), true
}

// Stranger is the i-th ticket that can be matched with nobody who stands.
func (s *Standing) Stranger(i int) flexmatch.Ticket { return s.newArrival(i, false) }

// Missing is the i-th ticket that completes a match with some of those who stand.
func (s *Standing) Missing(i int) flexmatch.Ticket { return s.newArrival(i, true) }

// newArrival visits the groups in turn, with a stride, so that neighbours in time are
// not neighbours in the pool.
func (s *Standing) newArrival(i int, completes bool) flexmatch.Ticket {
	const stride = 7919 // a prime
	return newTicket(fmt.Sprintf("arrival-%d", i), len(s.Tickets)+i, s.arrival(i*stride%s.groups, completes))
}

// stand makes n tickets in groups: player makes the players of the ticket at place of
// those a group has.
func stand(n, perGroup int, players func(group, place int) []flexmatch.Player) *Standing {
	s := &Standing{Tickets: make([]flexmatch.Ticket, n), groups: n / perGroup}
	for i := range s.Tickets {
		s.Tickets[i] = newTicket(fmt.Sprintf("ticket-%d", i), i, players(i/perGroup, i%perGroup))
	}
	return s
}

// standingPairs: in each of the 12 pairs of region and mode, skills 1,000 apart. A
// missing player is 50 points above one of them, a stranger 500.
func standingPairs(n int) *Standing {
	player := func(group int, above float64) []flexmatch.Player {
		regions, modes := locations(), modes()
		cells := len(regions) * len(modes)
		return []flexmatch.Player{{Attributes: map[string]flexmatch.Value{
			skillName:  number(float64(group/cells)*1000 + above),
			regionName: text(regions[group%len(regions)]),
			modeName:   text(modes[group/len(regions)%len(modes)]),
		}}}
	}
	s := stand(n, 1, func(group, _ int) []flexmatch.Player { return player(group, 0) })
	s.arrival = func(group int, completes bool) []flexmatch.Player {
		if completes {
			return player(group, 50)
		}
		return player(group, 500)
	}
	return s
}

// standingFives: nine equal players in every mode, and as many modes as it takes. The
// tenth is missing; a stranger wants the same mode and is too far away.
func standingFives(n int) *Standing {
	s := stand(n, 9, func(group, _ int) []flexmatch.Player { return groupPlayers(group, 1, true) })
	s.arrival = func(group int, completes bool) []flexmatch.Player { return groupPlayers(group, 1, completes) }
	return s
}

// standingParties: parties of 5, 3 and 1 in every mode. A single player is missing; a
// stranger is one who is too far away.
func standingParties(n int) *Standing {
	sizes := []int{5, 3, 1}
	s := stand(n, len(sizes), func(group, place int) []flexmatch.Player { return groupPlayers(group, sizes[place], true) })
	s.arrival = func(group int, completes bool) []flexmatch.Player { return groupPlayers(group, 1, completes) }
	return s
}

// groupPlayers is a party of players of average skill who want the group's own mode;
// near ones share a location, others are too far from it.
func groupPlayers(group, size int, near bool) []flexmatch.Player {
	out := make([]flexmatch.Player, size)
	for i := range out {
		out[i].Attributes = map[string]flexmatch.Value{skillName: number(1500), modeName: text(fmt.Sprintf("mode-%d", group))}
		out[i].LatencyInMs = map[string]int{}
		for j, l := range locations() {
			if near == (j == group%len(locations())) {
				out[i].LatencyInMs[l] = 40
			} else {
				out[i].LatencyInMs[l] = 200
			}
		}
	}
	return out
}

// standingRoyale: 74 players at every location, one fewer than a match needs, and as
// many locations as it takes. The one is missing; a stranger is too far away from that
// location and near to one of their own.
func standingRoyale(n int) *Standing {
	player := func(group int, near bool) []flexmatch.Player {
		p := flexmatch.Player{Attributes: map[string]flexmatch.Value{skillName: number(1500)}}
		if here := fmt.Sprintf("location-%d", group); near {
			p.LatencyInMs = map[string]int{here: 40}
		} else {
			p.LatencyInMs = map[string]int{here: 200, "elsewhere": 40}
		}
		return []flexmatch.Player{p}
	}
	s := stand(n, 74, func(group, _ int) []flexmatch.Player { return player(group, true) })
	s.arrival = func(group int, completes bool) []flexmatch.Player { return player(group, completes) }
	return s
}
