package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

func seasonsAt(starts ...time.Time) []muster.Season {
	var all []muster.Season
	for i, at := range starts {
		all = append(all, muster.Season{Name: muster.SeasonName(fmt.Sprint("s", i+1)), StartsAt: at})
	}
	return all
}

func TestCompetitionsAreChecked(t *testing.T) {
	now := newClock().at
	for _, c := range []struct {
		name  string
		rules muster.Competition
		field string // "": nothing is wrong
	}{
		{"nothing said", muster.Competition{}, ""},
		{"two seasons", muster.Competition{Seasons: seasonsAt(now, now.Add(1)), CarryOver: 1, PlacementGames: 100}, ""},
		{"seasons in another order", muster.Competition{Seasons: seasonsAt(now, now)}, "competition.seasons[1].startsAt"},
		{"a season without a start", muster.Competition{Seasons: seasonsAt(time.Time{})}, "competition.seasons[0].startsAt"},
		{"a season with a wild name", muster.Competition{Seasons: []muster.Season{{Name: "a#b", StartsAt: now}}}, "competition.seasons[0].name"},
		{"a name twice", muster.Competition{Seasons: []muster.Season{{Name: "a", StartsAt: now}, {Name: "a", StartsAt: now.Add(1)}}}, "competition.seasons[1].name"},
		{"more than all carried over", muster.Competition{CarryOver: 1.01}, "competition.carryOver"},
		{"no number carried over", muster.Competition{CarryOver: math.NaN()}, "competition.carryOver"},
		{"decay before the match", muster.Competition{DecayAfter: -time.Hour}, "competition.decay"},
		{"endless placement", muster.Competition{PlacementGames: 101}, "competition.placementGames"},
		{"an unknown rule for leavers", muster.Competition{Leavers: "shame"}, "competition.leavers"},
		{"an unknown rule for the absent", muster.Competition{Absent: "loss"}, "competition.absent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := muster.Mode{Name: "m", Configuration: "c", Teams: []muster.ModeTeam{{Name: "t", MaxPlayers: 1}}, Competition: c.rules}
			var fields []string
			for _, p := range m.Validate() {
				fields = append(fields, "competition."+strings.TrimPrefix(p.Field, "competition."))
			}
			if got := strings.Join(fields, " "); got != c.field {
				t.Errorf("problems are at %q, want %q", got, c.field)
			}
		})
	}
}

func TestASeasonBeginsWithPartOfTheLast(t *testing.T) {
	ctx := context.Background()
	start := newClock().at
	rules := muster.Competition{Seasons: seasonsAt(start.Add(time.Hour), start.Add(2*time.Hour), start.Add(3*time.Hour)), CarryOver: 0.5}
	r := league(rules)
	ann, bob, cat := r.guest("ann"), r.guest("bob"), r.guest("cat")
	for range 5 {
		r.duelled(t, ann, bob)
		r.clock.advance(time.Second)
	}
	if modes := r.Modes(); modes[0].Season != nil {
		t.Errorf("before the first season the mode says %+v", *modes[0].Season)
	}
	before, bobs := r.rating(t, ann), r.rating(t, bob)
	if before.Season != "" || before.Games != 5 {
		t.Fatalf("before the first season ann stands at %+v", before)
	}
	r.clock.advance(time.Hour)
	if modes := r.Modes(); modes[0].Season.Name != "s1" || !modes[0].Season.EndsAt.Equal(start.Add(2*time.Hour)) {
		t.Errorf("in the first season the mode says %+v", *modes[0].Season)
	}
	first := r.rating(t, ann) // nobody has played yet
	if want := 25 + (before.Mu-25)/2; first.Mu != want || first.Sigma != 8+(before.Sigma-8)/2 || first.Games != 0 || first.Season != "s1" {
		t.Errorf("ann begins the season at %+v, want mu %v", first, want)
	}
	ticket := r.start(t, ann, duel())
	if got := *r.lift.tickets[ticket.ID].players[0].Attributes["skill"].N; got != math.Trunc(first.Mu*60) {
		t.Errorf("matchmaking is told %v, want the points of %v", got, first.Mu)
	}
	must[muster.TicketView](t)(r.CancelTicket(ctx, ann, ticket.ID))
	r.duelled(t, cat, ann)
	if s := r.rating(t, ann); s.Games != 1 || s.Losses != 1 || s.Mu >= first.Mu {
		t.Errorf("after the first match of the season ann stands at %+v", s)
	}
	r.clock.advance(2 * time.Hour) // bob skipped two seasons
	view := r.rating(t, bob)
	if want := 25 + (bobs.Mu-25)/8; math.Abs(view.Mu-want) > 1e-9 {
		t.Errorf("after three seasons' starts bob stands at %v, want %v", view.Mu, want)
	}
	was := must[muster.ReplayReport](t)(r.Replay(ctx, "duel", muster.ReplayOptions{}))
	if view.Season != "s3" || was.Different != 0 {
		t.Errorf("bob stands at %+v, the replay says %+v", view, was)
	}
	r.duelled(t, bob, ann)
	if report := r.wantReplayed(t); report.Compared != 6 { // ann has played in three seasons, bob in two, cat in one
		t.Errorf("the replay compared %d ratings", report.Compared)
	}
	for _, season := range []muster.SeasonName{"", "s1", "s2", "s3"} {
		report := must[muster.ReplayReport](t)(r.Replay(ctx, "duel", muster.ReplayOptions{Season: &season}))
		if report.Different != 0 || report.Compared != map[muster.SeasonName]int{"": 2, "s1": 2, "s2": 0, "s3": 2}[season] {
			t.Errorf("of season %q the replay says %+v", season, report)
		}
	}
}

