package identity

import (
	"testing"
	"time"

	"muster"
	"muster/limit"
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

func TestProofsOfGameServersAreCountedBeforeAnybodyIsAsked(t *testing.T) {
	d := newDesk(t, nil)
	limited(d, map[muster.Action]limit.Rate{muster.ActSignIn: {Count: 2, Per: time.Hour}})
	asked := 0
	prover := vouching(func(Proof) (Verified, error) { asked++; return Verified{}, Refusal(CredentialInvalid, nil) })
	for i := range 4 {
		_, err := d.site.LoginServer(at("203.0.113.7", ""), "aws-iam", prover, Proof{Token: "forged"})
		if isLimited(err) != (i >= 2) {
			t.Errorf("proof %d: %v", i, err)
		}
	}
	if asked != 2 {
		t.Errorf("the platform was asked %d times", asked)
	}
}
