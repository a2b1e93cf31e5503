package identity

import (
	"maps"
	"slices"
	"strings"

	"muster"
)

// Taker is a provider that tells clients what it takes. One that does not is listed
// without.
type Taker interface {
	// Takes lists the proofs that are taken, each as the members of a proof that a client
	// sends, in the words of the API: {"code", "redirectUri"}, {"token", "nonce"},
	// {"fields.publicKeyUrl"}.
	Takes() [][]string
}

// Providers lists the ways in that are switched on, by name. The list is shared: do not
// change it.
func (s *Service) Providers() []muster.ProviderView { return s.ways }

func describeProviders(providers map[string]Provider, kinds map[string]string) []muster.ProviderView {
	ways := make([]muster.ProviderView, 0, len(providers))
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		way := muster.ProviderView{Name: name, Kind: name, Proofs: [][]string{}}
		if kind := kinds[name]; kind != "" {
			way.Kind = kind
		}
		if taker, tells := providers[name].(Taker); tells {
			way.Proofs = taker.Takes()
		}
		ways = append(ways, way)
	}
	return ways
}

// checkForm refuses a proof that none of the lists of a provider fits: the platform need not
// be asked for that. Whether a nonce, a redirect URI or a verifier is needed depends on the
// proof, and the provider says so.
func checkForm(p Provider, proof Proof) error {
	taker, tells := p.(Taker)
	if !tells {
		return nil
	}
	takes := taker.Takes()
	if len(takes) == 0 || slices.ContainsFunc(takes, func(list []string) bool { return fits(list, proof) }) {
		return nil
	}
	forms := make([]string, len(takes))
	for i, list := range takes {
		forms[i] = strings.Join(list, ", ")
	}
	return muster.Errorf(muster.Invalid, "credential.form", "this is not what the provider takes; it takes %s", strings.Join(forms, "; or "))
}

// fits says that a proof has the members of a list that no proof of the kind is without.
func fits(list []string, proof Proof) bool {
	return !slices.ContainsFunc(list, func(member string) bool {
		switch name, isField := strings.CutPrefix(member, "fields."); {
		case isField:
			return proof.Fields[name] == ""
		case member == "token":
			return proof.Token == ""
		case member == "code":
			return proof.Code == ""
		}
		return false
	})
}
