package flexmatch_test

import (
	"fmt"
	"testing"
	"time"

	"muster/flexmatch"
)

// explained plays a history and explains every ticket after every step. look is called
// with what is said, and with the tickets of every proposal.
func (h history) explained(t *testing.T, look func(x flexmatch.Explanation), proposed func(id string)) {
	t.Helper()
	set, err := flexmatch.ParseRuleSet(h.RuleSet)
	if err != nil {
		t.Fatalf("%v\n%s", err, h.RuleSet)
	}
	pool := flexmatch.NewPool(h.Config.config(set))
	matches := map[string]string{}
	started := map[string]bool{}
	for _, s := range h.Steps {
		r := replay{ledger: &ledger{match: matches}}
		for _, e := range pool.Step(second(s.At), r.inputs(s)...) {
			if m, ok := e.(flexmatch.Proposed); ok {
				for _, id := range m.Match.TicketIDs {
					matches[id] = m.Match.ID
					proposed(id)
				}
			}
		}
		for _, ticket := range s.Start {
			started[ticket.ID] = true
		}
		for id := range started {
			if x, known := pool.Explain(id); known {
				look(x)
			}
		}
	}
}

func TestExplainingChangesNoHistory(t *testing.T) {
	compareTellings(t, 0.05, func(_ *maker, h history) string {
		return h.telling(t, func(p *flexmatch.Pool, _, _ time.Time) []flexmatch.Effect {
			for _, s := range h.Steps {
				for _, ticket := range s.Start {
					p.Explain(ticket.ID)
				}
			}
			return nil
		})
	})
}

func TestWhatIsSaidNeverToMatchNeverDoes(t *testing.T) {
	seed, n := environment(t, "MUSTER_SEED", 1), environment(t, "MUSTER_CASES", 2000)
	kinds := map[flexmatch.ObstacleKind]int{}
	for i := range n / 4 {
		m := newMaker(seed, i)
		h := m.life(m.ruleSet(m.between(2, 8)), m.between(2, 12))
		if i%8 == 0 {
			h = m.crowd(m.largeRuleSet(), m.between(10, 50), true)
		}
		said := map[string]string{}
		h.explained(t, func(x flexmatch.Explanation) {
			if len(x.Never) > 0 && said[x.TicketID] == "" {
				said[x.TicketID] = x.Summary()
				kinds[x.Never[0].Kind]++
			}
		}, func(id string) {
			if said[id] != "" {
				t.Fatalf("seed %d, case %d: ticket %s is matched, of which was said\n%s\n%s", seed, i, id, said[id], h.kept())
			}
		})
	}
	for kind := flexmatch.MissingAttribute; kind <= flexmatch.NeverFits; kind++ {
		if kinds[kind] == 0 && n >= 2000 {
			t.Errorf("no case has an obstacle of kind %d: %v", kind, kinds)
		}
	}
}

func TestNoMatchIsPossibleThatThePoolDoesNotMake(t *testing.T) {
	seed, n := environment(t, "MUSTER_SEED", 1), environment(t, "MUSTER_CASES", 2000)
	for i := range n / 8 {
		m := newMaker(seed, i)
		h := m.life(m.ruleSet(m.between(2, 7)), m.between(2, 8))
		var possible string
		h.explained(t, func(x flexmatch.Explanation) {
			if x.Possible() {
				possible = x.Summary()
			}
		}, func(string) {})
		if possible != "" {
			t.Fatalf("seed %d, case %d:\n%s\n%s", seed, i, possible, h.kept())
		}
	}
}

// TestExplanationsHoldTogether checks what must be so whatever the rules.
func TestExplanationsHoldTogether(t *testing.T) {
	seed, n := environment(t, "MUSTER_SEED", 1), environment(t, "MUSTER_CASES", 2000)
	for i := range n / 8 {
		m := newMaker(seed, i)
		h := m.life(m.ruleSet(m.between(2, 8)), m.between(2, 12))
		h.explained(t, func(x flexmatch.Explanation) {
			if wrong := contradiction(x); wrong != "" {
				t.Fatalf("seed %d, case %d: %s\n%s\n%s", seed, i, wrong, x.Summary(), h.kept())
			}
		}, func(string) {})
	}
}

func contradiction(x flexmatch.Explanation) string {
	kept := 0
	for _, r := range x.Rules {
		kept = max(kept, r.Candidates)
		switch {
		case r.Candidates < 1 || r.Rule == "" || r.Type == "":
			return fmt.Sprintf("rule %+v", r)
		case r.Nearest.Known && r.Nearest.Amount < 0, r.Median.Known && r.Median.Amount < r.Nearest.Amount:
			return fmt.Sprintf("rule %s is missed by %v, the median by %v", r.Rule, r.Nearest, r.Median)
		case r.Reach != nil && (r.Reach.In < 0 || r.Reach.Step < 1 || r.Reach.Step > x.Steps):
			return fmt.Sprintf("rule %s comes within reach at %+v", r.Rule, *r.Reach)
		}
	}
	switch {
	case x.Compatible+kept+x.NoRoom > x.Considered && x.Compatible+max(kept, x.NoRoom) > x.Considered:
		return "more candidates are counted than were looked at"
	case x.Considered > x.Waiting, x.Step > x.Steps, x.CompatiblePlayers < x.Compatible:
		return "the counts contradict each other"
	case x.Next != nil && (x.Next.In <= 0 || x.Step == x.Steps):
		return "the next step is past"
	case x.Reach != nil && x.TimesOutIn > 0 && x.Reach.In > x.TimesOutIn:
		return "something comes within reach after the ticket has timed out"
	case len(x.Never) > 0 && (x.Attempt != nil || x.Possible()):
		return "what can never match was tried"
	case x.Attempt != nil && x.Attempt.Missing > 0 && len(x.Attempt.Failed) > 0:
		return "rules are judged before the teams are full"
	case len(x.Lines()) == 0:
		return "nothing is said"
	}
	return ""
}
