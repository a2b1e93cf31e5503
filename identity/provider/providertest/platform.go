// Package providertest is a stand-in for the platforms that players have accounts with: a
// server on loopback with keys of its own, which publishes them, describes itself, signs
// good and bad tokens, answers as a test scripts it, and fails on demand.
//
// It is for tests alone. It shares no code with what it tests: it signs with the standard
// library.
package providertest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Paths at which a Platform serves what every OpenID provider has.
const (
	ConfigurationPath = "/.well-known/openid-configuration"
	KeysPath          = "/jwks"
)

// Platform is a stand-in. Its methods are safe for concurrent use.
type Platform struct {
	server  *httptest.Server
	closing chan struct{}

	mu           sync.Mutex
	keys         map[string]Key          // guarded by mu; by id
	published    []string                // guarded by mu; ids
	strange      []map[string]any        // guarded by mu; published besides the keys
	cacheControl string                  // guarded by mu; of the key set and the configuration
	config       map[string]any          // guarded by mu; members that differ from the usual
	also         map[string]string       // guarded by mu; path to another that serves it
	handlers     map[string]http.Handler // guarded by mu; by path
	failures     map[string]Failure      // guarded by mu; by path; "" is every path
	calls        []Received              // guarded by mu
	onHang       func()                  // guarded by mu
}

// Received is a call that a Platform got.
type Received struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Body   string
}

// Form decodes the body as a form.
func (r Received) Form() url.Values {
	form, _ := url.ParseQuery(r.Body) // what does not parse is missing, and the test sees that
	return form
}

// Failure is what is wrong with an answer.
type Failure struct {
	Status  int         // instead of the answer
	Header  http.Header // with the status
	Body    string      // with the status; without one, with 200
	Hang    bool        // no answer before the caller leaves
	Drop    bool        // the connection ends without one
	Large   bool        // an answer of two megabytes
	Forward string      // a redirect to this address
}

// New starts a Platform with two published keys: "rsa-1" (RS256) and "ec-1" (ES256). It
// ends with the test.
func New(t testing.TB) *Platform {
	t.Helper()
	p := &Platform{
		keys: make(map[string]Key), handlers: make(map[string]http.Handler), also: make(map[string]string),
		failures: make(map[string]Failure), closing: make(chan struct{}),
	}
	p.Publish("rsa-1", "RS256")
	p.Publish("ec-1", "ES256")
	p.server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(func() {
		close(p.closing)
		p.server.Close()
	})
	return p
}

// Close ends the server before the test does: nobody is at its address then.
func (p *Platform) Close() { p.server.Close() }

// URL is the Platform's base, which is its issuer, too.
func (p *Platform) URL() string { return p.server.URL }

// Handle answers the calls to a path.
func (p *Platform) Handle(path string, h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handlers[path] = h
}

// Serve answers the calls to a path with what another serves.
func (p *Platform) Serve(path, other string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.also[path] = other
}

// Answer answers the calls to a path with a status and JSON.
func (p *Platform) Answer(path string, status int, body any) {
	p.Handle(path, func(w http.ResponseWriter, _ *http.Request) { WriteJSON(w, status, body) })
}

// WriteJSON answers a call.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have left
}

// Fail makes the calls to a path fail until Mend; the empty path is every one.
func (p *Platform) Fail(path string, f Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures[path] = f
}

// OnHang calls f whenever the Platform leaves a caller without an answer, so that a test need
// not wait until the caller gives up.
func (p *Platform) OnHang(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onHang = f
}

// Mend ends all failures.
func (p *Platform) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.failures)
}

// SetCacheControl sets the header with which keys and configuration are served.
func (p *Platform) SetCacheControl(value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cacheControl = value
}

// Configure sets members of the Platform's description of itself; nil takes one out.
func (p *Platform) Configure(members map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config = members
}

// Calls are the calls to a path so far; the empty path is every one.
func (p *Platform) Calls(path string) []Received {
	p.mu.Lock()
	defer p.mu.Unlock()
	var calls []Received
	for _, c := range p.calls {
		if path == "" || c.Path == path {
			calls = append(calls, c)
		}
	}
	return calls
}

func (p *Platform) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller left
	}
	handler, failure := p.receive(Received{r.Method, r.URL.Path, r.URL.Query(), r.Header.Clone(), string(body)})
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	switch {
	case failure.Hang:
		p.tellHang()
		select {
		case <-r.Context().Done():
		case <-p.closing:
		}
		panic(http.ErrAbortHandler)
	case failure.Drop:
		panic(http.ErrAbortHandler)
	case failure.Forward != "":
		http.Redirect(w, r, failure.Forward, http.StatusTemporaryRedirect)
	case failure.Large:
		_, _ = io.WriteString(w, strings.Repeat(" ", 2<<20)) // the caller may have left
	case failure.Status != 0 || failure.Body != "":
		maps.Copy(w.Header(), failure.Header)
		w.WriteHeader(max(failure.Status, http.StatusOK))
		_, _ = io.WriteString(w, failure.Body) // the caller may have left
	default:
		handler.ServeHTTP(w, r)
	}
}

func (p *Platform) tellHang() {
	p.mu.Lock()
	f := p.onHang
	p.mu.Unlock()
	if f != nil {
		f()
	}
}

// receive notes a call and says what becomes of it.
func (p *Platform) receive(call Received) (http.Handler, Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
	failure, fails := p.failures[call.Path]
	if !fails {
		failure = p.failures[""]
	}
	if h, scripted := p.handlers[call.Path]; scripted {
		return h, failure
	}
	path := call.Path
	if other, there := p.also[path]; there {
		path = other
	}
	switch path {
	case KeysPath:
		return p.document(map[string]any{"keys": p.publicKeys()}), failure
	case ConfigurationPath:
		return p.document(p.configuration()), failure
	}
	return http.NotFoundHandler(), failure
}

// document serves JSON that may be cached. mu is held.
func (p *Platform) document(body any) http.Handler {
	cacheControl := p.cacheControl
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if cacheControl != "" {
			w.Header().Set("Cache-Control", cacheControl)
		}
		WriteJSON(w, http.StatusOK, body)
	})
}

// configuration is the Platform's description of itself. mu is held.
func (p *Platform) configuration() map[string]any {
	doc := map[string]any{
		"issuer":                                p.server.URL,
		"jwks_uri":                              p.server.URL + KeysPath,
		"authorization_endpoint":                p.server.URL + "/authorize",
		"token_endpoint":                        p.server.URL + "/token",
		"introspection_endpoint":                p.server.URL + "/introspect",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
	}
	for name, value := range p.config {
		doc[name] = value
		if value == nil {
			delete(doc, name)
		}
	}
	return doc
}
