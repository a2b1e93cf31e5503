package identity

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

func TestAnOldRefreshTokenMergesNobody(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	ann := d.signUp(t, annMail, annWords)
	d.site.pass(10 * 24 * time.Hour)
	fresh, err := d.site.Refresh(ctx, ann.RefreshToken) // by whoever has copied it
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := d.site.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.site.Merge(ctx, d.caller(t, mallory), muster.OtherPlayer{RefreshToken: fresh.RefreshToken}, "")
	wantRefusal(t, err, muster.Denied, "signin.not_fresh", fresh.RefreshToken)
	if player, _, err := d.rules.FindIdentity(ctx, emailIdentity(annMail)); err != nil || player != ann.Player.ID {
		t.Errorf("the address leads to %s, %v", player, err)
	}
}

// gate is a store whose first lists are answered all at once.
type gate struct {
	muster.Store
	open chan struct{}

	mu   sync.Mutex
	left int // guarded by mu
}

func (g *gate) List(ctx context.Context, partition string, o muster.ListOptions) ([]muster.Record, error) {
	records, err := g.Store.List(ctx, partition, o)
	g.mu.Lock()
	if g.left--; g.left == 0 {
		close(g.open)
	}
	g.mu.Unlock()
	<-g.open
	return records, err
}

func TestHoweverManySignInsThereAreAllOfThemEnd(t *testing.T) {
	const many = 120
	ctx := context.Background()
	d := newDesk(t, nil)
	ann := d.signUp(t, annMail, annWords).Player.ID
	in := d.opening(t)
	d.site.store = &gate{Store: d.store, left: many, open: make(chan struct{})}
	grants := make([]muster.Grant, many)
	var wg sync.WaitGroup
	for i := range grants {
		wg.Go(func() {
			var err error
			if grants[i], err = d.site.grant(ctx, in); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	d.site.store = d.store
	d.site.pass(time.Second)
	if err := d.rules.SignOutEverywhere(ctx, ann); err != nil {
		t.Fatal(err)
	}
	for _, g := range grants {
		if err := d.rules.Revoked(d.caller(t, g)); err == nil {
			t.Error("an access token is good")
		}
		_, err := d.site.Refresh(ctx, g.RefreshToken)
		wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", g.RefreshToken)
	}
	later, err := d.Login(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.site.Refresh(ctx, later.RefreshToken); err != nil {
		t.Errorf("a sign-in after that is not renewed: %v", err)
	}
}

func TestASignInWithTheOldPasswordDoesNotOutliveItsReset(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	hashing, goOn := make(chan struct{}), make(chan struct{})
	var later atomic.Bool
	derive := d.hasher.derive
	d.hasher.slots = make(chan struct{}, 4)
	d.hasher.derive = func(password, salt []byte, p hashParams) []byte {
		if later.CompareAndSwap(false, true) {
			close(hashing)
			<-goOn
		}
		return derive(password, salt, p)
	}
	var late muster.PasswordAnswer
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { late, err = d.Login(ctx, annMail, annWords) })
	<-hashing
	d.site.pass(time.Second)
	sent, forgot := d.Forgot(ctx, annMail)
	if forgot != nil {
		t.Fatal(forgot)
	}
	if err := d.Reset(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "five better words of mine"); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	wg.Wait()
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", annWords)
	if late.RefreshToken != "" {
		t.Error("the old password signs in after the reset")
	}
}
