package httpapi

import (
	"context"
	"net/http"

	"muster"
)

// UserPool signs players up and in at a user pool of Amazon Cognito, for clients without
// an AWS SDK. Nil in Options: not served.
type UserPool interface {
	PoolAccounts
	SignIn(ctx context.Context, want muster.PoolSignIn) (muster.PoolAnswer, error)
	AnswerChallenge(ctx context.Context, said muster.PoolReply) (muster.PoolAnswer, error)
	SetUpAuthenticator(ctx context.Context, session string) (muster.PoolAuthenticator, error)
	Refresh(ctx context.Context, refreshToken string) (muster.PoolAnswer, error)
	SignOut(ctx context.Context, accessToken, refreshToken string) error
}

// PoolAccounts is what becomes of the pool's accounts and their passwords.
type PoolAccounts interface {
	SignUp(ctx context.Context, want muster.PoolSignUp) error
	ConfirmSignUp(ctx context.Context, username, code string) error
	ResendCode(ctx context.Context, username string) error
	ForgotPassword(ctx context.Context, username string) error
	ResetPassword(ctx context.Context, username, code, password string) error
	ChangePassword(ctx context.Context, want muster.PoolPasswordChange) error
}

type poolSignUp struct {
	Username   string            `json:"username" minLength:"1" maxLength:"128" doc:"A name, or an e-mail address or telephone number, as the pool is set up" example:"ada@example.com"`
	Password   string            `json:"password" minLength:"1" maxLength:"256" example:"Correct-Horse-7"`
	Attributes map[string]string `json:"attributes,omitempty" maxProperties:"50" doc:"Of the pool, by their names" example:"{\"email\":\"ada@example.com\"}"`
}

type poolUser struct {
	Username string `json:"username" minLength:"1" maxLength:"128" doc:"As at the sign-up" example:"ada@example.com"`
}

type poolCode struct {
	Username string `json:"username" minLength:"1" maxLength:"128" doc:"As at the sign-up" example:"ada@example.com"`
	Code     string `json:"code" minLength:"1" maxLength:"2048" doc:"As it was sent" example:"123456"`
}

type poolReset struct {
	Username    string `json:"username" minLength:"1" maxLength:"128" doc:"As at the sign-up" example:"ada@example.com"`
	Code        string `json:"code" minLength:"1" maxLength:"2048" doc:"As it was sent" example:"123456"`
	NewPassword string `json:"newPassword" minLength:"1" maxLength:"256" example:"Correct-Horse-8"`
}

type poolPassword struct {
	AccessToken string `json:"accessToken,omitempty" maxLength:"8192" doc:"Of the pool; absent: the name and the password prove who it is"`
	Username    string `json:"username,omitempty" maxLength:"128" doc:"Needed without accessToken" example:"ada@example.com"`
	Password    string `json:"password" minLength:"1" maxLength:"256" doc:"The present one" example:"Correct-Horse-7"`
	NewPassword string `json:"newPassword" minLength:"1" maxLength:"256" example:"Correct-Horse-8"`
}

type poolSignIn struct {
	Username string `json:"username" minLength:"1" maxLength:"128" doc:"As at the sign-up" example:"ada@example.com"`
	Password string `json:"password,omitempty" maxLength:"256" doc:"Absent: the client proves it by itself, with srpA" example:"Correct-Horse-7"`
	SRPA     string `json:"srpA,omitempty" maxLength:"1024" pattern:"^[0-9a-fA-F]+$" doc:"The client's public value, in hexadecimal, in place of the password"`
}

type poolReply struct {
	Challenge string            `json:"challenge" minLength:"1" maxLength:"64" doc:"Its name" example:"SMS_MFA"`
	Session   string            `json:"session,omitempty" maxLength:"4096" doc:"Of the challenge, if it has one" example:"AYABeC1-y8qooiuysEv0uM4wAqQAHQABAAdTZXJ2aWNl"`
	Username  string            `json:"username" minLength:"1" maxLength:"256" doc:"Of the challenge" example:"5f0c7f8e-0000-4000-8000-000000000001"`
	Answers   map[string]string `json:"answers" minProperties:"1" maxProperties:"50" doc:"By Cognito's names" example:"{\"SMS_MFA_CODE\":\"123456\"}"`
}

