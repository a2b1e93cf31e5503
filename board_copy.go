package muster

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Bounds of what a replica remembers of boards.
const (
	boardFresh = 5 * time.Second // how long a copy of a board serves
	// boardPage is how many entries of each shard a copy takes in. Where all entries of
	// a board number 10,000, none of its 16 shards has so many, as hashes go.
	boardPage = MaxListLimit
	// boardHead is how many of each shard it takes where the board has far more: enough
	// for the first pages.
	boardHead = 125
	// wholeBoard is up to how many entries a board is copied whole.
	wholeBoard = 12_000
	// maxBoardMemory bounds the entries of all copies together; an entry takes some
	// hundred bytes.
	maxBoardMemory = 300_000
	// cardFresh is how long a player's name is remembered, and their entry counts as
	// looked at.
	cardFresh = time.Minute
	maxCards  = 50_000
)

// boardroom is what a replica remembers of boards. It holds nothing that matters.
type boardroom struct {
	mu     sync.Mutex // guards everything below
	boards map[board]*boardSeat
	cards  map[boardCardKey]boardCard
}

// boardSeat is a board's place in the boardroom.
type boardSeat struct {
	copy    *boardCopy    // the newest; nil: none yet
	loading chan struct{} // closed when the load under way has ended; nil: none is
	usedAt  time.Time
	wanted  time.Time // when somebody last asked for what only a census tells
	census  *census   // nil: none was read yet
	readAt  time.Time // when the census was read
}

// boardCardKey names an entry of a board.
type boardCardKey struct {
	board board
	entry boardEntry
}

// boardCard is what a page shows of an entry beside its place.
type boardCard struct {
	name, avatar string
	shown        bool // false: the entry is wrong, or its player gone
	until        time.Time
}

func newBoardroom() *boardroom {
	return &boardroom{boards: make(map[board]*boardSeat), cards: make(map[boardCardKey]boardCard)}
}

// seat finds or makes a board's seat. Callers hold mu.
func (r *boardroom) seat(d board, now time.Time) *boardSeat {
	s := r.boards[d]
	if s == nil {
		s = &boardSeat{}
		r.boards[d] = s // boards come from the configuration: there are not many
	}
	s.usedAt = now
	return s
}

// forget drops the copies that were not used for the longest time until the rest is
// within bounds. Callers hold mu.
func (r *boardroom) forget(but *boardSeat) {
	for {
		total := 0
		var oldest *boardSeat
		for _, s := range r.boards {
			if s.copy == nil {
				continue
			}
			total += len(s.copy.Entries)
			if s != but && (oldest == nil || s.usedAt.Before(oldest.usedAt)) {
				oldest = s
			}
		}
		if total <= maxBoardMemory || oldest == nil {
			return
		}
		oldest.copy = nil
	}
}

// boardCopy is the board as it was at most boardFresh ago. Of those who ask at once, one
// reads and the others wait for it.
func (b *Backend) boardCopy(ctx context.Context, d board) (c *boardCopy, err error) {
	for {
		known, load, wait := b.boardroom.enter(d, b.now())
		switch {
		case known != nil:
			return known, nil
		case load:
			defer func() { b.boardroom.leave(d, c) }()
			c, err = b.loadBoard(context.WithoutCancel(ctx), d) // others wait for it, too
			return c, err
		}
		select {
		case <-wait: // look again; where that one failed, this one tries
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter returns a copy that is fresh, or says that the caller must load one and then
// leave, or what to wait for.
func (r *boardroom) enter(d board, now time.Time) (c *boardCopy, load bool, wait <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.seat(d, now)
	if c := s.copy; c != nil && now.Sub(c.AsOf) < boardFresh && !now.Before(c.AsOf) {
		return c, false, nil
	}
	if s.loading != nil {
		return nil, false, s.loading
	}
	s.loading = make(chan struct{})
	return nil, true, nil
}

// leave ends a load. c is what was loaded, nil if that failed.
func (r *boardroom) leave(d board, c *boardCopy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.boards[d]
	close(s.loading)
	s.loading = nil
	if c != nil {
		s.copy = c
		r.forget(s)
	}
}

// loadBoard reads a board: whole while it is small, the head of each shard otherwise.
func (b *Backend) loadBoard(ctx context.Context, d board) (*boardCopy, error) {
	limit := boardPage
	known, err := b.readCensus(ctx, d)
	if err != nil {
		return nil, err
	}
	if known != nil && known.Total > wholeBoard {
		limit = boardHead
	}
	asOf := b.instant()
	shards, whole := make([][]boardEntry, boardShards), make([]bool, boardShards)
	err = b.inParallel(ctx, boardShards, func(ctx context.Context, i int) error {
		page, err := b.listBoard(ctx, d, i, ListOptions{Limit: limit})
		shards[i], whole[i] = page, len(page) < limit
		return err
	})
	if err != nil {
		return nil, err
	}
	return newBoardCopy(asOf, shards, whole), nil
}

// listBoard lists entries of one shard.
func (b *Backend) listBoard(ctx context.Context, d board, shard int, o ListOptions) ([]boardEntry, error) {
	records, err := b.store.List(ctx, d.partition(shard), o)
	if err != nil {
		return nil, fmt.Errorf("list the board of %s: %w", d.Mode, err)
	}
	entries := make([]boardEntry, 0, len(records))
	for _, rec := range records {
		e, ok := parseBoardSort(rec.Sort)
		if !ok {
			return nil, fmt.Errorf("decode %s: this is no entry of a board", rec.Redacted())
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// boardCards are what a page shows of entries. One that is not remembered is looked at: if
// its player's rating says otherwise it is put right, and not shown.
func (b *Backend) boardCards(ctx context.Context, d board, entries []boardEntry) ([]boardCard, error) {
	r, now := b.boardroom, b.now()
	cards := make([]boardCard, len(entries))
	var missing []int
	r.mu.Lock()
	for i, e := range entries {
		card, ok := r.cards[boardCardKey{d, e}]
		if !ok || !now.Before(card.until) {
			missing = append(missing, i)
			continue
		}
		cards[i] = card
	}
	r.mu.Unlock()
	err := b.inParallel(ctx, len(missing), func(ctx context.Context, n int) (err error) {
		i := missing[n]
		cards[i], err = b.readCard(ctx, d, entries[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.cards)+len(missing) > maxCards {
		clear(r.cards)
	}
	for _, i := range missing {
		cards[i].until = now.Add(cardFresh)
		r.cards[boardCardKey{d, entries[i]}] = cards[i]
	}
	return cards, nil
}

func (b *Backend) readCard(ctx context.Context, d board, e boardEntry) (boardCard, error) {
	right, err := b.mendEntry(ctx, d, e)
	if err != nil || !right {
		return boardCard{}, err
	}
	a, _, err := b.account(ctx, e.Player)
	if KindOf(err) == NotFound {
		place := boardPlace{Listed: true, Points: e.Points}
		return boardCard{}, b.markBoard(ctx, d, e.Player, place, false)
	}
	return boardCard{name: b.displayName(&a), avatar: a.Avatar, shown: true}, err
}
