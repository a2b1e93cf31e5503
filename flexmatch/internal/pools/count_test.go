package pools

import (
	"fmt"
	"strings"
	"testing"

	"muster/flexmatch"
)

func TestCountRefusesWhatCannotBe(t *testing.T) {
	tickets := []flexmatch.Ticket{
		newTicket("a", 0, make([]flexmatch.Player, 1)),
		newTicket("b", 1, make([]flexmatch.Player, 2)),
		newTicket("c", 2, make([]flexmatch.Player, 1)),
	}
	match := func(ticketIDs string, seats ...string) flexmatch.Effect {
		m := flexmatch.Match{ID: "m", TicketIDs: strings.Fields(ticketIDs)}
		for _, seat := range seats {
			var p flexmatch.SeatedPlayer
			if _, err := fmt.Sscan(seat, &p.ID, &p.TicketID); err != nil {
				t.Fatal(err)
			}
			m.Teams = append(m.Teams, flexmatch.Team{Name: seat, Players: []flexmatch.SeatedPlayer{p}})
		}
		return flexmatch.Matched{Match: m}
	}
	ab := match("a b", "a-player-1 a", "b-player-1 b", "b-player-2 b")
	for _, c := range []struct {
		name    string
		effects []flexmatch.Effect
		players int
		problem string // part of the error
	}{
		{"no match has no players", []flexmatch.Effect{flexmatch.Searching{TicketID: "a"}}, 0, ""},
		{"all players of a match count", []flexmatch.Effect{ab}, 3, ""},
		{"all matches count", []flexmatch.Effect{ab, match("c", "c-player-1 c")}, 4, ""},
		{"a ticket in two matches is refused", []flexmatch.Effect{ab, match("a", "a-player-1 a")}, 0, `"a" is unknown or was matched before`},
		{"a ticket twice in one match is refused", []flexmatch.Effect{match("c c", "c-player-1 c")}, 0, `"c" is unknown`},
		{"a ticket nobody started is refused", []flexmatch.Effect{match("d")}, 0, `"d" is unknown`},
		{"a player without a seat is refused", []flexmatch.Effect{match("b", "b-player-1 b")}, 0, "1 players of its tickets have no seat"},
		{"a player in two seats is refused", []flexmatch.Effect{match("a", "a-player-1 a", "a-player-1 a")}, 0, "is seated and should not be"},
		{"a player of another ticket is refused", []flexmatch.Effect{match("a", "a-player-1 a", "c-player-1 c")}, 0, "is seated and should not be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			players, err := Count(tickets, c.effects)
			if c.problem == "" && (err != nil || players != c.players) {
				t.Errorf("%d players, %v; want %d", players, err, c.players)
			}
			if c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("the error is %v, want one about: %s", err, c.problem)
			}
		})
	}
}
