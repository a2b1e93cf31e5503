package hosting

import (
	"strings"
	"testing"
	"time"
)

func TestConnectRefusals(t *testing.T) {
	good := Hello{Process: "p1", Fleet: "fleet-a", Compute: "box", Token: "token1"}
	for _, c := range []struct {
		name   string
		change func(h *Hello, r *rig)
		want   any
	}{
		{"a good token is let in", func(*Hello, *rig) {}, nil},
		{"a verified signature needs no token", func(h *Hello, _ *rig) { h.Token, h.Verified = "", true }, nil},
		{"an unknown token", func(h *Hello, _ *rig) { h.Token = "token2" }, Forbidden},
		{"a token with something behind it", func(h *Hello, _ *rig) { h.Token += "x" }, Forbidden},
		{"no token", func(h *Hello, _ *rig) { h.Token = "" }, Forbidden},
		{"an expired token", func(_ *Hello, r *rig) { r.now = r.now.Add(3 * time.Hour) }, Forbidden},
		{"an unknown fleet", func(h *Hello, _ *rig) { h.Fleet = "fleet-x" }, Forbidden},
		{"an unknown compute", func(h *Hello, _ *rig) { h.Compute = "other" }, Forbidden},
		{"a token of another compute", func(h *Hello, r *rig) {
			r.compute("fleet-a", "custom-home", "other")
			h.Compute = "other"
		}, Forbidden},
		{"a fleet that is not active", func(_ *Hello, r *rig) {
			r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home"}})
		}, Forbidden},
		{"a compute that was deregistered", func(_ *Hello, r *rig) {
			r.want(r.w.DeregisterCompute(r.now, "fleet-a", "box"), nil)
		}, Forbidden},
		{"a process that has ended", func(h *Hello, r *rig) {
			r.want(r.w.Connect(r.now, *h), nil)
			r.want(r.w.Ending(r.now, "p1"), nil)
		}, Forbidden},
		{"a process that runs elsewhere", func(h *Hello, r *rig) {
			r.want(r.w.Connect(r.now, *h), nil)
			r.compute("fleet-a", "custom-home", "other")
			h.Compute, h.Verified = "other", true
		}, Forbidden},
		{"one process too many", func(h *Hello, r *rig) {
			r.want(r.w.Connect(r.now, *h), nil)
			h.Process = "p2"
		}, LimitExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{MaxProcesses: 1})
			if _, err := r.w.IssueToken(r.now, "fleet-a", "box"); err != nil {
				t.Fatal(err)
			}
			h := good
			c.change(&h, r)
			r.want(r.w.Connect(r.now, h), c.want)
		})
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t, Options{})
	first, err := r.w.IssueToken(r.now, "fleet-a", "box")
	r.want(err, nil)
	equal(t, "life", first.ExpiresAt.Sub(r.now), 3*time.Hour)
	r.pass(time.Hour)
	again, _ := r.w.IssueToken(r.now, "fleet-a", "box")
	equal(t, "the token while it is young", again, first)
	r.pass(time.Hour)
	second, _ := r.w.IssueToken(r.now, "fleet-a", "box")
	if second.Value == first.Value {
		t.Fatal("an old token was given out again")
	}
	r.want(r.w.Connect(r.now, Hello{Process: "p1", Fleet: "fleet-a", Compute: "box", Token: first.Value}), nil)
	_, err = r.w.IssueToken(r.now, "fleet-a", "nowhere")
	r.want(err, NotFound)
	_, err = r.w.IssueToken(r.now, "fleet-x", "box")
	r.want(err, NotFound)
}

func TestDefaultTokensAndIDsUseOnlyTheAlphabetOfTheModel(t *testing.T) {
	o := Options{}.withDefaults()
	for _, s := range []string{o.NewID(), o.NewToken()} {
		if len(s) < 26 || len(s) > 48 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			t.Fatalf("%q is not 26 to 48 characters of [A-Za-z0-9-]", s)
		}
	}
	for _, make := range []func() string{o.NewID, o.NewToken} {
		if first, second := make(), make(); first == second {
			t.Fatalf("%s repeats", first)
		}
	}
}

func TestAReadyProcessHostsOnlyOnceItsSDKKnows(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*rig)
		want int
	}{
		{"right after readiness it does not", func(*rig) {}, 0},
		{"its first health report shows it", func(r *rig) { r.alive("p1") }, 1},
		{"after the delay it is taken for granted", func(r *rig) { r.pass(250 * time.Millisecond) }, 1},
		{"not while it has no connection", func(r *rig) { r.alive("p1"); r.w.Disconnected(r.now, "p1") }, 0},
		{"again when it is back", func(r *rig) {
			r.alive("p1")
			r.w.Disconnected(r.now, "p1")
			r.connect("fleet-a", "box", "p1")
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.connect("fleet-a", "box", "p1")
			r.want(r.w.Ready(r.now, "p1", Readiness{Port: 7777, SDK: SDK{Language: "Go"}}), nil)
			c.do(r)
			equal(t, "idle", r.w.Idle("fleet-a", ""), c.want)
			equal(t, "idle here", r.w.Idle("fleet-a", "custom-home"), c.want)
			equal(t, "idle elsewhere", r.w.Idle("fleet-a", "custom-other"), 0)
		})
	}
}

