package identity

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/mail"
)

const newWords = "six quite different words instead"

func TestAForgottenPasswordIsReset(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	old := d.signUp(t, annMail, annWords)
	sent, err := d.Forgot(ctx, annMail)
	if err != nil || sent.ExpiresInSeconds != 600 {
		t.Fatalf("forgot: %+v, %v", sent, err)
	}
	proof := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
	wantRefusal(t, d.Reset(ctx, proof, "short"), muster.Invalid, "password.too_short") // and uses nothing up
	if err := d.Reset(ctx, proof, newWords); err != nil {
		t.Fatal(err)
	}
	if l := d.post.last(t); l.About != mail.PasswordChanged || l.To != annMail {
		t.Errorf("the owner hears %+v", l)
	}
	if _, err := d.site.Refresh(ctx, old.RefreshToken); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("a sign-in from before goes on: %v", err)
	}
	_, err = d.Login(ctx, annMail, annWords)
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid", annWords)
	if _, err := d.Login(ctx, annMail, newWords); err != nil {
		t.Errorf("the new password gives %v", err)
	}
	wantRefusal(t, d.Reset(ctx, proof, "yet another set of words"), muster.Unauthenticated, "credential.invalid")
}

func TestALinkResetsWithoutAnythingElse(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	sent, err := d.Forgot(ctx, annMail)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Reset(ctx, muster.MailProof{Token: d.token(t, sent.ID)}, newWords); err != nil {
		t.Error(err)
	}
}

func TestACodeIsGoodForItsPurposeAlone(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	caller := d.caller(t, d.signUp(t, annMail, annWords))
	registered, err := d.Register(ctx, "bob@example.com", annWords)
	if err != nil {
		t.Fatal(err)
	}
	reset, err := d.Forgot(ctx, annMail)
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, d.Reset(ctx, muster.MailProof{ID: registered.ID, Code: d.code(t, registered.ID)}, newWords), muster.Unauthenticated, "credential.invalid")
	_, err = d.Verify(ctx, muster.MailProof{ID: reset.ID, Code: d.code(t, reset.ID)}, "")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	wantRefusal(t, d.ConfirmAddress(ctx, caller, muster.MailProof{ID: reset.ID, Code: d.code(t, reset.ID)}), muster.Unauthenticated, "credential.invalid")
}

func TestAPasswordIsChangedByItsOwner(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		wait    time.Duration
		current string
		code    string // of the refusal
	}{
		"with the present one":                 {time.Hour, annWords, ""},
		"not right after the sign-in, without": {0, "", "password.current_needed"},
		"not later, without the present one":   {freshFor + time.Second, "", "password.current_needed"},
		"not with a wrong one":                 {0, "something else", "password.wrong"},
		"not with a wrong one after a while":   {time.Hour, "something else", "password.wrong"},
		"with the present one at once as well": {0, annWords, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			here := d.signUp(t, annMail, annWords)
			caller := d.caller(t, here)
			there, err := d.Login(ctx, annMail, annWords)
			if err != nil {
				t.Fatal(err)
			}
			d.site.pass(c.wait)
			err = d.Change(ctx, caller, c.current, newWords)
			if c.code != "" {
				wantRefusal(t, err, muster.Denied, c.code, c.current)
				if c.code == "password.current_needed" && !strings.Contains(err.Error(), "as current") {
					t.Errorf("it does not name current: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Login(ctx, annMail, newWords); err != nil {
				t.Errorf("the new password gives %v", err)
			}
			if _, err := d.site.Refresh(ctx, here.RefreshToken); err != nil {
				t.Errorf("the device that changed it is signed out: %v", err)
			}
			if _, err := d.site.Refresh(ctx, there.RefreshToken); err == nil {
				t.Error("the other device goes on")
			}
		})
	}
}

func TestAGuestHasNoPasswordToChange(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	caller := d.caller(t, d.site.guest(t))
	wantRefusal(t, d.Change(ctx, caller, "", newWords), muster.NotFound, "identity.none")
	_, err := d.ChangeAddress(ctx, caller, "", annMail)
	wantRefusal(t, err, muster.NotFound, "identity.none")
}

