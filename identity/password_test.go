package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
	"muster/mail"
)

func TestAnAddressAndAPasswordMakeAPlayer(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, " Ann@Example.COM ", annWords)
	if err != nil || sent.ExpiresInSeconds != 3600 {
		t.Fatalf("register: %+v, %v", sent, err)
	}
	letter := d.post.last(t)
	if letter.To != annMail || letter.About != mail.ConfirmAddress || letter.Ref != sent.ID {
		t.Fatalf("the letter is %+v", letter)
	}
	if _, err := d.Login(ctx, annMail, annWords); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("before the address is proven a sign-in gives %v", err)
	}
	said := strings.ToLower(strings.ReplaceAll(d.code(t, sent.ID), "-", " "))
	grant, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: said}, "")
	if err != nil || !grant.Created {
		t.Fatalf("verify: %+v, %v", grant, err)
	}
	if caller := d.caller(t, grant.Grant); caller.Scope != muster.PlayerScope {
		t.Errorf("the scope is %s", caller.Scope)
	}
	again, err := d.Login(ctx, "ANN@example.com", annWords)
	if err != nil || again.Player != grant.Player {
		t.Errorf("sign-in: %+v, %v", again, err)
	}
	byProof, err := d.site.Login(ctx, muster.EmailProvider, Proof{Fields: map[string]string{"email": annMail, "password": annWords}})
	if err != nil || byProof.Player != grant.Player {
		t.Errorf("sign-in by a proof: %+v, %v", byProof, err)
	}
	_, err = d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: said}, "")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid", said)
}

func TestALinkNeedsThePassword(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	link := muster.MailProof{Token: d.token(t, sent.ID)}
	_, err = d.Verify(ctx, link, "what somebody else thinks")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid", link.Token)
	_, err = d.Verify(ctx, muster.MailProof{Token: sent.ID + ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, annWords)
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	if _, err := d.Verify(ctx, link, annWords); err != nil {
		t.Errorf("link and password give %v", err)
	}
}

func TestFiveWrongCodesEndARequest(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	for range maxTries {
		_, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: "AAAA-AAAA"}, "")
		wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	}
	_, err = d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
}

func TestGuessesAtOnceAreCounted(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if _, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: "AAAA-AAAA"}, ""); err == nil {
				t.Error("a wrong code signs in")
			}
		})
	}
	wg.Wait()
	if _, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, ""); err == nil {
		t.Error("forty wrong codes at once do not end a request")
	}
}

// heldReads makes the first n reads of a record wait for each other.
type heldReads struct {
	muster.Store
	key  muster.Key
	n    int
	all  chan struct{} // closed once there are n
	mu   sync.Mutex
	seen int // guarded by mu
}

func (s *heldReads) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	rec, err := s.Store.Get(ctx, key)
	if key != s.key {
		return rec, err
	}
	s.mu.Lock()
	s.seen++
	seen := s.seen
	s.mu.Unlock()
	if seen == s.n {
		close(s.all)
	}
	if seen <= s.n {
		<-s.all
	}
	return rec, err
}

func TestNoMoreThanFiveOfManyGuessesAtOnceAreCompared(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	sent, err := d.Forgot(ctx, annMail)
	if err != nil {
		t.Fatal(err)
	}
	const n = 60
	d.Passwords.store = &heldReads{Store: d.Passwords.store, key: mailRequestKey(sent.ID), n: n, all: make(chan struct{})}
	var compared atomic.Int64
	never := func(proven) (bool, error) { compared.Add(1); return false, nil }
	proof := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := d.prove(ctx, proof, never, useReset); err == nil {
				t.Error("a wrong guess is taken")
			}
		})
	}
	wg.Wait()
	if got := compared.Load(); got == 0 || got > maxTries {
		t.Errorf("%d guesses are compared", got)
	}
	for compared.Load() < maxTries { // who was too slow to count a try has none used up
		_, _ = d.prove(ctx, proof, never, useReset)
	}
	wantRefusal(t, d.Reset(ctx, proof, "five better words of mine"), muster.Unauthenticated, "credential.invalid")
	wantRefusal(t, d.Resend(ctx, sent.ID), muster.Unauthenticated, "credential.invalid")
}

func TestARightCodeCostsNoTryWhateverComesOfIt(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	sent, err := d.Forgot(ctx, annMail)
	if err != nil {
		t.Fatal(err)
	}
	for range maxTries - 1 {
		wantRefusal(t, d.Reset(ctx, muster.MailProof{ID: sent.ID, Code: "AAAA-AAAA"}, "five better words of mine"), muster.Unauthenticated, "credential.invalid")
	}
	right := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
	for range maxTries + 1 {
		if err := d.Reset(ctx, right, "short"); muster.KindOf(err) == muster.Unauthenticated || err == nil {
			t.Fatalf("a password that is too short gives %v", err)
		}
	}
	if err := d.Reset(ctx, right, "five better words of mine"); err != nil {
		t.Errorf("the last try, a right one, gives %v", err)
	}
}

