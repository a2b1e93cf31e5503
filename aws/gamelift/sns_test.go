package gamelift

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

var testNow = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const (
	amazonCert = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem"
	localCert  = "http://127.0.0.1:4570/sns/1.pem"
)

// topic signs messages as SNS does, with a certificate of its own.
type topic struct {
	key  *rsa.PrivateKey
	cert []byte // PEM
}

// Keys take long to make, so all topics of ours share one, and all strangers another.
var ownKey, strangeKey = sync.OnceValue(makeKey), sync.OnceValue(makeKey)

func makeKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// newTopic makes a topic whose certificate template the test may change first.
func newTopic(t testing.TB, change func(*x509.Certificate)) *topic {
	t.Helper()
	return &topic{key: ownKey(), cert: certificateFor(t, ownKey(), change)}
}

func newStranger(t testing.TB) *topic {
	t.Helper()
	return &topic{key: strangeKey(), cert: certificateFor(t, strangeKey(), nil)}
}

func certificateFor(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"},
		NotBefore: testNow.Add(-time.Hour), NotAfter: testNow.Add(90 * 24 * time.Hour),
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// message is an SNS message before it is signed.
type message map[string]string

func notification(text string) message {
	return message{
		"Type": "Notification", "MessageId": "m-1", "TopicArn": topicARN, "Message": text,
		"Timestamp": testNow.Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "2", "SigningCertURL": amazonCert,
		"UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe",
	}
}

func confirmation(subscribeURL string) message {
	m := notification("You have chosen to subscribe")
	m["Type"], m["Token"], m["SubscribeURL"] = "SubscriptionConfirmation", "token-1", subscribeURL
	delete(m, "UnsubscribeURL")
	return m
}

func (m message) with(name, value string) message {
	changed := message{}
	for k, v := range m {
		changed[k] = v
	}
	changed[name] = value
	return changed
}

// signed is the body that SNS posts. The text that it signs is put together here once
// more, independently of the code under test.
func (tp *topic) signed(t testing.TB, m message) []byte {
	t.Helper()
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if m["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var text strings.Builder
	for _, name := range names {
		if value, present := m[name]; present {
			fmt.Fprintf(&text, "%s\n%s\n", name, value)
		}
	}
	hash := crypto.SHA256
	if m["SignatureVersion"] == "1" {
		hash = crypto.SHA1
	}
	h := hash.New()
	_, _ = io.WriteString(h, text.String())
	signature, err := rsa.SignPKCS1v15(rand.Reader, tp.key, hash, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return m.with("Signature", base64.StdEncoding.EncodeToString(signature)).body(t)
}

func (m message) body(t testing.TB) []byte {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// internet answers requests by URL and counts them.
type internet struct {
	mu    sync.Mutex
	pages map[string]func() (*http.Response, error) // guarded by mu
	seen  map[string]int                            // guarded by mu
}

func newInternet() *internet {
	return &internet{pages: map[string]func() (*http.Response, error){}, seen: map[string]int{}}
}

func (n *internet) serve(url string, status int, body string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pages[url] = func() (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Location": {"http://169.254.169.254/"}},
		}, nil
	}
}

func (n *internet) count(url string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen[url]
}

// RoundTrip implements http.RoundTripper.
func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen[r.URL.String()]++
	page, ok := n.pages[r.URL.String()]
	if !ok {
		return nil, errors.New("no route to " + r.URL.Host)
	}
	resp, err := page()
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// post is a Receiver with a topic and an internet around it.
type post struct {
	*Receiver
	topic *topic
	net   *internet
	now   time.Time
}

func newPost(t testing.TB) *post {
	t.Helper()
	p := &post{topic: newTopic(t, nil), net: newInternet(), now: testNow}
	p.net.serve(amazonCert, 200, string(p.topic.cert))
	p.net.serve(localCert, 200, string(p.topic.cert))
	p.Receiver = NewReceiver(ReceiverOptions{
		Topics: []string{topicARN}, CertificateURLPrefixes: []string{"http://127.0.0.1:4570/sns/"},
		HTTPClient: &http.Client{Transport: p.net}, Now: func() time.Time { return p.now },
	})
	return p
}

func TestMessagesThatPass(t *testing.T) {
	cases := map[string]message{
		"signed with SHA-256":           notification("hello"),
		"signed with SHA-1":             notification("hello").with("SignatureVersion", "1"),
		"with a subject":                notification("hello").with("Subject", "news"),
		"with an empty subject":         notification("hello").with("Subject", ""),
		"with line breaks and a letter": notification("a\nb\u2028\"é\n"),
		"of the local service":          notification("hello").with("SigningCertURL", localCert),
		"an hour old":                   notification("hello").with("Timestamp", testNow.Add(-time.Hour).Format(time.RFC3339)),
	}
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			got, err := p.Receive(context.Background(), p.topic.signed(t, m))
			if err != nil || string(got) != m["Message"] {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	good := notification("hello")
	stranger := newStranger(t)
	signed := func(m message) func(*testing.T, *post) []byte {
		return func(t *testing.T, p *post) []byte { return p.topic.signed(t, m) }
	}
	// tampered changes a member after it was signed.
	tampered := func(m message, name, value string) func(*testing.T, *post) []byte {
		return func(t *testing.T, p *post) []byte {
			var posted message
			if err := json.Unmarshal(p.topic.signed(t, m), &posted); err != nil {
				t.Fatal(err)
			}
			return posted.with(name, value).body(t)
		}
	}
	from := func(url string) func(*testing.T, *post) []byte { return signed(good.with("SigningCertURL", url)) }
	cases := []struct {
		name string
		body func(*testing.T, *post) []byte
		kind muster.Kind
		code string
	}{
		{"another topic, well signed", signed(good.with("TopicArn", topicARN+"2")), muster.Denied, "sns.topic"},
		{"a confirmation of another topic", signed(confirmation("https://sns.us-west-2.amazonaws.com/").with("TopicArn", "x")), muster.Denied, "sns.topic"},
		{"an unknown signature version", signed(good.with("SignatureVersion", "3")), muster.Denied, "sns.signature_version"},
		{"a changed message", tampered(good, "Message", "bye"), muster.Denied, "sns.signature"},
		{"a changed time", tampered(good, "Timestamp", testNow.Add(time.Minute).Format(time.RFC3339)), muster.Denied, "sns.signature"},
		{"an added subject", tampered(good, "Subject", ""), muster.Denied, "sns.signature"},
		{"a notification turned into a confirmation", tampered(good, "Type", "SubscriptionConfirmation"), muster.Denied, "sns.signature"},
		{"a signature under another version", tampered(good, "SignatureVersion", "1"), muster.Denied, "sns.signature"},
		{"a signature that is not base64", tampered(good, "Signature", "%"), muster.Denied, "sns.signature"},
		{"no signature, as with raw delivery in an envelope", func(t *testing.T, _ *post) []byte { return good.body(t) }, muster.Denied, "sns.signature"},
		{"another key", func(t *testing.T, _ *post) []byte { return stranger.signed(t, good) }, muster.Denied, "sns.signature"},
		{"a certificate from anywhere", from("https://evil.example/cert.pem"), muster.Denied, "sns.certificate_url"},
		{"a certificate over plain HTTP", from(strings.Replace(amazonCert, "https", "http", 1)), muster.Denied, "sns.certificate_url"},
		{"a host that only begins like Amazon's", from("https://sns.us-west-2.amazonaws.com.evil.example/c.pem"), muster.Denied, "sns.certificate_url"},
		{"a host that only ends like Amazon's", from("https://evil-sns.us-west-2.amazonaws.com/c.pem"), muster.Denied, "sns.certificate_url"},
		{"a bucket of anybody at Amazon", from("https://sns.s3.amazonaws.com.evil/c.pem"), muster.Denied, "sns.certificate_url"},
		{"another port", from("https://sns.us-west-2.amazonaws.com:444/c.pem"), muster.Denied, "sns.certificate_url"},
		{"a user name", from("https://sns.us-west-2.amazonaws.com@evil.example/c.pem"), muster.Denied, "sns.certificate_url"},
		{"a user at Amazon's", from("https://u@sns.us-west-2.amazonaws.com/c.pem"), muster.Denied, "sns.certificate_url"},
		{"another kind of file", from("https://sns.us-west-2.amazonaws.com/c.txt"), muster.Denied, "sns.certificate_url"},
		{"an action for a certificate", from("https://sns.us-west-2.amazonaws.com/?Action=x&y=.pem"), muster.Denied, "sns.certificate_url"},
		{"another path of the local service", from("http://127.0.0.1:4570/other/1.pem"), muster.Denied, "sns.certificate_url"},
		{"a way out of the local path", from("http://127.0.0.1:4570/sns/../other/1.pem"), muster.Denied, "sns.certificate_url"},
		{"a port that begins like the local one", from("http://127.0.0.1:45700/sns/1.pem"), muster.Denied, "sns.certificate_url"},
		{"no certificate URL", from(""), muster.Denied, "sns.certificate_url"},
		{"the host of another region", from("https://sns.eu-west-1.amazonaws.com/c.pem"), muster.Denied, "sns.certificate_url"},
		{"a region that does not exist", from("https://sns.nowhere.amazonaws.com/c.pem"), muster.Denied, "sns.certificate_url"},
		{"the host of another partition", from("https://sns.us-west-2.amazonaws.com.cn/c.pem"), muster.Denied, "sns.certificate_url"},
		{"a certificate that does not come", from("https://sns.us-west-2.amazonaws.com/c.pem"), muster.Unavailable, "sns.certificate"},
		{"an old message", signed(good.with("Timestamp", testNow.Add(-66*time.Minute).Format(time.RFC3339))), muster.Denied, "sns.stale"},
		{"a message from the future", signed(good.with("Timestamp", testNow.Add(6*time.Minute).Format(time.RFC3339))), muster.Denied, "sns.stale"},
		{"no time", signed(good.with("Timestamp", "now")), muster.Invalid, "sns.malformed"},
		{"no id", signed(good.with("MessageId", "")), muster.Invalid, "sns.malformed"},
		{"an endless id", signed(good.with("MessageId", strings.Repeat("m", 300))), muster.Invalid, "sns.malformed"},
		{"an unknown type", signed(good.with("Type", "Gossip")), muster.Invalid, "sns.type"},
		{"a bare event, as with raw delivery", func(*testing.T, *post) []byte { return []byte(eventJSON(`{}`)) }, muster.Invalid, "sns.type"},
		{"no JSON", func(*testing.T, *post) []byte { return []byte("hello") }, muster.Invalid, "sns.malformed"},
		{"too much", func(*testing.T, *post) []byte { return make([]byte, DefaultMaxBody+1) }, muster.Invalid, "sns.too_large"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			p := newPost(t)
			got, err := p.Receive(context.Background(), tc.body(t, p))
			wantError(t, err, tc.kind, tc.code)
			if got != nil {
				t.Errorf("refused, yet %q came out", got)
			}
			if (tc.code == "sns.topic" || tc.code == "sns.certificate_url") && len(p.net.seen) != 0 {
				t.Errorf("it made us fetch %v", p.net.seen)
			}
		})
	}
}

func TestAMessageIsTakenOnce(t *testing.T) {
	p := newPost(t)
	body := p.topic.signed(t, notification("hello"))
	if got, err := p.Receive(context.Background(), body); err != nil || got == nil {
		t.Fatalf("first: %q, %v", got, err)
	}
	if got, err := p.Receive(context.Background(), body); err != nil || got != nil {
		t.Errorf("again: %q, %v", got, err)
	}
}

func TestReplaysAreRememberedInBounds(t *testing.T) {
	r := newReplays()
	for i := range maxReplays + 10 {
		if !r.first(fmt.Sprint(i), testNow) {
			t.Fatalf("id %d was not new", i)
		}
	}
	if len(r.seen) > maxReplays || len(r.order) > maxReplays {
		t.Errorf("%d ids are kept", len(r.seen))
	}
	if r.first(fmt.Sprint(maxReplays), testNow) {
		t.Error("a recent id is new again")
	}
	if !r.first("late", testNow.Add(2*time.Hour)) || len(r.seen) != 1 {
		t.Errorf("after two hours %d ids are kept", len(r.seen))
	}
}

func TestASubscriptionIsConfirmed(t *testing.T) {
	for name, tc := range map[string]struct{ confirm, cert string }{
		"at Amazon's":          {"https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=token-1", amazonCert},
		"at the local service": {"http://127.0.0.1:4570/sns/?Action=ConfirmSubscription&Token=token-1", localCert},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.net.serve(tc.confirm, 200, "<ok/>")
			got, err := p.Receive(context.Background(), p.topic.signed(t, confirmation(tc.confirm).with("SigningCertURL", tc.cert)))
			if err != nil || got != nil {
				t.Fatalf("got %q, %v", got, err)
			}
			if n := p.net.count(tc.confirm); n != 1 {
				t.Errorf("confirmed %d times", n)
			}
		})
	}
}

func TestConfirmationsThatGoNowhere(t *testing.T) {
	for name, url := range map[string]string{
		"another host": "https://evil.example/", "the instance's own secrets": "http://169.254.169.254/latest/", "plain HTTP": "http://sns.us-west-2.amazonaws.com/",
		"nothing": "", "a file": "file:///etc/passwd",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			_, err := p.Receive(context.Background(), p.topic.signed(t, confirmation(url)))
			wantError(t, err, muster.Denied, "sns.subscribe_url")
			if p.net.count(url) != 0 {
				t.Error("it was fetched")
			}
		})
	}
	t.Run("a confirmation that is not signed", func(t *testing.T) {
		p := newPost(t)
		const url = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription"
		_, err := p.Receive(context.Background(), newStranger(t).signed(t, confirmation(url)))
		wantError(t, err, muster.Denied, "sns.signature")
		if p.net.count(url) != 0 {
			t.Error("it was fetched")
		}
	})
	t.Run("a confirmation that fails is tried again", func(t *testing.T) {
		p := newPost(t)
		const url = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription"
		p.net.serve(url, 302, "")
		body := p.topic.signed(t, confirmation(url))
		_, err := p.Receive(context.Background(), body)
		wantError(t, err, muster.Unavailable, "sns.confirm")
		p.net.serve(url, 200, "")
		if _, err := p.Receive(context.Background(), body); err != nil || p.net.count(url) != 2 {
			t.Errorf("%d tries, %v", p.net.count(url), err)
		}
	})
}

