package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"muster"
)

func competingMode(keys string) []byte {
	return fmt.Appendf(nil, "modes:\n  - name: duel\n    ruleSet: good.json\n%s", keys)
}

func TestModesSayHowResultsCount(t *testing.T) {
	week := 7 * 24 * time.Hour
	spring, summer := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 16, 0, 0, 0, time.UTC)
	for keys, want := range map[string]muster.Competition{
		"": {},
		"    leavers: asTeam\n    absent: refused\n": {},
		`    leavers: loss
    absent: unrated
    seasons:
      - {name: spring, startsAt: 2026-03-01}
      - {name: "2", startsAt: 2026-06-01T18:00:00+02:00}
    carryOver: 0.5
    decay: {afterDays: 7}
    placementGames: 10
    publicHistory: true
`: {
			Leavers: muster.LeaversLose, Absent: muster.AbsentUnrated, CarryOver: 0.5, DecayAfter: week, PlacementGames: 10, PublicHistory: true,
			Seasons: []muster.Season{{Name: "spring", StartsAt: spring}, {Name: "2", StartsAt: summer}},
		},
	} {
		conf, err := parseConfig("c.yaml", competingMode(keys), files)
		if err != nil {
			t.Fatal(err)
		}
		if got := conf.musterModes()[0].Competition; !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot %+v, want %+v", keys, got, want)
		}
	}
}

func TestProblemsOfCompetitionsAreNamed(t *testing.T) {
	for keys, want := range map[string]string{
		"    leavers: shame\n":                                        `modes[0].leavers: is asTeam, loss or ignored, not "shame"`,
		"    absent: shame\n":                                         `modes[0].absent: is refused or unrated, not "shame"`,
		"    carryOver: 2\n":                                          "modes[0].carryOver: lies between 0",
		"    carryOver: much\n":                                       "modes[0].carryOver: wants a number",
		"    placementGames: -1\n":                                    "modes[0].placementGames: lies between 0 and 100, not -1",
		"    seasons: [{name: one, startsAt: soon}]\n":                `modes[0].seasons[0].startsAt: "soon" is neither a day`,
		"    seasons: [{name: one}]\n":                                "modes[0].seasons[0].startsAt: is the instant",
		"    seasons: [{name: one, startsAt: 2026-03-01T18:00:00}]\n": `modes[0].seasons[0].startsAt: "2026-03-01T18:00:00" has no time zone: write 2026-03-01T18:00:00Z`,
		"    seasons: [{name: a, startsAt: 2026-03-01 18:00}, {name: b, startsAt: 2026-02-01}]\n": `modes[0].seasons[0].startsAt: "2026-03-01 18:00" has no time zone`,
		"    seasons: [{name: a, startsAt: 2026-03-01}, {name: a, startsAt: 2026-04-01}]\n":       `modes[0].seasons[1].name: "a" is the name of seasons[0] already`,
		"    seasons: [{name: a, startsAt: 2026-03-01}, {name: b, startsAt: 2026-02-01}]\n":       "modes[0].seasons[1].startsAt: is not after the start of the season before, 2026-03-01T00:00:00Z",
		"    seasons: [{name: one season, startsAt: 2026-03-01}]\n":                               "modes[0].seasons[0].name",
		"    seasons: [{name: one, startsAt: 2026-03-01, endsAt: 2026-04-01}]\n":                  "endsAt: there is no such key in modes[0].seasons[0]",
		"    decay: {afterDays: -1}\n": "modes[0].decay.afterDays: lies between 0 and 3650, not -1",
		"    decay: 14\n":              "modes[0].decay: wants a group of keys",
	} {
		_, err := parseConfig("c.yaml", competingMode(keys), files)
		if err == nil {
			t.Errorf("%s was accepted", keys)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nerror %v, want %s", keys, err, want)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s has more than one problem: %v", keys, err)
		}
	}
}