func TestReadyRefusals(t *testing.T) {
	r := newRig(t, Options{})
	r.want(r.w.Ready(r.now, "p1", Readiness{Port: 1}), NotFound)
	r.connect("fleet-a", "box", "p1")
	r.want(r.w.Ready(r.now, "p1", Readiness{Port: 0}), Invalid)
	r.want(r.w.Ready(r.now, "p1", Readiness{Port: 65536}), Invalid)
	r.want(r.w.Ready(r.now, "p1", Readiness{Port: 65535}), nil)
	r.want(r.w.Ready(r.now, "p1", Readiness{Port: 65535}), Conflict)
}

func TestAProcessThatIsNeverReadyIsToldToEnd(t *testing.T) {
	r := newRig(t, Options{})
	r.connect("fleet-a", "box", "p1")
	r.take()
	r.pass(5*time.Minute - 1)
	equal(t, "early", len(only[FleetEvent](r)), 0)
	r.pass(1)
	effects := r.take()
	equal(t, "event", effects[0].(FleetEvent).Code, EventProcessReadyTimeout)
	equal(t, "push", effects[1], Effect(Push{At: r.now, Process: "p1", Message: TerminateProcess{TerminationAt: r.now.Add(5 * time.Minute)}}))
	r.want(r.w.Ready(r.now, "p1", Readiness{Port: 1}), Conflict)
	r.pass(5 * time.Minute)
	events := only[FleetEvent](r)
	equal(t, "forced", events[0].Code, EventProcessForceEnded)
	r.want(r.w.Heartbeat(r.now, "p1", true), NotFound)
}

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		name      string
		reports   string // g good, b bad, . silence for the budget
		unhealthy bool
	}{
		{"two bad reports are forgiven", "gbb", false},
		{"three bad reports in a row are not", "gbbb", true},
		{"a good report starts anew", "gbbgbb", false},
		{"three missing reports are like bad ones", "g...", true},
		{"two missing ones are forgiven", "g..g..", false},
		{"bad and missing add up", "gb.b", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.host("fleet-a", "box", "p1")
			s := r.active(1)
			r.take()
			for _, report := range c.reports {
				if report == '.' {
					r.pass(120 * time.Second)
					continue
				}
				r.pass(time.Second)
				r.want(r.w.Heartbeat(r.now, "p1", report == 'g'), nil)
			}
			effects := r.take()
			told, ended, events := 0, 0, 0
			for _, e := range effects {
				switch e := e.(type) {
				case Push:
					told++
				case SessionEnded:
					ended++
				case FleetEvent:
					equal(t, "code", e.Code, EventProcessUnhealthy)
					equal(t, "session", e.Session, s.ID)
					events++
				}
			}
			want := 0
			if c.unhealthy {
				want = 1
			}
			equal(t, "told to end, ended, events", []int{told, ended, events}, []int{want, want, want})
			equal(t, "status", r.session(s.ID).Status == SessionTerminated, c.unhealthy)
		})
	}
}

func TestReconnectWithinGraceLosesNothing(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(1)
	r.w.Disconnected(r.now, "p1")
	r.pass(3*time.Minute - 1)
	r.connect("fleet-a", "box", "p1")
	r.alive("p1")
	r.pass(time.Second)
	equal(t, "status", r.session(s.ID).Status, SessionActive)
	r.w.Disconnected(r.now, "unknown")

	r.take()
	r.w.Disconnected(r.now, "p1")
	r.pass(2 * time.Minute)
	r.w.Disconnected(r.now, "p1") // a failed try does not prolong the grace
	r.pass(time.Minute)
	events := only[FleetEvent](r)
	equal(t, "crash", events[len(events)-1].Code, EventProcessCrashed)
	equal(t, "status after the grace", r.session(s.ID).Status, SessionTerminated)
	_, known := r.w.Process("p1")
	equal(t, "known", known, false)
}

func TestExitIsACrashUnlessItWasAnnounced(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	r.host("fleet-a", "box", "p2")
	r.want(r.w.Ending(r.now, "p2"), nil)
	r.take()
	r.w.Exited(r.now, "p2")
	equal(t, "effects of the second exit", len(r.take()), 0)
	r.w.Exited(r.now, "p1")
	equal(t, "events", only[FleetEvent](r)[0].Code, EventProcessCrashed)
}

