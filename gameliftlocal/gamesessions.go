package gameliftlocal

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
)

// createGameSession answers as soon as a process has been chosen; the session is
// ACTIVATING.
func (s *Service) createGameSession(_ context.Context, in *gamelift.CreateGameSessionInput) (*gamelift.CreateGameSessionOutput, error) {
	id, _, err := s.resolve(in.FleetId, in.AliasId)
	if err != nil {
		return nil, err
	}
	if in.IdempotencyToken != nil && in.GameSessionId != nil {
		return nil, invalid("Only one of IdempotencyToken and GameSessionId may be set.")
	}
	if in.Location == nil {
		return nil, invalid("An Anywhere fleet needs a Location.")
	}
	token := val(in.IdempotencyToken)
	if in.GameSessionId != nil { // the deprecated name of the same thing
		token = *in.GameSessionId
	}
	var made hosting.Session
	s.host(func(w *hosting.World, now time.Time) {
		made, err = w.CreateSession(now, hosting.SessionRequest{
			Fleet: hosting.FleetID(id), Location: *in.Location, MaxPlayers: int(val(in.MaximumPlayerSessionCount)),
			Name: val(in.Name), CreatorID: val(in.CreatorId), Token: token,
			Data: val(in.GameSessionData), Properties: hostedProperties(in.GameProperties),
		})
	})
	if err != nil {
		return nil, hostingError(err)
	}
	return &gamelift.CreateGameSessionOutput{GameSession: new(s.gameSession(made))}, nil
}

func hostedProperties(list []types.GameProperty) []hosting.Property {
	out := make([]hosting.Property, len(list))
	for i, p := range list {
		out[i] = hosting.Property{Key: val(p.Key), Value: val(p.Value)}
	}
	return out
}

// gameSession is a session as the API tells it.
func (s *Service) gameSession(h hosting.Session) types.GameSession {
	out := types.GameSession{
		GameSessionId: new(string(h.ID)), Name: optional(h.Name), FleetId: new(string(h.Fleet)),
		FleetArn: new(s.names.arn(kindFleet, string(h.Fleet))), Location: optional(h.Location), ComputeName: optional(h.Compute),
		CreationTime: &h.CreatedAt, TerminationTime: optional(h.EndedAt),
		CurrentPlayerSessionCount: new(int32(h.Players)), MaximumPlayerSessionCount: new(int32(h.MaxPlayers)),
		Status: types.GameSessionStatus(h.Status), StatusReason: types.GameSessionStatusReason(h.StatusReason),
		IpAddress: optional(h.IPAddress), DnsName: optional(h.DNSName), Port: optional(int32(h.Port)),
		PlayerSessionCreationPolicy: types.PlayerSessionCreationPolicy(h.CreationPolicy),
		CreatorId:                   optional(h.CreatorID), GameSessionData: optional(h.Data), MatchmakerData: optional(h.MatchmakerData),
	}
	for _, p := range h.Properties {
		out.GameProperties = append(out.GameProperties, types.GameProperty{Key: &p.Key, Value: &p.Value})
	}
	return out
}

// sessionStatuses are the values of StatusFilter. Amazon's page names the first four;
// ERROR is accepted and finds nothing.
var sessionStatuses = []string{"ACTIVE", "ACTIVATING", "TERMINATING", "TERMINATED", "ERROR"}

// sessionQuery are the members that DescribeGameSessions and
// DescribeGameSessionDetails share.
type sessionQuery struct {
	operation                        string
	sessionID, fleetID, aliasID      *string
	location, statusFilter, nextPage *string
	limit                            *int32
}

