package muster

// The words of a user pool: accounts that Amazon Cognito keeps, and that players reach
// through us because their client has no AWS SDK.

// PoolSignUp is what a new account of a user pool is made from. Attributes are the pool's,
// by their names: "email".
type PoolSignUp struct {
	Username, Password string
	Attributes         map[string]string
}

// PoolSignIn begins a sign-in at a user pool: with the password, or with the public value
// of a client that proves it by itself (SRP_A), which leaves the password out.
type PoolSignIn struct {
	Username, Password string
	PublicValue        string
}

// PoolReply answers a challenge of a user pool.
type PoolReply struct {
	Challenge string // its name
	Session   string // of the challenge
	Username  string // of the challenge
	Answers   map[string]string
}

// PoolPasswordChange replaces a password. The player shows an access token of the pool, or
// who they are there.
type PoolPasswordChange struct {
	AccessToken           string
	Username              string // without an access token
	Password, NewPassword string
}

// PoolAnswer is how a sign-in at a user pool goes on: it is done and there is a grant, or
// there is a challenge first.
type PoolAnswer struct {
	Grant     *Grant         `json:"grant,omitempty"`
	Challenge *PoolChallenge `json:"challenge,omitempty"`
	Cognito   *PoolTokens    `json:"cognito,omitempty"`
}

// PoolChallenge is what a user pool wants to know before it signs somebody in.
type PoolChallenge struct {
	Name       string            `json:"name"`                 // as Cognito spells it: "SMS_MFA"
	Session    string            `json:"session,omitempty"`    // goes back with the answer
	Username   string            `json:"username"`             // goes back with the answer
	Parameters map[string]string `json:"parameters,omitempty"` // as Cognito spells them
}

// PoolTokens are the user pool's own tokens.
type PoolTokens struct {
	AccessToken      string `json:"accessToken"`
	IDToken          string `json:"idToken,omitempty"`
	RefreshToken     string `json:"refreshToken,omitempty"` // absent: the one that was shown stays good
	ExpiresInSeconds int    `json:"expiresInSeconds"`
}

// PoolAuthenticator is a secret for an authenticator app, during a sign-in that asks for
// one to be set up.
type PoolAuthenticator struct {
	SecretCode string `json:"secretCode"` // base32
	Session    string `json:"session"`    // goes back with the first code
}
