package cognito_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/aws/cognito"
	"muster/aws/cognito/cognitotest"
	"muster/identity/provider/providertest"
)

const (
	ada      = "ada"
	password = "Correct-Horse-7"
)

func TestSigningUpAndIn(t *testing.T) {
	for _, flow := range []cognito.Flow{cognito.FlowSRP, cognito.FlowPassword} {
		t.Run(string(flow), func(t *testing.T) {
			r := newRig(t, func(o *cognito.UsersOptions) { o.Flow = flow })
			ctx := t.Context()
			if err := r.users.SignUp(ctx, muster.PoolSignUp{Username: ada, Password: password, Attributes: map[string]string{"email": "ada@example.com"}}); err != nil {
				t.Fatal(err)
			}
			_, err := r.users.SignIn(ctx, muster.PoolSignIn{Username: ada, Password: password})
			wantRefusal(t, err, muster.Denied, "cognito.not_confirmed")
			if err := r.users.ResendCode(ctx, ada); err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, r.users.ConfirmSignUp(ctx, ada, "000000"), muster.Unauthenticated, "cognito.code_invalid")
			if err := r.users.ConfirmSignUp(ctx, ada, cognitotest.Code); err != nil {
				t.Fatal(err)
			}
			_, err = r.users.SignIn(ctx, muster.PoolSignIn{Username: ada, Password: "wrong"})
			wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
			answer, err := r.users.SignIn(ctx, muster.PoolSignIn{Username: ada, Password: password})
			if err != nil {
				t.Fatal(err)
			}
			if answer.Challenge != nil || answer.Grant == nil || !strings.HasPrefix(string(answer.Grant.Player.ID), "player of "+cognitotest.PoolID+"/0") {
				t.Errorf("answer is %+v", answer)
			}
			if c := answer.Cognito; c == nil || c.AccessToken == "" || c.IDToken == "" || c.RefreshToken == "" || c.ExpiresInSeconds != 3600 {
				t.Errorf("Cognito's tokens are %+v", c)
			}
			for _, call := range r.Calls("/") {
				sent := strings.Contains(call.Body, `"PASSWORD":"`+password+`"`)
				initiates := strings.HasSuffix(call.Header.Get("X-Amz-Target"), ".InitiateAuth")
				if flow == cognito.FlowSRP && initiates && (sent || strings.Contains(call.Body, password)) {
					t.Error("the password was sent")
				}
			}
		})
	}
}

func TestAClientThatProvesItsPasswordByItself(t *testing.T) {
	r := newRig(t, nil)
	r.Add(cognitotest.User{Name: ada, Password: password})
	answer, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, PublicValue: "abcdef0123456789"})
	if err != nil {
		t.Fatal(err)
	}
	c := answer.Challenge
	if c == nil || answer.Grant != nil || c.Name != "PASSWORD_VERIFIER" || c.Parameters["SRP_B"] == "" || c.Parameters["SALT"] == "" || c.Username == "" {
		t.Fatalf("answer is %+v", answer)
	}
	_, err = r.users.AnswerChallenge(t.Context(), muster.PoolReply{Challenge: c.Name, Username: c.Username, Answers: map[string]string{
		"PASSWORD_CLAIM_SIGNATURE": "bm90IHNpZ25lZA==", "PASSWORD_CLAIM_SECRET_BLOCK": c.Parameters["SECRET_BLOCK"], "TIMESTAMP": "Mon Nov 2 08:00:00 UTC 2026",
	}})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
}

func TestSecondFactors(t *testing.T) {
	for factor, answers := range map[string]map[string]string{
		"SMS_MFA":               {"SMS_MFA_CODE": cognitotest.Code},
		"SOFTWARE_TOKEN_MFA":    {"SOFTWARE_TOKEN_MFA_CODE": cognitotest.Code},
		"EMAIL_OTP":             {"EMAIL_OTP_CODE": cognitotest.Code},
		"NEW_PASSWORD_REQUIRED": {"NEW_PASSWORD": "Another-Horse-8", "userAttributes.email": "ada@example.com"},
	} {
		t.Run(factor, func(t *testing.T) {
			r := newRig(t, nil)
			r.Add(cognitotest.User{Name: ada, Password: password, Factor: factor})
			answer, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
			if err != nil || answer.Challenge == nil || answer.Grant != nil || answer.Cognito != nil || r.logins != 0 {
				t.Fatalf("answer is %+v, %v", answer, err)
			}
			c := *answer.Challenge
			if c.Name != factor || c.Session == "" || c.Username == "" || c.Parameters["CODE_DELIVERY_DESTINATION"] == "" {
				t.Errorf("challenge is %+v", c)
			}
			reply := muster.PoolReply{Challenge: c.Name, Session: c.Session, Username: c.Username, Answers: answers}
			for name := range answers {
				if strings.HasSuffix(name, "_CODE") {
					wrong := reply
					wrong.Answers = map[string]string{name: "000000"}
					_, err := r.users.AnswerChallenge(t.Context(), wrong)
					wantRefusal(t, err, muster.Unauthenticated, "cognito.code_invalid")
				}
			}
			answer, err = r.users.AnswerChallenge(t.Context(), reply)
			if err != nil || answer.Grant == nil || r.logins != 1 {
				t.Fatalf("answer is %+v, %v", answer, err)
			}
			_, err = r.users.AnswerChallenge(t.Context(), reply)
			wantRefusal(t, err, muster.Unauthenticated, "credential.invalid") // a session works once
		})
	}
}

