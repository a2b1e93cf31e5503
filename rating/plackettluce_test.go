package rating_test

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"muster/rating"
)

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

func (v vector) options() rating.Options {
	opts := rating.Options{LimitSigma: v.Options.LimitSigma}
	if v.Options.Beta != nil {
		opts.Beta = *v.Options.Beta
	}
	if tau := v.Options.Tau; tau != nil {
		opts.Tau = *tau
		if *tau == 0 {
			opts.Tau = -1 // none
		}
	}
	return opts
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

// near allows for another order of the same sums.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

func nearAll(a, b [][]rating.Rating) bool {
	for i := range b {
		if len(a) != len(b) || len(a[i]) != len(b[i]) {
			return false
		}
		for j := range b[i] {
			if !near(a[i][j].Mu, b[i][j].Mu) || !near(a[i][j].Sigma, b[i][j].Sigma) {
				return false
			}
		}
	}
	return true
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
			got, want := rating.PlackettLuce(ratings(v.Before), v.Ranks, v.options()), ratings(v.After)
			if !nearAll(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// The numbers that other implementations publish as well.
func TestAWinBetweenNewPlayers(t *testing.T) {
	got := rating.PlackettLuce([][]rating.Rating{{rating.Default()}, {rating.Default()}}, nil, rating.Options{})
	want := [][]rating.Rating{{{Mu: 27.63539, Sigma: 8.06590}}, {{Mu: 22.36461, Sigma: 8.06590}}}
	for i := range want {
		if math.Abs(got[i][0].Mu-want[i][0].Mu) > 1e-5 || math.Abs(got[i][0].Sigma-want[i][0].Sigma) > 1e-5 {
			t.Errorf("team %d: got %v, want %v", i, got[i][0], want[i][0])
		}
	}
}

func TestNothingInNothingOut(t *testing.T) {
	if got := rating.PlackettLuce(nil, nil, rating.Options{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestATeamWithoutPlayersTakesNoPart(t *testing.T) {
	a, b := []rating.Rating{{Mu: 30, Sigma: 3}}, []rating.Rating{{Mu: 20, Sigma: 6}, rating.Default()}
	got := rating.PlackettLuce([][]rating.Rating{a, {}, b, nil}, []int{2, 1, 1, 5}, rating.Options{})
	want := rating.PlackettLuce([][]rating.Rating{a, b}, []int{2, 1}, rating.Options{})
	if !reflect.DeepEqual([][]rating.Rating{got[0], got[2]}, want) || len(got[1]) != 0 || len(got[3]) != 0 {
		t.Errorf("got %v, want %v with two empty teams", got, want)
	}
}

func TestRanksOfAnotherLengthPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	rating.PlackettLuce([][]rating.Rating{{rating.Default()}}, []int{1, 2}, rating.Options{})
}

// match draws 1 to 6 teams of 1 to 4 plausible players, and their ranks.
func match(t *rapid.T) ([][]rating.Rating, []int) {
	player := rapid.Custom(func(t *rapid.T) rating.Rating {
		return rating.Rating{Mu: rapid.Float64Range(-50, 100).Draw(t, "mu"), Sigma: rapid.Float64Range(0.01, 20).Draw(t, "sigma")}
	})
	teams := rapid.SliceOfN(rapid.SliceOfN(player, 1, 4), 1, 6).Draw(t, "teams")
	ranks := rapid.SliceOfN(rapid.IntRange(-2, 3), len(teams), len(teams)).Draw(t, "ranks")
	return teams, ranks
}

func TestTheOrderOfTeamsAndPlayersChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		teams, ranks := match(t)
		want := rating.PlackettLuce(teams, ranks, rating.Options{})
		order := rapid.Permutation(indices(len(teams))).Draw(t, "order")
		inTeam := make([][]int, len(teams))
		shuffled, shuffledRanks := make([][]rating.Rating, len(teams)), make([]int, len(teams))
		for to, from := range order {
			shuffledRanks[to] = ranks[from]
			inTeam[to] = rapid.Permutation(indices(len(teams[from]))).Draw(t, "order in team")
			for _, j := range inTeam[to] {
				shuffled[to] = append(shuffled[to], teams[from][j])
			}
		}
		back := make([][]rating.Rating, len(teams))
		for to, team := range rating.PlackettLuce(shuffled, shuffledRanks, rating.Options{}) {
			from := order[to]
			back[from] = make([]rating.Rating, len(team))
			for k, j := range inTeam[to] {
				back[from][j] = team[k]
			}
		}
		if !nearAll(back, want) {
			t.Fatalf("got %v, want %v", back, want)
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
		teams, ranks := match(t)
		stretched := make([]int, len(ranks))
		for i, r := range ranks {
			stretched[i] = 1000*r*r*r + 7*r
		}
		got, want := rating.PlackettLuce(teams, stretched, rating.Options{}), rating.PlackettLuce(teams, ranks, rating.Options{})
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestTheFirstGainTheLastLose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		teams, _ := match(t)
		after := rating.PlackettLuce(teams, nil, rating.Options{})
		last := len(teams) - 1
		if last == 0 {
			return
		}
		for j, r := range after[0] {
			if r.Mu < teams[0][j].Mu {
				t.Fatalf("a winner fell from %v to %v", teams[0][j], r)
			}
		}
		for j, r := range after[last] {
			if r.Mu > teams[last][j].Mu {
				t.Fatalf("a loser rose from %v to %v", teams[last][j], r)
			}
		}
	})
}

func TestSigmaGrowsByNoMoreThanTau(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		teams, ranks := match(t)
		const tau = 0.5
		drifting := rating.PlackettLuce(teams, ranks, rating.Options{Tau: tau})
		limited := rating.PlackettLuce(teams, ranks, rating.Options{Tau: tau, LimitSigma: true})
		still := rating.PlackettLuce(teams, ranks, rating.Options{Tau: -1})
		for i, team := range teams {
			for j, before := range team {
				if most := math.Hypot(before.Sigma, tau); drifting[i][j].Sigma > most*(1+1e-12) {
					t.Fatalf("sigma grew from %v to %v, more than %v", before.Sigma, drifting[i][j].Sigma, most)
				}
				if limited[i][j].Sigma > before.Sigma || still[i][j].Sigma > before.Sigma*(1+1e-12) {
					t.Fatalf("sigma grew from %v to %v and %v", before.Sigma, limited[i][j].Sigma, still[i][j].Sigma)
				}
			}
		}
	})
}

func TestWhatIsGivenIsNotChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		teams, ranks := match(t)
		copied := make([][]rating.Rating, len(teams))
		for i, team := range teams {
			copied[i] = append(copied[i], team...)
		}
		ranksCopy := append([]int{}, ranks...)
		after := rating.PlackettLuce(teams, ranks, rating.Options{})
		after[0][0].Mu++
		if !reflect.DeepEqual(teams, copied) || !reflect.DeepEqual(ranks, ranksCopy) {
			t.Fatal("the teams or ranks were changed")
		}
	})
}

