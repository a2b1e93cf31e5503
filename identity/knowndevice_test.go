package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestADeviceWithoutANameIsKnownByItsProgramAndNetwork(t *testing.T) {
	s := newSite(t)
	s.random = rand.NewChaCha8([32]byte{}) // or two networks had one mark by chance, once in a long while
	from := func(address, agent, device string) context.Context {
		parsed, _ := netip.ParseAddr(address) // none is none
		return muster.WithClient(context.Background(), muster.Client{Address: parsed, UserAgent: agent, Device: device})
	}
	first, err := s.Guest(from("192.0.2.7", "Game/1", ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, address, agent, device string
		records                      int // after the sign-in
	}{
		{"the same address", "192.0.2.7", "Game/1", "", 0},
		{"its neighbour", "192.0.2.200", "Game/1", "", 0},
		{"the same as seen by a listener for both kinds", "::ffff:192.0.2.7", "Game/1", "", 0},
		{"the program's name, copied elsewhere", "198.51.100.9", "Game/1", "", 1},
		{"there again", "198.51.100.9", "Game/1", "", 1},
		{"a network of IPv6", "2001:db8:1::7", "Game/1", "", 2},
		{"another address of it", "2001:db8:1:ff::8", "Game/1", "", 2},
		{"another such network", "2001:db8:2::7", "Game/1", "", 3},
		{"a device that names itself", "192.0.2.7", "Game/1", "phone-1", 4},
		{"the same on its way", "203.0.113.1", "Game/1", "phone-1", 4},
		{"an address that is not known", "", "Game/1", "", 4},
	} {
		s.pass(time.Second)
		grant, err := s.Guest(from(c.address, c.agent, c.device), first.Guest)
		if err != nil {
			t.Fatal(err)
		}
		if records := s.audited(t, grant.Player.ID); len(records) != c.records {
			t.Fatalf("%s: %d records, want %d", c.name, len(records), c.records)
		}
	}
}

func TestASignInDoesNotKeepItsAddress(t *testing.T) {
	s := newSite(t)
	ctx := muster.WithClient(t.Context(), muster.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "Game/1"})
	grant, err := s.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	parsed, _ := parseRefreshToken(grant.RefreshToken)
	rec, err := s.store.Get(t.Context(), familyKey(parsed.player, parsed.family))
	if err != nil {
		t.Fatal(err)
	}
	var f family
	if err := json.Unmarshal(rec.Value, &f); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(rec.Value), "192.0") || len(f.Network) != networkBytes {
		t.Errorf("the record is %s", rec.Value)
	}
	one, other := networkMark([]byte("one"), netip.MustParseAddr("192.0.2.7")), networkMark([]byte("other"), netip.MustParseAddr("192.0.2.7"))
	if bytes.Equal(one, other) {
		t.Error("sign-ins from one network have one mark")
	}
	if networkMark(nil, netip.Addr{}) != nil {
		t.Error("no address has a mark")
	}
}