func TestChoosingASecondFactor(t *testing.T) {
	r := newRig(t, nil)
	r.Add(cognitotest.User{Name: ada, Password: password, Factor: "SELECT_MFA_TYPE"})
	answer, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	c := answer.Challenge
	answer, err = r.users.AnswerChallenge(t.Context(), muster.PoolReply{Challenge: c.Name, Session: c.Session, Username: c.Username, Answers: map[string]string{"ANSWER": "SMS_MFA"}})
	if err != nil || answer.Challenge == nil || answer.Challenge.Name != "SMS_MFA" {
		t.Fatalf("answer is %+v, %v", answer, err)
	}
	c = answer.Challenge
	answer, err = r.users.AnswerChallenge(t.Context(), muster.PoolReply{Challenge: c.Name, Session: c.Session, Username: c.Username, Answers: map[string]string{"SMS_MFA_CODE": cognitotest.Code}})
	if err != nil || answer.Grant == nil {
		t.Errorf("answer is %+v, %v", answer, err)
	}
}

func TestSettingAnAuthenticatorUp(t *testing.T) {
	r := newRig(t, nil)
	r.Add(cognitotest.User{Name: ada, Password: password, Factor: "MFA_SETUP"})
	answer, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	c := answer.Challenge
	app, err := r.users.SetUpAuthenticator(t.Context(), c.Session)
	if err != nil || app.SecretCode == "" || app.Session == "" {
		t.Fatalf("authenticator is %+v, %v", app, err)
	}
	reply := muster.PoolReply{Challenge: c.Name, Session: app.Session, Username: c.Username, Answers: map[string]string{"SOFTWARE_TOKEN_MFA_CODE": "000000"}}
	_, err = r.users.AnswerChallenge(t.Context(), reply)
	wantRefusal(t, err, muster.Unauthenticated, "cognito.code_invalid")
	reply.Answers["SOFTWARE_TOKEN_MFA_CODE"] = cognitotest.Code
	if answer, err = r.users.AnswerChallenge(t.Context(), reply); err != nil || answer.Grant == nil {
		t.Errorf("answer is %+v, %v", answer, err)
	}
	_, err = r.users.SetUpAuthenticator(t.Context(), "no session")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
}

