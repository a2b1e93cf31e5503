package muster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

// lower stands for the form in which identities are kept.
func lower(id muster.Identity) (muster.Identity, error) {
	if strings.Contains(id.Subject, " ") {
		return muster.Identity{}, muster.Errorf(muster.Invalid, "email.invalid", "no address")
	}
	id.Subject = strings.ToLower(id.Subject)
	return id, nil
}

// player makes the player of an identity.
func (r *rig) player(t *testing.T, provider, subject string) muster.PlayerID {
	t.Helper()
	id, _, err := r.EnsurePlayer(context.Background(), muster.Identity{Provider: provider, Subject: subject}, []byte("hash"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// found is the ids of a search's players.
func (r *rig) found(t *testing.T, search muster.PlayerSearch) []muster.PlayerID {
	t.Helper()
	ids := []muster.PlayerID{}
	for _, p := range must[muster.FoundPlayers](t)(r.FindPlayers(operator(), search)).Players {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestOperatorsFindAPlayerByTheWholeOfWhatTheyKnow(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, func(o *muster.Options) {
		o.Canonical, o.Profile.Names = lower, muster.NamesUnique
	})
	ann, bob := r.player(t, "email", "ann@example.com"), r.player(t, "steam", "76561197960287930")
	name := "Bobby"
	if _, err := r.UpdateProfile(ctx, bob, muster.ProfileChange{DisplayName: &name}, muster.Precondition{}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		search muster.PlayerSearch
		want   []muster.PlayerID
	}{
		"an address":                      {muster.PlayerSearch{Email: "Ann@Example.com"}, []muster.PlayerID{ann}},
		"a part of an address":            {muster.PlayerSearch{Email: "ann@example"}, nil},
		"an address as an identity":       {muster.PlayerSearch{Provider: "email", Subject: "ann@example.com"}, []muster.PlayerID{ann}},
		"an identity":                     {muster.PlayerSearch{Provider: "steam", Subject: "76561197960287930"}, []muster.PlayerID{bob}},
		"an identity of another provider": {muster.PlayerSearch{Provider: "steam-test", Subject: "76561197960287930"}, nil},
		"the start of an identity":        {muster.PlayerSearch{Provider: "steam", Subject: "7656"}, nil},
		"a name":                          {muster.PlayerSearch{DisplayName: "Bobby"}, []muster.PlayerID{bob}},
		"a name that is taken for it":     {muster.PlayerSearch{DisplayName: "b0bby"}, []muster.PlayerID{bob}},
		"the start of a name":             {muster.PlayerSearch{DisplayName: "Bob"}, nil},
		"a name of signs alone":           {muster.PlayerSearch{DisplayName: "..."}, nil},
		"an id":                           {muster.PlayerSearch{ID: ann}, []muster.PlayerID{ann}},
		"an id of nobody":                 {muster.PlayerSearch{ID: "nobody"}, nil},
		"what could be no id":             {muster.PlayerSearch{ID: "../A"}, nil},
	} {
		if got := r.found(t, c.search); !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s finds %v, not %v", name, got, c.want)
		}
	}
	for name, search := range map[string]muster.PlayerSearch{
		"nothing":               {},
		"two things":            {Email: "ann@example.com", ID: ann},
		"a subject alone":       {Subject: "76561197960287930"},
		"a provider alone":      {Provider: "steam"},
		"a subject without end": {Provider: "steam", Subject: strings.Repeat("7", 3000)},
	} {
		_, err := r.FindPlayers(operator(), search)
		wantError(t, err, muster.Invalid, "search.form")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	_, err := r.FindPlayers(operator(), muster.PlayerSearch{Email: "ann at home"})
	wantError(t, err, muster.Invalid, "email.invalid")
	_, err = newRig(false).FindPlayers(operator(), muster.PlayerSearch{DisplayName: "Ann"})
	wantError(t, err, muster.Invalid, "search.names")
}

func TestAPlayerThatIsFoundIsShownWithMaskedWaysIn(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, func(*muster.Options) {})
	opened, renewed := r.clock.now(), r.clock.now().Add(time.Hour)
	r = newRigWith(false, func(o *muster.Options) {
		o.SignIns = func(context.Context, muster.PlayerID) ([]muster.SignInView, error) {
			return []muster.SignInView{{ID: "a", OpenedAt: &opened, RenewedAt: &renewed}, {ID: "b", OpenedAt: &opened}, {ID: "c"}}, nil
		}
	})
	ann := r.player(t, "email", "ann@example.com")
	for _, way := range []muster.Identity{{Provider: "steam", Subject: "76561197960287930"}, {Provider: "short", Subject: "12345"}} {
		_ = must[muster.LinksView](t)(r.Link(ctx, ann, way, nil))
	}
	_ = must[muster.BanView](t)(r.Ban(operatorNamed(t, "kim"), ann, muster.BanRequest{Reason: "aimbot", Operator: "kim"}))
	found := must[muster.FoundPlayers](t)(r.FindPlayers(operatorNamed(t, "lee"), muster.PlayerSearch{Email: "ann@example.com"}))
	v := found.Players[0]
	subjects := []string{}
	for _, way := range v.WaysIn {
		subjects = append(subjects, way.Provider+" "+way.Subject)
	}
	if !slices.Equal(subjects, []string{"email a***@example.com", "steam ***7930", "short ***"}) {
		t.Errorf("ways in are %q", subjects)
	}
	if v.Ban == nil || v.Ban.Reason != "aimbot" || v.CreatedAt == nil || v.LastSeenAt == nil || !v.LastSeenAt.Equal(renewed) || v.Status != "active" {
		t.Errorf("shown is %+v", v)
	}
	trail := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 10, ""))
	looked := trail.Entries[slices.IndexFunc(trail.Entries, func(e muster.AuditView) bool { return e.Event == muster.AuditFound })]
	if looked.By != "operator" || looked.Actor != "0123456789abcdef" || looked.Detail["operator"] != "lee" || looked.Detail["by"] != "email" {
		t.Errorf("recorded is %+v", looked)
	}
	if strings.Contains(fmt.Sprint(trail), "ann@example.com") {
		t.Error("the address is in the records")
	}
}

func TestASearchThatFindsNobodyIsRecordedToo(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	if got := r.found(t, muster.PlayerSearch{Email: "nobody@example.com"}); len(got) != 0 {
		t.Fatalf("found %v", got)
	}
	r.clock.advance(time.Second)
	if err := r.DeleteAccount(ctx, bob); err != nil {
		t.Fatal(err)
	}
	gone := must[muster.FoundPlayers](t)(r.FindPlayers(operator(), muster.PlayerSearch{ID: bob})).Players
	if len(gone) != 1 || gone[0].Status != "deleted" || gone[0].DeletedAt == nil || len(gone[0].WaysIn) != 0 {
		t.Errorf("the deleted player is shown as %+v", gone)
	}
	trail := must[muster.AuditPage](t)(r.OperatorTrail(ctx, 10, "")).Entries
	if len(trail) != 2 || trail[0].Event != muster.AuditFound || trail[0].Detail["player"] != string(bob) ||
		trail[1].Event != muster.AuditFoundNobody || trail[1].Detail["by"] != "email" {
		t.Errorf("recorded is %+v", trail)
	}
	if entries := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 10, "")).Entries; len(entries) != 0 {
		t.Errorf("with somebody else is recorded %+v", entries)
	}
}

