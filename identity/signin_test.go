package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster"
)

// onDevice is a request of a device that names itself.
func onDevice(id string) context.Context {
	return muster.WithClient(context.Background(), muster.Client{UserAgent: "Game/1.2", Device: id})
}

const phone, laptop = "phone-0c1d2e3f4a5b", "laptop-99887766554"

// again signs a guest in once more.
func (d *desk) again(t testing.TB, ctx context.Context, g muster.Grant) muster.Grant {
	t.Helper()
	grant, err := d.site.Guest(ctx, g.Guest)
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

// isOut says that nothing of a sign-in is good any more; it must be all or nothing.
func (d *desk) isOut(t testing.TB, g muster.Grant) bool {
	t.Helper()
	token, ok := parseRefreshToken(g.RefreshToken)
	if !ok {
		t.Fatalf("%q is no refresh token", g.RefreshToken)
	}
	_, err := d.store.Store.Get(context.Background(), familyKey(token.player, token.family))
	void := d.rules.Revoked(muster.Caller{Player: token.player, Family: token.family}) != nil
	if gone := errors.Is(err, muster.ErrNotFound); gone != void {
		t.Errorf("the record is gone: %v, its access token is void: %v", gone, void)
	}
	return void
}

func TestANewSignInEndsTheEarlierOneOfItsDevice(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second string
		after         time.Duration
		several       bool
		ends          bool
	}{
		{name: "the same device", first: phone, second: phone, after: time.Minute, ends: true},
		{name: "another device", first: phone, second: laptop, after: time.Minute},
		{name: "a device that names itself only now", second: phone, after: time.Minute},
		{name: "a device that does not name itself any more", first: phone, after: time.Minute},
		{name: "a name that may be that of a model", first: "SM-G991B", second: "SM-G991B", after: time.Minute},
		{name: "within ten seconds, for a lost answer", first: phone, second: phone, after: refreshGrace - time.Millisecond},
		{name: "after ten seconds", first: phone, second: phone, after: refreshGrace, ends: true},
		{name: "where several are allowed", first: phone, second: phone, after: time.Minute, several: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, nil)
			d.site.several = c.several
			first, err := d.site.Guest(onDevice(c.first), nil)
			if err != nil {
				t.Fatal(err)
			}
			d.site.pass(c.after)
			second := d.again(t, onDevice(c.second), first)
			if got := d.isOut(t, first); got != c.ends {
				t.Errorf("the first sign-in has ended: %v, want %v", got, c.ends)
			}
			if d.isOut(t, second) {
				t.Error("the second has ended")
			}
			if _, err := d.site.Refresh(context.Background(), second.RefreshToken); err != nil {
				t.Errorf("the second is not renewed: %v", err)
			}
		})
	}
}

func TestASignInOfAnotherPlayerOnTheDeviceStays(t *testing.T) {
	d := newDesk(t, nil)
	ann, err := d.site.Guest(onDevice(phone), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.site.pass(time.Minute)
	bob, err := d.site.Guest(onDevice(phone), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.site.pass(time.Minute)
	d.again(t, onDevice(phone), bob)
	if d.isOut(t, ann) || !d.isOut(t, bob) {
		t.Error("who signs in again ends the sign-in of somebody else on the device, or not their own")
	}
}

// A sign-in costs no call of the store more for what it does to the device's earlier one, and
// puts nothing into the one list of revocations for it.
func TestWhatASignInWrites(t *testing.T) {
	for _, c := range []struct {
		name   string
		device string
		after  time.Duration
		ops    int
	}{
		{"a guest without a device's name", "", time.Minute, 1},
		{"one with, whose tokens are good still", phone, time.Minute, 2},
		{"one with, whose tokens are over", phone, DefaultAccessTTL + clockSlack, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, nil)
			first, err := d.site.Guest(onDevice(c.device), nil)
			if err != nil {
				t.Fatal(err)
			}
			d.site.pass(c.after)
			did := d.measure(func() { d.again(t, onDevice(c.device), first) })
			if did.gets != 2 || did.lists != 1 || did.writes != 1 || did.ops != c.ops {
				t.Errorf("it did %+v, want 2 gets, 1 list and 1 write of %d", did, c.ops)
			}
		})
	}
}

