// Package replica lets the replicas of a backend find each other and tell each other
// what players must hear: an event may reach one replica while the player's socket is at
// another.
//
// Make a Mesh with New, serve its Handler where the other replicas reach it, give it to
// the rules as their muster.Notifier, and call Run. Each replica keeps one record in the
// store with its address, renews it every few seconds, and posts its notices in small
// batches straight to the others. What a replica sends is sealed with a key that follows
// from a secret they share; nothing else than the store is needed between them.
//
// Delivery is best effort. A peer has a bounded queue and a worker of its own, so one
// that is slow or dead costs only itself; a notice is lost when its sender dies before it
// was posted. Whoever must not miss anything looks at the state from time to time
// (muster.Backend.CatchUp).
package replica

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"muster"
)

// How replicas keep in touch.
const (
	renewEvery = 5 * time.Second
	recordLife = 15 * time.Second
	meetAgain  = 500 * time.Millisecond // at the earliest, whoever shows up
	// apartFor is for how long after the last peer was seen news of it may still be missing.
	apartFor = 30 * time.Second
	// flushFor is how long Run tells its peers the last notices when it ends.
	flushFor = 2 * time.Second
	// storeFor bounds one look at the other replicas' records.
	storeFor = 4 * time.Second
	// knownFor bounds how long a start waits for others to know of it.
	knownFor = 2 * time.Second
)

// Secret is one that all replicas share. The first of a list seals, any opens, so that
// secrets can be replaced one replica after another.
type Secret struct {
	ID  string // not secret
	Key []byte // 32 random bytes
}

// Options is what a Mesh needs. All of it is required but what says otherwise.
type Options struct {
	Store muster.Store
	// ID names this run of this replica, and no other ever; of the alphabet [a-zA-Z0-9-].
	ID string
	// URL is where the other replicas reach Handler: "http://10.0.0.7:8081".
	URL string
	// Secrets are those of now, at least one, the one to seal with first. It is asked for
	// every message.
	Secrets func() []Secret
	// Keys are fingerprints of the keys that players' tokens are checked with now, that of the
	// one that signs first. Not secret. Nil: they are not compared with those of others.
	Keys func() []string

	// Local tells the players of this replica.
	Local muster.Notifier
	// Heard is told of notices that came from other replicas. Nil: nobody is.
	Heard func(notices ...muster.Notice)

	Transport http.RoundTripper // nil: one without proxies
	Now       func() time.Time
	Log       *slog.Logger
}

// Mesh is one replica among its peers. It is a muster.Notifier and is safe for
// concurrent use.
type Mesh struct {
	opts      Options
	transport http.RoundTripper
	gate      *gate
	refresh   chan struct{} // holds a token when somebody unknown was heard
	met       chan struct{} // closed when Run has looked for others for the first time

	mu     sync.Mutex // guards what follows; nothing blocks while it is held
	peers  map[string]*peer
	seenAt time.Time // when there was a peer for the last time
	ending bool

	workers sync.WaitGroup
}

// New makes a Mesh. It panics when an option is missing, since that is a mistake in the
// program that wires it.
func New(o Options) *Mesh {
	if o.Store == nil || o.ID == "" || o.URL == "" || o.Secrets == nil || o.Local == nil || o.Now == nil || o.Log == nil {
		panic("replica: an option is missing")
	}
	m := &Mesh{opts: o, transport: o.Transport, refresh: make(chan struct{}, 1), met: make(chan struct{}), peers: make(map[string]*peer)}
	m.gate = newGate(member{ID: o.ID, URL: o.URL}, o.Secrets)
	if m.transport == nil {
		m.transport = &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: postFor}
	}
	return m
}

// Notify tells the players of this replica, and lets the other replicas tell theirs.
func (m *Mesh) Notify(ctx context.Context, notices ...muster.Notice) {
	m.opts.Local.Notify(ctx, notices...)
	peers := m.present()
	if len(peers) == 0 {
		return
	}
	for _, n := range notices {
		text, err := encode(n)
		if err != nil {
			m.opts.Log.ErrorContext(ctx, "encode notice", "type", n.Type, "playerId", n.Player, "error", err)
			continue
		}
		for _, p := range peers {
			p.queue.add(text)
		}
	}
}

// present lists the peers there are.
func (m *Mesh) present() []*peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*peer, 0, len(m.peers))
	for _, p := range m.peers {
		all = append(all, p)
	}
	return all
}

// Alone says that no other replica is there, nor was until a moment ago.
func (m *Mesh) Alone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.peers) == 0 && (m.seenAt.IsZero() || m.opts.Now().Sub(m.seenAt) > apartFor)
}

