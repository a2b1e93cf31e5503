package gameliftlocal

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
	"muster/gameliftlocal/hosting"
)

// automaticTicketID names a backfill that the service starts by itself. Amazon's
// automatic tickets begin alike, and consumers of events know them by it.
func (s *Service) automaticTicketID() string { return "auto-backfill-" + s.newID() }

func (s *Service) startMatchBackfill(ctx context.Context, in *gamelift.StartMatchBackfillInput) (*gamelift.StartMatchBackfillOutput, error) {
	answer, err := s.requestBackfill(ctx, val(in.ConfigurationName), val(in.TicketId), val(in.GameSessionArn), in.Players)
	if err != nil {
		return nil, err
	}
	return &gamelift.StartMatchBackfillOutput{MatchmakingTicket: answer}, nil
}

// requestBackfill serves the API and the game-server socket. A later request for a
// session replaces the earlier one.
func (s *Service) requestBackfill(ctx context.Context, configuration, id, sessionARN string, in []types.Player) (*types.MatchmakingTicket, error) {
	players, err := readPlayers(in, true)
	if err != nil {
		return nil, err
	}
	config, err := s.configurationIn(s.res.Load(), configuration)
	if err != nil {
		return nil, err
	}
	if err := s.checkBackfill(config, sessionARN); err != nil {
		return nil, err
	}
	t := &ticket{backfill: true, sessionARN: sessionARN, request: flexmatch.Ticket{
		StartAt: s.clock.now(), Players: players, GameSessionARN: sessionARN, Backfill: true,
	}}
	return s.startTicket(ctx, t, configuration, id, in)
}

// checkBackfill wants a running session that FlexMatch made; without a queue there is
// none that this service knows.
func (s *Service) checkBackfill(config types.MatchmakingConfiguration, sessionARN string) error {
	if config.FlexMatchMode == types.FlexMatchModeStandalone {
		return nil
	}
	if sessionARN == "" {
		return invalid("GameSessionArn is needed unless FlexMatchMode is STANDALONE.")
	}
	h, err := s.sessionByID(sessionARN)
	if err != nil {
		return err
	}
	if _, ok := parseMatchmakerData(h.MatchmakerData); !ok {
		return invalid("Game session %s was not made by FlexMatch.", sessionARN)
	}
	if h.Status != hosting.SessionActive {
		return invalid("Game session %s is %s.", sessionARN, h.Status)
	}
	return nil
}

// wantsMore says whether a match of an automatically backfilled configuration has
// room.
func (lm *liveMatch) wantsMore() bool {
	seated := 0
	for _, team := range lm.match.Teams {
		seated += len(team.Players)
	}
	return lm.config.BackfillMode == types.BackfillModeAutomatic && seated < lm.rules.MaxPlayers()
}

// joinSession completes a backfill: the newcomers get seats in the session, its
// matchmaker data names them, and the game server is told. The match fails when the
// session has no room any more. It runs under the service's lock.
func (s *Service) joinSession(lm *liveMatch, backfill *ticket, at time.Time) {
	id, now := hosting.SessionID(backfill.sessionARN), s.clock.now()
	h, _ := s.world.SessionByID(id) // an unknown one has no data, and Reserve refuses it
	data, _ := parseMatchmakerData(h.MatchmakerData)
	data = data.merge(lm.match)
	if data.AutoBackfillTicketID = nil; backfill.automatic && lm.wantsMore() {
		lm.nextBackfill = s.automaticTicketID()
		data.AutoBackfillTicketID = &lm.nextBackfill
	}
	var newcomers []hosting.NewPlayer
	for _, t := range lm.tickets {
		for _, p := range t.api.Players {
			if !t.backfill {
				newcomers = append(newcomers, hosting.NewPlayer{PlayerID: val(p.PlayerId)})
			}
		}
	}
	made, err := s.world.Reserve(now, id, newcomers)
	if err != nil {
		s.fail(lm, at, types.MatchmakingConfigurationStatusFailed)
		return
	}
	_ = s.world.TellBackfill(now, id, hosting.Backfill{ // Reserve has seen that it is there
		TicketID: backfill.id(), Reason: hosting.MatchmakingDataUpdated, MatchmakerData: data.text(),
	})
	seats := make(map[string]string, len(made))
	for _, p := range made {
		seats[p.PlayerID] = string(p.ID)
	}
	s.complete(lm, at, &types.GameSessionConnectionInfo{
		GameSessionArn: &backfill.sessionARN, IpAddress: optional(h.IPAddress), DnsName: optional(h.DNSName), Port: new(int32(h.Port)),
	}, seats)
	s.continueBackfill(lm, backfill.sessionARN, at)
}

