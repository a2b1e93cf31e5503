package hosting

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// queued is a rig with the queue "q" over fleet-a, then fleet-b (two locations).
func queued(t *testing.T, q Queue) *rig {
	t.Helper()
	r := newRig(t, Options{})
	r.w.PutFleet(r.now, Fleet{ID: "fleet-b", Locations: []string{"custom-east", "custom-west"}, Active: true, Cost: 2})
	r.compute("fleet-b", "custom-east", "east")
	r.compute("fleet-b", "custom-west", "west")
	q.Name = "q"
	if q.Destinations == nil {
		q.Destinations = []string{"fleet-a", "fleet-b"}
	}
	r.w.PutQueue(r.now, q)
	return r
}

func (r *rig) start(request PlacementRequest) Placement {
	r.t.Helper()
	request.Queue = "q"
	if request.ID == "" {
		request.ID = "place-1"
	}
	p, err := r.w.StartPlacement(r.now, request)
	r.want(err, nil)
	return p
}

func (r *rig) placement(id PlacementID) Placement {
	r.t.Helper()
	p, ok := r.w.PlacementByID(id)
	if !ok {
		r.t.Fatalf("placement %s is not known", id)
	}
	return p
}

func TestPlacementFromStartToFulfilled(t *testing.T) {
	r := queued(t, Queue{})
	request := PlacementRequest{
		MaxPlayers: 3, Name: "match", Data: "d", MatchmakerData: `{"matchId":"m"}`, Properties: []Property{{"map", "moon"}},
		Players: []NewPlayer{{"ann", "a"}, {"bob", ""}},
	}
	p := r.start(request)
	equal(t, "before there is a process", []any{p.Status, p.Session}, []any{PlacementPending, SessionID("")})
	r.pass(10 * time.Second)
	r.host("fleet-a", "box", "p1")
	p = r.placement("place-1")
	equal(t, "attempt", []any{p.Status, p.Session, p.IPAddress, p.Port}, []any{
		PlacementPending, SessionID("arn:aws:gamelift:us-west-2::gamesession/fleet-a/custom-home/place-1"), "127.0.0.1", 7777,
	})
	created := pushes[CreateGameSession](r)[0].Session
	equal(t, "pushed", []any{created.Name, created.Data, created.MatchmakerData, created.Properties, created.MaxPlayers, created.Placement},
		[]any{"match", "d", `{"matchId":"m"}`, []Property{{"map", "moon"}}, 3, PlacementID("place-1")})
	_, err := r.w.StopPlacement(r.now, "place-1")
	r.want(err, Invalid)

	r.pass(time.Second)
	r.want(r.w.Activate(r.now, "p1", p.Session), nil)
	effects := r.take()
	if len(effects) != 4 {
		t.Fatalf("effects %+v", effects)
	}
	equal(t, "first the session", effects[0].(SessionActivated).Session.ID, p.Session)
	ann := effects[1].(PlayerSessionChanged).PlayerSession
	equal(t, "then the players", []any{ann.PlayerID, ann.Data, ann.Status, ann.CreatedAt}, []any{"ann", "a", PlayerReserved, r.now})
	done := effects[3].(PlacementEnded).Placement
	equal(t, "then the placement", []any{done.Status, done.EndedAt, done.Players[0], done.Players[1].PlayerID},
		[]any{PlacementFulfilled, r.now, PlacedPlayer{"ann", ann.ID}, "bob"})
	equal(t, "kept", r.placement("place-1"), done)
	equal(t, "places taken", r.session(p.Session).Players, 2)
}

func TestStartPlacementRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		request PlacementRequest
		want    any
	}{
		{"a good request", PlacementRequest{}, nil},
		{"an unknown queue", PlacementRequest{Queue: "x"}, NotFound},
		{"a known id", PlacementRequest{ID: "old"}, Invalid},
		{"too many players for the places", PlacementRequest{MaxPlayers: 1, Players: []NewPlayer{{"a", ""}, {"b", ""}}}, Invalid},
		{"a player twice", PlacementRequest{MaxPlayers: 2, Players: []NewPlayer{{"a", ""}, {"a", ""}}}, Invalid},
		{"too many places", PlacementRequest{MaxPlayers: 201}, Invalid},
		{"too many properties", PlacementRequest{Properties: make([]Property, 17)}, Invalid},
		{"an override where location is not first", PlacementRequest{Override: &Override{}}, Invalid},
		{"latencies with an override", PlacementRequest{Override: &Override{}, Latencies: []Latency{{"a", "custom-home", 1}}}, Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := queued(t, Queue{})
			r.start(PlacementRequest{ID: "old"})
			request := c.request
			if request.ID == "" {
				request.ID = "new"
			}
			if request.Queue == "" {
				request.Queue = "q"
			}
			_, err := r.w.StartPlacement(r.now, request)
			r.want(err, c.want)
		})
	}
}

