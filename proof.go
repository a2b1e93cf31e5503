package muster

// Proof is what a client got from its platform, as it sent it, to say who its player is.
// Which members count depends on the provider; none is trusted before the provider has
// verified it.
type Proof struct {
	Token        string // an ID token, an access token, a ticket in hexadecimal
	Code         string // an authorization code
	RedirectURI  string // the one the code was made for
	CodeVerifier string // PKCE, RFC 7636
	Nonce        string // one of ours, as it was given out, unhashed
	// Fields are what only this provider asks for.
	Fields map[string]string
}

// ProviderView is one way in that is switched on.
type ProviderView struct {
	Name string `json:"name"` // part of the calls' paths
	Kind string `json:"kind"`
	// Proofs lists the proofs that the provider takes, each as the members that a client
	// sends; what is only this provider's is "fields.NAME". Empty: the provider does not say.
	Proofs [][]string `json:"proofs"`
}

// OtherPlayer proves, in one of three ways, that a caller is a second player, too: by a
// provider's proof, as a guest, or with the newest refresh token of a sign-in.
type OtherPlayer struct {
	Provider     string // empty: another way
	Proof        Proof
	Guest        *Guest
	RefreshToken string
}
