package hosting

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"
)

type session struct {
	Session
	request   SessionRequest   // as made by CreateSession; for the idempotency check
	process   *process         // nil once TERMINATED
	placement *placement       // nil: made by CreateSession
	players   []*playerSession // oldest first; ended ones too
	closed    int              // how many of players have ended
	serial    uint64
}

// SessionRequest asks for a session on a fleet.
type SessionRequest struct {
	Fleet      FleetID
	Location   string // required
	MaxPlayers int    // 0 to 200
	Name       string
	CreatorID  string
	// Token is the idempotency token (or Amazon's deprecated GameSessionId): it becomes
	// the last part of the session's id, and the same request with the same token gives
	// the same session for as long as it is kept. Empty: none. [A-Za-z0-9-], 1 to 48.
	Token      string
	Data       string
	Properties []Property
}

func (r SessionRequest) equal(o SessionRequest) bool {
	sameProperties := slices.Equal(r.Properties, o.Properties)
	r.Properties, o.Properties = nil, nil
	return sameProperties && reflect.DeepEqual(r, o)
}

// CreateSession starts a session on an idle process, the way CreateGameSession does;
// it is ACTIVATING. NotFound: unknown fleet. FleetStatus: not active. Invalid: the
// location is not the fleet's; more than 200 players; too many properties; a
// CreatorID that the fleet's policy needs is missing. IdempotencyMismatch: the token
// made another session. LimitExceeded: the creator made too many. NoCapacity: no
// process is idle.
func (w *World) CreateSession(now time.Time, r SessionRequest) (Session, error) {
	w.Advance(now)
	defer w.place()
	r.Properties = slices.Clone(r.Properties)
	f, err := w.checkSession(r)
	if err != nil {
		return Session{}, err
	}
	if old, ok := w.sessions[w.sessionID(site{r.Fleet, r.Location}, r.Token)]; ok && r.Token != "" {
		if old.placement != nil || !old.request.equal(r) {
			return Session{}, refuse(IdempotencyMismatch, "game session %s was made with other parameters", old.ID)
		}
		return old.view(), nil
	}
	if err := f.mayCreate(r.CreatorID, w.now); err != nil {
		return Session{}, err
	}
	p := w.pick(site{r.Fleet, r.Location})
	if p == nil {
		return Session{}, refuse(NoCapacity, "no idle server process in fleet %s at location %s", r.Fleet, r.Location)
	}
	f.created(r.CreatorID, w.now)
	s := w.start(p, cmp.Or(r.Token, "gsess-"+w.options.NewID()), Session{
		Name: r.Name, CreatorID: r.CreatorID, Data: r.Data, Properties: r.Properties, MaxPlayers: r.MaxPlayers,
	})
	s.request = r
	w.announce(s)
	return s.view(), nil
}

func (w *World) checkSession(r SessionRequest) (*fleet, error) {
	f, ok := w.fleets[r.Fleet]
	switch {
	case !ok:
		return nil, refuse(NotFound, "fleet %s does not exist", r.Fleet)
	case !f.Active:
		return nil, refuse(FleetStatus, "fleet %s is not active", r.Fleet)
	case !slices.Contains(f.Locations, r.Location):
		return nil, refuse(Invalid, "location %q does not belong to fleet %s", r.Location, r.Fleet)
	case r.MaxPlayers < 0 || r.MaxPlayers > MaxPlayers:
		return nil, refuse(Invalid, "MaximumPlayerSessionCount must be between 0 and %d", MaxPlayers)
	case len(r.Properties) > MaxProperties:
		return nil, refuse(Invalid, "a game session has at most %d game properties", MaxProperties)
	}
	return f, nil
}

// pick chooses the process for a new session: on the compute that hosts the fewest,
// below its cap of activations, and there the one idle for longest. Amazon does not
// publish its choice; this is ours.
func (w *World) pick(at site) *process {
	limit := 0
	if f, ok := w.fleets[at.fleet]; ok {
		limit = f.MaxConcurrentActivations
	}
	var best *process
	for _, p := range w.idle[at] {
		if limit > 0 && p.compute.activating >= limit {
			continue
		}
		if best == nil || preferred(p, best) < 0 {
			best = p
		}
	}
	return best
}

func preferred(a, b *process) int {
	return cmp.Or(cmp.Compare(a.compute.busy, b.compute.busy), a.idleAt.Compare(b.idleAt), cmp.Compare(a.serial, b.serial))
}

// sessionID builds the ARN of a session.
func (w *World) sessionID(at site, idString string) SessionID {
	return SessionID(fmt.Sprintf("arn:aws:gamelift:%s::gamesession/%s/%s/%s", w.options.Region, at.fleet, at.location, idString))
}

