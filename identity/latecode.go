package identity

import (
	"time"

	"muster"
)

// codeAloneFor is how long a code signs in who brings nothing else. Source: ASVS 5.0, 6.5.5.
const codeAloneFor = 10 * time.Minute

// isLate says that a code proves an address still, but signs nobody in by itself any more: the
// password that was chosen has to come with it. A code that links goes together with an access
// token in any case.
func (p *Passwords) isLate(r proven) bool {
	openedAt := r.Until.Add(-p.verifyFor)
	return r.Use == useSignUp && p.now().After(openedAt.Add(codeAloneFor))
}

func errLateCode() *muster.Error {
	return muster.Errorf(muster.Invalid, "password.missing", "this code is older than %d minutes: send the password that was chosen with it", int(codeAloneFor/time.Minute))
}
