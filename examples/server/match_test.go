package main

import (
	"fmt"
	"testing"

	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model"
)

const threeTeams = `{"teams":[{"name":"red","players":[{"playerId":"ann"},{"playerId":"bob"}]},
	{"name":"blue","players":[{"playerId":"cat"}]},{"name":"gold","players":[{"playerId":"dan"}]}]}`

func TestTheTeamThatRolledMoreWinsAndEqualOnesDraw(t *testing.T) {
	cases := []struct {
		name  string
		rolls map[string]int
		want  string
	}{
		{"all came", map[string]int{"ann": 1, "bob": 2, "cat": 6, "dan": 4}, "blue 1 6, gold 2 4, red 3 3"},
		{"equal ones share a rank", map[string]int{"ann": 2, "bob": 2, "cat": 4, "dan": 3}, "red 1 4, blue 1 4, gold 3 3"},
		{"who did not come rolled nothing", map[string]int{"ann": 2}, "red 1 2, blue 2 0, gold 2 0"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			m, err := newMatch(model.GameSession{MatchmakerData: threeTeams})
			if err != nil {
				t.Fatal(err)
			}
			m.rolls = tc.rolls
			teams, anybody := m.result()
			got := ""
			for _, team := range teams {
				got += fmt.Sprintf(", %s %d %d", team.Name, team.Rank, team.Score)
				for _, p := range team.Players {
					if p.Left != (tc.rolls[p.ID] == 0) {
						t.Errorf("player %s left: %v", p.ID, p.Left)
					}
				}
			}
			if got[2:] != tc.want || !anybody {
				t.Errorf("got %s, want %s", got[2:], tc.want)
			}
		})
	}
}

func TestAMatchIsCompleteOnceEverybodyRolled(t *testing.T) {
	m, err := newMatch(model.GameSession{MatchmakerData: threeTeams})
	if err != nil {
		t.Fatal(err)
	}
	if _, anybody := m.result(); anybody {
		t.Error("somebody came to an empty match")
	}
	for _, who := range []string{"ann", "ann", "bob", "cat"} {
		m.roll(who)
	}
	select {
	case <-m.complete:
		t.Error("complete without dan")
	default:
	}
	m.roll("dan")
	<-m.complete
}

func TestASessionWithoutMatchmakerDataIsRefused(t *testing.T) {
	if _, err := newMatch(model.GameSession{}); err == nil {
		t.Error("no error")
	}
}
