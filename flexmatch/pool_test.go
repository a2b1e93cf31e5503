package flexmatch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// ownRuleSet parses one of the package's test rule sets.
func ownRuleSet(t testing.TB, name string) *RuleSet {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "rulesets", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(body))
}

// one is a ticket of one player of the same name, with a skill.
func one(id string, start, skill float64) Ticket {
	return Ticket{ID: id, StartAt: at(start), Players: []Player{{ID: id, Attributes: map[string]Value{
		"skill": {Kind: NumberAttribute, Number: skill},
	}}}}
}

// trace writes effects one a line, ids of matches by order of appearance.
func trace(effects []Effect) string {
	matches := map[string]string{}
	name := func(id string) string {
		if matches[id] == "" {
			matches[id] = fmt.Sprintf("m%d", len(matches)+1)
		}
		return matches[id]
	}
	var b strings.Builder
	line := func(at time.Time, format string, args ...any) {
		fmt.Fprintf(&b, "%v %s\n", at.Sub(epoch).Seconds(), fmt.Sprintf(format, args...))
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Searching:
			line(e.At, "searching %s returned=%v", e.TicketID, e.Returned)
		case Proposed:
			line(e.At, "proposed %s %v", name(e.Match.ID), e.Match.TicketIDs)
		case Answered:
			line(e.At, "answered %s %s %v accept=%v", name(e.MatchID), e.TicketID, e.PlayerIDs, e.Accept)
		case AcceptanceCompleted:
			line(e.At, "completed %s %s", name(e.MatchID), []string{"accepted", "rejected", "timed out"}[e.Outcome])
		case Matched:
			line(e.At, "matched %s %v", name(e.Match.ID), e.Match.TicketIDs)
		case Expired:
			line(e.At, "expired %s", e.TicketID)
		case Cancelled:
			line(e.At, "cancelled %s request=%v", e.TicketID, e.ByRequest)
		case Refused:
			line(e.At, "refused input %d reason %d: %s", e.Index, e.Reason, e.Message)
		}
	}
	return b.String()
}

func wantTrace(t *testing.T, effects []Effect, want ...string) {
	t.Helper()
	if got, want := trace(effects), strings.Join(want, "\n")+"\n"; got != want && (got != "" || want != "\n") {
		t.Errorf("effects:\n%swant:\n%s", got, want)
	}
}

func TestTwoPlayersMatchInTheStepThatAddsTheSecond(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "open-1v1")})
	wantTrace(t, p.Step(at(0), Start{one("a", 0, 0)}), "0 searching a returned=false")
	if _, ok := p.Deadline(); ok {
		t.Error("a pool without timeouts and expansions waits for time")
	}
	wantTrace(t, p.Step(at(1), Start{one("b", 1, 0)}),
		"1 searching b returned=false", "1 proposed m1 [a b]", "1 matched m1 [a b]")
}

func TestAStepThatSkipsOverDeadlinesMeetsEachAtItsTime(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "ranked-1v1"), RequestTimeout: 40 * time.Second})
	p.Step(at(0), Start{one("low", 0, 0)}, Start{one("mid", 1, 150)}, Start{one("odd", 2, 9000)})
	if next, _ := p.Deadline(); !next.Equal(at(10)) {
		t.Errorf("the next deadline is %v", next.Sub(epoch))
	}
	wantTrace(t, p.Step(at(100)),
		"11 proposed m1 [low mid]", "11 matched m1 [low mid]", "42 expired odd")
	if p.Size() != 2 {
		t.Errorf("%d tickets are left, want the two being placed", p.Size())
	}
}

