package hosting

import (
	"cmp"
	"crypto/subtle"
	"maps"
	"slices"
	"time"
)

type fleet struct {
	Fleet
	computes map[string]*compute
	creators map[string][]time.Time // accepted creations per CreatorID, oldest first
}

type compute struct {
	Compute
	tokens     []Token // unexpired ones, oldest first; two at most
	processes  map[ProcessID]*process
	activating int // its sessions that are ACTIVATING
	busy       int // its processes that host a session
}

// Token lets the processes of one compute connect.
type Token struct {
	Value     string // secret
	ExpiresAt time.Time
}

// PutFleet adds a fleet or replaces its settings. Locations that are no longer named
// keep their computes and sessions but get no new ones.
func (w *World) PutFleet(now time.Time, f Fleet) {
	w.Advance(now)
	defer w.place()
	setDefault(&f.ActivationTimeout, 300*time.Second)
	setDefault(&f.Protection, "NoProtection")
	f.Locations = slices.Clone(f.Locations)
	known, ok := w.fleets[f.ID]
	if !ok {
		known = &fleet{computes: map[string]*compute{}, creators: map[string][]time.Time{}}
		w.fleets[f.ID] = known
	}
	known.Fleet = f
	for _, c := range known.computes {
		for _, p := range c.processes {
			w.indexIdle(p)
		}
	}
	w.wake = true
}

// RemoveFleet ends a fleet's sessions, tells its processes to end and forgets it.
// Its ended sessions stay known. An unknown fleet is NotFound.
func (w *World) RemoveFleet(now time.Time, id FleetID) error {
	w.Advance(now)
	defer w.place()
	f, ok := w.fleets[id]
	if !ok {
		return refuse(NotFound, "fleet %s does not exist", id)
	}
	delete(w.fleets, id)
	for _, name := range slices.Sorted(maps.Keys(f.computes)) {
		w.dropCompute(f, f.computes[name])
	}
	return nil
}

// Fleet is a fleet's settings.
func (w *World) Fleet(id FleetID) (Fleet, bool) {
	f, ok := w.fleets[id]
	if !ok {
		return Fleet{}, false
	}
	out := f.Fleet
	out.Locations = slices.Clone(out.Locations)
	return out, true
}

// RegisterCompute adds a compute. Invalid: an unknown fleet or location, no address.
// NotReady: the fleet is not active. Conflict: the name is taken. The result is the
// compute with RegisteredAt set, unless it was set already (a compute that was
// registered before a restart).
func (w *World) RegisterCompute(now time.Time, c Compute) (Compute, error) {
	w.Advance(now)
	f, ok := w.fleets[c.Fleet]
	switch {
	case !ok:
		return Compute{}, refuse(Invalid, "fleet %s does not exist", c.Fleet)
	case !f.Active:
		return Compute{}, refuse(NotReady, "fleet %s is not active", c.Fleet)
	case !slices.Contains(f.Locations, c.Location):
		return Compute{}, refuse(Invalid, "location %q does not belong to fleet %s", c.Location, c.Fleet)
	case c.IPAddress == "" && c.DNSName == "":
		return Compute{}, refuse(Invalid, "a compute needs an IpAddress or a DnsName")
	case f.computes[c.Name] != nil:
		return Compute{}, refuse(Conflict, "compute %s is already registered in fleet %s", c.Name, c.Fleet)
	}
	setDefault(&c.RegisteredAt, w.now)
	f.computes[c.Name] = &compute{Compute: c, processes: map[ProcessID]*process{}}
	return c, nil
}

// DeregisterCompute ends the compute's sessions, tells its processes to end and
// refuses connections from it. An unknown fleet or compute is NotFound.
func (w *World) DeregisterCompute(now time.Time, id FleetID, name string) error {
	w.Advance(now)
	defer w.place()
	f, c, err := w.compute(id, name)
	if err != nil {
		return err
	}
	w.dropCompute(f, c)
	return nil
}

func (w *World) dropCompute(f *fleet, c *compute) {
	delete(f.computes, c.Name)
	c.tokens = nil
	for _, p := range inOrder(c.processes) {
		if p.session != nil {
			w.endSession(p.session, "")
		}
		w.terminate(p)
	}
}

// ComputeOf is a registered compute.
func (w *World) ComputeOf(id FleetID, name string) (Compute, bool) {
	_, c, err := w.compute(id, name)
	if err != nil {
		return Compute{}, false
	}
	return c.Compute, true
}

// Computes lists the computes of a fleet by name; a location other than "" narrows.
func (w *World) Computes(id FleetID, location string) []Compute {
	f, ok := w.fleets[id]
	if !ok {
		return nil
	}
	var out []Compute
	for _, c := range f.computes {
		if location == "" || c.Location == location {
			out = append(out, c.Compute)
		}
	}
	slices.SortFunc(out, func(a, b Compute) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (w *World) compute(id FleetID, name string) (*fleet, *compute, error) {
	f, ok := w.fleets[id]
	if !ok {
		return nil, nil, refuse(NotFound, "fleet %s does not exist", id)
	}
	c, ok := f.computes[name]
	if !ok {
		return nil, nil, refuse(NotFound, "compute %s is not registered in fleet %s", name, id)
	}
	return f, c, nil
}

// IssueToken gives the auth token of a compute: the current one while half of its
// life is left, else a new one. Earlier tokens hold until they expire. NotFound: the
// fleet or compute is unknown.
func (w *World) IssueToken(now time.Time, id FleetID, name string) (Token, error) {
	w.Advance(now)
	_, c, err := w.compute(id, name)
	if err != nil {
		return Token{}, err
	}
	return w.issue(c), nil
}

func (w *World) issue(c *compute) Token {
	c.tokens = slices.DeleteFunc(c.tokens, func(t Token) bool { return !t.ExpiresAt.After(w.now) })
	if n := len(c.tokens); n > 0 && c.tokens[n-1].ExpiresAt.Sub(w.now) >= w.options.TokenLife/2 {
		return c.tokens[n-1]
	}
	t := Token{Value: w.options.NewToken(), ExpiresAt: w.now.Add(w.options.TokenLife)}
	c.tokens = append(c.tokens, t)
	return t
}

// verify finds the unexpired token of this value, in a time that does not depend on
// how much of it is right.
func (w *World) verify(c *compute, value string) (Token, bool) {
	var found Token
	ok := false
	for _, t := range c.tokens {
		if subtle.ConstantTimeCompare([]byte(t.Value), []byte(value)) == 1 && t.ExpiresAt.After(w.now) {
			found, ok = t, true
		}
	}
	return found, ok
}

// inOrder lists processes by age, so that effects never follow the order of a map.
func inOrder(set map[ProcessID]*process) []*process {
	return slices.SortedFunc(maps.Values(set), func(a, b *process) int { return cmp.Compare(a.serial, b.serial) })
}
