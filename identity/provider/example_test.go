package provider_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"muster/identity"
	"muster/identity/provider"
)

// clubCards is a studio's own provider: members sign in with the number of their card and a
// code that the desk gives out.
type clubCards struct{ codes map[string]string }

// Verify takes a card with its code. That the card's number comes from the client is no
// harm: the code proves it.
func (c clubCards) Verify(_ context.Context, proof identity.Proof) (identity.Verified, error) {
	card := proof.Fields["card"]
	if code, known := c.codes[card]; !known || code != proof.Code {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, nil)
	}
	return identity.Verified{Subject: card, Once: proof.Code, Until: time.Now().Add(time.Hour)}, nil
}

// A provider is one method. A Receiver makes it a webhook, a program of the studio's own,
// which an unchanged Muster asks.
func ExampleNewReceiver() {
	key := provider.FixedSecret("a key of 32 bytes or more, shared with Muster")
	cards := clubCards{codes: map[string]string{"4711": "sesame"}}
	studio := httptest.NewServer(provider.NewReceiver(provider.ReceiverOptions{
		Provider: cards, Keys: []provider.Secret{key}, Now: time.Now,
	}))
	defer studio.Close()

	// This is what Muster does with an entry of kind webhook.
	muster := provider.NewWebhook(provider.WebhookOptions{
		Client: provider.NewClient(provider.ClientOptions{Name: "cards", Timeout: provider.WebhookTimeout, Now: time.Now}),
		Now:    time.Now, Name: "cards", URL: studio.URL, Key: key, Takes: []string{"code", "fields.card"},
	})
	for _, code := range []string{"sesame", "please"} {
		who, err := muster.Verify(context.Background(), identity.Proof{Code: code, Fields: map[string]string{"card": "4711"}})
		fmt.Printf("%q %v\n", who.Subject, err)
	}
	// Output:
	// "4711" <nil>
	// "" credential.invalid: this proof is not valid: the webhook says so
}
