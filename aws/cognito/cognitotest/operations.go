package cognitotest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
)

type handler func(*Pool, request) (any, *exception)

// operations are what the stand-in can do; mu is held by whoever calls one.
func operations() map[string]handler {
	return map[string]handler{
		"SignUp": (*Pool).signUp, "ConfirmSignUp": (*Pool).confirm, "ResendConfirmationCode": (*Pool).resend,
		"InitiateAuth": (*Pool).initiate, "RespondToAuthChallenge": (*Pool).respond,
		"AssociateSoftwareToken": (*Pool).associate, "VerifySoftwareToken": (*Pool).verifyToken,
		"ForgotPassword": (*Pool).resend, "ConfirmForgotPassword": (*Pool).reset, "ChangePassword": (*Pool).change,
		"GetTokensFromRefreshToken": (*Pool).renew, "GlobalSignOut": (*Pool).signOut, "RevokeToken": (*Pool).revoke,
	}
}

// Texts of Cognito that tell more than a client should read.
const (
	wrongPassword = "Incorrect username or password."
	badHash       = "Unable to verify secret hash for client " + ClientID
)

var noUser = refuse("UserNotFoundException", "User does not exist.")

// client checks the app client and its secret. Source: Cognito developer guide, "Computing
// secret hash values".
func client(in request, username, hash string) *exception {
	if in.ClientID != ClientID {
		return refuse("ResourceNotFoundException", "User pool client "+in.ClientID+" does not exist.")
	}
	mac := hmac.New(sha256.New, []byte(ClientSecret))
	mac.Write([]byte(username + ClientID))
	if hash != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return refuse("NotAuthorizedException", badHash)
	}
	return nil
}

func (p *Pool) signUp(in request) (any, *exception) {
	if e := client(in, in.Username, in.SecretHash); e != nil {
		return nil, e
	}
	switch {
	case p.users[in.Username] != nil:
		return nil, refuse("UsernameExistsException", "User already exists")
	case len(in.Password) < 8:
		return nil, refuse("InvalidPasswordException", "Password did not conform with policy: Password not long enough")
	}
	for _, a := range in.UserAttributes {
		if a.Name != "email" {
			return nil, refuse("InvalidParameterException", "Attributes did not conform to the schema: "+a.Name)
		}
	}
	p.add(User{Name: in.Username, Password: in.Password})
	return map[string]any{"UserConfirmed": false, "UserSub": p.users[in.Username].Sub}, nil
}

func (p *Pool) confirm(in request) (any, *exception) {
	if e := client(in, in.Username, in.SecretHash); e != nil {
		return nil, e
	}
	switch u := p.users[in.Username]; {
	case u == nil:
		return nil, noUser
	case u.Confirmed:
		return nil, refuse("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED")
	case in.ConfirmationCode != Code:
		return nil, refuse("CodeMismatchException", "Invalid verification code provided, please try again.")
	default:
		u.Confirmed = true
	}
	return map[string]any{}, nil
}

// resend sends a code, of whatever kind.
func (p *Pool) resend(in request) (any, *exception) {
	if e := client(in, in.Username, in.SecretHash); e != nil {
		return nil, e
	}
	if p.users[in.Username] == nil {
		return nil, noUser
	}
	return map[string]any{"CodeDeliveryDetails": map[string]string{"Destination": "a***@e***", "DeliveryMedium": "EMAIL"}}, nil
}

func (p *Pool) reset(in request) (any, *exception) {
	if e := client(in, in.Username, in.SecretHash); e != nil {
		return nil, e
	}
	switch u := p.users[in.Username]; {
	case u == nil:
		return nil, noUser
	case in.ConfirmationCode != Code:
		return nil, refuse("ExpiredCodeException", "Invalid code provided, please request a code again.")
	case len(in.Password) < 8:
		return nil, refuse("InvalidPasswordException", "Password did not conform with policy")
	default:
		u.Password, u.Reset = in.Password, false
	}
	return map[string]any{}, nil
}

