package gameliftlocal

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// maxLocationPage is Amazon's page maximum of ListLocations.
const maxLocationPage = 200

// beaconPort is where Amazon's UDP ping beacons listen.
const beaconPort = 7770

// awsLocations are the Regions that ListLocations names besides custom locations.
// Nothing can be hosted there by this service; clients list them to measure
// latencies, which queues and matchmakers do use.
var awsLocations = [...]string{
	"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
	"eu-central-1", "eu-west-1", "eu-west-2", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

func (s *Service) createLocation(_ context.Context, in *gamelift.CreateLocationInput) (*gamelift.CreateLocationOutput, error) {
	name := val(in.LocationName)
	arn := s.names.arn(kindLocation, name)
	made := types.LocationModel{LocationName: &name, LocationArn: &arn}
	err := s.change(func(r *resources) error {
		if _, taken := r.Locations[name]; taken {
			return conflict("Location %s already exists.", name)
		}
		if len(r.Locations) >= maxLocations {
			return limitExceeded("The limit of %d custom locations is reached.", maxLocations)
		}
		r.Locations[name] = made
		return r.setTags(arn, in.Tags)
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.CreateLocationOutput{Location: &made}, nil
}

// deleteLocation refuses while a fleet hosts there (our choice; Amazon's pages do
// not say what happens).
func (s *Service) deleteLocation(_ context.Context, in *gamelift.DeleteLocationInput) (*gamelift.DeleteLocationOutput, error) {
	name, ok := s.names.id(kindLocation, val(in.LocationName))
	if !ok {
		return nil, notFound("Location %s does not exist.", val(in.LocationName))
	}
	err := s.change(func(r *resources) error {
		if _, known := r.Locations[name]; !known {
			return notFound("Location %s does not exist.", name)
		}
		for id, f := range r.Fleets {
			if slices.Contains(f.Locations, name) {
				return invalid("Location %s is in use by fleet %s.", name, id)
			}
		}
		delete(r.Locations, name)
		delete(r.Tags, s.names.arn(kindLocation, name))
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.DeleteLocationOutput{}, nil
}

func (s *Service) listLocations(_ context.Context, in *gamelift.ListLocationsInput) (*gamelift.ListLocationsOutput, error) {
	wanted := func(filter types.LocationFilter) bool {
		return len(in.Filters) == 0 || slices.Contains(in.Filters, filter)
	}
	var all []types.LocationModel
	if wanted(types.LocationFilterAws) {
		for _, name := range awsLocations {
			all = append(all, types.LocationModel{LocationName: new(name), PingBeacon: beacon(name)})
		}
	}
	if wanted(types.LocationFilterCustom) {
		for _, l := range s.res.Load().Locations {
			all = append(all, l)
		}
	}
	scope := []string{"ListLocations"}
	for _, f := range in.Filters {
		scope = append(scope, string(f))
	}
	out, next, err := page(listing{scope: scope, limit: in.Limit, token: in.NextToken, max: maxLocationPage}, all,
		func(l types.LocationModel) string { return val(l.LocationName) })
	if err != nil {
		return nil, err
	}
	return &gamelift.ListLocationsOutput{Locations: out, NextToken: next}, nil
}

// beacon is the address of the Region's UDP ping beacon, as Amazon publishes it.
func beacon(region string) *types.PingBeacon {
	return &types.PingBeacon{UDPEndpoint: &types.UDPEndpoint{
		Domain: new("gamelift-ping." + region + ".api.aws"),
		Port:   new(int32(beaconPort)),
	}}
}
