package realtime

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"muster"
)

// Hub connects players' devices. It is an http.Handler and a muster.Notifier, and is
// safe for concurrent use.
type Hub struct {
	opts    Options
	serving sync.WaitGroup // connections that ServeHTTP is busy with

	// mu guards what follows. Nothing blocks while it is held.
	mu      sync.Mutex
	closing bool
	count   int // connections, those being opened included
	streams map[muster.PlayerID]*stream
	idle    *list.List // of *stream without connections, the longest idle first

	lookouts lookouts
}

// stream is what one player is told, on every device. Hub.mu guards it.
type stream struct {
	player    muster.PlayerID
	epoch     string
	history   history
	conns     []*conn // the oldest first
	idleSince time.Time
	idle      *list.Element // its place in Hub.idle; nil while connected

	told   []followed // what its devices were told of, the latest last
	lookAt time.Time  // when something of it needs a look
	place  int        // in Hub.lookouts, counted from 1; 0: none
}

// New makes a Hub. It panics when Redeem or Play is missing, since that is a mistake
// in the program that wires it.
func New(o Options) *Hub {
	if o.Redeem == nil || o.Play == nil {
		panic("realtime: Redeem and Play are required")
	}
	return &Hub{opts: withDefaults(o), streams: map[muster.PlayerID]*stream{}, idle: list.New()}
}

// Run forgets streams that nobody resumes, and looks for news that got lost on their way
// here, until ctx ends. Then it closes every
// connection with code 1012, waits for them and refuses further ones. Closing takes up
// to ten seconds when a device does not answer.
func (h *Hub) Run(ctx context.Context) {
	var following sync.WaitGroup
	defer following.Wait()
	if h.opts.Follow != nil {
		following.Go(func() { h.follow(ctx) })
	}
	if h.opts.Revoked != nil {
		following.Go(func() { h.watchRevoked(ctx) })
	}
	ticker := time.NewTicker(housekeepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.forget(h.opts.Now().Add(-rememberFor))
		case <-ctx.Done():
			h.close()
			return
		}
	}
}

// closingReason goes with code 1012.
const closingReason = "the server restarts: come back and resume"

func (h *Hub) close() {
	h.mu.Lock()
	h.closing = true
	for _, s := range h.streams {
		for _, c := range s.conns {
			c.drop(websocket.StatusServiceRestart, closingReason)
		}
		s.conns = nil
	}
	h.mu.Unlock()
	h.serving.Wait()
}

// forget drops the streams that are idle since before the limit.
func (h *Hub) forget(limit time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for e := h.idle.Front(); e != nil && e.Value.(*stream).idleSince.Before(limit); e = h.idle.Front() {
		h.forgetOne(e)
	}
}

// forgetOne drops an idle stream; mu is held.
func (h *Hub) forgetOne(e *list.Element) {
	delete(h.streams, e.Value.(*stream).player)
	h.idle.Remove(e)
}

// Notify tells players their news on every device, in the order of the call. A player
// whom no device listens for gets nothing: its next device reads the state instead. Old
// news is not told again.
func (h *Hub) Notify(ctx context.Context, notices ...muster.Notice) {
	for _, n := range notices {
		r, revoked := muster.RevocationOf(n)
		switch {
		case revoked && r.Why == muster.EveryoneOut:
			h.dismissAll(r)
			continue
		case !h.knows(n.Player):
			continue
		case revoked:
			h.dismiss(r)
			continue
		}
		data, err := encodeNotice(n)
		if err != nil {
			h.opts.Log.ErrorContext(ctx, "encode notice", "type", n.Type, "playerId", n.Player, "err", err)
			continue
		}
		h.publish(n, data)
	}
}

func (h *Hub) knows(p muster.PlayerID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.streams[p] != nil
}

// publish numbers a message, remembers it and hands it to every device. A device
// whose queue is full is dropped; what it has been sent so far has no gap.
func (h *Hub) publish(n muster.Notice, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[n.Player]
	if s == nil || s.isOldNews(n.Follow) {
		return
	}
	s.learn(n.Follow, h.opts.Now())
	message := eventMessage(n.Type, s.history.last+1, data)
	s.history.add(message)
	keep := s.conns[:0]
	for _, c := range s.conns {
		if c.offer(message) {
			keep = append(keep, c)
			continue
		}
		c.drop(codeTooSlow, "too slow: come back and resume")
	}
	clear(s.conns[len(keep):])
	s.conns = keep
	h.rest(s)
}

