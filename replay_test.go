package muster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"muster"
)

// matchday plays random duels among players, as a seed says: the same in every league.
type matchday struct {
	*rig
	rng     *rand.Rand
	players []muster.PlayerID
	played  []muster.SessionID
}

func newMatchday(r *rig, players int, seed uint64) *matchday {
	return &matchday{rig: r, rng: rand.New(rand.NewPCG(seed, 5)), players: r.guests(players)}
}

// play lets n duels take place, but those that skip names by their number.
func (m *matchday) play(t *testing.T, n int, skip ...int) {
	t.Helper()
	for range n {
		order := m.rng.Perm(len(m.players))
		m.clock.advance(time.Duration(1+m.rng.IntN(600)) * time.Second)
		if slices.Contains(skip, len(m.played)) {
			m.played = append(m.played, "")
			continue
		}
		m.played = append(m.played, m.duelled(t, m.players[order[0]], m.players[order[1]]))
	}
}

func (m *matchday) standings(t *testing.T) map[muster.PlayerID]muster.RatingView {
	t.Helper()
	all := map[muster.PlayerID]muster.RatingView{}
	for _, p := range m.players {
		all[p] = m.rating(t, p)
	}
	return all
}

func wantSame(t *testing.T, got, want map[muster.PlayerID]muster.RatingView) {
	t.Helper()
	for p, w := range want {
		if got[p] != w {
			t.Errorf("player %s stands at %+v, want %+v", p, got[p], w)
		}
	}
}

var disputed = muster.ResultVerdict{Reason: "the server was tampered with", Operator: "kim"}

