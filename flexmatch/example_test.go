package flexmatch_test

import (
	"fmt"
	"strings"
	"time"

	"muster/flexmatch"
)

// noon is when the examples begin.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// request is a ticket of one player with a skill.
func request(player string, after time.Duration, skill float64) flexmatch.Start {
	return flexmatch.Start{Ticket: flexmatch.Ticket{
		ID: "ticket of " + player, StartAt: noon.Add(after),
		Players: []flexmatch.Player{{ID: player, Attributes: map[string]flexmatch.Value{
			"skill": {Kind: flexmatch.NumberAttribute, Number: skill},
		}}},
	}}
}

// teams prints a match as "side_1: ann, side_2: bob".
func teams(m flexmatch.Match) string {
	var out []string
	for _, team := range m.Teams {
		var names []string
		for _, p := range team.Players {
			names = append(names, p.ID)
		}
		out = append(out, team.Name+": "+strings.Join(names, " "))
	}
	return strings.Join(out, ", ")
}

// duel is a rule set that loosens: at first the two may differ by 10, after ten seconds
// by 100.
const duel = `{
	"ruleLanguageVersion": "1.0",
	"playerAttributes": [{"name": "skill", "type": "number", "default": 10}],
	"teams": [{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
	"rules": [{
		"name": "fair", "type": "distance", // half the gap between the two
		"measurements": ["avg(teams[*].players.attributes[skill])"],
		"referenceValue": "avg(flatten(teams[*].players.attributes[skill]))",
		"maxDistance": 5
	}],
	"expansions": [{"target": "rules[fair].maxDistance", "steps": [{"waitTimeSeconds": 10, "value": 50}]}]
}`

// A pool with a rule that loosens: two players who are too far apart at first match
// ten seconds later, without any further input.
func Example() {
	set, err := flexmatch.ParseRuleSet([]byte(duel))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := flexmatch.NewPool(flexmatch.Config{RuleSet: set, RequestTimeout: time.Minute})
	effects := pool.Step(noon, request("ann", 0, 20), request("bob", 0, 60))
	next, _ := pool.Deadline()
	fmt.Println(len(effects), "effects, next at", next.Format("15:04:05"))

	for _, effect := range pool.Step(next) {
		if e, ok := effect.(flexmatch.Matched); ok {
			fmt.Println(e.At.Format("15:04:05"), teams(e.Match))
		}
	}
	// Output:
	// 2 effects, next at 12:00:10
	// 12:00:10 side_1: ann, side_2: bob
}

// The owner of a pool waits for the earlier of an input and the pool's deadline, and
// does what the effects say. Here the clock jumps from one to the next; a real owner
// sleeps until then and takes its inputs from a channel.
func ExamplePool_Step() {
	set, err := flexmatch.ParseRuleSet([]byte(duel))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := flexmatch.NewPool(flexmatch.Config{RuleSet: set, RequestTimeout: time.Minute})
	arrivals := []flexmatch.Start{request("ann", 0, 20), request("bob", 3*time.Second, 60), request("eve", 5*time.Second, 999)}
	for {
		at, due := pool.Deadline()
		var inputs []flexmatch.Input
		if len(arrivals) > 0 && (!due || !at.Before(arrivals[0].Ticket.StartAt)) {
			at, due = arrivals[0].Ticket.StartAt, true
			inputs = append(inputs, arrivals[0])
			arrivals = arrivals[1:]
		}
		if !due {
			break // nobody waits
		}
		for _, effect := range pool.Step(at, inputs...) {
			switch e := effect.(type) {
			case flexmatch.Searching:
				fmt.Println(e.At.Format("05"), e.TicketID, "searches")
			case flexmatch.Matched:
				fmt.Println(e.At.Format("05"), teams(e.Match))
				pool.Step(e.At, flexmatch.Placed{MatchID: e.Match.ID}) // a session was found for them
			case flexmatch.Expired:
				fmt.Println(e.At.Format("04:05"), e.TicketID, "found nobody")
			}
		}
	}
	// Output:
	// 00 ticket of ann searches
	// 03 ticket of bob searches
	// 05 ticket of eve searches
	// 13 side_1: ann, side_2: bob
	// 01:05 ticket of eve found nobody
}

