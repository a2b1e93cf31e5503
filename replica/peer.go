package replica

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// How a peer is posted to.
const (
	postFor   = 3 * time.Second
	againIn   = 100 * time.Millisecond
	firstRest = 500 * time.Millisecond // after a batch that could not be posted
	lastRest  = 5 * time.Second
)

// noticesPath is where a replica takes notices, below its URL.
const noticesPath = "/v1/notices"

// peer is another replica: a queue, and a worker that posts from it.
type peer struct {
	member
	mesh  *Mesh
	queue *queue
	since time.Time // when it was first heard of

	compared bool          // its keys were, with ours; the mesh's mu guards it
	greeted  chan struct{} // closed when it has heard of this replica, or did not answer

	ctx   context.Context // ends the worker at once
	stop  context.CancelFunc
	once  sync.Once
	ended chan struct{} // closed by finish
}

func (m *Mesh) newPeer(other member) *peer {
	ctx, cancel := context.WithCancel(context.Background()) // it outlives Run's context, to tell the last notices
	return &peer{member: other, mesh: m, queue: newQueue(), since: m.opts.Now(), greeted: make(chan struct{}), ctx: ctx, stop: cancel, ended: make(chan struct{})}
}

// finish lets the worker end when nothing waits.
func (p *peer) finish() { p.once.Do(func() { close(p.ended) }) }

// run posts what waits until the peer is stopped, or finished and told everything. It
// begins with a batch of nothing: so the peer learns that somebody new is there.
func (p *peer) run() {
	defer p.stop()
	log := p.mesh.opts.Log.With("replica", p.ID, "url", p.URL)
	failures := 0
	for batch, greeting := [][]byte(nil), true; ; greeting = false {
		if !greeting {
			if batch = p.next(); len(batch) == 0 {
				return
			}
		}
		err := p.post(batch)
		if greeting {
			close(p.greeted)
		}
		if p.ctx.Err() != nil {
			return
		}
		if err == nil {
			if failures > 0 {
				log.Info("a replica takes notices again")
			}
			failures = 0
			continue
		}
		failures++
		lost := p.queue.lose(len(batch))
		if failures == 1 {
			log.Info("a replica takes no notices; its players are told when it looks by itself", "error", err, "lost", lost)
		}
		if !p.rest(min(firstRest<<min(failures-1, 8), lastRest)) {
			return
		}
	}
}

// next waits for notices. It returns none when the worker shall end.
func (p *peer) next() [][]byte {
	for {
		if batch := p.queue.take(); len(batch) > 0 {
			return batch
		}
		select {
		case <-p.queue.ready:
			continue
		default:
		}
		select {
		case <-p.queue.ready:
		case <-p.ended:
			return p.queue.take()
		case <-p.ctx.Done():
			return nil
		}
	}
}

// rest waits; false means that the worker shall end.
func (p *peer) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.ended:
		return false // whoever took nothing until now will not in the last second
	case <-p.ctx.Done():
		return false
	}
}

// post sends a batch, and once more if that fails: a connection that was kept open may
// have ended meanwhile.
func (p *peer) post(batch [][]byte) error {
	err := p.postOnce(batch)
	if err == nil || p.ctx.Err() != nil {
		return err
	}
	timer := time.NewTimer(againIn)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
		return err
	}
	return p.postOnce(batch)
}

func (p *peer) postOnce(batch [][]byte) error {
	ctx, cancel := context.WithTimeout(p.ctx, postFor)
	defer cancel()
	sealed, err := p.mesh.gate.seal(p.ID, p.mesh.opts.Now(), joined(batch))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+noticesPath, bytes.NewReader(sealed))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := p.mesh.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()                                       //nolint:errcheck // only read
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the replica answered %s", resp.Status)
	}
	return nil
}

// joined is a JSON list of the notices.
func joined(batch [][]byte) []byte {
	size := 2
	for _, text := range batch {
		size += len(text) + 1
	}
	list := append(make([]byte, 0, size), '[')
	for i, text := range batch {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, text...)
	}
	return append(list, ']')
}
