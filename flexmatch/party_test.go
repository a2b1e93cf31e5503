package flexmatch

import "testing"

func TestAPartyMayCountAsOnePlayer(t *testing.T) {
	duo := party("duo", 0,
		seat{id: "a", skill: 0, maps: []string{"x", "y"}, mode: "m", roles: map[string]float64{"tank": 2}},
		seat{id: "b", skill: 100, maps: []string{"y", "z"}, mode: "n", roles: map[string]float64{"tank": 6, "healer": 1}})
	solo := party("solo", 0, seat{id: "c", skill: 50, maps: []string{"y"}, mode: "m", roles: map[string]float64{"tank": 4}})
	const skills, maps = `["flatten(teams[*].players.attributes[skill])"]`, `["flatten(teams[*].players.attributes[maps])"]`
	for _, c := range []struct {
		name, rule      string
		players, merged bool // whether the two match, every player measured or the party as one
	}{
		{"the average of a party is near", `"type":"distance","measurements":` + skills + `,"referenceValue":50,"maxDistance":10`, false, true},
		{"the best of a party is not", `"type":"distance","measurements":` + skills + `,"referenceValue":50,"maxDistance":10,"partyAggregation":"max"`, false, false},
		{"averages are equal", `"type":"comparison","operation":"=","measurements":` + skills, false, true},
		{"the least of a party is too low", `"type":"comparison","operation":">=","referenceValue":50,"partyAggregation":"min","measurements":` + skills, false, false},
		{"what a party has in common", `"type":"collection","operation":"intersection","minCount":1,"maxCount":1,"partyAggregation":"intersection","measurements":` + maps, true, true},
		{"what any of a party has", `"type":"collection","operation":"contains","referenceValue":"z","minCount":1,"maxCount":1,"measurements":` + maps, true, true},
		{"a common list without what one has", `"type":"collection","operation":"contains","referenceValue":"z","minCount":1,"partyAggregation":"intersection","measurements":` + maps, true, false},
		{"values of maps, key by key", `"type":"comparison","operation":"=","measurements":["flatten(teams[*].players.attributes[roles][tank])"]`, false, true},
		{"players are counted all the same", `"type":"comparison","operation":"=","referenceValue":3,"measurements":["count(players)"]`, true, true},
		{"plain strings stay each player's", `"type":"comparison","operation":"=","measurements":["flatten(teams[*].players.attributes[mode])"]`, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := []byte(rules(`{"name":"r",` + c.rule + `}`))
			for _, aggregate := range []bool{false, true} {
				set, err := ParseOptions{AggregateParties: aggregate}.Parse(body)
				if err != nil {
					t.Fatal(err)
				}
				want := c.players
				if aggregate {
					want = c.merged
				}
				if got := len(matchedTickets(set, duo, solo)) == 1; got != want {
					t.Errorf("AggregateParties %v: a match %v, want %v", aggregate, got, want)
				}
			}
		})
	}
}

func TestSeatedPlayersAreNoParty(t *testing.T) {
	set, err := ParseOptions{AggregateParties: true}.Parse([]byte(rules(
		`{"name":"r","type":"distance","measurements":["teams[red].players.attributes[skill]"],"referenceValue":50,"maxDistance":10}`)))
	if err != nil {
		t.Fatal(err)
	}
	fill := party("fill", 0, seat{id: "a", skill: 0}, seat{id: "b", skill: 100})
	fill.Backfill, fill.Players[0].Team, fill.Players[1].Team = true, "red", "red"
	if got := matchedTickets(set, fill, one("new", 0, 50)); len(got) != 0 {
		t.Errorf("matches %v: players who sit in a session were averaged", got)
	}
	fill.Players[0].Attributes = map[string]Value{"skill": {Kind: NumberAttribute, Number: 45}}
	fill.Players[1].Attributes = map[string]Value{"skill": {Kind: NumberAttribute, Number: 55}}
	if got := matchedTickets(set, fill, one("new", 0, 50)); len(got) != 1 {
		t.Errorf("matches %v, want one", got)
	}
}