// Run keeps in touch with the other replicas until ctx ends. Then it tells them what is
// left to tell and takes leave.
func (m *Mesh) Run(ctx context.Context) error {
	defer m.leave()
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for first := true; ; first = false {
		if err := m.meet(ctx); err != nil && ctx.Err() == nil {
			m.opts.Log.WarnContext(ctx, "keep in touch with the other replicas", "error", err)
		}
		met := m.opts.Now()
		if first {
			close(m.met)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-m.refresh:
			pause(ctx, meetAgain-m.opts.Now().Sub(met))
		case <-ticker.C:
		}
	}
}

// Known waits until the replicas that were there when Run began know of this one, or do not
// answer; for knownFor at most, and while ctx lasts. What they tell each other from then on they
// tell this one, too: whoever serves players calls it before.
func (m *Mesh) Known(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, knownFor)
	defer cancel()
	select {
	case <-m.met:
	case <-ctx.Done():
	}
	for _, p := range m.present() {
		select {
		case <-p.greeted:
		case <-ctx.Done():
			m.opts.Log.InfoContext(ctx, "a replica does not answer; what it tells is missed until it does", "replica", p.ID, "url", p.URL)
		}
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// meet renews this replica's record and learns who else is there. When the store does not
// answer, those who were there before still are.
func (m *Mesh) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeFor)
	defer cancel()
	if err := announce(ctx, m.opts.Store, m.self(), m.opts.Now().Add(recordLife)); err != nil {
		return err
	}
	asked := m.opts.Now()
	others, err := members(ctx, m.opts.Store)
	if err != nil {
		return err
	}
	m.take(others, asked)
	return nil
}

// self is this replica as its record has it.
func (m *Mesh) self() member {
	self := member{ID: m.opts.ID, URL: m.opts.URL}
	if m.opts.Keys != nil {
		self.Keys = m.opts.Keys()
	}
	return self
}

// take starts a worker for each new peer and ends those of peers that are gone. others are those
// of whom there were records at an instant; who made itself known since then stays.
func (m *Mesh) take(others []member, asked time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ending {
		return
	}
	come, gone := changes(m.opts.ID, m.peers, others)
	for _, id := range gone {
		if !m.peers[id].since.Before(asked) {
			continue
		}
		m.opts.Log.Info("a replica is gone", "replica", id, "url", m.peers[id].URL)
		m.peers[id].stop()
		delete(m.peers, id)
	}
	for _, other := range come {
		m.add(other)
	}
	if len(m.peers) > 0 || len(gone) > 0 {
		m.seenAt = m.opts.Now()
	}
	self := m.self()
	for _, other := range others {
		p, there := m.peers[other.ID]
		if !there || p.compared {
			continue
		}
		p.compared = true
		if !self.sameKeys(other) {
			m.opts.Log.Warn("a replica has other signing keys: it and this one refuse each other's players and notices; give all replicas the same signing keys",
				"replica", other.ID, "url", other.URL, "keys", self.Keys, "itsKeys", other.Keys)
		}
	}
}

// add starts the worker of a new peer; mu is held.
func (m *Mesh) add(other member) {
	m.opts.Log.Info("a replica is there", "replica", other.ID, "url", other.URL)
	p := m.newPeer(other)
	m.peers[other.ID] = p
	m.seenAt = p.since
	m.workers.Go(p.run)
}

// leave ends the workers, once they have told what there is to tell, and removes this
// replica's record.
func (m *Mesh) leave() {
	m.mu.Lock()
	m.ending = true
	for _, p := range m.peers {
		p.finish()
	}
	m.mu.Unlock()
	late := time.AfterFunc(flushFor, func() {
		for _, p := range m.present() {
			p.stop()
		}
	})
	m.workers.Wait()
	late.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), flushFor)
	defer cancel()
	if err := withdraw(ctx, m.opts.Store, m.opts.ID); err != nil {
		m.opts.Log.Info("remove the record of this replica; it expires", "error", err)
	}
	if own, ok := m.transport.(*http.Transport); ok && m.opts.Transport == nil {
		own.CloseIdleConnections()
	}
}

// noticeText is a notice between replicas.
type noticeText struct {
	Player muster.PlayerID   `json:"player"`
	Type   string            `json:"type"`
	Data   json.RawMessage   `json:"data"`
	Follow []muster.Followed `json:"follow,omitempty"`
}

func encode(n muster.Notice) ([]byte, error) {
	data, err := json.Marshal(n.Data)
	if err != nil {
		return nil, err
	}
	return json.Marshal(noticeText{n.Player, n.Type, data, n.Follow})
}
