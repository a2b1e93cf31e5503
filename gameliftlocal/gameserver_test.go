package gameliftlocal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"testing/synctest"

	"github.com/coder/websocket"
)

// gameServer is a game-server process that speaks the socket by hand.
type gameServer struct {
	h    *harness
	conn *websocket.Conn
	ctx  context.Context
	kill func() // drops the connection, as a crash does

	mu      sync.Mutex
	next    int
	answers map[string]chan frame
	pushes  []frame
	closed  bool
	// autoActivate makes it activate every session it is given.
	autoActivate bool
}

// frame is a message of the socket.
type frame map[string]any

func (f frame) text(key string) string {
	s, _ := f[key].(string)
	return s
}

// connect opens the socket of a new process; it is not ready yet.
func (h *harness) connect(site testSite, processID string) (*gameServer, error) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	query := url.Values{
		"pID": {processID}, "sdkVersion": {"5.5.0"}, "sdkLanguage": {"Go"}, "ComputeId": {testCompute},
		"FleetId": {site.fleetID}, "IdempotencyToken": {"once"}, "Authorization": {site.token},
	}
	conn, answer, err := websocket.Dial(ctx, site.endpoint+"?"+query.Encode(), &websocket.DialOptions{HTTPClient: h.http})
	if err != nil {
		cancel()
		if answer != nil {
			err = fmt.Errorf("status %d: %w", answer.StatusCode, err)
		}
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	g := &gameServer{h: h, conn: conn, ctx: ctx, answers: map[string]chan frame{}}
	g.kill = func() {
		_ = conn.CloseNow()
		cancel()
		synctest.Wait()
	}
	h.t.Cleanup(g.kill)
	go g.read()
	return g, nil
}

// ready starts a process that is idle when the call returns.
func (h *harness) ready(site testSite, processID string) *gameServer {
	h.t.Helper()
	g, err := h.connect(site, processID)
	if err != nil {
		h.t.Fatal(err)
	}
	g.autoActivate = true
	g.call("ActivateServerProcess", frame{"SdkVersion": "5.5.0", "SdkLanguage": "Go", "Port": 7777})
	g.call("HeartbeatServerProcess", frame{"HealthStatus": true})
	return g
}

func (g *gameServer) read() {
	for {
		_, body, err := g.conn.Read(g.ctx)
		if err != nil {
			g.mu.Lock()
			g.closed = true
			g.mu.Unlock()
			return
		}
		var f frame
		if json.Unmarshal(body, &f) != nil {
			continue
		}
		g.mu.Lock()
		waiting := g.answers[f.text("RequestId")]
		if waiting == nil {
			g.pushes = append(g.pushes, f)
		}
		activate := g.autoActivate
		g.mu.Unlock()
		switch {
		case waiting != nil:
			waiting <- f
		case activate && f.text("Action") == "CreateGameSession":
			go g.call("ActivateGameSession", frame{"GameSessionId": f.text("GameSessionId")})
		}
	}
}

// call sends a request and returns its answer.
func (g *gameServer) call(action string, fields frame) frame {
	g.h.t.Helper()
	g.mu.Lock()
	g.next++
	id := fmt.Sprintf("request-%d", g.next)
	answer := make(chan frame, 1)
	g.answers[id] = answer
	g.mu.Unlock()
	body := frame{"Action": action, "RequestId": id}
	for key, value := range fields {
		body[key] = value
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		g.h.t.Error(err)
		return frame{"Error": err.Error()}
	}
	if err := g.conn.Write(g.ctx, websocket.MessageText, encoded); err != nil {
		return frame{"Error": err.Error()}
	}
	select {
	case f := <-answer:
		return f
	case <-g.ctx.Done():
		return frame{"Error": "killed"}
	}
}

// pushed lists the pushes of an action so far.
func (g *gameServer) pushed(action string) []frame {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []frame
	for _, f := range g.pushes {
		if f.text("Action") == action {
			out = append(out, f)
		}
	}
	return out
}
