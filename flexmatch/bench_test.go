package flexmatch_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"muster/flexmatch"
	"muster/flexmatch/internal/pools"
)

// poolSize is a number of tickets, by the name it has in the benchmark table.
type poolSize struct {
	name    string
	tickets int
}

// BenchmarkPass starts all tickets of a population in one step of a new pool: the time
// to match everybody who waits. Beside it stand the share of players matched, the share
// of those that could have been (the bound, see package pools), and what a matched
// player costs.
func BenchmarkPass(b *testing.B) {
	for _, kind := range pools.Kinds() {
		for _, size := range []poolSize{{"1k", 1_000}, {"5k", 5_000}, {"10k", 10_000}, {"100k", 100_000}} {
			b.Run(kind.Name+"/"+size.name, func(b *testing.B) {
				skipLong(b, size)
				benchmarkPass(b, kind, kind.Tickets(size.tickets, 1))
			})
		}
	}
}

func benchmarkPass(b *testing.B, kind pools.Kind, tickets []flexmatch.Ticket) {
	set := benchRuleSet(b, string(kind.RuleSet))
	in, now := startAll(tickets), pools.StartAt(len(tickets))
	var effects []flexmatch.Effect
	before := mallocs()
	for b.Loop() {
		p := flexmatch.NewPool(flexmatch.Config{RuleSet: set, MaxTickets: len(tickets)})
		effects = p.Complete(now, in...)
	}
	allocated := mallocs() - before
	players, err := pools.Count(tickets, effects)
	if err != nil {
		b.Fatal(err)
	}
	bound := kind.Bound(tickets)
	if players == 0 || players > bound {
		b.Fatalf("%d players were matched, of at most %d", players, bound)
	}
	perPlayer := float64(b.N) * float64(players)
	b.ReportMetric(100*float64(players)/float64(pools.Players(tickets)), "matched-%")
	b.ReportMetric(100*float64(players)/float64(bound), "of-bound-%")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/perPlayer, "ns/player")
	b.ReportMetric(float64(allocated)/perPlayer, "allocs/player")
}

// BenchmarkStream adds one ticket to a standing pool of tickets that cannot be matched
// with each other: a stranger, who matches nobody, or one who is missing and makes a
// match. ns/arrival is the step that starts the ticket and, where it made a match, the
// step that says the match was placed. Putting the pool back as it was is not counted.
func BenchmarkStream(b *testing.B) {
	for _, kind := range pools.Kinds() {
		for _, size := range []poolSize{{"1k", 1_000}, {"10k", 10_000}, {"100k", 100_000}} {
			standing, ok := kind.Standing(size.tickets)
			if !ok {
				continue
			}
			for _, matches := range []bool{false, true} {
				name := map[bool]string{false: "stranger", true: "match"}[matches]
				b.Run(kind.Name+"/"+size.name+"/"+name, func(b *testing.B) {
					skipLong(b, size)
					s := newStream(b, kind, standing)
					for b.Loop() {
						if matches {
							s.match(b)
						} else {
							s.stranger(b)
						}
					}
					b.ReportMetric(float64(s.spent.Nanoseconds())/float64(s.arrivals), "ns/arrival")
					b.ReportMetric(0, "ns/op") // counts the putting back: of no interest
				})
			}
		}
	}
}

// stream is a standing pool and what its arrivals cost.
type stream struct {
	pool     *flexmatch.Pool
	standing *pools.Standing
	byID     map[string]flexmatch.Ticket // of those who stand
	arrivals int
	spent    time.Duration // in steps that count
}

// newStream fills the pool, and makes sure that nobody in it matches.
func newStream(b *testing.B, kind pools.Kind, standing *pools.Standing) *stream {
	s := &stream{standing: standing, byID: map[string]flexmatch.Ticket{}}
	s.pool = flexmatch.NewPool(flexmatch.Config{RuleSet: benchRuleSet(b, string(kind.RuleSet)), MaxTickets: len(standing.Tickets) + 1})
	for _, t := range standing.Tickets {
		s.byID[t.ID] = t
	}
	effects := s.pool.Step(pools.StartAt(len(standing.Tickets)), startAll(standing.Tickets)...)
	if m := matchesOf(effects); len(m) > 0 {
		b.Fatalf("%d matches in a pool that should have none", len(m))
	}
	return s
}

// step is a step that counts.
func (s *stream) step(in flexmatch.Input) []flexmatch.Effect {
	began := time.Now()
	effects := s.pool.Step(s.now(), in)
	s.spent += time.Since(began)
	return effects
}

// now is an instant per arrival.
func (s *stream) now() time.Time { return pools.StartAt(len(s.standing.Tickets) + s.arrivals) }

// stranger arrives, matches nobody and is withdrawn.
func (s *stream) stranger(b *testing.B) {
	t := s.standing.Stranger(s.arrivals)
	if m := matchesOf(s.step(flexmatch.Start{Ticket: t})); len(m) > 0 {
		b.Fatalf("a stranger was matched: %v", m[0].TicketIDs)
	}
	s.pool.Step(s.now(), flexmatch.Stop{TicketID: t.ID})
	s.settle(b)
}

// match is an arrival that makes a match. The match is placed and tickets like those
// that left take their place.
func (s *stream) match(b *testing.B) {
	t := s.standing.Missing(s.arrivals)
	m := matchesOf(s.step(flexmatch.Start{Ticket: t}))
	if len(m) != 1 {
		b.Fatalf("an arrival made %d matches", len(m))
	}
	s.step(flexmatch.Placed{MatchID: m[0].ID})
	var left []flexmatch.Ticket
	for _, id := range m[0].TicketIDs {
		if id != t.ID {
			left = append(left, s.byID[id])
		}
	}
	s.pool.Step(s.now(), startAll(left)...)
	s.settle(b)
}

