package rating_test

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/rating"
)

var models = []rating.Model{
	rating.PlackettLuce, rating.BradleyTerryFull, rating.BradleyTerryPart,
	rating.ThurstoneMostellerFull, rating.ThurstoneMostellerPart,
}

// vector is a match and what npm openskill 5.0.1 makes of it (testdata/openskill.mjs).
// A rating is the pair of mu and sigma.
type vector struct {
	Name    string
	Options struct {
		Beta, Tau  *float64
		LimitSigma bool
	}
	Ranks         []int
	Before, After [][][2]float64
}

func (v vector) system() rating.WengLin {
	w := rating.WengLin{LimitSigma: v.Options.LimitSigma}
	if v.Options.Beta != nil {
		w.Beta = *v.Options.Beta
	}
	if tau := v.Options.Tau; tau != nil {
		w.Tau = *tau
		if *tau == 0 {
			w.Tau = -1 // none
		}
	}
	return w
}

func ratings(pairs [][][2]float64) [][]rating.Rating {
	teams := make([][]rating.Rating, len(pairs))
	for i, team := range pairs {
		for _, p := range team {
			teams[i] = append(teams[i], rating.Rating{Mu: p[0], Sigma: p[1]})
		}
	}
	return teams
}

func TestPlackettLuceAgreesWithOpenSkill(t *testing.T) {
	text, err := os.ReadFile("testdata/openskill.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 80 {
		t.Fatalf("only %d matches", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			got, want := v.system().Rate(rating.Match{Teams: ratings(v.Before), Ranks: v.Ranks}), ratings(v.After)
			if !nearAll(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// The numbers that other implementations publish as well.
func TestAWinBetweenNewPlayers(t *testing.T) {
	got := rating.WengLin{}.Rate(rating.Match{Teams: duel(rating.Default(), rating.Default())})
	want := [][]rating.Rating{{{Mu: 27.63539, Sigma: 8.06590}}, {{Mu: 22.36461, Sigma: 8.06590}}}
	for i := range want {
		if math.Abs(got[i][0].Mu-want[i][0].Mu) > 1e-5 || math.Abs(got[i][0].Sigma-want[i][0].Sigma) > 1e-5 {
			t.Errorf("team %d: got %v, want %v", i, got[i][0], want[i][0])
		}
	}
}

// For equals every model can be worked out by hand. With s the variance of a player and
// c² = 2s + 2·beta², Bradley-Terry expects 1/2, so a win moves Mu by s/2c and takes
// (1/4)(s/c²)(sqrt(s)/c) of the variance. Thurstone-Mosteller moves it by s/c·V, with V
// the density over the probability at -epsilon/c.
func TestEqualsWorkedOutByHand(t *testing.T) {
	const s, beta2 = 9.0, 16.0
	system := rating.WengLin{Beta: 4, Tau: -1}
	c := math.Sqrt(2*s + 2*beta2)
	gamma := 3 / c
	at := func(model rating.Model) float64 { // epsilon/c
		if model == rating.ThurstoneMostellerPart {
			return 0.1 / (2 * c)
		}
		return 0.1 / c
	}
	for _, model := range models {
		system.Model = model
		wantMu, wantPart := s/c/2, s/(c*c)*gamma/4
		if model == rating.ThurstoneMostellerFull || model == rating.ThurstoneMostellerPart {
			scale, gamma := c, gamma
			if model == rating.ThurstoneMostellerPart {
				scale, gamma = 2*c, gamma/2
			}
			e := at(model)
			v := math.Exp(-e*e/2) / math.Sqrt(2*math.Pi) / (0.5 * math.Erfc(e/math.Sqrt2))
			wantMu, wantPart = s/scale*v, s/(scale*scale)*gamma*v*(v-e)
		}
		a, b := rating.Rating{Mu: 20, Sigma: 3}, rating.Rating{Mu: 20, Sigma: 3}
		got := system.Rate(rating.Match{Teams: duel(a, b), Ranks: []int{2, 1}})
		sigma := 3 * math.Sqrt(1-wantPart)
		want := duel(rating.Rating{Mu: 20 - wantMu, Sigma: sigma}, rating.Rating{Mu: 20 + wantMu, Sigma: sigma})
		if !nearAll(got, want) {
			t.Errorf("model %d: got %v, want %v", model, got, want)
		}
		drawn := system.Rate(rating.Match{Teams: duel(a, b), Ranks: []int{1, 1}})
		if drawn[0][0].Mu != 20 || drawn[0][0] != drawn[1][0] || drawn[0][0].Sigma >= 3 {
			t.Errorf("model %d: equals that draw end at %v", model, drawn)
		}
	}
}

// Both sides of a huge upset: the probability has no digits left, the limit has.
func TestAnUpsetBeyondAllDigitsMovesByItsDistance(t *testing.T) {
	for _, model := range []rating.Model{rating.ThurstoneMostellerFull, rating.ThurstoneMostellerPart} {
		for _, apart := range []float64{40, 60, 100, 1000, 1e6} {
			strong, weak := rating.Rating{Mu: apart, Sigma: 2}, rating.Rating{Mu: 0, Sigma: 2}
			got := rating.WengLin{Model: model}.Rate(rating.Match{Teams: duel(strong, weak), Ranks: []int{2, 1}})
			c2 := 2*(4+25.0/300*25/300) + 2*25.0/6*25/6
			if model == rating.ThurstoneMostellerPart {
				c2 *= 4
			}
			least := 0.99 * apart * (4 / c2)
			if got[1][0].Mu < least || got[0][0].Mu > apart-least || got[1][0].Sigma > 2 {
				t.Errorf("model %d, %v apart: %v, want a move of at least %v", model, apart, got, least)
			}
		}
	}
}

func TestGammaChoosesHowFastSigmaShrinks(t *testing.T) {
	match := rating.Match{Teams: [][]rating.Rating{{rating.Default()}, {rating.Default()}, {rating.Default()}}}
	for _, model := range models {
		settled := func(gamma rating.Gamma) float64 {
			sigma := rating.WengLin{Model: model, Gamma: gamma, Tau: -1}.Rate(match)[1][0].Sigma
			return 1 - sigma*sigma/(rating.Default().Sigma*rating.Default().Sigma)
		}
		none, teams, deviation := settled(rating.GammaNone), settled(rating.GammaTeams), settled(rating.GammaDeviation)
		if !near(teams, none/3) || deviation >= none || deviation <= 0 {
			t.Errorf("model %d settles %v of the variance, of three teams %v, by the deviation %v", model, none, teams, deviation)
		}
	}
}

func TestHalfAMatchTeachesHalfAsMuch(t *testing.T) {
	teams := duel(rating.Rating{Mu: 30, Sigma: 4}, rating.Rating{Mu: 20, Sigma: 6})
	for _, model := range models {
		w := rating.WengLin{Model: model, Tau: -1}
		whole := w.Rate(rating.Match{Teams: teams})
		half := w.Rate(rating.Match{Teams: teams, Weights: [][]float64{{0.5}, nil}})
		none := w.Rate(rating.Match{Teams: teams, Weights: [][]float64{nil, {0}}})
		settled := func(r rating.Rating) float64 { return 1 - r.Sigma*r.Sigma/16 }
		if !near(half[0][0].Mu-30, (whole[0][0].Mu-30)/2) || !near(settled(half[0][0]), settled(whole[0][0])/2) || half[1][0] != whole[1][0] {
			t.Errorf("model %d: %v for half a match, %v for a whole one", model, half, whole)
		}
		if none[0][0] != whole[0][0] || none[1][0] != teams[1][0] {
			t.Errorf("model %d: who did not play went from %v to %v", model, teams[1][0], none[1][0])
		}
	}
}

func TestUnknownModelsAndGammasCountAsTheDefault(t *testing.T) {
	match := rating.Match{Teams: duel(rating.Default(), rating.Rating{Mu: 30, Sigma: 2})}
	if got, want := (rating.WengLin{Model: 99, Gamma: 99}).Rate(match), (rating.WengLin{}).Rate(match); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// In partial pairing the ranking is a ladder: who is two steps away changes nothing.
func TestOnlyNeighboursCountInPartialPairing(t *testing.T) {
	for _, model := range []rating.Model{rating.BradleyTerryPart, rating.ThurstoneMostellerPart} {
		after := func(last float64) rating.Rating {
			teams := [][]rating.Rating{{{Mu: 25, Sigma: 5}}, {{Mu: 26, Sigma: 4}}, {{Mu: last, Sigma: 3}}}
			return rating.WengLin{Model: model}.Rate(rating.Match{Teams: teams})[0][0]
		}
		if after(10) != after(60) {
			t.Errorf("model %d: the winner's rating depends on the last", model)
		}
	}
}

// What one gains another loses, each measured by how unsure it was: no model makes
// points out of nothing.
func TestPointsAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := match(t)
		w := rating.WengLin{Model: rapid.SampledFrom(models).Draw(t, "model"), Tau: -1}
		balance, moved := 0.0, 0.0
		for i, team := range w.Rate(m) {
			change, variance := 0.0, 0.0
			for j, r := range team {
				change += r.Mu - m.Teams[i][j].Mu
				variance += m.Teams[i][j].Sigma * m.Teams[i][j].Sigma
			}
			balance += change / variance
			moved += math.Abs(change) / variance
		}
		if math.Abs(balance) > 1e-6*(1+moved) {
			t.Fatalf("%v too many of %v", balance, moved)
		}
	})
}

func TestSigmaGrowsByNoMoreThanTau(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, model := match(t), rapid.SampledFrom(models).Draw(t, "model")
		const tau = 0.5
		drifting := rating.WengLin{Model: model, Tau: tau}.Rate(m)
		limited := rating.WengLin{Model: model, Tau: tau, LimitSigma: true}.Rate(m)
		still := rating.WengLin{Model: model, Tau: -1}.Rate(m)
		for i, team := range m.Teams {
			for j, before := range team {
				if most := math.Hypot(before.Sigma, tau); drifting[i][j].Sigma > most*(1+1e-12) {
					t.Fatalf("sigma grew from %v to %v, more than %v", before.Sigma, drifting[i][j].Sigma, most)
				}
				if limited[i][j].Sigma > before.Sigma || still[i][j].Sigma > before.Sigma*(1+1e-12) {
					t.Fatalf("sigma grew from %v to %v and %v", before.Sigma, limited[i][j].Sigma, still[i][j].Sigma)
				}
				if least := before.Sigma * 0.01; still[i][j].Sigma < least*(1-1e-12) {
					t.Fatalf("sigma fell from %v to %v, by more than kappa allows", before.Sigma, still[i][j].Sigma)
				}
			}
		}
	})
}

