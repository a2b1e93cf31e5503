package hosting

import (
	"slices"
	"strconv"
	"time"
)

type placement struct {
	Placement
	table    latencyTable
	attempt  *session // ACTIVATING; nil: waits
	attempts int
	tried    map[site]bool // sites that failed since all had their turn
	passed   bool          // the single pass over an override's locations is done
}

// PlacementRequest asks for a session on one of a queue's fleets, with places for
// players.
type PlacementRequest struct {
	ID         PlacementID // never used before
	Queue      string
	MaxPlayers int // 0 to 200, at least as many as Players
	Name       string
	Data       string
	Properties []Property
	// MatchmakerData is what the session tells the game server of its match; empty
	// without matchmaking.
	MatchmakerData string
	Players        []NewPlayer // get RESERVED player sessions when it is FULFILLED
	Latencies      []Latency
	Override       *Override // nil: the queue's order
}

// StartPlacement begins a placement; it is PENDING, also when a process was idle.
// NotFound: unknown queue. Invalid: a known id; bad counts; a player twice; latencies
// with an Override; an Override where the queue's first priority is not ByLocation.
// LimitExceeded: too many are waiting.
func (w *World) StartPlacement(now time.Time, r PlacementRequest) (Placement, error) {
	w.Advance(now)
	q, ok := w.queues[r.Queue]
	if !ok {
		return Placement{}, refuse(NotFound, "game session queue %s does not exist", r.Queue)
	}
	if w.placements[r.ID] != nil {
		return Placement{}, refuse(Invalid, "placement %s exists already: an id is used once", r.ID)
	}
	if err := checkPlacement(q, r); err != nil {
		return Placement{}, err
	}
	if w.waiting >= w.options.MaxPending {
		return Placement{}, refuse(LimitExceeded, "too many placements are waiting (%d)", w.waiting)
	}
	r.Properties, r.Players = slices.Clone(r.Properties), slices.Clone(r.Players)
	r.Latencies = slices.Clone(r.Latencies)
	p := &placement{
		Placement: Placement{Request: r, Status: PlacementPending, StartedAt: w.now},
		table:     newLatencyTable(r.Latencies),
		tried:     map[site]bool{},
	}
	w.placements[r.ID] = p
	w.pending = append(w.pending, p)
	w.waiting++
	w.timers.set(p.timer(timerPlacement), w.now.Add(q.Timeout))
	w.setPolicyTimer(p)
	w.wake = true
	w.place()
	return p.clone(), nil
}

func checkPlacement(q *Queue, r PlacementRequest) error {
	switch {
	case r.MaxPlayers < 0 || r.MaxPlayers > MaxPlayers:
		return refuse(Invalid, "MaximumPlayerSessionCount must be between 0 and %d", MaxPlayers)
	case len(r.Players) > r.MaxPlayers:
		return refuse(Invalid, "%d players do not fit into %d places", len(r.Players), r.MaxPlayers)
	case len(r.Properties) > MaxProperties:
		return refuse(Invalid, "a game session has at most %d game properties", MaxProperties)
	case r.Override != nil && len(r.Latencies) > 0:
		return refuse(Invalid, "PlayerLatencies and PriorityConfigurationOverride exclude each other")
	case r.Override != nil && (len(q.Priorities) == 0 || q.Priorities[0] != ByLocation):
		return refuse(Invalid, "PriorityConfigurationOverride needs a queue whose first priority is LOCATION")
	}
	seen := map[string]bool{}
	for _, player := range r.Players {
		if seen[player.PlayerID] {
			return refuse(Invalid, "player %q is named twice", player.PlayerID)
		}
		seen[player.PlayerID] = true
	}
	return nil
}

// StopPlacement cancels a placement that is PENDING and has no session yet. NotFound:
// unknown. Invalid: it has ended, or a session was made for it.
func (w *World) StopPlacement(now time.Time, id PlacementID) (Placement, error) {
	w.Advance(now)
	p, ok := w.placements[id]
	switch {
	case !ok:
		return Placement{}, refuse(NotFound, "placement %s does not exist", id)
	case p.Status != PlacementPending:
		return Placement{}, refuse(Invalid, "placement %s is %s", id, p.Status)
	case p.attempt != nil:
		return Placement{}, refuse(Invalid, "placement %s has a game session already", id)
	}
	w.endPlacement(p, PlacementCancelled)
	w.place()
	return p.clone(), nil
}

// PlacementByID is a placement, pending or kept.
func (w *World) PlacementByID(id PlacementID) (Placement, bool) {
	p, ok := w.placements[id]
	if !ok {
		return Placement{}, false
	}
	return p.clone(), true
}

// place tries the waiting placements, first come first served, if something has
// changed that may help one.
func (w *World) place() {
	if !w.wake {
		return
	}
	w.wake = false
	kept := w.pending[:0]
	for _, p := range w.pending {
		if p.Status != PlacementPending {
			continue
		}
		kept = append(kept, p)
		if p.attempt == nil && len(w.idle) > 0 {
			w.try(p)
		}
	}
	clear(w.pending[len(kept):])
	w.pending = kept
}

// try gives a placement the first process that suits it. Sites whose last attempt
// failed wait until the others had their turn.
func (w *World) try(p *placement) {
	sites := w.candidates(p)
	p.passed = true
	for _, again := range []bool{false, true} {
		for _, at := range sites {
			if p.tried[at] != again {
				continue
			}
			if process := w.pick(at); process != nil {
				if again {
					clear(p.tried)
				}
				w.attempt(p, process)
				return
			}
		}
	}
}

