package hosting

import (
	"cmp"
	"slices"
	"time"
)

type process struct {
	Process
	compute    *compute
	session    *session // what it hosts; nil: nothing
	serial     uint64
	settled    bool // the SDK is known, or taken, to have noted its readiness
	badReports int  // consecutive
	idleAt     time.Time
	tokenEnds  time.Time // zero: it did not use a token
}

// Hello is what a process says when it connects.
type Hello struct {
	Process ProcessID
	Fleet   FleetID
	Compute string
	Token   string
	// Verified says that the caller has checked a signature, so no token is needed.
	Verified bool
	SDK      SDK
}

// Connect lets a process in, for the first time or again; the new connection
// replaces an older one. Forbidden: a bad or expired token, a fleet that is unknown or
// not active, a compute that is not registered, an id whose process has ended or runs
// elsewhere. LimitExceeded: too many processes.
func (w *World) Connect(now time.Time, h Hello) error {
	w.Advance(now)
	defer w.place()
	f, c, err := w.compute(h.Fleet, h.Compute)
	switch {
	case err != nil:
		return refuse(Forbidden, "%s", err.Error())
	case !f.Active:
		return refuse(Forbidden, "fleet %s is not active", h.Fleet)
	}
	token, ok := w.verify(c, h.Token)
	if !ok && !h.Verified {
		return refuse(Forbidden, "the auth token is not one of compute %s, or it has expired", h.Compute)
	}
	if w.burnt[h.Process] {
		return refuse(Forbidden, "process %s has ended: a process id must be unique between executions", h.Process)
	}
	p, ok := w.processes[h.Process]
	switch {
	case !ok && len(w.processes) >= w.options.MaxProcesses:
		return refuse(LimitExceeded, "too many processes are connected (%d)", len(w.processes))
	case !ok:
		p = w.addProcess(h, c)
	case p.compute != c:
		return refuse(Forbidden, "process %s runs on another compute", h.Process)
	}
	p.tokenEnds = token.ExpiresAt
	w.timers.clear(p.timer(timerRefresh))
	if !p.tokenEnds.IsZero() {
		w.timers.set(p.timer(timerRefresh), p.tokenEnds.Add(-w.options.TokenLife/refreshFraction))
	}
	w.setConnected(p, true)
	return nil
}

func (w *World) addProcess(h Hello, c *compute) *process {
	p := &process{
		Process: Process{
			ID: h.Process, Fleet: h.Fleet, Compute: h.Compute, Location: c.Location,
			SDK: h.SDK, ConnectedAt: w.now,
		},
		compute: c,
		serial:  w.nextSerial(),
	}
	w.processes[p.ID] = p
	c.processes[p.ID] = p
	w.timers.set(p.timer(timerReady), w.now.Add(w.options.ReadyTimeout))
	return p
}

func (w *World) setConnected(p *process, connected bool) {
	w.timers.clear(p.timer(timerLost))
	if p.Connected == connected {
		return
	}
	p.Connected = connected
	w.indexIdle(p)
	w.changed(p)
}

// Disconnected tells that the newest connection of a process is gone. The process
// has ReconnectGrace to come back; unknown ones are ignored.
func (w *World) Disconnected(now time.Time, id ProcessID) {
	w.Advance(now)
	p, ok := w.processes[id]
	if !ok || !p.Connected {
		return
	}
	w.setConnected(p, false)
	w.timers.set(p.timer(timerLost), w.now.Add(w.options.ReconnectGrace))
}

func (w *World) connectionLost(p *process) { w.crash(p, "did not reconnect") }

// Exited tells that the operating system saw a process end. One that had not said
// so has crashed; unknown ones are ignored.
func (w *World) Exited(now time.Time, id ProcessID) {
	w.Advance(now)
	defer w.place()
	if p, ok := w.processes[id]; ok {
		w.crash(p, "exited without ProcessEnding")
	}
}

