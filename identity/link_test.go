package identity

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster"
)

// linker is a fake of the rules: it remembers the last call, and replaces a guest's secret
// when told to.
type linker struct {
	accounts *accounts
	last     string
	along    []muster.Op // of the last link
	rotates  bool
	err      error
}

func (l *linker) answer(p muster.PlayerID, hash []byte, format string, args ...any) (muster.LinksView, error) {
	l.last = fmt.Sprintf(format, args...)
	var view muster.LinksView
	if l.rotates && hash != nil {
		for id, known := range l.accounts.known {
			if known.player == p && id.Provider == muster.GuestProvider {
				l.accounts.known[id] = account{p, hash}
				view.Guest = &muster.Guest{ID: id.Subject}
			}
		}
	}
	return view, l.err
}

func (l *linker) Links(_ context.Context, p muster.PlayerID) (muster.LinksView, error) {
	return l.answer(p, nil, "%s lists", p)
}

func (l *linker) LinkSecret(ctx context.Context, p muster.PlayerID, id muster.Identity, secret muster.LinkedSecret) (muster.LinksView, error) {
	along, err := secret.Along(ctx)
	if l.along = along; err != nil {
		return muster.LinksView{}, err
	}
	return l.answer(p, secret.NewGuest, "%s links %v", p, id)
}

func (l *linker) Unlink(_ context.Context, p muster.PlayerID, provider string, shown bool) (muster.LinksView, error) {
	return l.answer(p, nil, "%s unlinks %s %t", p, provider, shown)
}

func (l *linker) Merge(_ context.Context, into, from muster.PlayerID, hash []byte) (muster.LinksView, error) {
	return l.answer(into, hash, "%s takes in %s", into, from)
}

