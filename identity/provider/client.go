package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"muster"
	"muster/identity"
)

// What a Client allows unless ClientOptions say otherwise.
const (
	DefaultTimeout  = 3 * time.Second
	DefaultParallel = 32
	maxAnswer       = 1 << 20 // bytes
	maxRedirects    = 3
)

// retryUnknown is how long to wait for a platform that does not say it.
const retryUnknown = 5 * time.Second

// ClientOptions is how a platform is called. Now is required.
type ClientOptions struct {
	Name      string            // of the provider, for the log
	Timeout   time.Duration     // of one try; zero: DefaultTimeout
	Parallel  int               // calls to one host under way at once; zero: DefaultParallel
	UserAgent string            // empty: "muster"
	Misfit    string            // what is logged when our configuration does not do; empty: that a platform refuses it
	Transport http.RoundTripper // nil: one of its own
	Now       func() time.Time
	Log       *slog.Logger // nil: silent

	limit limiter // nil: context.WithTimeout
}

// limiter gives a context that ends after a time.
type limiter func(context.Context, time.Duration) (context.Context, context.CancelFunc)

// Client calls one platform. It calls https alone, but for http on loopback addresses. It
// follows a redirect only from what the platform publishes, and to the same host. It is safe
// for concurrent use.
type Client struct {
	name      string
	misfit    string
	timeout   time.Duration
	limit     limiter
	parallel  int
	userAgent string
	direct    *http.Client // follows no redirect
	onHost    *http.Client // follows one to the same host
	now       func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	hosts   map[string]*host // guarded by mu; hosts come from the configuration, so they are few
	alerted time.Time        // guarded by mu
}

// NewClient makes a Client.
func NewClient(o ClientOptions) *Client {
	c := &Client{
		name: o.Name, timeout: o.Timeout, limit: o.limit, parallel: o.Parallel, userAgent: o.UserAgent,
		now: o.Now, log: o.Log, hosts: make(map[string]*host),
	}
	if c.misfit = o.Misfit; c.misfit == "" {
		c.misfit = "a platform refuses our configuration: nobody can sign in with it"
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.limit == nil {
		c.limit = context.WithTimeout
	}
	if c.parallel <= 0 {
		c.parallel = DefaultParallel
	}
	if c.userAgent == "" {
		c.userAgent = "muster"
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	transport := o.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = c.parallel
		own.MaxResponseHeaderBytes = 64 << 10
		transport = own
	}
	c.direct = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.onHost = &http.Client{Transport: transport, CheckRedirect: sameHost}
	return c
}

// sameHost lets a platform redirect to itself alone, and only what sends nothing.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxRedirects:
		return errors.New("too many redirects")
	case first.Method != http.MethodGet || next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme:
		return http.ErrUseLastResponse
	}
	return nil
}

// Call is one request to a platform.
type Call struct {
	Method string // empty: POST with a Form or a Body, GET without
	URL    string
	Header http.Header
	Form   url.Values // sent as the body
	Body   []byte     // sent if there is no Form, as Header says
	// Repeatable says that the platform may get the call twice; a GET may, always.
	Repeatable bool
	// Published says that the call fetches what the platform publishes to everybody, from an
	// address that no client named: nothing in it is a client's or a secret of ours.
	Published bool
}

// Answer is what a platform said, below 500 and other than 429.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// OK says that the platform did as asked.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// JSON decodes the body. What is no such JSON is refused as ProviderUnavailable.
func (a Answer) JSON(dest any) error {
	if err := json.Unmarshal(a.Body, dest); err != nil {
		return identity.Refusal(identity.ProviderUnavailable, fmt.Errorf("an answer of status %d does not decode as %T", a.Status, dest))
	}
	return nil
}

// Do sends a call. Errors are refusals: ProviderRateLimited for 429, ProviderUnavailable
// for whatever is no answer: statuses from 500, no connection, no time, too much text.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	target, err := url.Parse(call.URL)
	if err != nil || CheckURL(call.URL) != nil {
		return Answer{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the address to call is not one of https"))
	}
	h := c.host(target.Host)
	release, err := c.enter(ctx, h, call)
	if err != nil {
		return Answer{}, err
	}
	defer release()

	answer, again, err := c.attempt(ctx, h, call)
	if err != nil && again && (call.Repeatable || call.method() == http.MethodGet) {
		answer, _, err = c.attempt(ctx, h, call)
	}
	return answer, err
}

