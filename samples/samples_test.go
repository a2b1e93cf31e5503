package samples_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/samples"
	"muster/store/memory"
)

// site is the front with real identities over the rules, and matchmaking that a test says.
type site struct {
	*httptest.Server
	play *play

	mu  sync.Mutex
	now time.Time
	ids int
}

// platform vouches for the subject that a token or a code names.
type platform struct{}

func (platform) Verify(_ context.Context, p identity.Proof) (identity.Verified, error) {
	subject, bad := p.Token+p.Code, identity.Refusal(identity.CredentialInvalid, nil)
	if subject == "bad" {
		return identity.Verified{}, bad
	}
	return identity.Verified{Subject: subject}, nil
}

// pool is a user pool with one user, ann.
type pool struct {
	login func(subject string) (muster.Grant, error)
	asked []string
}

func (p *pool) SignUp(_ context.Context, w muster.PoolSignUp) error {
	p.asked = append(p.asked, "sign up "+w.Username+" "+w.Attributes["email"])
	return nil
}

func (p *pool) ConfirmSignUp(_ context.Context, username, code string) error {
	p.asked = append(p.asked, "confirm "+username+" "+code)
	return nil
}

func (p *pool) ForgotPassword(_ context.Context, username string) error {
	p.asked = append(p.asked, "forgot "+username)
	return nil
}

func (p *pool) ResetPassword(_ context.Context, username, code, password string) error {
	p.asked = append(p.asked, "reset "+username+" "+code+" "+password)
	return nil
}

func (p *pool) SignIn(_ context.Context, w muster.PoolSignIn) (muster.PoolAnswer, error) {
	switch {
	case w.Username == "mfa":
		return muster.PoolAnswer{Challenge: &muster.PoolChallenge{Name: "SMS_MFA"}}, nil
	case w.Username != "ann" || w.Password != "secret":
		return muster.PoolAnswer{}, identity.Refusal(identity.CredentialInvalid, nil)
	}
	grant, err := p.login("ann")
	return muster.PoolAnswer{Grant: &grant}, err
}

// play is matchmaking as a test says.
type play struct {
	mu      sync.Mutex
	started []muster.TicketRequest
	refused error
	tickets map[muster.PlayerID]muster.TicketView
	seats   map[muster.PlayerID]muster.SeatView
}

func (p *play) Me(_ context.Context, me muster.PlayerID) (muster.PlayerView, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	view := muster.PlayerView{ID: me}
	if t, there := p.tickets[me]; there && !t.Status.Final() {
		view.Activity = &muster.ActivityView{Kind: "ticket", TicketID: t.ID}
	}
	return view, nil
}

func (p *play) Seat(_ context.Context, me muster.PlayerID) (muster.SeatView, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seat, there := p.seats[me]
	if !there {
		return seat, muster.Errorf(muster.NotFound, "session.none", "no seat")
	}
	return seat, nil
}

func (p *play) StartTicket(_ context.Context, me muster.PlayerID, req muster.TicketRequest, _ string) (muster.TicketView, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = append(p.started, req)
	if p.refused != nil {
		return muster.TicketView{}, false, p.refused
	}
	t := muster.TicketView{ID: muster.TicketID("ticket-of-" + me), Status: muster.Queued, Players: []muster.PlayerID{me}}
	p.tickets[me] = t
	return t, true, nil
}

func (p *play) Ticket(_ context.Context, me muster.PlayerID, id muster.TicketID) (muster.TicketView, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, there := p.tickets[me]
	if !there || t.ID != id {
		return t, muster.Errorf(muster.NotFound, "ticket.not_found", "no such ticket")
	}
	return t, nil
}

// turn gives a player's ticket a status.
func (p *play) turn(me muster.PlayerID, status muster.TicketStatus, seat *muster.SeatView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tickets[me]
	t.Status, t.Seat = status, seat
	p.tickets[me] = t
	if seat != nil {
		p.seats[me] = *seat
	}
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *site) nextID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("id-%08d", s.ids)
}

type silent struct{}

func (silent) Notify(context.Context, ...muster.Notice) {}

