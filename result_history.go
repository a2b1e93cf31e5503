package muster

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// scoreboardPlayers is up to how many players a history row names all of them: each
// player has a row of their own, and a row is to be small.
const scoreboardPlayers = 12

// historyView is a result as one of its players sees it.
func (b *Backend) historyView(r *result, p *playerResult) MatchHistoryView {
	k := b.ranking(r.Mode)
	v := MatchHistoryView{
		SessionID: r.Session, Mode: r.Mode, Season: r.Season, EndedAt: r.RecordedAt, Outcome: p.Outcome,
		Unrated: p.Unrated, Voided: r.Voided, Stats: p.Stats, Teams: r.scoreboard(p.ID), Team: r.teamOf(p),
	}
	if p.Unrated {
		return v
	}
	before := k.entering(p.Before, r.Season, r.RecordedAt)
	if v.Hidden = k.hidden(before); !v.Hidden {
		v.SkillBefore = new(k.points(before.Skill))
	}
	if !k.hidden(k.after(p, r)) {
		v.SkillAfter = new(k.points(p.After))
	}
	return v
}

// teamOf is the team that a player was in when the session began.
func (r *result) teamOf(p *playerResult) string {
	for i := range r.Teams {
		for j := range r.Teams[i].Players {
			if &r.Teams[i].Players[j] == p {
				return cmp.Or(p.Team, r.Teams[i].Name)
			}
		}
	}
	return p.Team
}

// scoreboard is the sides of a result, best first, as a history row shows them. Stats are
// their players' own.
func (r *result) scoreboard(reader PlayerID) []ResultTeam {
	whole := len(r.players()) <= scoreboardPlayers
	board := make([]ResultTeam, 0, len(r.Teams))
	for i := range r.Teams {
		side := &r.Teams[i]
		if side.Rank == 0 {
			continue
		}
		team := ResultTeam{Name: side.Name, Rank: side.Rank, Score: side.Score, Players: []ResultPlayer{}}
		for _, p := range side.Players {
			if whole || p.ID == reader {
				team.Players = append(team.Players, ResultPlayer{PlayerID: p.ID, Left: p.Left, PlayedFraction: p.Played})
			}
		}
		board = append(board, team)
	}
	slices.SortStableFunc(board, func(a, b ResultTeam) int { return cmp.Compare(a.Rank, b.Rank) })
	if len(board) <= scoreboardPlayers {
		return board
	}
	mine := slices.IndexFunc(board, func(t ResultTeam) bool { return len(t.Players) > 0 })
	if mine >= scoreboardPlayers {
		board[scoreboardPlayers-1] = board[mine]
	}
	return board[:scoreboardPlayers]
}

// historyRow is a row of a player's history as it is stored. What its key says is not
// repeated in it, so that a match of ten players fits into a kilobyte.
type historyRow struct {
	MatchHistoryView
	SessionID SessionID `json:"sessionId,omitempty"` // rows of earlier versions have both
	EndedAt   time.Time `json:"endedAt,omitzero"`
}

// storedRow is a view as its row.
func storedRow(v MatchHistoryView) historyRow { return historyRow{MatchHistoryView: v} }

// readHistory is the view that a record of a player's history holds.
func readHistory(rec Record) (MatchHistoryView, error) {
	row, err := decode[historyRow](rec)
	if err != nil {
		return MatchHistoryView{}, err
	}
	ref, err := refOf(strings.TrimPrefix(rec.Sort, historyPrefix))
	row.MatchHistoryView.SessionID, row.MatchHistoryView.EndedAt = ref.session, ref.at
	row.SkillBefore, row.SkillAfter = row.shown(row.SkillBefore), row.shown(row.SkillAfter)
	return row.MatchHistoryView, err
}

// shown is a stored skill as it may be shown: in rows of earlier versions 0 stands for one
// that may not.
func (v *MatchHistoryView) shown(skill *int) *int {
	if (v.Hidden || v.Unrated) && skill != nil && *skill == 0 {
		return nil
	}
	return skill
}

// maxHistoryPage bounds one page of a player's history.
const maxHistoryPage = 100

// Matches is a page of a player's finished matches, newest first. before is the Next
// of the page before, or empty for the newest.
func (b *Backend) Matches(ctx context.Context, p PlayerID, limit int, before string) (MatchHistoryPage, error) {
	return b.ownMatches(ctx, p, limit, before, func(ModeName) bool { return true })
}

