package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"muster"
	"muster/identity"
	"muster/replica"
	"muster/store/sqlite"
)

func TestAReplicaAdvertisesWhereOthersReachIt(t *testing.T) {
	network := func(text string) net.Addr {
		ip, of, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		of.IP = ip
		return of
	}
	loopback, local := network("127.0.0.1/8"), network("fe80::1/64")
	four, six := network("10.1.2.3/16"), network("2001:db8::7/64")
	cases := []struct {
		name, listens string
		addresses     []net.Addr
		want          string
	}{
		{"at one address", "127.0.0.1", nil, "http://127.0.0.1:8081"},
		{"at all", "0.0.0.0", []net.Addr{loopback, local, six, four}, "http://10.1.2.3:8081"},
		{"at all, of IPv6", "::", []net.Addr{loopback, four}, "http://10.1.2.3:8081"},
		{"at all, where there is IPv6 alone", "::", []net.Addr{loopback, local, six}, "http://[2001:db8::7]:8081"},
		{"at all, where there are none", "::", []net.Addr{loopback, local}, ""},
	}
	for _, c := range cases {
		got, err := advertise(&net.TCPAddr{IP: net.ParseIP(c.listens), Port: 8081}, func() ([]net.Addr, error) { return c.addresses, nil })
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	if _, err := advertise(&net.TCPAddr{}, func() ([]net.Addr, error) { return nil, errors.New("no") }); err == nil {
		t.Error("an address was found where there is none")
	}
}

// twin is one of two replicas in this process.
type twin struct {
	url  string
	mesh *replica.Mesh
	deaf atomic.Bool // takes no notices of the other
}

// newTwin starts a backend on a store that it shares with another.
func (h *house) newTwin(t *testing.T, store muster.Store, front net.Listener) *twin {
	t.Helper()
	back, err := listenLoopback(t.Context(), "--internal", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &twin{url: "http://" + front.Addr().String()}
	derived, err := h.keys.At(time.Now()).Derive("test")
	if err != nil {
		t.Fatal(err)
	}
	parts := h.backendParts(store)
	parts.peers = func(local muster.Notifier, heard func(...muster.Notice)) *replica.Mesh {
		w.mesh = replica.New(replica.Options{
			Store: store, ID: newID(), URL: "http://" + back.Addr().String(), Secrets: func() []replica.Secret { return []replica.Secret{{ID: derived[0].ID, Key: derived[0].Secret}} },
			Local: local, Heard: heard, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		return w.mesh
	}
	b, err := newBackend(parts)
	if err != nil {
		t.Fatal(err)
	}
	h.stack.run("replicas", w.mesh.Run)
	inner := w.mesh.Handler()
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.deaf.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(rw, r)
	})
	h.stack.run("internal", func(ctx context.Context) error { return serve(ctx, back, handler, nil) })
	h.stack.run("realtime", func(ctx context.Context) error { b.hub.Run(ctx); return nil })
	h.stack.run("http", func(ctx context.Context) error { return serve(ctx, front, b.handler, b.stopping) })
	return w
}

// newTwins starts a local GameLift and two replicas; GameLift's events go to the first.
func newTwins(t *testing.T) (h *house, first, second *twin) {
	t.Helper()
	conf, err := (&upCmd{}).config()
	if err != nil {
		t.Fatal(err)
	}
	h = newHouse(t, conf)
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(h.cmd.Data, "muster.db")})
	if err != nil {
		t.Fatal(err)
	}
	h.stack.onEnd("store", store.Close)
	if err := h.openGameLift(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := listenLoopback(t.Context(), "--http", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first, second = h.newTwin(t, store, h.front), h.newTwin(t, store, other)
	h.stack.run("address", func(ctx context.Context) error { return serve(ctx, h.lift, h.local.Handler(), nil) })
	h.stack.run("local GameLift", h.local.Run)
	if err := h.provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.awaitSubscriber(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return !first.mesh.Alone() && !second.mesh.Alone() })
	return h, first, second
}

// socketOf signs a guest in at a replica, opens their socket and reads the snapshot.
func (w *twin) socketOf(t *testing.T) (token string, ws *websocket.Conn) {
	t.Helper()
	var grant struct{ AccessToken string }
	post(t, w.url+"/v1/auth/guest", "", `{}`, &grant)
	var ticket struct{ Ticket string }
	post(t, w.url+"/v1/auth/socket-ticket", grant.AccessToken, "", &ticket)
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.url, "http")+"/v1/realtime?ticket="+ticket.Ticket, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() }) // the replica may have closed it
	readUntil(t, ws, func(kind, _ string) bool { return kind == "snapshot" })
	return grant.AccessToken, ws
}

// readUntil reads messages until one fits.
func readUntil(t *testing.T, ws *websocket.Conn, fits func(kind, status string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, text, err := ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Type string
			Data struct{ Status string }
		}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if fits(m.Type, m.Data.Status) {
			return
		}
	}
}

func (w *twin) queue(t *testing.T, token string) {
	t.Helper()
	var ticket struct{ ID string }
	if status := post(t, w.url+"/v1/matchmaking/tickets", token, `{"mode":"duel","latencyInMs":{"custom-local":5}}`, &ticket); status != http.StatusCreated {
		t.Fatalf("a ticket is answered with %d", status)
	}
}

func TestAnEventAtOneReplicaReachesSocketsAtAnother(t *testing.T) {
	_, first, second := newTwins(t)
	ann, annHears := second.socketOf(t)
	bob, bobHears := first.socketOf(t)
	proposed := func(kind, status string) bool { return kind == "ticket" && status == "requiresAcceptance" }

	// Each asks the replica where the socket is not; GameLift tells the first of it.
	began := time.Now()
	first.queue(t, ann)
	second.queue(t, bob)
	readUntil(t, annHears, proposed)
	readUntil(t, bobHears, proposed)
	t.Logf("both were told after %v", time.Since(began))

	// Nothing gets through any more: the sockets' own replica looks.
	cal, calHears := second.socketOf(t)
	dot, _ := first.socketOf(t)
	second.queue(t, cal)
	readUntil(t, calHears, func(kind, status string) bool { return kind == "ticket" && status == "searching" })
	second.deaf.Store(true)
	began = time.Now()
	first.queue(t, dot)
	readUntil(t, calHears, proposed)
	t.Logf("whose notice was lost was told after %v", time.Since(began))
}

func TestSecretsOfReplicasFollowFromTheSigningKeys(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "keys.json")
	if err := (&signingKeysCmd{Out: file}).Run(&process{}); err != nil {
		t.Fatal(err)
	}
	var all []identity.Derived
	for range 2 {
		keys, err := signingKeys(file, "")
		if err != nil {
			t.Fatal(err)
		}
		derived, err := keys.Derive("notices between replicas")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, derived...)
	}
	if len(all) != 2 || string(all[0].Secret) != string(all[1].Secret) {
		t.Error("two replicas have different secrets")
	}
}
