package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model"
)

// team is a team of the match, and of its result: what is not known before is filled in.
type team struct {
	Name    string   `json:"name"`
	Rank    int      `json:"rank"` // 1 is best; equal ranks are a draw
	Score   int      `json:"score"`
	Players []player `json:"players"`
}

type player struct {
	ID   string `json:"playerId"`
	Left bool   `json:"left"`
}

// match is who plays, and what they rolled.
type match struct {
	session  string
	teams    []team
	complete chan struct{} // closed once everybody has rolled

	mu    sync.Mutex // guards what follows
	rolls map[string]int
}

// newMatch reads who plays from the matchmaker data of a session.
func newMatch(s model.GameSession) (*match, error) {
	m := &match{session: s.GameSessionID, complete: make(chan struct{}), rolls: map[string]int{}}
	var data struct{ Teams []team }
	if err := json.Unmarshal([]byte(s.MatchmakerData), &data); err != nil {
		return nil, fmt.Errorf("read the matchmaker data: %w", err)
	}
	m.teams = data.Teams
	return m, nil
}

// welcome lets a player in, or says why not.
func (m *match) welcome(ctx context.Context, conn net.Conn) {
	defer conn.Close()                                     //nolint:errcheck // the answer is out
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // a connection can have one
	var h hello
	err := json.NewDecoder(io.LimitReader(conn, 16<<10)).Decode(&h)
	var who string
	if err == nil {
		who, err = admit(ctx, h, m.session)
	}
	if err != nil {
		_ = json.NewEncoder(conn).Encode(map[string]string{"refused": err.Error()}) // they may be gone
		return
	}
	_ = json.NewEncoder(conn).Encode(map[string]int{"roll": m.roll(who)}) // who lost it comes again
}

// roll is what a player rolled: once, however often they come.
func (m *match) roll(who string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rolls[who] > 0 {
		return m.rolls[who]
	}
	m.rolls[who] = 1 + rand.IntN(6)
	expected := 0
	for _, t := range m.teams {
		expected += len(t.Players)
	}
	if len(m.rolls) == expected {
		close(m.complete)
	}
	return m.rolls[who]
}

// result is the teams with their scores and ranks, and whether anybody came.
func (m *match) result() (teams []team, anybody bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	teams = slices.Clone(m.teams)
	for i := range teams {
		t := &teams[i]
		t.Players = slices.Clone(t.Players)
		for j := range t.Players {
			rolled := m.rolls[t.Players[j].ID]
			t.Score += rolled
			t.Players[j].Left = rolled == 0
		}
	}
	slices.SortStableFunc(teams, func(a, b team) int { return cmp.Compare(b.Score, a.Score) })
	for i := range teams {
		if teams[i].Rank = i + 1; i > 0 && teams[i].Score == teams[i-1].Score {
			teams[i].Rank = teams[i-1].Rank
		}
	}
	return teams, len(m.rolls) > 0
}
