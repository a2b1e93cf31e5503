package hosting

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// walk is a random life of a world. It keeps what the invariants need from the
// effects alone, as a caller would.
type walk struct {
	w         *World
	now       time.Time
	processes []ProcessID
	serial    int
	starts    map[PlacementID]bool
	ends      map[PlacementID]int
	sessions  map[SessionID]SessionStatus
	reserved  map[PlayerSessionID]time.Time
	log       []Effect
}

func newWalk() *walk {
	ids := 0
	newID := func() string { ids++; return fmt.Sprint("x", ids) }
	k := &walk{
		w:   New(Options{NewID: newID, NewToken: newID, MaxRetained: 50}),
		now: epoch, starts: map[PlacementID]bool{}, ends: map[PlacementID]int{},
		sessions: map[SessionID]SessionStatus{}, reserved: map[PlayerSessionID]time.Time{},
	}
	for _, f := range []FleetID{"fleet-a", "fleet-b"} {
		k.w.PutFleet(k.now, Fleet{ID: f, Locations: []string{"custom-1", "custom-2"}, Active: true, MaxConcurrentActivations: 2, ActivationTimeout: 40 * time.Second})
		for _, l := range []string{"custom-1", "custom-2"} {
			_, _ = k.w.RegisterCompute(k.now, Compute{Fleet: f, Location: l, Name: "c-" + l, IPAddress: "127.0.0.1"})
		}
	}
	k.w.PutQueue(k.now, Queue{
		Name: "q", Destinations: []string{"fleet-a", "fleet-b"}, Timeout: time.Minute,
		LatencyPolicies: []LatencyPolicy{{50, 20 * time.Second}, {100, 0}},
	})
	return k
}

// op is one random step, drawn first and performed later, so that two worlds can be
// given the same ones.
type op struct {
	Kind, A, B int
	Wait       time.Duration
}

const opKinds = 16

var opGen = rapid.Custom(func(t *rapid.T) op {
	return op{
		Kind: rapid.IntRange(0, opKinds-1).Draw(t, "kind"),
		A:    rapid.IntRange(0, 30).Draw(t, "a"),
		B:    rapid.IntRange(0, 5).Draw(t, "b"),
		Wait: time.Duration(rapid.IntRange(0, 45_000).Draw(t, "wait")) * time.Millisecond,
	}
})

// do performs a step. Errors are part of life here: most steps are sometimes wrong.
func (k *walk) do(o op) {
	k.now = k.now.Add(o.Wait / 3)
	k.w.Advance(k.now) // the step reads before it writes
	fleet := []FleetID{"fleet-a", "fleet-b"}[o.A%2]
	location := []string{"custom-1", "custom-2"}[o.B%2]
	process := k.process(o.A)
	session := k.session(o.A)
	switch o.Kind {
	case 0, 1, 2:
		k.serial++
		id := ProcessID(fmt.Sprint("p", k.serial))
		_ = k.w.Connect(k.now, Hello{Process: id, Fleet: fleet, Compute: "c-" + location, Verified: true})
		_ = k.w.Ready(k.now, id, Readiness{Port: 7000 + o.A})
		k.processes = append(k.processes, id)
	case 3:
		_ = k.w.Heartbeat(k.now, process, o.B > 0)
	case 4:
		for _, id := range k.processes {
			_ = k.w.Heartbeat(k.now, id, true)
		}
	case 5:
		k.w.Disconnected(k.now, process)
	case 6:
		if p, ok := k.w.Process(process); ok {
			_ = k.w.Connect(k.now, Hello{Process: process, Fleet: p.Fleet, Compute: p.Compute, Verified: true})
		}
	case 7:
		_ = k.w.Ending(k.now, process)
	case 8:
		_, _ = k.w.CreateSession(k.now, SessionRequest{Fleet: fleet, Location: location, MaxPlayers: o.B})
	case 9, 10:
		if p, ok := k.w.Process(process); ok {
			_ = k.w.Activate(k.now, process, p.Session)
		}
	case 11:
		_, _ = k.w.Reserve(k.now, session.ID, []NewPlayer{{PlayerID: fmt.Sprint("n", o.B)}, {PlayerID: fmt.Sprint("m", o.B)}})
	case 12:
		k.touchPlayer(session, o)
	case 13, 14:
		k.startPlacement(o)
	case 15:
		switch o.B {
		case 0:
			_, _ = k.w.TerminateSession(k.now, session.ID, TriggerOnProcessTerminate)
		case 1:
			_, _ = k.w.StopPlacement(k.now, PlacementID(fmt.Sprint("pl", k.serial)))
		default:
			k.w.Advance(k.now)
		}
	}
	for _, e := range k.w.Take() {
		k.note(e)
	}
}

