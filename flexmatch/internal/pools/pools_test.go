package pools

import (
	"math"
	"reflect"
	"testing"

	"muster/flexmatch"
)

func kindNamed(t *testing.T, name string) Kind {
	t.Helper()
	for _, k := range Kinds() {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no kind is named %q", name)
	return Kind{}
}

func ruleSet(t *testing.T, k Kind) *flexmatch.RuleSet {
	t.Helper()
	set, err := flexmatch.ParseRuleSet(k.RuleSet)
	if err != nil {
		t.Fatalf("%s: %v", k.Name, err)
	}
	return set
}

func TestRuleSetsAreForTheSizesTheyAreNamedFor(t *testing.T) {
	sizes := map[string]struct{ teams, min, max int }{
		"open1v1": {2, 2, 2}, "ranked1v1": {2, 2, 2}, "ranked5v5": {2, 10, 10}, "party5v5": {2, 10, 10}, "royale100": {25, 75, 100},
	}
	for _, k := range Kinds() {
		set, want := ruleSet(t, k), sizes[k.Name]
		if got := len(set.TeamSizes()); got != want.teams || set.MinPlayers() != want.min || set.MaxPlayers() != want.max {
			t.Errorf("%s: %d teams with %d to %d players, want %+v", k.Name, got, set.MinPlayers(), set.MaxPlayers(), want)
		}
		if set.Large() != (k.Name == "royale100") {
			t.Errorf("%s: large is %v", k.Name, set.Large())
		}
		delete(sizes, k.Name)
	}
	if len(sizes) > 0 {
		t.Errorf("kinds are missing: %v", sizes)
	}
}

func TestTicketsAreAcceptedAndMatchable(t *testing.T) {
	for _, k := range Kinds() {
		set := ruleSet(t, k)
		for i, ticket := range k.Tickets(200, 1) {
			if err := set.CheckTicket(ticket); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
			if !ticket.StartAt.Equal(StartAt(i)) || !StartAt(i).Before(StartAt(i+1)) {
				t.Errorf("%s: ticket %d starts at %v", k.Name, i, ticket.StartAt)
			}
			for _, p := range ticket.Players {
				if len(p.Attributes) != len(set.Attributes()) || (len(p.LatencyInMs) > 0) != set.UsesLatency() {
					t.Errorf("%s: %+v lacks something that the rule set asks for", k.Name, p)
				}
			}
		}
	}
}

func TestSameSeedSameTickets(t *testing.T) {
	for _, k := range Kinds() {
		few, many := k.Tickets(50, 7), k.Tickets(100, 7)
		if !reflect.DeepEqual(few, many[:50]) {
			t.Errorf("%s: 50 tickets are not the first 50 of 100", k.Name)
		}
		if k.Name != "open1v1" && reflect.DeepEqual(few, k.Tickets(50, 8)) {
			t.Errorf("%s: another seed makes the same tickets", k.Name)
		}
	}
}

func TestPopulationsAreWhatTheySayTheyAre(t *testing.T) {
	const n = 20_000
	near := func(t *testing.T, what string, got, want, within float64) {
		t.Helper()
		if math.Abs(got-want) > within {
			t.Errorf("%s is %.3f, want %.3f", what, got, want)
		}
	}
	tickets := kindNamed(t, "party5v5").Tickets(n, 1)
	sizes, modesSeen := map[int]float64{}, map[string]float64{}
	var sum, squares float64
	for _, ticket := range tickets {
		sizes[len(ticket.Players)]++
		modesSeen[ticket.Players[0].Attributes[modeName].String]++
		for _, p := range ticket.Players {
			s := p.Attributes[skillName].Number
			sum, squares = sum+s, squares+s*s
			checkLatency(t, p.LatencyInMs)
		}
		if !same([]flexmatch.Ticket{ticket}, modeName) {
			t.Fatalf("party %q wants several modes", ticket.ID)
		}
	}
	for size, share := range map[int]float64{1: .5, 2: .25, 3: .1, 4: .05, 5: .1} {
		near(t, "the share of a party size", sizes[size]/n, share, .01)
	}
	for _, m := range modes() {
		near(t, "the share of a mode", modesSeen[m]/n, 1.0/3, .02)
	}
	players := float64(Players(tickets))
	mean := sum / players
	near(t, "the mean skill", mean, 1500, 5)
	near(t, "the deviation of skill", math.Sqrt(squares/players-mean*mean), 300, 5)
}

// checkLatency wants one home location and three others.
func checkLatency(t *testing.T, latency map[string]int) {
	t.Helper()
	home, away := 0, 0
	for _, ms := range latency {
		switch {
		case ms >= 20 && ms <= 80:
			home++
		case ms >= 90 && ms <= 250:
			away++
		}
	}
	if home != 1 || away != 3 {
		t.Fatalf("latencies %v: want one of 20 to 80 and three of 90 to 250", latency)
	}
}

func TestTheMatchmakerStaysWithinTheBound(t *testing.T) {
	for _, k := range Kinds() {
		for seed := range uint64(5) {
			tickets := k.Tickets(150, seed)
			effects := newPool(t, k).Step(StartAt(150), startAll(tickets)...)
			players, err := Count(tickets, effects)
			if bound := k.Bound(tickets); err != nil || players == 0 || players > bound {
				t.Errorf("%s, seed %d: %d players matched of at most %d, %v", k.Name, seed, players, bound, err)
			}
		}
	}
}

func newPool(t *testing.T, k Kind) *flexmatch.Pool {
	t.Helper()
	return flexmatch.NewPool(flexmatch.Config{RuleSet: ruleSet(t, k)})
}

func startAll(tickets []flexmatch.Ticket) []flexmatch.Input {
	in := make([]flexmatch.Input, len(tickets))
	for i, t := range tickets {
		in[i] = flexmatch.Start{Ticket: t}
	}
	return in
}
