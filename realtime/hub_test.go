package realtime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"pgregory.net/rapid"

	"muster"
)

func TestADeviceGetsHelloThenSnapshotThenNews(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.play.change()
		d, h := r.connect("ada")
		defer d.leave()
		if h != (hello{PlayerID: "ada", Epoch: "e1", Seq: 0, Resumed: false}) {
			t.Errorf("hello %+v", h)
		}
		snapshot := d.read("snapshot")
		if snapshot.Seq == nil || *snapshot.Seq != 0 || snapshot.version(t) != 1 {
			t.Errorf("snapshot %+v", snapshot)
		}
		r.notify("ada", r.play.change())
		if m := d.read("ticket"); *m.Seq != 1 || m.version(t) != 2 {
			t.Errorf("event %+v", m)
		}
	})
}

func TestNewsDuringTheSnapshotComesAfterIt(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		old := r.play.view("t-1")
		r.play.snapshot = func(context.Context) (muster.Snapshot, error) {
			r.notify("ada", r.play.change())
			r.notify("ada", r.play.change())
			return muster.Snapshot{Ticket: &old}, nil
		}
		d, _ := r.connect("ada")
		defer d.leave()
		if m := d.read("snapshot"); *m.Seq != 0 {
			t.Errorf("the snapshot claims seq %d", *m.Seq)
		}
		for want := int64(1); want <= 2; want++ {
			if m := d.read("ticket"); *m.Seq != want || m.version(t) != want {
				t.Errorf("event %d: %+v", want, m)
			}
		}
	})
}

func TestEveryDeviceOfAPlayerHearsTheSameAndNobodyElse(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		phone, _ := r.fresh("ada")
		laptop, _ := r.fresh("ada")
		rival, _ := r.fresh("bob")
		defer phone.leave()
		defer laptop.leave()
		defer rival.leave()
		r.notify("ada", map[string]string{"secret": "seat of ada"})
		r.hub.Notify(t.Context(), muster.Notice{Player: "bob", Type: "session", Data: "own"})
		a, b := phone.read("ticket"), laptop.read("ticket")
		if string(a.Data) != string(b.Data) || *a.Seq != *b.Seq {
			t.Errorf("one heard %s, the other %s", a.Data, b.Data)
		}
		if m := rival.read(""); m.Type != "session" || *m.Seq != 1 {
			t.Errorf("the rival heard %s %s", m.Type, m.Data)
		}
	})
}

func TestADeviceResumesWhereItWas(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, h := r.fresh("ada")
		r.notify("ada", r.play.change())
		d.read("ticket")
		d.leave()
		for range 3 {
			r.notify("ada", r.play.change())
		}
		d, again := r.resume("ada", h.Epoch, 1)
		defer d.leave()
		if !again.Resumed || again.Epoch != h.Epoch || again.Seq != 1 {
			t.Errorf("hello %+v", again)
		}
		for want := int64(2); want <= 4; want++ {
			if m := d.read("ticket"); *m.Seq != want {
				t.Errorf("seq %d, want %d", *m.Seq, want)
			}
		}
	})
}

func TestAPositionThatCannotBeResumedGetsASnapshot(t *testing.T) {
	for _, c := range []struct {
		name, epoch, after string
	}{
		{"another epoch", "e99", "1"},
		{"no epoch", "", "1"},
		{"no number", "e1", "one"},
		{"a number before the history", "e1", "1"},
		{"a number from the future", "e1", "99"},
		{"a negative number", "e1", "-1"},
		{"a number beyond all bounds", "e1", "99999999999999999999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(o *Options) { o.Limits.History = 4 }, func(t *testing.T, r *rig) {
				d, _ := r.fresh("ada")
				defer d.leave()
				for range 6 {
					r.notify("ada", r.play.change())
					d.read("ticket")
				}
				again, h := r.connect("ada", "epoch", c.epoch, "after", c.after)
				defer again.leave()
				if h.Resumed || h.Epoch != "e1" || h.Seq != 6 {
					t.Errorf("hello %+v", h)
				}
				if m := again.read("snapshot"); *m.Seq != 6 || m.version(t) != 6 {
					t.Errorf("snapshot %+v", m)
				}
			})
		})
	}
}

