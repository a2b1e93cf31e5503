package identity

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// hookedStore is a store in which something happens right before a Write, once: the first that
// it is about.
type hookedStore struct {
	muster.Store

	mu    sync.Mutex
	about func(op muster.Op) bool // guarded by mu
	then  func()                  // guarded by mu; nil: it has happened
}

func (s *hookedStore) Write(ctx context.Context, ops ...muster.Op) error {
	if then := s.due(ops); then != nil {
		then()
	}
	return s.Store.Write(ctx, ops...)
}

func (s *hookedStore) due(ops []muster.Op) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range ops {
		if then := s.then; then != nil && s.about(op) {
			s.then = nil
			return then
		}
	}
	return nil
}

// before has something happen right before the first Write that is about what about says.
func (d *desk) before(about func(op muster.Op) bool, then func()) {
	d.store.Store = &hookedStore{Store: d.store.Store, about: about, then: then}
}

// signsOut says that an operation is the one that ends all sign-ins of a player.
func signsOut(op muster.Op) bool {
	return op.Key.Sort == "A" && strings.Contains(string(op.Value), `"signedOut"`)
}

// slowFinder is the rules with a look for a way in that takes a while, once.
type slowFinder struct {
	*muster.Backend

	mu   sync.Mutex
	wait func() // guarded by mu
}

func (f *slowFinder) FindWay(ctx context.Context, id muster.Identity) (muster.Way, error) {
	way, err := f.Backend.FindWay(ctx, id)
	f.mu.Lock()
	wait := f.wait
	f.wait = nil
	f.mu.Unlock()
	if wait != nil {
		wait()
	}
	return way, err
}

const annsNewWords = "five better words of mine"

func (d *desk) reset(t testing.TB) {
	t.Helper()
	sent, err := d.Forgot(t.Context(), annMail)
	if err == nil {
		err = d.Reset(t.Context(), muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, annsNewWords)
	}
	if err != nil {
		t.Errorf("reset: %v", err)
	}
}

// A sign-in reads the password while what ends it is computed and not yet written: it is
// newer than that by every clock, and in no list.
func TestASignInThatReadWhatIsBeingChangedDoesNotOutliveIt(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, o *owner){
		"a reset of the password": func(t *testing.T, o *owner) { o.reset(t) },
		"a change of the password": func(t *testing.T, o *owner) {
			if err := o.Change(t.Context(), o.caller(t, o.grant), annWords, annsNewWords); err != nil {
				t.Error(err)
			}
		},
		"a second factor that is turned on": func(t *testing.T, o *owner) { o.setUp(t) },
	} {
		t.Run(name, func(t *testing.T) {
			var finder *slowFinder
			o := &owner{desk: newDesk(t, func(o *PasswordOptions) {
				finder = &slowFinder{Backend: o.Accounts.(*muster.Backend)}
				o.Accounts = finder
			})}
			o.grant = o.signUp(t, annMail, annWords)
			o.hasher.slots = make(chan struct{}, 2)
			o.site.pass(time.Second)
			read, written := make(chan struct{}), make(chan struct{})
			var late muster.PasswordAnswer
			var refusal error
			var wg sync.WaitGroup
			o.before(signsOut, func() {
				o.site.pass(time.Millisecond)
				finder.mu.Lock()
				finder.wait = func() { close(read); <-written }
				finder.mu.Unlock()
				wg.Go(func() { late, refusal = o.Login(context.Background(), annMail, annWords) })
				<-read
			})
			change(t, o)
			close(written)
			wg.Wait()
			wantRefusal(t, refusal, muster.Unauthenticated, "refresh.invalid", annWords)
			if late.RefreshToken != "" || late.Challenge != nil {
				t.Errorf("it gives %+v", late)
			}
		})
	}
}

