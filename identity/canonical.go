package identity

import "muster"

// Canonical is the form in which an identity is kept: an address as all spellings of it have
// it, a long subject as its hash. For who looks for one that somebody typed.
func Canonical(id muster.Identity) (muster.Identity, error) {
	if id.Provider == muster.EmailProvider {
		address, err := canonicalEmail(id.Subject)
		return emailIdentity(address), err
	}
	return muster.Identity{Provider: id.Provider, Subject: subjectKey(id.Subject)}, nil
}