func (p *Pool) change(in request) (any, *exception) {
	u := p.users[p.access[in.AccessToken]]
	switch {
	case u == nil:
		return nil, refuse("NotAuthorizedException", "Invalid Access Token")
	case u.Password != in.PreviousPassword:
		return nil, refuse("NotAuthorizedException", wrongPassword)
	}
	u.Password = in.ProposedPassword
	return map[string]any{}, nil
}

func (p *Pool) initiate(in request) (any, *exception) {
	name := in.AuthParameters["USERNAME"]
	if e := client(in, name, in.AuthParameters["SECRET_HASH"]); e != nil {
		return nil, e
	}
	u := p.users[name]
	if u == nil {
		return nil, noUser
	}
	switch in.AuthFlow {
	case "USER_PASSWORD_AUTH":
		if u.Password != in.AuthParameters["PASSWORD"] {
			return nil, refuse("NotAuthorizedException", wrongPassword)
		}
		return p.proven(u)
	case "USER_SRP_AUTH":
		e, err := newExchange(u.Sub, u.Password, in.AuthParameters["SRP_A"])
		if err != nil {
			return nil, refuse("InvalidParameterException", err.Error())
		}
		// Cognito gives no session here: the secret block stands for it.
		p.sessions[e.block] = session{user: name, name: "PASSWORD_VERIFIER", exchange: e}
		return map[string]any{"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": map[string]string{
			"SALT": e.salt, "SRP_B": e.b, "SECRET_BLOCK": e.block, "USER_ID_FOR_SRP": u.Sub, "USERNAME": u.Sub,
		}}, nil
	}
	return nil, refuse("InvalidParameterException", in.AuthFlow+" flow not enabled for this client")
}

// proven goes on with a user whose password was right.
func (p *Pool) proven(u *User) (any, *exception) {
	switch {
	case u.Reset:
		return nil, refuse("PasswordResetRequiredException", "Password reset required for the user")
	case !u.Confirmed:
		return nil, refuse("UserNotConfirmedException", "User is not confirmed.")
	case u.Factor != "":
		return p.challenge(u, u.Factor, nil)
	}
	return p.tokens(u, true), nil
}

func (p *Pool) challenge(u *User, name string, parameters map[string]string) (any, *exception) {
	id := fmt.Sprintf("session-%d-%s", p.next(), strings.Repeat("s", 20))
	p.sessions[id] = session{user: u.Name, name: name}
	all := map[string]string{"USER_ID_FOR_SRP": u.Sub, "CODE_DELIVERY_DESTINATION": "+*******11"}
	maps.Copy(all, parameters)
	return map[string]any{"ChallengeName": name, "Session": id, "ChallengeParameters": all}, nil
}

// factorAnswers are the right answers to second factors.
var factorAnswers = map[string]map[string]string{
	"SMS_MFA":            {"SMS_MFA_CODE": Code},
	"SOFTWARE_TOKEN_MFA": {"SOFTWARE_TOKEN_MFA_CODE": Code},
	"EMAIL_OTP":          {"EMAIL_OTP_CODE": Code},
}

func (p *Pool) respond(in request) (any, *exception) {
	answers := in.ChallengeResponses
	id := in.Session
	if in.ChallengeName == "PASSWORD_VERIFIER" {
		id = answers["PASSWORD_CLAIM_SECRET_BLOCK"]
	}
	s, known := p.sessions[id]
	delete(p.sessions, id)
	if !known || s.name != in.ChallengeName {
		return nil, refuse("NotAuthorizedException", "Invalid session for the user.")
	}
	u := p.users[s.user]
	if answers["USERNAME"] != u.Sub && answers["USERNAME"] != u.Name {
		return nil, refuse("NotAuthorizedException", "Invalid session for the user.")
	}
	if e := client(in, answers["USERNAME"], answers["SECRET_HASH"]); e != nil {
		return nil, e
	}
	switch in.ChallengeName {
	case "PASSWORD_VERIFIER":
		if !s.exchange.proves(answers["TIMESTAMP"], answers["PASSWORD_CLAIM_SIGNATURE"], p.now()) {
			return nil, refuse("NotAuthorizedException", wrongPassword)
		}
		return p.proven(u)
	case "SELECT_MFA_TYPE":
		if factorAnswers[answers["ANSWER"]] == nil {
			return nil, refuse("InvalidParameterException", "Invalid answer")
		}
		return p.challenge(u, answers["ANSWER"], nil)
	case "NEW_PASSWORD_REQUIRED":
		u.Password, u.Factor = answers["NEW_PASSWORD"], ""
		return p.tokens(u, true), nil
	case "MFA_SETUP":
		return p.tokens(u, true), nil // VerifySoftwareToken made the session
	}
	for name, right := range factorAnswers[in.ChallengeName] {
		if answers[name] != right {
			p.sessions[id] = s // another try
			return nil, refuse("CodeMismatchException", "Invalid code received for user")
		}
	}
	return p.tokens(u, true), nil
}

