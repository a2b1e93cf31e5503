package muster

import (
	"context"
	"time"
	"unicode/utf8"
)

// verdict is what an operator decided about a result.
type verdict struct {
	At       time.Time `json:"at"`
	Void     bool      `json:"void"`
	Reason   string    `json:"reason"`
	Operator string    `json:"operator,omitempty"`
}

// Limits of a verdict, and of how many are kept with a result.
const (
	maxReasonRunes = 500
	maxNameBytes   = 100
	maxVerdicts    = 20
)

func (v ResultVerdict) check() error {
	if n := utf8.RuneCountInString(v.Reason); n < 1 || n > maxReasonRunes || !utf8.ValidString(v.Reason) {
		return Errorf(Invalid, "verdict.reason", "a verdict has a reason of 1 to %d characters", maxReasonRunes)
	}
	if len(v.Operator) > maxNameBytes || !utf8.ValidString(v.Operator) {
		return Errorf(Invalid, "verdict.operator", "the operator is named in at most %d bytes", maxNameBytes)
	}
	return nil
}

// VoidResult lets a result count for nobody. Ratings are recomputed in the background, as
// Recount says, and the players' histories show it. A result that is void already stays
// as it is. For operators. Errors: NotFound without a result, Conflict after too many
// verdicts.
func (b *Backend) VoidResult(ctx context.Context, id SessionID, why ResultVerdict) (AdminResultView, error) {
	return b.judge(ctx, id, why, true)
}

// RestoreResult lets a voided result count again. It is VoidResult's opposite in all.
func (b *Backend) RestoreResult(ctx context.Context, id SessionID, why ResultVerdict) (AdminResultView, error) {
	return b.judge(ctx, id, why, false)
}

func (b *Backend) judge(ctx context.Context, id SessionID, why ResultVerdict, void bool) (AdminResultView, error) {
	if err := why.check(); err != nil {
		return AdminResultView{}, err
	}
	if !validSession(id) {
		return AdminResultView{}, errUnknownResult()
	}
	if _, err := b.finishResult(ctx, id); err != nil {
		return AdminResultView{}, err
	}
	var res result
	var dueAt time.Time
	changed := false
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		var version int64
		var err error
		if res, version, err = b.loadResult(ctx, id); err != nil {
			return nil, err
		}
		if version == 0 {
			return nil, errUnknownResult()
		}
		if changed = res.Voided != void; !changed {
			return nil, nil
		}
		if len(res.Verdicts) >= maxVerdicts {
			return nil, Errorf(Conflict, "verdict.too_many", "this result has had %d verdicts; there can be no more", maxVerdicts)
		}
		now := b.instant()
		res.Voided, dueAt = void, now.Add(followAfter)
		res.Verdicts = append(res.Verdicts, verdict{At: now, Void: void, Reason: why.Reason, Operator: why.Operator})
		return b.judgeOps(ctx, &res, version, now, dueAt)
	})
	if err != nil {
		return AdminResultView{}, err
	}
	if changed {
		d := dueResult{id, true}
		if err := b.followResult(ctx, &res, d, d.key(dueAt)); err != nil {
			b.log.WarnContext(ctx, "show a verdict in histories; the reconciler will", "session", id, "error", err)
		}
	}
	return b.adminResult(ctx, &res)
}

// judgeOps writes a result with its new verdict, and asks for what follows: rows of
// histories, and a recount of the mode from the result on.
func (b *Backend) judgeOps(ctx context.Context, res *result, version int64, now, dueAt time.Time) ([]Op, error) {
	expires := res.RecordedAt.Add(resultLife)
	op, err := put(resultKey(res.Session), version, res, expires)
	if err != nil {
		return nil, err
	}
	d := dueResult{res.Session, true}
	due, err := put(d.key(dueAt), AnyVersion, d, expires)
	if err != nil {
		return nil, err
	}
	more, err := b.askRecount(ctx, res.Mode, res.RecordedAt, now)
	return append([]Op{op, due}, more...), err
}

// Result shows a result to operators, with what was decided about it.
func (b *Backend) Result(ctx context.Context, id SessionID) (AdminResultView, error) {
	if !validSession(id) {
		return AdminResultView{}, errUnknownResult()
	}
	res, version, err := b.loadResult(ctx, id)
	if err != nil {
		return AdminResultView{}, err
	}
	if version == 0 {
		return AdminResultView{}, errUnknownResult()
	}
	return b.adminResult(ctx, &res)
}

func (b *Backend) adminResult(ctx context.Context, res *result) (AdminResultView, error) {
	v := AdminResultView{
		SessionID: res.Session, Mode: res.Mode, Season: res.Season, RecordedAt: res.RecordedAt, Voided: res.Voided,
		Recounted: res.Voided == res.VoidApplied, Verdicts: make([]VerdictView, 0, len(res.Verdicts)),
		Teams: make([]ResultTeam, 0, len(res.Teams)), Players: b.resultView(res, false).Players,
	}
	for _, said := range res.Verdicts {
		v.Verdicts = append(v.Verdicts, VerdictView(said))
	}
	for i := range res.Teams {
		side := &res.Teams[i]
		team := ResultTeam{Name: side.Name, Rank: side.Rank, Score: side.Score, Players: make([]ResultPlayer, 0, len(side.Players))}
		for _, p := range side.Players {
			team.Players = append(team.Players, ResultPlayer{PlayerID: p.ID, Left: p.Left, PlayedFraction: p.Played, Stats: p.Stats})
		}
		v.Teams = append(v.Teams, team)
	}
	recount, _, err := loadOr(ctx, b.store, recountKey(res.Mode), recount{})
	v.Recount = recount.view()
	return v, err
}
