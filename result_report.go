package muster

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a report.
const (
	maxResultPlayers = 200  // of a GameLift session
	maxReportPlayers = 1000 // a report may name those, too, who left long ago
	maxResultTeams   = 200  // those without players count for nothing
	maxTeamBytes     = 128  // of a team's name; FlexMatch's have at most 128 characters
	maxStats         = 16   // numbers of one player
	maxMagnitude     = 1e15 // of a score or a stat
)

// What a result's record may grow by after it was reported, in bytes of JSON at most.
const (
	decidedBytes = 600    // for each player who is rated: what the result does to them
	unratedBytes = 64     // for each player at all
	verdictBytes = 80_000 // for maxVerdicts of the longest reasons
)

var statName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,32}$`)

// players lists all that the report names.
func (r ResultReport) players() []ResultPlayer {
	var all []ResultPlayer
	for _, team := range r.Teams {
		all = append(all, team.Players...)
	}
	for _, p := range r.Players {
		all = append(all, p.ResultPlayer)
	}
	return all
}

// teams says in which team the report has a player; nobody is in one in a free for all.
func (r ResultReport) teams() map[PlayerID]string {
	all := make(map[PlayerID]string)
	for _, team := range r.Teams {
		for _, p := range team.Players {
			all[p.PlayerID] = team.Name
		}
	}
	return all
}

// seats says that a player is known to be in a session, and in that team; "": in any.
func (s *session) seats(p PlayerID, team string) bool {
	home, in := s.Teams[p]
	return in && (home == "" || team == "" || home == team)
}

// check finds what is wrong with a report by itself.
func (r ResultReport) check() error {
	if (len(r.Teams) == 0) == (len(r.Players) == 0) {
		return Errorf(Invalid, "result.teams", "a result has teams, or the players of a free for all, and not both")
	}
	if len(r.Teams) > maxResultTeams {
		return Errorf(Invalid, "result.teams", "a result has at most %d teams, not %d", maxResultTeams, len(r.Teams))
	}
	names := make(map[string]bool)
	for _, team := range r.Teams {
		if team.Name == "" || names[team.Name] {
			return Errorf(Invalid, "result.team_name", "every team has a name of its own; %q is empty or repeated", team.Name)
		}
		if len(team.Name) > maxTeamBytes || !utf8.ValidString(team.Name) {
			return Errorf(Invalid, "result.team_name", "a team's name has at most %d bytes of UTF-8, not %d", maxTeamBytes, len(team.Name))
		}
		names[team.Name] = true
		if err := checkPlace("team", team.Name, team.Rank, len(r.Teams), team.Score); err != nil {
			return err
		}
	}
	for _, p := range r.Players {
		if err := checkPlace("player", string(p.PlayerID), p.Rank, len(r.Players), p.Score); err != nil {
			return err
		}
	}
	seen := make(map[PlayerID]bool)
	for _, p := range r.players() {
		if p.PlayerID == "" || seen[p.PlayerID] {
			return Errorf(Invalid, "result.player_twice", "player %q is empty or named twice", p.PlayerID)
		}
		seen[p.PlayerID] = true
		if err := p.check(); err != nil {
			return err
		}
	}
	if len(seen) == 0 || len(seen) > maxReportPlayers {
		return Errorf(Invalid, "result.players", "a report names 1 to %d players, not %d", maxReportPlayers, len(seen))
	}
	return nil
}

// checkPlace looks at the rank and the score of one of several sides. One alone wins
// with rank 1 and loses with 2.
func checkPlace(kind, name string, rank, sides int, score float64) error {
	if most := max(sides, 2); rank < 1 || rank > most {
		return Errorf(Invalid, "result.rank", "%s %q has rank %d; ranks go from 1 to %d here", kind, name, rank, most)
	}
	if !(math.Abs(score) <= maxMagnitude) {
		return Errorf(Invalid, "result.score", "%s %q has a score beyond %g", kind, name, float64(maxMagnitude))
	}
	return nil
}

func (p ResultPlayer) check() error {
	if f := p.PlayedFraction; f != nil && !(*f >= 0 && *f <= 1) {
		return Errorf(Invalid, "result.played_fraction", "player %q has played a part of the match, 0 to 1, not %v", p.PlayerID, *f)
	}
	if len(p.Stats) > maxStats {
		return Errorf(Invalid, "result.stats", "player %q has %d stats, at most %d are kept", p.PlayerID, len(p.Stats), maxStats)
	}
	for name, value := range p.Stats {
		if !statName.MatchString(name) || !(math.Abs(value) <= maxMagnitude) {
			return Errorf(Invalid, "result.stats", "player %q has a stat %q that is none: names have 1 to 32 letters, digits, dots, hyphens and underscores, numbers go to %g", p.PlayerID, name, float64(maxMagnitude))
		}
	}
	return nil
}

// fits says whether a report names the session's players, in their teams, and all that are
// owed. A player without a team may be in any, and in a free for all teams say nothing.
func (r ResultReport) fits(s *session, absent AbsentRule, owed func(PlayerID) bool) error {
	players := r.players()
	if n := len(players); n == 0 || n > maxResultPlayers {
		return Errorf(Invalid, "result.players", "a result has 1 to %d players of its session, not %d", maxResultPlayers, n)
	}
	for _, p := range players {
		if _, in := s.Teams[p.PlayerID]; !in {
			return Errorf(Invalid, "result.stranger", "player %q is not in this session", p.PlayerID)
		}
	}
	for _, team := range r.Teams {
		for _, p := range team.Players {
			if home := s.Teams[p.PlayerID]; home != "" && home != team.Name {
				return Errorf(Invalid, "result.wrong_team", "player %q plays for team %q, not %q", p.PlayerID, home, team.Name)
			}
		}
	}
	if missing := r.missing(s, owed); absent == AbsentRefused && missing > 0 {
		return Errorf(Invalid, "result.incomplete", "the session has %d players and the result lacks %d of them; mark those who went with left", len(s.Teams), missing)
	}
	return nil
}

// missing counts the players of a session whom the result must name and does not.
func (r ResultReport) missing(s *session, owed func(PlayerID) bool) int {
	named := make(map[PlayerID]bool)
	for _, p := range r.players() {
		named[p.PlayerID] = true
	}
	missing := 0
	for p := range s.Teams {
		if !named[p] && owed(p) {
			missing++
		}
	}
	return missing
}

// lasts says whether the record of a result that is yet to be decided can hold all that
// is still to come: one that was taken in and cannot be finished would hold its players'
// ratings for good.
func (r *result) lasts() error {
	op, err := put(resultKey(r.Session), 0, r, time.Time{})
	if err != nil {
		return err
	}
	if most := MaxRecordBytes - verdictBytes - decidedBytes*(len(r.rated())+1) - unratedBytes*len(r.players()); op.size() > most {
		return Errorf(Invalid, "result.too_large", "the result takes %d bytes and %d are left to it: send fewer stats or shorter names", op.size(), most)
	}
	return nil
}

// hash is the same for reports that say the same, whatever their order.
func (r ResultReport) hash() string {
	byID := func(a, b ResultPlayer) int { return strings.Compare(string(a.PlayerID), string(b.PlayerID)) }
	said := ResultReport{Teams: slices.Clone(r.Teams), Players: slices.Clone(r.Players)}
	for i := range said.Teams {
		said.Teams[i].Players = slices.SortedFunc(slices.Values(said.Teams[i].Players), byID)
	}
	sort.Slice(said.Teams, func(a, b int) bool { return said.Teams[a].Name < said.Teams[b].Name })
	sort.Slice(said.Players, func(a, b int) bool { return said.Players[a].PlayerID < said.Players[b].PlayerID })
	body, err := json.Marshal(said)
	if err != nil {
		panic("muster: a checked report always encodes: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// result is what the report says, with nothing decided yet: neither season nor instant,
// nor what it does to anybody.
func (r ResultReport) result(s session, leavers LeaverRule, hash string) result {
	res := result{Session: s.ID, Mode: s.Mode, ReportHash: hash}
	named := make(map[PlayerID]bool)
	player := func(p ResultPlayer, side string) playerResult {
		named[p.PlayerID] = true
		if p.Left {
			res.Leavers = leavers
		}
		pr := playerResult{
			ID: p.PlayerID, Left: p.Left, Played: p.PlayedFraction, Stats: p.Stats,
			Unrated: p.Left && leavers == LeaversIgnored,
		}
		if home := s.Teams[p.PlayerID]; home != side {
			pr.Team = home
		}
		return pr
	}
	for _, team := range r.Teams {
		side := resultSide{Name: team.Name, Rank: team.Rank, Score: team.Score, Players: make([]playerResult, 0, len(team.Players))}
		for _, p := range team.Players {
			side.Players = append(side.Players, player(p, team.Name))
		}
		res.Teams = append(res.Teams, side)
	}
	for _, p := range r.Players {
		res.Teams = append(res.Teams, resultSide{Rank: p.Rank, Score: p.Score, Players: []playerResult{player(p.ResultPlayer, "")}})
	}
	var missing resultSide
	for p, team := range s.Teams {
		if !named[p] {
			missing.Players = append(missing.Players, playerResult{ID: p, Team: team, Absent: true, Unrated: true})
		}
	}
	if len(missing.Players) > 0 {
		sort.Slice(missing.Players, func(a, b int) bool { return missing.Players[a].ID < missing.Players[b].ID })
		res.Teams = append(res.Teams, missing)
	}
	return res
}
