package muster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// replayRun is a replay against the store while results go on coming. It takes in all
// results, then looks at every rating they lead to. A rating that has moved on meanwhile
// is looked at again after the results that have come since. It ends when none is left:
// a result rated by a stale rating changed that rating's record before it was looked at,
// and so was not missed.
type replayRun struct {
	b     *Backend
	mode  ModeName
	o     ReplayOptions
	lost  bool // ratings without a record are to be made again
	state *replay
	// names are the players who are being erased, by alias: a result may name them by either.
	names map[PlayerID]PlayerID
	// seen holds the results that were taken in lately, by their place in the index, and
	// first says that the run is still at those it began with.
	seen  map[string]time.Time
	first bool
	// end is how far the results are read: to where the ratings say that they go.
	end    time.Time
	open   map[standingID]bool // ratings to look at
	told   map[standingID]bool
	report ReplayReport
}

// lateBy is how much later than a result of a younger instant one may become visible: the
// distance of the replicas' clocks, and the time that a write takes.
const lateBy = 2 * time.Minute

// How far ahead of this replica's clock results are looked for. Those of others differ, and
// one that was wrong has put results where it thought they were: ratings tell.
const (
	usualAhead = 24 * time.Hour
	mostAhead  = resultLife
)

// walkSpan is how many days are read between two words of progress, when they are empty.
const walkSpan = 30 * 24 * time.Hour

// restarts is how often a run begins anew when results became visible in another order
// than theirs, before it takes the gap for a loss.
const restarts = 3

// stubborn is how many rounds in a row may bring nothing before ratings that are ahead of
// all results are taken to be wrong.
const stubborn = 5

// Replay recomputes a mode's ratings from its stored results, compares them with the
// stored ones and, if asked to, repairs those and the results' own account of them. It
// may run while results come in; repairs go through versions, so none of them is lost.
//
// Results are kept for 400 days. A player whose first stored result is not their first
// starts from the rating that it found. The memory is that of the ratings compared.
func (b *Backend) Replay(ctx context.Context, mode ModeName, o ReplayOptions) (ReplayReport, error) {
	if _, known := b.modes[mode]; !known {
		return ReplayReport{}, errUnknownMode(mode)
	}
	if o.Season != nil {
		c := b.modes[mode].Competition
		if c.place(*o.Season) == unknownSeason {
			return ReplayReport{}, Errorf(NotFound, "season.unknown", "mode %q has no season %q", mode, *o.Season)
		}
		if start := c.start(*o.Season); start.After(o.From) {
			o.From = start
		}
	}
	report, err := b.replay(ctx, mode, o, true)
	if err == nil && o.Write && o.Season == nil && o.From.IsZero() && report.Repaired == report.Different {
		err = b.setRatedBy(ctx, mode)
	}
	return report, err
}

func (b *Backend) replay(ctx context.Context, mode ModeName, o ReplayOptions, lost bool) (ReplayReport, error) {
	r := &replayRun{b: b, mode: mode, o: o, lost: lost, told: make(map[standingID]bool)}
	for try := 0; ; try++ {
		r.state, r.seen, r.open, r.first = newReplay(b.ranking(mode)), make(map[string]time.Time), make(map[standingID]bool), true
		r.end = b.now().Add(usualAhead)
		r.state.tolerant = try == restarts
		r.report = ReplayReport{Mode: mode, Different: r.report.Different, Repaired: r.report.Repaired}
		err := r.run(ctx)
		r.report.Gaps = r.state.gaps
		if !errors.Is(err, errGap) {
			return r.report, err
		}
	}
}

func (r *replayRun) run(ctx context.Context) (err error) {
	if r.names, err = r.b.beingErased(ctx); err != nil {
		return err
	}
	from := r.o.From
	r.state.whole = from
	if oldest := r.b.now().Add(24*time.Hour - resultLife); oldest.After(from) {
		r.state.whole = oldest
	}
	if oldest := r.b.now().Add(-resultLife - 24*time.Hour); from.Before(oldest) {
		from = oldest
	}
	for idle := 0; ; {
		results := r.report.Results
		if err := r.walk(ctx, from); err != nil {
			return err
		}
		r.first = false
		end := r.end
		settled, err := r.compare(ctx, idle >= stubborn)
		if err != nil || len(r.open) == 0 {
			return err
		}
		r.first = r.end.After(end) // the results up to there belong to those it began with
		if idle++; settled > 0 || r.report.Results > results || r.first {
			idle = 0
		}
		if err := pause(ctx, time.Duration(idle)*20*time.Millisecond); err != nil {
			return err
		}
		if late := r.report.At.Add(-lateBy); late.After(from) {
			from = late
		}
		maps.DeleteFunc(r.seen, func(_ string, at time.Time) bool { return at.Before(from) })
	}
}

