package identity_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"muster"
	"muster/identity"
	"muster/store/memory"
)

// clubCards is a provider of one's own: members of a club sign in with the number of their
// card and a code.
type clubCards map[string]string

func (c clubCards) Verify(_ context.Context, proof identity.Proof) (identity.Verified, error) {
	card := proof.Fields["card"]
	if code, known := c[card]; !known || code != proof.Code {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, nil)
	}
	return identity.Verified{Subject: card}, nil
}

// oneAccount stands for the rules, *muster.Backend.
type oneAccount struct{ identity.Accounts }

func (oneAccount) EnsurePlayer(context.Context, muster.Identity, []byte) (muster.PlayerID, bool, error) {
	return "player-1", true, nil
}

// A program that puts Muster together itself hands its providers to New.
func ExampleService_Login() {
	keys, err := identity.NewKeys(rand.Reader)
	if err != nil {
		panic(err)
	}
	service := identity.New(identity.Options{
		Accounts: oneAccount{}, Store: memory.New(time.Now), Keys: keys,
		Issuer: "https://play.example", Audience: "muster",
		Providers: map[string]identity.Provider{"club": clubCards{"4711": "sesame"}},
		Now:       time.Now, NewID: func() string { return rand.Text() }, Random: rand.Reader,
	})
	for _, code := range []string{"sesame", "please"} {
		grant, err := service.Login(context.Background(), "club", identity.Proof{Code: code, Fields: map[string]string{"card": "4711"}})
		fmt.Printf("%q %v\n", grant.Player.ID, err)
	}
	// Output:
	// "player-1" <nil>
	// "" credential.invalid: this proof is not valid
}
