package muster

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// ExplanationView says to a ticket's own players why they wait.
type ExplanationView struct {
	TicketID TicketID     `json:"ticketId"`
	Status   TicketStatus `json:"status" enum:"queued,searching,requiresAcceptance,placing,completed,failed,cancelled,timedOut"`
	// AsOf is when the tickets that wait were listed: a list serves some seconds.
	AsOf time.Time `json:"asOf"`
	// Message is one line to show.
	Message           string            `json:"message"`
	Possible          bool              `json:"possible"`
	Obstacles         []ObstacleView    `json:"obstacles"`
	WaitingTickets    int               `json:"waitingTickets"`
	NeededPlayers     int               `json:"neededPlayers"`
	CompatiblePlayers int               `json:"compatiblePlayers"`
	Rules             []ExplanationRule `json:"rules"`
	// NextStepInSeconds is when the rules relax next, ReachInSeconds when that lets a
	// waiting ticket in. Nil: not known to happen.
	NextStepInSeconds *int `json:"nextStepInSeconds,omitempty"`
	ReachInSeconds    *int `json:"reachInSeconds,omitempty"`
}

// ObstacleView is one thing that keeps a ticket out of every match, in words for its
// players.
type ObstacleView struct {
	Kind    ObstacleKind `json:"kind" enum:"missingAttribute,missingLatency,partyTooLarge,sessionFull,noLocation,neverFits,unmatchable"`
	Message string       `json:"message"`
}

// ExplanationRule is a rule that keeps waiting tickets away. Limit is what the rule
// set allows, never anybody's value; nil where the rule is no matter of degree. Unit is
// what it measures, with and without a limit.
type ExplanationRule struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Tickets  int      `json:"tickets"`
	Property string   `json:"property,omitempty"`
	Limit    *float64 `json:"limit,omitempty"`
	Unit     string   `json:"unit,omitempty"`
}

// limits are the properties whose values are the rule set's own. The reference of a
// comparison may be another player's value.
var limits = []string{"maxDistance", "minDistance", "maxLatency", "minCount", "maxCount"}

// forPlayers keeps of the advice what a ticket's players may know. Amounts by which
// others miss a rule would tell their values.
func (a Advice) forPlayers() ExplanationView {
	v := ExplanationView{
		TicketID: a.TicketID, Status: a.Status, AsOf: a.AsOf, Possible: a.Possible,
		Obstacles: []ObstacleView{}, Rules: []ExplanationRule{},
		WaitingTickets: a.WaitingTickets, NeededPlayers: a.NeededPlayers, CompatiblePlayers: a.CompatiblePlayers,
	}
	for _, o := range a.Never {
		v.Obstacles = append(v.Obstacles, ObstacleView{o.Kind, o.forPlayers()})
	}
	for _, r := range a.Rules {
		if r.Personal {
			continue // whom somebody has blocked is theirs
		}
		v.Rules = append(v.Rules, ruleForPlayers(r.Name, r.Type, r.Tickets, r.Nearest))
	}
	if a.NextStep != nil {
		v.NextStepInSeconds = wholeSeconds(a.NextStep.InSeconds)
	}
	if a.Reach != nil {
		v.ReachInSeconds = wholeSeconds(a.Reach.InSeconds)
	}
	v.Message = v.line(a)
	return v
}

// ruleForPlayers keeps of a miss what the rule set says, but not the amount.
func ruleForPlayers(name, kind string, tickets int, m AdviceMiss) ExplanationRule {
	out := ExplanationRule{Name: name, Type: kind, Tickets: tickets, Unit: m.Unit}
	if m.Amount != nil && slices.Contains(limits, m.Property) {
		out.Property, out.Limit = m.Property, m.Limit
	}
	return out
}

// wholeSeconds rounds up: what is promised has happened then.
func wholeSeconds(s float64) *int {
	n := int(math.Ceil(s))
	return &n
}

