package provider

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/identity/provider/providertest"
)

func TestAPlatformThatFailsIsNoAnswer(t *testing.T) {
	other := providertest.New(t)
	other.Answer("/", 200, map[string]string{"user": "mallory"})
	for name, c := range map[string]struct {
		failure providertest.Failure
		reason  identity.Reason
		tries   int
	}{
		"it is too slow":                {providertest.Failure{Hang: true}, identity.ProviderUnavailable, 1},
		"it drops the connection":       {providertest.Failure{Drop: true}, identity.ProviderUnavailable, 2},
		"it answers 500":                {providertest.Failure{Status: 500, Body: "stack trace"}, identity.ProviderUnavailable, 2},
		"it answers 503":                {providertest.Failure{Status: 503}, identity.ProviderUnavailable, 2},
		"it answers 429":                {providertest.Failure{Status: 429}, identity.ProviderRateLimited, 1},
		"it writes two megabytes":       {providertest.Failure{Large: true}, identity.ProviderUnavailable, 2},
		"it answers what is not HTTP/1": {providertest.Failure{Status: 599}, identity.ProviderUnavailable, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Answer("/who", 200, map[string]string{"user": "ann"})
			r.Fail("/who", c.failure)
			_, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/who?key=topsecret", Form: url.Values{"a": {"b"}}, Repeatable: true})
			wantReason(t, err, c.reason, "topsecret", "stack trace")
			// A connection that was opened before may be tried again by net/http itself.
			if got := len(r.Calls("/who")); got != c.tries {
				t.Errorf("the platform was called %d times, want %d", got, c.tries)
			}
			r.Mend()
			if a, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/who"}); err != nil || !a.OK() {
				t.Errorf("after it is mended it answers %+v, %v", a, err)
			}
		})
	}
}

func TestACallThatWorksOnceIsSentOnce(t *testing.T) {
	r := newRig(t)
	r.Fail("/token", providertest.Failure{Status: 500})
	_, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/token", Form: url.Values{"code": {"one-use"}}})
	wantReason(t, err, identity.ProviderUnavailable)
	if got := len(r.Calls("/token")); got != 1 {
		t.Errorf("the code was sent %d times", got)
	}
}

func TestNoCallLeavesForAnotherHost(t *testing.T) {
	other := providertest.New(t)
	other.Answer("/who", 200, map[string]string{"user": "mallory"})
	r := newRig(t)
	r.Fail("/who", providertest.Failure{Forward: other.URL() + "/who"})
	for _, published := range []bool{true, false} {
		a, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/who", Published: published})
		if err != nil || a.OK() {
			t.Errorf("a redirect to another host gives %+v, %v", a, err)
		}
	}
	if len(other.Calls("")) != 0 {
		t.Error("the other host was called")
	}
	r.Fail("/who", providertest.Failure{Forward: "/me"})
	r.Answer("/me", 200, map[string]string{"user": "ann"})
	if a, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/who", Published: true}); err != nil || !a.OK() {
		t.Errorf("a redirect to the same host gives %+v, %v", a, err)
	}
	if a, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/who"}); err != nil || a.OK() {
		t.Errorf("a call about somebody is sent on: %+v, %v", a, err)
	}
	if a, _ := r.client.Do(t.Context(), Call{URL: r.URL() + "/who", Form: url.Values{"code": {"x"}}, Published: true}); a.OK() {
		t.Error("a form was sent on")
	}
}

func TestAddressesThatMayBeCalled(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://a.example/keys":     true,
		"https://a.example:8443/x?y": true,
		"http://127.0.0.1:1234/keys": true,
		"http://[::1]:1234/keys":     true,
		"http://a.example/keys":      false,
		"http://localhost/keys":      false,
		"http://127.0.0.1.a.example": false,
		"http://10.0.0.1/keys":       false,
		"ftp://127.0.0.1/keys":       false,
		"https:a.example":            false,
		"https://":                   false,
		"https://user:pw@a.example/": false,
		"https://a.example/#x":       false,
		"//a.example/keys":           false,
		"":                           false,
		"https://a.example/%zz":      false,
	} {
		if err := CheckURL(address); (err == nil) != ok || err != nil && strings.Contains(err.Error(), "127.0.0.1 alone") != strings.Contains(address, "localhost") {
			t.Errorf("%q may be called: %v, want %v", address, err == nil, ok)
		}
	}
	r := newRig(t)
	_, err := r.client.Do(t.Context(), Call{URL: "http://a.example/keys"})
	wantReason(t, err, identity.ProviderUnavailable)
}

