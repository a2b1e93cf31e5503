package e2e

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// books are what a store holds of matches, as `muster export` writes it.
type books struct {
	sessions map[string][]string // players by session
	ended    map[string]bool     // sessions that are over
	results  map[string][]string // players by session, of those that stand
	games    map[string]int      // by player, of all modes
	history  map[string]int      // rows by player
	slots    []string            // players who are bound to something
	live     []string            // tickets that are not over
}

// readBooks exports a store and reads the file.
func readBooks(t *testing.T, env []string, store string) books {
	t.Helper()
	path := filepath.Join(t.TempDir(), "books")
	if _, errs, code := runIn(t, env, "export", "--from", store, "--out", path); code != 0 {
		t.Fatalf("export: %s", errs)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // only read
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	b := books{sessions: map[string][]string{}, ended: map[string]bool{}, results: map[string][]string{}, games: map[string]int{}, history: map[string]int{}}
	lines := bufio.NewScanner(packed)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var rec struct{ P, S, T string }
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		b.enter(t, rec.P, rec.S, rec.T)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return b
}

// enter takes in one record; most are not about matches.
func (b *books) enter(t *testing.T, partition, sort, value string) {
	t.Helper()
	var rec struct {
		Games   int
		Status  string
		Teams   json.RawMessage
		EndedAt time.Time
	}
	kind, id, _ := strings.Cut(partition, "#")
	switch {
	case kind == "GS" && (sort == "META" || sort == "RESULT"), kind == "T" && sort == "META", kind == "P" && strings.HasPrefix(sort, "RATING#"):
		if err := json.Unmarshal([]byte(value), &rec); err != nil {
			t.Fatalf("%v: %s %s %s", err, partition, sort, value)
		}
	}
	switch {
	case kind == "GS" && sort == "META":
		var teams map[string]string
		if err := json.Unmarshal(rec.Teams, &teams); err != nil {
			t.Fatalf("%v: %s", err, value)
		}
		for player := range teams {
			b.sessions[id] = append(b.sessions[id], player)
		}
		b.ended[id] = !rec.EndedAt.IsZero()
	case kind == "GS" && sort == "RESULT":
		var teams []struct{ Players []struct{ ID string } }
		if err := json.Unmarshal(rec.Teams, &teams); err != nil {
			t.Fatalf("%v: %s", err, value)
		}
		for _, team := range teams {
			for _, p := range team.Players {
				b.results[id] = append(b.results[id], p.ID)
			}
		}
	case kind == "T" && sort == "META":
		if !slices.Contains([]string{"completed", "failed", "cancelled", "timedOut"}, rec.Status) {
			b.live = append(b.live, id+" "+rec.Status)
		}
	case kind == "P" && strings.HasPrefix(sort, "RATING#"):
		b.games[id] += rec.Games
	case kind == "P" && strings.HasPrefix(sort, "MR#"):
		b.history[id]++
	case kind == "P" && sort == "SLOT" && !strings.Contains(value, `"kind":""`): // a free one is kept for its next use
		b.slots = append(b.slots, id+" "+value)
	}
}

// problems says in sentences what does not balance.
func (b *books) problems() (all []string) {
	note := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	named := map[string]int{} // results by player
	for id, players := range b.sessions {
		result, ok := b.results[id]
		switch {
		case !ok && b.ended[id]:
			continue // its game server saw nobody, or a bot that was there tells that it waits for a result
		case !ok:
			note("session %s of %d players has no result and is not over", id, len(players))
			continue
		}
		slices.Sort(players)
		slices.Sort(result)
		if !slices.Equal(players, result) {
			note("session %s was played by %v, and its result names %v", id, players, result)
		}
	}
	for id, players := range b.results {
		if _, ok := b.sessions[id]; !ok {
			note("the result of %s has no session", id)
		}
		for _, p := range players {
			named[p]++
		}
	}
	for p, n := range named {
		if b.games[p] != n || b.history[p] != n {
			note("player %s is named by %d results, has %d games and %d rows of history", p, n, b.games[p], b.history[p])
		}
	}
	for p, n := range b.games {
		if n > 0 && named[p] == 0 {
			note("player %s has %d games and no result", p, n)
		}
	}
	for _, s := range b.slots {
		note("a slot is left behind: player %s", s)
	}
	for _, l := range b.live {
		note("a ticket is not over: %s", l)
	}
	slices.Sort(all)
	return all
}
