package gameliftlocal

import (
	"context"
	"time"

	"muster/gameliftlocal/hosting"
	"muster/gameliftlocal/launcher"
)

// LauncherOptions are what a launcher of game servers for a compute needs to know of
// this service. The caller adds the command and its wishes, and may pass the
// launcher's Wake as Options.ProcessChanged.
func (s *Service) LauncherOptions(fleetID, computeName string) launcher.Options {
	return launcher.Options{
		WebSocketURL: s.socketURL, FleetID: fleetID, HostID: computeName,
		Token: func(context.Context) (token string, err error) {
			s.host(func(w *hosting.World, now time.Time) {
				var issued hosting.Token
				issued, err = w.IssueToken(now, hosting.FleetID(fleetID), computeName)
				token = issued.Value
			})
			return token, err
		},
		NewID: s.newID, Status: s.processStatus, Exited: s.processExited, Log: s.log,
	}
}

// processStatus is what a launcher wants to know of a process.
func (s *Service) processStatus(id string) launcher.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.world.Process(hosting.ProcessID(id))
	switch {
	case !ok:
		return launcher.Unseen
	case p.Session == "" && p.State <= hosting.ProcessReady:
		return launcher.Spare
	}
	return launcher.Busy
}

// processExited ends at once what a crash would else leave for minutes.
func (s *Service) processExited(id string) {
	s.host(func(w *hosting.World, now time.Time) { w.Exited(now, hosting.ProcessID(id)) })
}
