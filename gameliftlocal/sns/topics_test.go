package sns_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/gameliftlocal/sns"
)

const (
	topic    = "arn:aws:sns:us-east-1:123456789012:matches"
	endpoint = "http://game.example/events/sns"
	baseURL  = "http://127.0.0.1:4570"
)

// received is one request as an endpoint sees it.
type received struct {
	url    string
	header http.Header
	body   map[string]string
	at     time.Time
}

// network is a transport that leads to scripted endpoints.
type network struct {
	answer func(received) (int, error) // nil: 200

	mu  sync.Mutex // guards all
	all []received
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	got := received{url: r.URL.String(), header: r.Header, at: time.Now()}
	if err := json.Unmarshal(raw, &got.body); err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.all = append(n.all, got)
	n.mu.Unlock()
	code := http.StatusOK
	if n.answer != nil {
		if code, err = n.answer(got); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// of lists what came of one type, in order.
func (n *network) of(kind string) []received {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []received
	for _, r := range n.all {
		if r.body["Type"] == kind {
			out = append(out, r)
		}
	}
	return out
}

func (n *network) messages() []string {
	var out []string
	for _, r := range n.of("Notification") {
		out = append(out, r.body["Message"])
	}
	return out
}

// key is one for all tests: making it takes long.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// inBubble runs a test with started topics, simulated time and a scripted network. stop
// ends Run and waits for it.
func inBubble(t *testing.T, opts sns.Options, n *network, test func(t *testing.T, topics *sns.Topics, stop func())) {
	t.Helper()
	opts.Key, opts.BaseURL, opts.Transport = key(), baseURL, n
	synctest.Test(t, func(t *testing.T) {
		topics, err := sns.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- topics.Run(ctx) }()
		stop := sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run ends with %v", err)
			}
		})
		defer stop()
		test(t, topics, stop)
	})
}

// get asks Topics' handler.
func get(topics *sns.Topics, address string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	topics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	return w
}

// subscribe subscribes an endpoint and confirms as it would.
func subscribe(t *testing.T, topics *sns.Topics, n *network, endpoint string) sns.Subscription {
	t.Helper()
	s, err := topics.Subscribe(topic, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	asked := n.of("SubscriptionConfirmation")
	if len(asked) == 0 {
		t.Fatal("no confirmation was asked for")
	}
	if w := get(topics, asked[len(asked)-1].body["SubscribeURL"]); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), s.ARN) {
		t.Fatalf("confirming answers %d %s", w.Code, w.Body)
	}
	<-s.Confirmed
	return s
}

func TestAnEndpointHearsOnlyAfterItHasConfirmed(t *testing.T) {
	n := &network{}
	inBubble(t, sns.Options{}, n, func(t *testing.T, topics *sns.Topics, _ func()) {
		s, err := topics.Subscribe(topic, endpoint)
		if err != nil {
			t.Fatal(err)
		}
		topics.Publish(topic, []byte("too early"), "")
		synctest.Wait()
		select {
		case <-s.Confirmed:
			t.Error("confirmed before anybody confirmed")
		default:
		}
		again := subscribe(t, topics, n, endpoint)
		if again.ARN != s.ARN {
			t.Errorf("the same endpoint got a second subscription: %s and %s", s.ARN, again.ARN)
		}
		topics.Publish(topic, []byte("in time"), "")
		topics.Publish(topic+"-other", []byte("elsewhere"), "")
		synctest.Wait()
		if got := n.messages(); !slices.Equal(got, []string{"in time"}) {
			t.Errorf("messages %q", got)
		}
		if asked := len(n.of("SubscriptionConfirmation")); asked != 2 {
			t.Errorf("%d confirmations asked for, want 2", asked)
		}
		if _, err := topics.Subscribe(topic, endpoint); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if asked := len(n.of("SubscriptionConfirmation")); asked != 2 {
			t.Errorf("a confirmed endpoint was asked again")
		}
	})
}

