package serversdk

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"muster/gameliftlocal/hosting"
)

func TestHandshakeRefusalsComeBeforeTheUpgradeWithAReadableBody(t *testing.T) {
	b := newBackend(t, nil)
	ended := b.host("ended")
	ended.ask(`{"Action":"TerminateServerProcess","RequestId":"r9"}`, 200)
	good := b.query("p1")
	for _, c := range []struct {
		name, query string
		status      int
		body        string
	}{
		{"no process id", strings.Replace(good, "pID=p1", "pID=", 1), 400, "pID"},
		{"no compute", strings.Replace(good, "ComputeId=box", "computeid=box", 1), 400, "ComputeId"},
		{"no fleet", strings.Replace(good, "&FleetId=fleet-1", "", 1), 400, "FleetId"},
		{"a process id without end", strings.Replace(good, "pID=p1", "pID="+strings.Repeat("p", 257), 1), 400, "too long"},
		{"a token without end", good + "&X-Amz-Signature=" + strings.Repeat("p", 257), 400, "too long"},
		{"a wrong token", strings.Replace(good, b.token, "wrong", 1), 403, "auth token"},
		{"no token, as the C++ SDK after a broken reconnect", strings.Replace(good, "Authorization="+b.token, "", 1), 403, "auth token"},
		{"another compute", strings.Replace(good, "ComputeId=box", "ComputeId=other", 1), 403, "not registered"},
		{"another fleet", strings.Replace(good, "FleetId=fleet-1", "FleetId=fleet-2", 1), 403, "does not exist"},
		{"a process that has ended", b.query("ended"), 403, "unique between executions"},
		{"a bad signature", strings.Replace(good, b.token, "SigV4", 1), 403, "X-Amz-Algorithm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			conn, status, body := b.dial("", c.query)
			if conn != nil || status != c.status || !strings.Contains(body, c.body) {
				t.Fatalf("got %d %q, want %d and %q", status, body, c.status, c.body)
			}
			if d := time.Since(start); d > 2*time.Second {
				t.Fatalf("the C# SDK would have given up after 2 s; this took %v", d)
			}
			if strings.Contains(body, b.token) {
				t.Fatal("the body holds the token")
			}
		})
	}
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	if n := len(b.server.peers); n != 0 {
		t.Fatalf("%d refused processes are remembered", n)
	}
}

func TestAPlainRequestIsToldToUpgrade(t *testing.T) {
	b := newBackend(t, nil)
	response, err := http.Get(b.http.URL + "/sdk" + b.query("p1"))
	must(t, err)
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusUpgradeRequired || !strings.Contains(string(body), "SDK") {
		t.Fatalf("got %d %s", response.StatusCode, body)
	}
	b.until("nothing", func(w *hosting.World) bool { return len(w.Processes("fleet-1")) == 0 })
}

func TestQueriesOfAllLanguagesReachTheSameHandler(t *testing.T) {
	b := newBackend(t, nil)
	for name, c := range map[string]struct{ suffix, query string }{
		"Go":                        {"", b.query("go")},
		"C++ appends a slash":       {"/", b.query("cpp")},
		"C++ does not encode":       {"/", b.query("a+b|c")},
		"Go encodes":                {"", b.query("a%2Bb%7Cd")},
		"a broken escape is itself": {"", b.query("100%")},
	} {
		t.Run(name, func(t *testing.T) {
			if conn, status, body := b.dial(c.suffix, c.query); conn == nil {
				t.Fatalf("refused: %d %s", status, body)
			}
		})
	}
	b.until("the ids as meant", func(w *hosting.World) bool {
		for _, id := range []hosting.ProcessID{"go", "cpp", "a+b|c", "a+b|d", "100%"} {
			if _, ok := w.Process(id); !ok {
				return false
			}
		}
		return true
	})
}

