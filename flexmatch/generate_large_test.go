package flexmatch_test

// largeRuleSet composes a rule set of 41 to 200 players, with minimums that a pool of
// some dozens reaches.
func (m *maker) largeRuleSet() document {
	m.doc = document{Version: "1.0", Attributes: []docAttribute{{Name: "skill", Type: "number", Default: m.defaultOf("number")}, {Name: "mode", Type: "string", Default: "a"}}}
	m.doc.Algorithm = &docAlgorithm{
		Strategy: "balanced", BalancedAttribute: "skill", BatchingPreference: pick(m, "", "largestPopulation", "fastestRegion"),
		ExpansionAgeSelection: pick(m, "", "oldest"),
	}
	names := []string{"storm", "hunters", "monsters"}
	total := 0
	for i := range m.between(1, 3) {
		t := docTeam{Name: names[i], Min: loose(m.between(0, 6)), Max: loose(m.between(6, 24)), Quantity: loose(m.between(1, 3))}
		m.doc.Teams = append(m.doc.Teams, t)
		total += int(t.Max) * len(t.instances())
	}
	if total > 200 || total <= 40 {
		m.doc.Teams = []docTeam{{Name: "storm", Min: loose(m.between(1, 9)), Max: 21, Quantity: 2}}
	}
	m.instances = nil
	for _, t := range m.doc.Teams {
		m.instances = append(m.instances, t.instances()...)
	}
	if m.chance(2) {
		r := docRule{"name": "ping", "type": "latency", "maxLatency": float64(m.between(4, 12) * 10)}
		m.doc.Rules = append(m.doc.Rules, r)
		if m.chance(2) {
			m.doc.Expansions = append(m.doc.Expansions, docExpansion{"rules[ping].maxLatency", []docStep{{5, 90.0}, {15, 150.0}}})
		}
	}
	if m.chance(2) {
		m.doc.Rules = append(m.doc.Rules, docRule{"name": "alike", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": m.bound(), "partyAggregation": pick(m, "avg", "min", "max")})
	}
	if m.chance(3) {
		m.doc.Rules = append(m.doc.Rules, docRule{"name": "same", "type": "batchDistance", "batchAttribute": "mode"})
	}
	if m.chance(3) {
		m.doc.Expansions = append(m.doc.Expansions, docExpansion{"teams[" + m.doc.Teams[0].Name + "].minPlayers", []docStep{{4, 0.0}}})
	}
	return m.doc
}

// crowd is a life of many tickets that come in few Steps.
func (m *maker) crowd(doc document, tickets int, parties bool) history {
	h := history{RuleSet: doc.encode()}
	h.Config.AdditionalPlayers = pick(m, 0, 0, 3)
	now, n := 0.0, 0
	for n < tickets {
		s := historyStep{At: now}
		for range m.between(1, tickets/pick(m, 1, 2, 8)) {
			t := m.ticket(n, now)
			if !parties {
				t.Players, t.Backfill, t.Session = t.Players[:1], false, ""
			}
			s.Start = append(s.Start, t)
			if n++; n == tickets {
				break
			}
		}
		h.Steps = append(h.Steps, s)
		now += float64(m.between(1, 6))
	}
	h.Steps = append(h.Steps, historyStep{At: now + 20})
	return h
}

// duel composes a 1v1 with rules of any kind but sorting ones: those choose who of many
// is in the batch, and may choose only tickets that cannot play each other.
func (m *maker) duel() document {
	doc := m.ruleSet(2)
	for len(m.instances) != 2 || int(doc.Teams[0].Max) != 1 || len(doc.Expansions) > 0 || !m.ageOrdered() {
		doc = m.ruleSet(2)
	}
	for i := range m.doc.Teams {
		m.doc.Teams[i].Min = 1
	}
	return m.doc
}

// ageOrdered tells that nothing but age orders the tickets of a batch.
func (m *maker) ageOrdered() bool {
	for _, r := range m.doc.Rules {
		if kind := r["type"]; kind == "absoluteSort" || kind == "distanceSort" {
			return false
		}
	}
	return m.doc.Algorithm == nil || m.doc.Algorithm.BatchingPreference != "sorted"
}