func TestWaitingPlacementsAreBounded(t *testing.T) {
	r := newRig(t, Options{MaxPending: 1})
	r.w.PutQueue(r.now, Queue{Name: "q", Destinations: []string{"fleet-a"}})
	r.start(PlacementRequest{ID: "one"})
	_, err := r.w.StartPlacement(r.now, PlacementRequest{ID: "two", Queue: "q"})
	r.want(err, LimitExceeded)
	_, err = r.w.StopPlacement(r.now, "one")
	r.want(err, nil)
	r.start(PlacementRequest{ID: "two"})
}

func TestHowPlacementsEndUnfulfilled(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*rig)
		want PlacementStatus
	}{
		{"stopped before there is a session", func(r *rig) {
			p, err := r.w.StopPlacement(r.now, "place-1")
			r.want(err, nil)
			equal(r.t, "answer", p.Status, PlacementCancelled)
			_, err = r.w.StopPlacement(r.now, "place-1")
			r.want(err, Invalid)
			_, err = r.w.StopPlacement(r.now, "unknown")
			r.want(err, NotFound)
		}, PlacementCancelled},
		{"timed out without a process", func(r *rig) { r.pass(20 * time.Second) }, PlacementTimedOut},
		{"timed out while its session was activating", func(r *rig) {
			r.host("fleet-a", "box", "p1")
			r.take()
			r.pass(20 * time.Second)
			_, known := r.w.Process("p1")
			equal(r.t, "the process is told, not gone", known, true)
		}, PlacementTimedOut},
		{"its queue was deleted", func(r *rig) {
			r.want(r.w.RemoveQueue(r.now, "q"), nil)
			r.want(r.w.RemoveQueue(r.now, "q"), NotFound)
		}, PlacementFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := queued(t, Queue{Timeout: 20 * time.Second})
			r.start(PlacementRequest{MaxPlayers: 1, Players: []NewPlayer{{"ann", ""}}})
			r.take()
			c.do(r)
			ended := only[PlacementEnded](r)
			equal(t, "endings", len(ended), 1)
			got := ended[0].Placement
			equal(t, "ended", []any{got.Status, got.EndedAt, got.Session, len(got.Players)}, []any{c.want, r.now, SessionID(""), 0})
			equal(t, "live sessions", len(r.w.Sessions("fleet-a", "", SessionActivating, SessionActive)), 0)
			r.host("fleet-b", "east", "p9")
			equal(t, "a later process", len(pushes[CreateGameSession](r)), 0)
		})
	}
}

func TestAFailedAttemptGoesElsewhere(t *testing.T) {
	r := queued(t, Queue{})
	r.host("fleet-a", "box", "a1")
	r.host("fleet-a", "box", "a2")
	r.host("fleet-b", "east", "b1")
	r.start(PlacementRequest{})
	equal(t, "first", r.placement("place-1").Fleet, FleetID("fleet-a"))
	r.w.Exited(r.now, "a1")
	equal(t, "second", r.placement("place-1").Fleet, FleetID("fleet-b"))
	r.w.Exited(r.now, "b1")
	p := r.placement("place-1")
	equal(t, "third, as nothing else is left", p.Fleet, FleetID("fleet-a"))
	if !strings.HasSuffix(string(p.Session), "/place-1-3") {
		t.Fatalf("the id %s of a later attempt repeats", p.Session)
	}
	r.w.Exited(r.now, "a2")
	equal(t, "between attempts", r.placement("place-1").Session, SessionID(""))
	r.host("fleet-a", "box", "a3")
	r.want(r.w.Activate(r.now, "a3", r.placement("place-1").Session), nil)
	equal(t, "in the end", r.placement("place-1").Status, PlacementFulfilled)
	equal(t, "endings", len(only[PlacementEnded](r)), 1)
}

