package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Result is what the game server reports of a match, as the backend's API takes it.
type Result struct {
	Teams []ResultTeam `json:"teams"`
}

// ResultTeam is one team of a result. Rank 1 is best; equal ranks are a draw.
type ResultTeam struct {
	Name    string         `json:"name"`
	Rank    int            `json:"rank"`
	Score   int            `json:"score"`
	Players []ResultPlayer `json:"players"`
}

// ResultPlayer is one player of a result.
type ResultPlayer struct {
	PlayerID string `json:"playerId"`
	Left     bool   `json:"left"` // was not there at the end
}

// reporter posts results to the backend.
type reporter struct {
	url    string // the backend's base URL, without a slash at the end
	key    string // the server key
	client *http.Client
	wait   func(ctx context.Context, d time.Duration) error // sleeps; ends early with ctx's error
}

const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 15 * time.Second
)

// report posts the result until the backend acknowledges it. It gives up when ctx ends
// or when the answer says that trying again cannot help. An unknown session is tried
// again: the backend may not have heard of it yet.
func (r *reporter) report(ctx context.Context, session string, result Result) error {
	body, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	if err := r.insist(ctx, http.MethodPost, session, "/result", body); err != nil {
		return fmt.Errorf("report the result: %w", err)
	}
	return nil
}

// end ends a session without a result, as insistently.
func (r *reporter) end(ctx context.Context, session string) error {
	if err := r.insist(ctx, http.MethodPatch, session, "", []byte(`{"ended":true}`)); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// insist makes a call about a session until it is acknowledged.
func (r *reporter) insist(ctx context.Context, method, session, more string, body []byte) error {
	delay := firstRetry
	for {
		again, err := r.send(ctx, method, session, more, body)
		if err == nil {
			return nil
		}
		if again < 0 {
			return err
		}
		if waitErr := r.wait(ctx, min(max(again, delay), lastRetry)); waitErr != nil {
			return fmt.Errorf("gave up: %w", errors.Join(waitErr, err))
		}
		delay = min(2*delay, lastRetry)
	}
}

// send makes the call once. again is how long the backend asks to wait, 0 when it
// does not say, and -1 when another attempt is useless.
func (r *reporter) send(ctx context.Context, method, session, more string, body []byte) (again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	target := r.url + "/v1/server/sessions/" + url.PathEscape(session) + more
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+r.key)
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read

	text, _ := io.ReadAll(io.LimitReader(resp.Body, 2048)) // only for the error text
	if resp.StatusCode == http.StatusOK {
		return 0, nil
	}
	err = fmt.Errorf("the backend answered %s: %s", resp.Status, bytes.TrimSpace(text))
	switch {
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusNotFound:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // absent or a date: 0
		return max(0, time.Duration(seconds)*time.Second), err
	}
	return -1, err
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
