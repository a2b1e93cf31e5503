package gamelift

import (
	"context"
	"testing"
	"time"

	"muster"
)

func TestMatchmakerRulesAreReadThroughTheConfiguration(t *testing.T) {
	f, c := newFake(t)
	f.on("DescribeMatchmakingConfigurations", func(in members) (members, *fault) {
		if names := in["Names"].([]any); len(names) != 1 || names[0] != "duel" {
			return nil, notFoundFault
		}
		return members{"Configurations": []members{{"Name": "duel", "RuleSetName": "duel-abc", "RequestTimeoutSeconds": 300, "AdditionalPlayerCount": 2}}}, nil
	})
	f.on("DescribeMatchmakingRuleSets", func(in members) (members, *fault) {
		if names := in["Names"].([]any); len(names) != 1 || names[0] != "duel-abc" {
			return nil, notFoundFault
		}
		return members{"RuleSets": []members{{"RuleSetName": "duel-abc", "RuleSetBody": "{}"}}}, nil
	})
	got, err := c.MatchmakerRules(context.Background(), "duel")
	want := muster.MatchmakerRules{Configuration: "duel", RuleSetBody: "{}", RequestTimeout: 300 * time.Second, AdditionalPlayers: 2}
	if err != nil || got != want {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	_, err = c.MatchmakerRules(context.Background(), "other")
	wantError(t, err, muster.NotFound, "gamelift.not_found")
}

func TestMatchmakerRulesThatAreNotThere(t *testing.T) {
	f, c := newFake(t)
	f.on("DescribeMatchmakingConfigurations", func(members) (members, *fault) {
		return members{"Configurations": []members{}}, nil
	})
	_, err := c.MatchmakerRules(context.Background(), "duel")
	wantError(t, err, muster.NotFound, "gamelift.not_found")
	f.on("DescribeMatchmakingConfigurations", func(members) (members, *fault) {
		return members{"Configurations": []members{{"Name": "duel", "RuleSetName": "gone"}}}, nil
	})
	f.on("DescribeMatchmakingRuleSets", func(members) (members, *fault) { return members{"RuleSets": []members{}}, nil })
	_, err = c.MatchmakerRules(context.Background(), "duel")
	wantError(t, err, muster.NotFound, "gamelift.not_found")
	f.on("DescribeMatchmakingRuleSets", func(members) (members, *fault) { return nil, invalidFault })
	_, err = c.MatchmakerRules(context.Background(), "duel")
	wantError(t, err, muster.Invalid, "gamelift.invalid_request")
}
