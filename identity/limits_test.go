package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"muster"
	"muster/limit"
)

// limited puts limits around a desk.
func limited(d *desk, rates map[muster.Action]limit.Rate) {
	slow := func(free int) limit.Slowdown {
		return limit.Slowdown{Free: free, First: time.Second, Longest: 15 * time.Minute}
	}
	l := limit.New(limit.Options{
		Store: d.store, Addresses: rates, Now: d.site.clock, Log: slog.New(slog.DiscardHandler),
		Guessing: limit.Guessing{Source: slow(5), Account: slow(100), Address: slow(50)},
	})
	d.site.limits, d.limits, d.checker.limits = l, l, l
}

func at(address, device string) context.Context {
	return muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr(address), Device: device})
}

const annsDevice = "0199c0de-0000-7000-8000-00000000d001"

func isLimited(err error) bool {
	var e *muster.Error
	return errors.As(err, &e) && e.Code == "limit.exceeded"
}

func TestWrongPasswordsSlowTheGuesserAndNotTheOwner(t *testing.T) {
	d := newDesk(t, nil)
	limited(d, nil)
	grant := d.signUp(t, annMail, annWords)
	if _, err := d.Login(at("198.51.100.1", annsDevice), annMail, annWords); err != nil {
		t.Fatal(err)
	}
	guesses := func(of func(i int) context.Context, n int) (judged int) {
		for i := range n {
			if _, err := d.Login(of(i), annMail, "a wrong guess of mine"); !isLimited(err) {
				judged++
			}
		}
		return judged
	}
	if n := guesses(func(int) context.Context { return at("203.0.113.7", "") }, 100); n != 5 {
		t.Errorf("from one address %d guesses were judged", n)
	}
	if _, err := d.Login(at("198.51.100.9", ""), annMail, annWords); err != nil {
		t.Errorf("the owner elsewhere: %v", err)
	}
	many := func(i int) context.Context { return at(fmt.Sprintf("203.%d.%d.9", i/250, i%250), "") }
	if n := guesses(many, 1000); n != 100 {
		t.Errorf("from many addresses %d guesses were judged", n)
	}
	if _, err := d.Login(at("198.51.100.9", ""), annMail, annWords); !isLimited(err) {
		t.Errorf("an unknown device: %v", err)
	}
	if _, err := d.Login(at("198.51.100.9", annsDevice), annMail, annWords); err != nil {
		t.Errorf("the owner's device: %v", err)
	}
	if _, err := d.site.Refresh(at("198.51.100.9", ""), grant.RefreshToken); err != nil {
		t.Errorf("the owner's refresh token: %v", err)
	}
}

func TestGuessersCannotTellWhetherAnAddressHasAnAccount(t *testing.T) {
	d := newDesk(t, nil)
	limited(d, nil)
	d.signUp(t, annMail, annWords)
	var said [2][]string
	for i := range 200 {
		for k, email := range []string{annMail, "nobody@example.com"} {
			_, err := d.Login(at(fmt.Sprintf("203.0.%d.%d", 113+k, i), "a device of the guesser's"), email, "a wrong guess of mine")
			said[k] = append(said[k], err.Error())
		}
	}
	for i := range said[0] {
		if said[0][i] != said[1][i] {
			t.Fatalf("guess %d: %q and %q", i, said[0][i], said[1][i])
		}
	}
}

func TestEveryActionIsCounted(t *testing.T) {
	d := newDesk(t, nil)
	grant := d.signUp(t, annMail, annWords)
	calls := map[muster.Action]func(ctx context.Context) error{
		muster.ActGuest:  func(ctx context.Context) error { _, err := d.site.Guest(ctx, nil); return err },
		muster.ActSignIn: func(ctx context.Context) error { _, err := d.Login(ctx, annMail, annWords); return err },
		muster.ActRenew: func(ctx context.Context) (err error) {
			next, err := d.site.Refresh(ctx, grant.RefreshToken)
			if err == nil {
				grant = next
			}
			return err
		},
		muster.ActRegister: func(ctx context.Context) error { _, err := d.Register(ctx, "ben@example.com", annWords); return err },
		muster.ActMail:     func(ctx context.Context) error { _, err := d.Forgot(ctx, annMail); return err },
		muster.ActNonce:    func(ctx context.Context) error { _, _, err := d.site.NewNonce(ctx); return err },
		muster.ActTicket: func(ctx context.Context) error {
			_, _, err := d.site.SocketTicket(ctx, d.caller(t, grant))
			return err
		},
	}
	for _, action := range muster.Actions() {
		limited(d, map[muster.Action]limit.Rate{action: {Count: 2, Per: time.Hour}})
		for i := range 4 {
			if err := calls[action](at("203.0.113.7", "")); isLimited(err) != (i >= 2) {
				t.Errorf("%s: call %d: %v", action, i, err)
			}
		}
	}
}
