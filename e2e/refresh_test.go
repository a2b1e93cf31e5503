package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// stores runs a test against replicas at the addresses given: one on a file, and three on a
// table.
func stores(t *testing.T, test func(t *testing.T, replicas []string)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, []string{up(t, t.TempDir()).HTTP})
	})
	t.Run("dynamodb", func(t *testing.T) {
		store, env := sharedStore(t)
		var replicas []string
		for _, r := range newCluster(t, store, newKeys(t), env, 3).replicas {
			replicas = append(replicas, r.HTTP)
		}
		test(t, replicas)
	})
}

// refresh renews a sign-in at a replica; a refusal is a *problem.
func refresh(replica, token string) (g grant, err error) {
	err = request(http.MethodPost, replica+"/v1/auth/refresh", "", map[string]any{"refreshToken": token}, &g)
	return g, err
}

// refreshAtOnce renews a sign-in as many times at once, at one replica after the other, and
// returns the one answer that all of them have to give.
func refreshAtOnce(replicas []string, token string, times int) (grant, error) {
	grants, errs := make([]grant, times), make([]error, times)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range times {
		done.Go(func() {
			start.Wait()
			grants[i], errs[i] = refresh(replicas[i%len(replicas)], token)
		})
	}
	start.Done()
	done.Wait()
	for i := range grants {
		if errs[i] == nil && grants[i].Token != grants[0].Token {
			errs[i] = fmt.Errorf("answer %d has another successor", i)
		}
	}
	return grants[0], errors.Join(errs...)
}

// signInsOf counts the sign-ins of the player of an access token.
func signInsOf(t *testing.T, replica, access string) int {
	t.Helper()
	var all struct{ SignIns []struct{ ID string } }
	if err := request(http.MethodGet, replica+"/v1/players/me/sign-ins", access, nil, &all); err != nil {
		t.Fatal(err)
	}
	return len(all.SignIns)
}

// TestTwoDevicesRefreshAtOnceAndNobodyIsTakenForAThief has two devices of a player renew at the
// same time, over all replicas, each asking several times at once as if answers were lost.
func TestTwoDevicesRefreshAtOnceAndNobodyIsTakenForAThief(t *testing.T) {
	stores(t, func(t *testing.T, replicas []string) {
		phone := guest(t, replicas[0])
		laptop := &player{t: t, GuestID: phone.GuestID, Secret: phone.Secret, ID: phone.ID}
		laptop.comeBack(replicas[len(replicas)-1])
		var devices sync.WaitGroup
		for _, p := range []*player{phone, laptop} {
			devices.Go(func() {
				for round := range 12 {
					times := 3
					if round == 0 {
						times = 64
					}
					next, err := refreshAtOnce(replicas, p.Refresh, times)
					if err != nil {
						t.Errorf("round %d: %v", round, err)
						return
					}
					p.Refresh, p.Access = next.Token, next.Access
				}
			})
		}
		devices.Wait()
		if t.Failed() {
			return
		}
		if phone.Refresh == laptop.Refresh {
			t.Error("two devices have one family")
		}
		for i, p := range []*player{phone, laptop} {
			for _, replica := range replicas {
				if err := request(http.MethodGet, replica+"/v1/players/me", p.Access, nil, nil); err != nil {
					t.Errorf("device %d: %v", i, err)
				}
				if n := signInsOf(t, replica, p.Access); n != 2 {
					t.Errorf("there are %d sign-ins, want one for each device", n)
				}
			}
		}
	})
}

