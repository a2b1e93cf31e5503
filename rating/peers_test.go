package rating_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"muster/internal/peertest"
	"muster/rating"
)

// peerMatch is a match as testdata/peers.cjs reads it.
type peerMatch struct {
	System  string         `json:"system"`
	Model   rating.Model   `json:"model"`
	Gamma   rating.Gamma   `json:"gamma"`
	Options map[string]any `json:"options"`
	Teams   [][][3]float64 `json:"teams"` // mu, sigma, volatility
	Ranks   []int          `json:"ranks"`

	rate func(rating.Match) [][]rating.Rating
}

func (m peerMatch) match() rating.Match { return rating.Match{Teams: triples(m.Teams), Ranks: m.Ranks} }

func triples(teams [][][3]float64) [][]rating.Rating {
	all := make([][]rating.Rating, len(teams))
	for i, team := range teams {
		for _, p := range team {
			all[i] = append(all[i], rating.Rating{Mu: p[0], Sigma: p[1], Volatility: p[2]})
		}
	}
	return all
}

// peers rates matches with the packages of npm: openskill 5.0.1 and glicko2 1.2.2.
// PyPI's openskill 6.2.0 weighs partial pairings and draws otherwise than npm's and the
// paper, and PyPI's glicko2 2.1.0 has the rating where the paper's step 5 has the
// deviation, so they are no judges of these.
func peers(t *testing.T, matches []peerMatch) [][][]rating.Rating {
	t.Helper()
	folder := peertest.Find(t, "npm openskill and glicko2", "MUSTER_RATING_PEERS", "node_modules", "openskill")
	var in bytes.Buffer
	for _, m := range matches {
		line, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/peers.cjs", folder)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(matches) {
		t.Fatalf("%d answers to %d matches", len(lines), len(matches))
	}
	answers := make([][][]rating.Rating, len(lines))
	for i, line := range lines {
		var teams [][][3]float64
		if err := json.Unmarshal(line, &teams); err != nil {
			t.Fatal(err)
		}
		answers[i] = triples(teams)
	}
	return answers
}

// compare fails for every match that ours and the peers' disagree on: where a number
// is farther apart than allowed, or more than 1e-9 in more than a hundredth of them.
func compare(t *testing.T, matches []peerMatch, allowed float64) {
	t.Helper()
	worst, far := 0.0, 0
	for i, want := range peers(t, matches) {
		m := matches[i]
		got := m.rate(m.match())
		d := farthest(got, want)
		worst = max(worst, d)
		if d > 1e-9 {
			far++
		}
		if !(d <= allowed) {
			t.Errorf("match %d, %+v: %v apart\ngot  %v\nwant %v", i, m, d, got, want)
		}
	}
	t.Logf("%d matches, no number farther apart than %.1e, %d of them farther than 1e-9", len(matches), worst, far)
	if far > len(matches)/100 {
		t.Errorf("%d of %d matches are farther apart than 1e-9", far, len(matches))
	}
}

func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 7))
}

func TestWengLinAgreesWithOpenSkillOnRandomMatches(t *testing.T) {
	random := seeded(t)
	var matches []peerMatch
	for i := range 8000 {
		m := peerMatch{System: "wenglin", Model: models[i%len(models)], Gamma: rating.Gamma(random.IntN(3)), Options: map[string]any{}}
		w := rating.WengLin{Model: m.Model, Gamma: m.Gamma}
		if random.IntN(3) == 0 {
			w.Beta = 3 + 9*random.Float64()
			m.Options["beta"] = w.Beta
		}
		switch random.IntN(3) {
		case 0:
			w.Tau = random.Float64()
			m.Options["tau"] = w.Tau
		case 1:
			w.Tau = -1
			m.Options["tau"] = 0
		}
		if random.IntN(3) == 0 {
			w.Epsilon = 0.01 + 0.5*random.Float64()
			m.Options["epsilon"] = w.Epsilon
		}
		if random.IntN(3) == 0 {
			w.LimitSigma = true
			m.Options["limitSigma"] = true
		}
		if random.IntN(4) == 0 {
			w.Kappa = 0.5 * random.Float64()
			m.Options["kappa"] = w.Kappa
		}
		m.rate = w.Rate
		spread := []float64{2, 10, 25}[random.IntN(3)]
		for range 2 + random.IntN(7) {
			team := make([][3]float64, 1+random.IntN(5))
			for j := range team {
				team[j] = [3]float64{25 + spread*random.NormFloat64(), 0.5 + 9*random.Float64()}
			}
			m.Teams, m.Ranks = append(m.Teams, team), append(m.Ranks, random.IntN(5))
		}
		if m.Model >= rating.ThurstoneMostellerFull && farthestPair(m) > 6.5 {
			continue // there the digits of probabilities run out
		}
		matches = append(matches, m)
	}
	compare(t, matches, 1e-9)
}

// farthestPair bounds by how many deviations two teams of a match may be apart.
func farthestPair(m peerMatch) float64 {
	low, high, variance := math.Inf(1), math.Inf(-1), math.Inf(1)
	for _, team := range m.Teams {
		mu, v := 0.0, 0.0
		for _, p := range team {
			mu, v = mu+p[0], v+p[1]*p[1]
		}
		low, high, variance = min(low, mu), max(high, mu), min(variance, v)
	}
	beta := 25.0 / 6
	if b, ok := m.Options["beta"].(float64); ok {
		beta = b
	}
	return (high - low) / math.Sqrt(2*variance+2*beta*beta)
}

// Two of three are duels.
func TestGlicko2AgreesWithNpmOnRandomRaces(t *testing.T) {
	random := seeded(t)
	var matches []peerMatch
	for range 3000 {
		tau := 0.2 + 0.6*random.Float64()
		m := peerMatch{System: "glicko2", Options: map[string]any{"tau": tau}, rate: rating.Glicko2{Tau: tau}.Rate}
		for range 2 + random.IntN(2)*random.IntN(10) {
			m.Teams = append(m.Teams, [][3]float64{{1500 + 300*random.NormFloat64(), 30 + 300*random.Float64(), 0.03 + 0.1*random.Float64()}})
			m.Ranks = append(m.Ranks, random.IntN(4))
		}
		matches = append(matches, m)
	}
	// Where the iteration for the volatility stops, within 1e-7 of the zero, hangs on
	// the last bit of sums.
	compare(t, matches, 1e-7)
}
