package gameliftlocal

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// createFleet makes Anywhere fleets only: a managed one would need machines. It is
// active at once, yet answered as NEW, as Amazon's service does.
func (s *Service) createFleet(_ context.Context, in *gamelift.CreateFleetInput) (*gamelift.CreateFleetOutput, error) {
	if err := anywhereOnly(in); err != nil {
		return nil, err
	}
	id := "fleet-" + s.newID()
	made := fleet{Attributes: s.fleetAttributes(id, in), Runtime: val(in.RuntimeConfiguration)}
	for _, l := range in.Locations {
		name := val(l.Location)
		if slices.Contains(made.Locations, name) {
			return nil, invalid("Location %s is given twice.", name)
		}
		made.Locations = append(made.Locations, name)
	}
	err := s.change(func(r *resources) error {
		for _, name := range made.Locations {
			if _, known := r.Locations[name]; !known {
				return notFound("Location %s does not exist.", name)
			}
		}
		if len(r.Fleets) >= maxFleets {
			return limitExceeded("The limit of %d fleets is reached.", maxFleets)
		}
		r.Fleets[id] = made
		return r.setTags(val(made.Attributes.FleetArn), in.Tags)
	}, func(now time.Time) { s.addFleet(now, made) })
	if err != nil {
		return nil, err
	}
	answer := made.Attributes
	answer.Status = types.FleetStatusNew
	return &gamelift.CreateFleetOutput{FleetAttributes: &answer, LocationStates: made.states()}, nil
}

// anywhereOnly refuses what this service cannot host.
func anywhereOnly(in *gamelift.CreateFleetInput) error {
	if in.ComputeType != types.ComputeTypeAnywhere {
		return invalid("The local service hosts Anywhere fleets only: set ComputeType to ANYWHERE.")
	}
	if len(in.Locations) == 0 {
		return invalid("An Anywhere fleet needs at least one custom location.")
	}
	managed := map[string]bool{
		"BuildId":                         in.BuildId != nil,
		"ScriptId":                        in.ScriptId != nil,
		"ServerLaunchPath":                in.ServerLaunchPath != nil,
		"ServerLaunchParameters":          in.ServerLaunchParameters != nil,
		"LogPaths":                        in.LogPaths != nil,
		"EC2InstanceType":                 in.EC2InstanceType != "",
		"EC2InboundPermissions":           in.EC2InboundPermissions != nil,
		"FleetType":                       in.FleetType != "",
		"InstanceRoleArn":                 in.InstanceRoleArn != nil,
		"InstanceRoleCredentialsProvider": in.InstanceRoleCredentialsProvider != "",
		"PeerVpcId":                       in.PeerVpcId != nil,
		"PeerVpcAwsAccountId":             in.PeerVpcAwsAccountId != nil,
	}
	for _, member := range sortedKeys(managed) {
		if managed[member] {
			return invalid("%s cannot be set for an Anywhere fleet.", member)
		}
	}
	return nil
}

func (s *Service) fleetAttributes(id string, in *gamelift.CreateFleetInput) types.FleetAttributes {
	protection := in.NewGameSessionProtectionPolicy
	if protection == "" {
		protection = types.ProtectionPolicyNoProtection
	}
	certificate := in.CertificateConfiguration
	if certificate == nil {
		certificate = &types.CertificateConfiguration{CertificateType: types.CertificateTypeDisabled}
	}
	return types.FleetAttributes{
		FleetId: &id, FleetArn: new(s.names.arn(kindFleet, id)), Name: in.Name, Description: in.Description,
		CreationTime: new(s.clock.now()), Status: types.FleetStatusActive, ComputeType: types.ComputeTypeAnywhere,
		AnywhereConfiguration: in.AnywhereConfiguration, CertificateConfiguration: certificate,
		NewGameSessionProtectionPolicy: protection, ResourceCreationLimitPolicy: in.ResourceCreationLimitPolicy,
		MetricGroups: in.MetricGroups, PlayerGatewayMode: in.PlayerGatewayMode, PlayerGatewayConfiguration: in.PlayerGatewayConfiguration,
	}
}

