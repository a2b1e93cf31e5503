package simulate

import (
	"math/rand/v2"
	"time"
)

// arrivals is the stream of parties that come for the first time.
type arrivals struct {
	w      *world
	random *rand.Rand
	next   uint64        // index of the party that comes at at
	at     time.Duration // since the start of the simulation
	over   bool          // of recorded tickets: none is left
	// hours are parties per hour, from midnight.
	hours [24]float64
}

func newArrivals(w *world) *arrivals {
	a := &arrivals{w: w, random: w.stream(arrivalStream, 0, 0)}
	players, weight := 0.0, 0.0
	for _, s := range w.population.Parties {
		players, weight = players+s.Weight*float64(s.Players), weight+s.Weight
	}
	for h, n := range w.population.PlayersByHour {
		a.hours[h] = n * weight / players
	}
	a.find()
	return a
}

// take returns the party that comes at at and looks for the next.
func (a *arrivals) take() *party {
	index := a.next
	a.next++
	if a.w.population.Tickets != nil {
		a.find()
		return a.w.replay(index)
	}
	a.find()
	return a.w.invent(index)
}

// find sets at to when the party next comes.
func (a *arrivals) find() {
	if tickets := a.w.population.Tickets; tickets != nil {
		if a.over = a.next >= uint64(len(tickets)); !a.over {
			a.at = tickets[a.next].StartAt.Sub(tickets[0].StartAt)
		}
		return
	}
	// A Poisson process whose rate is constant within an hour: an exponential amount of
	// expected arrivals is used up, hour by hour.
	rest := a.random.ExpFloat64()
	for {
		sinceMidnight := time.Duration(a.w.population.StartHour)*time.Hour + a.at
		hour := int(sinceMidnight/time.Hour) % 24
		rate := a.hours[hour] / float64(time.Hour) // parties per nanosecond
		left := time.Hour - sinceMidnight%time.Hour
		if expected := rate * float64(left); rest > expected || rate == 0 {
			rest -= expected
			a.at += left
			continue
		}
		a.at += time.Duration(rest / rate)
		return
	}
}
