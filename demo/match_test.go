package demo

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/demo/game"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

var testRules = matchRules{Round: 2 * time.Second, Countdown: time.Second, JoinWait: 8 * time.Second, Grace: 15 * time.Second}

func twoTeams() []teamPlan {
	return []teamPlan{{Name: "red", Players: []string{"a", "b"}}, {Name: "blue", Players: []string{"c", "d"}}}
}

func newTestMatch(t testing.TB, plan []teamPlan) *match {
	t.Helper()
	m, err := newMatch(noon, "s", plan, testRules, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// come seats a player as the server does.
func come(t testing.TB, m *match, player string) int {
	t.Helper()
	i, _, err := m.claim(player, "psess-"+player)
	if err != nil {
		t.Fatal(err)
	}
	m.join(i, "psess-"+player, player)
	return i
}

func TestAMatchBeginsWhenEverybodyIsThere(t *testing.T) {
	m := newTestMatch(t, twoTeams())
	for _, player := range []string{"a", "b", "c"} {
		come(t, m, player)
	}
	if f := m.step(noon).frame; f.Phase != game.Warmup {
		t.Fatalf("began without d: phase %d", f.Phase)
	}
	come(t, m, "d")
	if f := m.step(noon).frame; f.Phase != game.Countdown {
		t.Fatalf("did not begin with everybody: phase %d", f.Phase)
	}
}

func TestAMatchBeginsWithoutThoseWhoDoNotCome(t *testing.T) {
	m := newTestMatch(t, twoTeams())
	come(t, m, "a")
	come(t, m, "c")
	m.step(noon.Add(testRules.JoinWait - time.Millisecond))
	if m.world.Phase() != game.Warmup {
		t.Fatal("began before the wait was over")
	}
	m.step(noon.Add(testRules.JoinWait))
	if m.world.Phase() != game.Countdown {
		t.Fatal("did not begin when the wait was over")
	}
	var gone *refusal
	if _, _, err := m.claim("b", "psess-b"); !errors.As(err, &gone) || gone.Code != "seat.given_up" {
		t.Fatalf("a player who came too late: %v", err)
	}
	if got := m.result().Teams[0].Players; !reflect.DeepEqual(got, []ResultPlayer{{PlayerID: "a"}, {PlayerID: "b", Left: true}}) {
		t.Fatalf("red's players %+v", got)
	}
}

func TestALostPlayerKeepsTheSeatForTheGrace(t *testing.T) {
	m := newTestMatch(t, twoTeams())
	for _, player := range []string{"a", "b", "c", "d"} {
		come(t, m, player)
	}
	m.disconnect(noon, 0)
	if got := m.step(noon.Add(testRules.Grace - time.Millisecond)); len(got.remove) != 0 || m.seats[0].state != away {
		t.Fatalf("lost the seat too early: %+v", got)
	}
	if i := come(t, m, "a"); i != 0 || m.seats[0].state != here {
		t.Fatal("could not come back")
	}
	m.disconnect(noon, 0)
	got := m.step(noon.Add(testRules.Grace))
	if !reflect.DeepEqual(got.remove, []string{"psess-a"}) || m.seats[0].state != left || !got.roster {
		t.Fatalf("kept the seat for ever: %+v", got)
	}
}

func TestEndings(t *testing.T) {
	leave := func(players ...string) func(*match) {
		return func(m *match) {
			for _, p := range players {
				m.leave(m.seatOf(p))
			}
		}
	}
	cases := map[string]struct {
		do     func(*match)
		reason string
		ranks  [2]int
	}{
		"one team leaves":                     {leave("a", "b"), "forfeit", [2]int{2, 1}},
		"the other team leaves":               {leave("c", "d"), "forfeit", [2]int{1, 2}},
		"everybody leaves":                    {leave("a", "b", "c", "d"), "nobody", [2]int{1, 1}},
		"one of each team leaves and time is": {leave("a", "c"), "time", [2]int{1, 1}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			m := newTestMatch(t, twoTeams())
			for _, player := range []string{"a", "b", "c", "d"} {
				come(t, m, player)
			}
			m.step(noon)
			tc.do(m)
			var over *outcome
			for range 200 {
				if got := m.step(noon); got.over != nil {
					if over != nil {
						t.Fatal("ended twice")
					}
					over = got.over
				}
			}
			if over == nil || over.Reason != tc.reason {
				t.Fatalf("ended by %+v, want %q", over, tc.reason)
			}
			ranks := [2]int{over.Result.Teams[0].Rank, over.Result.Teams[1].Rank}
			if tc.reason != "time" && ranks != tc.ranks {
				t.Fatalf("ranks %v, want %v", ranks, tc.ranks)
			}
			if _, _, err := m.claim("a", "psess-a"); err == nil {
				t.Fatal("a seat was given in a match that is over")
			}
		})
	}
}

func TestClaims(t *testing.T) {
	m := newTestMatch(t, twoTeams())
	i, known, err := m.claim("a", "psess-a")
	if err != nil || known || i != 0 {
		t.Fatalf("first claim: %d %v %v", i, known, err)
	}
	var busy *refusal
	if _, _, err := m.claim("a", "psess-a"); !errors.As(err, &busy) || busy.Code != "seat.busy" {
		t.Fatalf("second claim while the first is checked: %v", err)
	}
	m.unclaim(i)
	come(t, m, "a")
	if _, known, err := m.claim("a", "psess-a"); !known || err != nil {
		t.Fatalf("claim of a seat that was accepted: %v %v", known, err)
	}
	if _, _, err := m.claim("a", "psess-x"); err == nil {
		t.Fatal("the player claimed with a seat of another id")
	}
	if _, _, err := m.claim("stranger", "psess-s"); err == nil {
		t.Fatal("a stranger got a seat")
	}
}

func TestOpenSeatsFillTheSmallerTeam(t *testing.T) {
	plan, err := planTeams("", 4)
	if err != nil {
		t.Fatal(err)
	}
	m := newTestMatch(t, plan)
	var teams []int
	for _, player := range []string{"w", "x", "y", "z"} {
		teams = append(teams, m.seats[come(t, m, player)].team)
	}
	if !reflect.DeepEqual(teams, []int{0, 1, 0, 1}) {
		t.Fatalf("teams %v", teams)
	}
	if _, _, err := m.claim("late", "psess-late"); err == nil {
		t.Fatal("a fifth player got a seat of four")
	}
}

func TestAnOpenSeatIsFreeAgainAfterARefusal(t *testing.T) {
	plan, _ := planTeams("", 2)
	m := newTestMatch(t, plan)
	i, _, err := m.claim("liar", "psess-l")
	if err != nil {
		t.Fatal(err)
	}
	m.unclaim(i)
	come(t, m, "x")
	come(t, m, "y")
}

// Whatever players do: every expected player is in the result once, ends come once,
// a seat that was left stays left, and seats are given back at most once.
func TestMatchesHoldTheirInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newTestMatch(t, twoTeams())
		now := noon
		players := []string{"a", "b", "c", "d"}
		gaveBack := map[string]int{}
		ends := 0
		gone := map[int]bool{}
		for range rapid.IntRange(1, 40).Draw(rt, "acts") {
			i := rapid.IntRange(0, 3).Draw(rt, "who")
			switch rapid.IntRange(0, 4).Draw(rt, "act") {
			case 0:
				if seat, _, err := m.claim(players[i], "psess-"+players[i]); err == nil {
					m.join(seat, "psess-"+players[i], "")
				}
			case 1:
				m.disconnect(now, i)
			case 2:
				if id := m.leave(i); id != "" {
					gaveBack[id]++
				}
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt, "seconds")) * time.Second)
			}
			got := m.step(now)
			for _, id := range got.remove {
				gaveBack[id]++
			}
			if got.over != nil {
				ends++
			}
			for k, s := range m.seats {
				if gone[k] && s.state != left {
					rt.Fatalf("seat %d came back from the dead", k)
				}
				gone[k] = s.state == left
			}
		}
		for id, n := range gaveBack {
			if id == "" || n > 1 {
				rt.Fatalf("seat %q was given back %d times", id, n)
			}
		}
		if ends > 1 {
			rt.Fatalf("the match ended %d times", ends)
		}
		seen := map[string]int{}
		for _, team := range m.result().Teams {
			for _, p := range team.Players {
				seen[p.PlayerID]++
			}
		}
		if !reflect.DeepEqual(seen, map[string]int{"a": 1, "b": 1, "c": 1, "d": 1}) {
			rt.Fatalf("the result names %v", seen)
		}
	})
}

