package httpapi

import (
	"context"
	"net/http"
	"strings"

	"muster"
)

// Factors are the second factors of players who sign in by e-mail and password. Errors are
// *muster.Error.
type Factors interface {
	SecondFactors(ctx context.Context, caller muster.Caller) ([]muster.SecondFactorView, error)
	SetUpFactor(ctx context.Context, caller muster.Caller, current string) (muster.FactorSetUp, error)
	ConfirmFactor(ctx context.Context, caller muster.Caller, code string) (recoveryCodes []string, err error)
	NewRecoveryCodes(ctx context.Context, caller muster.Caller, said muster.FactorAnswer) ([]string, error)
	TurnFactorOff(ctx context.Context, caller muster.Caller, said muster.FactorAnswer) error
	Challenges
}

// Challenges are what follows a right password.
type Challenges interface {
	AnswerChallenge(ctx context.Context, session string, said muster.FactorAnswer) (muster.PasswordAnswer, error)
	SetUpByChallenge(ctx context.Context, session string) (muster.FactorSetUp, error)
}

// signedIn is a grant, or the challenge that comes before it.
type signedIn struct {
	Player           *muster.GrantPlayer     `json:"player,omitempty"`
	AccessToken      string                  `json:"accessToken,omitempty"`
	ExpiresInSeconds int                     `json:"expiresInSeconds,omitempty"`
	RefreshToken     string                  `json:"refreshToken,omitempty"`
	Guest            *muster.Guest           `json:"guest,omitempty"`
	Challenge        *muster.FactorChallenge `json:"challenge,omitempty" doc:"To be answered at POST /v1/auth/challenge; there is no token yet"`
	RecoveryCodes    []string                `json:"recoveryCodes,omitempty" doc:"When a second factor was set up: shown this once"`
}

func newSignedIn(a muster.PasswordAnswer) signedIn {
	s := signedIn{
		AccessToken: a.AccessToken, ExpiresInSeconds: a.ExpiresInSeconds, RefreshToken: a.RefreshToken,
		Guest: a.Guest, Challenge: a.Challenge, RecoveryCodes: a.RecoveryCodes,
	}
	if a.Challenge == nil {
		s.Player = &a.Player
	}
	return s
}

type signedInAnswer struct{ Body signedIn }

type factorList struct {
	Factors []muster.SecondFactorView `json:"factors"`
}

type recoveryCodeList struct {
	RecoveryCodes []string `json:"recoveryCodes" doc:"Each works once, in place of a code; shown this once"`
}

type factorRequest struct {
	Current string `json:"current,omitempty" maxLength:"512" doc:"The present password" example:"four words of mine"`
}

type factorCode struct {
	Code string `json:"code" minLength:"1" maxLength:"16" doc:"Of the authenticator app" example:"492039"`
}

// factorAnswer is one of the two.
type factorAnswer struct {
	Code         string `json:"code,omitempty" maxLength:"16" doc:"Of the authenticator app; six digits" example:"492039"`
	RecoveryCode string `json:"recoveryCode,omitempty" maxLength:"64" doc:"In place of a code; case, spaces and hyphens do not matter"`
}

func (a factorAnswer) said() (muster.FactorAnswer, error) {
	if (a.Code == "") == (a.RecoveryCode == "") {
		return muster.FactorAnswer{}, muster.Errorf(muster.Invalid, "request.invalid", "send either code or recoveryCode")
	}
	return muster.FactorAnswer(a), nil
}

type challengeAnswer struct {
	Session string `json:"session" minLength:"1" maxLength:"128" doc:"Of the challenge" example:"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"`
	factorAnswer
}

type challengeSession struct {
	Session string `json:"session" minLength:"1" maxLength:"128" doc:"Of the challenge MFA_SETUP" example:"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"`
}

type factorOff struct {
	Shown string `header:"Muster-Proof" required:"true" minLength:"1" maxLength:"64" doc:"A code of the authenticator app, or a recovery code" example:"492039"`
}

