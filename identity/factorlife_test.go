package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/mail"
	"muster/store/memory"
)

func TestASecondFactorIsSetUpInTwoSteps(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, nil)}
	o.grant = o.signUp(t, annMail, annWords)
	caller := o.caller(t, o.grant)
	_, err := o.ConfirmFactor(ctx, caller, "000000")
	wantRefusal(t, err, muster.Conflict, "factor.not_set_up")
	made, err := o.SetUpFactor(ctx, caller, annWords)
	if err != nil || made.ExpiresInSeconds != 600 || !strings.HasPrefix(made.URI, "otpauth://totp/Tower%20Clash:ann@example.com?") {
		t.Fatalf("set up: %+v, %v", made, err)
	}
	if answer, err := o.Login(ctx, annMail, annWords); err != nil || answer.Challenge != nil {
		t.Errorf("before its first code it is asked for: %+v, %v", answer, err)
	}
	again, err := o.SetUpFactor(ctx, caller, annWords)
	if err != nil || again.Secret == made.Secret {
		t.Fatalf("set up again: %+v, %v", again, err)
	}
	o.secret = secretOfText(t, again.Secret)
	_, err = o.ConfirmFactor(ctx, caller, o.wrong())
	wantRefusal(t, err, muster.Denied, "factor.refused")
	codes, err := o.ConfirmFactor(ctx, caller, o.now())
	if err != nil || len(codes) != recoveryCodes {
		t.Fatalf("confirm: %v, %v", codes, err)
	}
	_, err = o.ConfirmFactor(ctx, caller, o.now())
	wantRefusal(t, err, muster.Conflict, "factor.exists") // as after an answer that was lost
	_, err = o.SetUpFactor(ctx, caller, annWords)
	wantRefusal(t, err, muster.Conflict, "factor.exists")
	_, err = o.AnswerChallenge(ctx, o.challenged(t), byCode(o.now()))
	wantRefusal(t, err, muster.Unauthenticated, "factor.refused") // it was shown to turn it on
	if all := o.events(t); !slices.Equal(all, []muster.AuditEvent{muster.AuditFactorOn}) {
		t.Errorf("recorded is %v", all)
	}
}

func TestAFactorIsSetUpByWhoShowsThePassword(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, nil)}
	o.grant = o.signUp(t, annMail, annWords)
	guest, err := o.site.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.SetUpFactor(ctx, o.caller(t, guest), annWords)
	wantRefusal(t, err, muster.NotFound, "identity.none")
	if !strings.Contains(err.Error(), "link an address first") {
		t.Errorf("a guest is told %v", err)
	}
	_, err = o.ConfirmFactor(ctx, o.caller(t, guest), "000000")
	wantRefusal(t, err, muster.NotFound, "identity.none")
	caller := o.caller(t, o.grant)
	_, err = o.SetUpFactor(ctx, caller, "")
	wantRefusal(t, err, muster.Denied, "password.current_needed")
	_, err = o.SetUpFactor(ctx, caller, "none of my words")
	wantRefusal(t, err, muster.Denied, "password.wrong")
	o.site.pass(freshFor + time.Second)
	if _, err := o.SetUpFactor(ctx, caller, annWords); err != nil {
		t.Errorf("with the password, some time after the sign-in: %v", err)
	}
}

func TestAFactorIsSetUpByWhoHasJustSignedInWhereThatChangesAPassword(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, func(o *PasswordOptions) { o.ChangeAfterSignIn = true })}
	o.grant = o.signUp(t, annMail, annWords)
	caller := o.caller(t, o.grant)
	if _, err := o.SetUpFactor(ctx, caller, ""); err != nil {
		t.Error(err)
	}
	o.site.pass(freshFor + time.Second)
	_, err := o.SetUpFactor(ctx, caller, "")
	wantRefusal(t, err, muster.Denied, "signin.not_fresh")
}

func TestWhatIsSetUpWaitsTenMinutesForFiveCodes(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, nil)}
	o.grant = o.signUp(t, annMail, annWords)
	caller := o.caller(t, o.grant)
	made, err := o.SetUpFactor(ctx, caller, annWords)
	if err != nil {
		t.Fatal(err)
	}
	o.secret = secretOfText(t, made.Secret)
	for range maxAnswers {
		_, err := o.ConfirmFactor(ctx, caller, o.wrong())
		wantRefusal(t, err, muster.Denied, "factor.refused")
	}
	_, err = o.ConfirmFactor(ctx, caller, o.now())
	wantRefusal(t, err, muster.Conflict, "factor.not_set_up")
	if _, err = o.SetUpFactor(ctx, caller, annWords); err != nil {
		t.Fatal(err)
	}
	o.site.pass(setUpLife)
	_, err = o.ConfirmFactor(ctx, caller, o.now())
	wantRefusal(t, err, muster.Conflict, "factor.not_set_up")
}