func TestAChallengeEndsWithThePasswordThatWasShownForIt(t *testing.T) {
	closes := func(op muster.Op) bool {
		return op.Kind == muster.Delete && strings.HasPrefix(op.Key.Partition, "FACTOR#")
	}
	required := func(o *PasswordOptions) { o.Factors.o.Mode = FactorsRequired }
	for _, c := range []struct {
		name string
		open func(t *testing.T) (o *owner, session string)
	}{
		{"one for a code", func(t *testing.T) (*owner, string) {
			o := newOwner(t, nil)
			return o, o.challenged(t)
		}},
		{"one for an authenticator to be set up", func(t *testing.T) (*owner, string) {
			o := &owner{desk: newDesk(t, required)}
			_ = o.signUp(t, annMail, annWords)
			asked, err := o.Login(t.Context(), annMail, annWords)
			if err != nil {
				t.Fatal(err)
			}
			made, err := o.SetUpByChallenge(t.Context(), asked.Challenge.Session)
			if err != nil {
				t.Fatal(err)
			}
			o.secret = secretOfText(t, made.Secret)
			return o, asked.Challenge.Session
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, session := c.open(t)
			o.reset(t) // at the same instant
			_, err := o.AnswerChallenge(t.Context(), session, byCode(o.now()))
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
		})
		t.Run(c.name+", while it is answered", func(t *testing.T) {
			o, session := c.open(t)
			o.before(closes, func() { o.reset(t) })
			_, err := o.AnswerChallenge(t.Context(), session, byCode(o.now()))
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
			way, err := o.rules.FindWay(t.Context(), emailIdentity(annMail))
			if err != nil || way.Factor != nil && o.grant.RefreshToken == "" {
				t.Errorf("the way in has %+v, %v", way, err)
			}
		})
	}
}

func TestAnAnswerToAChallengeIsAsOldAsThePasswordThatWasShownForIt(t *testing.T) {
	ctx := t.Context()
	o := newOwner(t, nil)
	session, shown := o.challenged(t), o.site.clock()
	o.site.pass(time.Minute)
	answer, err := o.AnswerChallenge(ctx, session, byCode(o.now()))
	if err != nil {
		t.Fatal(err)
	}
	if caller := o.caller(t, answer.Grant); !caller.SignedInAt.Equal(shown) {
		t.Errorf("it says %v, the password was shown at %v", caller.SignedInAt, shown)
	}
}

