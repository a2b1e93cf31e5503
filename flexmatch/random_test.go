package flexmatch_test

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"muster/flexmatch"
)

// environment reads a number that changes how much is tried.
func environment(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// cases runs numbered random cases: a share of MUSTER_CASES (default 2,000), from
// MUSTER_SEED (default 1). The first that fails is shrunk and printed.
func cases(t *testing.T, share float64, depth scrutiny, make func(m *maker) history) {
	t.Helper()
	seed, n := environment(t, "MUSTER_SEED", 1), environment(t, "MUSTER_CASES", 2000)
	features := map[string]bool{}
	first := environment(t, "MUSTER_FIRST", 0) // to look at a case again
	for i := first; i < first+uint64(float64(n)*share); i++ {
		h := make(newMaker(seed, i))
		seen, f := h.run(depth)
		if f != nil {
			if f.kind != "rule set refused" {
				h, f = h.shrink(f, func(c history) *failure { _, f := c.run(depth); return f })
			}
			t.Fatalf("seed %d, case %d: %v\n%s", seed, i, f, h.kept())
		}
		for name := range seen {
			features[name] = true
		}
	}
	flexmatch.Covers(t, slices.Collect(maps.Keys(features))...)
}

func TestNoRandomMatchBreaksARule(t *testing.T) {
	cases(t, 0.4, soundness, func(m *maker) history {
		if m.chance(100) {
			return m.life(m.ruleSet(m.between(8, 16)), m.between(12, 24))
		}
		return m.life(m.ruleSet(m.between(2, 8)), m.between(2, 10))
	})
}

// TestNoRandomMatchUnderLowLimitsBreaksARule reaches in small pools what otherwise only
// crowded ones do.
func TestNoRandomMatchUnderLowLimitsBreaksARule(t *testing.T) {
	cases(t, 0.4, tight, func(m *maker) history {
		if m.chance(50) {
			return m.life(m.ruleSet(m.between(2, 8)), m.between(12, 24))
		}
		return m.life(m.ruleSet(m.between(2, 8)), m.between(2, 10))
	})
}

func TestNoRandomMatchIsMissed(t *testing.T) {
	flexmatch.Covers(t, "every match that can be is found", "more players before fewer")
	cases(t, 0.4, seniority, func(m *maker) history { return m.life(m.ruleSet(m.between(2, 7)), m.between(2, 8)) })
}

func TestOnePassPrefersOlderTickets(t *testing.T) {
	flexmatch.Covers(t, "every match that can be is found", "more players before fewer", "older tickets before younger")
	cases(t, 0.2, seniority, func(m *maker) history {
		h := m.life(m.ruleSet(m.between(2, 7)), m.between(2, 8))
		once := historyStep{At: h.Steps[len(h.Steps)-1].At}
		for _, s := range h.Steps {
			once.Start = append(once.Start, s.Start...)
		}
		h.Steps = []historyStep{once}
		return h
	})
}

func TestNoRandomLargeMatchBreaksARule(t *testing.T) {
	cases(t, 0.05, soundness, func(m *maker) history {
		m.backfills = m.chance(2)
		return m.crowd(m.largeRuleSet(), m.between(10, 90), m.chance(2))
	})
}

// TestNoPairOfManyIsLeft fills a 1v1 with hundreds of players, where the search takes
// its short cuts: afterwards no two who could play each other may wait.
func TestNoPairOfManyIsLeft(t *testing.T) {
	flexmatch.Covers(t, "every match that can be is found")
	cases(t, 0.0025, pairs, func(m *maker) history { return m.crowd(m.duel(), pick(m, 200, 300, 500, 500, 2000), false) })
}

func TestNoMatchOfManyBreaksARule(t *testing.T) {
	cases(t, 0.001, soundness, func(m *maker) history {
		m.backfills = true
		return m.crowd(m.ruleSet(m.between(4, 10)), m.between(200, 400), true)
	})
}
