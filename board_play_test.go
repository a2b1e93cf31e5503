package muster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"muster"
)

// board reads the first page of duel's board.
func (r *rig) board(t *testing.T) muster.LeaderboardView {
	t.Helper()
	return must[muster.LeaderboardView](t)(r.Leaderboard(context.Background(), muster.LeaderboardQuery{Mode: "duel", Limit: 100}))
}

// line is an entry in short.
func line(e muster.LeaderboardEntry) string {
	return fmt.Sprintf("%d %s %d", e.Rank, e.PlayerID, e.Skill)
}

func lines(entries []muster.LeaderboardEntry) string {
	all := make([]string, 0, len(entries))
	for _, e := range entries {
		all = append(all, line(e))
	}
	return strings.Join(all, ", ")
}

func TestABoardFollowsResults(t *testing.T) {
	r := newRig(false)
	ann, bob, cid := r.guest("ann"), r.guest("bob"), r.guest("cid")
	if v := r.board(t); v.Total != 0 || len(v.Entries) != 0 || v.Approximate {
		t.Errorf("an empty board is %+v", v)
	}
	r.duelled(t, ann, bob)
	r.duelled(t, cid, bob)
	r.clock.advance(6 * time.Second)
	v := r.board(t)
	if got, want := lines(v.Entries), fmt.Sprintf("1 %s 1560, 1 %s 1560, 3 %s 1380", ann, cid, bob); got != want || v.Total != 3 || v.Approximate || v.Next != "" {
		t.Errorf("the board is %s of %d, want %s", got, v.Total, want)
	}
	if name := v.Entries[0].DisplayName; !strings.HasPrefix(name, "Player-") {
		t.Errorf("the best is called %q", name)
	}
	r.duelled(t, bob, ann)
	// A copy is at most five seconds old, and what a player learns of themselves is new.
	pos := must[muster.LeaderboardPosition](t)(r.LeaderboardPosition(context.Background(), ann, "duel", "", 5))
	if got := lines(pos.Entries); got != fmt.Sprintf("1 %s 1560, 2 %s 1500, 3 %s 1380", cid, ann, bob) && pos.Rank != 2 {
		t.Errorf("around me stand %s", got)
	}
	if pos.Total != 3 || pos.Skill != 1500 || !pos.Listed || pos.Placement != nil {
		t.Errorf("my position is %+v", pos)
	}
	r.clock.advance(6 * time.Second)
	if got, want := lines(r.board(t).Entries), fmt.Sprintf("1 %s 1560, 2 %s 1500, 3 %s 1440", cid, ann, bob); got != want {
		t.Errorf("the board is %s, want %s", got, want)
	}
}

func TestAMoveCostsTwoWritesOfOneRecord(t *testing.T) {
	counter := &countingStore{}
	r := newRigWith(false, func(o *muster.Options) { counter.Store, o.Store = o.Store, counter })
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	counter.boardWrites, counter.boardOps = 0, 0
	r.duelled(t, ann, bob)
	if counter.boardWrites != 4 || counter.boardOps != 4 {
		t.Errorf("%d writes of %d records move two players, want 4 of 4", counter.boardWrites, counter.boardOps)
	}
}

// countingStore counts the writes to boards.
type countingStore struct {
	muster.Store
	mu                    sync.Mutex
	boardWrites, boardOps int
}

func (s *countingStore) Write(ctx context.Context, ops ...muster.Op) error {
	s.mu.Lock()
	if strings.HasPrefix(ops[0].Key.Partition, "LB#") {
		s.boardWrites++
		s.boardOps += len(ops)
	}
	s.mu.Unlock()
	return s.Store.Write(ctx, ops...)
}

