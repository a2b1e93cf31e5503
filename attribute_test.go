package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"muster"
)

// withAttribute leaves the mode one attribute, x.
func withAttribute(source muster.AttributeSource) func(*muster.Options) {
	return func(o *muster.Options) {
		o.Modes[0].Attributes = map[string]muster.AttributeSource{"x": source}
	}
}

// inWords is an attribute as an operator reads of it.
func inWords(a muster.SentAttributeView) string {
	value := "nothing"
	switch {
	case a.Value == nil:
	case a.Value.N != nil:
		value = fmt.Sprint(*a.Value.N)
	case a.Value.S != nil:
		value = *a.Value.S
	}
	out := value + " from " + string(a.From)
	if a.Field != "" {
		out += fmt.Sprintf(" %s@%d", a.Field, a.DocumentVersion)
	}
	if a.Games != nil {
		out += fmt.Sprintf(" of %d games", *a.Games)
	}
	if a.Problem != "" {
		out += ", " + a.Problem
	}
	if a.Was != nil {
		out += fmt.Sprintf(" (%v)", *a.Was)
	}
	if a.Sent != "" {
		out += ": " + a.Sent
	}
	return out
}

func TestWhatIsSentOfAPlayerAndWhy(t *testing.T) {
	low, high := 10.0, 20.0
	number := func(n float64) *muster.AttributeValue { return &muster.AttributeValue{N: &n} }
	word := func(s string) *muster.AttributeValue { return &muster.AttributeValue{S: &s} }
	stored := func(outside muster.Outside, fallback *muster.AttributeValue) muster.AttributeSource {
		return muster.AttributeSource{From: muster.FromPlayer, Field: "f", Min: &low, Max: &high, Outside: outside, Value: fallback}
	}
	of := func(want muster.AttributeType, fallback *muster.AttributeValue) muster.AttributeSource {
		return muster.AttributeSource{From: muster.FromPlayer, Field: "f", Type: want, Value: fallback}
	}
	cases := []struct {
		name   string
		source muster.AttributeSource
		data   string // the stored attributes; empty: none
		choice string
		want   string
	}{
		{"a rating", muster.AttributeSource{From: muster.FromRating}, "", "", "1500 from rating of 0 games"},
		{"a rating above its bound without a policy", muster.AttributeSource{From: muster.FromRating, Max: &high}, "", "", "nothing from rating of 0 games, range (1500): absent"},
		{"a rating above its bound that is clamped", muster.AttributeSource{From: muster.FromRating, Max: &high, Outside: muster.OutsideClamp}, "", "", "20 from rating of 0 games, range (1500): clamp"},
		{"a rating above its bound with a default", muster.AttributeSource{From: muster.FromRating, Max: &high, Value: number(15)}, "", "", "15 from rating of 0 games, range (1500): default"},
		{"a stored number in range", stored("", nil), `{"f":12.5}`, "", "12.5 from player attributes.f@1"},
		{"a stored number at its bound", stored("", nil), `{"f":20}`, "", "20 from player attributes.f@1"},
		{"a stored number below its bound that is clamped", stored(muster.OutsideClamp, number(15)), `{"f":-4}`, "", "10 from player attributes.f@1, range (-4): clamp"},
		{"a stored number above its bound that is dropped although there is a default", stored(muster.OutsideAbsent, number(15)), `{"f":99}`, "", "nothing from player attributes.f@1, range (99): absent"},
		{"a stored number above its bound with a default", stored(muster.OutsideDefault, number(15)), `{"f":99}`, "", "15 from player attributes.f@1, range (99): default"},
		{"a stored number above its bound with a default and no policy", stored("", number(15)), `{"f":99}`, "", "15 from player attributes.f@1, range (99): default"},
		{"a stored number above its bound with neither", stored("", nil), `{"f":99}`, "", "nothing from player attributes.f@1, range (99): absent"},
		{"a stored string", of("", nil), `{"f":"owl"}`, "", "owl from player attributes.f@1"},
		{"a stored string that is too long", of("", word("-")), `{"f":"` + strings.Repeat("é", 101) + `"}`, "", "- from player attributes.f@1, long: default"},
		{"a stored string of just the length", of("", nil), `{"f":"` + strings.Repeat("é", 100) + `"}`, "", strings.Repeat("é", 100) + " from player attributes.f@1"},
		{"an empty string", of("", nil), `{"f":""}`, "", "nothing from player attributes.f@1, none: absent"},
		{"a string where there are bounds", stored(muster.OutsideClamp, number(15)), `{"f":"12"}`, "", "15 from player attributes.f@1, type: default"},
		{"a string where the default is a number", of("", number(15)), `{"f":"12"}`, "", "15 from player attributes.f@1, type: default"},
		{"a number where the default is a string", of("", word("-")), `{"f":12}`, "", "- from player attributes.f@1, type: default"},
		{"a string where a number is declared", of(muster.NumberType, nil), `{"f":"12"}`, "", "nothing from player attributes.f@1, type: absent"},
		{"a number where a string is declared", of(muster.StringType, nil), `{"f":12}`, "", "nothing from player attributes.f@1, type: absent"},
		{"a number where one is declared", of(muster.NumberType, nil), `{"f":12}`, "", "12 from player attributes.f@1"},
		{"a string where one is declared", of(muster.StringType, nil), `{"f":"owl"}`, "", "owl from player attributes.f@1"},
		{"a number where nothing is declared", of("", nil), `{"f":12}`, "", "12 from player attributes.f@1"},
		{"a field that the document lacks", stored("", number(15)), `{"g":1}`, "", "15 from player attributes.f@1, none: default"},
		{"no document at all", stored("", nil), ``, "", "nothing from player attributes.f@0, none: absent"},
		{"a client's choice", muster.AttributeSource{From: muster.FromClient, Choices: []string{"a", "b"}}, "", "b", "b from client"},
		{"a client that chose nothing", muster.AttributeSource{From: muster.FromClient, Choices: []string{"a", "b"}}, "", "", "a from client, none: default"},
		{"a constant", muster.AttributeSource{From: muster.FromConst, Value: number(7)}, "", "", "7 from const"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			r := newRigWith(false, withAttribute(c.source))
			ann := r.guest("ann")
			if c.data != "" {
				var data map[string]any
				if err := json.Unmarshal([]byte(c.data), &data); err != nil {
					t.Fatal(err)
				}
				if err := r.SetAttributes(ctx, ann, data); err != nil {
					t.Fatal(err)
				}
			}
			req := duel()
			if c.choice != "" {
				req.Preferences = map[string]string{"x": c.choice}
			}
			ticket := r.start(t, ann, req)
			view := must[muster.AdminTicketView](t)(r.InspectTicket(ctx, ticket.ID))
			if got := inWords(view.Players[0].Attributes[0]); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			sent, was := r.lift.tickets[ticket.ID].players[0].Attributes["x"]
			if was != !strings.HasPrefix(c.want, "nothing") {
				t.Errorf("GameLift was told %+v", sent)
			}
		})
	}
}

