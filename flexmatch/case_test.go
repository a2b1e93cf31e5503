package flexmatch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/flexmatch"
)

// history is a pool's whole life as data: what a failure prints, and what is kept under
// testdata/cases as a permanent case.
type history struct {
	RuleSet json.RawMessage `json:"ruleSet"`
	Config  historyConfig   `json:"config"`
	Steps   []historyStep   `json:"steps"`
}

type historyConfig struct {
	AdditionalPlayers        int     `json:"additionalPlayers,omitempty"`
	RequestTimeoutSeconds    float64 `json:"requestTimeoutSeconds,omitempty"`
	AcceptanceRequired       bool    `json:"acceptanceRequired,omitempty"`
	AcceptanceTimeoutSeconds float64 `json:"acceptanceTimeoutSeconds,omitempty"`
}

// historyStep is one Step. Placed and NotPlaced name a ticket of the match.
type historyStep struct {
	At        float64         `json:"at"`
	Start     []historyTicket `json:"start,omitempty"`
	Stop      []string        `json:"stop,omitempty"`
	Answer    []historyAnswer `json:"answer,omitempty"`
	Placed    []string        `json:"placed,omitempty"`
	NotPlaced []string        `json:"notPlaced,omitempty"`
}

type historyTicket struct {
	ID       string          `json:"ticketId"`
	StartAt  float64         `json:"startTime"`
	Players  []historyPlayer `json:"players"`
	Backfill bool            `json:"backfill,omitempty"`
	Session  string          `json:"gameSessionArn,omitempty"`
}

type historyPlayer struct {
	ID         string                      `json:"playerId"`
	Attributes map[string]historyAttribute `json:"attributes,omitempty"`
	Latency    map[string]int              `json:"latencyInMs,omitempty"`
	Team       string                      `json:"team,omitempty"`
}

type historyAttribute struct {
	S   *string            `json:"S"`
	N   *float64           `json:"N"`
	SL  []string           `json:"SL"`
	SDM map[string]float64 `json:"SDM"`
}

// MarshalJSON writes the one form that is set, also an empty list or map.
func (a historyAttribute) MarshalJSON() ([]byte, error) {
	switch {
	case a.S != nil:
		return json.Marshal(map[string]any{"S": *a.S})
	case a.N != nil:
		return json.Marshal(map[string]any{"N": *a.N})
	case a.SDM != nil:
		return json.Marshal(map[string]any{"SDM": a.SDM})
	}
	return json.Marshal(map[string]any{"SL": append([]string{}, a.SL...)})
}

type historyAnswer struct {
	Ticket  string   `json:"ticketId"`
	Players []string `json:"playerIds"`
	Accept  bool     `json:"accept"`
}

func (a historyAttribute) value() flexmatch.Value {
	switch {
	case a.S != nil:
		return flexmatch.Value{Kind: flexmatch.StringAttribute, String: *a.S}
	case a.N != nil:
		return flexmatch.Value{Kind: flexmatch.NumberAttribute, Number: *a.N}
	case a.SDM != nil:
		return flexmatch.Value{Kind: flexmatch.StringNumberMapAttribute, Numbers: a.SDM}
	}
	return flexmatch.Value{Kind: flexmatch.StringListAttribute, Strings: a.SL}
}

var dawn = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

func second(s float64) time.Time { return dawn.Add(seconds(s)) }

func (t historyTicket) ticket() flexmatch.Ticket {
	out := flexmatch.Ticket{ID: t.ID, StartAt: second(t.StartAt), Backfill: t.Backfill, GameSessionARN: t.Session}
	for _, p := range t.Players {
		player := flexmatch.Player{ID: p.ID, LatencyInMs: p.Latency, Team: p.Team, Attributes: map[string]flexmatch.Value{}}
		for name, a := range p.Attributes {
			player.Attributes[name] = a.value()
		}
		out.Players = append(out.Players, player)
	}
	return out
}

func (c historyConfig) config(set *flexmatch.RuleSet) flexmatch.Config {
	return flexmatch.Config{
		RuleSet: set, AdditionalPlayers: c.AdditionalPlayers, Seed: [32]byte{7},
		RequestTimeout: seconds(c.RequestTimeoutSeconds), AcceptanceRequired: c.AcceptanceRequired, AcceptanceTimeout: seconds(c.AcceptanceTimeoutSeconds),
	}
}

// failure is what a history shows to be wrong. Its kind stays while it is shrunk.
type failure struct{ kind, text string }

func (f *failure) Error() string { return f.kind + ": " + f.text }

func failf(kind, format string, args ...any) *failure {
	return &failure{kind, fmt.Sprintf(format, args...)}
}

// replay is a history being run.
type replay struct {
	pool   *flexmatch.Pool
	judge  *judge
	ledger *ledger
	depth  scrutiny
}

