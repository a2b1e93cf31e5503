package gameliftlocal

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
)

// startGameSessionPlacement answers PENDING at once, also when a process was idle.
func (s *Service) startGameSessionPlacement(_ context.Context, in *gamelift.StartGameSessionPlacementInput) (*gamelift.StartGameSessionPlacementOutput, error) {
	queue, err := s.queueIn(s.res.Load(), val(in.GameSessionQueueName))
	if err != nil {
		return nil, err
	}
	request := hosting.PlacementRequest{
		ID: hosting.PlacementID(val(in.PlacementId)), Queue: val(queue.Name), MaxPlayers: int(val(in.MaximumPlayerSessionCount)),
		Name: val(in.GameSessionName), Data: val(in.GameSessionData), Properties: hostedProperties(in.GameProperties),
	}
	for _, p := range in.DesiredPlayerSessions {
		request.Players = append(request.Players, hosting.NewPlayer{PlayerID: val(p.PlayerId), Data: val(p.PlayerData)})
	}
	for _, l := range in.PlayerLatencies {
		request.Latencies = append(request.Latencies, hosting.Latency{
			PlayerID: val(l.PlayerId), Location: val(l.RegionIdentifier), Milliseconds: float64(val(l.LatencyInMilliseconds)),
		})
	}
	if o := in.PriorityConfigurationOverride; o != nil {
		request.Override = &hosting.Override{LocationOrder: o.LocationOrder, Strategy: hosting.Strategy(o.PlacementFallbackStrategy)}
	}
	var started hosting.Placement
	s.host(func(w *hosting.World, now time.Time) { started, err = w.StartPlacement(now, request) })
	var refused *hosting.Error
	switch {
	case errors.As(err, &refused) && refused.Condition == hosting.LimitExceeded:
		return nil, errThrottled // the operation declares no exception for it
	case err != nil:
		return nil, hostingError(err)
	}
	return &gamelift.StartGameSessionPlacementOutput{GameSessionPlacement: new(s.placement(started))}, nil
}

// placement is a placement as the API tells it.
func (s *Service) placement(h hosting.Placement) types.GameSessionPlacement {
	r := h.Request
	out := types.GameSessionPlacement{
		PlacementId: new(string(r.ID)), GameSessionQueueName: &r.Queue, Status: types.GameSessionPlacementState(h.Status),
		MaximumPlayerSessionCount: new(int32(r.MaxPlayers)), GameSessionName: optional(r.Name), GameSessionData: optional(r.Data),
		MatchmakerData: optional(r.MatchmakerData), StartTime: &h.StartedAt, EndTime: optional(h.EndedAt),
		GameSessionId: optional(string(h.Session)), GameSessionArn: optional(string(h.Session)),
		IpAddress: optional(h.IPAddress), DnsName: optional(h.DNSName), Port: optional(int32(h.Port)),
	}
	if h.Session != "" {
		out.GameSessionRegion = new(s.names.region)
	}
	for _, p := range r.Properties {
		out.GameProperties = append(out.GameProperties, types.GameProperty{Key: &p.Key, Value: &p.Value})
	}
	for _, l := range r.Latencies {
		out.PlayerLatencies = append(out.PlayerLatencies, types.PlayerLatency{
			PlayerId: &l.PlayerID, RegionIdentifier: &l.Location, LatencyInMilliseconds: new(float32(l.Milliseconds)),
		})
	}
	for _, p := range h.Players {
		out.PlacedPlayerSessions = append(out.PlacedPlayerSessions, types.PlacedPlayerSession{
			PlayerId: &p.PlayerID, PlayerSessionId: new(string(p.PlayerSessionID)),
		})
	}
	if r.Override != nil {
		out.PriorityConfigurationOverride = &types.PriorityConfigurationOverride{
			LocationOrder: r.Override.LocationOrder, PlacementFallbackStrategy: types.PlacementFallbackStrategy(r.Override.Strategy),
		}
	}
	return out
}

