package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"muster"
)

// fakeLinks remembers the last call.
type fakeLinks struct {
	last string
	err  error
}

func (f *fakeLinks) call(format string, args ...any) (muster.LinksView, error) {
	f.last = fmt.Sprintf(format, args...)
	return muster.LinksView{Links: []muster.LinkView{{Provider: "acme", Subject: "ann"}}}, f.err
}

func (f *fakeLinks) Links(_ context.Context, c muster.Caller) (muster.LinksView, error) {
	return f.call("%s of %s lists", c.Player, c.Family)
}

func (f *fakeLinks) Link(_ context.Context, c muster.Caller, provider string, proof muster.Proof, shown string) (muster.LinksView, error) {
	return f.call("%s of %s links %s %s %q", c.Player, c.Family, provider, proof.Token, shown)
}

func (f *fakeLinks) Unlink(_ context.Context, c muster.Caller, provider, shown string) (muster.LinksView, error) {
	return f.call("%s of %s unlinks %s %q", c.Player, c.Family, provider, shown)
}

func (f *fakeLinks) Merge(_ context.Context, c muster.Caller, other muster.OtherPlayer, shown string) (muster.LinksView, error) {
	guest := muster.Guest{}
	if other.Guest != nil {
		guest = *other.Guest
	}
	return f.call("%s of %s merges %s %s %v %s %q", c.Player, c.Family, other.Provider, other.Proof.Token, guest, other.RefreshToken, shown)
}

func TestLinks(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, method, target, body string
		status                     int
		want, last                 string
	}{
		{"my ways in are listed", "GET", "/v1/auth/links", ``, 200, `{"links":[{"provider":"acme","subject":"ann"`, `p-ada of f1 lists`},
		{"one is linked", "POST", "/v1/auth/links/acme", `{"token":"ann"}`, 200, `"links"`, `p-ada of f1 links acme ann "g-1.s"`},
		{"one is unlinked", "DELETE", "/v1/auth/links/acme", ``, 200, `"links"`, `p-ada of f1 unlinks acme "g-1.s"`},
		{"a player is merged by a provider's proof", "POST", "/v1/auth/merge", `{"provider":"acme","proof":{"token":"bob"}}`, 200, `"links"`, `p-ada of f1 merges acme bob { }  "g-1.s"`},
		{"a player is merged as a guest", "POST", "/v1/auth/merge", `{"guest":{"id":"g-2","secret":"x"}}`, 200, `"links"`, `p-ada of f1 merges   {g-2 x}  "g-1.s"`},
		{"a player is merged by a sign-in", "POST", "/v1/auth/merge", `{"refreshToken":"mrt_1"}`, 200, `"links"`, `p-ada of f1 merges   { } mrt_1 "g-1.s"`},
		{"a merge needs a proof", "POST", "/v1/auth/merge", `{}`, 400, `merge.one_proof`, ``},
		{"a merge has one proof", "POST", "/v1/auth/merge", `{"refreshToken":"mrt_1","guest":{"id":"g-2","secret":"x"}}`, 400, `merge.one_proof`, ``},
		{"a provider has a proof", "POST", "/v1/auth/merge", `{"provider":"acme","refreshToken":"mrt_1"}`, 400, `merge.one_proof`, ``},
		{"a proof has a provider", "POST", "/v1/auth/merge", `{"proof":{"token":"bob"}}`, 400, `merge.one_proof`, ``},
		{"a member of a proof that it has not is refused", "POST", "/v1/auth/merge", `{"provider":"email","proof":{"email":"a@b.example","password":"x"}}`, 400, `no member \"email\", \"password\" in proof; it has \"code\", \"codeVerifier\", \"fields\"`, ``},
		{"a member of a guest that it has not is refused", "POST", "/v1/auth/merge", `{"guest":{"id":"g-2","secret":"x","name":"y"}}`, 400, `"body.guest.name"`, ``},
		{"the provider is looked at before the members", "POST", "/v1/auth/links/nobody", `{"idToken":"ann"}`, 404, `provider.unknown`, ``},
		{"a member that no proof has is refused", "POST", "/v1/auth/links/acme", `{"idToken":"ann"}`, 400, `request.unknown_member`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.links.last = t, ""
			a := r.do(c.method, c.target, "ada", c.body, "Muster-Proof", "g-1.s")
			if a.status != c.status || !strings.Contains(a.body, c.want) || r.links.last != c.last {
				t.Errorf("status %d, body %s after %s; want %d with %s after %s", a.status, a.body, r.links.last, c.status, c.want, c.last)
			}
		})
	}
	r.links.err = &muster.Error{Kind: muster.Conflict, Code: "identity.in_use", Message: "another's", Details: map[string]any{"offers": []string{"switch", "merge"}}}
	if a := r.do("POST", "/v1/auth/links/acme", "ada", `{"token":"ann"}`); a.status != 409 || !strings.Contains(a.body, `"offers":["switch","merge"]`) {
		t.Errorf("an identity of somebody else answers %d %s", a.status, a.body)
	}
}
