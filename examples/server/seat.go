package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model"
	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/model/request"
	"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5/server"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// hello is what a player sends.
type hello struct {
	PlayerSessionID string `json:"playerSessionId"`
	JoinToken       string `json:"joinToken"`
}

// client is for the backend.
var client = &http.Client{Timeout: 10 * time.Second}

// admit returns whose seat it is, and tells GameLift that they have come.
func admit(ctx context.Context, h hello, session string) (who string, err error) {
	who, err = bearer(ctx, h, session)
	if err != nil {
		return "", err
	}
	req := request.NewDescribePlayerSessions() // a plain struct would lack the request id
	req.PlayerSessionID = h.PlayerSessionID
	found, err := server.DescribePlayerSessions(req)
	if err != nil {
		return "", fmt.Errorf("ask GameLift for the seat: %w", err)
	}
	for _, seat := range found.PlayerSessions {
		if seat.PlayerSessionID != h.PlayerSessionID || seat.PlayerID != who || seat.Status == nil {
			continue
		}
		if *seat.Status == model.PlayerActive {
			return who, nil // they were here already
		}
		return who, server.AcceptPlayerSession(h.PlayerSessionID)
	}
	return "", errors.New("this is not your seat")
}

// bearer returns whom a join token names, if the backend signed it for this seat. A server
// with more players than this one keeps the keys for some minutes.
func bearer(ctx context.Context, h hello, session string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("MUSTER_URL")+"/.well-known/jwks.json", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("read the backend's keys: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil {
		return "", fmt.Errorf("read the backend's keys: %w", err)
	}
	token, err := jwt.ParseSigned(h.JoinToken, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return "", fmt.Errorf("read the join token: %w", err)
	}
	var standard jwt.Claims
	var seat struct {
		SID  string `json:"sid"`
		PSID string `json:"psid"`
	}
	if err := token.Claims(&keys, &standard, &seat); err != nil {
		return "", fmt.Errorf("check the join token: %w", err)
	}
	if err := standard.Validate(jwt.Expected{AnyAudience: jwt.Audience{"game-session"}, Time: time.Now()}); err != nil {
		return "", fmt.Errorf("check the join token: %w", err)
	}
	if standard.Expiry == nil || seat.SID != session || seat.PSID != h.PlayerSessionID {
		return "", errors.New("this is not your seat")
	}
	return standard.Subject, nil
}
