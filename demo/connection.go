package demo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const (
	joinTimeout  = 10 * time.Second // to send the first message and have the seat checked
	writeTimeout = 5 * time.Second
	closeTimeout = 500 * time.Millisecond // for the player to have read everything
	queueLength  = 60                     // two seconds of frames: who is further behind is dropped
	maxMalformed = 10
	messageRate  = 90 // messages a second, on average
	messageBurst = 180
)

var (
	errReplaced = errors.New("another connection took the seat over")
	errLeft     = errors.New("the player left")
)

// outgoing is one message to a player. data is shared and never changed.
type outgoing struct {
	binary bool
	data   []byte
}

func text(data []byte) outgoing { return outgoing{data: data} }

// connection is one player's WebSocket. Its queue and its end belong to the writer.
type connection struct {
	ws     *websocket.Conn
	seat   int // -1 before the join
	queue  chan outgoing
	ending chan string // holds the reason to close for, once
	cancel context.CancelFunc
	done   chan struct{} // closed when the writer has ended
}

// accept is the HTTP handler: it upgrades, seats and serves one player.
func (a *arena) accept(w http.ResponseWriter, r *http.Request) {
	if !a.reserve() {
		http.Error(w, "there is no room for another connection", http.StatusServiceUnavailable)
		return
	}
	defer a.release()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // any page may try: what counts is the join token, not a cookie
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(maxClientMessage)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &connection{
		ws: ws, seat: -1, cancel: cancel,
		queue: make(chan outgoing, queueLength), ending: make(chan string, 1), done: make(chan struct{}),
	}
	go c.write(ctx)
	gaveUp := a.converse(ctx, c)
	a.detach(c, gaveUp)
	c.finish("")
	patience := time.AfterFunc(closeTimeout, cancel)
	defer patience.Stop()
	for err == nil { // only a reader whose context ends can interrupt a closing handshake
		_, _, err = ws.Read(ctx)
	}
	c.wait()
}

// converse reads a player's messages until the connection ends. gaveUp says that the
// player left on purpose.
func (a *arena) converse(ctx context.Context, c *connection) (gaveUp bool) {
	if err := a.join(ctx, c); err != nil {
		a.refuse(c, err)
		return false
	}
	budget := rate{left: messageBurst, at: a.opts.Now()}
	for malformed := 0; ; {
		kind, data, err := c.ws.Read(ctx)
		if err != nil {
			return false
		}
		if !budget.take(a.opts.Now()) {
			a.refuse(c, &refusal{Code: "message.too_many", Message: "You send too many messages."})
			return false
		}
		msg, err := parse(kind, data)
		if err != nil {
			bad := &refusal{Code: "message.malformed", Message: "A message was not understood: " + err.Error() + "."}
			if malformed++; malformed > maxMalformed {
				a.refuse(c, bad)
				return false
			}
			c.send(text(bad.encode()))
			continue
		}
		if err := a.receive(c, msg); err != nil {
			return errors.Is(err, errLeft)
		}
	}
}

// join reads the first message and seats the player.
func (a *arena) join(ctx context.Context, c *connection) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	kind, data, err := c.ws.Read(ctx)
	if err != nil {
		return &refusal{Code: "join.missing", Message: "The first message is a join.", cause: err}
	}
	msg, err := parse(kind, data)
	if err != nil || msg.Type != "join" {
		return &refusal{Code: "join.malformed", Message: "The first message is a join with playerSessionId and joinToken.", cause: err}
	}
	return a.admit(ctx, c, msg)
}

func parse(kind websocket.MessageType, data []byte) (clientMessage, error) {
	if kind != websocket.MessageText {
		return clientMessage{}, errors.New("messages are text")
	}
	return parseClientMessage(data)
}

// refuse counts, logs and sends a refusal. The connection ends after it.
func (a *arena) refuse(c *connection, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{Code: "internal", Message: "Something went wrong.", cause: err}
	}
	a.mu.Lock()
	a.refused++
	a.mu.Unlock()
	a.opts.Log.Info("refused a player", "code", r.Code, "error", r)
	c.send(text(r.encode()))
	c.finish(r.Code)
}

// send queues a message, or cuts the connection off when its queue is full.
func (c *connection) send(msg outgoing) {
	select {
	case c.queue <- msg:
	default:
		c.cancel()
	}
}

// finish asks the writer to close after what is queued. Only the first reason counts.
func (c *connection) finish(reason string) {
	select {
	case c.ending <- reason:
	default:
	}
}

// wait returns when the writer has ended. A player who does not answer the close in
// time is cut off.
func (c *connection) wait() {
	patience := time.AfterFunc(closeTimeout, c.cancel)
	defer patience.Stop()
	<-c.done
}

// write sends what is queued until ctx ends, a write fails or finish is called.
func (c *connection) write(ctx context.Context) {
	defer close(c.done)
	defer c.cancel()
	for {
		select {
		case <-ctx.Done():
			_ = c.ws.CloseNow() // it is gone, or too slow
			return
		case msg := <-c.queue:
			if c.writeOne(ctx, msg) != nil {
				_ = c.ws.CloseNow()
				return
			}
		case reason := <-c.ending:
			c.drain(ctx)
			_ = c.ws.Close(websocket.StatusNormalClosure, reason) // the player may be gone already
			return
		}
	}
}

func (c *connection) drain(ctx context.Context) {
	for {
		select {
		case msg := <-c.queue:
			if c.writeOne(ctx, msg) != nil {
				return
			}
		default:
			return
		}
	}
}

func (c *connection) writeOne(ctx context.Context, msg outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	kind := websocket.MessageText
	if msg.binary {
		kind = websocket.MessageBinary
	}
	return c.ws.Write(ctx, kind, msg.data)
}

// rate is a token bucket of messageRate with room for messageBurst.
type rate struct {
	left float64
	at   time.Time // of the last take
}

func (r *rate) take(now time.Time) bool {
	r.left = min(messageBurst, r.left+now.Sub(r.at).Seconds()*messageRate)
	r.at = now
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}
