package flexmatch

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// rank is a ticket's place in a batch: by age, then by arrival, which is unique.
// backfillPriority puts backfills first or last.
type rank struct {
	at      int64 // nanoseconds from rankEpoch, moved far off by a priority
	arrival int
}

// firstRank stands before every ticket.
var firstRank = rank{at: math.MinInt64}

var rankEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	rankReach    = 1 << 61 // 73 years to both sides; beyond, only the arrival counts
	rankPriority = 1 << 62
)

// rankOf places an entry. Large matches treat backfills as of high priority: Amazon's
// older guide says so.
func (s *RuleSet) rankOf(e *entry) rank {
	out := rank{at: max(-rankReach, min(int64(e.startAt.Sub(rankEpoch)), rankReach)), arrival: e.arrival}
	switch {
	case !e.backfill:
	case s.algorithm.priority == highPriority || s.large:
		out.at -= rankPriority
	case s.algorithm.priority == lowPriority:
		out.at += rankPriority
	}
	return out
}

func (r rank) before(o rank) bool { return r.at < o.at || r.at == o.at && r.arrival < o.arrival }

func (r rank) compare(o rank) int {
	return cmp.Or(cmp.Compare(r.at, o.at), cmp.Compare(r.arrival, o.arrival))
}

// shelf keeps tickets in the order of a number, and of their ranks where that is equal.
// It is a list of short sorted blocks, so that a change moves few items and a run of
// neighbours lies together in memory.
type shelf struct {
	blocks []*block
	size   int
}

const blockLimit = 128 // items

type block struct {
	items  []item // at least one
	oldest rank   // the least of the items'
}

// item is a ticket on a shelf. It repeats what a walk over the shelf reads first.
type item struct {
	key   float64
	rank  rank
	entry *entry
}

func (i item) before(key float64, r rank) bool {
	return i.key < key || i.key == key && i.rank.before(r)
}

// find finds the block in which an item of this key and rank is or would be.
func (s *shelf) find(key float64, r rank) int {
	return sort.Search(len(s.blocks), func(i int) bool {
		b := s.blocks[i].items
		return !b[len(b)-1].before(key, r)
	})
}

// seek finds the first item that is not before key and rank.
func (b *block) seek(key float64, r rank) int {
	return sort.Search(len(b.items), func(i int) bool { return !b.items[i].before(key, r) })
}

func (s *shelf) insert(one item) {
	s.size++
	i := s.find(one.key, one.rank)
	if i == len(s.blocks) {
		if i == 0 || len(s.blocks[i-1].items) == blockLimit {
			b := &block{items: make([]item, 0, 4), oldest: one.rank}
			b.items = append(b.items, one)
			s.blocks = append(s.blocks, b)
			return
		}
		i--
	}
	b := s.blocks[i]
	if len(b.items) == blockLimit {
		half := &block{items: append(make([]item, 0, blockLimit), b.items[blockLimit/2:]...)}
		clear(b.items[blockLimit/2:])
		b.items = b.items[:blockLimit/2]
		b.age()
		half.age()
		s.blocks = slices.Insert(s.blocks, i+1, half)
		if b.items[len(b.items)-1].before(one.key, one.rank) {
			b = half
		}
	}
	b.items = slices.Insert(b.items, b.seek(one.key, one.rank), one)
	if one.rank.before(b.oldest) {
		b.oldest = one.rank
	}
}

// remove takes out the item of a key and rank, which must be there.
func (s *shelf) remove(key float64, r rank) {
	s.size--
	i := s.find(key, r)
	b := s.blocks[i]
	at := b.seek(key, r)
	if at == 0 { // a queue is emptied from the front
		b.items[0] = item{}
		b.items = b.items[1:]
	} else {
		b.items = slices.Delete(b.items, at, at+1)
	}
	switch {
	case len(b.items) == 0:
		s.blocks = slices.Delete(s.blocks, i, i+1)
		return
	case r == b.oldest:
		b.age()
	}
	if i+1 < len(s.blocks) && len(b.items)+len(s.blocks[i+1].items) <= blockLimit/2 {
		next := s.blocks[i+1]
		b.items = append(b.items, next.items...)
		if next.oldest.before(b.oldest) {
			b.oldest = next.oldest
		}
		s.blocks = slices.Delete(s.blocks, i+1, i+2)
	}
}

// age finds the oldest of a block's items.
func (b *block) age() {
	b.oldest = b.items[0].rank
	if b.items[0].key == b.items[len(b.items)-1].key {
		return
	}
	for _, i := range b.items[1:] {
		if i.rank.before(b.oldest) {
			b.oldest = i.rank
		}
	}
}

// after returns the first ticket behind key and rank in the shelf's order, nil if there
// is none.
func (s *shelf) after(key float64, r rank) *entry {
	r.arrival++ // ranks are unique: nothing lies between
	i := s.find(key, r)
	if i == len(s.blocks) {
		return nil
	}
	b := s.blocks[i]
	return b.items[b.seek(key, r)].entry
}
