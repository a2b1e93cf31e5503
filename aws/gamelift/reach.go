package gamelift

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"

	"muster"
)

// Reach says whether GameLift answers and knows our credentials.
func (c *Client) Reach(ctx context.Context) error {
	_, err := call(ctx, c, c.api.DescribeMatchmakingConfigurations, &sdk.DescribeMatchmakingConfigurationsInput{Limit: aws.Int32(1)})
	return err
}

// MatchmakerState is what GameLift has under the name of a matchmaking configuration.
type MatchmakerState struct {
	NotificationTarget       string // ARN of a topic; empty: its events go to EventBridge alone
	AcceptanceTimeoutSeconds int    // 0: nobody is asked to accept
}

// Matchmaker reads a matchmaking configuration; an unknown one is NotFound.
func (c *Client) Matchmaker(ctx context.Context, configuration string) (MatchmakerState, error) {
	out, err := call(ctx, c, c.api.DescribeMatchmakingConfigurations, &sdk.DescribeMatchmakingConfigurationsInput{Names: []string{configuration}})
	if err != nil {
		return MatchmakerState{}, err
	}
	if len(out.Configurations) == 0 {
		return MatchmakerState{}, muster.Errorf(muster.NotFound, unknown.code, "GameLift has no matchmaking configuration %q", configuration)
	}
	found := out.Configurations[0]
	state := MatchmakerState{NotificationTarget: aws.ToString(found.NotificationTarget)}
	if aws.ToBool(found.AcceptanceRequired) {
		state.AcceptanceTimeoutSeconds = int(aws.ToInt32(found.AcceptanceTimeoutSeconds))
	}
	return state, nil
}

// SessionQueue reads where a session queue sends its events: the ARN of a topic, or empty.
// An unknown queue is NotFound.
func (c *Client) SessionQueue(ctx context.Context, name string) (notificationTarget string, err error) {
	out, err := call(ctx, c, c.api.DescribeGameSessionQueues, &sdk.DescribeGameSessionQueuesInput{Names: []string{name}})
	if err != nil {
		return "", err
	}
	if len(out.GameSessionQueues) == 0 {
		return "", muster.Errorf(muster.NotFound, unknown.code, "GameLift has no session queue %q", name)
	}
	return aws.ToString(out.GameSessionQueues[0].NotificationTarget), nil
}
