// Package sns publishes messages to HTTP endpoints in the form that Amazon SNS uses:
// signed JSON (signature version 2), a confirmation handshake, retries.
//
// Start at New, mount Topics.Handler on the server that Options.BaseURL leads to, let
// Topics.Run own the deliveries, then Subscribe endpoints and Publish. A topic exists
// as soon as it is named.
//
// Delivery is at least once and mostly in order for messages with one order key, as far
// as one process can promise it. Nothing is stored: what is not delivered when the
// process ends, or when its endpoint stays away longer than the retries, is lost and
// counted. There are no filters, no raw delivery, no FIFO topics and no other protocols.
package sns

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure New. Only BaseURL is needed.
type Options struct {
	// BaseURL is where endpoints reach Handler, such as "http://127.0.0.1:4570". It
	// becomes part of the messages.
	BaseURL string

	Key       *rsa.PrivateKey   // signs messages; nil: a new one of 2048 bits
	Transport http.RoundTripper // nil: one without proxies. Redirects are not followed
	Now       func() time.Time  // nil: time.Now
	NewID     func() string     // message ids and the ends of subscription ARNs; nil: random
	Log       *slog.Logger      // nil: nothing is logged

	// What waits for one subscription, in messages and in bytes of their text, before
	// more of them are dropped. 0: 8192 and 64 MiB.
	QueueMessages int
	QueueBytes    int

	// MaxTries bounds the deliveries of one message; 0: 10. Between two tries lie 100 ms,
	// doubled each time up to 5 s, so that ten tries last about 23 s. Messages with the
	// same order key wait meanwhile.
	MaxTries int

	// DrainTimeout bounds how long Run goes on delivering what waits when its context
	// ends; 0: 5 s.
	DrainTimeout time.Duration
}

// Limits that no caller has needed to change. The size of a message is Amazon's.
const (
	maxMessageBytes  = 256 << 10
	maxSubscriptions = 100
	lanes            = 16 // of one subscription: deliveries that run at the same time
	firstBackoff     = 100 * time.Millisecond
	longestBackoff   = 5 * time.Second
	tryTimeout       = 15 * time.Second // as long as Amazon SNS waits for an answer
)

// Topics are all topics of one service. It is safe for concurrent use.
type Topics struct {
	opts         Options
	ownTransport bool // made by New
	signer       *signer
	stats        counters
	started      chan struct{} // holds a token while a subscription has no workers yet

	// mu guards what follows. It is never held during I/O.
	mu            sync.Mutex
	subscriptions []*subscription
	stopped       bool // Run has ended or is draining
}

// Stats count since New. A message for two subscriptions counts twice.
type Stats struct {
	Delivered int64 // the endpoint answered 2xx
	Retried   int64 // tries after the first
	Dropped   int64 // given up: queue full, refused by the endpoint, out of tries, or stopped
}

type counters struct{ delivered, retried, dropped atomic.Int64 }

// Subscription is an endpoint's interest in a topic.
type Subscription struct {
	ARN       string
	Confirmed <-chan struct{} // closed once the endpoint has confirmed
}

// ErrTooMany is the error of Subscribe when there are 100 subscriptions already.
var ErrTooMany = errors.New("too many subscriptions")