// CheckURL says whether an address may be called: https, or http on a loopback address,
// without a name, a password or a fragment in it.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("is not an https address")
	case u.User != nil || u.Fragment != "":
		return errors.New("holds a user or a fragment")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	if u.Scheme == "http" && u.Hostname() == "localhost" {
		return errors.New("is not an https address; http is taken for 127.0.0.1 alone, not for localhost")
	}
	return errors.New("is not an https address")
}

func isLoopback(name string) bool {
	address, err := netip.ParseAddr(name)
	return err == nil && address.IsLoopback()
}

// attempt sends a call once and tells the host's breaker. again says that another try
// may help. That the caller left says nothing of the host.
func (c *Client) attempt(ctx context.Context, h *host, call Call) (a Answer, again bool, err error) {
	limited, cancel := c.limit(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	a, sendErr := c.send(traced, call)
	by := blame{platform: call.Published || !connected.Load(), client: networkOf(ctx)}

	h.mu.Lock()
	defer h.mu.Unlock()
	now := c.now()
	switch {
	case sendErr != nil && ctx.Err() != nil:
		h.breaker.abandon()
		return Answer{}, false, identity.Refusal(identity.ProviderUnavailable, ctx.Err())
	case sendErr != nil:
		h.breaker.fail(now, by)
		return Answer{}, limited.Err() == nil, identity.Refusal(identity.ProviderUnavailable, sendErr)
	case a.Status == http.StatusTooManyRequests:
		wait, told := retryAfter(a.Header.Get("Retry-After"), now)
		if told {
			h.breaker.throttle(now, wait)
		} else {
			h.breaker.succeed()
		}
		return Answer{}, false, identity.RefusalAfter(identity.ProviderRateLimited, wait, errors.New("the platform answers 429"))
	case a.Status >= 500 || a.Status < 200:
		h.breaker.fail(now, by)
		return Answer{}, true, identity.Refusal(identity.ProviderUnavailable, fmt.Errorf("the platform answers %d", a.Status))
	}
	h.breaker.succeed()
	return a, false, nil
}

// networkOf is the network of whoever a call is made for, as limits count it: an IPv4 address
// alone, and the 64 bits of an IPv6 address that its holder has all of. Zero: it is not known.
func networkOf(ctx context.Context) netip.Prefix {
	return muster.NetworkOf(muster.ClientFrom(ctx).Address, 32, 64)
}

func (c Call) method() string {
	switch {
	case c.Method != "":
		return c.Method
	case c.Form != nil || c.Body != nil:
		return http.MethodPost
	}
	return http.MethodGet
}

// send makes one request. Its errors hold neither the address, which may carry a secret,
// nor anything that the platform wrote.
func (c *Client) send(ctx context.Context, call Call) (Answer, error) {
	body := call.Body
	if call.Form != nil {
		body = []byte(call.Form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, call.method(), call.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, errors.New("the request cannot be made")
	}
	if call.Header != nil {
		req.Header = call.Header.Clone()
	}
	if call.Form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", c.userAgent)
	by := c.direct
	if call.Published {
		by = c.onHost
	}
	resp, err := by.Do(req)
	if err != nil {
		return Answer{}, withoutAddress(err)
	}
	defer func() { _ = resp.Body.Close() }() // nothing is left to be lost
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, withoutAddress(err)
	case len(text) > maxAnswer:
		return Answer{}, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, nil
}

// withoutAddress says what kind of failure an error of net/http is.
func withoutAddress(err error) error {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the platform did not answer in time")
	case errors.As(err, &dns):
		return errors.New("the platform's name does not resolve")
	case errors.As(err, &op):
		return fmt.Errorf("the connection fails on %s", op.Op)
	}
	return errors.New("the exchange with the platform broke off")
}

// retryAfter reads a Retry-After header: seconds, with or without a fraction, or a date.
func retryAfter(value string, now time.Time) (wait time.Duration, told bool) {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 && seconds <= float64(time.Hour/time.Second) {
		return max(time.Duration(seconds*float64(time.Second)), time.Second), true
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), time.Hour), true
	}
	return retryUnknown, false
}

// alertEvery is how often a configuration that the platform refuses is worth a line.
const alertEvery = time.Minute

// Misconfigured is the refusal for a platform that does not accept us: a wrong secret, an
// API that is not switched on. It is ours to mend, so it is logged as an error; what says it
// in our words.
func (c *Client) Misconfigured(ctx context.Context, what string) error {
	now := c.now()
	c.mu.Lock()
	due := !now.Before(c.alerted.Add(alertEvery))
	if due {
		c.alerted = now
	}
	c.mu.Unlock()
	if due {
		c.log.ErrorContext(ctx, c.misfit, "provider", c.name, "problem", what)
	}
	return identity.Refusal(identity.ProviderUnavailable, errors.New(what))
}