func TestPlacementGamesHideFromTheBoard(t *testing.T) {
	r := league(muster.Competition{PlacementGames: 2})
	ann, bob, cid := r.guest("ann"), r.guest("bob"), r.guest("cid")
	ctx := context.Background()
	r.duelled(t, ann, bob)
	pos := must[muster.LeaderboardPosition](t)(r.LeaderboardPosition(ctx, ann, "duel", "", 5))
	if pos.Listed || pos.Rank != 0 || pos.Skill != 0 || len(pos.Entries) != 0 || pos.Placement == nil || *pos.Placement != (muster.PlacementView{Played: 1, Needed: 2}) {
		t.Errorf("during placement games my position is %+v", pos)
	}
	r.duelled(t, ann, cid)
	r.clock.advance(6 * time.Second)
	if v := r.board(t); len(v.Entries) != 1 || v.Entries[0].PlayerID != ann || v.Entries[0].Rank != 1 {
		t.Errorf("the board is %+v, want only who has played twice", v.Entries)
	}
}

func TestSeasonsHaveBoardsOfTheirOwn(t *testing.T) {
	start := newClock().at
	r := league(muster.Competition{Seasons: seasonsAt(start.Add(time.Hour), start.Add(48*time.Hour))})
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.clock.advance(2 * time.Hour)
	r.duelled(t, ann, bob)
	first := r.board(t)
	r.clock.advance(48 * time.Hour)
	if v := r.board(t); v.Season != "s2" || len(v.Entries) != 0 {
		t.Errorf("a new season begins with %+v", v)
	}
	r.duelled(t, bob, ann)
	r.clock.advance(time.Minute)
	old := must[muster.LeaderboardView](t)(r.Leaderboard(ctx, muster.LeaderboardQuery{Mode: "duel", Season: "s1", Limit: 10}))
	if lines(old.Entries) != lines(first.Entries) || old.Season != "s1" || len(old.Entries) != 2 {
		t.Errorf("the old season's board became %s, it was %s", lines(old.Entries), lines(first.Entries))
	}
	if v := r.board(t); len(v.Entries) != 2 || v.Entries[0].PlayerID != bob {
		t.Errorf("the new season's board is %s", lines(v.Entries))
	}
	pos := must[muster.LeaderboardPosition](t)(r.LeaderboardPosition(ctx, ann, "duel", "s1", 0))
	if pos.Rank != 1 || len(pos.Entries) != 1 {
		t.Errorf("in the old season I stand at %+v", pos)
	}
}

func TestAVoidedResultLeavesTheBoard(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	session := r.duelled(t, ann, bob)
	r.duelled(t, bob, ann)
	must[muster.AdminResultView](t)(r.VoidResult(ctx, session, muster.ResultVerdict{Reason: "a test"}))
	if err := r.Recount(ctx); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(6 * time.Second)
	if got, want := lines(r.board(t).Entries), fmt.Sprintf("1 %s 1560, 2 %s 1440", bob, ann); got != want {
		t.Errorf("the board is %s, want %s", got, want)
	}
	r.checkBoard(t, ann, bob)
}

// checkBoard: each player has one entry, which says what their rating says.
func (r *rig) checkBoard(t *testing.T, players ...muster.PlayerID) {
	t.Helper()
	entries := must[map[muster.PlayerID][]int](t)(r.BoardEntries(context.Background(), "duel", ""))
	for _, p := range players {
		standing := must[[]muster.RatingView](t)(r.Ratings(context.Background(), p))[0]
		want := []int{standing.Skill}
		if standing.Games == 0 {
			want = nil
		}
		if !slices.Equal(entries[p], want) {
			t.Errorf("player %s has entries of %v points, the rating says %v", p, entries[p], want)
		}
		delete(entries, p)
	}
	if len(entries) > 0 {
		t.Errorf("there are entries of strangers: %v", entries)
	}
}

func TestWrongEntriesAreNotShownAndPutRight(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	for _, e := range []struct {
		p      muster.PlayerID
		points int
	}{{ann, 9000}, {bob, 1700}, {"nobody", 4000}} {
		if err := r.Enter(ctx, e.p, "duel", "", e.points); err != nil {
			t.Fatal(err)
		}
	}
	r.clock.advance(6 * time.Second)
	want := fmt.Sprintf("%s 1560, %s 1440", ann, bob)
	for _, e := range r.board(t).Entries {
		if !strings.Contains(want, fmt.Sprintf("%s %d", e.PlayerID, e.Skill)) {
			t.Errorf("the board shows %s", line(e))
		}
	}
	r.checkBoard(t, ann, bob)
	r.clock.advance(6 * time.Second)
	if got, want := lines(r.board(t).Entries), fmt.Sprintf("1 %s 1560, 2 %s 1440", ann, bob); got != want {
		t.Errorf("the board is %s, want %s", got, want)
	}
}