func TestInputsThatChangeNothingAreRefused(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "ranked-1v1"), MaxTickets: 3})
	effects := p.Step(at(0),
		Start{one("a", 0, 0)},
		Start{one("a", 0, 0)},
		Start{Ticket{ID: "empty"}},
		Start{Ticket{ID: "wrong", Players: []Player{{ID: "w", Attributes: map[string]Value{"skill": {Kind: StringAttribute, String: "high"}}}}}},
		Start{Ticket{ID: "twins", Players: []Player{{ID: "w"}, {ID: "w"}}}},
		Start{Ticket{ID: "astray", GameSessionARN: "arn", Players: []Player{{ID: "w", Team: "west"}}}},
		Stop{"nobody"},
		Answer{TicketID: "a", PlayerIDs: []string{"a"}, Accept: true},
		Placed{"no match"},
		NotPlaced{"no match"},
		Start{one("b", 0, 0)},
		Start{one("c", 0, 5000)},
		Start{one("d", 0, 9000)},
	)
	wantTrace(t, effects,
		"0 searching a returned=false",
		`0 refused input 1 reason 2: ticket "a" exists already`,
		`0 refused input 2 reason 5: ticket "empty" has no players`,
		`0 refused input 3 reason 5: ticket "wrong": the attribute "skill" of player "w" is a string, not a number`,
		`0 refused input 4 reason 5: ticket "twins" names player "w" twice or not at all`,
		`0 refused input 5 reason 5: ticket "astray": player "w" sits in team "west", which the rule set does not have`,
		`0 refused input 6 reason 1: ticket "nobody" is not known`,
		`0 refused input 7 reason 3: ticket "a" has no match to accept`,
		`0 refused input 8 reason 1: match "no match" is not known`,
		`0 refused input 9 reason 1: match "no match" is not known`,
		"0 searching b returned=false",
		"0 searching c returned=false",
		`0 refused input 12 reason 6: ticket "d": the pool holds its limit of 3 tickets`,
		"0 proposed m1 [a b]", "0 matched m1 [a b]")
	wantTrace(t, p.Step(at(1), Stop{"a"}), `1 refused input 0 reason 3: ticket "a" is being placed and cannot be canceled`)
}

func acceptancePool(t *testing.T, requestTimeout time.Duration) (*Pool, string) {
	t.Helper()
	p := NewPool(Config{RuleSet: ownRuleSet(t, "open-1v1"), AcceptanceRequired: true, AcceptanceTimeout: 10 * time.Second, RequestTimeout: requestTimeout})
	for _, e := range p.Step(at(0), Start{one("a", 0, 0)}, Start{one("b", 0, 0)}) {
		if m, ok := e.(Proposed); ok {
			if !m.AcceptanceRequired || !m.Deadline.Equal(at(10)) {
				t.Errorf("proposal %+v", m)
			}
			return p, m.Match.ID
		}
	}
	t.Fatal("nothing was proposed")
	return nil, ""
}

func accept(id string, yes bool) Answer {
	return Answer{TicketID: id, PlayerIDs: []string{id}, Accept: yes}
}

func TestAMatchThatAllAcceptIsPlaced(t *testing.T) {
	p, id := acceptancePool(t, 0)
	wantTrace(t, p.Step(at(1), accept("a", true), accept("a", true)),
		"1 answered m1 a [a] accept=true", "1 answered m1 a [a] accept=true")
	wantTrace(t, p.Step(at(2), accept("b", true), accept("b", false), Placed{id}, Placed{id}),
		"2 answered m1 b [b] accept=true", "2 completed m1 accepted", "2 matched m1 [a b]",
		`2 refused input 1 reason 3: ticket "b" has no match to accept`,
		fmt.Sprintf(`2 refused input 3 reason 1: match %q is not known`, id))
	if p.Size() != 0 {
		t.Errorf("%d tickets are left", p.Size())
	}
}

func TestAProposalIsNotPlacedBeforeItIsAccepted(t *testing.T) {
	p, id := acceptancePool(t, 0)
	wantTrace(t, p.Step(at(1), Placed{id}), fmt.Sprintf(`1 refused input 0 reason 3: match %q is not being placed`, id))
}

func TestAnswersOfStrangersAreRefused(t *testing.T) {
	p, _ := acceptancePool(t, 0)
	wantTrace(t, p.Step(at(1), Answer{TicketID: "a", PlayerIDs: []string{"b"}, Accept: true}, Answer{TicketID: "a", Accept: true}),
		`1 refused input 0 reason 4: ticket "a" has no player "b"`,
		`1 refused input 1 reason 4: ticket "a": the answer names no player`)
}

