package demo

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model"
	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model/request"
	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/server"
)

// host is what the game server needs of GameLift. The real one is the official SDK.
type host interface {
	// Ready connects, says that this process takes sessions on port, and from then on
	// calls back: started at most once, terminate when the process must end.
	Ready(port int, started func(session), terminate func()) error
	// Activate opens the session for players.
	Activate() error
	// Owner returns whose seat it is and in which state.
	Owner(seatID string) (seatRecord, error)
	// Accept says that the owner of a seat has come; Remove that it has gone.
	Accept(seatID string) error
	Remove(seatID string) error
	// Close says that this process ends, and disconnects.
	Close() error
}

// session is what GameLift asks this process to run.
type session struct {
	ID             string // ARN
	MatchmakerData string
	MaximumPlayers int
}

// seatRecord is what GameLift knows of a seat.
type seatRecord struct {
	Player, Session, Status string
}

// errNoSeat says that GameLift does not know a seat.
var errNoSeat = errors.New("no such player session")

// sdkHost is the official Server SDK for Go. The SDK keeps its state in package
// variables, so a process has one sdkHost.
type sdkHost struct{}

// setSDKLog sends the SDK's own log lines to log; without that it would write them to
// files in the working directory.
func setSDKLog(log *slog.Logger) { server.SetLoggerInterface(sdkLog{log}) }

// Ready takes the connection's parameters from the environment (GAMELIFT_SDK_...). It
// can block for minutes when nobody answers there.
func (sdkHost) Ready(port int, started func(session), terminate func()) error {
	if err := server.InitSDKFromEnvironment(); err != nil {
		return fmt.Errorf("connect to GameLift: %w", err)
	}
	err := server.ProcessReady(server.ProcessParameters{
		Port: port,
		OnStartGameSession: func(s model.GameSession) {
			started(session{ID: s.GameSessionID, MatchmakerData: s.MatchmakerData, MaximumPlayers: s.MaximumPlayerSessionCount})
		},
		OnUpdateGameSession: func(model.UpdateGameSession) {}, // this game never asks for backfill
		OnProcessTerminate:  terminate,
		OnHealthCheck:       func() bool { return true },
	})
	if err != nil {
		return fmt.Errorf("report the process as ready: %w", err)
	}
	return nil
}

func (sdkHost) Activate() error { return server.ActivateGameSession() }

func (sdkHost) Owner(seatID string) (seatRecord, error) {
	req := request.NewDescribePlayerSessions()
	req.PlayerSessionID = seatID
	found, err := server.DescribePlayerSessions(req)
	if err != nil {
		return seatRecord{}, err
	}
	for _, s := range found.PlayerSessions {
		if s.PlayerSessionID == seatID {
			rec := seatRecord{Player: s.PlayerID, Session: s.GameSessionID}
			if s.Status != nil {
				rec.Status = s.Status.String()
			}
			return rec, nil
		}
	}
	return seatRecord{}, errNoSeat
}

func (sdkHost) Accept(seatID string) error { return server.AcceptPlayerSession(seatID) }

func (sdkHost) Remove(seatID string) error { return server.RemovePlayerSession(seatID) }

func (sdkHost) Close() error {
	return errors.Join(server.ProcessEnding(), server.Destroy())
}

// sdkLog passes the SDK's log lines on. Its debug lines hold whole messages, tokens
// included, so they are dropped.
type sdkLog struct{ log *slog.Logger }

func (sdkLog) Debugf(string, ...any) {}

func (l sdkLog) Warnf(format string, args ...any) {
	l.log.Warn("server SDK", "text", fmt.Sprintf(format, args...))
}

func (l sdkLog) Errorf(format string, args ...any) {
	l.log.Error("server SDK", "text", fmt.Sprintf(format, args...))
}