func TestPlansAreReadFromMatchmakerData(t *testing.T) {
	data := `{"matchId":"m","matchmakingConfigurationArn":"arn","teams":[
		{"name":"red","players":[{"playerId":"a","attributes":{"skill":{"attributeType":"DOUBLE","valueAttribute":1500}}}]},
		{"name":"blue","players":[{"playerId":"c","attributes":{}}]}],"autoBackfillMode":null,"autoBackfillTicketId":null}`
	got, err := planTeams(data, 2)
	want := []teamPlan{{Name: "red", Players: []string{"a"}}, {Name: "blue", Players: []string{"c"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	bad := map[string]string{
		"no JSON":                `teams`,
		"no teams":               `{}`,
		"three teams":            `{"teams":[{"name":"a","players":[{"playerId":"1"}]},{"name":"b","players":[{"playerId":"2"}]},{"name":"c","players":[{"playerId":"3"}]}]}`,
		"an empty team":          `{"teams":[{"name":"a","players":[{"playerId":"1"}]},{"name":"b","players":[]}]}`,
		"a player twice":         `{"teams":[{"name":"a","players":[{"playerId":"1"}]},{"name":"b","players":[{"playerId":"1"}]}]}`,
		"a player without an id": `{"teams":[{"name":"a","players":[{}]},{"name":"b","players":[{"playerId":"1"}]}]}`,
	}
	for name, data := range bad {
		if plan, err := planTeams(data, 2); err == nil {
			t.Errorf("%s: %+v", name, plan)
		}
	}
	for _, n := range []int{0, 1, 2*game.MaxTeamSize + 1} {
		if _, err := planTeams("", n); err == nil {
			t.Errorf("a session for %d players was planned", n)
		}
	}
}

func FuzzPlanTeams(f *testing.F) {
	f.Add(`{"teams":[{"name":"red","players":[{"playerId":"a"}]},{"name":"blue","players":[{"playerId":"b"}]}]}`, 2)
	f.Add(``, 8)
	f.Fuzz(func(t *testing.T, data string, n int) {
		plan, err := planTeams(data, n)
		if err != nil {
			return
		}
		if _, err := newMatch(noon, "s", plan, testRules, 1); err != nil {
			t.Fatalf("a plan that cannot be played: %+v: %v", plan, err)
		}
	})
}
