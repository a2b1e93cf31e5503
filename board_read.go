package muster

import (
	"context"
	"slices"
)

// Bounds of what one question about a board gets.
const (
	maxBoardPage   = 100
	maxBoardAround = 25
	// boardRounds is how often a page is filled up where entries turn out to be wrong.
	boardRounds = 5
)

// Leaderboard is a page of a leaderboard. Errors: Invalid for a limit or a cursor;
// NotFound for a mode or a season that there is none of.
func (b *Backend) Leaderboard(ctx context.Context, q LeaderboardQuery) (LeaderboardView, error) {
	if q.Limit < 1 || q.Limit > maxBoardPage {
		return LeaderboardView{}, Errorf(Invalid, "leaderboard.limit", "a page has 1 to %d entries", maxBoardPage)
	}
	d, err := b.boardOf(q.Mode, q.Season)
	if err != nil {
		return LeaderboardView{}, err
	}
	var after *boardEntry
	if q.After != "" {
		e, err := parseBoardCursor(q.After)
		if err != nil {
			return LeaderboardView{}, err
		}
		after = &e
	}
	sight, err := b.lookAtBoard(ctx, d)
	if err != nil {
		return LeaderboardView{}, err
	}
	view := sight.view()
	for range boardRounds {
		batch, more, err := b.boardAfter(ctx, sight, after, q.Limit-len(view.Entries))
		if err != nil {
			return LeaderboardView{}, err
		}
		shown, err := b.boardEntries(ctx, sight, batch)
		if err != nil {
			return LeaderboardView{}, err
		}
		view.Entries = append(view.Entries, shown...)
		view.Next = ""
		if more {
			after = &batch[len(batch)-1]
			view.Next = after.cursor()
		}
		if !more || len(view.Entries) == q.Limit {
			break
		}
	}
	return view, nil
}

// LeaderboardPosition is where a player stands, with up to around players before and
// after them. Errors as those of Leaderboard.
func (b *Backend) LeaderboardPosition(ctx context.Context, p PlayerID, mode ModeName, season SeasonName, around int) (LeaderboardPosition, error) {
	if around < 0 || around > maxBoardAround {
		return LeaderboardPosition{}, Errorf(Invalid, "leaderboard.around", "there are 0 to %d players shown on each side", maxBoardAround)
	}
	d, err := b.boardOf(mode, season)
	if err != nil {
		return LeaderboardPosition{}, err
	}
	standing, _, _, err := b.seasonStanding(ctx, p, d.Mode, d.Season)
	if err != nil {
		return LeaderboardPosition{}, err
	}
	k := b.ranking(d.Mode)
	if standing.Season != d.Season {
		standing = rating{} // another season's, or none
	}
	place := k.boardPlace(standing)
	sight, err := b.lookAtBoard(ctx, d)
	if err != nil {
		return LeaderboardPosition{}, err
	}
	pos := LeaderboardPosition{LeaderboardView: sight.view(), Listed: place.Listed, Skill: place.Points}
	if !place.Listed {
		if k.PlacementGames > 0 && k.hidden(standing) {
			pos.Placement = &PlacementView{Played: standing.Games, Needed: k.PlacementGames}
		}
		return pos, nil
	}
	return pos, b.placeAmong(ctx, sight, boardEntry{place.Points, p}, around, &pos)
}

// placeAmong fills in the rank of a listed player and those around them.
func (b *Backend) placeAmong(ctx context.Context, s *boardSight, me boardEntry, around int, pos *LeaderboardPosition) error {
	a, _, err := b.account(ctx, me.Player)
	if err != nil {
		return err
	}
	s.place(me)
	before, after, err := b.boardAround(ctx, s, me, around)
	if err != nil {
		return err
	}
	if pos.Entries, err = b.boardEntries(ctx, s, before); err != nil {
		return err
	}
	if pos.Rank, err = b.boardRank(ctx, s, me); err != nil {
		return err
	}
	pos.Entries = append(pos.Entries, LeaderboardEntry{Rank: pos.Rank, PlayerID: me.Player, DisplayName: b.displayName(&a), Avatar: a.Avatar, Skill: me.Points})
	below, err := b.boardEntries(ctx, s, after)
	pos.Entries = append(pos.Entries, below...)
	if s.copy.Whole {
		pos.Total = s.total()
	}
	if pos.Total > 0 { // counted
		pos.Total = max(pos.Total, pos.Rank)
	}
	return err
}