func (w *World) crash(p *process, how string) {
	if p.State != ProcessTerminating {
		w.event(p, EventProcessCrashed, "server process "+string(p.ID)+" "+how)
	}
	w.end(p)
}

// Readiness is what ProcessReady tells.
type Readiness struct {
	Port     int // 1 to 65535
	LogPaths []string
	SDK      SDK
}

// Ready makes a process eligible to host. Conflict: it said so before. Invalid: a
// port that players cannot reach.
func (w *World) Ready(now time.Time, id ProcessID, r Readiness) error {
	w.Advance(now)
	defer w.place()
	p, err := w.live(id)
	switch {
	case err != nil:
		return err
	case p.State != ProcessInitialized:
		return refuse(Conflict, "process %s has already called ProcessReady", id)
	case r.Port < 1 || r.Port > 65535:
		return refuse(Invalid, "port %d is not between 1 and 65535", r.Port)
	}
	p.State, p.ReadyAt = ProcessReady, w.now
	p.Port, p.LogPaths, p.SDK = r.Port, slices.Clone(r.LogPaths), r.SDK
	w.timers.clear(p.timer(timerReady))
	w.timers.set(p.timer(timerSettle), w.now.Add(w.options.SettleDelay))
	w.timers.set(p.timer(timerHeartbeat), w.now.Add(w.options.HeartbeatBudget))
	w.changed(p)
	return nil
}

// settled lets a ready process host.
func (w *World) settled(p *process) {
	if p.settled {
		return
	}
	w.timers.clear(p.timer(timerSettle))
	p.settled, p.idleAt = true, w.now
	w.indexIdle(p)
	w.changed(p)
}

// Heartbeat records a health report. The third bad one in a row ends the session and
// tells the process to end. Reports before ProcessReady count for nothing.
func (w *World) Heartbeat(now time.Time, id ProcessID, healthy bool) error {
	w.Advance(now)
	defer w.place()
	p, err := w.live(id)
	if err != nil {
		return err
	}
	if p.State != ProcessReady {
		return nil
	}
	w.settled(p)
	w.report(p, healthy)
	return nil
}

func (w *World) reportMissing(p *process) { w.report(p, false) }

func (w *World) report(p *process, healthy bool) {
	w.timers.set(p.timer(timerHeartbeat), w.now.Add(w.options.HeartbeatBudget))
	if healthy {
		p.badReports = 0
		return
	}
	p.badReports++
	if p.badReports < badReportsToEnd {
		return
	}
	w.event(p, EventProcessUnhealthy, "server process "+string(p.ID)+" was unhealthy in three reports in a row")
	if p.session != nil {
		w.endSession(p.session, "")
	}
	w.terminate(p)
}

func (w *World) neverReady(p *process) {
	w.event(p, EventProcessReadyTimeout, "server process "+string(p.ID)+" did not call ProcessReady in time")
	w.terminate(p)
}

// Ending ends a process at its own wish, with its session.
func (w *World) Ending(now time.Time, id ProcessID) error {
	w.Advance(now)
	defer w.place()
	p, err := w.live(id)
	if err != nil {
		return err
	}
	w.end(p)
	return nil
}

// Process is a process that has not ended.
func (w *World) Process(id ProcessID) (Process, bool) {
	p, ok := w.processes[id]
	if !ok {
		return Process{}, false
	}
	return p.view(), true
}