// candidates lists the sites that a placement may use now, best first.
func (w *World) candidates(p *placement) []site {
	q := w.queues[p.Request.Queue]
	withLatency := len(p.Request.Latencies) > 0
	all := w.reachable(q, p.table)
	if limit, _, ok := q.capAt(w.now.Sub(p.StartedAt)); ok && withLatency {
		all = slices.DeleteFunc(all, func(c candidate) bool { return !p.table.within(c.location, limit) })
	}
	override := p.Request.Override
	if override == nil {
		q.order(all, nil, withLatency)
		return sitesOf(all)
	}
	listed := slices.DeleteFunc(slices.Clone(all), func(c candidate) bool {
		return !slices.Contains(override.LocationOrder, c.location)
	})
	q.order(listed, override.LocationOrder, false)
	if override.Strategy == OnlyListed {
		return sitesOf(listed)
	}
	q.order(all, nil, false)
	if p.passed {
		return sitesOf(all)
	}
	return sitesOf(append(listed, all...))
}

// reachable lists the sites behind a queue's destinations: of fleets that exist and
// are active, in locations that the queue allows.
func (w *World) reachable(q *Queue, table latencyTable) []candidate {
	var out []candidate
	seen := map[FleetID]bool{}
	for i, destination := range q.Destinations {
		id, ok := w.options.Resolve(destination)
		f := w.fleets[id]
		if !ok || f == nil || !f.Active || seen[id] {
			continue
		}
		seen[id] = true
		for _, location := range f.Locations {
			if q.AllowedLocations == nil || slices.Contains(q.AllowedLocations, location) {
				out = append(out, candidate{site{id, location}, i, f.Cost, table.average(location)})
			}
		}
	}
	return out
}

func sitesOf(candidates []candidate) []site {
	out := make([]site, len(candidates))
	for i, c := range candidates {
		out[i] = c.site
	}
	return out
}

// attempt starts a session for a placement.
func (w *World) attempt(p *placement, process *process) {
	p.attempts++
	s := w.start(process, w.placementIDString(p, process.site()), Session{
		Placement: p.Request.ID, Name: p.Request.Name, Data: p.Request.Data, MatchmakerData: p.Request.MatchmakerData,
		Properties: slices.Clone(p.Request.Properties), MaxPlayers: p.Request.MaxPlayers,
	})
	s.placement = p
	p.attempt = s
	p.Session, p.Fleet, p.IPAddress, p.DNSName, p.Port = s.ID, s.Fleet, s.IPAddress, s.DNSName, s.Port
	w.announce(s)
}

// placementIDString is the last part of the id of a placement's session: the
// placement's id, with a number from the second attempt on. Amazon shows no such
// case; two sessions must not share an id.
func (w *World) placementIDString(p *placement, at site) string {
	for n := p.attempts; ; n++ {
		id := string(p.Request.ID)
		if n > 1 {
			id += "-" + strconv.Itoa(n)
		}
		if w.sessions[w.sessionID(at, id)] == nil {
			return id
		}
	}
}

// fulfil completes a placement whose session is ACTIVE.
func (w *World) fulfil(p *placement, s *session) {
	if p.attempt != s {
		return
	}
	for _, player := range p.Request.Players {
		ps := w.reserve(s, player)
		p.Players = append(p.Players, PlacedPlayer{PlayerID: ps.PlayerID, PlayerSessionID: ps.ID})
	}
	w.endPlacement(p, PlacementFulfilled)
}

// attemptEnded lets a placement try again after its session ended before it was
// ACTIVE.
func (w *World) attemptEnded(p *placement, s *session) {
	if p.attempt != s || p.Status != PlacementPending {
		return
	}
	p.tried[site{s.Fleet, s.Location}] = true
	p.clearAttempt()
	w.wake = true
}

func (p *placement) clearAttempt() {
	p.attempt = nil
	p.Session, p.Fleet, p.IPAddress, p.DNSName, p.Port = "", "", "", "", 0
}

func (w *World) timeOut(p *placement) { w.endPlacement(p, PlacementTimedOut) }

// endPlacement takes a placement out of PENDING. A session that was still ACTIVATING
// for it would never have players: it ends, with its process. That is our choice.
func (w *World) endPlacement(p *placement, status PlacementStatus) {
	abandoned := p.attempt
	p.Status, p.EndedAt = status, w.now
	w.waiting--
	for _, kind := range []timerKind{timerPlacement, timerPolicy} {
		w.timers.clear(p.timer(kind))
	}
	if status == PlacementFulfilled {
		abandoned, p.attempt = nil, nil
	} else {
		p.clearAttempt()
	}
	w.wake = true // drops it from pending
	w.retirePlacement(p)
	w.emit(PlacementEnded{At: w.now, Placement: p.clone()})
	if abandoned != nil {
		process := abandoned.process
		w.endSession(abandoned, "")
		w.terminate(process)
	}
}

func (w *World) nextPolicy(p *placement) {
	w.setPolicyTimer(p)
	w.wake = true
}

// setPolicyTimer wakes a placement when the next latency policy holds.
func (w *World) setPolicyTimer(p *placement) {
	_, next, ok := w.queues[p.Request.Queue].capAt(w.now.Sub(p.StartedAt))
	if !ok || next == 0 || len(p.Request.Latencies) == 0 {
		w.timers.clear(p.timer(timerPolicy))
		return
	}
	w.timers.set(p.timer(timerPolicy), w.now.Add(next))
}

func (p *placement) timer(kind timerKind) timerKey { return timerKey{kind, string(p.Request.ID)} }