func TestAnAnswerAtTheDeadlineIsTooLate(t *testing.T) {
	p, _ := acceptancePool(t, 0)
	p.Step(at(1), accept("a", true))
	wantTrace(t, p.Step(at(10), accept("b", true)),
		"10 completed m1 timed out", "10 searching a returned=true", "10 cancelled b request=false",
		`10 refused input 0 reason 1: ticket "b" is not known`)
}

func TestStoppingAProposedTicketFreesTheOthers(t *testing.T) {
	p, _ := acceptancePool(t, 0)
	wantTrace(t, p.Step(at(1), Stop{"a"}),
		"1 completed m1 rejected", "1 cancelled a request=true", "1 searching b returned=true")
	wantTrace(t, p.Step(at(2), Start{one("c", 2, 0)}),
		"2 searching c returned=false", "2 proposed m1 [b c]")
}

func TestTheRequestTimeoutRestsDuringAcceptance(t *testing.T) {
	p, _ := acceptancePool(t, 5*time.Second)
	p.Step(at(1), accept("a", true))
	wantTrace(t, p.Step(at(9)))
	wantTrace(t, p.Step(at(11)),
		"10 completed m1 timed out", "10 searching a returned=true", "10 cancelled b request=false", "10 expired a")
}

func TestTicketsOfAFailedProposalMayMeetAgain(t *testing.T) {
	p := NewPool(Config{RuleSet: mustParse(t, `{"ruleLanguageVersion":"1.0","teams":[{"name":"a","minPlayers":2,"maxPlayers":3}]}`), AcceptanceRequired: true, AcceptanceTimeout: time.Second})
	p.Step(at(0), Start{one("a", 0, 0)}, Start{one("b", 0, 0)}, Start{one("c", 0, 0)})
	p.Step(at(0), accept("a", true), accept("b", true))
	wantTrace(t, p.Step(at(1)), "1 completed m1 timed out",
		"1 searching a returned=true", "1 searching b returned=true", "1 cancelled c request=false", "1 proposed m2 [a b]")
}

func backfillTicket(id, session string, start float64, seats ...string) Ticket {
	out := Ticket{ID: id, StartAt: at(start), GameSessionARN: session}
	for i, team := range seats {
		out.Players = append(out.Players, Player{ID: fmt.Sprintf("%s-%d", id, i), Team: team})
	}
	return out
}

func TestALaterBackfillOfASessionReplacesTheEarlier(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "open-1v1"), AcceptanceRequired: true, AcceptanceTimeout: 10 * time.Second})
	wantTrace(t, p.Step(at(0), Start{backfillTicket("one", "arn", 0, "side_1")}, Start{backfillTicket("two", "arn", 0, "side_2")}),
		"0 searching one returned=false", "0 cancelled one request=false", "0 searching two returned=false")
	effects := p.Step(at(1), Start{one("new", 1, 0)})
	wantTrace(t, effects, "1 searching new returned=false", "1 proposed m1 [two new]")
	teams := effects[1].(Proposed).Match.Teams
	if teams[0].Players[0].ID != "new" || teams[1].Players[0].ID != "two-0" {
		t.Errorf("teams %+v", teams)
	}
	wantTrace(t, p.Step(at(2), accept("two", true), accept("new", true)),
		`2 refused input 0 reason 3: ticket "two" is a backfill: its players are playing already and need not accept`,
		"2 answered m1 new [new] accept=true", "2 completed m1 accepted", "2 matched m1 [two new]")
	wantTrace(t, p.Step(at(3), Start{backfillTicket("three", "arn", 3, "side_1")}),
		`3 refused input 0 reason 3: ticket "three": ticket "two" of the same game session is being placed`)
}