// With acceptance, a match waits for its players. Who accepts and is let down by another
// searches again.
func ExampleAnswer() {
	set, err := flexmatch.ParseRuleSet([]byte(duel))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := flexmatch.NewPool(flexmatch.Config{RuleSet: set, AcceptanceRequired: true, AcceptanceTimeout: 20 * time.Second})
	pool.Step(noon, request("ann", 0, 20), request("bob", 0, 21))
	effects := pool.Step(noon.Add(5*time.Second),
		flexmatch.Answer{TicketID: "ticket of ann", PlayerIDs: []string{"ann"}, Accept: true},
		flexmatch.Answer{TicketID: "ticket of bob", PlayerIDs: []string{"bob"}, Accept: false},
	)
	for _, effect := range effects {
		switch e := effect.(type) {
		case flexmatch.AcceptanceCompleted:
			fmt.Println("rejected:", e.Outcome == flexmatch.Rejected)
		case flexmatch.Searching:
			fmt.Println(e.TicketID, "searches again")
		case flexmatch.Cancelled:
			fmt.Println(e.TicketID, "is cancelled")
		}
	}
	// Output:
	// rejected: true
	// ticket of ann searches again
	// ticket of bob is cancelled
}

// A session with an open place is filled by a ticket of those who play in it. They keep
// their teams, and the rules count them.
func ExampleTicket_backfill() {
	set, err := flexmatch.ParseRuleSet([]byte(duel))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := flexmatch.NewPool(flexmatch.Config{RuleSet: set})
	seated := request("ann", 0, 20)
	seated.Ticket.ID, seated.Ticket.Backfill, seated.Ticket.Players[0].Team = "fill", true, "side_2"
	for _, effect := range pool.Step(noon, seated, request("bob", 0, 95), request("cyd", 0, 25)) {
		if e, ok := effect.(flexmatch.Matched); ok {
			fmt.Println(teams(e.Match))
		}
	}
	// Output:
	// side_1: cyd, side_2: ann
}

// A rule set with mistakes gives all of them, each with its place.
func ExampleParseRuleSet_problems() {
	_, err := flexmatch.ParseRuleSet([]byte(`{
  "ruleLanguageVersion": "1.0",
  "teams": [{"name": "all", "minPlayers": 4, "maxPlayers": 2}],
  "rules": [{"name": "near", "type": "latency"}]
}`))
	fmt.Println(err)
	// Output:
	// 3:43: $.teams[0].minPlayers: minPlayers is at most maxPlayers, which is 2
	// 4:13: $.rules[0]: a latency rule needs "maxLatency", or "maxDistance" with "distanceReference"
}

// What is accepted is not always what was meant.
func ExampleRuleSet_Warnings() {
	set, err := flexmatch.ParseRuleSet([]byte(`{
  "ruleLanguageVersion": "1.0",
  "teams": [{"name": "all", "minPlayers": 2, "maxPlayers": 4}],
  "rules": [{"name": "near", "type": "latency", "maxLatency": 80, "partyAgregation": "max"}],
  "expansions": [{"target": "rules[near].maxLatency", "steps": [{"waitTimeSeconds": 30, "value": 60}]}]
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range set.Warnings() {
		fmt.Println(w)
	}
	// Output:
	// 4:86: $.rules[0].partyAgregation: "partyAgregation" is not known and is ignored; did you mean "partyAggregation"?
	// 5:98: $.expansions[0].steps[0].value: this step tightens: maxLatency was 80 before it; expansions are meant to relax
}

// Two players who are near to different places match only under the literal reading of
// Amazon's guide.
func ExampleParseOptions() {
	body := []byte(`{
		"ruleLanguageVersion": "1.0",
		"teams": [{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
		"rules": [{"name": "ping", "type": "latency", "maxLatency": 80}]
	}`)
	far := func(player, location string) flexmatch.Start {
		s := request(player, 0, 0)
		s.Ticket.Players[0].LatencyInMs = map[string]int{location: 30}
		return s
	}
	for _, options := range []flexmatch.ParseOptions{{}, {SeparateLocations: true}} {
		set, err := options.Parse(body)
		if err != nil {
			fmt.Println(err)
			return
		}
		matches := 0
		for _, effect := range flexmatch.NewPool(flexmatch.Config{RuleSet: set}).Step(noon, far("ann", "tokyo"), far("bob", "oslo")) {
			if _, ok := effect.(flexmatch.Matched); ok {
				matches++
			}
		}
		fmt.Println(matches)
	}
	// Output:
	// 0
	// 1
}
