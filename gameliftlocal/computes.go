package gameliftlocal

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
)

// registerCompute declares no NotFoundException: an unknown fleet is an invalid
// request. Anywhere fleets need a Location and an address.
func (s *Service) registerCompute(_ context.Context, in *gamelift.RegisterComputeInput) (*gamelift.RegisterComputeOutput, error) {
	var made compute
	err := s.change(func(r *resources) error {
		id, f, err := s.fleetIn(r, in.FleetId)
		if err != nil {
			return invalid("Fleet %s does not exist.", val(in.FleetId))
		}
		made = s.newCompute(f, in)
		if err := checkCompute(r, f, made); err != nil {
			return err
		}
		r.Computes[computeKey(id, val(in.ComputeName))] = made
		return nil
	}, func(now time.Time) { s.addCompute(now, made) })
	if err != nil {
		return nil, err
	}
	return &gamelift.RegisterComputeOutput{Compute: s.withEndpoints(made)}, nil
}

func (s *Service) newCompute(f fleet, in *gamelift.RegisterComputeInput) compute {
	name := val(in.ComputeName)
	return compute{
		Compute: types.Compute{
			ComputeName: &name, ComputeArn: new(s.names.arn(kindCompute, name)),
			FleetId: f.Attributes.FleetId, FleetArn: f.Attributes.FleetArn, Location: in.Location,
			IpAddress: in.IpAddress, DnsName: in.DnsName, ComputeStatus: types.ComputeStatusActive,
			CreationTime: new(s.clock.now()),
		},
		CertificatePath: val(in.CertificatePath),
	}
}

func checkCompute(r *resources, f fleet, c compute) error {
	fleetID, name, location := val(f.Attributes.FleetId), val(c.Compute.ComputeName), val(c.Compute.Location)
	known := false
	for _, l := range f.Locations {
		known = known || l == location
	}
	switch {
	case location == "":
		return invalid("A compute of an Anywhere fleet needs a Location.")
	case !known:
		return invalid("Location %s does not belong to fleet %s.", location, fleetID)
	case c.Compute.IpAddress == nil && c.Compute.DnsName == nil:
		return invalid("A compute needs an IpAddress or a DnsName.")
	case len(r.Computes) >= maxComputes:
		return limitExceeded("The limit of %d computes is reached.", maxComputes)
	}
	if _, taken := r.Computes[computeKey(fleetID, name)]; taken {
		return conflict("Compute %s is already registered in fleet %s.", name, fleetID)
	}
	return nil
}

// withEndpoints adds where game servers connect to. The agent's endpoint is the same
// one: agents are refused there, by its lack of a process id.
func (s *Service) withEndpoints(c compute) *types.Compute {
	out := c.Compute
	out.GameLiftServiceSdkEndpoint = new(s.socketURL)
	out.GameLiftAgentEndpoint = new(s.socketURL)
	return &out
}

func (s *Service) computeIn(r *resources, fleetID, nameOrARN *string) (compute, error) {
	id, _, err := s.fleetIn(r, fleetID)
	if err != nil {
		return compute{}, err
	}
	name, ok := s.names.id(kindCompute, val(nameOrARN))
	c, known := r.Computes[computeKey(id, name)]
	if !ok || !known {
		return compute{}, notFound("Compute %s is not registered in fleet %s.", val(nameOrARN), id)
	}
	return c, nil
}

func (s *Service) deregisterCompute(_ context.Context, in *gamelift.DeregisterComputeInput) (*gamelift.DeregisterComputeOutput, error) {
	var gone compute
	err := s.change(func(r *resources) error {
		c, err := s.computeIn(r, in.FleetId, in.ComputeName)
		if err != nil {
			return err
		}
		gone = c
		delete(r.Computes, computeKey(val(c.Compute.FleetId), val(c.Compute.ComputeName)))
		return nil
	}, func(now time.Time) { s.removeCompute(now, gone) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DeregisterComputeOutput{}, nil
}

func (s *Service) describeCompute(_ context.Context, in *gamelift.DescribeComputeInput) (*gamelift.DescribeComputeOutput, error) {
	c, err := s.computeIn(s.res.Load(), in.FleetId, in.ComputeName)
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeComputeOutput{Compute: s.withEndpoints(c)}, nil
}

// listCompute declares no NotFoundException: an unknown fleet is an invalid request.
func (s *Service) listCompute(_ context.Context, in *gamelift.ListComputeInput) (*gamelift.ListComputeOutput, error) {
	res := s.res.Load()
	id, _, err := s.fleetIn(res, in.FleetId)
	if err != nil {
		return nil, invalid("Fleet %s does not exist.", val(in.FleetId))
	}
	if in.ContainerGroupDefinitionName != nil {
		return nil, invalid("Fleet %s is not a container fleet.", id)
	}
	var all []types.Compute
	for _, c := range res.Computes {
		if val(c.Compute.FleetId) == id && (in.Location == nil || *in.Location == val(c.Compute.Location)) &&
			in.ComputeStatus != types.ListComputeInputStatusImpaired {
			all = append(all, *s.withEndpoints(c))
		}
	}
	l := listing{scope: []string{"ListCompute", id, val(in.Location), string(in.ComputeStatus)}, limit: in.Limit, token: in.NextToken}
	out, next, err := page(l, all, func(c types.Compute) string { return val(c.ComputeName) })
	if err != nil {
		return nil, err
	}
	return &gamelift.ListComputeOutput{ComputeList: out, NextToken: next}, nil
}

func (s *Service) getComputeAuthToken(_ context.Context, in *gamelift.GetComputeAuthTokenInput) (*gamelift.GetComputeAuthTokenOutput, error) {
	c, err := s.computeIn(s.res.Load(), in.FleetId, in.ComputeName)
	if err != nil {
		return nil, err
	}
	var token hosting.Token
	s.host(func(w *hosting.World, now time.Time) {
		token, err = w.IssueToken(now, hosting.FleetID(val(c.Compute.FleetId)), val(c.Compute.ComputeName))
	})
	if err != nil { // deregistered meanwhile
		return nil, hostingError(err)
	}
	return &gamelift.GetComputeAuthTokenOutput{
		FleetId: c.Compute.FleetId, FleetArn: c.Compute.FleetArn, ComputeName: c.Compute.ComputeName, ComputeArn: c.Compute.ComputeArn,
		AuthToken: &token.Value, ExpirationTimestamp: &token.ExpiresAt,
	}, nil
}
