package demo

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAMatchIsPlayedAndReportedOnce(t *testing.T) {
	tb := newTable(t, nil)
	tb.backend.answers <- 503 // the first attempt meets a backend that restarts
	tb.start()
	one, welcome := tb.join("1")
	if welcome.You != 0 || len(welcome.Cars) != 2 || welcome.Cars[0].Name != "Player 1" {
		t.Fatalf("welcome %+v", welcome)
	}
	two, _ := tb.join("2")
	one.send(map[string]any{"type": "input", "x": 127, "y": 0})
	two.send(map[string]any{"type": "ping", "t": 42})
	if got := two.await("pong").Time; got != 42 {
		t.Fatalf("pong %d", got)
	}
	if got := one.await("over").Reason; got != "time" {
		t.Fatalf("the match ended by %q", got)
	}
	one.await("recorded")
	one.await("closed")
	two.await("closed")
	if err := tb.end(); err != nil {
		t.Fatal(err)
	}
	<-tb.host.closed
	got := <-tb.backend.results
	if got.session != testSession || got.key != "Bearer msk_test" {
		t.Fatalf("reported %q with %q", got.session, got.key)
	}
	red := got.result.Teams[0]
	if red.Name != "red" || red.Rank != 1 || red.Score == 0 || red.Players[0] != (ResultPlayer{PlayerID: "p1"}) {
		t.Fatalf("result %+v", got.result)
	}
	if len(tb.backend.results) != 0 {
		t.Fatal("the result was reported twice")
	}
}

func TestSeatsAreRefused(t *testing.T) {
	stranger := newSigner(t, "k1")
	cases := map[string]struct {
		claims func(map[string]any)
		seat   string
		signer *signer
		code   string
	}{
		"an invented seat":                     {claims: func(c map[string]any) { c["psid"] = "psess-9" }, seat: "psess-9", code: "seat.unknown"},
		"another player's seat":                {claims: func(c map[string]any) { c["psid"] = "psess-2" }, seat: "psess-2", code: "seat.mismatch"},
		"a token for another seat than asked":  {seat: "psess-2", code: "seat.mismatch"},
		"a token for another session":          {claims: func(c map[string]any) { c["sid"] = "arn:other" }, code: "seat.other_session"},
		"an expired token":                     {claims: func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() }, code: "token.invalid"},
		"a token without an end":               {claims: func(c map[string]any) { delete(c, "exp") }, code: "token.invalid"},
		"an access token":                      {claims: func(c map[string]any) { c["aud"] = "muster" }, code: "token.invalid"},
		"a token signed by somebody else":      {signer: stranger, code: "token.invalid"},
		"a token of a key nobody published":    {signer: newSigner(t, "k2"), code: "token.invalid"},
		"a player who is not part of it":       {claims: func(c map[string]any) { c["sub"] = "p9" }, code: "seat.unknown"},
		"a token that names no player session": {claims: func(c map[string]any) { delete(c, "psid") }, code: "token.invalid"},
	}
	tb := newTable(t, nil)
	tb.start()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			cl := claims("p1", testSession, "psess-1")
			if tc.claims != nil {
				tc.claims(cl)
			}
			s, seat := tc.signer, tc.seat
			if s == nil {
				s = tb.backend.signer
			}
			if seat == "" {
				seat = "psess-1"
			}
			c := tb.dial()
			c.send(map[string]any{"type": "join", "playerSessionId": seat, "joinToken": s.sign(t, cl)})
			if got := c.await("refused"); got.Code != tc.code || got.Refusal == "" {
				t.Fatalf("refused with %q %q, want %q", got.Code, got.Refusal, tc.code)
			}
			c.await("closed")
			if got := tb.host.status("psess-1") + tb.host.status("psess-2"); got != "RESERVEDRESERVED" {
				t.Fatalf("a refused join changed seats: %s", got)
			}
		})
	}
}

func TestASeatThatTimedOutIsRefused(t *testing.T) {
	tb := newTable(t, nil)
	tb.host.seats["psess-1"].Status = "TIMEDOUT"
	tb.start()
	c := tb.dial()
	c.send(map[string]any{"type": "join", "playerSessionId": "psess-1", "joinToken": tb.backend.signer.sign(t, claims("p1", testSession, "psess-1"))})
	if got := c.await("refused").Code; got != "seat.not_reserved" {
		t.Fatalf("refused with %q", got)
	}
}

