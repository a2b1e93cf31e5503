package rating_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/rating"
)

// system is what all rating systems have.
type system interface {
	Start() rating.Rating
	Rate(m rating.Match) [][]rating.Rating
	Idle(r rating.Rating, idle time.Duration) rating.Rating
}

// systems is one of each.
func systems() []system {
	all := make([]system, 0, len(models)+1)
	for _, model := range models {
		all = append(all, rating.WengLin{Model: model})
	}
	return append(all, rating.Glicko2{})
}

func duel(a, b rating.Rating) [][]rating.Rating { return [][]rating.Rating{{a}, {b}} }

// near allows for another order of the same sums.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

func nearAll(a, b [][]rating.Rating) bool { return farthest(a, b) <= 1e-9 }

// farthest is the greatest difference between ratings of one shape, relative where
// they are greater than 1.
func farthest(a, b [][]rating.Rating) float64 {
	worst := 0.0
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i := range b {
		if len(a[i]) != len(b[i]) {
			return math.Inf(1)
		}
		for j := range b[i] {
			for _, pair := range [][2]float64{
				{a[i][j].Mu, b[i][j].Mu}, {a[i][j].Sigma, b[i][j].Sigma}, {a[i][j].Volatility, b[i][j].Volatility},
			} {
				worst = max(worst, math.Abs(pair[0]-pair[1])/max(1, math.Abs(pair[1])))
			}
		}
	}
	return worst
}

// anySystem draws one with plausible players: those of Glicko-2 are on its scale.
func anySystem(t *rapid.T) (system, func(*rapid.T) rating.Match) {
	s := rapid.SampledFrom(systems()).Draw(t, "system")
	if _, ok := s.(rating.Glicko2); ok {
		return s, glickoMatch
	}
	return s, match
}

// match draws 1 to 6 teams of 1 to 4 plausible players, and their ranks.
func match(t *rapid.T) rating.Match {
	return matchOf(t, func(t *rapid.T) rating.Rating {
		return rating.Rating{Mu: rapid.Float64Range(-50, 100).Draw(t, "mu"), Sigma: rapid.Float64Range(0.01, 20).Draw(t, "sigma")}
	})
}

func glickoMatch(t *rapid.T) rating.Match {
	return matchOf(t, func(t *rapid.T) rating.Rating {
		return rating.Rating{
			Mu: rapid.Float64Range(0, 3500).Draw(t, "mu"), Sigma: rapid.Float64Range(10, 350).Draw(t, "sigma"),
			Volatility: rapid.Float64Range(0.01, 0.2).Draw(t, "volatility"),
		}
	})
}

func matchOf(t *rapid.T, player func(*rapid.T) rating.Rating) rating.Match {
	teams := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(player), 1, 4), 1, 6).Draw(t, "teams")
	return rating.Match{Teams: teams, Ranks: rapid.SliceOfN(rapid.IntRange(-2, 3), len(teams), len(teams)).Draw(t, "ranks")}
}

func TestANewPlayerHasOrdinalZero(t *testing.T) {
	if got := rating.Default().Ordinal(); got != 0 {
		t.Errorf("got %v, want 0", got)
	}
}

func TestOrdinalIsThreeSigmasBelowMu(t *testing.T) {
	if got := (rating.Rating{Mu: 30, Sigma: 2}).Ordinal(); got != 24 {
		t.Errorf("got %v, want 24", got)
	}
}

func TestNothingInNothingOut(t *testing.T) {
	for _, s := range systems() {
		if got := s.Rate(rating.Match{}); len(got) != 0 {
			t.Errorf("%+v: got %v", s, got)
		}
	}
}

func TestATeamWithoutPlayersTakesNoPart(t *testing.T) {
	a, b := []rating.Rating{{Mu: 30, Sigma: 3}}, []rating.Rating{{Mu: 20, Sigma: 6}, rating.Default()}
	for _, s := range systems() {
		got := s.Rate(rating.Match{Teams: [][]rating.Rating{a, {}, b, nil}, Ranks: []int{2, 1, 1, 5}})
		want := s.Rate(rating.Match{Teams: [][]rating.Rating{a, b}, Ranks: []int{2, 1}})
		if !reflect.DeepEqual([][]rating.Rating{got[0], got[2]}, want) || len(got[1]) != 0 || len(got[3]) != 0 {
			t.Errorf("%+v: got %v, want %v with two empty teams", s, got, want)
		}
	}
}