func TestACodeIsUsedOnceHoweverManyBringItAtOnce(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	proof := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 16 {
		wg.Go(func() {
			if _, err := d.Verify(ctx, proof, ""); err == nil {
				mu.Lock()
				defer mu.Unlock()
				made++
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("one code made %d players", made)
	}
}

func TestTheFirstToProveAnAddressHasIt(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	mine, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	d.signUp(t, annMail, "five words of somebody else")
	_, err = d.Verify(ctx, muster.MailProof{ID: mine.ID, Code: d.code(t, mine.ID)}, "")
	wantRefusal(t, err, muster.Conflict, "email.taken")
}

func TestCodesExpire(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	d.site.pass(time.Hour)
	_, err = d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
}

func TestACodeSentAgainIsTheSame(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	for range maxLetters - 1 {
		if err := d.Resend(ctx, sent.ID); err != nil {
			t.Fatal(err)
		}
		if letter := d.post.last(t); letter.Ref != sent.ID || letter.To != annMail {
			t.Errorf("the letter is %+v", letter)
		}
	}
	wantRefusal(t, d.Resend(ctx, sent.ID), muster.Exhausted, "email.too_many")
	wantRefusal(t, d.Resend(ctx, "nothing"), muster.Unauthenticated, "credential.invalid")
}

// Whether an address has an account shows neither in the answer nor in the work that is
// done for it.
func TestKnownAndUnknownAddressesAreTheSame(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	for name, call := range map[string]func(email string) error{
		"register":                         func(email string) error { _, err := d.Register(ctx, email, annWords); return err },
		"forgot":                           func(email string) error { _, err := d.Forgot(ctx, email); return err },
		"sign in":                          func(email string) error { _, err := d.Login(ctx, email, "not the right password"); return err },
		"sign in with what is no password": func(email string) error { _, err := d.Login(ctx, email, strings.Repeat("x", 600)); return err },
		"a proof": func(email string) error {
			_, err := d.site.Login(ctx, muster.EmailProvider, Proof{Fields: map[string]string{"email": email, "password": "no"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var known, unknown error
			ofKnown := d.measure(func() { known = call(annMail) })
			ofUnknown := d.measure(func() { unknown = call("bob@example.com") })
			if ofKnown != ofUnknown {
				t.Errorf("known: %+v, unknown: %+v", ofKnown, ofUnknown)
			}
			if (known == nil) != (unknown == nil) || known != nil && known.Error() != unknown.Error() {
				t.Errorf("known: %v, unknown: %v", known, unknown)
			}
		})
	}
}

func TestMailsToKnownAndUnknownAddresses(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	sent, err := d.Register(ctx, annMail, "five words of somebody else")
	if err != nil {
		t.Fatal(err)
	}
	if l := d.post.last(t); l.About != mail.AccountExists || l.To != annMail || l.Ref != "" {
		t.Errorf("the owner hears %+v", l)
	}
	_, err = d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "")
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	if _, err := d.Forgot(ctx, "nobody@example.com"); err != nil {
		t.Fatal(err)
	}
	if l := d.post.last(t); l.To != "" {
		t.Errorf("who has no account gets %+v", l)
	}
}

func TestAHashIsMadeAnewWhenCostsRise(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	d.hasher.params.passes = 3
	w := d.measure(func() {
		if _, err := d.Login(ctx, annMail, annWords); err != nil {
			t.Fatal(err)
		}
	})
	if w.hashes != 2 {
		t.Errorf("%d hashes at the first sign-in", w.hashes)
	}
	w = d.measure(func() {
		if _, err := d.Login(ctx, annMail, annWords); err != nil {
			t.Fatal(err)
		}
	})
	if w.hashes != 1 || d.hashes[len(d.hashes)-1].passes != 3 {
		t.Errorf("%d hashes at the second, the last with %+v", w.hashes, d.hashes[len(d.hashes)-1])
	}
}

func TestNoSecretOfAMailIsKept(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := d.store.Get(ctx, mailRequestKey(sent.ID))
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(d.token(t, sent.ID), ".")
	for _, s := range []string{sent.ID, annWords, secret, strings.ReplaceAll(d.code(t, sent.ID), "-", "")} {
		if strings.Contains(string(rec.Value)+rec.Partition, s) {
			t.Errorf("%q is kept in %s", s, rec.Value)
		}
	}
}

func TestCodesOutliveAChangeOfKeys(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	code := d.code(t, sent.ID)
	newer, err := NewKeys(d.random)
	if err != nil {
		t.Fatal(err)
	}
	both := *newer
	both.signing = append(slices.Clone(newer.signing), d.site.keys.signing...)
	d.codes = NewMailCodes(&both, d.site.clock, "")
	if _, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: code}, ""); err != nil {
		t.Error(err)
	}
}

// burning is a store of which nothing can be read.
type burning struct{ muster.Store }

func (burning) Get(context.Context, muster.Key) (muster.Record, error) {
	return muster.Record{}, errors.New("disk on fire")
}

func TestTroubleWithTheStoreTellsTheLogNoAddress(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	d.store.Store = burning{d.store.Store}
	_, signIn := d.Login(ctx, annMail, annWords)
	_, register := d.Register(ctx, annMail, annWords)
	_, reset := d.Forgot(ctx, annMail)
	for call, err := range map[string]error{"sign in": signIn, "register": register, "reset": reset} {
		if err == nil || strings.Contains(err.Error(), "ann@") {
			t.Errorf("%s: %v", call, err)
		}
	}
}