func TestMessagesCarryWhatAmazonsCarry(t *testing.T) {
	n := &network{}
	inBubble(t, sns.Options{}, n, func(t *testing.T, topics *sns.Topics, _ func()) {
		s := subscribe(t, topics, n, endpoint)
		topics.Publish(topic, []byte("<hello> & \"good\"\nday \u00e9"), "k")
		synctest.Wait()

		confirmation := n.of("SubscriptionConfirmation")[0]
		wantMembers(t, confirmation.body, "Message", "MessageId", "Signature", "SignatureVersion", "SigningCertURL", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
		verify(t, topics, confirmation.body)

		note := n.of("Notification")[0]
		wantMembers(t, note.body, "Message", "MessageId", "Signature", "SignatureVersion", "SigningCertURL", "Timestamp", "TopicArn", "Type", "UnsubscribeURL")
		verify(t, topics, note.body)
		if note.url != endpoint || note.body["Message"] != "<hello> & \"good\"\nday \u00e9" {
			t.Errorf("delivered %q to %s", note.body["Message"], note.url)
		}
		for name, want := range map[string]string{
			"Content-Type":               "text/plain; charset=UTF-8",
			"x-amz-sns-message-type":     "Notification",
			"x-amz-sns-message-id":       note.body["MessageId"],
			"x-amz-sns-topic-arn":        topic,
			"x-amz-sns-subscription-arn": s.ARN,
		} {
			if got := note.header.Get(name); got != want {
				t.Errorf("header %s is %q, want %q", name, got, want)
			}
		}
		if confirmation.header.Get("x-amz-sns-message-type") != "SubscriptionConfirmation" || confirmation.header.Get("x-amz-sns-subscription-arn") != "" {
			t.Errorf("the confirmation's headers are %v", confirmation.header)
		}
	})
}

func wantMembers(t *testing.T, body map[string]string, want ...string) {
	t.Helper()
	var got []string
	for name := range body {
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("members %v\nwant    %v", got, want)
	}
}

// verify checks a message as a receiver must. It shares nothing with the code it tests:
// the order of what is signed comes from sorting the members by name.
func verify(t *testing.T, topics *sns.Topics, body map[string]string) {
	t.Helper()
	if body["SignatureVersion"] != "2" {
		t.Errorf("signature version %q", body["SignatureVersion"])
	}
	signed := []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	var text strings.Builder
	for _, name := range signed {
		if v, ok := body[name]; ok {
			fmt.Fprintf(&text, "%s\n%s\n", name, v)
		}
	}
	block, _ := pem.Decode(get(topics, body["SigningCertURL"]).Body.Bytes())
	if block == nil {
		t.Fatalf("there is no certificate at %s", body["SigningCertURL"])
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if now := time.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		t.Errorf("the certificate holds from %v to %v, not now", cert.NotBefore, cert.NotAfter)
	}
	signature, err := base64.StdEncoding.DecodeString(body["Signature"])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text.String()))
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("the signature does not hold: %v", err)
	}
	if at, err := time.Parse(time.RFC3339, body["Timestamp"]); err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("timestamp %q: %v", body["Timestamp"], err)
	}
}

