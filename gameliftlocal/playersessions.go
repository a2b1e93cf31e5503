package gameliftlocal

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
)

func (s *Service) createPlayerSession(_ context.Context, in *gamelift.CreatePlayerSessionInput) (*gamelift.CreatePlayerSessionOutput, error) {
	made, err := s.reserve(in.GameSessionId, []hosting.NewPlayer{{PlayerID: val(in.PlayerId), Data: val(in.PlayerData)}})
	if err != nil {
		return nil, err
	}
	return &gamelift.CreatePlayerSessionOutput{PlayerSession: &made[0]}, nil
}

// createPlayerSessions ignores data of players who are not named.
func (s *Service) createPlayerSessions(_ context.Context, in *gamelift.CreatePlayerSessionsInput) (*gamelift.CreatePlayerSessionsOutput, error) {
	players := make([]hosting.NewPlayer, len(in.PlayerIds))
	for i, id := range in.PlayerIds {
		players[i] = hosting.NewPlayer{PlayerID: id, Data: in.PlayerDataMap[id]}
	}
	made, err := s.reserve(in.GameSessionId, players)
	if err != nil {
		return nil, err
	}
	return &gamelift.CreatePlayerSessionsOutput{PlayerSessions: made}, nil
}

func (s *Service) reserve(sessionID *string, players []hosting.NewPlayer) ([]types.PlayerSession, error) {
	var made []hosting.PlayerSession
	var err error
	s.host(func(w *hosting.World, now time.Time) {
		made, err = w.Reserve(now, hosting.SessionID(val(sessionID)), players)
	})
	if err != nil {
		return nil, hostingError(err)
	}
	out := make([]types.PlayerSession, len(made))
	for i, h := range made {
		out[i] = s.playerSession(h)
	}
	return out, nil
}

// playerSession is a player session as the API tells it.
func (s *Service) playerSession(h hosting.PlayerSession) types.PlayerSession {
	return types.PlayerSession{
		PlayerSessionId: new(string(h.ID)), PlayerId: &h.PlayerID, GameSessionId: new(string(h.Session)),
		FleetId: new(string(h.Fleet)), FleetArn: new(s.names.arn(kindFleet, string(h.Fleet))),
		CreationTime: &h.CreatedAt, TerminationTime: optional(h.EndedAt), Status: types.PlayerSessionStatus(h.Status),
		IpAddress: optional(h.IPAddress), DnsName: optional(h.DNSName), Port: optional(int32(h.Port)), PlayerData: optional(h.Data),
	}
}

// describePlayerSessions uses the status filter with a GameSessionId only, as
// Amazon's page says.
func (s *Service) describePlayerSessions(_ context.Context, in *gamelift.DescribePlayerSessionsInput) (*gamelift.DescribePlayerSessionsOutput, error) {
	query := hosting.PlayerQuery{
		Session:       hosting.SessionID(val(in.GameSessionId)),
		PlayerSession: hosting.PlayerSessionID(val(in.PlayerSessionId)),
		PlayerID:      val(in.PlayerId),
	}
	if in.GameSessionId != nil {
		query.Status = hosting.PlayerStatus(val(in.PlayerSessionStatusFilter))
	}
	var found []hosting.PlayerSession
	var err error
	s.host(func(w *hosting.World, now time.Time) {
		w.Advance(now)
		found, err = w.PlayerSessions(query)
	})
	if err != nil {
		return nil, hostingError(err)
	}
	l := listing{
		scope: []string{"DescribePlayerSessions", string(query.Session), query.PlayerID, string(query.PlayerSession), string(query.Status)},
		limit: in.Limit, token: in.NextToken,
	}
	if in.PlayerSessionId != nil { // Limit and NextToken are ignored with an id
		l.limit, l.token = nil, nil
	}
	found, next, err := page(l, found, func(h hosting.PlayerSession) string { return byAge(h.CreatedAt, string(h.ID)) })
	if err != nil {
		return nil, err
	}
	out := &gamelift.DescribePlayerSessionsOutput{PlayerSessions: make([]types.PlayerSession, len(found)), NextToken: next}
	for i, h := range found {
		out.PlayerSessions[i] = s.playerSession(h)
	}
	return out, nil
}

// getPlayerConnectionDetails answers with the game server's own address: there is no
// player gateway here, so no token and no expiration. Players without a place in the
// session are not found.
func (s *Service) getPlayerConnectionDetails(_ context.Context, in *gamelift.GetPlayerConnectionDetailsInput) (*gamelift.GetPlayerConnectionDetailsOutput, error) {
	h, err := s.sessionByID(val(in.GameSessionId))
	if err != nil {
		return nil, err
	}
	if h.Status != hosting.SessionActive {
		return nil, invalidSessionStatus("Game session %s is %s.", h.ID, h.Status)
	}
	seated := map[string]bool{}
	s.host(func(w *hosting.World, _ time.Time) {
		players, _ := w.PlayerSessions(hosting.PlayerQuery{Session: h.ID}) // it existed a moment ago
		for _, p := range players {
			seated[p.PlayerID] = seated[p.PlayerID] || p.Status.Open()
		}
	})
	out := &gamelift.GetPlayerConnectionDetailsOutput{GameSessionId: in.GameSessionId}
	for _, id := range in.PlayerIds {
		if !seated[id] {
			return nil, notFound("Player %s has no player session in game session %s.", id, h.ID)
		}
		out.PlayerConnectionDetails = append(out.PlayerConnectionDetails, types.PlayerConnectionDetail{
			PlayerId:  &id,
			Endpoints: []types.PlayerConnectionEndpoint{{IpAddress: optional(h.IPAddress), Port: new(int32(h.Port))}},
		})
	}
	return out, nil
}