func TestBadFramesAreAnsweredAndChangeNothing(t *testing.T) {
	b := newBackend(t, nil)
	c := b.connect("p1")
	for _, frame := range []string{
		``, `{`, `[]`, `null`, `"x"`, `{"Action":5,"RequestId":"a"}`,
		`{"Action":"TerminateServerProcess"}`,
		`{"Action":"TerminateServerProcess","RequestId":""}`,
		`{"Action":"TerminateServerProcess","RequestId":"` + strings.Repeat("x", 129) + `"}`,
		`{"Action":"Unknown","RequestId":"a"}`,
		`{"Action":"CreateGameSession","RequestId":"a"}`,
		`{"Action":"ActivateServerProcess","RequestId":"a","Port":"7777"}`,
		`{"Action":"ActivateServerProcess","RequestId":"a","Port":7777.5}`,
		strings.Repeat(`[`, 20000),
	} {
		answer := c.ask(frame, 400)
		var a struct{ ErrorMessage string }
		must(t, json.Unmarshal([]byte(answer), &a))
		if a.ErrorMessage == "" {
			t.Fatalf("no message in the answer to %.60s", frame)
		}
	}
	must(t, c.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"Action":"TerminateServerProcess","RequestId":"b"}`)))
	if answer := c.read(); !strings.Contains(answer, `"StatusCode":400`) {
		t.Fatalf("a binary frame got %s", answer)
	}
	if n := b.handledCount(); n != 0 {
		t.Fatalf("%d bad frames reached the backend", n)
	}
	c.ask(`{"Action":"HeartbeatServerProcess","RequestId":"c","HealthStatus":true}`, 200)
}

func TestAFrameWithoutEndDropsTheConnection(t *testing.T) {
	b := newBackend(t, func(o *Options) { o.MaxFrame = 1000 })
	c := b.connect("p1")
	c.send(`{"Action":"` + strings.Repeat("x", 1000) + `"}`)
	_, err := c.tryRead()
	if websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Fatalf("got %v", err)
	}
}

func TestEnvelope(t *testing.T) {
	b := newBackend(t, nil)
	c := b.host("p1")
	s := b.session(hosting.SessionRequest{MaxPlayers: 2, Name: "n", Data: "d", Properties: []hosting.Property{{Key: "map", Value: "moon"}}})
	push := c.read()
	want := `{"Action":"CreateGameSession","GameSessionId":"` + string(s.ID) + `","GameSessionName":"n","GameSessionData":"d",` +
		`"MatchmakerData":"","MaximumPlayerSessionCount":2,"IpAddress":"127.0.0.1","Port":7777,"DnsName":"","GameProperties":{"map":"moon"}}`
	if push != want {
		t.Fatalf("push\n%s, want\n%s", push, want)
	}
	got := c.ask(`{"Action":"ActivateGameSession","RequestId":"r3","GameSessionId":"`+string(s.ID)+`","Extra":[1]}`, 200)
	if got != `{"Action":"ActivateGameSession","RequestId":"r3","StatusCode":200}` {
		t.Fatalf("answer %s", got)
	}
	got = c.ask(`{"Action":"GetFleetRoleCredentials","RequestId":"r4","RoleArn":"a","RoleSessionName":"b"}`, 200)
	if got != `{"Action":"GetFleetRoleCredentials","RequestId":"r4","StatusCode":200,"AssumedRoleUserArn":"","AssumedRoleId":"","AccessKeyId":"","SecretAccessKey":"","SessionToken":"","Expiration":0}` {
		t.Fatalf("answer %s", got)
	}
	got = c.ask(`{"Action":"AcceptPlayerSession","RequestId":"r5","GameSessionId":"`+string(s.ID)+`","PlayerSessionId":"psess-none"}`, 404)
	if got != `{"Action":"AcceptPlayerSession","RequestId":"r5","StatusCode":404,"ErrorMessage":"player session psess-none does not exist"}` {
		t.Fatalf("answer %s", got)
	}
	c.ask(`{"Action":"StartMatchBackfill","RequestId":"r6","Players":[{"PlayerId":"a"}]}`, 400)
}

func TestPushesOfEveryKindCarryNoRequestID(t *testing.T) {
	session := hosting.Session{ID: "arn:x", Name: "n", Fleet: "f", Location: "l", Status: hosting.SessionActive, MaxPlayers: 3}
	for _, c := range []struct {
		message hosting.Message
		want    string
	}{
		{
			hosting.UpdateGameSession{Session: session, Reason: hosting.BackfillTimedOut, BackfillTicketID: "t"},
			`{"Action":"UpdateGameSession","GameSession":{"GameSessionId":"arn:x","Name":"n","FleetId":"f","Location":"l","MaximumPlayerSessionCount":3,"Port":0,"IpAddress":"","DnsName":"","GameSessionData":"","MatchmakerData":"","GameProperties":{},"Status":"ACTIVE","StatusReason":""},"UpdateReason":"BACKFILL_TIMED_OUT","BackfillTicketId":"t"}`,
		},
		{hosting.TerminateProcess{TerminationAt: time.UnixMilli(1234)}, `{"Action":"TerminateProcess","TerminationTime":1234}`},
		{hosting.RefreshConnection{AuthToken: "tok"}, `{"Action":"RefreshConnection","RefreshConnectionEndpoint":"wss://h","AuthToken":"tok"}`},
	} {
		if got := string(encodePush(c.message, "wss://h")); got != c.want {
			t.Fatalf("got\n%s, want\n%s", got, c.want)
		}
	}
}

func TestTheSameRequestTwiceHasOneEffectAndTwoEqualAnswers(t *testing.T) {
	b := newBackend(t, nil)
	c := b.connect("p1")
	const ready = `{"Action":"ActivateServerProcess","RequestId":"r1","Port":7777}`
	first := c.ask(ready, 200)
	if again := c.ask(ready, 200); again != first {
		t.Fatalf("answers differ: %s and %s", first, again)
	}
	if n := b.handledCount(); n != 1 {
		t.Fatalf("handled %d times", n)
	}
	other := b.connect("p1") // the retry of a time-out may come over a new connection
	if again := other.ask(ready, 200); again != first {
		t.Fatalf("answers differ over another connection: %s", again)
	}
	other.ask(strings.Replace(ready, "r1", "r2", 1), 409)
}

func TestRememberedAnswersAreBounded(t *testing.T) {
	p := newPeer("p1")
	for i := range 3 * maxAnswers {
		p.remember(header{"A", string(rune('a'+i%26)) + strings.Repeat("x", i)}, []byte("answer"))
	}
	if len(p.answers) != maxAnswers || len(p.answerKeys) != maxAnswers {
		t.Fatalf("%d answers, %d keys", len(p.answers), len(p.answerKeys))
	}
}

func TestASecondConnectionTakesOver(t *testing.T) {
	b := newBackend(t, nil)
	old := b.host("p1")
	next := b.connect("p1")
	s := b.session(hosting.SessionRequest{})
	if push := next.read(); !strings.Contains(push, string(s.ID)) {
		t.Fatalf("the new connection got %s", push)
	}
	old.send(`{"Action":"ActivateGameSession","RequestId":"r3","GameSessionId":"` + string(s.ID) + `"}`)
	if answer := next.read(); !strings.Contains(answer, `"RequestId":"r3","StatusCode":200`) {
		t.Fatalf("the answer to a request on the old connection: %s", answer)
	}
	must(t, old.conn.CloseNow())
	next.ask(`{"Action":"HeartbeatServerProcess","RequestId":"r4","HealthStatus":true}`, 200)
	b.until("still connected", func(w *hosting.World) bool { p, ok := w.Process("p1"); return ok && p.Connected })
}

func TestPushesWaitForAProcessThatReconnects(t *testing.T) {
	b := newBackend(t, nil)
	old := b.host("p1")
	s := b.session(hosting.SessionRequest{})
	old.read()
	must(t, old.conn.CloseNow())
	b.until("disconnected", func(w *hosting.World) bool { p, _ := w.Process("p1"); return !p.Connected })
	b.do(func(w *hosting.World, now time.Time) {
		must(t, w.TellBackfill(now, s.ID, hosting.Backfill{TicketID: "t", Reason: hosting.BackfillFailed}))
	})
	if push := b.connect("p1").read(); !strings.Contains(push, "BACKFILL_FAILED") {
		t.Fatalf("got %s", push)
	}
}

func TestAPushCausedByARequestFollowsItsAnswer(t *testing.T) {
	b := newBackend(t, nil)
	b.do(func(w *hosting.World, now time.Time) {
		w.PutQueue(now, hosting.Queue{Name: "q", Destinations: []string{"fleet-1"}})
		_, err := w.StartPlacement(now, hosting.PlacementRequest{ID: "place", Queue: "q"})
		must(t, err)
	})
	c := b.host("p1") // its health report is answered before the session is pushed
	if push := c.read(); !strings.Contains(push, `"Action":"CreateGameSession"`) {
		t.Fatalf("got %s", push)
	}
}

func TestProcessEndingIsAnsweredAndTheSocketThenClosed(t *testing.T) {
	b := newBackend(t, nil)
	c := b.host("p1")
	c.ask(`{"Action":"TerminateServerProcess","RequestId":"r3"}`, 200)
	_, err := c.tryRead()
	if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Fatalf("got %v, want a close that the SDKs do not answer with a reconnect", err)
	}
}

func TestInternalErrorsKeepTheirTextInside(t *testing.T) {
	b := newBackend(t, nil)
	c := b.connect("p1")
	b.mu.Lock()
	b.fail = errors.New("the secret is 42")
	b.mu.Unlock()
	answer := c.ask(`{"Action":"HeartbeatServerProcess","RequestId":"r1","HealthStatus":true}`, 500)
	if strings.Contains(answer, "42") {
		t.Fatalf("the answer tells: %s", answer)
	}
}

func TestEveryConditionHasAStatusCode(t *testing.T) {
	for c := hosting.NotFound; c <= hosting.LimitExceeded; c++ {
		if statusOf[c] < 400 {
			t.Fatalf("condition %d has the status %d", c, statusOf[c])
		}
	}
}

func TestRateLimitsAreASwitch(t *testing.T) {
	const request = `{"Action":"GetComputeCertificate","RequestId":"r1"}`
	for _, on := range []bool{false, true} {
		b := newBackend(t, func(o *Options) { o.RateLimits = on })
		c := b.connect("p1")
		for range 3 {
			c.ask(request, 200)
		}
		if !on {
			c.ask(request, 200)
			continue
		}
		c.ask(request, 429)
		b.do(func(*hosting.World, time.Time) { b.offset = 11 * time.Second })
		c.ask(request, 200)
		c.ask(request, 429)
	}
}

func TestRatesCountPerPlayerAndStayBounded(t *testing.T) {
	r, now := rates{}, time.Unix(0, 0)
	for i := range 3 * maxBuckets {
		id := hosting.PlayerSessionID(strings.Repeat("p", i))
		if !r.allow(now, "AcceptPlayerSession", &AcceptPlayerSession{PlayerSessionId: id}) {
			t.Fatal("another player's requests count")
		}
	}
	if len(r) > maxBuckets {
		t.Fatalf("%d buckets", len(r))
	}
	if !r.allow(now, "HeartbeatServerProcess", &HeartbeatServerProcess{}) {
		t.Fatal("heartbeats have no limit")
	}
}

func TestAProcessThatDoesNotReadLosesItsConnectionOnly(t *testing.T) {
	p := newPeer("p1")
	dropped := 0
	p.attach(&link{cancel: func() { dropped++ }, wake: make(chan struct{}, 1)})
	for range maxQueued {
		p.push([]byte("frame"))
	}
	if dropped != 0 {
		t.Fatal("dropped too early")
	}
	p.push([]byte("one more"))
	if dropped != 1 || len(p.queue) != 1 || p.queueBytes != len("one more") {
		t.Fatalf("dropped %d times, %d frames, %d bytes", dropped, len(p.queue), p.queueBytes)
	}
	p.push(make([]byte, maxQueueBytes))
	if dropped != 2 || len(p.queue) != 1 {
		t.Fatalf("bytes: dropped %d times, %d frames", dropped, len(p.queue))
	}
}

func TestCloseDropsConnectionsSoThatTheSDKsComeBack(t *testing.T) {
	b := newBackend(t, nil)
	c := b.host("p1")
	b.server.Close()
	_, err := c.tryRead()
	if status := websocket.CloseStatus(err); err == nil || status == websocket.StatusNormalClosure || status == websocket.StatusGoingAway {
		t.Fatalf("got %v: after 1000 and 1001 the SDKs stay away", err)
	}
	if conn, status, _ := b.dial("", b.query("p2")); conn != nil || status != http.StatusServiceUnavailable {
		t.Fatalf("a new connection got %d", status)
	}
	b.until("disconnected", func(w *hosting.World) bool { p, _ := w.Process("p1"); return !p.Connected })
}

func TestPushToNobodyIsIgnored(t *testing.T) {
	b := newBackend(t, nil)
	b.server.Push("nobody", hosting.TerminateProcess{})
	b.server.Forget("nobody")
	if len(b.server.peers) != 0 {
		t.Fatal("somebody was made up")
	}
}

func TestDescribePlayerSessionsInPages(t *testing.T) {
	b := newBackend(t, nil)
	c := b.host("p1")
	s := b.session(hosting.SessionRequest{MaxPlayers: 3})
	c.read()
	c.ask(`{"Action":"ActivateGameSession","RequestId":"r3","GameSessionId":"`+string(s.ID)+`"}`, 200)
	b.do(func(w *hosting.World, now time.Time) {
		_, err := w.Reserve(now, s.ID, []hosting.NewPlayer{{PlayerID: "a"}, {PlayerID: "b"}, {PlayerID: "c", Data: "x"}})
		must(t, err)
	})
	type page struct {
		NextToken      *string
		PlayerSessions []map[string]any
	}
	describe := func(more string, status int) (out page) {
		t.Helper()
		answer := c.ask(`{"Action":"DescribePlayerSessions","RequestId":"r4","GameSessionId":"`+string(s.ID)+`","Limit":2`+more+`}`, status)
		must(t, json.Unmarshal([]byte(answer), &out))
		return out
	}
	first := describe("", 200)
	if len(first.PlayerSessions) != 2 || first.NextToken == nil {
		t.Fatalf("first page %+v", first)
	}
	second := describe(`,"NextToken":"`+*first.NextToken+`"`, 200)
	if len(second.PlayerSessions) != 1 || second.NextToken != nil {
		t.Fatalf("second page %+v", second)
	}
	got := second.PlayerSessions[0]
	created, ok := got["CreationTime"].(float64)
	if !ok || created < 1e12 || got["TerminationTime"] != nil || got["PlayerId"] != "c" || got["PlayerData"] != "x" || got["Status"] != "RESERVED" {
		t.Fatalf("player session %+v", got)
	}
	describe(`,"NextToken":"nonsense"`, 400)
	describe(`,"PlayerSessionStatusFilter":"ACTIVE","NextToken":"`+*first.NextToken+`"`, 400)
	describe(`,"PlayerId":"a"`, 400)
	if none := describe(`,"PlayerSessionStatusFilter":"ACTIVE"`, 200); len(none.PlayerSessions) != 0 || none.PlayerSessions == nil {
		t.Fatalf("no player session must be an empty list: %+v", none)
	}
}
