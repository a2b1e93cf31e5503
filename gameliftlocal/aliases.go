package gameliftlocal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

func (s *Service) createAlias(_ context.Context, in *gamelift.CreateAliasInput) (*gamelift.CreateAliasOutput, error) {
	id := "alias-" + s.newID()
	arn := s.names.arn(kindAlias, id)
	now := s.clock.now()
	made := types.Alias{
		AliasId: &id, AliasArn: &arn, Name: in.Name, Description: in.Description,
		CreationTime: &now, LastUpdatedTime: &now,
	}
	err := s.change(func(r *resources) error {
		routing, err := s.routing(r, in.RoutingStrategy)
		if err != nil {
			return err
		}
		if len(r.Aliases) >= maxAliases {
			return limitExceeded("The limit of %d aliases is reached.", maxAliases)
		}
		made.RoutingStrategy = routing
		r.Aliases[id] = made
		return r.setTags(arn, in.Tags)
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.CreateAliasOutput{Alias: &made}, nil
}

// routing checks a strategy. CreateAlias declares no NotFoundException, so an
// unknown fleet is an invalid request.
func (s *Service) routing(r *resources, in *types.RoutingStrategy) (*types.RoutingStrategy, error) {
	switch in.Type {
	case types.RoutingStrategyTypeSimple:
		if in.FleetId == nil {
			return nil, invalid("A SIMPLE routing strategy needs a FleetId.")
		}
		id, _, err := s.fleetIn(r, in.FleetId)
		if err != nil {
			return nil, invalid("Fleet %s does not exist.", *in.FleetId)
		}
		return &types.RoutingStrategy{Type: in.Type, FleetId: &id, Message: in.Message}, nil
	case types.RoutingStrategyTypeTerminal:
		if in.Message == nil {
			return nil, invalid("A TERMINAL routing strategy needs a Message.")
		}
		return &types.RoutingStrategy{Type: in.Type, Message: in.Message}, nil
	}
	return nil, invalid("The routing strategy needs a Type: SIMPLE or TERMINAL.")
}

func (s *Service) aliasIn(r *resources, idOrARN *string) (types.Alias, error) {
	id, ok := s.names.id(kindAlias, val(idOrARN))
	a, known := r.Aliases[id]
	if !ok || !known {
		return types.Alias{}, notFound("Alias %s does not exist.", val(idOrARN))
	}
	return a, nil
}

// resolve finds the fleet that exactly one of fleetID and aliasID names.
func (s *Service) resolve(fleetID, aliasID *string) (string, fleet, error) {
	if (fleetID == nil) == (aliasID == nil) {
		return "", fleet{}, invalid("Exactly one of FleetId and AliasId must be set.")
	}
	res := s.res.Load()
	if aliasID != nil {
		a, err := s.aliasIn(res, aliasID)
		if err != nil {
			return "", fleet{}, err
		}
		if a.RoutingStrategy.Type == types.RoutingStrategyTypeTerminal {
			return "", fleet{}, terminalRouting(val(a.RoutingStrategy.Message))
		}
		fleetID = a.RoutingStrategy.FleetId
	}
	return s.fleetIn(res, fleetID)
}

func (s *Service) describeAlias(_ context.Context, in *gamelift.DescribeAliasInput) (*gamelift.DescribeAliasOutput, error) {
	a, err := s.aliasIn(s.res.Load(), in.AliasId)
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeAliasOutput{Alias: &a}, nil
}

func (s *Service) resolveAlias(_ context.Context, in *gamelift.ResolveAliasInput) (*gamelift.ResolveAliasOutput, error) {
	_, f, err := s.resolve(nil, in.AliasId)
	if err != nil {
		return nil, err
	}
	return &gamelift.ResolveAliasOutput{FleetId: f.Attributes.FleetId, FleetArn: f.Attributes.FleetArn}, nil
}

func (s *Service) listAliases(_ context.Context, in *gamelift.ListAliasesInput) (*gamelift.ListAliasesOutput, error) {
	var all []types.Alias
	for _, a := range s.res.Load().Aliases {
		if (in.Name == nil || *in.Name == val(a.Name)) &&
			(in.RoutingStrategyType == "" || in.RoutingStrategyType == a.RoutingStrategy.Type) {
			all = append(all, a)
		}
	}
	l := listing{scope: []string{"ListAliases", val(in.Name), string(in.RoutingStrategyType)}, limit: in.Limit, token: in.NextToken}
	out, next, err := page(l, all, func(a types.Alias) string { return byAge(val(a.CreationTime), val(a.AliasId)) })
	if err != nil {
		return nil, err
	}
	return &gamelift.ListAliasesOutput{Aliases: out, NextToken: next}, nil
}

// updateAlias moves what comes later: sessions keep the fleet they were made in.
func (s *Service) updateAlias(_ context.Context, in *gamelift.UpdateAliasInput) (*gamelift.UpdateAliasOutput, error) {
	var updated types.Alias
	err := s.change(func(r *resources) error {
		a, err := s.aliasIn(r, in.AliasId)
		if err != nil {
			return err
		}
		assign(&a.Name, in.Name)
		assign(&a.Description, in.Description)
		if in.RoutingStrategy != nil {
			if a.RoutingStrategy, err = s.routing(r, in.RoutingStrategy); err != nil {
				return err
			}
		}
		a.LastUpdatedTime = new(s.clock.now())
		r.Aliases[val(a.AliasId)], updated = a, a
		return nil
	}, s.queuesChanged)
	if err != nil {
		return nil, err
	}
	return &gamelift.UpdateAliasOutput{Alias: &updated}, nil
}

func (s *Service) deleteAlias(_ context.Context, in *gamelift.DeleteAliasInput) (*gamelift.DeleteAliasOutput, error) {
	err := s.change(func(r *resources) error {
		a, err := s.aliasIn(r, in.AliasId)
		if err != nil {
			return err
		}
		delete(r.Aliases, val(a.AliasId))
		delete(r.Tags, val(a.AliasArn))
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.DeleteAliasOutput{}, nil
}
