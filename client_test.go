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