func TestListsOfDifferentLengthsPanic(t *testing.T) {
	one := [][]rating.Rating{{rating.Default()}}
	for _, s := range systems() {
		for _, m := range []rating.Match{
			{Teams: one, Ranks: []int{1, 2}},
			{Teams: one, Weights: [][]float64{{1}, {1}}},
			{Teams: one, Weights: [][]float64{{1, 1}}},
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%+v takes %+v", s, m)
					}
				}()
				s.Rate(m)
			}()
		}
	}
}

// Teams that share a rank keep their order, which partial pairing makes use of.
func TestTheOrderOfTeamsAndPlayersChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, draw := anySystem(t)
		m := draw(t)
		if w, ok := s.(rating.WengLin); ok && (w.Model == rating.BradleyTerryPart || w.Model == rating.ThurstoneMostellerPart) {
			m.Ranks = rapid.Permutation(indices(len(m.Teams))).Draw(t, "ranks without ties")
		}
		want := s.Rate(m)
		order := rapid.Permutation(indices(len(m.Teams))).Draw(t, "order")
		inTeam := make([][]int, len(m.Teams))
		shuffled := rating.Match{Teams: make([][]rating.Rating, len(m.Teams)), Ranks: make([]int, len(m.Teams))}
		for to, from := range order {
			shuffled.Ranks[to] = m.Ranks[from]
			inTeam[to] = rapid.Permutation(indices(len(m.Teams[from]))).Draw(t, "order in team")
			for _, j := range inTeam[to] {
				shuffled.Teams[to] = append(shuffled.Teams[to], m.Teams[from][j])
			}
		}
		back := make([][]rating.Rating, len(m.Teams))
		for to, team := range s.Rate(shuffled) {
			from := order[to]
			back[from] = make([]rating.Rating, len(team))
			for k, j := range inTeam[to] {
				back[from][j] = team[k]
			}
		}
		if d := farthest(back, want); d > 1e-8 {
			t.Fatalf("got %v, want %v: %v apart", back, want, d)
		}
	})
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestOnlyTheOrderOfRanksCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, draw := anySystem(t)
		m := draw(t)
		stretched := rating.Match{Teams: m.Teams, Ranks: make([]int, len(m.Ranks))}
		for i, r := range m.Ranks {
			stretched.Ranks[i] = 1000*r*r*r + 7*r
		}
		if got, want := s.Rate(stretched), s.Rate(m); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestTheFirstGainTheLastLose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, draw := anySystem(t)
		m := draw(t)
		m.Ranks = nil
		after := s.Rate(m)
		last := len(m.Teams) - 1
		if last == 0 {
			return
		}
		for j, r := range after[0] {
			if r.Mu < m.Teams[0][j].Mu {
				t.Fatalf("a winner fell from %v to %v", m.Teams[0][j], r)
			}
		}
		for j, r := range after[last] {
			if r.Mu > m.Teams[last][j].Mu {
				t.Fatalf("a loser rose from %v to %v", m.Teams[last][j], r)
			}
		}
	})
}

func TestADrawOfEqualsMovesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, draw := anySystem(t)
		team := draw(t).Teams[0]
		after := s.Rate(rating.Match{Teams: [][]rating.Rating{team, team}, Ranks: []int{1, 1}})
		if !reflect.DeepEqual(after[0], after[1]) {
			t.Fatalf("equals end at %v and %v", after[0], after[1])
		}
		for j, r := range after[0] {
			if !near(r.Mu, team[j].Mu) {
				t.Fatalf("a draw of equals moved %v to %v", team[j], r)
			}
		}
	})
}

func TestADrawPullsTheStrongerDown(t *testing.T) {
	for _, s := range systems() {
		start := s.Start()
		strong, weak := start, start
		strong.Mu += start.Sigma
		after := s.Rate(rating.Match{Teams: duel(strong, weak), Ranks: []int{1, 1}})
		if after[0][0].Mu >= strong.Mu || after[1][0].Mu <= weak.Mu {
			t.Errorf("%+v: %v and %v draw and become %v", s, strong, weak, after)
		}
	}
}

func TestWhatIsGivenIsNotChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, draw := anySystem(t)
		m := draw(t)
		kept := rating.Match{Teams: make([][]rating.Rating, len(m.Teams)), Ranks: append([]int{}, m.Ranks...)}
		for i, team := range m.Teams {
			kept.Teams[i] = append(kept.Teams[i], team...)
		}
		after := s.Rate(m)
		after[0][0].Mu++
		if !reflect.DeepEqual(m, kept) {
			t.Fatal("the teams or ranks were changed")
		}
	})
}

