package main

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/store/sqlite"
)

func TestLimitsAreConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"exempt: [ten, 10.0.0.0/8, 1.2.3]":          `identity.limits.exempt[2]: "1.2.3" is neither an address nor a network`,
		"exempt: [ten]":                             `identity.limits.exempt[0]: "ten" is neither an address nor a network`,
		"address: {newGuests: {count: -1}}":         "identity.limits.address.newGuests.count: lies between 0",
		"address: {guests: {count: 1}}":             "identity.limits.address.guests: there is no such action",
		"device: {mails: {withinSeconds: 0}}":       "identity.limits.device.mails.withinSeconds: lies between 1",
		"failures: {source: 0}":                     "identity.limits.failures.source: lies between 1",
		"failures: {longestSeconds: 0}":             "identity.limits.failures: firstSeconds is at least 1",
		"calls: {player: {count: 10000000}}":        "identity.limits.calls.player.count: lies between",
		"calls: {player: {count: 5, perSecond: 2}}": "perSecond: there is no such key",
	} {
		_, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  limits: {"+text+"}\n"), files)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLimitsAreOnByThemselvesButForThisMachine(t *testing.T) {
	there, here := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("127.0.0.1")
	for text, want := range map[string][2]bool{ // refused there, and here
		"":                             {true, false},
		"exempt: []":                   {true, true},
		"exempt: [203.0.113.0/24]":     {false, true},
		"calls: {address: {count: 0}}": {false, false},
	} {
		c, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  limits: {"+text+"}\n"), files)
		if err != nil {
			t.Fatal(err)
		}
		calls := c.Identity.Limits.calls(time.Now)
		for i, a := range []netip.Addr{there, here} {
			refused := false
			for range 3000 {
				refused = refused || calls.FromAddress(a) != nil
			}
			if refused != want[i] {
				t.Errorf("%q: calls from %v are refused: %v", text, a, refused)
			}
		}
	}
}

// TestServeLimitsThisMachineToo: behind a proxy on the same machine every call comes from it.
func TestServeLimitsThisMachineToo(t *testing.T) {
	here := netip.MustParseAddr("127.0.0.1")
	for text, want := range map[string]struct {
		limited bool
		level   string // of the line in the log
		says    string
	}{
		"":                               {true, "INFO", "exempt=[]"},
		"exempt: []":                     {true, "INFO", "exempt=[]"},
		"exempt: [203.0.113.0/24]":       {true, "INFO", "203.0.113.0/24"},
		"exempt: [127.0.0.0/8, '::1']":   {false, "WARN", "127.0.0.0/8"},
		"exempt: [127.0.0.1]":            {false, "WARN", "127.0.0.1/32"},
		"exempt: [0.0.0.0/0]":            {false, "WARN", "0.0.0.0/0"},
		"exempt: ['::/0']":               {true, "WARN", "::/0"},
		"exempt: [127.0.0.0/8, 8.8.8.8]": {false, "WARN", "8.8.8.8"},
	} {
		c, err := parseConfigFor(true, "c.yaml", []byte("locations: [us-east-1]\n"+oneMode+"identity:\n  limits: {"+text+"}\n"), files)
		if err != nil {
			t.Fatal(err)
		}
		limits := c.Identity.Limits
		calls := limits.calls(time.Now)
		refused := false
		for range 3000 {
			refused = refused || calls.FromAddress(here) != nil
		}
		if refused != want.limited {
			t.Errorf("%q: calls from this machine are refused: %v", text, refused)
		}
		var lines bytes.Buffer
		limits.announce(slog.New(slog.NewTextHandler(&lines, nil)))
		if line := lines.String(); !strings.Contains(line, "level="+want.level) || !strings.Contains(line, want.says) {
			t.Errorf("%q: the log says %q", text, line)
		}
	}
}

func TestUpTellsThatThisMachineIsNotLimited(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(oneMode), files)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	c.Identity.Limits.announce(slog.New(slog.NewTextHandler(&lines, nil)))
	if line := lines.String(); !strings.Contains(line, "level=INFO") || !strings.Contains(line, "127.0.0.0/8") {
		t.Errorf("the log says %q", line)
	}
}

func TestALimitOfTheFileHolds(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  limits: {address: {newGuests: {count: 3}}}\n"), files)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: t.TempDir() + "/muster.db", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // of a test
	l := c.Identity.Limits.limiter(store, time.Now, slog.New(slog.DiscardHandler))
	ctx := muster.WithClient(t.Context(), muster.Client{Address: netip.MustParseAddr("203.0.113.7")})
	for i := range 5 {
		if err := l.Spend(ctx, muster.ActGuest); (err != nil) != (i >= 3) {
			t.Errorf("guest %d: %v", i, err)
		}
	}
}
