package identity

import (
	"context"
	"reflect"
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
