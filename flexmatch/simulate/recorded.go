package simulate

import (
	"math"
	"slices"

	"muster/flexmatch"
	"muster/flexmatch/simulate/internal/spell"
)

// bindRecorded checks recorded tickets against the rule set and learns from them what a
// population would say.
func (w *world) bindRecorded() error {
	var c checker
	tickets := slices.DeleteFunc(slices.Clone(w.population.Tickets), func(t flexmatch.Ticket) bool {
		return t.Backfill || t.GameSessionARN != ""
	})
	if left := len(w.population.Tickets) - len(tickets); left > 0 {
		w.note("left out: %s", spell.Plural(float64(left), "recorded backfill ticket"))
	}
	if len(tickets) == 0 {
		c.report(&node{path: "recorded"}, "holds no tickets to simulate")
	}
	for _, t := range tickets {
		if err := w.rules.Set.CheckTicket(t); err != nil {
			c.report(&node{path: "recorded"}, "%v", err)
		}
	}
	if err := c.err(); err != nil {
		return err
	}
	// Tickets come in order of time; of one instant in the order of the file.
	slices.SortStableFunc(tickets, func(a, b flexmatch.Ticket) int { return a.StartAt.Compare(b.StartAt) })
	population := *w.population
	population.Tickets = tickets
	w.population = &population
	for _, t := range tickets {
		for _, p := range t.Players {
			for location := range p.LatencyInMs {
				if i, known := slices.BinarySearch(w.locations, location); !known {
					w.locations = slices.Insert(w.locations, i, location)
				}
			}
		}
	}
	for _, location := range w.locations {
		w.regions = append(w.regions, "nearest "+location)
	}
	w.regions = append(w.regions, "no latency")
	w.recordedSkill()
	return nil
}

// recordedSkill finds the skill attribute and its deciles among the tickets.
func (w *world) recordedSkill() {
	var numbers []flexmatch.Attribute
	for _, a := range w.rules.Set.Attributes() {
		if a.Kind == flexmatch.NumberAttribute {
			numbers = append(numbers, a)
		}
	}
	i := w.skillAmong(len(numbers), func(i int) string { return numbers[i].Name })
	if i < 0 {
		return
	}
	w.skill, w.fallback = numbers[i].Name, math.NaN()
	if numbers[i].Default.Kind != flexmatch.NoAttribute {
		w.fallback = numbers[i].Default.Number
	}
	var skills []float64
	for _, t := range w.population.Tickets {
		for _, p := range t.Players {
			if skill, ok := w.skillOf(p); ok {
				skills = append(skills, skill)
			}
		}
	}
	if len(skills) == 0 {
		return
	}
	slices.Sort(skills)
	for tenth := 1; tenth <= 9; tenth++ {
		w.bounds = append(w.bounds, skills[(len(skills)*tenth-1)/10])
	}
}

// skillOf is a player's skill as the matchmaker will see it.
func (w *world) skillOf(p flexmatch.Player) (float64, bool) {
	if v, sent := p.Attributes[w.skill]; sent {
		return v.Number, true
	}
	return w.fallback, w.skill != "" && !math.IsNaN(w.fallback)
}

// replay makes the party of a recorded ticket.
func (w *world) replay(index uint64) *party {
	t := w.population.Tickets[index]
	p := &party{index: index, region: len(w.locations), players: t.Players, members: make([]member, len(t.Players))}
	sums := make([]float64, len(w.locations))
	for i, player := range t.Players {
		m := &p.members[i]
		m.skill, m.hasSkill = w.skillOf(player)
		m.latencies = make([]float64, len(w.locations))
		for j, location := range w.locations {
			m.latencies[j] = math.NaN()
			if ms, ok := player.LatencyInMs[location]; ok {
				m.latencies[j] = float64(ms)
			}
			sums[j] += m.latencies[j]
		}
	}
	nearest := math.Inf(1)
	for j, sum := range sums {
		if sum < nearest {
			nearest, p.region = sum, j
		}
	}
	return p
}
