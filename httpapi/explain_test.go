package httpapi

import "testing"

func TestExplanationsAreForTheirOwn(t *testing.T) {
	r := newRig(t, nil)
	const admin = "/v1/admin/tickets/t-ada/explanation"
	for _, c := range []struct {
		name, target, token, code string
		status                    int
	}{
		{"another player does not learn that the ticket exists", ticketPathOfAda + "/explanation", "guest", "ticket.not_found", 404},
		{"an unknown ticket", "/v1/matchmaking/tickets/t-none/explanation", "ada", "ticket.not_found", 404},
		{"a game server is no player", ticketPathOfAda + "/explanation", "msk_good", "auth.wrong_scope", 403},
		{"an operator is no player", ticketPathOfAda + "/explanation", "mak_good", "auth.wrong_scope", 403},
		{"a player is no operator", admin, "ada", "auth.wrong_scope", 403},
		{"a game server is no operator", admin, "msk_good", "auth.wrong_scope", 403},
		{"an operator and an unknown ticket", "/v1/admin/tickets/t-none/explanation", "mak_good", "ticket.not_found", 404},
		{"an operator may not play", "/v1/players/me", "mak_good", "auth.wrong_scope", 403},
		{"an operator may not report results", "/v1/server/sessions/x/result", "mak_good", "route.method_not_allowed", 405},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			if a := r.do("GET", c.target, c.token, ""); a.status != c.status || a.code() != c.code {
				t.Errorf("%d %s, want %d %s", a.status, a.code(), c.status, c.code)
			}
		})
	}
}

func TestWithoutAdminKeysThereAreNoCallsForOperators(t *testing.T) {
	r := newRig(t, withoutOperators)
	if a := r.do("GET", "/v1/admin/tickets/t-ada/explanation", "mak_good", ""); a.status != 404 || a.code() != "route.not_found" {
		t.Errorf("%d %s", a.status, a.code())
	}
	if a := r.do("GET", ticketPathOfAda, "mak_good", ""); a.status != 401 {
		t.Errorf("an admin key where there are none is answered with %d", a.status)
	}
	defer func() {
		if recover() == nil {
			t.Error("operators without keys were accepted")
		}
	}()
	newRig(t, func(o *Options) { o.VerifyAdmin = nil })
}