func TestABackfillReturnsWhenAcceptanceFails(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "open-1v1"), AcceptanceRequired: true, AcceptanceTimeout: 10 * time.Second})
	p.Step(at(0), Start{backfillTicket("fill", "arn", 0, "side_1")}, Start{one("new", 0, 0)})
	wantTrace(t, p.Step(at(10)), "10 completed m1 timed out", "10 searching fill returned=true", "10 cancelled new request=false")
}

func TestBackfillPriorityOrdersWhoIsServedFirst(t *testing.T) {
	for priority, want := range map[string]string{"normal": "[old fill]", "high": "[fill old]", "low": "[old new]"} {
		p := NewPool(Config{RuleSet: mustParse(t, fmt.Sprintf(`{"ruleLanguageVersion":"1.0","algorithm":{"backfillPriority":%q},
			"teams":[{"name":"side","minPlayers":1,"maxPlayers":1,"quantity":2}]}`, priority))})
		fill, start := backfillTicket("fill", "arn", 1, "side_1"), at(2)
		var got []string
		for _, e := range p.Step(start, Start{one("old", 0, 0)}, Start{fill}, Start{one("new", 2, 0)}) {
			if m, ok := e.(Matched); ok {
				got = append(got, fmt.Sprint(m.Match.TicketIDs))
			}
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("priority %s: matches %v, want %s", priority, got, want)
		}
	}
}

func TestLowPriorityBackfillsTakeWhoIsLeft(t *testing.T) {
	p := NewPool(Config{RuleSet: mustParse(t, `{"ruleLanguageVersion":"1.0","algorithm":{"backfillPriority":"low"},
		"teams":[{"name":"side","minPlayers":1,"maxPlayers":1,"quantity":2}]}`)})
	wantTrace(t, p.Step(at(0), Start{backfillTicket("fill", "arn", 0, "side_1")}), "0 searching fill returned=false")
	wantTrace(t, p.Step(at(1), Start{one("a", 1, 0)}), "1 searching a returned=false", "1 proposed m1 [fill a]", "1 matched m1 [fill a]")
}

func TestALowPriorityBackfillTakesAsManyAsItCan(t *testing.T) {
	// The first one waits because two are wanted; the second brings both in.
	p := NewPool(Config{RuleSet: mustParse(t, `{"ruleLanguageVersion":"1.0","algorithm":{"backfillPriority":"low"},
		"teams":[{"name":"red","minPlayers":2,"maxPlayers":2},{"name":"blue","minPlayers":2,"maxPlayers":2}]}`)})
	p.Step(at(0), Start{backfillTicket("fill", "arn", 0, "red", "red")})
	wantTrace(t, p.Step(at(1), Start{one("a", 1, 0)}), "1 searching a returned=false")
	wantTrace(t, p.Step(at(2), Start{one("b", 2, 0)}), "2 searching b returned=false", "2 proposed m1 [fill a b]", "2 matched m1 [fill a b]")
}

func TestAdditionalPlayersStayOpen(t *testing.T) {
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","teams":[{"name":"all","minPlayers":2,"maxPlayers":4}]}`)
	p := NewPool(Config{RuleSet: set, AdditionalPlayers: 1})
	effects := p.Step(at(0), Start{one("a", 0, 0)}, Start{one("b", 0, 0)}, Start{one("c", 0, 0)}, Start{one("d", 0, 0)})
	if m, ok := effects[len(effects)-1].(Matched); !ok || !slices.Equal(m.Match.TicketIDs, []string{"a", "b", "c"}) {
		t.Errorf("effects:\n%s", trace(effects))
	}
	wantTrace(t, p.Step(at(1), Start{backfillTicket("fill", "arn", 1, "all", "all", "all")}),
		"1 searching fill returned=false", "1 proposed m1 [d fill]", "1 matched m1 [d fill]")
}

