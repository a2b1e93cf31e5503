package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/identity/provider"
)

const (
	musterKey = "0123456789abcdef0123456789abcdef"
	ticketKey = "fedcba9876543210fedcba9876543210"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// newProvider is Muster's side, as the configuration makes it.
func newProvider(t *testing.T, key string) *provider.Webhook {
	t.Helper()
	server := httptest.NewServer(newWebhook([]byte(musterKey), []byte(ticketKey), clock))
	t.Cleanup(server.Close)
	return provider.NewWebhook(provider.WebhookOptions{
		Client: provider.NewClient(provider.ClientOptions{Name: "studio", Timeout: provider.WebhookTimeout, Now: clock}),
		Now:    clock, Name: "studio", URL: server.URL, Key: provider.FixedSecret(key),
	})
}

func ticket(account string, until time.Time, key string) string {
	return newTicket([]byte(key), account, until)
}

// TestTheSignatureOfTheDocumentation keeps docs/identity.md true.
func TestTheSignatureOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "Muster-Signature: t=1795334400,v1=" + sign([]byte(musterKey), `1795334400.{"provider":"studio","token":"..."}`)
	if !strings.Contains(string(text), want) || !strings.Contains(string(text), musterKey) {
		t.Errorf("docs/identity.md does not have the key %s and %s", musterKey, want)
	}
}

func TestATicketOfTheLauncherSignsItsAccountIn(t *testing.T) {
	until := now.Add(time.Hour)
	who, err := newProvider(t, musterKey).Verify(t.Context(), identity.Proof{Token: ticket("ann", until, ticketKey)})
	if err != nil || who.Subject != "ann" || who.Once == "" || !who.Until.Equal(until) {
		t.Errorf("Verify = %+v, %v", who, err)
	}
}

func TestOtherTicketsSignNobodyIn(t *testing.T) {
	good := ticket("ann", now.Add(time.Hour), ticketKey)
	for name, c := range map[string]struct {
		token, key string
		reason     identity.Reason
	}{
		"nonsense":             {"ticket", musterKey, identity.CredentialInvalid},
		"another's signature":  {ticket("ann", now.Add(time.Hour), musterKey), musterKey, identity.CredentialInvalid},
		"another account":      {"bob" + good[3:], musterKey, identity.CredentialInvalid},
		"nobody":               {ticket("", now.Add(time.Hour), ticketKey), musterKey, identity.CredentialInvalid},
		"an old ticket":        {ticket("ann", now, ticketKey), musterKey, identity.CredentialExpired},
		"a Muster not of ours": {good, ticketKey, identity.ProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newProvider(t, c.key).Verify(t.Context(), identity.Proof{Token: c.token})
			var refusal *muster.Error
			if !errors.As(err, &refusal) || refusal.Code != string(c.reason) {
				t.Errorf("Verify says %v, want %s", err, c.reason)
			}
		})
	}
}

func TestWithoutKeysItDoesNotStart(t *testing.T) {
	if err := run("127.0.0.1:0", "", ticketKey); err == nil {
		t.Error("it starts")
	}
}

func TestATicketIsPrintedWithAKeyAlone(t *testing.T) {
	for name, c := range map[string]struct{ account, key string }{
		"no key":             {"ann", ""},
		"a short key":        {"ann", ticketKey[1:]},
		"an account of dots": {"ann.smith", ticketKey},
	} {
		if ticket, err := printed(c.account, c.key, now); err == nil {
			t.Errorf("%s: it prints %s", name, ticket)
		}
	}
	good, err := printed("ann", ticketKey, now)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := newProvider(t, musterKey).Verify(t.Context(), identity.Proof{Token: good}); err != nil || who.Subject != "ann" {
		t.Errorf("Verify = %+v, %v", who, err)
	}
}
