package serversdk

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model"
	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model/request"
	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/server"

	"muster/gameliftlocal/hosting"
)

// childVariable makes this test binary a game server: the official SDK allows one
// instance per operating-system process.
const childVariable = "MUSTER_TEST_GAME_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		playGameServer(os.Stdin, os.Stdout)
		return
	}
	os.Exit(m.Run())
}

// playGameServer reads commands, a line each, and answers each with "ok ..." or "error
// ...". What the service pushes appears as lines of its own.
func playGameServer(in io.Reader, out io.Writer) {
	lines := bufio.NewScanner(in)
	healthy := make(chan bool, 1)
	healthy <- true
	for lines.Scan() {
		text, err := obey(strings.Fields(lines.Text()), out, healthy)
		if err != nil {
			_, _ = fmt.Fprintf(out, "error %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		_, _ = fmt.Fprintf(out, "ok %s\n", text)
	}
}

func obey(words []string, out io.Writer, healthy chan bool) (string, error) {
	argument := strings.Join(words[1:], " ")
	switch words[0] {
	case "init":
		return "", server.InitSDK(server.ServerParameters{})
	case "ready":
		port, _ := strconv.Atoi(argument)
		return "", server.ProcessReady(callbacks(port, out, healthy))
	case "health":
		<-healthy
		healthy <- argument == "good"
		return "", nil
	case "activate":
		return "", server.ActivateGameSession()
	case "accept":
		return "", server.AcceptPlayerSession(argument)
	case "remove":
		return "", server.RemovePlayerSession(argument)
	case "deny":
		policy := model.DenyAll
		return "", server.UpdatePlayerSessionCreationPolicy(policy)
	case "describe":
		r := request.NewDescribePlayerSessions()
		r.GameSessionID, r.Limit = argument, 10
		result, err := server.DescribePlayerSessions(r)
		return encoded(result), err
	case "certificate":
		result, err := server.GetComputeCertificate()
		return encoded(result), err
	case "credentials":
		r := request.NewGetFleetRoleCredentials()
		r.RoleArn, r.RoleSessionName = "arn:aws:iam::1:role/x", "name"
		result, err := server.GetFleetRoleCredentials(r)
		return encoded(result), err
	case "backfill":
		id, _ := server.GetGameSessionID()
		r := request.NewStartMatchBackfill(id, "arn:aws:gamelift:us-west-2:123456789012:matchmakingconfiguration/duel",
			[]model.Player{{PlayerID: "ann", PlayerAttributes: map[string]model.AttributeValue{"skill": model.MakeAttributeValue(5.0)}}})
		result, err := server.StartMatchBackfill(r)
		return encoded(result), err
	case "ending":
		return "", server.ProcessEnding()
	case "destroy":
		return "", server.Destroy()
	}
	return "", fmt.Errorf("unknown command %q", words[0])
}

func callbacks(port int, out io.Writer, healthy chan bool) server.ProcessParameters {
	return server.ProcessParameters{
		Port: port,
		OnStartGameSession: func(s model.GameSession) {
			_, _ = fmt.Fprintf(out, "started %s\n", encoded(s))
		},
		OnUpdateGameSession: func(u model.UpdateGameSession) {
			_, _ = fmt.Fprintf(out, "updated %s\n", encoded(u))
		},
		OnProcessTerminate: func() {
			at, _ := server.GetTerminationTime()
			_, _ = fmt.Fprintf(out, "terminate %d\n", at)
		},
		OnHealthCheck: func() bool {
			good := <-healthy
			healthy <- good
			return good
		},
		LogParameters: server.LogParameters{LogPaths: []string{"/logs/game"}},
	}
}

func encoded(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// child is a game server with the official SDK, in its own process.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.Writer
	lines chan string
}

func startChild(t *testing.T, b *backend, process string, env ...string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1",
		"GAMELIFT_SDK_WEBSOCKET_URL="+b.url(), "GAMELIFT_SDK_PROCESS_ID="+process,
		"GAMELIFT_SDK_HOST_ID=box", "GAMELIFT_SDK_FLEET_ID=fleet-1",
		"HEALTHCHECK_INTERVAL=100ms", "HEALTHCHECK_MAX_JITTER=10ms",
		"DISCONNECT_WEBSOCKET_TIMEOUT=100ms")
	cmd.Env = append(cmd.Env, env...)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	c := &child{t: t, cmd: cmd, in: in, lines: make(chan string, 100)}
	go func() {
		defer close(c.lines)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 4<<20) // a line may hold a whole GameSessionData
		for s.Scan() {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // may have ended by itself
		_ = cmd.Wait()
	})
	return c
}

