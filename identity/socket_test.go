package identity

import (
	"context"
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
	if err != nil || ttl != 30*time.Second || len(ticket) != 43 {
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

func TestSocketTicketsThatAreRefused(t *testing.T) {
	cases := []struct {
		name   string
		ticket func(s *site, good string) string
	}{
		{"nothing", func(*site, string) string { return "" }},
		{"an invented one", func(*site, string) string { return strings.Repeat("A", 43) }},
		{"half of one", func(_ *site, good string) string { return good[:20] }},
		{"one without end", func(_ *site, good string) string { return strings.Repeat(good, 10) }},
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
		"ticket":  func() error { _, _, err := s.SocketTicket(ctx, someone); return err },
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