// answer tells a code, of which digits are all, from a recovery code.
func (f factorOff) answer() muster.FactorAnswer {
	if len(f.Shown) <= 8 && strings.Trim(f.Shown, "0123456789 -") == "" {
		return muster.FactorAnswer{Code: f.Shown}
	}
	return muster.FactorAnswer{RecoveryCode: f.Shown}
}

const factorFresh = "Needs a sign-in of the last five minutes; 403 signin.not_fresh. 404 identity.none without an e-mail."

// factorRoutes let players set a second factor up, and answer for it.
func (s *server) factorRoutes() {
	if s.Factors == nil {
		return
	}
	s.challengeRoutes()
	handle(s, operation{
		method: http.MethodGet, path: "/v1/auth/factors", id: "factors", tag: "auth",
		summary:     "List my second factors",
		description: "One, or none. It is asked for after my e-mail and password, and by no other way in.",
		need:        needPlayer, example: factorList{[]muster.SecondFactorView{{Kind: "totp", Since: exampleTime(), RecoveryCodesLeft: 10}}},
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body factorList }, error) {
		all, err := s.Factors.SecondFactors(ctx, callerOf(ctx))
		return &struct{ Body factorList }{factorList{notNil(all)}}, err
	})
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/factors/totp", id: "setUpFactor", tag: "auth",
		summary: "Get a secret for an authenticator app",
		description: "The uri is for a QR code, the secret to be typed. Nothing is asked for until POST /v1/auth/factors/totp/confirm has taken a code, within ten minutes. " +
			"409 factor.exists: take that away first. 403 factor.off where none is set up; 403 password.wrong, or password.current_needed or signin.not_fresh without the present password. 404 identity.none without an e-mail.",
		need: needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: factorRequest{Current: "four words of mine"}, example: exampleSetUp(),
	}, func(ctx context.Context, in *struct{ Body factorRequest }) (*struct{ Body muster.FactorSetUp }, error) {
		made, err := s.Factors.SetUpFactor(ctx, callerOf(ctx), in.Body.Current)
		return &struct{ Body muster.FactorSetUp }{made}, err
	})
	s.factorOwnerRoutes()
}

// factorOwnerRoutes take codes of players who are signed in.
func (s *server) factorOwnerRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/factors/totp/confirm", id: "confirmFactor", tag: "auth",
		summary: "Turn my second factor on",
		description: "With the authenticator's first code. From then on my password takes a code, too; every other sign-in of mine ends. The recovery codes are shown this once. " +
			"403 factor.refused: wrong; 409 factor.not_set_up: nothing waits for a code, or not any more; 409 factor.exists: it is on already, and who has not got the recovery codes asks for new ones.",
		need: needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		example: recoveryCodeList{exampleRecoveryCodes()},
	}, func(ctx context.Context, in *struct{ Body factorCode }) (*struct{ Body recoveryCodeList }, error) {
		codes, err := s.Factors.ConfirmFactor(ctx, callerOf(ctx), in.Body.Code)
		return &struct{ Body recoveryCodeList }{recoveryCodeList{notNil(codes)}}, err
	})
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/factors/totp/recovery-codes", id: "newRecoveryCodes", tag: "auth",
		summary:     "Get new recovery codes",
		description: "Those from before are void. With a code or a recovery code; 403 factor.refused. 404 factor.none. " + factorFresh,
		need:        needPlayer, refusals: []int{http.StatusNotFound}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: factorAnswer{Code: "492039"}, example: recoveryCodeList{exampleRecoveryCodes()},
	}, func(ctx context.Context, in *struct{ Body factorAnswer }) (*struct{ Body recoveryCodeList }, error) {
		said, err := in.Body.said()
		if err != nil {
			return nil, err
		}
		codes, err := s.Factors.NewRecoveryCodes(ctx, callerOf(ctx), said)
		return &struct{ Body recoveryCodeList }{recoveryCodeList{notNil(codes)}}, err
	})
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/auth/factors/totp", id: "turnFactorOff", tag: "auth",
		summary:     "Take my second factor away",
		description: "The header Muster-Proof holds a code or a recovery code; 403 factor.refused. 404 factor.none. " + factorFresh,
		need:        needPlayer, status: http.StatusNoContent, refusals: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *factorOff) (*struct{}, error) {
		return nil, s.Factors.TurnFactorOff(ctx, callerOf(ctx), in.answer())
	})
}

