package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"muster"
)

func TestTheClientsAddressIsWhatOurProxiesSay(t *testing.T) {
	named := Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	for what, c := range map[string]struct {
		proxies   Proxies
		remote    string
		forwarded []string
		want      string // empty: not known
		warned    bool
	}{
		"nobody between":                           {Proxies{}, "203.0.113.7:1", nil, "203.0.113.7", false},
		"a client says whom it speaks for":         {Proxies{}, "203.0.113.7:1", []string{"1.1.1.1"}, "203.0.113.7", false},
		"a client says so where proxies are named": {named, "203.0.113.7:1", []string{"1.1.1.1"}, "203.0.113.7", false},
		"a proxy": {named, "10.0.0.1:1", []string{"203.0.113.7"}, "203.0.113.7", false},
		"the client invents what stands before it": {named, "10.0.0.1:1", []string{"1.1.1.1, 10.0.0.9, 203.0.113.7"}, "203.0.113.7", false},
		"it invents it in another header":          {named, "10.0.0.1:1", []string{"127.0.0.1", "203.0.113.7"}, "203.0.113.7", false},
		"two proxies":                              {named, "10.0.0.1:1", []string{"203.0.113.7, 10.0.0.2"}, "203.0.113.7", false},
		"ports and brackets":                       {named, "[fd00::1]:1", []string{"[2001:db8::7]:443"}, "2001:db8::7", false},
		"IPv4 within IPv6":                         {named, "[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.7"}, "203.0.113.7", false},
		"a proxy that says nothing":                {named, "10.0.0.1:1", nil, "10.0.0.1", false},
		"a proxy that passes on no address":        {named, "10.0.0.1:1", []string{"unknown"}, "", false},
		"one hop":                                  {Proxies{Hops: 1}, "198.51.100.1:1", []string{"1.1.1.1, 203.0.113.7"}, "203.0.113.7", false},
		"two hops":                                 {Proxies{Hops: 2}, "198.51.100.1:1", []string{"1.1.1.1, 203.0.113.7, 198.51.100.2"}, "203.0.113.7", false},
		"fewer than the hops":                      {Proxies{Hops: 2}, "198.51.100.1:1", []string{"1.1.1.1"}, "198.51.100.1", false},
		"a proxy that nobody named":                {Proxies{}, "10.0.0.1:1", []string{"203.0.113.7"}, "", true},
		"an internal client":                       {Proxies{}, "10.0.0.1:1", nil, "10.0.0.1", false},
		"a long list":                              {named, "10.0.0.1:1", []string{strings.Repeat("10.0.0.2,", 5000) + "10.0.0.2"}, "10.0.0.2", false},
		"what is not an address ends what is read": {named, "10.0.0.1:1", []string{"203.0.113.7, nonsense, 10.0.0.2"}, "", false},
	} {
		t.Run(what, func(t *testing.T) {
			var saw muster.Client
			r := newRig(t, func(o *Options) {
				o.Proxies = c.proxies
				o.Pages = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { saw = muster.ClientFrom(r.Context()) })
			})
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			req.RemoteAddr = c.remote
			req.Header["X-Forwarded-For"] = c.forwarded
			req.Header.Set("Forwarded", "for=192.0.2.1")
			r.handler.ServeHTTP(httptest.NewRecorder(), req)
			got := ""
			if saw.Address.IsValid() {
				got = saw.Address.String()
			}
			if got != c.want {
				t.Errorf("the client is %q, not %q", got, c.want)
			}
			if warned := strings.Contains(r.log.String(), "--trusted-proxy"); warned != c.warned {
				t.Errorf("warned: %v", warned)
			}
		})
	}
}

// fakeCalls refuses what it is told to.
type fakeCalls struct {
	address netip.Addr
	player  muster.PlayerID
	asked   int
}

func (f *fakeCalls) FromAddress(a netip.Addr) error {
	f.asked++
	if a == f.address {
		return muster.LimitExceeded(1500e6)
	}
	return nil
}

func (f *fakeCalls) ByPlayer(p muster.PlayerID, _ netip.Addr) error {
	if p == f.player {
		return muster.LimitExceeded(0)
	}
	return nil
}

func TestWhoCallsTooOftenIsRefusedBeforeAnythingIsDone(t *testing.T) {
	const address, elsewhere = "203.0.113.7:1", "203.0.113.8:1"
	var verified int
	calls := &fakeCalls{address: netip.MustParseAddr("203.0.113.7"), player: "p-busy"}
	for what, c := range map[string]struct {
		remote, path, bearer string
		want                 int
		retryAfter           string
	}{
		"an address":                          {address, "/v1/modes", "", http.StatusTooManyRequests, "2"},
		"an address with somebody's token":    {address, "/v1/players/me", "p-ann", http.StatusTooManyRequests, "2"},
		"a player":                            {elsewhere, "/v1/modes", "p-busy", http.StatusTooManyRequests, "1"},
		"others":                              {elsewhere, "/v1/modes", "p-ann", http.StatusOK, ""},
		"a health check":                      {address, "/healthz", "", http.StatusOK, ""},
		"a game server of that address":       {address, "/v1/modes", "msk_good", http.StatusForbidden, ""},
		"a key of nobody's from that address": {address, "/v1/modes", "msk_bad", http.StatusTooManyRequests, "2"},
	} {
		t.Run(what, func(t *testing.T) {
			verified = 0
			r := newRig(t, func(o *Options) {
				o.Calls = calls
				o.VerifyServer = func(key string) (muster.Caller, error) {
					if key != "msk_good" {
						return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "auth.invalid", "no")
					}
					return muster.Caller{Scope: muster.ServerScope}, nil
				}
				o.Verify = verifyAs(&verified)
			})
			req := httptest.NewRequest(http.MethodGet, c.path, nil)
			req.RemoteAddr = c.remote
			if c.bearer != "" {
				req.Header.Set("Authorization", "Bearer "+c.bearer)
			}
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, req)
			if w.Code != c.want || w.Header().Get("Retry-After") != c.retryAfter {
				t.Errorf("%d, Retry-After %q: %s", w.Code, w.Header().Get("Retry-After"), w.Body)
			}
			if w.Code == http.StatusTooManyRequests && !strings.Contains(w.Body.String(), `"limit.exceeded"`) {
				t.Errorf("%s", w.Body)
			}
			if c.remote == address && verified > 0 {
				t.Error("a token was verified for an address that is refused")
			}
		})
	}
}

// verifyAs takes the name of a player for their token, and counts.
func verifyAs(verified *int) func(context.Context, string) (muster.Caller, error) {
	return func(_ context.Context, token string) (muster.Caller, error) {
		*verified++
		return muster.Caller{Player: muster.PlayerID(token), Scope: muster.PlayerScope}, nil
	}
}
