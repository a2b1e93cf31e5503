package pools

import (
	"fmt"

	"muster/flexmatch"
)

// Count is how many players the Matched effects seat. It is an error if a ticket was not
// among those given, is in two matches, or is not seated with exactly its players.
func Count(tickets []flexmatch.Ticket, effects []flexmatch.Effect) (players int, err error) {
	waiting := make(map[string]flexmatch.Ticket, len(tickets))
	for _, t := range tickets {
		waiting[t.ID] = t
	}
	for _, e := range effects {
		m, ok := e.(flexmatch.Matched)
		if !ok {
			continue
		}
		seated, err := remove(waiting, m.Match)
		if err != nil {
			return 0, err
		}
		players += seated
	}
	return players, nil
}

// remove takes a match's tickets out of those that wait.
func remove(waiting map[string]flexmatch.Ticket, m flexmatch.Match) (seated int, err error) {
	owner := map[string]string{} // of each player of the match's tickets
	for _, id := range m.TicketIDs {
		t, ok := waiting[id]
		if !ok {
			return 0, fmt.Errorf("match %s: ticket %q is unknown or was matched before", m.ID, id)
		}
		delete(waiting, id)
		for _, p := range t.Players {
			owner[p.ID] = id
		}
	}
	for _, team := range m.Teams {
		for _, p := range team.Players {
			if owner[p.ID] != p.TicketID {
				return 0, fmt.Errorf("match %s: player %q of ticket %q is seated and should not be", m.ID, p.ID, p.TicketID)
			}
			delete(owner, p.ID)
			seated++
		}
	}
	if len(owner) > 0 {
		return 0, fmt.Errorf("match %s: %d players of its tickets have no seat", m.ID, len(owner))
	}
	return seated, nil
}