// Processes lists the processes of a fleet that have not ended, oldest first.
func (w *World) Processes(id FleetID) []Process {
	var out []Process
	f, ok := w.fleets[id]
	if !ok {
		return nil
	}
	for _, c := range f.computes {
		for _, p := range c.processes {
			out = append(out, p.view())
		}
	}
	slices.SortFunc(out, func(a, b Process) int {
		return cmp.Or(a.ConnectedAt.Compare(b.ConnectedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Idle counts the processes of a fleet that could host a session now; a location
// other than "" narrows.
func (w *World) Idle(id FleetID, location string) int {
	n := 0
	for at, set := range w.idle {
		if at.fleet == id && (location == "" || at.location == location) {
			n += len(set)
		}
	}
	return n
}

func (p *process) view() Process {
	out := p.Process
	out.LogPaths = slices.Clone(out.LogPaths)
	return out
}

func (p *process) timer(kind timerKind) timerKey { return timerKey{kind, string(p.ID)} }

func (p *process) site() site { return site{p.Fleet, p.Location} }

// live finds a process that has not ended.
func (w *World) live(id ProcessID) (*process, error) {
	p, ok := w.processes[id]
	if !ok {
		return nil, refuse(NotFound, "process %s does not exist or has ended", id)
	}
	return p, nil
}

func (w *World) changed(p *process) { w.emit(ProcessChanged{At: w.now, Process: p.view()}) }

func (w *World) push(p *process, m Message) { w.emit(Push{At: w.now, Process: p.ID, Message: m}) }

func (w *World) event(p *process, code EventCode, message string) {
	w.emit(FleetEvent{At: w.now, Fleet: p.Fleet, Code: code, Message: message, Process: p.ID, Session: p.Session})
}

// indexIdle puts a process into the index of idle ones or takes it out.
func (w *World) indexIdle(p *process) {
	at := p.site()
	f, ok := w.fleets[p.Fleet]
	if ok && f.Active && p.State == ProcessReady && p.settled && p.Connected && p.session == nil {
		if w.idle[at] == nil {
			w.idle[at] = map[ProcessID]*process{}
		}
		w.idle[at][p.ID] = p
		w.wake = true
		return
	}
	delete(w.idle[at], p.ID)
	if len(w.idle[at]) == 0 {
		delete(w.idle, at)
	}
}

// terminate tells a process to end; it is dropped when it does not. Its session, if
// it has one, goes on until then.
func (w *World) terminate(p *process) {
	if p.State >= ProcessTerminating {
		return
	}
	p.State = ProcessTerminating
	for _, kind := range []timerKind{timerReady, timerSettle, timerHeartbeat, timerRefresh} {
		w.timers.clear(p.timer(kind))
	}
	at := w.now.Add(w.options.TerminationGrace)
	w.timers.set(p.timer(timerKill), at)
	w.indexIdle(p)
	w.push(p, TerminateProcess{TerminationAt: at})
	w.changed(p)
}

func (w *World) forceEnd(p *process) {
	w.event(p, EventProcessForceEnded, "server process "+string(p.ID)+" did not end when told")
	w.end(p)
}

// end forgets a process, closes its session and burns its id.
func (w *World) end(p *process) {
	if p.session != nil {
		w.endSession(p.session, p.session.StatusReason)
	}
	for kind := range timerRetention {
		w.timers.clear(p.timer(kind))
	}
	p.State, p.Connected = ProcessEnded, false
	w.indexIdle(p)
	delete(w.processes, p.ID)
	delete(p.compute.processes, p.ID)
	w.burn(p.ID)
	w.changed(p)
}

func (w *World) burn(id ProcessID) {
	w.burnt[id] = true
	w.burntIDs = append(w.burntIDs, id)
	if len(w.burntIDs) > maxBurntIDs {
		delete(w.burnt, w.burntIDs[0])
		w.burntIDs = w.burntIDs[1:]
	}
}

// refresh asks a process to reconnect with a newer token, and again until it does or
// its old token is dead.
func (w *World) refresh(p *process) {
	w.push(p, RefreshConnection{AuthToken: w.issue(p.compute).Value})
	if again := w.now.Add(refreshEvery); again.Before(p.tokenEnds) {
		w.timers.set(p.timer(timerRefresh), again)
	}
}

// Refresh asks a process to reconnect with a new token now, as the service may at
// any time. NotFound: the process does not exist or has ended.
func (w *World) Refresh(now time.Time, id ProcessID) error {
	w.Advance(now)
	p, err := w.live(id)
	if err != nil {
		return err
	}
	w.push(p, RefreshConnection{AuthToken: w.issue(p.compute).Value})
	return nil
}