func TestASearchByAProviderThatIsNotConfiguredNamesThoseThatAre(t *testing.T) {
	r := newRigWith(false, func(o *muster.Options) { o.Providers = []string{"steam", "acme"} })
	old := r.player(t, "oldstore", "7")
	for _, c := range []struct {
		name   string
		search muster.PlayerSearch
		note   string
	}{
		{"misspelt", muster.PlayerSearch{Provider: "Steam", Subject: "7"}, "no provider of this name is configured; there are acme, email, guest, steam"},
		{"configured, and nobody is found", muster.PlayerSearch{Provider: "steam", Subject: "7"}, ""},
		{"a guest", muster.PlayerSearch{Provider: "guest", Subject: "7"}, ""},
		{"by an address", muster.PlayerSearch{Email: "nobody@example.com"}, ""},
		{"configured once", muster.PlayerSearch{Provider: "oldstore", Subject: "7"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := must[muster.FoundPlayers](t)(r.FindPlayers(operator(), c.search))
			if found.Note != c.note {
				t.Errorf("note: %q", found.Note)
			}
			if c.search.Provider == "oldstore" && (len(found.Players) != 1 || found.Players[0].ID != old) {
				t.Errorf("found is %+v", found.Players)
			}
		})
	}
}

func TestNamesWithNumbersAreFoundWithAndWithoutThem(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, func(o *muster.Options) { o.Profile.Names = muster.NamesDiscriminator })
	name, called := "Ada", map[string]muster.PlayerID{}
	for i := range 60 {
		p := r.guest(fmt.Sprintf("g%d", i))
		me := must[muster.PlayerView](t)(r.UpdateProfile(ctx, p, muster.ProfileChange{DisplayName: &name}, muster.Precondition{}))
		called[me.DisplayName] = p
	}
	all := must[muster.FoundPlayers](t)(r.FindPlayers(operator(), muster.PlayerSearch{DisplayName: "ada"}))
	if len(all.Players) != 50 || !all.More {
		t.Errorf("%d are found, more: %v", len(all.Players), all.More)
	}
	for text, p := range called {
		if got := r.found(t, muster.PlayerSearch{DisplayName: text}); !slices.Equal(got, []muster.PlayerID{p}) {
			t.Errorf("%s finds %v, not %s", text, got, p)
		}
	}
	if got := r.found(t, muster.PlayerSearch{DisplayName: "Ada#99999"}); len(got) != 0 {
		t.Errorf("a number that is none finds %v", got)
	}
}

func TestAMergedPlayerIsFoundAsWhomTheyBecamePartOf(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob := r.player(t, "steam", "1"), r.player(t, "epic", "2")
	_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
	if got := r.found(t, muster.PlayerSearch{Provider: "epic", Subject: "2"}); !slices.Equal(got, []muster.PlayerID{ann}) {
		t.Errorf("the identity finds %v", got)
	}
	byID := must[muster.FoundPlayers](t)(r.FindPlayers(operator(), muster.PlayerSearch{ID: bob})).Players
	if len(byID) != 1 || byID[0].Status != "merged" || byID[0].MergedInto != ann {
		t.Errorf("the id finds %+v", byID)
	}
}