func TestWhatIsTriedAgainAndHowOften(t *testing.T) {
	down := errors.New("connection refused")
	tests := []struct {
		name    string
		answers []int // 0: no connection
		tries   int
		lasts   time.Duration
		want    sns.Stats
	}{
		{"a delivery that works is not repeated", []int{200}, 1, 0, sns.Stats{Delivered: 1}},
		{"any 2xx will do", []int{204}, 1, 0, sns.Stats{Delivered: 1}},
		{"a failing endpoint is tried again", []int{500, 503, 200}, 3, 300 * time.Millisecond, sns.Stats{Delivered: 1, Retried: 2}},
		{"a busy endpoint is tried again", []int{429, 200}, 2, 100 * time.Millisecond, sns.Stats{Delivered: 1, Retried: 1}},
		{"an absent endpoint is tried again", []int{0, 0, 200}, 3, 300 * time.Millisecond, sns.Stats{Delivered: 1, Retried: 2}},
		{"a refusal is final", []int{403, 200}, 1, 0, sns.Stats{Dropped: 1}},
		{"a redirect is not followed", []int{302, 200}, 1, 0, sns.Stats{Dropped: 1}},
		{"there is an end to it", []int{500, 500, 500, 500, 200}, 4, 700 * time.Millisecond, sns.Stats{Dropped: 1, Retried: 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, notes := &network{}, 0
			n.answer = func(r received) (int, error) {
				if r.body["Type"] != "Notification" {
					return 200, nil
				}
				notes++
				if code := test.answers[notes-1]; code != 0 {
					return code, nil
				}
				return 0, down
			}
			inBubble(t, sns.Options{MaxTries: 4, DrainTimeout: time.Hour}, n, func(t *testing.T, topics *sns.Topics, stop func()) {
				subscribe(t, topics, n, endpoint)
				topics.Publish(topic, []byte("m"), "")
				stop()
				tries := n.of("Notification")
				if len(tries) != test.tries {
					t.Fatalf("%d tries, want %d", len(tries), test.tries)
				}
				if lasted := tries[len(tries)-1].at.Sub(tries[0].at); lasted != test.lasts {
					t.Errorf("the tries took %v, want %v", lasted, test.lasts)
				}
				for _, r := range tries {
					if r.body["MessageId"] != tries[0].body["MessageId"] {
						t.Error("a repetition has another message id")
					}
				}
				got := topics.Stats()
				got.Delivered-- // the confirmation
				if got != test.want {
					t.Errorf("stats %+v, want %+v", got, test.want)
				}
			})
		})
	}
}

func TestMessagesOfOneKeyKeepTheirOrderWhileOthersPass(t *testing.T) {
	n, failures := &network{}, 3
	n.answer = func(r received) (int, error) {
		if r.body["Message"] == "slow 1" && failures > 0 {
			failures--
			return 500, nil
		}
		return 200, nil
	}
	inBubble(t, sns.Options{}, n, func(t *testing.T, topics *sns.Topics, _ func()) {
		subscribe(t, topics, n, endpoint)
		for i := range 3 {
			topics.Publish(topic, fmt.Appendf(nil, "slow %d", i), "match-1")
		}
		topics.Publish(topic, []byte("other"), "match-2")
		<-time.After(time.Minute) // simulated
		got := n.messages()
		if place := slices.Index(got, "other"); place < 0 || place > 2 {
			t.Errorf("a message with another key waited: %q", got)
		}
		got = slices.DeleteFunc(got, func(s string) bool { return s == "other" })
		if want := []string{"slow 0", "slow 1", "slow 1", "slow 1", "slow 1", "slow 2"}; !slices.Equal(got, want) {
			t.Errorf("order %q, want %q", got, want)
		}
	})
}

func TestAFullQueueDropsWithoutBlocking(t *testing.T) {
	text := []byte(strings.Repeat("x", 1000))
	for name, opts := range map[string]sns.Options{
		"counted in messages": {QueueMessages: 5},
		"counted in bytes":    {QueueBytes: 5 * len(text)},
	} {
		t.Run(name, func(t *testing.T) {
			n := &network{}
			inBubble(t, opts, n, func(t *testing.T, topics *sns.Topics, _ func()) {
				subscribe(t, topics, n, endpoint)
				open := make(chan struct{})
				n.answer = func(received) (int, error) {
					<-open
					return 200, nil
				}
				topics.Publish(topic, text, "k")
				synctest.Wait() // the worker holds it; the queue is empty
				for range 8 {
					topics.Publish(topic, text, "k")
				}
				close(open)
				synctest.Wait()
				if got := topics.Stats(); got.Dropped != 3 || got.Delivered != 1+1+5 {
					t.Errorf("stats %+v, want 3 dropped and 7 delivered", got)
				}
			})
		})
	}
}

