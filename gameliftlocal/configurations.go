package gameliftlocal

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// maxConfigurationPage is Amazon's page maximum of DescribeMatchmakingConfigurations.
const maxConfigurationPage = 10

func (s *Service) createMatchmakingConfiguration(_ context.Context, in *gamelift.CreateMatchmakingConfigurationInput) (*gamelift.CreateMatchmakingConfigurationOutput, error) {
	name := val(in.Name)
	if name == "" {
		return nil, invalid("A matchmaking configuration needs a name.")
	}
	made := types.MatchmakingConfiguration{
		Name: &name, ConfigurationArn: new(s.names.arn(kindConfiguration, name)), Description: in.Description,
		GameSessionQueueArns: in.GameSessionQueueArns, RequestTimeoutSeconds: in.RequestTimeoutSeconds,
		AcceptanceRequired: in.AcceptanceRequired, AcceptanceTimeoutSeconds: in.AcceptanceTimeoutSeconds,
		RuleSetName: in.RuleSetName, NotificationTarget: in.NotificationTarget,
		AdditionalPlayerCount: in.AdditionalPlayerCount, CustomEventData: in.CustomEventData,
		CreationTime: new(s.clock.now()), GameProperties: in.GameProperties, GameSessionData: in.GameSessionData,
		BackfillMode: in.BackfillMode, FlexMatchMode: in.FlexMatchMode,
	}
	if made.FlexMatchMode == "" {
		made.FlexMatchMode = types.FlexMatchModeWithQueue // the default is our reading
	}
	if made.BackfillMode == "" {
		made.BackfillMode = types.BackfillModeManual
	}
	err := s.change(func(r *resources) error {
		if _, taken := r.Configurations[name]; taken {
			return invalid("Matchmaking configuration %s already exists.", name)
		}
		if len(r.Configurations) >= maxConfigurations {
			return limitExceeded("The limit of %d matchmaking configurations is reached.", maxConfigurations)
		}
		if err := s.checkConfiguration(r, &made); err != nil {
			return err
		}
		r.Configurations[name] = made
		return r.setTags(val(made.ConfigurationArn), in.Tags)
	}, func(time.Time) { s.setMatchmaker(made) })
	if err != nil {
		return nil, err
	}
	return &gamelift.CreateMatchmakingConfigurationOutput{Configuration: &made}, nil
}

// checkConfiguration holds the rules that reach beyond one member, and puts the rule
// set's name and ARN in.
func (s *Service) checkConfiguration(r *resources, c *types.MatchmakingConfiguration) error {
	rs, err := s.ruleSetIn(r, val(c.RuleSetName))
	if err != nil {
		return err
	}
	c.RuleSetName, c.RuleSetArn = rs.RuleSetName, rs.RuleSetArn
	if val(c.AcceptanceRequired) && c.AcceptanceTimeoutSeconds == nil {
		return invalid("AcceptanceTimeoutSeconds is needed when acceptance is required.")
	}
	if c.FlexMatchMode == types.FlexMatchModeStandalone {
		if c.BackfillMode == types.BackfillModeAutomatic {
			return invalid("Automatic backfill is not available with FlexMatchMode STANDALONE.")
		}
		if len(c.GameSessionQueueArns) > 0 {
			return invalid("GameSessionQueueArns cannot be set with FlexMatchMode STANDALONE.")
		}
		return nil
	}
	if len(c.GameSessionQueueArns) == 0 {
		return invalid("GameSessionQueueArns is needed with FlexMatchMode WITH_QUEUE.")
	}
	if _, ok := s.queueOf(r, c.GameSessionQueueArns); !ok {
		return notFound("Game session queue %s does not exist.", c.GameSessionQueueArns[0])
	}
	return nil
}

func (s *Service) configurationIn(r *resources, nameOrARN string) (types.MatchmakingConfiguration, error) {
	name, ok := s.names.id(kindConfiguration, nameOrARN)
	c, known := r.Configurations[name]
	if !ok || !known {
		return types.MatchmakingConfiguration{}, notFound("Matchmaking configuration %s does not exist.", nameOrARN)
	}
	return c, nil
}

