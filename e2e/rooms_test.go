package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// roomsConfig has a mode whose sessions players make, and one whose matches the backend
// places.
const roomsConfig = `
gameServers: {spare: 2, max: 6}
modes:
  - name: lobby
    kind: queue
    sessions: {maxPlayers: 2, browse: true, spectators: 1, properties: {map: [harbour, tower]}}
  - name: ranked
    kind: standalone
    ruleSet: ranked.json
    sessions: {queue: ranked}
`

const rankedRules = `{"ruleLanguageVersion":"1.0","teams":[{"name":"red","minPlayers":1,"maxPlayers":1},{"name":"blue","minPlayers":1,"maxPlayers":1}]}`

// upWithRooms starts the program with those modes; the key is that of game servers.
func upWithRooms(t *testing.T) (p *program, serverKey string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"muster.yaml": roomsConfig, "ranked.json": rankedRules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p = up(t, filepath.Join(dir, "data"), "--config", filepath.Join(dir, "muster.yaml"), "--round", "60s")
	key, err := os.ReadFile(filepath.Join(dir, "data", "server-key"))
	if err != nil {
		t.Fatal(err)
	}
	return p, strings.TrimSpace(string(key))
}

// placement is a request for a session.
type placement struct {
	ID, Status, Code, SessionID string
	Version                     int64
	Seat                        *seat
}

// placed follows a request for a session to its end.
func (p *player) placed(want placement) placement {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); want.Status == "pending"; {
		if time.Now().After(deadline) {
			p.t.Fatalf("the session is not placed: %+v", want)
		}
		path := fmt.Sprintf("/v1/placements/%s?wait=20&after=%d", want.ID, want.Version)
		if err := p.call(http.MethodGet, path, nil, &want); err != nil {
			p.t.Fatal(err)
		}
	}
	return want
}

func TestPlayersMakeFindWatchAndLeaveSessions(t *testing.T) {
	p, key := upWithRooms(t)
	ann, bob, eve := guest(t, p.HTTP), guest(t, p.HTTP), guest(t, p.HTTP)
	var made placement
	if err := ann.call(http.MethodPost, "/v1/sessions", map[string]any{"mode": "lobby", "name": "ann's", "properties": map[string]string{"map": "tower"}}, &made); err != nil {
		t.Fatal(err)
	}
	made = ann.placed(made)
	if made.Status != "fulfilled" || made.Seat == nil {
		t.Fatalf("the placement is %+v", made)
	}
	if kind, code, conn := join(t, *made.Seat, made.Seat.PlayerSessionID, made.Seat.JoinToken); kind != "welcome" {
		t.Fatalf("the game server answered %s %s", kind, code)
	} else {
		go drain(conn)
	}
	var page struct {
		Sessions []struct {
			ID          string
			PlayerCount int
		}
	}
	if err := bob.call(http.MethodGet, "/v1/sessions?mode=lobby&hasRoom=true&property.map=tower", nil, &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Sessions) != 1 || page.Sessions[0].ID != made.SessionID || page.Sessions[0].PlayerCount != 1 {
		t.Fatalf("listed are %+v, want %s", page, made.SessionID)
	}
	path := "/v1/sessions/" + url.PathEscape(made.SessionID)
	var bobs, eves seat
	if err := bob.call(http.MethodPost, path+"/players", nil, &bobs); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, eve.call(http.MethodPost, path+"/players", nil, nil), http.StatusConflict) // it is full
	if err := eve.call(http.MethodPost, path+"/players", map[string]any{"role": "spectator"}, &eves); err != nil {
		t.Fatal(err)
	}
	if bobs.PlayerSessionID == eves.PlayerSessionID || bobs.PlayerSessionID == made.Seat.PlayerSessionID {
		t.Errorf("seats %+v, %+v and %+v", made.Seat, bobs, eves)
	}
	wantStatus(t, bob.call(http.MethodPost, "/v1/matchmaking/tickets", map[string]any{"mode": "ranked"}, nil), http.StatusConflict)
	for range 2 {
		if err := bob.call(http.MethodDelete, "/v1/players/me/session", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	var again seat
	if err := bob.call(http.MethodPost, path+"/players", nil, &again); err != nil {
		t.Fatal(err)
	}
	if again.PlayerSessionID != bobs.PlayerSessionID {
		t.Errorf("bob returned to seat %s, GameLift still keeps %s", again.PlayerSessionID, bobs.PlayerSessionID)
	}
	own := p.HTTP + "/v1/server/sessions/" + url.PathEscape(made.SessionID)
	wantStatus(t, request(http.MethodPatch, own, ann.Access, map[string]any{"ended": true}, nil), http.StatusForbidden)
	if err := request(http.MethodPatch, own, key, map[string]any{"ended": true}, nil); err != nil {
		t.Fatal(err)
	}
	for _, who := range []*player{ann, bob, eve} {
		wantStatus(t, who.call(http.MethodGet, "/v1/players/me/session", nil, nil), http.StatusNotFound)
	}
}

func TestAPrivateSessionIsJoinedByItsCode(t *testing.T) {
	p, _ := upWithRooms(t)
	ann, bob := guest(t, p.HTTP), guest(t, p.HTTP)
	var made placement
	if err := ann.call(http.MethodPost, "/v1/sessions", map[string]any{"mode": "lobby", "private": true}, &made); err != nil {
		t.Fatal(err)
	}
	made = ann.placed(made)
	wantStatus(t, bob.call(http.MethodPost, "/v1/sessions/join", map[string]any{"code": "2222222222"}, nil), http.StatusNotFound)
	var got seat
	if err := bob.call(http.MethodPost, "/v1/sessions/join", map[string]any{"code": strings.ToLower(made.Code)}, &got); err != nil {
		t.Fatal(err)
	}
	if got.SessionID != made.SessionID {
		t.Errorf("bob is in %s, want %s", got.SessionID, made.SessionID)
	}
}

func TestAStandaloneMatchGetsItsSession(t *testing.T) {
	p, _ := upWithRooms(t)
	ann, bob := guest(t, p.HTTP), guest(t, p.HTTP)
	one, two := ann.queue("ranked"), bob.queue("ranked")
	first, second := ann.until(one, "completed").Seat, bob.until(two, "completed").Seat
	if first == nil || second == nil || first.SessionID != second.SessionID || first.Team == second.Team || first.PlayerSessionID == second.PlayerSessionID {
		t.Fatalf("seats %+v and %+v, want two of one session", first, second)
	}
	if kind, code, conn := join(t, *first, first.PlayerSessionID, first.JoinToken); kind != "welcome" {
		t.Errorf("the game server answered %s %s", kind, code)
	} else {
		go drain(conn)
	}
}