func TestOptionsThatMakeNoSenseCountAsTheDefault(t *testing.T) {
	m := rating.Match{Teams: duel(rating.Default(), rating.Rating{Mu: 30, Sigma: 2})}
	nan, inf := math.NaN(), math.Inf(1)
	for _, w := range []rating.WengLin{
		{Beta: nan},
		{Beta: inf},
		{Beta: -1},
		{Tau: nan},
		{Tau: inf},
		{Kappa: nan},
		{Kappa: inf},
		{Kappa: -1},
		{Epsilon: nan},
		{Epsilon: -1},
		{New: rating.Rating{Mu: nan, Sigma: 3}},
		{New: rating.Rating{Mu: 30, Sigma: -3}},
	} {
		for _, model := range models {
			w.Model = model
			want := rating.WengLin{Model: model}.Rate(m)
			if got := w.Rate(m); !reflect.DeepEqual(got, want) || w.Start() != rating.Default() {
				t.Errorf("%+v: got %v, want %v", w, got, want)
			}
		}
	}
}

func TestIdlePlayersAreForgotten(t *testing.T) {
	const year = 365 * 24 * time.Hour
	w := rating.WengLin{Forget: year}
	known, start := rating.Rating{Mu: 40, Sigma: 0}, rating.Default()
	for _, c := range []struct {
		name string
		idle time.Duration
		want float64
	}{
		{"not idle", 0, 0},
		{"a clock that went back", -year, 0},
		{"a quarter of the time is half the deviation", year / 4, start.Sigma / 2},
		{"the whole time", year, start.Sigma},
		{"no further than a new player", 100 * year, start.Sigma},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.Idle(known, c.idle); got.Mu != 40 || !near(got.Sigma, c.want) {
				t.Errorf("got %v, want a sigma of %v", got, c.want)
			}
		})
	}
	if got := (rating.WengLin{}).Idle(known, year); got != known {
		t.Errorf("without Forget a year made %v of %v", got, known)
	}
	if got := w.Idle(rating.Rating{Mu: 1, Sigma: 20}, year); got.Sigma != 20 {
		t.Errorf("who was less sure than a new player has sigma %v, want 20", got.Sigma)
	}
}

// Repeated play finds the order of true skill, whatever the start.
func TestTheStrongerEndsAbove(t *testing.T) {
	for _, system := range systems() {
		players := []rating.Rating{system.Start(), system.Start(), system.Start()}
		for range 50 {
			for _, pair := range [][2]int{{0, 1}, {1, 2}, {0, 2}} {
				after := system.Rate(rating.Match{Teams: duel(players[pair[0]], players[pair[1]])})
				players[pair[0]], players[pair[1]] = after[0][0], after[1][0]
			}
		}
		if !slices.IsSortedFunc(players, func(a, b rating.Rating) int { return int(math.Copysign(1, b.Mu-a.Mu)) }) {
			t.Errorf("%+v: got %v", system, players)
		}
		for i, r := range players {
			if r.Sigma > system.Start().Sigma*0.85 {
				t.Errorf("%+v: after 100 matches player %d still has sigma %v", system, i, r.Sigma)
			}
		}
	}
}