func TestMessagesThatSNSWouldNotTakeAreDropped(t *testing.T) {
	n := &network{}
	inBubble(t, sns.Options{}, n, func(t *testing.T, topics *sns.Topics, _ func()) {
		subscribe(t, topics, n, endpoint)
		topics.Publish(topic, []byte(strings.Repeat("x", 256<<10+1)), "")
		topics.Publish(topic, []byte{0xff}, "")
		topics.Publish(topic, []byte(strings.Repeat("x", 256<<10)), "")
		synctest.Wait()
		if got := topics.Stats(); got.Dropped != 2 || len(n.messages()) != 1 {
			t.Errorf("stats %+v, %d arrived; want 2 dropped and 1 arrived", got, len(n.messages()))
		}
	})
}

func TestStoppingDeliversWhatWaitsAndThenGivesUp(t *testing.T) {
	t.Run("what waits arrives", func(t *testing.T) {
		n := &network{}
		inBubble(t, sns.Options{}, n, func(t *testing.T, topics *sns.Topics, stop func()) {
			subscribe(t, topics, n, endpoint)
			for i := range 100 {
				topics.Publish(topic, []byte("m"), fmt.Sprint(i))
			}
			stop()
			if got := len(n.messages()); got != 100 {
				t.Errorf("%d of 100 arrived", got)
			}
			topics.Publish(topic, []byte("late"), "")
			if got := topics.Stats().Dropped; got != 1 {
				t.Errorf("%d dropped after the end, want 1", got)
			}
		})
	})
	t.Run("an absent endpoint does not hold it up", func(t *testing.T) {
		n := &network{answer: func(r received) (int, error) {
			if r.body["Type"] == "Notification" {
				return 0, errors.New("connection refused")
			}
			return 200, nil
		}}
		inBubble(t, sns.Options{DrainTimeout: 3 * time.Second}, n, func(t *testing.T, topics *sns.Topics, stop func()) {
			subscribe(t, topics, n, endpoint)
			for range 5 {
				topics.Publish(topic, []byte("m"), "k")
			}
			began := time.Now()
			stop()
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("stopping took %v, want the drain timeout of 3s", took)
			}
			if got := topics.Stats().Dropped; got != 5 {
				t.Errorf("%d dropped, want 5", got)
			}
		})
	})
	t.Run("a subscription that never had workers is counted too", func(t *testing.T) {
		topics, err := sns.New(sns.Options{Key: key(), BaseURL: baseURL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := topics.Subscribe(topic, endpoint); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := topics.Run(ctx); err != nil || topics.Stats().Dropped != 1 {
			t.Errorf("Run: %v, stats %+v; want 1 dropped", err, topics.Stats())
		}
	})
}

func TestUnsubscribingEndsDeliveries(t *testing.T) {
	n := &network{}
	inBubble(t, sns.Options{}, n, func(t *testing.T, topics *sns.Topics, _ func()) {
		subscribe(t, topics, n, endpoint)
		subscribe(t, topics, n, endpoint+"/second")
		topics.Publish(topic, []byte("both"), "")
		synctest.Wait()
		first := n.of("Notification")[slices.IndexFunc(n.of("Notification"), func(r received) bool { return r.url == endpoint })]
		if w := get(topics, first.body["UnsubscribeURL"]); w.Code != http.StatusOK {
			t.Fatalf("unsubscribing answers %d %s", w.Code, w.Body)
		}
		topics.Publish(topic, []byte("one"), "")
		synctest.Wait()
		if got := len(n.messages()); got != 3 {
			t.Errorf("%d deliveries, want 2 before and 1 after", got)
		}
		if w := get(topics, first.body["UnsubscribeURL"]); w.Code != http.StatusNotFound {
			t.Errorf("unsubscribing twice answers %d", w.Code)
		}
	})
}

func TestTheHandlerRefusesWhatItDoesNotKnow(t *testing.T) {
	n := &network{}
	inBubble(t, sns.Options{}, n, func(t *testing.T, topics *sns.Topics, _ func()) {
		if _, err := topics.Subscribe(topic, endpoint); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		token := n.of("SubscriptionConfirmation")[0].body["Token"]
		query := func(pairs ...string) string {
			v := url.Values{}
			for i := 0; i < len(pairs); i += 2 {
				v.Set(pairs[i], pairs[i+1])
			}
			return baseURL + "/sns/?" + v.Encode()
		}
		tests := []struct {
			name, address string
			code          int
			text          string
		}{
			{"a wrong token", query("Action", "ConfirmSubscription", "TopicArn", topic, "Token", "x"), 400, "Invalid token"},
			{"no token", query("Action", "ConfirmSubscription", "TopicArn", topic), 400, "Invalid token"},
			{"another topic's token", query("Action", "ConfirmSubscription", "TopicArn", topic+"2", "Token", token), 400, "Invalid token"},
			{"an unknown action", query("Action", "CreateTopic"), 400, "InvalidAction"},
			{"an unknown subscription", query("Action", "Unsubscribe", "SubscriptionArn", topic+":1"), 404, "NotFound"},
			{"another certificate", baseURL + "/sns/00.pem", 404, ""},
			{"the right token", query("Action", "ConfirmSubscription", "TopicArn", topic, "Token", token), 200, "ConfirmSubscriptionResult"},
			{"the right token again", query("Action", "ConfirmSubscription", "TopicArn", topic, "Token", token), 200, "ConfirmSubscriptionResult"},
		}
		for _, test := range tests {
			if w := get(topics, test.address); w.Code != test.code || !strings.Contains(w.Body.String(), test.text) {
				t.Errorf("%s: answers %d %s, want %d with %q", test.name, w.Code, w.Body, test.code, test.text)
			}
		}
	})
}

func TestWrongOptionsAndSubscriptionsAreErrors(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:4570", "ftp://host", "http://"} {
		if _, err := sns.New(sns.Options{Key: key(), BaseURL: bad}); err == nil {
			t.Errorf("base url %q is taken", bad)
		}
	}
	topics, err := sns.New(sns.Options{Key: key(), BaseURL: baseURL + "/"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topics.Subscribe(topic, "file:///etc/passwd"); err == nil {
		t.Error("a file is an endpoint")
	}
	if _, err := topics.Subscribe("matches", endpoint); err == nil {
		t.Error("a topic without ARN is taken")
	}
	for i := range 100 {
		if _, err := topics.Subscribe(topic, fmt.Sprintf("%s/%d", endpoint, i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := topics.Subscribe(topic, endpoint); !errors.Is(err, sns.ErrTooMany) {
		t.Errorf("subscription 101: %v", err)
	}
}

// TestOverRealConnections is the only test with sockets: the default transport, and a
// key made by New.
func TestOverRealConnections(t *testing.T) {
	mux := http.NewServeMux()
	service := httptest.NewServer(mux)
	defer service.Close()
	topics, err := sns.New(sns.Options{BaseURL: service.URL})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/sns/", topics.Handler())
	notes := make(chan map[string]string, 1)
	game := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if body["Type"] == "Notification" {
			notes <- body
			return
		}
		resp, err := http.Get(body["SubscribeURL"])
		if err != nil {
			t.Error(err)
			return
		}
		_ = resp.Body.Close()
	}))
	defer game.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- topics.Run(ctx) }()
	s, err := topics.Subscribe(topic, game.URL)
	if err != nil {
		t.Fatal(err)
	}
	<-s.Confirmed
	topics.Publish(topic, []byte("hello"), "")
	body := <-notes
	if body["Message"] != "hello" {
		t.Errorf("message %q", body["Message"])
	}
	verify(t, topics, body)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
