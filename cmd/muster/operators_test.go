package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// closedWith reads until a socket is closed.
func closedWith(t *testing.T, ws *websocket.Conn) websocket.StatusCode {
	t.Helper()
	for {
		if _, _, err := ws.Read(t.Context()); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestAllPlayersAreSignedOutAtEveryReplica(t *testing.T) {
	h, first, second := newTwins(t)
	_, near := first.socketOf(t)
	token, far := second.socketOf(t)
	var grant struct{ AccessToken, RefreshToken string }
	post(t, second.url+"/v1/auth/guest", "", `{}`, &grant)
	var made struct{ At time.Time }
	if status := post(t, first.url+"/v1/admin/sign-out-everyone", h.adminKey, `{"confirm":"sign out everyone","operator":"kim"}`, &made); status != http.StatusOK || made.At.IsZero() {
		t.Fatalf("answered with %d, %v", status, made.At)
	}
	for _, ws := range []*websocket.Conn{near, far} {
		if code := closedWith(t, ws); code != 4011 {
			t.Errorf("a socket is closed with %d", code)
		}
	}
	var problem struct{ Code string }
	if status := post(t, second.url+"/v1/auth/socket-ticket", token, "", &problem); status != http.StatusUnauthorized || problem.Code != "token.revoked" {
		t.Errorf("the access token is answered with %d %s", status, problem.Code)
	}
	if status := post(t, second.url+"/v1/auth/refresh", "", `{"refreshToken":"`+grant.RefreshToken+`"}`, &problem); status != http.StatusUnauthorized || problem.Code != "refresh.invalid" {
		t.Errorf("the refresh token is answered with %d %s", status, problem.Code)
	}
}