func TestFirstComeFirstServed(t *testing.T) {
	r := queued(t, Queue{})
	for _, id := range []PlacementID{"one", "two", "three"} {
		r.start(PlacementRequest{ID: id})
	}
	for i, want := range []PlacementID{"one", "two", "three"} {
		r.host("fleet-a", "box", ProcessID(fmt.Sprint("p", i)))
		equal(t, "served", pushes[CreateGameSession](r)[0].Session.Placement, want)
	}
}

func TestWhatWakesAPlacement(t *testing.T) {
	for _, c := range []struct {
		name  string
		queue Queue
		wake  func(*rig)
	}{
		{"a process becomes idle", Queue{}, func(r *rig) { r.host("fleet-a", "box", "p2") }},
		{"the queue changes", Queue{Destinations: []string{}}, func(r *rig) {
			r.w.PutQueue(r.now, Queue{Name: "q", Destinations: []string{"fleet-b"}})
		}},
		{"a latency policy gives way", Queue{Destinations: []string{"fleet-b"}, LatencyPolicies: []LatencyPolicy{
			{MaxMilliseconds: 100}, {MaxMilliseconds: 50, Duration: 30 * time.Second},
		}}, func(r *rig) {
			r.pass(30*time.Second - 1)
			equal(r.t, "early", r.placement("place-1").Session, SessionID(""))
			r.pass(1)
		}},
		{"an activation makes room on the compute", Queue{}, func(r *rig) {
			r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home"}, Active: true, MaxConcurrentActivations: 1})
			busy := r.w.Sessions("fleet-a", "")[0]
			r.host("fleet-a", "box", "p2")
			equal(r.t, "under the cap", r.placement("place-1").Session, SessionID(""))
			r.want(r.w.Activate(r.now, busy.Process, busy.ID), nil)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := queued(t, c.queue)
			if len(c.queue.Destinations) > 0 || c.queue.Destinations != nil {
				r.host("fleet-b", "east", "b1")
			}
			r.host("fleet-a", "box", "p1")
			_, err := r.w.CreateSession(r.now, SessionRequest{Fleet: "fleet-a", Location: "custom-home"})
			r.want(err, nil)
			r.start(PlacementRequest{Latencies: []Latency{{"ann", "custom-east", 80}, {"ann", "custom-home", 1}}})
			equal(t, "before", r.placement("place-1").Session, SessionID(""))
			c.wake(r)
			if r.placement("place-1").Session == "" {
				t.Fatal("the placement still waits")
			}
		})
	}
}

func TestAnAliasIsResolvedAtEachTry(t *testing.T) {
	target := FleetID("")
	r := &rig{t: t, now: epoch, w: New(Options{Resolve: func(d string) (FleetID, bool) { return target, target != "" }})}
	r.w.PutFleet(r.now, Fleet{ID: "fleet-a", Locations: []string{"custom-home"}, Active: true})
	r.compute("fleet-a", "custom-home", "box")
	r.w.PutQueue(r.now, Queue{Name: "q", Destinations: []string{"alias-1", "alias-2"}})
	r.start(PlacementRequest{})
	r.host("fleet-a", "box", "p1")
	equal(t, "a terminal alias leads nowhere", r.placement("place-1").Session, SessionID(""))
	target = "fleet-a"
	r.w.PutQueue(r.now, Queue{Name: "q", Destinations: []string{"alias-1"}})
	equal(t, "a simple one does", r.placement("place-1").Fleet, FleetID("fleet-a"))
}

