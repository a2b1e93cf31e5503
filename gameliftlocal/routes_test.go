package gameliftlocal

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
	"github.com/coder/websocket"

	"muster/gameliftlocal/wire"
)

func TestRoutes(t *testing.T) {
	o := Options{AcceptAnyKey: true}
	o.SNS.Key = signingKey()
	service, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { must(t, 0, service.Close()) }()
	for _, c := range []struct {
		name, method, path string
		status             int
		body               string
	}{
		{"not running yet", "GET", "/healthz", 503, "starting"},
		{"health takes no POST", "POST", "/healthz", 405, "not allowed"},
		{"the socket without an upgrade", "GET", "/game-server", 426, "WebSocket"},
		{"the socket with a slash", "GET", "/game-server/", 426, "WebSocket"},
		{"no certificate of this name", "GET", "/sns/none.pem", 404, "not found"},
		{"an unsigned call", "POST", "/service/GameLift/operation/ListFleets", 400, "MissingAuthenticationToken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			if strings.HasPrefix(c.path, "/service/") {
				r.Header.Set("smithy-protocol", "rpc-v2-cbor")
				r.Header.Set("Content-Type", "application/cbor")
			}
			w := httptest.NewRecorder()
			service.Handler().ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("status %d, body %q, want %d and %q", w.Code, w.Body, c.status, c.body)
			}
		})
	}
}

func TestOpenRefusesBadOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"a base URL of another scheme", Options{BaseURL: "ftp://host"}, "base url"},
		{"an endpoint that is no URL", Options{Subscriptions: map[string][]string{testTopic: {"nowhere"}}}, "nowhere"},
		{"a topic that is no ARN", Options{Subscriptions: map[string][]string{"topic": {"http://host/"}}}, "topic"},
	} {
		c.o.SNS.Key = signingKey()
		if _, err := Open(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// One match over real sockets, the way a program outside would use the service.
func TestAMatchOverRealSockets(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	succeeded, confirmed := make(chan receivedEvent, 1), make(chan struct{}, 1)
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		listenFor(r, eventSucceeded, succeeded, confirmed)
	}))
	defer backend.Close()
	o := Options{
		Data: t.TempDir(), StopGrace: time.Millisecond, BaseURL: base, Credentials: testCredentials, Subscriptions: map[string][]string{testTopic: {backend.URL}},
	}
	o.SNS.Key = signingKey()
	service, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: service.Handler()}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	<-confirmed

	h := &harness{t: t, ctx: t.Context(), service: service, http: http.DefaultClient}
	client := newClient(http.DefaultClient, "AKIDTEST", "secret")
	h.Client = gamelift.New(client.Options(), func(o *gamelift.Options) { o.BaseEndpoint = &base })
	site := h.makeSite(nil)
	h.makeMatchmaker("duel", duelRules, site, nil)
	game := dialGame(t, site)
	defer func() { _ = game.CloseNow() }()
	h.queueUp("duel", "t1", 1, "ada")
	h.queueUp("duel", "t2", 1, "bob")
	playGame(t, game)

	e := <-succeeded
	got := h.wantStatus("t1", types.MatchmakingConfigurationStatusCompleted)
	info := e.Detail["gameSessionInfo"].(map[string]any)
	if info["gameSessionArn"] != *got.GameSessionConnectionInfo.GameSessionArn || *got.GameSessionConnectionInfo.Port != 7777 {
		t.Errorf("event %s, ticket %+v", e.Raw, got)
	}
	_ = game.CloseNow()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// listenFor confirms subscriptions and passes on the first event of a kind.
func listenFor(r *http.Request, kind string, to chan<- receivedEvent, confirmed chan<- struct{}) {
	var m map[string]string
	var e receivedEvent
	if json.NewDecoder(r.Body).Decode(&m) != nil {
		return
	}
	if m["SubscribeURL"] != "" {
		if answer, err := http.Get(m["SubscribeURL"]); err == nil {
			_ = answer.Body.Close()
			confirmed <- struct{}{}
		}
		return
	}
	if json.Unmarshal([]byte(m["Message"]), &e) != nil || json.Unmarshal(e.Raw, &e.Detail) != nil || e.kind() != kind {
		return
	}
	select {
	case to <- e:
	default: // the first was enough
	}
}

func dialGame(t *testing.T, site testSite) *websocket.Conn {
	t.Helper()
	query := url.Values{
		"pID": {"process-1"}, "sdkVersion": {"5.5.0"}, "sdkLanguage": {"Go"}, "ComputeId": {testCompute},
		"FleetId": {site.fleetID}, "IdempotencyToken": {"once"}, "Authorization": {site.token},
	}
	conn, answer, err := websocket.Dial(t.Context(), site.endpoint+"/?"+query.Encode(), nil)
	if err != nil {
		if answer != nil {
			body, _ := io.ReadAll(answer.Body)
			t.Fatalf("dial: %v: %s", err, body)
		}
		t.Fatal(err)
	}
	sendGame(t, conn, frame{"Action": "ActivateServerProcess", "RequestId": "r1", "SdkVersion": "5.5.0", "SdkLanguage": "Go", "Port": 7777})
	sendGame(t, conn, frame{"Action": "HeartbeatServerProcess", "RequestId": "r2", "HealthStatus": true})
	return conn
}

// playGame waits for a session and activates it.
func playGame(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	for {
		_, body, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var f frame
		if err := json.Unmarshal(body, &f); err != nil {
			t.Fatal(err)
		}
		if f.text("Action") == "CreateGameSession" {
			sendGame(t, conn, frame{"Action": "ActivateGameSession", "RequestId": "r3", "GameSessionId": f.text("GameSessionId")})
			return
		}
	}
}

func sendGame(t *testing.T, conn *websocket.Conn, f frame) {
	t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, body); err != nil {
		t.Fatal(err)
	}
}

func TestOperationsAreAmazonsAndListedOnce(t *testing.T) {
	all := wire.OperationNames()
	seen := map[string]bool{}
	for _, name := range Operations() {
		if seen[name] || !slices.Contains(all, name) {
			t.Errorf("%s is listed twice, or is none of Amazon's", name)
		}
		seen[name] = true
	}
	for _, name := range strings.Fields("CreateFleet RegisterCompute StartMatchmaking StartMatchBackfill GetPlayerConnectionDetails") {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestAnOperationThatIsNotHereSaysSo(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		_, err := h.CreateBuild(h.ctx, &gamelift.CreateBuildInput{})
		refused[*types.InvalidRequestException](t, err, "CreateBuild is not available")
	})
}
