package identity

import (
	"maps"
	"slices"

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
