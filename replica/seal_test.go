package replica

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// at is a moment that both clocks of a test agree on.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func mustSeal(t testing.TB, g *gate, to string, now time.Time, plain string) []byte {
	t.Helper()
	message, err := g.seal(to, now, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestOnlyAReplicasOwnFreshMessageIsBelieved(t *testing.T) {
	shared := []Secret{secret("shared")}
	edit := func(old, text string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(text), 1) }
	}
	asIs := func(b []byte) []byte { return b }
	cases := []struct {
		name    string
		secrets []Secret // of the receiver
		change  func([]byte) []byte
		late    time.Duration
		want    bool
	}{
		{"as it was sent", shared, asIs, 0, true},
		{"with clocks half a minute apart", shared, asIs, window, true},
		{"with clocks half a minute apart, the other way", shared, asIs, -window, true},
		{"too late", shared, asIs, window + time.Millisecond, false},
		{"too early", shared, asIs, -window - time.Millisecond, false},
		{"from a replica of somebody else", []Secret{{ID: "shared", Key: make([]byte, 32)}}, asIs, 0, false},
		{"with a secret of another name", []Secret{secret("other")}, asIs, 0, false},
		{"to another replica", shared, edit(`"to":"b"`, `"to":"c"`), 0, false},
		{"under another name", shared, edit(`"from":"a"`, `"from":"x"`), 0, false},
		{"made fresh again", shared, edit(`"at":1`, `"at":2`), 0, false},
		{"as a later message", shared, edit(`"seq":1`, `"seq":2`), 0, false},
		{"in another format", shared, edit(`"v":1`, `"v":2`), 0, false},
		{"with a bit changed", shared, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, 0, false},
		{"cut short", shared, func(b []byte) []byte { return b[:len(b)-20] }, 0, false},
		{"without a header", shared, func(b []byte) []byte { return b[bytes.IndexByte(b, '\n'):] }, 0, false},
		{"empty", shared, func([]byte) []byte { return nil }, 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			message := c.change(mustSeal(t, newGate(member{ID: "a"}, fixed(shared)), "b", at, "hello"))
			from, plain, err := newGate(member{ID: "b"}, fixed(c.secrets)).open(at.Add(c.late), message)
			if ok := err == nil && from.ID == "a" && string(plain) == "hello"; ok != c.want {
				t.Errorf("got %q from %q, %v", plain, from.ID, err)
			}
		})
	}
}

func TestAMessageOpensOnce(t *testing.T) {
	a, b := newGate(member{ID: "a"}, fixed([]Secret{secret("shared")})), newGate(member{ID: "b"}, fixed([]Secret{secret("shared")}))
	first, second := mustSeal(t, a, "b", at, "1"), mustSeal(t, a, "b", at, "2")
	if _, _, err := b.open(at, first); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.open(at, first); err == nil {
		t.Error("a message was opened twice")
	}
	if _, _, err := b.open(at, second); err != nil {
		t.Error(err)
	}
	if _, _, err := b.open(at.Add(window), first); err == nil {
		t.Error("an older message was opened after a newer one")
	}
	for i := range 1000 { // replicas come and go
		gone := newGate(member{ID: strings.Repeat("x", i%40+1)}, fixed([]Secret{secret("shared")}))
		now := at.Add(time.Duration(i) * window)
		if _, _, err := b.open(now, mustSeal(t, gone, "b", now, "")); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.seen) > 10 {
		t.Errorf("it remembers %d replicas", len(b.seen))
	}
}

func TestAMessageShowsNothingOfTheNotices(t *testing.T) {
	message := mustSeal(t, newGate(member{ID: "a"}, fixed([]Secret{secret("shared")})), "b", at, "psess-of-ann")
	if bytes.Contains(message, []byte("psess")) {
		t.Error("a seat can be read on its way")
	}
}

func TestTheHandlerRefusesStrangers(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		n := w.join()
		ask := func(method, path, body string) int {
			answer := httptest.NewRecorder()
			n.Handler().ServeHTTP(answer, httptest.NewRequest(method, path, strings.NewReader(body)))
			return answer.Code
		}
		cases := []struct {
			name, method, path, body string
			want                     int
		}{
			{"who sends nothing", http.MethodPost, noticesPath, "", http.StatusForbidden},
			{"who sends notices without a seal", http.MethodPost, noticesPath, `[{"player":"ann","type":"ticket","data":1}]`, http.StatusForbidden},
			{"who sends too much", http.MethodPost, noticesPath, strings.Repeat("x", maxMessage+1), http.StatusForbidden},
			{"which sends too much", http.MethodPost, noticesPath, string(mustSeal(t, newGate(member{ID: "large"}, fixed([]Secret{secret("shared")})), "r1", time.Now(), strings.Repeat("x", maxMessage))), http.StatusRequestEntityTooLarge},
			{"who only looks", http.MethodGet, noticesPath, "", http.StatusMethodNotAllowed},
			{"who looks elsewhere", http.MethodPost, "/v1/auth/guest", "{}", http.StatusNotFound},
		}
		for _, c := range cases {
			if got := ask(c.method, c.path, c.body); got != c.want {
				t.Errorf("%s is answered with %d, want %d", c.name, got, c.want)
			}
		}
		a := newGate(member{ID: "a"}, fixed([]Secret{secret("shared")}))
		if got := ask(http.MethodPost, noticesPath, string(mustSeal(t, a, "r1", time.Now(), "{"))); got != http.StatusBadRequest {
			t.Errorf("a seal around nonsense is answered with %d", got)
		}
		if len(n.inbox.texts()) > 0 {
			t.Errorf("players were told %q", n.inbox.texts())
		}
	})
}

// A message of megabytes costs a stranger more than the replica: it reads the header.
func TestTheHandlerTurnsStrangersAwayByTheHeader(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		n := w.join()
		ours := []Secret{secret("shared")}
		now := time.Now()
		cases := []struct {
			name    string
			message []byte
		}{
			{"no header", bytes.Repeat([]byte("x"), 1<<20)},
			{"another secret", mustSeal(t, newGate(member{ID: "a"}, fixed([]Secret{secret("other")})), "r1", now, strings.Repeat("x", 1<<20))},
			{"another replica", mustSeal(t, newGate(member{ID: "a"}, fixed(ours)), "r2", now, strings.Repeat("x", 1<<20))},
			{"another time", mustSeal(t, newGate(member{ID: "a"}, fixed(ours)), "r1", now.Add(-time.Hour), strings.Repeat("x", 1<<20))},
		}
		for _, c := range cases {
			body := bytes.NewReader(c.message)
			answer := httptest.NewRecorder()
			n.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, noticesPath, body))
			if read := len(c.message) - body.Len(); answer.Code != http.StatusForbidden || read > maxHeaderBytes {
				t.Errorf("%s: answered with %d after %d bytes", c.name, answer.Code, read)
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add(mustSeal(f, newGate(member{ID: "a"}, fixed([]Secret{secret("shared")})), "b", at, "[]"))
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"v":1,"secret":"shared","from":"a","to":"b","seq":9223372036854775807,"at":1772366400000}` + "\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))
	f.Fuzz(func(t *testing.T, message []byte) {
		g := newGate(member{ID: "b"}, fixed([]Secret{secret("shared")}))
		if _, plain, err := g.open(at, message); err == nil && string(plain) != "[]" {
			t.Errorf("opened to %q", plain)
		}
	})
}

// fixed are secrets that do not change.
func fixed(secrets []Secret) func() []Secret { return func() []Secret { return secrets } }
