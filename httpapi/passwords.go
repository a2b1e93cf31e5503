package httpapi

import (
	"context"
	"errors"
	"net/http"

	"muster"
)

// Passwords signs players in by e-mail and password. No answer but to the owner of an
// address tells whether it has an account.
type Passwords interface {
	Register(ctx context.Context, email, password string) (muster.CodeSent, error)
	Resend(ctx context.Context, id string) error
	Verify(ctx context.Context, proof muster.MailProof, password string) (muster.PasswordAnswer, error)
	Login(ctx context.Context, email, password string) (muster.PasswordAnswer, error)
	Forgot(ctx context.Context, email string) (muster.CodeSent, error)
	Reset(ctx context.Context, proof muster.MailProof, password string) error
	Owners
}

// Owners change how they sign in by mail.
type Owners interface {
	// Link adds an address to the ways in; shown is as for Links.
	Link(ctx context.Context, caller muster.Caller, email, password, shown string) (muster.CodeSent, error)
	Change(ctx context.Context, caller muster.Caller, current, password string) error
	ChangeAddress(ctx context.Context, caller muster.Caller, current, email string) (muster.CodeSent, error)
	ConfirmAddress(ctx context.Context, caller muster.Caller, proof muster.MailProof) error
}

type emailPassword struct {
	Email    string `json:"email" minLength:"3" maxLength:"1016" doc:"Case does not matter" example:"ann@example.com"`
	Password string `json:"password" minLength:"1" maxLength:"512" doc:"Any characters, spaces included" example:"four words of mine"`
}

type emailAlone struct {
	Email string `json:"email" minLength:"3" maxLength:"1016" doc:"Case does not matter" example:"ann@example.com"`
}

// mailProof is part of bodies that bring a code back.
type mailProof struct {
	ID    string `json:"id,omitempty" maxLength:"128" doc:"As the call that sent the code answered" example:"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"`
	Code  string `json:"code,omitempty" maxLength:"32" doc:"As the mail says; case, spaces and hyphens do not matter" example:"K7QM-2XWD"`
	Token string `json:"token,omitempty" maxLength:"256" doc:"Of the mail's link, in place of id and code"`
}

func (m mailProof) proof() muster.MailProof { return muster.MailProof(m) }

type verifyRequest struct {
	mailProof
	Password string `json:"password,omitempty" maxLength:"512" doc:"As it was registered; needed with a token" example:"four words of mine"`
}

type resetRequest struct {
	mailProof
	Password string `json:"password" minLength:"1" maxLength:"512" doc:"The new one" example:"four words of mine"`
}

type resendRequest struct {
	ID string `json:"id" minLength:"1" maxLength:"128" doc:"As the call that sent the code answered" example:"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"`
}

type passwordChange struct {
	Current  string `json:"current,omitempty" maxLength:"512" doc:"The present password" example:"four words of mine"`
	Password string `json:"password" minLength:"1" maxLength:"512" doc:"The new one" example:"five better words of mine"`
}

type addressChange struct {
	Current string `json:"current,omitempty" maxLength:"512" doc:"The present password; not needed within five minutes of a sign-in" example:"four words of mine"`
	Email   string `json:"email" minLength:"3" maxLength:"1016" doc:"The new one" example:"ann@example.org"`
}

type codeSentBody struct{ Body muster.CodeSent }

func (s *server) passwordRoutes() {
	if s.Passwords == nil {
		s.passwordsAreOff()
		return
	}
	s.signUpRoutes()
	s.forgottenRoutes()
	s.ownerRoutes()
}

const passwordsOff = "e-mail and password are not switched on here"

// passwordsAreOff says so where the calls would be.
func (s *server) passwordsAreOff() {
	for _, call := range []string{
		"POST /v1/auth/register", "POST /v1/auth/email/{call}", "POST /v1/auth/password/{call}", "PUT /v1/auth/password", "PUT /v1/auth/email",
	} {
		s.mux.HandleFunc(call, func(w http.ResponseWriter, _ *http.Request) {
			s.writeProblem(w, newProblem(http.StatusNotFound, "route.not_found", passwordsOff))
		})
	}
}

// codeRoute describes a call that has a code sent.
func (s *server) codeRoute(method, path, id, summary, description string) operation {
	return operation{
		method: method, path: path, id: id, tag: "auth", summary: summary, description: description,
		status: http.StatusAccepted, bodyLimit: s.BodyLimit, strict: true,
		example: muster.CodeSent{ID: "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", ExpiresInSeconds: 3600},
	}
}