type poolSession struct {
	Session string `json:"session" minLength:"1" maxLength:"4096" doc:"Of the challenge MFA_SETUP" example:"AYABeC1-y8qooiuysEv0uM4wAqQAHQABAAdTZXJ2aWNl"`
}

type poolRefresh struct {
	RefreshToken string `json:"refreshToken" minLength:"1" maxLength:"8192" doc:"Of the pool"`
}

type poolSignOut struct {
	AccessToken  string `json:"accessToken,omitempty" maxLength:"8192" doc:"Of the pool: ends every sign-in there"`
	RefreshToken string `json:"refreshToken,omitempty" maxLength:"8192" doc:"Of the pool: ends the sign-in that it comes from"`
}

type poolAnswerBody struct{ Body muster.PoolAnswer }

// cognitoPath is where the calls of the pool begin.
const cognitoPath = "/v1/auth/cognito/"

// pool describes a call that is handed on to the pool.
func (s *server) pool(path, id, summary, description string) operation {
	return operation{
		method: http.MethodPost, path: cognitoPath + path, id: id, tag: "cognito", summary: summary, description: description,
		refusals: []int{http.StatusUnauthorized, http.StatusForbidden}, bodyLimit: s.BodyLimit, strict: true,
	}
}

// silentPool describes a call that answers nothing, so that it tells nothing, either.
func (s *server) silentPool(path, id, summary, description string) operation {
	op := s.pool(path, id, summary, description)
	op.status = http.StatusNoContent
	return op
}

func (s *server) userPoolRoutes() {
	if s.UserPool == nil {
		return
	}
	s.poolAccountRoutes()
	s.poolPasswordRoutes()
	s.poolSignInRoutes()
}

func (s *server) poolAccountRoutes() {
	signUp := s.silentPool("sign-up", "cognitoSignUp", "Make an account of the user pool",
		"Cognito sends its owner a code. For an e-mail address or a telephone number the answer is the same whether it has an account or not; a name that is taken is 409 cognito.username_taken. "+
			"400 cognito.password_refused for a password that the pool's rules forbid.")
	signUp.refusals = append(signUp.refusals, http.StatusConflict)
	handle(s, signUp, func(ctx context.Context, in *struct{ Body poolSignUp }) (*struct{}, error) {
		return nil, s.UserPool.SignUp(ctx, muster.PoolSignUp(in.Body))
	})
	confirm := s.silentPool("confirm", "cognitoConfirm", "Confirm an account by its code", "401 cognito.code_invalid, also for an account that there is none of.")
	confirm.refusals = append(confirm.refusals, http.StatusConflict)
	handle(s, confirm, func(ctx context.Context, in *struct{ Body poolCode }) (*struct{}, error) {
		return nil, s.UserPool.ConfirmSignUp(ctx, in.Body.Username, in.Body.Code)
	})
	handle(s, s.silentPool("resend", "cognitoResend", "Have the code sent again", "The answer is the same whether there is an account or not."),
		func(ctx context.Context, in *struct{ Body poolUser }) (*struct{}, error) {
			return nil, s.UserPool.ResendCode(ctx, in.Body.Username)
		})
}

func (s *server) poolPasswordRoutes() {
	handle(s, s.silentPool("forgot-password", "cognitoForgotPassword", "Ask for a new password",
		"Cognito sends the owner a code. The answer is the same whether there is an account or not."),
		func(ctx context.Context, in *struct{ Body poolUser }) (*struct{}, error) {
			return nil, s.UserPool.ForgotPassword(ctx, in.Body.Username)
		})
	handle(s, s.silentPool("reset-password", "cognitoResetPassword", "Set a new password by the code", "401 cognito.code_invalid. 400 cognito.password_refused."),
		func(ctx context.Context, in *struct{ Body poolReset }) (*struct{}, error) {
			return nil, s.UserPool.ResetPassword(ctx, in.Body.Username, in.Body.Code, in.Body.NewPassword)
		})
	handle(s, s.silentPool("change-password", "cognitoChangePassword", "Replace the password",
		"With an access token of the pool, or with the name. 403 cognito.challenged: the account has a second factor, so the access token is needed. Sign-ins go on."),
		func(ctx context.Context, in *struct{ Body poolPassword }) (*struct{}, error) {
			if in.Body.AccessToken == "" && in.Body.Username == "" {
				return nil, muster.Errorf(muster.Invalid, "request.invalid", "send accessToken or username")
			}
			return nil, s.UserPool.ChangePassword(ctx, muster.PoolPasswordChange(in.Body))
		})
}

