package limit

import (
	"crypto/sha256"
	"encoding/base64"
	"net/netip"

	"muster"
)

// addressKey is what an address is counted as: an IPv4 address alone, and all of an IPv6
// network of 64 bits, since who has one address of it has them all. A wider network would let
// one customer of a provider use up what others may do. Empty: not known.
func addressKey(a netip.Addr) string {
	network := muster.NetworkOf(a, 32, 64)
	switch {
	case !network.IsValid():
		return ""
	case network.IsSingleIP():
		return network.Addr().String()
	}
	return network.String()
}

// hashed is how what tells about somebody stands in a record.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// identityKey is what failures to prove an identity are kept as, whether it is known or not.
func identityKey(id muster.Identity) string { return hashed(id.Provider + "\x00" + id.Subject) }