// start gives a session to an idle process; s brings what the request said. The
// caller announces it.
func (w *World) start(p *process, idString string, s Session) *session {
	f := w.fleets[p.Fleet]
	s.ID = w.sessionID(p.site(), idString)
	s.Fleet, s.Location, s.Process, s.Compute = p.Fleet, p.Location, p.ID, p.Compute
	s.Status, s.CreationPolicy, s.Protection = SessionActivating, AcceptAll, f.Protection
	s.IPAddress, s.DNSName, s.Port = p.compute.IPAddress, p.compute.DNSName, p.Port
	s.CreatedAt = w.now
	out := &session{Session: s, process: p, serial: w.nextSerial()}
	w.sessions[s.ID] = out
	p.session, p.Session = out, s.ID
	p.compute.busy++
	p.compute.activating++
	w.indexIdle(p)
	w.timers.set(out.timer(timerActivation), w.now.Add(f.ActivationTimeout))
	return out
}

func (w *World) announce(s *session) {
	w.changed(s.process)
	w.emit(SessionCreated{At: w.now, Session: s.view()})
	w.push(s.process, CreateGameSession{Session: s.view()})
}

// Activate records that the game server takes players, and completes the session's
// placement. Activating twice is fine. NotFound: unknown session. Invalid: it is on
// another process. Conflict: it has ended or is ending.
func (w *World) Activate(now time.Time, process ProcessID, id SessionID) error {
	w.Advance(now)
	defer w.place()
	s, err := w.sessionOn(process, id)
	switch {
	case err != nil:
		return err
	case s.Status == SessionActive:
		return nil
	case s.Status != SessionActivating:
		return refuse(Conflict, "game session %s is %s", id, s.Status)
	}
	w.timers.clear(s.timer(timerActivation))
	s.Status = SessionActive
	s.process.compute.activating--
	w.wake = true
	w.emit(SessionActivated{At: w.now, Session: s.view()})
	if s.placement != nil {
		w.fulfil(s.placement, s)
	}
	return nil
}

func (w *World) neverActivated(s *session) {
	p := s.process
	w.event(p, EventSessionNotActivated, "game session "+string(s.ID)+" was not activated in time")
	w.endSession(s, "")
	w.terminate(p)
}

// endSession makes a session TERMINATED, closes its player sessions, frees its
// process and gives its placement another try. The caller decides about the process.
func (w *World) endSession(s *session, reason string) {
	if s.process == nil {
		return
	}
	for _, ps := range slices.Clone(s.players) {
		if ps.Status.Open() {
			w.closePlayer(ps, PlayerCompleted)
		}
	}
	p := s.process
	p.session, p.Session = nil, ""
	p.compute.busy--
	if s.Status == SessionActivating {
		p.compute.activating--
	}
	w.timers.clear(s.timer(timerActivation))
	s.process = nil
	s.Status, s.StatusReason, s.EndedAt = SessionTerminated, reason, w.now
	w.wake = true
	w.retireSession(s)
	w.emit(SessionEnded{At: w.now, Session: s.view()})
	if s.placement != nil {
		w.attemptEnded(s.placement, s)
	}
}

// TerminationMode is how a session is ended, as Amazon spells it.
type TerminationMode string

// The modes of TerminateGameSession.
const (
	TriggerOnProcessTerminate TerminationMode = "TRIGGER_ON_PROCESS_TERMINATE"
	ForceTerminate            TerminationMode = "FORCE_TERMINATE"
)

// TerminateSession asks the session's process to end; the session is TERMINATING
// until it has, or its time is over. NotFound: unknown. NotReady: still ACTIVATING.
// WrongStatus: TERMINATED. Invalid: ForceTerminate, which needs an agent on the
// compute, and these have none. Asking again changes nothing.
func (w *World) TerminateSession(now time.Time, id SessionID, mode TerminationMode) (Session, error) {
	w.Advance(now)
	defer w.place()
	s, err := w.session(id)
	switch {
	case err != nil:
		return Session{}, err
	case mode != TriggerOnProcessTerminate && mode != ForceTerminate:
		return Session{}, refuse(Invalid, "termination mode %q is unknown", mode)
	case s.Status == SessionTerminated:
		return Session{}, refuse(WrongStatus, "game session %s is TERMINATED", id)
	case mode == ForceTerminate:
		return Session{}, refuse(Invalid, "FORCE_TERMINATE needs the GameLift Agent on the compute; use TRIGGER_ON_PROCESS_TERMINATE")
	case s.Status == SessionActivating:
		return Session{}, refuse(NotReady, "game session %s is still ACTIVATING", id)
	case s.Status == SessionActive:
		s.Status, s.StatusReason = SessionTerminating, TriggeredOnTerminate
		w.terminate(s.process)
	}
	return s.view(), nil
}

// SessionUpdate changes the members that are not nil.
type SessionUpdate struct {
	MaxPlayers     *int
	Name           *string
	CreationPolicy *CreationPolicy
	Protection     *string
	Properties     []Property // merged: added or overwritten, never deleted
}

