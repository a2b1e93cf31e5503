package gameliftlocal

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
)

// finishedTicketAge is how long a finished ticket stays describable, unless there are
// too many. Amazon does not say; a day is our choice.
const finishedTicketAge = 24 * time.Hour

// ticket is a matchmaking request and what became of it. The service's lock guards it.
type ticket struct {
	// api is what DescribeMatchmaking answers. The slices and maps in it are replaced,
	// never modified, so that a copy may be answered without the lock.
	api        types.MatchmakingTicket
	maker      *matchmaker
	request    flexmatch.Ticket // as the pool takes it
	backfill   bool
	sessionARN string            // of a backfill: the session to fill
	automatic  bool              // a backfill that the service started by itself
	matchID    string            // "" outside a match
	answers    map[string]bool   // to the proposal of matchID, by player id
	sessions   map[string]string // player session ids by player id, once placed
}

func (t *ticket) id() string { return val(t.api.TicketId) }

// ended says whether the ticket's status is final.
func (t *ticket) ended() bool { return t.api.EndTime != nil }

// eventPlayers are the ticket's players with what is known of them now.
func (t *ticket) eventPlayers() []eventPlayer {
	out := make([]eventPlayer, len(t.api.Players))
	for i, p := range t.api.Players {
		id := val(p.PlayerId)
		out[i] = eventPlayer{PlayerID: id, PlayerSessionID: t.sessions[id], Team: val(p.Team)}
		if answer, ok := t.answers[id]; ok {
			out[i].Accepted = &answer
		}
	}
	return out
}

// seat writes the teams of a match into the ticket's players.
func (t *ticket) seat(teams map[string]string) {
	players := slices.Clone(t.api.Players)
	for i := range players {
		if team, ok := teams[val(players[i].PlayerId)]; ok {
			players[i].Team = &team
		}
	}
	t.api.Players = players
}

// unseat forgets a proposal. Seated players of a backfill keep their team.
func (t *ticket) unseat() {
	t.matchID, t.answers = "", nil
	if t.backfill {
		return
	}
	players := slices.Clone(t.api.Players)
	for i := range players {
		players[i].Team = nil
	}
	t.api.Players = players
}

// ticketBook holds the tickets of a service: the live ones, and the finished ones
// until they are too old or too many. The service's lock guards it.
type ticketBook struct {
	max      int // live and finished together
	byID     map[string]*ticket
	active   map[string]map[string]*ticket // live tickets that search for a player, by player id and ticket id
	finished []*ticket                     // in the order of their ends
}

func newTicketBook(limit int) *ticketBook {
	return &ticketBook{max: limit, byID: map[string]*ticket{}, active: map[string]map[string]*ticket{}}
}

// add takes a ticket whose id is new. ok is false when too many are live.
func (b *ticketBook) add(t *ticket, now time.Time) (ok bool) {
	b.forget(now)
	if len(b.byID) >= b.max {
		return false
	}
	b.byID[t.id()] = t
	if t.backfill { // its players play already: they search for nothing
		return true
	}
	for _, p := range t.api.Players {
		id := val(p.PlayerId)
		if b.active[id] == nil {
			b.active[id] = map[string]*ticket{}
		}
		b.active[id][t.id()] = t
	}
	return true
}

// forget drops finished tickets that are too old, and the oldest while there is no
// room for another ticket.
func (b *ticketBook) forget(now time.Time) {
	drop := 0
	for drop < len(b.finished) {
		t := b.finished[drop]
		if len(b.byID) < b.max && now.Sub(*t.api.EndTime) < finishedTicketAge {
			break
		}
		delete(b.byID, t.id())
		drop++
	}
	clear(b.finished[:drop])
	b.finished = b.finished[drop:]
}

// end gives a ticket its final status.
func (b *ticketBook) end(t *ticket, at time.Time, status types.MatchmakingConfigurationStatus, reason, message string) {
	if t.ended() {
		return
	}
	t.api.Status, t.api.EndTime = status, &at
	t.api.StatusReason, t.api.StatusMessage = optional(reason), optional(message)
	b.release(t)
	b.finished = append(b.finished, t)
}

// remove drops a ticket as if it had never been.
func (b *ticketBook) remove(t *ticket) {
	delete(b.byID, t.id())
	b.release(t)
}

func (b *ticketBook) release(t *ticket) {
	for _, p := range t.api.Players {
		id := val(p.PlayerId)
		delete(b.active[id], t.id())
		if len(b.active[id]) == 0 {
			delete(b.active, id)
		}
	}
}

// earlier are the live tickets that hold a player of players, by start and id.
func (b *ticketBook) earlier(players []types.Player) []*ticket {
	var out []*ticket
	for _, p := range players {
		for _, t := range b.active[val(p.PlayerId)] {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, func(x, y *ticket) int {
		if c := val(x.api.StartTime).Compare(val(y.api.StartTime)); c != 0 {
			return c
		}
		if x.id() < y.id() {
			return -1
		}
		return 1
	})
	return out
}

// waits is a moving average of how long recent tickets took to complete.
type waits struct {
	recent [20]time.Duration // a ring
	count  int               // how many were ever added
}

func (w *waits) add(d time.Duration) {
	w.recent[w.count%len(w.recent)] = max(d, 0)
	w.count++
}

// seconds is the average, rounded up; nil while nothing is known.
func (w *waits) seconds() *int32 {
	n := min(w.count, len(w.recent))
	if n == 0 {
		return nil
	}
	var sum time.Duration
	for _, d := range w.recent[:n] {
		sum += d
	}
	return new(int32(math.Ceil((sum / time.Duration(n)).Seconds())))
}

// Limits on tickets and their players; lengths are in characters. Source: Amazon's
// FlexMatch quotas and GameLift API reference. The request schema holds lengths too,
// but not for game servers.
const (
	maxTicketID        = 128
	maxTicketPlayers   = 10
	maxBackfillPlayers = 199
	maxName            = 1024 // a player's id, a team, an attribute's name
	maxAttributes      = 10
	maxText            = 100 // a string of an attribute, a key of a map
	maxListStrings     = 100
	maxMapPairs        = 10
)

// checkTicketID refuses an id that the API could not name.
func checkTicketID(id string) error {
	strange := func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '.'
	}
	if len(id) > maxTicketID || strings.ContainsFunc(id, strange) {
		return invalid("A TicketId has at most %d letters, digits, hyphens and full stops.", maxTicketID)
	}
	return nil
}