func TestAPlayerCanTryAgainAfterGameLiftFailed(t *testing.T) {
	tb := newTable(t, func(o *ServerOptions) { o.Round = time.Minute })
	tb.host.fail = errors.New("connection lost")
	tb.start()
	token := tb.backend.signer.sign(t, claims("p1", testSession, "psess-1"))
	c := tb.dial()
	c.send(map[string]any{"type": "join", "playerSessionId": "psess-1", "joinToken": token})
	if got := c.await("refused").Code; got != "seat.unverifiable" {
		t.Fatalf("refused with %q", got)
	}
	tb.host.mu.Lock()
	tb.host.fail = nil
	tb.host.mu.Unlock()
	tb.join("1")
}

func TestNobodyJoinsBeforeTheSession(t *testing.T) {
	tb := newTable(t, nil)
	c := tb.dial()
	c.send(map[string]any{"type": "join", "playerSessionId": "psess-1", "joinToken": tb.backend.signer.sign(t, claims("p1", testSession, "psess-1"))})
	if got := c.await("refused").Code; got != "session.none" {
		t.Fatalf("refused with %q", got)
	}
}

func TestMalformedFirstMessagesAreRefused(t *testing.T) {
	tb := newTable(t, nil)
	tb.start()
	for name, first := range map[string]any{
		"no object":        "hello",
		"no type":          map[string]any{"x": 1},
		"input before":     map[string]any{"type": "input", "x": 1, "y": 1},
		"a join of nobody": map[string]any{"type": "join"},
		"a broken token":   map[string]any{"type": "join", "playerSessionId": "psess-1", "joinToken": "a.b.c"},
	} {
		t.Run(name, func(t *testing.T) {
			c := tb.dial()
			c.send(first)
			if got := c.await("refused").Code; got != "join.malformed" && got != "token.invalid" {
				t.Fatalf("refused with %q", got)
			}
			c.await("closed")
		})
	}
}

func TestMalformedMessagesChangeNothing(t *testing.T) {
	tb := newTable(t, func(o *ServerOptions) { o.Round = time.Minute })
	tb.start()
	c, _ := tb.join("1")
	c.send(map[string]any{"type": "input", "x": 300})
	if got := c.await("refused").Code; got != "message.malformed" {
		t.Fatalf("refused with %q", got)
	}
	c.send(map[string]any{"type": "ping", "t": 1})
	c.await("pong") // still there
	for range maxMalformed {
		c.send(map[string]any{"type": "nonsense"})
	}
	c.await("closed")
}

func TestAReloadTakesTheSeatOver(t *testing.T) {
	tb := newTable(t, func(o *ServerOptions) { o.Round = time.Minute })
	tb.start()
	old, _ := tb.join("1")
	tb.join("2")
	again, welcome := tb.join("1")
	old.await("replaced")
	old.await("closed")
	if welcome.You != 0 || welcome.Cars[0].State != "here" {
		t.Fatalf("welcome %+v", welcome)
	}
	again.send(map[string]any{"type": "ping", "t": 3})
	again.await("pong")
	if got := tb.host.status("psess-1"); got != "ACTIVE" {
		t.Fatalf("the seat is %s", got)
	}
}

func TestLeavingForfeits(t *testing.T) {
	tb := newTable(t, func(o *ServerOptions) { o.Round = time.Minute })
	tb.start()
	one, _ := tb.join("1")
	two, _ := tb.join("2")
	one.send(map[string]any{"type": "leave"})
	if got := two.await("over").Reason; got != "forfeit" {
		t.Fatalf("the match ended by %q", got)
	}
	if err := tb.end(); err != nil {
		t.Fatal(err)
	}
	got := (<-tb.backend.results).result
	if got.Teams[0].Rank != 2 || !got.Teams[0].Players[0].Left || got.Teams[1].Rank != 1 {
		t.Fatalf("result %+v", got)
	}
	if s := tb.host.status("psess-1"); s != "COMPLETED" {
		t.Fatalf("the seat that was left is %s", s)
	}
}

