// Package gameliftlocal is a service that clients of Amazon GameLift cannot tell from
// Amazon's, on your own machine: fleets of your own computes, queues, matchmaking
// with FlexMatch rule sets, game sessions and player sessions, and the socket that
// game servers speak to.
//
// Start at Open, give Service.Handler to an http.Server whose listener you own, and let
// Service.Run own the goroutines:
//
//	listener, _ := net.Listen("tcp", "127.0.0.1:4570")
//	service, err := gameliftlocal.Open(ctx, gameliftlocal.Options{
//		Data:    ".muster/gamelift",
//		BaseURL: "http://" + listener.Addr().String(),
//	})
//	go http.Serve(listener, service.Handler())
//	err = service.Run(ctx)
//
// The API is at the root of the handler, in both of Amazon's protocols (package wire),
// the game-server socket at /game-server (package serversdk), the SNS topics that carry
// events below /sns/ (package sns), and GET /healthz says whether the service runs.
// Operations that it does not have are answered by an error that says so.
//
// Resources (locations, fleets, computes, aliases, queues, rule sets, configurations,
// tags) are kept in one file, and a change is on disk before it is acknowledged. Game
// sessions, processes, placements and tickets live as long as the process.
//
// What it will not do: managed EC2 and container fleets, builds, scripts, scaling,
// and anything that needs more than one Region or account.
package gameliftlocal