// within says whether a text has one character or more, up to a limit.
func within(s string, limit int) bool { return s != "" && utf8.RuneCountInString(s) <= limit }

// readPlayers turns players of a request into the matchmaker's. Team is kept for
// backfills only: elsewhere Amazon documents it as unused.
func readPlayers(in []types.Player, backfill bool) ([]flexmatch.Player, error) {
	limit := maxTicketPlayers
	if backfill {
		limit = maxBackfillPlayers
	}
	if len(in) == 0 || len(in) > limit {
		return nil, invalid("A ticket has 1 to %d players, not %d.", limit, len(in))
	}
	seen := make(map[string]bool, len(in))
	out := make([]flexmatch.Player, len(in))
	for i, p := range in {
		id := val(p.PlayerId)
		switch {
		case !within(id, maxName):
			return nil, invalid("Every player needs a PlayerId of 1 to %d characters.", maxName)
		case p.Team != nil && !within(*p.Team, maxName):
			return nil, invalid("The team of player %s must have 1 to %d characters.", id, maxName)
		case seen[id]:
			return nil, invalid("Player %s is in the ticket twice.", id)
		case len(p.PlayerAttributes) > maxAttributes:
			return nil, invalid("Player %s has more than %d attributes.", id, maxAttributes)
		}
		seen[id] = true
		player, err := readPlayer(id, p)
		if err != nil {
			return nil, err
		}
		if backfill {
			player.Team = val(p.Team)
		}
		out[i] = player
	}
	return out, nil
}

func readPlayer(id string, p types.Player) (flexmatch.Player, error) {
	out := flexmatch.Player{ID: id}
	if len(p.PlayerAttributes) > 0 {
		out.Attributes = make(map[string]flexmatch.Value, len(p.PlayerAttributes))
	}
	for _, name := range sortedKeys(p.PlayerAttributes) {
		if !within(name, maxName) {
			return out, invalid("The attributes of player %s need names of 1 to %d characters.", id, maxName)
		}
		v, problem := readAttribute(p.PlayerAttributes[name])
		if problem != "" {
			return out, invalid("Attribute %s of player %s %s.", name, id, problem)
		}
		out.Attributes[name] = v
	}
	if len(p.LatencyInMs) > 0 {
		out.LatencyInMs = make(map[string]int, len(p.LatencyInMs))
	}
	for _, location := range sortedKeys(p.LatencyInMs) {
		if p.LatencyInMs[location] < 1 {
			return out, invalid("The latency of player %s to %s must be 1 ms or more.", id, location)
		}
		out.LatencyInMs[location] = int(p.LatencyInMs[location])
	}
	return out, nil
}

// readAttribute reads a value that has exactly one of its members set; problem is
// "" or completes the sentence "Attribute x ...".
func readAttribute(a types.AttributeValue) (v flexmatch.Value, problem string) {
	set := 0
	for _, given := range []bool{a.S != nil, a.N != nil, a.SL != nil, a.SDM != nil} {
		if given {
			set++
		}
	}
	if set != 1 {
		return v, "needs exactly one of S, N, SL and SDM"
	}
	switch {
	case a.S != nil && !within(*a.S, maxText):
		return v, "needs a string of 1 to 100 characters"
	case a.S != nil:
		return flexmatch.Value{Kind: flexmatch.StringAttribute, String: *a.S}, ""
	case a.N != nil:
		if !finite(*a.N) {
			return v, "is not a finite number"
		}
		return flexmatch.Value{Kind: flexmatch.NumberAttribute, Number: *a.N}, ""
	case a.SL != nil:
		if len(a.SL) > maxListStrings {
			return v, "has too many strings"
		}
		if slices.ContainsFunc(a.SL, func(s string) bool { return !within(s, maxText) }) {
			return v, "needs strings of 1 to 100 characters"
		}
		return flexmatch.Value{Kind: flexmatch.StringListAttribute, Strings: distinct(a.SL)}, ""
	}
	if len(a.SDM) > maxMapPairs {
		return v, "has too many pairs"
	}
	for key, n := range a.SDM {
		switch {
		case !within(key, maxText):
			return v, "needs keys of 1 to 100 characters"
		case !finite(n):
			return v, "holds a value that is not a finite number"
		}
	}
	return flexmatch.Value{Kind: flexmatch.StringNumberMapAttribute, Numbers: a.SDM}, ""
}

func finite(n float64) bool { return !math.IsNaN(n) && !math.IsInf(n, 0) }

// distinct keeps the first of equal strings.
func distinct(list []string) []string {
	seen := make(map[string]bool, len(list))
	out := make([]string, 0, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
