package demo

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/demo/game"
)

func TestAResultIsReportedUntilItIsTaken(t *testing.T) {
	cases := map[string]struct {
		statuses []int // what the backend answers, the last one for ever
		wantErr  string
		attempts int
	}{
		"at once":                      {[]int{200}, "", 1},
		"after the backend restarted":  {[]int{503, 500, 200}, "", 3},
		"once the session is known":    {[]int{404, 200}, "", 2},
		"never, when it differs":       {[]int{409}, "409", 1},
		"never, when the key is wrong": {[]int{401}, "401", 1},
		"never, when time is up":       {[]int{503}, "gave up", 4},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := int(calls.Add(1))
				if r.URL.EscapedPath() != "/v1/server/sessions/arn:x%2Fy/result" {
					t.Errorf("path %s", r.URL.EscapedPath())
				}
				w.Header().Set("Retry-After", "2")
				w.WriteHeader(tc.statuses[min(n, len(tc.statuses))-1])
			}))
			defer srv.Close()
			var waited []time.Duration
			r := &reporter{url: srv.URL, key: "k", client: srv.Client(), wait: func(_ context.Context, d time.Duration) error {
				waited = append(waited, d)
				if len(waited) == 4 {
					return context.DeadlineExceeded
				}
				return nil
			}}
			err := r.report(t.Context(), "arn:x/y", Result{})
			if (err == nil) != (tc.wantErr == "") || err != nil && !strings.Contains(err.Error(), tc.wantErr) {
				t.Fatalf("error %v, want %q", err, tc.wantErr)
			}
			if int(calls.Load()) != tc.attempts {
				t.Fatalf("%d attempts, want %d", calls.Load(), tc.attempts)
			}
			for _, d := range waited {
				if d < 2*time.Second || d > lastRetry {
					t.Fatalf("waited %v, the backend asked for 2s", d)
				}
			}
		})
	}
}

// A backend that is away for hours gets the result when it is back, and is asked no more
// often on the way.
func TestAResultIsReportedHoweverLongItTakes(t *testing.T) {
	const failures = 500 // two hours
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) <= failures {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	var waited []time.Duration
	r := &reporter{url: srv.URL, key: "k", client: srv.Client(), wait: func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}}
	if err := r.report(t.Context(), "arn:x/y", Result{}); err != nil {
		t.Fatal(err)
	}
	if len(waited) != failures {
		t.Errorf("%d waits, want %d", len(waited), failures)
	}
	for i, d := range waited {
		if least := min(firstRetry<<min(i, 10), lastRetry); d != least {
			t.Fatalf("wait %d is %v, want %v", i, d, least)
		}
	}
}

func TestTheVerifierFollowsKeyRotation(t *testing.T) {
	old, young := newSigner(t, "k1"), newSigner(t, "k2")
	published := atomic.Pointer[signer]{}
	published.Store(old)
	var fetches atomic.Int32
	down := atomic.Bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer(w, 200, published.Load().set)
	}))
	defer srv.Close()
	now := time.Now()
	v := newTokenVerifier(srv.URL, srv.Client(), func() time.Time { return now })
	check := func(s *signer) error {
		c := claims("p", "s", "seat")
		c["exp"] = now.Add(time.Minute).Unix()
		_, err := v.verify(t.Context(), s.sign(t, c))
		return err
	}
	if err := check(old); err != nil {
		t.Fatal(err)
	}
	if err := check(old); err != nil || fetches.Load() != 1 {
		t.Fatalf("%v after %d fetches, want the cached key", err, fetches.Load())
	}
	if err := check(young); err == nil || fetches.Load() != 1 {
		t.Fatalf("%v: an unknown key was fetched again at once (%d)", err, fetches.Load())
	}
	published.Store(young)
	now = now.Add(keysRetry)
	if err := check(young); err != nil || fetches.Load() != 2 {
		t.Fatalf("%v after %d fetches, want the new key", err, fetches.Load())
	}
	down.Store(true)
	now = now.Add(keysFreshFor + time.Second)
	if err := check(young); err != nil {
		t.Fatalf("old keys were thrown away while the backend is away: %v", err)
	}
}

func TestOnlyJoinTokensAreTaken(t *testing.T) {
	s := newSigner(t, "k1")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, s.set) }))
	defer srv.Close()
	v := newTokenVerifier(srv.URL, srv.Client(), time.Now)
	for typ, good := range map[string]bool{"join+jwt": true, "at+jwt": false, "JWT": false, "": false} {
		c, err := v.verify(t.Context(), s.signAs(t, typ, claims("p", "s", "seat")))
		if (err == nil) != good || good != (c.Player == "p") {
			t.Errorf("a token of type %q: %+v, %v", typ, c, err)
		}
	}
}

