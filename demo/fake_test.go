package demo

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// fakeHost is GameLift in memory: one process, its session and its seats.
type fakeHost struct {
	ready     chan struct{} // closed by Ready
	activated chan struct{} // closed by Activate
	closed    chan struct{} // closed by Close
	started   func(session)
	terminate func()

	mu    sync.Mutex
	seats map[string]*seatRecord // by player session id
	fail  error                  // what Owner answers, if set
}

func newFakeHost() *fakeHost {
	return &fakeHost{
		ready: make(chan struct{}), activated: make(chan struct{}), closed: make(chan struct{}),
		seats: map[string]*seatRecord{},
	}
}

func (h *fakeHost) Ready(_ int, started func(session), terminate func()) error {
	h.started, h.terminate = started, terminate
	close(h.ready)
	return nil
}

func (h *fakeHost) Activate() error { close(h.activated); return nil }
func (h *fakeHost) Close() error    { close(h.closed); return nil }

func (h *fakeHost) Owner(seatID string) (seatRecord, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return seatRecord{}, h.fail
	}
	if s, ok := h.seats[seatID]; ok {
		return *s, nil
	}
	return seatRecord{}, errNoSeat
}

func (h *fakeHost) Accept(seatID string) error { return h.move(seatID, "RESERVED", "ACTIVE") }
func (h *fakeHost) Remove(seatID string) error { return h.move(seatID, "ACTIVE", "COMPLETED") }

func (h *fakeHost) move(seatID, from, to string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seats[seatID].Status != from {
		return errors.New("the seat is " + h.seats[seatID].Status)
	}
	h.seats[seatID].Status = to
	return nil
}

func (h *fakeHost) status(seatID string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seats[seatID].Status
}

// signer makes join tokens and serves its public key.
type signer struct {
	key ed25519.PrivateKey
	set jose.JSONWebKeySet
}

func newSigner(t testing.TB, kid string) *signer {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key: key, set: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: kid, Algorithm: "EdDSA", Use: "sig"}}}}
}

// sign makes a join token.
func (s *signer) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	return s.signAs(t, "join+jwt", claims)
}

// signAs makes a token of some type; an empty one is not named.
func (s *signer) signAs(t testing.TB, typ string, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", s.set.Keys[0].KeyID)
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	sig, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: s.key}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(sig).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// claims are those of a valid join token.
func claims(player, sid, psid string) map[string]any {
	return map[string]any{
		"aud": "game-session", "sub": player, "sid": sid, "psid": psid,
		"exp": time.Now().Add(time.Minute).Unix(),
	}
}

// fakeBackend publishes keys and takes results.
type fakeBackend struct {
	*httptest.Server
	signer  *signer
	results chan reported
	endings chan string // sessions that ended without a result
	answers chan int    // statuses to answer before taking a result
}

type reported struct {
	session, key string
	result       Result
}

func newFakeBackend(t testing.TB) *fakeBackend {
	b := &fakeBackend{signer: newSigner(t, "k1"), results: make(chan reported, 4), endings: make(chan string, 4), answers: make(chan int, 8)}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

func (b *fakeBackend) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/.well-known/jwks.json" {
		_ = json.NewEncoder(w).Encode(b.signer.set)
		return
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/v1/server/sessions/")
	path, ok2 := strings.CutSuffix(path, "/result")
	id, err := url.PathUnescape(path)
	ending := r.Method == http.MethodPatch && !ok2
	if !ok || !ok2 && !ending || err != nil || strings.Contains(path, "/") {
		http.NotFound(w, r)
		return
	}
	select {
	case status := <-b.answers:
		http.Error(w, `{"code":"try.again"}`, status)
		return
	default:
	}
	if ending {
		if body, _ := io.ReadAll(r.Body); string(body) != `{"ended":true}` {
			http.Error(w, "the session goes on", http.StatusBadRequest)
			return
		}
		b.endings <- id
		_, _ = io.WriteString(w, `{}`)
		return
	}
	var result Result
	if err := json.NewDecoder(r.Body).Decode(&result); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.results <- reported{session: id, key: r.Header.Get("Authorization"), result: result}
	_, _ = io.WriteString(w, `{}`)
}

const testSession = "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/abc"

// table is a running game server with two expected players, p1 and p2, whose seats are
// psess-1 and psess-2.
type table struct {
	t       *testing.T
	host    *fakeHost
	backend *fakeBackend
	address string
	ended   chan error
	cancel  context.CancelFunc
}

func newTable(t *testing.T, change func(*ServerOptions)) *table {
	t.Helper()
	b := newFakeBackend(t)
	h := newFakeHost()
	for _, n := range []string{"1", "2"} {
		h.seats["psess-"+n] = &seatRecord{Player: "p" + n, Session: testSession, Status: "RESERVED"}
	}
	port := freePort(t)
	opts := ServerOptions{
		URL: b.URL, Key: "msk_test", Port: port, Client: b.Client(), Seed: func() uint64 { return 7 },
		Round: 300 * time.Millisecond, Countdown: 100 * time.Millisecond,
	}
	if change != nil {
		change(&opts)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tb := &table{t: t, host: h, backend: b, address: "ws://127.0.0.1:" + strconv.Itoa(port), ended: make(chan error, 1), cancel: cancel}
	go func() { tb.ended <- runServer(ctx, opts.withDefaults(), h) }()
	t.Cleanup(cancel)
	<-h.ready
	return tb
}

// start gives the process its session.
func (tb *table) start() {
	tb.host.started(session{ID: testSession, MatchmakerData: `{"teams":[{"name":"red","players":[{"playerId":"p1"}]},{"name":"blue","players":[{"playerId":"p2"}]}]}`, MaximumPlayers: 2})
	<-tb.host.activated
}

func (tb *table) end() error {
	tb.t.Helper()
	select {
	case err := <-tb.ended:
		return err
	case <-time.After(time.Minute):
		tb.t.Fatal("the server did not end")
		return nil
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// client is a player's connection in a test.
type client struct {
	t  *testing.T
	ws *websocket.Conn
}

func (tb *table) dial() *client {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, tb.address, nil)
	if err != nil {
		tb.t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	tb.t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{tb.t, ws}
}

func (c *client) send(v any) {
	c.t.Helper()
	if err := c.ws.Write(context.Background(), websocket.MessageText, mustJSON(v)); err != nil {
		c.t.Fatal(err)
	}
}

// message is any text message of the server.
type message struct {
	Type    string    `json:"type"`
	Code    string    `json:"code"`
	You     int       `json:"you"`
	Tiles   string    `json:"tiles"`
	Reason  string    `json:"reason"`
	Teams   any       `json:"teams"`
	Cars    []carInfo `json:"cars"`
	Time    int64     `json:"t"`
	Refusal string    `json:"message"`
}

// await reads until a text message of that type, or "closed", arrives.
func (c *client) await(kind string) message {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		k, data, err := c.ws.Read(ctx)
		if err != nil {
			if kind == "closed" && ctx.Err() == nil {
				return message{Type: "closed"}
			}
			c.t.Fatalf("waiting for %q: %v", kind, err)
		}
		var m message
		if k == websocket.MessageText && json.Unmarshal(data, &m) == nil && m.Type == kind {
			return m
		}
	}
}

func (tb *table) join(n string) (*client, message) {
	tb.t.Helper()
	c := tb.dial()
	c.send(map[string]any{
		"type": "join", "playerSessionId": "psess-" + n, "name": "Player " + n,
		"joinToken": tb.backend.signer.sign(tb.t, claims("p"+n, testSession, "psess-"+n)),
	})
	return c, c.await("welcome")
}