// boardOf checks that there is such a board.
func (b *Backend) boardOf(mode ModeName, season SeasonName) (board, error) {
	if _, known := b.modes[mode]; !known {
		return board{}, errUnknownMode(mode)
	}
	k := b.ranking(mode)
	switch {
	case season == "":
		season = k.named(k.placeAt(b.now()))
	case k.place(season) == unknownSeason:
		return board{}, Errorf(NotFound, "season.unknown", "mode %q has no season %q", mode, season)
	}
	return board{mode, season}, nil
}

// boardSight is what one question sees of a board.
type boardSight struct {
	board  board
	copy   *boardCopy
	census *census // nil: the copy is whole, or nobody has counted yet
	// gone is an entry of the copy that is known to be out of date, and came one that
	// should be in it; nil: none.
	gone, came *boardEntry
}

// place corrects what the copy says of one player, whose entry is me.
func (s *boardSight) place(me boardEntry) {
	found := false
	for i := range s.copy.Entries {
		switch e := &s.copy.Entries[i]; {
		case *e == me:
			found = true
		case e.Player == me.Player:
			s.gone = e
		}
	}
	if !found && s.copy.knows(me) {
		s.came = &me
	}
}

// better counts the entries of more than so many points; ok is false where the copy does
// not know.
func (s *boardSight) better(points int) (n int, ok bool) {
	n, ok = s.copy.better(points)
	if s.gone != nil && s.gone.Points > points {
		n--
	}
	if s.came != nil && s.came.Points > points {
		n++
	}
	return n, ok
}

func (b *Backend) lookAtBoard(ctx context.Context, d board) (*boardSight, error) {
	c, err := b.boardCopy(ctx, d)
	if err != nil || c.Whole {
		return &boardSight{board: d, copy: c}, err
	}
	b.wantCensus(d)
	known, err := b.readCensus(ctx, d)
	return &boardSight{board: d, copy: c, census: known}, err
}

// total is how many entries a whole board has.
func (s *boardSight) total() int {
	n := len(s.copy.Entries)
	if s.gone != nil {
		n--
	}
	if s.came != nil {
		n++
	}
	return n
}

func (s *boardSight) view() LeaderboardView {
	v := LeaderboardView{
		Mode: s.board.Mode, Season: s.board.Season, AsOf: s.copy.AsOf, Approximate: !s.copy.Whole, Entries: []LeaderboardEntry{},
	}
	switch {
	case s.copy.Whole:
		v.Total = s.total()
	case s.census != nil:
		v.Total, v.AsOf = s.census.Total, s.census.At
	}
	return v
}

// boardAfter lists the next entries, those of the copy as long as it knows them. more
// says that others follow.
func (b *Backend) boardAfter(ctx context.Context, s *boardSight, after *boardEntry, n int) (batch []boardEntry, more bool, err error) {
	from := 0
	if after != nil {
		from = s.copy.after(*after)
	}
	known := s.copy.Entries[from:]
	if s.copy.Whole || len(known) > n {
		n = min(n, len(known))
		return known[:n], n < len(known), nil
	}
	o := ListOptions{Limit: n + 1}
	if after != nil {
		o.After = after.sort()
	}
	all, err := b.listShards(ctx, s.board, o)
	if err != nil {
		return nil, false, err
	}
	n = min(n, len(all))
	return all[:n], n < len(all), nil
}

