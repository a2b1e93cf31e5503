package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
)

// Whoever adds a route states who may call it in served (openapi_test.go): without that
// the tests there fail. What follows from it is tested here, for every route there is.

// class is who may call a route, as its security says. A guest may call whatever a player
// may: a guest is a player whose only way in is a secret.
func class(security string) map[string]bool {
	switch security {
	case playerSecurity:
		return map[string]bool{"a player": true, "a guest": true}
	case serverSecurity:
		return map[string]bool{"a game server": true}
	case adminSecurity:
		return map[string]bool{"an operator": true}
	}
	return nil // everybody
}

// callers are all who may come, with what they show and how they are refused where they
// may not be.
var callers = []struct {
	name, header, code string
	status             int
}{
	{"nobody", "", "auth.missing", 401},
	{"an expired token", "Bearer expired", "auth.expired", 401},
	{"a token that is not ours", "Bearer junk", "auth.bad_token", 401},
	{"a server key that is not ours", "Bearer msk_bad", "auth.server_key", 401},
	{"an admin key that is not ours", "Bearer mak_bad", "auth.admin_key", 401},
	{"two schemes at once", "Basic Bearer ada", "auth.malformed", 401},
	{"a player", "Bearer ada", "auth.wrong_scope", 403},
	{"a guest", "Bearer guest", "auth.wrong_scope", 403},
	{"a game server", "Bearer msk_good", "auth.wrong_scope", 403},
	{"an operator", "Bearer mak_good", "auth.wrong_scope", 403},
}

// call is one route of the document with what a request to it needs.
type call struct{ method, path, body string }

// calls lists every route of the document.
func (r *rig) calls() []call {
	var all []call
	for path, operations := range r.doc.Paths {
		for method, op := range operations {
			c := call{strings.ToUpper(method), path, ""}
			for _, content := range op.RequestBody.Content {
				c.body = "{}"
				if len(content.Example) > 0 {
					c.body = string(content.Example)
				}
			}
			all = append(all, c)
		}
	}
	return all
}

// at is the path with its parameters filled in; known names some, all others are the
// same id of nothing.
func (c call) at(known map[string]string) string {
	parts := strings.Split(c.path, "/")
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		parts[i] = "0199c0de-0000-7000-8000-0000000000ff"
		if value, ok := known[part]; ok {
			parts[i] = pathSegment(value)
		}
	}
	return strings.Join(parts, "/")
}

func TestEveryRouteIsForItsCallersAlone(t *testing.T) {
	r := newRig(t, nil)
	asked := 0
	for _, c := range r.calls() {
		allowed := class(served[strings.ToLower(c.method)+" "+c.path])
		if allowed == nil {
			continue
		}
		for _, caller := range callers {
			r.play.calls = nil
			req := httptest.NewRequest(c.method, c.at(nil), strings.NewReader(c.body))
			req.Header.Set("Content-Type", "application/json")
			if caller.header != "" {
				req.Header.Set("Authorization", caller.header)
			}
			a := r.send(req)
			asked++
			refused := a.status == 401 || a.code() == "auth.wrong_scope"
			switch {
			case allowed[caller.name] && refused:
				t.Errorf("%s %s refuses %s: %d %s", c.method, c.path, caller.name, a.status, a.body)
			case !allowed[caller.name] && (a.status != caller.status || a.code() != caller.code):
				t.Errorf("%s %s answers %s with %d %s, want %d %s", c.method, c.path, caller.name, a.status, a.code(), caller.status, caller.code)
			case !allowed[caller.name] && len(r.play.calls) > 0:
				t.Errorf("%s %s asks the rules on behalf of %s: %v", c.method, c.path, caller.name, r.play.calls)
			}
		}
	}
	if asked < 500 {
		t.Errorf("only %d requests were made", asked)
	}
}

