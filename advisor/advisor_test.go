package advisor

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/flexmatch"
)

const duel = `{"ruleLanguageVersion":"1.0",
	"playerAttributes":[{"name":"skill","type":"number"},{"name":"map","type":"string","default":"any"},
		{"name":"modes","type":"string_list","default":["a"]},{"name":"power","type":"string_number_map","default":{"a":1}}],
	"teams":[{"name":"red","minPlayers":1,"maxPlayers":1},{"name":"blue","minPlayers":1,"maxPlayers":1}],
	"rules":[
		{"name":"Close","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],
			"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))","maxDistance":50},
		{"name":"SameMap","type":"comparison","measurements":["flatten(teams[*].players.attributes[map])"],"operation":"="},
		{"name":"Modes","type":"collection","operation":"intersection","measurements":["flatten(teams[*].players.attributes[modes])"],"minCount":1},
		{"name":"Power","type":"distance","measurements":["max(flatten(teams[*].players.attributes[power][a]))"],"referenceValue":1,"maxDistance":3},
		{"name":"Veterans","type":"comparison","measurements":["min(flatten(teams[*].players.attributes[skill]))"],"operation":">=","referenceValue":-1000}],
	"expansions":[{"target":"rules[Close].maxDistance","steps":[{"waitTimeSeconds":10,"value":200}]}]}`

// source is GameLift in the tests' hands.
type source struct {
	rules muster.MatchmakerRules
	err   error
	asked int
}