// rest makes a stream without connections idle; mu is held.
func (h *Hub) rest(s *stream) {
	h.reschedule(s)
	if len(s.conns) > 0 || s.idle != nil {
		return
	}
	s.idleSince = h.opts.Now()
	s.idle = h.idle.PushBack(s)
	if h.idle.Len() > h.opts.Limits.Connections {
		h.forgetOne(h.idle.Front())
	}
}

// ServeHTTP opens a connection and serves it until it ends.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		writeProblem(w, http.StatusUpgradeRequired, "realtime.upgrade_required", "this path is a WebSocket")
		return
	}
	if !originAllowed(r.Header.Get("Origin"), r.Host, h.opts.AllowedOrigins) {
		writeProblem(w, http.StatusForbidden, "realtime.origin", "pages of this origin may not connect")
		return
	}
	if !h.reserve() {
		w.Header().Set("Retry-After", "5")
		writeProblem(w, http.StatusServiceUnavailable, "realtime.full", "there is no room for another connection now")
		return
	}
	defer h.release()

	caller, err := h.redeem(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // the origin was checked above
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(h.opts.Limits.MessageBytes)
	c := newConn(h, ws, caller)
	greeting, ok := h.attach(c, parsePosition(r))
	if !ok {
		c.drop(websocket.StatusServiceRestart, closingReason)
	}
	// The request's context ends in ways of its own once the connection is taken over.
	c.serve(context.WithoutCancel(r.Context()), greeting)
}

// reserve counts a connection in, unless there are too many or the hub closes.
func (h *Hub) reserve() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing || h.count >= h.opts.Limits.Connections {
		return false
	}
	h.count++
	h.serving.Add(1)
	return true
}

func (h *Hub) release() {
	h.mu.Lock()
	h.count--
	h.mu.Unlock()
	h.serving.Done()
}

// maxTicketBytes bounds what is handed to Redeem.
const maxTicketBytes = 512

func (h *Hub) redeem(r *http.Request) (muster.Caller, error) {
	ticket := r.URL.Query().Get("ticket")
	if ticket == "" || len(ticket) > maxTicketBytes {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.socket_ticket", "connect with ?ticket= from POST /v1/auth/socket-ticket")
	}
	caller, err := h.opts.Redeem(r.Context(), ticket)
	if err == nil && caller.Player == "" {
		err = muster.Errorf(muster.Denied, "auth.wrong_scope", "this socket is for players")
	}
	return caller, err
}

// refuse answers a request that does not become a connection.
func (h *Hub) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError {
		h.opts.Log.ErrorContext(r.Context(), "open connection", "code", p.code, "err", err)
	}
	if p.retryAfterSeconds > 0 {
		w.Header().Set("Retry-After", p.retryAfterText())
	}
	writeProblem(w, p.status, p.code, p.detail)
}

// attach subscribes a connection and says how it begins: from here on it misses
// nothing. It is refused while the hub closes.
func (h *Hub) attach(c *conn, from position) (greeting, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return greeting{}, false
	}
	s := h.streams[c.player]
	if s == nil {
		s = &stream{player: c.player, epoch: h.opts.NewID(), history: history{size: h.opts.Limits.History}}
		h.streams[c.player] = s
	}
	if s.idle != nil {
		h.idle.Remove(s.idle)
		s.idle = nil
	}
	if len(s.conns) >= h.opts.Limits.PlayerConnections {
		s.conns[0].drop(codeReplaced, "too many connections: this was the oldest")
		s.conns = append(s.conns[:0], s.conns[1:]...)
	}
	s.conns = append(s.conns, c)
	h.reschedule(s)
	g := greeting{epoch: s.epoch, seq: s.history.last}
	if from.epoch == s.epoch {
		if missed, ok := s.history.since(from.after); ok {
			g.resumed, g.seq, g.missed = true, from.after, missed
		}
	}
	return g, true
}

// detach unsubscribes a connection, if it still is.
func (h *Hub) detach(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[c.player]
	if s == nil {
		return
	}
	for i, other := range s.conns {
		if other == c {
			s.conns = append(s.conns[:i], s.conns[i+1:]...)
			break
		}
	}
	h.rest(s)
}
