package gameliftlocal

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
)

// defaultQueueTimeout is what an unset TimeoutInSeconds means. Amazon's pages only
// say "service default"; 600 s is the maximum they allow, and our choice.
const defaultQueueTimeout = 600 * time.Second

func (s *Service) createGameSessionQueue(_ context.Context, in *gamelift.CreateGameSessionQueueInput) (*gamelift.CreateGameSessionQueueOutput, error) {
	name := val(in.Name)
	made := types.GameSessionQueue{
		Name: &name, GameSessionQueueArn: new(s.names.arn(kindQueue, name)), TimeoutInSeconds: in.TimeoutInSeconds,
		PlayerLatencyPolicies: in.PlayerLatencyPolicies, Destinations: in.Destinations,
		FilterConfiguration: in.FilterConfiguration, PriorityConfiguration: in.PriorityConfiguration,
		CustomEventData: in.CustomEventData, NotificationTarget: in.NotificationTarget,
	}
	if made.TimeoutInSeconds == nil {
		made.TimeoutInSeconds = new(int32(defaultQueueTimeout / time.Second))
	}
	err := s.change(func(r *resources) error {
		if _, taken := r.Queues[name]; taken {
			return invalid("Game session queue %s already exists.", name)
		}
		if len(r.Queues) >= maxQueues {
			return limitExceeded("The limit of %d game session queues is reached.", maxQueues)
		}
		if err := s.checkQueue(r, made); err != nil {
			return err
		}
		r.Queues[name] = made
		return r.setTags(val(made.GameSessionQueueArn), in.Tags)
	}, s.queuesChanged)
	if err != nil {
		return nil, err
	}
	return &gamelift.CreateGameSessionQueueOutput{GameSessionQueue: &made}, nil
}

// checkQueue holds the rules that reach beyond one member.
func (s *Service) checkQueue(r *resources, q types.GameSessionQueue) error {
	if len(q.Destinations) > maxDestinations {
		return invalid("A queue may have %d destinations.", maxDestinations)
	}
	for _, d := range q.Destinations {
		if !s.destinationExists(r, val(d.DestinationArn)) {
			return notFound("Destination %s does not exist.", val(d.DestinationArn))
		}
	}
	if q.PriorityConfiguration == nil {
		return nil
	}
	order := q.PriorityConfiguration.PriorityOrder
	for i, p := range order {
		if slices.Contains(order[:i], p) {
			return invalid("PriorityOrder lists %s twice.", p)
		}
	}
	if slices.Contains(order, types.PriorityTypeLocation) && len(q.PriorityConfiguration.LocationOrder) == 0 {
		return invalid("A PriorityOrder with LOCATION needs a LocationOrder.")
	}
	return nil
}

func (s *Service) destinationExists(r *resources, arn string) bool {
	kind, id, ok := s.names.kindOf(arn)
	if !ok {
		return false
	}
	switch kind {
	case kindFleet:
		_, ok = r.Fleets[id]
	case kindAlias:
		_, ok = r.Aliases[id]
	default:
		ok = false
	}
	return ok
}

// destinationFleet follows a destination to its fleet, through an alias if it is one.
// ok is false for a terminal alias and for what is gone.
func (s *Service) destinationFleet(arn string) (id hosting.FleetID, ok bool) {
	r := s.res.Load()
	kind, name, ok := s.names.kindOf(arn)
	if ok && kind == kindAlias {
		a, known := r.Aliases[name]
		if !known || a.RoutingStrategy.Type == types.RoutingStrategyTypeTerminal {
			return "", false
		}
		name = val(a.RoutingStrategy.FleetId)
	}
	_, known := r.Fleets[name]
	return hosting.FleetID(name), ok && known
}

func (s *Service) queueIn(r *resources, nameOrARN string) (types.GameSessionQueue, error) {
	name, ok := s.names.id(kindQueue, nameOrARN)
	q, known := r.Queues[name]
	if !ok || !known {
		return types.GameSessionQueue{}, notFound("Game session queue %s does not exist.", nameOrARN)
	}
	return q, nil
}

