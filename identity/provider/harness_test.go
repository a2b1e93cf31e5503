package provider

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/identity/provider/providertest"
)

// rig is a platform, a client for it, and a clock that the test moves.
type rig struct {
	*providertest.Platform
	client *Client

	mu      sync.Mutex
	instant time.Time    // guarded by mu
	lines   bytes.Buffer // guarded by mu
	waiting []func()     // guarded by mu; end the calls so far
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{Platform: providertest.New(t), instant: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	r.OnHang(r.giveUp)
	r.client = NewClient(r.clientOptions())
	return r
}

func (r *rig) clientOptions() ClientOptions {
	return ClientOptions{Name: "acme", Timeout: time.Minute, limit: r.limit, Now: r.now, Log: slog.New(slog.NewTextHandler(r, nil))}
}

// limit is context.WithTimeout whose time is up as soon as the platform hangs.
func (r *rig) limit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithTimeout(ctx, d)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, cancel)
	return limited, cancel
}

func (r *rig) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, end := range r.waiting {
		end()
	}
	r.waiting = nil
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.instant
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instant = r.instant.Add(d)
}

// Write keeps the log.
func (r *rig) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Write(line)
}

func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.String()
}

// refused is what a refusal says besides its reason.
type refused struct{ RetryAfter time.Duration }

// wantReason fails unless err is the refusal for a reason, whose text, even with its cause,
// holds none of the secrets.
func wantReason(t testing.TB, err error, reason identity.Reason, secrets ...string) refused {
	t.Helper()
	e, ok := err.(*muster.Error) //nolint:errorlint // it must be that very type, unwrapped
	if !ok || e.Code != string(reason) {
		t.Fatalf("error is %v, want %s", err, reason)
	}
	for _, secret := range secrets {
		if len(secret) > 8 && strings.Contains(e.Error(), secret) {
			t.Errorf("the error repeats a secret: %v", e)
		}
	}
	return refused{e.RetryAfter}
}

func encodeBig(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