func TestAVerifierWithoutKeysSaysSo(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	v := newTokenVerifier(srv.URL, srv.Client(), time.Now)
	_, err := v.verify(t.Context(), newSigner(t, "k1").sign(t, claims("p", "s", "seat")))
	if !errors.Is(err, errNoKeys) {
		t.Fatalf("error %v", err)
	}
}

func FuzzJoinToken(f *testing.F) {
	s := newSigner(f, "k1")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, s.set) }))
	f.Cleanup(srv.Close)
	v := newTokenVerifier(srv.URL, srv.Client(), time.Now)
	good := s.sign(f, claims("p", "s", "seat"))
	f.Add(good)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := v.verify(t.Context(), token); err == nil && c != (joinClaims{Player: "p", Session: "s", Seat: "seat"}) {
			t.Fatalf("a token that nobody signed says %+v", c)
		}
	})
}

func TestMessagesAreRationed(t *testing.T) {
	r := rate{left: messageBurst, at: noon}
	for range messageBurst {
		if !r.take(noon) {
			t.Fatal("the burst was not granted")
		}
	}
	if r.take(noon) {
		t.Fatal("more than the burst was granted")
	}
	if !r.take(noon.Add(time.Second)) || r.left > messageRate {
		t.Fatalf("after a second %v are left", r.left)
	}
}

func TestTheScheduleLetsNobodyWaitForNothing(t *testing.T) {
	s := newSchedule(2, 2, nil)
	for range 4 {
		if !s.begin(t.Context()) {
			t.Fatal("four players of two matches may queue")
		}
	}
	fifth := make(chan bool, 1)
	go func() { fifth <- s.begin(t.Context()) }()
	for _, session := range []string{"s1", "s1", "s2", "s2"} {
		s.seat(session, time.Millisecond)
	}
	for _, session := range []string{"s1", "s1", "s2"} {
		s.end(session, nil)
	}
	s.end("s2", errors.New("it broke"))
	if !<-fifth {
		t.Fatal("a broken match was not made up for")
	}
	s.seat("s3", time.Millisecond)
	s.end("s3", nil)
	if s.begin(t.Context()) {
		t.Fatal("a bot may queue although two matches are whole")
	}
	if r, err := s.outcome(nil); err != nil || r.Matches != 2 || r.Results != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestTheScheduleGivesUpAfterManyFailures(t *testing.T) {
	s := newSchedule(2, 1, nil)
	for range maxFailures {
		if !s.begin(t.Context()) {
			t.Fatal("gave up early")
		}
		s.end("", errors.New("no server was free"))
	}
	if s.begin(t.Context()) {
		t.Fatal("never gives up")
	}
	if _, err := s.outcome(nil); err == nil || !strings.Contains(err.Error(), "no server was free") {
		t.Fatalf("error %v", err)
	}
}

func TestADriverPaintsMoreThanAnIdleCar(t *testing.T) {
	w, err := game.New(game.Config{Seed: 3, TeamSizes: [2]int{1, 1}, RoundTicks: 600})
	if err != nil {
		t.Fatal(err)
	}
	a := w.Arena()
	d := driver{rng: rand.New(rand.NewPCG(1, 2))}
	d.welcome = welcomeMessage{You: 0, Width: a.Width, Height: a.Height, Walls: bits(a.Walls)}
	d.tiles = []byte(digits(w.Tiles()))
	w.Begin()
	in := game.Input{}
	for w.Phase() != game.Over {
		if in, _, err = d.see(encodeFrame(w.Step([]game.Input{in}))); err != nil {
			t.Fatal(err)
		}
	}
	if s := w.Scores(); s[0] < 80 || s[0] <= s[1] {
		t.Fatalf("twenty seconds of a bot against nobody ended %v", s)
	}
}

func TestADriverRefusesNonsense(t *testing.T) {
	d := driver{rng: rand.New(rand.NewPCG(1, 2))}
	if _, _, err := d.see([]byte("frame")); err == nil {
		t.Error("saw a frame in a text")
	}
	if _, _, err := d.see(encodeFrame(game.Frame{})); err == nil {
		t.Error("drove without a car")
	}
	if _, err := d.hear([]byte(`{"type":"welcome","width":3,"height":3,"tiles":"00"}`), func(time.Duration) {}); err == nil {
		t.Error("believed in a floor without a shape")
	}
	if _, err := d.hear([]byte(`{"type":"refused","code":"seat.unknown"}`), func(time.Duration) {}); !errors.Is(err, errSeatRefused) {
		t.Errorf("a refusal was taken as %v", err)
	}
}