func TestAStreamIsForgottenSomeMinutesAfterTheLastDevice(t *testing.T) {
	for _, c := range []struct {
		away    time.Duration
		resumed bool
	}{{rememberFor - time.Second, true}, {rememberFor + 2*housekeepEvery, false}} {
		inBubble(t, nil, func(t *testing.T, r *rig) {
			d, h := r.fresh("ada")
			d.leave()
			r.notify("ada", r.play.change())
			time.Sleep(c.away) // the bubble's clock
			d, again := r.resume("ada", h.Epoch, 0)
			defer d.leave()
			if again.Resumed != c.resumed || (again.Epoch == h.Epoch) != c.resumed {
				t.Errorf("away %s: %+v", c.away, again)
			}
		})
	}
}

func TestIdleStreamsAreBounded(t *testing.T) {
	inBubble(t, func(o *Options) { o.Limits.Connections = 3 }, func(t *testing.T, r *rig) {
		for i := range 10 {
			d, _ := r.fresh("player" + strconv.Itoa(i))
			d.leave()
		}
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		if len(r.hub.streams) != 3 || r.hub.idle.Len() != 3 || r.hub.streams["player9"] == nil {
			t.Errorf("%d streams, %d idle", len(r.hub.streams), r.hub.idle.Len())
		}
	})
}

func TestASlowDeviceCostsOnlyItselfAndResumes(t *testing.T) {
	inBubble(t, func(o *Options) { o.Limits.Queue = 8 }, func(t *testing.T, r *rig) {
		slow, h := r.fresh("ada")
		quick, _ := r.fresh("ada")
		defer quick.leave()
		for want := int64(1); want <= 50; want++ {
			r.notify("ada", r.play.change()) // a pipe holds nothing: the slow one's queue fills
			if m := quick.read("ticket"); *m.Seq != want {
				t.Fatalf("the quick device got %d, want %d", *m.Seq, want)
			}
			synctest.Wait()
		}
		last := int64(0)
		for {
			_, b, err := slow.ws.Read(t.Context())
			if err != nil {
				if got := websocket.CloseStatus(err); got != codeTooSlow {
					t.Errorf("closed with %d: %v", got, err)
				}
				break
			}
			if last++; !strings.Contains(string(b), `"seq":`+strconv.FormatInt(last, 10)+`,`) {
				t.Errorf("message %d is %s", last, b)
			}
		}
		slow, again := r.resume("ada", h.Epoch, last)
		defer slow.leave()
		if !again.Resumed {
			t.Fatal("not resumed")
		}
		for want := last + 1; want <= 50; want++ {
			if m := slow.read("ticket"); *m.Seq != want {
				t.Fatalf("seq %d, want %d", *m.Seq, want)
			}
		}
	})
}

func TestADeviceThatVanishedIsFoundByPing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		defer d.leave()
		time.Sleep(pingEvery - time.Second)
		if r.hub.connections() != 1 {
			t.Fatal("dropped before the first ping")
		}
		time.Sleep(pongWithin + 2*time.Second) // it reads no ping
		synctest.Wait()
		if n := r.hub.connections(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestAQuietDeviceThatAnswersPingsStays(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		defer d.leave()
		time.AfterFunc(10*time.Minute, func() { r.notify("ada", r.play.change()) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, _, err := d.ws.Read(ctx); err != nil {
			t.Errorf("lost: %v", err)
		}
	})
}

func TestTheOldestOfTooManyDevicesGivesWay(t *testing.T) {
	inBubble(t, func(o *Options) { o.Limits.PlayerConnections = 2 }, func(t *testing.T, r *rig) {
		first, _ := r.fresh("ada")
		second, _ := r.fresh("ada")
		defer second.leave()
		closed := make(chan websocket.StatusCode)
		go func() { closed <- first.code() }()
		third, _ := r.fresh("ada")
		defer third.leave()
		if code := <-closed; code != codeReplaced {
			t.Errorf("closed with %d", code)
		}
		r.notify("ada", r.play.change())
		second.read("ticket")
		third.read("ticket")
	})
}

func TestStoppingClosesEveryDeviceSoThatItComesBack(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		closed := make(chan websocket.StatusCode)
		for _, player := range []string{"ada", "ada", "bob"} {
			d, _ := r.fresh(player)
			go func() { closed <- d.code() }()
		}
		go r.stop()
		for range 3 {
			if code := <-closed; code != websocket.StatusServiceRestart {
				t.Errorf("closed with %d", code)
			}
		}
		synctest.Wait()
		if _, res, err := r.dial("ada"); err == nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a connection after the end: %v", err)
		}
	})
}

