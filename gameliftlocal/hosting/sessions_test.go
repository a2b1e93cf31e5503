package hosting

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestCreateSessionPushesEverythingTheGameServerNeeds(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	r.take()
	s, err := r.w.CreateSession(r.now, SessionRequest{
		Fleet: "fleet-a", Location: "custom-home", MaxPlayers: 4, Name: "n", Data: "d", Token: "tok-1",
		Properties: []Property{{"map", "moon"}},
	})
	r.want(err, nil)
	want := Session{
		ID:    "arn:aws:gamelift:us-west-2::gamesession/fleet-a/custom-home/tok-1",
		Fleet: "fleet-a", Location: "custom-home", Process: "p1", Compute: "box", Name: "n", Data: "d",
		Properties: []Property{{"map", "moon"}}, Protection: "NoProtection", CreationPolicy: AcceptAll,
		Status: SessionActivating, MaxPlayers: 4, IPAddress: "127.0.0.1", Port: 7777, CreatedAt: r.now,
	}
	equal(t, "session", s, want)
	effects := r.take()
	equal(t, "process", effects[0].(ProcessChanged).Process.Session, s.ID)
	equal(t, "created", effects[1], Effect(SessionCreated{At: r.now, Session: want}))
	equal(t, "push", effects[2], Effect(Push{At: r.now, Process: "p1", Message: CreateGameSession{Session: want}}))
	s.Properties[0].Value = "changed by the caller"
	equal(t, "kept", r.session(s.ID), want)

	r.want(r.w.Activate(r.now, "p1", s.ID), nil)
	r.want(r.w.Activate(r.now, "p1", s.ID), nil)
	equal(t, "activations", len(only[SessionActivated](r)), 1)
}

func TestCreateSessionRefusals(t *testing.T) {
	good := SessionRequest{Fleet: "fleet-a", Location: "custom-home", MaxPlayers: 4}
	for _, c := range []struct {
		name   string
		change func(*SessionRequest, *rig)
		want   any
	}{
		{"a good request", func(*SessionRequest, *rig) {}, nil},
		{"an unknown fleet", func(q *SessionRequest, _ *rig) { q.Fleet = "fleet-x" }, NotFound},
		{"a fleet that is not active", func(_ *SessionRequest, r *rig) {
			r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home"}})
		}, FleetStatus},
		{"no location", func(q *SessionRequest, _ *rig) { q.Location = "" }, Invalid},
		{"too many players", func(q *SessionRequest, _ *rig) { q.MaxPlayers = 201 }, Invalid},
		{"fewer than no players", func(q *SessionRequest, _ *rig) { q.MaxPlayers = -1 }, Invalid},
		{"too many properties", func(q *SessionRequest, _ *rig) { q.Properties = make([]Property, 17) }, Invalid},
		{"no idle process", func(_ *SessionRequest, r *rig) { r.active(1) }, NoCapacity},
		{"a missing creator where the policy needs one", func(_ *SessionRequest, r *rig) {
			r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home"}, Active: true, SessionsPerCreator: 1, CreatorPeriod: time.Minute})
		}, Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.host("fleet-a", "box", "p1")
			q := good
			c.change(&q, r)
			_, err := r.w.CreateSession(r.now, q)
			r.want(err, c.want)
		})
	}
}

func TestIdempotencyToken(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	q := SessionRequest{Fleet: "fleet-a", Location: "custom-home", MaxPlayers: 4, Token: "tok", CreatorID: "ann"}
	first, err := r.w.CreateSession(r.now, q)
	r.want(err, nil)
	r.want(r.w.Activate(r.now, "p1", first.ID), nil)
	again, err := r.w.CreateSession(r.now, q) // no capacity, and too soon for its creator, but nothing new
	r.want(err, nil)
	equal(t, "the original with its current status", again, r.session(first.ID))
	q.MaxPlayers = 5
	_, err = r.w.CreateSession(r.now, q)
	r.want(err, IdempotencyMismatch)
}

func TestCreatorLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		fleet Fleet
		gap   time.Duration
		want  any
	}{
		{"without a policy, a second within a second is refused", Fleet{}, time.Second - 1, LimitExceeded},
		{"without a policy, a second after a second is not", Fleet{}, time.Second, nil},
		{"a policy counts its period", Fleet{SessionsPerCreator: 1, CreatorPeriod: time.Minute}, time.Minute - 1, LimitExceeded},
		{"a policy forgets after its period", Fleet{SessionsPerCreator: 1, CreatorPeriod: time.Minute}, time.Minute, nil},
		{"a policy allows as many as it says", Fleet{SessionsPerCreator: 2, CreatorPeriod: time.Minute}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			c.fleet.ID, c.fleet.Locations, c.fleet.Active = "fleet-a", []string{"custom-home"}, true
			r.w.PutFleet(r.now, c.fleet)
			for i := range 3 {
				r.host("fleet-a", "box", ProcessID(fmt.Sprint("p", i)))
			}
			q := SessionRequest{Fleet: "fleet-a", Location: "custom-home", CreatorID: "ann"}
			_, err := r.w.CreateSession(r.now, q)
			r.want(err, nil)
			r.pass(c.gap)
			_, err = r.w.CreateSession(r.now, q)
			r.want(err, c.want)
			q.CreatorID = "bob"
			_, err = r.w.CreateSession(r.now, q)
			r.want(err, nil)
		})
	}
}

func TestSessionsSpreadOverComputesOldestIdleFirst(t *testing.T) {
	r := newRig(t, Options{})
	r.compute("fleet-a", "custom-home", "other")
	for _, at := range []struct {
		compute string
		id      ProcessID
	}{{"box", "b1"}, {"box", "b2"}, {"other", "o1"}, {"other", "o2"}} {
		r.host("fleet-a", at.compute, at.id)
		r.pass(time.Second)
	}
	var order []ProcessID
	for range 4 {
		s, err := r.w.CreateSession(r.now, SessionRequest{Fleet: "fleet-a", Location: "custom-home"})
		r.want(err, nil)
		order = append(order, s.Process)
	}
	equal(t, "order", order, []ProcessID{"b1", "o1", "b2", "o2"})
}

func TestActivationCapPerCompute(t *testing.T) {
	r := newRig(t, Options{})
	r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home"}, Active: true, MaxConcurrentActivations: 1})
	r.host("fleet-a", "box", "p1")
	r.host("fleet-a", "box", "p2")
	q := SessionRequest{Fleet: "fleet-a", Location: "custom-home"}
	s, err := r.w.CreateSession(r.now, q)
	r.want(err, nil)
	_, err = r.w.CreateSession(r.now, q)
	r.want(err, NoCapacity)
	r.want(r.w.Activate(r.now, s.Process, s.ID), nil)
	_, err = r.w.CreateSession(r.now, q)
	r.want(err, nil)
}

func TestASessionThatIsNotActivatedInTimeEndsWithItsProcess(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s, err := r.w.CreateSession(r.now, SessionRequest{Fleet: "fleet-a", Location: "custom-home"})
	r.want(err, nil)
	r.pass(100 * time.Second)
	r.alive("p1")
	r.pass(100 * time.Second)
	r.alive("p1")
	r.take()
	r.pass(100*time.Second - 1)
	equal(t, "early", len(r.take()), 0)
	r.pass(1)
	effects := r.take()
	event := effects[0].(FleetEvent)
	equal(t, "event", []any{event.Code, event.Session, event.Process}, []any{EventSessionNotActivated, s.ID, ProcessID("p1")})
	equal(t, "session", effects[1].(SessionEnded).Session.Status, SessionTerminated)
	equal(t, "push", effects[2].(Push).Message, Message(TerminateProcess{TerminationAt: r.now.Add(5 * time.Minute)}))
	r.want(r.w.Activate(r.now, "p1", s.ID), Conflict)
	equal(t, "reused", r.w.Idle("fleet-a", ""), 0)
}

