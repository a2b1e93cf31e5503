package cost

import (
	"testing"
	"time"
)

// scenarios are the kinds of matches that are measured. A bound lies just above what is
// reached: who makes a match dearer learns of it here.
var scenarios = []scenario{
	{name: "1v1", teams: 2, teamSize: 1, party: 1, most: 99},
	{name: "1v1, accepted", teams: 2, teamSize: 1, party: 1, acceptance: true, most: 99},
	{name: "5v5 of single players, accepted", teams: 2, teamSize: 5, party: 1, acceptance: true, most: 99},
	{name: "5v5 of two parties, accepted", teams: 2, teamSize: 5, party: 5, acceptance: true, most: 99},
	{name: "50 single players, each for themselves", teams: 50, teamSize: 1, party: 1, most: 99},
}

// play measures a scenario: its second match, since the first makes records that are
// there from then on.
func play(t *testing.T, s scenario, open func(now func() time.Time) metered) []step {
	f := &flow{world: newWorld(t, s, open), scenario: s}
	f.begin()
	once := f.steps
	f.match(1)
	f.steps = once
	f.pass(time.Minute)
	f.match(2)
	return f.steps
}

func TestCostOfAMatch(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			steps := play(t, s, func(now func() time.Time) metered { return newMeter(now) })
			var sum bill
			for _, st := range steps {
				t.Logf("%-45s %6.2f %6.2f", st.name, st.bill.Reads, st.bill.Writes)
				if st.name != newGuest && st.name != makeParty {
					sum = sum.plus(st.bill)
				}
			}
			t.Logf("%-45s %6.2f %6.2f", s.name, sum.Reads, sum.Writes)
		})
	}
}