func TestAnyInputGivesNumbers(t *testing.T) {
	wild := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
		0, 1, -1, 1e-300, 1e9, 1e300, -1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1), math.Inf(-1),
	}))
	player := rapid.Custom(func(t *rapid.T) rating.Rating {
		return rating.Rating{Mu: wild.Draw(t, "mu"), Sigma: wild.Draw(t, "sigma")}
	})
	rapid.Check(t, func(t *rapid.T) {
		teams := rapid.SliceOfN(rapid.SliceOfN(player, 0, 4), 0, 6).Draw(t, "teams")
		ranks := rapid.SliceOfN(rapid.Int(), len(teams), len(teams)).Draw(t, "ranks")
		opts := rating.Options{
			Beta: wild.Draw(t, "beta"), Tau: wild.Draw(t, "tau"), Kappa: wild.Draw(t, "kappa"),
			LimitSigma: rapid.Bool().Draw(t, "limit sigma"),
		}
		for _, team := range rating.PlackettLuce(teams, ranks, opts) {
			for _, r := range team {
				if math.IsNaN(r.Mu-r.Mu) || math.IsNaN(r.Sigma-r.Sigma) || r.Sigma < 0 {
					t.Fatalf("got %v", r)
				}
			}
		}
	})
}

// Repeated play finds the order of true skill, whatever the start.
func TestTheStrongerEndsAbove(t *testing.T) {
	players := []rating.Rating{rating.Default(), rating.Default(), rating.Default()}
	for range 50 {
		for _, pair := range [][2]int{{0, 1}, {1, 2}, {0, 2}} {
			after := rating.PlackettLuce([][]rating.Rating{{players[pair[0]]}, {players[pair[1]]}}, nil, rating.Options{})
			players[pair[0]], players[pair[1]] = after[0][0], after[1][0]
		}
	}
	if !(players[0].Ordinal() > players[1].Ordinal() && players[1].Ordinal() > players[2].Ordinal()) {
		t.Errorf("got %v", players)
	}
	for i, r := range players {
		if r.Sigma > 6 {
			t.Errorf("after 100 matches player %d still has sigma %v", i, r.Sigma)
		}
	}
}

func BenchmarkPlackettLuce(b *testing.B) {
	teams := [][]rating.Rating{{rating.Default(), rating.Default(), rating.Default(), rating.Default(), rating.Default()}, {rating.Default(), rating.Default(), rating.Default(), rating.Default(), rating.Default()}}
	for b.Loop() {
		rating.PlackettLuce(teams, nil, rating.Options{})
	}
}
