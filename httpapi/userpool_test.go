package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"muster"
)

// fakeUserPool remembers the last call.
type fakeUserPool struct {
	last   string
	answer muster.PoolAnswer
	err    error
}

func (f *fakeUserPool) called(name string, args ...any) error {
	f.last = strings.TrimSpace(fmt.Sprintln(append([]any{name}, args...)...))
	return f.err
}

func (f *fakeUserPool) SignUp(_ context.Context, want muster.PoolSignUp) error {
	return f.called("SignUp", want)
}

func (f *fakeUserPool) ConfirmSignUp(_ context.Context, username, code string) error {
	return f.called("ConfirmSignUp", username, code)
}

func (f *fakeUserPool) ResendCode(_ context.Context, username string) error {
	return f.called("ResendCode", username)
}

func (f *fakeUserPool) ForgotPassword(_ context.Context, username string) error {
	return f.called("ForgotPassword", username)
}

func (f *fakeUserPool) ResetPassword(_ context.Context, username, code, password string) error {
	return f.called("ResetPassword", username, code, password)
}

func (f *fakeUserPool) ChangePassword(_ context.Context, want muster.PoolPasswordChange) error {
	return f.called("ChangePassword", want)
}

func (f *fakeUserPool) SignIn(_ context.Context, want muster.PoolSignIn) (muster.PoolAnswer, error) {
	return f.answer, f.called("SignIn", want)
}

func (f *fakeUserPool) AnswerChallenge(_ context.Context, said muster.PoolReply) (muster.PoolAnswer, error) {
	return f.answer, f.called("AnswerChallenge", said)
}

func (f *fakeUserPool) SetUpAuthenticator(_ context.Context, session string) (muster.PoolAuthenticator, error) {
	return muster.PoolAuthenticator{SecretCode: "JBSW", Session: "s-2"}, f.called("SetUpAuthenticator", session)
}

func (f *fakeUserPool) Refresh(_ context.Context, token string) (muster.PoolAnswer, error) {
	return f.answer, f.called("Refresh", token)
}

func (f *fakeUserPool) SignOut(_ context.Context, access, refresh string) error {
	return f.called("SignOut", access, refresh)
}

func (f *fakeUserPool) AWSIdentity(_ context.Context, caller muster.Caller) (muster.AWSIdentity, error) {
	return muster.AWSIdentity{IdentityID: "eu:1", Token: "t"}, f.called("AWSIdentity", caller.Player)
}

func (f *fakeUserPool) loginServer(_ context.Context, proof string) (muster.ServerGrant, error) {
	return muster.ServerGrant{AccessToken: "tok", ExpiresInSeconds: 900}, f.called("loginServer", proof)
}

