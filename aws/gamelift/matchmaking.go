package gamelift

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster"
)

var _ muster.GameLift = (*Client)(nil)

// repeatAfter is the wait before something is started again.
const repeatAfter = 100 * time.Millisecond

// maxDescribed is how many tickets DescribeMatchmaking takes at once.
const maxDescribed = 10

// StartMatchmaking asks for a match, by the rule of startOnce.
func (c *Client) StartMatchmaking(ctx context.Context, req muster.StartMatchmaking) error {
	in := startInput(req)
	return c.startOnce(ctx, func(ctx context.Context) error {
		_, err := call(ctx, c, c.api.StartMatchmaking, in, never)
		return err
	}, func(ctx context.Context) (bool, error) { return c.knowsTicket(ctx, req.Ticket) })
}

// startOnce starts something under an id of ours that is used for nothing else. When the
// first answer is lost or the service is busy, it asks once more within the same time
// limit. A repeat cannot start it twice: if the repeat is refused as invalid, which is
// also how GameLift answers to an id that it has, and GameLift does know the id, then the
// first request had arrived and this is success.
func (c *Client) startOnce(ctx context.Context, start func(context.Context) error, known func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := start(ctx)
	if muster.KindOf(err) != muster.Unavailable || !wait(ctx, repeatAfter) {
		return err
	}
	err = start(ctx)
	if muster.KindOf(err) != muster.Invalid {
		return err
	}
	arrived, lookErr := known(ctx)
	if lookErr != nil {
		return lookErr // still not known which of the two it is
	}
	if arrived {
		return nil
	}
	return err
}

func (c *Client) knowsTicket(ctx context.Context, id muster.TicketID) (bool, error) {
	known, err := c.Tickets(ctx, []muster.TicketID{id})
	return len(known) == 1, err
}

// wait reports whether d passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func startInput(req muster.StartMatchmaking) *sdk.StartMatchmakingInput {
	in := &sdk.StartMatchmakingInput{
		ConfigurationName: aws.String(req.Configuration),
		TicketId:          aws.String(string(req.Ticket)),
		Players:           make([]types.Player, 0, len(req.Players)),
	}
	for _, p := range req.Players {
		in.Players = append(in.Players, sdkPlayer(p))
	}
	return in
}

func sdkPlayer(p muster.MatchmakingPlayer) types.Player {
	player := types.Player{PlayerId: aws.String(string(p.ID))}
	if len(p.Attributes) > 0 {
		player.PlayerAttributes = make(map[string]types.AttributeValue, len(p.Attributes))
	}
	for name, v := range p.Attributes {
		player.PlayerAttributes[name] = types.AttributeValue{S: v.S, N: v.N, SL: v.SL, SDM: v.SDM}
	}
	if len(p.LatencyInMs) > 0 {
		player.LatencyInMs = make(map[string]int32, len(p.LatencyInMs))
	}
	for location, ms := range p.LatencyInMs {
		player.LatencyInMs[location] = boundedLatency(ms)
	}
	return player
}

func boundedLatency(ms int) int32 { return int32(min(max(ms, 1), maxLatencyInMs)) }

// maxLatencyInMs keeps a latency within what any rule could mean.
const maxLatencyInMs = 60_000

// StopMatchmaking withdraws a ticket. One that is being placed, or is over, is Invalid.
func (c *Client) StopMatchmaking(ctx context.Context, id muster.TicketID) error {
	_, err := call(ctx, c, c.api.StopMatchmaking, &sdk.StopMatchmakingInput{TicketId: aws.String(string(id))}, whenThrottled)
	return err
}

// AcceptMatch answers a proposed match for some of a ticket's players. A ticket without
// an open proposal is Invalid.
func (c *Client) AcceptMatch(ctx context.Context, id muster.TicketID, players []muster.PlayerID, accept bool) error {
	in := &sdk.AcceptMatchInput{TicketId: aws.String(string(id)), AcceptanceType: types.AcceptanceTypeReject}
	if accept {
		in.AcceptanceType = types.AcceptanceTypeAccept
	}
	for _, p := range players {
		in.PlayerIds = append(in.PlayerIds, string(p))
	}
	_, err := call(ctx, c, c.api.AcceptMatch, in, whenThrottled)
	return err
}

// Tickets describes up to ten tickets; one that GameLift does not know is left out.
func (c *Client) Tickets(ctx context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > maxDescribed {
		return nil, muster.Errorf(muster.Invalid, "gamelift.too_many_tickets", "%d tickets asked for, %d is the limit", len(ids), maxDescribed)
	}
	in := &sdk.DescribeMatchmakingInput{TicketIds: make([]string, 0, len(ids))}
	for _, id := range ids {
		in.TicketIds = append(in.TicketIds, string(id))
	}
	out, err := call(ctx, c, c.api.DescribeMatchmaking, in)
	if err != nil && muster.KindOf(err) == muster.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	snapshots := make([]muster.TicketSnapshot, 0, len(out.TicketList))
	for _, t := range out.TicketList {
		snap, err := ticketSnapshot(t)
		if err != nil {
			return nil, err
		}
		snapshots = append(snapshots, snap)
	}
	return snapshots, nil
}

var ticketStatuses = map[types.MatchmakingConfigurationStatus]muster.TicketStatus{
	types.MatchmakingConfigurationStatusQueued:             muster.Queued,
	types.MatchmakingConfigurationStatusSearching:          muster.Searching,
	types.MatchmakingConfigurationStatusRequiresAcceptance: muster.RequiresAcceptance,
	types.MatchmakingConfigurationStatusPlacing:            muster.Placing,
	types.MatchmakingConfigurationStatusCompleted:          muster.Completed,
	types.MatchmakingConfigurationStatusFailed:             muster.Failed,
	types.MatchmakingConfigurationStatusCancelled:          muster.Cancelled,
	types.MatchmakingConfigurationStatusTimedOut:           muster.TimedOut,
}

// ticketSnapshot reads one ticket. A status that is none of Amazon's is an error: to
// guess could end a ticket that lives.
func ticketSnapshot(t types.MatchmakingTicket) (muster.TicketSnapshot, error) {
	status, known := ticketStatuses[t.Status]
	if !known {
		return muster.TicketSnapshot{}, muster.Errorf(muster.Internal, "gamelift.ticket_status", "GameLift answered with ticket status %q", t.Status)
	}
	snap := muster.TicketSnapshot{
		Ticket: muster.TicketID(aws.ToString(t.TicketId)), Status: status,
		Reason: aws.ToString(t.StatusReason), Message: aws.ToString(t.StatusMessage),
		EstimatedWaitSeconds: int(aws.ToInt32(t.EstimatedWaitTime)),
		Teams:                make(map[muster.PlayerID]string, len(t.Players)),
	}
	for _, p := range t.Players {
		if p.Team != nil {
			snap.Teams[muster.PlayerID(aws.ToString(p.PlayerId))] = *p.Team
		}
	}
	if info := t.GameSessionConnectionInfo; info != nil {
		snap.Session = muster.SessionID(aws.ToString(info.GameSessionArn))
		snap.IPAddress, snap.DNSName = aws.ToString(info.IpAddress), aws.ToString(info.DnsName)
		snap.Port = int(aws.ToInt32(info.Port))
		snap.Seats = make(map[muster.PlayerID]muster.SeatID, len(info.MatchedPlayerSessions))
		for _, seat := range info.MatchedPlayerSessions {
			snap.Seats[muster.PlayerID(aws.ToString(seat.PlayerId))] = muster.SeatID(aws.ToString(seat.PlayerSessionId))
		}
	}
	return snap, nil
}