func TestMetricsNameEveryRule(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "ranked-1v1"), RequestTimeout: time.Second})
	p.Step(at(0), Start{one("a", 0, 0)}, Start{one("b", 0, 900)})
	for _, e := range p.Step(at(1)) {
		expired := e.(Expired)
		if len(expired.Metrics) != 1 || expired.Metrics[0].Rule != "close" {
			t.Errorf("metrics %+v", expired.Metrics)
		}
		if expired.TicketID == "a" && expired.Metrics[0].Failed == 0 {
			t.Error("the anchor's failures were not counted")
		}
	}
}

func TestTimeDoesNotGoBack(t *testing.T) {
	p := NewPool(Config{RuleSet: ownRuleSet(t, "open-1v1")})
	p.Step(at(10))
	wantTrace(t, p.Step(at(5), Start{one("a", 5, 0)}), "10 searching a returned=false")
}

// play feeds the same random history to a pool and returns all effects, with idle
// steps in between if asked for. rename changes players' and tickets' ids.
func play(t *rapid.T, set *RuleSet, moves []move, idle bool, rename func(string) string) (string, []Effect) {
	p := NewPool(Config{RuleSet: set, RequestTimeout: 45 * time.Second, AcceptanceRequired: true, AcceptanceTimeout: 7 * time.Second, Seed: [32]byte{1}})
	var all []Effect
	last := 0.0
	for _, m := range moves {
		if idle {
			all = append(all, p.Step(at((last+m.at)/2))...)
			all = append(all, p.Step(at(m.at))...)
		}
		last = m.at
		id := rename(m.ticket)
		var in Input
		switch m.kind {
		case 0:
			ticket := one(id, m.at, m.skill)
			for i := 1; i < m.size; i++ {
				ticket.Players = append(ticket.Players, one(rename(fmt.Sprint(m.ticket, "-", i)), 0, m.skill).Players[0])
			}
			in = Start{ticket}
		case 1:
			in = Stop{id}
		default:
			in = Answer{TicketID: id, PlayerIDs: []string{id}, Accept: m.kind < 5}
		}
		effects := p.Step(at(m.at), in)
		all = append(all, effects...)
		if next, ok := p.Deadline(); ok && !next.After(at(m.at)) {
			t.Fatalf("after the step to %v s the deadline is %v", m.at, next.Sub(epoch))
		}
	}
	return trace(all), all
}

type move struct {
	at     float64
	kind   int // 0 start, 1 stop, 2 to 4 accept, 5 reject
	ticket string
	skill  float64
	size   int
}

func drawMoves(t *rapid.T) []move {
	var out []move
	now := 0.0
	for range rapid.IntRange(1, 30).Draw(t, "moves") {
		now += float64(rapid.IntRange(0, 6).Draw(t, "pause"))
		out = append(out, move{
			at: now, kind: rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 3, 4, 5}).Draw(t, "kind"),
			ticket: fmt.Sprintf("t%d", rapid.IntRange(0, 9).Draw(t, "ticket")),
			skill:  float64(rapid.IntRange(0, 10).Draw(t, "skill") * 30), size: rapid.IntRange(1, 2).Draw(t, "size"),
		})
	}
	return out
}