// strangers says, for every call of players that names something in its path, whose
// thing the test names there, and what is said to a player whose it is not. hidden: just
// what is said of something that does not exist.
var strangers = map[string]struct {
	names  string // key of estate
	answer string // hidden, or what an answer of 200 must not hold
}{
	"GET /v1/players/{id}":                         {"player", "public"},
	"GET /v1/players/{id}/matches":                 {"player", "hidden"},
	"GET /v1/players/{id}/data/{namespace}":        {"player", "hidden"},
	"GET /v1/players/me/data/{namespace}":          {"", "own"},
	"PUT /v1/players/me/data/{namespace}":          {"", "own"},
	"PATCH /v1/players/me/data/{namespace}":        {"", "own"},
	"DELETE /v1/players/me/data/{namespace}":       {"", "own"},
	"GET /v1/matchmaking/tickets/{id}":             {"ticket", "hidden"},
	"DELETE /v1/matchmaking/tickets/{id}":          {"ticket", "hidden"},
	"POST /v1/matchmaking/tickets/{id}/accept":     {"ticket", "hidden"},
	"POST /v1/matchmaking/tickets/{id}/decline":    {"ticket", "hidden"},
	"GET /v1/matchmaking/tickets/{id}/explanation": {"ticket", "hidden"},
	"DELETE /v1/parties/me/members/{id}":           {"player", "hidden"},
	"DELETE /v1/parties/me/invites/{id}":           {"invited", "hidden"},
	"POST /v1/players/me/invites/{id}":             {"party", "hidden"},
	"DELETE /v1/players/me/invites/{id}":           {"party", "hidden"},
	"GET /v1/sessions/{id}":                        {"session", "hidden"},
	"POST /v1/sessions/{id}/players":               {"session", "hidden"},
	"GET /v1/placements/{id}":                      {"placement", "hidden"},
	"DELETE /v1/placements/{id}":                   {"placement", "hidden"},
	"POST /v1/auth/links/{provider}":               {"", "own"},
	"DELETE /v1/auth/links/{provider}":             {"", "own"},
	"DELETE /v1/players/me/sign-ins/{id}":          {"signIn", "hidden"},
	"GET /v1/leaderboards/{mode}":                  {"", "own"}, // a mode is nobody's, and everybody may read its board
	"GET /v1/leaderboards/{mode}/me":               {"", "own"},
}

// estate is what one player has, by the names of strangers.
type estate map[string]string

// deafGameLift takes tickets and placements and never says what became of them. It has
// one session, a private one.
type deafGameLift struct {
	muster.GameLift // what is not here is not to be called
	seats           map[muster.PlayerID]muster.SeatID
}

func (*deafGameLift) StartMatchmaking(context.Context, muster.StartMatchmaking) error { return nil }

func (*deafGameLift) StopMatchmaking(context.Context, muster.TicketID) error { return nil }

func (*deafGameLift) Tickets(_ context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	var all []muster.TicketSnapshot
	for _, id := range ids {
		all = append(all, muster.TicketSnapshot{Ticket: id, Status: muster.Searching})
	}
	return all, nil
}

func (g *deafGameLift) StartPlacement(_ context.Context, req muster.StartPlacement) error {
	return nil
}

func (*deafGameLift) StopPlacement(context.Context, muster.PlacementID) error { return nil }

func (*deafGameLift) Placement(_ context.Context, id muster.PlacementID) (muster.PlacementSnapshot, error) {
	return muster.PlacementSnapshot{Placement: id, Status: muster.PlacementPending}, nil
}

