package flexmatch

import (
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"
)

// oracleRules are the rules that generated sets draw from.
var oracleRules = []func(t *rapid.T) oracleRule{
	func(t *rapid.T) oracleRule {
		r := oracleRule{property: "maxDistance", limit: float64(rapid.IntRange(0, 6).Draw(t, "spread"))}
		r.json = fmt.Sprintf(`"type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))","maxDistance":%v`, r.limit)
		r.holds = func(m oracleMatch, limit float64) bool {
			overall := mean(skills(m.everyone()))
			for _, team := range m.teams {
				if len(team) > 0 && math.Abs(mean(skills(team))-overall) > limit {
					return false
				}
			}
			return true
		}
		return r
	},
	func(t *rapid.T) oracleRule {
		r := oracleRule{property: "maxDistance", limit: float64(rapid.IntRange(0, 6).Draw(t, "spread"))}
		r.json = fmt.Sprintf(`"type":"distance","measurements":"flatten(teams[*].players.attributes[skill])","referenceValue":"median(flatten(teams[*].players.attributes[skill]))","maxDistance":"%v"`, r.limit)
		r.holds = func(m oracleMatch, limit float64) bool {
			list := skills(m.everyone())
			slices.Sort(list)
			median := (list[(len(list)-1)/2] + list[len(list)/2]) / 2
			return list[len(list)-1]-median <= limit && median-list[0] <= limit
		}
		return r
	},
	func(t *rapid.T) oracleRule {
		r := oracleRule{property: "minDistance", limit: float64(rapid.IntRange(0, 4).Draw(t, "gap"))}
		r.json = fmt.Sprintf(`"type":"distance","measurements":["teams[t0].players.attributes[skill]"],"referenceValue":"max(flatten(teams[*].players.attributes[skill]))","minDistance":%v`, r.limit)
		r.holds = func(m oracleMatch, limit float64) bool {
			for _, p := range m.teams[0] {
				if math.Abs(p.skill-slices.Max(skills(m.everyone()))) < limit {
					return false
				}
			}
			return true
		}
		return r
	},
	func(*rapid.T) oracleRule {
		return oracleRule{
			json: `"type":"comparison","measurements":["max(count(teams[*].players))"],"operation":"=","referenceValue":"min(count(teams[*].players))"`,
			holds: func(m oracleMatch, _ float64) bool {
				for _, team := range m.teams {
					if len(team) != len(m.teams[0]) {
						return false
					}
				}
				return true
			},
		}
	},
	func(t *rapid.T) oracleRule {
		same := rapid.Bool().Draw(t, "same")
		op := "!="
		if same {
			op = "="
		}
		return oracleRule{
			json: fmt.Sprintf(`"type":"comparison","measurements":["flatten(teams[*].players.attributes[mode])"],"operation":%q`, op),
			holds: func(m oracleMatch, _ float64) bool {
				all := m.everyone()
				for i, p := range all {
					for _, q := range all[:i] {
						if (p.mode == q.mode) != same {
							return false
						}
					}
				}
				return true
			},
		}
	},
	func(*rapid.T) oracleRule {
		return oracleRule{
			json: `"type":"comparison","measurements":["teams[t0].players.attributes[mode]"],"operation":"=","referenceValue":"a"`,
			holds: func(m oracleMatch, _ float64) bool {
				return !slices.ContainsFunc(m.teams[0], func(p *oraclePlayer) bool { return p.mode != "a" })
			},
		}
	},
	func(t *rapid.T) oracleRule {
		r := oracleRule{property: "referenceValue", limit: float64(rapid.IntRange(2, 20).Draw(t, "sum"))}
		r.json = fmt.Sprintf(`"type":"comparison","measurements":["sum(teams[*].players.attributes[skill])"],"operation":"<=","referenceValue":%v`, r.limit)
		r.holds = func(m oracleMatch, limit float64) bool {
			for _, team := range m.teams {
				if len(team) > 0 && mean(skills(team))*float64(len(team)) > limit+1e-9 {
					return false
				}
			}
			return true
		}
		return r
	},
	func(*rapid.T) oracleRule {
		return oracleRule{
			json: `"type":"comparison","measurements":["avg(teams[t0].players.attributes[skill])"],"operation":">=","referenceValue":"max(flatten(teams[*].players.attributes[skill]))"`,
			holds: func(m oracleMatch, _ float64) bool {
				return len(m.teams[0]) == 0 || mean(skills(m.teams[0])) >= slices.Max(skills(m.everyone()))
			},
		}
	},
	func(t *rapid.T) oracleRule {
		least, most := rapid.IntRange(0, 2).Draw(t, "least"), rapid.IntRange(1, 4).Draw(t, "most")
		return oracleRule{
			json:     fmt.Sprintf(`"type":"collection","measurements":["flatten(teams[*].players.attributes[modes])"],"operation":"contains","referenceValue":"a","minCount":%d,"maxCount":%d`, least, most),
			property: "minCount", limit: float64(least),
			holds: func(m oracleMatch, limit float64) bool {
				n := 0
				for _, p := range m.everyone() {
					if slices.Contains(p.modes, "a") {
						n++
					}
				}
				return float64(n) >= limit && n <= most
			},
		}
	},
	func(*rapid.T) oracleRule {
		return oracleRule{
			json:     `"type":"collection","measurements":["flatten(teams[*].players.attributes[modes])"],"operation":"intersection","minCount":1`,
			property: "minCount", limit: 1,
			holds: func(m oracleMatch, limit float64) bool {
				return float64(len(commonModes(m.everyone()))) >= limit
			},
		}
	},
	func(*rapid.T) oracleRule {
		return oracleRule{
			json: `"type":"collection","measurements":["flatten(teams[*].players.attributes[blocked])"],"operation":"reference_intersection_count","referenceValue":"flatten(teams[*].players[playerId])","maxCount":0`,
			holds: func(m oracleMatch, _ float64) bool {
				for _, p := range m.everyone() {
					for _, q := range m.everyone() {
						if slices.Contains(p.blocked, q.id) {
							return false
						}
					}
				}
				return true
			},
		}
	},
	func(*rapid.T) oracleRule {
		return oracleRule{
			json: `"type":"collection","measurements":["teams[t0].players.attributes[modes]"],"operation":"reference_intersection_count","referenceValue":"set_intersection(flatten(teams[*].players.attributes[modes]))","minCount":1`,
			holds: func(m oracleMatch, _ float64) bool {
				return len(m.teams[0]) == 0 || len(commonModes(m.everyone())) > 0
			},
		}
	},
	func(t *rapid.T) oracleRule {
		r := oracleRule{property: "maxLatency", limit: float64(rapid.IntRange(20, 80).Draw(t, "latency"))}
		r.json = fmt.Sprintf(`"type":"latency","maxLatency":%v,"partyAggregation":"max"`, r.limit)
		r.holds = func(m oracleMatch, limit float64) bool {
			for _, location := range []string{"x", "y"} {
				ok := true
				for _, p := range m.everyone() {
					ms, reported := p.latency[location]
					ok = ok && reported && float64(ms) <= limit
				}
				if ok {
					return true
				}
			}
			return false
		}
		return r
	},
	func(t *rapid.T) oracleRule {
		reference := rapid.SampledFrom([]string{"min", "avg"}).Draw(t, "reference")
		r := oracleRule{property: "maxDistance", limit: float64(rapid.IntRange(5, 50).Draw(t, "distance"))}
		r.json = fmt.Sprintf(`"type":"latency","maxDistance":%v,"distanceReference":%q,"partyAggregation":"min"`, r.limit, reference)
		r.holds = func(m oracleMatch, limit float64) bool {
			return oracleLatencyDistance(m, limit, reference == "avg")
		}
		return r
	},
	func(t *rapid.T) oracleRule {
		r := oracleRule{property: "maxDistance", limit: float64(rapid.IntRange(0, 6).Draw(t, "spread"))}
		r.json = fmt.Sprintf(`"type":"batchDistance","batchAttribute":"skill","maxDistance":%v`, r.limit)
		r.holds = func(m oracleMatch, limit float64) bool {
			low, high := math.Inf(1), math.Inf(-1)
			for _, ticket := range m.tickets {
				n := mean(skills(ticket.players))
				low, high = min(low, n), max(high, n)
			}
			return high-low <= limit
		}
		return r
	},
}

func commonModes(players []*oraclePlayer) []string {
	var out []string
	for _, mode := range []string{"a", "b", "c"} {
		if !slices.ContainsFunc(players, func(p *oraclePlayer) bool { return !slices.Contains(p.modes, mode) }) {
			out = append(out, mode)
		}
	}
	return out
}

func oracleLatencyDistance(m oracleMatch, limit float64, fromMean bool) bool {
	for _, location := range []string{"x", "y"} {
		var list []float64
		for _, ticket := range m.tickets {
			least := math.Inf(1)
			for _, p := range ticket.players {
				ms, reported := p.latency[location]
				if !reported {
					least = math.Inf(-1)
					break
				}
				least = min(least, float64(ms))
			}
			list = append(list, least)
		}
		if slices.Min(list) < 0 {
			continue
		}
		reference := slices.Min(list)
		if fromMean {
			reference = mean(list)
		}
		if slices.Max(list)-reference <= limit && reference-slices.Min(list) <= limit {
			return true
		}
	}
	return false
}
