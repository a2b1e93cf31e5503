package realtime

import (
	"container/heap"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"muster"
)

// Follow says how a Hub finds news that nobody told it: the replica that made them may
// have died before it could. Both are required.
type Follow struct {
	// CatchUp returns what a player lacks who knows something in a version. open is false
	// when there is nothing more to follow. An error is worth another try.
	CatchUp func(ctx context.Context, p muster.PlayerID, known muster.Followed) (lacking []muster.Notice, open bool, err error)
	// Lossy says whether news can get lost now: whether there are other replicas. While
	// there are none, nobody is looked after.
	Lossy func() bool
}

// Bounds of following. A look is a read or two of the store.
const (
	followTick    = 200 * time.Millisecond
	followAtOnce  = 16  // looks at the same time
	followBatch   = 512 // looks between two ticks, at the most
	followTimeout = 5 * time.Second
	maxFollowed   = 16 // things that a stream remembers to have been told of
)

// followed is something that a stream was told of.
type followed struct {
	muster.Followed
	lookAt time.Time // next; of no meaning while looking or when Every is 0
	busy   bool      // somebody looks
}

// known finds what a stream was told of something; nil: nothing. Hub.mu is held.
func (s *stream) known(f muster.Followed) *followed {
	for i := range s.told {
		if s.told[i].Kind == f.Kind && s.told[i].ID == f.ID {
			return &s.told[i]
		}
	}
	return nil
}

// isOldNews says that a stream was told all of it. Hub.mu is held.
func (s *stream) isOldNews(follow []muster.Followed) bool {
	for _, f := range follow {
		if k := s.known(f); k == nil || f.Newer(k.Followed) {
			return false
		}
	}
	return len(follow) > 0
}

// learn remembers what a stream was told of, the latest at the end. Hub.mu is held.
func (s *stream) learn(follow []muster.Followed, now time.Time) {
	for _, f := range follow {
		k := s.known(f)
		switch {
		case k == nil:
			if len(s.told) >= maxFollowed {
				s.told = slices.Delete(s.told, 0, 1)
			}
			s.told = append(s.told, followed{Followed: f, lookAt: now.Add(f.Every)})
		case f.Newer(k.Followed):
			*k = followed{Followed: f, lookAt: now.Add(f.Every), busy: k.busy}
		}
	}
}

// nextLook is when the stream needs a look; ok is false when nothing of it is followed,
// or nobody listens. Hub.mu is held.
func (s *stream) nextLook() (at time.Time, ok bool) {
	if len(s.conns) == 0 {
		return at, false
	}
	for _, f := range s.told {
		if f.Every > 0 && !f.busy && (!ok || f.lookAt.Before(at)) {
			at, ok = f.lookAt, true
		}
	}
	return at, ok
}

// lookouts is the streams that need looks, the next first: a container/heap.
type lookouts []*stream

func (l lookouts) Len() int           { return len(l) }
func (l lookouts) Less(i, j int) bool { return l[i].lookAt.Before(l[j].lookAt) }
func (l lookouts) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i+1, j+1
}

// Push is for container/heap.
func (l *lookouts) Push(x any) {
	s := x.(*stream)
	*l = append(*l, s)
	s.place = len(*l)
}

// Pop is for container/heap.
func (l *lookouts) Pop() any {
	last := len(*l) - 1
	s := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	s.place = 0
	return s
}

// reschedule puts a stream where it belongs among those that need looks. Call it after
// every change of what it was told or of who listens; mu is held.
func (h *Hub) reschedule(s *stream) {
	if h.opts.Follow == nil {
		return
	}
	at, ok := s.nextLook()
	switch {
	case !ok && s.place > 0:
		heap.Remove(&h.lookouts, s.place-1)
	case ok && s.place > 0:
		s.lookAt = at
		heap.Fix(&h.lookouts, s.place-1)
	case ok:
		s.lookAt = at
		heap.Push(&h.lookouts, s)
	}
}

// look is one look to be done.
type look struct {
	player muster.PlayerID
	known  muster.Followed
}

// dueLooks takes looks whose time has come, at most n.
func (h *Hub) dueLooks(now time.Time, n int) []look {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []look
	for len(h.lookouts) > 0 && len(due) < n && !h.lookouts[0].lookAt.After(now) {
		s := h.lookouts[0]
		for i := range s.told {
			f := &s.told[i]
			if f.Every > 0 && !f.busy && !f.lookAt.After(now) {
				f.busy = true
				due = append(due, look{s.player, f.Followed})
			}
		}
		h.reschedule(s)
	}
	return due
}

// looked takes in what a look came to.
func (h *Hub) looked(l look, open bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[l.player]
	if s == nil {
		return
	}
	if f := s.known(l.known); f != nil {
		f.busy = false
		f.lookAt = h.opts.Now().Add(f.Every)
		if !open && f.Version == l.known.Version {
			f.Every = 0
		}
	}
	h.reschedule(s)
}

// follow looks after connected players until ctx ends, a few at a time, each as often as
// what they were told of asks for.
func (h *Hub) follow(ctx context.Context) {
	ticker := time.NewTicker(followTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if h.opts.Follow.Lossy() {
			h.lookAll(ctx, h.dueLooks(h.opts.Now(), followBatch))
		}
	}
}

// lookAll does looks side by side and waits for them.
func (h *Hub) lookAll(ctx context.Context, due []look) {
	if len(due) == 0 {
		return
	}
	work := make(chan look)
	var workers sync.WaitGroup
	for range min(followAtOnce, len(due)) {
		workers.Go(func() {
			for l := range work {
				h.look(ctx, l)
			}
		})
	}
	for _, l := range due {
		work <- l
	}
	close(work)
	workers.Wait()
}

func (h *Hub) look(ctx context.Context, l look) {
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	lacking, open, err := h.opts.Follow.CatchUp(ctx, l.player, l.known)
	if err != nil {
		open = true
		h.opts.Log.DebugContext(ctx, "look for news", "playerId", l.player, "kind", l.known.Kind, "err", err)
	}
	h.Notify(ctx, lacking...)
	h.looked(l, open)
}

// remember is what a connection's snapshot told: it is followed from now on. A stream
// with a past, or with other devices, may lack it; then the version counts for nothing.
func (h *Hub) remember(p muster.PlayerID, follow []muster.Followed) {
	if h.opts.Follow == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[p]
	if s == nil {
		return
	}
	shared := len(s.conns) > 1 || s.history.last > 0
	for _, f := range follow {
		if shared {
			f.Version = 0
		}
		s.learn([]muster.Followed{f}, h.opts.Now())
	}
	h.reschedule(s)
}

// encodeNotice is the data of a notice as it is sent.
func encodeNotice(n muster.Notice) ([]byte, error) {
	if raw, ok := n.Data.(json.RawMessage); ok {
		return raw, nil // from another replica
	}
	return json.Marshal(n.Data)
}
