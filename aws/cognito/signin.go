package cognito

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"muster"
	"muster/aws/cognito/srp"
	"muster/identity"
)

// poolReply is what a step of a sign-in led to: tokens, or a challenge.
type poolReply struct {
	tokens    *types.AuthenticationResultType
	challenge *muster.PoolChallenge
}

// newPoolReply reads an answer of Cognito. username goes with the next step unless Cognito
// names another.
func newPoolReply(username string, tokens *types.AuthenticationResultType, name types.ChallengeNameType, session *string, parameters map[string]string) (poolReply, error) {
	if tokens != nil && aws.ToString(tokens.AccessToken) != "" {
		return poolReply{tokens: tokens}, nil
	}
	if name == "" {
		return poolReply{}, identity.Refusal(identity.ProviderUnavailable, errors.New("answer of Cognito with neither tokens nor a challenge"))
	}
	if id := parameters["USER_ID_FOR_SRP"]; id != "" {
		username = id
	}
	return poolReply{challenge: &muster.PoolChallenge{
		Name: string(name), Session: aws.ToString(session), Username: username, Parameters: parameters,
	}}, nil
}

// SignIn begins a sign-in. With a public value in place of the password the challenge
// PASSWORD_VERIFIER comes back, for the client to answer.
func (u *Users) SignIn(ctx context.Context, in muster.PoolSignIn) (muster.PoolAnswer, error) {
	var reply poolReply
	var err error
	if in.PublicValue != "" {
		reply, err = u.initiate(ctx, types.AuthFlowTypeUserSrpAuth, in.Username, map[string]string{"SRP_A": in.PublicValue})
	} else {
		reply, err = u.prove(ctx, in.Username, in.Password)
	}
	if err != nil {
		return muster.PoolAnswer{}, err
	}
	return u.answer(ctx, reply)
}

// prove signs in with a password, by the flow configured.
func (u *Users) prove(ctx context.Context, username, password string) (poolReply, error) {
	if u.o.Flow == FlowPassword {
		return u.initiate(ctx, types.AuthFlowTypeUserPasswordAuth, username, map[string]string{"PASSWORD": password})
	}
	exchange, err := srp.New(u.o.Random)
	if err != nil {
		return poolReply{}, err
	}
	reply, err := u.initiate(ctx, types.AuthFlowTypeUserSrpAuth, username, map[string]string{"SRP_A": exchange.A()})
	if err != nil {
		return poolReply{}, err
	}
	c := reply.challenge
	if c == nil || c.Name != string(types.ChallengeNameTypePasswordVerifier) {
		return reply, nil // a pool may ask for something else first
	}
	proof, err := u.sign(ctx, exchange, password, c)
	if err != nil {
		return poolReply{}, err
	}
	return u.respond(ctx, muster.PoolReply{Challenge: c.Name, Session: c.Session, Username: c.Username, Answers: map[string]string{
		"PASSWORD_CLAIM_SIGNATURE": proof.Signature, "PASSWORD_CLAIM_SECRET_BLOCK": c.Parameters["SECRET_BLOCK"], "TIMESTAMP": proof.Timestamp,
	}})
}

// sign computes the proof of a password, in a slot of its own.
func (u *Users) sign(ctx context.Context, exchange *srp.Exchange, password string, c *muster.PoolChallenge) (srp.Answer, error) {
	_, leave, err := u.enter(ctx)
	if err != nil {
		return srp.Answer{}, err
	}
	defer leave()
	proof, err := exchange.Answer(u.o.Pool.name(), password, srp.Challenge{
		Salt: c.Parameters["SALT"], B: c.Parameters["SRP_B"], SecretBlock: c.Parameters["SECRET_BLOCK"], UserID: c.Username,
	}, u.o.Now())
	if err != nil {
		return srp.Answer{}, identity.Refusal(identity.ProviderUnavailable, err)
	}
	return proof, nil
}

func (u *Users) initiate(ctx context.Context, flow types.AuthFlowType, username string, parameters map[string]string) (poolReply, error) {
	hash, err := u.hash(username)
	if err != nil {
		return poolReply{}, err
	}
	parameters["USERNAME"] = username
	if hash != nil {
		parameters["SECRET_HASH"] = *hash
	}
	out, err := call(ctx, u, u.api.InitiateAuth, &sdk.InitiateAuthInput{AuthFlow: flow, ClientId: &u.o.ClientID, AuthParameters: parameters})
	if err != nil {
		return poolReply{}, u.told(ctx, err, wrongPassword)
	}
	return newPoolReply(username, out.AuthenticationResult, out.ChallengeName, out.Session, out.ChallengeParameters)
}

// challengeAnswers are the challenges that players can answer, with what each takes.
// Source: Cognito API reference, RespondToAuthChallenge.
var challengeAnswers = map[string][]string{
	"SMS_MFA":               {"SMS_MFA_CODE"},
	"SOFTWARE_TOKEN_MFA":    {"SOFTWARE_TOKEN_MFA_CODE"},
	"EMAIL_OTP":             {"EMAIL_OTP_CODE"},
	"SMS_OTP":               {"SMS_OTP_CODE"},
	"SELECT_MFA_TYPE":       {"ANSWER"},
	"NEW_PASSWORD_REQUIRED": {"NEW_PASSWORD"},
	"MFA_SETUP":             {"SOFTWARE_TOKEN_MFA_CODE", "EMAIL"},
	"PASSWORD_VERIFIER":     {"PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP"},
	"CUSTOM_CHALLENGE":      {"ANSWER"},
}

