package muster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"muster"
	"muster/store/memory"
)

// markOf is the mark of Ann's way in by mail.
func markOf(t *testing.T, b *muster.Backend, id muster.Identity) muster.WayMark {
	t.Helper()
	return must[muster.Way](t)(b.FindWay(t.Context(), id)).Mark
}

// byPassword is a sign-in that Ann's password is good for now.
func byPassword(t *testing.T, b *muster.Backend) muster.SignInRef {
	t.Helper()
	return muster.SignInRef{At: time.Now(), Way: muster.WayInOf(annByMail()), Mark: markOf(t, b, annByMail())}
}

func TestAPasswordsSignInsEndWhenItsWayInGetsAnotherMark(t *testing.T) {
	ctx := t.Context()
	factor := func(f *muster.SecondFactor, signOut bool) func(*muster.Backend, muster.PlayerID) error {
		return func(b *muster.Backend, p muster.PlayerID) error {
			_, err := b.ChangeFactor(ctx, p, annByMail(), muster.FactorChange{
				Change: func(context.Context, *muster.SecondFactor) (*muster.SecondFactor, error) { return f, nil }, Along: nothingAlong, SignOut: signOut,
			})
			return err
		}
	}
	secret := func(s muster.NewSecret) func(*muster.Backend, muster.PlayerID) error {
		return func(b *muster.Backend, p muster.PlayerID) error {
			return b.ReplaceSecret(ctx, p, annByMail(), s, nothingAlong)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*muster.Backend, muster.PlayerID) error
		ends   bool
	}{
		{"a reset ends them", secret(muster.NewSecret{Hash: []byte("other"), SignOut: true}), true},
		{"a change that keeps another sign-in ends them", secret(muster.NewSecret{Hash: []byte("other"), SignOut: true, Keep: "tablet"}), true},
		{"a hash at other costs leaves them", secret(muster.NewSecret{Hash: []byte("dearer"), Was: []byte("hash")}), false},
		{"a second factor that is turned on ends them", factor(&muster.SecondFactor{}, true), true},
		{"a code that is used leaves them", factor(&muster.SecondFactor{Step: 1}, false), false},
		{"a second factor that is taken away leaves them", factor(nil, false), false},
		{"unlinking the address and linking it again ends them", func(b *muster.Backend, p muster.PlayerID) error {
			_, err := b.Link(ctx, p, steam("7656"), nil)
			_, gone := b.Unlink(ctx, p, muster.EmailProvider, false)
			_, back := b.LinkSecret(ctx, p, annByMail(), muster.LinkedSecret{Hash: []byte("hash")})
			return errors.Join(err, gone, back)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ways()
			ann := must[muster.PlayerID](t)(b.SignUp(ctx, annByMail(), []byte("hash"), nothingAlong))
			was := byPassword(t, b)
			was.At = time.Now().Add(time.Hour) // by the clock of another replica
			if was.Mark == "" {
				t.Fatal("a password has no mark")
			}
			if err := b.Admit(ctx, ann, was); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := c.change(b, ann); err != nil {
				t.Fatal(err)
			}
			if changed := markOf(t, b, annByMail()) != was.Mark; changed != c.ends {
				t.Errorf("the mark has changed: %v", changed)
			}
			err := b.Admit(ctx, ann, was)
			if _, scoped := b.ScopeOf(ctx, ann, was); (err == nil) == c.ends || (scoped == nil) == c.ends {
				t.Errorf("a sign-in from before: %v, %v", err, scoped)
			}
			if err := b.Admit(ctx, ann, byPassword(t, b)); err != nil {
				t.Errorf("a sign-in from after: %v", err)
			}
		})
	}
}

func TestAMarkGoesWhereItsWayInGoes(t *testing.T) {
	ctx := t.Context()
	r := newRig(false)
	ann := must[muster.PlayerID](t)(r.SignUp(ctx, annByMail(), []byte("hash"), nothingAlong))
	to := muster.Identity{Provider: muster.EmailProvider, Subject: "new@example.com"}
	in := muster.SignInRef{At: r.clock.now(), Way: muster.WayInOf(annByMail()), Mark: markOf(t, r.Backend, annByMail())}
	if err := r.MoveIdentity(ctx, ann, annByMail(), to, nothingAlong); err != nil {
		t.Fatal(err)
	}
	if err := r.Admit(ctx, ann, in); err != nil || markOf(t, r.Backend, to) != in.Mark {
		t.Errorf("to another address: %v, %s", err, markOf(t, r.Backend, to))
	}
	into := r.guest("into")
	_ = must[muster.LinksView](t)(r.Merge(ctx, into, ann, []byte("new")))
	in.At = r.clock.now()
	if err := r.Admit(ctx, into, in); err != nil || markOf(t, r.Backend, to) != in.Mark {
		t.Errorf("to another player: %v, %s", err, markOf(t, r.Backend, to))
	}
	in.Mark = "of before"
	wantError(t, r.Admit(ctx, into, in), muster.Unauthenticated, "refresh.invalid")
}

func TestTheSignInThatIsKeptNeedsNoNewMark(t *testing.T) {
	ctx := t.Context()
	b := ways()
	ann := must[muster.PlayerID](t)(b.SignUp(ctx, annByMail(), []byte("hash"), nothingAlong))
	phone := byPassword(t, b)
	phone.ID = "phone"
	change := func(hash, keep string) {
		t.Helper()
		if err := b.ReplaceSecret(ctx, ann, annByMail(), muster.NewSecret{Hash: []byte(hash), SignOut: true, Keep: keep}, nothingAlong); err != nil {
			t.Fatal(err)
		}
	}
	change("two", "phone")
	change("three", "phone")
	if err := b.Admit(ctx, ann, phone); err != nil {
		t.Errorf("the sign-in that changed it twice: %v", err)
	}
	change("four", "tablet")
	wantError(t, b.Admit(ctx, ann, phone), muster.Unauthenticated, "refresh.invalid")
}

func TestSignInsFromBeforeThereWereMarksEndWithTheFirstChange(t *testing.T) {
	ctx := t.Context()
	store := memory.New(time.Now)
	b := waysOver(store)
	for key, value := range map[muster.Key]string{
		{Partition: "P#ann", Sort: "A"}: `{"id":"ann","identities":[{"provider":"email","subject":"ann@example.com","linkedAt":"2026-01-01T00:00:00Z"}]}`,
		annsRecord:                      `{"player":"ann","secretHash":"aGFzaA==","linkedAt":"2026-01-01T00:00:00Z"}`,
	} {
		if err := store.Write(ctx, muster.Op{Kind: muster.Put, Key: key, Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
	was := byPassword(t, b)
	was.At = time.Now().Add(time.Hour)
	if err := b.Admit(ctx, "ann", was); err != nil || was.Mark != "" {
		t.Fatalf("before: %v, with the mark %q", err, was.Mark)
	}
	if err := b.ReplaceSecret(ctx, "ann", annByMail(), muster.NewSecret{Hash: []byte("other"), SignOut: true}, nothingAlong); err != nil {
		t.Fatal(err)
	}
	wantError(t, b.Admit(ctx, "ann", was), muster.Unauthenticated, "refresh.invalid")
	if err := b.Admit(ctx, "ann", byPassword(t, b)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
