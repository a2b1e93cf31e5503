package flexmatch_test

import (
	"fmt"
	"strings"
)

// The maker's property expressions, typed: of numbers, of strings, and of anything that
// can be counted, in so many levels of lists.

// oneTeam selects a team instance, manyTeams several.
func (m *maker) oneTeam() string {
	return pick(m, m.instances...)
}

func (m *maker) manyTeams() string {
	if len(m.instances) > 1 && m.chance(3) {
		names := []string{}
		for _, i := range m.Perm(len(m.instances))[:m.between(2, len(m.instances))] {
			names = append(names, m.instances[i])
		}
		return strings.Join(names, pick(m, ",", ", "))
	}
	for _, t := range m.doc.Teams {
		if t.Quantity > 1 && m.chance(2) {
			return t.Name
		}
	}
	return "*"
}

// players is a path to lists so many levels deep: 1 of one team or of all, 2 by team.
func (m *maker) players(depth int) string {
	word := pick(m, "teams", "teams", "teams", "team")
	if depth > 1 {
		return word + "[" + m.manyTeams() + "].players"
	}
	if m.chance(6) {
		return "players"
	}
	return word + "[" + m.oneTeam() + "].players"
}

// numbers composes an expression of numbers in so many levels of lists.
func (m *maker) numbers(depth int) string {
	statistic := pick(m, "min", "max", "avg", "median", "sum", "stddev", "avg")
	switch depth {
	case 0:
		switch m.IntN(6) {
		case 0:
			return "count(" + m.anything(1) + ")"
		default:
			return statistic + pick(m, "", " ") + "(" + m.numbers(1) + ")"
		}
	case 1:
		switch m.IntN(6) {
		case 0:
			return statistic + "(" + m.numbers(2) + ")"
		case 1:
			return "count(" + m.anything(2) + ")"
		case 2, 3:
			return "flatten(" + m.numbers(2) + ")"
		}
	default:
		if len(m.has("string_list")) > 0 && m.chance(8) {
			return "count(" + m.strings(3) + ")"
		}
	}
	if roles := m.has("string_number_map"); len(roles) > 0 && m.chance(6) {
		return fmt.Sprintf("%s.attributes[%s][%s]", m.players(depth), roles[0], pick(m, mapKeys...))
	}
	return fmt.Sprintf("%s.attributes[%s]", m.players(depth), pick(m, m.has("number")...))
}

// anything composes an expression that can be counted.
func (m *maker) anything(depth int) string {
	switch {
	case m.chance(2):
		return m.players(depth)
	case m.chance(3):
		return m.strings(depth)
	case depth == 1 && m.chance(4):
		return "teams[*]"
	}
	return m.numbers(depth)
}

// strings composes an expression of strings in so many levels of lists.
func (m *maker) strings(depth int) string {
	lists := m.has("string_list")
	if depth == 3 && len(lists) == 0 {
		depth = 2
	}
	switch depth {
	case 1:
		switch m.IntN(5) {
		case 0:
			return "set_intersection(" + m.strings(2) + ")"
		case 1:
			return "flatten(" + m.strings(2) + ")"
		}
	case 2:
		switch {
		case len(lists) > 0 && m.chance(4):
			return "flatten(" + m.strings(3) + ")"
		case len(lists) > 0 && m.chance(6):
			return "set_intersection(" + m.strings(3) + ")"
		case len(lists) > 0 && m.chance(3):
			return fmt.Sprintf("%s.attributes[%s]", m.players(1), pick(m, lists...))
		}
	default:
		return fmt.Sprintf("%s.attributes[%s]", m.players(2), pick(m, lists...))
	}
	if plain := m.has("string"); len(plain) > 0 && m.chance(2) {
		return fmt.Sprintf("%s.attributes[%s]", m.players(depth), pick(m, plain...))
	}
	return m.players(depth) + pick(m, "[playerId]", "[playerid]")
}
