package demo

import (
	"time"

	"muster/demo/game"
)

// seatState is where a player of the match stands.
type seatState uint8

const (
	expected seatState = iota // has not come yet
	here
	away // connection lost; the seat is kept for a while
	left
)

var seatStateNames = [...]string{"expected", "here", "away", "left"}

// seat is one player's place in the match. Its index is also the number of its car.
type seat struct {
	player  string // "" while nobody owns it
	open    bool   // for whoever comes first
	team    int
	name    string
	id      string // player session id, once it was accepted
	state   seatState
	joining bool      // a join is being checked with GameLift
	awayAt  time.Time // when the connection was lost
}

// matchRules are the times of a match.
type matchRules struct {
	Round     time.Duration // how long it is played
	Countdown time.Duration
	JoinWait  time.Duration // how long it waits for players before it starts without them
	Grace     time.Duration // how long a lost connection keeps its seat
}

// match is one session's state: who sits where, and the world they play in. It decides
// and does nothing: time is passed in, I/O is the caller's. Not safe for concurrent use.
type match struct {
	session string
	teams   []string
	seats   []seat
	world   *game.World
	rules   matchRules
	startBy time.Time
	inputs  []game.Input
	roster  bool // somebody came or went since the last step
	over    *outcome
}

// turn is what one step of a match asks of its owner.
type turn struct {
	frame  game.Frame
	roster bool     // the roster changed: tell everybody
	remove []string // player session ids that GameLift can have back
	over   *outcome // set in the turn that ends the match
}

// outcome is how a match ended.
type outcome struct {
	Reason string // time, forfeit or nobody
	Result Result
	Unseen bool // nobody ever appeared: there is no result to report
}

// newMatch prepares a match for the players of a session.
func newMatch(now time.Time, session string, teams []teamPlan, rules matchRules, seed uint64) (*match, error) {
	m := &match{session: session, rules: rules, startBy: now.Add(rules.JoinWait)}
	var sizes [2]int
	for i, team := range teams {
		m.teams = append(m.teams, team.Name)
		sizes[i] = len(team.Players)
		for _, player := range team.Players {
			m.seats = append(m.seats, seat{player: player, open: player == "", team: i})
		}
	}
	m.inputs = make([]game.Input, len(m.seats))
	var err error
	m.world, err = game.New(game.Config{
		Seed: seed, TeamSizes: sizes,
		RoundTicks: ticks(rules.Round), CountdownTicks: ticks(rules.Countdown),
	})
	return m, err
}

func ticks(d time.Duration) int { return int(d * game.TicksPerSecond / time.Second) }

// claim finds the seat of a player who wants in. known says that the seat was accepted
// before, so that the caller takes it over without asking GameLift; otherwise the
// caller asks and then calls either join or unclaim.
func (m *match) claim(player, seatID string) (i int, known bool, err error) {
	if m.over != nil {
		return 0, false, &refusal{Code: "session.over", Message: "This match has ended."}
	}
	i = m.seatOf(player)
	if i < 0 {
		return 0, false, &refusal{Code: "seat.unknown", Message: "You are not a player of this match."}
	}
	s := &m.seats[i]
	switch {
	case s.state == left:
		return 0, false, &refusal{Code: "seat.given_up", Message: "You left this match, or came too late."}
	case s.id != "" && s.id != seatID:
		return 0, false, &refusal{Code: "seat.mismatch", Message: "This is not your seat."}
	case s.id != "":
		return i, true, nil
	case s.joining:
		return 0, false, &refusal{Code: "seat.busy", Message: "You are joining from somewhere else right now."}
	}
	s.player, s.joining = player, true
	return i, false, nil
}

// seatOf is the seat of a player: the one it was matched into, or a free one where
// the session was made without naming players. -1: none.
func (m *match) seatOf(player string) int {
	free, sitting := -1, [2]int{}
	for i, s := range m.seats {
		if s.player == player {
			return i
		}
		if s.player != "" {
			sitting[s.team]++
		}
	}
	for i, s := range m.seats {
		if s.player == "" && s.state == expected && (free < 0 || sitting[s.team] < sitting[m.seats[free].team]) {
			free = i
		}
	}
	return free
}

// unclaim takes back a claim that GameLift refused.
func (m *match) unclaim(i int) {
	s := &m.seats[i]
	s.joining = false
	if s.open {
		s.player = ""
	}
}

// join seats a player whose claim was granted, or brings one back.
func (m *match) join(i int, seatID, name string) {
	s := &m.seats[i]
	s.joining, s.id, s.state = false, seatID, here
	if name != "" || s.name == "" {
		s.name = name
	}
	m.roster = true
}