// boardAround lists up to n entries on each side of a player's, which need not be there.
func (b *Backend) boardAround(ctx context.Context, s *boardSight, me boardEntry, n int) (before, after []boardEntry, err error) {
	if n == 0 {
		return nil, nil, nil
	}
	mine := func(e boardEntry) bool { return e.Player == me.Player } // one that is out of date
	if at := s.copy.after(me); s.copy.Whole || at+n+1 < len(s.copy.Entries) {
		before = slices.DeleteFunc(slices.Clone(s.copy.Entries[max(0, at-n-2):at]), mine)
		after = slices.DeleteFunc(slices.Clone(s.copy.Entries[at:min(len(s.copy.Entries), at+n+1)]), mine)
	} else {
		if before, err = b.listShards(ctx, s.board, ListOptions{After: me.sort(), Limit: n + 1, Descending: true}); err != nil {
			return nil, nil, err
		}
		if after, err = b.listShards(ctx, s.board, ListOptions{After: me.sort(), Limit: n + 1}); err != nil {
			return nil, nil, err
		}
		before, after = slices.DeleteFunc(before, mine), slices.DeleteFunc(after, mine)
	}
	return before[max(0, len(before)-n):], after[:min(n, len(after))], nil
}

// listShards lists entries of all shards, and returns those of them that come first, in
// the order of the board; of those listed descending the last.
func (b *Backend) listShards(ctx context.Context, d board, o ListOptions) ([]boardEntry, error) {
	shards := make([][]boardEntry, boardShards)
	err := b.inParallel(ctx, boardShards, func(ctx context.Context, i int) (err error) {
		shards[i], err = b.listBoard(ctx, d, i, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(shards...)
	slices.SortFunc(all, boardEntry.compare)
	if o.Descending {
		return all[max(0, len(all)-o.Limit):], nil
	}
	return all[:min(o.Limit, len(all))], nil
}

// boardEntries are entries as players see them, without those that are wrong.
func (b *Backend) boardEntries(ctx context.Context, s *boardSight, entries []boardEntry) ([]LeaderboardEntry, error) {
	cards, err := b.boardCards(ctx, s.board, entries)
	if err != nil {
		return nil, err
	}
	views := make([]LeaderboardEntry, 0, len(entries))
	ranks := make(map[int]int) // by points, so that equals are looked up once
	for i, e := range entries {
		if !cards[i].shown {
			continue
		}
		rank, known := ranks[e.Points]
		if !known {
			if rank, err = b.boardRank(ctx, s, e); err != nil {
				return nil, err
			}
			ranks[e.Points] = rank
		}
		views = append(views, LeaderboardEntry{Rank: rank, PlayerID: e.Player, DisplayName: cards[i].name, Avatar: cards[i].avatar, Skill: e.Points})
	}
	return views, nil
}

// boardRank is 1 and the number of entries of more points; 0: nobody has counted yet.
func (b *Backend) boardRank(ctx context.Context, s *boardSight, e boardEntry) (int, error) {
	if n, ok := s.better(e.Points); ok {
		return n + 1, nil
	}
	if s.census == nil {
		return 0, nil
	}
	ahead, sharing := s.census.better(e.Points)
	if s.census.Width == 1 || sharing == 0 {
		return ahead + 1, nil
	}
	inside, err := b.countBetween(ctx, s.board, (e.Points/s.census.Width+1)*s.census.Width, e.Points)
	return ahead + inside + 1, err
}

// countBetween counts the entries of fewer points than under and of more than over, of
// which a bucket of a census has few.
func (b *Backend) countBetween(ctx context.Context, d board, under, over int) (int, error) {
	counts := make([]int, boardShards)
	err := b.inParallel(ctx, boardShards, func(ctx context.Context, i int) error {
		for after, more := boardSort(under-1), true; more; {
			page, err := b.listBoard(ctx, d, i, ListOptions{After: after})
			if err != nil {
				return err
			}
			n := slices.IndexFunc(page, func(e boardEntry) bool { return e.Points <= over })
			if more = n < 0 && len(page) == MaxListLimit; more {
				after = page[len(page)-1].sort()
			}
			if n < 0 {
				n = len(page)
			}
			counts[i] += n
		}
		return nil
	})
	total := 0
	for _, n := range counts {
		total += n
	}
	return total, err
}
