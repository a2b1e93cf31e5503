package identity

import (
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster"
)

func (s *site) refresh(t testing.TB, token string) muster.Grant {
	t.Helper()
	grant, err := s.Refresh(context.Background(), token)
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	return grant
}

// families counts what the store keeps of a player's sign-ins.
func (s *site) families(t testing.TB, p muster.PlayerID) int {
	t.Helper()
	held, err := s.store.List(context.Background(), muster.PlayerPartition(p), muster.ListOptions{Prefix: muster.SignInPrefix})
	if err != nil {
		t.Fatal(err)
	}
	return len(held)
}

func TestARefreshTokenRotates(t *testing.T) {
	s := newSite(t)
	first := s.guest(t)
	second := s.refresh(t, first.RefreshToken)
	third := s.refresh(t, second.RefreshToken)
	if second.RefreshToken == first.RefreshToken || third.RefreshToken == second.RefreshToken {
		t.Error("a refresh token did not rotate")
	}
	if third.Player != first.Player || third.Guest != nil || third.Created {
		t.Errorf("the answer is %+v", third)
	}
	a, _ := s.Verify(context.Background(), first.AccessToken)
	b, err := s.Verify(context.Background(), third.AccessToken)
	if err != nil || a != b {
		t.Errorf("callers before and after are %+v and %+v (%v)", a, b, err)
	}
}

func TestALostAnswerIsGivenAgainForTenSeconds(t *testing.T) {
	s := newSite(t)
	first := s.guest(t)
	second := s.refresh(t, first.RefreshToken)
	s.pass(refreshGrace - time.Millisecond)
	again := s.refresh(t, first.RefreshToken)
	if again.RefreshToken != second.RefreshToken {
		t.Error("the repeated answer holds another token, so one of the two clients is lost")
	}
	if again.AccessToken == second.AccessToken {
		t.Error("an access token was given twice")
	}
	s.pass(time.Hour)
	if s.refresh(t, second.RefreshToken).RefreshToken == second.RefreshToken {
		t.Error("the token that was given twice does not rotate")
	}
}

func TestReuseEndsTheFamily(t *testing.T) {
	cases := []struct {
		name   string
		misuse func(t *testing.T, s *site, first, second muster.Grant) (token string)
	}{
		{"the previous token after its grace", func(_ *testing.T, s *site, first, _ muster.Grant) string {
			s.pass(refreshGrace)
			return first.RefreshToken
		}},
		{"a token two rotations old, within the grace", func(t *testing.T, s *site, first, second muster.Grant) string {
			s.refresh(t, second.RefreshToken)
			return first.RefreshToken
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			first := s.guest(t)
			second := s.refresh(t, first.RefreshToken)
			token := c.misuse(t, s, first, second)
			_, err := s.Refresh(context.Background(), token)
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", token)
			if n := s.families(t, first.Player.ID); n != 0 {
				t.Errorf("%d families are left", n)
			}
			_, err = s.Refresh(context.Background(), second.RefreshToken)
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", second.RefreshToken)
		})
	}
}

func TestReuseLeavesOtherSignInsAlone(t *testing.T) {
	s := newSite(t)
	phone := s.guest(t)
	laptop, err := s.Guest(context.Background(), phone.Guest)
	if err != nil {
		t.Fatal(err)
	}
	s.refresh(t, phone.RefreshToken)
	s.pass(time.Minute)
	if _, err := s.Refresh(context.Background(), phone.RefreshToken); err == nil {
		t.Fatal("a used token was taken")
	}
	s.refresh(t, laptop.RefreshToken)
}

func TestAnInventedTokenEndsNothing(t *testing.T) {
	s := newSite(t)
	grant := s.guest(t)
	real, ok := parseRefreshToken(grant.RefreshToken)
	if !ok {
		t.Fatal("our own token does not parse")
	}
	invented := real
	invented.secret = make([]byte, secretBytes)
	_, err := s.Refresh(context.Background(), invented.String())
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	if err := s.Logout(context.Background(), invented.String()); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("log-out with an invented token: %v", err)
	}
	s.refresh(t, grant.RefreshToken)
}

func TestSixtyFourRefreshesAtOnceAgree(t *testing.T) {
	s := newSite(t)
	first := s.guest(t)
	grants := make([]muster.Grant, 64)
	errs := make([]error, len(grants))
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range grants {
		done.Go(func() {
			start.Wait()
			grants[i], errs[i] = s.Refresh(context.Background(), first.RefreshToken)
		})
	}
	start.Done()
	done.Wait()
	for i := range grants {
		if errs[i] != nil {
			t.Fatalf("refresh %d: %v", i, errs[i])
		}
		if grants[i].RefreshToken != grants[0].RefreshToken {
			t.Fatal("two clients hold different successors of one token")
		}
	}
	if n := s.families(t, first.Player.ID); n != 1 {
		t.Errorf("%d families", n)
	}
	s.refresh(t, grants[0].RefreshToken)
}