// signUpRoutes lead from nothing to a player who is signed in.
func (s *server) signUpRoutes() {
	handle(s, s.codeRoute(http.MethodPost, "/v1/auth/register", "register", "Register with e-mail and password",
		"A code is sent to the address; POST /v1/auth/email/verify takes it and makes the player. The answer is the same for an address that has an account: its owner gets a mail that says so. "+
			"400 email.invalid, password.too_short, password.too_long, password.guessable, password.breached. 429 password.busy."),
		func(ctx context.Context, in *struct{ Body emailPassword }) (*codeSentBody, error) {
			sent, err := s.Passwords.Register(ctx, in.Body.Email, in.Body.Password)
			return &codeSentBody{sent}, err
		})
	verify := operation{
		method: http.MethodPost, path: "/v1/auth/email/verify", id: "verifyEmail", tag: "auth",
		summary: "Bring back the code of a registration or a link",
		description: "With id and code, or with the token of the mail's link and the password. Makes the player and signs in, or completes POST /v1/auth/links/email, which takes my access token: 401 auth.missing without it. 400 password.missing for a token alone, or for the code of a registration of more than ten minutes ago: send the password, too. Neither uses up a try. " +
			"401 credential.invalid: wrong, used or expired; after five wrong codes only another registration helps. 409 email.taken when the address was proven meanwhile.",
		status: http.StatusCreated, alsoStatus: map[int]string{http.StatusOK: "The player was known"},
		refusals: []int{http.StatusUnauthorized, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: verifyRequest{mailProof: exampleMailProof()}, example: exampleGrant(false),
	}
	handle(s, verify, s.verifyEmail)
	resend := s.codeRoute(http.MethodPost, "/v1/auth/email/resend", "resendCode", "Have a code sent again",
		"The same code, up to two more times. 401 credential.invalid when the request is over. 429 email.too_many.")
	resend.status, resend.example = http.StatusNoContent, nil
	resend.refusals = []int{http.StatusUnauthorized}
	handle(s, resend, func(ctx context.Context, in *struct{ Body resendRequest }) (*struct{}, error) {
		return nil, s.Passwords.Resend(ctx, in.Body.ID)
	})
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/login/email", id: "loginEmail", tag: "auth",
		summary: "Sign in with e-mail and password",
		description: "The answer is a grant, or a challenge where there is a second factor (SOFTWARE_TOKEN_MFA), or one has to be set up (MFA_SETUP): POST /v1/auth/challenge takes its answer. " +
			"401 credential.invalid for a wrong password and for an address without account alike. 429 password.busy.",
		refusals: []int{http.StatusUnauthorized, http.StatusForbidden}, bodyLimit: s.BodyLimit, strict: true,
		example: exampleGrant(false),
	}, s.loginEmail)
}

// forgottenRoutes are for who has forgotten the password.
func (s *server) forgottenRoutes() {
	handle(s, s.codeRoute(http.MethodPost, "/v1/auth/password/forgot", "forgotPassword", "Ask for a code that resets the password",
		"The answer is the same for every address; one without account gets no mail."),
		func(ctx context.Context, in *struct{ Body emailAlone }) (*codeSentBody, error) {
			sent, err := s.Passwords.Forgot(ctx, in.Body.Email)
			return &codeSentBody{sent}, err
		})
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/password/reset", id: "resetPassword", tag: "auth",
		summary: "Set another password with a code",
		description: "With id and code, or with the token of the mail's link. Every sign-in of the player ends; sign in with the new password. " +
			"A password that is refused does not use the code up. 401 credential.invalid.",
		status: http.StatusNoContent, refusals: []int{http.StatusUnauthorized}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: resetRequest{exampleMailProof(), "five better words of mine"},
	}, func(ctx context.Context, in *struct{ Body resetRequest }) (*struct{}, error) {
		return nil, s.Passwords.Reset(ctx, in.Body.proof(), in.Body.Password)
	})
}

