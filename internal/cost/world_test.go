package cost

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/rating"
)

// beginning is long after today: DynamoDB removes by the true time what has expired.
var beginning = time.Date(2090, 3, 1, 12, 0, 0, 0, time.UTC)

// world is the service with everything around it. Ids, addresses and values have the
// length that they have in production: records are billed by their size.
type world struct {
	*muster.Backend
	t     *testing.T
	ids   *identity.Service
	lift  *lift
	store metered
	clock *clock
	rand  *rand.ChaCha8
	told  []muster.Notice
}

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newWorld(t *testing.T, s scenario, open func(now func() time.Time) metered) *world {
	w := &world{t: t, clock: &clock{beginning}, rand: rand.NewChaCha8([32]byte{'c', 'o', 's', 't'}), lift: &lift{}}
	w.store = open(w.clock.now)
	keys, err := identity.NewKeys(bytes.NewReader(make([]byte, 64)))
	w.must(err)
	w.Backend = muster.New(muster.Options{
		Store: w.store, GameLift: w.lift, Notifier: w, Rating: plackettLuce{}, Modes: []muster.Mode{s.mode()},
		Locations: []string{"us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"},
		Now:       w.clock.now, NewID: w.newID, Random: w.rand, Log: slog.New(slog.DiscardHandler),
		Parallel: 1, // so that two runs cost the same
	})
	w.ids = identity.New(identity.Options{
		Accounts: w.Backend, Store: w.store, Keys: keys, Issuer: "https://play.example", Audience: "muster", Guard: w.Backend,
		Now: w.clock.now, NewID: w.newID, Random: w.rand,
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// newID is a UUID that ascends with time.
func (w *world) newID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(w.clock.at.UnixMilli())<<16|w.rand.Uint64()&0xfff|0x7000)
	binary.BigEndian.PutUint64(id[8:], w.rand.Uint64())
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// Notify implements muster.Notifier.
func (w *world) Notify(_ context.Context, notices ...muster.Notice) {
	w.told = append(w.told, notices...)
}

// pass lets time pass.
func (w *world) pass(d time.Duration) { w.clock.at = w.clock.at.Add(d) }

// spent is what doing something costs.
func (w *world) spent(do func()) bill {
	before := w.store.total()
	do()
	return w.store.total().minus(before)
}

// lift plays as much of GameLift as is asked here: it takes everything. What it tells,
// the scenario says.
type lift struct {
	muster.GameLift // the rest is never called
	started         []muster.StartMatchmaking
}

func (g *lift) StartMatchmaking(_ context.Context, req muster.StartMatchmaking) error {
	g.started = append(g.started, req)
	return nil
}

func (g *lift) AcceptMatch(context.Context, muster.TicketID, []muster.PlayerID, bool) error {
	return nil
}

func (g *lift) Tickets(_ context.Context, ids []muster.TicketID) ([]muster.TicketSnapshot, error) {
	all := make([]muster.TicketSnapshot, len(ids))
	for i, id := range ids {
		all[i] = muster.TicketSnapshot{Ticket: id, Status: muster.Searching, EstimatedWaitSeconds: 40}
	}
	return all, nil
}

func (g *lift) Seat(_ context.Context, id muster.SeatID) (muster.SeatState, error) {
	return muster.SeatState{Seat: id, Live: true}, nil
}

// plackettLuce is the rating system that the service has unless it is told otherwise.
type plackettLuce struct{ rating.WengLin }

func (s plackettLuce) Name() string { return "plackettLuce" }

func (s plackettLuce) Adopt(skill muster.Skill) muster.Skill { return skill }

func (s plackettLuce) New() muster.Skill { return muster.Skill(s.Start()) }

func (s plackettLuce) Points(skill muster.Skill) int { return int(math.Round(60 * max(0, skill.Mu))) }

func (s plackettLuce) Idle(skill muster.Skill, idle time.Duration) muster.Skill {
	return muster.Skill(s.WengLin.Idle(rating.Rating(skill), idle))
}

func (s plackettLuce) Rate(match muster.RatedMatch) [][]muster.Skill {
	m := rating.Match{Teams: make([][]rating.Rating, len(match.Teams)), Ranks: make([]int, len(match.Teams))}
	for i, team := range match.Teams {
		m.Ranks[i] = team.Rank
		for _, p := range team.Players {
			m.Teams[i] = append(m.Teams[i], rating.Rating(p.Skill))
		}
	}
	after := make([][]muster.Skill, len(match.Teams))
	for i, team := range s.WengLin.Rate(m) {
		for _, r := range team {
			after[i] = append(after[i], muster.Skill(r))
		}
	}
	return after
}
