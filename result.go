package muster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"sort"
	"time"
	"unicode/utf8"
)

// result is the record of a session's result. It is written once, with what it does to
// every player decided; Applied counts the players it was done to, in order.
type result struct {
	Session    SessionID      `json:"session"`
	Mode       ModeName       `json:"mode"`
	EndedAt    time.Time      `json:"endedAt"`
	ReportHash string         `json:"reportHash"`
	Teams      []ResultTeam   `json:"teams"`
	Players    []playerResult `json:"players"`
	Applied    int            `json:"applied"`
}

// playerResult is what a result does to one player.
type playerResult struct {
	ID      PlayerID `json:"id"`
	Team    string   `json:"team"`
	Outcome Outcome  `json:"outcome"`
	Before  Skill    `json:"before"`
	After   Skill    `json:"after"`
}

// resultChunk is how many players one Write changes: each takes up to three ops (the
// rating, the history, the slot) and the result itself one.
const resultChunk = 32

// resultLife is how long a result is kept. History rows live as long.
const resultLife = 400 * 24 * time.Hour

// maxSessionID bounds a session's ARN, in bytes (Amazon's limit for an ARN).
const maxSessionID = 512

// maxResultPlayers bounds a report (players of a GameLift session).
const maxResultPlayers = 200

// ReportResult takes in what a game server says of a session that ended: ratings,
// history and slots change exactly once, however often it is reported. Errors: NotFound
// for a session that no ticket of ours led to, Conflict for a result that differs from
// the one known, Invalid for a report that does not fit the session.
func (b *Backend) ReportResult(ctx context.Context, id SessionID, report ResultReport) (ResultView, error) {
	if err := report.check(); err != nil {
		return ResultView{}, err
	}
	if len(id) > maxSessionID || !utf8.ValidString(string(id)) || id == "" {
		return ResultView{}, errUnknownSession()
	}
	hash := report.hash()
	known, version, err := loadOr(ctx, b.store, resultKey(id), result{})
	if err != nil {
		return ResultView{}, err
	}
	repeated := version != 0
	if !repeated {
		s, err := b.sessionFor(ctx, id, report)
		if err != nil {
			return ResultView{}, err
		}
		if err := report.fits(s); err != nil {
			return ResultView{}, err
		}
		if known, err = b.decideResult(ctx, s, report, hash); err != nil {
			return ResultView{}, err
		}
	}
	if known.ReportHash != hash {
		return ResultView{}, Errorf(Conflict, "result.differs", "another result was reported for this session")
	}
	if known, err = b.applyResult(ctx, known); err != nil {
		return ResultView{}, err
	}
	if known.ReportHash != hash { // another server was faster, with another result
		return ResultView{}, Errorf(Conflict, "result.differs", "another result was reported for this session")
	}
	return b.resultView(known, repeated), nil
}

// check finds what is wrong with a report by itself.
func (r ResultReport) check() error {
	if len(r.Teams) == 0 {
		return Errorf(Invalid, "result.teams", "a result has at least one team")
	}
	seen := make(map[PlayerID]bool)
	names := make(map[string]bool)
	for _, team := range r.Teams {
		switch {
		case team.Name == "" || names[team.Name]:
			return Errorf(Invalid, "result.team_name", "every team has a name of its own; %q is empty or repeated", team.Name)
		case team.Rank < 1 || team.Rank > len(r.Teams):
			return Errorf(Invalid, "result.rank", "team %q has rank %d; ranks go from 1 to the number of teams", team.Name, team.Rank)
		case math.IsNaN(team.Score) || math.IsInf(team.Score, 0):
			return Errorf(Invalid, "result.score", "team %q has no finite score", team.Name)
		}
		names[team.Name] = true
		for _, p := range team.Players {
			if p.PlayerID == "" || seen[p.PlayerID] {
				return Errorf(Invalid, "result.player_twice", "player %q is empty or named twice", p.PlayerID)
			}
			seen[p.PlayerID] = true
		}
	}
	if len(seen) == 0 || len(seen) > maxResultPlayers {
		return Errorf(Invalid, "result.players", "a result has 1 to %d players, not %d", maxResultPlayers, len(seen))
	}
	return nil
}

