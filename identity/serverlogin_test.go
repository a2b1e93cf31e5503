package identity

import (
	"testing"
	"time"

	"muster"
)

func TestAGameServerProvesItselfForAToken(t *testing.T) {
	s := newSite(t)
	prover := vouching(func(p Proof) (Verified, error) {
		if p.Token != "signed" {
			return Verified{}, Refusal(CredentialInvalid, nil)
		}
		return Verified{Subject: "AROA:i-0abc", Once: "signature", Until: s.clock().Add(5 * time.Minute)}, nil
	})
	grant, err := s.LoginServer(t.Context(), "aws-iam", prover, Proof{Token: "signed"})
	if err != nil || grant.ExpiresInSeconds != 900 {
		t.Fatalf("grant is %+v, %v", grant, err)
	}
	caller, err := s.Verify(t.Context(), grant.AccessToken)
	if err != nil || caller != (muster.Caller{Scope: muster.ServerScope, Key: "AROA:i-0abc"}) {
		t.Errorf("caller is %+v, %v", caller, err)
	}
	_, err = s.LoginServer(t.Context(), "aws-iam", prover, Proof{Token: "signed"})
	wantRefusal(t, err, muster.Unauthenticated, "credential.expired")
	_, err = s.LoginServer(t.Context(), "aws-iam", prover, Proof{Token: "forged"})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	_, err = s.LoginServer(t.Context(), "aws-iam", prover, Proof{Token: string(make([]byte, maxProofToken+1))})
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")

	s.pass(15 * time.Minute)
	_, err = s.Verify(t.Context(), grant.AccessToken)
	wantRefusal(t, err, muster.Unauthenticated, "token.expired")
}