func (s *Service) describeGameSessionPlacement(_ context.Context, in *gamelift.DescribeGameSessionPlacementInput) (*gamelift.DescribeGameSessionPlacementOutput, error) {
	var found hosting.Placement
	known := false
	s.host(func(w *hosting.World, now time.Time) {
		w.Advance(now)
		found, known = w.PlacementByID(hosting.PlacementID(val(in.PlacementId)))
	})
	if !known {
		return nil, notFound("Placement %s does not exist.", val(in.PlacementId))
	}
	return &gamelift.DescribeGameSessionPlacementOutput{GameSessionPlacement: new(s.placement(found))}, nil
}

func (s *Service) stopGameSessionPlacement(_ context.Context, in *gamelift.StopGameSessionPlacementInput) (*gamelift.StopGameSessionPlacementOutput, error) {
	var stopped hosting.Placement
	var err error
	s.host(func(w *hosting.World, now time.Time) {
		stopped, err = w.StopPlacement(now, hosting.PlacementID(val(in.PlacementId)))
	})
	if err != nil {
		return nil, hostingError(err)
	}
	return &gamelift.StopGameSessionPlacementOutput{GameSessionPlacement: new(s.placement(stopped))}, nil
}

// placementEnded tells the queue's topic, and the match that the placement was for.
// It runs under the service's lock.
func (s *Service) placementEnded(e hosting.PlacementEnded) {
	told := s.placement(e.Placement)
	s.publishPlacement(s.queues[e.Placement.Request.Queue], told)
	lm := s.placing[e.Placement.Request.ID]
	if lm == nil {
		return
	}
	delete(s.placing, e.Placement.Request.ID)
	switch e.Placement.Status {
	case hosting.PlacementFulfilled:
		seats := make(map[string]string, len(e.Placement.Players))
		for _, p := range e.Placement.Players {
			seats[p.PlayerID] = string(p.PlayerSessionID)
		}
		s.complete(lm, e.At, &types.GameSessionConnectionInfo{
			GameSessionArn: told.GameSessionArn, IpAddress: told.IpAddress, DnsName: told.DnsName, Port: told.Port,
		}, seats)
		s.continueBackfill(lm, string(e.Placement.Session), e.At)
	case hosting.PlacementTimedOut:
		s.fail(lm, e.At, types.MatchmakingConfigurationStatusTimedOut)
	default:
		s.fail(lm, e.At, types.MatchmakingConfigurationStatusFailed)
	}
}

// startMatchPlacement asks a queue for a session for a match. The placement has the
// match's id. It runs under the service's lock.
func (s *Service) startMatchPlacement(lm *liveMatch, queue types.GameSessionQueue, at time.Time) {
	c := lm.config
	data := newMatchmakerData(lm.match, val(c.ConfigurationArn))
	if lm.wantsMore() {
		lm.nextBackfill = s.automaticTicketID()
		data.AutoBackfillMode, data.AutoBackfillTicketID = new(string(types.BackfillModeAutomatic)), &lm.nextBackfill
	}
	request := hosting.PlacementRequest{
		ID: hosting.PlacementID(lm.match.ID), Queue: val(queue.Name), MaxPlayers: lm.rules.MaxPlayers(),
		Name: val(c.Name), Data: val(c.GameSessionData), Properties: hostedProperties(c.GameProperties),
		MatchmakerData: data.text(),
	}
	for _, t := range lm.tickets {
		for _, p := range t.api.Players {
			request.Players = append(request.Players, hosting.NewPlayer{PlayerID: val(p.PlayerId)})
			for _, location := range sortedKeys(p.LatencyInMs) {
				request.Latencies = append(request.Latencies, hosting.Latency{
					PlayerID: val(p.PlayerId), Location: location, Milliseconds: float64(p.LatencyInMs[location]),
				})
			}
		}
	}
	s.placing[request.ID] = lm
	if _, err := s.world.StartPlacement(s.clock.now(), request); err != nil {
		delete(s.placing, request.ID)
		s.log.Warn("a match could not be placed", "configuration", val(c.Name), "match", lm.match.ID, "error", err)
		s.fail(lm, at, types.MatchmakingConfigurationStatusFailed)
	}
}