func (r *rig) recount(t *testing.T) {
	t.Helper()
	r.clock.advance(time.Minute)
	if err := r.Recount(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestAVoidedResultCountsAsIfItHadNotBeen(t *testing.T) {
	ctx := context.Background()
	const duels = 80
	whole := newMatchday(league(muster.Competition{}), 8, 3)
	whole.play(t, duels)
	for _, voided := range [][]int{{79}, {0}, {40}, {10, 11, 60}, {70, 20}} {
		t.Run(fmt.Sprint("duels ", voided), func(t *testing.T) {
			m := newMatchday(league(muster.Competition{}), 8, 3)
			m.play(t, duels)
			without := newMatchday(league(muster.Competition{}), 8, 3)
			without.play(t, duels, voided...)
			before := m.standings(t)
			for _, i := range voided {
				view := must[muster.AdminResultView](t)(m.VoidResult(ctx, m.played[i], disputed))
				if !view.Voided || view.Recounted || !view.Recount.Pending || len(view.Verdicts) != 1 || view.Verdicts[0].Operator != "kim" {
					t.Errorf("the verdict shows as %+v", view)
				}
			}
			m.recount(t)
			wantSame(t, m.standings(t), without.standings(t))
			m.wantReplayed(t)
			view := must[muster.AdminResultView](t)(m.Result(ctx, m.played[voided[0]]))
			if !view.Recounted || view.Recount.Pending || view.Recount.FinishedAt == nil || view.Recount.Corrected == 0 {
				t.Errorf("after the recount the result is %+v, %+v", view, view.Recount)
			}
			for _, i := range voided {
				must[muster.AdminResultView](t)(m.RestoreResult(ctx, m.played[i], muster.ResultVerdict{Reason: "it was fine"}))
			}
			m.recount(t)
			wantSame(t, m.standings(t), before)
			m.wantReplayed(t)
		})
	}
}

func TestAVerdictIsKeptAndShown(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.duelled(t, ann, bob)
	for range 2 { // the second changes nothing
		view := must[muster.AdminResultView](t)(r.VoidResult(ctx, id, disputed))
		if len(view.Verdicts) != 1 {
			t.Errorf("verdicts are %+v", view.Verdicts)
		}
	}
	if row := r.history(t, bob)[0]; !row.Voided || row.Outcome != muster.Loss {
		t.Errorf("the history shows %+v", row)
	}
	// The game server's answer is that of the first time.
	if view := must[muster.ResultView](t)(r.ReportResult(ctx, id, beats(ann, bob))); !view.Repeated {
		t.Errorf("the repeat says %+v", view)
	}
	r.clock.advance(time.Minute)
	must[muster.AdminResultView](t)(r.RestoreResult(ctx, id, muster.ResultVerdict{Reason: "appeal"}))
	if row := r.history(t, bob)[0]; row.Voided {
		t.Errorf("the history still shows %+v", row)
	}
	view := must[muster.AdminResultView](t)(r.Result(ctx, id))
	if len(view.Verdicts) != 2 || view.Verdicts[1].Void || view.Verdicts[1].Reason != "appeal" || len(view.Teams) != 2 {
		t.Errorf("the result is %+v", view)
	}
	for i := range 18 {
		judge := r.VoidResult
		if i%2 == 1 {
			judge = r.RestoreResult
		}
		must[muster.AdminResultView](t)(judge(ctx, id, disputed))
	}
	_, err := r.VoidResult(ctx, id, disputed)
	wantError(t, err, muster.Conflict, "verdict.too_many")
	_, err = r.VoidResult(ctx, id, muster.ResultVerdict{})
	wantError(t, err, muster.Invalid, "verdict.reason")
	for _, unknown := range []muster.SessionID{"", "arn:none", "\xff"} {
		_, err = r.VoidResult(ctx, unknown, disputed)
		wantError(t, err, muster.NotFound, "result.unknown")
		_, err = r.Result(ctx, unknown)
		wantError(t, err, muster.NotFound, "result.unknown")
	}
}

// TestARecountLosesNoResultThatComesMeanwhile: reports, verdicts and recounts on several
// replicas at once, with clocks that differ.
func TestARecountLosesNoResultThatComesMeanwhile(t *testing.T) {
	ctx := context.Background()
	var rules muster.Competition
	m := newMatchday(league(rules), 12, 9)
	m.play(t, 60)
	var replicas []*muster.Backend
	for _, skew := range []time.Duration{0, -20 * time.Second, 15 * time.Second} {
		replicas = append(replicas, m.replica(rules, m.store, func() time.Time { return m.clock.now().Add(skew) }))
	}
	type match struct {
		id     muster.SessionID
		report muster.ResultReport
	}
	var coming []match
	for range 120 {
		order := m.rng.Perm(len(m.players))
		a, b := m.players[order[0]], m.players[order[1]]
		n := sessions.Add(1)
		id := muster.SessionID(fmt.Sprint("arn:coming/", n))
		ev := muster.Event{Type: muster.MatchmakingSucceeded, At: m.clock.now(), Configuration: "duel-config", Session: id, Tickets: []muster.EventTicket{
			{ID: "none", Players: []muster.EventPlayer{{ID: a, Team: "red"}, {ID: b, Team: "blue"}}},
		}}
		if err := m.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
		coming = append(coming, match{id, beats(a, b)})
	}
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for j := i; j < len(coming); j += 3 {
				must[muster.ResultView](t)(replicas[i].ReportResult(ctx, coming[j].id, coming[j].report))
				m.clock.advance(time.Second)
			}
		})
	}
	wg.Go(func() {
		for i := range 20 {
			judge := replicas[i%3].VoidResult
			if i%4 == 3 {
				judge = replicas[i%3].RestoreResult
			}
			must[muster.AdminResultView](t)(judge(ctx, m.played[i*3%17*3], disputed))
		}
	})
	for i := range 2 {
		wg.Go(func() {
			for range 10 {
				if err := replicas[i].Recount(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	m.recount(t)
	report := m.wantReplayed(t)
	if report.Results != 180 {
		t.Errorf("the replay took %d results, want 180", report.Results)
	}
	voided, games := 0, 0
	for _, id := range m.played {
		if must[muster.AdminResultView](t)(m.Result(ctx, id)).Voided {
			voided++
		}
	}
	for _, s := range m.standings(t) {
		games += s.Games
	}
	if want := 2 * (180 - voided); games != want || voided == 0 {
		t.Errorf("players have %d games together, want %d with %d voided", games, want, voided)
	}
}

// TestARecountThatDiesIsFinishedByTheNext crashes at every Write of a verdict and its
// recount.
func TestARecountThatDiesIsFinishedByTheNext(t *testing.T) {
	ctx := context.Background()
	without := newMatchday(league(muster.Competition{}), 4, 2)
	without.play(t, 20, 5)
	want := without.standings(t)
	for k := 0; ; k++ {
		m := newMatchday(league(muster.Competition{}), 4, 2)
		m.play(t, 20)
		store := &brittle{Store: m.store, left: k, after: k%2 == 0}
		doomed := m.replica(muster.Competition{}, store, m.clock.now)
		if _, err := doomed.VoidResult(ctx, m.played[5], disputed); err == nil {
			_ = doomed.Recount(ctx) // it may die
		}
		m.clock.advance(2 * time.Minute)
		must[muster.AdminResultView](t)(m.VoidResult(ctx, m.played[5], disputed))
		if err := m.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		m.recount(t)
		wantSame(t, m.standings(t), want)
		m.wantReplayed(t)
		for _, row := range m.history(t, m.players[0]) {
			if row.Voided != (row.SessionID == m.played[5]) {
				t.Errorf("a row says %+v", row)
			}
		}
		if t.Failed() {
			t.Fatalf("after dying at write %d", k)
		}
		if !store.died() {
			return
		}
	}
}

func TestAReplayFindsAndRepairsWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	m := newMatchday(league(muster.Competition{}), 6, 4)
	m.play(t, 40)
	want := m.standings(t)
	spoil := func(p muster.PlayerID, body string) {
		key := muster.Key{Partition: "P#" + string(p), Sort: "RATING#duel"}
		op := muster.Op{Kind: muster.Put, Key: key, Value: []byte(body), Version: muster.AnyVersion}
		if body == "" {
			op.Kind = muster.Delete
		}
		if err := m.store.Write(ctx, op); err != nil {
			t.Fatal(err)
		}
	}
	spoil(m.players[0], `{"Mu":99,"Sigma":1,"games":1,"lastAt":"2026-03-01T12:00:01Z"}`) // behind
	spoil(m.players[1], `{"Mu":99,"Sigma":1,"games":1,"lastAt":"2027-03-01T12:00:01Z"}`) // ahead of all results
	spoil(m.players[2], "")
	var found []muster.ReplayDifference
	replay := func(write bool) muster.ReplayReport {
		found = nil
		return must[muster.ReplayReport](t)(m.Replay(ctx, "duel", muster.ReplayOptions{
			Write: write, Different: func(d muster.ReplayDifference) { found = append(found, d) },
		}))
	}
	for _, write := range []bool{false, true} {
		report := replay(write)
		if report.Results != 40 || report.Compared != 6 || report.Agree != 3 || report.Different != 3 || len(found) != 3 {
			t.Errorf("with write %t the replay says %+v and tells of %d", write, report, len(found))
		}
		for _, d := range found {
			if d.Repaired != write || (d.Stored == nil) != (d.Player == m.players[2]) || d.Replayed.Mu != want[d.Player].Mu {
				t.Errorf("with write %t a difference is %+v", write, d)
			}
		}
	}
	wantSame(t, m.standings(t), want)
	m.wantReplayed(t)
	_, err := m.Replay(ctx, "chess", muster.ReplayOptions{})
	wantError(t, err, muster.NotFound, "mode.unknown")
	other := muster.SeasonName("other")
	_, err = m.Replay(ctx, "duel", muster.ReplayOptions{Season: &other})
	wantError(t, err, muster.NotFound, "season.unknown")
}

func TestAReplayRatesOldResultsByANewSystem(t *testing.T) {
	ctx := context.Background()
	m := newMatchday(league(muster.Competition{}), 6, 4)
	m.play(t, 30)
	plain := newMatchday(newRig(false), 6, 4)
	plain.play(t, 30)
	m.Backend = newRigWith(false, func(o *muster.Options) { o.Store, o.Now = m.store, m.clock.now }).Backend
	must[muster.ReplayReport](t)(m.Replay(ctx, "duel", muster.ReplayOptions{Write: true}))
	wantSame(t, m.standings(t), plain.standings(t))
	m.wantReplayed(t)
}

func TestAMissingResultIsAGapAndNotTheEnd(t *testing.T) {
	ctx := context.Background()
	m := newMatchday(league(muster.Competition{}), 3, 4)
	m.play(t, 10)
	key := muster.Key{Partition: "GS#" + string(m.played[4]), Sort: "RESULT"}
	if err := m.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: key, Version: muster.AnyVersion}); err != nil {
		t.Fatal(err)
	}
	report := must[muster.ReplayReport](t)(m.Replay(ctx, "duel", muster.ReplayOptions{}))
	if report.Results != 9 || report.Gaps == 0 || report.Different != 0 {
		t.Errorf("the replay says %+v", report)
	}
}

func TestOldResultsMayHaveExpired(t *testing.T) {
	m := newMatchday(league(muster.Competition{}), 4, 4)
	m.play(t, 20)
	m.clock.advance(300 * 24 * time.Hour)
	m.play(t, 20)
	m.clock.advance(200 * 24 * time.Hour) // the first 20 are gone
	m.play(t, 5)
	if report := m.wantReplayed(t); report.Results != 25 {
		t.Errorf("the replay took %d results, want 25", report.Results)
	}
}

func TestAReplayEndsWithItsProgress(t *testing.T) {
	m := newMatchday(league(muster.Competition{}), 4, 4)
	for range 500 {
		order := m.rng.Perm(4)
		m.duelled(t, m.players[order[0]], m.players[order[1]])
		m.clock.advance(time.Second)
	}
	stop := errors.New("stop")
	_, err := m.Replay(context.Background(), "duel", muster.ReplayOptions{Progress: func(muster.ReplayReport) error { return stop }})
	if !errors.Is(err, stop) {
		t.Errorf("the replay ended with %v", err)
	}
	if report := m.wantReplayed(t); report.Results != 500 {
		t.Errorf("the replay took %+v", report)
	}
}

func TestResultsOfAReplicaWhoseClockWasAheadAreTakenIn(t *testing.T) {
	ctx := context.Background()
	for name, ahead := range map[string]time.Duration{"by days": 60 * time.Hour, "by months": 100 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			rules := muster.Competition{CarryOver: 0.5, Seasons: []muster.Season{{Name: "two", StartsAt: newClock().at.Add(48 * time.Hour)}}}
			r := league(rules)
			ann, bob, cat := r.guest("ann"), r.guest("bob"), r.guest("cat")
			first := r.duelled(t, ann, bob)
			wild := r.replica(rules, r.store, func() time.Time { return r.clock.now().Add(ahead) })
			id := r.seated(t, map[muster.PlayerID]string{ann: "red", bob: "blue"})
			must[muster.ResultView](t)(wild.ReportResult(ctx, id, beats(ann, bob)))
			r.clock.advance(time.Minute)
			r.duelled(t, ann, cat)
			if report := r.wantReplayed(t); report.Results != 3 {
				t.Errorf("the replay says %+v", report)
			}
			must[muster.AdminResultView](t)(r.VoidResult(ctx, first, muster.ResultVerdict{Reason: "x"}))
			if err := r.Recount(ctx); err != nil {
				t.Fatal(err)
			}
			for p, games := range map[muster.PlayerID]int{ann: 2, bob: 1, cat: 1} {
				if s := r.rating(t, p); s.Games != games || s.Season != "two" {
					t.Errorf("%s stands at %+v, want %d games", p, s, games)
				}
			}
			if report := r.wantReplayed(t); report.Results != 3 {
				t.Errorf("the replay says %+v", report)
			}
		})
	}
}

func TestARatingOfResultsTooFarAheadIsNotOverwritten(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	wild := r.replica(muster.Competition{}, r.store, func() time.Time { return r.clock.now().Add(3 * 365 * 24 * time.Hour) })
	id := r.seated(t, map[muster.PlayerID]string{ann: "red", bob: "blue"})
	must[muster.ResultView](t)(wild.ReportResult(ctx, id, beats(ann, bob)))
	report := must[muster.ReplayReport](t)(r.Replay(ctx, "duel", muster.ReplayOptions{Write: true}))
	if report.Different != 2 || report.Repaired != 0 {
		t.Errorf("the replay says %+v", report)
	}
	if s := r.rating(t, ann); s.Games != 2 {
		t.Errorf("ann stands at %+v", s)
	}
}