func TestALostEntryComesBackWhenAnOldOneIsSeen(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	if err := r.Rank(ctx, "p-1", "duel", "", 1500); err != nil {
		t.Fatal(err)
	}
	ann := r.guest("ann")
	r.duelled(t, ann, r.guest("bob"))
	for rec := range r.entriesOf(t, ann) {
		if err := r.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: rec, Version: muster.AnyVersion}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Enter(ctx, ann, "duel", "", 3); err != nil {
		t.Fatal(err)
	}
	r.board(t)
	entries := must[map[muster.PlayerID][]int](t)(r.BoardEntries(ctx, "duel", ""))
	if !slices.Equal(entries[ann], []int{1560}) {
		t.Errorf("the player has entries of %v points", entries[ann])
	}
}

// entriesOf is the keys of a player's entries.
func (r *rig) entriesOf(t *testing.T, p muster.PlayerID) map[muster.Key]bool {
	t.Helper()
	keys := map[muster.Key]bool{}
	err := r.store.Scan(context.Background(), func(page []muster.Record) error {
		for _, rec := range page {
			if strings.HasPrefix(rec.Partition, "LB#") && strings.HasSuffix(rec.Sort, "#"+string(p)) {
				keys[rec.Key] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestDeletedPlayersLeaveEveryBoard(t *testing.T) {
	start := newClock().at
	r := league(muster.Competition{Seasons: seasonsAt(start.Add(time.Hour), start.Add(48*time.Hour))})
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	for range 3 {
		r.duelled(t, ann, bob)
		r.clock.advance(24 * time.Hour)
	}
	if n := len(r.entriesOf(t, ann)); n != 3 {
		t.Fatalf("before there are %d entries, want one for each season and one for the time before", n)
	}
	for range 2 {
		if err := r.LeaveBoards(ctx, ann); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := len(r.entriesOf(t, ann)), len(r.entriesOf(t, bob)); a != 0 || b != 3 {
		t.Errorf("the deleted player has %d entries, the other %d", a, b)
	}
}

func TestAnAccountsDeletionTakesItOffTheBoard(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if v := r.board(t); len(v.Entries) != 1 || v.Entries[0].PlayerID != bob {
		t.Errorf("right after the deletion the board shows %s", lines(v.Entries))
	}
	for range 5 {
		r.clock.advance(time.Minute)
		if err := r.ErasePlayers(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.entriesOf(t, ann); len(got) != 0 {
		t.Errorf("after the purge there is %v", got)
	}
}

func TestEntriesEnd(t *testing.T) {
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	r.clock.advance(401 * 24 * time.Hour)
	if v := r.board(t); v.Total != 0 {
		t.Errorf("after 400 days without a match the board has %d entries", v.Total)
	}
}

func TestQuestionsAboutBoardsAreChecked(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	for _, c := range []struct {
		name string
		q    muster.LeaderboardQuery
		kind muster.Kind
		code string
	}{
		{"an unknown mode", muster.LeaderboardQuery{Mode: "chess", Limit: 1}, muster.NotFound, "mode.unknown"},
		{"an unknown season", muster.LeaderboardQuery{Mode: "duel", Season: "s9", Limit: 1}, muster.NotFound, "season.unknown"},
		{"no entries", muster.LeaderboardQuery{Mode: "duel"}, muster.Invalid, "leaderboard.limit"},
		{"too many entries", muster.LeaderboardQuery{Mode: "duel", Limit: 101}, muster.Invalid, "leaderboard.limit"},
		{"a wild cursor", muster.LeaderboardQuery{Mode: "duel", Limit: 1, After: "../x"}, muster.Invalid, "leaderboard.cursor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.Leaderboard(ctx, c.q)
			wantError(t, err, c.kind, c.code)
		})
	}
	_, err := r.LeaderboardPosition(ctx, r.guest("ann"), "chess", "", 1)
	wantError(t, err, muster.NotFound, "mode.unknown")
	_, err = r.LeaderboardPosition(ctx, r.guest("ann"), "duel", "", 26)
	wantError(t, err, muster.Invalid, "leaderboard.around")
}

// fill puts n players on duel's board and returns their points.
func (r *rig) fill(t *testing.T, n int) map[muster.PlayerID]int {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(n), 9))
	points := make(map[muster.PlayerID]int, n)
	for i := range n {
		p := muster.PlayerID(fmt.Sprintf("p-%06d", i))
		points[p] = max(0, int(1500+300*random.NormFloat64()))
		if err := r.Rank(context.Background(), p, "duel", "", points[p]); err != nil {
			t.Fatal(err)
		}
	}
	return points
}

// truth ranks players one by one.
func truth(points map[muster.PlayerID]int) (ranks map[muster.PlayerID]int, order []muster.PlayerID) {
	for p := range points {
		order = append(order, p)
	}
	slices.SortFunc(order, func(a, b muster.PlayerID) int {
		if points[a] != points[b] {
			return points[b] - points[a]
		}
		return strings.Compare(string(a), string(b))
	})
	ranks = make(map[muster.PlayerID]int, len(order))
	for i, p := range order {
		ranks[p] = i + 1
		if i > 0 && points[order[i-1]] == points[p] {
			ranks[p] = ranks[order[i-1]]
		}
	}
	return ranks, order
}

// walk reads a whole board, page by page.
func (r *rig) walk(t *testing.T, limit, most int) []muster.LeaderboardEntry {
	t.Helper()
	var all []muster.LeaderboardEntry
	for after := ""; len(all) < most; {
		v := must[muster.LeaderboardView](t)(r.Leaderboard(context.Background(), muster.LeaderboardQuery{Mode: "duel", Limit: limit, After: after}))
		all = append(all, v.Entries...)
		if after = v.Next; after == "" {
			break
		}
	}
	return all
}

func TestABoardOfTenThousandIsExact(t *testing.T) {
	r := newRig(false)
	points := r.fill(t, 10_000)
	ranks, order := truth(points)
	all := r.walk(t, 97, len(order)+1)
	if len(all) != len(order) {
		t.Fatalf("the pages have %d entries, want %d", len(all), len(order))
	}
	for i, e := range all {
		if e.PlayerID != order[i] || e.Rank != ranks[order[i]] || e.Skill != points[order[i]] {
			t.Fatalf("entry %d is %s, want %d %s %d", i, line(e), ranks[order[i]], order[i], points[order[i]])
		}
	}
	for i := 0; i < len(order); i += 499 {
		pos := must[muster.LeaderboardPosition](t)(r.LeaderboardPosition(context.Background(), order[i], "duel", "", 3))
		want := order[max(0, i-3):min(len(order), i+4)]
		if pos.Rank != ranks[order[i]] || pos.Total != len(order) || pos.Approximate || len(pos.Entries) != len(want) {
			t.Fatalf("player %d of the board is told %+v, want rank %d and %d around", i, pos, ranks[order[i]], len(want))
		}
		for j, p := range want {
			if pos.Entries[j].PlayerID != p || pos.Entries[j].Rank != ranks[p] {
				t.Fatalf("around player %d stand %s", i, lines(pos.Entries))
			}
		}
	}
}

// On a board of 100,000 ranks are those of the last count: none is off by more than the
// number of entries that moved since.
func TestABoardOfAHundredThousandIsOffByNoMoreThanWhatMoved(t *testing.T) {
	players := 100_000
	if testing.Short() {
		players = 30_000
	}
	r := newRig(false)
	ctx := context.Background()
	points := r.fill(t, players)
	ranks, order := truth(points)
	me := order[players*7/10]
	pos := must[muster.LeaderboardPosition](t)(r.LeaderboardPosition(ctx, me, "duel", "", 2))
	if pos.Rank != 0 || !pos.Listed || !pos.Approximate || len(pos.Entries) != 5 {
		t.Errorf("before anybody counted I am told %+v", pos)
	}
	if err := r.CountBoards(ctx); err != nil {
		t.Fatal(err)
	}
	worst := func() int {
		worst := 0
		for i := 0; i < len(order); i += 1009 {
			pos := must[muster.LeaderboardPosition](t)(r.LeaderboardPosition(ctx, order[i], "duel", "", 2))
			worst = max(worst, pos.Rank-ranks[order[i]], ranks[order[i]]-pos.Rank)
			if at := min(i, 2); pos.Entries[at].PlayerID != order[i] || !pos.Approximate || pos.Total < players-1000 {
				t.Fatalf("player %d of the board is told %+v", i, pos)
			}
		}
		return worst
	}
	if got := worst(); got != 0 {
		t.Errorf("right after the count a rank is off by %d", got)
	}
	for i, e := range r.walk(t, 100, 3000) {
		if e.PlayerID != order[i] || e.Rank != ranks[order[i]] {
			t.Fatalf("entry %d is %s, want %d %s", i, line(e), ranks[order[i]], order[i])
		}
	}
	const moved = 1000
	for i := range moved {
		p := order[(i*7919)%len(order)]
		if err := r.move(p, points[p], points[p]+400); err != nil {
			t.Fatal(err)
		}
		points[p] += 400
	}
	ranks, order = truth(points)
	r.clock.advance(6 * time.Second)
	off := worst()
	t.Logf("%d entries moved up since the count; no rank is off by more than %d", moved, off)
	if off > moved || off == 0 {
		t.Errorf("with %d entries moved a rank is off by %d", moved, off)
	}
	if err := r.CountBoards(ctx); err != nil {
		t.Fatal(err)
	}
	if worst() != off {
		t.Error("the board was counted again within a minute")
	}
	r.clock.advance(time.Minute)
	r.board(t)
	lease := muster.Op{Kind: muster.Put, Key: muster.Key{Partition: "LBC#duel#", Sort: "LEASE"}, Value: []byte("{}"), Version: muster.AnyVersion}
	lease.ExpiresAt = r.clock.now().Add(3 * time.Hour) // by a wrong clock
	if err := r.store.Write(ctx, lease); err != nil {
		t.Fatal(err)
	}
	if err := r.CountBoards(ctx); err != nil {
		t.Fatal(err)
	}
	if got := worst(); got != 0 {
		t.Errorf("after another count a rank is off by %d", got)
	}
}

// move gives a filled-in player other points.
func (r *rig) move(p muster.PlayerID, from, to int) error {
	ctx := context.Background()
	if err := r.Rank(ctx, p, "duel", "", to); err != nil {
		return err
	}
	return r.Leave(ctx, p, "duel", "", from)
}

func TestABoardIsReadOnceForAllWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := &slowLists{}
		r := newRigWith(false, func(o *muster.Options) { lists.Store, o.Store = o.Store, lists })
		for i := range 20 {
			if err := r.Rank(context.Background(), muster.PlayerID(fmt.Sprint("p-", i)), "duel", "", i); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { r.board(t) })
		}
		wg.Wait()
		if n := lists.count.Load(); n != 16 {
			t.Errorf("50 who asked at once had %d lists made, want one a shard", n)
		}
		r.clock.advance(4 * time.Second)
		r.board(t)
		if n := lists.count.Load(); n != 16 {
			t.Errorf("within five seconds %d lists were made", n)
		}
		r.clock.advance(2 * time.Second)
		r.board(t)
		if n := lists.count.Load(); n != 32 {
			t.Errorf("after five seconds %d lists were made", n)
		}
	})
}

// slowLists counts lists of boards, which take their time.
type slowLists struct {
	muster.Store
	count atomic.Int64
}

func (s *slowLists) List(ctx context.Context, partition string, o muster.ListOptions) ([]muster.Record, error) {
	if strings.HasPrefix(partition, "LB#") {
		s.count.Add(1)
		<-time.After(10 * time.Millisecond) // of the bubble's time
	}
	return s.Store.List(ctx, partition, o)
}
