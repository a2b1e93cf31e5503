package httpapi

import (
	"context"
	"net/http/httptest"
	"testing"

	"muster"
)

func TestOtherSignInsEndAfterAFreshProof(t *testing.T) {
	notFresh := muster.Errorf(muster.Denied, "signin.not_fresh", "sign in again first")
	for _, c := range []struct {
		name, method, target, shown, asked string
		status                             int
	}{
		{"another device's", "DELETE", "/v1/players/me/sign-ins/f2", "", "", 403},
		{"another device's, with a proof", "DELETE", "/v1/players/me/sign-ins/f2", "g.secret", "end f2 of p-ada: signedOut", 204},
		{"one's own", "DELETE", "/v1/players/me/sign-ins/fam-1", "", "end fam-1 of p-ada: signedOut", 204},
		{"all", "POST", "/v1/auth/logout-everywhere", "", "", 403},
		{"all, with a proof", "POST", "/v1/auth/logout-everywhere", "g.secret", "end all of p-ada for player", 204},
		{"the list of them", "GET", "/v1/players/me/sign-ins", "", "list p-ada", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(o *Options) {
				verify := o.Verify
				o.Verify = func(ctx context.Context, token string) (muster.Caller, error) {
					caller, err := verify(ctx, token)
					caller.Family = "fam-1"
					return caller, err
				}
				o.Fresh = func(_ context.Context, caller muster.Caller, shown string) error {
					if caller.Player != "p-ada" || caller.Family != "fam-1" {
						t.Errorf("asked of %+v", caller)
					}
					if shown != "g.secret" {
						return notFresh
					}
					return nil
				}
			})
			var headers []string
			if c.shown != "" {
				headers = []string{"Muster-Proof", c.shown}
			}
			a := r.do(c.method, c.target, "ada", "", headers...)
			if a.status != c.status || r.signIns.last != c.asked || a.status == 403 && a.code() != "signin.not_fresh" {
				t.Errorf("%d %s, asked %q, want %d and %q", a.status, a.body, r.signIns.last, c.status, c.asked)
			}
		})
	}
}

func TestWhoeverSignsACallNeedsNoFreshSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		shown  string
		status int
	}{
		"by a signature":                {awsSignature, 204},
		"by a signature in the query":   {"", 204},
		"by a token beside a signature": {"Bearer ada", 403},
	} {
		for _, call := range [][2]string{{"POST", "/v1/auth/logout-everywhere"}, {"DELETE", "/v1/players/me/sign-ins/f2"}} {
			r := newRig(t, func(o *Options) {
				signedBy(muster.Caller{Player: "signer", Scope: muster.PlayerScope}, nil)(o)
				o.Fresh = func(context.Context, muster.Caller, string) error {
					return muster.Errorf(muster.Denied, "signin.not_fresh", "sign in again first")
				}
			})
			req := httptest.NewRequest(call[0], call[1], nil)
			if c.shown != "" {
				req.Header.Set("Authorization", c.shown)
			}
			rec := httptest.NewRecorder()
			r.handler.ServeHTTP(rec, req)
			if rec.Code != c.status {
				t.Errorf("%s: %s answers %d, want %d: %s", name, call[1], rec.Code, c.status, rec.Body)
			}
		}
	}
}
