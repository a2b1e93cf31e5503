package e2e

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

// drain reads until the connection ends, as a player's client does.
func drain(conn *websocket.Conn) {
	for {
		if _, _, err := conn.Read(context.Background()); err != nil {
			return
		}
	}
}

func TestAGameServerTakesOnlyItsOwnersSeat(t *testing.T) {
	p := up(t, t.TempDir(), "--round", "30s")
	ann, bob := guest(t, p.HTTP), guest(t, p.HTTP)
	annSeat, bobSeat := seatBoth(t, ann, bob)
	if annSeat.SessionID != bobSeat.SessionID || annSeat.PlayerSessionID == bobSeat.PlayerSessionID {
		t.Fatalf("seats %+v and %+v, want two of one session", annSeat, bobSeat)
	}
	cases := []struct{ name, seatID, token string }{
		{"an invented seat is refused", "psess-00000000-0000-4000-8000-000000000000", annSeat.JoinToken},
		{"an invented seat without a token is refused", "psess-00000000-0000-4000-8000-000000000000", ""},
		{"another player's seat with my own token is refused", bobSeat.PlayerSessionID, annSeat.JoinToken},
		{"my seat without a token is refused", annSeat.PlayerSessionID, ""},
		{"an access token is no join token", annSeat.PlayerSessionID, ann.Access},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if kind, code, _ := join(t, annSeat, c.seatID, c.token); kind != "refused" || code == "" {
				t.Errorf("the game server answered %q %q, want refused with a code", kind, code)
			}
		})
	}
	for who, seat := range map[*player]seat{ann: annSeat, bob: bobSeat} {
		kind, code, conn := join(t, seat, seat.PlayerSessionID, seat.JoinToken)
		if kind != "welcome" {
			t.Fatalf("the owner %s was answered %s %s", who.ID, kind, code)
		}
		go drain(conn)
	}
	t.Run("after a reload the owner gets the same seat back and may take it again", func(t *testing.T) {
		var again seat
		if err := ann.call(http.MethodGet, "/v1/players/me/session", nil, &again); err != nil {
			t.Fatal(err)
		}
		if again.PlayerSessionID != annSeat.PlayerSessionID {
			t.Errorf("the seat is %s, was %s", again.PlayerSessionID, annSeat.PlayerSessionID)
		}
		if kind, code, _ := join(t, again, again.PlayerSessionID, again.JoinToken); kind != "welcome" {
			t.Errorf("the game server answered %s %s", kind, code)
		}
	})
}

func TestNothingOfAnotherPlayerCanBeRead(t *testing.T) {
	p := up(t, t.TempDir())
	ann, eve := guest(t, p.HTTP), guest(t, p.HTTP)
	tk := ann.queue("duel")
	ticketPath := "/v1/matchmaking/tickets/" + tk.ID
	cases := []struct{ name, method, path string }{
		{"reading a ticket", http.MethodGet, ticketPath},
		{"waiting for a ticket", http.MethodGet, ticketPath + "?wait=1"},
		{"cancelling a ticket", http.MethodDelete, ticketPath},
		{"accepting a match", http.MethodPost, ticketPath + "/accept"},
		{"declining a match", http.MethodPost, ticketPath + "/decline"},
		{"reading a session", http.MethodGet, "/v1/players/me/session"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantStatus(t, eve.call(c.method, c.path, nil, nil), http.StatusNotFound)
			wantStatus(t, request(c.method, p.HTTP+c.path, "", nil, nil), http.StatusUnauthorized)
			wantStatus(t, request(c.method, p.HTTP+c.path, ann.Access+"x", nil, nil), http.StatusUnauthorized)
		})
	}
	t.Run("reporting a result as a player", func(t *testing.T) {
		err := eve.call(http.MethodPost, "/v1/server/sessions/arn%3Aaws%3Agamelift%3Aus-west-2%3A%3Agamesession%2Ff%2Fl%2Fs/result", map[string]any{"teams": []any{}}, nil)
		var refused *problem
		if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized && refused.Status != http.StatusForbidden {
			t.Errorf("got %v, want 401 or 403", err)
		}
	})
	t.Run("an event without a signature", func(t *testing.T) {
		var refused *problem
		err := request(http.MethodPost, p.HTTP+"/v1/events/sns", "", map[string]string{"Type": "Notification", "Message": "{}"}, nil)
		if !errors.As(err, &refused) || refused.Status < 400 || refused.Status >= 500 {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var refused *problem
	if !errors.As(err, &refused) || refused.Status != status || refused.Code == "" {
		t.Errorf("got %v, want status %d with a code", err, status)
	}
}
