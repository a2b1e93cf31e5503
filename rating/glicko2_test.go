package rating_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/rating"
)

// Glickman's example: a player of 1500, RD 200, beats one of 1400 (RD 30) and loses to
// 1550 (RD 100) and 1700 (RD 300), in one period. Source: "Example of the Glicko-2
// system", 2022, page 4, rounded as printed there: 1464.06, 151.52, 0.05999. Here the
// period is a match of everyone for themselves; the others' duels change nothing of it.
func TestGlickmansExample(t *testing.T) {
	m := rating.Match{
		Teams: [][]rating.Rating{
			{{Mu: 1500, Sigma: 200, Volatility: 0.06}},
			{{Mu: 1400, Sigma: 30, Volatility: 0.06}},
			{{Mu: 1550, Sigma: 100, Volatility: 0.06}},
			{{Mu: 1700, Sigma: 300, Volatility: 0.06}},
		},
		Ranks: []int{2, 3, 1, 1},
	}
	got := rating.Glicko2{Tau: 0.5}.Rate(m)[0][0]
	if math.Abs(got.Mu-1464.06) > 0.02 || math.Abs(got.Sigma-151.52) > 0.01 || math.Abs(got.Volatility-0.05999) > 1e-5 {
		t.Errorf("got %v, want 1464.06, 151.52, 0.05999", got)
	}
}

// Two new players, by hand: g(phi) and E=1/2 give v = 4/g², and with the volatility
// left almost where it was phi' and mu' follow from steps 6 and 7.
func TestAGlickoWinBetweenNewPlayers(t *testing.T) {
	start := rating.Glicko2{}.Start()
	got := rating.Glicko2{}.Rate(rating.Match{Teams: duel(start, start)})
	phi := 350 / 173.7178
	g := 1 / math.Sqrt(1+3*phi*phi/(math.Pi*math.Pi))
	variance := 1 / (1/(phi*phi+0.06*0.06) + g*g/4)
	wantMu, wantSigma := 1500+173.7178*variance*g/2, 173.7178*math.Sqrt(variance)
	if math.Abs(got[0][0].Mu-wantMu) > 1e-3 || math.Abs(got[0][0].Sigma-wantSigma) > 1e-3 {
		t.Errorf("got %v, want %v, %v", got[0][0], wantMu, wantSigma)
	}
	if !near(got[0][0].Mu+got[1][0].Mu, 3000) || got[0][0].Sigma != got[1][0].Sigma {
		t.Errorf("equals end unequal: %v", got)
	}
}

func TestATeamOfEqualsCountsLikeOneOfThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := glickoMatch(t)
		clones := rating.Match{Ranks: m.Ranks}
		for i := range m.Teams {
			m.Teams[i] = m.Teams[i][:1]
			n := rapid.IntRange(1, 5).Draw(t, "clones")
			team := make([]rating.Rating, n)
			for j := range team {
				team[j] = m.Teams[i][0]
			}
			clones.Teams = append(clones.Teams, team)
		}
		want := rating.Glicko2{}.Rate(m)
		for i, team := range (rating.Glicko2{}).Rate(clones) {
			for _, r := range team {
				if d := farthest([][]rating.Rating{{r}}, want[i:i+1]); d > 1e-8 {
					t.Fatalf("a clone of team %d has %v, alone it would have %v", i, r, want[i][0])
				}
			}
		}
	})
}

// An erratic player's volatility rises, a steady one's falls.
func TestVolatilityFollowsSurprise(t *testing.T) {
	g := rating.Glicko2{Tau: 1.2}
	steady := rating.Rating{Mu: 1500, Sigma: 40, Volatility: 0.06}
	erratic, calm := steady, steady
	strong, weak := rating.Rating{Mu: 2300, Sigma: 40, Volatility: 0.06}, rating.Rating{Mu: 700, Sigma: 40, Volatility: 0.06}
	for range 20 {
		erratic = g.Rate(rating.Match{Teams: duel(erratic, strong)})[0][0]
		erratic = g.Rate(rating.Match{Teams: duel(erratic, weak), Ranks: []int{2, 1}})[0][0]
		calm = g.Rate(rating.Match{Teams: duel(calm, weak)})[0][0]
		calm = g.Rate(rating.Match{Teams: duel(calm, strong), Ranks: []int{2, 1}})[0][0]
	}
	if erratic.Volatility <= 0.06 || calm.Volatility >= 0.06 {
		t.Errorf("volatilities are %v and %v, want more and less than 0.06", erratic.Volatility, calm.Volatility)
	}
}

func TestGlickoWeightsCountAsPartsOfDuels(t *testing.T) {
	a, b := rating.Rating{Mu: 1600, Sigma: 90, Volatility: 0.06}, rating.Rating{Mu: 1500, Sigma: 120, Volatility: 0.06}
	teams := duel(a, b)
	whole := rating.Glicko2{}.Rate(rating.Match{Teams: teams})
	half := rating.Glicko2{}.Rate(rating.Match{Teams: teams, Weights: [][]float64{{0.5}, {0}}})
	if half[1][0] != b {
		t.Errorf("who did not play went from %v to %v", b, half[1][0])
	}
	gain, halfGain := whole[0][0].Mu-a.Mu, half[0][0].Mu-a.Mu
	if halfGain <= 0.45*gain || halfGain >= 0.6*gain || half[0][0].Sigma <= whole[0][0].Sigma {
		t.Errorf("half a match makes %v of %v, a whole one %v", half[0][0], a, whole[0][0])
	}
}

func TestGlickoPlayersGrowUnsureWithTime(t *testing.T) {
	sure := rating.Rating{Mu: 1800, Sigma: 50, Volatility: 0.06}
	const day = 24 * time.Hour
	after := func(periods float64) float64 {
		step := 0.06 * 173.7178
		return math.Sqrt(50*50 + periods*step*step)
	}
	for _, c := range []struct {
		name   string
		system rating.Glicko2
		idle   time.Duration
		want   float64
	}{
		{"a period", rating.Glicko2{}, day, after(1)},
		{"half a period", rating.Glicko2{}, day / 2, after(0.5)},
		{"a hundred periods of an hour", rating.Glicko2{Period: time.Hour}, 100 * time.Hour, after(100)},
		{"never more unsure than a new player", rating.Glicko2{}, 100 * 365 * day, 350},
		{"a clock that went back", rating.Glicko2{}, -day, 50},
		{"no periods", rating.Glicko2{Period: -1}, 365 * day, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.system.Idle(sure, c.idle); !near(got.Sigma, c.want) || got.Mu != 1800 {
				t.Errorf("got %v, want a sigma of %v", got, c.want)
			}
		})
	}
}

func TestGlickoStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := glickoMatch(t)
		g := rating.Glicko2{Tau: rapid.Float64Range(0.2, 1.2).Draw(t, "tau")}
		for i, team := range g.Rate(m) {
			for j, r := range team {
				before := m.Teams[i][j]
				if r.Sigma <= 0 || r.Sigma > 350 || r.Volatility <= 0 || r.Volatility > 10 {
					t.Fatalf("%v became %v", before, r)
				}
				if most := math.Hypot(before.Sigma, r.Volatility*173.7178); r.Sigma > most*(1+1e-12) {
					t.Fatalf("sigma grew from %v to %v, more than to %v", before.Sigma, r.Sigma, most)
				}
			}
		}
	})
}
