package identity

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// estate is a site over the real rules, with the providers "acme" and "other", whose proofs
// are their subjects and come with a consent.
type estate struct {
	*site
	rules *muster.Backend
	acme  *platform
}

func newEstate(t testing.TB) *estate {
	t.Helper()
	e := &estate{site: newSite(t), acme: &platform{}}
	e.acme.vouching = func(p Proof) (Verified, error) {
		return Verified{Subject: p.Token, Consent: Consent{Token: p.Code}}, nil
	}
	e.rules = muster.New(muster.Options{
		Store: e.store, Notifier: silent{}, Now: e.clock, NewID: e.nextID, Log: slog.New(slog.DiscardHandler),
		TakeBack: func(ctx context.Context, id muster.Identity) error { return e.TakeBack(ctx, id) },
	})
	o := e.options()
	o.Accounts, o.Guard, o.Linker = e.rules, e.rules, e.rules
	o.Providers = map[string]Provider{"acme": e.acme, "other": e.acme.vouching}
	e.Service = New(o)
	return e
}

// signIn signs in with acme; code is the consent that comes with it.
func (e *estate) signIn(t testing.TB, subject, code string) muster.Grant {
	t.Helper()
	grant, err := e.Login(t.Context(), "acme", Proof{Token: subject, Code: code})
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

func (e *estate) caller(t testing.TB, g muster.Grant) muster.Caller {
	t.Helper()
	caller, err := e.Verify(t.Context(), g.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// listed are the records of a partition, by the prefix of their sort keys.
func (e *estate) listed(t testing.TB, partition, prefix string) []muster.Record {
	t.Helper()
	records, err := e.store.List(t.Context(), partition, muster.ListOptions{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// hasConsent says whether a consent of an identity is kept.
func (e *estate) hasConsent(t testing.TB, id muster.Identity) bool {
	t.Helper()
	_, err := e.store.Get(t.Context(), consentKey(id))
	return err == nil
}

func TestUnlinkingEndsTheSignInsOfTheWayIn(t *testing.T) {
	e := newEstate(t)
	ann := e.signIn(t, "ann", "")
	if _, err := e.Link(t.Context(), e.caller(t, ann), "other", Proof{Token: "ann-too"}, ""); err != nil {
		t.Fatal(err)
	}
	stolen := e.signIn(t, "ann", "")
	other, err := e.Login(t.Context(), "other", Proof{Token: "ann-too"})
	if err != nil {
		t.Fatal(err)
	}
	here := e.signIn(t, "ann", "")
	e.pass(time.Second)
	ctx := muster.WithCaller(t.Context(), e.caller(t, here))
	if _, err := e.Unlink(ctx, e.caller(t, here), "acme", ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		grant muster.Grant
		ends  bool
	}{
		{"the first sign-in, by the way in", ann, true},
		{"another one by it", stolen, true},
		{"one by another way in", other, false},
		{"the one that asked", here, false},
	} {
		if void := e.rules.Revoked(e.caller(t, c.grant)) != nil; void != c.ends {
			t.Errorf("%s: its access token is void: %t, want %t", c.name, void, c.ends)
		}
		switch next, err := e.Refresh(t.Context(), c.grant.RefreshToken); {
		case c.ends:
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
		case err != nil:
			t.Errorf("%s is not renewed: %v", c.name, err)
		default:
			e.pass(time.Minute)
			if _, err := e.Refresh(t.Context(), next.RefreshToken); err != nil {
				t.Errorf("%s is not renewed again: %v", c.name, err)
			}
		}
	}
}

func TestASignInThatOvertookTheUnlinkingIsNotRenewed(t *testing.T) {
	e := newEstate(t)
	ann := e.signIn(t, "ann", "")
	if _, err := e.Link(t.Context(), e.caller(t, ann), "other", Proof{Token: "ann-too"}, ""); err != nil {
		t.Fatal(err)
	}
	way := muster.Identity{Provider: "acme", Subject: "ann"}
	signIn := opening{player: ann.Player.ID, scope: muster.PlayerScope, way: way, proven: e.instant()}
	if _, err := e.Unlink(t.Context(), e.caller(t, ann), "acme", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := e.grant(t.Context(), signIn); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("who was proven before the unlinking signs in after it: %v", err)
	}
	late, err := e.openFamily(t.Context(), signIn) // it was let in just before
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Refresh(t.Context(), late.token.String())
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
}

func TestSignInsThatKnowNoWayInStay(t *testing.T) {
	e := newEstate(t)
	ann := e.signIn(t, "ann", "")
	if _, err := e.Link(t.Context(), e.caller(t, ann), "other", Proof{Token: "ann-too"}, ""); err != nil {
		t.Fatal(err)
	}
	token, _ := parseRefreshToken(ann.RefreshToken)
	record, version, err := e.loadFamily(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	record.Way = "" // as it was kept once
	op, err := e.familyOp(token, record, version)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.store.Write(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Unlink(t.Context(), e.caller(t, ann), "acme", ""); err != nil {
		t.Fatal(err)
	}
	e.refresh(t, ann.RefreshToken)
}

func TestAnotherAddressEndsNoSignIn(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t, nil)
	ann := d.signUp(t, annMail, annWords)
	sent, err := d.ChangeAddress(ctx, d.caller(t, ann), "", "anna@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ConfirmAddress(ctx, d.caller(t, ann), muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.site.Refresh(ctx, ann.RefreshToken); err != nil {
		t.Errorf("the sign-in by the old address is not renewed: %v", err)
	}
}

func TestTheRecordOfASignInNamesNobodyAndIsSmall(t *testing.T) {
	e := newEstate(t)
	wide := strings.Repeat("x", 200)
	ctx := muster.WithClient(t.Context(), muster.Client{Address: netip.MustParseAddr("2001:db8::7"), UserAgent: wide, Device: wide})
	grant, err := e.Login(ctx, "acme", Proof{Token: "ann-the-subject"})
	if err != nil {
		t.Fatal(err)
	}
	next := e.refresh(t, grant.RefreshToken)
	held := e.listed(t, muster.PlayerPartition(next.Player.ID), muster.SignInPrefix)
	if text := string(held[0].Value); len(held) != 1 || strings.Contains(text, "ann-the-subject") || len(text) >= 1000 {
		t.Errorf("the record has %d bytes: %s", len(text), text)
	}
}

func TestTheSignInThatGivesWayEndsAtOnce(t *testing.T) {
	e := newEstate(t)
	idle := e.signIn(t, "ann", "")
	e.pass(time.Hour)
	oldest := e.signIn(t, "ann", "")
	for range maxFamilies - 2 {
		e.signIn(t, "ann", "")
	}
	denied := func() int { return len(e.listed(t, "DENY#0", "")) }
	e.signIn(t, "ann", "")
	if _, err := e.Refresh(t.Context(), idle.RefreshToken); err == nil || denied() != 0 {
		t.Errorf("the oldest sign-in stays (%v), or tokens that have expired are revoked: %d", err, denied())
	}
	if err := e.rules.Revoked(e.caller(t, oldest)); err != nil {
		t.Errorf("the oldest but one is void too early: %v", err)
	}
	e.signIn(t, "ann", "")
	wantRefusal(t, e.rules.Revoked(e.caller(t, oldest)), muster.Unauthenticated, "token.revoked")
	if denied() != 1 {
		t.Errorf("%d revocations are stored for other replicas", denied())
	}
}

func TestOnlyASignInThatSucceedsKeepsAConsent(t *testing.T) {
	e := newEstate(t)
	ann := muster.Identity{Provider: "acme", Subject: "ann"}
	bob := e.signIn(t, "bob", "")
	if _, err := e.Link(t.Context(), e.caller(t, bob), "acme", Proof{Token: "ann", Code: "consent"}, ""); err == nil || e.hasConsent(t, ann) {
		t.Errorf("a link that was refused (%v) keeps the consent", err)
	}
	grant := e.signIn(t, "ann", "")
	operator := muster.WithCaller(t.Context(), muster.Caller{Scope: muster.AdminScope, Key: "kim"})
	if _, err := e.rules.Ban(operator, grant.Player.ID, muster.BanRequest{Reason: "aimbot"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Login(t.Context(), "acme", Proof{Token: "ann", Code: "consent"}); err == nil || e.hasConsent(t, ann) {
		t.Errorf("a sign-in that was refused (%v) keeps the consent", err)
	}
	if err := e.rules.Unban(operator, grant.Player.ID); err != nil {
		t.Fatal(err)
	}
	e.pass(time.Second)
	e.signIn(t, "ann", "consent")
	if !e.hasConsent(t, ann) {
		t.Error("a sign-in keeps no consent")
	}
}

func TestALinkKeepsTheConsent(t *testing.T) {
	e := newEstate(t)
	guest := e.guest(t)
	if _, err := e.Link(t.Context(), e.caller(t, guest), "acme", Proof{Token: "ann", Code: "consent"}, ""); err != nil {
		t.Fatal(err)
	}
	if !e.hasConsent(t, muster.Identity{Provider: "acme", Subject: "ann"}) {
		t.Error("a link keeps no consent")
	}
}

func TestUnlinkingWhileSignInsAreRenewed(t *testing.T) {
	for range 20 {
		e := newEstate(t)
		here := e.signIn(t, "ann", "")
		if _, err := e.Link(t.Context(), e.caller(t, here), "other", Proof{Token: "ann-too"}, ""); err != nil {
			t.Fatal(err)
		}
		stolen := make([]muster.Grant, 8)
		for i := range stolen {
			stolen[i] = e.signIn(t, "ann", "")
		}
		e.pass(time.Second)
		var wg sync.WaitGroup
		var mine muster.Grant
		wg.Go(func() {
			var err error
			if mine, err = e.Refresh(t.Context(), here.RefreshToken); err != nil {
				t.Errorf("the one that asks is not renewed meanwhile: %v", err)
			}
		})
		theirs := make([]muster.Grant, len(stolen))
		for i := range stolen {
			wg.Go(func() {
				var err error
				if theirs[i], err = e.Refresh(t.Context(), stolen[i].RefreshToken); err != nil && muster.KindOf(err) != muster.Unauthenticated {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if _, err := e.Unlink(muster.WithCaller(t.Context(), e.caller(t, here)), e.caller(t, here), "acme", ""); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if t.Failed() {
			return
		}
		e.refresh(t, mine.RefreshToken)
		for _, grant := range theirs {
			if grant.RefreshToken == "" {
				continue
			}
			if err := e.rules.Revoked(e.caller(t, grant)); err == nil {
				t.Error("an access token that was made meanwhile is good")
			}
			_, err := e.Refresh(t.Context(), grant.RefreshToken)
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
		}
	}
}