// challengeRoutes take what follows a right password.
func (s *server) challengeRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/challenge", id: "answerChallenge", tag: "auth",
		summary: "Answer the challenge of a sign-in",
		description: "With the session of the challenge and a code, or a recovery code. A challenge works once, for five minutes and five answers. " +
			"401 factor.refused: wrong, or used; 401 challenge.invalid: it is over, sign in again. MFA_SETUP takes the first code of the authenticator, and the answer has the recovery codes; 409 factor.not_set_up before POST /v1/auth/challenge/authenticator.",
		refusals: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict}, bodyLimit: s.BodyLimit, strict: true,
		requestExample: challengeAnswer{Session: exampleChallenge, factorAnswer: factorAnswer{Code: "492039"}}, example: exampleGrant(false),
	}, func(ctx context.Context, in *struct{ Body challengeAnswer }) (*signedInAnswer, error) {
		said, err := in.Body.said()
		if err != nil {
			return nil, err
		}
		answer, err := s.Factors.AnswerChallenge(ctx, in.Body.Session, said)
		return &signedInAnswer{newSignedIn(answer)}, err
	})
	handle(s, operation{
		method: http.MethodPost, path: "/v1/auth/challenge/authenticator", id: "challengeAuthenticator", tag: "auth",
		summary:     "Get a secret for an authenticator app during a sign-in",
		description: "While the sign-in asks for MFA_SETUP. POST /v1/auth/challenge takes the first code. 401 challenge.invalid.",
		refusals:    []int{http.StatusUnauthorized}, bodyLimit: s.BodyLimit, strict: true, example: exampleSetUp(),
	}, func(ctx context.Context, in *struct{ Body challengeSession }) (*struct{ Body muster.FactorSetUp }, error) {
		made, err := s.Factors.SetUpByChallenge(ctx, in.Body.Session)
		return &struct{ Body muster.FactorSetUp }{made}, err
	})
}

// lostFactorRoutes let operators help who has lost the second factor.
func (s *server) lostFactorRoutes() {
	if s.TakeFactorAway == nil || s.VerifyAdmin == nil {
		return
	}
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/admin/players/{id}/factors", id: "takeFactorsAway", tag: "operate",
		summary:     "Take a player's lost second factor away",
		description: "E-mail and password alone sign in then; the owner gets a mail. Be sure that it is the owner who asks. Who has none stays so. 409 player.merged, as for a ban.",
		need:        needAdmin, status: http.StatusNoContent, refusals: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *operatorDeletion) (*struct{}, error) {
		ctx, err := muster.WithOperator(ctx, in.Operator)
		if err != nil {
			return nil, err
		}
		return nil, s.TakeFactorAway(ctx, in.ID)
	})
}

const exampleChallenge = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"

func exampleSetUp() muster.FactorSetUp {
	const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	return muster.FactorSetUp{
		Secret: secret, URI: "otpauth://totp/Tower%20Clash:ann@example.com?algorithm=SHA1&digits=6&issuer=Tower%20Clash&period=30&secret=" + secret, ExpiresInSeconds: 600,
	}
}

func exampleRecoveryCodes() []string {
	return []string{"0H3K7M-QW8XZ2-4RJT6V-Y9ABCD", "5NPFE1-7GKM3S-W0XZ4H-8QRT2V"}
}
