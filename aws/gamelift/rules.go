package gamelift

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"

	"muster"
)

// MatchmakerRules reads what a matchmaking configuration matches by. An unknown
// configuration is NotFound. It asks GameLift twice each time: a caller who wants it
// often keeps it.
func (c *Client) MatchmakerRules(ctx context.Context, configuration string) (muster.MatchmakerRules, error) {
	configurations, err := call(ctx, c, c.api.DescribeMatchmakingConfigurations, &sdk.DescribeMatchmakingConfigurationsInput{Names: []string{configuration}})
	if err != nil {
		return muster.MatchmakerRules{}, err
	}
	if len(configurations.Configurations) == 0 {
		return muster.MatchmakerRules{}, muster.Errorf(muster.NotFound, unknown.code, "GameLift has no matchmaking configuration %q", configuration)
	}
	found := configurations.Configurations[0]
	sets, err := call(ctx, c, c.api.DescribeMatchmakingRuleSets, &sdk.DescribeMatchmakingRuleSetsInput{Names: []string{aws.ToString(found.RuleSetName)}})
	if err != nil {
		return muster.MatchmakerRules{}, err
	}
	if len(sets.RuleSets) == 0 {
		return muster.MatchmakerRules{}, muster.Errorf(muster.NotFound, unknown.code, "GameLift has no rule set %q", aws.ToString(found.RuleSetName))
	}
	return muster.MatchmakerRules{
		Configuration:     configuration,
		RuleSetBody:       aws.ToString(sets.RuleSets[0].RuleSetBody),
		RequestTimeout:    time.Duration(aws.ToInt32(found.RequestTimeoutSeconds)) * time.Second,
		AdditionalPlayers: int(aws.ToInt32(found.AdditionalPlayerCount)),
	}, nil
}
