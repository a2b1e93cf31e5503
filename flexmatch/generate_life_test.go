package flexmatch_test

import (
	"fmt"
	"slices"
)

// life composes a random history of a pool for a rule set: tickets of all kinds, stops,
// answers and placements, over simulated time. At most tickets are started.
func (m *maker) life(doc document, tickets int) history {
	h := history{RuleSet: doc.encode()}
	m.backfills = true
	if m.chance(4) {
		h.Config.AdditionalPlayers = m.between(1, 2)
	}
	if m.chance(3) {
		h.Config.RequestTimeoutSeconds = float64(m.between(4, 20))
	}
	if m.chance(4) {
		h.Config.AcceptanceRequired = true
		h.Config.AcceptanceTimeoutSeconds = float64(m.between(0, 6))
	}
	now := 0.0
	var known []historyTicket
	for n := 0; n < tickets; {
		now += pick(m, 0, 0.25, 1, 1, 2, 3, 5)
		s := historyStep{At: now}
		for range m.between(0, min(tickets-n, pick(m, 1, 2, 8))) {
			t := m.ticket(n, now)
			s.Start, known = append(s.Start, t), append(known, t)
			n++
		}
		if len(known) > 0 {
			m.meddle(&s, known, h.Config)
		}
		h.Steps = append(h.Steps, s)
	}
	h.Steps = append(h.Steps, historyStep{At: now + float64(m.between(1, 30))})
	return h
}

// meddle adds inputs about tickets that are or were known.
func (m *maker) meddle(s *historyStep, known []historyTicket, c historyConfig) {
	t := pick(m, known...)
	if m.chance(8) {
		s.Stop = append(s.Stop, t.ID)
	}
	if c.AcceptanceRequired {
		for _, t := range known {
			if !m.chance(3) {
				a := historyAnswer{Ticket: t.ID, Accept: !m.chance(8)}
				for _, p := range t.Players {
					a.Players = append(a.Players, p.ID)
				}
				if m.chance(6) {
					a.Players = a.Players[:1]
				}
				s.Answer = append(s.Answer, a)
			}
		}
	}
	if m.chance(3) {
		s.Placed = append(s.Placed, t.ID)
	} else if m.chance(6) {
		s.NotPlaced = append(s.NotPlaced, t.ID)
	}
	if m.chance(20) {
		s.Start = append(s.Start, t) // known already, perhaps
	}
}

// ticket makes the nth ticket: a player, a party or a backfill.
func (m *maker) ticket(n int, now float64) historyTicket {
	t := historyTicket{ID: fmt.Sprintf("t%d", n), StartAt: now - pick(m, 0, 0, 0, 0.5, 1, 4)}
	size := pick(m, 1, 1, 1, 1, 1, 2, 2, 3)
	if m.chance(9) && m.backfills {
		t.Backfill = true
		if m.chance(2) {
			t.Session = fmt.Sprintf("session-%d", m.IntN(3))
		}
	}
	home := m.IntN(len(places))
	for i := range size {
		p := historyPlayer{ID: fmt.Sprintf("p%d-%d", n, i), Attributes: m.attributes(n)}
		if t.Backfill {
			p.Team = pick(m, m.instances...)
			if m.chance(60) {
				p.Team = "nowhere"
			}
		}
		if !m.chance(15) {
			p.Latency = map[string]int{places[home]: 5 * m.between(1, 12)}
			for _, place := range places {
				if m.chance(2) {
					p.Latency[place] = 5 * m.between(1, 20)
				}
			}
		}
		t.Players = append(t.Players, p)
	}
	return t
}

// attributes makes a player's attributes. A few are missing, of another type than
// declared, or not declared at all.
func (m *maker) attributes(n int) map[string]historyAttribute {
	out := map[string]historyAttribute{}
	for _, a := range m.doc.Attributes {
		if m.chance(25) || a.Default != nil && m.chance(3) {
			continue
		}
		switch a.Type {
		case "number":
			v := m.number()
			out[a.Name] = historyAttribute{N: &v}
		case "string":
			v := pick(m, modeWords...)
			out[a.Name] = historyAttribute{S: &v}
		case "string_list":
			list := m.words(modeWords)
			if a.Name == "friends" {
				list = []string{fmt.Sprintf("p%d-0", m.IntN(max(n, 1)+2))}
			}
			if len(list) > 0 && m.chance(8) {
				list = append(list, list[0])
			}
			out[a.Name] = historyAttribute{SL: slices.Clip(list)}
		default:
			out[a.Name] = historyAttribute{SDM: m.roles()}
		}
		if m.chance(150) {
			v := 1.0
			out[a.Name] = historyAttribute{N: &v} // perhaps of the wrong type
		}
	}
	if m.chance(20) {
		v := "undeclared"
		out["secret"] = historyAttribute{S: &v}
	}
	return out
}
