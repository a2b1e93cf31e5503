package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/coder/websocket"

	"muster"
)

// How much nonsense a connection may send before it is closed.
const (
	maxMalformed   = 5   // messages that are no JSON, in a row; the last is not answered
	maxRateRefused = 200 // requests beyond the rate, since the last that was within
)

// greeting says how a connection begins.
type greeting struct {
	epoch   string
	seq     int64 // the position it starts from
	resumed bool
	missed  [][]byte // what to replay; when resumed
}

// conn is one device's connection. Its goroutines are the reader, which is the
// request's own, a writer, a pinger, a closer, and those of requests under way.
type conn struct {
	hub    *Hub
	ws     *websocket.Conn
	player muster.PlayerID
	caller muster.Caller // whose ticket opened it: the same player
	out    chan []byte   // what is to be written; offer fills it, the writer empties it
	ended  chan struct{} // closed by drop

	once   sync.Once
	code   websocket.StatusCode // why it is dropped; set before ended is closed
	reason string

	busy sync.WaitGroup // requests under way
	// mu guards what follows.
	mu      sync.Mutex
	running int       // goroutines that serve requests
	waiting []request // in the order they came
}

func newConn(h *Hub, ws *websocket.Conn, caller muster.Caller) *conn {
	return &conn{hub: h, ws: ws, player: caller.Player, caller: caller, out: make(chan []byte, h.opts.Limits.Queue), ended: make(chan struct{})}
}

// offer queues a message without waiting; false means that the queue is full.
func (c *conn) offer(message []byte) bool {
	select {
	case c.out <- message:
		return true
	default:
		return false
	}
}

// drop asks for the connection's end without waiting for it. Only the first call
// counts.
func (c *conn) drop(code websocket.StatusCode, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		close(c.ended)
	})
}

func (c *conn) dropped() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// serve runs the connection until it is closed, and waits for all its goroutines.
func (c *conn) serve(ctx context.Context, g greeting) {
	ctx, cancel := context.WithCancel(ctx)
	var own sync.WaitGroup
	own.Go(func() { c.write(ctx, g) })
	own.Go(func() { c.ping(ctx) })
	own.Go(func() { c.closeWhenDropped(ctx) })
	c.read(ctx)
	c.hub.detach(c)
	cancel()
	_ = c.ws.CloseNow() // it is closed, or is to be
	own.Wait()
	c.busy.Wait()
}

// closeWhenDropped performs the closing handshake, during which the reader goes on
// reading. A writer that is stuck is freed by it after some seconds.
func (c *conn) closeWhenDropped(ctx context.Context) {
	select {
	case <-c.ended:
		_ = c.ws.Close(c.code, c.reason) // the device may be gone: nobody to tell
	case <-ctx.Done():
	}
}

// ping finds out whether the device is still there.
func (c *conn) ping(ctx context.Context) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.ended:
			return
		case <-ticker.C:
		}
		pong, cancel := context.WithTimeout(ctx, pongWithin)
		err := c.ws.Ping(pong)
		cancel()
		if err != nil && !c.dropped() {
			_ = c.ws.CloseNow() // the device is gone
			return
		}
	}
}

// write sends the greeting, then either what was missed or a snapshot, then whatever
// is queued. The connection was subscribed before, so that news which arrives
// meanwhile waits in the queue and comes after.
func (c *conn) write(ctx context.Context, g greeting) {
	if c.dropped() || !c.begin(ctx, g) {
		return
	}
	for {
		select {
		case <-c.ended: // first, so that nothing is sent after the decision to close
			return
		default:
		}
		select {
		case <-c.ended:
			return
		case <-ctx.Done():
			return
		case message := <-c.out:
			if !c.send(ctx, message) {
				return
			}
		}
	}
}

func (c *conn) begin(ctx context.Context, g greeting) bool {
	first := hello{PlayerID: c.player, Epoch: g.epoch, Seq: g.seq, Resumed: g.resumed}
	if !c.send(ctx, encode(envelope{Type: "hello", Data: first})) {
		return false
	}
	if g.resumed {
		for _, message := range g.missed {
			if c.dropped() || !c.send(ctx, message) {
				return false
			}
		}
		return true
	}
	snapshot, err := c.snapshot(ctx)
	if err != nil {
		c.logFailure(ctx, "read snapshot", err)
		c.drop(websocket.StatusTryAgainLater, "the state could not be read: come back a little later")
		return false
	}
	c.hub.remember(c.player, snapshot.Following())
	return c.send(ctx, encode(envelope{Type: "snapshot", Seq: &g.seq, Data: snapshot}))
}

func (c *conn) snapshot(ctx context.Context) (s muster.Snapshot, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	defer c.recovered(ctx, &err)
	return c.hub.opts.Play.Snapshot(ctx, c.player)
}

// send writes one message; false means that the connection is lost.
func (c *conn) send(ctx context.Context, message []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, message); err != nil {
		if !c.dropped() {
			_ = c.ws.CloseNow() // wakes the reader
		}
		return false
	}
	return true
}