func TestRequestsOfAnotherProcess(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(1)
	r.host("fleet-a", "box", "p2")
	ps, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}})
	r.want(err, nil)
	r.want(r.w.Activate(r.now, "p2", s.ID), Invalid)
	r.want(r.w.Activate(r.now, "p2", "arn:unknown"), NotFound)
	r.want(r.w.Accept(r.now, "p2", s.ID, ps[0].ID), Invalid)
	r.want(r.w.Remove(r.now, "p2", s.ID, ps[0].ID), Invalid)
	r.want(r.w.SetCreationPolicy(r.now, "p2", s.ID, DenyAll), Invalid)
	other := r.active(1)
	r.want(r.w.Accept(r.now, "p2", other.ID, ps[0].ID), Invalid)
	r.want(r.w.Accept(r.now, "p2", other.ID, "psess-unknown"), NotFound)
}

func TestTerminateSession(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s, err := r.w.CreateSession(r.now, SessionRequest{Fleet: "fleet-a", Location: "custom-home"})
	r.want(err, nil)
	terminate := func(mode TerminationMode, want any) Session {
		t.Helper()
		got, err := r.w.TerminateSession(r.now, s.ID, mode)
		r.want(err, want)
		return got
	}
	terminate(TriggerOnProcessTerminate, NotReady)
	r.want(r.w.Activate(r.now, "p1", s.ID), nil)
	terminate("SOMEHOW", Invalid)
	terminate(ForceTerminate, Invalid)
	_, err = r.w.TerminateSession(r.now, "arn:unknown", TriggerOnProcessTerminate)
	r.want(err, NotFound)
	r.take()
	got := terminate(TriggerOnProcessTerminate, nil)
	equal(t, "answer", []any{got.Status, got.StatusReason}, []any{SessionTerminating, TriggeredOnTerminate})
	equal(t, "told", len(pushes[TerminateProcess](r)), 1)
	terminate(TriggerOnProcessTerminate, nil)
	equal(t, "told again", len(pushes[TerminateProcess](r)), 0)
	r.want(r.w.Ending(r.now, "p1"), nil)
	ended := r.session(s.ID)
	equal(t, "end", []any{ended.Status, ended.StatusReason}, []any{SessionTerminated, TriggeredOnTerminate})
	terminate(TriggerOnProcessTerminate, WrongStatus)
}

func TestTerminateSessionOfAServerThatNeverEnds(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(1)
	_, err := r.w.TerminateSession(r.now, s.ID, TriggerOnProcessTerminate)
	r.want(err, nil)
	r.pass(5*time.Minute - 1)
	equal(t, "until the deadline", r.session(s.ID).Status, SessionTerminating)
	r.pass(1)
	ended := r.session(s.ID)
	equal(t, "after it", []any{ended.Status, ended.StatusReason}, []any{SessionTerminated, TriggeredOnTerminate})
}

func TestUpdateSession(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(2)
	_, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}, {PlayerID: "bob"}})
	r.want(err, nil)
	got, err := r.w.UpdateSession(r.now, s.ID, SessionUpdate{Name: new("new"), Properties: []Property{{"a", "1"}, {"b", "2"}}})
	r.want(err, nil)
	equal(t, "name", got.Name, "new")
	got, err = r.w.UpdateSession(r.now, s.ID, SessionUpdate{MaxPlayers: new(3), Protection: new("FullProtection"), Properties: []Property{{"c", "3"}, {"a", "4"}}})
	r.want(err, nil)
	equal(t, "merged", got.Properties, []Property{{"a", "4"}, {"b", "2"}, {"c", "3"}})
	equal(t, "others", []any{got.MaxPlayers, got.Protection, got.Name}, []any{3, "FullProtection", "new"})

	many := make([]Property, 14)
	for i := range many {
		many[i].Key = fmt.Sprint("k", i)
	}
	for _, bad := range []SessionUpdate{
		{MaxPlayers: new(1)}, {MaxPlayers: new(201)}, {CreationPolicy: new(CreationPolicy("NOT_SET"))}, {Properties: many},
	} {
		_, err = r.w.UpdateSession(r.now, s.ID, bad)
		r.want(err, Invalid)
	}
	equal(t, "after refusals", r.session(s.ID).Properties, got.Properties)
	_, err = r.w.UpdateSession(r.now, "arn:unknown", SessionUpdate{})
	r.want(err, NotFound)
	r.want(r.w.Ending(r.now, "p1"), nil)
	_, err = r.w.UpdateSession(r.now, s.ID, SessionUpdate{Name: new("x")})
	r.want(err, WrongStatus)
}