// linked is a site with the provider "acme", whose proofs are their subjects, and a guest.
func linked(t *testing.T) (*site, *linker, muster.Grant, muster.Caller) {
	t.Helper()
	s := withProvider(t, func(p Proof) (Verified, error) {
		if p.Token == "" {
			return Verified{}, Refusal(CredentialInvalid, nil)
		}
		return Verified{Subject: p.Token}, nil
	})
	l := &linker{accounts: s.accounts}
	s.linker = l
	grant := s.guest(t)
	caller, err := s.Verify(context.Background(), grant.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return s, l, grant, caller
}

func shownBy(g *muster.Guest) string { return g.ID + "." + g.Secret }

func TestLinkingProvesTheIdentityAndAnswersTheNewSecret(t *testing.T) {
	ctx := context.Background()
	s, l, grant, caller := linked(t)
	l.rotates = true
	view, err := s.Link(ctx, caller, "acme", Proof{Token: "ann"}, "")
	if want := fmt.Sprintf("%s links {acme ann}", caller.Player); err != nil || l.last != want {
		t.Fatalf("asked %q, %v; want %q", l.last, err, want)
	}
	if view.Guest == nil || view.Guest.Secret == "" || view.Guest.Secret == grant.Guest.Secret {
		t.Fatalf("the guest is now %+v", view.Guest)
	}
	if _, err := s.Guest(ctx, view.Guest); err != nil {
		t.Errorf("the new secret does not sign in: %v", err)
	}
	_, err = s.Guest(ctx, grant.Guest)
	wantRefusal(t, err, muster.Unauthenticated, "guest.refused", grant.Guest.Secret)

	l.rotates, l.last = false, ""
	if view, err := s.Link(ctx, caller, "acme", Proof{Token: "ann"}, ""); err != nil || view.Guest != nil {
		t.Errorf("a repeat answers %+v, %v", view, err)
	}
	_, err = s.Link(ctx, caller, "acme", Proof{}, "")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	_, err = s.Link(ctx, caller, "nobody", Proof{Token: "ann"}, "")
	wantRefusal(t, err, muster.NotFound, "provider.unknown")
}

func TestWaysInChangeOnlyAfterAFreshProof(t *testing.T) {
	ctx := context.Background()
	s, l, grant, caller := linked(t)
	other := s.guest(t)
	calls := map[string]func(shown string) error{
		"link": func(shown string) error {
			_, err := s.Link(ctx, caller, "acme", Proof{Token: "ann"}, shown)
			return err
		},
		"unlink": func(shown string) error { _, err := s.Unlink(ctx, caller, "acme", shown); return err },
		"merge": func(shown string) error {
			_, err := s.Merge(ctx, caller, muster.OtherPlayer{Guest: other.Guest}, shown)
			return err
		},
	}
	renewed := grant
	for _, c := range []struct {
		name  string
		pass  time.Duration
		shown func() string
		code  string
	}{
		{"right after the sign-in", 0, func() string { return "" }, ""},
		{"five minutes after it", 5 * time.Minute, func() string { return "" }, ""},
		{"later", time.Second, func() string { return "" }, "signin.not_fresh"},
		{"later, with a renewed token", 0, func() string {
			var err error
			if renewed, err = s.Refresh(ctx, renewed.RefreshToken); err != nil {
				t.Fatal(err)
			}
			return ""
		}, "signin.not_fresh"},
		{"later, with the refresh token shown", 0, func() string { return renewed.RefreshToken }, "signin.not_fresh"},
		{"later, with the guest's secret shown", 0, func() string { return shownBy(grant.Guest) }, ""},
		{"with another guest's secret shown", 0, func() string { return shownBy(other.Guest) }, "proof.invalid"},
		{"with something shown", 0, func() string { return "something" }, "proof.invalid"},
		{"after the sign-in has ended", 0, func() string {
			if err := s.Logout(ctx, renewed.RefreshToken); err != nil {
				t.Fatal(err)
			}
			return ""
		}, "signin.not_fresh"},
	} {
		s.pass(c.pass)
		for name, call := range calls {
			t.Run(c.name+", "+name, func(t *testing.T) {
				l.last = ""
				shown := c.shown()
				err := call(shown)
				if c.code != "" {
					wantRefusal(t, err, muster.Denied, c.code, shown)
					if !strings.Contains(err.Error(), "Muster-Proof") {
						t.Errorf("it does not name the header: %v", err)
					}
				} else if err != nil {
					t.Errorf("refused: %v", err)
				}
				if (l.last != "") != (c.code == "") {
					t.Errorf("the rules were asked %q", l.last)
				}
			})
		}
	}
}

func TestAGuestCountsAsAWayInOnceTheSecretIsShown(t *testing.T) {
	ctx := context.Background()
	s, l, grant, caller := linked(t)
	for shown, want := range map[string]string{"": "false", shownBy(grant.Guest): "true"} {
		if _, err := s.Unlink(ctx, caller, "acme", shown); err != nil || l.last != fmt.Sprintf("%s unlinks acme %s", caller.Player, want) {
			t.Errorf("asked %q, %v", l.last, err)
		}
	}
}

func TestTheOtherPlayerOfAMergeIsProven(t *testing.T) {
	ctx := context.Background()
	s, l, _, caller := linked(t)
	bob, err := s.Login(ctx, "acme", Proof{Token: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	guest := s.guest(t)
	used, err := s.Refresh(ctx, guest.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		other muster.OtherPlayer
		from  muster.PlayerID
		kind  muster.Kind
		code  string
	}{
		{"by a provider", muster.OtherPlayer{Provider: "acme", Proof: Proof{Token: "bob"}}, bob.Player.ID, 0, ""},
		{"as a guest", muster.OtherPlayer{Guest: guest.Guest}, guest.Player.ID, 0, ""},
		{"by a sign-in", muster.OtherPlayer{RefreshToken: used.RefreshToken}, guest.Player.ID, 0, ""},
		{"by an identity of nobody", muster.OtherPlayer{Provider: "acme", Proof: Proof{Token: "carol"}}, "", muster.NotFound, "merge.nobody"},
		{"by a bad proof", muster.OtherPlayer{Provider: "acme"}, "", muster.Unauthenticated, "credential.invalid"},
		{"by a wrong secret", muster.OtherPlayer{Guest: &muster.Guest{ID: guest.Guest.ID, Secret: "wrong"}}, "", muster.Unauthenticated, "guest.refused"},
		{"by a used refresh token", muster.OtherPlayer{RefreshToken: guest.RefreshToken}, "", muster.Unauthenticated, "refresh.invalid"},
		{"by nothing", muster.OtherPlayer{}, "", muster.Unauthenticated, "refresh.invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.last = ""
			_, err := s.Merge(ctx, caller, c.other, "")
			if c.code != "" {
				wantRefusal(t, err, c.kind, c.code)
				if l.last != "" {
					t.Errorf("the rules were asked %q", l.last)
				}
				return
			}
			if want := fmt.Sprintf("%s takes in %s", caller.Player, c.from); err != nil || l.last != want {
				t.Errorf("asked %q, %v; want %q", l.last, err, want)
			}
		})
	}
}

func TestAGuestWithAnotherWayInIsAPlayer(t *testing.T) {
	ctx := context.Background()
	s, _, grant, caller := linked(t)
	if caller.Scope != muster.GuestScope {
		t.Fatalf("at first the scope is %s", caller.Scope)
	}
	s.accounts.mu.Lock()
	s.accounts.known[muster.Identity{Provider: "acme", Subject: "ann"}] = account{player: caller.Player}
	s.accounts.mu.Unlock()
	renewed, err := s.Refresh(ctx, grant.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Refresh(ctx, renewed.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	anew, err := s.Guest(ctx, grant.Guest)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"renewed": renewed.AccessToken, "renewed again": again.AccessToken, "of a new sign-in": anew.AccessToken} {
		if c, err := s.Verify(ctx, token); err != nil || c.Scope != muster.PlayerScope {
			t.Errorf("the scope %s is %s (%v)", name, c.Scope, err)
		}
	}
}

func TestWhoIsGoneNeitherSignsInNorRenews(t *testing.T) {
	ctx := context.Background()
	s, _, grant, caller := linked(t)
	s.accounts.mu.Lock()
	for id, known := range s.accounts.known { // the identity was read, and then the account is gone
		if known.player == caller.Player {
			delete(s.accounts.known, id)
		}
	}
	s.accounts.mu.Unlock()
	_, err := s.Refresh(ctx, grant.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", grant.RefreshToken)
	_, err = s.Guest(ctx, grant.Guest)
	wantRefusal(t, err, muster.Unauthenticated, "guest.refused", grant.Guest.Secret)
}

// Between the proof of an address and what it is for, its account can be deleted. Then it is as if
// the proof had come after.
func TestAProofWhoseAccountIsDeletedMeanwhileLinksAndMergesNothing(t *testing.T) {
	ctx := context.Background()
	proof := Proof{Fields: map[string]string{"email": annMail, "password": annWords}}
	for name, c := range map[string]struct {
		call func(d *desk, caller muster.Caller) error
		kind muster.Kind
		code string
	}{
		"link": {func(d *desk, caller muster.Caller) error {
			_, err := d.site.Link(ctx, caller, muster.EmailProvider, proof, "")
			return err
		}, muster.Unauthenticated, "credential.invalid"},
		"enter": {func(d *desk, caller muster.Caller) error {
			_, err := d.site.Enter(ctx, caller, muster.EmailProvider, proof)
			return err
		}, muster.Unauthenticated, "credential.invalid"},
		"sign in": {func(d *desk, _ muster.Caller) error {
			_, err := d.site.Login(ctx, muster.EmailProvider, proof)
			return err
		}, muster.Unauthenticated, "credential.invalid"},
		"merge": {func(d *desk, caller muster.Caller) error {
			_, err := d.site.Merge(ctx, caller, muster.OtherPlayer{Provider: muster.EmailProvider, Proof: proof}, "")
			return err
		}, muster.NotFound, "merge.nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			ann := d.signUp(t, annMail, annWords)
			guest := d.caller(t, d.site.guest(t))
			derive := d.hasher.derive
			d.hasher.derive = func(password, salt []byte, p hashParams) []byte {
				d.deleteAccount(t, ann.Player.ID)
				return derive(password, salt, p)
			}
			wantRefusal(t, c.call(d, guest), c.kind, c.code)
			if _, _, err := d.rules.FindIdentity(ctx, emailIdentity(annMail)); muster.KindOf(err) != muster.NotFound {
				t.Errorf("the address leads somewhere: %v", err)
			}
			if view, err := d.rules.Links(ctx, guest.Player); err != nil || len(view.Links) != 1 {
				t.Errorf("the guest's ways in are %v, %v", view, err)
			}
		})
	}
}
