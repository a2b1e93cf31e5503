package gameliftlocal

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
)

// maxDescribedTickets is Amazon's limit of DescribeMatchmaking.
const maxDescribedTickets = 10

// startMatchmaking answers with the ticket as it was on arrival, QUEUED, though it is
// in the pool by then. A player's earlier tickets are cancelled first: a player may
// have one.
func (s *Service) startMatchmaking(ctx context.Context, in *gamelift.StartMatchmakingInput) (*gamelift.StartMatchmakingOutput, error) {
	players, err := readPlayers(in.Players, false)
	if err != nil {
		return nil, err
	}
	t := &ticket{request: flexmatch.Ticket{StartAt: s.clock.now(), Players: players}}
	answer, err := s.startTicket(ctx, t, val(in.ConfigurationName), val(in.TicketId), in.Players)
	if err != nil {
		return nil, err
	}
	return &gamelift.StartMatchmakingOutput{MatchmakingTicket: answer}, nil
}

// startTicket books a ticket, withdraws what it replaces, gives it to its matchmaker and
// waits until it is in the pool. id may be empty. A ticket that is refused replaces
// nothing.
func (s *Service) startTicket(ctx context.Context, t *ticket, configuration, id string, players []types.Player) (*types.MatchmakingTicket, error) {
	if id == "" {
		id = s.newID()
	}
	if err := checkTicketID(id); err != nil {
		return nil, err
	}
	if !t.backfill {
		players = withoutTeams(players)
	}
	t.request.ID = id
	earlier, answer, err := s.bookTicket(t, configuration, players)
	if err != nil {
		return nil, err
	}
	for _, old := range earlier {
		// One that is being placed, or has just ended, is left as it is.
		_ = old.maker.ask(ctx, flexmatch.Stop{TicketID: old.id()})
	}
	err = t.maker.ask(ctx, flexmatch.Start{Ticket: t.request})
	var refused refusal
	if errors.As(err, &refused) {
		s.unbook(t)
		return nil, invalid("%s", sentence(refused.Message))
	}
	if errors.Is(err, errStopped) {
		s.unbook(t)
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// withoutTeams drops what only backfills may say.
func withoutTeams(players []types.Player) []types.Player {
	out := make([]types.Player, len(players))
	for i, p := range players {
		p.Team = nil
		out[i] = p
	}
	return out
}

// bookTicket finds the configuration and books the ticket there. earlier are the
// tickets that it replaces: a player's, or the backfill of the same session.
func (s *Service) bookTicket(t *ticket, configuration string, players []types.Player) (earlier []*ticket, answer *types.MatchmakingTicket, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	config, err := s.configurationIn(s.res.Load(), configuration)
	if err != nil {
		return nil, nil, err
	}
	if err := s.makers[val(config.Name)].accepts.CheckTicket(t.request); err != nil {
		return nil, nil, invalid("%s", sentence(err.Error()))
	}
	if !t.backfill {
		earlier = s.tickets.earlier(players)
	} else if old := s.backfills[t.sessionARN]; old != nil && t.sessionARN != "" {
		earlier = []*ticket{old}
	}
	answer, err = s.book(t, config, players)
	return earlier, answer, err
}

// book enters a ticket into the book, QUEUED, and answers with it as it is then. It
// runs under the service's lock.
func (s *Service) book(t *ticket, config types.MatchmakingConfiguration, players []types.Player) (*types.MatchmakingTicket, error) {
	if s.tickets.byID[t.request.ID] != nil {
		return nil, invalid("Ticket %s exists already.", t.request.ID)
	}
	t.maker = s.makers[val(config.Name)]
	t.api = types.MatchmakingTicket{
		TicketId: &t.request.ID, ConfigurationName: config.Name, ConfigurationArn: config.ConfigurationArn,
		Status: types.MatchmakingConfigurationStatusQueued, StartTime: &t.request.StartAt,
		Players: players, EstimatedWaitTime: t.maker.waits.seconds(),
	}
	if !s.tickets.add(t, t.request.StartAt) {
		return nil, errThrottled
	}
	if t.sessionARN != "" {
		s.backfills[t.sessionARN] = t
	}
	answer := t.api
	return &answer, nil
}

func (s *Service) unbook(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets.remove(t)
	if s.backfills[t.sessionARN] == t {
		delete(s.backfills, t.sessionARN)
	}
}

// describeMatchmaking leaves unknown tickets out of its answer.
func (s *Service) describeMatchmaking(_ context.Context, in *gamelift.DescribeMatchmakingInput) (*gamelift.DescribeMatchmakingOutput, error) {
	if len(in.TicketIds) > maxDescribedTickets {
		return nil, invalid("At most %d tickets can be described at once.", maxDescribedTickets)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &gamelift.DescribeMatchmakingOutput{TicketList: []types.MatchmakingTicket{}}
	for _, id := range in.TicketIds {
		if t := s.tickets.byID[id]; t != nil {
			out.TicketList = append(out.TicketList, t.api)
		}
	}
	return out, nil
}

func (s *Service) ticket(id string) (*ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tickets.byID[id]
	if t == nil {
		return nil, notFound("Matchmaking ticket %s does not exist.", id)
	}
	return t, nil
}

func (s *Service) statusOf(t *ticket) types.MatchmakingConfigurationStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.api.Status
}

func (s *Service) stopMatchmaking(ctx context.Context, in *gamelift.StopMatchmakingInput) (*gamelift.StopMatchmakingOutput, error) {
	t, err := s.ticket(val(in.TicketId))
	if err != nil {
		return nil, err
	}
	if err := s.stopTicket(ctx, t); err != nil {
		return nil, err
	}
	return &gamelift.StopMatchmakingOutput{}, nil
}

// stopTicket withdraws a ticket. The text of the refusal while PLACING is Amazon's
// own; for the final statuses we use the same form.
func (s *Service) stopTicket(ctx context.Context, t *ticket) error {
	err := t.maker.ask(ctx, flexmatch.Stop{TicketID: t.id()})
	var refused refusal
	if errors.As(err, &refused) {
		return invalid("Matchmaking ticket is in %s status and cannot be canceled.", s.statusOf(t))
	}
	return err
}

func (s *Service) acceptMatch(ctx context.Context, in *gamelift.AcceptMatchInput) (*gamelift.AcceptMatchOutput, error) {
	t, err := s.ticket(val(in.TicketId))
	if err != nil {
		return nil, err
	}
	err = t.maker.ask(ctx, flexmatch.Answer{
		TicketID: t.id(), PlayerIDs: in.PlayerIds, Accept: in.AcceptanceType == types.AcceptanceTypeAccept,
	})
	var refused refusal
	switch {
	case errors.As(err, &refused) && (refused.Reason == flexmatch.UnknownPlayer || t.backfill):
		return nil, invalid("%s", sentence(refused.Message))
	case errors.As(err, &refused):
		return nil, invalid("Matchmaking ticket is in %s status and cannot be accepted or rejected.", s.statusOf(t))
	case err != nil:
		return nil, err
	}
	return &gamelift.AcceptMatchOutput{}, nil
}

// setMatchmaker starts the matchmaker of a configuration, or gives it new settings.
// Runs under the service's lock.
func (s *Service) setMatchmaker(config types.MatchmakingConfiguration) {
	rules := s.rulesOf(s.res.Load(), config)
	if m := s.makers[val(config.Name)]; m != nil {
		m.accepts = rules
		m.post(letter{config: &config, rules: rules})
		return
	}
	m := newMatchmaker(s, config, rules)
	s.makers[m.name] = m
	if s.spawn != nil { // else Run starts it
		s.spawn(m)
	}
}

// rulesOf compiles a configuration's rule set. It was valid when it was created, and
// a file with another is refused by Open.
func (s *Service) rulesOf(r *resources, config types.MatchmakingConfiguration) *flexmatch.RuleSet {
	rules, err := s.reading.Parse([]byte(val(r.RuleSets[val(config.RuleSetName)].RuleSetBody)))
	if err != nil {
		panic("gameliftlocal: rule set " + val(config.RuleSetName) + ": " + err.Error())
	}
	return rules
}

// retireMatchmaker cancels what searches and lets placements finish. Runs under the
// service's lock.
func (s *Service) retireMatchmaker(name string) {
	s.makers[name].post(letter{retire: errRetired})
	delete(s.makers, name)
}