// attributePrefix begins the answers by which NEW_PASSWORD_REQUIRED takes attributes.
const attributePrefix = "userAttributes."

// AnswerChallenge goes on with a sign-in. The challenge MFA_SETUP takes the first code of
// the authenticator that SetUpAuthenticator gave a secret for, or an e-mail address.
func (u *Users) AnswerChallenge(ctx context.Context, said muster.PoolReply) (muster.PoolAnswer, error) {
	takes, known := challengeAnswers[said.Challenge]
	if !known {
		return muster.PoolAnswer{}, muster.Errorf(muster.Invalid, "cognito.challenge_unknown", "this challenge cannot be answered here; those that can are %s",
			strings.Join(slices.Sorted(maps.Keys(challengeAnswers)), ", "))
	}
	for name := range said.Answers {
		if !slices.Contains(takes, name) && !(said.Challenge == "NEW_PASSWORD_REQUIRED" && strings.HasPrefix(name, attributePrefix)) {
			return muster.PoolAnswer{}, muster.Errorf(muster.Invalid, "cognito.answer_unknown", "this challenge takes %s", strings.Join(takes, ", "))
		}
	}
	if code := said.Answers["SOFTWARE_TOKEN_MFA_CODE"]; code != "" && said.Challenge == "MFA_SETUP" {
		session, err := u.verifyAuthenticator(ctx, said.Session, code)
		if err != nil {
			return muster.PoolAnswer{}, err
		}
		said.Session, said.Answers = session, nil
	}
	reply, err := u.respond(ctx, said)
	if err != nil {
		return muster.PoolAnswer{}, err
	}
	return u.answer(ctx, reply)
}

func (u *Users) respond(ctx context.Context, said muster.PoolReply) (poolReply, error) {
	hash, err := u.hash(said.Username)
	if err != nil {
		return poolReply{}, err
	}
	responses := map[string]string{"USERNAME": said.Username}
	if hash != nil {
		responses["SECRET_HASH"] = *hash
	}
	maps.Copy(responses, said.Answers)
	in := &sdk.RespondToAuthChallengeInput{ClientId: &u.o.ClientID, ChallengeName: types.ChallengeNameType(said.Challenge), ChallengeResponses: responses}
	if said.Session != "" {
		in.Session = &said.Session
	}
	out, err := call(ctx, u, u.api.RespondToAuthChallenge, in)
	if err != nil {
		return poolReply{}, u.told(ctx, err, nil)
	}
	return newPoolReply(said.Username, out.AuthenticationResult, out.ChallengeName, out.Session, out.ChallengeParameters)
}

// SetUpAuthenticator gives out a secret for an authenticator app, in the session of the
// challenge MFA_SETUP.
func (u *Users) SetUpAuthenticator(ctx context.Context, session string) (muster.PoolAuthenticator, error) {
	out, err := call(ctx, u, u.api.AssociateSoftwareToken, &sdk.AssociateSoftwareTokenInput{Session: &session})
	if err != nil {
		return muster.PoolAuthenticator{}, u.told(ctx, err, nil)
	}
	return muster.PoolAuthenticator{SecretCode: aws.ToString(out.SecretCode), Session: aws.ToString(out.Session)}, nil
}

// verifyAuthenticator has Cognito check an authenticator's first code and returns the session
// in which the sign-in goes on.
func (u *Users) verifyAuthenticator(ctx context.Context, session, code string) (string, error) {
	out, err := call(ctx, u, u.api.VerifySoftwareToken, &sdk.VerifySoftwareTokenInput{Session: &session, UserCode: &code})
	if err != nil {
		return "", u.told(ctx, err, nil)
	}
	if out.Status != types.VerifySoftwareTokenResponseTypeSuccess {
		return "", errCode(nil)
	}
	return aws.ToString(out.Session), nil
}

// Refresh signs in by a refresh token of the pool.
func (u *Users) Refresh(ctx context.Context, refreshToken string) (muster.PoolAnswer, error) {
	secret, err := u.secret()
	if err != nil {
		return muster.PoolAnswer{}, err
	}
	out, err := call(ctx, u, u.api.GetTokensFromRefreshToken, &sdk.GetTokensFromRefreshTokenInput{
		RefreshToken: &refreshToken, ClientId: &u.o.ClientID, ClientSecret: secret,
	})
	if err != nil {
		return muster.PoolAnswer{}, u.told(ctx, err, nil)
	}
	reply, err := newPoolReply("", out.AuthenticationResult, "", nil, nil)
	if err != nil {
		return muster.PoolAnswer{}, err
	}
	return u.answer(ctx, reply)
}

// answer passes a challenge on, and has Login check tokens and turn them into a grant.
func (u *Users) answer(ctx context.Context, r poolReply) (muster.PoolAnswer, error) {
	if r.challenge != nil {
		return muster.PoolAnswer{Challenge: r.challenge}, nil
	}
	grant, err := u.o.Login(ctx, aws.ToString(r.tokens.AccessToken))
	if err != nil {
		return muster.PoolAnswer{}, err
	}
	answer := muster.PoolAnswer{Grant: &grant}
	if u.o.ShowTokens {
		answer.Cognito = &muster.PoolTokens{
			AccessToken: aws.ToString(r.tokens.AccessToken), IDToken: aws.ToString(r.tokens.IdToken),
			RefreshToken: aws.ToString(r.tokens.RefreshToken), ExpiresInSeconds: int(r.tokens.ExpiresIn),
		}
	}
	return answer, nil
}
