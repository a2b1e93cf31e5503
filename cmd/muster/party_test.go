package main

import (
	"fmt"
	"net/http"
	"testing"
)

// TestTwoPartiesAreMatchedByTheLocalGameLift goes the whole way but for the game server:
// nobody hosts here, so the match waits for its session.
func TestTwoPartiesAreMatchedByTheLocalGameLift(t *testing.T) {
	h := newBackendHouse(t)
	if err := h.awaitSubscriber(t.Context()); err != nil {
		t.Fatal(err)
	}
	type member struct{ token, ticket string }
	var all []member
	for range 2 {
		var tokens [2]string
		for i := range tokens {
			var grant struct{ AccessToken string }
			h.call(t, "POST", "/v1/auth/guest", "", `{}`, &grant)
			tokens[i] = grant.AccessToken
		}
		var party struct{ Code, State string }
		h.call(t, "POST", "/v1/parties", tokens[0], `{"mode":"skirmish"}`, &party)
		if status := h.call(t, "POST", "/v1/parties/join", tokens[1], `{"code":"`+party.Code+`"}`, &party); status != http.StatusOK {
			t.Fatalf("joining is answered with %d", status)
		}
		var ticket struct {
			ID      string
			Players []string
		}
		status := h.call(t, "POST", "/v1/matchmaking/tickets", tokens[0], `{"mode":"skirmish","latencyInMs":{"custom-local":5}}`, &ticket)
		if status != http.StatusCreated || len(ticket.Players) != 2 {
			t.Fatalf("the leader's start is answered with %d and %v", status, ticket.Players)
		}
		all = append(all, member{tokens[0], ticket.ID}, member{tokens[1], ticket.ID})
	}
	for i, m := range all {
		view := struct {
			Status  string
			Version int64
			Match   struct{ PlayerCount int }
		}{Version: -1}
		for view.Status != "placing" {
			before := view.Version
			h.call(t, "GET", fmt.Sprintf("/v1/matchmaking/tickets/%s?wait=10&after=%d", m.ticket, max(before, 0)), m.token, "", &view)
			if view.Version == before {
				t.Fatalf("for ten seconds member %d sees %+v", i, view)
			}
		}
		if view.Match.PlayerCount != 4 {
			t.Errorf("member %d sees a match of %d, want 4", i, view.Match.PlayerCount)
		}
	}
}