func TestReserve(t *testing.T) {
	for _, c := range []struct {
		name    string
		players string // separated by spaces
		before  func(*rig, Session)
		want    any
	}{
		{"as many as fit", "ann bob", nil, nil},
		{"one too many takes no place at all", "ann bob cid", nil, SessionFull},
		{"nobody", "", nil, Invalid},
		{"one player twice", "ann ann", nil, Invalid},
		{"a player who has a place", "ann", func(r *rig, s Session) {
			_, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}})
			r.want(err, nil)
		}, Invalid},
		{"a player whose reservation timed out", "ann bob", func(r *rig, s Session) {
			_, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}})
			r.want(err, nil)
			r.pass(60 * time.Second)
		}, nil},
		{"a session that denies players", "ann", func(r *rig, s Session) {
			r.want(r.w.SetCreationPolicy(r.now, "p1", s.ID, DenyAll), nil)
		}, WrongStatus},
		{"a session that accepts again", "ann", func(r *rig, s Session) {
			r.want(r.w.SetCreationPolicy(r.now, "p1", s.ID, DenyAll), nil)
			r.want(r.w.SetCreationPolicy(r.now, "p1", s.ID, AcceptAll), nil)
			r.want(r.w.SetCreationPolicy(r.now, "p1", s.ID, "NOT_SET"), Invalid)
		}, nil},
		{"a session that has ended", "ann", func(r *rig, s Session) { r.want(r.w.Ending(r.now, "p1"), nil) }, WrongStatus},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.host("fleet-a", "box", "p1")
			s := r.active(2)
			if c.before != nil {
				c.before(r, s)
			}
			before := r.session(s.ID).Players
			var players []NewPlayer
			for _, name := range strings.Fields(c.players) {
				players = append(players, NewPlayer{PlayerID: name, Data: name + "'s data"})
			}
			got, err := r.w.Reserve(r.now, s.ID, players)
			r.want(err, c.want)
			equal(t, "reserved", r.session(s.ID).Players, before+len(got))
			if err == nil {
				equal(t, "first", got[0], PlayerSession{
					ID: got[0].ID, PlayerID: "ann", Session: s.ID, Fleet: "fleet-a", Data: "ann's data", Status: PlayerReserved,
					IPAddress: "127.0.0.1", Port: 7777, CreatedAt: r.now,
				})
			}
		})
	}
}

func TestPlayerSessionLife(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(3)
	got, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}, {PlayerID: "bob"}, {PlayerID: "cid"}})
	r.want(err, nil)
	ann, bob, cid := got[0].ID, got[1].ID, got[2].ID
	r.pass(60*time.Second - 1)
	r.want(r.w.Accept(r.now, "p1", s.ID, ann), nil)
	r.want(r.w.Accept(r.now, "p1", s.ID, ann), Invalid)
	r.want(r.w.Remove(r.now, "p1", s.ID, cid), nil)
	r.want(r.w.Remove(r.now, "p1", s.ID, cid), Invalid)
	r.now = r.now.Add(1) // nobody calls Advance: the operation itself must see the time
	r.want(r.w.Accept(r.now, "p1", s.ID, bob), Invalid)

	statuses := map[PlayerSessionID]PlayerStatus{}
	all, err := r.w.PlayerSessions(PlayerQuery{Session: s.ID})
	r.want(err, nil)
	for _, ps := range all {
		statuses[ps.ID] = ps.Status
	}
	equal(t, "statuses", statuses, map[PlayerSessionID]PlayerStatus{ann: PlayerActive, bob: PlayerTimedOut, cid: PlayerCompleted})
	equal(t, "taken", r.session(s.ID).Players, 1)
}