func TestAnAddressIsChangedOnceTheNewOneIsProven(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	grant := d.signUp(t, annMail, annWords)
	caller := d.caller(t, grant)
	const next = "ann@example.org"
	sent, err := d.ChangeAddress(ctx, caller, annWords, next)
	if err != nil {
		t.Fatal(err)
	}
	if l := d.post.last(t); l.To != next || l.About != mail.ConfirmAddress {
		t.Errorf("the new address hears %+v", l)
	}
	if _, err := d.Login(ctx, annMail, annWords); err != nil {
		t.Errorf("until then the old address gives %v", err)
	}
	bob := d.caller(t, d.signUp(t, "bob@example.com", annWords))
	proof := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
	wantRefusal(t, d.ConfirmAddress(ctx, bob, proof), muster.Unauthenticated, "credential.invalid")
	if err := d.ConfirmAddress(ctx, caller, proof); err != nil {
		t.Fatal(err)
	}
	if l := d.post.last(t); l.To != annMail || l.About != mail.AddressChanged {
		t.Errorf("the old address hears %+v", l)
	}
	if _, err := d.Login(ctx, annMail, annWords); err == nil {
		t.Error("the old address signs in")
	}
	moved, err := d.Login(ctx, next, annWords)
	if err != nil || moved.Player != grant.Player {
		t.Errorf("the new address gives %+v, %v", moved, err)
	}
}

func TestAnAddressThatIsTakenIsNotTold(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	caller := d.caller(t, d.signUp(t, annMail, annWords))
	d.signUp(t, "bob@example.com", annWords)
	ofKnown := d.measure(func() {
		if _, err := d.ChangeAddress(ctx, caller, annWords, "bob@example.com"); err != nil {
			t.Error(err)
		}
	})
	if l := d.post.last(t); l.About != mail.AccountExists || l.To != "bob@example.com" {
		t.Errorf("its owner hears %+v", l)
	}
	ofUnknown := d.measure(func() {
		if _, err := d.ChangeAddress(ctx, caller, annWords, "carl@example.com"); err != nil {
			t.Error(err)
		}
	})
	if ofKnown != ofUnknown {
		t.Errorf("known: %+v, unknown: %+v", ofKnown, ofUnknown)
	}
}

func TestADeletedAccountTakesItsAddressAlong(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	player := d.signUp(t, annMail, annWords).Player.ID
	if _, _, err := d.rules.FindIdentity(ctx, emailIdentity(annMail)); err != nil {
		t.Fatal(err)
	}
	reset, err := d.Forgot(ctx, annMail)
	if err != nil {
		t.Fatal(err)
	}
	d.deleteAccount(t, player)
	if _, _, err := d.rules.FindIdentity(ctx, emailIdentity(annMail)); muster.KindOf(err) != muster.NotFound {
		t.Errorf("the address is found: %v", err)
	}
	wantRefusal(t, d.Reset(ctx, muster.MailProof{ID: reset.ID, Code: d.code(t, reset.ID)}, newWords), muster.NotFound, "player.not_found")
	grant, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "")
	if err != nil || grant.Player.ID == player {
		t.Errorf("the address is free for %+v, %v", grant.Player, err)
	}
}