func (s *Service) describeGameSessionQueues(_ context.Context, in *gamelift.DescribeGameSessionQueuesInput) (*gamelift.DescribeGameSessionQueuesOutput, error) {
	res := s.res.Load()
	if len(in.Names) > 0 {
		var out []types.GameSessionQueue
		for _, name := range in.Names {
			q, err := s.queueIn(res, name)
			if err != nil {
				return nil, err
			}
			out = append(out, q)
		}
		return &gamelift.DescribeGameSessionQueuesOutput{GameSessionQueues: out}, nil
	}
	var all []types.GameSessionQueue
	for _, q := range res.Queues {
		all = append(all, q)
	}
	out, next, err := page(listing{scope: []string{"DescribeGameSessionQueues"}, limit: in.Limit, token: in.NextToken}, all,
		func(q types.GameSessionQueue) string { return val(q.Name) })
	if err != nil {
		return nil, err
	}
	return &gamelift.DescribeGameSessionQueuesOutput{GameSessionQueues: out, NextToken: next}, nil
}

func (s *Service) updateGameSessionQueue(_ context.Context, in *gamelift.UpdateGameSessionQueueInput) (*gamelift.UpdateGameSessionQueueOutput, error) {
	var updated types.GameSessionQueue
	err := s.change(func(r *resources) error {
		q, err := s.queueIn(r, val(in.Name))
		if err != nil {
			return err
		}
		assign(&q.TimeoutInSeconds, in.TimeoutInSeconds)
		assignList(&q.PlayerLatencyPolicies, in.PlayerLatencyPolicies)
		assignList(&q.Destinations, in.Destinations)
		assign(&q.FilterConfiguration, in.FilterConfiguration)
		assign(&q.PriorityConfiguration, in.PriorityConfiguration)
		assign(&q.CustomEventData, in.CustomEventData)
		assign(&q.NotificationTarget, in.NotificationTarget)
		if err := s.checkQueue(r, q); err != nil {
			return err
		}
		r.Queues[val(q.Name)], updated = q, q
		return nil
	}, s.queuesChanged)
	if err != nil {
		return nil, err
	}
	return &gamelift.UpdateGameSessionQueueOutput{GameSessionQueue: &updated}, nil
}

// deleteGameSessionQueue fails the placements that still wait in the queue.
func (s *Service) deleteGameSessionQueue(_ context.Context, in *gamelift.DeleteGameSessionQueueInput) (*gamelift.DeleteGameSessionQueueOutput, error) {
	err := s.change(func(r *resources) error {
		q, err := s.queueIn(r, val(in.Name))
		if err != nil {
			return err
		}
		delete(r.Queues, val(q.Name))
		delete(r.Tags, val(q.GameSessionQueueArn))
		return nil
	}, s.queuesChanged)
	if err != nil {
		return nil, err
	}
	return &gamelift.DeleteGameSessionQueueOutput{}, nil
}

// queueOf finds the queue a matchmaker places through: the first of its queues that
// is of this service.
func (s *Service) queueOf(r *resources, arns []string) (types.GameSessionQueue, bool) {
	for _, arn := range arns {
		if q, err := s.queueIn(r, arn); err == nil && strings.HasPrefix(arn, "arn:") {
			return q, true
		}
	}
	return types.GameSessionQueue{}, false
}

// queuesChanged tells the world which queues there are now. What a queue's aliases
// lead to may have changed as well, so it hears of all. It runs under the service's
// lock.
func (s *Service) queuesChanged(now time.Time) {
	queues := s.res.Load().Queues
	for _, name := range sortedKeys(s.queues) {
		if _, kept := queues[name]; !kept {
			_ = s.world.RemoveQueue(now, name) // the world knows it: it was put there
			s.settle()
			delete(s.queues, name)
		}
	}
	for _, name := range sortedKeys(queues) {
		s.queues[name] = queues[name]
		s.world.PutQueue(now, hostedQueue(queues[name]))
	}
	s.settle()
}

func hostedQueue(q types.GameSessionQueue) hosting.Queue {
	out := hosting.Queue{Name: val(q.Name), Timeout: time.Duration(val(q.TimeoutInSeconds)) * time.Second}
	for _, d := range q.Destinations {
		out.Destinations = append(out.Destinations, val(d.DestinationArn))
	}
	for _, p := range q.PlayerLatencyPolicies {
		out.LatencyPolicies = append(out.LatencyPolicies, hosting.LatencyPolicy{
			MaxMilliseconds: int(val(p.MaximumIndividualPlayerLatencyMilliseconds)),
			Duration:        time.Duration(val(p.PolicyDurationSeconds)) * time.Second,
		})
	}
	if q.FilterConfiguration != nil {
		out.AllowedLocations = q.FilterConfiguration.AllowedLocations
	}
	if p := q.PriorityConfiguration; p != nil {
		out.LocationOrder = p.LocationOrder
		for _, by := range p.PriorityOrder {
			out.Priorities = append(out.Priorities, hosting.Priority(by))
		}
	}
	return out
}
