package provider

import (
	"errors"

	"muster/identity"
)

// issuerField is the field of a proof in which a client passes on the parameter iss that came to it
// beside a code. Source: RFC 9207, section 2.
const issuerField = "iss"

// checkIssuer refuses a code that somebody else has issued than this exchange is for: sent on, it
// would be in the hands of the wrong server. Source: RFC 9207, section 2.4.
func (x *codeExchange) checkIssuer(proof identity.Proof) error {
	named := proof.Fields[issuerField]
	switch {
	case x.issuer == nil, named == "" && !x.wantsIssuer:
		return nil
	case named == "":
		return identity.Refusal(identity.CredentialInvalid, errors.New("the code comes without the iss that came with it"))
	case !x.issuer(named):
		return identity.Refusal(identity.WrongApplication, errors.New("the code was issued by somebody else"))
	}
	return nil
}
