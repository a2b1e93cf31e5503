package gamelift

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"

	"muster"
)

// ComputePlan is a machine that an Anywhere fleet shall have.
type ComputePlan struct {
	FleetID   string
	Name      string // unique in the fleet
	Location  string // one of the fleet's
	IPAddress string // where players reach its game servers
}

// Compute is a registered machine.
type Compute struct {
	SDKEndpoint string // URL of the socket that its game servers open
}

// RegisterCompute makes a machine known to its fleet. One that is registered with the
// same address and place is used as it is; otherwise it is registered anew, which ends
// its processes.
func (c *Client) RegisterCompute(ctx context.Context, plan ComputePlan) (Compute, error) {
	known, err := call(ctx, c, c.api.DescribeCompute, &sdk.DescribeComputeInput{FleetId: &plan.FleetID, ComputeName: &plan.Name})
	if err != nil && !absent(err) {
		return Compute{}, fmt.Errorf("describe compute %s: %w", plan.Name, err)
	}
	if err == nil && known.Compute != nil {
		if aws.ToString(known.Compute.IpAddress) == plan.IPAddress && aws.ToString(known.Compute.Location) == plan.Location {
			return Compute{SDKEndpoint: aws.ToString(known.Compute.GameLiftServiceSdkEndpoint)}, nil
		}
		_, err := call(ctx, c, c.api.DeregisterCompute, &sdk.DeregisterComputeInput{FleetId: &plan.FleetID, ComputeName: &plan.Name}, whenThrottled)
		if err != nil && !absent(err) {
			return Compute{}, fmt.Errorf("deregister compute %s: %w", plan.Name, err)
		}
	}
	out, err := call(ctx, c, c.api.RegisterCompute, &sdk.RegisterComputeInput{
		FleetId: &plan.FleetID, ComputeName: &plan.Name, Location: &plan.Location, IpAddress: &plan.IPAddress,
	}, whenThrottled)
	if err != nil {
		return Compute{}, fmt.Errorf("register compute %s: %w", plan.Name, err)
	}
	if out.Compute == nil {
		return Compute{}, errIncomplete("RegisterCompute")
	}
	return Compute{SDKEndpoint: aws.ToString(out.Compute.GameLiftServiceSdkEndpoint)}, nil
}

// AuthToken returns what a game server of the machine shows when it connects. It is a
// secret, good for hours: ask for each process anew.
func (c *Client) AuthToken(ctx context.Context, fleetID, compute string) (string, error) {
	out, err := call(ctx, c, c.api.GetComputeAuthToken, &sdk.GetComputeAuthTokenInput{FleetId: &fleetID, ComputeName: &compute})
	if err != nil {
		return "", fmt.Errorf("get auth token of compute %s: %w", compute, err)
	}
	return aws.ToString(out.AuthToken), nil
}

// errIncomplete is the error for an answer without the part that every answer has.
func errIncomplete(operation string) *muster.Error {
	return muster.Errorf(muster.Internal, "gamelift.incomplete", "GameLift's answer to %s is incomplete", operation)
}