// line says the whole in one line.
func (v ExplanationView) line(a Advice) string {
	switch missing := v.NeededPlayers - v.CompatiblePlayers; {
	case v.Status != Searching && v.Status != Queued:
		return statusLine(v.Status)
	case len(v.Obstacles) > 0:
		return "No match can be found: " + v.Obstacles[0].Message + "."
	case v.Possible:
		return "A match is being put together."
	case missing > 0:
		out := "Waiting for " + strconv.Itoa(missing) + " more players"
		if missing == 1 {
			out = "Waiting for 1 more player"
		}
		if len(v.Rules) > 0 {
			out += v.Rules[0].clause(" who fits ", " with a latency within ", " ms of yours")
		}
		if v.CompatiblePlayers > 0 {
			out += fmt.Sprintf(" (%d of the %d needed %s already)", v.CompatiblePlayers, v.NeededPlayers, fitOrFits(v.CompatiblePlayers))
		}
		return out + v.relief()
	case a.Attempt != nil && len(a.Attempt.Failed) > 0:
		f := a.Attempt.Failed[0]
		rule := ruleForPlayers(f.Name, f.Type, 0, f.Miss)
		return "Enough players wait, but there is no match of them" +
			rule.clause(" that satisfies ", " with latencies within ", " ms of each other") + a.outlook() + v.relief()
	}
	return "Waiting for players who fill the teams" + v.relief()
}

// outlook says whether waiting alone can help those who wait. Rules that no longer relax for
// this ticket may relax for younger ones, so then it says nothing.
func (a Advice) outlook() string {
	switch {
	case a.NextStep != nil:
		return " yet"
	case a.Steps == 0:
		return ", and the rules do not relax: it takes other players"
	}
	return ""
}

// relief ends the line with when it gets easier.
func (v ExplanationView) relief() string {
	if v.ReachInSeconds == nil {
		return "."
	}
	return fmt.Sprintf(". More fit in %d s.", *v.ReachInSeconds)
}

func fitOrFits(players int) string {
	if players == 1 {
		return "fits"
	}
	return "fit"
}

// clause says whom a rule wants: by the rule's name, after named, only where nothing
// else can be said. near and far enclose the limit of a latency rule's maxDistance.
func (r ExplanationRule) clause(named, near, far string) string {
	var limit string
	if r.Limit != nil {
		limit = strconv.FormatFloat(math.Round(*r.Limit*100)/100, 'f', -1, 64)
	}
	switch {
	case r.Property == "maxLatency":
		return " within " + limit + " ms of the same location"
	case r.Type == "latency" && r.Limit != nil:
		return near + limit + far
	case r.Type == "latency":
		return " with a location in common"
	case r.Property == "maxDistance" && r.Unit != "":
		return " within " + limit + " " + r.Unit
	case isAttribute(r.Unit):
		return " with a fitting " + r.Unit
	}
	return named + r.Name
}

// isAttribute tells the name of an attribute from the other units.
func isAttribute(unit string) bool {
	return !slices.Contains([]string{"", "ms", "players", "strings"}, unit)
}

// forPlayers says an obstacle to whom it concerns.
func (o AdviceObstacle) forPlayers() string {
	switch o.Kind {
	case MissingAttribute:
		return fmt.Sprintf("this mode needs the attribute %s, which is not set", o.Attribute)
	case MissingLatency:
		return "this mode needs latencies, and none was measured"
	case PartyTooLarge:
		return fmt.Sprintf("a party of %d is larger than any team, which takes %d", o.Players, o.Limit)
	case SessionFull:
		return "the session is full"
	case NoLocation:
		if o.Miss != nil && o.Miss.Limit != nil {
			return fmt.Sprintf("no location is within %v ms", *o.Miss.Limit)
		}
		return "there is no location that all players of the party reach"
	case NeverFits:
		if o.Miss != nil && isAttribute(o.Miss.Unit) {
			return "your " + o.Miss.Unit + " is outside what this mode admits"
		}
		return fmt.Sprintf("rule %s of this mode does not admit you", o.Rule)
	}
	return "something that this mode needs is missing"
}
