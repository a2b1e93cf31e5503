package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/rating"
)

func ratedMode(rating string) []byte {
	return fmt.Appendf(nil, "modes:\n  - {name: duel, ruleSet: good.json, rating: {%s}}\n", rating)
}

func TestModesChooseTheirRatingSystem(t *testing.T) {
	for _, c := range []struct {
		text string
		want ratings
	}{
		{"", rating.WengLin{}},
		{"system: plackettLuce, tau: 0.5", rating.WengLin{Tau: 0.5}},
		{"tau: 0, limitSigma: true", rating.WengLin{Tau: -1, LimitSigma: true}},
		{"system: bradleyTerryFull, beta: 5, gamma: none", rating.WengLin{Model: rating.BradleyTerryFull, Beta: 5, Gamma: rating.GammaNone}},
		{"system: bradleyTerryPart, forgetAfterDays: 0.5", rating.WengLin{Model: rating.BradleyTerryPart, Forget: 12 * time.Hour}},
		{"system: thurstoneMostellerFull, gamma: teams", rating.WengLin{Model: rating.ThurstoneMostellerFull, Gamma: rating.GammaTeams}},
		{"system: thurstoneMostellerPart, epsilon: 1", rating.WengLin{Model: rating.ThurstoneMostellerPart, Epsilon: 1}},
		{"system: glicko2", rating.Glicko2{}},
		{"system: glicko2, tau: 0.3, periodDays: 7", rating.Glicko2{Tau: 0.3, Period: 7 * 24 * time.Hour}},
		{"system: glicko2, periodDays: 0", rating.Glicko2{Period: -1}},
	} {
		t.Run(c.text, func(t *testing.T) {
			conf, err := parseConfig("c.yaml", ratedMode(c.text), files)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := conf.musterModes()[0].Rating.(ratingSystem)
			if !ok || got.ratings != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestProblemsOfRatingsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"system: elo":                         `modes[0].rating.system: "elo" is not a rating system; use plackettLuce, bradleyTerryFull, bradleyTerryPart, thurstoneMostellerFull, thurstoneMostellerPart or glicko2`,
		"system: glicko2, beta: 1":            "modes[0].rating.beta: is not an option of glicko2",
		"system: glicko2, gamma: none":        "modes[0].rating.gamma: is not an option of glicko2",
		"system: glicko2, limitSigma: true":   "modes[0].rating.limitSigma: is not an option of glicko2",
		"system: glicko2, tau: 3":             "modes[0].rating.tau: lies between 0.1 and 2, not 3",
		"periodDays: 1":                       "modes[0].rating.periodDays: is not an option of plackettLuce",
		"tau: -1":                             "modes[0].rating.tau: lies between 0 and 10, not -1",
		"beta: 0":                             "modes[0].rating.beta: lies between 0.001 and 1000, not 0",
		"gamma: omega":                        `modes[0].rating.gamma: "omega" is not a gamma; use deviation, teams, none`,
		"limitSigma: 1":                       `modes[0].rating.limitSigma: wants true or false, not "1"`,
		"kfactor: 32":                         "there is no such key in modes[0].rating",
		"forgetAfterDays: 1e9":                "modes[0].rating.forgetAfterDays: lies between 0 and 3650",
		"system: bradleyTerryPart, tau: much": `modes[0].rating.tau: wants a number, not "much"`,
	} {
		t.Run(text, func(t *testing.T) {
			if _, err := parseConfig("c.yaml", ratedMode(text), files); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestWhateverTheSystemNewPlayersShowTheSame(t *testing.T) {
	for _, text := range append([]string{glicko2}, wengLinSystems...) {
		system := ratingConfig{System: text}.system()
		start := system.New()
		if got := system.Points(start); got != newcomersPoints {
			t.Errorf("%s: a new player has %d points", text, got)
		}
		if got := system.Points(muster.Skill{Mu: -3}); got != 0 {
			t.Errorf("%s: a rating below 0 shows as %d", text, got)
		}
		after := system.Rate(muster.RatedMatch{Teams: []muster.RatedTeam{
			{Rank: 2, Players: []muster.RatedPlayer{{Skill: start, Weight: 1}, {Skill: start, Weight: 0}}},
			{Rank: 1, Players: []muster.RatedPlayer{{Skill: start, Weight: 1}}},
		}})
		if system.Points(after[0][0]) >= newcomersPoints || after[0][1] != start || system.Points(after[1][0]) <= newcomersPoints {
			t.Errorf("%s: a win of the second team makes %v", text, after)
		}
		if idle := system.Idle(after[1][0], 10*24*time.Hour); math.Abs(idle.Mu-after[1][0].Mu) > 0 || idle.Sigma < after[1][0].Sigma {
			t.Errorf("%s: idle for ten days, %v becomes %v", text, after[1][0], idle)
		}
	}
}

func TestRatingsOfAnotherSystemKeepTheirPoints(t *testing.T) {
	plackettLuce, glicko := ratingConfig{}.system(), ratingConfig{System: glicko2}.system()
	for _, c := range []struct{ of, by muster.RatingSystem }{{plackettLuce, glicko}, {glicko, plackettLuce}} {
		win := c.of.Rate(muster.RatedMatch{Teams: []muster.RatedTeam{
			{Rank: 1, Players: []muster.RatedPlayer{{Skill: c.of.New(), Weight: 1}}},
			{Rank: 2, Players: []muster.RatedPlayer{{Skill: c.of.New(), Weight: 1}}},
		}})
		for _, s := range []muster.Skill{c.of.New(), win[0][0], win[1][0]} {
			if c.of.Adopt(s) != s {
				t.Errorf("%s changes its own %v", c.of.Name(), s)
			}
			taken := c.by.Adopt(s)
			if c.by.Points(taken) != c.of.Points(s) || c.by.Adopt(taken) != taken {
				t.Errorf("%s takes %v of %s for %v", c.by.Name(), s, c.of.Name(), taken)
			}
		}
		if taken := c.by.Adopt(c.of.New()); taken != c.by.New() {
			t.Errorf("%s takes a newcomer of %s for %v", c.by.Name(), c.of.Name(), taken)
		}
	}
}
