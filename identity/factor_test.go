package identity

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
	"muster/limit"
	"muster/mail"
)

// owner is a player with an address and a second factor.
type owner struct {
	*desk
	grant  muster.Grant
	secret []byte
	codes  []string // for recovery
}

// newOwner signs ann up and has her set a second factor up.
func newOwner(t testing.TB, change func(*PasswordOptions)) *owner {
	t.Helper()
	o := &owner{desk: newDesk(t, change)}
	o.grant = o.signUp(t, annMail, annWords)
	o.setUp(t)
	o.site.pass(2 * totpPeriod) // the code of the confirmation is used
	return o
}

func (o *owner) setUp(t testing.TB) {
	t.Helper()
	caller := o.caller(t, o.grant)
	made, err := o.SetUpFactor(t.Context(), caller, annWords)
	if err != nil {
		t.Fatalf("set up: %v", err)
	}
	o.secret = secretOfText(t, made.Secret)
	if o.codes, err = o.ConfirmFactor(t.Context(), caller, o.now()); err != nil {
		t.Fatalf("confirm: %v", err)
	}
}

func secretOfText(t testing.TB, text string) []byte {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(secret) != totpSecretBytes {
		t.Fatalf("the secret %q: %v", text, err)
	}
	return secret
}

// now is what the authenticator shows.
func (o *owner) now() string { return totpCode(o.secret, totpStep(o.site.clock())) }

// wrong is a code that it does not show around now.
func (o *owner) wrong() string {
	for n := range 10 {
		code := fmt.Sprintf("%06d", n)
		if _, near := totpMatch(o.secret, code, o.site.clock(), 0); !near {
			return code
		}
	}
	panic("all codes are right")
}

// challenged signs in with the password, and is asked for the second factor.
func (o *owner) challenged(t testing.TB) string {
	t.Helper()
	answer, err := o.Login(t.Context(), annMail, annWords)
	if err != nil || answer.Challenge == nil || answer.Challenge.Name != muster.ChallengeCode || answer.AccessToken != "" || answer.RefreshToken != "" {
		t.Fatalf("the right password gives %+v, %v", answer, err)
	}
	return answer.Challenge.Session
}

func byCode(code string) muster.FactorAnswer { return muster.FactorAnswer{Code: code} }

// events lists what is recorded of a player, the latest first, sign-ins left out.
func (o *owner) events(t testing.TB) (all []muster.AuditEvent) {
	t.Helper()
	page, err := o.rules.AuditTrail(t.Context(), o.grant.Player.ID, 50, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		if e.Event != muster.AuditSignIn {
			all = append(all, e.Event)
		}
	}
	return all
}

func TestAfterThePasswordACodeIsAskedFor(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	if letter := o.post.last(t); letter.To != annMail || letter.About != mail.FactorOn || letter.Room != mail.Notices || letter.Owner != muster.MailOfPlayer(o.grant.Player.ID) {
		t.Errorf("the owner is told %+v", letter)
	}
	session := o.challenged(t)
	_, err := o.AnswerChallenge(ctx, session, byCode(o.wrong()))
	wantRefusal(t, err, muster.Unauthenticated, "factor.refused")
	answer, err := o.AnswerChallenge(ctx, session, byCode(o.now()))
	if err != nil || answer.Player != o.grant.Player || answer.Challenge != nil {
		t.Fatalf("the code gives %+v, %v", answer, err)
	}
	_ = o.caller(t, answer.Grant)
	_, err = o.AnswerChallenge(ctx, session, byCode(o.now()))
	wantRefusal(t, err, muster.Unauthenticated, "challenge.invalid", session)
}

func TestACodeOfAnAuthenticatorWorksOnce(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	first, second := o.challenged(t), o.challenged(t)
	code := o.now()
	if _, err := o.AnswerChallenge(ctx, first, byCode(code)); err != nil {
		t.Fatal(err)
	}
	_, err := o.AnswerChallenge(ctx, second, byCode(code))
	wantRefusal(t, err, muster.Unauthenticated, "factor.refused")
	o.site.pass(totpPeriod)
	if _, err := o.AnswerChallenge(ctx, second, byCode(o.now())); err != nil {
		t.Errorf("the next code gives %v", err)
	}
}

