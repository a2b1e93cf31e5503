package muster_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"muster"
)

// outsiders are platforms and a service that remember what they were told.
type outsiders struct {
	down   map[string]bool // providers that fail, and "pool"
	told   []string        // identities, once each
	forgot []muster.PlayerID
	asked  int
}

func newOutsiders(down ...string) (*outsiders, *rig) {
	o := &outsiders{down: map[string]bool{}}
	for _, name := range down {
		o.down[name] = true
	}
	return o, newRigWith(false, func(opts *muster.Options) {
		opts.TakeBack = func(_ context.Context, id muster.Identity) error {
			if o.asked++; o.down[id.Provider] {
				return errors.New("down")
			}
			if name := id.Provider + " " + id.Subject; !slices.Contains(o.told, name) {
				o.told = append(o.told, name)
			}
			return nil
		}
		opts.ForgetPlayer = func(_ context.Context, p muster.PlayerID) error {
			if o.down["pool"] {
				return errors.New("down")
			}
			if !slices.Contains(o.forgot, p) {
				o.forgot = append(o.forgot, p)
			}
			return nil
		}
	})
}

// withPlatforms makes a player who signs in by acme, beta and a guest's secret.
func (r *rig) withPlatforms(t *testing.T, name string) muster.PlayerID {
	t.Helper()
	p := r.guest(name)
	for _, provider := range []string{"acme", "beta"} {
		_ = must[muster.LinksView](t)(r.Link(context.Background(), p, muster.Identity{Provider: provider, Subject: name + "-there"}, nil))
	}
	return p
}

// tell lets time pass and outsiders be told what is due.
func (r *rig) tell(t *testing.T, after time.Duration) {
	t.Helper()
	r.clock.advance(after)
	if err := r.TellOutsiders(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// untold counts what is still to be told.
func (r *rig) untold(t *testing.T) int {
	t.Helper()
	n := 0
	for shard := range 8 {
		n += len(must[[]muster.Record](t)(r.store.List(context.Background(), "DUE#farewell#"+string(rune('0'+shard)), muster.ListOptions{})))
	}
	return n
}

func TestThePlatformOfAnUnlinkedIdentityIsTold(t *testing.T) {
	ctx := context.Background()
	o, r := newOutsiders()
	ann := r.withPlatforms(t, "ann")
	if _, err := r.Unlink(ctx, ann, "acme", false); err != nil {
		t.Fatal(err)
	}
	r.tell(t, 0)
	if !slices.Equal(o.told, []string{"acme ann-there"}) || len(o.forgot) > 0 {
		t.Errorf("told are %v, and of players %v", o.told, o.forgot)
	}
	r.tell(t, time.Second)
	if o.asked != 1 {
		t.Errorf("asked %d times", o.asked)
	}
	r.tell(t, time.Minute) // for a sign-in that was under way
	if o.asked != 2 || r.untold(t) != 0 {
		t.Errorf("asked %d times, %d are left", o.asked, r.untold(t))
	}
	if left := r.traces(t, "ann-there"); len(left) != 2 { // beta, and the account that knows it
		t.Errorf("the identity is still in %v", left)
	}
}

func TestPlatformsThatFailTogetherAreEachToldLater(t *testing.T) {
	ctx := context.Background()
	o, r := newOutsiders("acme", "beta")
	ann := r.withPlatforms(t, "ann")
	_ = must[muster.LinksView](t)(r.Link(ctx, ann, muster.Identity{Provider: "gamma", Subject: "ann-there"}, nil))
	for _, provider := range []string{"acme", "beta"} {
		if _, err := r.Unlink(ctx, ann, provider, false); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(time.Second)
	}
	r.tell(t, 0)
	if n := r.untold(t); n != 2 {
		t.Errorf("%d are to be told again, want both", n)
	}
	o.down = nil
	r.tell(t, time.Hour)
	slices.Sort(o.told)
	if want := []string{"acme ann-there", "beta ann-there"}; !slices.Equal(o.told, want) {
		t.Errorf("told are %v, want %v", o.told, want)
	}
}

func TestAGuestsSecretAndAnAddressHaveNoPlatform(t *testing.T) {
	ctx := context.Background()
	_, r := newOutsiders()
	ann := r.withPlatforms(t, "ann")
	_ = must[muster.LinksView](t)(r.LinkSecret(ctx, ann, annByMail(), muster.LinkedSecret{Hash: []byte("hash")}))
	for _, provider := range []string{muster.GuestProvider, muster.EmailProvider} {
		if _, err := r.Unlink(ctx, ann, provider, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.untold(t); n != 0 {
		t.Errorf("%d are to be told", n)
	}
}

func TestOutsidersAreToldOfADeletedPlayer(t *testing.T) {
	ctx := context.Background()
	o, r := newOutsiders("acme", "pool")
	ann := r.withPlatforms(t, "ann")
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.tell(t, time.Minute)
	if !slices.Equal(o.told, []string{"beta ann-there"}) || len(o.forgot) > 0 {
		t.Errorf("told are %v, and of players %v", o.told, o.forgot)
	}
	asked := o.asked
	r.tell(t, time.Second)
	if o.asked != asked {
		t.Error("a platform that is down is asked again at once")
	}
	o.down = nil
	r.tell(t, time.Minute)
	if !slices.Equal(o.told, []string{"beta ann-there", "acme ann-there"}) || !slices.Equal(o.forgot, []muster.PlayerID{ann}) {
		t.Errorf("told are %v, and of players %v", o.told, o.forgot)
	}
	if left := r.traces(t, "ann-there"); len(left) > 0 || r.untold(t) != 0 {
		t.Errorf("who was told of is still in %v", left)
	}
}

func TestPlatformsThatStayDownAreAskedEverLessOftenAndNotForEver(t *testing.T) {
	o, r := newOutsiders("acme")
	ann := r.withPlatforms(t, "ann")
	if _, err := r.Unlink(context.Background(), ann, "acme", false); err != nil {
		t.Fatal(err)
	}
	for range 24 * 4 { // a day
		r.tell(t, 15*time.Minute)
	}
	if o.asked < 6 || o.asked > 15 {
		t.Errorf("asked %d times in a day", o.asked)
	}
	r.tell(t, 30*24*time.Hour)
	if n := r.untold(t); n != 0 {
		t.Errorf("after a month %d are left", n)
	}
}

func TestServicesForgetAPlayerWhoWasMerged(t *testing.T) {
	ctx := context.Background()
	o, r := newOutsiders()
	ann, bob := r.guest("ann"), r.withPlatforms(t, "bob")
	if _, err := r.Merge(ctx, ann, bob, nil); err != nil {
		t.Fatal(err)
	}
	r.tell(t, time.Minute)
	if len(o.told) > 0 || !slices.Equal(o.forgot, []muster.PlayerID{bob}) {
		t.Errorf("told are %v, and of players %v", o.told, o.forgot)
	}
}

func TestReplicasShareWhatIsToBeTold(t *testing.T) {
	ctx := context.Background()
	o, r := newOutsiders()
	other := newRigWith(false, func(opts *muster.Options) {
		opts.Store, opts.Now = r.store, r.clock.now
		opts.TakeBack = func(ctx context.Context, id muster.Identity) error {
			o.asked++
			return nil
		}
	})
	ann := r.withPlatforms(t, "ann")
	if _, err := r.Unlink(ctx, ann, "acme", false); err != nil {
		t.Fatal(err)
	}
	for _, replica := range []*rig{r, other, r, other} {
		if err := replica.TellOutsiders(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if o.asked != 1 {
		t.Errorf("asked %d times", o.asked)
	}
}
