package simulate

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPopulationSaysWhatTheFileSays(t *testing.T) {
	p, err := ParsePopulation([]byte(`{
		"name": "tuesday", "seed": 9, "startHour": 18, "playersPerDay": 2400,
		"attributes": {
			"skill": {"distribution": "normal", "mean": 50, "deviation": 10, "min": 0, "partyCorrelation": 0.5},
			"mode": {"values": {"solo": 3, "squad": 1}, "perPlayer": true},
			"maps": {"values": {"a": 1, "b": 1, "c": 1}, "pick": [1, 2]},
			"loadout": {"keys": {"armour": 10, "speed": {"distribution": "uniform", "min": 1, "max": 2}}}
		},
		"parties": {"3": 1, "1": 4},
		"regions": {"here": {"latency": {"home": 20, "away": {"mean": 90, "spread": 5}}}},
		"patience": {"distribution": "exponential", "mean": 60},
		"acceptance": {"acceptRate": 0.9, "silentRate": 0.05, "timeoutSeconds": 15},
		"matches": {"returnRate": 0.5, "durationSeconds": 600}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "tuesday" || p.Seed != 9 || p.StartHour != 18 {
		t.Errorf("header: %+v", p)
	}
	if got := p.PlayersPerDay(); math.Abs(got-2400) > 1e-6 {
		t.Errorf("players a day: %v", got)
	}
	skill := p.Attributes[0]
	if skill.Name != "skill" || skill.Number.Mean != 50 || skill.Number.Min != 0 || skill.PartyCorrelation != 0.5 {
		t.Errorf("skill: %+v", skill)
	}
	if mode := p.Attributes[1]; !mode.PerPlayer || mode.Words[0] != (Word{"solo", 3}) {
		t.Errorf("mode: %+v", mode)
	}
	if maps := p.Attributes[2]; maps.PickMin != 1 || maps.PickMax != 2 {
		t.Errorf("maps: %+v", maps)
	}
	if loadout := p.Attributes[3]; len(loadout.Keys) != 2 || loadout.Keys[0].Number.At(3) != 10 {
		t.Errorf("loadout: %+v", loadout)
	}
	if len(p.Parties) != 2 || p.Parties[0] != (PartySize{1, 4}) {
		t.Errorf("parties: %+v", p.Parties)
	}
	if r := p.Regions[0]; r.Weight != 1 || r.Latencies[0] != (Latency{"home", 20, 0}) {
		t.Errorf("regions: %+v", p.Regions)
	}
	if p.Patience.Mean != 60 || p.Acceptance.TimeoutSeconds != 15 || p.Return.Rate != 0.5 {
		t.Errorf("patience %v, acceptance %v, return %v", p.Patience, p.Acceptance, p.Return)
	}
}

func TestAnEmptyPopulationHasDefaultsAndEndlessPatience(t *testing.T) {
	p, err := ParsePopulation([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	byDefault := DefaultPopulation()
	if p.PlayersPerDay() != byDefault.PlayersPerDay() || len(p.Regions) != len(byDefault.Regions) || len(p.Parties) != len(byDefault.Parties) {
		t.Errorf("not the defaults: %+v", p)
	}
	if p.Patience != nil || p.Acceptance != nil || p.Return != nil {
		t.Errorf("patience %v, acceptance %v, return %v: none was given", p.Patience, p.Acceptance, p.Return)
	}
}

func TestHoursWithoutATotalArePlayersAnHour(t *testing.T) {
	p, err := ParsePopulation([]byte(`{"arrivalsByHour": [` + strings.Repeat("0,", 23) + `50]}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.PlayersByHour[23] != 50 || p.PlayersPerDay() != 50 {
		t.Errorf("players by hour: %v", p.PlayersByHour)
	}
}

func TestWrongPopulationsAreRefusedByTheKeyThatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"nothing", ``, "not JSON, near line 1"},
		{"half an object", "{\n\"name\":", "not JSON, near line 2"},
		{"a second value", `{} {}`, "something follows"},
		{"a list", `[]`, "must be an object"},
		{"an unknown key", `{"playerPerDay": 3}`, "playerPerDay: unknown key; there are name,"},
		{"a key twice", `{"seed": 1, "seed": 2}`, "seed: given twice"},
		{"a seed in quotes", `{"seed": "1"}`, "seed: must be a number, not a string"},
		{"a broken seed", `{"seed": 1.5}`, "seed: must be a whole number"},
		{"an hour too late", `{"startHour": 24}`, "startHour: must be from 0 to 23, not 24"},
		{"nobody", `{"playersPerDay": 0}`, "playersPerDay: must be from 1"},
		{"a day of three hours", `{"arrivalsByHour": [1, 2, 3]}`, "arrivalsByHour: must be a list of 24 numbers"},
		{"a day without players", `{"arrivalsByHour": [` + strings.Repeat("0,", 23) + `0]}`, "arrivalsByHour: must add up"},
		{"a day of a hair", `{"playersPerDay": 5, "arrivalsByHour": [` + strings.Repeat("0,", 23) + `1e-300]}`, "arrivalsByHour: must add up"},
		{"a negative hour", `{"arrivalsByHour": [` + strings.Repeat("1,", 23) + `-1]}`, "arrivalsByHour[23]: must be from 0"},
		{"a deviation below zero", `{"attributes": {"skill": {"distribution": "normal", "mean": 1, "deviation": -3}}}`, "attributes.skill.deviation: must be 0 or more, not -3"},
		{"a missing mean", `{"attributes": {"skill": {"distribution": "normal", "deviation": 1}}}`, "attributes.skill.mean: is required"},
		{"an unknown shape", `{"attributes": {"skill": {"distribution": "gauss"}}}`, `attributes.skill.distribution: must be one of constant, exponential, histogram`},
		{"no shape", `{"attributes": {"skill": {}}}`, "attributes.skill.distribution: must be one of"},
		{"a key of another shape", `{"attributes": {"skill": {"distribution": "uniform", "min": 0, "max": 1, "mean": 3}}}`, "attributes.skill.mean: unknown key"},
		{"max below min", `{"attributes": {"skill": {"distribution": "uniform", "min": 2, "max": 1}}}`, "attributes.skill.max: must be at least min, which is 2"},
		{"bins that overlap", `{"attributes": {"s": {"distribution": "histogram", "bins": [{"from": 0, "to": 5, "weight": 1}, {"from": 4, "to": 6, "weight": 1}]}}}`, "attributes.s.bins[1]: bins must ascend from 5"},
		{"bins without weight", `{"attributes": {"s": {"distribution": "histogram", "bins": [{"from": 0, "to": 5, "weight": 0}]}}}`, "attributes.s.bins: the weights must not all be 0"},
		{"correlation above one", `{"attributes": {"s": {"distribution": "constant", "value": 1, "partyCorrelation": 2}}}`, "attributes.s.partyCorrelation: must be from 0 to 1"},
		{"values without weight", `{"attributes": {"mode": {"values": {"a": 0}}}}`, "attributes.mode.values: one weight at least"},
		{"more picks than values", `{"attributes": {"maps": {"values": {"a": 1}, "pick": 2}}}`, "attributes.maps.pick: must be from 0 to 1"},
		{"picks that fall", `{"attributes": {"maps": {"values": {"a": 1, "b": 1}, "pick": [2, 1]}}}`, "attributes.maps.pick: must be whole numbers that do not fall"},
		{"a party of eleven", `{"parties": {"11": 1}}`, "parties.11: a party size is a whole number from 1 to 10"},
		{"a party of some", `{"parties": {"some": 1}}`, "parties.some: a party size"},
		{"no regions", `{"regions": {}}`, "regions: must be an object"},
		{"a latency of zero", `{"regions": {"eu": {"latency": {"home": 0}}}}`, "regions.eu.latency.home: must be from 1"},
		{"a region that is nowhere", `{"regions": {"eu": {"weight": 3}}}`, "regions.eu.latency: is required: an object: one location"},
		{"a region far from nowhere", `{"regions": {"eu": {"latency": {}}}}`, "regions.eu.latency: must be an object: one location"},
		{"patience below zero", `{"patience": -1}`, "patience: must be 0 or more"},
		{"more answers than players", `{"acceptance": {"acceptRate": 0.9, "silentRate": 0.2}}`, "acceptance: acceptRate and silentRate"},
		{"a match without an end", `{"matches": {"returnRate": 0.5}}`, "matches.durationSeconds: is required"},
		{"players who always return", `{"matches": {"returnRate": 1, "durationSeconds": 60}}`, "matches.returnRate: must be from 0 to 0.99"},
		{"recorded and invented", `{"recorded": "t.jsonl", "parties": {"1": 1}}`, "parties: does not go with recorded"},
		{"deeper than anything", `{"name": ` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`, "nested more than"},
		{"a number beyond bounds", `{"seed": 1e999}`, "seed: a number beyond all bounds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePopulation([]byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			var problems Problems
			if !errors.As(err, &problems) {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func TestAllProblemsAreTold(t *testing.T) {
	_, err := ParsePopulation([]byte(`{"seed": -1, "startHour": 99, "color": 1}`))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Errorf("got %v, want three problems", err)
	}
}

func TestExamplePopulationsAreRead(t *testing.T) {
	files, err := filepath.Glob("../../examples/populations/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePopulation(body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, line := range p.Lines() {
			if strings.Contains(line, "NaN") || strings.Contains(line, "Inf") {
				t.Errorf("%s: %q", file, line)
			}
		}
	}
}

func FuzzParsePopulation(f *testing.F) {
	for _, file := range []string{"evening.json", "night.json"} {
		body, err := os.ReadFile("../../examples/populations/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"attributes": {"s": {"distribution": "uniform", "min": -1, "max": 1}, "m": {"values": {"a": 1}, "pick": [0, 1]}}}`))
	f.Add([]byte(`{"attributes": {"s": {"keys": {"a": 3}}}, "matches": {"returnRate": 0.5, "durationSeconds": 5}}`))
	rules := mustParse(f, "open", openRules)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := ParsePopulation(body)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		if len(p.Lines()) == 0 {
			t.Error("a population without words")
		}
		w, err := newWorld(p, rules, p.Seed)
		if err != nil || p.Recorded != "" {
			return
		}
		for i := range uint64(3) {
			one := w.invent(i)
			if len(one.players) == 0 || len(one.players) > maxParty {
				t.Errorf("a party of %d", len(one.players))
			}
			for _, member := range one.players {
				if v := member.Attributes["skill"]; math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
					t.Errorf("skill %v", v.Number)
				}
			}
		}
		newArrivals(w)
	})
}