func TestARecoveryCodeWorksOnce(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	if len(o.codes) != recoveryCodes {
		t.Fatalf("there are %d", len(o.codes))
	}
	said := strings.ToLower(strings.ReplaceAll(o.codes[3], "-", " "))
	if _, err := o.AnswerChallenge(ctx, o.challenged(t), muster.FactorAnswer{RecoveryCode: said}); err != nil {
		t.Fatal(err)
	}
	if letter := o.post.last(t); letter.About != mail.RecoveryUsed {
		t.Errorf("the owner is told %+v", letter)
	}
	if all := o.events(t); !slices.Contains(all, muster.AuditRecoveryUsed) {
		t.Errorf("recorded is %v", all)
	}
	_, err := o.AnswerChallenge(ctx, o.challenged(t), muster.FactorAnswer{RecoveryCode: said})
	wantRefusal(t, err, muster.Unauthenticated, "factor.refused", said)
	views, err := o.SecondFactors(ctx, o.caller(t, o.grant))
	if err != nil || len(views) != 1 || views[0].RecoveryCodesLeft != recoveryCodes-1 || views[0].Kind != "totp" {
		t.Errorf("its player sees %+v, %v", views, err)
	}
}

func TestFiveWrongAnswersEndAChallenge(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	session := o.challenged(t)
	for range maxAnswers {
		_, err := o.AnswerChallenge(ctx, session, byCode(o.wrong()))
		wantRefusal(t, err, muster.Unauthenticated, "factor.refused")
	}
	for range 3 {
		_, err := o.AnswerChallenge(ctx, session, byCode(o.now()))
		wantRefusal(t, err, muster.Unauthenticated, "challenge.invalid")
	}
	told := 0
	for _, letter := range o.post.all() {
		if letter.About == mail.FactorRefused {
			told++
		}
	}
	if all := o.events(t); told != 1 || all[0] != muster.AuditFactorRefused {
		t.Errorf("the owner is told %d times; recorded is %v", told, all)
	}
}

func TestWrongCodesUseUpNoOtherNotice(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	for range 3 * openChallenges {
		session := o.challenged(t)
		for range maxAnswers {
			_, _ = o.AnswerChallenge(ctx, session, byCode(o.wrong())) // refused, as elsewhere
		}
		o.site.pass(challengeLife / openChallenges)
	}
	letters := map[mail.Topic]int{}
	for _, letter := range o.post.all() {
		if letter.To != "" {
			letters[letter.About]++
		}
	}
	if letters[mail.FactorRefused] != mostRepeats {
		t.Errorf("the owner is told %d times within the hour", letters[mail.FactorRefused])
	}
	if _, err := o.AnswerChallenge(ctx, o.challenged(t), muster.FactorAnswer{RecoveryCode: o.codes[0]}); err != nil {
		t.Fatal(err)
	}
	if letter := o.post.last(t); letter.About != mail.RecoveryUsed || letter.To != annMail {
		t.Errorf("the last letter is %+v", letter)
	}
}

func TestAChallengeLastsFiveMinutes(t *testing.T) {
	o := newOwner(t, nil)
	session := o.challenged(t)
	o.site.pass(challengeLife)
	_, err := o.AnswerChallenge(t.Context(), session, byCode(o.now()))
	wantRefusal(t, err, muster.Unauthenticated, "challenge.invalid")
}

func TestAnAccountHasTenChallengesInFiveMinutes(t *testing.T) {
	o := newOwner(t, nil)
	for range openChallenges {
		_ = o.challenged(t)
	}
	_, err := o.Login(t.Context(), annMail, annWords)
	wantRefusal(t, err, muster.Exhausted, "limit.exceeded")
	o.site.pass(challengeLife)
	_ = o.challenged(t)
}

func TestWhoKnowsThePasswordDoesNotKeepADeviceOut(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	at := func(device string) context.Context { return muster.WithClient(ctx, muster.Client{Device: device}) }
	if _, err := o.AnswerChallenge(at("a telephone of ann"), o.challenged(t), byCode(o.now())); err != nil {
		t.Fatal(err)
	}
	for range openChallenges - 1 {
		_ = o.challenged(t)
	}
	for _, stranger := range []string{"", "short", "a telephone of somebody else"} {
		_, err := o.Login(at(stranger), annMail, annWords)
		wantRefusal(t, err, muster.Exhausted, "limit.exceeded")
	}
	if answer, err := o.Login(at("a telephone of ann"), annMail, annWords); err != nil || answer.Challenge == nil {
		t.Errorf("the device that is signed in gets %+v, %v", answer, err)
	}
}

