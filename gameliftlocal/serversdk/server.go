package serversdk

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"muster/gameliftlocal/hosting"
)

// Backend decides who may connect and answers what they ask. Its methods may be called
// at the same time for different processes; those of one process come one at a time,
// except that Connect and Disconnected may overlap with a Handle. Errors that are a
// *hosting.Error reach the process; the text of others does not.
type Backend interface {
	// Connect lets a process in, or says why not. It is called for every connection,
	// before the upgrade, and must answer within a second or so.
	Connect(ctx context.Context, hello hosting.Hello) error
	// Handle answers one request. It may call Push and Forget: what they send follows
	// the answer. A nil Response is an answer without fields.
	Handle(ctx context.Context, process hosting.ProcessID, request Request) (Response, error)
	// Disconnected tells that a process has no connection left, for now at least.
	Disconnected(process hosting.ProcessID)
}

// Options are what a Server needs. Backend is required.
type Options struct {
	Backend Backend
	// SecretKey finds the secret of an access key, for processes that sign instead of
	// sending an auth token. Nil: they are refused.
	SecretKey func(accessKey string) (secret string, ok bool)
	// Endpoint is the WebSocket URL that RefreshConnection names, without a query.
	Endpoint string
	// RateLimits applies Amazon's published limits per process.
	RateLimits bool
	MaxFrame   int64         // of a request, in bytes. Zero: 1 MiB
	Linger     time.Duration // how long an ended process may keep its socket. Zero: 10 s
	Now        func() time.Time
	Log        *slog.Logger // nil: no log. Tokens and signatures are never logged
}

// Server is the http.Handler of the game-server socket. Make it with New.
type Server struct {
	options Options

	mu     sync.Mutex // guards what follows
	peers  map[hosting.ProcessID]*peer
	links  map[*link]bool
	closed bool
	done   sync.WaitGroup // the handlers
}

// New is a server without connections.
func New(o Options) *Server {
	if o.MaxFrame == 0 {
		o.MaxFrame = 1 << 20
	}
	if o.Linger == 0 {
		o.Linger = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{options: o, peers: map[hosting.ProcessID]*peer{}, links: map[*link]bool{}}
}

// Push sends a message to a process, as soon as it has a connection. It never blocks.
// A process that never connected, or was forgotten, is ignored.
func (s *Server) Push(process hosting.ProcessID, m hosting.Message) {
	s.mu.Lock()
	p := s.peers[process]
	s.mu.Unlock()
	if p == nil {
		s.options.Log.Debug("message for an unknown process", "process", process)
		return
	}
	p.push(encodePush(m, s.options.Endpoint))
}

// Forget tells that a process has ended. Its connection stays for Options.Linger, so
// that the SDK can close it; nothing is kept for it any more.
func (s *Server) Forget(process hosting.ProcessID) {
	s.mu.Lock()
	p := s.peers[process]
	delete(s.peers, process)
	s.mu.Unlock()
	if p != nil {
		p.end()
	}
}

// Close drops every connection, which makes the SDKs reconnect, refuses new ones and
// returns when all handlers have.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for l := range s.links {
		l.cancel()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// ServeHTTP is one connection, from handshake to end. Refusals come before the
// upgrade, with a status and a readable body: the SDKs retry for minutes whatever they
// get, and the body is what they log.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		http.Error(w, "the service is stopping", http.StatusServiceUnavailable)
		return
	}
	defer s.done.Done()
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is the WebSocket of game servers: use a GameLift server SDK", http.StatusUpgradeRequired)
		return
	}
	q := parseQuery(r.URL.RawQuery)
	if problem := q.problem(); problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	p := s.hold(hosting.ProcessID(q.process))
	l := s.connect(ctx, cancel, w, r, p, q)
	s.release(p)
	if l != nil {
		s.serve(ctx, p, l)
	}
}

func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.done.Add(1)
	return true
}

// hold finds or makes the peer of a process and keeps it until release.
func (s *Server) hold(id hosting.ProcessID) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[id]
	if p == nil {
		p = newPeer(id)
		s.peers[id] = p
	}
	p.held++
	return p
}

// release lets go of a peer, which is forgotten if its process was never let in.
func (s *Server) release(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.held--
	if p.held == 0 && !p.admitted && s.peers[p.id] == p {
		delete(s.peers, p.id)
	}
}

func (s *Server) admitted(p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.admitted
}

