// Package realtime keeps players' devices informed: one WebSocket per device, JSON
// text messages, and resumption without loss.
//
// Make a Hub with New, mount it as an http.Handler at GET /v1/realtime, give it to the
// rules as their muster.Notifier, and call Run, which owns its housekeeping and closes
// every connection when its context ends. A device comes with a one-use ticket in the
// query, and with epoch and after when it resumes.
//
// Every player has a stream of messages, numbered by seq within an epoch. The stream
// remembers the latest of them, also for some minutes after the last device left, so
// that a device that names the epoch and the last seq it received gets exactly what it
// missed. Where that is not possible it is told so, and gets a snapshot instead.
//
// The hub serves one process. Whoever runs several passes the notices of each to the
// others, and gives every hub a Follow for those that get lost. A hub never decides who
// may hear what: notices are addressed to players, and requests go to Play with the
// player of the connection.
//
// A connection is closed with one of these codes. After any but 4001 and 4010 to 4012 a client
// comes back by itself, with a fresh ticket, and resumes:
//
//	1003  a binary message came
//	1007  several messages in a row were no JSON
//	1008  requests kept coming much faster than allowed
//	1009  a message was too large
//	1012  the server stops or restarts
//	1013  the state could not be read; wait a little
//	4001  the player opened too many connections and this was the oldest
//	4008  this device reads too slowly
//	4010  the account is deleted
//	4011  the sign-in that opened it has ended
//	4012  the account is banned
package realtime

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"muster"
)

// What a connection can be closed with; the package comment says what each means.
const (
	codeReplaced  websocket.StatusCode = 4001
	codeTooSlow   websocket.StatusCode = 4008
	codeDeleted   websocket.StatusCode = 4010
	codeSignedOut websocket.StatusCode = 4011
	codeBanned    websocket.StatusCode = 4012
)

// How long things may take. None is worth a setting.
const (
	pingEvery      = 20 * time.Second
	pongWithin     = 10 * time.Second
	writeWithin    = 10 * time.Second
	requestWithin  = 15 * time.Second
	rememberFor    = 5 * time.Minute
	housekeepEvery = 30 * time.Second
)

// Limits bounds what connections may use. A zero field takes the default named.
type Limits struct {
	Connections       int     // of all players together; 10,000
	PlayerConnections int     // of one player, the oldest gives way; 8
	History           int     // messages a stream remembers; 256
	Queue             int     // messages that wait for a slow device before it is dropped; 256
	MessageBytes      int64   // of one client message; 16 KiB
	Requests          int     // that run at once for one connection; 4. Eight times as many may wait
	RequestsPerSecond float64 // of one connection in the long run; 10
	RequestBurst      float64 // of one connection at once; 30
}

// Options says what a Hub is made of. Redeem and Play are required.
type Options struct {
	// Redeem exchanges a one-use ticket for its caller. An error is a *muster.Error.
	Redeem func(ctx context.Context, ticket string) (muster.Caller, error)
	Play   Play
	// Parties serves requests about parties. Nil: there are none.
	Parties Parties

	// AllowedOrigins are the origins ("https://game.example") besides our own host
	// whose pages may connect; empty: none.
	AllowedOrigins []string

	// Revoked says why a caller may not be connected any more, at once and without asking
	// anybody; nil: they may. Nil itself: everybody may, until the hub is told otherwise.
	Revoked func(c muster.Caller) error

	// Follow finds news that nobody told this hub. Nil: all news is made in this process,
	// or told to it.
	Follow *Follow

	// Admit takes a request of a player, whichever connection it comes by; an error refuses
	// it. Nil: only connections are limited. It must not block.
	Admit func(ctx context.Context, p muster.PlayerID) error

	Limits Limits
	Log    *slog.Logger     // nil: silent
	Now    func() time.Time // nil: time.Now
	NewID  func() string    // epochs, not to be guessed; nil: random text
}

func withDefaults(o Options) Options {
	l := &o.Limits
	for _, field := range []struct {
		value    *int
		fallback int
	}{{&l.Connections, 10_000}, {&l.PlayerConnections, 8}, {&l.History, 256}, {&l.Queue, 256}, {&l.Requests, 4}} {
		if *field.value <= 0 {
			*field.value = field.fallback
		}
	}
	if l.MessageBytes <= 0 {
		l.MessageBytes = 16 << 10
	}
	if l.RequestsPerSecond <= 0 {
		l.RequestsPerSecond = 10
	}
	if l.RequestBurst < 1 {
		l.RequestBurst = 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	return o
}

// originAllowed decides whether a page of an origin may connect to a host. Programs
// that are no browser send no origin.
func originAllowed(origin, host string, allowed []string) bool {
	if origin == "" {
		return true
	}
	for _, a := range allowed {
		if strings.EqualFold(a, origin) {
			return true
		}
	}
	_, originHost, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(originHost, host)
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
