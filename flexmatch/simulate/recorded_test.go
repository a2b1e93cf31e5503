package simulate

import (
	"math"
	"strings"
	"testing"
	"time"

	"muster/flexmatch"
)

func recorded(list ...flexmatch.Ticket) *Population {
	p := DefaultPopulation()
	p.Patience, p.Recorded, p.Tickets = nil, "tickets.jsonl", list
	return p
}

// one makes a ticket of players with latencies.
func one(id string, at int, latencies ...map[string]int) flexmatch.Ticket {
	t := flexmatch.Ticket{ID: id, StartAt: time.Unix(int64(at), 0)}
	for i, l := range latencies {
		t.Players = append(t.Players, flexmatch.Player{ID: id + string(rune('a'+i)), LatencyInMs: l})
	}
	return t
}

func TestRecordedPlayersBelongToTheirNearestLocation(t *testing.T) {
	p := recorded(
		one("near-x", 0, map[string]int{"x": 20, "y": 90}),
		one("near-y", 1, map[string]int{"x": 120, "y": 30}),
		one("pair", 2, map[string]int{"x": 10, "y": 60}, map[string]int{"x": 100, "y": 40}),
		one("silent", 3, nil),
		one("apart", 4, map[string]int{"x": 10}, map[string]int{"y": 10}),
	)
	r := mustRun(t, Options{Population: p}, mustParse(t, "pairs", `{
		"ruleLanguageVersion": "1.0", "teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 2}, {"name": "b", "minPlayers": 2, "maxPlayers": 2}]}`))[0]
	got := map[string]int{}
	for _, g := range r.ByRegion {
		got[g.Name] = g.Players.Queued
	}
	// The pair is nearer to y on average; nothing is common to those apart.
	if got["nearest x"] != 1 || got["nearest y"] != 3 || got["no latency"] != 3 {
		t.Errorf("%v", got)
	}
	checkBooks(t, r)
}

func TestRecordedSkillsAreThoseTheMatchmakerSees(t *testing.T) {
	p := recorded(tickets([]float64{0, 1, 2, 3}, []float64{10, 20, 30, 40})...)
	p.Tickets = append(p.Tickets, one("default", 9, nil), one("again", 10, nil))
	rules := mustParse(t, "open", strings.Replace(openRules, `"default": 0`, `"default": 25`, 1))
	w, err := newWorld(p, rules, 1)
	if err != nil {
		t.Fatal(err)
	}
	if w.skill != "skill" || len(w.bounds) != 9 || w.bounds[4] != 25 {
		t.Errorf("%q with borders %v", w.skill, w.bounds)
	}
	for i, want := range []float64{25, 25, 10, 20, 30, 40} {
		// The tickets with defaults come earliest: their clock begins in 1970.
		if got := w.replay(uint64(i)).members[0]; got.skill != want || !got.hasSkill {
			t.Errorf("ticket %d: %+v, want skill %v", i, got, want)
		}
	}
	none := strings.Replace(openRules, `, "default": 0`, "", 1)
	if w, err = newWorld(p, mustParse(t, "required", none), 1); err != nil {
		t.Fatal(err)
	}
	if got := w.replay(0).members[0]; got.hasSkill {
		t.Errorf("a player without skill has %v", got.skill)
	}
}

func TestRecordedTicketsThatCannotBeSimulatedAreRefused(t *testing.T) {
	rules := mustParse(t, "open", openRules)
	wrong := one("wrong", 0, nil)
	wrong.Players[0].Attributes = map[string]flexmatch.Value{"skill": {Kind: flexmatch.StringAttribute, String: "high"}}
	backfill := one("backfill", 0, nil)
	backfill.Backfill = true
	for name, p := range map[string]*Population{
		"no tickets": recorded(), "a value of another type": recorded(wrong), "nothing but backfill": recorded(backfill),
	} {
		if _, err := Run(t.Context(), []Rules{rules}, Options{Population: p}); err == nil || !strings.HasPrefix(err.Error(), "recorded: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := mustRun(t, Options{Population: recorded(backfill, one("a", 0, nil), one("b", 4, nil))}, rules)[0]
	if r.Players.Queued != 2 || r.Matches != 1 || len(r.Assumptions) != 1 {
		t.Errorf("%+v, assumed %q", r.Players, r.Assumptions)
	}
}

func TestUnknownLatenciesAreNoLatency(t *testing.T) {
	r := mustRun(t, Options{Population: recorded(one("a", 0, map[string]int{"x": 30}), one("b", 1, map[string]int{"y": 30}))}, mustParse(t, "open", openRules))[0]
	if r.Matches != 1 || r.NoCommonLocation != 1 || r.Latency.Count != 0 || math.IsNaN(r.Latency.Mean) {
		t.Errorf("%d matches, %d without a location, latency %+v", r.Matches, r.NoCommonLocation, r.Latency)
	}
}
