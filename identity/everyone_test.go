package identity

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"muster"
)

// beside is another replica: the same store, keys and clock, and rules of its own.
func (d *desk) beside() (*Service, *muster.Backend) {
	rules := muster.New(muster.Options{Store: d.store, Notifier: silent{}, Now: d.site.clock, NewID: d.site.nextID, Log: slog.New(slog.DiscardHandler)})
	o := d.site.options()
	o.Accounts, o.Store, o.Guard, o.Linker = rules, d.store, rules, rules
	return New(o), rules
}

// verify is what a replica says of an access token: whether it is genuine and not revoked.
func verify(t *testing.T, s *Service, rules *muster.Backend, token string) error {
	t.Helper()
	caller, err := s.Verify(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	return rules.Revoked(caller)
}

func TestWhenEveryoneIsSignedOutNothingOlderIsGood(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	far, farRules := d.beside()
	ann := d.signUp(t, annMail, annWords)
	guest, err := d.site.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	socket, _, err := d.site.SocketTicket(ctx, d.caller(t, ann))
	if err != nil {
		t.Fatal(err)
	}
	d.site.pass(time.Second)
	if _, err := d.rules.SignOutEveryone(ctx); err != nil {
		t.Fatal(err)
	}
	if err := farRules.LearnRevocations(ctx); err != nil {
		t.Fatal(err)
	}
	for name, replica := range map[string]struct {
		*Service
		rules *muster.Backend
	}{"the replica that was asked": {d.site.Service, d.rules}, "another replica": {far, farRules}} {
		for who, grant := range map[string]muster.Grant{"a player": ann, "a guest": guest} {
			err := verify(t, replica.Service, replica.rules, grant.AccessToken)
			wantRefusal(t, err, muster.Unauthenticated, "token.revoked", grant.AccessToken)
			_, err = replica.Refresh(ctx, grant.RefreshToken)
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", grant.RefreshToken)
			if t.Failed() {
				t.Fatal(name, who)
			}
		}
	}
	byTicket, err := far.RedeemSocketTicket(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, farRules.Revoked(byTicket), muster.Unauthenticated, "token.revoked", socket)

	again, err := d.Login(ctx, annMail, annWords)
	if err != nil {
		t.Fatalf("nobody signs in any more: %v", err)
	}
	back, err := far.Guest(ctx, guest.Guest)
	if err != nil {
		t.Fatalf("no guest comes back: %v", err)
	}
	for _, grant := range []muster.Grant{again.Grant, back} {
		if err := verify(t, far, farRules, grant.AccessToken); err != nil {
			t.Errorf("a new sign-in is refused: %v", err)
		}
		renewed, err := far.Refresh(ctx, grant.RefreshToken)
		if err != nil {
			t.Fatalf("a new sign-in is not renewed: %v", err)
		}
		if err := verify(t, d.site.Service, d.rules, renewed.AccessToken); err != nil {
			t.Errorf("what a new sign-in was renewed to is refused: %v", err)
		}
	}
}

func TestARefreshTokenFromBeforeEveryoneWasSignedOutProvesNothing(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	old := d.signUp(t, annMail, annWords)
	d.site.pass(time.Second)
	if _, err := d.rules.SignOutEveryone(ctx); err != nil {
		t.Fatal(err)
	}
	mallory, err := d.site.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.site.Merge(ctx, d.caller(t, mallory), muster.OtherPlayer{RefreshToken: old.RefreshToken}, "")
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", old.RefreshToken)
	again, err := d.Login(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	err = d.site.Prove(ctx, d.caller(t, again.Grant), old.RefreshToken)
	wantRefusal(t, err, muster.Denied, "proof.invalid", old.RefreshToken)
}

// A refresh that another replica admitted before it learned of it may be written afterwards:
// what it hands out is of the same sign-in and void all the same.
func TestARefreshThatRacesWithTheEndOfAllSignInsGainsNothing(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	far, farRules := d.beside()
	const players = 16
	grants := make([]muster.Grant, players)
	for i := range grants {
		var err error
		if grants[i], err = d.site.Guest(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	d.site.pass(time.Second)
	var wg sync.WaitGroup
	for i := range grants {
		replica := []*Service{d.site.Service, far}[i%2]
		wg.Go(func() {
			for {
				next, err := replica.Refresh(ctx, grants[i].RefreshToken)
				if err != nil {
					if muster.KindOf(err) != muster.Unauthenticated {
						t.Error(err)
					}
					return
				}
				grants[i] = next
			}
		})
	}
	if _, err := d.rules.SignOutEveryone(ctx); err != nil {
		t.Error(err)
	}
	if err := farRules.LearnRevocations(ctx); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for _, grant := range grants {
		for _, rules := range []*muster.Backend{d.rules, farRules} {
			err := verify(t, far, rules, grant.AccessToken)
			wantRefusal(t, err, muster.Unauthenticated, "token.revoked", grant.AccessToken)
		}
		_, err := far.Refresh(ctx, grant.RefreshToken)
		wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", grant.RefreshToken)
	}
}

func TestATokenOfAnotherIssuerTellsWhenItsPlayerSignedInThere(t *testing.T) {
	s := newBearingSite(t)
	at := s.clock().Add(-time.Hour).Add(300 * time.Millisecond)
	token := foreignClaims{Iss: "https://pool.example", Sub: "ann", Exp: s.clock().Add(time.Hour), Auth: at}.token()
	for range 2 { // once checked, once remembered
		caller, err := s.bearers.Verify(context.Background(), token)
		if err != nil || !caller.SignedInAt.Equal(at.Truncate(time.Second)) {
			t.Errorf("signed in at %v, %v", caller.SignedInAt, err)
		}
	}
}