// describeMatchmakingConfigurations declares no NotFoundException: unknown names are
// left out of the answer.
func (s *Service) describeMatchmakingConfigurations(_ context.Context, in *gamelift.DescribeMatchmakingConfigurationsInput) (*gamelift.DescribeMatchmakingConfigurationsOutput, error) {
	res := s.res.Load()
	if len(in.Names) > 0 {
		var out []types.MatchmakingConfiguration
		for _, name := range in.Names {
			if c, err := s.configurationIn(res, name); err == nil {
				out = append(out, c)
			}
		}
		return &gamelift.DescribeMatchmakingConfigurationsOutput{Configurations: out}, nil
	}
	ruleSet, wellFormed := s.names.id(kindRuleSet, val(in.RuleSetName))
	var all []types.MatchmakingConfiguration
	for _, c := range res.Configurations {
		if in.RuleSetName == nil || wellFormed && val(c.RuleSetName) == ruleSet {
			all = append(all, c)
		}
	}
	l := listing{
		scope: []string{"DescribeMatchmakingConfigurations", val(in.RuleSetName)},
		limit: in.Limit, token: in.NextToken, max: maxConfigurationPage,
	}
	out, next, err := page(l, all, func(c types.MatchmakingConfiguration) string { return val(c.Name) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeMatchmakingConfigurationsOutput{Configurations: out, NextToken: next}, nil
}

// updateMatchmakingConfiguration applies to matches made from now on: waiting
// tickets wait under the new settings, proposals and placements keep the old ones.
func (s *Service) updateMatchmakingConfiguration(_ context.Context, in *gamelift.UpdateMatchmakingConfigurationInput) (*gamelift.UpdateMatchmakingConfigurationOutput, error) {
	var updated types.MatchmakingConfiguration
	err := s.change(func(r *resources) error {
		c, err := s.configurationIn(r, val(in.Name))
		if err != nil {
			return err
		}
		assign(&c.Description, in.Description)
		assignList(&c.GameSessionQueueArns, in.GameSessionQueueArns)
		assign(&c.RequestTimeoutSeconds, in.RequestTimeoutSeconds)
		assign(&c.AcceptanceTimeoutSeconds, in.AcceptanceTimeoutSeconds)
		assign(&c.AcceptanceRequired, in.AcceptanceRequired)
		assign(&c.RuleSetName, in.RuleSetName)
		assign(&c.NotificationTarget, in.NotificationTarget)
		assign(&c.AdditionalPlayerCount, in.AdditionalPlayerCount)
		assign(&c.CustomEventData, in.CustomEventData)
		assignList(&c.GameProperties, in.GameProperties)
		assign(&c.GameSessionData, in.GameSessionData)
		assignEnum(&c.BackfillMode, in.BackfillMode)
		assignEnum(&c.FlexMatchMode, in.FlexMatchMode)
		if in.FlexMatchMode == types.FlexMatchModeStandalone && in.GameSessionQueueArns == nil {
			c.GameSessionQueueArns = nil // not every client can send an empty list
		}
		if err := s.checkConfiguration(r, &c); err != nil {
			return err
		}
		r.Configurations[val(c.Name)], updated = c, c
		return nil
	}, func(time.Time) { s.setMatchmaker(updated) })
	if err != nil {
		return nil, err
	}
	return &gamelift.UpdateMatchmakingConfigurationOutput{Configuration: &updated}, nil
}

// deleteMatchmakingConfiguration cancels the tickets that still search.
func (s *Service) deleteMatchmakingConfiguration(_ context.Context, in *gamelift.DeleteMatchmakingConfigurationInput) (*gamelift.DeleteMatchmakingConfigurationOutput, error) {
	var name string
	err := s.change(func(r *resources) error {
		c, err := s.configurationIn(r, val(in.Name))
		if err != nil {
			return err
		}
		name = val(c.Name)
		delete(r.Configurations, name)
		delete(r.Tags, val(c.ConfigurationArn))
		return nil
	}, func(time.Time) { s.retireMatchmaker(name) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DeleteMatchmakingConfigurationOutput{}, nil
}
