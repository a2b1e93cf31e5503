package muster_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"muster"
)

func steam(subject string) muster.Identity {
	return muster.Identity{Provider: "steam", Subject: subject}
}

func by(provider string) muster.Identity {
	return muster.Identity{Provider: provider, Subject: "the-one"}
}

// providers lists the ways in of an answer, in order.
func providers(v muster.LinksView) string {
	var names []string
	for _, l := range v.Links {
		names = append(names, l.Provider)
	}
	return strings.Join(names, " ")
}

// wantLinked fails unless the identity leads to the player.
func (r *rig) wantLinked(t *testing.T, id muster.Identity, p muster.PlayerID) {
	t.Helper()
	if got, _, err := r.FindIdentity(context.Background(), id); err != nil || got != p {
		t.Errorf("%v leads to %q (%v), want %s", id, got, err, p)
	}
}

// wantUnlinked fails if the identity leads anywhere.
func (r *rig) wantUnlinked(t *testing.T, id muster.Identity) {
	t.Helper()
	if got, _, err := r.FindIdentity(context.Background(), id); !errors.Is(err, muster.ErrNotFound) {
		t.Errorf("%v leads to %q (%v), want nowhere", id, got, err)
	}
}

func guestOf(name string) muster.Identity {
	return muster.Identity{Provider: muster.GuestProvider, Subject: name}
}

func TestAGuestWhoLinksIsAPlayerWithANewSecret(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	if scope := must[muster.Scope](t)(r.ScopeOf(ctx, ann, muster.SignInRef{})); scope != muster.GuestScope {
		t.Errorf("at first ann is a %s", scope)
	}
	view := must[muster.LinksView](t)(r.Link(ctx, ann, steam("7656"), []byte("new")))
	if providers(view) != "guest steam" || !reflect.DeepEqual(view.Guest, &muster.Guest{ID: "ann"}) {
		t.Errorf("the answer is %+v", view)
	}
	r.wantLinked(t, steam("7656"), ann)
	if _, hash, err := r.FindIdentity(ctx, guestOf("ann")); err != nil || string(hash) != "new" {
		t.Errorf("the guest's secret is %q (%v)", hash, err)
	}
	if scope := must[muster.Scope](t)(r.ScopeOf(ctx, ann, muster.SignInRef{})); scope != muster.PlayerScope {
		t.Errorf("now ann is a %s", scope)
	}
	again := must[muster.LinksView](t)(r.Link(ctx, ann, steam("7656"), []byte("newer")))
	if again.Guest != nil || providers(again) != "guest steam" {
		t.Errorf("a repeat answers %+v", again)
	}
	second := must[muster.LinksView](t)(r.Link(ctx, ann, by("discord"), []byte("newest")))
	if second.Guest != nil || providers(second) != "guest steam discord" {
		t.Errorf("a second link answers %+v", second)
	}
	if _, hash, _ := r.FindIdentity(ctx, guestOf("ann")); string(hash) != "new" {
		t.Errorf("the secret is replaced again, by %q", hash)
	}
}

func TestLinksThatAreRefused(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	_ = must[muster.LinksView](t)(r.Link(ctx, bob, steam("bob"), nil))
	crowded := r.guest("crowded")
	for i := range 9 {
		_ = must[muster.LinksView](t)(r.Link(ctx, crowded, by(fmt.Sprint("provider-", i)), nil))
	}
	for _, c := range []struct {
		name string
		who  muster.PlayerID
		id   muster.Identity
		kind muster.Kind
		code string
	}{
		{"an identity of another player", ann, steam("bob"), muster.Conflict, "identity.in_use"},
		{"a second identity of one provider", bob, steam("bob-too"), muster.Conflict, "identity.provider_linked"},
		{"an eleventh way in", crowded, by("one-more"), muster.Conflict, "identity.too_many"},
		{"a guest", ann, guestOf("carol"), muster.Invalid, "identity.not_linkable"},
		{"an identity without a subject", ann, steam(""), muster.Invalid, "identity.not_linkable"},
		{"a player who does not exist", "nobody", steam("x"), muster.NotFound, "player.not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.Link(ctx, c.who, c.id, []byte("new"))
			wantError(t, err, c.kind, c.code)
		})
	}
	_, err := r.Link(ctx, ann, steam("bob"), nil)
	var e *muster.Error
	if !errors.As(err, &e) || !reflect.DeepEqual(e.Details["offers"], []string{"switch", "merge"}) || strings.Contains(e.Error(), string(bob)) {
		t.Errorf("what a client can offer is not said, or too much is: %v %v", err, e.Details)
	}
	if _, hash, _ := r.FindIdentity(ctx, guestOf("ann")); string(hash) == "new" {
		t.Error("a refused link replaced the guest's secret")
	}
}

