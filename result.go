package muster

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"
)

// result is the record of a session's result: who played, and what it did to each. It is
// written together with the ratings that it changes, so results are in one order for
// each player, and ratings can be recomputed from them.
type result struct {
	Session    SessionID    `json:"-"` // in the key
	Mode       ModeName     `json:"mode"`
	Season     SeasonName   `json:"season,omitempty"`
	RecordedAt time.Time    `json:"recordedAt"`
	ReportHash string       `json:"reportHash"`
	Stage      resultStage  `json:"stage,omitempty"`
	Leavers    LeaverRule   `json:"leavers,omitempty"` // as the mode said; "" when nobody left
	Teams      []resultSide `json:"teams"`
	// DueAt is when the reconciler looks whether everything was done.
	DueAt time.Time `json:"dueAt"`

	// Voided is what an operator decided. VoidApplied says whether the skills in here
	// follow that already: it is the Voided of the time when they were computed.
	Voided      bool      `json:"voided,omitempty"`
	VoidApplied bool      `json:"voidApplied,omitempty"`
	Verdicts    []verdict `json:"verdicts,omitempty"` // oldest first
}

// resultStage says how far a result has come whose players do not fit into one Write.
type resultStage string

const (
	resultDone     resultStage = ""         // ratings are written
	resultClaiming resultStage = "claiming" // ratings are being claimed, nothing is decided
	resultApplying resultStage = "applying" // decided; claimed ratings are being written
)

// resultSide is one team of a result, or one player of a free for all.
type resultSide struct {
	Name    string         `json:"name,omitempty"`
	Rank    int            `json:"rank,omitempty"` // 0: it is of players who never came
	Score   float64        `json:"score,omitempty"`
	Players []playerResult `json:"players"`
}

// playerResult is what a result says of one player, and does to them.
type playerResult struct {
	ID     PlayerID           `json:"id"`
	Team   string             `json:"team,omitempty"` // where it is not the side's name
	Left   bool               `json:"left,omitempty"`
	Absent bool               `json:"absent,omitempty"`
	Gone   bool               `json:"gone,omitempty"`   // there is no such account any more
	Played *float64           `json:"played,omitempty"` // part of the match; nil: all
	Stats  map[string]float64 `json:"stats,omitempty"`

	Outcome Outcome `json:"outcome,omitempty"`
	// Unrated players keep their rating as it is; what follows is not said of them.
	Unrated bool   `json:"unrated,omitempty"`
	Before  rating `json:"before,omitzero"` // the record that the result replaced
	After   Skill  `json:"after,omitzero"`

	version int64 // of the rating record that Before was read from
}

// resultLife is how long a result is kept. History rows live as long.
const resultLife = 400 * 24 * time.Hour

// followAfter is how long whoever recorded a result has to do what follows from it
// before the reconciler does.
const followAfter = 15 * time.Second

// maxSessionID bounds a session's ARN, in bytes (Amazon's limit for an ARN).
const maxSessionID = 512

// dueResults are results of which something may be left to do.
const dueResults dueKind = "result"

// dueResult brings a session's result, or a verdict about it, to the reconciler's notice.
type dueResult struct {
	Session SessionID `json:"session"`
	Verdict bool      `json:"verdict,omitempty"`
}

// id keeps the records of a result and of its verdicts apart.
func (d dueResult) id() string {
	if d.Verdict {
		return string(d.Session) + "#verdict"
	}
	return string(d.Session)
}

func (d dueResult) key(at time.Time) Key { return dueResults.key(d.id(), at) }

func (r *result) due() dueResult { return dueResult{Session: r.Session} }

// players lists all players of the result; the pointers are into it.
func (r *result) players() []*playerResult {
	var all []*playerResult
	for i := range r.Teams {
		for j := range r.Teams[i].Players {
			all = append(all, &r.Teams[i].Players[j])
		}
	}
	return all
}

// rated lists the players whose rating the result concerns.
func (r *result) rated() []*playerResult {
	var rated []*playerResult
	for _, p := range r.players() {
		if !p.Unrated {
			rated = append(rated, p)
		}
	}
	return rated
}

