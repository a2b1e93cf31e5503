package main

import (
	"context"
	"fmt"
	"time"

	"muster/aws/gamelift"
	"muster/gameliftlocal"
	"muster/gameliftlocal/launcher"
)

// gameServers are the processes that host sessions on this machine, for an Anywhere fleet
// of the local GameLift.
type gameServers struct {
	fleetID, location string
	spare, max        int    // idle ones, and all together
	logs              string // folder for what they print
	command, env      []string
}

// settleGameServers lets a burst of matches be placed before the processes that replace
// the used ones want the processor.
const settleGameServers = 250 * time.Millisecond

// start registers this machine with the fleet and keeps processes running on it.
func (g gameServers) start(ctx context.Context, local *gameliftlocal.Service, client *gamelift.Client, s *stack) (*launcher.Launcher, error) {
	_, err := client.RegisterCompute(ctx, gamelift.ComputePlan{
		FleetID: g.fleetID, Name: computeName, Location: g.location, IPAddress: "127.0.0.1",
	})
	if err != nil {
		return nil, fmt.Errorf("register this machine: %w", err)
	}
	o := local.LauncherOptions(g.fleetID, computeName)
	o.Spare, o.Max, o.LogDir, o.Settle = g.spare, g.max, g.logs, settleGameServers
	o.Command, o.Env = g.command, g.env
	l, err := launcher.New(o)
	if err != nil {
		return nil, err
	}
	s.run("game servers", l.Run)
	return l, nil
}
