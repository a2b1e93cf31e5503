package e2e

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer is a load balancer as one finds them: it asks every backend for its health and
// sends each request to the next healthy one. What a backend does not answer is a 502.
type balancer struct {
	url    string
	events atomic.Int64 // messages of SNS that a backend took

	mu      sync.Mutex // guards what follows
	targets []*target
	next    int
}

type target struct {
	url     *url.URL
	healthy bool
}

// newBalancer starts a load balancer without backends.
func newBalancer(t *testing.T) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{url: "http://" + listener.Addr().String()}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(r.In.Context().Value(targetKey{}).(*url.URL))
			r.SetXForwarded()
		},
		Transport: transport,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Path == "/v1/events/sns" && r.StatusCode == http.StatusOK {
				b.events.Add(1)
			}
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := b.pick()
		if to == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, to)))
	})}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) }) // ends by Close
	running.Go(func() { b.watch(ctx) })
	t.Cleanup(func() {
		cancel()
		_ = server.Close()
		transport.CloseIdleConnections()
		running.Wait()
	})
	return b
}

type targetKey struct{}

// pick takes the next healthy backend; nil when there is none.
func (b *balancer) pick() *url.URL {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.targets {
		b.next++
		if to := b.targets[b.next%len(b.targets)]; to.healthy {
			return to.url
		}
	}
	return nil
}

// add has a backend watched; it gets requests once it is healthy.
func (b *balancer) add(t *testing.T, backend string) {
	t.Helper()
	at, err := url.Parse(backend)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = append(b.targets, &target{url: at})
}

// remove forgets a backend, as an orchestrator has it done some time after its end.
func (b *balancer) remove(backend string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, to := range b.targets {
		if to.url.String() == backend {
			b.targets = append(b.targets[:i:i], b.targets[i+1:]...)
			return
		}
	}
}

// healthy counts the backends that get requests.
func (b *balancer) healthy() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range b.targets {
		if to.healthy {
			n++
		}
	}
	return n
}

// watch asks for the health of every backend until ctx ends.
func (b *balancer) watch(ctx context.Context) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for ctx.Err() == nil {
		b.mu.Lock()
		all := append([]*target(nil), b.targets...)
		b.mu.Unlock()
		for _, to := range all {
			ok := isReady(ctx, client, to.url.String())
			b.mu.Lock()
			to.healthy = ok
			b.mu.Unlock()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// isReady asks /readyz.
func isReady(ctx context.Context, client *http.Client, backend string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, backend+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // nothing of it is wanted
	return res.StatusCode == http.StatusOK
}
