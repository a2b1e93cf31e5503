package pools

import (
	"testing"

	"muster/flexmatch"
)

// matchesIn lists the matches that were made.
func matchesIn(effects []flexmatch.Effect) (matches []flexmatch.Match) {
	for _, e := range effects {
		if m, ok := e.(flexmatch.Matched); ok {
			matches = append(matches, m.Match)
		}
	}
	return matches
}

func TestStandingTicketsWaitForTheOneThatIsMissing(t *testing.T) {
	for _, k := range Kinds() {
		for _, n := range []int{74, 300} {
			s, ok := k.Standing(n)
			if !ok {
				continue
			}
			p := newPool(t, k)
			if m := matchesIn(p.Step(StartAt(n), startAll(s.Tickets)...)); len(m) > 0 || p.Size() != n {
				t.Fatalf("%s: of %d standing tickets %d wait and %d matches were made", k.Name, n, p.Size(), len(m))
			}
			for i := range 3 {
				stranger := s.Stranger(i)
				if m := matchesIn(p.Step(stranger.StartAt, flexmatch.Start{Ticket: stranger})); len(m) > 0 {
					t.Errorf("%s: stranger %d was matched", k.Name, i)
				}
				p.Step(stranger.StartAt, flexmatch.Stop{TicketID: stranger.ID})
			}
			missing := s.Missing(3)
			m := matchesIn(p.Step(missing.StartAt, flexmatch.Start{Ticket: missing}))
			if len(m) != 1 || len(m[0].TicketIDs) < 2 {
				t.Errorf("%s: the missing ticket made matches %v", k.Name, m)
			}
		}
	}
}

func TestStandingTicketsAreAcceptedAndMatchable(t *testing.T) {
	for _, k := range Kinds() {
		s, ok := k.Standing(100)
		if !ok {
			continue
		}
		set, players := ruleSet(t, k), map[string]bool{}
		for _, ticket := range append(s.Tickets, s.Stranger(0), s.Missing(1)) {
			if err := set.CheckTicket(ticket); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
			for _, p := range ticket.Players {
				if players[p.ID] {
					t.Errorf("%s: player %q is there twice", k.Name, p.ID)
				}
				players[p.ID] = true
			}
		}
	}
}

func TestArrivalsVisitManyGroups(t *testing.T) {
	s, ok := kindNamed(t, "ranked5v5").Standing(900)
	if !ok {
		t.Fatal("ranked5v5 has no standing tickets")
	}
	seen := map[string]bool{}
	for i := range 100 {
		seen[s.Missing(i).Players[0].Attributes[modeName].String] = true
	}
	if len(seen) != 100 {
		t.Errorf("100 arrivals visit %d of 100 groups", len(seen))
	}
}

func TestNobodyStandsWhereAnyTwoMatch(t *testing.T) {
	if s, ok := kindNamed(t, "open1v1").Standing(100); ok {
		t.Errorf("open1v1 has %d standing tickets", len(s.Tickets))
	}
}