// startTokenChild starts a child that has a token, initialised.
func startTokenChild(t *testing.T, b *backend, process string) *child {
	t.Helper()
	c := startChild(t, b, process, "GAMELIFT_SDK_AUTH_TOKEN="+b.token)
	c.tell("init", "ok")
	return c
}

// tell gives a command and waits for the line that answers it.
func (c *child) tell(command, want string) string {
	c.t.Helper()
	_, err := fmt.Fprintln(c.in, command)
	must(c.t, err)
	return c.expect(want)
}

// expect waits for a line that begins with want and gives the rest. Lines of the SDK's
// own log are skipped, an "error" that is not wanted ends the test.
func (c *child) expect(want string) string {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-c.lines:
			if rest, found := strings.CutPrefix(line, want); found {
				return strings.TrimSpace(rest)
			}
			if !ok || strings.HasPrefix(line, "error ") {
				c.t.Fatalf("waiting for %q: %q", want, line)
			}
		case <-deadline:
			c.t.Fatalf("waiting for %q", want)
		}
	}
}

func TestTheOfficialSDKPlaysASession(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	c := startTokenChild(t, b, "proc-1")
	c.tell("ready 7777", "ok")
	b.until("the process as it described itself", func(w *hosting.World) bool {
		p, ok := w.Process("proc-1")
		return ok && p.Port == 7777 && p.SDK.Language == "Go" && p.SDK.Version == "5.5.0" && p.LogPaths[0] == "/logs/game"
	})
	s := b.session(hosting.SessionRequest{
		MaxPlayers: 2, Name: "the name", Data: strings.Repeat("d", 262144), Properties: []hosting.Property{{Key: "map", Value: "moon"}},
	})
	var started model.GameSession
	must(t, json.Unmarshal([]byte(c.expect("started")), &started))
	if started.GameSessionID != string(s.ID) || started.Name != "the name" || len(started.GameSessionData) != 262144 ||
		started.GameProperties["map"] != "moon" || started.Port != 7777 || started.IPAddress != "127.0.0.1" || started.FleetID != "fleet-1" {
		t.Fatalf("started %+v", started)
	}
	c.tell("activate", "ok")
	b.active(s.ID)

	var seats []hosting.PlayerSession
	b.do(func(w *hosting.World, now time.Time) {
		var err error
		seats, err = w.Reserve(now, s.ID, []hosting.NewPlayer{{PlayerID: "ann", Data: "x"}, {PlayerID: "bob"}})
		must(t, err)
	})
	c.tell("accept "+string(seats[0].ID), "ok")
	c.tell("accept "+string(seats[0].ID), "error")
	c.tell("accept psess-invented", "error")
	described := c.tell("describe "+string(s.ID), "ok")
	for _, want := range []string{`"Status":"ACTIVE"`, `"Status":"RESERVED"`, `"PlayerData":"x"`, strconv.FormatInt(seats[0].CreatedAt.UnixMilli(), 10)} {
		if !strings.Contains(described, want) {
			t.Fatalf("described %s, want %s", described, want)
		}
	}
	c.tell("remove "+string(seats[0].ID), "ok")
	c.tell("deny", "ok")
	b.until("the session as the server left it", func(w *hosting.World) bool {
		s, _ := w.SessionByID(s.ID)
		return s.Players == 1 && s.CreationPolicy == hosting.DenyAll
	})
	if got := c.tell("certificate", "ok"); got != `{"CertificatePath":"/certs/box.pem","ComputeName":"box"}` {
		t.Fatalf("certificate %s", got)
	}
	c.tell("credentials", "error") // the SDK's way to say that an Anywhere fleet has none
	c.tell("ending", "ok")
	c.tell("destroy", "ok")
	b.until("the end of the session", func(w *hosting.World) bool {
		ended, _ := w.SessionByID(s.ID)
		_, known := w.Process("proc-1")
		return ended.Status == hosting.SessionTerminated && ended.Players == 0 && !known
	})
	if conn, status, _ := b.dial("", b.query("proc-1")); conn != nil || status != 403 {
		t.Fatalf("the process id was accepted again: %d", status)
	}
}

func TestTheOfficialSDKSignsIn(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"with a key":           {"GAMELIFT_REGION=us-west-2", "GAMELIFT_ACCESS_KEY=AKIALOCAL", "GAMELIFT_SECRET_KEY=local-secret"},
		"with a session token": {"GAMELIFT_REGION=us-west-2", "GAMELIFT_ACCESS_KEY=AKIALOCAL", "GAMELIFT_SECRET_KEY=local-secret", "GAMELIFT_SESSION_TOKEN=abc/+="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, nil)
			c := startChild(t, b, "proc-1", env...)
			c.tell("init", "ok")
			c.tell("ready 7777", "ok")
			b.until("idle", func(w *hosting.World) bool { return w.Idle("fleet-1", "") == 1 })
		})
	}
}

