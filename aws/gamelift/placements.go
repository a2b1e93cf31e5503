package gamelift

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster"
)

// StartPlacement asks a queue for a session, by the rule of startOnce. A refusal as
// invalid of a placement that GameLift knows is success too: it was asked for before.
func (c *Client) StartPlacement(ctx context.Context, req muster.StartPlacement) error {
	in := placementInput(req)
	known := func(ctx context.Context) (bool, error) { return c.knowsPlacement(ctx, req.Placement) }
	err := c.startOnce(ctx, func(ctx context.Context) error {
		_, err := call(ctx, c, c.api.StartGameSessionPlacement, in, never)
		return err
	}, known)
	if muster.KindOf(err) != muster.Invalid {
		return err
	}
	if arrived, lookErr := known(ctx); arrived && lookErr == nil {
		return nil
	}
	return err
}

func (c *Client) knowsPlacement(ctx context.Context, id muster.PlacementID) (bool, error) {
	_, err := c.Placement(ctx, id)
	if absent(err) {
		return false, nil
	}
	return err == nil, err
}

func placementInput(req muster.StartPlacement) *sdk.StartGameSessionPlacementInput {
	in := &sdk.StartGameSessionPlacementInput{
		PlacementId: aws.String(string(req.Placement)), GameSessionQueueName: aws.String(req.Queue),
		MaximumPlayerSessionCount: aws.Int32(int32(req.MaxPlayers)),
	}
	if req.Name != "" {
		in.GameSessionName = &req.Name
	}
	if req.Data != "" {
		in.GameSessionData = &req.Data
	}
	for _, key := range slices.Sorted(maps.Keys(req.Properties)) {
		in.GameProperties = append(in.GameProperties, types.GameProperty{Key: aws.String(key), Value: aws.String(req.Properties[key])})
	}
	if len(req.LocationOrder) > 0 {
		in.PriorityConfigurationOverride = &types.PriorityConfigurationOverride{LocationOrder: req.LocationOrder}
	}
	for _, p := range req.Players {
		seat := types.DesiredPlayerSession{PlayerId: aws.String(string(p.ID))}
		if p.Data != "" {
			seat.PlayerData = aws.String(p.Data)
		}
		in.DesiredPlayerSessions = append(in.DesiredPlayerSessions, seat)
		if len(req.LocationOrder) > 0 {
			continue // GameLift takes one or the other
		}
		for _, location := range slices.Sorted(maps.Keys(p.LatencyInMs)) {
			in.PlayerLatencies = append(in.PlayerLatencies, types.PlayerLatency{
				PlayerId: aws.String(string(p.ID)), RegionIdentifier: aws.String(location),
				LatencyInMilliseconds: aws.Float32(float32(boundedLatency(p.LatencyInMs[location]))),
			})
		}
	}
	return in
}

// StopPlacement withdraws a placement. One that is over is Invalid.
func (c *Client) StopPlacement(ctx context.Context, id muster.PlacementID) error {
	_, err := call(ctx, c, c.api.StopGameSessionPlacement, &sdk.StopGameSessionPlacementInput{PlacementId: aws.String(string(id))}, whenThrottled)
	return err
}

// Placement describes one placement; an unknown one is NotFound.
func (c *Client) Placement(ctx context.Context, id muster.PlacementID) (muster.PlacementSnapshot, error) {
	out, err := call(ctx, c, c.api.DescribeGameSessionPlacement, &sdk.DescribeGameSessionPlacementInput{PlacementId: aws.String(string(id))})
	if err != nil {
		return muster.PlacementSnapshot{}, err
	}
	if out.GameSessionPlacement == nil {
		return muster.PlacementSnapshot{}, muster.Errorf(muster.NotFound, unknown.code, "GameLift does not know this placement")
	}
	return placementSnapshot(*out.GameSessionPlacement)
}

var placementStatuses = map[types.GameSessionPlacementState]muster.PlacementStatus{
	types.GameSessionPlacementStatePending:   muster.PlacementPending,
	types.GameSessionPlacementStateFulfilled: muster.PlacementFulfilled,
	types.GameSessionPlacementStateCancelled: muster.PlacementCancelled,
	types.GameSessionPlacementStateTimedOut:  muster.PlacementTimedOut,
	types.GameSessionPlacementStateFailed:    muster.PlacementFailed,
}

