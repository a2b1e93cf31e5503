package muster

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A leaderboard lists the players of a mode by their points in one season, the most
// first. Players of equal points share a rank, the next rank is left out, and stand in
// the order of their ids: the oldest account first.
//
// Each player has one entry, whose key says everything: its partition the board, its
// sort the points and the player. So moving an entry is a Put and a Delete of one
// record each, and a page of a board is a List of each shard, merged.

// board names one leaderboard.
type board struct {
	Mode   ModeName
	Season SeasonName
}

const (
	// boardShards spreads the entries of a board over partitions, by player.
	boardShards = 16
	// maxBoardPoints is the most that an entry can say; who has more stands there, too.
	maxBoardPoints = 999_999_999
	// boardLife is how long an entry stays after its last change: who has not played for
	// so long leaves the board.
	boardLife = 400 * 24 * time.Hour
)

// partition holds one shard of the board. Neither seasons nor shards have a # in them,
// so no two boards share one, whatever their modes are called.
func (d board) partition(shard int) string {
	return "LB#" + string(d.Mode) + "#" + string(d.Season) + "#" + strconv.Itoa(shard)
}

// key is where a player's entry of so many points stands.
func (d board) key(e boardEntry) Key {
	h := fnv.New32a()
	_, _ = h.Write([]byte(e.Player)) // a hash never fails to write
	return Key{d.partition(int(h.Sum32() % boardShards)), e.sort()}
}

// boardEntry is a player's place on a board.
type boardEntry struct {
	Points int // 0 to maxBoardPoints
	Player PlayerID
}

// sort orders entries as the board does, bytewise: the most points first, then by
// player.
func (e boardEntry) sort() string { return boardSort(e.Points) + string(e.Player) }

// boardSort comes before the entries of so many points, and after those of more.
func boardSort(points int) string {
	return fmt.Sprintf("%09d#", maxBoardPoints-max(0, min(points, maxBoardPoints)))
}

// parseBoardSort is the entry that a sort key says; ok is false for anything else.
func parseBoardSort(sort string) (e boardEntry, ok bool) {
	inverted, player, found := strings.Cut(sort, "#")
	n, err := strconv.Atoi(inverted)
	if !found || err != nil || len(inverted) != len("000000000") || n < 0 || player == "" {
		return boardEntry{}, false
	}
	return boardEntry{maxBoardPoints - n, PlayerID(player)}, true
}

// compare orders entries as the board does.
func (e boardEntry) compare(other boardEntry) int {
	return cmp.Or(cmp.Compare(other.Points, e.Points), cmp.Compare(e.Player, other.Player))
}

// cursor names an entry for a client that wants what comes after it.
func (e boardEntry) cursor() string { return strconv.Itoa(e.Points) + "-" + string(e.Player) }

// parseBoardCursor is the entry that a cursor names.
func parseBoardCursor(cursor string) (boardEntry, error) {
	points, player, found := strings.Cut(cursor, "-")
	n, err := strconv.Atoi(points)
	if !found || err != nil || n < 0 || n > maxBoardPoints || !ours(player) {
		return boardEntry{}, Errorf(Invalid, "leaderboard.cursor", "this is not a cursor of an earlier page")
	}
	return boardEntry{n, PlayerID(player)}, nil
}

// boardPlace is where a standing puts its player on the board of its season. The zero
// value is nowhere.
type boardPlace struct {
	Listed bool
	Points int
}

// boardPlace is the place of a standing: nowhere before a player's first rated match,
// while they play their placement games, and once they are deleted.
func (k ranking) boardPlace(s rating) boardPlace {
	if s.Games == 0 || k.hidden(s) || s.Alias != "" {
		return boardPlace{}
	}
	return boardPlace{Listed: true, Points: min(k.system.Points(s.Skill), maxBoardPoints)}
}

// boardSpot is a boardPlace as a rating's record keeps it: the points and one, or
// noBoardSpot. 0 is not known.
type boardSpot int

const noBoardSpot boardSpot = -1

func (p boardPlace) spot() boardSpot {
	if !p.Listed {
		return noBoardSpot
	}
	return boardSpot(p.Points + 1)
}

// place is nowhere for a spot that is not known.
func (s boardSpot) place() boardPlace {
	if s <= 0 {
		return boardPlace{}
	}
	return boardPlace{Listed: true, Points: int(s) - 1}
}

// listed is where the entry of a standing was put. It is another place than boardPlace
// where the rules for boards have changed since.
func (k ranking) listed(s rating) boardPlace {
	if s.Board == 0 {
		return k.boardPlace(s)
	}
	return s.Board.place()
}

// relisted is a rating that replaces another without a result: its entry stands where
// the rules say, and the place that it had is remembered until the next result.
func (k ranking) relisted(before, next rating) rating {
	next.Alias = before.Alias
	next.Board, next.BoardWas = k.boardPlace(next).spot(), 0
	if was := k.listed(before).spot(); was != next.Board && was != noBoardSpot {
		next.BoardWas = was
	}
	return next
}

// boardCopy is what a replica knows of a board: all of it, or the head of each shard.
// It does not change.
type boardCopy struct {
	AsOf    time.Time
	Entries []boardEntry // in order
	// Whole says that there are no more entries. Otherwise Entries ends where the first
	// shard did, so that it has no gaps.
	Whole bool
}

// newBoardCopy merges shards, of which those that were cut short are not whole.
func newBoardCopy(asOf time.Time, shards [][]boardEntry, whole []bool) *boardCopy {
	c := &boardCopy{AsOf: asOf, Whole: !slices.Contains(whole, false)}
	for _, shard := range shards {
		c.Entries = append(c.Entries, shard...)
	}
	slices.SortFunc(c.Entries, boardEntry.compare)
	for i, shard := range shards {
		if !whole[i] {
			c.Entries = c.Entries[:min(len(c.Entries), c.after(shard[len(shard)-1]))]
		}
	}
	c.Entries = slices.Clip(c.Entries)
	return c
}

// after is the index of the first entry that comes after e.
func (c *boardCopy) after(e boardEntry) int {
	i, found := slices.BinarySearchFunc(c.Entries, e, boardEntry.compare)
	if found {
		i++
	}
	return i
}

// knows says that the copy has every entry up to e.
func (c *boardCopy) knows(e boardEntry) bool {
	return c.Whole || len(c.Entries) > 0 && e.compare(c.Entries[len(c.Entries)-1]) <= 0
}

// better counts the entries of more than so many points; ok is false where the copy does
// not know.
func (c *boardCopy) better(points int) (n int, ok bool) {
	i, _ := slices.BinarySearchFunc(c.Entries, points, func(e boardEntry, points int) int {
		return cmp.Compare(points, e.Points) // the first of these points, or of fewer
	})
	return i, c.Whole || i < len(c.Entries)
}
