package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"muster"
)

func TestRequestIDs(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct{ name, sent, want string }{
		{"none is sent", "", "made-id"},
		{"a sane one is kept", "Trace-1.a_B", "Trace-1.a_B"},
		{"the longest is kept", strings.Repeat("a", 64), strings.Repeat("a", 64)},
		{"one that is too long is replaced", strings.Repeat("a", 65), "made-id"},
		{"one with spaces is replaced", "a b", "made-id"},
		{"one that forges a log line is replaced", "a\u2028b", "made-id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			var headers []string
			if c.sent != "" {
				headers = []string{"X-Request-Id", c.sent}
			}
			a := r.do("GET", "/healthz", "", "", headers...)
			if got := a.header.Get("X-Request-Id"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheAccessLogTellsWhatHappenedAndNoSecrets(t *testing.T) {
	r := newRig(t, nil)
	r.do("GET", ticketPathOfAda+"?wait=0&x=hush", "ada", "", "Cookie", "hush")
	r.do("POST", "/v1/auth/refresh", "hush", `{"refreshToken":"hush"}`)
	r.do("GET", "/v1/realtime?ticket=hush", "", "")
	log := r.log.String()
	for _, want := range []string{
		`"requestId":"made-id"`, `"path":"/v1/matchmaking/tickets/t-ada"`, `"route":"GET /v1/matchmaking/tickets/{id}"`,
		`"status":200`, `"playerId":"p-ada"`, `"route":"GET /v1/realtime"`, `"tookMs":`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
	if strings.Contains(log, "hush") {
		t.Errorf("a secret is in the log: %s", log)
	}
}

func TestAClientThatLeftIsLoggedAsSuch(t *testing.T) {
	r := newRig(t, nil)
	r.play.err = context.Canceled
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequest("GET", ticketPathOfAda, nil).WithContext(ctx)
	req.Header.Set("Authorization", "Bearer ada")
	r.send(req)
	if log := r.log.String(); !strings.Contains(log, `"status":499`) || strings.Contains(log, "request failed") {
		t.Errorf("log: %s", log)
	}
}

func TestAPanicIsA500AndIsLogged(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.SNS = func(context.Context, []byte) error { panic("hush") }
	})
	a := r.do("POST", "/v1/events/sns", "", `{}`)
	if a.status != 500 || a.code() != "internal" || strings.Contains(a.body, "hush") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !strings.Contains(r.log.String(), `"panic":"hush"`) || !strings.Contains(r.log.String(), `"status":500`) {
		t.Errorf("log: %s", r.log)
	}
}

func TestADeliberateAbortIsPassedOnWithoutAWord(t *testing.T) {
	for name, value := range map[string]error{"as it is": http.ErrAbortHandler, "with a reason": fmt.Errorf("the peer left: %w", http.ErrAbortHandler)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) {
				o.Realtime = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) })
			})
			defer func() {
				if v := recover(); fmt.Sprint(v) != http.ErrAbortHandler.Error() {
					t.Errorf("the server gets %v", v)
				}
				if strings.Contains(r.log.String(), `"panic"`) {
					t.Errorf("log: %s", r.log)
				}
			}()
			r.do("GET", "/v1/realtime", "", "")
		})
	}
}

func TestAPanicInMidAnswerCutsTheConnection(t *testing.T) {
	for name, value := range map[string]any{"a bug": "hush", "a deliberate abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) {
				o.Realtime = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, strings.Repeat("half", 10_000))
					panic(value)
				})
			})
			server := httptest.NewServer(r.handler)
			defer server.Close()
			res, err := server.Client().Get(server.URL + "/v1/realtime")
			if err != nil {
				return // cut before the head was out: as good
			}
			defer res.Body.Close() //nolint:errcheck // only read
			if _, err := io.ReadAll(res.Body); err == nil {
				t.Error("half an answer looks whole")
			}
		})
	}
}

