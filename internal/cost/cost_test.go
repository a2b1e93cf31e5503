package cost

import (
	"testing"
	"time"
)

// scenarios are the kinds of matches that are measured. A bound lies just above what is
// reached: who makes a match dearer learns of it here.
var scenarios = []scenario{
	{name: "1v1", teams: 2, teamSize: 1, party: 1, most: 22.1},
	{name: "1v1, accepted", teams: 2, teamSize: 1, party: 1, acceptance: true, most: 24.1},
	{name: "5v5 of single players, accepted", teams: 2, teamSize: 5, party: 1, acceptance: true, most: 21.5},
	{name: "5v5 of two parties, accepted", teams: 2, teamSize: 5, party: 5, acceptance: true, most: 18.3},
	{name: "50 single players, each for themselves", teams: 50, teamSize: 1, party: 1, most: 18.9},
}

// play measures a scenario: its second match, since the first makes records that are
// there from then on.
func play(t *testing.T, s scenario, open func(now func() time.Time) metered) []step {
	t.Helper()
	f := &flow{world: newWorld(t, s, open), scenario: s}
	f.begin()
	once := f.steps
	f.match(1)
	f.steps = once
	f.pass(time.Minute)
	f.match(2)
	if m, ok := f.store.(*meter); ok && m.refused > 0 {
		t.Errorf("%d writes were refused, which DynamoDB charges and nobody planned", m.refused)
	}
	return f.steps
}

// isOnce says that a step is no part of a match: a player takes it once, or rarely.
func isOnce(name string) bool { return name == newGuest || name == makeParty }

// sum is what a player pays for a match.
func sum(steps []step) bill {
	var all bill
	for _, st := range steps {
		if !isOnce(st.name) {
			all = all.plus(st.bill)
		}
	}
	return all
}

func TestAMatchCostsWhatTheDocumentationSays(t *testing.T) {
	all := make([][]step, len(scenarios))
	for i, s := range scenarios {
		all[i] = play(t, s, func(now func() time.Time) metered { return newMeter(now) })
		if writes := sum(all[i]).Writes; writes > s.most {
			t.Errorf("%s: a player pays %.2f write units for a match, more than %v", s.name, writes, s.most)
		}
	}
	table := costTable(all)
	t.Logf("write units / read units of DynamoDB\n%s", table)
	checkDocument(t, table)
}
