package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// player is a client that knows only the public interface.
type player struct {
	t       *testing.T
	base    string
	ID      string
	Access  string
	Refresh string
	GuestID string
	Secret  string
}

// problem is the answer to a refused request.
type problem struct {
	Status int
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

type grant struct {
	Player struct{ ID string }
	Access string `json:"accessToken"`
	Token  string `json:"refreshToken"`
	Guest  struct{ ID, Secret string }
}

type seat struct {
	SessionID       string
	Mode            string
	Team            string
	IPAddress       string
	Port            int
	PlayerSessionID string
	JoinToken       string
}

type ticket struct {
	ID      string
	Mode    string
	Status  string
	Version int64
	Players []string
	Match   *struct{ ID, You string }
	Seat    *seat
	Reason  *struct{ Code, Message string }
}

type rating struct {
	Mode  string
	Skill int
	Games int
}

// guest signs a new guest in.
func guest(t *testing.T, base string) *player {
	t.Helper()
	p := &player{t: t, base: base}
	p.signIn(map[string]any{})
	return p
}

// signIn posts a guest proof and keeps the grant.
func (p *player) signIn(proof any) {
	p.t.Helper()
	var g grant
	if err := p.call(http.MethodPost, "/v1/auth/guest", proof, &g); err != nil {
		p.t.Fatalf("sign in: %v", err)
	}
	p.ID, p.Access, p.Refresh = g.Player.ID, g.Access, g.Token
	if g.Guest.Secret != "" {
		p.GuestID, p.Secret = g.Guest.ID, g.Guest.Secret
	}
}

// comeBack signs in again at another address with the same guest secret.
func (p *player) comeBack(base string) {
	p.t.Helper()
	p.base = base
	before := p.ID
	p.signIn(map[string]any{"guest": map[string]string{"id": p.GuestID, "secret": p.Secret}})
	if p.ID != before {
		p.t.Fatalf("guest %s came back as player %s, was %s", p.GuestID, p.ID, before)
	}
}

// call makes one request; a refusal is a *problem.
func (p *player) call(method, path string, body, into any) error {
	return request(method, p.base+path, p.Access, body, into)
}

// request makes one request; headers are names and values.
func request(method, target, token string, body, into any, headers ...string) error {
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, target, reader)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		refused := &problem{Status: res.StatusCode}
		if err := json.Unmarshal(answer, refused); err != nil {
			return fmt.Errorf("%d %s", res.StatusCode, answer)
		}
		return refused
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// queue asks for a match.
func (p *player) queue(mode string) ticket {
	p.t.Helper()
	var tk ticket
	if err := p.call(http.MethodPost, "/v1/matchmaking/tickets", map[string]any{"mode": mode}, &tk); err != nil {
		p.t.Fatalf("queue: %v", err)
	}
	return tk
}

// until long-polls the ticket until one of the statuses is reached, accepting a match
// on the way. It may run beside the test's own goroutine: a failure is reported and the
// ticket as it stands returned.
func (p *player) until(tk ticket, statuses ...string) ticket {
	p.t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for {
		for _, s := range statuses {
			if tk.Status == s {
				return tk
			}
		}
		if time.Now().After(deadline) {
			p.t.Errorf("ticket %s is %s, want one of %v", tk.ID, tk.Status, statuses)
			return tk
		}
		if tk.Status == "requiresAcceptance" && tk.Match != nil && tk.Match.You == "pending" {
			if err := p.call(http.MethodPost, "/v1/matchmaking/tickets/"+tk.ID+"/accept", nil, &tk); err != nil {
				p.t.Logf("accept: %v", err)
			}
			continue
		}
		path := fmt.Sprintf("/v1/matchmaking/tickets/%s?wait=5&after=%d", tk.ID, tk.Version)
		tk = ticket{}
		if err := p.call(http.MethodGet, path, nil, &tk); err != nil {
			p.t.Errorf("follow ticket: %v", err)
			return tk
		}
	}
}

// seatBoth queues two players for a duel and follows both tickets to their seats.
func seatBoth(t *testing.T, a, b *player) (seat, seat) {
	t.Helper()
	seats := make([]*seat, 2)
	var both sync.WaitGroup
	for i, p := range []*player{a, b} {
		tk := p.queue("duel")
		both.Go(func() { seats[i] = p.until(tk, "completed").Seat })
	}
	both.Wait()
	if seats[0] == nil || seats[1] == nil {
		t.Fatal("a completed ticket came without a seat")
	}
	return *seats[0], *seats[1]
}

// rating reads the player's standing in a mode.
func (p *player) rating(mode string) rating {
	p.t.Helper()
	var all struct{ Ratings []rating }
	if err := p.call(http.MethodGet, "/v1/players/me/ratings", nil, &all); err != nil {
		p.t.Fatalf("ratings: %v", err)
	}
	for _, r := range all.Ratings {
		if r.Mode == mode {
			return r
		}
	}
	p.t.Fatalf("no rating in %q: %+v", mode, all.Ratings)
	return rating{}
}

// join presents a seat to a game server and returns the type of its first answer, with
// the code of a refusal.
func join(t *testing.T, s seat, playerSessionID, joinToken string) (kind, code string, conn *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	target := url.URL{Scheme: "ws", Host: fmt.Sprintf("%s:%d", s.IPAddress, s.Port), Path: "/play"}
	conn, _, err := websocket.Dial(ctx, target.String(), nil)
	if err != nil {
		t.Fatalf("dial the game server: %v", err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() }) // the server may have closed first
	hello := map[string]any{"type": "join", "playerSessionId": playerSessionID, "joinToken": joinToken, "name": "e2e"}
	if err := wsjson.Write(ctx, conn, hello); err != nil {
		t.Fatalf("send join: %v", err)
	}
	var answer struct{ Type, Code string }
	if err := wsjson.Read(ctx, conn, &answer); err != nil {
		t.Fatalf("read the game server's answer: %v", err)
	}
	return answer.Type, answer.Code, conn
}
