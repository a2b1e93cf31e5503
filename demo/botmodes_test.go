package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// instead is the lobby with another answer to one call.
func (l *lobby) instead(t *testing.T, call string, status int, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method+" "+r.URL.Path != call {
			l.Config.Handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

const (
	roomsMode = `{"name":"lobby","kind":"queue","teams":[]}`
	duelMode  = `{"name":"duel","kind":"matchmaking","teams":[{"minPlayers":1,"maxPlayers":1},{"minPlayers":1,"maxPlayers":1}]}`
)

func TestBotsPlayTheFirstModeWithMatchmaking(t *testing.T) {
	l := newLobby(t, shortRound)
	report, err := RunBots(t.Context(), BotOptions{URL: l.instead(t, "GET /v1/modes", 200, `{"modes":[`+roomsMode+`,`+duelMode+`]}`), Count: 2, Matches: 1})
	if err != nil || report.Matches != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	for mode, want := range map[string]string{"": "no mode with matchmaking", "lobby": `mode "lobby" has no matchmaking`} {
		_, err := RunBots(t.Context(), BotOptions{URL: l.instead(t, "GET /v1/modes", 200, `{"modes":[`+roomsMode+`]}`), Count: 2, Matches: 1, Mode: mode})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mode %q of a backend without matchmaking: %v", mode, err)
		}
	}
}

func TestBotsEndWithWhatTheyAreRefusedForGood(t *testing.T) {
	l := newLobby(t, shortRound)
	url := l.instead(t, "POST /v1/matchmaking/tickets", 400, `{"code":"attribute.unknown","detail":"there is no such thing"}`)
	_, err := RunBots(t.Context(), BotOptions{URL: url, Count: 4, Matches: 2})
	if err == nil || !strings.Contains(err.Error(), "0 of 2 matches") || !strings.Contains(err.Error(), "there is no such thing") {
		t.Fatalf("ended with %v", err)
	}
}