func TestPlayerSessionsQueries(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	r.host("fleet-a", "box", "p2")
	one, two := r.active(2), r.active(2)
	a, err := r.w.Reserve(r.now, one.ID, []NewPlayer{{PlayerID: "ann"}, {PlayerID: "bob"}})
	r.want(err, nil)
	b, err := r.w.Reserve(r.now, two.ID, []NewPlayer{{PlayerID: "ann"}})
	r.want(err, nil)
	r.want(r.w.Accept(r.now, one.Process, one.ID, a[1].ID), nil)
	for _, c := range []struct {
		name string
		q    PlayerQuery
		want []PlayerSessionID
		err  any
	}{
		{"by session", PlayerQuery{Session: one.ID}, []PlayerSessionID{a[0].ID, a[1].ID}, nil},
		{"by session and status", PlayerQuery{Session: one.ID, Status: PlayerActive}, []PlayerSessionID{a[1].ID}, nil},
		{"by player; the status is ignored", PlayerQuery{PlayerID: "ann", Status: PlayerActive}, []PlayerSessionID{a[0].ID, b[0].ID}, nil},
		{"by player session", PlayerQuery{PlayerSession: b[0].ID}, []PlayerSessionID{b[0].ID}, nil},
		{"by a player without any", PlayerQuery{PlayerID: "zoe"}, nil, nil},
		{"by an unknown session", PlayerQuery{Session: "arn:unknown"}, nil, NotFound},
		{"by an unknown player session", PlayerQuery{PlayerSession: "psess-unknown"}, nil, NotFound},
		{"by nothing", PlayerQuery{}, nil, Invalid},
		{"by two things", PlayerQuery{Session: one.ID, PlayerID: "ann"}, nil, Invalid},
		{"by an unknown status", PlayerQuery{Session: one.ID, Status: "GONE"}, nil, Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := r.w.PlayerSessions(c.q)
			r.want(err, c.err)
			var ids []PlayerSessionID
			for _, ps := range found {
				ids = append(ids, ps.ID)
			}
			equal(t, "found", ids, c.want)
		})
	}
}

func TestSessionsList(t *testing.T) {
	r := newRig(t, Options{})
	r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home", "custom-away"}, Active: true})
	r.compute("fleet-a", "custom-away", "far")
	r.host("fleet-a", "box", "p1")
	r.host("fleet-a", "far", "p2")
	here := r.active(1)
	there, err := r.w.CreateSession(r.now, SessionRequest{Fleet: "fleet-a", Location: "custom-away"})
	r.want(err, nil)
	ids := func(sessions []Session) []SessionID {
		var out []SessionID
		for _, s := range sessions {
			out = append(out, s.ID)
		}
		return out
	}
	equal(t, "all", ids(r.w.Sessions("fleet-a", "")), []SessionID{here.ID, there.ID})
	equal(t, "by location", ids(r.w.Sessions("fleet-a", "custom-away")), []SessionID{there.ID})
	equal(t, "by status", ids(r.w.Sessions("fleet-a", "", SessionActive, SessionTerminated)), []SessionID{here.ID})
	equal(t, "of another fleet", len(r.w.Sessions("fleet-b", "")), 0)
	for _, id := range ids(r.w.Sessions("fleet-a", "")) {
		if !regexp.MustCompile(`^[a-zA-Z0-9:/-]{1,256}$`).MatchString(string(id)) {
			t.Fatalf("%s has characters that the server SDKs refuse", id)
		}
	}
}

