package serversdk

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"muster/gameliftlocal/hosting"
)

const patience = time.Minute // how long a test waits for what must come

// backend is a World under a lock, as the service has one, with the fleet "fleet-1",
// its compute "box" and its token.
type backend struct {
	t      *testing.T
	server *Server
	http   *httptest.Server
	token  string

	mu      sync.Mutex
	world   *hosting.World
	offset  time.Duration // of the world's clock
	effects []hosting.Effect
	handled []Request
	changed chan struct{} // closed and replaced at every change
	fail    error         // what Handle answers, if not nil
	// connects counts how often each process was let in.
	connects map[hosting.ProcessID]int
}

func newBackend(t *testing.T, change func(*Options)) *backend {
	t.Helper()
	b := &backend{t: t, world: hosting.New(hosting.Options{}), changed: make(chan struct{}), connects: map[hosting.ProcessID]int{}}
	o := Options{
		Backend: b, Now: b.now, Endpoint: "ws://127.0.0.1:1/placeholder", Linger: 50 * time.Millisecond,
		SecretKey: func(accessKey string) (string, bool) { return "local-secret", accessKey == "AKIALOCAL" },
	}
	if change != nil {
		change(&o)
	}
	b.server = New(o)
	b.http = httptest.NewServer(b.server)
	b.server.options.Endpoint = b.url()
	t.Cleanup(func() { b.server.Close(); b.http.Close() })
	b.do(func(w *hosting.World, now time.Time) {
		w.PutFleet(now, hosting.Fleet{ID: "fleet-1", Locations: []string{"custom-home"}, Active: true})
		_, err := w.RegisterCompute(now, hosting.Compute{
			Fleet: "fleet-1", Location: "custom-home", Name: "box", IPAddress: "127.0.0.1", CertificatePath: "/certs/box.pem",
		})
		must(t, err)
		token, err := w.IssueToken(now, "fleet-1", "box")
		must(t, err)
		b.token = token.Value
	})
	return b
}

func (b *backend) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.offset)
}

// do changes the world and performs the effects, as the service does.
func (b *backend) do(change func(*hosting.World, time.Time)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b.world, time.Now().Add(b.offset))
	for _, e := range b.world.Take() {
		b.effects = append(b.effects, e)
		switch e := e.(type) {
		case hosting.Push:
			b.server.Push(e.Process, e.Message)
		case hosting.ProcessChanged:
			if e.Process.State == hosting.ProcessEnded {
				b.server.Forget(e.Process.ID)
			}
		}
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *backend) Connect(_ context.Context, h hosting.Hello) (err error) {
	b.do(func(w *hosting.World, now time.Time) {
		if err = w.Connect(now, h); err == nil {
			b.connects[h.Process]++
		}
	})
	return err
}

func (b *backend) Handle(_ context.Context, id hosting.ProcessID, r Request) (out Response, err error) {
	b.do(func(w *hosting.World, now time.Time) {
		b.handled = append(b.handled, r)
		if err = b.fail; err == nil {
			out, err = Apply(w, now, id, r)
		}
	})
	return out, err
}

func (b *backend) Disconnected(id hosting.ProcessID) {
	b.do(func(w *hosting.World, now time.Time) { w.Disconnected(now, id) })
}

// until waits for something to be so in the world.
func (b *backend) until(what string, so func(*hosting.World) bool) {
	b.t.Helper()
	deadline := time.After(patience)
	for {
		b.mu.Lock()
		b.world.Advance(time.Now().Add(b.offset))
		ok, changed := so(b.world), b.changed
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			b.t.Fatalf("waited too long: %s", what)
		}
	}
}

// handledCount is how many requests reached Handle.
func (b *backend) handledCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.handled)
}

func (b *backend) url() string { return "ws" + strings.TrimPrefix(b.http.URL, "http") + "/sdk" }

// query is what an SDK sends to connect.
func (b *backend) query(process string) string {
	return "?pID=" + process + "&sdkVersion=5.5.0&sdkLanguage=Cpp&Authorization=" + b.token +
		"&ComputeId=box&FleetId=fleet-1&IdempotencyToken=x"
}

// session gives a session to an idle process and, once it is ACTIVE, its id.
func (b *backend) session(r hosting.SessionRequest) hosting.Session {
	b.t.Helper()
	r.Fleet, r.Location = "fleet-1", "custom-home"
	b.until("an idle process", func(w *hosting.World) bool { return w.Idle("fleet-1", "") > 0 })
	var s hosting.Session
	b.do(func(w *hosting.World, now time.Time) {
		var err error
		s, err = w.CreateSession(now, r)
		must(b.t, err)
	})
	return s
}

func (b *backend) active(id hosting.SessionID) {
	b.t.Helper()
	b.until("an active session", func(w *hosting.World) bool {
		s, _ := w.SessionByID(id)
		return s.Status == hosting.SessionActive
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// raw is a hand-driven game server.
type raw struct {
	t    *testing.T
	conn *websocket.Conn
}

func (b *backend) dial(suffix, query string) (*raw, int, string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, b.url()+suffix+query, nil)
	if err != nil {
		if response == nil {
			b.t.Fatal(err)
		}
		body := make([]byte, 1000)
		n, _ := response.Body.Read(body)
		return nil, response.StatusCode, string(body[:n])
	}
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(4 << 20)
	return &raw{b.t, conn}, response.StatusCode, ""
}

// connect dials and must be let in.
func (b *backend) connect(process string) *raw {
	b.t.Helper()
	c, status, body := b.dial("", b.query(process))
	if c == nil {
		b.t.Fatalf("refused: %d %s", status, body)
	}
	return c
}

// host connects a process that is ready and has shown its health.
func (b *backend) host(process string) *raw {
	b.t.Helper()
	c := b.connect(process)
	c.ask(`{"Action":"ActivateServerProcess","RequestId":"r1","SdkVersion":"5.5.0","SdkLanguage":"Cpp","Port":7777}`, 200)
	c.ask(`{"Action":"HeartbeatServerProcess","RequestId":"r2","HealthStatus":true}`, 200)
	return c
}

func (c *raw) send(frame string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	must(c.t, c.conn.Write(ctx, websocket.MessageText, []byte(frame)))
}

func (c *raw) read() string {
	c.t.Helper()
	frame, err := c.tryRead()
	must(c.t, err)
	return frame
}

func (c *raw) tryRead() (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	kind, frame, err := c.conn.Read(ctx)
	if err == nil && kind != websocket.MessageText {
		err = errors.New("a frame that is not text")
	}
	return string(frame), err
}

// ask sends a request and checks the status code of the next frame, which it gives.
func (c *raw) ask(frame string, status int) string {
	c.t.Helper()
	c.send(frame)
	answer := c.read()
	if !strings.Contains(answer, fmt.Sprintf(`"StatusCode":%d`, status)) {
		c.t.Fatalf("asked %s, got %s, want status %d", frame, answer, status)
	}
	return answer
}