// placementSnapshot reads one placement. While it is pending, the session that GameLift
// shows may still change, so it is left out. A status that is none of Amazon's is an
// error: to guess could end a placement that lives.
func placementSnapshot(p types.GameSessionPlacement) (muster.PlacementSnapshot, error) {
	status, known := placementStatuses[p.Status]
	if !known {
		return muster.PlacementSnapshot{}, muster.Errorf(muster.Internal, "gamelift.placement_status", "GameLift answered with placement status %q", p.Status)
	}
	snap := muster.PlacementSnapshot{Placement: muster.PlacementID(aws.ToString(p.PlacementId)), Status: status}
	if status != muster.PlacementFulfilled {
		return snap, nil
	}
	snap.Session = muster.SessionID(aws.ToString(p.GameSessionArn))
	snap.IPAddress, snap.DNSName, snap.Port = aws.ToString(p.IpAddress), aws.ToString(p.DnsName), int(aws.ToInt32(p.Port))
	snap.Seats = make(map[muster.PlayerID]muster.SeatID, len(p.PlacedPlayerSessions))
	for _, seat := range p.PlacedPlayerSessions {
		snap.Seats[muster.PlayerID(aws.ToString(seat.PlayerId))] = muster.SeatID(aws.ToString(seat.PlayerSessionId))
	}
	return snap, nil
}

// ReserveSeat makes a seat in a running session.
func (c *Client) ReserveSeat(ctx context.Context, req muster.ReserveSeat) (muster.SeatGrant, error) {
	in := &sdk.CreatePlayerSessionInput{GameSessionId: aws.String(string(req.Session)), PlayerId: aws.String(string(req.Player))}
	if req.Data != "" {
		in.PlayerData = &req.Data
	}
	out, err := call(ctx, c, c.api.CreatePlayerSession, in, whenThrottled)
	if err != nil {
		return muster.SeatGrant{}, err
	}
	if out.PlayerSession == nil {
		return muster.SeatGrant{}, errIncomplete("CreatePlayerSession")
	}
	s := out.PlayerSession
	return muster.SeatGrant{
		Seat:      muster.SeatID(aws.ToString(s.PlayerSessionId)),
		IPAddress: aws.ToString(s.IpAddress), DNSName: aws.ToString(s.DnsName), Port: int(aws.ToInt32(s.Port)),
	}, nil
}

// LiveSeats lists the seats of a session that are reserved or taken. Reserved ones are
// asked for first, so that a player who connects meanwhile is in one list at least.
func (c *Client) LiveSeats(ctx context.Context, id muster.SessionID) ([]muster.SeatState, error) {
	var seats []muster.SeatState
	listed := make(map[muster.SeatID]bool)
	for _, status := range []types.PlayerSessionStatus{types.PlayerSessionStatusReserved, types.PlayerSessionStatusActive} {
		pages := sdk.NewDescribePlayerSessionsPaginator(c.api, &sdk.DescribePlayerSessionsInput{
			GameSessionId: aws.String(string(id)), PlayerSessionStatusFilter: aws.String(string(status)),
		})
		for pages.HasMorePages() {
			page, err := call(ctx, c, nextPage(pages.NextPage), new(struct{}))
			if err != nil {
				return nil, err
			}
			for _, s := range page.PlayerSessions {
				if seat := seatState(s); !listed[seat.Seat] {
					listed[seat.Seat] = true
					seats = append(seats, seat)
				}
			}
		}
	}
	return seats, nil
}

// StartBackfill asks for more players for a session, by the rule of startOnce.
func (c *Client) StartBackfill(ctx context.Context, req muster.StartBackfill) error {
	in := &sdk.StartMatchBackfillInput{
		ConfigurationName: aws.String(req.Configuration), TicketId: aws.String(string(req.Ticket)),
		GameSessionArn: aws.String(string(req.Session)), Players: make([]types.Player, 0, len(req.Players)),
	}
	for _, p := range req.Players {
		player := sdkPlayer(p.MatchmakingPlayer)
		player.Team = aws.String(p.Team)
		in.Players = append(in.Players, player)
	}
	return c.startOnce(ctx, func(ctx context.Context) error {
		_, err := call(ctx, c, c.api.StartMatchBackfill, in, never)
		return err
	}, func(ctx context.Context) (bool, error) { return c.knowsTicket(ctx, req.Ticket) })
}