// ownerRoutes are for players who are signed in.
func (s *server) ownerRoutes() {
	link := s.codeRoute(http.MethodPost, "/v1/auth/links/email", "linkEmail", "Link e-mail and password to me",
		"A code is sent to the address, and POST /v1/auth/email/verify takes it, with my access token. A guest is a player from then on: the guest's secret is replaced, and the new one is in that answer, this once. "+
			"409 identity.provider_linked when I have an address. "+freshHelp)
	link.need, link.refusals = needPlayer, []int{http.StatusNotFound, http.StatusConflict}
	handle(s, link, s.linkEmail)
	handle(s, operation{
		method: http.MethodPut, path: "/v1/auth/password", id: "changePassword", tag: "auth",
		summary: "Change my password",
		description: "With the present one; where the service is set up so, within five minutes of a sign-in without it. With a second factor it takes such a sign-in besides. Every other sign-in ends. " +
			"403 password.wrong, or password.current_needed or signin.not_fresh without the present password. 404 identity.none without an e-mail.",
		need: needPlayer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound}, bodyLimit: s.BodyLimit, strict: true,
	}, func(ctx context.Context, in *struct{ Body passwordChange }) (*struct{}, error) {
		return nil, s.Passwords.Change(ctx, callerOf(ctx), in.Body.Current, in.Body.Password)
	})
	move := s.codeRoute(http.MethodPut, "/v1/auth/email", "changeEmail", "Change my e-mail address",
		"A code is sent to the new address, and POST /v1/auth/email/confirm takes it. Until then the old one stays. With the present password, or within five minutes of a sign-in; with a second factor only then. "+
			"403 password.wrong, signin.not_fresh. 404 identity.none without an e-mail.")
	move.need, move.refusals = needPlayer, []int{http.StatusNotFound}
	handle(s, move, func(ctx context.Context, in *struct{ Body addressChange }) (*codeSentBody, error) {
		sent, err := s.Passwords.ChangeAddress(ctx, callerOf(ctx), in.Body.Current, in.Body.Email)
		return &codeSentBody{sent}, err
	})
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/email/confirm", id: "confirmEmail", tag: "auth",
		summary:     "Bring back the code of a new address",
		description: "From then on I sign in with it; the old address is told. 401 credential.invalid. 409 email.taken.",
		need:        needPlayer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: exampleMailProof(),
	}, func(ctx context.Context, in *struct{ Body mailProof }) (*struct{}, error) {
		return nil, s.Passwords.ConfirmAddress(ctx, callerOf(ctx), in.Body.proof())
	})
}

// callerOf is who calls a route that needs a player.
func callerOf(ctx context.Context) muster.Caller {
	caller, _ := muster.CallerFrom(ctx) // allow was asked before
	return caller
}

type linkEmailInput struct {
	Shown string `header:"Muster-Proof" maxLength:"1024" doc:"A guest's id and secret joined by a dot" example:"0199c0de-0000-7000-8000-00000000a001.4Yk1mXn0Zb5dW3tqvR7sJ2cL9fHgPaEuTz8oKiMw6xQ"`
	Body  emailPassword
}

func (s *server) linkEmail(ctx context.Context, in *linkEmailInput) (*codeSentBody, error) {
	sent, err := s.Passwords.Link(ctx, callerOf(ctx), in.Body.Email, in.Body.Password, in.Shown)
	return &codeSentBody{sent}, err
}

// verifiedAnswer tells a new player from one who was known.
type verifiedAnswer struct {
	Status int
	Body   signedIn
}

func (s *server) verifyEmail(ctx context.Context, in *struct{ Body verifyRequest }) (*verifiedAnswer, error) {
	answer, err := s.Passwords.Verify(ctx, in.Body.proof(), in.Body.Password)
	if err != nil {
		return nil, badTokenInstead(ctx, err)
	}
	status := http.StatusOK
	if answer.Created {
		status = http.StatusCreated
	}
	return &verifiedAnswer{Status: status, Body: newSignedIn(answer)}, nil
}

// badTokenInstead is, where the caller's access token is missed, what was wrong with the one
// that they sent: mails are read when tokens have expired.
func badTokenInstead(ctx context.Context, err error) error {
	var missed, sent *muster.Error
	if !errors.As(err, &missed) || missed.Code != "auth.missing" {
		return err
	}
	if bad, _ := ctx.Value(refusalKey{}).(error); errors.As(bad, &sent) && sent.Code != missed.Code {
		return bad
	}
	return err
}

func (s *server) loginEmail(ctx context.Context, in *struct{ Body emailPassword }) (*signedInAnswer, error) {
	answer, err := s.Passwords.Login(ctx, in.Body.Email, in.Body.Password)
	return &signedInAnswer{newSignedIn(answer)}, err
}

func exampleMailProof() mailProof {
	return mailProof{ID: "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", Code: "K7QM-2XWD"}
}