func TestAFactorThatHasToBeSetUpEndsTheOtherSignIns(t *testing.T) {
	ctx := t.Context()
	o := &owner{desk: newDesk(t, nil)}
	thief := o.signUp(t, annMail, annWords)
	o.factors.o.Mode = FactorsRequired
	asked, err := o.Login(ctx, annMail, annWords)
	if err != nil || asked.Challenge == nil {
		t.Fatalf("the password gives %+v, %v", asked, err)
	}
	other, err := o.Login(ctx, annMail, annWords)
	if err != nil || other.Challenge == nil {
		t.Fatalf("the password gives %+v, %v", other, err)
	}
	made, err := o.SetUpByChallenge(ctx, asked.Challenge.Session)
	if err != nil {
		t.Fatal(err)
	}
	o.site.pass(time.Second)
	o.secret = secretOfText(t, made.Secret)
	in, err := o.AnswerChallenge(ctx, asked.Challenge.Session, byCode(o.now()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.site.Refresh(ctx, in.RefreshToken); err != nil {
		t.Errorf("the one that set it up: %v", err)
	}
	_, err = o.site.Refresh(ctx, thief.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	if err := o.rules.Revoked(o.caller(t, thief)); err == nil {
		t.Error("an access token from before is good")
	}
	_, err = o.SetUpByChallenge(ctx, other.Challenge.Session)
	if err == nil {
		_, err = o.AnswerChallenge(ctx, other.Challenge.Session, byCode(o.now()))
	}
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
}

// writesAccount says that an operation changes a player's account.
func writesAccount(op muster.Op) bool { return op.Kind == muster.Put && op.Key.Sort == "A" }

func TestASignInThatIsWrittenWhileOthersEndHasNoGoodToken(t *testing.T) {
	ctx := t.Context()
	for name, end := range map[string]func(t *testing.T, o *owner) error{
		"signing out everywhere": func(_ *testing.T, o *owner) error {
			return o.rules.SignOutEverywhere(ctx, o.grant.Player.ID)
		},
		"a reset of the password":           func(t *testing.T, o *owner) error { o.reset(t); return nil },
		"a second factor that is turned on": func(t *testing.T, o *owner) error { o.setUp(t); return nil },
		"unlinking the address": func(_ *testing.T, o *owner) error {
			_, err := o.rules.Unlink(ctx, o.grant.Player.ID, muster.EmailProvider, false)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := &owner{desk: newDesk(t, nil)}
			o.grant = o.signUp(t, annMail, annWords)
			platform := muster.Identity{Provider: "acme", Subject: "ann"}
			if _, err := o.rules.Link(ctx, o.grant.Player.ID, platform, nil); err != nil {
				t.Fatal(err)
			}
			in := o.opening(t)
			o.site.pass(time.Millisecond)
			var late muster.Grant
			o.before(writesAccount, func() {
				var err error
				if late, err = o.site.grant(ctx, in); err != nil {
					t.Error(err)
				}
			})
			if err := end(t, o); err != nil {
				t.Fatal(err)
			}
			caller := o.caller(t, late)
			if err := o.rules.Revoked(caller); err == nil {
				t.Error("its access token is good")
			}
			other := muster.New(muster.Options{Store: o.store, Notifier: silent{}, Now: o.site.clock, NewID: o.site.nextID})
			if err := other.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
			if err := other.Revoked(caller); err == nil {
				t.Error("its access token is good at another replica")
			}
			_, err := o.site.Refresh(ctx, late.RefreshToken)
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
			o.site.pass(time.Millisecond)
			in = opening{player: o.grant.Player.ID, scope: muster.PlayerScope, way: platform, proven: o.site.instant()}
			later, err := o.site.grant(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			if err := o.rules.Revoked(o.caller(t, later)); err != nil {
				t.Errorf("a sign-in after it: %v", err)
			}
		})
	}
}

func TestASignInThatIsWrittenAfterOthersHaveEndedIsNotOpened(t *testing.T) {
	ctx := t.Context()
	writesSignIn := func(op muster.Op) bool {
		return op.Kind == muster.Put && strings.HasPrefix(op.Key.Sort, muster.SignInPrefix)
	}
	for name, signIn := range map[string]func(d *desk, guest muster.Guest) (muster.Grant, error){
		"by a guest's secret": func(d *desk, guest muster.Guest) (muster.Grant, error) { return d.site.Guest(ctx, &guest) },
		"by a password": func(d *desk, _ muster.Guest) (muster.Grant, error) {
			answer, err := d.Login(ctx, annMail, annWords)
			return answer.Grant, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			guest, err := d.site.Guest(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			players := []muster.PlayerID{guest.Player.ID, d.signUp(t, annMail, annWords).Player.ID}
			d.before(writesSignIn, func() {
				d.site.pass(time.Millisecond)
				for _, p := range players {
					if err := d.rules.SignOutEverywhere(ctx, p); err != nil {
						t.Error(err)
					}
				}
			})
			_, err = signIn(d, *guest.Guest)
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
			for _, p := range players {
				if left := d.site.families(t, p); left > 0 {
					t.Errorf("%d sign-ins are left of %s", left, p)
				}
			}
			d.site.pass(time.Millisecond)
			if _, err := signIn(d, *guest.Guest); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestASignInThatIsRefusedLeavesNothing(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t, nil)
	ann := d.signUp(t, annMail, annWords).Player.ID
	if _, err := d.rules.Ban(ctx, ann, muster.BanRequest{Reason: "aimbot"}); err != nil {
		t.Fatal(err)
	}
	before, err := d.rules.AuditTrail(ctx, ann, 50, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Login(ctx, annMail, annWords)
	wantRefusal(t, err, muster.Denied, "account.banned")
	if left := d.site.families(t, ann); left > 0 {
		t.Errorf("%d sign-ins are left", left)
	}
	after, err := d.rules.AuditTrail(ctx, ann, 50, "")
	if err != nil || len(after.Entries) != len(before.Entries) {
		t.Errorf("recorded are %d events, %v; want %d", len(after.Entries), err, len(before.Entries))
	}
}
