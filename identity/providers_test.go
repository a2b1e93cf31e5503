package identity

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"muster"
)

// telling is a provider that says what it takes.
type telling struct{ vouching }

func (telling) Takes() [][]string { return [][]string{{"token", "nonce"}, {"code"}} }

func TestProvidersAreListedByName(t *testing.T) {
	nobody := vouching(func(Proof) (Verified, error) { return Verified{}, Refusal(CredentialInvalid, nil) })
	s := newSite(t)
	if got := s.Providers(); got == nil || len(got) != 0 {
		t.Errorf("without any: %#v", got)
	}
	o := s.options()
	o.Providers = map[string]Provider{"studio": telling{nobody}, "acme": nobody}
	o.Kinds = map[string]string{"studio": "oidc"}
	want := []muster.ProviderView{
		{Name: "acme", Kind: "acme", Proofs: [][]string{}},
		{Name: "studio", Kind: "oidc", Proofs: [][]string{{"token", "nonce"}, {"code"}}},
	}
	if got := New(o).Providers(); !reflect.DeepEqual(got, want) {
		t.Errorf("listed are %+v, want %+v", got, want)
	}
	if _, err := New(o).Login(context.Background(), "acme", Proof{}); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("error is %v", err)
	}
}

func TestAProofOfAnotherFormIsToldWhatIsTaken(t *testing.T) {
	asked := 0
	o := newSite(t).options()
	o.Providers = map[string]Provider{"studio": telling{vouching(func(Proof) (Verified, error) {
		asked++
		return Verified{Subject: "ann"}, nil
	})}}
	s := New(o)
	for name, c := range map[string]struct {
		proof Proof
		taken bool
	}{
		"nothing":                    {Proof{}, false},
		"a field":                    {Proof{Fields: map[string]string{"email": annMail}}, false},
		"what goes beside":           {Proof{Nonce: "n", RedirectURI: "https://game.example/"}, false},
		"a token":                    {Proof{Token: "t", Nonce: "n"}, true},
		"a token without its nonce":  {Proof{Token: "t"}, true}, // the provider judges it
		"a code, and more than that": {Proof{Code: "c", RedirectURI: "https://game.example/"}, true},
	} {
		asked = 0
		_, err := s.Login(context.Background(), "studio", c.proof)
		if taken := err == nil; taken != c.taken || asked > 0 != c.taken {
			t.Errorf("%s: %v, asked %d times", name, err, asked)
		}
		if !c.taken {
			wantRefusal(t, err, muster.Invalid, "credential.form")
			if want := "it takes token, nonce; or code"; !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
}