func TestASignInEndsAfterThirtyDaysHoweverOftenRenewed(t *testing.T) {
	s := newSite(t)
	grant := s.guest(t)
	for range 29 {
		s.pass(24 * time.Hour)
		grant = s.refresh(t, grant.RefreshToken)
	}
	s.pass(24 * time.Hour)
	_, err := s.Refresh(context.Background(), grant.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", grant.RefreshToken)
}

func TestLogoutEndsTheFamilyAndMayBeRepeated(t *testing.T) {
	s := newSite(t)
	first := s.guest(t)
	second := s.refresh(t, first.RefreshToken)
	for range 2 {
		if err := s.Logout(context.Background(), first.RefreshToken); err != nil {
			t.Fatalf("log-out with a used token: %v", err)
		}
	}
	_, err := s.Refresh(context.Background(), second.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	if err := s.Logout(context.Background(), "nonsense"); muster.KindOf(err) != muster.Unauthenticated {
		t.Errorf("log-out with nonsense: %v", err)
	}
}

func TestAPlayerHoldsTwentySignIns(t *testing.T) {
	s := newSite(t)
	oldest := s.guest(t)
	var newest muster.Grant
	for range maxFamilies {
		var err error
		if newest, err = s.Guest(context.Background(), oldest.Guest); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.families(t, oldest.Player.ID); n != maxFamilies {
		t.Errorf("%d families, want %d", n, maxFamilies)
	}
	if _, err := s.Refresh(context.Background(), oldest.RefreshToken); err == nil {
		t.Error("the oldest sign-in did not give way")
	}
	s.refresh(t, newest.RefreshToken)
}

func TestTheStoreHoldsNoToken(t *testing.T) {
	s := newSite(t)
	grant := s.guest(t)
	grant = s.refresh(t, grant.RefreshToken)
	token, _ := parseRefreshToken(grant.RefreshToken)
	held, err := s.store.List(context.Background(), muster.PlayerPartition(grant.Player.ID), muster.ListOptions{Prefix: muster.SignInPrefix})
	if err != nil || len(held) != 1 {
		t.Fatalf("%d families, %v", len(held), err)
	}
	for _, form := range []string{grant.RefreshToken, base64.StdEncoding.EncodeToString(token.secret), base64.RawURLEncoding.EncodeToString(token.secret)} {
		if strings.Contains(string(held[0].Value), form) {
			t.Error("the record holds the token's secret")
		}
	}
}

func TestTextsThatAreNoRefreshToken(t *testing.T) {
	s := newSite(t)
	good := s.guest(t).RefreshToken
	cases := map[string]string{
		"nothing":                    "",
		"another prefix":             "mrx_" + strings.TrimPrefix(good, refreshPrefix),
		"a part too few":             good[:strings.LastIndex(good, ".")],
		"a part too many":            good + ".AAAA",
		"a line break in the secret": strings.Replace(good, ".", ".\n", 2),
		"padding":                    good + "==",
		"another player's key":       strings.Replace(good, refreshPrefix, refreshPrefix+"x#", 1),
		"no player":                  refreshPrefix + good[strings.Index(good, "."):],
		"an endless text":            good + strings.Repeat("A", maxRefreshToken),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := s.Refresh(context.Background(), text)
			wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", text)
		})
	}
	s.refresh(t, good)
}

// TestOneClientIsNeverSignedOut lets a client with an unreliable network refresh at
// will: as long as it repeats a lost call within the grace, it stays signed in, and the
// chain of its tokens never repeats.
func TestOneClientIsNeverSignedOut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newSite(t)
		token := s.guest(t).RefreshToken
		used := map[string]bool{}
		for range rapid.IntRange(1, 20).Draw(r, "refreshes") {
			s.pass(time.Duration(rapid.IntRange(0, 3600).Draw(r, "pause")) * time.Second)
			next := s.refresh(t, token).RefreshToken
			for range rapid.IntRange(0, 3).Draw(r, "lost answers") {
				s.pass(time.Second)
				if again := s.refresh(t, token).RefreshToken; again != next {
					r.Fatal("a repeated call got another token")
				}
			}
			if used[next] {
				r.Fatal("a token came back")
			}
			used[next], token = true, next
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	s := newSite(f)
	good := s.guest(f).RefreshToken
	f.Add(good)
	f.Add(refreshPrefix + "p.f.AAAA.AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		token, ok := parseRefreshToken(text)
		if ok && token.String() != text {
			t.Errorf("%q parses but is written %q", text, token.String())
		}
		if ok && muster.CheckKey(familyKey(token.player, token.family)) != nil {
			t.Errorf("%q leads to a key that no store takes", text)
		}
		if text == good {
			return
		}
		if _, err := s.Refresh(context.Background(), text); muster.KindOf(err) != muster.Unauthenticated {
			t.Errorf("refresh of %q: %v", text, err)
		}
	})
}
