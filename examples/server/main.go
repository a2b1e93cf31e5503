// Command server is a small game server on Amazon's Server SDK for Go. Everybody in its
// matches rolls a die, and the team with the most wins.
//
//	muster up --config muster.yaml -- ./server -port {port}
//
// A player connects by TCP and sends the seat as one line of JSON,
// {"playerSessionId":"psess-...","joinToken":"..."}; the answer is {"roll":5}, or {"refused":"..."}.
//
// main.go is the process and its session, match.go the game, seat.go the check of a seat,
// result.go the report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"strconv"
	"time"

	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model"
	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/server"
)

// joinWait is how long a session waits for its players. GameLift keeps seats that nobody takes
// for as long.
const joinWait = time.Minute

func main() {
	host := flag.String("host", "127.0.0.1", "where to listen; on a fleet, 0.0.0.0")
	port := flag.Int("port", 0, "where players connect")
	flag.Parse()
	server.SetLoggerInterface(sdkLog{}) // by default the SDK writes files into ./logs
	if err := run(*host, *port); err != nil {
		log.Fatal(err)
	}
}

// run is the life of the process: one session, then it ends. Whoever launched it starts another.
func run(host string, port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the process ends
	if err := server.InitSDKFromEnvironment(); err != nil {
		return fmt.Errorf("connect to GameLift: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan model.GameSession, 1)
	err = server.ProcessReady(server.ProcessParameters{
		Port:                port,
		OnStartGameSession:  func(s model.GameSession) { started <- s },
		OnUpdateGameSession: func(model.UpdateGameSession) {}, // comes with backfill, which this game never asks for
		OnProcessTerminate:  cancel,
		OnHealthCheck:       func() bool { return true },
	})
	if err != nil {
		return fmt.Errorf("take sessions: %w", err)
	}
	select {
	case s := <-started:
		err = hold(ctx, listener, s)
	case <-ctx.Done(): // GameLift ends an idle process
	}
	return errors.Join(err, server.ProcessEnding(), server.Destroy())
}

// hold runs a session: it lets players in until all are there or the wait is over, and
// reports what they rolled.
func hold(ctx context.Context, listener net.Listener, s model.GameSession) error {
	m, err := newMatch(s)
	if err != nil {
		return err
	}
	if err := server.ActivateGameSession(); err != nil {
		return fmt.Errorf("open the session: %w", err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the process ends
			}
			go m.welcome(ctx, conn)
		}
	}()
	wait := time.NewTimer(joinWait)
	defer wait.Stop()
	select {
	case <-m.complete:
	case <-wait.C:
	case <-ctx.Done():
		return end(context.Background(), s.GameSessionID) // GameLift gives it some minutes
	}
	teams, anybody := m.result()
	if !anybody {
		return end(ctx, s.GameSessionID) // a result would rate players who were not there
	}
	return report(ctx, s.GameSessionID, teams)
}

// sdkLog passes on what the SDK warns of. Its debug lines hold whole messages, tokens included.
type sdkLog struct{}

func (sdkLog) Debugf(string, ...any)             {}
func (sdkLog) Warnf(format string, args ...any)  { log.Printf("server SDK: "+format, args...) }
func (sdkLog) Errorf(format string, args ...any) { log.Printf("server SDK: "+format, args...) }
