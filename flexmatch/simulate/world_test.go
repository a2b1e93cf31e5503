package simulate

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/flexmatch"
	"muster/flexmatch/simulate/internal/spell"
)

func TestUnmentionedAttributesAreSupposedAndSaid(t *testing.T) {
	const body = `{
		"ruleLanguageVersion": "1.0",
		"playerAttributes": [
			{"name": "rating", "type": "number", "default": 50},
			{"name": "boss", "type": "number", "default": 0},
			{"name": "role", "type": "string", "default": "fighter"},
			{"name": "hero", "type": "string"},
			{"name": "level", "type": "number"},
			{"name": "league", "type": "number"},
			{"name": "map", "type": "string"},
			{"name": "mode", "type": "string", "default": "duel"},
			{"name": "blocked", "type": "string_list"},
			{"name": "levels", "type": "string_number_map", "default": {}}
		],
		"teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 4}],
		"rules": [
			{"name": "boss", "type": "comparison", "operation": "=", "measurements": ["max(teams[a].players.attributes[boss])"], "referenceValue": 1},
			{"name": "same", "type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[level])"]},
			{"name": "league", "type": "batchDistance", "batchAttribute": "league", "maxDistance": 2},
			{"name": "medic", "type": "collection", "operation": "contains", "measurements": ["teams[a].players.attributes[role]"], "referenceValue": "medic", "maxCount": 1},
			{"name": "heroes", "type": "comparison", "operation": "!=", "measurements": ["flatten(teams[*].players.attributes[hero])"]}
		]
	}`
	rules := mustParse(t, "rules", body)
	w, err := newWorld(DefaultPopulation().fit([]Rules{rules}), rules, 1)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(w.notes, "\n")
	for _, want := range []string{
		`"rating" is not in the population: taken as normal, mean 50, deviation 10`,
		`"boss" is not in the population: its default and what the rules name`,
		`medic 25 %, fighter 75 %`,
		`"hero" is not in the population, and the rules want it different`,
		`"map" is not in the population: everybody has the same value`,
		`"mode" is not in the population: everybody has the rule set's default`,
		`"levels" is not in the population: everybody has the rule set's default`,
		`parties have at most 4 players, as the largest team`,
		`"level" is not in the population: one of the whole numbers from 1 to 10, each as often`,
		`"league" is not in the population: taken as normal, mean 1500, deviation 300`,
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in\n%s", want, notes)
		}
	}
	if w.skill != "rating" || len(w.bounds) != 9 {
		t.Errorf("skill is %q with borders %v", w.skill, w.bounds)
	}
	seen := map[float64]bool{}
	for i := range uint64(50) {
		p := w.invent(i)
		for _, one := range p.players {
			if err := w.rules.Set.CheckTicket(flexmatch.Ticket{ID: "t", Players: []flexmatch.Player{one}}); err != nil {
				t.Fatal(err)
			}
			seen[one.Attributes["boss"].Number] = true
			if _, sent := one.Attributes["mode"]; sent {
				t.Error("an attribute that all have by default is sent")
			}
		}
	}
	if len(seen) != 2 || !seen[0] || !seen[1] {
		t.Errorf("boss is one of %v, want 0 and 1", seen)
	}
}

// The players of a comparison do not follow the rule that is compared.
func TestHowFarRulesReachChangesNothingAboutWhoPlays(t *testing.T) {
	const body = `{
		"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
		"teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
		"rules": [{"name": "near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": %d}]
	}`
	var gaps []float64
	for _, reach := range []string{"5", "500"} {
		other := strings.Replace(body, "%d", "50", 1)
		results := mustRun(t, Options{Duration: time.Hour}, mustParse(t, "a", other), mustParse(t, "b", strings.Replace(body, "%d", reach, 1)))
		if !slices.Equal(results[0].Assumptions, results[1].Assumptions) || results[0].ByDecile[3].Name != results[1].ByDecile[3].Name {
			t.Errorf("with %s, the players differ: %q and %q", reach, results[0].Assumptions, results[1].Assumptions)
		}
		gaps = append(gaps, results[1].SkillGap.P90)
	}
	if gaps[0] >= gaps[1]/10 {
		t.Errorf("skill gaps of %v under 5 and %v under 500", gaps[0], gaps[1])
	}
}