// reasons tells a game server how its backfill ended.
var backfillReasons = map[types.MatchmakingConfigurationStatus]hosting.UpdateReason{
	types.MatchmakingConfigurationStatusCancelled: hosting.BackfillCancelled,
	types.MatchmakingConfigurationStatusTimedOut:  hosting.BackfillTimedOut,
	types.MatchmakingConfigurationStatusFailed:    hosting.BackfillFailed,
}

// backfillEnded tells the game server that its ticket found nobody. An automatic one that
// timed out is followed by another; the game server then learns the new
// ticket's id instead. It runs under the service's lock.
func (s *Service) backfillEnded(t *ticket) {
	if !t.backfill || t.sessionARN == "" {
		return
	}
	if s.backfills[t.sessionARN] == t {
		delete(s.backfills, t.sessionARN)
	}
	now := s.clock.now()
	outcome := hosting.Backfill{TicketID: t.id(), Reason: backfillReasons[t.api.Status]}
	if t.automatic && t.api.Status == types.MatchmakingConfigurationStatusTimedOut {
		h, _ := s.world.SessionByID(hosting.SessionID(t.sessionARN)) // an unknown one has no data
		if data, ok := parseMatchmakerData(h.MatchmakerData); ok {
			next := s.automaticTicketID()
			data.AutoBackfillTicketID = &next
			if s.startAutomatic(next, t.sessionARN, val(t.api.ConfigurationName), t.api.Players, now) {
				outcome.Reason, outcome.MatchmakerData = hosting.MatchmakingDataUpdated, data.text()
			}
		}
	}
	_ = s.world.TellBackfill(now, hosting.SessionID(t.sessionARN), outcome) // a session that ended needs no news
}

// continueBackfill starts the backfill that a match's data has announced. It runs
// under the service's lock.
func (s *Service) continueBackfill(lm *liveMatch, sessionARN string, at time.Time) {
	if lm.nextBackfill == "" {
		return
	}
	var players []types.Player
	for _, t := range lm.tickets {
		players = append(players, t.api.Players...)
	}
	s.startAutomatic(lm.nextBackfill, sessionARN, val(lm.config.Name), players, at)
}

// startAutomatic books a backfill of those players who still have a seat. It reports
// whether it did: not for a session that takes nobody or is full, nor for a
// configuration that is gone or no longer backfills.
func (s *Service) startAutomatic(id, sessionARN, configuration string, players []types.Player, at time.Time) bool {
	h, known := s.world.SessionByID(hosting.SessionID(sessionARN))
	config, err := s.configurationIn(s.res.Load(), configuration)
	if !known || err != nil || h.Status != hosting.SessionActive || h.CreationPolicy == hosting.DenyAll ||
		h.Players >= h.MaxPlayers || config.BackfillMode != types.BackfillModeAutomatic {
		return false
	}
	seated := s.seatedPlayers(h, players)
	read, err := readPlayers(seated, true)
	if err != nil { // nobody is left
		return false
	}
	t := &ticket{backfill: true, automatic: true, sessionARN: sessionARN, request: flexmatch.Ticket{
		ID: id, StartAt: at, Players: read, GameSessionARN: sessionARN, Backfill: true,
	}}
	if _, err := s.book(t, config, seated); err != nil {
		return false
	}
	t.maker.post(letter{input: flexmatch.Start{Ticket: t.request}})
	return true
}

// seatedPlayers keeps the players who have a seat in the session, each with the
// latency to its location only.
func (s *Service) seatedPlayers(h hosting.Session, players []types.Player) []types.Player {
	open := map[string]bool{}
	sessions, _ := s.world.PlayerSessions(hosting.PlayerQuery{Session: h.ID}) // the session is known
	for _, p := range sessions {
		open[p.PlayerID] = open[p.PlayerID] || p.Status.Open()
	}
	var out []types.Player
	for _, p := range players {
		if !open[val(p.PlayerId)] {
			continue
		}
		all := p.LatencyInMs
		p.LatencyInMs = nil
		if ms, ok := all[h.Location]; ok {
			p.LatencyInMs = map[string]int32{h.Location: ms}
		}
		out = append(out, p)
	}
	return out
}

// sessionEnded withdraws the backfill of a session that is over. It runs under the
// service's lock.
func (s *Service) sessionEnded(e hosting.SessionEnded) {
	if t := s.backfills[string(e.Session.ID)]; t != nil {
		delete(s.backfills, string(e.Session.ID))
		t.maker.post(letter{input: flexmatch.Stop{TicketID: t.id()}})
	}
}