func rankedDuos(t testing.TB) *RuleSet {
	return mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"duo","minPlayers":1,"maxPlayers":2,"quantity":2}],
		"rules":[{"name":"even","type":"comparison","measurements":["count(teams[duo_1].players)"],"operation":"=","referenceValue":"count(teams[duo_2].players)"},
			{"name":"close","type":"distance","measurements":["avg(teams[*].players.attributes[skill])"],"referenceValue":"avg(flatten(teams[*].players.attributes[skill]))","maxDistance":15}],
		"expansions":[{"target":"rules[close].maxDistance","steps":[{"waitTimeSeconds":8,"value":60},{"waitTimeSeconds":20,"value":500}]}]}`)
}

func TestHistoriesBehave(t *testing.T) {
	set := rankedDuos(t)
	same := func(s string) string { return s }
	rapid.Check(t, func(t *rapid.T) {
		moves := drawMoves(t)
		plain, effects := play(t, set, moves, false, same)
		if again, _ := play(t, set, moves, false, same); again != plain {
			t.Fatalf("the same history gave\n%sand\n%s", plain, again)
		}
		if idle, _ := play(t, set, moves, true, same); idle != plain {
			t.Fatalf("idle steps changed\n%sto\n%s", plain, idle)
		}
		renamed, _ := play(t, set, moves, false, func(s string) string { return "z" + s })
		if back := strings.ReplaceAll(renamed, "zt", "t"); back != plain {
			t.Fatalf("renaming changed\n%sto\n%s", plain, back)
		}
		checkLives(t, effects)
	})
}

// checkLives follows every ticket through the effects: it is in one live match at
// most, and after its end nothing happens to it. Instants never go back.
func checkLives(t *rapid.T, effects []Effect) {
	match, last := map[string]string{}, time.Time{}
	known := map[string]bool{}
	tickets := map[string][]string{}
	instant := func(at time.Time) {
		if at.Before(last) {
			t.Fatalf("an effect at %v follows one at %v", at.Sub(epoch), last.Sub(epoch))
		}
		last = at
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Searching:
			instant(e.At)
			if known[e.TicketID] != e.Returned {
				t.Fatalf("ticket %s: known %v, returned %v", e.TicketID, known[e.TicketID], e.Returned)
			}
			known[e.TicketID] = true
		case Proposed:
			instant(e.At)
			for _, id := range e.Match.TicketIDs {
				if match[id] != "" || !known[id] {
					t.Fatalf("ticket %s is in match %q already, known %v", id, match[id], known[id])
				}
				match[id] = e.Match.ID
			}
			tickets[e.Match.ID] = e.Match.TicketIDs
		case AcceptanceCompleted:
			instant(e.At)
			if e.Outcome != Accepted {
				for _, id := range tickets[e.MatchID] {
					delete(match, id)
				}
			}
		case Cancelled:
			instant(e.At)
			delete(known, e.TicketID)
		case Expired:
			instant(e.At)
			if match[e.TicketID] != "" {
				t.Fatalf("ticket %s expired in match %s", e.TicketID, match[e.TicketID])
			}
			delete(known, e.TicketID)
		}
	}
}

func TestMatchIDsAreUUIDsFromTheSeed(t *testing.T) {
	id := func(seed byte) string {
		p := NewPool(Config{RuleSet: ownRuleSet(t, "open-1v1"), Seed: [32]byte{seed}})
		effects := p.Step(at(0), Start{one("a", 0, 0)}, Start{one("b", 0, 0)})
		return effects[len(effects)-1].(Matched).Match.ID
	}
	first := id(1)
	if len(first) != 36 || first[14] != '4' || first != id(1) || first == id(2) {
		t.Errorf("ids %s, %s, %s", first, id(1), id(2))
	}
}

func TestTheOldestTicketGetsTheNewcomerOfAWaitingPool(t *testing.T) {
	// The newcomer could be in a match of three with the younger two, who are alike; the
	// oldest ticket fits only the newcomer and comes first all the same.
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"all","minPlayers":2,"maxPlayers":3}],
		"rules":[{"name":"close","type":"distance","measurements":["max(players.attributes[skill])"],"referenceValue":"min(players.attributes[skill])","maxDistance":10}]}`)
	p := NewPool(Config{RuleSet: set})
	in := []Input{Start{one("oldest", 0, 0)}, Start{one("younger", 1, 20)}}
	for i := range 40 { // so many that a newcomer is looked at from his side
		in = append(in, Start{one(fmt.Sprint(i), 2, float64(1000+i*100))})
	}
	p.Step(at(3), in...)
	wantTrace(t, p.Step(at(4), Start{one("new", 4, 10)}),
		"4 searching new returned=false", "4 proposed m1 [oldest new]", "4 matched m1 [oldest new]")
}

