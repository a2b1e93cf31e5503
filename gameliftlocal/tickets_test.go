package gameliftlocal

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
	"pgregory.net/rapid"

	"muster/flexmatch"
)

func bookTicketOf(id string, at time.Time, players ...string) *ticket {
	t := &ticket{api: types.MatchmakingTicket{TicketId: &id, StartTime: &at, Status: queued}}
	for _, p := range players {
		t.api.Players = append(t.api.Players, types.Player{PlayerId: &p})
	}
	return t
}

// Against a plain model: never more than max, live tickets are never dropped, and a
// player's live tickets are exactly those that earlier gives.
func TestTheBookKeepsLiveTicketsAndForgetsOldOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 5
		book := newTicketBook(limit)
		now := time.Unix(0, 0)
		live := map[string]*ticket{}
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "hours")) * time.Hour)
			if ids := sortedKeys(live); len(ids) > 0 && rapid.Bool().Draw(t, "end") {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				book.end(live[id], now, cancelled, "", "")
				delete(live, id)
				continue
			}
			added := bookTicketOf(fmt.Sprintf("t%d", i), now, rapid.SampledFrom([]string{"ada", "bob"}).Draw(t, "player"))
			ok := book.add(added, now)
			if want := len(live) < limit; ok != want {
				t.Fatalf("add with %d live: %v", len(live), ok)
			}
			if ok {
				live[added.id()] = added
			}
			if len(book.byID) > limit {
				t.Fatalf("%d tickets, limit %d", len(book.byID), limit)
			}
			for id := range live {
				if book.byID[id] == nil {
					t.Fatalf("live ticket %s is gone", id)
				}
			}
			for _, kept := range book.finished {
				if len(book.byID) > 0 && now.Sub(*kept.api.EndTime) >= finishedTicketAge {
					t.Fatalf("ticket %s ended %v ago", kept.id(), now.Sub(*kept.api.EndTime))
				}
			}
			for _, player := range []string{"ada", "bob"} {
				want := 0
				for _, l := range live {
					if *l.api.Players[0].PlayerId == player {
						want++
					}
				}
				if got := len(book.earlier([]types.Player{{PlayerId: &player}})); got != want {
					t.Fatalf("%d live tickets of %s, want %d", got, player, want)
				}
			}
		}
	})
}

func TestEndingTwiceKeepsTheFirstEnd(t *testing.T) {
	book := newTicketBook(10)
	one := bookTicketOf("t", time.Unix(0, 0), "ada")
	book.add(one, time.Unix(0, 0))
	book.end(one, time.Unix(1, 0), completed, "", "")
	book.end(one, time.Unix(2, 0), failed, "x", "y")
	if one.api.Status != completed || !one.api.EndTime.Equal(time.Unix(1, 0)) || len(book.finished) != 1 {
		t.Errorf("ticket %+v, %d finished", one.api, len(book.finished))
	}
}

func TestWaitsAreAMovingAverageRoundedUp(t *testing.T) {
	var w waits
	if w.seconds() != nil {
		t.Error("an average of nothing")
	}
	w.add(1200 * time.Millisecond)
	w.add(-time.Second) // a clock that went back counts as no wait
	if got := *w.seconds(); got != 1 {
		t.Errorf("average %d, want 1", got)
	}
	for range len(w.recent) {
		w.add(30 * time.Second)
	}
	if got := *w.seconds(); got != 30 {
		t.Errorf("average %d, want 30: old waits no longer count", got)
	}
}

func TestReadAttribute(t *testing.T) {
	many := make([]string, maxListStrings+1)
	pairs := map[string]float64{}
	for i := range maxMapPairs + 1 {
		pairs[fmt.Sprint(i)] = 1
	}
	for _, c := range []struct {
		name string
		in   types.AttributeValue
		want string // problem; "" for none
	}{
		{"a string", types.AttributeValue{S: aws.String("x")}, ""},
		{"a number", types.AttributeValue{N: aws.Float64(1)}, ""},
		{"an empty list", types.AttributeValue{SL: []string{}}, ""},
		{"a map", types.AttributeValue{SDM: map[string]float64{"a": 1}}, ""},
		{"nothing", types.AttributeValue{}, "needs exactly one of S, N, SL and SDM"},
		{"two", types.AttributeValue{S: aws.String("x"), SL: []string{"y"}}, "needs exactly one of S, N, SL and SDM"},
		{"not a number", types.AttributeValue{N: aws.Float64(math.NaN())}, "is not a finite number"},
		{"infinity in a map", types.AttributeValue{SDM: map[string]float64{"a": math.Inf(1)}}, "holds a value that is not a finite number"},
		{"an empty string", types.AttributeValue{S: aws.String("")}, "needs a string of 1 to 100 characters"},
		{"a string of 101 letters", types.AttributeValue{S: aws.String(strings.Repeat("ä", 101))}, "needs a string of 1 to 100 characters"},
		{"a string of 100 letters", types.AttributeValue{S: aws.String(strings.Repeat("ä", 100))}, ""},
		{"an empty string in a list", types.AttributeValue{SL: []string{"a", ""}}, "needs strings of 1 to 100 characters"},
		{"a long key", types.AttributeValue{SDM: map[string]float64{strings.Repeat("k", 101): 1}}, "needs keys of 1 to 100 characters"},
		{"a long list", types.AttributeValue{SL: many}, "has too many strings"},
		{"a large map", types.AttributeValue{SDM: pairs}, "has too many pairs"},
	} {
		if _, problem := readAttribute(c.in); problem != c.want {
			t.Errorf("%s: %q, want %q", c.name, problem, c.want)
		}
	}
	v, _ := readAttribute(types.AttributeValue{SL: []string{"a", "b", "a"}})
	if v.Kind != flexmatch.StringListAttribute || len(v.Strings) != 2 {
		t.Errorf("duplicates stay: %v", v.Strings)
	}
}

func TestTicketIDsAreOnesThatTheAPICanName(t *testing.T) {
	for id, ok := range map[string]bool{
		"": true, "a-1.B": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "a b": false, "a/b": false, "ä": false, "a_b": false,
	} {
		if got := checkTicketID(id) == nil; got != ok {
			t.Errorf("%q accepted %v, want %v", id, got, ok)
		}
	}
}

func TestReadPlayersHoldsTheLimits(t *testing.T) {
	player := func(edit func(*types.Player)) []types.Player {
		p := types.Player{PlayerId: aws.String("ada")}
		edit(&p)
		return []types.Player{p}
	}
	long := strings.Repeat("x", maxName+1)
	for _, c := range []struct {
		name string
		in   []types.Player
		want string
	}{
		{"nobody", nil, "1 to 10 players"},
		{"no id", player(func(p *types.Player) { p.PlayerId = nil }), "needs a PlayerId"},
		{"a long id", player(func(p *types.Player) { p.PlayerId = &long }), "needs a PlayerId"},
		{"an empty team", player(func(p *types.Player) { p.Team = aws.String("") }), "The team of player ada"},
		{"a nameless attribute", player(func(p *types.Player) {
			p.PlayerAttributes = map[string]types.AttributeValue{"": {N: aws.Float64(1)}}
		}), "need names"},
		{"no latency at all", player(func(p *types.Player) { p.LatencyInMs = map[string]int32{"x": 0} }), "1 ms or more"},
	} {
		_, err := readPlayers(c.in, false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