func TestAnUnsubscribedTopicIsNoError(t *testing.T) {
	p := newPost(t)
	m := confirmation("https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription").with("Type", "UnsubscribeConfirmation")
	if got, err := p.Receive(context.Background(), p.topic.signed(t, m)); got != nil || err != nil || p.net.count(m["SubscribeURL"]) != 0 {
		t.Errorf("got %q, %v; confirmed %d times", got, err, p.net.count(m["SubscribeURL"]))
	}
}

func TestTheHandlerAppliesEventsOnce(t *testing.T) {
	p := newPost(t)
	var applied []muster.Event
	var placed []muster.PlacementEvent
	var fail error
	handle := p.Handler(func(_ context.Context, e muster.Event) error {
		if fail == nil {
			applied = append(applied, e)
		}
		return fail
	}, func(_ context.Context, e muster.PlacementEvent) error {
		placed = append(placed, e)
		return nil
	})
	const detail = `{"type":"MatchmakingSearching","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}]}`
	body := p.topic.signed(t, notification(eventJSON(detail)))
	fail = muster.Errorf(muster.Unavailable, "store.down", "the store is down")
	if err := handle(context.Background(), body); muster.KindOf(err) != muster.Unavailable {
		t.Fatalf("an event that cannot be applied: %v", err)
	}
	fail = nil
	for range 2 {
		if err := handle(context.Background(), body); err != nil {
			t.Fatal(err)
		}
	}
	if len(applied) != 1 || applied[0].Tickets[0].ID != "t1" {
		t.Errorf("applied %+v", applied)
	}
	skipped := p.topic.signed(t, notification(`{"detail-type":"other"}`).with("MessageId", "m-2"))
	if err := handle(context.Background(), skipped); err != nil || len(applied) != 1 {
		t.Errorf("an event of another kind: %v", err)
	}
	placement := p.topic.signed(t, notification(placementJSON(`{"type":"PlacementTimedOut","placementId":"room-1"}`)).with("MessageId", "m-4"))
	if err := handle(context.Background(), placement); err != nil || len(placed) != 1 || placed[0].Placement != "room-1" || len(applied) != 1 {
		t.Errorf("a placement event: %v, %+v", err, placed)
	}
	broken := p.topic.signed(t, notification("hello").with("MessageId", "m-3"))
	wantError(t, handle(context.Background(), broken), muster.Invalid, "event.malformed")
	wantError(t, handle(context.Background(), []byte("{}")), muster.Invalid, "sns.type")
}

func FuzzReceive(f *testing.F) {
	p := newPost(f)
	good := p.topic.signed(f, notification("hello").with("Subject", "s"))
	f.Add(good)
	f.Add(p.topic.signed(f, confirmation("http://127.0.0.1:4570/sns/?Action=x")))
	f.Add([]byte(`{"Type":"Notification","TopicArn":"` + topicARN + `","MessageId":"x","SignatureVersion":"1","SigningCertURL":"` + localCert + `"}`))
	trusted := map[string]bool{amazonCert: true, localCert: true}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := p.Receive(context.Background(), body)
		if err == nil && got != nil && string(got) != "hello" {
			t.Errorf("%q passes with %q", body, got)
		}
		if err != nil && muster.KindOf(err) == muster.Internal {
			t.Errorf("%q: %v", body, err)
		}
		p.net.mu.Lock()
		defer p.net.mu.Unlock()
		for url := range p.net.seen {
			if !trusted[url] && !strings.HasPrefix(url, "https://sns.us-west-2.amazonaws.com/") && !strings.HasPrefix(url, "http://127.0.0.1:4570/sns/") {
				t.Errorf("%q was fetched", url)
			}
		}
	})
}
