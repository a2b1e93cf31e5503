package httpapi

import (
	"context"
	"testing"

	"muster"
)

var _ Inspector = (*muster.Backend)(nil)

// fakeInspector knows Ada's ticket.
type fakeInspector struct{}

func (fakeInspector) InspectTicket(_ context.Context, id muster.TicketID) (muster.AdminTicketView, error) {
	if id != adaTicket {
		return muster.AdminTicketView{}, muster.Errorf(muster.NotFound, "ticket.not_found", "there is no such ticket")
	}
	v := exampleAdminTicket()
	v.ID = id
	return v, nil
}

func (fakeInspector) InspectPlayer(_ context.Context, id muster.PlayerID) (muster.AdminPlayerView, error) {
	if id != ada {
		return muster.AdminPlayerView{}, muster.Errorf(muster.NotFound, "player.not_found", "there is no such player")
	}
	v := exampleAdminPlayer()
	v.ID = id
	return v, nil
}

func TestOnlyOperatorsInspect(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, target, token, code string
		status                    int
	}{
		{"a player", "/v1/admin/tickets/t-ada", "ada", "auth.wrong_scope", 403},
		{"a game server", "/v1/admin/tickets/t-ada", "msk_good", "auth.wrong_scope", 403},
		{"nobody", "/v1/admin/tickets/t-ada", "", "auth.missing", 401},
		{"a player about themselves", "/v1/admin/players/p-ada", "ada", "auth.wrong_scope", 403},
		{"an operator and an unknown player", "/v1/admin/players/p-none", "mak_good", "player.not_found", 404},
		{"an operator and an unknown ticket", "/v1/admin/tickets/t-none", "mak_good", "ticket.not_found", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			if a := r.do("GET", c.target, c.token, ""); a.status != c.status || a.code() != c.code {
				t.Errorf("%d %s, want %d %s", a.status, a.code(), c.status, c.code)
			}
		})
	}
}
