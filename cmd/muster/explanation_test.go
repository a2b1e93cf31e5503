package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"muster/store/sqlite"
)

// newBackendHouse is a house with GameLift and backend at work, without game servers.
func newBackendHouse(t *testing.T) *house {
	t.Helper()
	conf, err := (&upCmd{}).config()
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, conf)
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(h.cmd.Data, "muster.db")})
	if err != nil {
		t.Fatal(err)
	}
	h.stack.onEnd("store", store.Close)
	if err := h.openGameLift(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.openBackend(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	h.stack.run("address", func(ctx context.Context) error { return serve(ctx, h.lift, h.local.Handler(), nil) })
	h.stack.run("local GameLift", h.local.Run)
	if err := h.provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTicketsAreExplainedByTheRulesThatGameLiftHolds(t *testing.T) {
	h := newBackendHouse(t)
	var grant struct{ AccessToken string }
	h.call(t, "POST", "/v1/auth/guest", "", `{}`, &grant)
	var ticket struct{ ID string }
	if status := h.call(t, "POST", "/v1/matchmaking/tickets", grant.AccessToken, `{"mode":"skirmish","latencyInMs":{"custom-local":5}}`, &ticket); status != http.StatusCreated {
		t.Fatalf("a ticket is answered with %d", status)
	}
	var view struct {
		Message       string
		NeededPlayers int
	}
	status := h.call(t, "GET", "/v1/matchmaking/tickets/"+ticket.ID+"/explanation", grant.AccessToken, "", &view)
	if status != http.StatusOK || view.Message != "Waiting for 3 more players." || view.NeededPlayers != 3 {
		t.Errorf("a player is answered with %d, %+v", status, view)
	}
	var advice struct {
		NextStep struct {
			Changes []struct{ Team, Rule, Property, From, To string }
		}
	}
	status = h.call(t, "GET", "/v1/admin/tickets/"+ticket.ID+"/explanation", h.adminKey, "", &advice)
	if changes := advice.NextStep.Changes; status != http.StatusOK || len(changes) != 3 || changes[2].Rule != "FairTeams" || changes[2].To != "5000" {
		t.Errorf("an operator is answered with %d, %+v", status, advice)
	}
	var problem struct{ Code string }
	for _, token := range []string{grant.AccessToken, h.serverKey} {
		if status := h.call(t, "GET", "/v1/admin/tickets/"+ticket.ID+"/explanation", token, "", &problem); status != http.StatusForbidden {
			t.Errorf("a stranger is answered with %d %s", status, problem.Code)
		}
	}
}

func TestWithoutAnAdminKeyThereAreNoCallsForOperators(t *testing.T) {
	h := newHouse(t, config{})
	if err := h.openGameLift(t.Context()); err != nil {
		t.Fatal(err)
	}
	parts := h.backendParts(nil)
	if len(parts.adminKeyHashes) == 0 {
		t.Fatal("the data folder has no admin key")
	}
	parts.adminKeyHashes = nil
	b, err := newBackend(parts)
	if err != nil {
		t.Fatal(err)
	}
	h.stack.run("http", func(ctx context.Context) error { return serve(ctx, h.front, b.handler, b.stopping) })
	var problem struct{ Code string }
	if status := h.call(t, "GET", "/v1/admin/tickets/x/explanation", h.adminKey, "", &problem); status != http.StatusNotFound || problem.Code != "route.not_found" {
		t.Errorf("answered with %d %s", status, problem.Code)
	}
}