// ModeMatches is Matches of one mode. A page may have fewer matches than asked for, or
// none, although Next says that older ones may follow.
func (b *Backend) ModeMatches(ctx context.Context, p PlayerID, mode ModeName, limit int, before string) (MatchHistoryPage, error) {
	if _, known := b.modes[mode]; !known {
		return MatchHistoryPage{}, errUnknownMode(mode)
	}
	return b.ownMatches(ctx, p, limit, before, func(m ModeName) bool { return m == mode })
}

func (b *Backend) ownMatches(ctx context.Context, p PlayerID, limit int, before string, keep func(ModeName) bool) (MatchHistoryPage, error) {
	a, _, err := loadOr(ctx, b.store, accountKey(p), account{ID: p})
	if err != nil {
		return MatchHistoryPage{}, err
	}
	return b.matches(ctx, &a, limit, before, keep)
}

// PublicMatches is what others may see of a player's history: matches of the modes that
// make it public. Pages are as those of ModeMatches. Without such a mode the history is
// NotFound, as is that of a player who does not exist.
func (b *Backend) PublicMatches(ctx context.Context, p PlayerID, limit int, before string) (MatchHistoryPage, error) {
	shown := func(m ModeName) bool { return b.modes[m].Competition.PublicHistory }
	if !slices.ContainsFunc(b.modeOrder, shown) {
		return MatchHistoryPage{}, Errorf(NotFound, "history.private", "matches are shown to their own players only")
	}
	a, _, err := b.account(ctx, p)
	if err != nil {
		return MatchHistoryPage{}, err
	}
	return b.matches(ctx, &a, limit, before, shown)
}

// historyReads bounds how many rows are read for one page, as a multiple of its size.
const historyReads = 5

func (b *Backend) matches(ctx context.Context, a *account, limit int, before string, keep func(ModeName) bool) (MatchHistoryPage, error) {
	if limit < 1 || limit > maxHistoryPage {
		return MatchHistoryPage{}, Errorf(Invalid, "history.limit", "a page has 1 to %d matches", maxHistoryPage)
	}
	after := ""
	if before != "" {
		after = historyPrefix + before
	}
	if before != "" && !timeCursor(before) || len(after) > MaxSortBytes {
		return MatchHistoryPage{}, Errorf(Invalid, "history.cursor", "this is not a cursor of an earlier page")
	}
	page := MatchHistoryPage{Matches: make([]MatchHistoryView, 0, limit)}
	for range historyReads {
		records, err := b.historyRows(ctx, a, after, limit)
		if err != nil {
			return MatchHistoryPage{}, err
		}
		for _, rec := range records {
			row, err := readHistory(rec)
			if err != nil {
				return MatchHistoryPage{}, err
			}
			after = rec.Sort
			if rec.Partition != PlayerPartition(a.ID) {
				row.PlayedAs = PlayerID(strings.TrimPrefix(rec.Partition, PlayerPartition("")))
			}
			if !keep(row.Mode) {
				continue
			}
			page.Matches = append(page.Matches, row)
			if len(page.Matches) == limit {
				page.Next = strings.TrimPrefix(after, historyPrefix)
				return page, nil
			}
		}
		if len(records) < limit {
			return page, nil
		}
	}
	page.Next = strings.TrimPrefix(after, historyPrefix)
	return page, nil
}

// historyRows reads the next rows of a player and of those who became part of them, newest
// first. Of a match that two of them were in, the player's own row stands.
func (b *Backend) historyRows(ctx context.Context, a *account, after string, limit int) ([]Record, error) {
	opts := ListOptions{Prefix: historyPrefix, After: after, Limit: limit, Descending: true}
	rows, err := b.store.List(ctx, PlayerPartition(a.ID), opts)
	if err != nil {
		return nil, err
	}
	for _, m := range a.Merged {
		more, err := b.store.List(ctx, PlayerPartition(m.ID), opts)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	if len(a.Merged) > 0 {
		slices.SortStableFunc(rows, func(a, b Record) int { return cmp.Compare(b.Sort, a.Sort) })
		rows = slices.CompactFunc(rows, func(a, b Record) bool { return a.Sort == b.Sort })
	}
	return rows[:min(len(rows), limit)], nil
}
