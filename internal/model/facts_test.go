package model

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"muster"
)

// facts is what the world knows for sure, because it was acknowledged, and what may be
// so, because an answer was lost.
type facts struct {
	players  []muster.PlayerID
	subjects map[muster.PlayerID]string
	created  map[muster.PlayerID]bool // a sign-in said that it made them
	names    map[muster.PlayerID]*register
	tickets  []ticketFact
	reports  map[muster.SessionID]muster.ResultReport // acknowledged
	verdicts map[muster.SessionID]*register           // "void" or "counts"
	tried    map[muster.SessionID]bool                // reported, whatever the answer
	seen     map[muster.TicketID]*sight
	keys     int
	asked    []placementFact
	opened   []room   // sessions that can be joined, some of them long over
	codes    []string // of parties, some of them long gone

	documents map[muster.PlayerID]map[string]*documentFact // by namespace
	left      map[muster.PlayerID]*departure               // players whose deletion was asked for
	given     map[muster.SeatID]bool                       // seats that their players gave up, or meant to
}

type ticketFact struct {
	player muster.PlayerID
	id     muster.TicketID
	at     time.Time
}

type placementFact struct {
	player muster.PlayerID
	id     muster.PlacementID
}

// room is a session that players join by themselves.
type room struct {
	id   muster.SessionID
	code string // empty unless it is private
}

// sight is what a ticket's players were shown of it.
type sight struct {
	match muster.MatchID
	left  []muster.MatchID
}

func newFacts() facts {
	return facts{
		subjects: map[muster.PlayerID]string{}, created: map[muster.PlayerID]bool{}, names: map[muster.PlayerID]*register{},
		reports: map[muster.SessionID]muster.ResultReport{}, verdicts: map[muster.SessionID]*register{}, tried: map[muster.SessionID]bool{},
		seen: map[muster.TicketID]*sight{}, documents: map[muster.PlayerID]map[string]*documentFact{},
		left: map[muster.PlayerID]*departure{}, given: map[muster.SeatID]bool{},
	}
}

// somebody is a random player.
func (w *world) somebody() (muster.PlayerID, bool) {
	if len(w.players) == 0 {
		return "", false
	}
	return w.players[w.rand.IntN(len(w.players))], true
}

// told looks at what a player is told.
func (w *world) told(n muster.Notice) {
	w.shown(n.Player, n.Data)
	if view, ok := n.Data.(muster.TicketView); ok {
		w.forward(view)
	}
}

// forward checks that a ticket never comes back to a match that it left.
func (w *world) forward(view muster.TicketView) {
	s := w.seen[view.ID]
	if s == nil {
		s = &sight{}
		w.seen[view.ID] = s
	}
	if view.Match == nil || view.Match.ID == s.match {
		return
	}
	if slices.Contains(s.left, view.Match.ID) {
		w.fail("ticket %s is %s in match %s, which it had left", view.ID, view.Status, view.Match.ID)
	}
	if s.match != "" {
		s.left = append(s.left, s.match)
	}
	s.match = view.Match.ID
}

// shown checks that what a player sees holds no seat of anybody else.
func (w *world) shown(p muster.PlayerID, what any) {
	body, err := json.Marshal(what)
	if err != nil {
		w.fail("what %s is shown does not encode: %v", p, err)
		return
	}
	rest := string(body)
	for {
		_, after, found := strings.Cut(rest, "psess-")
		if !found {
			return
		}
		end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(after)
		}
		seat := w.lift.seats[muster.SeatID("psess-"+after[:end])]
		if seat == nil || seat.Player != p {
			w.fail("%s is shown the seat %+v: %s", p, seat, body)
		}
		rest = after[end:]
	}
}

// register is something that is written and read back. Of writes that nobody answered,
// and of those at the same time, any may have been the last.
type register struct {
	may      []string // one of them is what it holds
	writing  int      // how many writes are under way
	overlaps int      // writes that began while another was under way
}

// write lets do write value, and learns from its error what the register may hold. done, if
// there is one, is called when the write was acknowledged.
func (g *register) write(value string, do func() error, done ...func()) {
	if g.writing > 0 {
		g.overlaps++
	}
	g.writing++
	overlaps, alone := g.overlaps, g.writing == 1
	g.may = append(g.may, value)
	err := do()
	g.writing--
	switch kind := muster.KindOf(err); {
	case err == nil && alone && overlaps == g.overlaps:
		g.may = []string{value}
	case err != nil && (kind == muster.Conflict || kind == muster.NotFound): // refused
		at := slices.Index(g.may, value)
		g.may = slices.Delete(g.may, at, at+1)
	}
	if err == nil {
		for _, f := range done {
			f()
		}
	}
}