// settle ends an arrival: the pool is as it was.
func (s *stream) settle(b *testing.B) {
	if s.pool.Size() != len(s.standing.Tickets) {
		b.Fatalf("%d tickets wait, not %d", s.pool.Size(), len(s.standing.Tickets))
	}
	s.arrivals++
}

// BenchmarkTrickle starts the tickets of a population one by one, each in a step of its
// own, as a service sees them: matches form as soon as they can and leave. waiting-% is
// the share of tickets without a match at the end.
func BenchmarkTrickle(b *testing.B) {
	const tickets = 10_000
	for _, kind := range pools.Kinds() {
		b.Run(kind.Name+"/10k", func(b *testing.B) {
			set, arrivals := benchRuleSet(b, string(kind.RuleSet)), kind.Tickets(tickets, 1)
			var p *flexmatch.Pool
			for b.Loop() {
				p = flexmatch.NewPool(flexmatch.Config{RuleSet: set})
				for i, t := range arrivals {
					for _, m := range matchesOf(p.Step(pools.StartAt(i), flexmatch.Start{Ticket: t})) {
						p.Step(pools.StartAt(i), flexmatch.Placed{MatchID: m.ID})
					}
				}
			}
			if p.Size() == tickets {
				b.Fatal("nobody was matched")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tickets, "ns/arrival")
			b.ReportMetric(100*float64(p.Size())/tickets, "waiting-%")
		})
	}
}

// BenchmarkTeams adds players of random skill to a 5v5 whose sides must be even within
// 10 points: a rule that only a whole match can satisfy.
func BenchmarkTeams(b *testing.B) {
	set := benchRuleSet(b, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"red","minPlayers":5,"maxPlayers":5},{"name":"blue","minPlayers":5,"maxPlayers":5}],
		"rules":[{"name":"close","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],
			"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))","maxDistance":10}]}`)
	random := rand.New(rand.NewPCG(1, 2))
	p, n, matches := flexmatch.NewPool(flexmatch.Config{RuleSet: set}), 0, 0
	for b.Loop() {
		n++
		t := onePlayer(fmt.Sprint(n), n, random.NormFloat64()*300)
		for _, m := range matchesOf(p.Step(t.StartAt, flexmatch.Start{Ticket: t})) {
			p.Step(t.StartAt, flexmatch.Placed{MatchID: m.ID})
			matches++
		}
	}
	if p.Size()+10*matches != n || n > 1000 && matches == 0 {
		b.Fatalf("%d tickets wait and %d matches were made of %d tickets", p.Size(), matches, n)
	}
	b.ReportMetric(float64(p.Size()), "waiting")
}

// BenchmarkHopeless adds a ticket to 60 that wait for a rule no bound sees through:
// the search runs into its limit of work every time.
func BenchmarkHopeless(b *testing.B) {
	set := benchRuleSet(b, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"red","minPlayers":5,"maxPlayers":5},{"name":"blue","minPlayers":5,"maxPlayers":5}],
		"rules":[{"name":"odd","type":"comparison","measurements":["stddev(flatten(teams[*].players.attributes[skill]))"],
			"operation":"=","referenceValue":-1}]}`)
	const waiting = 60
	p := flexmatch.NewPool(flexmatch.Config{RuleSet: set})
	for i := range waiting {
		p.Step(pools.StartAt(i), flexmatch.Start{Ticket: onePlayer(fmt.Sprint(i), i, float64(i)*1.5)})
	}
	now, late := pools.StartAt(waiting), onePlayer("late", waiting, -5)
	for b.Loop() {
		p.Step(now, flexmatch.Start{Ticket: late})
		p.Step(now, flexmatch.Stop{TicketID: late.ID})
	}
	if p.Size() != waiting {
		b.Fatalf("%d tickets wait", p.Size())
	}
}

// skipLong leaves out the largest pools under -short.
func skipLong(b *testing.B, size poolSize) {
	if testing.Short() && size.tickets > 10_000 {
		b.Skip("takes too long for -short")
	}
}

// onePlayer is ticket i, of one player with a skill.
func onePlayer(id string, i int, skill float64) flexmatch.Ticket {
	return flexmatch.Ticket{ID: id, StartAt: pools.StartAt(i), Players: []flexmatch.Player{{
		ID: id, Attributes: map[string]flexmatch.Value{"skill": {Kind: flexmatch.NumberAttribute, Number: skill}},
	}}}
}

func benchRuleSet(b *testing.B, body string) *flexmatch.RuleSet {
	b.Helper()
	set, err := flexmatch.ParseRuleSet([]byte(body))
	if err != nil {
		b.Fatal(err)
	}
	return set
}

// startAll makes the inputs that add the tickets.
func startAll(tickets []flexmatch.Ticket) []flexmatch.Input {
	in := make([]flexmatch.Input, len(tickets))
	for i, t := range tickets {
		in[i] = flexmatch.Start{Ticket: t}
	}
	return in
}

// matchesOf lists the matches that were made.
func matchesOf(effects []flexmatch.Effect) []flexmatch.Match {
	var out []flexmatch.Match
	for _, e := range effects {
		if m, ok := e.(flexmatch.Matched); ok {
			out = append(out, m.Match)
		}
	}
	return out
}

// mallocs counts all allocations of the program so far.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