func TestTheLastWayInStays(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	_, err := r.Unlink(ctx, ann, muster.GuestProvider, true)
	wantError(t, err, muster.Conflict, "identity.last")
	_ = must[muster.LinksView](t)(r.Link(ctx, ann, steam("ann"), []byte("new")))
	_, err = r.Unlink(ctx, ann, "steam", false)
	wantError(t, err, muster.Conflict, "identity.guest_unproven")

	_ = must[muster.LinksView](t)(r.Link(ctx, ann, by("discord"), nil))
	if v := must[muster.LinksView](t)(r.Unlink(ctx, ann, "steam", false)); providers(v) != "guest discord" {
		t.Errorf("left are %s", providers(v))
	}
	r.wantUnlinked(t, steam("ann"))
	if v := must[muster.LinksView](t)(r.Unlink(ctx, ann, "steam", false)); providers(v) != "guest discord" {
		t.Errorf("after a repeat left are %s", providers(v))
	}
	if v := must[muster.LinksView](t)(r.Unlink(ctx, ann, "discord", true)); providers(v) != "guest" {
		t.Errorf("with the secret shown left are %s", providers(v))
	}
	if scope := must[muster.Scope](t)(r.ScopeOf(ctx, ann, muster.SignInRef{})); scope != muster.GuestScope {
		t.Errorf("with only a guest left, ann is a %s", scope)
	}
	bob := r.guest("bob")
	if v := must[muster.LinksView](t)(r.Link(ctx, bob, steam("ann"), nil)); providers(v) != "guest steam" {
		t.Errorf("what was unlinked cannot be linked elsewhere: %s", providers(v))
	}
	if v := must[muster.LinksView](t)(r.Unlink(ctx, bob, muster.GuestProvider, false)); providers(v) != "steam" {
		t.Errorf("without the guest left are %s", providers(v))
	}
	r.wantUnlinked(t, guestOf("bob"))
	_, err = r.Unlink(ctx, bob, "steam", false)
	wantError(t, err, muster.Conflict, "identity.last")
}

func TestLinksAreGoneWithTheAccount(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	_ = must[muster.LinksView](t)(r.Link(ctx, ann, steam("7656"), nil))
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.wantUnlinked(t, steam("7656"))
	_, err := r.Links(ctx, ann)
	wantError(t, err, muster.NotFound, "player.not_found")
	_, err = r.ScopeOf(ctx, ann, muster.SignInRef{})
	wantError(t, err, muster.NotFound, "player.not_found")
	if left := r.traces(t, "7656"); len(left) > 0 {
		t.Errorf("the subject is still in %q", left)
	}
}

// What is told of an error is not what stays of it: a crash right after the Write leaves the
// link, a crash before it nothing.
func TestALinkIsWholeOrNotThere(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	dying := r.shaky(false, 0)
	if _, err := dying.Link(ctx, ann, steam("ann"), []byte("new")); err == nil {
		t.Fatal("the store did not fail")
	}
	r.wantUnlinked(t, steam("ann"))
	if v := must[muster.LinksView](t)(r.Links(ctx, ann)); providers(v) != "guest" {
		t.Errorf("after the crash there are %s", providers(v))
	}
	if v := must[muster.LinksView](t)(r.Link(ctx, ann, steam("ann"), []byte("new"))); v.Guest == nil {
		t.Error("the repeat does not replace the secret")
	}
}

// By a way in that was taken away a banned player would come back as somebody new.
func TestABannedPlayerKeepsEveryWayIn(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	_ = must[muster.LinksView](t)(r.Link(ctx, ann, steam("ann"), nil))
	_ = must[muster.LinksView](t)(r.Link(ctx, bob, by("epic"), nil))
	_ = must[muster.BanView](t)(r.Ban(ctx, ann, muster.BanRequest{Reason: "cheats"}))
	for name, call := range map[string]func() error{
		"link":          func() error { _, err := r.Link(ctx, ann, by("discord"), nil); return err },
		"unlink":        func() error { _, err := r.Unlink(ctx, ann, "steam", true); return err },
		"merge":         func() error { _, err := r.Merge(ctx, ann, bob, nil); return err },
		"become a part": func() error { _, err := r.Merge(ctx, bob, ann, nil); return err },
	} {
		t.Run(name, func(t *testing.T) { wantError(t, call(), muster.Denied, "account.banned") })
	}
	r.wantLinked(t, steam("ann"), ann)
	if err := r.Unban(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if v := must[muster.LinksView](t)(r.Unlink(ctx, ann, "steam", true)); providers(v) != "guest" {
		t.Errorf("after the ban left are %s", providers(v))
	}
}
