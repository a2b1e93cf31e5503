package httpapi

import (
	"context"
	"sync"
	"time"

	"muster"
)

// fakePlay answers with canned views and remembers what it was asked. A test replaces
// the hooks it cares about.
type fakePlay struct {
	mu    sync.Mutex
	calls []string
	err   error // if set, every call fails with it

	wait       func(ctx context.Context, after int64, wait time.Duration) (muster.TicketView, error)
	created    bool
	status     muster.TicketStatus
	lastReport muster.ResultReport
	attributes map[string]any // of the last SetAttributes
	lastTicket muster.TicketRequest
	lastKey    string
	lastLimit  int
	lastBefore string
	lastID     muster.SessionID
	lastAccept bool
}

const (
	ada       muster.PlayerID = "p-ada"
	adaTicket muster.TicketID = "t-ada"
)

func (f *fakePlay) called(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, name)
	return f.err
}

func (f *fakePlay) Me(_ context.Context, me muster.PlayerID) (muster.PlayerView, error) {
	return muster.PlayerView{ID: me, DisplayName: "Ada", Tag: "7"}, f.called("Me")
}

func (f *fakePlay) Player(_ context.Context, id muster.PlayerID) (muster.PlayerView, error) {
	return muster.PlayerView{ID: id, DisplayName: "Bob", Tag: "8"}, f.called("Player")
}

func (f *fakePlay) Ratings(context.Context, muster.PlayerID) ([]muster.RatingView, error) {
	return nil, f.called("Ratings")
}

func (f *fakePlay) Matches(_ context.Context, _ muster.PlayerID, limit int, before string) (muster.MatchHistoryPage, error) {
	f.lastLimit, f.lastBefore = limit, before
	return muster.MatchHistoryPage{}, f.called("Matches")
}

func (f *fakePlay) Seat(context.Context, muster.PlayerID) (muster.SeatView, error) {
	return exampleSeat(), f.called("Seat")
}

func (f *fakePlay) Modes() []muster.ModeView { return []muster.ModeView{exampleModeView()} }

func (f *fakePlay) Locations() []muster.LocationView { return nil }

func (f *fakePlay) StartTicket(_ context.Context, _ muster.PlayerID, req muster.TicketRequest, key string) (muster.TicketView, bool, error) {
	f.lastTicket, f.lastKey = req, key
	return f.view(), f.created, f.called("StartTicket")
}

func (f *fakePlay) Ticket(_ context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
	return f.owned("Ticket", me, id)
}

func (f *fakePlay) WaitTicket(ctx context.Context, me muster.PlayerID, id muster.TicketID, after int64, wait time.Duration) (muster.TicketView, error) {
	if f.wait != nil {
		return f.wait(ctx, after, wait)
	}
	return f.owned("WaitTicket", me, id)
}

func (f *fakePlay) CancelTicket(_ context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
	return f.owned("CancelTicket", me, id)
}

func (f *fakePlay) AnswerMatch(_ context.Context, me muster.PlayerID, id muster.TicketID, accept bool) (muster.TicketView, error) {
	f.lastAccept = accept
	return f.owned("AnswerMatch", me, id)
}

func (f *fakePlay) TicketExplanation(_ context.Context, me muster.PlayerID, id muster.TicketID) (muster.ExplanationView, error) {
	v, err := f.owned("TicketExplanation", me, id)
	return muster.ExplanationView{TicketID: v.ID, Status: v.Status, Message: "Waiting for 1 more player.", Obstacles: []muster.ObstacleView{}, Rules: []muster.ExplanationRule{}}, err
}

func (f *fakePlay) ExplainTicket(_ context.Context, id muster.TicketID) (muster.Advice, error) {
	if id != adaTicket {
		return muster.Advice{}, muster.Errorf(muster.NotFound, "ticket.not_found", "there is no such ticket")
	}
	return muster.Advice{TicketID: id, Lines: []string{"It searches."}}, f.called("ExplainTicket")
}

func (f *fakePlay) ReportResult(_ context.Context, id muster.SessionID, report muster.ResultReport) (muster.ResultView, error) {
	f.lastID, f.lastReport = id, report
	return muster.ResultView{SessionID: id}, f.called("ReportResult")
}

func (f *fakePlay) SetAttributes(_ context.Context, id muster.PlayerID, data map[string]any) error {
	f.attributes = data
	if id != ada {
		return muster.Errorf(muster.NotFound, "player.not_found", "there is no such player")
	}
	return f.called("SetAttributes")
}

func (f *fakePlay) view() muster.TicketView {
	status := f.status
	if status == "" {
		status = muster.Searching
	}
	return muster.TicketView{ID: adaTicket, Mode: "duel", Status: status, Version: 2, Players: []muster.PlayerID{ada}}
}

// owned hides whatever is not Ada's, as the rules do.
func (f *fakePlay) owned(call string, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
	if err := f.called(call); err != nil {
		return muster.TicketView{}, err
	}
	if me != ada || id != adaTicket {
		return muster.TicketView{}, muster.Errorf(muster.NotFound, "ticket.not_found", "there is no such ticket of yours")
	}
	return f.view(), nil
}

// fakeAuth grants to anybody but the guest "g-unknown" and the token "rt_reused".
type fakeAuth struct {
	err       error
	lastGuest *muster.Guest
	lastToken string
}

func (f *fakeAuth) Guest(_ context.Context, g *muster.Guest) (muster.Grant, error) {
	f.lastGuest = g
	switch {
	case f.err != nil:
		return muster.Grant{}, f.err
	case g == nil:
		return muster.Grant{Created: true, AccessToken: "tok", Guest: &muster.Guest{ID: "g-1", Secret: "s"}}, nil
	case g.ID == "g-unknown":
		return muster.Grant{}, muster.Errorf(muster.Unauthenticated, "auth.guest", "guest id and secret do not match")
	}
	return muster.Grant{AccessToken: "tok", Guest: &muster.Guest{ID: g.ID}}, nil
}

func (f *fakeAuth) Refresh(_ context.Context, token string) (muster.Grant, error) {
	f.lastToken = token
	if token == "rt_reused" {
		return muster.Grant{}, muster.Errorf(muster.Unauthenticated, "auth.refresh_reused", "sign in again")
	}
	return muster.Grant{AccessToken: "tok2", RefreshToken: "rt_2"}, f.err
}

func (f *fakeAuth) Logout(_ context.Context, token string) error {
	f.lastToken = token
	return f.err
}

func (f *fakeAuth) SocketTicket(context.Context, muster.Caller) (string, time.Duration, error) {
	return "wt_1", 30 * time.Second, f.err
}

// verify knows three tokens: "ada" of a player, "guest" of a guest and "expired".
func verify(_ context.Context, token string) (muster.Caller, error) {
	switch token {
	case "ada":
		return muster.Caller{Player: ada, Scope: muster.PlayerScope, Family: "f1"}, nil
	case "guest":
		return muster.Caller{Player: "p-guest", Scope: muster.GuestScope}, nil
	case "expired":
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.expired", "the token has expired")
	}
	return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.bad_token", "the token is not valid")
}

func verifyAdmin(key string) (muster.Caller, error) {
	if key == "mak_good" {
		return muster.Caller{Scope: muster.AdminScope}, nil
	}
	return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.admin_key", "the admin key is not valid")
}

func verifyServer(key string) (muster.Caller, error) {
	if key == "msk_good" {
		return muster.Caller{Scope: muster.ServerScope}, nil
	}
	return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.server_key", "the server key is not valid")
}