// UpdateSession changes a session that is ACTIVE or ACTIVATING, all members or none;
// the game server is not told. NotFound: unknown. WrongStatus: ended or ending.
// Invalid: fewer places than are taken, an unknown policy, too many properties.
func (w *World) UpdateSession(now time.Time, id SessionID, u SessionUpdate) (Session, error) {
	w.Advance(now)
	s, err := w.session(id)
	if err != nil {
		return Session{}, err
	}
	if s.Status != SessionActive && s.Status != SessionActivating {
		return Session{}, refuse(WrongStatus, "game session %s is %s", id, s.Status)
	}
	merged := merge(s.Properties, u.Properties)
	switch {
	case len(merged) > MaxProperties:
		return Session{}, refuse(Invalid, "a game session has at most %d game properties", MaxProperties)
	case u.MaxPlayers != nil && (*u.MaxPlayers < s.promised() || *u.MaxPlayers > MaxPlayers):
		return Session{}, refuse(Invalid, "MaximumPlayerSessionCount must be between %d, the places taken, and %d", s.promised(), MaxPlayers)
	case u.CreationPolicy != nil && *u.CreationPolicy != AcceptAll && *u.CreationPolicy != DenyAll:
		return Session{}, refuse(Invalid, "player session creation policy %q is unknown", *u.CreationPolicy)
	}
	s.Properties = merged
	setIf(&s.MaxPlayers, u.MaxPlayers)
	setIf(&s.Name, u.Name)
	setIf(&s.CreationPolicy, u.CreationPolicy)
	setIf(&s.Protection, u.Protection)
	return s.view(), nil
}

func setIf[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// merge adds and overwrites properties; the order of known keys stays.
func merge(old, changes []Property) []Property {
	out := slices.Clone(old)
	for _, change := range changes {
		i := slices.IndexFunc(out, func(p Property) bool { return p.Key == change.Key })
		if i < 0 {
			out = append(out, change)
			continue
		}
		out[i] = change
	}
	return out
}

// promised counts the places taken, those included that a placement will reserve
// when the session activates.
func (s *session) promised() int {
	if s.Status == SessionActivating && s.placement != nil {
		return len(s.placement.Request.Players)
	}
	return s.Players
}

// SetCreationPolicy is UpdatePlayerSessionCreationPolicy, sent by the game server.
// NotFound: unknown session. Invalid: an unknown policy, or a session of another
// process. Conflict: the session has ended.
func (w *World) SetCreationPolicy(now time.Time, process ProcessID, id SessionID, policy CreationPolicy) error {
	w.Advance(now)
	s, err := w.sessionOn(process, id)
	switch {
	case err != nil:
		return err
	case policy != AcceptAll && policy != DenyAll:
		return refuse(Invalid, "player session creation policy %q is unknown", policy)
	case s.Status == SessionTerminated:
		return refuse(Conflict, "game session %s is %s", id, s.Status)
	}
	s.CreationPolicy = policy
	return nil
}

// Backfill is the outcome of a backfill ticket, for the game server.
type Backfill struct {
	TicketID string
	Reason   UpdateReason
	// MatchmakerData replaces the session's when Reason is MatchmakingDataUpdated.
	MatchmakerData string
}

// TellBackfill records new matchmaker data and sends UpdateGameSession. NotFound:
// unknown session. WrongStatus: it has ended.
func (w *World) TellBackfill(now time.Time, id SessionID, b Backfill) error {
	w.Advance(now)
	s, err := w.session(id)
	switch {
	case err != nil:
		return err
	case s.process == nil:
		return refuse(WrongStatus, "game session %s is %s", id, s.Status)
	}
	if b.Reason == MatchmakingDataUpdated {
		s.MatchmakerData = b.MatchmakerData
	}
	w.push(s.process, UpdateGameSession{Session: s.view(), Reason: b.Reason, BackfillTicketID: b.TicketID})
	return nil
}

// SessionByID is a session, live or kept.
func (w *World) SessionByID(id SessionID) (Session, bool) {
	s, ok := w.sessions[id]
	if !ok {
		return Session{}, false
	}
	return s.view(), true
}

// Sessions lists a fleet's sessions, live and kept, in the order they were made. A
// location other than "" narrows, and so do statuses if there are any.
func (w *World) Sessions(id FleetID, location string, statuses ...SessionStatus) []Session {
	var found []*session
	for _, s := range w.sessions {
		if s.Fleet == id && (location == "" || s.Location == location) &&
			(len(statuses) == 0 || slices.Contains(statuses, s.Status)) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *session) int { return cmp.Compare(a.serial, b.serial) })
	out := make([]Session, len(found))
	for i, s := range found {
		out[i] = s.view()
	}
	return out
}

func (w *World) session(id SessionID) (*session, error) {
	s, ok := w.sessions[id]
	if !ok {
		return nil, refuse(NotFound, "game session %s does not exist", id)
	}
	return s, nil
}

// sessionOn finds a session that is, or was, on the process.
func (w *World) sessionOn(process ProcessID, id SessionID) (*session, error) {
	s, err := w.session(id)
	if err != nil {
		return nil, err
	}
	if s.Process != process {
		return nil, refuse(Invalid, "game session %s is on another process", id)
	}
	return s, nil
}

func (s *session) view() Session {
	out := s.Session
	out.Properties = slices.Clone(out.Properties)
	return out
}

func (s *session) timer(kind timerKind) timerKey { return timerKey{kind, string(s.ID)} }