func TestASkillAttributeThatNoRuleSetDeclaresIsRefused(t *testing.T) {
	p := DefaultPopulation()
	p.SkillAttribute = "nope"
	open := mustParse(t, "open", openRules)
	_, err := Run(t.Context(), []Rules{open}, Options{Population: p, Duration: time.Minute})
	if want := `skillAttribute: no rule set declares a number attribute "nope"; there are skill`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	p.SkillAttribute = "rank"
	ranked := mustParse(t, "ranked", strings.ReplaceAll(openRules, `"skill"`, `"rank"`))
	results := mustRun(t, Options{Population: p, Duration: time.Minute}, ranked, open)
	if results[0].SkillAttribute != "rank" || results[1].SkillAttribute != "" {
		t.Errorf("skill is %q and %q", results[0].SkillAttribute, results[1].SkillAttribute)
	}
	if want := `"rank" is not declared: there are no figures of skill`; !slices.Contains(results[1].Assumptions, want) {
		t.Errorf("%q lacks %q", results[1].Assumptions, want)
	}
}

func TestPartiesThatNoTeamTakesAreWarnedOf(t *testing.T) {
	p, err := ParsePopulation([]byte(`{"parties": {"1": 3, "2": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	rules := mustParse(t, "open", openRules)
	r := mustRun(t, Options{Population: p, Duration: time.Hour}, rules)[0]
	if want := "25 % of parties are bigger than the largest team (1): they can never be matched"; !slices.Contains(r.Assumptions, want) {
		t.Errorf("%q lacks %q", r.Assumptions, want)
	}
	if last := r.BySize[len(r.BySize)-1]; last.Name != "2" || last.Players.Matched > 0 || last.Players.Queued == 0 {
		t.Errorf("pairs: %+v", last)
	}
}

func TestPopulationsThatDoNotFitTheRulesAreRefused(t *testing.T) {
	const rules = `{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "x", "type": "%TYPE"}], "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 2}]}`
	for _, c := range []struct{ name, kind, population, want string }{
		{"numbers for a string", "string", `{"attributes": {"x": 3}}`, `attributes.x: rules declares a string, so give "values"`},
		{"words for a number", "number", `{"attributes": {"x": {"values": {"a": 1}}}}`, `attributes.x: rules declares a number, so give "distribution"`},
		{"words for a map", "string_number_map", `{"attributes": {"x": {"values": {"a": 1}}}}`, `so give "keys"`},
		{"nothing for a map", "string_number_map", `{}`, `attributes.x: rules declares a string_number_map without default`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParsePopulation([]byte(c.population))
			if err != nil {
				t.Fatal(err)
			}
			_, err = newWorld(p, mustParse(t, "rules", strings.Replace(rules, "%TYPE", c.kind, 1)), 1)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// world of a population over trioRules.
func trioWorld(t *testing.T, population string) *world {
	t.Helper()
	p, err := ParsePopulation([]byte(population))
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(p, mustParse(t, "trio", trioRules), 1)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestPartyMembersCorrelateAsMuchAsSaid(t *testing.T) {
	for _, want := range []float64{0, 0.6, 1} {
		w := trioWorld(t, `{"parties": {"2": 1}, "attributes": {"skill": {"distribution": "normal", "mean": 0, "deviation": 1, "partyCorrelation": `+spell.Number(want)+`}, "mode": {"values": {"a": 1}}}}`)
		const n = 5000
		var xy, xx float64
		for i := range uint64(n) {
			p := w.invent(i)
			a, b := p.members[0].skill, p.members[1].skill
			xy, xx = xy+a*b, xx+(a*a+b*b)/2
		}
		if got := xy / xx; math.Abs(got-want) > 0.05 {
			t.Errorf("correlation %v, want %v", got, want)
		}
	}
}

func TestWeightsDecideHowOftenThingsOccur(t *testing.T) {
	w := trioWorld(t, `{"parties": {"1": 3, "2": 1}, "attributes": {"skill": 5, "mode": {"values": {"a": 9, "b": 1, "never": 0}}},
		"regions": {"big": {"weight": 8, "latency": {"x": {"mean": 40, "spread": 10}}}, "small": {"weight": 2, "latency": {"y": 300}}, "none": {"weight": 0, "latency": {"x": 20}}}}`)
	const n = 5000
	pairs, a, big, sum := 0, 0, 0, 0.0
	for i := range uint64(n) {
		p := w.invent(i)
		pairs += len(p.players) - 1
		switch p.players[0].Attributes["mode"].String {
		case "a":
			a++
		case "never":
			t.Fatal("what weighs nothing occurs")
		}
		if p.region == 0 {
			big++
			sum += p.members[0].latencies[0]
			if !math.IsNaN(p.members[0].latencies[1]) || p.players[0].LatencyInMs["x"] < 1 {
				t.Fatalf("latencies %v, %v", p.members[0].latencies, p.players[0].LatencyInMs)
			}
		}
	}
	for name, c := range map[string]struct{ got, want float64 }{
		"pairs": {float64(pairs) / n, 0.25}, "mode a": {float64(a) / n, 0.9}, "region big": {float64(big) / n, 0.8}, "latency": {sum / float64(big) / 40, 1},
	} {
		if math.Abs(c.got-c.want) > 0.03 {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestArrivalsFollowTheHours(t *testing.T) {
	p := DefaultPopulation()
	p.PlayersByHour = [24]float64{23: 3000, 1: 1000}
	p.StartHour, p.Parties = 22, []PartySize{{2, 1}}
	w, err := newWorld(p, mustParse(t, "open", openRules), 1)
	if err != nil {
		t.Fatal(err)
	}
	byHour := map[int]int{}
	for a := newArrivals(w); a.at < 10*time.Hour; {
		hour := (22 + int(a.at/time.Hour)) % 24
		byHour[hour] += len(a.take().players)
	}
	if len(byHour) != 2 || math.Abs(float64(byHour[23])-3000) > 300 || math.Abs(float64(byHour[1])-1000) > 160 {
		t.Errorf("players by hour: %v", byHour)
	}
}

func TestDecilesHoldATenthEach(t *testing.T) {
	w := trioWorld(t, `{"attributes": {"skill": {"distribution": "lognormal", "median": 100, "sigma": 1}}}`)
	var tenths [10]int
	const n = 10_000
	total := 0
	for i := range uint64(n) {
		for _, m := range w.invent(i).members {
			tenths[w.decile(m.skill)]++
			total++
		}
	}
	for i, got := range tenths {
		if share := float64(got) / float64(total); math.Abs(share-0.1) > 0.02 {
			t.Errorf("tenth %d holds %v", i, share)
		}
	}
}

func TestTheBestCommonLocationHasTheLeastAverage(t *testing.T) {
	none := math.NaN()
	make := func(latencies ...[]float64) []*ticket {
		p := &party{}
		for _, l := range latencies {
			p.members = append(p.members, member{latencies: l})
		}
		return []*ticket{{party: p}}
	}
	for _, c := range []struct {
		name string
		in   []*ticket
		want int
	}{
		{"one player's nearest", make([]float64{50, 20, 90}), 1},
		{"the least average wins", make([]float64{50, 20, 90}, []float64{50, 120, 100}), 0},
		{"what one does not report is out", make([]float64{none, 20, 90}, []float64{5, none, 100}), 2},
		{"nothing in common", make([]float64{none, 20}, []float64{5, none}), -1},
	} {
		if got := common(c.in, len(c.in[0].party.members[0].latencies)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
