package muster

// AWSIdentity is what a client gets AWS credentials for from an identity pool: it shows
// Token, under the name Login, to GetCredentialsForIdentity.
type AWSIdentity struct {
	IdentityID       string `json:"identityId"`
	IdentityPoolID   string `json:"identityPoolId"`
	Region           string `json:"region"`
	Login            string `json:"login"`
	Token            string `json:"token"`
	ExpiresInSeconds int    `json:"expiresInSeconds"`
}

// ServerGrant is the answer to a game server that has proven itself.
type ServerGrant struct {
	AccessToken      string `json:"accessToken"`
	ExpiresInSeconds int    `json:"expiresInSeconds"`
}
