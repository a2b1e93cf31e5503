package muster_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"muster"
)

func TestAClientsTextsAreShortAndPrintable(t *testing.T) {
	sent := muster.Client{
		Address: netip.MustParseAddr("192.0.2.7"), Device: "dev\x00ice-1\u202e", UserAgent: "Game/1.2 (\x1b[31mphone)\n" + strings.Repeat("x", 200),
	}
	got := muster.ClientFrom(muster.WithClient(context.Background(), sent))
	if got.Address != sent.Address || got.Device != "device-1" || len(got.UserAgent) != 100 || !strings.HasPrefix(got.UserAgent, "Game/1.2 ([31mphone)xxx") {
		t.Errorf("the client is %+v", got)
	}
	if got := muster.ClientFrom(context.Background()); got != (muster.Client{}) {
		t.Errorf("outside of a request the client is %+v", got)
	}
}

func TestTheNetworkOfAnAddressHasTheBitsThatCount(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":                 "192.0.2.0/24",
		"::ffff:192.0.2.7":          "192.0.2.0/24",
		"2001:db8:1:2:3::4":         "2001:db8:1::/48",
		"fe80::1%eth0":              "fe80::/48",
		"::1":                       "::/48",
		"2001:db8:1:ffff:ffff::":    "2001:db8:1::/48",
		"255.255.255.255":           "255.255.255.0/24",
		"::ffff:255.255.255.255%e0": "255.255.255.0/24",
	} {
		if got := muster.NetworkOf(netip.MustParseAddr(address), 24, 48).String(); got != want {
			t.Errorf("%s is of %s, want %s", address, got, want)
		}
	}
	if alone := muster.NetworkOf(netip.MustParseAddr("192.0.2.7"), 32, 64); !alone.IsSingleIP() {
		t.Errorf("all bits of an address are %s", alone)
	}
	if none := muster.NetworkOf(netip.Addr{}, 32, 64); none.IsValid() {
		t.Errorf("no address is of %s", none)
	}
}