func TestTellBackfill(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(2)
	r.take()
	r.want(r.w.TellBackfill(r.now, s.ID, Backfill{TicketID: "t1", Reason: BackfillTimedOut, MatchmakerData: "ignored"}), nil)
	equal(t, "push", pushes[UpdateGameSession](r), []UpdateGameSession{{Session: s, Reason: BackfillTimedOut, BackfillTicketID: "t1"}})
	r.want(r.w.TellBackfill(r.now, s.ID, Backfill{TicketID: "t1", Reason: MatchmakingDataUpdated, MatchmakerData: "{}"}), nil)
	equal(t, "data", pushes[UpdateGameSession](r)[0].Session.MatchmakerData, "{}")
	r.want(r.w.TellBackfill(r.now, "arn:unknown", Backfill{}), NotFound)
	r.want(r.w.Ending(r.now, "p1"), nil)
	r.want(r.w.TellBackfill(r.now, s.ID, Backfill{}), WrongStatus)
}

func TestEndedSessionsAreForgottenByAgeAndNumber(t *testing.T) {
	r := newRig(t, Options{MaxRetained: 2})
	var ids []SessionID
	for i := range 3 {
		r.host("fleet-a", "box", ProcessID(fmt.Sprint("p", i)))
		s := r.active(1)
		_, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}})
		r.want(err, nil)
		r.want(r.w.Ending(r.now, s.Process), nil)
		ids = append(ids, s.ID)
		r.pass(time.Hour)
	}
	known := func() (out []bool) {
		for _, id := range ids {
			_, ok := r.w.SessionByID(id)
			out = append(out, ok)
		}
		return out
	}
	equal(t, "by number", known(), []bool{false, true, true})
	r.pass(30*24*time.Hour - 2*time.Hour)
	equal(t, "by age", known(), []bool{false, false, true})
	left, err := r.w.PlayerSessions(PlayerQuery{PlayerID: "ann"})
	r.want(err, nil)
	equal(t, "player sessions", len(left), 1)
	r.pass(time.Hour)
	equal(t, "all gone", known(), []bool{false, false, false})
	equal(t, "indexes", []int{len(r.w.players), len(r.w.playersByName), len(r.w.sessions)}, []int{0, 0, 0})
	if _, ok := r.w.Deadline(); ok {
		t.Fatal("a timer is left")
	}
}

func TestEndedThingsAreForgottenByTheirSize(t *testing.T) {
	r := newRig(t, Options{MaxRetainedBytes: 3000})
	r.w.PutQueue(r.now, Queue{Name: "q", Destinations: []string{"fleet-a"}})
	for i := range 4 {
		process := ProcessID(fmt.Sprint("p", i))
		r.host("fleet-a", "box", process)
		p := r.start(PlacementRequest{ID: PlacementID(fmt.Sprint("place-", i)), Data: strings.Repeat("d", 900), MatchmakerData: strings.Repeat("m", 100)})
		r.want(r.w.Activate(r.now, process, p.Session), nil)
		r.want(r.w.Ending(r.now, process), nil)
	}
	kept := len(r.w.sessions) + len(r.w.placements)
	if kept != 3 || r.w.endedBytes != 3000 {
		t.Fatalf("%d things with %d bytes are kept", kept, r.w.endedBytes)
	}
}

func TestClosedPlayerSessionsOfALiveSessionAreBounded(t *testing.T) {
	r := newRig(t, Options{})
	r.host("fleet-a", "box", "p1")
	s := r.active(1)
	for range maxClosedPerActive + 5 {
		got, err := r.w.Reserve(r.now, s.ID, []NewPlayer{{PlayerID: "ann"}})
		r.want(err, nil)
		r.want(r.w.Remove(r.now, "p1", s.ID, got[0].ID), nil)
	}
	all, err := r.w.PlayerSessions(PlayerQuery{Session: s.ID})
	r.want(err, nil)
	equal(t, "kept", []int{len(all), len(r.w.players), len(r.w.playersByName["ann"])}, []int{maxClosedPerActive, maxClosedPerActive, maxClosedPerActive})
}
