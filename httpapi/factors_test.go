package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster"
)

// fakeFactors remembers the last call and answers with err, if set.
type fakeFactors struct {
	last string
	err  error
}

func (f *fakeFactors) done(format string, args ...any) error {
	f.last = fmt.Sprintf(format, args...)
	return f.err
}

func (f *fakeFactors) SecondFactors(_ context.Context, caller muster.Caller) ([]muster.SecondFactorView, error) {
	if caller.Player == "p-guest" {
		return nil, f.done("list %s", caller.Player)
	}
	return []muster.SecondFactorView{{Kind: "totp", Since: time.Unix(0, 0).UTC(), RecoveryCodesLeft: 9}}, f.done("list %s", caller.Player)
}

func (f *fakeFactors) SetUpFactor(_ context.Context, caller muster.Caller, current string) (muster.FactorSetUp, error) {
	return muster.FactorSetUp{Secret: "JBSW", URI: "otpauth://totp/x?secret=JBSW", ExpiresInSeconds: 600}, f.done("set up %s %s", caller.Player, current)
}

func (f *fakeFactors) ConfirmFactor(_ context.Context, caller muster.Caller, code string) ([]string, error) {
	return []string{"A-B"}, f.done("confirm %s %s", caller.Player, code)
}

func (f *fakeFactors) NewRecoveryCodes(_ context.Context, caller muster.Caller, said muster.FactorAnswer) ([]string, error) {
	return []string{"C-D"}, f.done("new codes %s %+v", caller.Player, said)
}

func (f *fakeFactors) TurnFactorOff(_ context.Context, caller muster.Caller, said muster.FactorAnswer) error {
	return f.done("off %s %+v", caller.Player, said)
}

func (f *fakeFactors) AnswerChallenge(_ context.Context, session string, said muster.FactorAnswer) (muster.PasswordAnswer, error) {
	return muster.PasswordAnswer{Grant: muster.Grant{AccessToken: "tok"}, RecoveryCodes: []string{"E-F"}}, f.done("answer %s %+v", session, said)
}

func (f *fakeFactors) SetUpByChallenge(_ context.Context, session string) (muster.FactorSetUp, error) {
	return muster.FactorSetUp{Secret: "JBSW"}, f.done("set up by %s", session)
}

func (f *fakeFactors) takeAway(ctx context.Context, p muster.PlayerID) error {
	caller, _ := muster.CallerFrom(ctx)
	return f.done("take %s away by %s%s", p, caller.Scope, asOperator(ctx))
}