// New makes Topics without subscriptions. It fails if BaseURL is not an http or https
// URL, and on the impossible: a system without randomness.
func New(opts Options) (*Topics, error) {
	if err := checkURL(opts.BaseURL); err != nil {
		return nil, fmt.Errorf("base url: %w", err)
	}
	opts.BaseURL = strings.TrimRight(opts.BaseURL, "/")
	ownTransport := opts.Transport == nil
	if ownTransport {
		opts.Transport = &http.Transport{MaxIdleConnsPerHost: lanes, IdleConnTimeout: time.Minute}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.NewID == nil {
		opts.NewID = randomUUID
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	opts.QueueMessages = cmp.Or(opts.QueueMessages, 8192)
	opts.QueueBytes = cmp.Or(opts.QueueBytes, 64<<20)
	opts.MaxTries = cmp.Or(opts.MaxTries, 10)
	opts.DrainTimeout = cmp.Or(opts.DrainTimeout, 5*time.Second)
	s, err := newSigner(opts.Key, opts.BaseURL, opts.Now())
	if err != nil {
		return nil, err
	}
	return &Topics{opts: opts, ownTransport: ownTransport, signer: s, started: make(chan struct{}, 1)}, nil
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%q is not an http or https URL", s)
	}
	return nil
}

// randomUUID returns a version 4 UUID.
func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it crashes the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Subscribe makes endpointURL hear of a topic's messages, once it has confirmed: it gets
// a SubscriptionConfirmation message and must GET the SubscribeURL in it. Messages
// published before are not for it.
//
// Subscribing the same endpoint to the same topic again finds the same subscription, and
// asks again for a confirmation that is still missing.
func (t *Topics) Subscribe(topicARN, endpointURL string) (Subscription, error) {
	if err := checkURL(endpointURL); err != nil {
		return Subscription{}, fmt.Errorf("endpoint: %w", err)
	}
	if !strings.HasPrefix(topicARN, "arn:") {
		return Subscription{}, fmt.Errorf("topic: %q is not an ARN", topicARN)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.find(func(s *subscription) bool { return s.topicARN == topicARN && s.endpoint == endpointURL })
	if s == nil {
		if len(t.subscriptions) >= maxSubscriptions {
			return Subscription{}, ErrTooMany
		}
		s = newSubscription(topicARN, endpointURL, topicARN+":"+t.opts.NewID(), t.opts.QueueMessages)
		t.subscriptions = append(t.subscriptions, s)
	}
	if !s.isConfirmed() {
		t.enqueue(s, t.confirmation(s), "")
	}
	t.wake()
	return Subscription{ARN: s.arn, Confirmed: s.confirmed}, nil
}

// Unsubscribe ends a subscription; what waits for it is dropped. It says whether there
// was one.
func (t *Topics) Unsubscribe(subscriptionARN string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, s := range t.subscriptions {
		if s.arn == subscriptionARN {
			t.subscriptions = append(t.subscriptions[:i:i], t.subscriptions[i+1:]...)
			close(s.gone)
			return true
		}
	}
	return false
}

// Publish sends a message to the topic's confirmed subscriptions. It returns at once,
// and drops the message where too many wait already. Messages with the same orderKey go
// to an endpoint one after another; those with different keys may overtake each other.
// The message must be UTF-8 of at most 256 KiB, or it is dropped.
func (t *Topics) Publish(topicARN string, message []byte, orderKey string) {
	m := t.notification(topicARN, string(message))
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.subscriptions {
		if s.topicARN == topicARN && s.isConfirmed() {
			t.enqueue(s, m, orderKey)
		}
	}
}

// Stats returns the counts so far.
func (t *Topics) Stats() Stats {
	return Stats{
		Delivered: t.stats.delivered.Load(),
		Retried:   t.stats.retried.Load(),
		Dropped:   t.stats.dropped.Load(),
	}
}

// Run delivers until ctx ends, then what still waits for up to DrainTimeout. It returns
// nil after the last delivery, and may be called once.
func (t *Topics) Run(ctx context.Context) error {
	delivering, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	drain := make(chan struct{})
	var workers sync.WaitGroup
	for ctx.Err() == nil {
		select {
		case <-t.started:
			for _, s := range t.withoutWorkers() {
				for _, lane := range s.lanes {
					workers.Go(func() { t.work(delivering, drain, s, lane) })
				}
			}
		case <-ctx.Done():
		}
	}
	t.stop()
	close(drain)
	late := time.AfterFunc(t.opts.DrainTimeout, cancel)
	defer late.Stop()
	workers.Wait()
	if own, ok := t.opts.Transport.(*http.Transport); ok && t.ownTransport {
		own.CloseIdleConnections()
	}
	return nil
}

// stop makes Publish drop from now on, and drops what no worker will ever see.
func (t *Topics) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	for _, s := range t.subscriptions {
		if s.served {
			continue
		}
		for _, lane := range s.lanes {
			t.dropAll(s, lane, "stopped")
		}
	}
}

// wake tells Run that there is a subscription without workers.
func (t *Topics) wake() {
	select {
	case t.started <- struct{}{}:
	default: // it knows already
	}
}

// withoutWorkers lists the subscriptions that need workers and marks them as served.
func (t *Topics) withoutWorkers() []*subscription {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*subscription
	for _, s := range t.subscriptions {
		if !s.served {
			s.served = true
			out = append(out, s)
		}
	}
	return out
}

// find returns the first subscription that fits, or nil. t.mu is held.
func (t *Topics) find(fits func(*subscription) bool) *subscription {
	for _, s := range t.subscriptions {
		if fits(s) {
			return s
		}
	}
	return nil
}