// ReportResult takes in what a game server says of a session that ended: ratings,
// history and slots change exactly once, however often it is reported. Errors: NotFound
// for a session that no match of ours led to, Conflict for a result that differs from
// the one known, Invalid for a report that does not fit the session.
func (b *Backend) ReportResult(ctx context.Context, id SessionID, report ResultReport) (ResultView, error) {
	if err := report.check(); err != nil {
		return ResultView{}, err
	}
	if !validSession(id) {
		return ResultView{}, errUnknownSession()
	}
	hash := report.hash()
	res, repeated, err := b.recordResult(ctx, id, report, hash)
	if err != nil {
		return ResultView{}, err
	}
	if res.ReportHash != hash {
		return ResultView{}, Errorf(Conflict, "result.differs", "another result was reported for this session")
	}
	if res.Stage != resultDone {
		if res, err = b.finishResult(ctx, id); err != nil {
			return ResultView{}, err
		}
	}
	if err := b.followReport(ctx, &res, repeated); err != nil {
		b.log.WarnContext(ctx, "follow up a result; the reconciler will", "session", id, "error", err)
	}
	return b.resultView(&res, repeated), nil
}

func validSession(id SessionID) bool {
	return id != "" && len(id) <= maxSessionID && utf8.ValidString(string(id))
}

// followReport does what follows from a result that was just reported. A repeated one is
// followed up only if nobody has finished that: the server may repeat itself because we
// died half-way.
func (b *Backend) followReport(ctx context.Context, res *result, repeated bool) error {
	if repeated {
		_, err := b.store.Get(ctx, res.due().key(res.DueAt))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return b.followResult(ctx, res, res.due(), res.due().key(res.DueAt))
}

// loadResult reads a session's result; version 0: there is none.
func (b *Backend) loadResult(ctx context.Context, id SessionID) (result, int64, error) {
	res, version, err := loadOr(ctx, b.store, resultKey(id), result{})
	res.Session = id
	return res, version, err
}

// recordResult stores the result of a session, with the ratings that it changes unless
// it is too large for one Write; or it returns the one that is known.
func (b *Backend) recordResult(ctx context.Context, id SessionID, report ResultReport, hash string) (res result, repeated bool, err error) {
	var played *session
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		known, version, err := b.loadResult(ctx, id)
		if err != nil {
			return nil, err
		}
		if version != 0 {
			res, repeated = known, true
			return nil, nil
		}
		if played == nil {
			s, err := b.sessionFor(ctx, id, report)
			if err != nil {
				return nil, err
			}
			if s, report, err = b.asReported(ctx, s, report); err != nil {
				return nil, err
			}
			if report, err = b.fitted(ctx, &s, report); err != nil {
				return nil, err
			}
			played = &s
		}
		res, repeated = report.result(*played, b.modes[played.Mode].Competition.Leavers, hash), false
		if err := res.lasts(); err != nil {
			return nil, err
		}
		return b.recordOps(ctx, &res)
	})
	return res, repeated, err
}

// recordOps decides a new result from the ratings as they are, and writes both; or only
// the result, to be finished later, if it is too large for one Write.
func (b *Backend) recordOps(ctx context.Context, res *result) ([]Op, error) {
	if len(res.rated())+3 > MaxWriteOps {
		return b.claimingOps(res)
	}
	if err := b.readStandings(ctx, res); err != nil {
		return nil, err
	}
	rated := res.rated()
	for _, p := range rated {
		if p.Before.Claim != "" { // a large result is under way: it comes first
			if _, err := b.finishResult(ctx, p.Before.Claim); err != nil {
				return nil, err
			}
			return nil, ErrConflict
		}
	}
	k := b.ranking(res.Mode)
	now := b.instant()
	k.decide(res, now)
	res.DueAt = now.Add(followAfter)
	var ops []Op
	for _, p := range rated {
		more, err := k.ratingOps(p, res)
		if err != nil {
			return nil, err
		}
		ops = append(ops, more...)
	}
	if len(ops)+3 > MaxWriteOps {
		return b.claimingOps(res)
	}
	more, err := res.ops(0, true)
	return append(ops, more...), err
}

// ops writes a result in place of a version; a decided one with its index. A new one
// comes with its due record.
func (r *result) ops(version int64, decided bool) ([]Op, error) {
	expires := r.RecordedAt.Add(resultLife)
	op, err := put(resultKey(r.Session), version, r, expires)
	if err != nil {
		return nil, err
	}
	ops := []Op{op}
	if decided {
		index, err := put(r.indexKey(), AnyVersion, resultIndex{}, expires)
		if err != nil {
			return nil, err
		}
		ops = append(ops, index)
	}
	if version == 0 {
		due, err := put(r.due().key(r.DueAt), AnyVersion, r.due(), expires)
		if err != nil {
			return nil, err
		}
		ops = append(ops, due)
	}
	return ops, nil
}

