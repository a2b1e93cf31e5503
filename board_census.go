package muster

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The pace of counting boards.
const (
	// censusEvery is the least time between two counts of a board. Counting reads every
	// entry, so a board is counted once a minute for each censusPer entries.
	censusEvery = time.Minute
	censusPer   = 100_000
	// censusWanted is how long after the last question a board is counted on.
	censusWanted = 10 * time.Minute
	// censusLease keeps replicas from counting the same board at once.
	censusLease = 5 * time.Minute
	// censusFresh is how long a replica goes by the census that it read.
	censusFresh = 10 * time.Second
	// censusLook is how often a replica looks whether a board is to be counted.
	censusLook = 5 * time.Second
	// censusLife removes the census of a board that nobody asks for.
	censusLife = 24 * time.Hour
	// maxBuckets bounds the kinds of points that a census tells apart, and so its size:
	// about 100 kB. Real systems have some thousand.
	maxBuckets = 16_384
)

// census says how many entries a board had, by points.
type census struct {
	At    time.Time
	Total int
	Width int // points of one bucket
	// buckets are those with entries, in descending order of points; ahead are the
	// entries of all buckets before.
	buckets []censusBucket
}

type censusBucket struct {
	number int // points from number*Width on
	count  int
	ahead  int
}

// censusRecord is a census as it is stored. Counts is a pair of varints a bucket: by how
// much its number is less than that of the one before, and its entries.
type censusRecord struct {
	At     time.Time `json:"at"`
	Total  int       `json:"total"`
	Width  int       `json:"width"`
	Counts []byte    `json:"counts"`
}

// newCensus sums up entries by points.
func newCensus(at time.Time, byPoints map[int]int) *census {
	c := &census{At: at, Width: 1}
	for len(byPoints) > maxBuckets {
		wider := make(map[int]int, len(byPoints)/2+1)
		for number, count := range byPoints {
			wider[number/2] += count
		}
		byPoints, c.Width = wider, c.Width*2
	}
	for number, count := range byPoints {
		c.buckets = append(c.buckets, censusBucket{number: number, count: count})
	}
	slices.SortFunc(c.buckets, func(a, b censusBucket) int { return cmp.Compare(b.number, a.number) })
	c.count()
	return c
}

// count fills in what follows from the buckets.
func (c *census) count() {
	c.Total = 0
	for i := range c.buckets {
		c.buckets[i].ahead = c.Total
		c.Total += c.buckets[i].count
	}
}

func (c *census) record() censusRecord {
	rec := censusRecord{At: c.At, Total: c.Total, Width: c.Width}
	last := maxBoardPoints
	for _, bucket := range c.buckets {
		rec.Counts = binary.AppendUvarint(rec.Counts, uint64(last-bucket.number))
		rec.Counts = binary.AppendUvarint(rec.Counts, uint64(bucket.count))
		last = bucket.number
	}
	return rec
}

func (rec censusRecord) census() (*census, error) {
	c := &census{At: rec.At, Width: max(1, rec.Width)}
	number := maxBoardPoints
	for rest := rec.Counts; len(rest) > 0; {
		less, n := binary.Uvarint(rest)
		count, m := binary.Uvarint(rest[max(0, n):])
		if n <= 0 || m <= 0 || less > maxBoardPoints || count > 1<<40 {
			return nil, errors.New("a census of a board is broken")
		}
		rest = rest[n+m:]
		number -= int(less)
		c.buckets = append(c.buckets, censusBucket{number: number, count: int(count)})
	}
	c.count()
	return c, nil
}

// better counts the entries of better buckets than that of so many points. inside is how
// many share the bucket; they may be better, too, where a bucket has several points.
func (c *census) better(points int) (ahead, inside int) {
	number := points / c.Width
	i, found := slices.BinarySearchFunc(c.buckets, number, func(b censusBucket, number int) int { return cmp.Compare(number, b.number) })
	switch {
	case found:
		return c.buckets[i].ahead, c.buckets[i].count
	case i < len(c.buckets):
		return c.buckets[i].ahead, 0
	}
	return c.Total, 0
}

func (d board) censusKey() Key {
	return Key{"LBC#" + string(d.Mode) + "#" + string(d.Season), "CENSUS"}
}

func (d board) leaseKey() Key {
	return Key{"LBC#" + string(d.Mode) + "#" + string(d.Season), "LEASE"}
}

// readCensus is the last census of a board that this replica knows of; nil: none.
func (b *Backend) readCensus(ctx context.Context, d board) (*census, error) {
	r, now := b.boardroom, b.now()
	r.mu.Lock()
	s := r.seat(d, now)
	known, fresh := s.census, now.Sub(s.readAt) < censusFresh && !now.Before(s.readAt)
	r.mu.Unlock()
	if fresh {
		return known, nil
	}
	rec, version, err := loadOr(ctx, b.store, d.censusKey(), censusRecord{})
	if err != nil {
		return nil, err
	}
	known = nil
	if version != 0 {
		if known, err = rec.census(); err != nil {
			return nil, fmt.Errorf("decode %s: %w", d.censusKey().Redacted(), err)
		}
	}
	b.keepCensus(d, known)
	return known, nil
}