func TestOneOfManyAnswersWithOneCodeGetsIn(t *testing.T) {
	t.Run("with a code", func(t *testing.T) {
		oneGetsIn(t, func(o *owner) muster.FactorAnswer { return byCode(o.now()) })
	})
	t.Run("with a recovery code", func(t *testing.T) {
		oneGetsIn(t, func(o *owner) muster.FactorAnswer { return muster.FactorAnswer{RecoveryCode: o.codes[0]} })
	})
}

// oneGetsIn has many give the same answer at once, to several challenges.
func oneGetsIn(t *testing.T, answers func(*owner) muster.FactorAnswer) {
	t.Helper()
	o := newOwner(t, nil)
	sessions := make([]string, 8)
	for i := range sessions {
		sessions[i] = o.challenged(t)
	}
	said := answers(o)
	var in atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			_, err := o.AnswerChallenge(context.Background(), sessions[i%len(sessions)], said)
			switch kind := muster.KindOf(err); {
			case err == nil:
				in.Add(1)
			case kind != muster.Unauthenticated && kind != muster.Unavailable:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Errorf("%d get in", in.Load())
	}
}

func TestGuessesAtAFactorAtOnceAreCounted(t *testing.T) {
	o := newOwner(t, nil)
	session := o.challenged(t)
	var judged atomic.Int64
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			_, err := o.AnswerChallenge(context.Background(), session, byCode(o.wrong()))
			var refused *muster.Error
			if errors.As(err, &refused) && refused.Code == "factor.refused" {
				judged.Add(1)
			}
		})
	}
	wg.Wait()
	if judged.Load() > maxAnswers {
		t.Errorf("%d guesses at once were judged", judged.Load())
	}
	if _, err := o.AnswerChallenge(t.Context(), session, byCode(o.now())); err == nil {
		t.Error("forty wrong codes at once do not end a challenge")
	}
}

func TestWrongCodesSlowDownWhoKnowsThePassword(t *testing.T) {
	slow := limit.Slowdown{Free: 3, First: time.Minute, Longest: time.Hour}
	o := newOwner(t, func(p *PasswordOptions) {
		p.Factors.o.Limits = limit.New(limit.Options{
			Store: p.Factors.o.Store, Now: p.Factors.o.Now, Guessing: limit.Guessing{Account: slow, Source: slow, Address: slow},
			Log: slog.New(slog.DiscardHandler),
		})
	})
	refused := 0
	for range 4 {
		session := o.challenged(t) // a right password does not make the failures forgotten
		_, err := o.AnswerChallenge(t.Context(), session, byCode(o.wrong()))
		if muster.KindOf(err) == muster.Exhausted {
			refused++
		}
	}
	if refused == 0 {
		t.Error("four wrong codes in four challenges slow nobody down")
	}
	session := o.challenged(t)
	_, err := o.AnswerChallenge(t.Context(), session, byCode(o.now()))
	wantRefusal(t, err, muster.Exhausted, "limit.exceeded")
}

func TestEveryPlaceWhereAPasswordProvesAsksForTheFactor(t *testing.T) {
	ctx := t.Context()
	proof := func(code, recovery string) Proof {
		fields := map[string]string{"email": annMail, "password": annWords}
		if recovery != "" {
			fields["recoveryCode"] = recovery
		}
		return Proof{Fields: fields, Code: code}
	}
	for _, c := range []struct {
		name string
		try  func(o *owner, other muster.Caller, p Proof) error
	}{
		{"a sign-in by a proof", func(o *owner, _ muster.Caller, p Proof) error {
			_, err := o.site.Login(ctx, muster.EmailProvider, p)
			return err
		}},
		{"a sign-in of the sample clients", func(o *owner, _ muster.Caller, p Proof) error {
			_, err := o.site.Enter(ctx, muster.Caller{}, muster.EmailProvider, p)
			return err
		}},
		{"a merge", func(o *owner, other muster.Caller, p Proof) error {
			_, err := o.site.Merge(ctx, other, muster.OtherPlayer{Provider: muster.EmailProvider, Proof: p}, "")
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOwner(t, nil)
			guest, err := o.site.Guest(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			other := o.caller(t, guest)
			wantRefusal(t, c.try(o, other, proof("", "")), muster.Denied, "factor.required", annWords)
			wantRefusal(t, c.try(o, other, proof(o.wrong(), "")), muster.Unauthenticated, "factor.refused", annWords)
			wantRefusal(t, c.try(o, other, proof("", "nonsense")), muster.Unauthenticated, "factor.refused", annWords)
			if err := c.try(o, other, proof(o.now(), "")); err != nil {
				t.Errorf("with the code: %v", err)
			}
			wantRefusal(t, c.try(o, other, proof(o.now(), "")), muster.Unauthenticated, "factor.refused", annWords)
			if err := c.try(o, other, proof("", o.codes[0])); err != nil {
				t.Errorf("with a recovery code: %v", err)
			}
		})
	}
}

func TestALinkAskedForTwiceIsNoWayAroundTheFactor(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, nil)}
	guest, err := o.site.Guest(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.grant = guest
	caller := o.caller(t, guest)
	var proofs [2]muster.MailProof
	for i := range proofs {
		sent, err := o.Link(ctx, caller, annMail, annWords, "")
		if err != nil {
			t.Fatal(err)
		}
		proofs[i] = muster.MailProof{ID: sent.ID, Code: o.code(t, sent.ID)}
	}
	if _, err := o.Verify(muster.WithCaller(ctx, caller), proofs[0], ""); err != nil {
		t.Fatal(err)
	}
	o.setUp(t)
	answer, err := o.Verify(muster.WithCaller(ctx, caller), proofs[1], "")
	if err != nil || answer.Challenge == nil || answer.AccessToken != "" {
		t.Errorf("the second mail gives %+v, %v", answer, err)
	}
}

