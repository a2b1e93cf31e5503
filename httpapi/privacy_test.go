package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"muster"
)

var _ Privacy = (*muster.Backend)(nil)

// fakePrivacy remembers who was deleted, and breaks exports off if told to.
type fakePrivacy struct {
	err     error
	broken  error
	deleted []muster.PlayerID
}

func (f *fakePrivacy) Export(_ context.Context, me muster.PlayerID) (func(io.Writer) error, error) {
	return func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, `{"account":{"id":%q}`, me); err != nil || f.broken != nil {
			return errors.Join(err, f.broken)
		}
		_, err := io.WriteString(w, "}\n")
		return err
	}, f.err
}

func (f *fakePrivacy) DeleteAccount(_ context.Context, me muster.PlayerID) error {
	f.deleted = append(f.deleted, me)
	return f.err
}

// prove knows Ada's proof.
func prove(_ context.Context, caller muster.Caller, proof string) error {
	if caller.Player == ada && proof == "good-proof" {
		return nil
	}
	return muster.Errorf(muster.Denied, "proof.invalid", "this is no proof")
}

func TestAnAccountIsDeletedWithAProofAlone(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, token, proof, code string
		status                   int
	}{
		{"no proof", "ada", "", "request.invalid", 400},
		{"a wrong proof", "ada", "bad-hush", "proof.invalid", 403},
		{"another's proof", "guest", "good-proof", "proof.invalid", 403},
		{"a proof without a token", "", "good-proof", "auth.missing", 401},
		{"a game server", "msk_good", "good-proof", "auth.wrong_scope", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			var headers []string
			if c.proof != "" {
				headers = []string{"Muster-Proof", c.proof}
			}
			a := r.do("DELETE", "/v1/players/me", c.token, "", headers...)
			if a.status != c.status || a.code() != c.code || len(r.privacy.deleted) > 0 {
				t.Errorf("%d %s; deleted are %v", a.status, a.body, r.privacy.deleted)
			}
		})
	}
	if a := r.do("DELETE", "/v1/players/me", "ada", "", "Muster-Proof", "good-proof"); a.status != 204 || fmt.Sprint(r.privacy.deleted) != "[p-ada]" {
		t.Errorf("%d %s; deleted are %v", a.status, a.body, r.privacy.deleted)
	}
	if strings.Contains(r.log.String(), "hush") || strings.Contains(r.log.String(), "good-proof") {
		t.Error("a proof is in the log")
	}
}

func TestAnExportThatBreaksOffIsNoDocument(t *testing.T) {
	r := newRig(t, nil)
	a := r.do("GET", "/v1/players/me/export", "ada", "")
	if a.status != 200 || a.body != `{"account":{"id":"p-ada"}}`+"\n" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.privacy.err = muster.Errorf(muster.NotFound, "player.not_found", "gone")
	if a := r.do("GET", "/v1/players/me/export", "ada", ""); a.status != 404 || a.code() != "player.not_found" {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.privacy.err, r.privacy.broken = nil, errors.New("the store went away")
	defer func() {
		if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			t.Errorf("the connection is not broken off: %v", v)
		}
		if !strings.Contains(r.log.String(), "the store went away") {
			t.Error("the cause is not in the log")
		}
	}()
	r.do("GET", "/v1/players/me/export", "ada", "")
}