// scrutiny is how much of a history is checked, besides that no effect is wrong.
type scrutiny uint8

const (
	soundness scrutiny = iota
	tight              // the same, in a pool whose limits are very low
	pairs              // no two tickets are left that could be a match
	yield              // every match that exists is found, with as many players as can be
	seniority          // and of the oldest tickets that make one of so many players
)

// run plays a history and checks every effect. The features are those of matches made.
func (h history) run(depth scrutiny) (features map[string]bool, _ *failure) {
	set, err := flexmatch.ParseRuleSet(h.RuleSet)
	if err != nil {
		return nil, failf("rule set refused", "%v", err)
	}
	j, err := newJudge(h.RuleSet, h.Config.AdditionalPlayers)
	if err != nil {
		return nil, failf("judge", "%v", err)
	}
	config := h.Config.config(set)
	newPool := flexmatch.NewPool
	if depth == tight {
		newPool = flexmatch.NewTightPool
	}
	r := &replay{pool: newPool(config), judge: j, ledger: newLedger(j, config), depth: depth}
	last := dawn.Add(-time.Hour)
	for _, s := range h.Steps {
		now := second(s.At)
		if now.Before(last) {
			now = last
		}
		last = now
		// Deadlines one by one, so that each has its own instant.
		for {
			at, ok := r.pool.Deadline()
			if !ok || at.After(now) {
				break
			}
			if f := r.step(at, nil); f != nil {
				return nil, f
			}
		}
		if f := r.step(now, r.inputs(s)); f != nil {
			return nil, f
		}
	}
	return j.features, r.drain(last)
}

// drain ends every ticket that is left: placed, or stopped. Then nothing remains.
func (r *replay) drain(now time.Time) *failure {
	if r.depth == pairs {
		if f := r.judge.pair(r.ledger.waiting(), now); f != nil {
			return f
		}
	}
	var ids []string
	for id := range r.ledger.state {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	r.depth = soundness
	var in []flexmatch.Input
	for _, id := range ids {
		r.ledger.noteLeft(id)
		if r.ledger.state[id] == "placing" {
			in = append(in, flexmatch.Placed{MatchID: r.ledger.matchOf(id)})
		} else {
			in = append(in, flexmatch.Stop{TicketID: id})
		}
	}
	if f := r.step(now, in); f != nil {
		return f
	}
	if n := r.pool.Size(); n != 0 || len(r.ledger.state) != 0 {
		return failf("protocol", "%d tickets are left in the pool after all were stopped or placed, %d without an end", n, len(r.ledger.state))
	}
	return nil
}

// inputs makes the inputs of a step from where the tickets stand.
func (r *replay) inputs(s historyStep) []flexmatch.Input {
	var in []flexmatch.Input
	for _, id := range s.Stop {
		in = append(in, flexmatch.Stop{TicketID: id})
	}
	for _, a := range s.Answer {
		in = append(in, flexmatch.Answer{TicketID: a.Ticket, PlayerIDs: a.Players, Accept: a.Accept})
	}
	for _, id := range s.Placed {
		in = append(in, flexmatch.Placed{MatchID: r.ledger.matchOf(id)})
	}
	for _, id := range s.NotPlaced {
		in = append(in, flexmatch.NotPlaced{MatchID: r.ledger.matchOf(id)})
	}
	for _, t := range s.Start {
		in = append(in, flexmatch.Start{Ticket: t.ticket()})
	}
	return in
}

func (r *replay) step(now time.Time, in []flexmatch.Input) *failure {
	effects := r.pool.Step(now, in...)
	if at, ok := r.pool.Deadline(); ok && !at.After(now) {
		return failf("deadline", "after the Step to %v it is %v", now.Sub(dawn), at.Sub(dawn))
	}
	matches, waiting, f := r.ledger.follow(now, in, effects)
	switch {
	case f != nil || r.depth <= pairs:
		return f
	}
	return r.judge.missing(waiting, matches, now, r.depth)
}

// kept says how to keep a history as a case.
func (h history) kept() string {
	body, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("to keep it, save this as flexmatch/testdata/cases/<what-it-shows>.json:\n%s", body)
}

func TestKeptCasesHold(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var h history
			if err := json.Unmarshal(body, &h); err != nil {
				t.Fatal(err)
			}
			if _, f := h.run(tight); f != nil {
				t.Fatal("with low limits:", f)
			}
			depth := soundness
			if h.small() {
				depth = yield
			}
			if _, f := h.run(depth); f != nil {
				t.Error(f)
			}
		})
	}
}

// small tells that everything can be tried: few tickets.
func (h history) small() bool {
	n := 0
	for _, s := range h.Steps {
		n += len(s.Start)
	}
	return n <= 12
}