func TestPlayersWhoComeBackAfterEveryoneWasSignedOutRevokeNothing(t *testing.T) {
	for name, device := range map[string]string{"the same device": phone, "one device too many": ""} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			first, err := d.site.Guest(onDevice(device), nil)
			if err != nil {
				t.Fatal(err)
			}
			for range maxFamilies - 1 {
				d.again(t, onDevice(device), first)
			}
			d.site.pass(time.Minute)
			if _, err := d.rules.SignOutEveryone(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.site.pass(time.Second)
			d.again(t, onDevice(device), first)
			denied, err := d.store.Store.List(t.Context(), "DENY#0", muster.ListOptions{})
			if err != nil || len(denied) != 1 {
				t.Errorf("%d revocations are stored (%v), want that of everyone alone", len(denied), err)
			}
		})
	}
}

// Of a sign-in that another of its device replaced the other replicas hear. Where no message
// arrives its access token is good until it ends; its refresh token is not.
func TestATokenOfAReplacedSignInLivesNoLongerThanTheMessageOrItself(t *testing.T) {
	d := newDesk(t, nil)
	far, farRules := d.beside()
	first, err := d.site.Guest(onDevice(phone), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.site.pass(time.Minute)
	d.again(t, onDevice(phone), first)
	if err := farRules.LearnRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = far.Refresh(t.Context(), first.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", first.RefreshToken)
	if err := verify(t, far, farRules, first.AccessToken); err != nil {
		t.Errorf("without a message the token is refused: %v", err)
	}
	caller := d.caller(t, first)
	farRules.Heard(muster.Notice{Player: caller.Player, Type: muster.NoticeRevoked, Data: muster.Revocation{
		Player: caller.Player, Why: muster.SignedOut, At: d.site.instant(), SignIn: []string{caller.Family},
	}})
	wantRefusal(t, verify(t, far, farRules, first.AccessToken), muster.Unauthenticated, "token.revoked", first.AccessToken)
	d.site.pass(DefaultAccessTTL)
	if _, err := far.Verify(t.Context(), first.AccessToken); err == nil {
		t.Error("the token outlives its end")
	}
}

func TestManySignInsOfOneDeviceAtOnce(t *testing.T) {
	d := newDesk(t, nil)
	first, err := d.site.Guest(onDevice(phone), nil)
	if err != nil {
		t.Fatal(err)
	}
	other := d.again(t, onDevice(laptop), first)
	d.site.pass(time.Hour)
	grants := make([]muster.Grant, 64)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range grants {
		done.Go(func() {
			start.Wait()
			var err error
			if grants[i], err = d.site.Guest(onDevice(phone), first.Guest); err != nil {
				t.Error(err)
			}
		})
	}
	start.Done()
	done.Wait()
	if _, err := d.site.Refresh(context.Background(), first.RefreshToken); err == nil {
		t.Error("the sign-in from before is renewed")
	}
	d.site.pass(refreshGrace)
	last := d.again(t, onDevice(phone), first)
	for _, g := range grants {
		if !d.isOut(t, g) {
			t.Fatal("one of many sign-ins of the device is left after the next one")
		}
	}
	if n := d.site.families(t, first.Player.ID); n != 2 || d.isOut(t, last) || d.isOut(t, other) {
		t.Errorf("%d sign-ins are left, want the device's last and that of the other device", n)
	}
}

// TestADeviceNeverCrowdsOutOthers lets devices sign in at will: of each the latest sign-in is
// good, with at most two before it, and none has to give way for another device's.
func TestADeviceNeverCrowdsOutOthers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(t, nil)
		guest := d.site.guest(t)
		latest := map[string]muster.Grant{}
		for range rapid.IntRange(1, 40).Draw(r, "sign-ins") {
			d.site.pass(time.Duration(rapid.IntRange(1, 15).Draw(r, "pause")) * time.Second)
			device := fmt.Sprintf("device-%016d", rapid.IntRange(1, 4).Draw(r, "device"))
			latest[device] = d.again(t, onDevice(device), guest)
		}
		held, err := d.site.SignIns(context.Background(), guest.Player.ID)
		if err != nil {
			r.Fatal(err)
		}
		for device, grant := range latest {
			if d.isOut(t, grant) {
				r.Fatal("the latest sign-in of a device has ended")
			}
			n := len(slices.DeleteFunc(slices.Clone(held), func(v muster.SignInView) bool { return v.DeviceID != device }))
			if n > 1+maxRepeats {
				r.Fatalf("a device has %d sign-ins", n)
			}
		}
	})
}