// input replaces what a player wants; it holds until the next one.
func (m *match) input(i int, in game.Input) { m.inputs[i] = in }

// disconnect keeps the seat of a player whose connection is lost, and idles its car.
func (m *match) disconnect(now time.Time, i int) {
	s := &m.seats[i]
	if s.state != here {
		return
	}
	s.state, s.awayAt = away, now
	m.inputs[i] = game.Input{}
	m.roster = true
}

// leave gives a seat up for good.
func (m *match) leave(i int) (seatID string) {
	s := &m.seats[i]
	if s.state == left {
		return ""
	}
	s.state = left
	m.inputs[i] = game.Input{}
	m.world.Remove(i)
	m.roster = true
	return s.id
}

// step advances the match by one tick of the game.
func (m *match) step(now time.Time) turn {
	var t turn
	for i := range m.seats {
		if s := &m.seats[i]; s.state == away && !now.Before(s.awayAt.Add(m.rules.Grace)) {
			t.remove = append(t.remove, m.leave(i))
		}
	}
	if m.world.Phase() == game.Warmup {
		m.maybeBegin(now)
	}
	if m.over == nil {
		if reason, ok := m.ended(); ok {
			m.world.End()
			m.over = &outcome{Reason: reason, Result: m.result(), Unseen: m.unseen()}
			t.over = m.over
		}
	}
	t.frame = m.world.Step(m.inputs)
	t.roster, m.roster = m.roster, false
	return t
}

// maybeBegin starts the countdown once everybody is there, or when the wait is over:
// who has not come by then has left.
func (m *match) maybeBegin(now time.Time) {
	complete := true
	for i := range m.seats {
		complete = complete && m.seats[i].state != expected
	}
	late := !now.Before(m.startBy)
	if !complete && !late {
		return
	}
	for i := range m.seats {
		if m.seats[i].state == expected {
			m.leave(i)
		}
	}
	m.world.Begin()
}

// ended says whether the match is over and why.
func (m *match) ended() (reason string, ok bool) {
	gone := m.goneTeams()
	switch {
	case gone[0] && gone[1]:
		return "nobody", true
	case gone[0] || gone[1]:
		return "forfeit", true
	}
	return "time", m.world.Phase() == game.Over
}

// goneTeams says of which teams every player left.
func (m *match) goneTeams() (gone [2]bool) {
	gone = [2]bool{true, true}
	for _, s := range m.seats {
		if s.state != left {
			gone[s.team] = false
		}
	}
	return gone
}

// unseen says that nobody ever took a seat.
func (m *match) unseen() bool {
	for _, s := range m.seats {
		if s.id != "" {
			return false
		}
	}
	return true
}

// result ranks the teams: one that left altogether is behind one that stayed, whatever
// the tiles say; otherwise tiles decide.
func (m *match) result() Result {
	scores, gone := m.world.Scores(), m.goneTeams()
	r := Result{Teams: make([]ResultTeam, len(m.teams))}
	for i, name := range m.teams {
		r.Teams[i] = ResultTeam{Name: name, Rank: 1, Score: scores[i], Players: []ResultPlayer{}}
		other := 1 - i
		if gone[i] && !gone[other] || gone[i] == gone[other] && scores[i] < scores[other] {
			r.Teams[i].Rank = 2
		}
	}
	for _, s := range m.seats {
		if s.player != "" {
			team := &r.Teams[s.team]
			team.Players = append(team.Players, ResultPlayer{PlayerID: s.player, Left: s.state == left})
		}
	}
	return r
}

// welcome describes the match to the player of seat i.
func (m *match) welcome(i int) welcomeMessage {
	a := m.world.Arena()
	return welcomeMessage{
		Type: "welcome", You: i, TickRate: game.TicksPerSecond, RoundSeconds: m.rules.Round.Seconds(),
		Width: a.Width, Height: a.Height, Walls: bits(a.Walls), Tiles: digits(m.world.Tiles()),
		Teams: m.teams, Cars: m.cars(),
	}
}

func (m *match) cars() []carInfo {
	out := make([]carInfo, len(m.seats))
	for i, s := range m.seats {
		out[i] = carInfo{Team: s.team, Name: s.name, State: seatStateNames[s.state]}
	}
	return out
}

// overMessage tells players how the match ended.
func (o *outcome) message() overMessage {
	msg := overMessage{Type: "over", Reason: o.Reason}
	for _, t := range o.Result.Teams {
		msg.Teams = append(msg.Teams, teamScore{Name: t.Name, Rank: t.Rank, Score: t.Score})
	}
	return msg
}