// readStandings reads the rating records of those whom the result rates. A player who was
// deleted a short while ago is rated as if they were there, for the others' sake. Of those
// who have no rating and no account either, nothing is to be kept.
func (b *Backend) readStandings(ctx context.Context, res *result) error {
	rated := res.rated()
	return b.inParallel(ctx, len(rated), func(ctx context.Context, i int) (err error) {
		p := rated[i]
		p.Before, p.version, err = b.standing(ctx, p.ID, res.Mode)
		if err != nil || p.version != 0 {
			return err
		}
		alias, there, err := b.ratable(ctx, p.ID)
		p.Before.Alias = alias
		if err == nil && !there {
			p.Gone, p.Unrated, p.Before = true, true, rating{}
		}
		return err
	})
}

// ratable says whether a player without a rating is to get one: whoever has an account, or
// was deleted so recently that their purge is yet to look for it, or merged. Those have an
// alias.
func (b *Backend) ratable(ctx context.Context, p PlayerID) (alias PlayerID, ok bool, err error) {
	there, err := b.hasAccount(ctx, p)
	if err != nil || there {
		return "", there, err
	}
	a, ok, err := b.departed(ctx, p)
	if a.Status == accountMerged {
		return a.MergedInto, ok, err
	}
	return a.Alias, ok && b.now().Before(a.DeletedAt.Add(ratedAfterDeletion)), err
}

// hasAccount says that a player exists.
func (b *Backend) hasAccount(ctx context.Context, p PlayerID) (bool, error) {
	_, _, err := b.account(ctx, p)
	if KindOf(err) == NotFound {
		return false, nil
	}
	return err == nil, err
}

// ratingOps replaces a player's rating by what the result makes of it. One of a season
// that is over is kept under its name.
func (k ranking) ratingOps(p *playerResult, res *result) ([]Op, error) {
	op, err := put(ratingKey(p.ID, res.Mode), p.version, k.after(p, res), time.Time{})
	if err != nil {
		return nil, err
	}
	ops := []Op{op}
	if k.leaves(p.Before, res.Season) && !p.Before.Alias.erased() {
		past := p.Before
		past.Claim = ""
		op, err := put(seasonRatingKey(p.ID, res.Mode, past.Season), AnyVersion, past, time.Time{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// sessionFor reads a session with all whom a report names. When its event has not come
// yet, or that of players who came later, GameLift is asked about the tickets that they hold.
func (b *Backend) sessionFor(ctx context.Context, id SessionID, report ResultReport) (session, error) {
	s, version, err := loadOr(ctx, b.store, sessionKey(id), session{})
	if err != nil {
		return session{}, err
	}
	teams := report.teams()
	for _, p := range report.players() {
		if s.seats(p.PlayerID, teams[p.PlayerID]) || !ours(string(p.PlayerID)) {
			continue
		}
		held, _, err := b.slotOf(ctx, p.PlayerID)
		if err != nil {
			return session{}, err
		}
		if held.Kind == slotTicket || held.Kind == slotPlacement {
			if err := b.settleHeld(ctx, held); err != nil {
				return session{}, &Error{Kind: Unavailable, Code: "session.unsettled", Message: "the session is not known yet; report again", RetryAfter: 2 * time.Second, Err: err}
			}
		}
		// Its event may have come while we looked at the slot.
		if s, version, err = loadOr(ctx, b.store, sessionKey(id), session{}); err != nil {
			return session{}, err
		}
	}
	if version == 0 {
		return session{}, errUnknownSession()
	}
	return s, nil
}

// settleHeld asks GameLift about what holds a slot: a ticket, its match's placement, or
// a placement alone.
func (b *Backend) settleHeld(ctx context.Context, held slot) error {
	id := held.Placement
	if held.Kind == slotTicket {
		if err := b.settle(ctx, held.Ticket); err != nil {
			return err
		}
		t, _, err := loadOr(ctx, b.store, ticketKey(held.Ticket), ticket{})
		if err != nil {
			return err
		}
		id = t.Placement
	}
	p, _, err := loadOr(ctx, b.store, placementKey(id), placement{Status: PlacementFailed})
	if err != nil || p.Status.Final() {
		return err
	}
	return b.lookAtPlacement(ctx, p)
}

func errUnknownSession() error {
	return Errorf(NotFound, "session.unknown", "no match of ours led to this session")
}

func (b *Backend) resultView(r *result, repeated bool) ResultView {
	k := b.ranking(r.Mode)
	players := r.players()
	v := ResultView{SessionID: r.Session, Repeated: repeated, Players: make([]PlayerResultRow, 0, len(players))}
	for _, p := range players {
		row := PlayerResultRow{PlayerID: p.ID, Outcome: p.Outcome, Unrated: p.Unrated}
		if !p.Unrated {
			row.SkillBefore, row.SkillAfter = k.points(k.entering(p.Before, r.Season, r.RecordedAt).Skill), k.points(p.After)
		}
		v.Players = append(v.Players, row)
	}
	return v
}