func newSite(t *testing.T) (*site, *pool) {
	t.Helper()
	s := &site{
		now:  time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		play: &play{tickets: map[muster.PlayerID]muster.TicketView{}, seats: map[muster.PlayerID]muster.SeatView{}},
	}
	store := memory.New(s.clock)
	rules := muster.New(muster.Options{Store: store, Notifier: silent{}, Now: s.clock, NewID: s.nextID})
	keys, err := identity.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ids := identity.New(identity.Options{
		Accounts: rules, Store: store, Keys: keys, Linker: rules, Guard: rules, Issuer: "https://play.example", Audience: "muster",
		Providers: map[string]identity.Provider{"steam": platform{}, "apple": platform{}, "play": platform{}, "facebook": platform{}, "cognito": platform{}},
		Kinds:     map[string]string{"play": "playgames"},
		Now:       s.clock, NewID: s.nextID, Random: rand.Reader,
	})
	users := &pool{login: func(subject string) (muster.Grant, error) {
		return ids.Login(context.Background(), "cognito", identity.Proof{Token: subject})
	}}
	front := samples.New(samples.Options{Identity: ids, Play: s.play, UserPool: users, Verify: ids.Verify, Mode: "duel", Now: s.clock})
	mux := http.NewServeMux()
	for pattern, handler := range front.Routes() {
		mux.Handle(pattern, handler)
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s, users
}

// granted is what the clients read of a sign-in.
type granted struct {
	UserID      muster.PlayerID `json:"user_id"`
	GuestSecret string          `json:"guest_secret"`
	Auth        string          `json:"auth_token"`
	Refresh     string          `json:"refresh_token"`
	AuthEnds    int             `json:"auth_token_expires_in"`
	RefreshEnds int             `json:"refresh_token_expires_in"`
	SteamID     string          `json:"steam_id"`
	PlayID      string          `json:"google_play_id"`
}

// ask makes a call as the clients do: a query whose first pair has an ampersand too.
func (s *site) ask(t *testing.T, method, path string, query map[string]string, header map[string]string, body string) (status int, answer string) {
	t.Helper()
	target := s.URL + path
	if len(query) > 0 {
		target += "?"
		for name, value := range query {
			target += "&" + name + "=" + url.QueryEscape(value)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// signIn makes a call that signs in.
func (s *site) signIn(t *testing.T, path string, query map[string]string) granted {
	t.Helper()
	status, text := s.ask(t, http.MethodGet, path, query, nil, "")
	var g granted
	if err := json.Unmarshal([]byte(text), &g); status != http.StatusOK || err != nil {
		t.Fatalf("%s: %d %s", path, status, text)
	}
	if g.UserID == "" || g.Auth == "" || g.Refresh == "" || g.AuthEnds <= 0 || g.RefreshEnds <= 0 {
		t.Fatalf("%s: the clients take no answer without all of its values: %s", path, text)
	}
	return g
}

func TestAGuestOfTheGuidanceComesBackAndRenews(t *testing.T) {
	s, _ := newSite(t)
	first := s.signIn(t, "/login-as-guest", nil)
	if first.AuthEnds != 900 || first.RefreshEnds != 30*24*3600 {
		t.Errorf("tokens live %d and %d seconds", first.AuthEnds, first.RefreshEnds)
	}
	s.pass(time.Hour)
	again := s.signIn(t, "/login-as-guest", map[string]string{"user_id": string(first.UserID), "guest_secret": first.GuestSecret})
	if again.UserID != first.UserID || again.GuestSecret != first.GuestSecret {
		t.Errorf("the guest comes back as %s with another secret: %t", again.UserID, again.GuestSecret != first.GuestSecret)
	}
	renewed := s.signIn(t, "/refresh-access-token", map[string]string{"refresh_token": first.Refresh})
	if renewed.UserID != first.UserID || renewed.GuestSecret != "" || renewed.Refresh == first.Refresh {
		t.Errorf("renewed tokens are %+v", renewed)
	}
	if lived := first.RefreshEnds - renewed.RefreshEnds; lived != 3600 {
		t.Errorf("after an hour %d seconds of the sign-in are over", lived)
	}
}

func TestSignInsOfSampleClientsThatAreRefused(t *testing.T) {
	s, _ := newSite(t)
	ann, bob := s.signIn(t, "/login-as-guest", nil), s.signIn(t, "/login-as-guest", nil)
	for name, c := range map[string]struct {
		path   string
		query  map[string]string
		status int
	}{
		"an id without a secret":            {"/login-as-guest", map[string]string{"user_id": string(ann.UserID)}, 400},
		"a secret without an id":            {"/login-as-guest", map[string]string{"guest_secret": ann.GuestSecret}, 400},
		"another's secret":                  {"/login-as-guest", map[string]string{"user_id": string(ann.UserID), "guest_secret": bob.GuestSecret}, 401},
		"a secret without our part":         {"/login-as-guest", map[string]string{"user_id": string(ann.UserID), "guest_secret": "secret"}, 401},
		"a wrong secret":                    {"/login-as-guest", map[string]string{"user_id": string(ann.UserID), "guest_secret": ann.GuestSecret + "x"}, 401},
		"no refresh token":                  {"/refresh-access-token", nil, 401},
		"an access token to refresh":        {"/refresh-access-token", map[string]string{"refresh_token": ann.Auth}, 401},
		"no ticket of Steam":                {"/login-with-steam", nil, 401},
		"a bad ticket of Steam":             {"/login-with-steam", map[string]string{"steam_auth_token": "bad"}, 401},
		"a link without who":                {"/login-with-steam", map[string]string{"steam_auth_token": "ann", "link_to_existing_user": "Yes"}, 401},
		"a link with a token of no one":     {"/login-with-steam", map[string]string{"steam_auth_token": "ann", "link_to_existing_user": "Yes", "auth_token": "x"}, 401},
		"a link with an endless token":      {"/login-with-steam", map[string]string{"steam_auth_token": "ann", "link_to_existing_user": "Yes", "auth_token": strings.Repeat("x", 9000)}, 401},
		"a token of Apple in Steam's place": {"/login-with-steam", map[string]string{"apple_auth_token": "ann"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			status, text := s.ask(t, http.MethodGet, c.path, c.query, nil, "")
			if status != c.status || text == "" {
				t.Errorf("answer is %d %q, want %d", status, text, c.status)
			}
			for name, secret := range c.query {
				if len(secret) > 20 && strings.Contains(text, secret) {
					t.Errorf("the answer repeats %s", name)
				}
			}
		})
	}
}

func TestAPlatformIsLinkedToTheGuestAndThenSignsIn(t *testing.T) {
	s, _ := newSite(t)
	guest := s.signIn(t, "/login-as-guest", nil)
	link := func(member, token string, as granted) map[string]string {
		return map[string]string{member: token, "auth_token": as.Auth, "link_to_existing_user": "Yes"}
	}
	linked := s.signIn(t, "/login-with-steam", link("steam_auth_token", "7656", guest))
	if linked.UserID != guest.UserID || linked.SteamID != "7656" {
		t.Errorf("linked as %+v", linked)
	}
	if linked.GuestSecret == "" || linked.GuestSecret == guest.GuestSecret {
		t.Error("the guest's secret is not replaced")
	}
	if back := s.signIn(t, "/login-as-guest", map[string]string{"user_id": string(guest.UserID), "guest_secret": linked.GuestSecret}); back.UserID != guest.UserID {
		t.Errorf("with the new secret the guest is %s", back.UserID)
	}
	if signed := s.signIn(t, "/login-with-steam", map[string]string{"steam_auth_token": "7656"}); signed.UserID != guest.UserID || signed.GuestSecret != "" {
		t.Errorf("Steam signs in as %+v", signed)
	}
	// What leads to somebody already signs them in, also where a link was asked for.
	other := s.signIn(t, "/login-as-guest", nil)
	if taken := s.signIn(t, "/login-with-steam", link("steam_auth_token", "7656", other)); taken.UserID != guest.UserID {
		t.Errorf("a linked account was given to %s", taken.UserID)
	}
	if played := s.signIn(t, "/login-with-google-play", link("google_play_auth_token", "g-1", other)); played.UserID != other.UserID || played.PlayID != "g-1" {
		t.Errorf("Google Play is linked as %+v", played)
	}
	// An old sign-in may sign in with what is known, and link nothing.
	old := s.signIn(t, "/login-as-guest", nil)
	s.pass(10 * time.Minute)
	if status, text := s.ask(t, http.MethodGet, "/login-with-apple-id", link("apple_auth_token", "a-1", old), nil, ""); status != http.StatusForbidden || !strings.Contains(text, "sign in again") {
		t.Errorf("an old sign-in links: %d %s", status, text)
	}
	if known := s.signIn(t, "/login-with-steam", link("steam_auth_token", "7656", old)); known.UserID != guest.UserID {
		t.Errorf("Steam signs in as %s", known.UserID)
	}
}

func TestManyLinksOfOnePlatformAtOnceHaveOneWinner(t *testing.T) {
	s, _ := newSite(t)
	guests := make([]granted, 16)
	for i := range guests {
		guests[i] = s.signIn(t, "/login-as-guest", nil)
	}
	winners := make([]muster.PlayerID, len(guests))
	var wg sync.WaitGroup
	for i, g := range guests {
		wg.Go(func() {
			status, text := s.ask(t, http.MethodGet, "/login-with-steam", map[string]string{"steam_auth_token": "one", "auth_token": g.Auth, "link_to_existing_user": "Yes"}, nil, "")
			var got granted
			if err := json.Unmarshal([]byte(text), &got); status != http.StatusOK || err != nil {
				t.Errorf("%d %s", status, text)
			}
			winners[i] = got.UserID
		})
	}
	wg.Wait()
	for _, w := range winners {
		if w != winners[0] {
			t.Fatalf("one account signs in as %v", winners)
		}
	}
}

func TestAUserPoolHasOneCallForEverything(t *testing.T) {
	s, users := newSite(t)
	call := func(body string) (int, string) {
		return s.ask(t, http.MethodPost, "/login-with-cognito", nil, nil, body)
	}
	for body, status := range map[string]int{
		`{"body":{"username":"ann","password":"p","email":"a@b.example","signup":"True"}}`:             200,
		`{"body":{"username":"ann","confirmation_code":"1","signup_confirmation_code":"True"}}`:        200,
		`{"body":{"username":"ann","forgot_password":"True"}}`:                                         200,
		`{"body":{"username":"ann","reset_password_code":"2","password":"q","reset_password":"True"}}`: 200,
		`{"body":{"username":"ann","password":"secret","signin":"True"}}`:                              200,
		`{"body":{"username":"ann","password":"wrong","signin":"True"}}`:                               401,
		`{"body":{"username":"mfa","password":"secret","signin":"True"}}`:                              401,
		`{"body":{"username":"ann","signout":"True"}}`:                                                 400,
		`{"body":{"username":"ann"}}`:                                                                  400,
		`{"body":`:                                                                                     400,
		`{"body":{"username":"` + strings.Repeat("x", 20000) + `"}}`:                                   400,
	} {
		if got, text := call(body); got != status {
			t.Errorf("%.60s: %d %s, want %d", body, got, text, status)
		}
	}
	if len(users.asked) != 4 {
		t.Errorf("the pool was asked %q", users.asked)
	}
}

func TestAClientOfTheGuidanceIsMatched(t *testing.T) {
	s, _ := newSite(t)
	ann := s.signIn(t, "/login-as-guest", nil)
	as := map[string]string{"Authorization": ann.Auth} // without the word Bearer
	status, text := s.ask(t, http.MethodPost, "/request-matchmaking", nil, as, `{ "latencyInMs": { "us-east-1": 34, "us-west-2": 80 } }`)
	var ticket struct{ TicketID, Status string }
	if err := json.Unmarshal([]byte(text), &ticket); status != 200 || err != nil || ticket.TicketID == "" || ticket.Status != "QUEUED" {
		t.Fatalf("%d %s", status, text)
	}
	if req := s.play.started[0]; req.Mode != "duel" || req.LatencyInMs["us-west-2"] != 80 {
		t.Errorf("asked for %+v", req)
	}
	poll := func() map[string]any {
		status, text := s.ask(t, http.MethodGet, "/get-match-status", map[string]string{"ticketId": ticket.TicketID}, as, "")
		var state map[string]any
		if err := json.Unmarshal([]byte(text), &state); status != 200 || err != nil {
			t.Fatalf("%d %s", status, text)
		}
		return state
	}
	for status, name := range map[muster.TicketStatus]string{
		muster.Queued: "MatchmakingQueued", muster.Searching: "MatchmakingSearching", muster.Placing: "PotentialMatchCreated",
		muster.Failed: "MatchmakingFailed", muster.Cancelled: "MatchmakingCancelled", muster.TimedOut: "MatchmakingTimedOut",
	} {
		s.play.turn(ann.UserID, status, nil)
		if state := poll(); state["MatchmakingStatus"] != name || len(state) != 1 {
			t.Errorf("%s is told as %v", status, state)
		}
	}
	s.play.turn(ann.UserID, muster.Searching, nil)
	s.play.refused = muster.Errorf(muster.Conflict, "ticket.already_queued", "already")
	if status, text := s.ask(t, http.MethodPost, "/request-matchmaking", nil, as, `{"latencyInMs":{}}`); status != 200 || !strings.Contains(text, ticket.TicketID) {
		t.Errorf("a second request: %d %s", status, text)
	}
	s.play.turn(ann.UserID, muster.Completed, &muster.SeatView{IPAddress: "127.0.0.1", DNSName: "a.example", Port: 1935, PlayerSessionID: "psess-ann", SessionID: "arn:x"})
	if state := poll(); state["MatchmakingStatus"] != "MatchmakingSucceeded" || state["Port"] != "1935" || state["IpAddress"] != "127.0.0.1" || state["DnsName"] != "a.example" || state["PlayerSessionId"] != "psess-ann" {
		t.Errorf("a match is told as %v", state)
	}
	s.play.refused = muster.Errorf(muster.Conflict, "session.live", "a seat is there")
	status, text = s.ask(t, http.MethodPost, "/request-matchmaking", nil, as, `{"latencyInMs":{}}`)
	if err := json.Unmarshal([]byte(text), &ticket); status != 200 || err != nil || ticket.Status != "COMPLETED" {
		t.Fatalf("with a seat: %d %s", status, text)
	}
	if state := poll(); state["PlayerSessionId"] != "psess-ann" {
		t.Errorf("the seat that is there is told as %v", state)
	}
	delete(s.play.seats, ann.UserID)
	if state := poll(); state["MatchmakingStatus"] != "MatchmakingFailed" {
		t.Errorf("a seat that is over is told as %v", state)
	}
}

func TestNobodyReadsAnothersTicket(t *testing.T) {
	s, _ := newSite(t)
	ann, bob := s.signIn(t, "/login-as-guest", nil), s.signIn(t, "/login-as-guest", nil)
	if status, text := s.ask(t, http.MethodPost, "/request-matchmaking", nil, map[string]string{"Authorization": ann.Auth}, `{}`); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	id := "ticket-of-" + string(ann.UserID)
	for name, c := range map[string]struct {
		header map[string]string
		status int
	}{
		"another player":    {map[string]string{"Authorization": bob.Auth}, 400},
		"nobody":            {nil, 401},
		"a refresh token":   {map[string]string{"Authorization": ann.Refresh}, 401},
		"in another header": {map[string]string{"Auth": ann.Auth}, 401},
	} {
		if status, text := s.ask(t, http.MethodGet, "/get-match-status", map[string]string{"ticketId": id}, c.header, ""); status != c.status {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.status)
		}
	}
}

func TestAClientOfThePluginIsMatched(t *testing.T) {
	s, _ := newSite(t)
	ann := s.signIn(t, "/login-as-guest", nil)
	as := map[string]string{"auth": ann.Auth}
	step := func(path, body string, want int) string {
		t.Helper()
		status, text := s.ask(t, http.MethodPost, path, nil, as, body)
		if status != want {
			t.Fatalf("%s: %d %s, want %d", path, status, text, want)
		}
		return text
	}
	step("/get_game_connection", "", 404)
	step("/start_game", `{"regionToLatencyMapping":{"us-east-1":20.5}}`, 202)
	if req := s.play.started[0]; req.LatencyInMs["us-east-1"] != 21 {
		t.Errorf("asked for %+v", req)
	}
	step("/get_game_connection", "", 204)
	s.play.refused = muster.Errorf(muster.Conflict, "ticket.already_queued", "already")
	step("/start_game", ``, 409)
	s.play.turn(ann.UserID, muster.Completed, &muster.SeatView{IPAddress: "127.0.0.1", Port: 1935, PlayerSessionID: "psess-ann", SessionID: "arn:x"})
	var got map[string]any
	if err := json.Unmarshal([]byte(step("/get_game_connection", "", 200)), &got); err != nil || got["Port"] != "1935" || got["GameSessionArn"] != "arn:x" || got["PlayerSessionId"] != "psess-ann" {
		t.Errorf("the connection is %v (%v)", got, err)
	}
	s.play.refused = muster.Errorf(muster.Conflict, "session.live", "a seat is there")
	step("/start_game", `{}`, 202)
	s.play.refused = muster.Errorf(muster.Exhausted, "limit.exceeded", "slowly")
	step("/start_game", `{}`, 429)
	s.play.refused = errors.New("the disk is on fire")
	if text := step("/start_game", `{}`, 500); strings.Contains(text, "fire") {
		t.Errorf("a failure is told as %q", text)
	}
}