func (k *walk) startPlacement(o op) {
	k.serial++
	id := PlacementID(fmt.Sprint("pl", k.serial))
	_, err := k.w.StartPlacement(k.now, PlacementRequest{
		ID: id, Queue: "q", MaxPlayers: 3,
		Players:   []NewPlayer{{PlayerID: "ann"}, {PlayerID: "bob"}},
		Latencies: []Latency{{"ann", "custom-1", float64(20 * o.B)}, {"ann", "custom-2", float64(3 * o.A)}}[:o.A%3],
	})
	if err == nil {
		k.starts[id] = true
	}
}

func (k *walk) touchPlayer(s Session, o op) {
	players, err := k.w.PlayerSessions(PlayerQuery{Session: s.ID})
	if err != nil || len(players) == 0 {
		return
	}
	id := players[o.A%len(players)].ID
	if o.B < 3 {
		_ = k.w.Accept(k.now, s.Process, s.ID, id)
		return
	}
	_ = k.w.Remove(k.now, s.Process, s.ID, id)
}

func (k *walk) process(n int) ProcessID {
	if len(k.processes) == 0 {
		return "none"
	}
	return k.processes[len(k.processes)-1-n%min(len(k.processes), 6)]
}

func (k *walk) session(n int) Session {
	live := k.w.Sessions([]FleetID{"fleet-a", "fleet-b"}[n%2], "", SessionActive)
	if len(live) == 0 {
		return Session{}
	}
	return live[n%len(live)]
}

// note keeps what an effect tells.
func (k *walk) note(e Effect) {
	k.log = append(k.log, e)
	switch e := e.(type) {
	case SessionCreated:
		k.sessions[e.Session.ID] += "created "
	case SessionActivated:
		k.sessions[e.Session.ID] += "activated "
	case SessionEnded:
		k.sessions[e.Session.ID] += "ended"
	case PlacementEnded:
		k.ends[e.Placement.Request.ID]++
	case PlayerSessionChanged:
		delete(k.reserved, e.PlayerSession.ID)
		if e.PlayerSession.Status == PlayerReserved {
			k.reserved[e.PlayerSession.ID] = e.At
		}
	}
}

// check states what must hold between any two steps.
func (k *walk) check(t *rapid.T) {
	hosts := map[SessionID]ProcessID{}
	for _, p := range k.w.processes {
		if p.session == nil {
			continue
		}
		if other, twice := hosts[p.session.ID]; twice {
			t.Fatalf("session %s is on %s and on %s", p.session.ID, p.ID, other)
		}
		hosts[p.session.ID] = p.ID
		if p.Session != p.session.ID || p.session.process != p {
			t.Fatalf("process %s and session %s do not know each other", p.ID, p.session.ID)
		}
	}
	for id, s := range k.w.sessions {
		open := 0
		for _, ps := range s.players {
			if ps.Status.Open() {
				open++
			}
		}
		if open != s.Players || open > s.MaxPlayers {
			t.Fatalf("session %s: %d open player sessions, counted %d, maximum %d", id, open, s.Players, s.MaxPlayers)
		}
		if (s.Status == SessionTerminated) != (hosts[id] == "") || (s.Status == SessionTerminated && open > 0) {
			t.Fatalf("session %s is %s with %d players on process %q", id, s.Status, open, hosts[id])
		}
	}
	for id, at := range k.reserved {
		if age := k.w.now.Sub(at); age >= ReservationTimeout {
			t.Fatalf("player session %s has been RESERVED for %v", id, age)
		}
	}
	for id, life := range k.sessions {
		switch life {
		case "created ", "created activated ", "created ended", "created activated ended":
		default:
			t.Fatalf("session %s had the life %q", id, life)
		}
	}
	k.checkCounts(t)
	k.checkPlacements(t)
}