func TestTheUserPoolIsHandedOn(t *testing.T) {
	r := newRig(t, nil)
	grant := muster.Grant{Player: muster.GrantPlayer{ID: ada}, AccessToken: "tok"}
	for _, c := range []struct {
		name, target, token, body string
		status                    int
		want, last                string
	}{
		{
			"signing up", "/v1/auth/cognito/sign-up", "", `{"username":"ada","password":"p","attributes":{"email":"a@example.com"}}`, 204, "",
			"SignUp {ada p map[email:a@example.com]}",
		},
		{"confirming", "/v1/auth/cognito/confirm", "", `{"username":"ada","code":"1"}`, 204, "", "ConfirmSignUp ada 1"},
		{"asking for the code again", "/v1/auth/cognito/resend", "", `{"username":"ada"}`, 204, "", "ResendCode ada"},
		{"forgetting a password", "/v1/auth/cognito/forgot-password", "", `{"username":"ada"}`, 204, "", "ForgotPassword ada"},
		{"resetting a password", "/v1/auth/cognito/reset-password", "", `{"username":"ada","code":"1","newPassword":"n"}`, 204, "", "ResetPassword ada 1 n"},
		{"changing a password by name", "/v1/auth/cognito/change-password", "", `{"username":"ada","password":"p","newPassword":"n"}`, 204, "", "ChangePassword { ada p n}"},
		{"changing a password by token", "/v1/auth/cognito/change-password", "", `{"accessToken":"t","password":"p","newPassword":"n"}`, 204, "", "ChangePassword {t  p n}"},
		{"changing nobody's password", "/v1/auth/cognito/change-password", "", `{"password":"p","newPassword":"n"}`, 400, "request.invalid", ""},
		{"signing in", "/v1/auth/cognito/sign-in", "", `{"username":"ada","password":"p"}`, 200, `"grant":{`, "SignIn {ada p }"},
		{"signing in without the password", "/v1/auth/cognito/sign-in", "", `{"username":"ada","srpA":"AB0f"}`, 200, `"grant":{`, "SignIn {ada  AB0f}"},
		{"signing in with both", "/v1/auth/cognito/sign-in", "", `{"username":"ada","password":"p","srpA":"ab"}`, 400, "request.invalid", ""},
		{"signing in with neither", "/v1/auth/cognito/sign-in", "", `{"username":"ada"}`, 400, "request.invalid", ""},
		{"a public value that is no number", "/v1/auth/cognito/sign-in", "", `{"username":"ada","srpA":"xyz"}`, 400, "request.invalid", ""},
		{
			"answering a challenge", "/v1/auth/cognito/challenge", "", `{"challenge":"SMS_MFA","session":"s","username":"u","answers":{"SMS_MFA_CODE":"1"}}`, 200, `"accessToken":"tok"`,
			"AnswerChallenge {SMS_MFA s u map[SMS_MFA_CODE:1]}",
		},
		{"answering nothing", "/v1/auth/cognito/challenge", "", `{"challenge":"SMS_MFA","session":"s","username":"u","answers":{}}`, 400, "request.invalid", ""},
		{"setting an authenticator up", "/v1/auth/cognito/authenticator", "", `{"session":"s"}`, 200, `{"secretCode":"JBSW","session":"s-2"}`, "SetUpAuthenticator s"},
		{"refreshing", "/v1/auth/cognito/refresh", "", `{"refreshToken":"r"}`, 200, `"grant":{`, "Refresh r"},
		{"signing out", "/v1/auth/cognito/sign-out", "", `{"accessToken":"a","refreshToken":"r"}`, 204, "", "SignOut a r"},
		{"signing out of nothing", "/v1/auth/cognito/sign-out", "", `{}`, 400, "request.invalid", ""},
		{"a member that there is none of", "/v1/auth/cognito/resend", "", `{"username":"ada","code":"1"}`, 400, "request.unknown_member", ""},
		{"AWS credentials", "/v1/auth/aws-credentials", "ada", ``, 200, `"identityId":"eu:1"`, "AWSIdentity p-ada"},
		{"a game server's token", "/v1/server/token", "", `{"url":"https://sts.example/"}`, 200, `{"accessToken":"tok","expiresInSeconds":900}`, "loginServer https://sts.example/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.userPool.last, r.userPool.answer = t, "", muster.PoolAnswer{Grant: &grant}
			a := r.do("POST", c.target, c.token, c.body)
			if a.status != c.status || !strings.Contains(a.body, c.want) || c.want == "" && a.body != "" {
				t.Errorf("status %d, body %s; want %d with %s", a.status, a.body, c.status, c.want)
			}
			if r.userPool.last != c.last {
				t.Errorf("asked %q, want %q", r.userPool.last, c.last)
			}
			if c.body != "" && strings.Contains(r.log.String(), `"p"`) {
				t.Error("the log holds a password")
			}
		})
	}
}

func TestAChallengeIsPassedOn(t *testing.T) {
	r := newRig(t, nil)
	r.userPool.answer = muster.PoolAnswer{Challenge: &muster.PoolChallenge{
		Name: "SMS_MFA", Session: "s", Username: "u", Parameters: map[string]string{"CODE_DELIVERY_DESTINATION": "+***11"},
	}}
	a := r.do("POST", "/v1/auth/cognito/sign-in", "", `{"username":"ada","password":"p"}`)
	var got muster.PoolAnswer
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || got.Grant != nil || got.Challenge.Parameters["CODE_DELIVERY_DESTINATION"] != "+***11" {
		t.Errorf("status %d, body %s, %v", a.status, a.body, err)
	}
}

func TestRefusalsOfTheUserPool(t *testing.T) {
	r := newRig(t, nil)
	for kind, status := range map[muster.Kind]int{
		muster.Invalid: 400, muster.Unauthenticated: 401, muster.Denied: 403, muster.Conflict: 409, muster.Exhausted: 429, muster.Unavailable: 503,
	} {
		r.userPool.err = muster.Errorf(kind, "cognito.refused", "no")
		if a := r.do("POST", "/v1/auth/cognito/sign-up", "", `{"username":"ada","password":"p"}`); a.status != status || a.code() != "cognito.refused" {
			t.Errorf("%v is answered with %d %s", kind, a.status, a.body)
		}
	}
	none := newRig(t, func(o *Options) { o.UserPool, o.AWSIdentities, o.LoginServer = nil, nil, nil })
	for _, path := range []string{"/v1/auth/cognito/sign-in", "/v1/auth/aws-credentials", "/v1/server/token"} {
		if a := none.do("POST", path, "", `{}`); a.status != 404 {
			t.Errorf("%s is served without a pool: %d", path, a.status)
		}
	}
}