func (s *source) MatchmakerRules(_ context.Context, configuration string) (muster.MatchmakerRules, error) {
	s.asked++
	s.rules.Configuration = configuration
	return s.rules, s.err
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func waits(id string, start float64, skill float64) muster.WaitingTicket {
	return muster.WaitingTicket{
		Ticket: muster.TicketID(id), StartedAt: epoch.Add(time.Duration(start * float64(time.Second))),
		Players: []muster.MatchmakingPlayer{{ID: muster.PlayerID("p-" + id), Attributes: map[string]muster.AttributeValue{"skill": {N: &skill}}}},
	}
}

func ask(at float64, waiting ...muster.WaitingTicket) muster.AdviceRequest {
	return muster.AdviceRequest{
		Configuration: "duel", Ticket: "me", Waiting: waiting, Now: epoch.Add(time.Duration(at * float64(time.Second))),
	}
}

func TestAdviceSaysWhatTheRuleSetSays(t *testing.T) {
	a := New(&source{rules: muster.MatchmakerRules{RuleSetBody: duel, RequestTimeout: time.Minute}})
	got, err := a.Explain(context.Background(), ask(4, waits("me", 0, 100), waits("far", 1, 320), waits("further", 1, 400)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"ticketId":"me","status":"searching","asOf":"0001-01-01T00:00:00Z","ageSeconds":4,"timesOutInSeconds":56,"players":1,"possible":false,"step":0,"steps":1,` +
		`"nextStep":{"afterSeconds":10,"inSeconds":6,"changes":[{"rule":"Close","property":"maxDistance","from":"50","to":"200"}]},` +
		`"waitingTickets":2,"consideredTickets":2,"compatibleTickets":0,"compatiblePlayers":0,"neededPlayers":1,` +
		`"rules":[{"name":"Close","type":"distance","tickets":2,"nearest":{"amount":60,"unit":"skill","property":"maxDistance","limit":50},` +
		`"median":{"amount":60,"unit":"skill","property":"maxDistance","limit":50},"reach":{"step":1,"afterSeconds":10,"inSeconds":7}}],` +
		`"reach":{"step":1,"afterSeconds":10,"inSeconds":7},"attempt":{"players":1,"tickets":1,"missingPlayers":1,"step":0,"playersTogether":1},`
	if text := string(body); !strings.HasPrefix(text, want) {
		t.Errorf("advice\n%s\nwant\n%s...", text, want)
	}
	if !slices.Contains(got.Lines, "It needs 1 player more, 0 compatible.") {
		t.Errorf("lines %q", got.Lines)
	}
}

func TestEveryKindOfAttributeReachesTheRules(t *testing.T) {
	a := New(&source{rules: muster.MatchmakerRules{RuleSetBody: duel}})
	text := "harbour"
	for name, c := range map[string]struct {
		attribute string
		value     muster.AttributeValue
		rule      string
	}{
		"a string":          {"map", muster.AttributeValue{S: &text}, "SameMap"},
		"a list of strings": {"modes", muster.AttributeValue{SL: []string{"b"}}, "Modes"},
		"an empty list":     {"modes", muster.AttributeValue{SL: []string{}}, "Modes"},
		"a map of numbers":  {"power", muster.AttributeValue{SDM: map[string]float64{"a": 9}}, "Power"},
	} {
		t.Run(name, func(t *testing.T) {
			other := waits("other", 0, 100)
			other.Players[0].Attributes[c.attribute] = c.value
			got, err := a.Explain(context.Background(), ask(1, waits("me", 0, 100), other))
			if err != nil || len(got.Rules) != 1 || got.Rules[0].Name != c.rule {
				t.Errorf("rules %+v, %v; want only %s in the way", got.Rules, err, c.rule)
			}
		})
	}
}

func TestWhatCanNeverMatchIsAdvised(t *testing.T) {
	a := New(&source{rules: muster.MatchmakerRules{RuleSetBody: duel}})
	me := waits("me", 0, 1)
	delete(me.Players[0].Attributes, "skill")
	got, err := a.Explain(context.Background(), ask(1, me))
	if err != nil || len(got.Never) != 1 || got.Never[0].Kind != muster.MissingAttribute || got.Never[0].PlayerID != "p-me" || got.Never[0].Attribute != "skill" {
		t.Errorf("never %+v, %v", got.Never, err)
	}
	me = waits("me", 0, -1500)
	got, err = a.Explain(context.Background(), ask(1, me))
	if err != nil || len(got.Never) != 1 || got.Never[0].Kind != muster.NeverFits || got.Never[0].Rule != "Veterans" || got.Never[0].Miss == nil {
		t.Errorf("never %+v, %v", got.Never, err)
	}
}

func TestRulesAreReadOnceAMinute(t *testing.T) {
	s := &source{rules: muster.MatchmakerRules{RuleSetBody: duel}}
	a := New(s)
	compatible := func(at float64) int {
		got, err := a.Explain(context.Background(), ask(at, waits("me", at, 100), waits("other", at, 100)))
		if err != nil {
			t.Fatal(err)
		}
		return got.CompatibleTickets
	}
	compatible(0)
	s.rules.RuleSetBody = strings.Replace(duel, `"maxDistance":50`, `"minDistance":1,"maxDistance":50`, 1)
	if n := compatible(59); n != 1 || s.asked != 1 {
		t.Errorf("%d compatible after %d questions, want the kept rules", n, s.asked)
	}
	if n := compatible(60); n != 0 || s.asked != 2 {
		t.Errorf("%d compatible after %d questions, want the new rules", n, s.asked)
	}
	s.err = muster.Errorf(muster.Unavailable, "gamelift.unavailable", "down")
	if n := compatible(300); n != 0 || s.asked != 3 {
		t.Errorf("%d compatible after %d questions, want the kept rules while GameLift is away", n, s.asked)
	}
	for i := range maxKept + 1 {
		s.err = nil
		q := ask(300, waits("me", 0, 1))
		q.Configuration = strings.Repeat("x", i)
		if _, err := a.Explain(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.kept) > maxKept {
		t.Errorf("%d configurations are kept", len(a.kept))
	}
}

func TestRefusalsOfAdvice(t *testing.T) {
	mistyped := waits("me", 0, 1)
	text := "high"
	mistyped.Players[0].Attributes["skill"] = muster.AttributeValue{S: &text}
	for name, c := range map[string]struct {
		source source
		q      muster.AdviceRequest
		code   string
	}{
		"an unknown configuration":       {source{err: muster.Errorf(muster.NotFound, "gamelift.not_found", "no")}, ask(0, waits("me", 0, 1)), "explanation.rules_unreadable"},
		"a rule set that cannot be read": {source{rules: muster.MatchmakerRules{RuleSetBody: "{"}}, ask(0, waits("me", 0, 1)), "explanation.rules_unreadable"},
		"a ticket that is not there":     {source{rules: muster.MatchmakerRules{RuleSetBody: duel}}, ask(0), "explanation.unreadable"},
		"a value of another type":        {source{rules: muster.MatchmakerRules{RuleSetBody: duel}}, ask(0, mistyped), "explanation.unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(&c.source).Explain(context.Background(), c.q)
			var e *muster.Error
			if !errors.As(err, &e) || e.Kind != muster.Unavailable || e.Code != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
		})
	}
}

func TestAmountsThatJSONCannotHoldAreLeftOut(t *testing.T) {
	for _, m := range []flexmatch.Miss{
		{Known: true, Amount: math.Inf(1)}, {Known: true, Amount: math.NaN()}, {Known: true, Limit: math.Inf(1)}, {Known: true, Limit: math.NaN()}, {Amount: 3},
	} {
		if got := miss(m); got != (muster.AdviceMiss{}) {
			t.Errorf("%+v becomes %+v", m, got)
		}
	}
}
