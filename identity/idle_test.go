package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster"
)

const day = 24 * time.Hour

// newIdle is a site whose sign-ins end when they rest for too long.
func newIdle(t testing.TB, idle time.Duration) *site {
	t.Helper()
	s := newSite(t)
	s.idleTTL = idle
	return s
}

func TestASignInThatRestsTooLongEnds(t *testing.T) {
	s := newIdle(t, 7*day)
	grant := s.guest(t)
	if !grant.RefreshExpiresAt.Equal(s.clock().Add(7 * day)) {
		t.Errorf("the client is told that it lasts until %v", grant.RefreshExpiresAt)
	}
	s.pass(7*day - time.Second)
	grant = s.refresh(t, grant.RefreshToken)
	if left := grant.RefreshExpiresAt.Sub(s.clock()); left > 7*day || left < 7*day-time.Second {
		t.Errorf("a renewal lasts %v", left)
	}
	s.pass(7 * day)
	if list, err := s.SignIns(context.Background(), grant.Player.ID); err != nil || len(list) != 0 {
		t.Errorf("a sign-in that is over is listed: %+v (%v)", list, err)
	}
	_, err := s.Refresh(context.Background(), grant.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", grant.RefreshToken)
	s.pass(time.Second)
	if n := s.families(t, grant.Player.ID); n != 0 {
		t.Errorf("the store keeps %d records of it", n)
	}
}

func TestAWholeEndsHoweverSeldomItRests(t *testing.T) {
	s := newIdle(t, 7*day)
	grant := s.guest(t)
	for range 5 {
		s.pass(6*day - time.Hour)
		grant = s.refresh(t, grant.RefreshToken)
	}
	s.pass(6 * day)
	_, err := s.Refresh(context.Background(), grant.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", grant.RefreshToken)
}

func TestAShorterRestCountsForSignInsFromBefore(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	old := s.guest(t)
	s.pass(3 * day)
	s.idleTTL = 2 * day
	if list, err := s.SignIns(ctx, old.Player.ID); err != nil || len(list) != 0 {
		t.Errorf("what is over is listed: %+v (%v)", list, err)
	}
	caller := muster.Caller{Player: old.Player.ID, Scope: muster.GuestScope}
	wantRefusal(t, s.Prove(ctx, caller, old.RefreshToken), muster.Denied, "proof.invalid", old.RefreshToken)
	_, err := s.Refresh(ctx, old.RefreshToken)
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid", old.RefreshToken)
	if n := s.families(t, old.Player.ID); n != 0 {
		t.Errorf("its record is still there: %d", n)
	}
}

func TestNobodyElseEndsASignInThatIsOver(t *testing.T) {
	s := newSite(t)
	old := s.guest(t)
	s.pass(3 * day)
	s.idleTTL = 2 * day
	token, _ := parseRefreshToken(old.RefreshToken)
	token.secret = make([]byte, secretBytes)
	_, err := s.Refresh(context.Background(), token.String())
	wantRefusal(t, err, muster.Unauthenticated, "refresh.invalid")
	if n := s.families(t, old.Player.ID); n != 1 {
		t.Errorf("an invented token has removed a record: %d are left", n)
	}
}

// TestARestIsCountedFromTheLatestRenewal lets a client come back at will: it is let in if and
// only if it came within the idle limit, and within the thirty days of the whole.
func TestARestIsCountedFromTheLatestRenewal(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		idle := time.Duration(rapid.IntRange(1, 20*24).Draw(r, "idle")) * time.Hour
		s := newIdle(t, idle)
		grant := s.guest(t)
		began := s.clock()
		for range rapid.IntRange(1, 30).Draw(r, "renewals") {
			rest := time.Duration(rapid.IntRange(1, 21*24*60).Draw(r, "rest")) * time.Minute
			s.pass(rest)
			next, err := s.Refresh(context.Background(), grant.RefreshToken)
			if want := rest < idle && s.clock().Sub(began) < DefaultRefreshTTL; want != (err == nil) {
				r.Fatalf("after a rest of %v, with an idle limit of %v: %v", rest, idle, err)
			}
			if err != nil {
				return
			}
			token, _ := parseRefreshToken(next.RefreshToken)
			rec, err := s.store.Get(context.Background(), familyKey(token.player, token.family))
			if err != nil || errors.Is(err, muster.ErrNotFound) || rec.ExpiresAt.After(s.clock().Add(idle+time.Second)) {
				r.Fatalf("the record lasts until %v (%v)", rec.ExpiresAt, err)
			}
			grant = next
		}
	})
}

func TestSignInsEndByAFreshSignInAlone(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	grant, other := s.guest(t), s.guest(t)
	caller := muster.Caller{Player: grant.Player.ID, Scope: muster.GuestScope}
	caller.Family = strings.Split(grant.RefreshToken, ".")[1]
	s.pass(freshFor)
	if err := s.Fresh(ctx, caller, ""); err != nil {
		t.Errorf("right after the sign-in: %v", err)
	}
	s.pass(time.Second)
	s.refresh(t, grant.RefreshToken)
	wantRefusal(t, s.Fresh(ctx, caller, ""), muster.Denied, "signin.not_fresh")
	if err := s.Fresh(ctx, caller, shownBy(grant.Guest)); err != nil {
		t.Errorf("with the guest's secret: %v", err)
	}
	wantRefusal(t, s.Fresh(ctx, caller, shownBy(other.Guest)), muster.Denied, "proof.invalid")
	wantRefusal(t, s.Fresh(ctx, muster.Caller{Player: other.Player.ID, Family: caller.Family}, ""), muster.Denied, "signin.not_fresh")
}

func TestATokenOfAnotherIssuerEndsSignInsRightAfterASignInThere(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	grant := s.guest(t)
	at := func(ago time.Duration) muster.Caller {
		return muster.Caller{Player: grant.Player.ID, Scope: muster.PlayerScope, SignedInAt: s.clock().Add(-ago)}
	}
	if err := s.Fresh(ctx, at(freshFor), ""); err != nil {
		t.Errorf("right after the sign-in there: %v", err)
	}
	wantRefusal(t, s.Fresh(ctx, at(freshFor+time.Second), ""), muster.Denied, "signin.not_fresh")
	if err := s.Fresh(ctx, at(time.Hour), shownBy(grant.Guest)); err != nil {
		t.Errorf("an hour later, with the guest's secret: %v", err)
	}
	wantRefusal(t, s.Fresh(ctx, muster.Caller{Player: grant.Player.ID, Scope: muster.PlayerScope}, ""), muster.Denied, "signin.not_fresh")
	_, err := s.Unlink(ctx, at(0), muster.GuestProvider, "")
	wantRefusal(t, err, muster.Denied, "signin.not_fresh")
}
