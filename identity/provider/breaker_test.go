package provider

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/identity/provider/providertest"
)

// callers are all providers that call a platform about a proof, with the path of the first
// such call.
func callers() map[string]vendor {
	all := vendors()
	all["Play Games"] = vendor{
		make:  func(r *rig) identity.Provider { return playGames(r) },
		proof: identity.Proof{Code: goodCode}, subject: "a_ann", paths: []string{"/token"},
	}
	all["an issuer's code"] = vendor{
		make: func(r *rig) identity.Provider {
			r.Answer("/token", 200, map[string]any{"id_token": r.Sign("rsa-1", r.claims(nil), nil)})
			return newIssuer(r, takesCodes)
		},
		proof: codeProof(), subject: "ann", paths: []string{"/token"},
	}
	all["an issuer's opaque token"] = vendor{
		make: func(r *rig) identity.Provider {
			r.Answer("/introspect", 200, map[string]any{"active": true, "client_id": "game", "sub": "ann", "exp": r.now().Add(time.Hour).Unix()})
			return newIssuer(r, func(o *OIDCOptions) {
				o.Introspection = &IntrospectionOptions{Credentials: Credentials{ClientID: "game", Secret: FixedSecret(ourSecret)}}
			})
		},
		proof: identity.Proof{Token: "opaque"}, subject: "ann", paths: []string{"/introspect"},
	}
	return all
}

// badly are the ways in which a client's proof may have a call fail.
func badly() map[string]providertest.Failure {
	return map[string]providertest.Failure{
		"answers 500": {Status: 500}, "answers 503": {Status: 503}, "hangs": {Hang: true}, "drops the connection": {Drop: true}, "writes no end": {Large: true},
	}
}

func TestOneClientClosesNoWayInToOthers(t *testing.T) {
	for name, v := range callers() {
		for what, failure := range badly() {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				p := v.make(r)
				r.Fail(v.paths[0], failure)
				for i := range 3 * breakAfter { // the addresses of one network of 64 bits are one client's
					_, err := p.Verify(clientAt(fmt.Sprintf("2001:db8:1:2::%x", i+1)), v.proof)
					wantRefused(t, err, identity.ProviderUnavailable)
				}
				r.Mend()
				who, err := p.Verify(clientAt("203.0.113.7"), v.proof)
				if err != nil || who.Subject != v.subject {
					t.Errorf("another client gets %+v, %v", who, err)
				}
			})
		}
	}
}

func TestAPlatformThatFailsManyIsLeftAlone(t *testing.T) {
	for name, v := range callers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := v.make(r)
			r.Fail(v.paths[0], providertest.Failure{Status: 500})
			for i := range breakAfter {
				_, err := p.Verify(clientAt(fmt.Sprintf("203.0.113.%d", i+1)), v.proof)
				wantRefused(t, err, identity.ProviderUnavailable)
			}
			calls := len(r.Calls(v.paths[0]))
			_, err := p.Verify(clientAt("203.0.113.99"), v.proof)
			if e := wantReason(t, err, identity.ProviderUnavailable); e.RetryAfter != firstPause || len(r.Calls(v.paths[0])) != calls {
				t.Errorf("it is called again, or the pause is %v", e.RetryAfter)
			}
		})
	}
}