// read takes requests until the connection is closed. It goes on after a drop, since
// the device's part of the closing handshake is read here.
func (c *conn) read(ctx context.Context) {
	limits := c.hub.opts.Limits
	rate := bucket{rate: limits.RequestsPerSecond, burst: limits.RequestBurst}
	malformed, refused := 0, 0
	for {
		kind, message, err := c.ws.Read(ctx)
		switch {
		case err != nil:
			return
		case c.dropped():
			continue
		case kind != websocket.MessageText:
			c.drop(websocket.StatusUnsupportedData, "send text messages")
			continue
		}
		if wait, ok := rate.take(c.hub.opts.Now()); !ok {
			if refused++; refused > maxRateRefused {
				c.drop(websocket.StatusPolicyViolation, "too many requests")
				continue
			}
			r, _ := parseRequest(message) // for its id, if any
			c.answerError(ctx, r.ID, &muster.Error{Kind: muster.Exhausted, Code: "realtime.rate_limited", Message: "too many requests", RetryAfter: wait})
			continue
		}
		refused = 0
		r, err := parseRequest(message)
		if errors.Is(err, errMalformed) {
			malformed++
		} else {
			malformed = 0
		}
		switch {
		case malformed >= maxMalformed:
			c.drop(websocket.StatusInvalidFramePayloadData, "too many messages that are no JSON")
		case err != nil:
			c.answerError(ctx, r.ID, err)
		default:
			if err := c.admit(ctx); err != nil {
				c.answerError(ctx, r.ID, err)
				continue
			}
			c.accept(ctx, r)
		}
	}
}

// admit says whether the player may ask for something now.
func (c *conn) admit(ctx context.Context) error {
	if c.hub.opts.Admit == nil {
		return nil
	}
	return c.hub.opts.Admit(ctx, c.player)
}

// accept has a request served: now, when one of few is done, or never when too many
// wait already.
func (c *conn) accept(ctx context.Context, r request) {
	limit := c.hub.opts.Limits.Requests
	c.mu.Lock()
	full := c.running >= limit && len(c.waiting) >= 8*limit
	start := c.running < limit
	switch {
	case start:
		c.running++
		c.busy.Add(1)
	case !full:
		c.waiting = append(c.waiting, r)
	}
	c.mu.Unlock()
	switch {
	case start:
		go c.work(ctx, r)
	case full:
		c.answerError(ctx, r.ID, &muster.Error{Kind: muster.Exhausted, Code: "realtime.busy", Message: "too many requests are under way", RetryAfter: time.Second})
	}
}

// work serves a request and then those that wait.
func (c *conn) work(ctx context.Context, r request) {
	defer c.busy.Done()
	for ok := true; ok; r, ok = c.next() {
		c.answer(ctx, r)
	}
}

func (c *conn) next() (request, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 || c.dropped() {
		c.running--
		return request{}, false
	}
	r := c.waiting[0]
	c.waiting = c.waiting[1:]
	return r, true
}

func (c *conn) answer(ctx context.Context, r request) {
	reply, err := c.ask(ctx, r)
	if err == nil {
		var message []byte
		if message, err = json.Marshal(envelope{Type: "reply", ID: r.ID, Data: reply}); err == nil {
			c.push(message)
			return
		}
	}
	c.answerError(ctx, r.ID, err)
}

func (c *conn) ask(ctx context.Context, r request) (reply any, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	defer c.recovered(ctx, &err)
	reply, err = c.hub.opts.serve(ctx, c.player, r)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		err = &muster.Error{Kind: muster.Unavailable, Code: "request.interrupted", Message: "the request took too long; try again", RetryAfter: time.Second, Err: err}
	}
	return reply, err
}

func (c *conn) answerError(ctx context.Context, id string, err error) {
	if ctx.Err() != nil {
		return // nobody is there to hear it
	}
	c.logFailure(ctx, "serve request", err)
	c.push(encode(envelope{Type: "error", ID: id, Data: problemOf(err)}))
}

// push queues an answer. A device that does not even read its answers is too slow.
func (c *conn) push(message []byte) {
	if !c.offer(message) {
		c.hub.detach(c)
		c.drop(codeTooSlow, "too slow: come back and resume")
	}
}

// logFailure logs what is ours to fix; a refusal is the client's business.
func (c *conn) logFailure(ctx context.Context, what string, err error) {
	if p := problemOf(err); p.status >= http.StatusInternalServerError && ctx.Err() == nil {
		c.hub.opts.Log.ErrorContext(ctx, what, "playerId", c.player, "code", p.code, "err", err)
	}
}

// recovered turns a panic of the rules into an error: these goroutines have nobody
// above them who would.
func (c *conn) recovered(ctx context.Context, err *error) {
	if v := recover(); v != nil {
		c.hub.opts.Log.ErrorContext(ctx, "panic", "playerId", c.player, "panic", v, "stack", string(debug.Stack()))
		*err = muster.Errorf(muster.Internal, "internal", "panic")
	}
}

// encode encodes what is known to encode: our own types, the views, and problems.
func encode(e envelope) []byte {
	message, err := json.Marshal(e)
	if err != nil {
		panic("realtime: a message does not encode: " + err.Error())
	}
	return message
}
