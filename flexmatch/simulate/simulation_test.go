package simulate

import (
	"container/heap"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The queue that statistics keep is the queue of tickets, at any instant, and the pool
// knows no ticket that the simulation does not, but for those it may forget next.
func TestTheRecordedQueueIsTheRealOne(t *testing.T) {
	s, err := newSimulation(mustParse(t, "trio", trioRules), Options{Population: busy(), Duration: time.Hour, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for at := 7 * time.Second; at <= time.Hour; at += 7 * time.Second {
		s.advance(at)
		players := 0
		for id, ticket := range s.tickets {
			players += len(ticket.party.players)
			if ticket.id != id || ticket.startAt > s.now {
				t.Fatalf("ticket %q at %q from %v", ticket.id, id, ticket.startAt)
			}
			if ticket.matchID == "" && ticket.departAt > 0 && ticket.departAt < s.now {
				t.Fatalf("at %v ticket %q still searches, its patience ended at %v", s.now, id, ticket.departAt)
			}
		}
		if players != s.record.waiting || s.now != at || s.record.now != at {
			t.Fatalf("at %v of %v: %d players in tickets, %d on record", s.now, at, players, s.record.waiting)
		}
		if len(s.tickets) > s.pool.Size() {
			t.Fatalf("%d tickets, the pool knows %d", len(s.tickets), s.pool.Size())
		}
	}
	if s.record.matches == 0 {
		t.Error("no matches")
	}
}

// Simulating in many slices is simulating in one.
func TestSlicesOfTimeChangeNothing(t *testing.T) {
	rules := mustParse(t, "trio", trioRules)
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Population: busy(), Duration: 10 * time.Minute, Seed: rapid.Uint64Max(20).Draw(t, "seed")}
		whole, err := newSimulation(rules, o)
		if err != nil {
			t.Fatal(err)
		}
		sliced, err := newSimulation(rules, o)
		if err != nil {
			t.Fatal(err)
		}
		whole.advance(o.Duration)
		for at := time.Duration(0); at < o.Duration; {
			at = min(o.Duration, at+time.Duration(rapid.Int64Range(1, int64(3*time.Minute)).Draw(t, "slice")))
			sliced.advance(at)
		}
		a, b := whole.result(false), sliced.result(false)
		if a.Players != b.Players || a.Wait != b.Wait || a.SkillGap != b.SkillGap || !near(a.QueueMean, b.QueueMean) || a.QueueMax != b.QueueMax {
			t.Errorf("in one: %+v, in slices: %+v", a, b)
		}
	})
}

func TestTheAgendaGivesEventsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a agenda
		times := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 100).Draw(t, "times")
		for i, at := range times {
			heap.Push(&a, event{at: time.Duration(at), order: i})
		}
		last := event{at: -1}
		for range times {
			e := heap.Pop(&a).(event)
			if e.at < last.at || e.at == last.at && e.order < last.order {
				t.Errorf("%v after %v", e, last)
			}
			last = e
		}
		if len(a) != 0 {
			t.Errorf("%d events are left", len(a))
		}
	})
}

func TestBucketsAreOfLengthsPeopleUse(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		5 * time.Minute: time.Minute, time.Hour: 5 * time.Minute, 6 * time.Hour: 15 * time.Minute, 24 * time.Hour: 15 * time.Minute,
		48 * time.Hour: 30 * time.Minute, 7 * 24 * time.Hour: 2 * time.Hour, 100 * 24 * time.Hour: 24 * time.Hour,
	} {
		if got := bucketWidth(d); got != want {
			t.Errorf("%v: %v, want %v", d, got, want)
		}
		if n := d / bucketWidth(d); n > 100 {
			t.Errorf("%v has %d buckets", d, n)
		}
	}
}

func TestLargeMatchesAreSimulatedToo(t *testing.T) {
	rules := mustParse(t, "royale", `{
		"ruleLanguageVersion": "1.0",
		"playerAttributes": [{"name": "skill", "type": "number"}],
		"algorithm": {"strategy": "balanced", "balancedAttribute": "skill", "batchingPreference": "fastestRegion"},
		"teams": [{"name": "squad", "minPlayers": 4, "maxPlayers": 5, "quantity": 10}],
		"rules": [{"name": "near", "type": "latency", "maxLatency": 150}],
		"expansions": [{"target": "teams[squad].minPlayers", "steps": [{"waitTimeSeconds": 30, "value": 2}]}]
	}`)
	p := DefaultPopulation()
	p.ScaleTo(60_000)
	p.StartHour = 19
	r := mustRun(t, Options{Population: p, Duration: 20 * time.Minute}, rules)[0]
	checkBooks(t, r)
	if r.Matches == 0 || r.MinPlayers != 40 || r.TeamDifference.P50 <= 0 || r.TeamDifference.P50 >= r.SkillGap.P50 {
		t.Errorf("%d matches of %d or more, teams differ by %v", r.Matches, r.MinPlayers, r.TeamDifference.P50)
	}
	for _, s := range r.MatchSizes {
		if s.Players < 20 || s.Players > 50 {
			t.Errorf("%d matches of %d", s.Matches, s.Players)
		}
	}
}
