package httpapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"muster"
)

// deviceHeader is where a client names its device: a text of its own, the same at every
// start.
const deviceHeader = "Muster-Device"

// Proxies are those that stand between clients and us, and say in X-Forwarded-For whom they
// speak for. The zero value: there are none.
type Proxies struct {
	Networks []netip.Prefix // where they are; what others say about a client is not believed
	Hops     int            // how many there are, wherever they are; instead of Networks
}

// maxForwarded bounds the addresses that are read of X-Forwarded-For.
const maxForwarded = 32

// client is the address of a request's client. Each proxy adds, at the end, the address
// that it was called from; so the list is read from its end, for as long as the speaker is a
// proxy of ours. Whatever stands before that was written by the client. While no
// proxy is named, an internal address that speaks for others is one that we were not told of:
// unknown says so, and the client's address is not known.
func (p Proxies) client(remote netip.Addr, forwarded []string) (client netip.Addr, unknown bool) {
	chain := addresses(forwarded)
	if p.Hops > 0 {
		if len(chain) < p.Hops {
			return remote, false // it did not come through all of them
		}
		return chain[p.Hops-1], false
	}
	client = remote
	for _, before := range chain {
		if !p.trusts(client) {
			break
		}
		if client = before; !client.IsValid() {
			return netip.Addr{}, false // a proxy of ours passes on what is no address
		}
	}
	if len(p.Networks) == 0 && len(chain) > 0 && isInternal(remote) {
		return netip.Addr{}, true
	}
	return client, false
}

func (p Proxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// isInternal says that an address is not one of the Internet.
func isInternal(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || sharedAddresses.Contains(a)
}

// sharedAddresses is used within providers' networks (RFC 6598).
var sharedAddresses = netip.MustParsePrefix("100.64.0.0/10")

// addresses reads X-Forwarded-For from its end, and stops at what is no address: an invalid
// one stands for that.
func addresses(headers []string) []netip.Addr {
	var chain []netip.Addr
	for _, header := range slices.Backward(headers) {
		for len(chain) < maxForwarded {
			i := strings.LastIndexByte(header, ',')
			a := address(strings.TrimSpace(header[i+1:]))
			if chain = append(chain, a); !a.IsValid() {
				return chain
			}
			if i < 0 {
				break
			}
			header = header[:i]
		}
	}
	return chain
}

// address reads an address, with or without a port.
func address(text string) netip.Addr {
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		with, _ := netip.ParseAddrPort(text) // invalid: no address
		a = with.Addr()
	}
	return a.Unmap().WithZone("")
}

// clientOf is where a request came from.
func (s *server) clientOf(r *http.Request) muster.Client {
	c := muster.Client{Device: r.Header.Get(deviceHeader), UserAgent: r.UserAgent()}
	remote := address(r.RemoteAddr)
	if !remote.IsValid() {
		return c
	}
	var unknown bool
	c.Address, unknown = s.Proxies.client(remote, r.Header.Values("X-Forwarded-For"))
	if unknown {
		s.unknownProxy.warn(s.Log, remote)
	}
	return c
}

// onceWarned warns once.
type onceWarned struct{ once sync.Once }

func (w *onceWarned) warn(log *slog.Logger, remote netip.Addr) {
	w.once.Do(func() {
		log.Warn("a proxy speaks for clients that was not named: their addresses are not known, so nothing is limited by address; name it with --trusted-proxy", "proxy", remote.String())
	})
}
