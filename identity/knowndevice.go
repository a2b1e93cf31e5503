package identity

import (
	"bytes"
	"encoding/json"
	"net/netip"

	"muster"
)

// A device that does not name itself is known by its program and its network: to say that one
// is a certain program costs an attacker a header. Of the network a sign-in keeps two bytes
// under a key of its own: enough that another network is mistaken for it once in 65,536
// times, too few to tell which of all networks it is.

// Sizes of what counts as one network, in bits of an address, and of what is kept of it. A
// provider gives its customers other addresses of the same network now and then: so fewer bits
// of IPv4 count here than where one address is told from its neighbours.
const (
	networkBits4 = 24
	networkBits6 = 48
	networkBytes = 2
)

// networkMark is what a sign-in with a tag key keeps of a client's network; nil: the address
// is not known.
func networkMark(tagKey []byte, address netip.Addr) []byte {
	network := muster.NetworkOf(address, networkBits4, networkBits6)
	if !network.IsValid() {
		return nil
	}
	return mac(tagKey, []byte("network "+network.String()))[:networkBytes]
}

// isKnownDevice says that one of the sign-ins is of the client's device: by the id that it
// gives itself, or else by what it calls itself and, where addresses are known, its network.
func isKnownDevice(held []muster.Record, client muster.Client) bool {
	for i := len(held) - 1; i >= 0; i-- { // the latest is the likeliest
		var f struct {
			Device   string `json:"device"`
			DeviceID string `json:"deviceId"`
			Network  []byte `json:"net"`
			TagKey   []byte `json:"tagKey"`
		}
		if json.Unmarshal(held[i].Value, &f) != nil || f.DeviceID != client.Device {
			continue
		}
		if client.Device != "" {
			return true
		}
		if f.Device == client.UserAgent && (!client.Address.IsValid() || bytes.Equal(f.Network, networkMark(f.TagKey, client.Address))) {
			return true
		}
	}
	return false
}