func TestAForgottenPasswordIsNoWayAroundTheFactor(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	session := o.challenged(t)
	o.site.pass(time.Second)
	sent, err := o.Forgot(ctx, annMail)
	if err != nil {
		t.Fatal(err)
	}
	const another = "five better words of mine"
	if err := o.Reset(ctx, muster.MailProof{ID: sent.ID, Code: o.code(t, sent.ID)}, another); err != nil {
		t.Fatal(err)
	}
	_, err = o.AnswerChallenge(ctx, session, byCode(o.now()))
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid") // the password that opened it is void
	answer, err := o.Login(ctx, annMail, another)
	if err != nil || answer.Challenge == nil {
		t.Fatalf("the new password gives %+v, %v", answer, err)
	}
	if _, err := o.AnswerChallenge(ctx, answer.Challenge.Session, byCode(o.now())); err != nil {
		t.Errorf("with the code: %v", err)
	}
}

func TestThePasswordAloneChangesNothingWhereThereIsAFactor(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	caller := o.caller(t, o.grant)
	o.site.pass(freshFor)
	wantRefusal(t, o.Change(ctx, caller, annWords, "five better words of mine"), muster.Denied, "signin.not_fresh", annWords)
	_, err := o.ChangeAddress(ctx, caller, annWords, "new@example.com")
	wantRefusal(t, err, muster.Denied, "signin.not_fresh", annWords)
	answer, err := o.AnswerChallenge(ctx, o.challenged(t), byCode(o.now()))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Change(ctx, o.caller(t, answer.Grant), annWords, "five better words of mine"); err != nil {
		t.Errorf("right after a sign-in with both: %v", err)
	}
}

func TestAChallengeEndsWithWhatEndsSignIns(t *testing.T) {
	ctx := t.Context()
	t.Run("a sign-out everywhere", func(t *testing.T) {
		o := newOwner(t, nil)
		session := o.challenged(t)
		o.site.pass(time.Second)
		if err := o.rules.SignOutEverywhere(ctx, o.grant.Player.ID); err != nil {
			t.Fatal(err)
		}
		_, err := o.AnswerChallenge(ctx, session, byCode(o.now()))
		wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	})
	t.Run("a ban", func(t *testing.T) {
		o := newOwner(t, nil)
		session := o.challenged(t)
		if _, err := o.rules.Ban(ctx, o.grant.Player.ID, muster.BanRequest{Reason: "aimbot"}); err != nil {
			t.Fatal(err)
		}
		_, err := o.AnswerChallenge(ctx, session, byCode(o.now()))
		wantRefusal(t, err, muster.Denied, "account.banned")
		_, err = o.Login(ctx, annMail, annWords)
		wantRefusal(t, err, muster.Denied, "account.banned")
	})
	t.Run("a deletion", func(t *testing.T) {
		o := newOwner(t, nil)
		session := o.challenged(t)
		o.deleteAccount(t, o.grant.Player.ID)
		if _, err := o.AnswerChallenge(ctx, session, byCode(o.now())); muster.KindOf(err) != muster.Unauthenticated {
			t.Errorf("it gives %v", err)
		}
	})
}
