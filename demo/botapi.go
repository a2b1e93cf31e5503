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
	"sync"
	"time"
)

const (
	maxAnswer   = 1 << 20          // bytes of an answer of the backend
	callTimeout = 10 * time.Second // for an answer of the backend
)

// What the backend's API answers, as far as a bot looks at it.
type (
	guestCredential struct {
		ID     string `json:"id"`
		Secret string `json:"secret,omitempty"`
	}
	grant struct {
		Player struct {
			ID string `json:"id"`
		} `json:"player"`
		AccessToken      string           `json:"accessToken"`
		ExpiresInSeconds int              `json:"expiresInSeconds"`
		RefreshToken     string           `json:"refreshToken"`
		Guest            *guestCredential `json:"guest"`
	}
	modeInfo struct {
		Name  string `json:"name"`
		Kind  string `json:"kind"` // "queue": without matchmaking
		Teams []struct {
			MinPlayers int `json:"minPlayers"`
			MaxPlayers int `json:"maxPlayers"`
		} `json:"teams"`
		Choices map[string][]string `json:"choices"`
	}
	seatInfo struct {
		SessionID       string `json:"sessionId"`
		IPAddress       string `json:"ipAddress"`
		Port            int    `json:"port"`
		PlayerSessionID string `json:"playerSessionId"`
		JoinToken       string `json:"joinToken"`
	}
	ticketInfo struct {
		ID      string `json:"id"`
		Status  string `json:"status"`
		Version int64  `json:"version"`
		Match   *struct {
			ID  string `json:"id"`
			You string `json:"you"`
		} `json:"match"`
		Seat   *seatInfo `json:"seat"`
		Reason *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"reason"`
	}
	resultInfo struct {
		SessionID string `json:"sessionId"`
		Outcome   string `json:"outcome"`
	}
)

// size is how many players the smallest and the largest match of the mode have.
func (m modeInfo) size() (fewest, most int) {
	for _, team := range m.Teams {
		fewest += team.MinPlayers
		most += team.MaxPlayers
	}
	return fewest, most
}

// apiError is a refusal of the backend (application/problem+json).
type apiError struct {
	Status   int       `json:"status"`
	Code     string    `json:"code"`
	Detail   string    `json:"detail"`
	TicketID string    `json:"ticketId"`
	Seat     *seatInfo `json:"seat"`
	call     string
	after    time.Duration // what Retry-After says; 0: nothing
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.call, e.Status, e.Code, e.Detail)
}

// final says that no call like it can succeed.
func (e *apiError) final() bool {
	return e.Status == http.StatusBadRequest || e.Status == http.StatusForbidden || e.Status == http.StatusUnprocessableEntity
}

// again says that the same call may succeed later.
func (e *apiError) again() bool {
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests
}

// botAPI is the backend's HTTP interface for one player. It keeps the credentials in
// memory and renews the access token before it ends. Safe for concurrent use.
type botAPI struct {
	urls   []string // of backends that share one store; any of them will do
	client *http.Client
	life   *lifeline
	now    func() time.Time

	mu      sync.Mutex // guards the rest
	at      int        // index of the URL in use
	guest   *guestCredential
	player  string
	access  string
	refresh string
	renewAt time.Time
}

// newBotAPI begins with one of the URLs, so that many bots spread over all of them.
func newBotAPI(urls []string, first int, client *http.Client, life *lifeline) *botAPI {
	return &botAPI{urls: urls, at: first % len(urls), client: client, life: life, now: time.Now}
}

// url is the backend in use.
func (a *botAPI) url() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.urls[a.at]
}

// leave turns to the next backend, unless that was done meanwhile.
func (a *botAPI) leave(url string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.urls[a.at] == url {
		a.at = (a.at + 1) % len(a.urls)
	}
}

// signIn makes a guest, or signs the same one in again.
func (a *botAPI) signIn(ctx context.Context) error {
	a.mu.Lock()
	guest := a.guest
	a.mu.Unlock()
	body := map[string]any{}
	if guest != nil {
		body["guest"] = guest
	}
	var g grant
	if err := a.send(ctx, http.MethodPost, "/v1/auth/guest", "", body, &g); err != nil {
		return fmt.Errorf("sign in as a guest: %w", err)
	}
	a.take(g)
	return nil
}

func (a *botAPI) take(g grant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g.Guest != nil && g.Guest.Secret != "" {
		a.guest = g.Guest
	}
	a.player, a.access, a.refresh = g.Player.ID, g.AccessToken, g.RefreshToken
	life := time.Duration(g.ExpiresInSeconds) * time.Second
	a.renewAt = a.now().Add(life - min(life/4, time.Minute))
}

// id is the player's id, "" before the first sign-in.
func (a *botAPI) id() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.player
}

// renew gets a new access token: by the refresh token, or by the guest's secret.
func (a *botAPI) renew(ctx context.Context) error {
	a.mu.Lock()
	body := map[string]string{"refreshToken": a.refresh}
	a.mu.Unlock()
	var g grant
	if err := a.send(ctx, http.MethodPost, "/v1/auth/refresh", "", body, &g); err != nil {
		return a.signIn(ctx)
	}
	a.take(g)
	return nil
}

// call makes one signed call, renewing the token first where needed, and decodes the
// answer into out unless that is nil.
func (a *botAPI) call(ctx context.Context, method, path string, body, out any) error {
	for attempt := 0; ; attempt++ {
		a.mu.Lock()
		token, due := a.access, !a.now().Before(a.renewAt)
		a.mu.Unlock()
		if due {
			if err := a.renew(ctx); err != nil {
				return err
			}
			continue
		}
		err := a.send(ctx, method, path, token, body, out)
		var refused *apiError
		if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized && attempt == 0 {
			if err := a.renew(ctx); err != nil {
				return err
			}
			continue
		}
		return err
	}
}

// keepCalling is call, again and again while the backend is away or busy. When ctx ends
// meanwhile, the error is what was wrong before.
func (a *botAPI) keepCalling(ctx context.Context, method, path string, body, out any) error {
	return a.insist(ctx, func() error { return a.call(ctx, method, path, body, out) })
}

// insist does something again and again while the backend is away or busy.
func (a *botAPI) insist(ctx context.Context, do func() error) error {
	var before error
	for delay := 50 * time.Millisecond; ; delay = min(2*delay, 2*time.Second) {
		err := do()
		if err != nil && ctx.Err() != nil && before != nil {
			return before
		}
		before = err
		var refused *apiError
		if err == nil || errors.As(err, &refused) && !refused.again() {
			return err
		}
		pause := delay
		if refused != nil {
			pause = min(max(pause, refused.after), 10*time.Second)
		}
		if sleep(ctx, pause) != nil {
			return err
		}
		a.life.retries.Add(1)
	}
}

func (a *botAPI) send(ctx context.Context, method, path, token string, body, out any) error {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(mustJSON(body))
	}
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	base := a.url()
	req, err := http.NewRequestWithContext(limited, method, base+path, reader)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			a.life.missed()
			a.leave(base)
		}
		return err
	}
	a.life.heard()
	if resp.StatusCode >= http.StatusInternalServerError {
		a.leave(base) // another may be better off
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		refused := &apiError{}
		_ = json.Unmarshal(data, refused) // a refusal without a body is one, too
		refused.Status, refused.call = resp.StatusCode, method+" "+path
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		refused.after = time.Duration(seconds) * time.Second
		return refused
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return nil
}

func ticketPath(id, more string) string {
	return "/v1/matchmaking/tickets/" + url.PathEscape(id) + more
}
