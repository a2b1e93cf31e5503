package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/flexmatch"

	"pgregory.net/rapid"
)

// openRules match any two players.
const openRules = `{
	"name": "open", "ruleLanguageVersion": "1.0",
	"playerAttributes": [{"name": "skill", "type": "number", "default": 0}],
	"teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}]
}`

// trioRules match three against three who are alike, in two steps, near one location.
const trioRules = `{
	"name": "trio", "ruleLanguageVersion": "1.0", // comments are allowed
	"playerAttributes": [{"name": "skill", "type": "number"}, {"name": "mode", "type": "string"}],
	"teams": [{"name": "a", "minPlayers": 3, "maxPlayers": 3}, {"name": "b", "minPlayers": 3, "maxPlayers": 3}],
	"rules": [
		{"name": "alike", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 200},
		{"name": "mode", "type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[mode])"]},
		{"name": "near", "type": "latency", "maxLatency": 120}
	],
	"expansions": [{"target": "rules[alike].maxDistance", "steps": [{"waitTimeSeconds": 20, "value": 400}, {"waitTimeSeconds": "60", "value": 900}]}]
}`

func mustParse(t testing.TB, name, body string) Rules {
	t.Helper()
	r, err := ParseRules(name, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustRun(t testing.TB, o Options, rules ...Rules) []*Result {
	t.Helper()
	results, err := Run(t.Context(), rules, o)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// busy is a population in which everything happens.
func busy() *Population {
	p := DefaultPopulation()
	p.Seed, p.StartHour, p.FitParties = 5, 19, false
	p.ScaleTo(12_000)
	p.Acceptance = &Acceptance{AcceptRate: 0.9, SilentRate: 0.05, AnswerSeconds: answerTime(), TimeoutSeconds: 12}
	length := unbounded(Normal)
	length.Mean, length.Deviation, length.Min = 300, 60, 30
	p.Return = &Return{Rate: 0.5, DurationSeconds: length}
	return p
}

func TestTheSameSeedGivesTheSameResult(t *testing.T) {
	rules := mustParse(t, "trio", trioRules)
	o := Options{Population: busy(), Duration: time.Hour, RequestTimeout: 5 * time.Minute}
	first, again := mustRun(t, o, rules)[0], mustRun(t, o, rules)[0]
	if !reflect.DeepEqual(first, again) {
		t.Errorf("two runs differ:\n%+v\n%+v", first, again)
	}
	o.Seed, o.Seeded = 6, true
	if other := mustRun(t, o, rules)[0]; other.Players == first.Players && other.Wait == first.Wait {
		t.Error("another seed gives the same")
	}
	for name, n := range map[string]int{
		"matched": first.Players.Matched, "abandoned": first.Players.Abandoned, "declined": first.Players.Declined, "timed out": first.Players.TimedOut,
	} {
		if n == 0 {
			t.Errorf("nobody %s: the test shows less than it should", name)
		}
	}
}

func TestARuleSetBesideAnotherSeesTheSamePlayers(t *testing.T) {
	open, trio := mustParse(t, "open", openRules), mustParse(t, "trio", trioRules)
	p := DefaultPopulation()
	p.Patience, p.Return = nil, nil
	o := Options{Population: p, Duration: time.Hour}
	both := mustRun(t, o, open, trio)
	p.FitParties, p.Parties = false, []PartySize{{1, 70}} // as fits both
	alone := mustRun(t, o, trio)[0]
	alone.Assumptions = both[1].Assumptions
	if !reflect.DeepEqual(both[1], alone) {
		t.Error("a rule set does otherwise beside another than alone")
	}
	if both[0].Players.Queued != both[1].Players.Queued || both[0].Tickets != both[1].Tickets {
		t.Errorf("%d and %d players queued", both[0].Players.Queued, both[1].Players.Queued)
	}
	a, err := newWorld(p, open, 3)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newWorld(p, trio, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(50) {
		one, other := a.invent(i), b.invent(i)
		if len(one.players) != len(other.players) || one.region != other.region || !reflect.DeepEqual(one.members[0].latencies, other.members[0].latencies) {
			t.Fatalf("party %d differs", i)
		}
	}
}

// checkBooks verifies that every player is counted once in every way of counting.
func checkBooks(t interface{ Errorf(string, ...any) }, r *Result) {
	sum := func(o Outcomes) int {
		return o.Matched + o.Abandoned + o.TimedOut + o.Declined + o.Refused + o.Waiting
	}
	if sum(r.Players) != r.Players.Queued {
		t.Errorf("%+v do not add up", r.Players)
	}
	kinds := map[string][]Outcomes{}
	for _, b := range r.Buckets {
		kinds["buckets"] = append(kinds["buckets"], b.Players)
	}
	for name, groups := range map[string][]Group{"deciles": r.ByDecile, "regions": r.ByRegion, "sizes": r.BySize} {
		for _, g := range groups {
			kinds[name] = append(kinds[name], g.Players)
		}
	}
	for name, list := range kinds {
		var total Outcomes
		for _, o := range list {
			if sum(o) != o.Queued {
				t.Errorf("%s: %+v do not add up", name, o)
			}
			total.Queued += o.Queued
			total.Matched += o.Matched
			total.Abandoned += o.Abandoned
			total.TimedOut += o.TimedOut
			total.Declined += o.Declined
			total.Refused += o.Refused
			total.Waiting += o.Waiting
		}
		if total != r.Players {
			t.Errorf("%s add up to %+v, all are %+v", name, total, r.Players)
		}
	}
	matches, steps, seats := 0, 0, 0
	for _, b := range r.Buckets {
		matches += b.Matches
	}
	for _, s := range r.Expansions {
		steps += s.Matches
	}
	for _, s := range r.MatchSizes {
		seats += s.Players * s.Matches
	}
	if matches != r.Matches || steps != r.Matches || seats != r.Players.Matched || r.Wait.Count != r.Players.Matched || r.GaveUpAfter.Count != r.Players.Abandoned {
		t.Errorf("%d matches: %d in buckets, %d in steps, %d seats and %d waits of %d matched", r.Matches, matches, steps, seats, r.Wait.Count, r.Players.Matched)
	}
}

func TestEveryPlayerIsCountedOnceWhateverHappens(t *testing.T) {
	all := []Rules{mustParse(t, "open", openRules), mustParse(t, "trio", trioRules)}
	rapid.Check(t, func(t *rapid.T) {
		p := busy()
		p.Seed = rapid.Uint64Max(1000).Draw(t, "seed")
		p.StartHour = rapid.IntRange(0, 23).Draw(t, "hour")
		p.ScaleTo(rapid.Float64Range(200, 15_000).Draw(t, "players"))
		if rapid.Bool().Draw(t, "nobody is asked") {
			p.Acceptance = nil
		}
		if rapid.Bool().Draw(t, "nobody returns") {
			p.Return = nil
		}
		if rapid.Bool().Draw(t, "endless patience") {
			p.Patience = nil
		}
		o := Options{Population: p, Duration: time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute}
		if rapid.Bool().Draw(t, "timeout") {
			o.RequestTimeout = time.Duration(rapid.IntRange(1, 200).Draw(t, "seconds")) * time.Second
		}
		results, err := Run(context.Background(), all[rapid.IntRange(0, 1).Draw(t, "rules"):][:1], o)
		if err != nil {
			t.Fatal(err)
		}
		r := results[0]
		checkBooks(t, r)
		if o.RequestTimeout == 0 && r.Players.TimedOut > 0 || p.Patience == nil && r.Players.Abandoned > 0 || p.Acceptance == nil && r.Players.Declined > 0 {
			t.Errorf("an outcome without its cause: %+v", r.Players)
		}
		if r.SimulatedSeconds != o.Duration.Seconds() || r.Interrupted {
			t.Errorf("simulated %v s of %v", r.SimulatedSeconds, o.Duration)
		}
	})
}

// A queue in balance obeys Little's law: its mean length is the rate of arrivals times
// the mean time in it. The time of all is waits, times until giving up, and the time of
// who is left at the end; only that of the few left is estimated.
func TestTheQueueObeysLittlesLaw(t *testing.T) {
	p := DefaultPopulation()
	p.StartHour = 18
	r := mustRun(t, Options{Population: p, Duration: 4 * time.Hour}, mustParse(t, "trio", trioRules))[0]
	inQueue := r.Wait.Mean*float64(r.Wait.Count) + r.GaveUpAfter.Mean*float64(r.GaveUpAfter.Count)
	length := inQueue / r.SimulatedSeconds
	if length < 1 || math.Abs(length-r.QueueMean) > 0.03*r.QueueMean {
		t.Errorf("waits say that %.2f players are in the queue, the queue says %.2f", length, r.QueueMean)
	}
	inBuckets := 0.0
	for _, b := range r.Buckets {
		inBuckets += b.QueueMean * r.BucketSeconds
	}
	if !near(inBuckets, r.QueueMean*r.SimulatedSeconds) {
		t.Errorf("the buckets' queues add up to %v, not %v", inBuckets, r.QueueMean*r.SimulatedSeconds)
	}
}

// tickets makes recorded single players.
func tickets(startSeconds, skills []float64) []flexmatch.Ticket {
	var out []flexmatch.Ticket
	for i, s := range startSeconds {
		id := fmt.Sprint(i)
		out = append(out, flexmatch.Ticket{
			ID: "t" + id, StartAt: time.Unix(1_000_000, 0).Add(time.Duration(s * float64(time.Second))),
			Players: []flexmatch.Player{{ID: "p" + id, Attributes: map[string]flexmatch.Value{"skill": {Kind: flexmatch.NumberAttribute, Number: skills[i]}}}},
		})
	}
	return out
}

func TestRecordedTicketsAreMatchedAsByHand(t *testing.T) {
	p := DefaultPopulation()
	p.Patience = nil
	p.Tickets = tickets([]float64{25, 0, 10, 30, 90}, []float64{50, 10, 40, 20, 7})
	r := mustRun(t, Options{Population: p}, mustParse(t, "open", openRules))[0]
	if r.Matches != 2 || r.Players != (Outcomes{Queued: 5, Matched: 4, Waiting: 1}) {
		t.Errorf("%d matches, %+v", r.Matches, r.Players)
	}
	if r.Wait.Mean != (10+0+5+0)/4.0 || r.Wait.Max != 10 || r.SkillGap.Mean != 30 || r.TeamDifference.Max != 30 || r.SkillDeviation.Mean != 15 {
		t.Errorf("wait %+v, gap %+v, difference %+v, deviation %+v", r.Wait, r.SkillGap, r.TeamDifference, r.SkillDeviation)
	}
	if want := 90 + 900.0; r.SimulatedSeconds != want {
		t.Errorf("simulated %v s, want %v", r.SimulatedSeconds, want)
	}
	checkBooks(t, r)
}

// With rules that match any two, the statistics are those of pairing players in order.
func TestStatisticsAgreeWithPairingInOrder(t *testing.T) {
	rules := mustParse(t, "open", openRules)
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(2, 200).Draw(t, "players")
		starts, skills := make([]float64, n), make([]float64, n)
		at := 0.0
		for i := range starts {
			starts[i], skills[i] = at, math.Round(r.Float64()*1000)
			at += 0.001 + r.ExpFloat64()*20
		}
		p := DefaultPopulation()
		p.Patience, p.Tickets = nil, tickets(starts, skills)
		results, err := Run(context.Background(), []Rules{rules}, Options{Population: p})
		if err != nil {
			t.Fatal(err)
		}
		var waits, gaps []float64
		for i := 0; i+1 < n; i += 2 {
			waits = append(waits, starts[i+1]-starts[i], 0)
			gaps = append(gaps, math.Abs(skills[i]-skills[i+1]))
		}
		agree(t, "waits", results[0].Wait, waits)
		agree(t, "gaps", results[0].SkillGap, gaps)
		agree(t, "differences", results[0].TeamDifference, gaps)
	})
}

func agree(t *rapid.T, what string, got Summary, values []float64) {
	slices.Sort(values)
	rank := func(q float64) float64 { return values[int(math.Ceil(q*float64(len(values))))-1] }
	for _, q := range []struct{ got, want float64 }{{got.P50, rank(0.5)}, {got.P90, rank(0.9)}, {got.P99, rank(0.99)}} {
		if math.Abs(q.got-q.want) > accuracy*q.want+smallest {
			t.Errorf("%s: got %v, want %v of %v", what, q.got, q.want, values)
		}
	}
	if got.Count != len(values) || !near(got.Mean, mean(values)) || !near(got.Max, values[len(values)-1]) {
		t.Errorf("%s: %+v of %v", what, got, values)
	}
}

func TestMatchesCountForTheStepTheyWereMadeIn(t *testing.T) {
	rules := mustParse(t, "steps", `{
		"ruleLanguageVersion": "1.0",
		"playerAttributes": [{"name": "skill", "type": "number"}],
		"teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 2}],
		"rules": [{"name": "alike", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}],
		"expansions": [{"target": "rules[alike].maxDistance", "steps": [{"waitTimeSeconds": 10, "value": 50}, {"waitTimeSeconds": 30, "value": 500}]}]
	}`)
	p := DefaultPopulation()
	p.Patience = nil
	p.Tickets = tickets([]float64{0, 1, 100, 105, 200, 204}, []float64{10, 12, 100, 140, 1000, 1400})
	r := mustRun(t, Options{Population: p}, rules)[0]
	want := []Step{{0, 1}, {10, 1}, {30, 1}}
	if !reflect.DeepEqual(r.Expansions, want) {
		t.Errorf("%v, want %v", r.Expansions, want)
	}
	// The second pair matches when the newer has waited 10 s, the third after 30 s.
	if r.Wait.Max != 34 || !near(r.Wait.Mean, (1+0+15+10+34+30)/6.0) {
		t.Errorf("waits %+v", r.Wait)
	}
}

func TestPlayersLeaveWhenTheirPatienceEnds(t *testing.T) {
	p := DefaultPopulation()
	patience := unbounded(Constant)
	patience.Even = 15
	p.Patience = &patience
	p.Tickets = tickets([]float64{0, 20, 40, 50}, []float64{1, 2, 3, 4})
	r := mustRun(t, Options{Population: p}, mustParse(t, "open", openRules))[0]
	if r.Players != (Outcomes{Queued: 4, Matched: 2, Abandoned: 2}) || r.GaveUpAfter.Mean != 15 {
		t.Errorf("%+v, gave up after %+v", r.Players, r.GaveUpAfter)
	}
}

func TestTheRequestTimeoutTakesWhoIsLeft(t *testing.T) {
	p := DefaultPopulation()
	p.Patience = nil
	p.Tickets = tickets([]float64{0, 20, 25}, []float64{1, 2, 3})
	r := mustRun(t, Options{Population: p, RequestTimeout: 10 * time.Second}, mustParse(t, "open", openRules))[0]
	if r.Players != (Outcomes{Queued: 3, Matched: 2, TimedOut: 1}) {
		t.Errorf("%+v", r.Players)
	}
}

func TestWhoDoesNotAcceptIsOutAndTheOthersSearchOn(t *testing.T) {
	p := DefaultPopulation()
	p.ScaleTo(5000)
	p.StartHour, p.Patience = 18, nil
	p.Parties = []PartySize{{1, 1}}
	p.Acceptance = &Acceptance{AcceptRate: 0.8, SilentRate: 0.1, AnswerSeconds: answerTime(), TimeoutSeconds: 20}
	r := mustRun(t, Options{Population: p, Duration: 3 * time.Hour}, mustParse(t, "open", openRules))[0]
	checkBooks(t, r)
	// A proposal stands with 0.8 * 0.8; of a pair that fails, who did not accept is out.
	lost := float64(r.Players.Declined) / float64(r.Players.Queued)
	if lost < 0.1 || lost > 0.45 || r.Players.Matched == 0 {
		t.Errorf("%+v", r.Players)
	}
	everyone := *p.Acceptance
	everyone.AcceptRate, everyone.SilentRate, everyone.AnswerSeconds = 1, 0, unbounded(Constant)
	p.Acceptance = &everyone
	if r := mustRun(t, Options{Population: p, Duration: time.Hour}, mustParse(t, "open", openRules))[0]; r.Players.Declined != 0 {
		t.Errorf("%+v although all accept", r.Players)
	}
}

func TestPartiesReturnAfterTheirMatch(t *testing.T) {
	p := DefaultPopulation()
	p.Patience = nil
	length := unbounded(Constant)
	length.Even = 100
	p.Return = &Return{Rate: 0.99, DurationSeconds: length}
	p.Tickets = tickets([]float64{0, 1}, []float64{1, 2})
	r := mustRun(t, Options{Population: p, Duration: 150 * time.Second}, mustParse(t, "open", openRules))[0]
	if r.Tickets < 3 || r.Matches < 1 {
		t.Errorf("%d tickets and %d matches; both should return at 101 s", r.Tickets, r.Matches)
	}
	checkBooks(t, r)
}

func TestAnInterruptedRunShowsWhatWasSimulated(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Population: busy(), Duration: 2 * time.Hour, Progress: func(p Progress) {
		if p.Simulated >= 30*time.Minute {
			cancel()
		}
	}}
	results, err := Run(ctx, []Rules{mustParse(t, "trio", trioRules)}, o)
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	if !r.Interrupted || r.SimulatedSeconds < 1800 || r.SimulatedSeconds >= 7200 {
		t.Errorf("interrupted: %v after %v s", r.Interrupted, r.SimulatedSeconds)
	}
	checkBooks(t, r)
}

func TestAnInterruptedComparisonEndsAtOneInstant(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := busy()
	p.Return = nil
	interrupt := make(chan struct{})
	var once sync.Once
	o := Options{Population: p, Duration: 20 * time.Hour, Progress: func(p Progress) {
		if p.Simulated >= time.Hour {
			once.Do(func() { close(interrupt) })
		}
	}}
	go func() { // from outside, at any moment of a slice
		<-interrupt
		cancel()
	}()
	results, err := Run(ctx, []Rules{mustParse(t, "trio", trioRules), mustParse(t, "open", openRules)}, o)
	if err != nil {
		t.Fatal(err)
	}
	a, b := results[0], results[1]
	if !a.Interrupted || !b.Interrupted || a.SimulatedSeconds != b.SimulatedSeconds {
		t.Errorf("interrupted: %v after %v s and %v after %v s", a.Interrupted, a.SimulatedSeconds, b.Interrupted, b.SimulatedSeconds)
	}
	if a.Tickets != b.Tickets || a.Players.Queued != b.Players.Queued {
		t.Errorf("%d and %d players queued", a.Players.Queued, b.Players.Queued)
	}
}

func TestProgressOnlyGrowsAndReachesTheEnd(t *testing.T) {
	var last Progress
	o := Options{Population: busy(), Duration: time.Hour, Progress: func(p Progress) {
		if p.Simulated < last.Simulated || p.Queued < last.Queued || p.Matches < last.Matches {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}}
	r := mustRun(t, o, mustParse(t, "trio", trioRules))[0]
	if last.Simulated != time.Hour || last.Matches != r.Matches || last.Clock() != "20:00" {
		t.Errorf("ends with %+v", last)
	}
}

func TestOptionsOutOfBoundsAreRefused(t *testing.T) {
	open := mustParse(t, "open", openRules)
	for name, c := range map[string]struct {
		rules []Rules
		o     Options
	}{
		"no rules":           {nil, Options{}},
		"five rule sets":     {[]Rules{open, open, open, open, open}, Options{}},
		"a year":             {[]Rules{open}, Options{Duration: 365 * 24 * time.Hour}},
		"the past":           {[]Rules{open}, Options{Duration: -1}},
		"a negative timeout": {[]Rules{open}, Options{RequestTimeout: -1}},
		"recorded nothing":   {[]Rules{open}, Options{Population: &Population{Recorded: "empty"}}},
	} {
		if _, err := Run(t.Context(), c.rules, c.o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAResultIsJSONWithoutHoles(t *testing.T) {
	r := mustRun(t, Options{Population: busy(), Duration: 10 * time.Minute}, mustParse(t, "trio", trioRules))[0]
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "null") {
		t.Errorf("null in %s", body)
	}
	var again Result
	if err := json.Unmarshal(body, &again); err != nil || !reflect.DeepEqual(&again, r) {
		t.Errorf("does not survive JSON: %v", err)
	}
}

func BenchmarkHour(b *testing.B) {
	rules := mustParse(b, "open", openRules)
	p := DefaultPopulation()
	p.ScaleTo(100_000)
	p.Parties = []PartySize{{1, 1}}
	players := 0
	for b.Loop() {
		players += mustRun(b, Options{Population: p, Duration: time.Hour}, rules)[0].Players.Queued
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(players), "ns/player")
}
