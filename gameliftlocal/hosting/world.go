package hosting

import (
	"crypto/rand"
	"fmt"
	"time"
)

// Options are the constants of a World. Every zero value means what is said.
type Options struct {
	// Region is the region in game session ARNs. Empty: "us-west-2". It must look
	// like that one: the server SDKs refuse others.
	Region string
	// NewID makes unique ids of [A-Za-z0-9-], at most 48 characters. Nil: random UUIDs.
	NewID func() string
	// NewToken makes secrets of [A-Za-z0-9-], 1 to 64 characters. Nil: 130 random bits.
	NewToken func() string
	// Resolve turns a destination of a queue into the fleet it stands for; ok is false
	// for an alias without a fleet. Nil: a destination is a fleet id.
	Resolve func(destination string) (FleetID, bool)

	TokenLife time.Duration // of a compute's auth token. Zero: 3 h
	// HeartbeatBudget is how long a ready process may be silent before a report
	// counts as missing. Zero: 120 s, which is Amazon's interval (60 s), its jitter
	// (10 s) and the time a server has to answer its own health check (50 s).
	HeartbeatBudget  time.Duration
	ReadyTimeout     time.Duration // connection to readiness. Zero: 5 min
	TerminationGrace time.Duration // TerminateProcess to being dropped. Zero: 5 min
	ReconnectGrace   time.Duration // connection lost to ended. Zero: 3 min
	// SettleDelay is how long after its readiness a process is given a session, if it
	// has not sent a health report before. The SDKs drop a session that reaches them
	// before they have noted that they are ready. Zero: 250 ms.
	SettleDelay time.Duration

	Retention   time.Duration // of what has ended. Zero: 30 days
	MaxRetained int           // ended sessions, and ended placements, kept. Zero: 10,000
	// MaxRetainedBytes bounds the texts of what has ended (game session and matchmaker
	// data, each up to some hundred kilobytes). Zero: 256 MiB.
	MaxRetainedBytes int
	MaxProcesses     int // connected at a time. Zero: 10,000
	MaxPending       int // placements waiting at a time. Zero: 10,000
}

// Fixed by Amazon or, where said, by us.
const (
	ReservationTimeout = 60 * time.Second // of a player session
	MaxPlayers         = 200              // per session
	MaxProperties      = 16               // per session

	badReportsToEnd    = 3           // consecutive health reports
	refreshFraction    = 12          // of a token's life is left when its user must reconnect: 15 min
	refreshEvery       = time.Minute // until the process has reconnected
	maxBurntIDs        = 100_000     // ours
	maxClosedPerActive = 1000        // ended player sessions of a live session; ours
)

func (o Options) withDefaults() Options {
	setDefault(&o.Region, "us-west-2")
	setDefault(&o.TokenLife, 3*time.Hour)
	setDefault(&o.HeartbeatBudget, 120*time.Second)
	setDefault(&o.ReadyTimeout, 5*time.Minute)
	setDefault(&o.TerminationGrace, 5*time.Minute)
	setDefault(&o.ReconnectGrace, 3*time.Minute)
	setDefault(&o.SettleDelay, 250*time.Millisecond)
	setDefault(&o.Retention, 30*24*time.Hour)
	setDefault(&o.MaxRetained, 10_000)
	setDefault(&o.MaxRetainedBytes, 256<<20)
	setDefault(&o.MaxProcesses, 10_000)
	setDefault(&o.MaxPending, 10_000)
	if o.NewID == nil {
		o.NewID = newUUID
	}
	if o.NewToken == nil {
		o.NewToken = rand.Text
	}
	if o.Resolve == nil {
		o.Resolve = func(destination string) (FleetID, bool) { return FleetID(destination), true }
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// newUUID is a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its contract
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// World is the whole state. It is not safe for concurrent use. now never goes back:
// an earlier instant counts as the latest one seen. Instants come out in UTC.
type World struct {
	options Options
	now     time.Time
	effects []Effect
	timers  timers
	serial  uint64 // orders what was made at one instant

	fleets    map[FleetID]*fleet
	processes map[ProcessID]*process
	burnt     map[ProcessID]bool
	burntIDs  []ProcessID // oldest first
	idle      map[site]map[ProcessID]*process

	sessions      map[SessionID]*session
	players       map[PlayerSessionID]*playerSession
	playersByName map[string][]*playerSession // by PlayerID, oldest first

	queues     map[string]*Queue
	placements map[PlacementID]*placement
	pending    []*placement // oldest first; may hold ended ones until place runs
	// waiting counts the PENDING placements.
	waiting int
	// wake says that a pending placement may now succeed.
	wake bool

	endedSessions   []SessionID   // oldest first
	endedPlacements []PlacementID // oldest first
	endedBytes      int           // of the texts of both
}

// New is an empty world.
func New(o Options) *World {
	return &World{
		options:       o.withDefaults(),
		timers:        newTimers(),
		fleets:        map[FleetID]*fleet{},
		processes:     map[ProcessID]*process{},
		burnt:         map[ProcessID]bool{},
		idle:          map[site]map[ProcessID]*process{},
		sessions:      map[SessionID]*session{},
		players:       map[PlayerSessionID]*playerSession{},
		playersByName: map[string][]*playerSession{},
		queues:        map[string]*Queue{},
		placements:    map[PlacementID]*placement{},
	}
}

// Take returns the effects since the last Take, in order, and forgets them. Call it
// after every change, also after one that returned an error.
func (w *World) Take() []Effect {
	effects := w.effects
	w.effects = nil
	return effects
}

// Deadline is the next instant at which Advance would act; ok is false when nothing
// is waiting.
func (w *World) Deadline() (at time.Time, ok bool) { return w.timers.next() }

// Advance handles every timer that is due by now, in time order, each at its own
// instant.
func (w *World) Advance(now time.Time) {
	now = now.UTC().Round(0)
	for {
		at, ok := w.timers.next()
		if !ok || at.After(now) {
			break
		}
		due := w.timers.pop()
		w.moveTo(due.at)
		w.ring(due.key)
		w.place()
	}
	w.moveTo(now)
}

func (w *World) moveTo(at time.Time) {
	if at.After(w.now) {
		w.now = at
	}
}

func (w *World) emit(e Effect) { w.effects = append(w.effects, e) }

func (w *World) nextSerial() uint64 {
	w.serial++
	return w.serial
}

// ring handles one timer. Its subject exists: whatever ends it stops its timers.
func (w *World) ring(key timerKey) {
	switch key.kind {
	case timerReservation:
		w.closePlayer(w.players[PlayerSessionID(key.id)], PlayerTimedOut)
	case timerHeartbeat:
		w.reportMissing(w.processes[ProcessID(key.id)])
	case timerReady:
		w.neverReady(w.processes[ProcessID(key.id)])
	case timerLost:
		w.connectionLost(w.processes[ProcessID(key.id)])
	case timerKill:
		w.forceEnd(w.processes[ProcessID(key.id)])
	case timerActivation:
		w.neverActivated(w.sessions[SessionID(key.id)])
	case timerSettle:
		w.settled(w.processes[ProcessID(key.id)])
	case timerPolicy:
		w.nextPolicy(w.placements[PlacementID(key.id)])
	case timerPlacement:
		w.timeOut(w.placements[PlacementID(key.id)])
	case timerRefresh:
		w.refresh(w.processes[ProcessID(key.id)])
	case timerRetention:
		w.forgetOld()
	}
}