// fits says whether a report names exactly the session's players, in their teams.
func (r ResultReport) fits(s session) error {
	count := 0
	for _, team := range r.Teams {
		for _, p := range team.Players {
			home, in := s.Teams[p.PlayerID]
			if !in {
				return Errorf(Invalid, "result.stranger", "player %q is not in this session", p.PlayerID)
			}
			if home != team.Name {
				return Errorf(Invalid, "result.wrong_team", "player %q plays for team %q, not %q", p.PlayerID, home, team.Name)
			}
			count++
		}
	}
	if count != len(s.Teams) {
		return Errorf(Invalid, "result.incomplete", "the session has %d players and the result names %d; mark those who went with left", len(s.Teams), count)
	}
	return nil
}

// hash is the same for reports that say the same, whatever their order.
func (r ResultReport) hash() string {
	teams := append([]ResultTeam(nil), r.Teams...)
	for i := range teams {
		players := append([]ResultPlayer(nil), teams[i].Players...)
		sort.Slice(players, func(a, b int) bool { return players[a].PlayerID < players[b].PlayerID })
		teams[i].Players = players
	}
	sort.Slice(teams, func(a, b int) bool { return teams[a].Name < teams[b].Name })
	body, err := json.Marshal(teams)
	if err != nil {
		panic("muster: a checked report always encodes: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// sessionFor reads a session. When its event has not come yet, GameLift is asked about
// the tickets that the report's players hold.
func (b *Backend) sessionFor(ctx context.Context, id SessionID, report ResultReport) (session, error) {
	s, _, err := load[session](ctx, b.store, sessionKey(id))
	if !errors.Is(err, ErrNotFound) {
		return s, err
	}
	for _, team := range report.Teams {
		for _, p := range team.Players {
			if !ours(string(p.PlayerID)) {
				continue
			}
			held, _, err := b.slotOf(ctx, p.PlayerID)
			if err != nil {
				return session{}, err
			}
			if held.Kind != slotTicket {
				continue
			}
			if err := b.settle(ctx, held.Ticket); err != nil {
				return session{}, &Error{Kind: Unavailable, Code: "session.unsettled", Message: "the session is not known yet; report again", RetryAfter: 2 * time.Second, Err: err}
			}
			s, _, err = load[session](ctx, b.store, sessionKey(id))
			if !errors.Is(err, ErrNotFound) {
				return s, err
			}
		}
	}
	// Its event may have come while we looked at the slots.
	s, _, err = load[session](ctx, b.store, sessionKey(id))
	if errors.Is(err, ErrNotFound) {
		err = errUnknownSession()
	}
	return s, err
}

func errUnknownSession() error {
	return Errorf(NotFound, "session.unknown", "no match of ours led to this session")
}

// decideResult computes what a report does to every player's rating.
func (b *Backend) decideResult(ctx context.Context, s session, report ResultReport, hash string) (result, error) {
	res := result{Session: s.ID, Mode: s.Mode, EndedAt: b.instant(), ReportHash: hash, Teams: report.Teams}
	var match RatedMatch
	for _, team := range report.Teams {
		if len(team.Players) == 0 {
			continue
		}
		rated := RatedTeam{Rank: team.Rank, Players: make([]RatedPlayer, 0, len(team.Players))}
		for _, p := range team.Players {
			standing, _, err := b.ratingOf(ctx, p.PlayerID, s.Mode)
			if err != nil {
				return result{}, err
			}
			rated.Players = append(rated.Players, RatedPlayer{Skill: standing.Skill, Weight: 1})
			res.Players = append(res.Players, playerResult{ID: p.PlayerID, Team: team.Name, Before: standing.Skill})
		}
		match.Teams = append(match.Teams, rated)
	}
	outcomes := match.outcomes()
	var after [][]Skill
	if len(match.Teams) > 1 {
		after = b.ratingSystem(s.Mode).Rate(match)
	}
	i := 0
	for t, team := range match.Teams {
		for j := range team.Players {
			p := &res.Players[i]
			p.After, p.Outcome = p.Before, outcomes[t]
			if after != nil {
				p.After = after[t][j]
			}
			i++
		}
	}
	return res, nil
}

// outcomes says what each rank means: the best alone wins, the best together draw, all
// others lose.
func (m RatedMatch) outcomes() []Outcome {
	best, shared := math.MaxInt, 0
	for _, team := range m.Teams {
		switch {
		case team.Rank < best:
			best, shared = team.Rank, 1
		case team.Rank == best:
			shared++
		}
	}
	all := make([]Outcome, len(m.Teams))
	for i, team := range m.Teams {
		switch {
		case team.Rank != best:
			all[i] = Loss
		case shared > 1:
			all[i] = Draw
		default:
			all[i] = Win
		}
	}
	return all
}

// applyResult does what a result says to those players it was not done to yet, in
// chunks. The result that stands, perhaps another server's, is returned.
func (b *Backend) applyResult(ctx context.Context, res result) (result, error) {
	for {
		var told []playerResult
		standing := res
		err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
			stored, version, err := loadOr(ctx, b.store, resultKey(res.Session), res)
			if err != nil {
				return nil, err
			}
			told, standing = nil, stored
			if stored.ReportHash != res.ReportHash || version != 0 && stored.Applied == len(stored.Players) {
				return nil, nil
			}
			told = stored.Players[stored.Applied:min(stored.Applied+resultChunk, len(stored.Players))]
			standing.Applied += len(told)
			return b.resultOps(ctx, standing, version, told)
		})
		if err != nil {
			return result{}, err
		}
		b.tellResult(ctx, standing, told)
		if len(told) == 0 || standing.Applied == len(standing.Players) {
			return standing, nil
		}
	}
}

// resultOps writes the result and what it does to some of its players.
func (b *Backend) resultOps(ctx context.Context, res result, version int64, players []playerResult) ([]Op, error) {
	expires := res.EndedAt.Add(resultLife)
	op, err := put(resultKey(res.Session), version, res, expires)
	if err != nil {
		return nil, err
	}
	ops := []Op{op}
	for _, p := range players {
		standing, ratingVersion, err := b.ratingOf(ctx, p.ID, res.Mode)
		if err != nil {
			return nil, err
		}
		delta := Skill{Mu: p.After.Mu - p.Before.Mu, Sigma: p.After.Sigma - p.Before.Sigma, Volatility: p.After.Volatility - p.Before.Volatility}
		op, err := put(ratingKey(p.ID, res.Mode), ratingVersion, standing.played(delta, p.Outcome), time.Time{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
		if op, err = put(historyKey(p.ID, res.EndedAt, res.Session), 0, b.historyView(res, p), expires); err != nil {
			return nil, err
		}
		ops = append(ops, op)
		held, slotVersion, err := b.slotOf(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		if slotVersion != 0 && held.Kind == slotSession && held.Seat.SessionID == res.Session {
			ops = append(ops, Op{Kind: Delete, Key: slotKey(p.ID), Version: slotVersion})
		}
	}
	return ops, nil
}

// tellResult tells players how their match ended.
func (b *Backend) tellResult(ctx context.Context, res result, players []playerResult) {
	notices := make([]Notice, 0, len(players))
	for _, p := range players {
		notices = append(notices, b.resultNotice(res, p))
	}
	b.notifier.Notify(ctx, notices...)
}

func (b *Backend) resultNotice(res result, p playerResult) Notice {
	return Notice{Player: p.ID, Type: "result", Data: b.historyView(res, p), Follow: followOfResult(res.Session)}
}

func (b *Backend) historyView(r result, p playerResult) MatchHistoryView {
	system := b.ratingSystem(r.Mode)
	return MatchHistoryView{
		SessionID: r.Session, Mode: r.Mode, EndedAt: r.EndedAt, Team: p.Team, Outcome: p.Outcome,
		SkillBefore: system.Points(p.Before), SkillAfter: system.Points(p.After), Teams: r.Teams,
	}
}

func (b *Backend) resultView(r result, repeated bool) ResultView {
	system := b.ratingSystem(r.Mode)
	v := ResultView{SessionID: r.Session, Repeated: repeated, Players: make([]PlayerResultRow, 0, len(r.Players))}
	for _, p := range r.Players {
		v.Players = append(v.Players, PlayerResultRow{
			PlayerID: p.ID, Outcome: p.Outcome,
			SkillBefore: system.Points(p.Before), SkillAfter: system.Points(p.After),
		})
	}
	return v
}