func (s *Service) describeGameSessions(_ context.Context, in *gamelift.DescribeGameSessionsInput) (*gamelift.DescribeGameSessionsOutput, error) {
	found, next, err := s.findSessions(sessionQuery{
		"DescribeGameSessions", in.GameSessionId, in.FleetId, in.AliasId, in.Location, in.StatusFilter, in.NextToken, in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &gamelift.DescribeGameSessionsOutput{GameSessions: make([]types.GameSession, len(found)), NextToken: next}
	for i, h := range found {
		out.GameSessions[i] = s.gameSession(h)
	}
	return out, nil
}

func (s *Service) describeGameSessionDetails(_ context.Context, in *gamelift.DescribeGameSessionDetailsInput) (*gamelift.DescribeGameSessionDetailsOutput, error) {
	found, next, err := s.findSessions(sessionQuery{
		"DescribeGameSessionDetails", in.GameSessionId, in.FleetId, in.AliasId, in.Location, in.StatusFilter, in.NextToken, in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &gamelift.DescribeGameSessionDetailsOutput{GameSessionDetails: make([]types.GameSessionDetail, len(found)), NextToken: next}
	for i, h := range found {
		out.GameSessionDetails[i] = types.GameSessionDetail{
			GameSession: new(s.gameSession(h)), ProtectionPolicy: types.ProtectionPolicy(h.Protection),
		}
	}
	return out, nil
}

func (s *Service) findSessions(q sessionQuery) ([]hosting.Session, *string, error) {
	given := 0
	for _, id := range []*string{q.sessionID, q.fleetID, q.aliasID} {
		if id != nil {
			given++
		}
	}
	if given != 1 {
		return nil, nil, invalid("Exactly one of GameSessionId, FleetId and AliasId must be set.")
	}
	if q.statusFilter != nil && !slices.Contains(sessionStatuses, *q.statusFilter) {
		return nil, nil, invalid("StatusFilter %s is not a game session status.", *q.statusFilter)
	}
	if q.sessionID != nil {
		h, err := s.sessionByID(*q.sessionID)
		return []hosting.Session{h}, nil, err
	}
	id, _, err := s.resolve(q.fleetID, q.aliasID)
	if err != nil {
		return nil, nil, err
	}
	all := s.sessions(id, val(q.location), val(q.statusFilter))
	l := listing{
		scope: []string{q.operation, id, val(q.location), val(q.statusFilter)}, limit: q.limit, token: q.nextPage,
	}
	return page(l, all, func(h hosting.Session) string { return byAge(h.CreatedAt, string(h.ID)) })
}

// sessions reads a fleet's sessions; an empty location or status narrows nothing.
func (s *Service) sessions(fleetID, location, status string) []hosting.Session {
	var out []hosting.Session
	s.host(func(w *hosting.World, now time.Time) {
		w.Advance(now)
		if status == "" {
			out = w.Sessions(hosting.FleetID(fleetID), location)
			return
		}
		out = w.Sessions(hosting.FleetID(fleetID), location, hosting.SessionStatus(status))
	})
	return out
}

func (s *Service) sessionByID(id string) (found hosting.Session, err error) {
	known := false
	s.host(func(w *hosting.World, now time.Time) {
		w.Advance(now)
		found, known = w.SessionByID(hosting.SessionID(id))
	})
	if !known {
		return found, notFound("Game session %s does not exist.", id)
	}
	return found, nil
}

// maxSearchPage is Amazon's page maximum of SearchGameSessions.
const maxSearchPage = 20

// searchGameSessions looks through the ACTIVE sessions of one fleet. Without a sort
// expression Amazon's order is random; ours is by age.
func (s *Service) searchGameSessions(_ context.Context, in *gamelift.SearchGameSessionsInput) (*gamelift.SearchGameSessionsOutput, error) {
	id, _, err := s.resolve(in.FleetId, in.AliasId)
	if err != nil {
		return nil, err
	}
	fits := filter(func(types.GameSession) bool { return true })
	if val(in.FilterExpression) != "" {
		if fits, err = parseFilter(*in.FilterExpression); err != nil {
			return nil, invalid("The filter expression is not valid: %s.", err)
		}
	}
	sort := func([]types.GameSession) {}
	if val(in.SortExpression) != "" {
		if sort, err = parseSort(*in.SortExpression); err != nil {
			return nil, invalid("The sort expression is not valid: %s.", err)
		}
	}
	var found []types.GameSession
	for _, h := range s.sessions(id, val(in.Location), string(hosting.SessionActive)) {
		if g := s.gameSession(h); fits(g) {
			found = append(found, g)
		}
	}
	sort(found)
	rows := make([]searchRow, len(found))
	for i, g := range found {
		rows[i] = searchRow{ordinal(i), g}
	}
	l := listing{
		scope: []string{"SearchGameSessions", id, val(in.Location), val(in.FilterExpression), val(in.SortExpression)},
		limit: in.Limit, token: in.NextToken, max: maxSearchPage,
	}
	rows, next, err := page(l, rows, func(r searchRow) string { return r.place })
	if err != nil {
		return nil, err
	}
	out := &gamelift.SearchGameSessionsOutput{GameSessions: make([]types.GameSession, len(rows)), NextToken: next}
	for i, r := range rows {
		out.GameSessions[i] = r.session
	}
	return out, nil
}

// searchRow is a session with its place in the sorted result.
type searchRow struct {
	place   string
	session types.GameSession
}

func (s *Service) updateGameSession(_ context.Context, in *gamelift.UpdateGameSessionInput) (*gamelift.UpdateGameSessionOutput, error) {
	update := hosting.SessionUpdate{Name: in.Name, Properties: hostedProperties(in.GameProperties)}
	if in.MaximumPlayerSessionCount != nil {
		update.MaxPlayers = new(int(*in.MaximumPlayerSessionCount))
	}
	if in.PlayerSessionCreationPolicy != "" {
		update.CreationPolicy = new(hosting.CreationPolicy(in.PlayerSessionCreationPolicy))
	}
	if in.ProtectionPolicy != "" {
		update.Protection = new(string(in.ProtectionPolicy))
	}
	var updated hosting.Session
	var err error
	s.host(func(w *hosting.World, now time.Time) {
		updated, err = w.UpdateSession(now, hosting.SessionID(val(in.GameSessionId)), update)
	})
	if err != nil {
		return nil, hostingError(err)
	}
	return &gamelift.UpdateGameSessionOutput{GameSession: new(s.gameSession(updated))}, nil
}

func (s *Service) terminateGameSession(_ context.Context, in *gamelift.TerminateGameSessionInput) (*gamelift.TerminateGameSessionOutput, error) {
	var ending hosting.Session
	var err error
	s.host(func(w *hosting.World, now time.Time) {
		ending, err = w.TerminateSession(now, hosting.SessionID(val(in.GameSessionId)), hosting.TerminationMode(in.TerminationMode))
	})
	if err != nil {
		return nil, hostingError(err)
	}
	return &gamelift.TerminateGameSessionOutput{GameSession: new(s.gameSession(ending))}, nil
}