func TestASeasonBeginsUnderLoad(t *testing.T) {
	ctx := context.Background()
	start := newClock().at
	rules := muster.Competition{Seasons: seasonsAt(start.Add(time.Minute), start.Add(2*time.Minute)), CarryOver: 0.7}
	r := league(rules)
	players := r.guests(16)
	var replicas []*muster.Backend
	for _, skew := range []time.Duration{-5 * time.Second, 0, 5 * time.Second} {
		replicas = append(replicas, r.replica(rules, r.store, func() time.Time { return r.clock.now().Add(skew) }))
	}
	for round := range 30 { // six seconds each, over both boundaries
		var wg sync.WaitGroup
		for i := range 8 {
			a, b := players[i], players[8+(i+round)%8]
			id := muster.SessionID(fmt.Sprint("arn:load/", sessions.Add(1)))
			ev := muster.Event{Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", Session: id, Tickets: []muster.EventTicket{
				{ID: "none", Players: []muster.EventPlayer{{ID: a, Team: "red"}, {ID: b, Team: "blue"}}},
			}}
			if err := r.ApplyEvent(ctx, ev); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { must[muster.ResultView](t)(replicas[i%3].ReportResult(ctx, id, beats(a, b))) })
		}
		wg.Wait()
		r.clock.advance(6 * time.Second)
	}
	report := r.wantReplayed(t)
	if report.Results != 240 || report.Compared != 16*3 {
		t.Errorf("the replay took %+v, want 240 results and 3 ratings of each of 16", report)
	}
	for _, p := range players {
		last := muster.SeasonName("s2")
		for _, row := range r.history(t, p) {
			if row.Season > last {
				t.Errorf("player %s went back from season %q to %q", p, row.Season, last)
			}
			last = row.Season
		}
		if s := r.rating(t, p); s.Season != "s2" {
			t.Errorf("player %s stands in %q", p, s.Season)
		}
	}
}

func TestAVerdictAboutAPastSeasonReachesThePresent(t *testing.T) {
	ctx := context.Background()
	start := newClock().at
	rules := muster.Competition{Seasons: seasonsAt(start.Add(2*time.Hour), start.Add(4*time.Hour)), CarryOver: 0.5}
	m := newMatchday(league(rules), 5, 12)
	m.play(t, 60)
	without := newMatchday(league(rules), 5, 12)
	without.play(t, 60, 3)
	if first, last := m.history(t, m.players[0]), m.rating(t, m.players[0]); first[len(first)-1].Season != "" || last.Season != "s2" {
		t.Fatalf("the matches lie between %q and %q", first[len(first)-1].Season, last.Season)
	}
	must[muster.AdminResultView](t)(m.VoidResult(ctx, m.played[3], disputed))
	m.recount(t)
	wantSame(t, m.standings(t), without.standings(t))
	if report := m.wantReplayed(t); report.Compared <= 5 {
		t.Errorf("the replay compared %d ratings, none of a past season", report.Compared)
	}
}

