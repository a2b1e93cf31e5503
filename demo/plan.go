package demo

import (
	"encoding/json"
	"fmt"

	"muster/demo/game"
)

// teamPlan is a team as matchmaking made it. An empty player id is an open place.
type teamPlan struct {
	Name    string
	Players []string
}

// planTeams reads who plays for whom from a session's matchmaker data: a JSON text with
// the teams of the match and their players (FlexMatch guide, "Work with match data").
// A session made without a matchmaker has none: then maxPlayers places are open to
// whoever has a seat, half of them for each team.
func planTeams(matchmakerData string, maxPlayers int) ([]teamPlan, error) {
	if matchmakerData == "" {
		return openTeams(maxPlayers)
	}
	var data struct {
		Teams []struct {
			Name    string `json:"name"`
			Players []struct {
				PlayerID string `json:"playerId"`
			} `json:"players"`
		} `json:"teams"`
	}
	if err := json.Unmarshal([]byte(matchmakerData), &data); err != nil {
		return nil, fmt.Errorf("read the matchmaker data: %w", err)
	}
	if len(data.Teams) != 2 {
		return nil, fmt.Errorf("the match has %d teams, this game is for two", len(data.Teams))
	}
	seen := map[string]bool{}
	plan := make([]teamPlan, 0, 2)
	for _, team := range data.Teams {
		t := teamPlan{Name: team.Name}
		for _, p := range team.Players {
			if p.PlayerID == "" || seen[p.PlayerID] {
				return nil, fmt.Errorf("team %q has a player without an id of its own", team.Name)
			}
			seen[p.PlayerID] = true
			t.Players = append(t.Players, p.PlayerID)
		}
		if len(t.Players) == 0 || len(t.Players) > game.MaxTeamSize {
			return nil, fmt.Errorf("team %q has %d players, 1 to %d can play", t.Name, len(t.Players), game.MaxTeamSize)
		}
		plan = append(plan, t)
	}
	return plan, nil
}

func openTeams(maxPlayers int) ([]teamPlan, error) {
	if maxPlayers < 2 || maxPlayers > 2*game.MaxTeamSize {
		return nil, fmt.Errorf("a session for %d players, 2 to %d can play", maxPlayers, 2*game.MaxTeamSize)
	}
	return []teamPlan{
		{Name: "red", Players: make([]string, (maxPlayers+1)/2)},
		{Name: "blue", Players: make([]string, maxPlayers/2)},
	}, nil
}
