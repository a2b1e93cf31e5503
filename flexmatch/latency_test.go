package flexmatch

import "testing"

func TestTicketsMayHaveLocationsOfTheirOwn(t *testing.T) {
	at := func(x, y int) map[string]int {
		out := map[string]int{}
		if x > 0 {
			out["x"] = x
		}
		if y > 0 {
			out["y"] = y
		}
		return out
	}
	for _, c := range []struct {
		name, rule       string
		a, b             map[string]int
		shared, separate bool // whether the two match under each reading
	}{
		{"different locations", `"maxLatency":50`, at(10, 0), at(0, 10), false, true},
		{"a common one is too far for one", `"maxLatency":50`, at(10, 90), at(90, 10), false, true},
		{"a common location", `"maxLatency":50`, at(10, 0), at(20, 0), true, true},
		{"nowhere good enough", `"maxLatency":50`, at(60, 0), at(10, 0), false, false},
		{"too far from the best at the only location", `"maxDistance":5,"distanceReference":"min"`, at(10, 0), at(20, 0), false, false},
		{"alone at a location nobody is far", `"maxDistance":5,"distanceReference":"min"`, at(10, 30), at(0, 10), false, true},
		{"near the mean at the common location", `"maxDistance":5,"distanceReference":"avg"`, at(10, 0), at(20, 0), true, true},
		{"each best at its own", `"maxLatency":50,"maxDistance":0,"distanceReference":"min"`, at(10, 40), at(40, 10), false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, separate := range []bool{false, true} {
				set, err := ParseOptions{SeparateLocations: separate}.Parse([]byte(rules(`{"name":"r","type":"latency",` + c.rule + `}`)))
				if err != nil {
					t.Fatal(err)
				}
				want := c.shared
				if separate {
					want = c.separate
				}
				got := matchedTickets(set, party("a", 0, seat{id: "pa", latency: c.a}), party("b", 0, seat{id: "pb", latency: c.b}))
				if (len(got) == 1) != want {
					t.Errorf("SeparateLocations %v: matches %v, want one: %v", separate, got, want)
				}
			}
		})
	}
}

func TestLargeMatchesAlwaysShareALocation(t *testing.T) {
	set, err := ParseOptions{SeparateLocations: true}.Parse([]byte(`{"ruleLanguageVersion":"1.0",
		"playerAttributes":[{"name":"skill","type":"number"}],"algorithm":{"strategy":"balanced","balancedAttribute":"skill"},
		"teams":[{"name":"all","minPlayers":2,"maxPlayers":60}],"rules":[{"name":"near","type":"latency","maxLatency":50}]}`))
	if err != nil {
		t.Fatal(err)
	}
	x, y := map[string]int{"x": 9}, map[string]int{"y": 9}
	if got := matchedTickets(set, party("a", 0, seat{id: "a", latency: x}), party("b", 0, seat{id: "b", latency: y})); len(got) != 0 {
		t.Errorf("matches %v, want none", got)
	}
}
