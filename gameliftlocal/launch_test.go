package gameliftlocal

import (
	"sync/atomic"
	"testing"
	"time"

	"muster/gameliftlocal/launcher"
)

func TestALauncherLearnsOfItsProcesses(t *testing.T) {
	var changes atomic.Int32
	inBubble(t, Options{ProcessChanged: func() { changes.Add(1) }}, func(h *harness) {
		site := h.makeSite(nil)
		o := h.service.LauncherOptions(site.fleetID, testCompute)
		if o.WebSocketURL != site.endpoint || o.HostID != testCompute || o.FleetID != site.fleetID {
			t.Errorf("options %+v", o)
		}
		token, err := o.Token(t.Context())
		if must(t, 0, err); token != site.token {
			t.Error("the launcher's token is not the compute's")
		}
		if got := o.Status("process-1"); got != launcher.Unseen {
			t.Errorf("a process that never came is %v", got)
		}
		server := h.ready(site, "process-1")
		if got := o.Status("process-1"); got != launcher.Spare {
			t.Errorf("an idle process is %v", got)
		}
		session := h.activeSession(site, nil)
		if got := o.Status("process-1"); got != launcher.Busy {
			t.Errorf("a hosting process is %v", got)
		}
		server.kill()
		o.Exited("process-1")
		if got := h.session(*session.GameSessionId).Status; got != "TERMINATED" {
			t.Errorf("the session of a process that exited is %s", got)
		}
		if got := o.Status("process-1"); got != launcher.Unseen {
			t.Errorf("an exited process is %v", got)
		}
		if changes.Load() == 0 {
			t.Error("ProcessChanged was never called")
		}
		if _, err := h.service.LauncherOptions(site.fleetID, "box-9").Token(t.Context()); err == nil {
			t.Error("a token for a compute that is not registered")
		}
		h.advance(time.Second)
	})
}
