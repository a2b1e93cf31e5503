package muster

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEntriesSortAsTheBoardDoes(t *testing.T) {
	in := []boardEntry{
		{maxBoardPoints, "a"}, {1500, "0199"}, {1500, "019a"}, {1500, "b"}, {1499, "a"}, {9, "z"}, {0, "a"}, {0, "b"},
	}
	for i, e := range in {
		got, ok := parseBoardSort(e.sort())
		if !ok || got != e {
			t.Errorf("%v is read as %v, %t", e, got, ok)
		}
		if i > 0 && (in[i-1].sort() >= e.sort() || in[i-1].compare(e) >= 0) {
			t.Errorf("%v does not come after %v", e, in[i-1])
		}
		if edge := boardSort(e.Points); edge >= e.sort() || e.Points < maxBoardPoints && edge <= (boardEntry{e.Points + 1, "zzz"}).sort() {
			t.Errorf("%q does not come right before those of %d points", edge, e.Points)
		}
	}
	for _, wrong := range []string{"", "#", "000000001", "00000001#a", "-00000001#a", "000000001#", "x#y", "0000000010#a"} {
		if e, ok := parseBoardSort(wrong); ok {
			t.Errorf("%q is read as %v", wrong, e)
		}
	}
}

func TestPointsBeyondTheBoardStandAtItsEnds(t *testing.T) {
	if got := boardSort(maxBoardPoints + 5); got != boardSort(maxBoardPoints) {
		t.Errorf("too many points sort at %q", got)
	}
	if got := boardSort(-1); got != boardSort(0) {
		t.Errorf("too few points sort at %q", got)
	}
}

func TestCursorsNameEntries(t *testing.T) {
	for _, e := range []boardEntry{{0, "a"}, {1500, "01a2b3c4-0000-7000-8000-000000000001"}} {
		if got, err := parseBoardCursor(e.cursor()); err != nil || got != e {
			t.Errorf("%v is read as %v, %v", e, got, err)
		}
	}
	for _, wrong := range []string{"", "-", "5", "5-", "-5-a", "x-a", "5-a#b", "9999999999-a", "99999999999999999999-a"} {
		if e, err := parseBoardCursor(wrong); KindOf(err) != Invalid || err == nil {
			t.Errorf("%q is read as %v, %v", wrong, e, err)
		}
	}
}

func TestNoTwoBoardsShareAPartition(t *testing.T) {
	seen := map[string]board{}
	for _, mode := range []ModeName{"a", "a#", "a#b", "a#b#", "b", "a#b#c"} {
		for _, season := range []SeasonName{"", "b", "1", "11", "b.1", "c"} {
			for shard := range boardShards {
				d, p := board{mode, season}, board{mode, season}.partition(shard)
				if other, taken := seen[p]; taken {
					t.Errorf("%v and %v share %s", d, other, p)
				}
				seen[p] = d
			}
		}
	}
}

// shardsOf deals entries out as a board does, cut short at most per shard.
func shardsOf(entries []boardEntry, most int) (shards [][]boardEntry, whole []bool) {
	d := board{Mode: "m"}
	byPartition := map[string][]boardEntry{}
	for _, e := range entries {
		p := d.key(e).Partition
		byPartition[p] = append(byPartition[p], e)
	}
	for i := range boardShards {
		shard := byPartition[d.partition(i)]
		slices.SortFunc(shard, boardEntry.compare)
		whole = append(whole, len(shard) < most)
		shards = append(shards, shard[:min(most, len(shard))])
	}
	return shards, whole
}

func someEntries(n, kinds int) []boardEntry {
	random := rand.New(rand.NewPCG(uint64(n), 3))
	entries := make([]boardEntry, n)
	for i := range entries {
		entries[i] = boardEntry{random.IntN(kinds), PlayerID(fmt.Sprintf("p%06d", i))}
	}
	return entries
}