func TestEndingClosesSessionAndPlayers(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(2)
	reserved, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}, {PlayerID: "bob"}})
	r.want(err, nil)
	r.want(r.w.Accept(r.now, "p1", s.ID, reserved[0].ID), nil)
	r.want(r.w.Remove(r.now, "p1", s.ID, reserved[0].ID), nil)
	r.take()
	r.pass(time.Second)
	r.want(r.w.Ending(r.now, "p1"), nil)
	effects := r.take()
	if len(effects) != 3 {
		t.Fatalf("effects %+v", effects)
	}
	closed := effects[0].(PlayerSessionChanged).PlayerSession
	equal(t, "closed", closed.ID, reserved[1].ID)
	equal(t, "closed status", closed.Status, PlayerCompleted)
	ended := effects[1].(SessionEnded).Session
	equal(t, "ended", []any{ended.Status, ended.StatusReason, ended.EndedAt, ended.Players}, []any{SessionTerminated, "", r.now, 0})
	equal(t, "process", effects[2].(ProcessChanged).Process.State, ProcessEnded)
	r.want(r.w.Ending(r.now, "p1"), NotFound)
}

func TestDeregisteringAComputeEndsWhatItRuns(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*rig) error
	}{
		{"by deregistering the compute", func(r *rig) error { return r.w.DeregisterCompute(r.now, "fleet-a", "box") }},
		{"by removing the fleet", func(r *rig) error { return r.w.RemoveFleet(r.now, "fleet-a") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.host("fleet-a", "box", "p1")
			s := r.active(1)
			r.host("fleet-a", "box", "p2")
			r.take()
			r.want(c.end(r), nil)
			equal(t, "told to end", len(pushes[TerminateProcess](r)), 2)
			equal(t, "session", r.session(s.ID).Status, SessionTerminated)
			equal(t, "idle", r.w.Idle("fleet-a", ""), 0)
			r.want(c.end(r), NotFound)
			r.want(r.w.Ending(r.now, "p1"), nil)
			r.pass(5 * time.Minute)
			_, known := r.w.Process("p2")
			equal(t, "known after its time to end", known, false)
		})
	}
}

func TestConnectionsAreRefreshedBeforeTheirTokenExpires(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	until := func(at time.Duration) {
		for r.now.Before(epoch.Add(at)) {
			r.alive("p1")
			r.pass(min(time.Minute, epoch.Add(at).Sub(r.now)))
		}
	}
	until(2*time.Hour + 45*time.Minute - 1)
	equal(t, "early", len(pushes[RefreshConnection](r)), 0)
	r.pass(1)
	got := pushes[RefreshConnection](r)
	equal(t, "refreshed", got, []RefreshConnection{{AuthToken: "token2"}})
	r.pass(time.Minute)
	equal(t, "repeated", len(pushes[RefreshConnection](r)), 1)
	r.want(r.w.Connect(r.now, Hello{Process: "p1", Fleet: "fleet-a", Compute: "box", Token: "token2"}), nil)
	until(3 * time.Hour)
	equal(t, "after the reconnect", len(pushes[RefreshConnection](r)), 0)

	r.want(r.w.Refresh(r.now, "p1"), nil)
	equal(t, "on demand", len(pushes[RefreshConnection](r)), 1)
	r.want(r.w.Refresh(r.now, "p9"), NotFound)
}

func TestListsOfProcessesAndComputes(t *testing.T) {
	r := newRig(t, Options{})
	r.compute("fleet-a", "custom-home", "alpha")
	r.connect("fleet-a", "box", "p2")
	r.pass(time.Second)
	r.connect("fleet-a", "alpha", "p1")
	var names []string
	for _, p := range r.w.Processes("fleet-a") {
		names = append(names, string(p.ID)+" on "+p.Compute+" "+p.State.String())
	}
	for _, c := range r.w.Computes("fleet-a", "custom-home") {
		names = append(names, c.Name)
	}
	equal(t, "names", names, []string{"p2 on box INITIALIZED", "p1 on alpha INITIALIZED", "alpha", "box"})
	equal(t, "elsewhere", len(r.w.Computes("fleet-a", "custom-x")), 0)
	equal(t, "unknown fleet", len(r.w.Computes("fleet-x", ""))+len(r.w.Processes("fleet-x")), 0)
}

func TestRegisterComputeRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Compute)
		want   any
	}{
		{"a good one", func(*Compute) {}, nil},
		{"an address by name alone", func(c *Compute) { c.IPAddress, c.DNSName = "", "box.local" }, nil},
		{"an unknown fleet", func(c *Compute) { c.Fleet = "fleet-x" }, Invalid},
		{"a location that is not the fleet's", func(c *Compute) { c.Location = "custom-x" }, Invalid},
		{"no address", func(c *Compute) { c.IPAddress = "" }, Invalid},
		{"a name that is taken", func(c *Compute) { c.Name = "box" }, Conflict},
		{"a fleet that is not active", func(c *Compute) { c.Fleet = "fleet-idle" }, NotReady},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.w.PutFleet(r.now, Fleet{ID: "fleet-idle", Locations: []string{"custom-home"}})
			in := Compute{Fleet: "fleet-a", Location: "custom-home", Name: "new", IPAddress: "127.0.0.1"}
			c.change(&in)
			out, err := r.w.RegisterCompute(r.now, in)
			r.want(err, c.want)
			if err == nil {
				equal(t, "registered at", out.RegisteredAt, epoch)
				got, _ := r.w.ComputeOf(in.Fleet, in.Name)
				equal(t, "compute", got, out)
			}
		})
	}
}
