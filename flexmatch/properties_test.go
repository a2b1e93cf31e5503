package flexmatch_test

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"time"

	"muster/flexmatch"
)

// Properties that hold for any history, whatever the rules.

// telling plays a history and writes down every effect with all it says. Extra steps may
// be put in between.
func (h history) telling(t *testing.T, extra func(p *flexmatch.Pool, from, to time.Time) []flexmatch.Effect) string {
	t.Helper()
	set, err := flexmatch.ParseRuleSet(h.RuleSet)
	if err != nil {
		return err.Error()
	}
	pool := flexmatch.NewPool(h.Config.config(set))
	matches := map[string]string{} // of a ticket, its last
	var out strings.Builder
	last := second(-100)
	tell := func(effects []flexmatch.Effect) {
		for _, e := range effects {
			if m, ok := e.(flexmatch.Proposed); ok {
				for _, id := range m.Match.TicketIDs {
					matches[id] = m.Match.ID
				}
			}
			fmt.Fprintf(&out, "%T %+v\n", e, e)
		}
	}
	for _, s := range h.Steps {
		r := replay{ledger: &ledger{match: matches}}
		in := r.inputs(s) // from what was known after the last step of the history
		if extra != nil {
			tell(extra(pool, last, second(s.At)))
		}
		tell(pool.Step(second(s.At), in...))
		last = second(s.At)
	}
	return out.String()
}

// compareTellings plays random histories in two ways that must not differ.
func compareTellings(t *testing.T, share float64, other func(m *maker, h history) string) {
	t.Helper()
	seed, n := environment(t, "MUSTER_SEED", 1), environment(t, "MUSTER_CASES", 2000)
	for i := range uint64(float64(n) * share) {
		m := newMaker(seed, i)
		h := m.life(m.ruleSet(m.between(2, 8)), m.between(2, 12))
		if i%8 == 0 {
			h = m.crowd(m.largeRuleSet(), m.between(10, 50), true)
		}
		differs := func(h history) *failure {
			plain, changed := h.telling(t, nil), other(newMaker(seed+1, i), h)
			if plain == changed {
				return nil
			}
			return failf("differs", "%s", firstDifference(plain, changed))
		}
		if f := differs(h); f != nil {
			h, f = h.shrink(f, differs)
			t.Fatalf("seed %d, case %d: %v\n%s", seed, i, f, h.kept())
		}
	}
}

// firstDifference shows where two tellings part.
func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range as {
		if i >= len(bs) || as[i] != bs[i] {
			return fmt.Sprintf("effect %d of\n%s\nbecomes\n%s", i, a, b)
		}
	}
	return "effects are added at the end"
}

func TestTheSameHistoryHasTheSameEffects(t *testing.T) {
	// Maps are walked in another order each time, so this covers them too.
	compareTellings(t, 0.1, func(_ *maker, h history) string { return h.telling(t, nil) })
}

func TestIdleStepsChangeNothing(t *testing.T) {
	compareTellings(t, 0.1, func(m *maker, h history) string {
		return h.telling(t, func(p *flexmatch.Pool, from, to time.Time) []flexmatch.Effect {
			var out []flexmatch.Effect
			for range m.between(0, 3) {
				if from.Before(to) {
					from = from.Add(time.Duration(m.Int64N(int64(to.Sub(from)) + 1)))
				}
				out = append(out, p.Step(from)...)
				if at, ok := p.Deadline(); ok && at.Before(to) && m.chance(2) {
					from = at
					out = append(out, p.Step(at)...)
				}
			}
			return out
		})
	})
}

func TestTimeThatGoesBackIsTimeThatStands(t *testing.T) {
	compareTellings(t, 0.1, func(_ *maker, h history) string {
		return h.telling(t, func(p *flexmatch.Pool, from, _ time.Time) []flexmatch.Effect { return p.Step(from.Add(-time.Minute)) })
	})
}

func TestRenamingChangesOnlyNames(t *testing.T) {
	compareTellings(t, 0.1, func(_ *maker, h history) string {
		back := []string{}
		rename := func(id string) string {
			f := fnv.New64a()
			_, _ = f.Write([]byte(id)) // never fails
			name := fmt.Sprintf("%016x", f.Sum64())
			back = append(back, name, id)
			return name
		}
		renamed := h
		renamed.Steps = nil
		for _, s := range h.Steps {
			renamed.Steps = append(renamed.Steps, s.renamed(rename))
		}
		return strings.NewReplacer(back...).Replace(renamed.telling(t, nil))
	})
}

// renamed gives tickets and players other names, also in lists of friends.
func (s historyStep) renamed(name func(string) string) historyStep {
	all := func(ids []string) []string {
		var out []string
		for _, id := range ids {
			out = append(out, name(id))
		}
		return out
	}
	out := historyStep{At: s.At, Stop: all(s.Stop), Placed: all(s.Placed), NotPlaced: all(s.NotPlaced)}
	for _, a := range s.Answer {
		out.Answer = append(out.Answer, historyAnswer{name(a.Ticket), all(a.Players), a.Accept})
	}
	for _, t := range s.Start {
		other := t
		other.ID, other.Players = name(t.ID), nil
		for _, p := range t.Players {
			q := p
			q.ID, q.Attributes = name(p.ID), map[string]historyAttribute{}
			for key, a := range p.Attributes {
				if key == "friends" && a.SL != nil {
					a.SL = all(a.SL)
				}
				q.Attributes[key] = a
			}
			other.Players = append(other.Players, q)
		}
		out.Start = append(out.Start, other)
	}
	return out
}
