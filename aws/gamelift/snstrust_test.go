package gamelift

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestCertificatesThatAreRefused(t *testing.T) {
	named := func(change func(*x509.Certificate)) func(*testing.T) string {
		return func(t *testing.T) string { return string(newTopic(t, change).cert) }
	}
	weak, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := newTopic(t, nil)
	cases := map[string]func(*testing.T) string{
		"one that is over":        named(func(c *x509.Certificate) { c.NotAfter = testNow.Add(-time.Minute) }),
		"one that begins later":   named(func(c *x509.Certificate) { c.NotBefore = testNow.Add(time.Minute) }),
		"one of somebody else":    named(func(c *x509.Certificate) { c.Subject.CommonName = "evil.example" }),
		"one that sounds like it": named(func(c *x509.Certificate) { c.Subject.CommonName = "sns.amazonaws.com.evil.example" }),
		"one without an RSA key":  func(t *testing.T) string { return string(certificateFor(t, weak, nil)) },
		"a chain of strangers":    func(t *testing.T) string { return string(own.cert) + string(newStranger(t).cert) },
		"a page":                  func(*testing.T) string { return "<html>" },
		"a key":                   func(*testing.T) string { return "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" },
		"nonsense in PEM":         func(*testing.T) string { return "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
		"a chain without end":     func(*testing.T) string { return strings.Repeat(string(own.cert), 6) },
	}
	for name, document := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.net.serve(amazonCert, 200, document(t))
			_, err := p.Receive(context.Background(), p.topic.signed(t, notification("hello")))
			wantError(t, err, muster.Denied, "sns.certificate")
		})
	}
	for name, status := range map[string]int{"a redirect": 302, "trouble": 500} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.net.serve(amazonCert, status, string(p.topic.cert))
			_, err := p.Receive(context.Background(), p.topic.signed(t, notification("hello")))
			wantError(t, err, muster.Unavailable, "sns.certificate")
			if len(p.net.seen) != 1 {
				t.Errorf("fetched %v", p.net.seen)
			}
		})
	}
	t.Run("a document without end", func(t *testing.T) {
		p := newPost(t)
		p.net.serve(amazonCert, 200, string(p.topic.cert)+strings.Repeat(" ", maxCertificateBytes))
		_, err := p.Receive(context.Background(), p.topic.signed(t, notification("hello")))
		wantError(t, err, muster.Unavailable, "sns.certificate")
	})
}

func TestTheNamesOfSNS(t *testing.T) {
	for name, good := range map[string]bool{
		"sns.amazonaws.com": true, "sns.us-east-1.amazonaws.com": true, "sns.cn-north-1.amazonaws.com.cn": true,
		"sns-us-gov-west-1.amazonaws.com": true, "sns-signing.eu-south-1.amazonaws.com": true,
		"s3.amazonaws.com": false, "snsamazonaws.com": false, "a.sns.amazonaws.com": false, "sns.amazonaws.com.evil": false,
	} {
		if got := namesSNS(&x509.Certificate{DNSNames: []string{"other.example", name}}); got != good {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestTheHostOfATopic(t *testing.T) {
	for arn, want := range map[string]string{
		topicARN: "sns.us-west-2.amazonaws.com",
		"arn:aws-us-gov:sns:us-gov-west-1:1:topic":   "sns.us-gov-west-1.amazonaws.com",
		"arn:aws-cn:sns:cn-north-1:1:topic":          "sns.cn-north-1.amazonaws.com.cn",
		"arn:other:sns:us-west-2:1:topic":            "",
		"arn:aws:sqs:us-west-2:1:topic":              "",
		"arn:aws:sns::1:topic":                       "",
		"arn:aws:sns:evil.example/:1:topic":          "",
		"arn:aws:sns:us-west-2:1:topic:subscription": "",
		"x": "", "": "",
	} {
		if got := amazonHost(arn); got != want {
			t.Errorf("%q: %q, want %q", arn, got, want)
		}
	}
}

func TestACertificateThatFailedIsLeftForAWhile(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   muster.Kind
	}{
		"no answer": {503, "", muster.Unavailable},
		"a page":    {200, "<html>", muster.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.net.serve(amazonCert, tc.status, tc.body)
			body := p.topic.signed(t, notification("hello"))
			for range 3 {
				_, err := p.Receive(context.Background(), body)
				wantError(t, err, tc.kind, "sns.certificate")
			}
			if n := p.net.count(amazonCert); n != 1 {
				t.Errorf("fetched %d times", n)
			}
			p.net.serve(amazonCert, 200, string(p.topic.cert))
			p.now = p.now.Add(failureLife)
			if got, err := p.Receive(context.Background(), body); err != nil || string(got) != "hello" {
				t.Errorf("later: %q, %v", got, err)
			}
		})
	}
	t.Run("a caller who leaves spoils nothing for others", func(t *testing.T) {
		p := newPost(t)
		ctx, leave := context.WithCancel(context.Background())
		p.net.mu.Lock()
		p.net.pages[amazonCert] = func() (*http.Response, error) { leave(); return nil, ctx.Err() }
		p.net.mu.Unlock()
		body := p.topic.signed(t, notification("hello"))
		_, err := p.Receive(ctx, body)
		wantError(t, err, muster.Unavailable, "sns.certificate")
		p.net.serve(amazonCert, 200, string(p.topic.cert))
		if got, err := p.Receive(context.Background(), body); err != nil || string(got) != "hello" {
			t.Errorf("the next: %q, %v", got, err)
		}
	})
}

func TestFailuresDoNotFillTheMemory(t *testing.T) {
	p := newPost(t)
	for i := range maxFailures + 5 {
		m := notification("hello").with("SigningCertURL", fmt.Sprintf("https://sns.us-west-2.amazonaws.com/%d.pem", i))
		_, err := p.Receive(context.Background(), p.topic.signed(t, m))
		wantError(t, err, muster.Unavailable, "sns.certificate")
	}
	if n := len(p.certs.failed); n == 0 || n > maxFailures {
		t.Errorf("%d failures are kept", n)
	}
}

func TestACertificateIsFetchedOnceADay(t *testing.T) {
	p := newPost(t)
	receive := func(id string) {
		t.Helper()
		m := notification("hello").with("MessageId", id).with("Timestamp", p.now.Format(time.RFC3339))
		if _, err := p.Receive(context.Background(), p.topic.signed(t, m)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		receive(fmt.Sprint("a", i))
	}
	if n := p.net.count(amazonCert); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	p.now = p.now.Add(certificateLife)
	receive("b")
	if n := p.net.count(amazonCert); n != 2 {
		t.Errorf("a day later: fetched %d times", n)
	}
}

func TestCertificatesDoNotFillTheMemory(t *testing.T) {
	p := newPost(t)
	for i := range maxCertificates + 5 {
		url := fmt.Sprintf("https://sns.us-west-2.amazonaws.com/%d.pem", i)
		p.net.serve(url, 200, string(p.topic.cert))
		m := notification("hello").with("MessageId", fmt.Sprint(i)).with("SigningCertURL", url)
		if _, err := p.Receive(context.Background(), p.topic.signed(t, m)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.certs.kept); n > maxCertificates {
		t.Errorf("%d certificates are kept", n)
	}
}

func TestAPrefixThatIsNoURLIsAMistakeOfOurs(t *testing.T) {
	for _, prefix := range []string{"", "127.0.0.1:4570", "/sns/", "ftp://host/", "http://user@host/", "%"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("prefix %q is taken", prefix)
				}
			}()
			NewReceiver(ReceiverOptions{CertificateURLPrefixes: []string{prefix}, Now: time.Now})
		}()
	}
}
