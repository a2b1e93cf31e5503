package flexmatch_test

import (
	"encoding/json"
	"slices"
	"time"
)

// shrinkTime bounds the search for a smaller history: a large one is printed as it is.
const shrinkTime = 20 * time.Second

// shrink makes a history that fails smaller as long as it fails in the same way.
func (h history) shrink(f *failure, fails func(history) *failure) (history, *failure) {
	until := time.Now().Add(shrinkTime)
	for tries := 0; tries < 3000 && time.Now().Before(until); {
		smaller := false
		for _, candidate := range h.reductions() {
			tries++
			if g := fails(candidate); g != nil && g.kind == f.kind {
				h, f, smaller = candidate, g, true
				break
			}
			if tries >= 3000 || time.Now().After(until) {
				break
			}
		}
		if !smaller {
			break
		}
	}
	return h, f
}

// reductions lists histories that are a little smaller, the boldest first.
func (h history) reductions() []history {
	var doc document
	if json.Unmarshal(h.RuleSet, &doc) != nil {
		return nil
	}
	out := h.fewerSteps()
	out = append(out, h.fewerExpansions(doc)...)
	out = append(out, h.fewerRules(doc)...)
	out = append(out, h.fewerTeams(doc)...)
	out = append(out, h.plainerConfig()...)
	if h.many() {
		return out
	}
	return append(out, h.lesserTickets()...)
}

// many tells that there are too many tickets to try each.
func (h history) many() bool {
	n := 0
	for _, s := range h.Steps {
		n += len(s.Start)
	}
	return n > 60
}

// changed is a copy of the history with something changed; none if change says false.
func (h history) changed(change func(c *history, doc *document) bool) []history {
	var c history
	var doc document
	body, err := json.Marshal(h)
	if err != nil || json.Unmarshal(body, &c) != nil || json.Unmarshal(c.RuleSet, &doc) != nil || !change(&c, &doc) {
		return nil
	}
	c.RuleSet = doc.encode()
	return []history{c}
}

func (h history) fewerSteps() []history {
	var out []history
	for i := range h.Steps {
		out = append(out, h.changed(func(c *history, _ *document) bool { c.Steps = slices.Delete(c.Steps, i, i+1); return true })...)
	}
	for i, s := range h.Steps {
		for half := range min(2, len(s.Start)/8) { // of many tickets, half
			out = append(out, h.changed(func(c *history, _ *document) bool {
				from := half * len(s.Start) / 2
				c.Steps[i].Start = slices.Delete(c.Steps[i].Start, from, from+len(s.Start)/2)
				return true
			})...)
		}
	}
	for i, s := range h.Steps {
		for k := range s.Start {
			if h.many() {
				break // copies of it cost too much
			}
			out = append(out, h.changed(func(c *history, _ *document) bool {
				c.Steps[i].Start = slices.Delete(c.Steps[i].Start, k, k+1)
				return true
			})...)
		}
		out = append(out, h.changed(func(c *history, _ *document) bool {
			c.Steps[i] = historyStep{At: s.At, Start: s.Start}
			return len(s.Stop)+len(s.Answer)+len(s.Placed)+len(s.NotPlaced) > 0
		})...)
	}
	return out
}

func (h history) fewerExpansions(doc document) []history {
	var out []history
	for i, x := range doc.Expansions {
		out = append(out, h.changed(func(_ *history, d *document) bool { d.Expansions = slices.Delete(d.Expansions, i, i+1); return true })...)
		for k := range x.Steps {
			out = append(out, h.changed(func(_ *history, d *document) bool {
				d.Expansions[i].Steps = slices.Delete(d.Expansions[i].Steps, k, k+1)
				return len(d.Expansions[i].Steps) > 0
			})...)
		}
	}
	return out
}

func (h history) fewerRules(doc document) []history {
	var out []history
	for i, r := range doc.Rules {
		out = append(out, h.changed(func(_ *history, d *document) bool { d.Rules = slices.Delete(d.Rules, i, i+1); return true })...)
		list, _ := r["measurements"].([]any)
		for k := range list {
			out = append(out, h.changed(func(_ *history, d *document) bool {
				d.Rules[i]["measurements"] = slices.Delete(slices.Clone(list), k, k+1)
				return len(list) > 1
			})...)
		}
	}
	return out
}

func (h history) fewerTeams(doc document) []history {
	var out []history
	for i := range doc.Attributes {
		out = append(out, h.changed(func(_ *history, d *document) bool { d.Attributes = slices.Delete(d.Attributes, i, i+1); return true })...)
	}
	for i, t := range doc.Teams {
		out = append(out, h.changed(func(_ *history, d *document) bool { d.Teams = slices.Delete(d.Teams, i, i+1); return true })...)
		out = append(out, h.changed(func(_ *history, d *document) bool { d.Teams[i].Quantity--; return t.Quantity > 1 })...)
	}
	return append(out, h.changed(func(_ *history, d *document) bool { d.Algorithm = nil; return doc.Algorithm != nil })...)
}

func (h history) plainerConfig() []history {
	out := h.changed(func(c *history, _ *document) bool { c.Config = historyConfig{}; return h.Config != historyConfig{} })
	out = append(out, h.changed(func(c *history, _ *document) bool {
		c.Config.RequestTimeoutSeconds = 0
		return h.Config.RequestTimeoutSeconds > 0
	})...)
	return append(out, h.changed(func(c *history, _ *document) bool {
		c.Config.AdditionalPlayers = 0
		return h.Config.AdditionalPlayers > 0
	})...)
}

// lesserTickets lists histories in which one ticket says less.
func (h history) lesserTickets() []history {
	var out []history
	add := func(i, k int, change func(t *historyTicket) bool) {
		var c history
		body, _ := json.Marshal(h)
		if json.Unmarshal(body, &c) == nil && change(&c.Steps[i].Start[k]) {
			out = append(out, c)
		}
	}
	for i, s := range h.Steps {
		for k, t := range s.Start {
			add(i, k, func(t *historyTicket) bool {
				if t.StartAt == s.At {
					return false
				}
				t.StartAt = s.At
				return true
			})
			for n, p := range t.Players {
				add(i, k, func(t *historyTicket) bool { t.Players = slices.Delete(t.Players, n, n+1); return len(t.Players) > 0 })
				add(i, k, func(t *historyTicket) bool { t.Players[n].Latency = nil; return p.Latency != nil })
				for name, a := range p.Attributes {
					add(i, k, func(t *historyTicket) bool { delete(t.Players[n].Attributes, name); return true })
					add(i, k, func(t *historyTicket) bool {
						zero := 0.0
						t.Players[n].Attributes[name] = historyAttribute{N: &zero}
						return a.N != nil && *a.N != 0
					})
				}
				for name := range p.Latency {
					add(i, k, func(t *historyTicket) bool { delete(t.Players[n].Latency, name); return len(p.Latency) > 1 })
				}
			}
		}
	}
	return out
}
