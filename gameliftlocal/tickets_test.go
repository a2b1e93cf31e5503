package gameliftlocal

import (
	"fmt"
	"math"
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
