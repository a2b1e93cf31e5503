package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"muster"
)

// everyoneOut is a desk at which everybody was signed out a moment ago, within the running second.
func everyoneOut(t *testing.T, d *desk) {
	t.Helper()
	d.site.pass(300*time.Millisecond - d.site.clock().Sub(d.site.clock().Truncate(time.Second)) + time.Second)
	if _, err := d.rules.SignOutEveryone(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.site.pass(300 * time.Millisecond)
}

func wantTooSoon(t *testing.T, err error) {
	t.Helper()
	wantRefusal(t, err, muster.Exhausted, "signin.too_soon")
	var e *muster.Error
	if errors.As(err, &e) && (e.RetryAfter <= 0 || e.RetryAfter > time.Second) {
		t.Errorf("it says to come again after %v", e.RetryAfter)
	}
}

func TestWhoComesWithinTheSecondOfTheEndOfAllSignInsIsToComeAgain(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t, nil)
	guest := d.site.guest(t)
	d.signUp(t, annMail, annWords)
	sent, err := d.Register(ctx, "bob@example.com", annWords)
	if err != nil {
		t.Fatal(err)
	}
	looks := 0
	d.site.providers["acme"] = vouching(func(p Proof) (Verified, error) {
		looks++
		return Verified{Subject: p.Token, Once: p.Token, Until: d.site.clock().Add(time.Hour)}, nil
	})
	everyoneOut(t, d)
	ways := map[string]func() error{
		"a guest":     func() error { _, err := d.site.Guest(ctx, guest.Guest); return err },
		"a new guest": func() error { _, err := d.site.Guest(ctx, nil); return err },
		"a player of a platform": func() error {
			_, err := d.site.Login(ctx, "acme", Proof{Token: "ticket"})
			return err
		},
		"who has a password": func() error { _, err := d.Login(ctx, annMail, annWords); return err },
		"who brings a code": func() error {
			_, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, annWords)
			return err
		},
	}
	for name, signIn := range ways {
		t.Run(name, func(t *testing.T) { wantTooSoon(t, signIn()) })
	}
	if looks > 0 {
		t.Error("a proof was used up")
	}
	_, err = d.site.Refresh(ctx, guest.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	d.site.pass(time.Second)
	for name, signIn := range ways {
		if err := signIn(); err != nil {
			t.Errorf("%s comes again: %v", name, err)
		}
	}
}

func TestASignInThatTheEndOfAllOvertakesIsToComeAgain(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	guest := d.site.guest(t)
	d.before(func(op muster.Op) bool { return strings.HasPrefix(op.Key.Sort, muster.SignInPrefix) }, func() { everyoneOut(t, d) })
	_, err := d.site.Guest(ctx, guest.Guest)
	wantTooSoon(t, err)
	if left := d.site.families(t, guest.Player.ID); left > 1 { // the first is void
		t.Errorf("%d sign-ins are left", left)
	}
	d.site.pass(time.Second)
	if _, err := d.site.Guest(ctx, guest.Guest); err != nil {
		t.Errorf("comes again: %v", err)
	}
}