func TestClientsWhoLeaveCloseNoWayIn(t *testing.T) {
	for name, v := range callers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := v.make(r)
			r.Fail(v.paths[0], providertest.Failure{Hang: true})
			for i := range 3 * breakAfter {
				ctx, cancel := context.WithCancel(clientAt(fmt.Sprintf("203.0.113.%d", i+1)))
				r.OnHang(cancel)
				_, err := p.Verify(ctx, v.proof)
				wantRefused(t, err, identity.ProviderUnavailable)
			}
			r.Mend()
			if _, err := p.Verify(clientAt("203.0.113.99"), v.proof); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPlatformThatIsNotThereIsLeftAloneForOneClientToo(t *testing.T) {
	r := newRig(t)
	gone := providertest.New(t)
	address := gone.URL()
	gone.Close()
	for range breakAfter {
		_, err := r.client.Do(clientAt("203.0.113.1"), Call{URL: address + "/who", Body: []byte("x")})
		wantRefused(t, err, identity.ProviderUnavailable)
	}
	_, err := r.client.Do(clientAt("203.0.113.2"), Call{URL: address + "/who", Body: []byte("x")})
	if e := wantReason(t, err, identity.ProviderUnavailable); e.RetryAfter != firstPause {
		t.Errorf("the client waits %v", e.RetryAfter)
	}
}

func TestWhatAPlatformPublishesFailsByItsOwnDoing(t *testing.T) {
	r := newRig(t)
	r.Fail("", providertest.Failure{Status: 500})
	for range breakAfter {
		_, err := r.client.Do(clientAt("203.0.113.1"), Call{URL: r.URL() + "/keys", Published: true})
		wantRefused(t, err, identity.ProviderUnavailable)
	}
	if got := len(r.Calls("")); got > breakAfter+1 { // each tries twice, until it is left alone
		t.Errorf("%d calls", got)
	}
}

func TestTheBreakerKnowsNoMoreClientsThanItMust(t *testing.T) {
	var b breaker
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	from := func(i int) blame {
		return blame{client: netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), 32)}
	}
	for i := range 10 * maxSuspects {
		b.fail(now, from(i))
	}
	if len(b.suspects) > maxSuspects {
		t.Errorf("%d are known", len(b.suspects))
	}
	// One who was counted does not keep it closed: the next call tries the host at once.
	opens := b.openUntil
	if _, _, ok := b.admit(opens); !ok {
		t.Fatal("nobody tries it")
	}
	b.fail(opens, from(10*maxSuspects-1))
	if _, _, ok := b.admit(opens); !ok || !b.openUntil.Equal(opens) {
		t.Errorf("one client keeps it closed until %v", b.openUntil)
	}
	b.succeed()
	if b.suspects != nil {
		t.Error("they are known after it answered")
	}
}

func TestAClientIsItsNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.7": "203.0.113.7/32", "::ffff:203.0.113.7": "203.0.113.7/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := networkOf(clientAt(address)).String(); got != want {
			t.Errorf("%s is of %s, want %s", address, got, want)
		}
	}
	if networkOf(muster.WithClient(t.Context(), muster.Client{})).IsValid() {
		t.Error("no address has a network")
	}
}

func TestOneClientsSlowCallsLeaveRoomForOthers(t *testing.T) {
	r := newRig(t)
	arrived, ended := make(chan struct{}), make(chan error)
	o := r.clientOptions()
	o.Parallel = 4
	o.Transport = carrier(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/slow" {
			select {
			case arrived <- struct{}{}:
			case <-req.Context().Done():
			}
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	r.client = NewClient(o)
	slow, end := context.WithCancel(clientAt("203.0.113.1"))
	for range 10 {
		go func() {
			_, err := r.client.Do(slow, Call{URL: r.URL() + "/slow"})
			ended <- err
		}()
	}
	for range 2 {
		<-arrived
	}
	for _, other := range []context.Context{clientAt("203.0.113.2"), clientAt("203.0.113.3"), t.Context()} {
		if _, err := r.client.Do(other, Call{URL: r.URL() + "/who"}); err != nil {
			t.Errorf("another client waits in vain: %v", err)
		}
	}
	if _, err := r.client.Do(slow, Call{URL: r.URL() + "/keys", Published: true}); err != nil {
		t.Errorf("keys wait for a client's slow calls: %v", err)
	}
	select {
	case <-arrived:
		t.Error("one client has more than half of the calls under way")
	default:
	}
	end()
	for range 10 {
		wantRefused(t, <-ended, identity.ProviderUnavailable)
	}
	if h := r.client.host(strings.TrimPrefix(r.URL(), "http://")); len(h.shares) != 0 || len(h.slots) != 0 {
		t.Errorf("%d clients are kept, and %d slots", len(h.shares), len(h.slots))
	}
}