func TestAPassThatIsTooMuchGoesOn(t *testing.T) {
	p := NewTightPool(Config{RuleSet: mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"side","minPlayers":2,"maxPlayers":2,"quantity":2}],
		"rules":[{"name":"alike","type":"comparison","measurements":["stddev(flatten(teams[*].players.attributes[skill]))"],"operation":"<","referenceValue":1}]}`)})
	var in []Input
	for i := range 60 {
		skill := float64(10_000 + i*1000) // like nobody
		if i < 16 {
			skill = float64(i / 4 * 100)
		}
		in = append(in, Start{one(fmt.Sprint(i), 0, skill)})
	}
	matched, steps := 0, 1
	count := func(effects []Effect) {
		for _, e := range effects {
			if m, ok := e.(Matched); ok {
				matched += len(m.Match.TicketIDs)
			}
		}
	}
	count(p.Step(at(1), in...))
	if !p.Unfinished() {
		t.Fatal("one Step was enough: nothing is tested")
	}
	for p.Unfinished() {
		next, ok := p.Deadline()
		if !ok || steps > 1000 {
			t.Fatalf("no end after %d steps", steps)
		}
		count(p.Step(next))
		steps++
	}
	if _, ok := p.Deadline(); ok {
		t.Error("something is still due")
	}
	if steps < 3 || matched != 16 {
		t.Errorf("%d tickets were matched in %d steps", matched, steps)
	}
}

func TestCompleteTriesEveryTicket(t *testing.T) {
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","playerAttributes":[{"name":"skill","type":"number"}],
		"teams":[{"name":"side","minPlayers":1,"maxPlayers":1,"quantity":2}],
		"rules":[{"name":"alike","type":"comparison","measurements":["stddev(flatten(teams[*].players.attributes[skill]))"],"operation":"<","referenceValue":1}]}`)
	var in []Input
	for i := range 40 { // a ticket finds the one like it only behind those like nobody
		in = append(in, Start{one(fmt.Sprint(i), 0, float64(i*100))})
	}
	in = append(in, Start{one("like the last", 0, 3900)})
	p := NewTightPool(Config{RuleSet: set})
	matched := 0
	for _, e := range p.Complete(at(1), in...) {
		if m, ok := e.(Matched); ok {
			matched += len(m.Match.TicketIDs)
		}
	}
	if matched != 2 || p.Unfinished() {
		t.Errorf("%d tickets were matched, unfinished %v", matched, p.Unfinished())
	}
}

func TestLatencyRulesMayBeContentWithDifferentLocations(t *testing.T) {
	p := NewPool(Config{RuleSet: mustParse(t, `{"ruleLanguageVersion":"1.0","teams":[{"name":"side","minPlayers":2,"maxPlayers":2,"quantity":2}],
		"rules":[{"name":"best","type":"latency","maxLatency":50,"partyAggregation":"min"},{"name":"worst","type":"latency","maxLatency":100,"partyAggregation":"max"}]}`)})
	party := func(id string) Start {
		return Start{Ticket{ID: id, StartAt: at(0), Players: []Player{
			{ID: id + "1", LatencyInMs: map[string]int{"x": 40, "y": 60}}, {ID: id + "2", LatencyInMs: map[string]int{"x": 200, "y": 90}},
		}}}
	}
	wantTrace(t, p.Step(at(0), party("a"), party("b")), "0 searching a returned=false", "0 searching b returned=false", "0 proposed m1 [a b]", "0 matched m1 [a b]")
}

func TestTeamsComparedWithAListAreNotAlike(t *testing.T) {
	set := mustParse(t, `{"ruleLanguageVersion":"1.0","teams":[{"name":"small","minPlayers":1,"maxPlayers":2},{"name":"big","minPlayers":1,"maxPlayers":2}],
		"rules":[{"name":"sizes","type":"comparison","measurements":["count(teams[*].players)"],"operation":"=","referenceValue":[1,2]}]}`)
	pair := Ticket{ID: "pair", StartAt: at(0), Players: []Player{{ID: "p1"}, {ID: "p2"}}}
	if got := matchedTickets(set, pair, Ticket{ID: "single", StartAt: at(1), Players: []Player{{ID: "s"}}}); len(got) != 1 {
		t.Errorf("matches %v, want one", got)
	}
}
