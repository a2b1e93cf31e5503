package flexmatch

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// epoch is second 0 of the scenario clock.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

// sharedFolder finds reference material beside the repository; a clone alone has none.
func sharedFolder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "reference", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs ../shared/reference/%s: not part of a clone", name)
	}
	return dir
}

type scenarioTicket struct {
	TicketID  string  `json:"ticketId"`
	StartTime float64 `json:"startTime"`
	Players   []struct {
		PlayerID   string                       `json:"playerId"`
		Attributes map[string]scenarioAttribute `json:"attributes"`
		LatencyMs  map[string]int               `json:"latencyInMs"`
		Team       string                       `json:"team"`
	} `json:"players"`
	Backfill       bool   `json:"backfill"`
	GameSessionARN string `json:"gameSessionArn"`
}

type scenarioAttribute struct {
	S   *string            `json:"S"`
	N   *float64           `json:"N"`
	SL  []string           `json:"SL"`
	SDM map[string]float64 `json:"SDM"`
}

func (a scenarioAttribute) value() Value {
	switch {
	case a.S != nil:
		return Value{Kind: StringAttribute, String: *a.S}
	case a.N != nil:
		return Value{Kind: NumberAttribute, Number: *a.N}
	case a.SL != nil:
		return Value{Kind: StringListAttribute, Strings: a.SL}
	}
	return Value{Kind: StringNumberMapAttribute, Numbers: a.SDM}
}

func (s scenarioTicket) ticket() Ticket {
	out := Ticket{ID: s.TicketID, StartAt: at(s.StartTime), Backfill: s.Backfill, GameSessionARN: s.GameSessionARN}
	for _, p := range s.Players {
		player := Player{ID: p.PlayerID, Team: p.Team, LatencyInMs: p.LatencyMs, Attributes: map[string]Value{}}
		for name, a := range p.Attributes {
			player.Attributes[name] = a.value()
		}
		out.Players = append(out.Players, player)
	}
	return out
}

type scenario struct {
	Name        string           `json:"name"`
	Kind        string           `json:"kind"`
	RuleSetFile string           `json:"ruleSetFile"`
	RuleSet     json.RawMessage  `json:"ruleSet"`
	Tickets     []scenarioTicket `json:"tickets"`
	Config      struct {
		AcceptanceRequired       bool    `json:"acceptanceRequired"`
		AcceptanceTimeoutSeconds float64 `json:"acceptanceTimeoutSeconds"`
		RequestTimeoutSeconds    float64 `json:"requestTimeoutSeconds"`
	} `json:"config"`
	Actions []struct {
		At          float64 `json:"at"`
		Tick        bool    `json:"tick"`
		AcceptMatch *struct {
			TicketID  string   `json:"ticketId"`
			PlayerIDs []string `json:"playerIds"`
			Type      string   `json:"type"`
		} `json:"acceptMatch"`
	} `json:"actions"`
	Expect        []scenarioExpect `json:"expect"`
	ErrorAtAction *int             `json:"errorAtAction"`
}

type scenarioExpect struct {
	At        float64             `json:"at"`
	Matches   []scenarioMatch     `json:"matches"`
	Unmatched []string            `json:"unmatched"`
	Status    map[string]string   `json:"status"`
	StatusIn  map[string][]string `json:"statusIn"`
	Events    []string            `json:"events"`
	Players   int                 `json:"players"`
	TeamSizes map[string]int      `json:"teamSizes"`
}

type scenarioMatch struct {
	Tickets      []string            `json:"tickets"`
	TeamSizes    map[string]int      `json:"teamSizes"`
	Teams        map[string][]string `json:"teams"`
	Together     [][]string          `json:"together"`
	TicketCount  int                 `json:"ticketCount"`
	MustInclude  []string            `json:"mustInclude"`
	ExactTickets *bool               `json:"exactTickets"`
}

