package limit

import (
	"net/netip"
	"testing"
)

// Records keep these: another text would begin every count anew.
func TestWhatAnAddressIsCountedAs(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := addressKey(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is counted as %q, want %q", address, got, want)
		}
	}
	if got := addressKey(netip.Addr{}); got != "" {
		t.Errorf("no address is counted as %q", got)
	}
}
