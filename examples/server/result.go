package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// report tells the backend how the session ended.
func report(ctx context.Context, session string, teams []team) error {
	return insist(ctx, http.MethodPost, session, "/result", map[string]any{"teams": teams})
}

// end tells the backend that the session is over without a result.
func end(ctx context.Context, session string) error {
	return insist(ctx, http.MethodPatch, session, "", map[string]bool{"ended": true})
}

// tries bounds how often a call is made, a second after the other.
const tries = 60

// insist makes a call about a session until the backend takes it, or says that it never
// will. A repeated call counts once.
func insist(ctx context.Context, method, session, more string, say any) error {
	body, err := json.Marshal(say)
	if err != nil {
		return err
	}
	for range tries {
		var final bool
		if final, err = call(ctx, method, "/v1/server/sessions/"+url.PathEscape(session)+more, body); final {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// call makes a call once. final says that another would change nothing.
func call(ctx context.Context, method, path string, body []byte) (final bool, err error) {
	req, err := http.NewRequestWithContext(ctx, method, os.Getenv("MUSTER_URL")+path, bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+os.Getenv("MUSTER_SERVER_KEY"))
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode == http.StatusOK {
		return true, nil
	}
	why, _ := io.ReadAll(io.LimitReader(resp.Body, 2048)) // for the log
	again := resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
	return !again, fmt.Errorf("the backend answered %s: %s", resp.Status, why)
}
