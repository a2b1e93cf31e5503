package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

var someone = muster.Caller{Player: "player-1", Scope: muster.PlayerScope, Family: "family-1"}

func TestASocketTicketOpensOneSocket(t *testing.T) {
	s := newSite(t)
	ticket, ttl, err := s.SocketTicket(context.Background(), someone)
	if err != nil || ttl != 30*time.Second || len(ticket) > 256 || url.QueryEscape(ticket) != ticket {
		t.Fatalf("ticket of %d characters for %v: %v", len(ticket), ttl, err)
	}
	caller, err := s.RedeemSocketTicket(context.Background(), ticket)
	if err != nil || caller != someone {
		t.Fatalf("caller is %+v, %v", caller, err)
	}
	_, err = s.RedeemSocketTicket(context.Background(), ticket)
	wantRefusal(t, err, muster.Unauthenticated, "socket_ticket.invalid", ticket)
}

func TestOfManyWhoShowOneTicketOneGetsIn(t *testing.T) {
	s := newSite(t)
	ticket, _, err := s.SocketTicket(context.Background(), someone)
	if err != nil {
		t.Fatal(err)
	}
	var in sync.Map
	var done sync.WaitGroup
	for i := range 32 {
		done.Go(func() {
			if _, err := s.RedeemSocketTicket(context.Background(), ticket); err == nil {
				in.Store(i, true)
			}
		})
	}
	done.Wait()
	n := 0
	in.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d got in", n)
	}
}

// A ticket has many spellings in base64, and the clock of another replica may be behind.
func TestAUsedTicketIsRefusedHoweverItIsShown(t *testing.T) {
	s := newSite(t)
	ticket, _, err := s.SocketTicket(context.Background(), someone)
	if err != nil {
		t.Fatal(err)
	}
	s.pass(29 * time.Second)
	if _, err := s.RedeemSocketTicket(context.Background(), ticket); err != nil {
		t.Fatal(err)
	}
	behind := s.options()
	behind.Now = func() time.Time { return s.clock().Add(-8 * time.Minute) }
	late := New(behind)
	s.pass(8 * time.Minute) // the store's time, by which records expire
	body, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{ticket, ticket[:8] + "\n" + ticket[8:], base64.RawURLEncoding.EncodeToString(body)} {
		_, err := late.RedeemSocketTicket(context.Background(), shown)
		wantRefusal(t, err, muster.Unauthenticated, "socket_ticket.invalid", shown)
	}
}

func TestASocketTicketTellsNobodyWhoseItIs(t *testing.T) {
	s := newSite(t)
	ticket, _, err := s.SocketTicket(context.Background(), someone)
	if err != nil {
		t.Fatal(err)
	}
	body, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || strings.Contains(string(body), string(someone.Player)) || strings.Contains(string(body), someone.Family) {
		t.Errorf("the ticket reads %q (%v)", body, err)
	}
}

func TestSocketTicketsOutliveARotationOfKeys(t *testing.T) {
	s := newSite(t)
	fresh, err := newKey(EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	before := s.keys.current()
	old, err := asJWK(ed25519.NewKeyFromSeed(before.secret), before.id)
	if err != nil {
		t.Fatal(err)
	}
	rotated := s.options()
	if rotated.Keys, err = newKeys([]setKey{{JSONWebKey: fresh}, {JSONWebKey: old}}); err != nil {
		t.Fatal(err)
	}
	ticket, _, err := s.SocketTicket(context.Background(), someone)
	if err != nil {
		t.Fatal(err)
	}
	if caller, err := New(rotated).RedeemSocketTicket(context.Background(), ticket); err != nil || caller != someone {
		t.Errorf("after the rotation the ticket is of %+v, %v", caller, err)
	}
}

func TestSocketTicketsThatAreRefused(t *testing.T) {
	cases := []struct {
		name   string
		ticket func(s *site, good string) string
	}{
		{"nothing", func(*site, string) string { return "" }},
		{"an invented one", func(*site, string) string { return strings.Repeat("A", 43) }},
		{"half of one", func(_ *site, good string) string { return good[:20] }},
		{"one without end", func(_ *site, good string) string { return strings.Repeat(good, 10) }},
		{"one with another end", func(_ *site, good string) string {
			other := byte('A')
			if good[len(good)-2] == other {
				other = 'B'
			}
			return good[:len(good)-2] + string(other) + good[len(good)-1:]
		}},
		{"one with another beginning", func(_ *site, good string) string {
			other := "A"
			if good[0] == 'A' {
				other = "B"
			}
			return other + good[1:]
		}},
		{"one of another service", func(*site, string) string {
			keys, err := NewKeys(rand.Reader)
			if err != nil {
				panic(err)
			}
			s := &Service{limits: muster.NoLimits{}, keys: keys, random: rand.Reader, now: time.Now}
			text, _, err := s.SocketTicket(context.Background(), someone)
			if err != nil {
				panic(err)
			}
			return text
		}},
		{"one after thirty seconds", func(s *site, good string) string { s.pass(30 * time.Second); return good }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			good, _, err := s.SocketTicket(context.Background(), someone)
			if err != nil {
				t.Fatal(err)
			}
			shown := c.ticket(s, good)
			_, err = s.RedeemSocketTicket(context.Background(), shown)
			wantRefusal(t, err, muster.Unauthenticated, "socket_ticket.invalid", shown)
		})
	}
}

func TestAGameServerGetsNoSocketTicket(t *testing.T) {
	_, _, err := newSite(t).SocketTicket(context.Background(), muster.Caller{Scope: muster.ServerScope})
	wantRefusal(t, err, muster.Denied, "socket_ticket.player_only")
}

func TestAStoreThatFailsIsNotARefusal(t *testing.T) {
	s := newSite(t)
	ticket, _, err := s.SocketTicket(context.Background(), someone)
	if err != nil {
		t.Fatal(err)
	}
	refresh := s.guest(t).RefreshToken
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	calls := map[string]func() error{
		"redeem":  func() error { _, err := s.RedeemSocketTicket(ctx, ticket); return err },
		"refresh": func() error { _, err := s.Refresh(ctx, refresh); return err },
		"logout":  func() error { return s.Logout(ctx, refresh) },
		"guest":   func() error { _, err := s.Guest(ctx, nil); return err },
	}
	for name, do := range calls {
		if err := do(); err == nil || muster.KindOf(err) == muster.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
}
