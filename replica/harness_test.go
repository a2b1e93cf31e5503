package replica

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
	"muster/store/memory"
)

// network carries posts between meshes without sockets. A host that is not there refuses;
// one that is stuck does not answer.
type network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler
	stuck map[string]bool
	posts map[string]int // by host
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.posts[r.URL.Host]++
	handler, stuck := n.hosts[r.URL.Host], n.stuck[r.URL.Host]
	n.mu.Unlock()
	switch {
	case stuck:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case handler == nil:
		return nil, errors.New("connection refused")
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, in)
	return w.Result(), nil
}

// posted is how often a host was posted to.
func (n *network) posted(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.posts[host]
}

func (n *network) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

// inbox is what the players of a replica were told.
type inbox struct {
	mu      sync.Mutex
	notices []muster.Notice
}

func (i *inbox) Notify(_ context.Context, notices ...muster.Notice) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.notices = append(i.notices, notices...)
}

// texts lists the data of the notices, as text.
func (i *inbox) texts() (all []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, n := range i.notices {
		text, err := json.Marshal(n.Data)
		if err != nil {
			panic(err)
		}
		all = append(all, string(text))
	}
	return all
}

// node is a replica in a test.
type node struct {
	*Mesh
	inbox *inbox
	heard int
	stop  func() // as SIGTERM does, and waits
	die   func() // as kill -9 does: nothing is said to anybody
}

// town is where the replicas of a test live.
type town struct {
	t       *testing.T
	store   muster.Store
	network *network
	n       int
	keys    []string     // of the next replica
	log     *slog.Logger // of the next replica; nil: none
}

// inTown runs a test in a bubble.
func inTown(t *testing.T, test func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, &town{t: t, store: memory.New(time.Now), network: &network{hosts: map[string]http.Handler{}, stuck: map[string]bool{}, posts: map[string]int{}}})
	})
}

func secret(text string) Secret {
	return Secret{ID: text, Key: bytes.Repeat([]byte(text[:1]), 32)}
}

// graveyard refuses everything that a dead replica would still write.
type graveyard struct {
	muster.Store
	mu   sync.Mutex
	dead bool
}

func (g *graveyard) Write(ctx context.Context, ops ...muster.Op) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return errors.New("this replica is dead")
	}
	return g.Store.Write(ctx, ops...)
}

// join starts a replica and waits until everybody has settled.
func (w *town) join(secrets ...Secret) *node {
	w.t.Helper()
	n := w.start(secrets...)
	time.Sleep(time.Second)
	return n
}

// start starts a replica.
func (w *town) start(secrets ...Secret) *node {
	w.t.Helper()
	if len(secrets) == 0 {
		secrets = []Secret{secret("shared")}
	}
	w.n++
	host, keys := fmt.Sprintf("10.0.0.%d:8081", w.n), w.keys
	n := &node{inbox: &inbox{}}
	store := &graveyard{Store: w.store}
	n.Mesh = New(Options{
		Store: store, ID: fmt.Sprint("r", w.n), URL: "http://" + host, Secrets: fixed(secrets),
		Local: n.inbox, Heard: func(notices ...muster.Notice) { n.heard += len(notices) },
		Transport: w.network, Now: time.Now, Log: cmp.Or(w.log, slog.New(slog.DiscardHandler)), Keys: func() []string { return keys },
	})
	w.network.set(func() { w.network.hosts[host] = n.Handler() })
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.Run(ctx) }) // it has no errors
	n.stop = func() {
		cancel()
		running.Wait()
		w.network.set(func() { delete(w.network.hosts, host) })
	}
	n.die = func() {
		w.network.set(func() { delete(w.network.hosts, host) })
		store.mu.Lock()
		store.dead = true
		store.mu.Unlock()
		cancel()
		running.Wait()
	}
	w.t.Cleanup(func() { cancel(); running.Wait() })
	return n
}

func (n *node) tell(text string) {
	n.Notify(context.Background(), muster.Notice{Player: "ann", Type: "ticket", Data: text, Follow: []muster.Followed{{Kind: "ticket", ID: "t", Version: 7, Every: time.Second}}})
	synctest.Wait()
}