// beingErased lists the players of whom traces may be left, by their aliases.
func (b *Backend) beingErased(ctx context.Context) (map[PlayerID]PlayerID, error) {
	names := make(map[PlayerID]PlayerID)
	for shard := range dueShards {
		for after, more := "", true; more; {
			records, err := b.store.List(ctx, duePurges.partition(shard), ListOptions{After: after, Limit: purgePage})
			if err != nil {
				return nil, fmt.Errorf("list due purges: %w", err)
			}
			for _, rec := range records {
				job, err := decode[purge](rec)
				if err != nil {
					return nil, err
				}
				if job.Alias != "" {
					names[job.Alias] = job.Player
				}
				after = rec.Sort
			}
			more = len(records) == purgePage
		}
	}
	return names, nil
}

// named is the id of a player whom a result names by id or alias.
func (r *replayRun) named(id PlayerID) PlayerID {
	if player, known := r.names[id]; known {
		return player
	}
	return id
}

// progressEvery is how many results or ratings go by between two words of progress.
const progressEvery = 500

func (r *replayRun) progress(done int) error {
	if r.o.Progress == nil || done%progressEvery != 0 {
		return nil
	}
	return r.o.Progress(r.report)
}

// walk takes in the results from an instant on that were not taken in yet.
func (r *replayRun) walk(ctx context.Context, from time.Time) error {
	if now := r.b.now().Add(usualAhead); now.After(r.end) {
		r.end = now
	}
	for ; !from.After(r.end); from = nextDay(from) {
		to := from.Add(walkSpan)
		if to.After(r.end) {
			return r.walkTo(ctx, from, r.end)
		}
		if err := r.walkTo(ctx, from, to); err != nil {
			return err
		}
		if err := r.progress(0); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (r *replayRun) walkTo(ctx context.Context, from, to time.Time) error {
	seen := func(ref resultRef) bool { _, seen := r.seen[ref.text]; return seen }
	return r.b.walkResults(ctx, r.mode, from, to, seen, func(res *result) error {
		r.seen[res.indexKey().Sort] = res.RecordedAt
		if r.o.Season != nil && res.Season != *r.o.Season {
			return nil
		}
		for _, p := range res.players() {
			p.ID = r.named(p.ID)
		}
		changed, err := r.state.add(res)
		if err != nil {
			return err
		}
		if changed {
			r.report.Inconsistent++
			if err := r.rewrite(ctx, res); err != nil {
				return err
			}
		}
		if changed || r.first {
			for _, p := range res.rated() {
				r.open[standingID{p.ID, res.Season}] = true
				if r.state.leaves(p.Before, res.Season) && r.o.Season == nil && !p.Before.LastAt.Before(r.o.From) {
					r.open[standingID{p.ID, p.Before.Season}] = true
				}
			}
		}
		r.report.Results++
		if res.RecordedAt.After(r.report.At) {
			r.report.At = res.RecordedAt
		}
		return r.progress(r.report.Results)
	})
}

// rewrite brings a result's record up to date with the ratings that it found and left.
// A verdict that came meanwhile stays, and asks for a recount of its own. Where a player
// was deleted since the result was read, the run begins anew.
func (r *replayRun) rewrite(ctx context.Context, res *result) error {
	if !r.o.Write {
		return nil
	}
	return Change(ctx, r.b.store, func(ctx context.Context) ([]Op, error) {
		stored, version, err := r.b.loadResult(ctx, res.Session)
		if err != nil || version == 0 {
			return nil, err
		}
		if !stored.recounted(res, r.named) && !r.state.tolerant {
			return nil, errGap
		}
		op, err := put(resultKey(res.Session), version, stored, res.RecordedAt.Add(resultLife))
		return []Op{op}, err
	})
}

// checked is what became of a rating that was looked at.
type checked uint8

const (
	agrees   checked = iota
	movedOn          // to be looked at again
	gone             // its player is
	differs          // and stays so
	repaired         // it differed
)

// compare looks at the ratings that are open; settled says how many are not any more.
// last takes those that have moved on beyond all results for wrong.
func (r *replayRun) compare(ctx context.Context, last bool) (settled int, err error) {
	open := slices.SortedFunc(maps.Keys(r.open), func(a, b standingID) int {
		if a.Player != b.Player {
			return strings.Compare(string(a.Player), string(b.Player))
		}
		return strings.Compare(string(a.Season), string(b.Season))
	})
	for ids := range slices.Chunk(open, walkBatch) {
		found := make([]checked, len(ids))
		differences := make([]ReplayDifference, len(ids))
		latest := make([]time.Time, len(ids))
		err := r.b.inParallel(ctx, len(ids), func(ctx context.Context, i int) error {
			at, err := r.stored(ctx, ids[i])
			if err == nil {
				latest[i] = at.latest
				found[i], differences[i], err = r.check(ctx, ids[i], at, last)
			}
			return err
		})
		if err != nil {
			return settled, err
		}
		r.extend(latest)
		for i, id := range ids {
			if found[i] == movedOn {
				continue
			}
			delete(r.open, id)
			settled++
			r.count(id, found[i], differences[i])
			if err := r.progress(settled); err != nil {
				return settled, err
			}
		}
	}
	return settled, nil
}

func (r *replayRun) count(id standingID, found checked, d ReplayDifference) {
	if found == gone {
		return
	}
	r.report.Compared++
	if found == agrees {
		r.report.Agree++
		return
	}
	if !r.told[id] {
		r.told[id] = true
		r.report.Different++
		if r.o.Different != nil {
			r.o.Different(d)
		}
	}
	if found == repaired {
		r.report.Repaired++
	}
}

// storedRating is a rating as its record has it; version 0: there is none. latest is when
// its player's last result was recorded, in whatever season.
type storedRating struct {
	rating
	version int64
	key     Key
	latest  time.Time
}

func (r *replayRun) stored(ctx context.Context, id standingID) (s storedRating, err error) {
	if s.rating, s.version, s.key, err = r.b.seasonStanding(ctx, id.Player, r.mode, id.Season); err != nil {
		return s, err
	}
	s.latest = s.LastAt
	if s.key != ratingKey(id.Player, r.mode) {
		now, _, err := r.b.standing(ctx, id.Player, r.mode)
		s.latest = now.LastAt
		return s, err
	}
	return s, nil
}

// beyond says that a player has results further ahead than were read.
func (r *replayRun) beyond(latest time.Time) bool { return !latest.Before(nextDay(r.end)) }

// tooFar says that they are further ahead than is looked for.
func (r *replayRun) tooFar(latest time.Time) bool {
	return latest.After(r.b.now().Add(mostAhead))
}

// extend has the results be read as far as the ratings say that they go.
func (r *replayRun) extend(latest []time.Time) {
	for _, at := range latest {
		if at.After(r.end) && !r.tooFar(at) {
			r.end = at
		}
	}
}

// check looks at one rating and repairs it if it differs and that is asked for. One that
// comes of results that were not read is never taken for wrong.
func (r *replayRun) check(ctx context.Context, id standingID, stored storedRating, last bool) (checked, ReplayDifference, error) {
	want, known := r.state.standing(id)
	if !known {
		return gone, ReplayDifference{}, nil
	}
	d := ReplayDifference{Player: id.Player, Season: id.Season, Replayed: want.replayed()}
	tooFar := r.tooFar(stored.latest)
	switch {
	case r.beyond(stored.latest) && !tooFar:
		return movedOn, d, nil
	case stored.version == 0:
		if there, err := r.exists(ctx, id.Player); err != nil || !there {
			return gone, d, err
		}
		stored.key = r.place(id)
	case stored.Claim != "":
		_, err := r.b.finishResult(ctx, stored.Claim)
		return movedOn, d, err
	case stored.same(want):
		return r.checkBoard(ctx, id, stored, d)
	case stored.LastAt.After(want.LastAt) && !last && !tooFar:
		return movedOn, d, nil
	}
	if stored.version != 0 {
		found := stored.replayed()
		d.Stored = &found
	}
	if !r.o.Write || tooFar {
		return differs, d, nil
	}
	if stored.version == 0 {
		stored.rating = rating{} // no entry of it is known
	}
	err := r.b.relist(ctx, id.Player, board{r.mode, id.Season}, stored.key, stored.version, stored.rating, want)
	if errors.Is(err, ErrConflict) {
		return movedOn, d, nil
	}
	if err != nil {
		return movedOn, d, fmt.Errorf("repair the rating of player %s: %w", id.Player, err)
	}
	d.Repaired = true
	return repaired, d, nil
}

// checkBoard looks at the entry of a rating that is right: a repair may have been cut off
// before it moved it, and the rules for boards may have changed.
func (r *replayRun) checkBoard(ctx context.Context, id standingID, s storedRating, d ReplayDifference) (checked, ReplayDifference, error) {
	if !r.o.Write {
		return agrees, d, nil
	}
	on := board{r.mode, id.Season}
	k := r.b.ranking(r.mode)
	if k.listed(s.rating) == k.boardPlace(s.rating) {
		return agrees, d, r.b.clearBoardWas(ctx, id.Player, on, s.rating)
	}
	err := r.b.relist(ctx, id.Player, on, s.key, s.version, s.rating, s.rating)
	if errors.Is(err, ErrConflict) {
		return movedOn, d, nil
	}
	return agrees, d, err
}

// exists says that a rating without a record is worth making again: its player is there.
func (r *replayRun) exists(ctx context.Context, p PlayerID) (bool, error) {
	if !r.lost {
		return false, nil
	}
	return r.b.hasAccount(ctx, p)
}

// place is where a rating that has no record belongs.
func (r *replayRun) place(id standingID) Key {
	if r.state.standings[id.Player].Season == id.Season {
		return ratingKey(id.Player, r.mode)
	}
	return seasonRatingKey(id.Player, r.mode, id.Season)
}