// TestAStolenRefreshTokenIsCaughtAtItsSecondUse has a copy of a refresh token used by whoever is
// second, at every replica: neither is let in any more, and the owner's other device is told.
func TestAStolenRefreshTokenIsCaughtAtItsSecondUse(t *testing.T) {
	stores(t, func(t *testing.T, replicas []string) {
		for name, c := range map[string]struct{ before int }{"the owner was first": {2}, "the thief was first, and went on": {3}} {
			t.Run(name, func(t *testing.T) {
				at := func(i int) string { return replicas[i%len(replicas)] }
				owner := guest(t, at(0))
				other := &player{t: t, GuestID: owner.GuestID, Secret: owner.Secret, ID: owner.ID}
				other.comeBack(at(1))
				hears := other.socket(t, at(2))

				copied := owner.Refresh
				for i := range c.before {
					next, err := refresh(at(i), owner.Refresh)
					if err != nil {
						t.Fatal(err)
					}
					owner.Refresh, owner.Access = next.Token, next.Access
				}
				if _, err := refresh(at(c.before), copied); !refusedWith(err, "refresh.invalid") {
					t.Fatalf("the second use of a token: %v", err)
				}
				for i := range replicas {
					if _, err := refresh(at(i), owner.Refresh); !refusedWith(err, "refresh.invalid") {
						t.Errorf("its successor is renewed at replica %d: %v", i, err)
					}
					(&cluster{t: t}).await("its access token is refused", time.Minute, func() bool {
						return refusedWith(request(http.MethodGet, at(i)+"/v1/players/me", owner.Access, nil, nil), "token.revoked")
					})
					if n := signInsOf(t, at(i), other.Access); n != 1 {
						t.Errorf("there are %d sign-ins, want the other device's", n)
					}
				}
				if said := hears(t, "signInEnded"); !strings.Contains(said, `"reason":"refreshReused"`) {
					t.Errorf("the other device was told %s", said)
				}
				if _, err := refresh(at(0), other.Refresh); err != nil {
					t.Errorf("the other device: %v", err)
				}
			})
		}
	})
}

// refusedWith says that a call was refused for lack of a good token, with a code.
func refusedWith(err error, code string) bool {
	var p *problem
	return errors.As(err, &p) && p.Status == http.StatusUnauthorized && p.Code == code
}

// socket opens the player's socket at a replica. What it returns waits for a message.
func (p *player) socket(t *testing.T, replica string) (hears func(t *testing.T, kind string) (text string)) {
	t.Helper()
	var got struct{ Ticket string }
	if err := request(http.MethodPost, replica+"/v1/auth/socket-ticket", p.Access, nil, &got); err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(replica, "http")+"/v1/realtime?ticket="+got.Ticket, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() }) // the replica may have closed it
	return func(t *testing.T, kind string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for {
			_, text, err := ws.Read(ctx)
			if err != nil {
				t.Fatalf("while waiting for %s: %v", kind, err)
			}
			var m struct{ Type string }
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if m.Type == kind {
				return string(text)
			}
		}
	}
}

// TestManySignInsOfOneDeviceAtOnceLeaveFew has one device sign in 64 times at once over all
// replicas, and again: nothing is refused, few are left, and what was replaced is void.
func TestManySignInsOfOneDeviceAtOnceLeaveFew(t *testing.T) {
	stores(t, func(t *testing.T, replicas []string) {
		ann := guest(t, replicas[0])
		proof := map[string]any{"guest": map[string]string{"id": ann.GuestID, "secret": ann.Secret}}
		signIn := func(i int) (g grant, err error) {
			err = request(http.MethodPost, replicas[i%len(replicas)]+"/v1/auth/guest", "", proof, &g, "Muster-Device", "phone-0c1d2e3f4a5b")
			return g, err
		}
		var first []grant
		for wave := range 2 {
			grants, errs := make([]grant, 64), make([]error, 64)
			var start, done sync.WaitGroup
			start.Add(1)
			for i := range grants {
				done.Go(func() {
					start.Wait()
					grants[i], errs[i] = signIn(i)
				})
			}
			start.Done()
			done.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatalf("wave %d: %v", wave, err)
			}
			if wave == 0 {
				first = grants
			}
		}
		last, err := signIn(0)
		if err != nil {
			t.Fatal(err)
		}
		if n := signInsOf(t, replicas[0], last.Access); n > 1+3 { // ann's first one named no device
			t.Errorf("%d sign-ins are left", n)
		}
		for i, replica := range replicas {
			(&cluster{t: t}).await("all of the first are refused", time.Minute, func() bool {
				for _, g := range first {
					if !refusedWith(request(http.MethodGet, replica+"/v1/players/me", g.Access, nil, nil), "token.revoked") {
						return false
					}
				}
				return true
			})
			if err := request(http.MethodGet, replica+"/v1/players/me", last.Access, nil, nil); err != nil {
				t.Errorf("the last one at replica %d: %v", i, err)
			}
		}
	})
}
