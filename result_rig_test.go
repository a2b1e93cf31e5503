package muster_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

// elo is a rating system whose answers depend on everything it is told, so that results
// in another order, or from other ratings, show in the last bit.
type elo struct{ forgets bool }

func (elo) Name() string { return "elo" }

func (elo) Adopt(s muster.Skill) muster.Skill { return s }

func (elo) New() muster.Skill { return muster.Skill{Mu: 25, Sigma: 8} }

func (elo) Points(s muster.Skill) int { return int(max(0, s.Mu) * 60) }

func (e elo) Idle(s muster.Skill, idle time.Duration) muster.Skill {
	if !e.forgets {
		return s
	}
	s.Sigma = min(8, math.Sqrt(s.Sigma*s.Sigma+idle.Hours()/24))
	return s
}

func (elo) Rate(match muster.RatedMatch) [][]muster.Skill {
	mean := make([]float64, len(match.Teams))
	for i, team := range match.Teams {
		for _, p := range team.Players {
			mean[i] += p.Skill.Mu / float64(len(team.Players))
		}
	}
	after := make([][]muster.Skill, len(match.Teams))
	for i, team := range match.Teams {
		gain := 0.0
		for j, other := range match.Teams {
			score := 0.5
			switch {
			case i == j:
				continue
			case team.Rank < other.Rank:
				score = 1
			case team.Rank > other.Rank:
				score = 0
			}
			gain += score - 1/(1+math.Exp((mean[j]-mean[i])/5))
		}
		for _, p := range team.Players {
			after[i] = append(after[i], muster.Skill{Mu: p.Skill.Mu + p.Weight*gain*p.Skill.Sigma/4, Sigma: p.Skill.Sigma * (1 - 0.03*p.Weight)})
		}
	}
	return after
}

// league is a rig whose duels count as a test says.
func league(rules muster.Competition) *rig {
	return newRigWith(false, func(o *muster.Options) {
		o.Rating = elo{}
		o.Modes[0].Competition = rules
	})
}

// forgetfulLeague is a league in which players who do not play grow less certain.
func forgetfulLeague(rules muster.Competition) *rig {
	return newRigWith(false, func(o *muster.Options) {
		o.Rating = elo{forgets: true}
		o.Modes[0].Competition = rules
	})
}

// replica is another Backend on the rig's store, with a clock of its own.
func (r *rig) replica(rules muster.Competition, store muster.Store, now func() time.Time) *muster.Backend {
	return newRigWith(false, func(o *muster.Options) {
		o.Rating, o.Store, o.Now, o.NewID = elo{}, store, now, ids("replica")
		o.Modes[0].Competition = rules
	}).Backend
}

var sessions atomic.Int64

