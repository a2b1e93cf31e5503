package gameliftlocal

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/hosting"
)

// maxFleetEvents is how many events of a fleet are kept. Our choice.
const maxFleetEvents = 1000

// host changes the world, or reads it, and performs what comes of that.
func (s *Service) host(do func(w *hosting.World, now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s.world, s.clock.now())
	s.settle()
}

// settle performs what came of a change to the world and tells keepTime that the next
// deadline may be another one. It runs under the service's lock.
func (s *Service) settle() {
	s.drainEffects()
	select {
	case s.moved <- struct{}{}:
	default: // it knows already
	}
}

// drainEffects performs the world's effects in their order. It runs under the
// service's lock, which keeps that order between callers; nothing in it blocks.
func (s *Service) drainEffects() {
	for effects := s.world.Take(); len(effects) > 0; effects = s.world.Take() {
		for _, e := range effects {
			s.performHosting(e)
		}
	}
}

func (s *Service) performHosting(e hosting.Effect) {
	switch e := e.(type) {
	case hosting.Push:
		s.sockets.Push(e.Process, e.Message)
	case hosting.ProcessChanged:
		s.processChanged(e)
	case hosting.PlacementEnded:
		s.placementEnded(e)
	case hosting.SessionEnded:
		s.sessionEnded(e)
	case hosting.FleetEvent:
		s.recordEvent(e.At, e.Fleet, types.EventCode(e.Code), e.Message, string(e.Session))
	}
}

// processChanged counts the processes that live, for the end of Run.
func (s *Service) processChanged(e hosting.ProcessChanged) {
	defer s.changed()
	if e.Process.State != hosting.ProcessEnded {
		s.processes[e.Process.ID] = true
		return
	}
	delete(s.processes, e.Process.ID)
	s.sockets.Forget(e.Process.ID)
}

// keepTime advances the world at its deadlines until ctx ends.
func (s *Service) keepTime(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		at, ok := s.advance()
		var due <-chan time.Time
		if ok {
			timer.Reset(at.Sub(s.clock.now()))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-s.moved:
		case <-due:
		}
	}
}

// advance runs the timers that are due and gives the next deadline.
func (s *Service) advance() (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.Advance(s.clock.now())
	s.drainEffects()
	return s.world.Deadline()
}

// The functions below tell the world about resources. They run under the service's
// lock, when a change is durable.

func (s *Service) addFleet(now time.Time, f fleet) {
	s.world.PutFleet(now, hostedFleet(f))
	id := val(f.Attributes.FleetId)
	s.recordEvent(now, hosting.FleetID(id), types.EventCodeFleetCreated, "Fleet "+id+" was created.", id)
	s.recordEvent(now, hosting.FleetID(id), types.EventCodeFleetStateActive, "Fleet "+id+" is active.", id)
	s.settle()
}

func (s *Service) updateFleet(now time.Time, f fleet) {
	s.world.PutFleet(now, hostedFleet(f))
	s.settle()
}

// removeFleet cannot fail: what the file holds, the world holds.
func (s *Service) removeFleet(now time.Time, id string) {
	_ = s.world.RemoveFleet(now, hosting.FleetID(id))
	s.settle()
	delete(s.events, hosting.FleetID(id))
}

// addCompute cannot fail: checkCompute has held every condition of the world's.
func (s *Service) addCompute(now time.Time, c compute) {
	_, err := s.world.RegisterCompute(now, hostedCompute(c))
	if err != nil {
		s.log.Error("a stored compute was refused", "fleet", val(c.Compute.FleetId), "compute", val(c.Compute.ComputeName), "error", err)
	}
	s.settle()
}

func (s *Service) removeCompute(now time.Time, c compute) {
	_ = s.world.DeregisterCompute(now, hosting.FleetID(val(c.Compute.FleetId)), val(c.Compute.ComputeName)) // as removeFleet
	s.settle()
}

func hostedFleet(f fleet) hosting.Fleet {
	out := hosting.Fleet{
		ID: hosting.FleetID(val(f.Attributes.FleetId)), Locations: f.Locations, Active: true,
		ActivationTimeout:        time.Duration(val(f.Runtime.GameSessionActivationTimeoutSeconds)) * time.Second,
		MaxConcurrentActivations: int(val(f.Runtime.MaxConcurrentGameSessionActivations)),
		Protection:               string(f.Attributes.NewGameSessionProtectionPolicy),
	}
	if a := f.Attributes.AnywhereConfiguration; a != nil {
		out.Cost, _ = strconv.ParseFloat(val(a.Cost), 64) // a decimal, by the request's constraints
	}
	if p := f.Attributes.ResourceCreationLimitPolicy; p != nil {
		out.SessionsPerCreator = int(val(p.NewGameSessionsPerCreator))
		out.CreatorPeriod = time.Duration(val(p.PolicyPeriodInMinutes)) * time.Minute
	}
	return out
}

func hostedCompute(c compute) hosting.Compute {
	return hosting.Compute{
		Fleet: hosting.FleetID(val(c.Compute.FleetId)), Name: val(c.Compute.ComputeName), Location: val(c.Compute.Location),
		IPAddress: val(c.Compute.IpAddress), DNSName: val(c.Compute.DnsName),
		CertificatePath: c.CertificatePath, RegisteredAt: val(c.Compute.CreationTime),
	}
}

func (s *Service) recordEvent(at time.Time, id hosting.FleetID, code types.EventCode, text, resource string) {
	if resource == "" {
		resource = string(id)
	}
	list := append(s.events[id], types.Event{
		EventId: new(s.newID()), ResourceId: &resource, EventCode: code, Message: &text, EventTime: &at, Count: new(int64(1)),
	})
	s.events[id] = list[max(0, len(list)-maxFleetEvents):]
}

func (s *Service) fleetEvents(id string) []types.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]types.Event(nil), s.events[hosting.FleetID(id)]...)
}

// IdleProcesses counts the server processes of a fleet that could host a session
// now. A location other than "" narrows. It lets a launcher keep spares.
func (s *Service) IdleProcesses(fleetID, location string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.Advance(s.clock.now())
	s.settle()
	return s.world.Idle(hosting.FleetID(fleetID), location)
}

// exceptions makes the exception of each condition of the world.
var exceptions = [...]func(format string, args ...any) error{
	hosting.NotFound:            notFound,
	hosting.Invalid:             invalid,
	hosting.Conflict:            conflict,
	hosting.NotReady:            notReady,
	hosting.Forbidden:           unauthorized,
	hosting.FleetStatus:         invalidFleetStatus,
	hosting.NoCapacity:          fleetCapacityExceeded,
	hosting.WrongStatus:         invalidSessionStatus,
	hosting.SessionFull:         sessionFull,
	hosting.IdempotencyMismatch: idempotentMismatch,
	hosting.LimitExceeded:       limitExceeded,
}

// hostingError turns a refusal of the world into Amazon's exception.
func hostingError(err error) error {
	var refused *hosting.Error
	if !errors.As(err, &refused) {
		return err
	}
	return exceptions[refused.Condition]("%s", sentence(refused.Message))
}

// sentence gives a message the form of Amazon's: a capital and a full stop.
func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(message[size:], ".") + "."
}