func TestWhatIsRecordedOfPasswords(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	grant := d.signUp(t, annMail, annWords)
	caller := d.caller(t, grant)
	if err := d.Change(ctx, caller, annWords, newWords); err != nil {
		t.Fatal(err)
	}
	records, err := d.store.List(ctx, "AUD#"+string(grant.Player.ID), muster.ListOptions{})
	if err != nil || len(records) != 1 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestAGuestGainsAnAddress(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	guest := d.site.guest(t)
	caller := d.caller(t, guest)
	sent, err := d.Link(ctx, caller, annMail, annWords, "")
	if err != nil {
		t.Fatal(err)
	}
	proof := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
	other := d.caller(t, d.site.guest(t))
	for name, ctx := range map[string]context.Context{"nobody": ctx, "another player": muster.WithCaller(ctx, other)} {
		_, err := d.Verify(ctx, proof, "")
		if muster.KindOf(err) != muster.Unauthenticated {
			t.Errorf("%s completes it: %v", name, err)
		}
	}
	grant, err := d.Verify(muster.WithCaller(ctx, caller), proof, "")
	if err != nil || grant.Player != guest.Player || grant.Created {
		t.Fatalf("verify: %+v, %v", grant, err)
	}
	if c := d.caller(t, grant.Grant); c.Scope != muster.PlayerScope {
		t.Errorf("the scope is %s", c.Scope)
	}
	if grant.Guest == nil || grant.Guest.ID != guest.Guest.ID || grant.Guest.Secret == "" || grant.Guest.Secret == guest.Guest.Secret {
		t.Errorf("the guest is %+v", grant.Guest)
	}
	if _, err := d.site.Guest(ctx, guest.Guest); err == nil {
		t.Error("the old secret signs in")
	}
	byMail, err := d.Login(ctx, annMail, annWords)
	if err != nil || byMail.Player != guest.Player {
		t.Errorf("the address gives %+v, %v", byMail, err)
	}
	_, err = d.Verify(muster.WithCaller(ctx, caller), proof, "")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	_, err = d.Link(ctx, caller, "ann@example.org", annWords, "")
	wantRefusal(t, err, muster.Conflict, "identity.provider_linked")
}

func TestWhatIsForgottenAtACodeUsesUpNoTry(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	caller := d.caller(t, d.site.guest(t))
	sent, err := d.Link(ctx, caller, annMail, annWords, "")
	if err != nil {
		t.Fatal(err)
	}
	byCode, byLink := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, muster.MailProof{Token: d.token(t, sent.ID)}
	for range maxTries + 1 {
		_, err = d.Verify(ctx, byCode, "")
		wantRefusal(t, err, muster.Unauthenticated, "auth.missing", byCode.Code)
		_, err = d.Verify(ctx, byLink, annWords)
		wantRefusal(t, err, muster.Unauthenticated, "auth.missing", byLink.Token)
		_, err = d.Verify(muster.WithCaller(ctx, caller), byLink, "")
		wantRefusal(t, err, muster.Invalid, "password.missing", byLink.Token)
	}
	_, err = d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: "AAAA-AAAA"}, "") // tells nothing of the request
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	if _, err := d.Verify(muster.WithCaller(ctx, caller), byLink, annWords); err != nil {
		t.Errorf("with the access token and the password: %v", err)
	}
}

func TestALinkNeedsAFreshSignIn(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	guest := d.site.guest(t)
	caller := d.caller(t, guest)
	d.site.pass(freshFor + time.Second)
	_, err := d.Link(ctx, caller, annMail, annWords, "")
	wantRefusal(t, err, muster.Denied, "signin.not_fresh")
	if _, err := d.Link(ctx, caller, annMail, annWords, guest.Guest.ID+"."+guest.Guest.Secret); err != nil {
		t.Errorf("with the guest's secret: %v", err)
	}
}

func TestAnAddressThatWasTakenMeanwhileIsNotLinked(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	caller := d.caller(t, d.site.guest(t))
	sent, err := d.Link(ctx, caller, annMail, annWords, "")
	if err != nil {
		t.Fatal(err)
	}
	d.signUp(t, annMail, newWords)
	_, err = d.Verify(muster.WithCaller(ctx, caller), muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "")
	wantRefusal(t, err, muster.Conflict, "email.taken")
}

func TestABannedPlayerDoesNotSignInByPassword(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	grant := d.signUp(t, annMail, annWords)
	if _, err := d.rules.Ban(muster.WithCaller(ctx, muster.Caller{Scope: muster.AdminScope}), grant.Player.ID, muster.BanRequest{Reason: "cheating"}); err != nil {
		t.Fatal(err)
	}
	_, err := d.Login(ctx, annMail, annWords)
	wantRefusal(t, err, muster.Denied, "account.banned")
	_, err = d.Login(ctx, annMail, "not the right password")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid") // of a ban only the owner learns
}