// states are the fleet's locations, all active for as long as the fleet exists.
func (f fleet) states() []types.LocationState {
	out := make([]types.LocationState, len(f.Locations))
	for i, name := range f.Locations {
		out[i] = types.LocationState{Location: new(name), Status: types.FleetStatusActive}
	}
	return out
}

// fleet finds a fleet by id or ARN.
func (s *Service) fleet(idOrARN *string) (string, fleet, error) {
	return s.fleetIn(s.res.Load(), idOrARN)
}

func (s *Service) fleetIn(r *resources, idOrARN *string) (string, fleet, error) {
	id, ok := s.names.id(kindFleet, val(idOrARN))
	f, known := r.Fleets[id]
	if !ok || !known {
		return "", fleet{}, notFound("Fleet %s does not exist.", val(idOrARN))
	}
	return id, f, nil
}

func (s *Service) describeFleetAttributes(_ context.Context, in *gamelift.DescribeFleetAttributesInput) (*gamelift.DescribeFleetAttributesOutput, error) {
	res := s.res.Load()
	if len(in.FleetIds) > 0 {
		var out []types.FleetAttributes
		for _, id := range in.FleetIds {
			if _, f, err := s.fleetIn(res, &id); err == nil {
				out = append(out, f.Attributes)
			}
		}
		if len(out) == 0 {
			return nil, notFound("None of the fleets exists.")
		}
		return &gamelift.DescribeFleetAttributesOutput{FleetAttributes: out}, nil
	}
	var all []types.FleetAttributes
	for _, f := range res.Fleets {
		all = append(all, f.Attributes)
	}
	out, next, err := page(listing{scope: []string{"DescribeFleetAttributes"}, limit: in.Limit, token: in.NextToken}, all,
		func(a types.FleetAttributes) string { return byAge(val(a.CreationTime), val(a.FleetId)) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeFleetAttributesOutput{FleetAttributes: out, NextToken: next}, nil
}

func (s *Service) listFleets(_ context.Context, in *gamelift.ListFleetsInput) (*gamelift.ListFleetsOutput, error) {
	if in.BuildId != nil && in.ScriptId != nil {
		return nil, invalid("Only one of BuildId and ScriptId may be set.")
	}
	var all []types.FleetAttributes
	if in.BuildId == nil && in.ScriptId == nil { // no Anywhere fleet has either
		for _, f := range s.res.Load().Fleets {
			all = append(all, f.Attributes)
		}
	}
	found, next, err := page(listing{scope: []string{"ListFleets"}, limit: in.Limit, token: in.NextToken}, all,
		func(a types.FleetAttributes) string { return byAge(val(a.CreationTime), val(a.FleetId)) })
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(found))
	for i, a := range found {
		ids[i] = val(a.FleetId)
	}
	return &gamelift.ListFleetsOutput{FleetIds: ids, NextToken: next}, nil
}

func (s *Service) describeFleetLocationAttributes(_ context.Context, in *gamelift.DescribeFleetLocationAttributesInput) (*gamelift.DescribeFleetLocationAttributesOutput, error) {
	id, f, err := s.fleet(in.FleetId)
	if err != nil {
		return nil, err
	}
	var all []types.LocationAttributes
	for _, state := range f.states() {
		if len(in.Locations) == 0 || slices.Contains(in.Locations, val(state.Location)) {
			all = append(all, types.LocationAttributes{LocationState: &state})
		}
	}
	l := listing{scope: append([]string{"DescribeFleetLocationAttributes", id}, in.Locations...), limit: in.Limit, token: in.NextToken}
	out, next, err := page(l, all, func(a types.LocationAttributes) string { return val(a.LocationState.Location) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeFleetLocationAttributesOutput{
		FleetId: &id, FleetArn: f.Attributes.FleetArn, LocationAttributes: out, NextToken: next,
	}, nil
}

func (s *Service) updateFleetAttributes(_ context.Context, in *gamelift.UpdateFleetAttributesInput) (*gamelift.UpdateFleetAttributesOutput, error) {
	var updated fleet
	err := s.change(func(r *resources) error {
		id, f, err := s.fleetIn(r, in.FleetId)
		if err != nil {
			return err
		}
		a := &f.Attributes
		assign(&a.Name, in.Name)
		assign(&a.Description, in.Description)
		assignEnum(&a.NewGameSessionProtectionPolicy, in.NewGameSessionProtectionPolicy)
		assign(&a.ResourceCreationLimitPolicy, in.ResourceCreationLimitPolicy)
		assignList(&a.MetricGroups, in.MetricGroups)
		assign(&a.AnywhereConfiguration, in.AnywhereConfiguration)
		r.Fleets[id], updated = f, f
		return nil
	}, func(now time.Time) { s.updateFleet(now, updated) })
	if err != nil {
		return nil, err
	}
	return &gamelift.UpdateFleetAttributesOutput{FleetId: updated.Attributes.FleetId, FleetArn: updated.Attributes.FleetArn}, nil
}

// deleteFleet ends the fleet with its computes, processes and sessions. The states
// DELETING and TERMINATED pass at once: the fleet is gone when the call answers.
func (s *Service) deleteFleet(_ context.Context, in *gamelift.DeleteFleetInput) (*gamelift.DeleteFleetOutput, error) {
	var id string
	err := s.change(func(r *resources) error {
		var f fleet
		var err error
		if id, f, err = s.fleetIn(r, in.FleetId); err != nil {
			return err
		}
		for key, c := range r.Computes {
			if val(c.Compute.FleetId) == id {
				delete(r.Computes, key)
				delete(r.Tags, val(c.Compute.ComputeArn))
			}
		}
		delete(r.Fleets, id)
		delete(r.Tags, val(f.Attributes.FleetArn))
		return nil
	}, func(now time.Time) { s.removeFleet(now, id) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DeleteFleetOutput{}, nil
}

func (s *Service) describeRuntimeConfiguration(_ context.Context, in *gamelift.DescribeRuntimeConfigurationInput) (*gamelift.DescribeRuntimeConfigurationOutput, error) {
	_, f, err := s.fleet(in.FleetId)
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeRuntimeConfigurationOutput{RuntimeConfiguration: &f.Runtime}, nil
}

func (s *Service) updateRuntimeConfiguration(_ context.Context, in *gamelift.UpdateRuntimeConfigurationInput) (*gamelift.UpdateRuntimeConfigurationOutput, error) {
	var updated fleet
	err := s.change(func(r *resources) error {
		id, f, err := s.fleetIn(r, in.FleetId)
		if err != nil {
			return err
		}
		f.Runtime = val(in.RuntimeConfiguration)
		r.Fleets[id], updated = f, f
		return nil
	}, func(now time.Time) { s.updateFleet(now, updated) })
	if err != nil {
		return nil, err
	}
	return &gamelift.UpdateRuntimeConfigurationOutput{RuntimeConfiguration: &updated.Runtime}, nil
}

func (s *Service) describeFleetEvents(_ context.Context, in *gamelift.DescribeFleetEventsInput) (*gamelift.DescribeFleetEventsOutput, error) {
	id, _, err := s.fleet(in.FleetId)
	if err != nil {
		return nil, err
	}
	var all []types.Event
	for _, e := range s.fleetEvents(id) {
		at := val(e.EventTime)
		if (in.StartTime == nil || !at.Before(*in.StartTime)) && (in.EndTime == nil || !at.After(*in.EndTime)) {
			all = append(all, e)
		}
	}
	l := listing{scope: []string{"DescribeFleetEvents", id, stamp(in.StartTime), stamp(in.EndTime)}, limit: in.Limit, token: in.NextToken}
	out, next, err := page(l, all, func(e types.Event) string { return byAge(val(e.EventTime), val(e.EventId)) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeFleetEventsOutput{Events: out, NextToken: next}, nil
}