func TestAnOperatorSeesAWholeTicketButNoSeat(t *testing.T) {
	ctx := context.Background()
	r := newRig(true)
	ann, bob := r.guest("ann"), r.guest("bob")
	a := r.start(t, ann, muster.TicketRequest{Mode: "duel", LatencyInMs: map[string]int{"custom-local": 0, "moon": 5, strings.Repeat("n", 65): 5}})
	b := r.start(t, bob, muster.TicketRequest{Mode: "duel", LatencyInMs: map[string]int{"custom-local": -1}})
	r.mustDeliver(t)
	view := must[muster.AdminTicketView](t)(r.InspectTicket(ctx, a.ID))
	if view.Match == nil || view.Match.AcceptBy == nil || view.Match.PlayerCount != 2 || view.Configuration != "duel-config" || view.Owner != ann {
		t.Errorf("ticket is %+v", view)
	}
	if p := view.Players[0]; p.LatencyInMs["custom-local"] != 1 || fmt.Sprint(p.DroppedLatencies) != "map[moon:unknown]" {
		t.Errorf("latencies are %v, dropped %v", p.LatencyInMs, p.DroppedLatencies)
	}
	if p := must[muster.AdminTicketView](t)(r.InspectTicket(ctx, b.ID)).Players[0]; p.DroppedLatencies["custom-local"] != "wild" {
		t.Errorf("dropped are %v", p.DroppedLatencies)
	}
	for p, id := range map[muster.PlayerID]muster.TicketID{ann: a.ID, bob: b.ID} {
		if _, err := r.AnswerMatch(ctx, p, id, true); err != nil {
			t.Fatal(err)
		}
	}
	r.mustDeliver(t)
	view = must[muster.AdminTicketView](t)(r.InspectTicket(ctx, a.ID))
	body, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	if !view.Players[0].Seated || view.SessionID == "" || strings.Contains(string(body), "psess-") {
		t.Errorf("the completed ticket is %s", body)
	}
	_, err = r.InspectTicket(ctx, "nothing")
	wantError(t, err, muster.NotFound, "ticket.not_found")
}

// A ticket costs by the kilobyte at every change.
func TestATicketOfOnePlayerStaysBelowAKilobyte(t *testing.T) {
	ctx := context.Background()
	low, high := 0.0, 5000.0
	r := newRigWith(true, func(o *muster.Options) {
		next := ids("0199c0de-0000-7000-8000-000000")
		o.NewID = func() string { id := next(); return id[:36-6] + id[len(id)-6:] }
		o.Modes[0].Attributes = map[string]muster.AttributeSource{
			"skill": {From: muster.FromRating, Min: &low, Max: &high},
			"map":   {From: muster.FromClient, Choices: []string{"harbour", "tower"}},
			"level": {From: muster.FromPlayer, Field: "inventory.level", Value: &muster.AttributeValue{N: &low}},
		}
	})
	for _, name := range []string{"ann", "bob"} {
		r.start(t, r.guest(name), muster.TicketRequest{Mode: "duel", LatencyInMs: map[string]int{"custom-local": 30}})
	}
	most := map[string]int{}
	measure := func() {
		for id := range r.lift.tickets {
			record, err := r.store.Get(ctx, muster.Key{Partition: "T#" + string(id), Sort: "META"})
			if err != nil {
				t.Fatal(err)
			}
			view := must[muster.AdminTicketView](t)(r.InspectTicket(ctx, id))
			most[string(view.Status)] = max(most[string(view.Status)], len(record.Partition)+len(record.Sort)+len(record.Value))
		}
	}
	measure()
	r.mustDeliver(t)
	measure()
	for id, ticket := range r.lift.tickets {
		if _, err := r.AnswerMatch(ctx, ticket.players[0].ID, id, true); err != nil {
			t.Fatal(err)
		}
	}
	r.mustDeliver(t)
	measure()
	t.Logf("bytes: %v", most)
	for _, status := range slices.Sorted(maps.Keys(most)) {
		if most[status] > 1024 {
			t.Errorf("a %s ticket has %d bytes", status, most[status])
		}
	}
}
