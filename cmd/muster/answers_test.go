package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
)

// fineInstant is an instant that tells more than milliseconds.
var fineInstant = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{4,}`)

func TestInstantsInAnswersHaveMillisecondsAtMost(t *testing.T) {
	h := newBackendHouse(t)
	checked := func(method, path, token, body string) []byte {
		t.Helper()
		status, answer := fetch(t, method, h.url()+path, token, body)
		if status == 0 || status >= 500 || status == http.StatusNotFound {
			t.Fatalf("%s %s: %d %s", method, path, status, answer)
		}
		if found := fineInstant.Find(answer); found != nil {
			t.Errorf("%s %s answers %s", method, path, found)
		}
		return answer
	}
	var grant struct {
		AccessToken, RefreshToken string
		Player                    struct{ ID string }
	}
	if err := json.Unmarshal(checked("POST", "/v1/auth/guest", "", `{}`), &grant); err != nil {
		t.Fatal(err)
	}
	me, admin := grant.AccessToken, h.adminKey
	player := "/v1/admin/players/" + grant.Player.ID
	for _, c := range [][4]string{
		{"POST", "/v1/auth/refresh", "", `{"refreshToken":"` + grant.RefreshToken + `"}`},
		{"PATCH", "/v1/players/me", me, `{"displayName":"Ada"}`},
		{"GET", "/v1/players/me", me, ""},
		{"GET", "/v1/players/me/sign-ins", me, ""},
		{"GET", "/v1/players/me/ratings", me, ""},
		{"GET", "/v1/auth/links", me, ""},
		{"GET", "/v1/leaderboards/duel", me, ""},
		{"POST", "/v1/parties", me, `{}`},
		{"POST", "/v1/parties/me/invites", me, `{"playerId":"` + grant.Player.ID + `"}`},
		{"GET", "/v1/parties/me", me, ""},
		{"DELETE", "/v1/parties/me/members/" + grant.Player.ID, me, ""},
		{"POST", "/v1/matchmaking/tickets", me, `{"mode":"duel","latencyInMs":{"custom-local":5}}`},
		{"GET", "/v1/players/me/export", me, ""},
		{"POST", "/v1/admin/players/search", admin, `{"id":"` + grant.Player.ID + `"}`},
		{"POST", player + "/export", admin, ""},
		{"POST", player + "/ban", admin, `{"reason":"x","until":"2999-01-01T00:00:00.123456789Z"}`},
		{"GET", player, admin, ""},
		{"GET", player + "/audit", admin, ""},
		{"GET", "/v1/players/me", me, ""}, // refused, with the end of the ban
		{"POST", "/v1/admin/sign-out-everyone", admin, `{"confirm":"sign out everyone"}`},
		{"GET", "/v1/admin/audit", admin, ""},
	} {
		checked(c[0], c[1], c[2], c[3])
	}
}