func (p *Pool) associate(in request) (any, *exception) {
	s, known := p.sessions[in.Session]
	if !known || s.name != "MFA_SETUP" {
		return nil, refuse("NotAuthorizedException", "Invalid session for the user.")
	}
	delete(p.sessions, in.Session)
	id := fmt.Sprint("associated-", p.next())
	p.sessions[id] = session{user: s.user, name: "associated"}
	return map[string]any{"SecretCode": "JBSWY3DPEHPK3PXP", "Session": id}, nil
}

func (p *Pool) verifyToken(in request) (any, *exception) {
	s, known := p.sessions[in.Session]
	if !known || s.name != "associated" {
		return nil, refuse("NotAuthorizedException", "Invalid session for the user.")
	}
	if in.UserCode != Code {
		return nil, refuse("EnableSoftwareTokenMFAException", "Code mismatch")
	}
	id := fmt.Sprint("verified-", p.next())
	p.sessions[id] = session{user: s.user, name: "MFA_SETUP"}
	return map[string]any{"Status": "SUCCESS", "Session": id}, nil
}

func (p *Pool) renew(in request) (any, *exception) {
	u := p.users[p.refresh[in.RefreshToken]]
	switch {
	case in.ClientID != ClientID || in.ClientSecret != ClientSecret:
		return nil, refuse("NotAuthorizedException", "Client secret does not match, secret hash")
	case u == nil:
		return nil, refuse("NotAuthorizedException", "Refresh Token has been revoked")
	}
	return p.tokens(u, false), nil
}

func (p *Pool) signOut(in request) (any, *exception) {
	name, known := p.access[in.AccessToken]
	if !known {
		return nil, refuse("NotAuthorizedException", "Access Token has been revoked")
	}
	maps.DeleteFunc(p.access, func(_, owner string) bool { return owner == name })
	maps.DeleteFunc(p.refresh, func(_, owner string) bool { return owner == name })
	return map[string]any{}, nil
}

func (p *Pool) revoke(in request) (any, *exception) {
	if in.ClientID != ClientID || in.ClientSecret != ClientSecret {
		return nil, refuse("UnauthorizedException", "Request is not authorized")
	}
	delete(p.refresh, in.Token)
	return map[string]any{}, nil
}

// tokens signs a user in.
func (p *Pool) tokens(u *User, withRefresh bool) any {
	claims := p.AccessClaims(u.Sub, u.Name)
	claims["jti"] = fmt.Sprint("jti-", p.next())
	if len(u.Groups) > 0 {
		claims["cognito:groups"] = u.Groups
	}
	result := map[string]any{
		"AccessToken": p.Sign(KeyID, claims, nil), "IdToken": p.Sign(KeyID, p.IDClaims(u.Sub, u.Name), nil),
		"ExpiresIn": 3600, "TokenType": "Bearer",
	}
	p.access[result["AccessToken"].(string)] = u.Name
	if withRefresh {
		token := fmt.Sprint("refresh-token-of-the-pool-", p.next())
		p.refresh[token] = u.Name
		result["RefreshToken"] = token
	}
	return map[string]any{"AuthenticationResult": result}
}