// fits tells whether a match is the one described.
func (w scenarioMatch) fits(m Match) bool {
	sizes, players, teamOf := map[string]int{}, map[string][]string{}, map[string]string{}
	for _, team := range m.Teams {
		sizes[team.Name] = len(team.Players)
		for _, p := range team.Players {
			players[team.Name] = append(players[team.Name], p.ID)
			teamOf[p.ID] = team.Name
		}
	}
	for name, n := range w.TeamSizes {
		if sizes[name] != n {
			return false
		}
	}
	for name, ids := range w.Teams {
		if !sameSet(players[name], ids) {
			return false
		}
	}
	for _, group := range w.Together {
		for _, id := range group {
			if teamOf[id] != teamOf[group[0]] {
				return false
			}
		}
	}
	for _, id := range w.MustInclude {
		if !slices.Contains(m.TicketIDs, id) {
			return false
		}
	}
	if w.TicketCount > 0 && len(m.TicketIDs) != w.TicketCount {
		return false
	}
	return w.ExactTickets != nil && !*w.ExactTickets || sameSet(m.TicketIDs, w.Tickets)
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// follower tells the status of tickets and the events from effects, as a service
// would.
type follower struct {
	status  map[string]string
	events  []string
	matches []Match
}

func (f *follower) follow(effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Searching:
			f.status[e.TicketID] = "SEARCHING"
			f.events = append(f.events, "MatchmakingSearching")
		case Proposed:
			f.events = append(f.events, "PotentialMatchCreated")
			f.set(e.Match, "REQUIRES_ACCEPTANCE")
		case Answered:
			f.events = append(f.events, "AcceptMatch")
		case AcceptanceCompleted:
			f.events = append(f.events, "AcceptMatchCompleted:"+[]string{"Accepted", "Rejected", "TimedOut"}[e.Outcome])
		case Matched:
			f.set(e.Match, "PLACING")
			f.matches = append(f.matches, e.Match)
		case Expired:
			f.status[e.TicketID] = "TIMED_OUT"
		case Cancelled:
			f.status[e.TicketID] = "CANCELLED"
		}
	}
}

func (f *follower) set(m Match, status string) {
	for _, id := range m.TicketIDs {
		f.status[id] = status
	}
}

func (s scenario) ruleSet(t *testing.T, dir string) *RuleSet {
	t.Helper()
	body := []byte(s.RuleSet)
	if s.RuleSetFile != "" {
		var err error
		if body, err = os.ReadFile(filepath.Join(dir, s.RuleSetFile)); err != nil {
			t.Fatal(err)
		}
	}
	return mustParse(t, string(body))
}

func mustParse(t testing.TB, body string) *RuleSet {
	t.Helper()
	set, err := ParseRuleSet([]byte(body))
	if err != nil {
		t.Fatalf("rule set refused:\n%v", err)
	}
	return set
}

func (s scenario) config(set *RuleSet) Config {
	seconds := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	return Config{
		RuleSet:            set,
		RequestTimeout:     seconds(s.Config.RequestTimeoutSeconds),
		AcceptanceRequired: s.Config.AcceptanceRequired,
		AcceptanceTimeout:  seconds(s.Config.AcceptanceTimeoutSeconds),
	}
}

// arrivals are the Start inputs of tickets in a span of the clock.
func (s scenario) arrivals(after, until float64) []Input {
	var out []Input
	for _, ticket := range s.Tickets {
		if ticket.StartTime > after && ticket.StartTime <= until {
			out = append(out, Start{ticket.ticket()})
		}
	}
	return out
}

func (s scenario) runMatch(t *testing.T, set *RuleSet) {
	pool, f, last := NewPool(s.config(set)), follower{status: map[string]string{}}, -1.0
	for _, want := range s.Expect {
		f.matches = nil
		f.follow(pool.Step(at(want.At), s.arrivals(last, want.At)...))
		last = want.At
		if len(f.matches) != len(want.Matches) {
			t.Fatalf("at %v s: %d matches, want %d: %v", want.At, len(f.matches), len(want.Matches), f.matches)
		}
		for _, w := range want.Matches {
			if !slices.ContainsFunc(f.matches, w.fits) {
				t.Errorf("at %v s: no match is %+v among %+v", want.At, w, f.matches)
			}
		}
		var waiting []string
		for id, status := range f.status {
			if status == "SEARCHING" {
				waiting = append(waiting, id)
			}
		}
		if want.Unmatched != nil && !sameSet(waiting, want.Unmatched) {
			t.Errorf("at %v s: %v still wait, want %v", want.At, waiting, want.Unmatched)
		}
	}
}

