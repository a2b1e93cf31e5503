package sns

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// subscription holds what waits for one endpoint.
type subscription struct {
	topicARN  string
	endpoint  string
	arn       string
	token     string // proves that the endpoint got the confirmation message
	confirmed chan struct{}
	gone      chan struct{} // closed by Unsubscribe
	served    bool          // has workers; guarded by Topics.mu

	// Each lane has a worker of its own. A lane can hold all that the subscription may.
	lanes          [lanes]chan *message
	waiting        atomic.Int64 // messages in lanes, added to under Topics.mu
	waitingInBytes atomic.Int64
}

func newSubscription(topicARN, endpoint, arn string, queueMessages int) *subscription {
	s := &subscription{
		topicARN:  topicARN,
		endpoint:  endpoint,
		arn:       arn,
		token:     rand.Text() + rand.Text(),
		confirmed: make(chan struct{}),
		gone:      make(chan struct{}),
	}
	for i := range s.lanes {
		s.lanes[i] = make(chan *message, queueMessages)
	}
	return s
}

func (s *subscription) isConfirmed() bool {
	select {
	case <-s.confirmed:
		return true
	default:
		return false
	}
}

// laneOf keeps messages of one order key in one lane.
func laneOf(orderKey string) int {
	h := fnv.New32a()
	_, _ = io.WriteString(h, orderKey) // a hash takes everything
	return int(h.Sum32() % lanes)
}

// enqueue puts m in line, or drops it. t.mu is held.
func (t *Topics) enqueue(s *subscription, m *message, orderKey string) {
	size := int64(len(m.Message))
	switch {
	case t.stopped:
		t.drop(s, m, "stopped")
	case size > maxMessageBytes || !utf8.ValidString(m.Message):
		t.drop(s, m, "not a text of at most 256 KiB")
	case s.waiting.Load() >= int64(t.opts.QueueMessages) || s.waitingInBytes.Load()+size > int64(t.opts.QueueBytes):
		t.drop(s, m, "queue full")
	default:
		s.waiting.Add(1)
		s.waitingInBytes.Add(size)
		s.lanes[laneOf(orderKey)] <- m // never blocks: the lane holds QueueMessages
	}
}

func (t *Topics) drop(s *subscription, m *message, why string) {
	t.stats.dropped.Add(1)
	t.opts.Log.Warn("message dropped", "topic", s.topicARN, "endpoint", s.endpoint, "message_id", m.MessageID, "why", why)
}

// work delivers a lane's messages until the subscription is gone, or until the lane is
// empty after drain was closed. ctx ends the tries, not the loop.
func (t *Topics) work(ctx context.Context, drain <-chan struct{}, s *subscription, lane chan *message) {
	for {
		select {
		case <-s.gone:
			t.dropAll(s, lane, "unsubscribed")
			return
		case m := <-lane:
			t.handle(ctx, s, m)
			continue
		case <-drain:
		}
		select {
		case m := <-lane:
			t.handle(ctx, s, m)
		default:
			return
		}
	}
}

func (t *Topics) dropAll(s *subscription, lane chan *message, why string) {
	for {
		select {
		case m := <-lane:
			t.drop(s, m, why)
		default:
			return
		}
	}
}

// handle delivers one message or gives it up.
func (t *Topics) handle(ctx context.Context, s *subscription, m *message) {
	s.waiting.Add(-1)
	s.waitingInBytes.Add(-int64(len(m.Message)))
	if err := t.deliver(ctx, s, m); err != nil {
		t.drop(s, m, err.Error())
		return
	}
	t.stats.delivered.Add(1)
}

// deliver tries until the endpoint takes the message, refuses it for good, or the tries
// or ctx end.
func (t *Topics) deliver(ctx context.Context, s *subscription, m *message) error {
	body, err := t.envelope(s, m)
	if err != nil {
		return err
	}
	wait := firstBackoff
	for try := 1; ; try++ {
		again, err := t.post(ctx, s, m, body)
		if err == nil || !again || try >= t.opts.MaxTries {
			return err
		}
		select {
		case <-time.After(wait):
		case <-s.gone:
			return fmt.Errorf("unsubscribed after %w", err)
		case <-ctx.Done():
			return fmt.Errorf("stopped after %w", err)
		}
		wait = min(2*wait, longestBackoff)
		t.stats.retried.Add(1)
	}
}

// post makes one try. again: another one may help, since the endpoint was not reached,
// failed (5xx) or asked for time (429).
func (t *Topics) post(ctx context.Context, s *subscription, m *message, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	r.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	r.Header.Set("X-Amz-Sns-Message-Type", m.Type)
	r.Header.Set("X-Amz-Sns-Message-Id", m.MessageID)
	r.Header.Set("X-Amz-Sns-Topic-Arn", m.TopicARN)
	if m.Type == typeNotification {
		r.Header.Set("X-Amz-Sns-Subscription-Arn", s.arn)
	}
	resp, err := t.opts.Transport.RoundTrip(r)
	if err != nil {
		return true, err
	}
	// A short answer is read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return false, nil
	}
	return code >= 500 || code == http.StatusTooManyRequests, fmt.Errorf("the endpoint answered %d", code)
}
