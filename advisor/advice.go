package advisor

import (
	"math"
	"time"

	"muster"
	"muster/flexmatch"
)

// Of turns an explanation of the matchmaker into advice, which encodes to JSON. Mode
// and Partial are for the caller to set.
func Of(x flexmatch.Explanation) muster.Advice {
	a := muster.Advice{
		TicketID: muster.TicketID(x.TicketID), Status: statuses[x.Standing], Possible: x.Possible(),
		AgeSeconds: seconds(x.Age), TimesOutInSeconds: seconds(x.TimesOutIn),
		Players: x.Players, Backfill: x.Backfill, Step: x.Step, Steps: x.Steps,
		WaitingTickets: x.Waiting, ConsideredTickets: x.Considered,
		CompatibleTickets: x.Compatible, CompatiblePlayers: x.CompatiblePlayers, TooLargeTickets: x.NoRoom,
		NeededPlayers: x.NeededPlayers, Reach: reach(x.Reach), Lines: x.Lines(),
	}
	if n := x.Next; n != nil {
		a.NextStep = &muster.AdviceStep{AfterSeconds: seconds(n.After), InSeconds: seconds(n.In), Changes: []muster.AdviceChange{}}
		for _, c := range n.Changes {
			a.NextStep.Changes = append(a.NextStep.Changes, muster.AdviceChange(c))
		}
	}
	for _, o := range x.Never {
		a.Never = append(a.Never, obstacle(o))
	}
	for _, r := range x.Rules {
		a.Rules = append(a.Rules, muster.AdviceRule{
			Name: r.Rule, Type: r.Type, Tickets: r.Candidates, Nearest: miss(r.Nearest), Median: miss(r.Median), Reach: reach(r.Reach), Personal: r.Personal,
		})
	}
	if t := x.Attempt; t != nil {
		a.Attempt = &muster.AdviceAttempt{Players: t.Players, Tickets: t.Tickets, Missing: t.Missing, Step: t.Step, Together: t.Together}
		for _, f := range t.Failed {
			a.Attempt.Failed = append(a.Attempt.Failed, muster.AdviceRuleMiss{Name: f.Rule, Type: f.Type, Miss: miss(f.Miss)})
		}
	}
	return a
}

var statuses = map[flexmatch.Standing]muster.TicketStatus{
	flexmatch.StandsSearching: muster.Searching,
	flexmatch.StandsProposed:  muster.RequiresAcceptance,
	flexmatch.StandsPlacing:   muster.Placing,
}

var kinds = map[flexmatch.ObstacleKind]muster.ObstacleKind{
	flexmatch.MissingAttribute: muster.MissingAttribute,
	flexmatch.MissingLatency:   muster.MissingLatency,
	flexmatch.PartyTooLarge:    muster.PartyTooLarge,
	flexmatch.SessionFull:      muster.SessionFull,
	flexmatch.NoLocation:       muster.NoLocation,
	flexmatch.NeverFits:        muster.NeverFits,
	flexmatch.Unmatchable:      muster.Unmatchable,
}

// seconds has milliseconds as its smallest part.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func obstacle(o flexmatch.Obstacle) muster.AdviceObstacle {
	out := muster.AdviceObstacle{
		Kind: kinds[o.Kind], Message: o.String(), PlayerID: muster.PlayerID(o.PlayerID), Attribute: o.Attribute, Rule: o.Rule,
		Players: o.Players, Limit: o.Limit,
	}
	if o.Rule != "" {
		m := miss(o.Miss)
		out.Miss = &m
	}
	return out
}

// miss keeps amounts that JSON can hold; of the others the unit.
func miss(m flexmatch.Miss) muster.AdviceMiss {
	if !m.Known || math.IsInf(m.Amount, 0) || math.IsNaN(m.Amount) || math.IsInf(m.Limit, 0) || math.IsNaN(m.Limit) {
		return muster.AdviceMiss{Unit: m.Unit}
	}
	return muster.AdviceMiss{Amount: &m.Amount, Unit: m.Unit, Property: m.Property, Limit: &m.Limit, Location: m.Location}
}

func reach(r *flexmatch.Reach) *muster.AdviceReach {
	if r == nil {
		return nil
	}
	return &muster.AdviceReach{Step: r.Step, AfterSeconds: seconds(r.After), InSeconds: seconds(r.In)}
}