func TestOrderOfCandidates(t *testing.T) {
	// fleet-b costs 2, fleet-a nothing; the averages are home 50, east 20, west unknown.
	latencies := []Latency{{"ann", "custom-home", 40}, {"bob", "custom-home", 60}, {"ann", "custom-east", 20}}
	for _, c := range []struct {
		name    string
		queue   Queue
		request PlacementRequest
		waited  time.Duration
		want    string
	}{
		{"by destination, then location name", Queue{}, PlacementRequest{}, 0, "home east west"},
		{"destinations in their order", Queue{Destinations: []string{"fleet-b", "fleet-a"}}, PlacementRequest{}, 0, "east west home"},
		{"a destination named twice counts once", Queue{Destinations: []string{"fleet-b", "fleet-b"}}, PlacementRequest{}, 0, "east west"},
		{"an unknown destination is left out", Queue{Destinations: []string{"fleet-x", "fleet-a"}}, PlacementRequest{}, 0, "home"},
		{"by average latency when the request has it", Queue{}, PlacementRequest{Latencies: latencies}, 0, "east home west"},
		{"a filter", Queue{AllowedLocations: []string{"custom-west", "custom-home"}}, PlacementRequest{}, 0, "home west"},
		{"an empty filter allows nothing", Queue{AllowedLocations: []string{}}, PlacementRequest{}, 0, ""},
		{"cost first", Queue{Destinations: []string{"fleet-b", "fleet-a"}, Priorities: []Priority{ByCost}}, PlacementRequest{}, 0, "home east west"},
		{"destination first, then latency", Queue{Priorities: []Priority{ByDestination}}, PlacementRequest{Latencies: latencies}, 0, "home east west"},
		{"location first", Queue{Priorities: []Priority{ByLocation}, LocationOrder: []string{"custom-west"}}, PlacementRequest{}, 0, "west east home"},
		{
			"a cap drops locations above it and unmeasured ones",
			Queue{LatencyPolicies: []LatencyPolicy{{MaxMilliseconds: 60}}},
			PlacementRequest{Latencies: []Latency{{"ann", "custom-home", 61}, {"ann", "custom-east", 60}}},
			0, "east",
		},
		{"a cap asks every player", Queue{LatencyPolicies: []LatencyPolicy{{MaxMilliseconds: 60}}}, PlacementRequest{Latencies: latencies}, 0, "home"},
		{
			"the last cap stays",
			Queue{LatencyPolicies: []LatencyPolicy{{50, time.Minute}, {60, time.Minute}}},
			PlacementRequest{Latencies: latencies},
			time.Hour, "home",
		},
		{"no cap without latencies", Queue{LatencyPolicies: []LatencyPolicy{{MaxMilliseconds: 1}}}, PlacementRequest{}, 0, "home east west"},
		{
			"an override goes first, once",
			Queue{Priorities: []Priority{ByLocation}},
			PlacementRequest{Override: &Override{LocationOrder: []string{"custom-west", "custom-home"}}},
			0, "west home east home west",
		},
		{
			"an override without anything after",
			Queue{Priorities: []Priority{ByLocation}},
			PlacementRequest{Override: &Override{LocationOrder: []string{"custom-west"}, Strategy: OnlyListed}},
			0, "west",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := queued(t, c.queue)
			r.w.now = r.now.Add(c.waited)
			c.request.Queue = "q"
			p := &placement{Placement: Placement{Request: c.request, StartedAt: r.now}, table: newLatencyTable(c.request.Latencies)}
			var got []string
			for _, at := range r.w.candidates(p) {
				got = append(got, strings.TrimPrefix(at.location, "custom-"))
			}
			equal(t, "order", strings.Join(got, " "), c.want)
		})
	}
}

func TestAnOverrideCountsForTheFirstPassOnly(t *testing.T) {
	r := queued(t, Queue{Priorities: []Priority{ByLocation}, LocationOrder: []string{"custom-home"}})
	r.host("fleet-b", "west", "w0")
	r.occupy("fleet-b", "custom-west")
	r.start(PlacementRequest{Override: &Override{LocationOrder: []string{"custom-west"}}})
	r.host("fleet-a", "box", "a1")
	equal(t, "after the pass", r.placement("place-1").Fleet, FleetID("fleet-a"))
}

// occupy occupies a process anywhere.
func (r *rig) occupy(fleet FleetID, location string) {
	r.t.Helper()
	_, err := r.w.CreateSession(r.now, SessionRequest{Fleet: fleet, Location: location})
	r.want(err, nil)
}

func TestLatencyPoliciesInTime(t *testing.T) {
	q := Queue{LatencyPolicies: []LatencyPolicy{{100, 20 * time.Second}, {50, 10 * time.Second}, {200, 0}}}
	for _, c := range []struct {
		waited time.Duration
		limit  int
		next   time.Duration
	}{
		{0, 50, 10 * time.Second},
		{10*time.Second - 1, 50, 1},
		{10 * time.Second, 100, 20 * time.Second},
		{30 * time.Second, 200, 0},
		{time.Hour, 200, 0},
	} {
		limit, next, ok := q.capAt(c.waited)
		equal(t, c.waited.String(), []any{limit, next, ok}, []any{c.limit, c.next, true})
	}
	_, _, ok := (&Queue{}).capAt(0)
	equal(t, "without policies", ok, false)
}