func TestAnswersThatNoChallengeTakes(t *testing.T) {
	r := newRig(t, nil)
	for name, reply := range map[string]muster.PoolReply{
		"a challenge that is not a player's": {Challenge: "ADMIN_NO_SRP_AUTH"},
		"no challenge":                       {},
		"another user's name":                {Challenge: "SMS_MFA", Answers: map[string]string{"SMS_MFA_CODE": "1", "USERNAME": "bob"}},
		"a secret hash":                      {Challenge: "SMS_MFA", Answers: map[string]string{"SECRET_HASH": "x"}},
		"attributes elsewhere":               {Challenge: "SMS_MFA", Answers: map[string]string{"userAttributes.email": "x"}},
	} {
		_, err := r.users.AnswerChallenge(t.Context(), reply)
		if muster.KindOf(err) != muster.Invalid {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if calls := r.Operations(); len(calls) != 0 {
		t.Errorf("Cognito was asked: %v", calls)
	}
}

func TestPasswordsAreResetAndChanged(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	r.Add(cognitotest.User{Name: ada, Password: password})
	if err := r.users.ForgotPassword(ctx, ada); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, r.users.ResetPassword(ctx, ada, "000000", "Another-Horse-8"), muster.Unauthenticated, "cognito.code_invalid")
	wantRefusal(t, r.users.ResetPassword(ctx, ada, cognitotest.Code, "short"), muster.Invalid, "cognito.password_refused")
	if err := r.users.ResetPassword(ctx, ada, cognitotest.Code, "Another-Horse-8"); err != nil {
		t.Fatal(err)
	}
	change := muster.PoolPasswordChange{Username: ada, Password: password, NewPassword: "Third-Horse-9"}
	wantRefusal(t, r.users.ChangePassword(ctx, change), muster.Unauthenticated, "credential.invalid")
	change.Password = "Another-Horse-8"
	if err := r.users.ChangePassword(ctx, change); err != nil {
		t.Fatal(err)
	}
	answer, err := r.users.SignIn(ctx, muster.PoolSignIn{Username: ada, Password: "Third-Horse-9"})
	if err != nil {
		t.Fatal(err)
	}
	change = muster.PoolPasswordChange{AccessToken: answer.Cognito.AccessToken, Password: "Third-Horse-9", NewPassword: password}
	if err := r.users.ChangePassword(ctx, change); err != nil {
		t.Fatal(err)
	}
	change.AccessToken = "not one"
	wantRefusal(t, r.users.ChangePassword(ctx, change), muster.Unauthenticated, "credential.invalid")
	r.Add(cognitotest.User{Name: "bob", Password: password, Factor: "SMS_MFA"})
	wantRefusal(t, r.users.ChangePassword(ctx, muster.PoolPasswordChange{Username: "bob", Password: password, NewPassword: "Third-Horse-9"}), muster.Denied, "cognito.challenged")
}

func TestRefreshingAndSigningOut(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	r.Add(cognitotest.User{Name: ada, Password: password})
	sign := func() *muster.PoolTokens {
		t.Helper()
		answer, err := r.users.SignIn(ctx, muster.PoolSignIn{Username: ada, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Cognito
	}
	tokens := sign()
	answer, err := r.users.Refresh(ctx, tokens.RefreshToken)
	if err != nil || answer.Grant == nil || answer.Cognito.AccessToken == tokens.AccessToken || answer.Cognito.RefreshToken != "" {
		t.Fatalf("answer is %+v, %v", answer, err)
	}
	if err := r.users.SignOut(ctx, "", tokens.RefreshToken); err != nil {
		t.Fatal(err)
	}
	_, err = r.users.Refresh(ctx, tokens.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")

	one, other := sign(), sign()
	if err := r.users.SignOut(ctx, one.AccessToken, ""); err != nil {
		t.Fatal(err)
	}
	_, err = r.users.Refresh(ctx, other.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	wantRefusal(t, r.users.SignOut(ctx, one.AccessToken, ""), muster.Unauthenticated, "credential.invalid")
}

func TestPoolsTokensStayHereUnlessAskedFor(t *testing.T) {
	r := newRig(t, func(o *cognito.UsersOptions) { o.ShowTokens = false })
	r.Add(cognitotest.User{Name: ada, Password: password})
	answer, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
	if err != nil || answer.Grant == nil || answer.Cognito != nil {
		t.Errorf("answer is %+v, %v", answer, err)
	}
}

// Whoever asks cannot tell whether there is an account: the answers are the same, and so
// are the calls of Cognito up to its own refusal.
func TestNothingTellsWhetherThereIsAnAccount(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, u *cognito.Users, name string) error{
		"signing in": func(ctx context.Context, u *cognito.Users, name string) error {
			_, err := u.SignIn(ctx, muster.PoolSignIn{Username: name, Password: "wrong"})
			return err
		},
		"forgetting a password": func(ctx context.Context, u *cognito.Users, name string) error { return u.ForgotPassword(ctx, name) },
		"asking for the code":   func(ctx context.Context, u *cognito.Users, name string) error { return u.ResendCode(ctx, name) },
		"confirming": func(ctx context.Context, u *cognito.Users, name string) error {
			return u.ConfirmSignUp(ctx, name, "000000")
		},
		"resetting": func(ctx context.Context, u *cognito.Users, name string) error {
			return u.ResetPassword(ctx, name, "000000", "Another-Horse-8")
		},
		"changing a password": func(ctx context.Context, u *cognito.Users, name string) error {
			return u.ChangePassword(ctx, muster.PoolPasswordChange{Username: name, Password: "wrong", NewPassword: "Another-Horse-8"})
		},
		"signing up": func(ctx context.Context, u *cognito.Users, name string) error {
			return u.SignUp(ctx, muster.PoolSignUp{Username: name, Password: password})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.Add(cognitotest.User{Name: "ada@example.com", Password: password})
			known, unknown := call(t.Context(), r.users, "ada@example.com"), call(t.Context(), r.users, "bob@example.com")
			if (known == nil) != (unknown == nil) {
				t.Fatalf("known: %v, unknown: %v", known, unknown)
			}
			var a, b *muster.Error
			if known == nil {
				return
			}
			if !errors.As(known, &a) || !errors.As(unknown, &b) || a.Kind != b.Kind || a.Code != b.Code || a.Message != b.Message || a.RetryAfter != b.RetryAfter {
				t.Errorf("known: %v, unknown: %v", known, unknown)
			}
		})
	}
	r := newRig(t, nil)
	r.Add(cognitotest.User{Name: ada, Password: password})
	wantRefusal(t, r.users.SignUp(t.Context(), muster.PoolSignUp{Username: ada, Password: password}), muster.Conflict, "cognito.username_taken")
}

func TestExceptionsOfCognito(t *testing.T) {
	for _, c := range []struct {
		exception, message string
		kind               muster.Kind
		code               string
		logged             bool
	}{
		{"TooManyRequestsException", "Rate exceeded", muster.Exhausted, "provider.rate_limited", false},
		{"TooManyFailedAttemptsException", "", muster.Exhausted, "provider.rate_limited", false},
		{"InternalErrorException", "", muster.Unavailable, "provider.unavailable", false},
		{"SomethingNewException", "", muster.Unavailable, "provider.unavailable", false},
		{"ResourceNotFoundException", "User pool client does not exist.", muster.Unavailable, "provider.unavailable", true},
		{"NotAuthorizedException", "Unable to verify secret hash for client x", muster.Unavailable, "provider.unavailable", true},
		{"InvalidParameterException", "USER_SRP_AUTH flow not enabled for this client", muster.Unavailable, "provider.unavailable", true},
		{"NotAuthorizedException", "Password attempts exceeded", muster.Unauthenticated, "credential.invalid", false},
		{"NotAuthorizedException", "User is disabled.", muster.Unauthenticated, "credential.invalid", false},
		{"InvalidParameterException", "Missing required parameter", muster.Invalid, "cognito.invalid_request", false},
		{"UserLambdaValidationException", "PreAuthentication failed with error secret", muster.Denied, "cognito.refused", false},
		{"PasswordResetRequiredException", "", muster.Denied, "cognito.password_reset_required", false},
		{"ForbiddenException", "WAF", muster.Denied, "cognito.refused", false},
	} {
		t.Run(c.exception+" "+c.message, func(t *testing.T) {
			r := newRig(t, nil)
			r.Add(cognitotest.User{Name: ada, Password: password})
			r.Refuse("InitiateAuth", c.exception, c.message)
			_, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
			wantRefusal(t, err, c.kind, c.code)
			if logged := strings.Contains(r.logged(), c.exception); logged != c.logged {
				t.Errorf("the log is %q", r.logged())
			}
			if strings.Contains(err.Error()+r.logged(), "secret") {
				t.Errorf("Cognito's text goes on: %v; %s", err, r.logged())
			}
			var e *muster.Error
			if errors.As(err, &e) && (e.Kind == muster.Exhausted || e.Kind == muster.Unavailable) && e.RetryAfter <= 0 {
				t.Error("it is not said when to try again")
			}
		})
	}
}

func TestWhenCognitoIsAway(t *testing.T) {
	for name, failure := range map[string]providertest.Failure{
		"slow":    {Hang: true},
		"gone":    {Drop: true},
		"broken":  {Status: http.StatusBadGateway, Body: "<html>"},
		"garbage": {Body: "<html>"},
		"empty":   {Body: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *cognito.UsersOptions) {
				if failure.Hang {
					o.CallTimeout = 100 * time.Millisecond
				}
			})
			r.Fail("", failure)
			_, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
			wantRefusal(t, err, muster.Unavailable, "provider.unavailable")
			if calls := len(r.Calls("/")); calls != 1 {
				t.Errorf("Cognito was called %d times", calls)
			}
		})
	}
	r := newRig(t, func(o *cognito.UsersOptions) {
		o.ClientSecret = func() (string, error) { return "", errors.New("the file is gone") }
	})
	_, err := r.users.SignIn(t.Context(), muster.PoolSignIn{Username: ada, Password: password})
	wantRefusal(t, err, muster.Unavailable, "provider.unavailable")
}

func TestOptionsOfUsers(t *testing.T) {
	for _, o := range []cognito.UsersOptions{{Pool: "pool", ClientID: "c"}, {Pool: cognitotest.PoolID}, {Pool: "eu-central-1_", ClientID: "c"}} {
		if _, err := cognito.NewUsers(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if !slices.Equal(newRig(t, nil).Operations(), nil) {
		t.Error("New called somebody")
	}
}
