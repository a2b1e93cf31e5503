package serversdk

import (
	"sync"
	"time"

	"github.com/coder/websocket"
	"muster/gameliftlocal/hosting"
)

const (
	maxAnswers    = 256     // remembered per process, for repeated RequestIds
	maxQueued     = 256     // frames waiting for a process
	maxQueueBytes = 8 << 20 // of them; one CreateGameSession may have 700 kB
	writeTimeout  = 10 * time.Second
)

// peer is one process over all its connections. What is to be sent waits here, so
// that a process that reconnects misses nothing.
type peer struct {
	id hosting.ProcessID

	held     int  // handshakes in progress; guarded by Server.mu
	admitted bool // the backend let it in once; guarded by Server.mu

	// changing is held while a connection comes or goes and the backend hears of it, so
	// that it hears in the right order.
	changing sync.Mutex

	// serving is held while a request is answered: a process's requests are answered one
	// at a time, over all its connections, so that a repeated one finds its answer. It
	// guards answers and rates.
	serving    sync.Mutex
	answers    map[string][]byte
	answerKeys []string // oldest first
	rates      rates

	mu         sync.Mutex // guards what follows
	gone       bool       // the process has ended
	newest     *link      // where frames go; nil: nowhere yet
	moving     bool       // a newer connection is being made: frames wait for it
	queue      [][]byte   // to send, oldest first
	queueBytes int
	handling   bool     // a request is being answered; pushes wait for its answer
	delayed    [][]byte // those pushes
}

// link is one connection.
type link struct {
	conn   *websocket.Conn
	cancel func()        // drops the connection
	wake   chan struct{} // holds a value when there is something new for its writer
}

func newPeer(id hosting.ProcessID) *peer {
	return &peer{id: id, answers: map[string][]byte{}, rates: rates{}}
}

// move holds frames back until attach or stay. Once a client has its new connection it
// may drop the old one, and with it whatever is sent there.
func (p *peer) move() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moving = true
}

// stay ends a move that led to no connection.
func (p *peer) stay() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moving = false
	if p.newest != nil {
		p.newest.signal()
	}
}

// attach makes l the connection that frames go to.
func (p *peer) attach(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moving = false
	if p.newest != nil {
		p.newest.signal()
	}
	p.newest = l
	l.signal()
}

// detach forgets a connection. last says that frames now have nowhere to go.
func (p *peer) detach(l *link) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.newest != l {
		return false
	}
	p.newest = nil
	return true
}

func (p *peer) connected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newest != nil
}

func (l *link) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// push queues a message of the service. It never blocks.
func (p *peer) push(frame []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handling {
		p.delayed = append(p.delayed, frame)
		return
	}
	p.enqueue(frame)
}

// begin holds back pushes until finish. The answer must come first: the push may
// depend on what the SDK does with it.
func (p *peer) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handling = true
}

// finish queues an answer and the pushes that it held back.
func (p *peer) finish(frame []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handling = false
	p.enqueue(frame)
	for _, push := range p.delayed {
		p.enqueue(push)
	}
	p.delayed = nil
}

// enqueue adds a frame; the caller holds mu. A process that does not read loses its
// queue and its connection, never anybody else's time.
func (p *peer) enqueue(frame []byte) {
	if len(p.queue) >= maxQueued || p.queueBytes+len(frame) > maxQueueBytes {
		p.queue, p.queueBytes = nil, 0
		if p.newest != nil {
			p.newest.cancel()
		}
	}
	p.queue = append(p.queue, frame)
	p.queueBytes += len(frame)
	if p.newest != nil {
		p.newest.signal()
	}
}

// end marks that the process has ended; its connections close when all is sent.
func (p *peer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	if p.newest != nil {
		p.newest.signal()
	}
}

// next takes the frame to send on l, or nil if there is none. over says that there
// will be none: l was replaced, or the process has ended.
func (p *peer) next(l *link) (frame []byte, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.newest != l {
		return nil, true
	}
	if p.moving {
		return nil, false
	}
	if len(p.queue) == 0 {
		return nil, p.gone
	}
	frame = p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	p.queueBytes -= len(frame)
	return frame, false
}

// giveBack returns a frame that could not be sent to the head of the queue, for the
// next connection.
func (p *peer) giveBack(frame []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append([][]byte{frame}, p.queue...)
	p.queueBytes += len(frame)
	if p.newest != nil {
		p.newest.signal()
	}
}

// remembered is the answer that was given to a request; the caller holds serving.
func (p *peer) remembered(h header) ([]byte, bool) {
	frame, ok := p.answers[answerKey(h)]
	return frame, ok
}

// remember keeps an answer, and forgets the oldest when there are too many; the caller
// holds serving.
func (p *peer) remember(h header, frame []byte) {
	p.answers[answerKey(h)] = frame
	p.answerKeys = append(p.answerKeys, answerKey(h))
	if len(p.answerKeys) > maxAnswers {
		delete(p.answers, p.answerKeys[0])
		p.answerKeys = p.answerKeys[1:]
	}
}

func answerKey(h header) string { return h.Action + " " + h.RequestId }

func (p *peer) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}
