package muster_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

var errTaken = errors.New("the code was taken")

// withFactor makes a player with an address and a second factor.
func withFactor(t *testing.T, b *muster.Backend, id muster.Identity) muster.PlayerID {
	t.Helper()
	player := must[muster.PlayerID](t)(b.SignUp(t.Context(), id, []byte("hash"), nothingAlong))
	setFactor(t, b, player, id, &muster.SecondFactor{Since: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Key: "k1", Sealed: []byte("sealed words"), Codes: [][]byte{[]byte("a"), []byte("b")}})
	return player
}

func setFactor(t *testing.T, b *muster.Backend, p muster.PlayerID, id muster.Identity, f *muster.SecondFactor) {
	t.Helper()
	_, err := b.ChangeFactor(t.Context(), p, id, muster.FactorChange{
		Change: func(context.Context, *muster.SecondFactor) (*muster.SecondFactor, error) { return f, nil }, Along: nothingAlong,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wantFactor fails unless the way in asks for a second factor, or asks for none.
func wantFactor(t *testing.T, b *muster.Backend, id muster.Identity, want bool) {
	t.Helper()
	if way, err := b.FindWay(t.Context(), id); err != nil || (way.Factor != nil) != want {
		t.Errorf("the second factor of %v is %v, %v", id, way.Factor, err)
	}
}

func TestASecondFactorGoesWithItsWayIn(t *testing.T) {
	ctx := context.Background()
	t.Run("another password leaves it", func(t *testing.T) {
		b := ways()
		ann := withFactor(t, b, annByMail())
		if err := b.ReplaceSecret(ctx, ann, annByMail(), muster.NewSecret{Hash: []byte("other"), SignOut: true}, nothingAlong); err != nil {
			t.Fatal(err)
		}
		wantFactor(t, b, annByMail(), true)
	})
	t.Run("it moves to another address", func(t *testing.T) {
		b := ways()
		ann := withFactor(t, b, annByMail())
		to := muster.Identity{Provider: muster.EmailProvider, Subject: "new@example.com"}
		if err := b.MoveIdentity(ctx, ann, annByMail(), to, nothingAlong); err != nil {
			t.Fatal(err)
		}
		wantFactor(t, b, to, true)
	})
	t.Run("a merge brings it along", func(t *testing.T) {
		r := newRig(false)
		into := r.guest("into")
		from := withFactor(t, r.Backend, annByMail())
		_ = must[muster.LinksView](t)(r.Merge(ctx, into, from, []byte("new")))
		r.wantLinked(t, annByMail(), into)
		wantFactor(t, r.Backend, annByMail(), true)
	})
	t.Run("it ends when the way in is unlinked", func(t *testing.T) {
		b := ways()
		ann := withFactor(t, b, annByMail())
		_ = must[muster.LinksView](t)(b.Link(ctx, ann, steam("7656"), nil))
		_ = must[muster.LinksView](t)(b.Unlink(ctx, ann, muster.EmailProvider, false))
		_ = must[muster.LinksView](t)(b.LinkSecret(ctx, ann, annByMail(), muster.LinkedSecret{Hash: []byte("new")}))
		wantFactor(t, b, annByMail(), false)
	})
	t.Run("it ends with the account", func(t *testing.T) {
		b := ways()
		ann := withFactor(t, b, annByMail())
		if err := b.DeleteAccount(ctx, ann); err != nil {
			t.Fatal(err)
		}
		if _, err := b.FindWay(ctx, annByMail()); muster.KindOf(err) != muster.NotFound {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestOneOfManyUsesOfACodeIsTaken(t *testing.T) {
	ctx := context.Background()
	b := ways()
	ann := withFactor(t, b, annByMail())
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			_, err := b.ChangeFactor(ctx, ann, annByMail(), muster.FactorChange{
				Change: func(_ context.Context, was *muster.SecondFactor) (*muster.SecondFactor, error) {
					if was.Step >= 7 {
						return nil, errTaken
					}
					next := *was
					next.Step = 7
					return &next, nil
				},
				Along: nothingAlong,
			})
			switch {
			case err == nil:
				taken.Add(1)
			case !errors.Is(err, errTaken) && muster.KindOf(err) != muster.Unavailable:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if taken.Load() != 1 {
		t.Errorf("it was taken %d times", taken.Load())
	}
}

func TestAnExportSaysThatThereIsASecondFactorAndNoMore(t *testing.T) {
	b := ways()
	ann := withFactor(t, b, annByMail())
	var doc bytes.Buffer
	write, err := b.Export(t.Context(), ann)
	if err == nil {
		err = write(&doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	if want := `"secondFactors":[{"kind":"totp","since":"2026-11-22T08:00:00Z","recoveryCodesLeft":2}]`; !strings.Contains(doc.String(), want) {
		t.Errorf("%s is not in %s", want, doc.String())
	}
	for _, hidden := range []string{"sealed", "c2VhbGVk", `"k1"`} {
		if strings.Contains(doc.String(), hidden) {
			t.Errorf("%s is in %s", hidden, doc.String())
		}
	}
}

func TestAnOperatorTakesALostFactorAway(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := withFactor(t, r.Backend, annByMail())
	if view := must[muster.AdminPlayerView](t)(r.InspectPlayer(ctx, ann)); len(view.SecondFactors) != 1 {
		t.Errorf("an operator sees %+v", view.SecondFactors)
	}
	told := 0
	along := func(id muster.Identity) muster.Along {
		return func(context.Context) ([]muster.Op, error) {
			if told++; id != annByMail() {
				t.Errorf("%v is told", id)
			}
			return nil, nil
		}
	}
	for range 2 {
		if err := r.TakeFactorAway(ctx, ann, along); err != nil {
			t.Fatal(err)
		}
	}
	wantFactor(t, r.Backend, annByMail(), false)
	if told != 1 {
		t.Errorf("the owner is told %d times", told)
	}
	if err := r.TakeFactorAway(ctx, r.guest("bob"), along); err != nil {
		t.Errorf("of who has none: %v", err)
	}
	wantError(t, r.TakeFactorAway(ctx, "nobody", along), muster.NotFound, "player.not_found")
	_ = must[muster.LinksView](t)(r.Merge(ctx, r.guest("eve"), ann, []byte("new")))
	wantError(t, r.TakeFactorAway(ctx, ann, along), muster.Conflict, "player.merged")
}