// connect does the handshake; a nil link means that it was refused or failed, and is
// answered.
func (s *Server) connect(ctx context.Context, cancel func(), w http.ResponseWriter, r *http.Request, p *peer, q query) *link {
	p.changing.Lock()
	defer p.changing.Unlock()
	err := s.authorize(ctx, q, s.admitted(p))
	if err == nil && p.ended() {
		err = &hosting.Error{Condition: hosting.Forbidden, Message: "the process has ended"}
	}
	if err != nil {
		status, text := statusAndText(err)
		s.options.Log.Info("game server refused", "process", q.process, "fleet", q.fleet, "compute", q.compute, "status", status, "reason", text)
		http.Error(w, text, status)
		return nil
	}
	s.mu.Lock()
	p.admitted = true
	s.mu.Unlock()
	p.move() // before Accept answers the client
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // what authorizes is in the query; game servers send no Origin, or any
	})
	if err != nil {
		p.stay()
		s.options.Log.Info("game server did not upgrade", "process", p.id, "error", err)
		if !p.connected() {
			s.options.Backend.Disconnected(p.id)
		}
		return nil
	}
	conn.SetReadLimit(s.options.MaxFrame)
	l := &link{conn: conn, cancel: cancel, wake: make(chan struct{}, 1)}
	p.attach(l)
	return l
}

func (s *Server) authorize(ctx context.Context, q query, reconnect bool) error {
	hello := hosting.Hello{
		Process: hosting.ProcessID(q.process), Fleet: hosting.FleetID(q.fleet), Compute: q.compute,
		SDK: hosting.SDK{Version: q.sdkVersion, Language: q.sdkLanguage},
	}
	switch {
	case q.authorization != "SigV4":
		hello.Token = q.authorization
	case s.options.SecretKey == nil:
		return &hosting.Error{Condition: hosting.Forbidden, Message: "signatures are not accepted here: use an auth token"}
	default:
		if err := verifySignature(q, s.options.Now(), reconnect, s.options.SecretKey); err != nil {
			return &hosting.Error{Condition: hosting.Forbidden, Message: err.Error()}
		}
		hello.Verified = true
	}
	return s.options.Backend.Connect(ctx, hello)
}

// serve runs a connection until it ends.
func (s *Server) serve(ctx context.Context, p *peer, l *link) {
	s.mu.Lock()
	s.links[l] = true
	if s.closed {
		l.cancel() // Close has not seen this one
	}
	s.mu.Unlock()
	s.options.Log.Debug("game server connected", "process", p.id)

	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write(ctx, p, l)
	}()
	err := s.read(ctx, p, l)
	l.cancel()
	<-written
	_ = l.conn.CloseNow() // already closed, or broken

	s.mu.Lock()
	delete(s.links, l)
	s.mu.Unlock()
	s.options.Log.Debug("game server connection ended", "process", p.id, "error", err)
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.detach(l) {
		s.options.Backend.Disconnected(p.id)
	}
}

// read answers frames until the connection ends.
func (s *Server) read(ctx context.Context, p *peer, l *link) error {
	for {
		kind, frame, err := l.conn.Read(ctx)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if kind != websocket.MessageText {
			frame = nil // answered like any other frame that is not JSON
		}
		s.answer(ctx, p, frame)
	}
}

// answer performs the request in a frame and queues the answer.
func (s *Server) answer(ctx context.Context, p *peer, frame []byte) {
	p.serving.Lock()
	defer p.serving.Unlock()
	h, request, err := decode(frame)
	if err != nil {
		p.finish(encodeAnswer(h, nil, err))
		return
	}
	if known, ok := p.remembered(h); ok {
		p.finish(known)
		return
	}
	if s.options.RateLimits && !p.rates.allow(s.options.Now(), h.Action, request) {
		p.finish(encodeAnswer(h, nil, &hosting.Error{Condition: hosting.LimitExceeded, Message: "too many requests: " + h.Action}))
		return
	}
	p.begin()
	response, err := s.options.Backend.Handle(ctx, p.id, request)
	if status, _ := statusAndText(err); err != nil && status == statusInternal {
		s.options.Log.Error("answer a game server", "process", p.id, "action", h.Action, "error", err)
	}
	out := encodeAnswer(h, response, err)
	if !readOnly(request) {
		p.remember(h, out)
	}
	p.finish(out)
}

// write sends what is queued. A connection that was replaced, or whose process has
// ended, has Options.Linger to be closed by the SDK.
func (s *Server) write(ctx context.Context, p *peer, l *link) {
	var linger <-chan time.Time
	for {
		frame, over := p.next(l)
		if frame != nil {
			if s.send(ctx, p, l, frame) != nil {
				return
			}
			continue
		}
		if over && linger == nil {
			linger = time.After(s.options.Linger)
		}
		select {
		case <-l.wake:
		case <-linger:
			_ = l.conn.Close(websocket.StatusNormalClosure, "") // the SDKs do not reconnect after this code
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) send(ctx context.Context, p *peer, l *link, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := l.conn.Write(ctx, websocket.MessageText, frame)
	if err != nil {
		p.giveBack(frame)
		l.cancel() // the connection is broken: the reader ends too
	}
	return err
}
