package flexmatch

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// ticketState is where a ticket stands in a pool.
type ticketState uint8

const (
	searching ticketState = iota
	proposed              // in a match that waits for acceptance
	placing               // in a match that wants a session
)

// entry is a ticket inside a pool, prepared for the search.
type entry struct {
	ticket  Ticket
	startAt time.Time
	arrival int // order of Start inputs; breaks ties of age
	players []player
	// backfill entries bring seated players: seats holds each one's team, seatCounts the
	// number of them per team.
	backfill   bool
	seats      []int
	seatCounts []int
	latencies  []locationLatency // by location, those every player reports
	// unmatchable: an attribute or the latency is missing, or no team is big enough. The
	// ticket waits until it times out or is stopped, as Amazon's guide says.
	unmatchable bool
	class       *class // once asked for

	// What the index knows it by; cell is nil unless the ticket waits there.
	rank   rank
	number float64  // of plan.near
	reach  []uint64 // by stage, the locations it accepts; nil: all, at every stage
	sites  sites    // the same of all stages together
	group  *group
	cell   *cell

	state ticketState
	match *liveMatch // the match it is in, unless searching
	level int        // stage in force for its own age
	// fresh: something about the ticket is new since the last search, so that matches
	// with it have not been tried.
	fresh   bool
	metrics []tally
	alarm   alarm
}

// class is what tickets share that no rule can tell apart.
type class struct {
	key   string
	count int // tickets of the class in the pool

	// Marks of a pass: a ticket of this level found no match in it, so that a younger one
	// need not be tried.
	failedPass, failedLevel int
	// Marks of a search: where the first ticket of this level stands in its list.
	seen, seenLevel, first int
}

// hopeless tells that no match can ever have the ticket.
func (e *entry) hopeless() bool { return e.unmatchable || e.group == nil }

// CheckTicket says why a ticket can never be accepted by a pool of this rule set; nil
// when it can. A ticket that is accepted may still never match: an attribute without a
// default may be missing. An attribute that is not declared is ignored; one of another
// type than declared is an error (the guide is silent on both; we chose).
func (s *RuleSet) CheckTicket(t Ticket) error {
	limit := maxParty
	if isBackfill(t) {
		limit = maxSeated
	}
	switch {
	case t.ID == "":
		return fmt.Errorf("a ticket needs an id")
	case len(t.Players) == 0:
		return fmt.Errorf("ticket %q has no players", t.ID)
	case len(t.Players) > limit:
		return fmt.Errorf("ticket %q has %d players, %d is the limit", t.ID, len(t.Players), limit)
	}
	for i, p := range t.Players {
		if p.ID == "" || slices.ContainsFunc(t.Players[:i], func(o Player) bool { return o.ID == p.ID }) {
			return fmt.Errorf("ticket %q names player %q twice or not at all", t.ID, p.ID)
		}
		for _, a := range s.attributes {
			if v, sent := p.Attributes[a.Name]; sent && v.Kind != a.Kind {
				return fmt.Errorf("ticket %q: the attribute %q of player %q is a %v, not a %v", t.ID, a.Name, p.ID, v.Kind, a.Kind)
			} else if sent && !v.finite() {
				return fmt.Errorf("ticket %q: the attribute %q of player %q is not a finite number", t.ID, a.Name, p.ID)
			}
		}
		if isBackfill(t) && p.Team == "" {
			return fmt.Errorf("ticket %q is a backfill: player %q needs the team it sits in", t.ID, p.ID)
		}
		if isBackfill(t) && s.instance(p.Team) < 0 {
			return fmt.Errorf("ticket %q: player %q sits in team %q, which the rule set does not have", t.ID, p.ID, clip(p.Team))
		}
	}
	return nil
}

// finite tells that a value holds no number that JSON could not.
func (v Value) finite() bool {
	for _, n := range v.Numbers {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return false
		}
	}
	return !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0)
}

// isBackfill tells a backfill from a new request. Team is read in a backfill only; in
// a new request it is ignored (documented as meant for backfill; ignoring is our
// choice).
func isBackfill(t Ticket) bool { return t.Backfill || t.GameSessionARN != "" }

// instance finds a team instance by its exact name, -1 without.
func (s *RuleSet) instance(name string) int {
	return slices.IndexFunc(s.stages[0].teams, func(t TeamSize) bool { return t.Name == name })
}

