package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
)

// Whoever signs everyone out does so somewhere else: an instance hears of it from the table.
func TestAnInstanceThatWasShownNoTokenKnowsThatEveryoneIsOut(t *testing.T) {
	store := memory.New(time.Now)
	instance, elsewhere := wiredAs(t, store, true), wiredAs(t, store, true)
	var in muster.Grant
	if status, text := ask(t, elsewhere.handler, "POST", "/v1/auth/guest", `{}`); status != http.StatusCreated || json.Unmarshal([]byte(text), &in) != nil {
		t.Fatalf("sign-in: %d %s", status, text)
	}
	if _, err := elsewhere.rules.SignOutEveryone(t.Context()); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"refreshToken": in.RefreshToken})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := ask(t, instance.handler, "POST", "/v1/auth/refresh", string(body)); status != http.StatusUnauthorized {
		t.Errorf("a refresh: %d %s", status, text)
	}
}

func TestAnInstanceOfAFunctionLooksBeforeItAdmits(t *testing.T) {
	for name, enter := range map[string]func(d lookedDoors, p muster.PlayerID, in muster.SignInRef) error{
		"a player": func(d lookedDoors, p muster.PlayerID, in muster.SignInRef) error { return d.Admit(t.Context(), p, in) },
		"a guest": func(d lookedDoors, p muster.PlayerID, in muster.SignInRef) error {
			_, err := d.ScopeOf(t.Context(), p, in)
			return err
		},
	} {
		store := memory.New(time.Now)
		instance, elsewhere := wiredAs(t, store, true), wiredAs(t, store, true)
		p, _, err := elsewhere.rules.EnsurePlayer(t.Context(), muster.Identity{Provider: "acme", Subject: "ann"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := elsewhere.rules.SignOutEveryone(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := lookedDoors{instance.rules, newLookout(instance.rules)}
		if err := enter(d, p, muster.SignInRef{At: time.Now().Add(-time.Hour)}); muster.KindOf(err) != muster.Unauthenticated {
			t.Errorf("%s, proven before: %v", name, err)
		}
		fresh := lookedDoors{instance.rules, newLookout(instance.rules)}
		if err := fresh.MayOpen(t.Context(), time.Now().Add(-time.Hour)); muster.KindOf(err) != muster.Exhausted {
			t.Errorf("%s, who begins before: %v", name, err)
		}
		if err := enter(d, p, muster.SignInRef{At: time.Now().Add(time.Hour)}); err != nil {
			t.Errorf("%s, proven after: %v", name, err)
		}
	}
}
