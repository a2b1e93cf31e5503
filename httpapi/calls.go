package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"muster"
)

// Calls limits how often anybody calls; *limit.Calls does. Refusals are Exhausted.
type Calls interface {
	// FromAddress takes a call of an address, before anything else is done for it; a zero
	// address is not known.
	FromAddress(a netip.Addr) error
	// ByPlayer takes a call of a player.
	ByPlayer(p muster.PlayerID, from netip.Addr) error
}

// isUncounted tells the calls that no address is limited for: those that say whether this
// replica lives, and those of Amazon, who signs them and comes from few addresses.
func isUncounted(path string) bool {
	return path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/v1/events/")
}

// hasKey says that a request shows a good key of a game server or an operator: many of them
// may call from one address. It costs one hash.
func (s *server) hasKey(r *http.Request) bool {
	keys := muster.Verifiers{Token: noToken, Server: s.VerifyServer, Admin: s.VerifyAdmin}
	_, err := keys.Authorization(r.Context(), r.Header.Values("Authorization"))
	return err == nil
}

// noToken verifies nothing.
func noToken(context.Context, string) (muster.Caller, error) {
	return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "token.invalid", "this is no key")
}

// refuseAddress refuses an address that calls too often; nil: it does not.
func (s *server) refuseAddress(r *http.Request, c muster.Client) error {
	if s.Calls == nil || isUncounted(r.URL.Path) {
		return nil
	}
	err := s.Calls.FromAddress(c.Address)
	if err != nil && s.hasKey(r) {
		return nil
	}
	return err
}

// refusePlayer refuses a player who calls too often.
func (s *server) refusePlayer(caller muster.Caller, c muster.Client) error {
	if s.Calls == nil || caller.Player == "" {
		return nil
	}
	return s.Calls.ByPlayer(caller.Player, c.Address)
}