func (s scenario) runAcceptance(t *testing.T, set *RuleSet) {
	pool, f, last := NewPool(s.config(set)), follower{status: map[string]string{}}, -1.0
	for i, action := range s.Actions {
		in := s.arrivals(last, action.At)
		if a := action.AcceptMatch; a != nil {
			in = append(in, Answer{TicketID: a.TicketID, PlayerIDs: a.PlayerIDs, Accept: a.Type == "ACCEPT"})
		}
		effects := pool.Step(at(action.At), in...)
		f.follow(effects)
		last = action.At
		refused := slices.ContainsFunc(effects, func(e Effect) bool { _, ok := e.(Refused); return ok })
		if want := s.ErrorAtAction != nil && *s.ErrorAtAction == i; refused != want {
			t.Errorf("action %d refused: %v, want %v", i, refused, want)
		}
		for _, want := range s.Expect {
			if want.At == action.At {
				f.check(t, want)
			}
		}
	}
}

func (f *follower) check(t *testing.T, want scenarioExpect) {
	t.Helper()
	for id, status := range want.Status {
		if f.status[id] != status {
			t.Errorf("at %v s: ticket %s is %s, want %s", want.At, id, f.status[id], status)
		}
	}
	for id, allowed := range want.StatusIn {
		if !slices.Contains(allowed, f.status[id]) {
			t.Errorf("at %v s: ticket %s is %s, want one of %v", want.At, id, f.status[id], allowed)
		}
	}
	rest := f.events
	for _, event := range want.Events {
		i := slices.Index(rest, event)
		if i < 0 {
			t.Fatalf("at %v s: event %s is missing in %v", want.At, event, f.events)
		}
		rest = rest[i+1:]
	}
}

func (s scenario) runLargeFill(t *testing.T, set *RuleSet) {
	for _, want := range s.Expect {
		got := set.FillTeams(want.Players)
		for i, team := range set.TeamSizes() {
			if got[i] != want.TeamSizes[team.Name] {
				t.Errorf("after %d players team %s has %d, want %d", want.Players, team.Name, got[i], want.TeamSizes[team.Name])
			}
		}
	}
}

// runScenarios runs every scenario file of a folder.
func runScenarios(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s scenario
			if err := json.Unmarshal(body, &s); err != nil {
				t.Fatal(err)
			}
			set := s.ruleSet(t, dir)
			switch s.Kind {
			case "match":
				s.runMatch(t, set)
			case "acceptance":
				s.runAcceptance(t, set)
			case "largeFill":
				s.runLargeFill(t, set)
			default:
				t.Fatalf("unknown kind %q", s.Kind)
			}
		})
	}
}

func TestReferenceScenariosHold(t *testing.T) { runScenarios(t, sharedFolder(t, "scenarios")) }

func TestEveryReferenceRuleSetParses(t *testing.T) {
	dir := sharedFolder(t, "rulesets")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(files) < 20 {
		t.Fatalf("found %d rule sets", len(files))
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRuleSet(body); err != nil {
			t.Errorf("%s:\n%v", filepath.Base(file), err)
		}
	}
}

func TestEveryInvalidReferenceRuleSetIsRefused(t *testing.T) {
	dir := sharedFolder(t, "rulesets")
	files, _ := filepath.Glob(filepath.Join(dir, "invalid", "*.json"))
	if len(files) == 0 {
		t.Fatal("found no rule sets")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseRuleSet(body)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Errorf("%s: error %v, want Problems", filepath.Base(file), err)
			continue
		}
		for _, p := range problems {
			if p.Path == "" || p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("%s: incomplete problem %+v", filepath.Base(file), p)
			}
		}
		t.Logf("%s:\n%v", filepath.Base(file), problems)
	}
}
