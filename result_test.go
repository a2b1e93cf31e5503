package muster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

func TestSixtyFourReportsAtOnceCountOnce(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.seated(t, map[muster.PlayerID]string{ann: "red", bob: "blue"})
	var wg sync.WaitGroup
	var won, fresh, refused atomic.Int64
	for i := range 64 {
		wg.Go(func() {
			report := beats(ann, bob)
			if i%2 == 1 {
				report = muster.ResultReport{Teams: []muster.ResultTeam{side("red", 2, ann), side("blue", 1, bob)}}
			}
			view, err := r.ReportResult(ctx, id, report)
			switch {
			case err == nil:
				won.Add(1)
				if !view.Repeated {
					fresh.Add(1)
				}
			case muster.KindOf(err) == muster.Conflict:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 32 || refused.Load() != 32 || fresh.Load() != 1 {
		t.Errorf("%d reports stood, %d of them as new, and %d were refused; want 32, 1 and 32", won.Load(), fresh.Load(), refused.Load())
	}
	if a, b := r.rating(t, ann), r.rating(t, bob); a.Games != 1 || b.Games != 1 || a.Wins+b.Wins != 1 {
		t.Errorf("the ratings are %+v and %+v after one match", a, b)
	}
	r.wantReplayed(t)
	r.wantSettled(t, ann, 1)
	r.wantSettled(t, bob, 1)
}

func TestResultsOfOnePlayerAtOnceAreInOneOrder(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	hero := r.guest("hero")
	// One who plays many at once cannot be, but reports of several sessions can come
	// together when servers were cut off.
	reports := map[muster.SessionID]muster.ResultReport{}
	for i := range 12 {
		other := r.guest(fmt.Sprint("other", i))
		id := r.seated(t, map[muster.PlayerID]string{other: "blue"})
		ev := muster.Event{
			Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", Session: id,
			Tickets: []muster.EventTicket{{ID: "elsewhere", Players: []muster.EventPlayer{{ID: hero, Team: "red"}}}},
		}
		if err := r.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
		reports[id] = beats(hero, other)
	}
	var wg sync.WaitGroup
	for id, report := range reports {
		wg.Go(func() { must[muster.ResultView](t)(r.ReportResult(ctx, id, report)) })
	}
	wg.Wait()
	if s := r.rating(t, hero); s.Games != 12 || s.Wins != 12 {
		t.Errorf("the standing is %+v after 12 wins at once", s)
	}
	if got := r.wantReplayed(t); got.Results != 12 || got.Compared != 13 {
		t.Errorf("the replay took %+v", got)
	}
	r.wantSettled(t, hero, 12) // in order: no two have the same instant
}

func TestAProcessThatDiesAtAnyWriteLosesNothing(t *testing.T) {
	ctx := context.Background()
	for _, after := range []bool{false, true} {
		for size, sides := range map[string][2]int{"a duel": {1, 1}, "a match of 100": {50, 50}} {
			t.Run(fmt.Sprintf("%s, the last write done %t", size, after), func(t *testing.T) {
				for k := 0; ; k++ {
					r := league(muster.Competition{})
					red, blue := r.guests(sides[0] + sides[1])[:sides[0]], r.guests(sides[0] + sides[1])[sides[0]:]
					teams := map[muster.PlayerID]string{}
					for _, p := range red {
						teams[p] = "red"
					}
					for _, p := range blue {
						teams[p] = "blue"
					}
					r.duelled(t, red[0], blue[0]) // so that not all begin alike
					id := r.seated(t, teams)
					report := muster.ResultReport{Teams: []muster.ResultTeam{side("red", 1, red...), side("blue", 2, blue...)}}
					store := &brittle{Store: r.store, left: k, after: after}
					_, reportErr := r.replica(muster.Competition{}, store, r.clock.now).ReportResult(ctx, id, report)
					r.clock.advance(time.Minute)
					if err := r.Reconcile(ctx); err != nil {
						t.Fatal(err)
					}
					// The server repeats what was not acknowledged.
					if view := must[muster.ResultView](t)(r.ReportResult(ctx, id, report)); reportErr == nil && !view.Repeated {
						t.Fatalf("an acknowledged result was lost at write %d", k)
					}
					for p := range teams {
						games := 1
						if p == red[0] || p == blue[0] {
							games = 2
						}
						r.wantSettled(t, p, games)
						if s := r.rating(t, p); s.Games != games {
							t.Fatalf("after dying at write %d player %s has %d games", k, p, s.Games)
						}
					}
					r.wantReplayed(t)
					if t.Failed() {
						t.Fatalf("after dying at write %d", k)
					}
					if !store.died() {
						if k < 5 {
							t.Errorf("only %d writes were tried", k)
						}
						return
					}
					if k > 12 && sides[0] > 1 {
						k += 49 // the many rows of a large match are alike
					}
				}
			})
		}
	}
}

func TestLargeResultsOfTheSamePlayersAtOnce(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	players := r.guests(150)
	reports := map[muster.SessionID]muster.ResultReport{}
	// Three matches of 110 that share 70 players two by two or more, and a duel of two.
	for i := range 3 {
		ev := muster.Event{Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", Session: muster.SessionID(fmt.Sprint("arn:large/", i))}
		var red, blue []muster.PlayerID
		for j := range 110 {
			p := players[(i*40+j)%150]
			team := "red"
			if j%2 == 1 {
				team = "blue"
				blue = append(blue, p)
			} else {
				red = append(red, p)
			}
			ev.Tickets = append(ev.Tickets, muster.EventTicket{ID: muster.TicketID(fmt.Sprint("none", j)), Players: []muster.EventPlayer{{ID: p, Team: team}}})
		}
		if err := r.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
		reports[ev.Session] = muster.ResultReport{Teams: []muster.ResultTeam{side("red", 1+i%2, red...), side("blue", 2-i%2, blue...)}}
	}
	reports[r.seated(t, map[muster.PlayerID]string{players[0]: "red", players[70]: "blue"})] = beats(players[0], players[70])
	var wg sync.WaitGroup
	for id, report := range reports {
		for range 3 {
			wg.Go(func() {
				for {
					_, err := r.ReportResult(ctx, id, report)
					if muster.KindOf(err) != muster.Unavailable || err == nil {
						must[muster.ResultView](t)(muster.ResultView{}, err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	if report := r.wantReplayed(t); report.Results != 4 || report.Compared != 150 {
		t.Errorf("the replay took %+v", report)
	}
}

func TestAClockThatGoesBackDoesNotReorderResults(t *testing.T) {
	ctx := context.Background()
	rules := muster.Competition{Seasons: []muster.Season{{Name: "one", StartsAt: newClock().at.Add(30 * time.Minute)}}, CarryOver: 0.5}
	r := league(rules)
	ann, bob := r.guest("ann"), r.guest("bob")
	rng := rand.New(rand.NewPCG(7, 7))
	replicas := make([]*muster.Backend, 3)
	for i, skew := range []time.Duration{-40 * time.Second, 0, 2 * time.Minute} {
		replicas[i] = r.replica(rules, r.store, func() time.Time { return r.clock.now().Add(skew) })
	}
	for range 60 {
		winner, loser := ann, bob
		if rng.IntN(2) == 0 {
			winner, loser = bob, ann
		}
		id := r.seated(t, map[muster.PlayerID]string{winner: "red", loser: "blue"})
		must[muster.ResultView](t)(replicas[rng.IntN(3)].ReportResult(ctx, id, beats(winner, loser)))
		r.clock.advance(time.Duration(rng.IntN(90)) * time.Second)
	}
	r.wantSettled(t, ann, 60)
	season := muster.SeasonName("")
	rows := r.history(t, ann)
	for i := len(rows) - 1; i >= 0; i-- {
		if season == "one" && rows[i].Season != season {
			t.Errorf("match %d is of season %q after one of season %q", i, rows[i].Season, season)
		}
		season = rows[i].Season
	}
	if season != "one" {
		t.Error("the season never began")
	}
	r.wantReplayed(t)
}

func TestWhatResultsDoToEachPlayer(t *testing.T) {
	half, none := 0.5, 0.0
	player := func(p muster.PlayerID) muster.ResultPlayer { return muster.ResultPlayer{PlayerID: p} }
	left := func(p muster.PlayerID) muster.ResultPlayer { return muster.ResultPlayer{PlayerID: p, Left: true} }
	played := func(p muster.PlayerID, f *float64) muster.ResultPlayer {
		return muster.ResultPlayer{PlayerID: p, PlayedFraction: f}
	}
	team := func(name string, rank int, players ...muster.ResultPlayer) muster.ResultTeam {
		return muster.ResultTeam{Name: name, Rank: rank, Players: players}
	}
	place := func(p muster.PlayerID, rank int) muster.ResultPlace {
		return muster.ResultPlace{ResultPlayer: player(p), Rank: rank}
	}
	for _, c := range []struct {
		name   string
		rules  muster.Competition
		roster string // a team for each of ann, bob, cat and dan: r, b, - none, . not there
		report muster.ResultReport
		want   string // an outcome for each, W L D or N, and what they gain
	}{
		{"the best team wins", muster.Competition{}, "rrbb", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 2, player("ann"), player("bob")), team("blue", 1, player("cat"), player("dan"))}}, "L-1 L-1 W+1 W+1"},
		{"equal ranks are a draw", muster.Competition{}, "rb..", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann")), team("blue", 1, player("bob"))}}, "D+1 D+1"},
		{"a free for all by rank alone", muster.Competition{}, "rrrr", muster.ResultReport{Players: []muster.ResultPlace{place("ann", 3), place("bob", 1), place("cat", 2), place("dan", 3)}}, "L-1 W+1 L-1 L-1"},
		{"two who are first together draw, the others lose", muster.Competition{}, "rrrr", muster.ResultReport{Players: []muster.ResultPlace{place("ann", 1), place("bob", 1), place("cat", 3), place("dan", 4)}}, "D+1 D+1 L-1 L-1"},
		{"players without a team may be in any", muster.Competition{}, "--b.", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann"), player("bob")), team("blue", 2, player("cat"))}}, "W+1 W+1 L-1"},
		{"a team alone wins, and nothing is rated", muster.Competition{}, "rr..", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann"), player("bob"))}}, "W+0 W+0"},
		{"a team alone loses with rank 2", muster.Competition{}, "rr..", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 2, player("ann"), player("bob"))}}, "L+0 L+0"},
		{"who left shares the fate of the team by default", muster.Competition{}, "rrb.", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann"), left("bob")), team("blue", 2, player("cat"))}}, "W+1 W+1 L-1"},
		{"who left loses where that is the rule", muster.Competition{Leavers: muster.LeaversLose}, "rrb.", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann"), left("bob")), team("blue", 2, player("cat"))}}, "W+1 L-1 L-1"},
		{"who left loses as much however little they played", muster.Competition{Leavers: muster.LeaversLose}, "rrb.", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann"), muster.ResultPlayer{PlayerID: "bob", Left: true, PlayedFraction: &none}), team("blue", 2, played("cat", &half))}}, "W+1 L-1 L-0.5"},
		{"leaving a draw is a loss, too", muster.Competition{Leavers: muster.LeaversLose}, "rb..", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, left("ann")), team("blue", 1, player("bob"))}}, "L-1 D+1"},
		{"who left does not count where that is the rule", muster.Competition{Leavers: muster.LeaversIgnored}, "rrb.", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 2, player("ann"), left("bob")), team("blue", 1, player("cat"))}}, "L-1 N. W+1"},
		{"when all others left and do not count, nothing is rated", muster.Competition{Leavers: muster.LeaversIgnored}, "rb..", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann")), team("blue", 2, left("bob"))}}, "W+0 N."},
		{"who played half counts half", muster.Competition{}, "rrb.", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann"), played("bob", &half)), team("blue", 2, player("cat"))}}, "W+1 W+0.5 L-1"},
		{"who played nothing keeps their skill", muster.Competition{}, "rb..", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, played("ann", &none)), team("blue", 2, player("bob"))}}, "W+0 L-1"},
		{"who is not reported is absent where that is the rule", muster.Competition{Absent: muster.AbsentUnrated}, "rrb.", muster.ResultReport{Teams: []muster.ResultTeam{team("red", 1, player("ann")), team("blue", 2, player("cat"))}}, "W+1 N. L-1"},
		{"a free for all may have absent players, too", muster.Competition{Absent: muster.AbsentUnrated}, "rrr.", muster.ResultReport{Players: []muster.ResultPlace{place("ann", 2), place("cat", 1)}}, "L-1 N. W+1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRigWith(false, func(o *muster.Options) { o.Modes[0].Competition = c.rules })
			names := map[muster.PlayerID]muster.PlayerID{}
			var order []muster.PlayerID
			teams := map[muster.PlayerID]string{}
			for i, name := range []muster.PlayerID{"ann", "bob", "cat", "dan"} {
				if c.roster[i] == '.' {
					continue
				}
				names[name] = r.guest(string(name))
				order = append(order, names[name])
				teams[names[name]] = map[byte]string{'r': "red", 'b': "blue", '-': ""}[c.roster[i]]
			}
			for i := range c.report.Teams {
				for j := range c.report.Teams[i].Players {
					c.report.Teams[i].Players[j].PlayerID = names[c.report.Teams[i].Players[j].PlayerID]
				}
			}
			for i := range c.report.Players {
				c.report.Players[i].PlayerID = names[c.report.Players[i].PlayerID]
			}
			view := must[muster.ResultView](t)(r.ReportResult(context.Background(), r.seated(t, teams), c.report))
			rows := map[muster.PlayerID]muster.PlayerResultRow{}
			for _, row := range view.Players {
				rows[row.PlayerID] = row
			}
			got := ""
			for _, p := range order {
				row, standing := rows[p], r.rating(t, p)
				letter := map[muster.Outcome]string{muster.Win: "W", muster.Loss: "L", muster.Draw: "D", muster.NoContest: "N"}[row.Outcome]
				if row.Unrated {
					got += letter + ". "
					if standing.Games != 0 || standing.Mu != 25 {
						t.Errorf("unrated player %s stands at %+v", p, standing)
					}
				} else {
					got += fmt.Sprintf("%s%+g ", letter, standing.Mu-25)
				}
				if rated := standing.Wins + standing.Losses + standing.Draws; rated != standing.Games || row.Unrated != (rated == 0) {
					t.Errorf("player %s stands at %+v after %+v", p, standing, row)
				}
				r.wantSettled(t, p, 1)
			}
			if got != c.want+" " {
				t.Errorf("the result did %q, want %q", got, c.want)
			}
			r.wantReplayed(t)
		})
	}
}

func TestAReportIsCheckedBeforeItCounts(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	id := r.seated(t, map[muster.PlayerID]string{ann: "red", bob: "blue"})
	more, wild := 1.5, 1e300
	stats := map[string]float64{}
	for i := range 17 {
		stats[fmt.Sprint("s", i)] = 1
	}
	with := func(change func(*muster.ResultPlayer)) muster.ResultReport {
		report := beats(ann, bob)
		change(&report.Teams[0].Players[0])
		return report
	}
	for _, c := range []struct {
		name   string
		report muster.ResultReport
		code   string
	}{
		{"teams and players both", muster.ResultReport{Teams: beats(ann, bob).Teams, Players: []muster.ResultPlace{{ResultPlayer: muster.ResultPlayer{PlayerID: ann}, Rank: 1}}}, "result.teams"},
		{"a team with a long name", muster.ResultReport{Teams: []muster.ResultTeam{side(strings.Repeat("r", 129), 1, ann), side("blue", 2, bob)}}, "result.team_name"},
		{"a team whose name is no text", muster.ResultReport{Teams: []muster.ResultTeam{side("r\xff", 1, ann), side("blue", 2, bob)}}, "result.team_name"},
		{"more teams than anybody has", muster.ResultReport{Teams: append(beats(ann, bob).Teams, make([]muster.ResultTeam, 199)...)}, "result.teams"},
		{"a free for all that leaves somebody out", muster.ResultReport{Players: []muster.ResultPlace{{ResultPlayer: muster.ResultPlayer{PlayerID: ann}, Rank: 1}}}, "result.incomplete"},
		{"a rank beyond the players", muster.ResultReport{Players: []muster.ResultPlace{{ResultPlayer: muster.ResultPlayer{PlayerID: ann}, Rank: 1}, {ResultPlayer: muster.ResultPlayer{PlayerID: bob}, Rank: 3}}}, "result.rank"},
		{"more than the whole match", with(func(p *muster.ResultPlayer) { p.PlayedFraction = &more }), "result.played_fraction"},
		{"too many stats", with(func(p *muster.ResultPlayer) { p.Stats = stats }), "result.stats"},
		{"a stat of a wild name", with(func(p *muster.ResultPlayer) { p.Stats = map[string]float64{"k d": 1} }), "result.stats"},
		{"a stat of a wild size", with(func(p *muster.ResultPlayer) { p.Stats = map[string]float64{"kills": wild} }), "result.stats"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.ReportResult(ctx, id, c.report)
			wantError(t, err, muster.Invalid, c.code)
		})
	}
	if s := r.rating(t, ann); s.Games != 0 {
		t.Errorf("a refused result counted: %+v", s)
	}
}

func TestHistoryShowsWhatTheMatchWas(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{Absent: muster.AbsentUnrated, Leavers: muster.LeaversIgnored})
	players := r.guests(14)
	teams := map[muster.PlayerID]string{}
	for _, p := range players {
		teams[p] = "all"
	}
	report := muster.ResultReport{}
	for i, p := range players[:13] {
		report.Players = append(report.Players, muster.ResultPlace{
			ResultPlayer: muster.ResultPlayer{PlayerID: p, Left: i == 1, Stats: map[string]float64{"kills": float64(i)}}, Rank: i + 1, Score: float64(100 - i),
		})
	}
	must[muster.ResultView](t)(r.ReportResult(ctx, r.seated(t, teams), report))
	last := r.history(t, players[12])[0]
	if len(last.Teams) != 12 || last.Stats["kills"] != 12 || last.Team != "all" || last.Outcome != muster.Loss {
		t.Errorf("the row of the last is %+v", last)
	}
	if mine := last.Teams[11]; mine.Rank != 13 || len(mine.Players) != 1 || mine.Players[0].PlayerID != players[12] {
		t.Errorf("the last does not find themselves on a short scoreboard: %+v", mine)
	}
	for _, p := range []muster.PlayerID{players[1], players[13]} {
		if row := r.history(t, p)[0]; !row.Unrated || row.Outcome != muster.NoContest || row.SkillAfter != nil {
			t.Errorf("who left or never came has the row %+v", row)
		}
	}
	r.clock.advance(time.Minute)
	r.duelled(t, players[0], players[1])
	if row := r.history(t, players[0])[0]; len(row.Teams) != 2 || row.Teams[1].Players[0].PlayerID != players[1] || row.Stats != nil {
		t.Errorf("the row of a small match is %+v", row)
	}
	page := must[muster.MatchHistoryPage](t)(r.ModeMatches(ctx, players[0], "squad", 10, ""))
	if len(page.Matches) != 0 || page.Next != "" {
		t.Errorf("matches of another mode are %+v", page)
	}
	page = must[muster.MatchHistoryPage](t)(r.ModeMatches(ctx, players[0], "duel", 1, ""))
	if len(page.Matches) != 1 || page.Next == "" {
		t.Errorf("the first page of the mode is %+v", page)
	}
	_, err := r.ModeMatches(ctx, players[0], "chess", 1, "")
	wantError(t, err, muster.NotFound, "mode.unknown")
}

func TestOthersSeeMatchesOnlyWhereTheModeSaysSo(t *testing.T) {
	ctx := context.Background()
	r := league(muster.Competition{})
	ann, bob := r.guest("ann"), r.guest("bob")
	r.duelled(t, ann, bob)
	_, err := r.PublicMatches(ctx, ann, 10, "")
	wantError(t, err, muster.NotFound, "history.private")
	open := r.replica(muster.Competition{PublicHistory: true}, r.store, r.clock.now)
	if page := must[muster.MatchHistoryPage](t)(open.PublicMatches(ctx, ann, 10, "")); len(page.Matches) != 1 {
		t.Errorf("the public history is %+v", page)
	}
	_, err = open.PublicMatches(ctx, "nobody", 10, "")
	wantError(t, err, muster.NotFound, "player.not_found")
}

func TestTheResultOfALobbyEndsIt(t *testing.T) {
	r, ctx := lobby(nil), context.Background()
	ann, bob, cyd := r.guest("ann"), r.guest("bob"), r.guest("cyd")
	id := r.open(t, ann, muster.SessionRequest{}).SessionID
	must[muster.SeatView](t)(r.JoinSession(ctx, bob, id, muster.JoinRequest{}))
	must[muster.SeatView](t)(r.JoinSession(ctx, cyd, id, muster.JoinRequest{Role: muster.Spectator}))
	report := muster.ResultReport{Players: []muster.ResultPlace{
		{ResultPlayer: muster.ResultPlayer{PlayerID: bob}, Rank: 1}, {ResultPlayer: muster.ResultPlayer{PlayerID: ann}, Rank: 2},
	}}
	for range 2 {
		must[muster.ResultView](t)(r.ReportResult(ctx, id, report))
	}
	if got := r.listed(t, muster.SessionQuery{}); len(got) != 0 {
		t.Errorf("after its result the session is still listed: %v", got)
	}
	for _, p := range []muster.PlayerID{ann, bob, cyd} {
		_, err := r.Seat(ctx, p)
		wantError(t, err, muster.NotFound, "session.none")
	}
	if rows := r.history(t, bob); len(rows) != 1 || rows[0].Mode != "lobby" || rows[0].Outcome != muster.Win {
		t.Errorf("bob's history is %+v", rows)
	}
	if rows := r.history(t, cyd); len(rows) != 0 {
		t.Errorf("who watched has a match in the history: %+v", rows)
	}
	r.sweep(t, 5*time.Minute)
	r.leavesNothing(t, "DUE#", "OPEN#")
}

// metered counts what Writes would cost in DynamoDB: a unit for each begun kB of a record,
// and twice that in a transaction.
type metered struct {
	muster.Store
	mu    sync.Mutex
	units int
	sizes map[string]int // of the largest record, by the kind of its key
}

func (s *metered) Write(ctx context.Context, ops ...muster.Op) error {
	s.mu.Lock()
	for _, op := range ops {
		size := len(op.Key.Partition) + len(op.Key.Sort) + len(op.Value) + 40 // attribute names, version, expiry
		units := (size + 1023) / 1024
		if len(ops) > 1 {
			units *= 2
		}
		s.units += units
		kind, _, _ := strings.Cut(op.Key.Partition, "#")
		sort, _, _ := strings.Cut(op.Key.Sort, "#")
		if kind != "P" && sort != "RESULT" {
			sort = ""
		}
		s.sizes[kind+"/"+sort] = max(s.sizes[kind+"/"+sort], size)
	}
	s.mu.Unlock()
	return s.Store.Write(ctx, ops...)
}

func TestWhatAResultCosts(t *testing.T) {
	for _, c := range []struct {
		players, most int // write units a player, of which two move their entry on the board
	}{{2, 10}, {10, 8}} {
		r := league(muster.Competition{})
		players := r.guests(c.players)
		teams := map[muster.PlayerID]string{}
		var red, blue []muster.PlayerID
		for range 3 { // the third is of players with a past
			red, blue = players[:c.players/2], players[c.players/2:]
			for i, p := range players {
				teams[p] = []string{"red", "blue"}[i*2/c.players]
			}
			id := r.seated(t, teams)
			store := &metered{Store: r.store, sizes: map[string]int{}}
			must[muster.ResultView](t)(r.replica(muster.Competition{}, store, r.clock.now).ReportResult(context.Background(), id, muster.ResultReport{
				Teams: []muster.ResultTeam{side("red", 1, red...), side("blue", 2, blue...)},
			}))
			r.clock.advance(time.Minute)
			t.Logf("%d players: %d write units, %.1f a player; largest records %v", c.players, store.units, float64(store.units)/float64(c.players), store.sizes)
			if store.units > c.most*c.players {
				t.Errorf("a result of %d players costs %d write units, want at most %d a player", c.players, store.units, c.most)
			}
		}
	}
}

func TestNothingIsKeptOfPlayersWithoutAnAccount(t *testing.T) {
	ctx := context.Background()
	for _, size := range []int{2, 110} {
		r := league(muster.Competition{})
		players := append(r.guests(size-1), "nobody")
		ev := muster.Event{Type: muster.MatchmakingSucceeded, At: r.clock.now(), Configuration: "duel-config", Session: "arn:gone"}
		report := muster.ResultReport{}
		for i, p := range players {
			ev.Tickets = append(ev.Tickets, muster.EventTicket{ID: muster.TicketID(fmt.Sprint("t", i)), Players: []muster.EventPlayer{{ID: p, Team: "red"}}})
			report.Players = append(report.Players, muster.ResultPlace{ResultPlayer: muster.ResultPlayer{PlayerID: p}, Rank: i + 1})
		}
		if err := r.ApplyEvent(ctx, ev); err != nil {
			t.Fatal(err)
		}
		view := must[muster.ResultView](t)(r.ReportResult(ctx, ev.Session, report))
		for _, row := range view.Players {
			if row.Unrated != (row.PlayerID == "nobody") {
				t.Errorf("of %d players %+v", size, row)
			}
		}
		records := must[[]muster.Record](t)(r.store.List(ctx, "P#nobody", muster.ListOptions{}))
		if len(records) != 0 {
			t.Errorf("of nobody %d records are kept", len(records))
		}
		r.wantReplayed(t)
	}
}
