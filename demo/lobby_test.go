package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// lobby is a small backend for bots: guests, a queue for two with acceptance, the
// realtime socket and results. Each match gets a real game server over a fake host.
type lobby struct {
	*httptest.Server
	t      testing.TB
	signer *signer
	round  time.Duration

	mu       sync.Mutex
	n        int
	players  map[string]*lobbyPlayer // by access token
	tickets  map[string]*lobbyTicket
	waiting  []*lobbyTicket
	sessions map[string][]*lobbyTicket
	broken   map[string]int // answers 503 that many times, by path
	sawNames map[string]bool
	servers  sync.WaitGroup
	ctx      context.Context
}

type lobbyPlayer struct {
	id      string
	sockets []*websocket.Conn
	seat    *seatInfo
	matches []any
	ticket  *lobbyTicket // the latest
	seq     int64
}

type lobbyTicket struct {
	id, status string
	version    int64
	player     *lobbyPlayer
	match      string
	accepted   bool
	seat       *seatInfo
}

func newLobby(t testing.TB, round time.Duration) *lobby {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lobby{
		t: t, signer: newSigner(t, "k1"), round: round, ctx: ctx,
		players: map[string]*lobbyPlayer{}, tickets: map[string]*lobbyTicket{},
		sessions: map[string][]*lobbyTicket{}, broken: map[string]int{}, sawNames: map[string]bool{},
	}
	l.Server = httptest.NewServer(l.routes())
	t.Cleanup(func() {
		cancel()
		l.servers.Wait()
		l.CloseClientConnections()
		l.Close()
	})
	return l
}

func (l *lobby) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, l.signer.set) })
	mux.HandleFunc("POST /v1/auth/guest", l.guest)
	mux.HandleFunc("POST /v1/auth/refresh", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 401, map[string]any{"code": "refresh.invalid"})
	})
	mux.HandleFunc("GET /v1/realtime", l.realtime)
	mux.HandleFunc("POST /v1/server/sessions/{id}/result", l.result)
	mux.HandleFunc("GET /v1/modes", l.signed(func(*lobbyPlayer, *http.Request) (int, any) {
		return 200, map[string]any{"modes": []any{map[string]any{
			"name": "duel", "title": "Duel", "description": "One against one, for the rating.", "acceptance": true, "acceptanceTimeoutSeconds": 20,
			"teams": []any{map[string]any{"name": "red", "minPlayers": 1, "maxPlayers": 1}, map[string]any{"name": "blue", "minPlayers": 1, "maxPlayers": 1}},
		}}}
	}))
	mux.HandleFunc("GET /v1/locations", l.signed(func(*lobbyPlayer, *http.Request) (int, any) {
		return 200, map[string]any{"locations": []any{map[string]any{"name": "custom-home"}}}
	}))
	me := func(p *lobbyPlayer, r *http.Request) (int, any) {
		var body struct {
			DisplayName string `json:"displayName"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body) // a GET has none
		l.sawNames[body.DisplayName] = true
		return 200, map[string]any{"id": p.id, "displayName": p.id}
	}
	mux.HandleFunc("PATCH /v1/players/me", l.signed(me))
	mux.HandleFunc("GET /v1/players/me", l.signed(me))
	mux.HandleFunc("GET /v1/players/me/matches", l.signed(func(p *lobbyPlayer, _ *http.Request) (int, any) {
		return 200, map[string]any{"matches": p.matches}
	}))
	mux.HandleFunc("GET /v1/players/me/session", l.signed(func(p *lobbyPlayer, _ *http.Request) (int, any) {
		if p.seat == nil {
			return 404, map[string]any{"code": "session.none"}
		}
		return 200, p.seat
	}))
	mux.HandleFunc("POST /v1/auth/socket-ticket", l.signed(func(p *lobbyPlayer, _ *http.Request) (int, any) {
		return 201, map[string]any{"ticket": "t-" + p.id}
	}))
	mux.HandleFunc("POST /v1/matchmaking/tickets", l.signed(l.queue))
	mux.HandleFunc("GET /v1/matchmaking/tickets/{id}", l.signed(l.ticket))
	mux.HandleFunc("DELETE /v1/matchmaking/tickets/{id}", l.signed(l.cancel))
	mux.HandleFunc("POST /v1/matchmaking/tickets/{id}/accept", l.signed(l.accept))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		broken := l.broken[r.URL.Path] > 0
		l.broken[r.URL.Path]--
		l.mu.Unlock()
		if broken {
			answer(w, 503, map[string]any{"code": "try.again"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// signed finds the player of a request and answers with what f returns, under mu.
func (l *lobby) signed(f func(*lobbyPlayer, *http.Request) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		p := l.players[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if p == nil {
			answer(w, 401, map[string]any{"code": "token.invalid"})
			return
		}
		status, v := f(p, r)
		answer(w, status, v)
	}
}

func (l *lobby) guest(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Guest *guestCredential `json:"guest"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body) // what cannot be read is a new guest
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	id := fmt.Sprintf("p%d", l.n)
	if body.Guest != nil {
		id = strings.TrimPrefix(body.Guest.ID, "g")
	}
	if l.players["access-"+id] == nil {
		l.players["access-"+id] = &lobbyPlayer{id: id}
	}
	answer(w, 201, map[string]any{
		"player": map[string]any{"id": id}, "accessToken": "access-" + id, "expiresInSeconds": 900,
		"refreshToken": "r", "guest": map[string]any{"id": "g" + id, "secret": "s"},
	})
}

