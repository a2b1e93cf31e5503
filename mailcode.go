package muster

// CodeSent is the answer of whatever has a code sent by mail. It is the same whether
// anybody has an account with the address.
type CodeSent struct {
	ID               string `json:"id"` // to be shown with the code
	ExpiresInSeconds int    `json:"expiresInSeconds"`
}

// MailProof is what somebody read in a mail: a code, with the id of what asked for it, or
// the token of a link alone.
type MailProof struct {
	ID, Code string
	Token    string
}