func TestAnyInputGivesNumbers(t *testing.T) {
	wild := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
		0, 1, -1, 1e-300, 1e-9, 1500, 1e9, 1e300, -1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1), math.Inf(-1),
	}))
	player := rapid.Custom(func(t *rapid.T) rating.Rating {
		return rating.Rating{Mu: wild.Draw(t, "mu"), Sigma: wild.Draw(t, "sigma"), Volatility: wild.Draw(t, "volatility")}
	})
	sane := func(t *rapid.T, r rating.Rating) {
		if math.IsNaN(r.Mu-r.Mu) || math.IsNaN(r.Sigma-r.Sigma) || r.Sigma < 0 {
			t.Fatalf("got %v", r)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		teams := rapid.SliceOfN(rapid.SliceOfN(player, 0, 4), 0, 6).Draw(t, "teams")
		m := rating.Match{Teams: teams, Ranks: rapid.SliceOfN(rapid.Int(), len(teams), len(teams)).Draw(t, "ranks")}
		for _, team := range teams {
			m.Weights = append(m.Weights, rapid.SliceOfN(wild, len(team), len(team)).Draw(t, "weights"))
		}
		for _, s := range []system{
			rating.WengLin{
				Model: rating.Model(rapid.IntRange(0, 5).Draw(t, "model")), Gamma: rating.Gamma(rapid.IntRange(0, 3).Draw(t, "gamma")),
				New: player.Draw(t, "new"), Beta: wild.Draw(t, "beta"), Tau: wild.Draw(t, "tau"), Kappa: wild.Draw(t, "kappa"),
				Epsilon: wild.Draw(t, "epsilon"), LimitSigma: rapid.Bool().Draw(t, "limit sigma"), Forget: time.Duration(rapid.Int64().Draw(t, "forget")),
			},
			rating.Glicko2{New: player.Draw(t, "new"), Tau: wild.Draw(t, "tau"), Period: time.Duration(rapid.Int64().Draw(t, "period"))},
		} {
			sane(t, s.Start())
			for _, team := range s.Rate(m) {
				for _, r := range team {
					sane(t, r)
					sane(t, s.Idle(r, time.Duration(rapid.Int64().Draw(t, "idle"))))
				}
			}
		}
	})
}

func TestIdleTimeInTwoPartsIsIdleTimeInOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, second := rapid.IntRange(0, 1000).Draw(t, "hours"), rapid.IntRange(0, 1000).Draw(t, "more hours")
		for _, s := range []system{rating.WengLin{Forget: 365 * 24 * time.Hour}, rating.Glicko2{}, rating.Glicko2{Period: time.Hour}} {
			r := s.Start()
			r.Sigma *= rapid.Float64Range(0.05, 1.2).Draw(t, "sigma")
			parts := s.Idle(s.Idle(r, time.Duration(first)*time.Hour), time.Duration(second)*time.Hour)
			whole := s.Idle(r, time.Duration(first+second)*time.Hour)
			if !near(parts.Sigma, whole.Sigma) || whole.Sigma < r.Sigma || whole.Mu != r.Mu {
				t.Fatalf("%+v: %v became %v in two parts and %v in one", s, r, parts, whole)
			}
		}
	})
}

// The largest session GameLift has, as two teams and with everyone for themselves.
func largest(s system, teams int) rating.Match {
	random := rand.New(rand.NewPCG(1, 2))
	m := rating.Match{Teams: make([][]rating.Rating, teams)}
	for i := range 200 {
		r := s.Start()
		r.Mu += r.Sigma * random.NormFloat64()
		m.Teams[i%teams] = append(m.Teams[i%teams], r)
	}
	return m
}

func TestTwoHundredPlayers(t *testing.T) {
	for _, s := range systems() {
		for _, teams := range []int{2, 200} {
			m := largest(s, teams)
			after := s.Rate(m)
			for j, r := range after[0] {
				if r.Mu < m.Teams[0][j].Mu || r.Sigma > s.Start().Sigma*1.001 {
					t.Errorf("%+v, %d teams: the winner went from %v to %v", s, teams, m.Teams[0][j], r)
				}
			}
		}
	}
}

func BenchmarkRate(b *testing.B) {
	for _, s := range systems() {
		name := reflect.TypeOf(s).Name()
		if w, ok := s.(rating.WengLin); ok {
			name += string(rune('0' + w.Model))
		}
		five := rating.Match{Teams: make([][]rating.Rating, 2)}
		for i := range 10 {
			five.Teams[i%2] = append(five.Teams[i%2], s.Start())
		}
		for _, c := range []struct {
			name string
			m    rating.Match
		}{{"5v5", five}, {"200 alone", largest(s, 200)}} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				for b.Loop() {
					s.Rate(c.m)
				}
			})
		}
	}
}