func TestStoppingDoesNotWaitForADeviceThatIsSilent(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada") // reads nothing from now on
		defer d.leave()
		start := time.Now()
		r.stop()
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestASnapshotThatFailsClosesTheConnection(t *testing.T) {
	for _, c := range []struct {
		name string
		read func(context.Context) (muster.Snapshot, error)
	}{
		{"with an error", func(context.Context) (muster.Snapshot, error) { return muster.Snapshot{}, errors.New("hush") }},
		{"with a panic", func(context.Context) (muster.Snapshot, error) { panic("hush") }},
		{"with silence", func(ctx context.Context) (muster.Snapshot, error) { <-ctx.Done(); return muster.Snapshot{}, ctx.Err() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, r *rig) {
				r.play.snapshot = c.read
				d, _ := r.connect("ada")
				if code := d.code(); code != websocket.StatusTryAgainLater {
					t.Errorf("closed with %d", code)
				}
			})
		})
	}
}

func TestANoticeThatDoesNotEncodeIsSkipped(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		defer d.leave()
		r.notify("ada", func() {})
		r.notify("ada", "fine")
		if m := d.read("ticket"); *m.Seq != 1 || string(m.Data) != `"fine"` {
			t.Errorf("got %+v", m)
		}
	})
}

func TestConnectionsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		code   string
		burnt  bool // the ticket was redeemed
	}{
		{"no upgrade", func(r *http.Request) { r.Header.Del("Upgrade") }, 426, "realtime.upgrade_required", false},
		{"another origin", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "realtime.origin", false},
		{"no ticket", func(r *http.Request) { r.URL.RawQuery = "" }, 401, "auth.socket_ticket", false},
		{"an endless ticket", func(r *http.Request) { r.URL.RawQuery = "ticket=" + strings.Repeat("x", maxTicketBytes+1) }, 401, "auth.socket_ticket", false},
		{"a bad ticket", func(r *http.Request) { r.URL.RawQuery = "ticket=bad" }, 401, "bad", true},
		{"a ticket of no player", func(r *http.Request) { r.URL.RawQuery = "ticket=server" }, 403, "auth.wrong_scope", true},
		{"a store that is down", func(r *http.Request) { r.URL.RawQuery = "ticket=down" }, 503, "store.down", true},
		{"a failure of ours", func(r *http.Request) { r.URL.RawQuery = "ticket=oops" }, 500, "internal", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			redeemed := false
			h := New(Options{Play: &fakePlay{}, Redeem: func(_ context.Context, ticket string) (muster.Caller, error) {
				redeemed = true
				switch ticket {
				case "bad":
					return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "bad", "no")
				case "down":
					return muster.Caller{}, &muster.Error{Kind: muster.Unavailable, Code: "store.down", Message: "later", RetryAfter: time.Second}
				case "oops":
					return muster.Caller{}, errors.New("hush")
				}
				return muster.Caller{Scope: muster.ServerScope}, nil
			}})
			req := httptest.NewRequest("GET", "/v1/realtime?ticket=good", nil)
			req.Header.Set("Upgrade", "websocket")
			c.change(req)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), `"code":"`+c.code+`"`) || rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			if strings.Contains(rec.Body.String(), "hush") {
				t.Error("the cause leaks")
			}
			if redeemed != c.burnt {
				t.Errorf("redeemed: %v", redeemed)
			}
			if (c.status == 503) != (rec.Header().Get("Retry-After") != "") {
				t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
			}
			if h.connections() != 0 {
				t.Error("the refused connection still counts")
			}
		})
	}
}

func TestAFullHubRefuses(t *testing.T) {
	inBubble(t, func(o *Options) { o.Limits.Connections = 1 }, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		if _, res, err := r.dial("bob"); err == nil || res.StatusCode != 503 {
			t.Errorf("no refusal: %v", err)
		}
		d.leave()
		d, _ = r.fresh("bob")
		d.leave()
	})
}