func (k *walk) checkCounts(t *rapid.T) {
	for _, f := range k.w.fleets {
		for _, c := range f.computes {
			busy, activating := 0, 0
			for _, p := range c.processes {
				if p.session != nil {
					busy++
					if p.session.Status == SessionActivating {
						activating++
					}
				}
			}
			if busy != c.busy || activating != c.activating || activating > f.MaxConcurrentActivations {
				t.Fatalf("compute %s counts %d busy, %d activating, has %d and %d", c.Name, c.busy, c.activating, busy, activating)
			}
		}
	}
	if len(k.w.endedSessions) > 50 || len(k.w.endedPlacements) > 50 {
		t.Fatal("more is kept than allowed")
	}
}

func (k *walk) checkPlacements(t *rapid.T) {
	waiting := 0
	for id, p := range k.w.placements {
		pending := p.Status == PlacementPending
		if pending {
			waiting++
		}
		want := 1
		if pending {
			want = 0
		}
		if k.ends[id] != want {
			t.Fatalf("placement %s is %s and ended %d times", id, p.Status, k.ends[id])
		}
		if pending && k.w.now.Sub(p.StartedAt) >= time.Minute {
			t.Fatalf("placement %s waits for too long", id)
		}
	}
	if waiting != k.w.waiting {
		t.Fatalf("%d placements wait, counted %d", waiting, k.w.waiting)
	}
}

func TestInvariantsHoldOverRandomLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := newWalk()
		for _, o := range rapid.SliceOfN(opGen, 30, 200).Draw(t, "ops") {
			k.do(o)
			k.check(t)
		}
		k.now = k.now.Add(24 * time.Hour)
		k.w.Advance(k.now)
		for _, e := range k.w.Take() {
			k.note(e)
		}
		k.check(t)
		for id := range k.starts {
			if k.ends[id] != 1 {
				t.Fatalf("placement %s ended %d times in all", id, k.ends[id])
			}
		}
		if len(k.w.processes) > 0 || len(k.w.idle) > 0 || len(k.reserved) > 0 {
			t.Fatal("silent processes or their reservations live on")
		}
	})
}

func TestTheSameCallsGiveTheSameEffects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := newWalk(), newWalk()
		for _, o := range rapid.SliceOfN(opGen, 20, 120).Draw(t, "ops") {
			one.do(o)
			two.do(o)
		}
		sameEffects(t, one.log, two.log)
	})
}

func TestAnIdleAdvanceBetweenTwoCallsChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := newWalk(), newWalk()
		for _, o := range rapid.SliceOfN(opGen, 20, 120).Draw(t, "ops") {
			one.do(o)
			two.w.Advance(two.now.Add(o.Wait / 5))
			two.do(o)
		}
		sameEffects(t, one.log, two.log)
	})
}

func sameEffects(t *rapid.T, one, two []Effect) {
	for i := range min(len(one), len(two)) {
		if !reflect.DeepEqual(one[i], two[i]) {
			t.Fatalf("effect %d differs:\n%+v\n%+v", i, one[i], two[i])
		}
	}
	if len(one) != len(two) {
		t.Fatalf("%d effects and %d", len(one), len(two))
	}
}