func TestAPlatformThatKeepsFailingIsLeftAlone(t *testing.T) {
	r := newRig(t)
	r.Answer("/who", 200, map[string]string{})
	r.Fail("/who", providertest.Failure{Status: 500})
	clients := 0
	who := func() error { // each time for another client
		clients++
		_, err := r.client.Do(clientAt(fmt.Sprintf("203.0.113.%d", clients)), Call{URL: r.URL() + "/who", Body: []byte("x")})
		return err
	}
	for range breakAfter {
		wantReason(t, who(), identity.ProviderUnavailable)
	}
	e := wantReason(t, who(), identity.ProviderUnavailable)
	if got := len(r.Calls("/who")); got != breakAfter || e.RetryAfter != firstPause {
		t.Fatalf("the platform was called %d times, and the client waits %v", got, e.RetryAfter)
	}
	r.pass(firstPause) // one probe, which fails: twice the pause
	wantReason(t, who(), identity.ProviderUnavailable)
	r.pass(2*firstPause - time.Second)
	wantReason(t, who(), identity.ProviderUnavailable)
	if got := len(r.Calls("/who")); got != breakAfter+1 {
		t.Errorf("the platform was called %d times", got)
	}
	r.Mend()
	r.pass(time.Second)
	for range 3 {
		if err := who(); err != nil {
			t.Fatal(err)
		}
	}
}

// clientAt is the context of a request from an address.
func clientAt(address string) context.Context {
	return muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr(address)})
}

func TestAPlatformThatAsksForAPauseGetsIt(t *testing.T) {
	r := newRig(t)
	r.Answer("/who", 200, map[string]string{})
	r.Fail("/who", providertest.Failure{Status: 429, Header: http.Header{"Retry-After": {"20"}}})
	_, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/who"})
	if e := wantReason(t, err, identity.ProviderRateLimited); e.RetryAfter != 20*time.Second {
		t.Errorf("the client waits %v", e.RetryAfter)
	}
	r.Mend()
	r.pass(15 * time.Second)
	_, err = r.client.Do(t.Context(), Call{URL: r.URL() + "/who"})
	if e := wantReason(t, err, identity.ProviderRateLimited); e.RetryAfter != 5*time.Second || len(r.Calls("")) != 1 {
		t.Errorf("the client waits %v after %d calls", e.RetryAfter, len(r.Calls("")))
	}
	r.pass(5 * time.Second)
	if _, err = r.client.Do(t.Context(), Call{URL: r.URL() + "/who"}); err != nil {
		t.Error(err)
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0.2": time.Second, " 30 ": 30 * time.Second,
		"Sun, 22 Nov 2026 08:00:10 GMT": 10 * time.Second,
		"Sun, 22 Nov 2026 07:00:00 GMT": retryUnknown,
		"":                              retryUnknown, "soon": retryUnknown, "-3": retryUnknown, "1e99": retryUnknown, "NaN": retryUnknown,
	} {
		if got, _ := retryAfter(value, now); got != want {
			t.Errorf("%q is a wait of %v, want %v", value, got, want)
		}
	}
}

// carrier is a transport made of a function.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

func TestCallsUnderWayAreBounded(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	var now, most int
	o := r.clientOptions()
	o.Parallel, o.Timeout = 2, 50*time.Millisecond
	o.Transport = carrier(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		<-req.Context().Done()
		mu.Lock()
		defer mu.Unlock()
		now--
		return nil, req.Context().Err()
	})
	r.client = NewClient(o)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			_, err := r.client.Do(context.Background(), Call{URL: r.URL() + "/who"})
			if muster.KindOf(err) != muster.Unavailable {
				t.Errorf("a call that waits in vain gives %v", err)
			}
		})
	}
	done.Wait()
	if most > 2 {
		t.Errorf("%d calls were under way at once", most)
	}
}

func TestACallerThatLeavesSaysNothingOfThePlatform(t *testing.T) {
	r := newRig(t)
	r.Answer("/who", 200, map[string]string{})
	gone, leave := context.WithCancel(context.Background())
	leave()
	for range 2 * breakAfter {
		_, err := r.client.Do(gone, Call{URL: r.URL() + "/who"})
		wantReason(t, err, identity.ProviderUnavailable)
	}
	if _, err := r.client.Do(t.Context(), Call{URL: r.URL() + "/who"}); err != nil {
		t.Error(err)
	}
}

func TestARefusedConfigurationIsAnAlertNowAndThen(t *testing.T) {
	r := newRig(t)
	for range 3 {
		wantReason(t, r.client.Misconfigured(t.Context(), "the key is not accepted"), identity.ProviderUnavailable)
	}
	if got := strings.Count(r.log(), "level=ERROR"); got != 1 || !strings.Contains(r.log(), "provider=acme") {
		t.Errorf("%d lines: %s", got, r.log())
	}
	r.pass(alertEvery)
	_ = r.client.Misconfigured(t.Context(), "the key is not accepted") // it is the line that counts
	if got := strings.Count(r.log(), "level=ERROR"); got != 2 {
		t.Errorf("%d lines", got)
	}
}

func TestAnAnswerThatIsNoJSONIsNoAnswer(t *testing.T) {
	var dest struct{ User string }
	for _, body := range []string{"", "<html>", `{"user":7}`, `{"user":"a"`} {
		wantReason(t, Answer{Status: 200, Body: []byte(body)}.JSON(&dest), identity.ProviderUnavailable, body)
	}
}
