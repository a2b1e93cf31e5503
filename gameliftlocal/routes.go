package gameliftlocal

import (
	"net/http"
	"strings"

	"muster/gameliftlocal/wire"
)

// socketPath is where game servers connect to. The C++ SDK adds a slash, so both
// forms lead there.
const socketPath = "/game-server"

// routes builds the handler: everything that is not something else is the API, below
// whatever path the client has been given.
func (s *Service) routes(o Options) http.Handler {
	api := wire.NewHandler(wire.Options{
		Operations: s.operations(), Credentials: o.Credentials, AcceptAnyKey: o.AcceptAnyKey,
		Region: s.names.region, Account: s.names.account, Now: s.clock.now, NewID: s.newID, Log: s.log,
	})
	topics := s.topics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimSuffix(r.URL.Path, "/"); {
		case path == socketPath || strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
			s.sockets.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/sns/"):
			topics.ServeHTTP(w, r)
		case path == "/healthz":
			s.serveHealth(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// serveHealth answers 200 while Run runs, else 503.
func (s *Service) serveHealth(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	status, text := http.StatusOK, `{"status":"ok"}`
	select {
	case <-s.stopped:
		status, text = http.StatusServiceUnavailable, `{"status":"stopped"}`
	default:
		if !s.started.Load() {
			status, text = http.StatusServiceUnavailable, `{"status":"starting"}`
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a client that went away is nobody's problem
}

// Operations names what the service implements of Amazon's API, for tables in
// documents; wire.OperationNames has all there are.
func Operations() []string {
	var out []string
	for _, op := range (&Service{}).operations() {
		out = append(out, op.Name)
	}
	return out
}

// operations are what the service implements, by family in the order of Amazon's API
// reference.
func (s *Service) operations() []wire.Operation {
	return []wire.Operation{
		wire.Op(s.createLocation),
		wire.Op(s.deleteLocation),
		wire.Op(s.listLocations),

		wire.Op(s.createFleet),
		wire.Op(s.describeFleetAttributes),
		wire.Op(s.describeFleetLocationAttributes),
		wire.Op(s.listFleets),
		wire.Op(s.updateFleetAttributes),
		wire.Op(s.deleteFleet),
		wire.Op(s.describeFleetEvents),
		wire.Op(s.describeRuntimeConfiguration),
		wire.Op(s.updateRuntimeConfiguration),
		wire.Op(s.describeFleetUtilization),
		wire.Op(s.describeFleetLocationUtilization),

		wire.Op(s.registerCompute),
		wire.Op(s.deregisterCompute),
		wire.Op(s.describeCompute),
		wire.Op(s.listCompute),
		wire.Op(s.getComputeAuthToken),

		wire.Op(s.createAlias),
		wire.Op(s.describeAlias),
		wire.Op(s.listAliases),
		wire.Op(s.resolveAlias),
		wire.Op(s.updateAlias),
		wire.Op(s.deleteAlias),

		wire.Op(s.createGameSessionQueue),
		wire.Op(s.describeGameSessionQueues),
		wire.Op(s.updateGameSessionQueue),
		wire.Op(s.deleteGameSessionQueue),
		wire.Op(s.startGameSessionPlacement),
		wire.Op(s.describeGameSessionPlacement),
		wire.Op(s.stopGameSessionPlacement),

		wire.Op(s.createGameSession),
		wire.Op(s.describeGameSessions),
		wire.Op(s.describeGameSessionDetails),
		wire.Op(s.searchGameSessions),
		wire.Op(s.updateGameSession),
		wire.Op(s.terminateGameSession),

		wire.Op(s.createPlayerSession),
		wire.Op(s.createPlayerSessions),
		wire.Op(s.describePlayerSessions),
		wire.Op(s.getPlayerConnectionDetails),

		wire.Op(s.createMatchmakingConfiguration),
		wire.Op(s.describeMatchmakingConfigurations),
		wire.Op(s.updateMatchmakingConfiguration),
		wire.Op(s.deleteMatchmakingConfiguration),
		wire.Op(s.createMatchmakingRuleSet),
		wire.Op(s.describeMatchmakingRuleSets),
		wire.Op(s.validateMatchmakingRuleSet),
		wire.Op(s.deleteMatchmakingRuleSet),
		wire.Op(s.startMatchmaking),
		wire.Op(s.describeMatchmaking),
		wire.Op(s.stopMatchmaking),
		wire.Op(s.acceptMatch),
		wire.Op(s.startMatchBackfill),

		wire.Op(s.tagResource),
		wire.Op(s.untagResource),
		wire.Op(s.listTagsForResource),
	}
}