func TestSecondFactors(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, method, target, token, body string
		headers                           []string
		status                            int
		want, last                        string
	}{
		{"they are listed", "GET", "/v1/auth/factors", "ada", ``, nil, 200, `{"factors":[{"kind":"totp","since":"1970-01-01T00:00:00Z","recoveryCodesLeft":9}]}`, `list p-ada`},
		{"none are an empty list", "GET", "/v1/auth/factors", "guest", ``, nil, 200, `{"factors":[]}`, `list p-guest`},
		{"a secret is given out", "POST", "/v1/auth/factors/totp", "ada", `{"current":"my words"}`, nil, 200, `{"secret":"JBSW","uri":"otpauth://totp/x?secret=JBSW","expiresInSeconds":600}`, `set up p-ada my words`},
		{"the first code turns it on", "POST", "/v1/auth/factors/totp/confirm", "ada", `{"code":"492039"}`, nil, 200, `{"recoveryCodes":["A-B"]}`, `confirm p-ada 492039`},
		{"a code is needed", "POST", "/v1/auth/factors/totp/confirm", "ada", `{}`, nil, 400, `request.invalid`, ``},
		{"new recovery codes for a code", "POST", "/v1/auth/factors/totp/recovery-codes", "ada", `{"code":"492039"}`, nil, 200, `{"recoveryCodes":["C-D"]}`, `new codes p-ada {Code:492039 RecoveryCode:}`},
		{"and for a recovery code", "POST", "/v1/auth/factors/totp/recovery-codes", "ada", `{"recoveryCode":"A-B"}`, nil, 200, `C-D`, `new codes p-ada {Code: RecoveryCode:A-B}`},
		{"not for both", "POST", "/v1/auth/factors/totp/recovery-codes", "ada", `{"code":"492039","recoveryCode":"A-B"}`, nil, 400, `request.invalid`, ``},
		{"a code takes it away", "DELETE", "/v1/auth/factors/totp", "ada", ``, []string{"Muster-Proof", "492 039"}, 204, ``, `off p-ada {Code:492 039 RecoveryCode:}`},
		{"a recovery code does", "DELETE", "/v1/auth/factors/totp", "ada", ``, []string{"Muster-Proof", "012345-678901-234567-890123"}, 204, ``, `off p-ada {Code: RecoveryCode:012345-678901-234567-890123}`},
		{"nothing does not", "DELETE", "/v1/auth/factors/totp", "ada", ``, nil, 400, `request.invalid`, ``},
		{"nobody without a token", "DELETE", "/v1/auth/factors/totp", "", ``, []string{"Muster-Proof", "492039"}, 401, `auth.missing`, ``},
		{"a challenge is answered", "POST", "/v1/auth/challenge", "", `{"session":"s","code":"492039"}`, nil, 200, `"accessToken":"tok"`, `answer s {Code:492039 RecoveryCode:}`},
		{"with a recovery code", "POST", "/v1/auth/challenge", "", `{"session":"s","recoveryCode":"A-B"}`, nil, 200, `"recoveryCodes":["E-F"]`, `answer s {Code: RecoveryCode:A-B}`},
		{"not with nothing", "POST", "/v1/auth/challenge", "", `{"session":"s"}`, nil, 400, `request.invalid`, ``},
		{"a misspelt member is refused", "POST", "/v1/auth/challenge", "", `{"session":"s","cod":"1"}`, nil, 400, `request.unknown_member`, ``},
		{"an authenticator is set up on the way", "POST", "/v1/auth/challenge/authenticator", "", `{"session":"s"}`, nil, 200, `"secret":"JBSW"`, `set up by s`},
		{"an operator takes a lost one away", "DELETE", "/v1/admin/players/p-ada/factors", "mak_good", ``, nil, 204, ``, `take p-ada away by admin`},
		{"a player does not", "DELETE", "/v1/admin/players/p-bob/factors", "ada", ``, nil, 403, `auth.`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t, r.factors.last = t, ""
			a := r.do(c.method, c.target, c.token, c.body, c.headers...)
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Errorf("status %d, body %s; want %d with %s", a.status, a.body, c.status, c.want)
			}
			if r.factors.last != c.last {
				t.Errorf("asked for %q, want %q", r.factors.last, c.last)
			}
		})
	}
}

func TestASignInIsAnsweredByAChallengeAlone(t *testing.T) {
	r := newRig(t, nil)
	r.passwords.challenge = &muster.FactorChallenge{Name: muster.ChallengeCode, Session: "s", ExpiresInSeconds: 300}
	a := r.do("POST", "/v1/auth/login/email", "", `{"email":"a@b.example","password":"four words"}`)
	if a.status != 200 || !strings.Contains(a.body, `"challenge":{"name":"SOFTWARE_TOKEN_MFA","session":"s","expiresInSeconds":300}`) || strings.Contains(a.body, `"player"`) {
		t.Errorf("status %d, body %s", a.status, a.body)
	}
}

func TestCodesAreNotLogged(t *testing.T) {
	r := newRig(t, nil)
	_ = r.do("POST", "/v1/auth/challenge", "", `{"session":"hidden-session","code":"492039"}`)
	_ = r.do("DELETE", "/v1/auth/factors/totp", "ada", ``, "Muster-Proof", "492039")
	if text := r.log.String(); strings.Contains(text, "492039") || strings.Contains(text, "hidden-session") {
		t.Errorf("the log says %s", text)
	}
}

func TestFactorsMayBeLeftOut(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Factors, o.TakeFactorAway = nil, nil })
	for _, call := range []string{"POST /v1/auth/factors/totp", "POST /v1/auth/challenge", "DELETE /v1/admin/players/p-ada/factors"} {
		method, path, _ := strings.Cut(call, " ")
		if a := r.do(method, path, "ada", ``); a.status != 404 && a.status != 405 {
			t.Errorf("%s answers %d", call, a.status)
		}
	}
}