func (b *Backend) keepCensus(d board, c *census) {
	b.boardroom.mu.Lock()
	defer b.boardroom.mu.Unlock()
	s := b.boardroom.seat(d, b.now())
	s.census, s.readAt = c, b.now()
}

// wantCensus says that somebody asked for what only a census of the board tells.
func (b *Backend) wantCensus(d board) {
	b.boardroom.mu.Lock()
	defer b.boardroom.mu.Unlock()
	b.boardroom.seat(d, b.now()).wanted = b.now()
}

// wantedBoards are those that were asked for lately.
func (b *Backend) wantedBoards() []board {
	b.boardroom.mu.Lock()
	defer b.boardroom.mu.Unlock()
	var wanted []board
	for d, s := range b.boardroom.boards {
		if !s.wanted.IsZero() && b.now().Sub(s.wanted) < censusWanted {
			wanted = append(wanted, d)
		}
	}
	return wanted
}

// due says that the board may be counted again.
func (c *census) due(now time.Time) bool {
	return c == nil || now.Sub(c.At) >= max(censusEvery, time.Duration(c.Total)*censusEvery/censusPer)
}

// CountBoards counts those large leaderboards that this replica was asked about lately
// and that were not counted for a while. It is safe to run on every replica: who takes a
// board's lease counts it. Run does it by itself.
func (b *Backend) CountBoards(ctx context.Context) error {
	var failed []error
	for _, d := range b.wantedBoards() {
		if err := b.countBoard(ctx, d); err != nil {
			failed = append(failed, fmt.Errorf("count the board of %s: %w", d.Mode, err))
		}
	}
	return errors.Join(failed...)
}

// leaseCensus takes the counting of a board; mine is false while another replica counts.
func (b *Backend) leaseCensus(ctx context.Context, d board, owner string) (mine bool, err error) {
	lease, err := put(d.leaseKey(), 0, censusOwner{owner}, b.instant().Add(censusLease))
	if err != nil {
		return false, err
	}
	err = b.store.Write(ctx, lease)
	if errors.Is(err, ErrConflict) {
		held, err := b.store.Get(ctx, d.leaseKey())
		if err != nil || !wild(held.ExpiresAt, lease.ExpiresAt) {
			return false, nil //nolint:nilerr // another replica counts, or did
		}
		lease.Version = held.Version
		if err := b.store.Write(ctx, lease); err != nil {
			return false, nil //nolint:nilerr // as above
		}
		return true, nil
	}
	return err == nil, err
}

func (b *Backend) countBoard(ctx context.Context, d board) error {
	rec, version, err := loadOr(ctx, b.store, d.censusKey(), censusRecord{})
	if err != nil {
		return err
	}
	if now := b.now(); version != 0 && !(&census{At: rec.At, Total: rec.Total}).due(now) {
		return nil
	}
	owner := b.newID()
	if mine, err := b.leaseCensus(ctx, d, owner); err != nil || !mine {
		return err
	}
	c, err := b.countEntries(ctx, d)
	if err == nil {
		var op Op
		if op, err = put(d.censusKey(), AnyVersion, c.record(), b.instant().Add(censusLife)); err == nil {
			err = b.store.Write(ctx, op)
		}
	}
	// Without the lease another replica may count at once; the census says that it need not.
	if free := b.freeCensus(context.WithoutCancel(ctx), d, owner); free != nil && err == nil {
		err = free
	}
	if err == nil {
		b.keepCensus(d, c)
	}
	return err
}

// censusOwner is the value of a board's lease: who counts it.
type censusOwner struct {
	Owner string `json:"owner"`
}

// freeCensus lets go of the lease of a board. One that took too long belongs to another
// replica by then.
func (b *Backend) freeCensus(ctx context.Context, d board, owner string) error {
	held, version, err := loadOr(ctx, b.store, d.leaseKey(), censusOwner{})
	if err != nil || version == 0 || held.Owner != owner {
		return err
	}
	err = b.store.Write(ctx, Op{Kind: Delete, Key: d.leaseKey(), Version: version})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// countEntries reads a whole board.
func (b *Backend) countEntries(ctx context.Context, d board) (*census, error) {
	at := b.instant()
	byPoints := make(map[int]int)
	for shard := range boardShards {
		for after, more := "", true; more; {
			page, err := b.listBoard(ctx, d, shard, ListOptions{After: after})
			if err != nil {
				return nil, err
			}
			for _, e := range page {
				byPoints[e.Points]++
			}
			if more = len(page) == MaxListLimit; more {
				after = page[len(page)-1].sort()
			}
		}
	}
	return newCensus(at, byPoints), nil
}