func (g *deafGameLift) Seat(_ context.Context, id muster.SeatID) (muster.SeatState, error) {
	for p, seat := range g.seats {
		if seat == id {
			return muster.SeatState{Seat: id, Player: p, Session: exampleSession, Live: true}, nil
		}
	}
	return muster.SeatState{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no such seat")
}

func (*deafGameLift) Session(context.Context, muster.SessionID) (muster.SessionSnapshot, error) {
	return muster.SessionSnapshot{}, muster.Errorf(muster.NotFound, "gamelift.not_found", "no such session")
}

// deafNotifier tells nobody.
type deafNotifier struct{}

func (deafNotifier) Notify(context.Context, ...muster.Notice) {}

// village is the interface over the rules themselves, with players whose tokens are
// their names.
type village struct {
	*rig
	rules   *muster.Backend
	store   muster.Store
	lift    *deafGameLift
	players map[string]muster.PlayerID
}

func newVillage(t *testing.T) *village {
	t.Helper()
	v := &village{players: map[string]muster.PlayerID{}, lift: &deafGameLift{}, store: memory.New(time.Now)}
	next := 0
	teams := []muster.ModeTeam{{Name: "red", MinPlayers: 1, MaxPlayers: 2}}
	v.rules = muster.New(muster.Options{
		Store: v.store, GameLift: v.lift, Notifier: deafNotifier{}, Rating: flatRating{},
		Modes: []muster.Mode{
			{Name: "duel", Configuration: "duel", Teams: teams},
			{Name: "lobby", Kind: muster.Queue, Teams: teams, Sessions: &muster.SessionOptions{Queue: "q", MaxPlayers: 4, Create: muster.CreateByPlayers, Browse: true}},
		},
		Data: []muster.Namespace{{Name: "settings", Write: muster.PlayerWrites}},
		Now:  time.Now, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { next++; return fmt.Sprintf("0199c0de-0000-7000-8000-%012d", next) },
	})
	for _, name := range []string{"ann", "bob", "cid", "dan"} {
		id, _, err := v.rules.EnsurePlayer(t.Context(), muster.Identity{Provider: muster.GuestProvider, Subject: name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		v.players[name] = id
	}
	v.rig = newRig(t, func(o *Options) {
		o.Play, o.Profiles, o.Documents, o.Privacy = v.rules, v.rules, v.rules, v.rules
		o.Parties, o.Rooms, o.ServerRooms, o.History, o.Referee = v.rules, v.rules, v.rules, v.rules, v.rules
		o.Admin, o.Inspect = v.rules, v.rules
		o.SignIns, o.Bans = v.rules, v.rules
		o.Verify = func(ctx context.Context, token string) (muster.Caller, error) {
			if id, known := v.players[token]; known {
				return muster.Caller{Player: id, Scope: muster.GuestScope}, nil
			}
			return verify(ctx, token)
		}
	})
	return v
}

// flatRating rates nobody.
type flatRating struct{}

func (flatRating) Name() string                                      { return "flat" }
func (flatRating) Adopt(s muster.Skill) muster.Skill                 { return s }
func (flatRating) New() muster.Skill                                 { return muster.Skill{Mu: 25, Sigma: 8} }
func (flatRating) Points(muster.Skill) int                           { return 1500 }
func (flatRating) Idle(s muster.Skill, _ time.Duration) muster.Skill { return s }
func (flatRating) Rate(muster.RatedMatch) [][]muster.Skill           { return nil }

// settle gives Ann and her friend Cid one of everything.
func (v *village) settle(t *testing.T) estate {
	t.Helper()
	id := func(a reply, path ...string) string {
		t.Helper()
		var at any = a.json
		for _, name := range path {
			members, _ := at.(map[string]any)
			at = members[name]
		}
		text, _ := at.(string)
		if a.status >= 300 || text == "" {
			t.Fatalf("%d %s has no %v", a.status, a.body, path)
		}
		return text
	}
	e := estate{"player": string(v.players["ann"]), "invited": string(v.players["dan"])}
	if a := v.do("PUT", "/v1/players/me/data/settings", "ann", `{"secret":"of ann"}`); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	e["signIn"] = "0199c0de-0000-7000-8000-00000000b0a1"
	signIn := muster.Key{Partition: muster.PlayerPartition(v.players["ann"]), Sort: muster.SignInPrefix + e["signIn"]}
	if err := v.store.Write(t.Context(), muster.Op{Kind: muster.Put, Key: signIn, Value: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	e["ticket"] = id(v.do("POST", "/v1/matchmaking/tickets", "ann", `{"mode":"duel"}`), "id")
	e["party"] = id(v.do("POST", "/v1/parties", "cid", `{}`), "id")
	if a := v.do("POST", "/v1/parties/me/invites", "cid", `{"playerId":"`+e["invited"]+`"}`); a.status >= 300 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	e["placement"] = id(v.do("POST", "/v1/sessions", "dan", `{"mode":"lobby","private":true}`), "id")
	v.lift.seats = map[muster.PlayerID]muster.SeatID{v.players["dan"]: "psess-of-dan"}
	event := muster.PlacementEvent{ID: "ev", At: time.Now()}
	event.PlacementSnapshot = muster.PlacementSnapshot{
		Placement: muster.PlacementID(e["placement"]), Status: muster.PlacementFulfilled, Session: exampleSession, IPAddress: "127.0.0.1", Port: 7777,
		Seats: v.lift.seats,
	}
	if err := v.rules.ApplyPlacement(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	e["session"] = string(exampleSession)
	return e
}

func TestWhatIsAnothersIsToAStrangerAsIfItDidNotExist(t *testing.T) {
	v := newVillage(t)
	mine := v.settle(t)
	for _, c := range v.calls() {
		route := c.method + " " + c.path
		if served[strings.ToLower(c.method)+" "+c.path] != playerSecurity || !strings.Contains(c.path, "{") {
			continue
		}
		stated, known := strangers[route]
		if !known {
			t.Errorf("%s: say in strangers what it is to a player whose thing it is not", route)
			continue
		}
		if stated.answer == "own" {
			continue // it names no player's thing, but a kind of the caller's own
		}
		if stated.names != "" && mine[stated.names] == "" {
			t.Fatalf("%s: nobody has a %s", route, stated.names)
		}
		named := map[string]string{"{id}": mine[stated.names], "{namespace}": "settings"}
		theirs := v.do(c.method, c.at(named), "bob", c.body)
		none := v.do(c.method, c.at(map[string]string{"{namespace}": "settings"}), "bob", c.body)
		switch stated.answer {
		case "hidden":
			harmless := theirs.status == 404 || theirs.status == 409 || theirs.status == 204 && c.method == "DELETE"
			if !harmless || theirs.status != none.status || theirs.body != none.body {
				t.Errorf("%s: of another's is said %d %s, of nothing %d %s", route, theirs.status, theirs.body, none.status, none.body)
			}
		case "public":
			if theirs.status != 200 {
				t.Errorf("%s: %d %s", route, theirs.status, theirs.body)
			}
			for _, private := range []string{"locale", "createdAt", "activity", "identities", mine["ticket"]} {
				if strings.Contains(theirs.body, private) {
					t.Errorf("%s tells a stranger %s: %s", route, private, theirs.body)
				}
			}
		}
	}
	for route := range strangers {
		if method, path, _ := strings.Cut(route, " "); served[strings.ToLower(method)+" "+path] == "" {
			t.Errorf("%s is no route any more", route)
		}
	}
	for _, answer := range []struct{ what, target, token, want string }{
		{"Ann's ticket", "/v1/matchmaking/tickets/" + mine["ticket"], "ann", `"status"`},
		{"Ann's document", "/v1/players/me/data/settings", "ann", `of ann`},
		{"Cid's party", "/v1/parties/me", "cid", mine["party"]},
		{"Dan's invite", "/v1/players/me/invites", "dan", mine["party"]},
		{"Dan's seat", "/v1/players/me/session", "dan", "psess-of-dan"},
	} {
		if a := v.do("GET", answer.target, answer.token, ""); a.status != 200 || !strings.Contains(a.body, answer.want) {
			t.Errorf("%s did not survive the strangers: %d %s", answer.what, a.status, a.body)
		}
	}
}

// What a player's own calls answer with is their own: nothing of another's stands in it.
func TestNobodyIsToldOfAnothersThings(t *testing.T) {
	v := newVillage(t)
	mine := v.settle(t)
	for _, c := range v.calls() {
		if served[strings.ToLower(c.method)+" "+c.path] != playerSecurity || c.method != "GET" || strings.Contains(c.path, "{") {
			continue
		}
		target := c.path
		if c.path == "/v1/sessions" {
			target += "?mode=lobby"
		}
		a := v.do("GET", target, "bob", "")
		for what, id := range mine {
			text, err := json.Marshal(id)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(a.body, strings.Trim(string(text), `"`)) || strings.Contains(a.body, "psess-of-dan") {
				t.Errorf("%s tells Bob of another's %s: %s", c.path, what, a.body)
			}
		}
	}
}