func (s *server) poolSignInRoutes() {
	signIn := s.pool("sign-in", "cognitoSignIn", "Sign in at the user pool",
		"Answers a grant, or a challenge to answer first. With srpA in place of the password the challenge is PASSWORD_VERIFIER, and the password never leaves the client. "+
			"401 credential.invalid for a wrong password and for an unknown name. 403 cognito.not_confirmed, cognito.password_reset_required.")
	signIn.example, signIn.requestExample = exampleGranted(), poolSignIn{Username: "ada@example.com", Password: "Correct-Horse-7"}
	handle(s, signIn, func(ctx context.Context, in *struct{ Body poolSignIn }) (*poolAnswerBody, error) {
		if (in.Body.Password == "") == (in.Body.SRPA == "") {
			return nil, muster.Errorf(muster.Invalid, "request.invalid", "send either password or srpA")
		}
		answer, err := s.UserPool.SignIn(ctx, muster.PoolSignIn{Username: in.Body.Username, Password: in.Body.Password, PublicValue: in.Body.SRPA})
		return &poolAnswerBody{answer}, err
	})
	challenge := s.pool("challenge", "cognitoChallenge", "Answer a challenge of the sign-in",
		"Session and username are those of the challenge; answers have Cognito's names: SMS_MFA_CODE, SOFTWARE_TOKEN_MFA_CODE, EMAIL_OTP_CODE, NEW_PASSWORD, ANSWER. "+
			"MFA_SETUP takes the authenticator's first code as SOFTWARE_TOKEN_MFA_CODE. 401 cognito.code_invalid: another try with the same session is possible for some challenges.")
	challenge.example = exampleGranted()
	handle(s, challenge, func(ctx context.Context, in *struct{ Body poolReply }) (*poolAnswerBody, error) {
		answer, err := s.UserPool.AnswerChallenge(ctx, muster.PoolReply(in.Body))
		return &poolAnswerBody{answer}, err
	})
	authenticator := s.pool("authenticator", "cognitoAuthenticator", "Get the secret for an authenticator app",
		"While the sign-in asks for MFA_SETUP. Answer the challenge with the session of this answer.")
	authenticator.example = muster.PoolAuthenticator{SecretCode: "JBSWY3DPEHPK3PXP", Session: "AYABeC1-y8qooiuysEv0uM4wAqQAHQABAAdTZXJ2aWNl"}
	handle(s, authenticator, func(ctx context.Context, in *struct{ Body poolSession }) (*struct{ Body muster.PoolAuthenticator }, error) {
		app, err := s.UserPool.SetUpAuthenticator(ctx, in.Body.Session)
		return &struct{ Body muster.PoolAuthenticator }{app}, err
	})
	refresh := s.pool("refresh", "cognitoRefresh", "Sign in by a refresh token of the user pool",
		"For clients that keep Cognito's tokens. Our own refresh token is for POST /v1/auth/refresh, which costs less.")
	refresh.example = exampleGranted()
	handle(s, refresh, func(ctx context.Context, in *struct{ Body poolRefresh }) (*poolAnswerBody, error) {
		answer, err := s.UserPool.Refresh(ctx, in.Body.RefreshToken)
		return &poolAnswerBody{answer}, err
	})
	handle(s, s.silentPool("sign-out", "cognitoSignOut", "End sign-ins at the user pool",
		"Ours go on until POST /v1/auth/logout, and access tokens of the pool until they expire."),
		func(ctx context.Context, in *struct{ Body poolSignOut }) (*struct{}, error) {
			if in.Body.AccessToken == "" && in.Body.RefreshToken == "" {
				return nil, muster.Errorf(muster.Invalid, "request.invalid", "send accessToken, refreshToken or both")
			}
			return nil, s.UserPool.SignOut(ctx, in.Body.AccessToken, in.Body.RefreshToken)
		})
}

func exampleGranted() muster.PoolAnswer {
	grant := exampleGrant(false)
	return muster.PoolAnswer{Grant: &grant}
}