// prepare makes the entry of a ticket that CheckTicket accepts.
func (s *RuleSet) prepare(t Ticket) *entry {
	e := &entry{ticket: t, startAt: t.StartAt.Round(0), backfill: isBackfill(t)}
	n := len(s.attributes)
	values := make([]value, n*len(t.Players))
	e.players = make([]player, len(t.Players))
	e.latencies = commonLatencies(t.Players)
	for i, p := range t.Players {
		from, to := n*i, n*(i+1)
		e.players[i] = player{id: p.ID, ticket: e, values: values[from:to:to]}
		if !s.fill(&e.players[i], p) {
			e.unmatchable = true
		}
		// With a latency rule, one player without latency keeps the ticket out of every
		// match. Source: Amazon's FlexMatch guide, latency rules.
		if len(s.latencyRules) > 0 && len(p.LatencyInMs) == 0 {
			e.unmatchable = true
		}
	}
	if e.backfill {
		e.seatCounts = make([]int, len(s.stages[0].teams))
		for _, p := range t.Players {
			seat := s.instance(p.Team)
			e.seats = append(e.seats, seat)
			e.seatCounts[seat]++
		}
	} else if len(t.Players) > s.plan.largestTeam {
		e.unmatchable = true
	}
	return e
}

// fill sets the declared attributes of a player, with defaults; false when a required
// one is missing.
func (s *RuleSet) fill(out *player, p Player) bool {
	complete, asSent := true, len(p.Attributes) == len(s.attributes)
	for i, a := range s.attributes {
		v, sent := s.effective(i, p)
		asSent = asSent && sent
		if a.Kind == StringListAttribute {
			asSent = asSent && len(v.Strings) == len(p.Attributes[a.Name].Strings)
		}
		complete = complete && v.Kind != NoAttribute
		out.values[i] = v.prepared()
		if v.Kind == StringNumberMapAttribute {
			if out.maps == nil {
				out.maps = make([]map[string]float64, len(s.attributes))
			}
			out.maps[i] = v.Numbers
		}
	}
	if asSent {
		out.used = p.Attributes
	}
	return complete
}

// effective is the value of a declared attribute that counts for a player: what was
// sent, or the default.
func (s *RuleSet) effective(attribute int, p Player) (v Value, sent bool) {
	a := &s.attributes[attribute]
	if v, sent = p.Attributes[a.Name]; !sent {
		v = a.Default
	}
	if v.Kind == StringListAttribute {
		v.Strings = withoutDuplicates(v.Strings)
	}
	return v, sent
}

// withoutDuplicates keeps the first of equal strings, as the API does.
func withoutDuplicates(list []string) []string {
	for i, s := range list {
		if slices.Contains(list[:i], s) {
			out := slices.Clone(list[:i])
			for _, s := range list[i:] {
				if !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
			return out
		}
	}
	return list
}

// prepared is the attribute in the form that expressions work on.
func (v Value) prepared() value {
	switch v.Kind {
	case StringAttribute:
		return value{kind: textValue, text: v.String}
	case NumberAttribute:
		return value{kind: numberValue, number: v.Number}
	case StringListAttribute:
		out := value{kind: listValue, list: make([]value, len(v.Strings))}
		for i, s := range v.Strings {
			out.list[i] = value{kind: textValue, text: s}
		}
		return out
	}
	return value{}
}

// classes finds the tickets of a pool that no rule can tell apart.
type classes struct {
	set   *RuleSet
	byKey map[string]*class
}

// of is the class of an entry, nil when the entry is like no other.
func (c *classes) of(e *entry) *class {
	if e.class != nil || e.backfill || c.set.usesPlayerID {
		return e.class
	}
	key := c.set.classKey(e)
	if c.byKey[key] == nil {
		c.byKey[key] = &class{key: key}
	}
	e.class = c.byKey[key]
	e.class.count++
	return e.class
}

// forget is for an entry that leaves the pool.
func (c *classes) forget(e *entry) {
	if e.class == nil {
		return
	}
	if e.class.count--; e.class.count == 0 {
		delete(c.byKey, e.class.key)
	}
	e.class = nil
}

// classKey spells everything about an entry that rules can see, except its age. Two
// entries with the same key are interchangeable in a match.
func (s *RuleSet) classKey(e *entry) string {
	var b []byte
	for i := range e.players {
		b = append(b, "player "...)
		p := &e.players[i]
		for a := range p.values {
			if !s.plan.visible[a] {
				continue
			}
			b = p.values[a].appendKey(b)
			b = appendMapKey(b, p.numbers(a))
		}
	}
	for _, l := range e.latencies {
		b = strconv.AppendQuote(b, l.location)
		for _, ms := range []float64{l.least, l.mean, l.worst} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(ms))
		}
	}
	return string(b)
}

// appendKey spells a value without ambiguity.
func (v value) appendKey(b []byte) []byte {
	b = append(b, byte(v.kind))
	switch v.kind {
	case numberValue:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.number))
	case textValue:
		b = binary.AppendUvarint(b, uint64(len(v.text)))
		return append(b, v.text...)
	case listValue:
		b = binary.AppendUvarint(b, uint64(len(v.list)))
		for _, one := range v.list {
			b = one.appendKey(b)
		}
	}
	return b
}

// appendMapKey spells the value of a map attribute.
func appendMapKey(b []byte, m map[string]float64) []byte {
	if m == nil {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(m)))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		b = strconv.AppendQuote(b, key)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(m[key]))
	}
	return b
}