func TestOrigins(t *testing.T) {
	allowed := []string{"https://game.example"}
	for _, c := range []struct {
		name, origin, host string
		want               bool
	}{
		{"a program sends none", "", "muster.test", true},
		{"our own page", "http://muster.test", "muster.test", true},
		{"our own page with a port", "http://127.0.0.1:8080", "127.0.0.1:8080", true},
		{"our own page over IPv6", "http://[::1]:8080", "[::1]:8080", true},
		{"an allowed page", "https://GAME.example", "muster.test", true},
		{"an allowed host with another scheme", "http://game.example", "muster.test", false},
		{"another page", "https://evil.example", "muster.test", false},
		{"another port", "http://127.0.0.1:9", "127.0.0.1:8080", false},
		{"a sandboxed page", "null", "muster.test", false},
		{"a host that only ends like ours", "http://evilmuster.test", "muster.test", false},
	} {
		if got := originAllowed(c.origin, c.host, allowed); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Whatever happens between notices, leaving, coming back and waiting: a device has
// every message once and in order from where it started, and in the end it knows the
// latest state.
func TestResumingLosesNothing(t *testing.T) {
	steps := rapid.SliceOf(rapid.SampledFrom([]string{"news", "read", "crash", "time goes", "away 1", "away 4", "away 5", "away 12", "away for minutes"}))
	rapid.Check(t, func(rt *rapid.T) {
		script := steps.Draw(rt, "script")
		failure := ""
		inBubble(t, func(o *Options) { o.Limits.History = 5 }, func(t *testing.T, r *rig) { failure = play(r, script) })
		if failure != "" {
			rt.Fatal(failure)
		}
	})
}

// play runs a script and says what went wrong.
func play(r *rig, script []string) (failure string) {
	c := &modelClient{rig: r}
	c.comeBack()
	for _, step := range append(script, "read") {
		switch step {
		case "news":
			r.notify("ada", r.play.change())
		case "read":
			c.readAll()
		case "crash":
			c.away(0, 0)
		case "time goes":
			c.readAll()
			time.Sleep(time.Second) // the bubble's clock
		case "away for minutes":
			c.away(3, rememberFor+2*housekeepEvery)
		default:
			news, _ := strconv.Atoi(strings.TrimPrefix(step, "away "))
			c.away(news, 0)
		}
	}
	if now := r.play.view("t-1").Version; c.known != now {
		c.fail("the device knows version %d of %d", c.known, now)
	}
	c.device.leave()
	return c.failure
}

// modelClient is a device that keeps its position as the protocol says.
type modelClient struct {
	rig     *rig
	device  *device
	epoch   string
	seq     int64  // of the last message received
	known   int64  // the latest version heard of
	failure string // the first
}

func (c *modelClient) fail(format string, args ...any) {
	if c.failure == "" {
		c.failure = fmt.Sprintf(format, args...)
	}
}

func (c *modelClient) comeBack() {
	d, h := c.rig.resume("ada", c.epoch, c.seq)
	c.device = d
	if h.Resumed && (h.Epoch != c.epoch || h.Seq != c.seq) {
		c.fail("resumed at %+v, was at %s %d", h, c.epoch, c.seq)
	}
	if !h.Resumed {
		m := d.read("snapshot")
		c.epoch, c.seq, c.known = h.Epoch, *m.Seq, m.version(c.rig.t)
	}
}

// readAll reads until the device has all that was published.
func (c *modelClient) readAll() {
	for c.seq < c.published() && c.failure == "" {
		m := c.device.read("ticket")
		if *m.Seq != c.seq+1 {
			c.fail("message %d after %d", *m.Seq, c.seq)
		}
		c.seq, c.known = *m.Seq, m.version(c.rig.t)
	}
}

func (c *modelClient) published() int64 {
	c.rig.hub.mu.Lock()
	defer c.rig.hub.mu.Unlock()
	return c.rig.hub.streams["ada"].history.last
}

func (c *modelClient) away(news int, d time.Duration) {
	c.device.leave()
	for range news {
		c.rig.notify("ada", c.rig.play.change())
	}
	time.Sleep(d) // the bubble's clock
	c.comeBack()
}

func TestARealServerAndARealSocket(t *testing.T) {
	play := &fakePlay{}
	hub := New(Options{Play: play, Redeem: func(_ context.Context, ticket string) (muster.Caller, error) {
		return muster.Caller{Player: muster.PlayerID(ticket), Scope: muster.GuestScope}, nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { hub.Run(ctx); close(ran) }()
	server := httptest.NewServer(hub)
	defer server.Close()
	ws, _, err := websocket.Dial(ctx, server.URL+"/?ticket=ada", &websocket.DialOptions{HTTPClient: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, ws: ws}
	d.read("hello")
	d.read("snapshot")
	d.send(`{"type":"ticket.get","id":"c1","data":{"ticketId":"t-1"}}`)
	if m := d.read("reply"); m.ID != "c1" {
		t.Errorf("reply %+v", m)
	}
	hub.Notify(ctx, muster.Notice{Player: "ada", Type: "ticket", Data: play.change()})
	d.read("ticket")
	cancel()
	if code := d.code(); code != websocket.StatusServiceRestart {
		t.Errorf("closed with %d", code)
	}
	<-ran
}