func TestAFactorThatIsSetUpEndsTheOtherSignIns(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, nil)}
	o.grant = o.signUp(t, annMail, annWords)
	other, err := o.Login(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	o.site.pass(time.Second)
	o.setUp(t)
	if _, err := o.site.Refresh(ctx, other.RefreshToken); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("the sign-in without it: %v", err)
	}
	if _, err := o.site.Refresh(ctx, o.grant.RefreshToken); err != nil {
		t.Errorf("the one that set it up: %v", err)
	}
}

func TestAFactorIsTakenAwayByWhoShowsIt(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name  string
		right func(o *owner) muster.FactorAnswer
		want  []muster.AuditEvent
	}{
		{"with a code", func(o *owner) muster.FactorAnswer { return byCode(o.now()) }, []muster.AuditEvent{muster.AuditFactorOff, muster.AuditFactorOn}},
		{"with a recovery code", func(o *owner) muster.FactorAnswer { return muster.FactorAnswer{RecoveryCode: o.codes[9]} }, []muster.AuditEvent{muster.AuditRecoveryUsed, muster.AuditFactorOff, muster.AuditFactorOn}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOwner(t, nil)
			caller := o.caller(t, o.grant)
			wantRefusal(t, o.TurnFactorOff(ctx, caller, muster.FactorAnswer{}), muster.Denied, "factor.required")
			wantRefusal(t, o.TurnFactorOff(ctx, caller, byCode(o.wrong())), muster.Denied, "factor.refused")
			if err := o.TurnFactorOff(ctx, caller, c.right(o)); err != nil {
				t.Fatal(err)
			}
			if letter := o.post.last(t); letter.About != mail.FactorOff {
				t.Errorf("the owner is told %+v", letter)
			}
			all := o.events(t)
			slices.Sort(all)
			if !slices.Equal(all, c.want) {
				t.Errorf("recorded is %v, want %v", all, c.want)
			}
			if answer, err := o.Login(ctx, annMail, annWords); err != nil || answer.Challenge != nil || answer.AccessToken == "" {
				t.Errorf("the password gives %+v, %v", answer, err)
			}
			wantRefusal(t, o.TurnFactorOff(ctx, caller, byCode(o.now())), muster.NotFound, "factor.none")
		})
	}
	t.Run("and only right after a sign-in", func(t *testing.T) {
		o := newOwner(t, nil)
		caller := o.caller(t, o.grant)
		o.site.pass(freshFor)
		wantRefusal(t, o.TurnFactorOff(ctx, caller, byCode(o.now())), muster.Denied, "signin.not_fresh")
	})
}

func TestNewRecoveryCodesVoidTheOldOnes(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	codes, err := o.NewRecoveryCodes(ctx, o.caller(t, o.grant), byCode(o.now()))
	if err != nil || len(codes) != recoveryCodes {
		t.Fatalf("new ones: %v, %v", codes, err)
	}
	_, err = o.AnswerChallenge(ctx, o.challenged(t), muster.FactorAnswer{RecoveryCode: o.codes[0]})
	wantRefusal(t, err, muster.Unauthenticated, "factor.refused")
	if _, err := o.AnswerChallenge(ctx, o.challenged(t), muster.FactorAnswer{RecoveryCode: codes[0]}); err != nil {
		t.Errorf("a new one gives %v", err)
	}
}

func TestAnOperatorTakesAFactorAwayAndTheOwnerIsTold(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	ctx = muster.WithCaller(ctx, muster.Caller{Scope: muster.AdminScope, Key: "c6a33eb373511a44"})
	if err := o.TakeFactorAway(ctx, o.grant.Player.ID); err != nil {
		t.Fatal(err)
	}
	if letter := o.post.last(t); letter.About != mail.FactorOff || letter.To != annMail {
		t.Errorf("the owner is told %+v", letter)
	}
	page, err := o.rules.AuditTrail(ctx, o.grant.Player.ID, 1, "")
	if err != nil || page.Entries[0].Event != muster.AuditFactorOff || page.Entries[0].By != "operator" || page.Entries[0].Actor != "c6a33eb373511a44" {
		t.Errorf("recorded is %+v, %v", page, err)
	}
	if answer, err := o.Login(t.Context(), annMail, annWords); err != nil || answer.Challenge != nil {
		t.Errorf("the password gives %+v, %v", answer, err)
	}
	letters := len(o.post.all())
	if err := o.TakeFactorAway(ctx, o.grant.Player.ID); err != nil || len(o.post.all()) != letters {
		t.Errorf("once more: %v, and %d letters", err, len(o.post.all())-letters)
	}
}