func TestTheOfficialSDKHearsOfBackfill(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	c := startTokenChild(t, b, "proc-1")
	c.tell("ready 7777", "ok")
	s := b.session(hosting.SessionRequest{})
	c.expect("started")
	c.tell("activate", "ok")
	c.tell("backfill", "error") // the World alone has no matchmaker
	b.mu.Lock()
	last, ok := b.handled[len(b.handled)-1].(*StartMatchBackfill)
	for i := len(b.handled) - 1; i >= 0 && !ok; i-- { // health reports may have followed
		last, ok = b.handled[i].(*StartMatchBackfill)
	}
	b.mu.Unlock()
	skill := last.Players[0].PlayerAttributes["skill"]
	if last.GameSessionArn != s.ID || last.Players[0].PlayerId != "ann" || skill.AttrType != "DOUBLE" || skill.N != 5 {
		t.Fatalf("backfill request %+v", last)
	}
	b.do(func(w *hosting.World, now time.Time) {
		must(t, w.TellBackfill(now, s.ID, hosting.Backfill{TicketID: "t1", Reason: hosting.MatchmakingDataUpdated, MatchmakerData: "{}"}))
	})
	updated := c.expect("updated")
	for _, want := range []string{`"BackfillTicketId":"t1"`, `"UpdateReason":"MATCHMAKING_DATA_UPDATED"`, `"MatchmakerData":"{}"`, string(s.ID)} {
		if !strings.Contains(updated, want) {
			t.Fatalf("updated %s, want %s", updated, want)
		}
	}
}

func TestTheOfficialSDKThatReportsBadHealthIsToldToEnd(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	c := startTokenChild(t, b, "proc-1")
	c.tell("ready 7777", "ok")
	s := b.session(hosting.SessionRequest{})
	c.expect("started")
	c.tell("activate", "ok")
	c.tell("health bad", "ok")
	at, err := strconv.ParseInt(c.expect("terminate"), 10, 64)
	must(t, err)
	if left := time.Until(time.Unix(at, 0)); left < 4*time.Minute || left > 5*time.Minute {
		t.Fatalf("it has %v to end", left)
	}
	b.until("the end of the session", func(w *hosting.World) bool {
		s, _ := w.SessionByID(s.ID)
		return s.Status == hosting.SessionTerminated
	})
	c.tell("ending", "ok")
}

func TestTheOfficialSDKRefreshesWithoutLosingItsSession(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	c := startTokenChild(t, b, "proc-1")
	c.tell("ready 7777", "ok")
	s := b.session(hosting.SessionRequest{})
	c.expect("started")
	b.do(func(w *hosting.World, now time.Time) { must(t, w.Refresh(now, "proc-1")) })
	b.untilConnections("proc-1", 2)
	c.tell("activate", "ok") // may stall while the SDK drains the old connection
	b.active(s.ID)
	b.until("still connected", func(w *hosting.World) bool { p, _ := w.Process("proc-1"); return p.Connected })
}

func TestAKilledServerIsDisconnectedAndEndsAsACrash(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	c := startTokenChild(t, b, "proc-1")
	c.tell("ready 7777", "ok")
	s := b.session(hosting.SessionRequest{})
	c.expect("started")
	c.tell("activate", "ok")
	must(t, c.cmd.Process.Kill())
	b.until("disconnected", func(w *hosting.World) bool { p, _ := w.Process("proc-1"); return !p.Connected })
	b.do(func(w *hosting.World, now time.Time) {
		b.offset += 3 * time.Minute
		w.Advance(now.Add(3 * time.Minute))
	})
	b.until("the end of the session", func(w *hosting.World) bool {
		s, _ := w.SessionByID(s.ID)
		return s.Status == hosting.SessionTerminated
	})
}

func TestTheOfficialSDKReconnectsWhenTheServiceDropsIt(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	c := startTokenChild(t, b, "proc-1")
	c.tell("ready 7777", "ok")
	b.until("idle", func(w *hosting.World) bool { return w.Idle("fleet-1", "") == 1 })
	b.dropAll()
	b.untilConnections("proc-1", 2)
	s := b.session(hosting.SessionRequest{})
	c.expect("started")
	c.tell("activate", "ok")
	b.active(s.ID)
}

// dropAll drops every connection, as a lost network does.
func (b *backend) dropAll() {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	for l := range b.server.links {
		l.cancel()
	}
}

// untilConnections waits until a process has been let in so many times.
func (b *backend) untilConnections(id hosting.ProcessID, times int) {
	b.t.Helper()
	b.until("another connection", func(*hosting.World) bool { return b.connects[id] >= times })
}
