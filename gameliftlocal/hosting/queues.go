package hosting

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Priority is a criterion that orders the places a queue may use, as Amazon spells it.
type Priority string

// The criteria, in the order in which missing ones are appended.
const (
	ByLatency     Priority = "LATENCY"
	ByCost        Priority = "COST"
	ByDestination Priority = "DESTINATION"
	ByLocation    Priority = "LOCATION"
)

var allPriorities = []Priority{ByLatency, ByCost, ByDestination, ByLocation}

// LatencyPolicy caps every player's latency for a while.
type LatencyPolicy struct {
	MaxMilliseconds int
	// Duration is how long the cap holds before the next looser one does. Zero: until
	// the placement ends. A last policy holds until then in any case, which Amazon
	// leaves open.
	Duration time.Duration
}

// Queue says where sessions are placed.
type Queue struct {
	Name         string
	Destinations []string // in order of preference; see Options.Resolve
	// Timeout ends a placement that has found no session. Zero: 600 s, our choice.
	Timeout          time.Duration
	LatencyPolicies  []LatencyPolicy // in any order
	AllowedLocations []string        // nil: all
	// Priorities orders the candidates. Nil: latency, cost, destination and location
	// when the request tells latencies, else destination and location.
	Priorities    []Priority
	LocationOrder []string // for ByLocation; others follow by name
}

// Strategy is what follows when the locations of an Override have none idle.
type Strategy string

// The strategies as Amazon spells them. Empty is DefaultAfterSinglePass.
const (
	DefaultAfterSinglePass Strategy = "DEFAULT_AFTER_SINGLE_PASS"
	OnlyListed             Strategy = "NONE"
)

// Override replaces a queue's location order for one placement.
type Override struct {
	LocationOrder []string
	Strategy      Strategy
}

// Latency is what one player measured to one location.
type Latency struct {
	PlayerID     string
	Location     string
	Milliseconds float64
}

// site is one location of one fleet: what a session is placed in.
type site struct {
	fleet    FleetID
	location string
}

// candidate is a site that a queue leads to, with what orders it.
type candidate struct {
	site
	destination int     // position among the queue's destinations
	cost        float64 // the fleet's
	latency     float64 // average in ms; +Inf: nobody measured it
}

// latencyTable answers questions about the latencies of one request.
type latencyTable struct {
	players    map[string]map[string]float64 // ms by player and location
	byLocation map[string][]float64
}

func newLatencyTable(all []Latency) latencyTable {
	t := latencyTable{players: map[string]map[string]float64{}, byLocation: map[string][]float64{}}
	for _, l := range all {
		if t.players[l.PlayerID] == nil {
			t.players[l.PlayerID] = map[string]float64{}
		}
		t.players[l.PlayerID][l.Location] = l.Milliseconds
		t.byLocation[l.Location] = append(t.byLocation[l.Location], l.Milliseconds)
	}
	return t
}

// average is over the players who measured the location; +Inf if nobody did.
func (t latencyTable) average(location string) float64 {
	measured := t.byLocation[location]
	if len(measured) == 0 {
		return math.Inf(1)
	}
	sum := 0.0
	for _, ms := range measured {
		sum += ms
	}
	return sum / float64(len(measured))
}

// within says whether every player who sent latencies has one for the location that
// is not above the cap. One who sent none for this location makes it ineligible;
// Amazon does not say, this is our reading.
func (t latencyTable) within(location string, capMilliseconds int) bool {
	for _, measured := range t.players {
		if ms, ok := measured[location]; !ok || ms > float64(capMilliseconds) {
			return false
		}
	}
	return true
}

// capAt is the latency cap in force after a wait, and how long until the next one;
// next is zero when this is the last. ok is false without policies.
func (q *Queue) capAt(waited time.Duration) (capMilliseconds int, next time.Duration, ok bool) {
	policies := slices.SortedFunc(slices.Values(q.LatencyPolicies), func(a, b LatencyPolicy) int {
		return cmp.Compare(a.MaxMilliseconds, b.MaxMilliseconds)
	})
	end := time.Duration(0)
	for i, policy := range policies {
		end += policy.Duration
		if policy.Duration == 0 || i == len(policies)-1 {
			return policy.MaxMilliseconds, 0, true
		}
		if waited < end {
			return policy.MaxMilliseconds, end - waited, true
		}
	}
	return 0, 0, false
}

// order sorts candidates by the queue's priorities; locationOrder replaces the
// queue's unless it is nil. Ties are broken by destination, location and fleet.
func (q *Queue) order(candidates []candidate, locationOrder []string, withLatency bool) {
	if locationOrder == nil {
		locationOrder = q.LocationOrder
	}
	priorities := q.effectivePriorities(withLatency)
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		for _, p := range priorities {
			if c := compareBy(p, a, b, locationOrder); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.fleet, b.fleet)
	})
}

func (q *Queue) effectivePriorities(withLatency bool) []Priority {
	if q.Priorities == nil && !withLatency {
		return []Priority{ByDestination, ByLocation}
	}
	out := slices.Clone(q.Priorities)
	for _, p := range allPriorities {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if !withLatency {
		out = slices.DeleteFunc(out, func(p Priority) bool { return p == ByLatency })
	}
	return out
}

func compareBy(p Priority, a, b candidate, locationOrder []string) int {
	switch p {
	case ByLatency:
		return cmp.Compare(a.latency, b.latency)
	case ByCost:
		return cmp.Compare(a.cost, b.cost)
	case ByDestination:
		return cmp.Compare(a.destination, b.destination)
	default:
		return cmp.Or(
			cmp.Compare(position(locationOrder, a.location), position(locationOrder, b.location)),
			cmp.Compare(a.location, b.location))
	}
}

// position of a location in the order; unlisted ones come after all listed.
func position(order []string, location string) int {
	if i := slices.Index(order, location); i >= 0 {
		return i
	}
	return len(order)
}

// PutQueue adds a queue or replaces its definition, also for its placements that are
// waiting; their timeouts stay.
func (w *World) PutQueue(now time.Time, q Queue) {
	w.Advance(now)
	defer w.place()
	setDefault(&q.Timeout, 600*time.Second)
	q.Destinations = slices.Clone(q.Destinations)
	q.LatencyPolicies = slices.Clone(q.LatencyPolicies)
	q.AllowedLocations = slices.Clone(q.AllowedLocations)
	q.Priorities = slices.Clone(q.Priorities)
	q.LocationOrder = slices.Clone(q.LocationOrder)
	w.queues[q.Name] = &q
	for _, p := range w.pending {
		if p.Status == PlacementPending && p.Request.Queue == q.Name {
			w.setPolicyTimer(p)
		}
	}
	w.wake = true
}

// RemoveQueue forgets a queue; its waiting placements are FAILED. An unknown queue is
// NotFound.
func (w *World) RemoveQueue(now time.Time, name string) error {
	w.Advance(now)
	defer w.place()
	if w.queues[name] == nil {
		return refuse(NotFound, "game session queue %s does not exist", name)
	}
	delete(w.queues, name)
	for _, p := range w.pending {
		if p.Status == PlacementPending && p.Request.Queue == name {
			w.endPlacement(p, PlacementFailed)
		}
	}
	return nil
}