func TestWhereItIsRequiredAFactorIsSetUpBeforeTheFirstSignIn(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, func(p *PasswordOptions) { p.Factors.o.Mode = FactorsRequired })}
	sent, err := o.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := o.Verify(ctx, muster.MailProof{ID: sent.ID, Code: o.code(t, sent.ID)}, "")
	if err != nil || answer.Challenge == nil || answer.Challenge.Name != muster.ChallengeSetUp || answer.AccessToken != "" {
		t.Fatalf("the proven address gives %+v, %v", answer, err)
	}
	session := answer.Challenge.Session
	_, err = o.AnswerChallenge(ctx, session, byCode("000000"))
	wantRefusal(t, err, muster.Conflict, "factor.not_set_up")
	made, err := o.SetUpByChallenge(ctx, session)
	if err != nil {
		t.Fatal(err)
	}
	o.secret = secretOfText(t, made.Secret)
	_, err = o.AnswerChallenge(ctx, session, byCode(o.wrong()))
	wantRefusal(t, err, muster.Unauthenticated, "factor.refused")
	done, err := o.AnswerChallenge(ctx, session, byCode(o.now()))
	if err != nil || done.AccessToken == "" || len(done.RecoveryCodes) != recoveryCodes {
		t.Fatalf("the first code gives %+v, %v", done, err)
	}
	o.grant = done.Grant
	_ = o.caller(t, o.grant)
	o.site.pass(2 * totpPeriod)
	if _, err := o.AnswerChallenge(ctx, o.challenged(t), byCode(o.now())); err != nil {
		t.Errorf("the next sign-in: %v", err)
	}
	_, err = o.SetUpByChallenge(ctx, o.challenged(t)) // who knows the password only
	wantRefusal(t, err, muster.Unauthenticated, "challenge.invalid")
}

func TestWhereItIsRequiredAProofWithoutAFactorProvesNothing(t *testing.T) {
	ctx := t.Context()
	var factors *Factors
	d := newDesk(t, func(p *PasswordOptions) { factors = p.Factors })
	_ = d.signUp(t, annMail, annWords)
	factors.o.Mode = FactorsRequired
	_, err := d.site.Login(ctx, muster.EmailProvider, Proof{Fields: map[string]string{"email": annMail, "password": annWords}})
	wantRefusal(t, err, muster.Denied, "factor.not_set_up", annWords)
}

func TestAGuestWhoLinksWhereItIsRequiredKeepsTheGuest(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t, func(p *PasswordOptions) { p.Factors.o.Mode = FactorsRequired })
	guest, err := d.site.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	caller := d.caller(t, guest)
	sent, err := d.Link(ctx, caller, annMail, annWords, "")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.Verify(muster.WithCaller(ctx, caller), muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "")
	if err != nil || answer.Challenge == nil || answer.Guest == nil || answer.Guest.Secret == "" || answer.AccessToken != "" {
		t.Errorf("it gives %+v, %v", answer, err)
	}
}

func TestSwitchedOffFactorsAreStillAskedFor(t *testing.T) {
	ctx := t.Context()
	var factors *Factors
	o := newOwner(t, func(p *PasswordOptions) { factors = p.Factors })
	bob := o.signUp(t, "bob@example.com", annWords)
	factors.o.Mode = FactorsOff
	_ = o.challenged(t)
	_, err := o.SetUpFactor(ctx, o.caller(t, bob), annWords)
	wantRefusal(t, err, muster.Denied, "factor.off")
	if err := o.TurnFactorOff(ctx, o.caller(t, o.grant), byCode(o.now())); err != nil {
		t.Errorf("it is taken away: %v", err)
	}
}

// TestNoSecretOfAFactorIsKept looks through everything that is stored.
func TestNoSecretOfAFactorIsKept(t *testing.T) {
	o := newOwner(t, nil)
	session := o.challenged(t)
	store, ok := o.site.store.(*memory.Store)
	if !ok {
		t.Fatal("it is another store")
	}
	hidden := []string{
		session, totpText(o.secret), base64.StdEncoding.EncodeToString(o.secret), strings.ReplaceAll(o.codes[0], "-", ""), o.codes[0],
	}
	err := store.Scan(t.Context(), func(page []muster.Record) error {
		for _, rec := range page {
			for _, secret := range hidden {
				if strings.Contains(rec.Partition+rec.Sort, secret) || bytes.Contains(rec.Value, []byte(secret)) {
					t.Errorf("%q is in %v: %s", secret, rec.Key, rec.Value)
				}
			}
			if strings.HasPrefix(rec.Partition, "ID#") && len(rec.Value) > 1024 {
				t.Errorf("%v has %d bytes", rec.Key, len(rec.Value))
			}
			if strings.HasPrefix(rec.Partition, "FACTOR#") && rec.ExpiresAt.IsZero() {
				t.Errorf("%v stays for ever: %s", rec.Key, rec.Value)
			}
			if !json.Valid(rec.Value) {
				t.Errorf("%v is %s", rec.Key, rec.Value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecoveryCodesFollowNoPattern(t *testing.T) {
	o := newOwner(t, nil)
	var seen []string
	for range 20 {
		codes, hashes, err := newRecoveryCodes(o.random)
		if err != nil || len(codes) != recoveryCodes || len(hashes) != recoveryCodes {
			t.Fatal(codes, err)
		}
		seen = append(seen, codes...)
	}
	for _, code := range seen {
		if len(code) != 27 || strings.Count(code, "-") != 3 {
			t.Errorf("a code is %q", code)
		}
	}
	slices.Sort(seen)
	if n := len(seen); len(slices.Compact(seen)) != n {
		t.Error("a code came twice")
	}
}
