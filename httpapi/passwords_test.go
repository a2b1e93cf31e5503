package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"muster"
)

// fakePasswords remembers the last call and answers with err, if set.
type fakePasswords struct {
	last      string
	err       error
	challenge *muster.FactorChallenge // a sign-in is answered so, if set
}

func (f *fakePasswords) sent(format string, args ...any) (muster.CodeSent, error) {
	f.last = fmt.Sprintf(format, args...)
	return muster.CodeSent{ID: "req-1", ExpiresInSeconds: 600}, f.err
}

func (f *fakePasswords) done(format string, args ...any) error {
	f.last = fmt.Sprintf(format, args...)
	return f.err
}

func (f *fakePasswords) Register(_ context.Context, email, password string) (muster.CodeSent, error) {
	return f.sent("register %s %s", email, password)
}

func (f *fakePasswords) Resend(_ context.Context, id string) error { return f.done("resend %s", id) }

func (f *fakePasswords) Verify(_ context.Context, proof muster.MailProof, password string) (muster.PasswordAnswer, error) {
	return muster.PasswordAnswer{Grant: muster.Grant{AccessToken: "tok", Created: proof.Token == ""}}, f.done("verify %+v %s", proof, password)
}

func (f *fakePasswords) Login(_ context.Context, email, password string) (muster.PasswordAnswer, error) {
	return muster.PasswordAnswer{Grant: muster.Grant{AccessToken: "tok"}, Challenge: f.challenge}, f.done("login %s %s", email, password)
}

func (f *fakePasswords) Forgot(_ context.Context, email string) (muster.CodeSent, error) {
	return f.sent("forgot %s", email)
}

func (f *fakePasswords) Reset(_ context.Context, proof muster.MailProof, password string) error {
	return f.done("reset %+v %s", proof, password)
}

func (f *fakePasswords) Link(_ context.Context, caller muster.Caller, email, password, shown string) (muster.CodeSent, error) {
	return f.sent("link %s %s %s %q", caller.Player, email, password, shown)
}

func (f *fakePasswords) Change(_ context.Context, caller muster.Caller, current, password string) error {
	return f.done("change %s %s %s", caller.Player, current, password)
}

func (f *fakePasswords) ChangeAddress(_ context.Context, caller muster.Caller, current, email string) (muster.CodeSent, error) {
	return f.sent("move %s %s %s", caller.Player, current, email)
}

func (f *fakePasswords) ConfirmAddress(_ context.Context, caller muster.Caller, proof muster.MailProof) error {
	return f.done("confirm %s %+v", caller.Player, proof)
}

func TestPasswords(t *testing.T) {
	r := newRig(t, nil)
	const sent = `{"id":"req-1","expiresInSeconds":600}`
	for _, c := range []struct {
		name, method, target, token, body string
		status                            int
		want, last                        string
	}{
		{"an address registers", "POST", "/v1/auth/register", "", `{"email":"a@b.example","password":"four words"}`, 202, sent, `register a@b.example four words`},
		{"spaces of a password are kept", "POST", "/v1/auth/register", "", `{"email":"a@b.example","password":" x "}`, 202, sent, `register a@b.example  x `},
		{"a password is needed", "POST", "/v1/auth/register", "", `{"email":"a@b.example"}`, 400, `request.invalid`, ``},
		{"an endless password is refused", "POST", "/v1/auth/register", "", `{"email":"a@b.example","password":"` + strings.Repeat("x", 513) + `"}`, 400, `request.invalid`, ``},
		{"a misspelt member is refused", "POST", "/v1/auth/register", "", `{"email":"a@b.example","password":"x","pasword":"y"}`, 400, `request.unknown_member`, ``},
		{"a code comes back", "POST", "/v1/auth/email/verify", "", `{"id":"req-1","code":"K7QM-2XWD"}`, 201, `"accessToken":"tok"`, `verify {ID:req-1 Code:K7QM-2XWD Token:} `},
		{"a link comes back", "POST", "/v1/auth/email/verify", "", `{"token":"t","password":"four words"}`, 200, `"accessToken":"tok"`, `verify {ID: Code: Token:t} four words`},
		{"a code is sent again", "POST", "/v1/auth/email/resend", "", `{"id":"req-1"}`, 204, ``, `resend req-1`},
		{"a player signs in, and it is no provider's proof", "POST", "/v1/auth/login/email", "", `{"email":"a@b.example","password":"four words"}`, 200, `"accessToken":"tok"`, `login a@b.example four words`},
		{"a password is forgotten", "POST", "/v1/auth/password/forgot", "", `{"email":"a@b.example"}`, 202, sent, `forgot a@b.example`},
		{"a password is reset", "POST", "/v1/auth/password/reset", "", `{"id":"req-1","code":"c","password":"new"}`, 204, ``, `reset {ID:req-1 Code:c Token:} new`},
		{"an address is linked, and it is no provider's proof", "POST", "/v1/auth/links/email", "guest", `{"email":"a@b.example","password":"four words"}`, 202, sent, `link p-guest a@b.example four words ""`},
		{"a password is changed", "PUT", "/v1/auth/password", "ada", `{"current":"old","password":"new"}`, 204, ``, `change p-ada old new`},
		{"nobody changes a password without a token", "PUT", "/v1/auth/password", "", `{"password":"new"}`, 401, `auth.missing`, ``},
		{"an address is changed", "PUT", "/v1/auth/email", "ada", `{"email":"new@b.example"}`, 202, sent, `move p-ada  new@b.example`},
		{"an address is confirmed", "POST", "/v1/auth/email/confirm", "ada", `{"id":"req-1","code":"c"}`, 204, ``, `confirm p-ada {ID:req-1 Code:c Token:}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.passwords.last = t, ""
			a := r.do(c.method, c.target, c.token, c.body)
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Errorf("status %d, body %s; want %d with %s", a.status, a.body, c.status, c.want)
			}
			if r.passwords.last != c.last {
				t.Errorf("asked for %q, want %q", r.passwords.last, c.last)
			}
		})
	}
}

func TestACodeOfALinkSaysWhatIsWrongWithTheToken(t *testing.T) {
	r := newRig(t, nil)
	r.passwords.err = muster.Errorf(muster.Unauthenticated, "auth.missing", "send that player's access token")
	for token, want := range map[string]string{"": "auth.missing", "nonsense": "auth.bad_token"} {
		a := r.do("POST", "/v1/auth/email/verify", token, `{"id":"req-1","code":"c"}`)
		if a.status != 401 || a.code() != want {
			t.Errorf("with the token %q: status %d, code %s, want %s", token, a.status, a.code(), want)
		}
	}
}

func TestABusyHasherSaysWhenToComeAgain(t *testing.T) {
	r := newRig(t, nil)
	r.passwords.err = &muster.Error{Kind: muster.Exhausted, Code: "password.busy", Message: "too many", RetryAfter: 2e9}
	a := r.do("POST", "/v1/auth/login/email", "", `{"email":"a@b.example","password":"four words"}`)
	if a.status != 429 || a.code() != "password.busy" || a.header.Get("Retry-After") != "2" {
		t.Errorf("status %d, code %s, Retry-After %s", a.status, a.code(), a.header.Get("Retry-After"))
	}
}

func TestPasswordsMayBeLeftOut(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Passwords = nil })
	if a := r.do("POST", "/v1/auth/register", "", `{"email":"a@b.example","password":"four words"}`); a.status != 404 {
		t.Errorf("status %d", a.status)
	}
}