// seated makes a session of duel with these teams, in which every player has a seat.
func (r *rig) seated(t *testing.T, teams map[muster.PlayerID]string) muster.SessionID {
	t.Helper()
	n := sessions.Add(1)
	id := muster.SessionID(fmt.Sprintf("arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-local/made-%05d", n))
	ev := muster.Event{Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", MatchID: muster.MatchID(fmt.Sprint("m", n)), Session: id}
	for p, team := range teams {
		view, created, err := r.StartTicket(context.Background(), p, duel(), "")
		if err != nil || !created {
			t.Fatalf("queue %s: %v", p, err)
		}
		seat := muster.SeatID(fmt.Sprint("psess-", n, "-", p))
		r.lift.seats[seat] = &muster.SeatState{Seat: seat, Player: p, Session: id, Live: true}
		ev.Tickets = append(ev.Tickets, muster.EventTicket{ID: view.ID, Players: []muster.EventPlayer{{ID: p, Team: team, Seat: seat}}})
	}
	r.lift.waiting, r.lift.events = nil, nil
	if err := r.ApplyEvent(context.Background(), ev); err != nil {
		t.Fatal(err)
	}
	return id
}

// side is a team of a report.
func side(name string, rank int, players ...muster.PlayerID) muster.ResultTeam {
	team := muster.ResultTeam{Name: name, Rank: rank}
	for _, p := range players {
		team.Players = append(team.Players, muster.ResultPlayer{PlayerID: p})
	}
	return team
}

// beats is a report in which the first wins a duel.
func beats(a, b muster.PlayerID) muster.ResultReport {
	return muster.ResultReport{Teams: []muster.ResultTeam{side("red", 1, a), side("blue", 2, b)}}
}

// duelled plays a whole duel that the first wins.
func (r *rig) duelled(t *testing.T, a, b muster.PlayerID) muster.SessionID {
	t.Helper()
	id := r.seated(t, map[muster.PlayerID]string{a: "red", b: "blue"})
	must[muster.ResultView](t)(r.ReportResult(context.Background(), id, beats(a, b)))
	return id
}

// rating is a player's standing in duel, as the store has it.
func (r *rig) rating(t *testing.T, p muster.PlayerID) muster.RatingView {
	t.Helper()
	return must[[]muster.RatingView](t)(r.Ratings(context.Background(), p))[0]
}

// wantReplayed fails the test unless the ratings of duel are those that a replay of the
// stored results gives.
func (r *rig) wantReplayed(t *testing.T) muster.ReplayReport {
	t.Helper()
	report := must[muster.ReplayReport](t)(r.Replay(context.Background(), "duel", muster.ReplayOptions{
		Different: func(d muster.ReplayDifference) { t.Errorf("a rating is not what the results give: %+v", d) },
	}))
	if report.Inconsistent != 0 || report.Gaps != 0 || report.Agree != report.Compared {
		t.Errorf("the replay says %+v", report)
	}
	return report
}

// wantSettled fails the test unless a player is free and has that many matches in their
// history, in order.
func (r *rig) wantSettled(t *testing.T, p muster.PlayerID, matches int) {
	t.Helper()
	ctx := context.Background()
	if me := must[muster.PlayerView](t)(r.Me(ctx, p)); me.Activity != nil {
		t.Errorf("player %s is still in %+v", p, *me.Activity)
	}
	rows := r.history(t, p)
	if len(rows) != matches {
		t.Errorf("player %s has %d matches in the history, want %d", p, len(rows), matches)
	}
	for i := 1; i < len(rows); i++ {
		if !rows[i].EndedAt.Before(rows[i-1].EndedAt) {
			t.Errorf("matches of %s are out of order at %d", p, i)
		}
	}
}

// history is all of a player's matches, newest first.
func (r *rig) history(t *testing.T, p muster.PlayerID) []muster.MatchHistoryView {
	t.Helper()
	var rows []muster.MatchHistoryView
	for cursor := ""; ; {
		page := must[muster.MatchHistoryPage](t)(r.Matches(context.Background(), p, 100, cursor))
		rows = append(rows, page.Matches...)
		if cursor = page.Next; cursor == "" {
			return rows
		}
	}
}

// brittle is a store whose process dies at a Write: that one and all after it fail. The
// last one may have happened all the same.
type brittle struct {
	muster.Store
	mu    sync.Mutex
	left  int  // Writes until the end
	after bool // the last Write happens, and its answer is lost
	dead  bool
}

var errDied = muster.Errorf(muster.Unavailable, "test.died", "the process died")

func (s *brittle) Write(ctx context.Context, ops ...muster.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return errDied
	}
	if s.left--; s.left < 0 {
		s.dead = true
		if s.after {
			_ = s.Store.Write(ctx, ops...) // nobody hears how it went
		}
		return errDied
	}
	return s.Store.Write(ctx, ops...)
}

func (s *brittle) died() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// guests makes many players.
func (r *rig) guests(n int) []muster.PlayerID {
	all := make([]muster.PlayerID, n)
	for i := range all {
		all[i] = r.guest(fmt.Sprint("guest-", i))
	}
	slices.SortFunc(all, func(a, b muster.PlayerID) int { return strings.Compare(string(a), string(b)) })
	return all
}
