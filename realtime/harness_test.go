package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"muster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakePlay is the rules over one counter: its value is the version of everybody's
// ticket. A test replaces the hooks it cares about.
type fakePlay struct {
	mu       sync.Mutex
	version  int64
	snapshot func(ctx context.Context) (muster.Snapshot, error)
	ticket   func(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error)
	started  muster.TicketRequest
	key      string
	accepted *bool
}

func (f *fakePlay) view(id muster.TicketID) muster.TicketView {
	f.mu.Lock()
	defer f.mu.Unlock()
	return muster.TicketView{ID: id, Status: muster.Searching, Version: f.version}
}

// change is news: the counter moves on, and the view says so.
func (f *fakePlay) change() muster.TicketView {
	f.mu.Lock()
	f.version++
	f.mu.Unlock()
	return f.view("t-1")
}

func (f *fakePlay) StartTicket(_ context.Context, _ muster.PlayerID, req muster.TicketRequest, key string) (muster.TicketView, bool, error) {
	f.started, f.key = req, key
	return f.view("t-1"), true, nil
}

func (f *fakePlay) Ticket(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
	if f.ticket != nil {
		return f.ticket(ctx, me, id)
	}
	if id != "t-1" {
		return muster.TicketView{}, muster.Errorf(muster.NotFound, "ticket.not_found", "there is no such ticket of yours")
	}
	return f.view(id), nil
}

func (f *fakePlay) CancelTicket(ctx context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
	return f.Ticket(ctx, me, id)
}

func (f *fakePlay) AnswerMatch(ctx context.Context, me muster.PlayerID, id muster.TicketID, accept bool) (muster.TicketView, error) {
	f.accepted = &accept
	return f.Ticket(ctx, me, id)
}

func (f *fakePlay) Seat(context.Context, muster.PlayerID) (muster.SeatView, error) {
	return muster.SeatView{}, muster.Errorf(muster.NotFound, "session.none", "you are in no session")
}

func (f *fakePlay) Modes() []muster.ModeView { return nil }

func (f *fakePlay) Snapshot(ctx context.Context, _ muster.PlayerID) (muster.Snapshot, error) {
	if f.snapshot != nil {
		return f.snapshot(ctx)
	}
	t := f.view("t-1")
	return muster.Snapshot{Ticket: &t}, nil
}

// pipes is a network in memory: a listener whose connections are net.Pipe, which a
// synctest bubble can see through.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{accept: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accept <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// rig is a hub served over pipes. A ticket "ada" is redeemed for the player "ada".
type rig struct {
	t       testing.TB
	hub     *Hub
	play    *fakePlay
	network *pipes
	stop    func() // ends Run and waits for it
}

// newRig serves a hub until the bubble's end. Call it inside synctest.Test.
func newRig(t testing.TB, change func(*Options)) (r *rig, end func()) {
	r = &rig{t: t, play: &fakePlay{}, network: newPipes()}
	epochs := 0
	o := Options{
		Play: r.play,
		Redeem: func(_ context.Context, ticket string) (muster.Caller, error) {
			if ticket == "bad" {
				return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.socket_ticket", "the ticket is not valid")
			}
			return muster.Caller{Player: muster.PlayerID(ticket), Scope: muster.PlayerScope}, nil
		},
		NewID: func() string { epochs++; return fmt.Sprintf("e%d", epochs) },
	}
	if change != nil {
		change(&o)
	}
	r.hub = New(o)
	server := &http.Server{Handler: r.hub}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(r.network) }) // ends with the server
	var hub sync.WaitGroup
	hub.Go(func() { r.hub.Run(ctx) })
	r.stop = func() { cancel(); hub.Wait() }
	return r, func() {
		r.stop()
		_ = server.Close()
		running.Wait()
	}
}

// inBubble runs a test with a rig in a synctest bubble.
func inBubble(t *testing.T, change func(*Options), test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, end := newRig(t, change)
		defer end()
		test(t, r)
	})
}

// device is one client connection.
type device struct {
	t  testing.TB
	ws *websocket.Conn
}

// message is any message of the server.
type message struct {
	Type string
	ID   string
	Seq  *int64
	Data json.RawMessage
}

func (m message) get(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(m.Data, into); err != nil {
		t.Fatalf("data of %s: %v: %s", m.Type, err, m.Data)
	}
}

// version is the ticket version that an event or a snapshot tells.
func (m message) version(t testing.TB) int64 {
	var data struct {
		Version int64
		Ticket  struct{ Version int64 }
	}
	m.get(t, &data)
	return max(data.Version, data.Ticket.Version)
}

func (m message) code(t testing.TB) string {
	var data struct{ Code string }
	m.get(t, &data)
	return data.Code
}

// dial connects without reading anything.
func (r *rig) dial(player string, query ...string) (*device, *http.Response, error) {
	q := url.Values{"ticket": {player}}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	transport := &http.Transport{DialContext: r.network.dial}
	defer transport.CloseIdleConnections()
	ws, res, err := websocket.Dial(context.Background(), "ws://muster.test/v1/realtime?"+q.Encode(),
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil, res, err
	}
	return &device{t: r.t, ws: ws}, res, nil
}

// connect dials and reads the hello.
func (r *rig) connect(player string, query ...string) (*device, hello) {
	r.t.Helper()
	d, _, err := r.dial(player, query...)
	if err != nil {
		r.t.Fatalf("connect: %v", err)
	}
	var h hello
	m := d.read("hello")
	m.get(r.t, &h)
	return d, h
}

// fresh connects a device that does not resume and reads its snapshot.
func (r *rig) fresh(player string) (*device, hello) {
	r.t.Helper()
	d, h := r.connect(player)
	if h.Resumed {
		r.t.Fatal("a device without position was resumed")
	}
	d.read("snapshot")
	return d, h
}

func (r *rig) resume(player, epoch string, after int64) (*device, hello) {
	r.t.Helper()
	return r.connect(player, "epoch", epoch, "after", strconv.FormatInt(after, 10))
}

func (r *rig) notify(player string, data any) {
	r.hub.Notify(context.Background(), muster.Notice{Player: muster.PlayerID(player), Type: "ticket", Data: data})
}

// read takes the next message, which must be of a type ("": any).
func (d *device) read(kind string) message {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, b, err := d.ws.Read(ctx)
	if err != nil {
		d.t.Fatalf("read %s: %v", kind, err)
	}
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		d.t.Fatalf("not a message: %s", b)
	}
	if kind != "" && m.Type != kind {
		d.t.Fatalf("got %s, want %s", b, kind)
	}
	return m
}

// code reads until the connection is closed and returns with what.
func (d *device) code() websocket.StatusCode {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_, _, err := d.ws.Read(ctx)
		cancel()
		if err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func (d *device) send(text string) {
	d.t.Helper()
	if err := d.ws.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		d.t.Fatalf("send: %v", err)
	}
}

// leave ends a connection without a handshake, as a crash does.
func (d *device) leave() {
	_ = d.ws.CloseNow()
	synctest.Wait()
}

// connections is how many devices the hub serves.
func (h *Hub) connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}
