package gameliftlocal

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
)

func (s *Service) describeFleetUtilization(_ context.Context, in *gamelift.DescribeFleetUtilizationInput) (*gamelift.DescribeFleetUtilizationOutput, error) {
	res := s.res.Load()
	var fleets []fleet
	for _, id := range in.FleetIds {
		if _, f, err := s.fleetIn(res, &id); err == nil {
			fleets = append(fleets, f)
		}
	}
	if len(in.FleetIds) > 0 && len(fleets) == 0 {
		return nil, notFound("None of the fleets exists.")
	}
	l := listing{scope: []string{"DescribeFleetUtilization"}, limit: in.Limit, token: in.NextToken}
	if len(in.FleetIds) > 0 { // Limit and NextToken are ignored with ids
		l.limit, l.token = nil, nil
	} else {
		for _, f := range res.Fleets {
			fleets = append(fleets, f)
		}
	}
	found, next, err := page(l, fleets, func(f fleet) string { return byAge(val(f.Attributes.CreationTime), val(f.Attributes.FleetId)) })
	if err != nil {
		return nil, err
	}
	out := &gamelift.DescribeFleetUtilizationOutput{NextToken: next}
	for _, f := range found {
		out.FleetUtilization = append(out.FleetUtilization, s.utilization(f, ""))
	}
	return out, nil
}

func (s *Service) describeFleetLocationUtilization(_ context.Context, in *gamelift.DescribeFleetLocationUtilizationInput) (*gamelift.DescribeFleetLocationUtilizationOutput, error) {
	id, f, err := s.fleet(in.FleetId)
	if err != nil {
		return nil, err
	}
	location := val(in.Location)
	if !slices.Contains(f.Locations, location) {
		return nil, notFound("Location %s does not belong to fleet %s.", location, id)
	}
	return &gamelift.DescribeFleetLocationUtilizationOutput{FleetUtilization: new(s.utilization(f, location))}, nil
}

// utilization counts what a fleet hosts now; a location other than "" narrows.
func (s *Service) utilization(f fleet, location string) types.FleetUtilization {
	var processes, sessions, players, places int32
	id := hosting.FleetID(val(f.Attributes.FleetId))
	s.host(func(w *hosting.World, now time.Time) {
		w.Advance(now)
		for _, p := range w.Processes(id) {
			if p.State == hosting.ProcessReady && (location == "" || p.Location == location) {
				processes++
			}
		}
		for _, h := range w.Sessions(id, location, hosting.SessionActivating, hosting.SessionActive, hosting.SessionTerminating) {
			sessions++
			players += int32(h.Players)
			places += int32(h.MaxPlayers)
		}
	})
	return types.FleetUtilization{
		FleetId: f.Attributes.FleetId, FleetArn: f.Attributes.FleetArn, Location: optional(location),
		ActiveServerProcessCount: &processes, ActiveGameSessionCount: &sessions,
		CurrentPlayerSessionCount: &players, MaximumPlayerSessionCount: &places,
	}
}
