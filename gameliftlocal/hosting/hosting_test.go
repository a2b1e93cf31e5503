package hosting

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// epoch is when every test begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rig is a world with a clock that the test moves, and the effects so far.
type rig struct {
	t       *testing.T
	w       *World
	now     time.Time
	effects []Effect
}

// newRig has the fleet "fleet-a" at "custom-home" with the compute "box".
func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	ids, tokens := 0, 0
	o.NewID = func() string { ids++; return fmt.Sprintf("id%d", ids) }
	o.NewToken = func() string { tokens++; return fmt.Sprintf("token%d", tokens) }
	r := &rig{t: t, w: New(o), now: epoch}
	r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home"}, Active: true})
	r.compute("fleet-a", "custom-home", "box")
	return r
}

func (r *rig) compute(fleet FleetID, location, name string) {
	r.t.Helper()
	_, err := r.w.RegisterCompute(r.now, Compute{Fleet: fleet, Location: location, Name: name, IPAddress: "127.0.0.1"})
	r.want(err, nil)
}

// pass moves the clock and handles what is due.
func (r *rig) pass(d time.Duration) {
	r.now = r.now.Add(d)
	r.w.Advance(r.now)
}

// connect lets a process in with a good token.
func (r *rig) connect(fleet FleetID, compute string, id ProcessID) {
	r.t.Helper()
	token, err := r.w.IssueToken(r.now, fleet, compute)
	r.want(err, nil)
	r.want(r.w.Connect(r.now, Hello{Process: id, Fleet: fleet, Compute: compute, Token: token.Value}), nil)
}

// host connects a process and makes it idle.
func (r *rig) host(fleet FleetID, compute string, id ProcessID) {
	r.t.Helper()
	r.connect(fleet, compute, id)
	r.want(r.w.Ready(r.now, id, Readiness{Port: 7777}), nil)
	r.want(r.w.Heartbeat(r.now, id, true), nil)
}

// active makes a session on fleet-a and activates it.
func (r *rig) active(players int) Session {
	r.t.Helper()
	s, err := r.w.CreateSession(r.now, SessionRequest{Fleet: "fleet-a", Location: "custom-home", MaxPlayers: players})
	r.want(err, nil)
	r.want(r.w.Activate(r.now, s.Process, s.ID), nil)
	return r.session(s.ID)
}

func (r *rig) session(id SessionID) Session {
	r.t.Helper()
	s, ok := r.w.SessionByID(id)
	if !ok {
		r.t.Fatalf("session %s is not known", id)
	}
	return s
}

// alive reports good health for every process, so that only the timers under test ring.
func (r *rig) alive(ids ...ProcessID) {
	r.t.Helper()
	for _, id := range ids {
		r.want(r.w.Heartbeat(r.now, id, true), nil)
	}
}

// want fails unless err has the condition; nil wants no error.
func (r *rig) want(err error, condition any) {
	r.t.Helper()
	var known *Error
	switch {
	case condition == nil && err == nil:
	case condition == nil || !errors.As(err, &known) || known.Condition != condition:
		r.t.Fatalf("error %v, want condition %v", err, condition)
	case known.Message == "":
		r.t.Fatal("the error has no message")
	}
}

// take gives the effects since the last take.
func (r *rig) take() []Effect {
	effects := r.w.Take()
	r.effects = append(r.effects, effects...)
	return effects
}

// only gives the effects of one type since the last take.
func only[E Effect](r *rig) []E {
	var out []E
	for _, e := range r.take() {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// pushes gives the messages of one type sent since the last take.
func pushes[M Message](r *rig) []M {
	var out []M
	for _, p := range only[Push](r) {
		if m, ok := p.Message.(M); ok {
			out = append(out, m)
		}
	}
	return out
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %+v, want %+v", what, got, want)
	}
}