func TestVerificationThatFailsIsNotTheClientsFault(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Verify = func(context.Context, string) (muster.Caller, error) { return muster.Caller{}, errors.New("hush") }
	})
	if a := r.do("GET", "/v1/players/me", "ada", ""); a.status != 500 || strings.Contains(a.body, "hush") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestACallerWithoutPlayerIsNoPlayer(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Verify = func(context.Context, string) (muster.Caller, error) {
			return muster.Caller{Scope: muster.PlayerScope}, nil
		}
	})
	if a := r.do("GET", "/v1/players/me", "ada", ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestCrossOriginIsOffByDefault(t *testing.T) {
	r := newRig(t, nil)
	a := r.do("GET", "/v1/modes", "ada", "", "Origin", "https://game.example")
	if a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("any origin may read")
	}
	if a := r.do("OPTIONS", "/v1/modes", "", "", "Origin", "https://game.example", "Access-Control-Request-Method", "GET"); a.status != 405 {
		t.Errorf("preflight: %d", a.status)
	}
}

func TestAllowedOriginsMayCall(t *testing.T) {
	r := newRig(t, func(o *Options) { o.AllowedOrigins = []string{"https://game.example"} })
	a := r.do("GET", "/v1/modes", "ada", "", "Origin", "https://game.example")
	if a.header.Get("Access-Control-Allow-Origin") != "https://game.example" || a.header.Get("Vary") != "Origin" {
		t.Errorf("headers %v", a.header)
	}
	if a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("credentials are allowed")
	}
	a = r.do("OPTIONS", "/v1/players/me", "", "", "Origin", "https://game.example", "Access-Control-Request-Method", "PATCH")
	if a.status != 204 || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	a = r.do("GET", "/v1/modes", "ada", "", "Origin", "https://evil.example")
	if a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Vary") != "Origin" {
		t.Errorf("another origin: %v", a.header)
	}
}

func TestPagesGetWhatIsNotTheInterface(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	})
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/page", 200},
		{"GET", "/page/deep/", 200},
		{"HEAD", "/page", 200},
		{"POST", "/page", 404},
		{"GET", "/v1/page", 404},
		{"GET", "/v1", 404},
		{"GET", "/.well-known/page", 404},
		{"POST", "/healthz", 405},
	} {
		a := r.do(c.method, c.target, "", "")
		if a.status != c.status {
			t.Errorf("%s %s: %d", c.method, c.target, a.status)
		}
		if c.status == 200 && (a.header.Get("Content-Security-Policy") != "" || a.header.Get("Cache-Control") != "") {
			t.Errorf("%s: the page's own headers are decided for it: %v", c.target, a.header)
		}
	}
}

func TestMethodsThatAreAllowedAreNamed(t *testing.T) {
	r := newRig(t, nil)
	for target, want := range map[string]string{
		"/v1/players/me": "DELETE, GET, HEAD, PATCH", ticketPathOfAda: "DELETE, GET, HEAD", "/v1/auth/guest": "POST", "/openapi.json": "GET, HEAD",
	} {
		if a := r.do("PUT", target, "ada", ""); a.status != 405 || a.header.Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q", target, a.status, a.header.Get("Allow"))
		}
	}
}

func TestHEADOfARouteIsItsGETWithoutBody(t *testing.T) {
	r := newRig(t, nil)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	res, err := server.Client().Head(server.URL + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestTheSocketCanTakeTheConnectionOver(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Realtime = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close() //nolint:errcheck // the client sees whether all arrived
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\n\r\nours")
		})
	})
	server := httptest.NewServer(r.handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // all has been read by then
	if _, err := io.WriteString(conn, "GET /v1/realtime HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil || !strings.HasSuffix(string(all), "ours") {
		t.Errorf("got %q, %v", all, err)
	}
}

func TestMissingOptionsAreABugOfTheProgram(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a half-wired handler was built")
		}
	}()
	New(Options{})
}
