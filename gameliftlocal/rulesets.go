package gameliftlocal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// maxRuleSetPage is Amazon's page maximum of DescribeMatchmakingRuleSets.
const maxRuleSetPage = 10

func (s *Service) createMatchmakingRuleSet(_ context.Context, in *gamelift.CreateMatchmakingRuleSetInput) (*gamelift.CreateMatchmakingRuleSetOutput, error) {
	name := val(in.Name)
	if name == "" {
		return nil, invalid("A rule set needs a name.")
	}
	if err := s.checkRules(in.RuleSetBody); err != nil {
		return nil, err
	}
	made := types.MatchmakingRuleSet{
		RuleSetName: &name, RuleSetArn: new(s.names.arn(kindRuleSet, name)),
		RuleSetBody: in.RuleSetBody, CreationTime: new(s.clock.now()),
	}
	err := s.change(func(r *resources) error {
		if _, taken := r.RuleSets[name]; taken {
			return invalid("Rule set %s already exists.", name)
		}
		if len(r.RuleSets) >= maxRuleSets {
			return limitExceeded("The limit of %d rule sets is reached.", maxRuleSets)
		}
		r.RuleSets[name] = made
		return r.setTags(val(made.RuleSetArn), in.Tags)
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.CreateMatchmakingRuleSetOutput{RuleSet: &made}, nil
}

// checkRules names every problem of a rule set document.
func (s *Service) checkRules(body *string) error {
	if _, err := s.reading.Parse([]byte(val(body))); err != nil {
		return invalid("The rule set is not valid: %s", err)
	}
	return nil
}

func (s *Service) validateMatchmakingRuleSet(_ context.Context, in *gamelift.ValidateMatchmakingRuleSetInput) (*gamelift.ValidateMatchmakingRuleSetOutput, error) {
	if err := s.checkRules(in.RuleSetBody); err != nil {
		return nil, err
	}
	return &gamelift.ValidateMatchmakingRuleSetOutput{Valid: new(true)}, nil
}

func (s *Service) ruleSetIn(r *resources, nameOrARN string) (types.MatchmakingRuleSet, error) {
	name, ok := s.names.id(kindRuleSet, nameOrARN)
	rs, known := r.RuleSets[name]
	if !ok || !known {
		return types.MatchmakingRuleSet{}, notFound("Rule set %s does not exist.", nameOrARN)
	}
	return rs, nil
}

func (s *Service) describeMatchmakingRuleSets(_ context.Context, in *gamelift.DescribeMatchmakingRuleSetsInput) (*gamelift.DescribeMatchmakingRuleSetsOutput, error) {
	res := s.res.Load()
	if len(in.Names) > 0 {
		out := make([]types.MatchmakingRuleSet, 0, len(in.Names))
		for _, name := range in.Names {
			rs, err := s.ruleSetIn(res, name)
			if err != nil {
				return nil, err
			}
			out = append(out, rs)
		}
		return &gamelift.DescribeMatchmakingRuleSetsOutput{RuleSets: out}, nil
	}
	all := make([]types.MatchmakingRuleSet, 0, len(res.RuleSets))
	for _, rs := range res.RuleSets {
		all = append(all, rs)
	}
	l := listing{scope: []string{"DescribeMatchmakingRuleSets"}, limit: in.Limit, token: in.NextToken, max: maxRuleSetPage}
	out, next, err := page(l, all, func(rs types.MatchmakingRuleSet) string { return val(rs.RuleSetName) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeMatchmakingRuleSetsOutput{RuleSets: out, NextToken: next}, nil
}

func (s *Service) deleteMatchmakingRuleSet(_ context.Context, in *gamelift.DeleteMatchmakingRuleSetInput) (*gamelift.DeleteMatchmakingRuleSetOutput, error) {
	err := s.change(func(r *resources) error {
		rs, err := s.ruleSetIn(r, val(in.Name))
		if err != nil {
			return err
		}
		for name, c := range r.Configurations {
			if val(c.RuleSetName) == val(rs.RuleSetName) {
				return invalid("Rule set %s is in use by matchmaking configuration %s.", val(rs.RuleSetName), name)
			}
		}
		delete(r.RuleSets, val(rs.RuleSetName))
		delete(r.Tags, val(rs.RuleSetArn))
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.DeleteMatchmakingRuleSetOutput{}, nil
}