func (l *lobby) realtime(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	l.mu.Lock()
	p := l.players["access-"+strings.TrimPrefix(r.URL.Query().Get("ticket"), "t-")]
	l.mu.Unlock()
	hello := map[string]any{"type": "hello", "data": map[string]any{"playerId": p.id, "epoch": "e", "seq": 0, "resumed": false}}
	l.mu.Lock()
	_ = ws.Write(l.ctx, websocket.MessageText, mustJSON(hello))
	p.sockets = append(p.sockets, ws)
	l.tell(p, "snapshot", map[string]any{"ticket": p.ticketView(), "seat": p.seat})
	l.mu.Unlock()
	_, _, _ = ws.Read(l.ctx) // until it is closed
}

// tell sends an event to a player. The caller holds mu.
func (l *lobby) tell(p *lobbyPlayer, kind string, data any) {
	p.seq++
	msg := mustJSON(map[string]any{"type": kind, "seq": p.seq, "data": data})
	for _, ws := range p.sockets {
		_ = ws.Write(l.ctx, websocket.MessageText, msg)
	}
}

func (t *lobbyTicket) view() map[string]any {
	v := map[string]any{"id": t.id, "status": t.status, "version": t.version, "mode": "duel"}
	if t.match != "" {
		you := "pending"
		if t.accepted {
			you = "accepted"
		}
		v["match"] = map[string]any{"id": t.match, "you": you, "acceptanceRequired": true, "playerCount": 2}
	}
	if t.seat != nil {
		v["seat"] = t.seat
	}
	return v
}

// move changes a ticket and tells its player.
func (l *lobby) move(t *lobbyTicket, status string) {
	t.status = status
	t.version++
	l.tell(t.player, "ticket", t.view())
}

// ticketView is the player's ticket that is not over, or nil.
func (p *lobbyPlayer) ticketView() any {
	if p.ticket == nil || p.ticket.status == "completed" || p.ticket.status == "cancelled" {
		return nil
	}
	return p.ticket.view()
}

func (l *lobby) queue(p *lobbyPlayer, _ *http.Request) (int, any) {
	if p.seat != nil {
		return 409, map[string]any{"code": "session.live", "seat": p.seat}
	}
	l.n++
	t := &lobbyTicket{id: fmt.Sprintf("ticket-%d", l.n), player: p}
	l.tickets[t.id] = t
	p.ticket = t
	l.move(t, "searching")
	l.waiting = append(l.waiting, t)
	if len(l.waiting) >= 2 {
		l.n++
		id := fmt.Sprintf("match-%d", l.n)
		pair := l.waiting[:2]
		l.waiting = l.waiting[2:]
		l.sessions[id] = pair
		for _, t := range pair {
			t.match = id
			l.move(t, "requiresAcceptance")
		}
	}
	return 201, t.view()
}

func (l *lobby) ticket(_ *lobbyPlayer, r *http.Request) (int, any) {
	return 200, l.tickets[r.PathValue("id")].view()
}

func (l *lobby) cancel(_ *lobbyPlayer, r *http.Request) (int, any) {
	t := l.tickets[r.PathValue("id")]
	for i, w := range l.waiting {
		if w == t {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			l.move(t, "cancelled")
			return 202, t.view()
		}
	}
	return 409, map[string]any{"code": "ticket.placing"}
}

func (l *lobby) accept(_ *lobbyPlayer, r *http.Request) (int, any) {
	t := l.tickets[r.PathValue("id")]
	t.accepted = true
	pair := l.sessions[t.match]
	if pair[0].accepted && pair[1].accepted {
		l.place(t.match, pair)
	}
	return 200, t.view()
}

// place starts a game server for a match and hands the seats out.
func (l *lobby) place(id string, pair []*lobbyTicket) {
	h := newFakeHost()
	port := freePort(l.t)
	arn := "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/" + id
	var teams []any
	for i, t := range pair {
		psess := "psess-" + t.id
		h.seats[psess] = &seatRecord{Player: t.player.id, Session: arn, Status: "RESERVED"}
		t.seat = &seatInfo{
			SessionID: arn, IPAddress: "127.0.0.1", Port: port, PlayerSessionID: psess,
			JoinToken: l.signer.sign(l.t, claims(t.player.id, arn, psess)),
		}
		teams = append(teams, map[string]any{"name": []string{"red", "blue"}[i], "players": []any{map[string]any{"playerId": t.player.id}}})
	}
	opts := ServerOptions{
		URL: l.URL, Key: "msk_test", Port: port, Round: l.round, Countdown: 3 * time.Second,
	}.withDefaults()
	if l.round < time.Second {
		opts.Countdown = 50 * time.Millisecond
	}
	l.servers.Go(func() { _ = runServer(l.ctx, opts, h) })
	l.servers.Go(func() {
		select {
		case <-h.ready:
		case <-l.ctx.Done():
			return
		}
		h.started(session{ID: arn, MatchmakerData: string(mustJSON(map[string]any{"teams": teams}))})
		<-h.activated
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sessions[arn] = pair
		for _, t := range pair {
			t.player.seat = t.seat
			l.move(t, "completed")
		}
	})
}

func (l *lobby) result(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var result Result
	_ = json.NewDecoder(r.Body).Decode(&result)
	for i, t := range l.sessions[r.PathValue("id")] {
		t.player.seat = nil
		outcome, after := "win", 1528
		if result.Teams[i].Rank > 1 {
			outcome, after = "loss", 1474
		}
		info := map[string]any{
			"sessionId": r.PathValue("id"), "mode": "duel", "outcome": outcome, "team": result.Teams[i].Name,
			"skillBefore": 1500, "skillAfter": after, "teams": result.Teams,
		}
		t.player.matches = append([]any{info}, t.player.matches...)
		l.tell(t.player, "result", info)
	}
	answer(w, 200, map[string]any{})
}
