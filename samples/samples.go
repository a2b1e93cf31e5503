// Package samples serves the calls that Amazon's published sample clients make, so that a
// game built on one of them works with Muster unchanged: those of the game backend guidance
// (Unity, Unreal and Godot) and those of the GameLift plug-in for Unity and Unreal.
//
// The calls put secrets into URLs, as those clients do, so the front is off unless it is
// configured. It answers with their field names, types and status codes; where it differs
// from the samples on purpose, docs/sample-clients.md says why.
//
// Call New and mount Routes behind the middleware of httpapi, which logs no query. Source
// of the calls: the code and README of the two samples, 2026.
package samples

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"muster"
)

// Identity signs players in.
type Identity interface {
	// Guest with nil makes a guest.
	Guest(ctx context.Context, guest *muster.Guest) (muster.Grant, error)
	// GuestOf signs in a guest whose id and secret are the player's.
	GuestOf(ctx context.Context, player muster.PlayerID, guest muster.Guest) (muster.Grant, error)
	Refresh(ctx context.Context, refreshToken string) (muster.Grant, error)
	// Enter signs in whoever a proof is about; what nobody has becomes a way in of the caller.
	Enter(ctx context.Context, caller muster.Caller, provider string, proof muster.Proof) (muster.Entrance, error)
	Providers() []muster.ProviderView
}

// Play is matchmaking as one player drives it.
type Play interface {
	Me(ctx context.Context, me muster.PlayerID) (muster.PlayerView, error)
	Seat(ctx context.Context, me muster.PlayerID) (muster.SeatView, error)
	StartTicket(ctx context.Context, me muster.PlayerID, req muster.TicketRequest, idempotencyKey string) (t muster.TicketView, created bool, err error)
	Ticket(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error)
}

// UserPool is a user pool of Amazon Cognito, for the sample that hands passwords through.
type UserPool interface {
	SignUp(ctx context.Context, want muster.PoolSignUp) error
	ConfirmSignUp(ctx context.Context, username, code string) error
	ForgotPassword(ctx context.Context, username string) error
	ResetPassword(ctx context.Context, username, code, password string) error
	SignIn(ctx context.Context, want muster.PoolSignIn) (muster.PoolAnswer, error)
}

// Options is what the front needs; all but UserPool and Log is required.
type Options struct {
	Identity Identity
	Play     Play
	UserPool UserPool // nil: nobody signs in with Cognito here
	// Verify turns an access token into its caller.
	Verify func(ctx context.Context, token string) (muster.Caller, error)
	Mode   muster.ModeName // that the clients play; they know no other
	Now    func() time.Time
	Log    *slog.Logger // nil: silent
}

// Front serves the calls.
type Front struct {
	Options
	providers map[string]string // names of providers by their kind
}

// New makes a Front.
func New(o Options) *Front {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &Front{Options: o, providers: make(map[string]string)}
	for _, p := range o.Identity.Providers() {
		if _, there := f.providers[p.Kind]; !there || p.Name == p.Kind {
			f.providers[p.Kind] = p.Name
		}
	}
	return f
}

// maxBody bounds the body of a call, in bytes.
const maxBody = 16 << 10

// Routes are the calls, by the patterns of http.ServeMux.
func (f *Front) Routes() map[string]http.Handler {
	routes := map[string]http.Handler{
		"GET /login-as-guest":       f.identityCall(f.loginAsGuest),
		"GET /refresh-access-token": f.identityCall(f.refresh),
		"POST /request-matchmaking": f.playCall(authorization, f.requestMatchmaking),
		"GET /get-match-status":     f.playCall(authorization, f.matchStatus),
		"POST /start_game":          f.playCall(pluginHeader, f.startGame),
		"POST /get_game_connection": f.playCall(pluginHeader, f.gameConnection),
	}
	for _, way := range ways {
		routes["GET "+way.path] = f.identityCall(func(r *http.Request) (answer, error) { return f.loginWith(r, way) })
	}
	routes["POST /login-with-cognito"] = f.identityCall(f.loginWithCognito)
	return routes
}