func TestIdlePlayersAreLessCertain(t *testing.T) {
	after := 14 * 24 * time.Hour
	rules := muster.Competition{DecayAfter: after}
	r := forgetfulLeague(rules)
	ann, bob, cat := r.guest("ann"), r.guest("bob"), r.guest("cat")
	r.duelled(t, ann, bob)
	played := r.rating(t, ann)
	r.clock.advance(after)
	if s := r.rating(t, ann); s != played {
		t.Errorf("within two weeks ann stands at %+v, want %+v", s, played)
	}
	r.clock.advance(48 * time.Hour)
	want := math.Sqrt(played.Sigma*played.Sigma + 2)
	if s := r.rating(t, ann); s.Sigma != want || s.Mu != played.Mu {
		t.Errorf("two days later ann stands at %+v, want sigma %v", s, want)
	}
	if s := r.rating(t, cat); s.Sigma != 8 {
		t.Errorf("who never played stands at %+v", s)
	}
	r.duelled(t, ann, bob)
	if s := r.rating(t, ann); s.Sigma != want*0.97 {
		t.Errorf("after the next match ann stands at %+v", s)
	}
	r.wantReplayed(t)
}

func TestAVoidedMatchStillCountsAsActivity(t *testing.T) {
	after := 24 * time.Hour
	r := forgetfulLeague(muster.Competition{DecayAfter: after})
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	r.clock.advance(20 * time.Hour)
	id := r.duelled(t, bob, ann)
	must[muster.AdminResultView](t)(r.VoidResult(context.Background(), id, disputed))
	r.recount(t)
	was := r.rating(t, ann)
	r.clock.advance(20 * time.Hour)
	if s := r.rating(t, ann); s != was || s.Games != 1 {
		t.Errorf("ann stands at %+v, want %+v", s, was)
	}
	r.wantReplayed(t)
}

func TestARatingIsHiddenUntilThePlacementGamesArePlayed(t *testing.T) {
	r := league(muster.Competition{PlacementGames: 2})
	ann, bob := r.guest("ann"), r.guest("bob")
	for played := range 3 {
		s := r.rating(t, ann)
		if played < 2 {
			if s.Placement == nil || s.Placement.Played != played || s.Placement.Needed != 2 || s.Skill != 0 || s.Mu != 0 || s.Sigma != 0 {
				t.Errorf("after %d matches ann sees %+v", played, s)
			}
		} else if s.Placement != nil || s.Skill <= 1500 {
			t.Errorf("after %d matches ann sees %+v", played, s)
		}
		text := string(must[[]byte](t)(json.Marshal(s)))
		for _, name := range []string{`"skill":`, `"mu":`, `"sigma":`} {
			if strings.Contains(text, name) != (played >= 2) {
				t.Errorf("after %d matches ann is sent %s", played, text)
			}
		}
		ticket := r.start(t, ann, duel())
		if sent := *r.lift.tickets[ticket.ID].players[0].Attributes["skill"].N; played > 0 && sent <= 1500 {
			t.Errorf("matchmaking is told %v after %d wins", sent, played)
		}
		must[muster.TicketView](t)(r.CancelTicket(context.Background(), ann, ticket.ID))
		r.duelled(t, ann, bob)
		row := r.history(t, ann)[0]
		if row.Hidden != (played < 2) || (row.SkillBefore != nil) != (played >= 2) || (row.SkillAfter != nil) != (played >= 1) {
			t.Errorf("match %d shows %+v", played+1, row)
		}
		if text := string(must[[]byte](t)(json.Marshal(row))); strings.Contains(text, "skillBefore") != (played >= 2) || strings.Contains(text, "skillAfter") != (played >= 1) {
			t.Errorf("match %d is written as %s", played+1, text)
		}
		r.clock.advance(time.Second)
	}
}

func TestHistoryRowsOfEarlierVersionsShowNoZeroForAHiddenSkill(t *testing.T) {
	r := league(muster.Competition{PlacementGames: 2})
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	rows := must[[]muster.Record](t)(r.store.List(t.Context(), muster.PlayerPartition(ann), muster.ListOptions{Prefix: "MR#"}))
	if len(rows) != 1 {
		t.Fatalf("ann has %d rows of history", len(rows))
	}
	old := strings.Replace(string(rows[0].Value), `"hidden":true`, `"skillBefore":0,"skillAfter":0,"hidden":true`, 1)
	rewrite := muster.Op{Kind: muster.Put, Key: rows[0].Key, Value: []byte(old), Version: muster.AnyVersion}
	if err := r.store.Write(t.Context(), rewrite); err != nil {
		t.Fatal(err)
	}
	if row := r.history(t, ann)[0]; !row.Hidden || row.SkillBefore != nil || row.SkillAfter != nil {
		t.Errorf("the row shows %+v", row)
	}
}