func TestACopyKnowsWhatItKnows(t *testing.T) {
	entries := someEntries(3000, 400)
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, boardEntry.compare)
	for _, most := range []int{1000, 50} {
		shards, whole := shardsOf(entries, most)
		c := newBoardCopy(time.Time{}, shards, whole)
		if c.Whole != (most == 1000) || !slices.Equal(c.Entries, sorted[:len(c.Entries)]) {
			t.Fatalf("a copy of %d a shard has %d entries, whole: %t, with gaps or in another order", most, len(c.Entries), c.Whole)
		}
		if !c.Whole && len(c.Entries) < most*boardShards/2 {
			t.Errorf("a copy of %d a shard has only %d entries", most, len(c.Entries))
		}
		for points := -1; points <= 400; points++ {
			want := slices.IndexFunc(sorted, func(e boardEntry) bool { return e.Points <= points })
			if want < 0 {
				want = len(sorted)
			}
			if got, ok := c.better(points); ok && got != want || c.Whole && !ok {
				t.Fatalf("%d are better than %d points, want %d", got, points, want)
			}
		}
	}
}

func TestACensusCountsAsIfOneByOne(t *testing.T) {
	for _, kinds := range []int{1, 7, 3000, 100_000, maxBoardPoints} {
		entries := someEntries(40_000, kinds)
		byPoints := map[int]int{}
		for _, e := range entries {
			byPoints[e.Points]++
		}
		slices.SortFunc(entries, func(a, b boardEntry) int { return cmp.Compare(b.Points, a.Points) })
		first := newCensus(time.Time{}, byPoints)
		c, err := first.record().census()
		if err != nil || c.Total != len(entries) || !slices.Equal(c.buckets, first.buckets) || c.Width != first.Width {
			t.Fatalf("%d kinds: stored and read, the census has %d of %d entries: %v", kinds, c.Total, len(entries), err)
		}
		if len(c.buckets) > maxBuckets || kinds <= maxBuckets && c.Width != 1 || len(first.record().Counts) > 100_000 {
			t.Errorf("%d kinds: %d buckets of %d points, %d bytes", kinds, len(c.buckets), c.Width, len(first.record().Counts))
		}
		for i, e := range entries {
			if i%97 != 0 {
				continue
			}
			better := slices.IndexFunc(entries, func(o boardEntry) bool { return o.Points <= e.Points })
			if ahead, inside := c.better(e.Points); better < ahead || better >= ahead+inside || c.Width == 1 && better != ahead {
				t.Fatalf("%d kinds: %d are better than %d points, the census says %d, and %d share the bucket", kinds, better, e.Points, ahead, inside)
			}
		}
		if ahead, inside := c.better(maxBoardPoints); kinds < maxBoardPoints && (ahead != 0 || inside != 0) {
			t.Errorf("%d kinds: %d and %d are better than the best", kinds, ahead, inside)
		}
	}
}

func TestABrokenCensusIsRefused(t *testing.T) {
	for _, counts := range [][]byte{{1}, {0x80}, {1, 0x80}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1}} {
		if c, err := (censusRecord{Counts: counts}).census(); err == nil {
			t.Errorf("%v is read as %+v", counts, c)
		}
	}
}

func TestLargerBoardsAreCountedLessOften(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		total int
		age   time.Duration
		due   bool
	}{
		{20_000, 59 * time.Second, false},
		{20_000, time.Minute, true},
		{100_000, time.Minute, true},
		{1_000_000, 9 * time.Minute, false},
		{1_000_000, 10 * time.Minute, true},
	} {
		if got := (&census{At: now.Add(-c.age), Total: c.total}).due(now); got != c.due {
			t.Errorf("%d entries, counted %v ago: due is %t", c.total, c.age, got)
		}
	}
	if !(*census)(nil).due(now) {
		t.Error("a board that was never counted is not due")
	}
}

func TestTheBoardroomKeepsWithinItsBounds(t *testing.T) {
	r := newBoardroom()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 10 {
		d := board{Mode: ModeName(fmt.Sprint(i))}
		_, load, _ := r.enter(d, now.Add(time.Duration(i)*time.Second))
		if !load {
			t.Fatal("nobody loads a board for the first time")
		}
		r.leave(d, &boardCopy{AsOf: now, Entries: make([]boardEntry, maxBoardMemory/3)})
	}
	kept := 0
	for d, s := range r.boards {
		if s.copy != nil {
			kept++
			if d.Mode < "7" {
				t.Errorf("the copy of %s is kept, that of a later one is not", d.Mode)
			}
		}
	}
	if kept != 3 {
		t.Errorf("%d copies are kept, want 3", kept)
	}
}