func TestALostConnectionLosesTheSeatAfterAWhile(t *testing.T) {
	tb := newTable(t, func(o *ServerOptions) { o.Round, o.Grace = time.Minute, 50*time.Millisecond })
	tb.start()
	one, _ := tb.join("1")
	two, _ := tb.join("2")
	_ = one.ws.CloseNow()
	if got := two.await("over").Reason; got != "forfeit" {
		t.Fatalf("the match ended by %q", got)
	}
	_ = tb.end()
	if s := tb.host.status("psess-1"); s != "COMPLETED" {
		t.Fatalf("the lost seat is %s", s)
	}
}

func TestNobodyComes(t *testing.T) {
	tb := newTable(t, func(o *ServerOptions) { o.JoinWait = time.Millisecond })
	tb.start()
	if err := tb.end(); err != nil {
		t.Fatal(err)
	}
	if got := <-tb.backend.endings; got != testSession {
		t.Errorf("ended session %q", got)
	}
	if len(tb.backend.results) > 0 {
		t.Errorf("result %+v", <-tb.backend.results)
	}
}

func TestTheServerEndsWhenItIsNotNeeded(t *testing.T) {
	t.Run("GameLift asks it to", func(t *testing.T) {
		tb := newTable(t, nil)
		tb.host.terminate()
		if err := tb.end(); err != nil {
			t.Fatal(err)
		}
		<-tb.host.closed
	})
	t.Run("its parent is gone", func(t *testing.T) {
		r, w := io.Pipe()
		tb := newTable(t, func(o *ServerOptions) { o.Stdin = r })
		_ = w.Close()
		if err := tb.end(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("in the middle of a match, which nobody wins", func(t *testing.T) {
		tb := newTable(t, func(o *ServerOptions) { o.Round = time.Minute })
		tb.start()
		c, _ := tb.join("1")
		tb.cancel()
		if got := c.await("refused").Code; got != "session.closed" {
			t.Fatalf("told %q", got)
		}
		if err := tb.end(); err != nil || len(tb.backend.results) != 0 {
			t.Fatalf("ended with %v and %d results", err, len(tb.backend.results))
		}
	})
}

// A request may reach its handler while the server ends: it is counted before the wait or
// refused, never counted beside it, which is what -race looks for here.
func TestNobodyIsTakenInOnceTheServerEnds(t *testing.T) {
	a := &arena{}
	visit := func() int {
		w := httptest.NewRecorder()
		a.accept(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Code
	}
	if got := visit(); got != http.StatusUpgradeRequired {
		t.Fatalf("before: status %d", got)
	}
	var visitors sync.WaitGroup
	for range 50 {
		visitors.Go(func() { visit() })
	}
	a.close()
	if got := visit(); got != http.StatusServiceUnavailable {
		t.Fatalf("after: status %d", got)
	}
	visitors.Wait()
	if a.open != 0 {
		t.Fatalf("%d connections are still counted", a.open)
	}
}

func TestAResultTheBackendRefusesIsAnError(t *testing.T) {
	tb := newTable(t, func(o *ServerOptions) { o.JoinWait = time.Millisecond })
	tb.backend.answers <- 409
	tb.start()
	if err := tb.end(); err == nil || !strings.Contains(err.Error(), "409") {
		t.Fatalf("ended with %v", err)
	}
}

func TestOptionsNameEveryProblem(t *testing.T) {
	_, err := ServerOptionsFromEnv(func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "MUSTER_URL") || !strings.Contains(err.Error(), "MUSTER_SERVER_KEY") {
		t.Fatalf("an empty environment: %v", err)
	}
	env := map[string]string{"MUSTER_URL": "http://127.0.0.1:1", "MUSTER_SERVER_KEY": "k", "MUSTER_DEMO_ROUND": "20s"}
	o, err := ServerOptionsFromEnv(func(name string) string { return env[name] })
	if err != nil || o.Round != 20*time.Second || o.URL != env["MUSTER_URL"] {
		t.Fatalf("%+v, %v", o, err)
	}
	env["MUSTER_DEMO_ROUND"] = "soon"
	if _, err := ServerOptionsFromEnv(func(name string) string { return env[name] }); err == nil {
		t.Fatal("a round of soon was accepted")
	}
	if err := RunServer(t.Context(), ServerOptions{URL: "nowhere"}); err == nil {
		t.Fatal("a server without options ran")
	}
}
