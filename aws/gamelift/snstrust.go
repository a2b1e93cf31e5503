package gamelift

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"muster"
)

// amazonDomains are the ends of Amazon's host names by partition, the second member of
// an ARN.
var amazonDomains = map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}

var amazonRegion = regexp.MustCompile(`^[a-z0-9-]+$`)

// amazonHost is the host at which SNS keeps the certificate of a topic and takes the
// confirmation, that of the topic's region; empty if the topic is not at Amazon. Without
// it a forger could have us call a host of their choice among Amazon's, such as one that
// does not exist. Source: Amazon SNS developer guide.
func amazonHost(topicARN string) string {
	parts := strings.Split(topicARN, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || !amazonRegion.MatchString(parts[3]) {
		return ""
	}
	domain, known := amazonDomains[parts[1]]
	if !known {
		return ""
	}
	return "sns." + parts[3] + "." + domain
}

// amazonSNSName is a name in the certificates of SNS: "sns.amazonaws.com", or with the
// region in some partitions.
var amazonSNSName = regexp.MustCompile(`^sns[a-z0-9-]*(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$`)

// origin is a trusted place beside Amazon's: everything on a host below a path.
type origin struct{ scheme, host, path string }

func mustOrigin(prefix string) origin {
	u, err := url.Parse(prefix)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		panic(fmt.Sprintf("gamelift: certificate prefix %q is not an absolute URL", prefix))
	}
	return origin{scheme: u.Scheme, host: u.Host, path: strings.TrimSuffix(u.Path, "/") + "/"}
}

// holds says that u lies within the place. Hosts are compared whole: a prefix of text
// would also match another port or a user name.
func (o origin) holds(u *url.URL) bool {
	return u.Scheme == o.scheme && u.Host == o.host && strings.HasPrefix(u.Path, o.path)
}

// place is a URL that was found to be trusted.
type place struct {
	url    string
	amazon bool
}

// certificateURL says whether text is a place to take the signing certificate of a
// topic of ours from.
func (r *Receiver) certificateURL(topicARN, text string) (place, bool) {
	p, u, ok := r.place(topicARN, text)
	return p, ok && u.RawQuery == "" && strings.HasSuffix(u.Path, ".pem")
}

// subscribeURL says whether text is a place to confirm a subscription to a topic of
// ours at.
func (r *Receiver) subscribeURL(topicARN, text string) (place, bool) {
	p, _, ok := r.place(topicARN, text)
	return p, ok
}

func (r *Receiver) place(topicARN, text string) (place, *url.URL, bool) {
	const maxURL = 2048
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.User != nil || u.Fragment != "" || u.Opaque != "" || strings.Contains(u.Path, "..") {
		return place{}, nil, false
	}
	if host := amazonHost(topicARN); host != "" && u.Scheme == "https" && u.Host == host { // Host has the port, too
		return place{url: u.String(), amazon: true}, u, true
	}
	for _, o := range r.trusted {
		if o.holds(u) {
			return place{url: u.String()}, u, true
		}
	}
	return place{}, nil, false
}

// web fetches small documents from trusted places, a few at a time.
type web struct {
	client *http.Client
	slots  chan struct{}
}

// Bounds of fetching.
const (
	fetchTimeout = 5 * time.Second
	maxFetches   = 4
)

// newWeb takes a copy of the client that follows no redirect: the place was checked,
// not where it points.
func newWeb(client *http.Client) *web {
	if client == nil {
		client = &http.Client{Transport: newHTTPClient().GetTransport()}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &web{client: &own, slots: make(chan struct{}, maxFetches)}
}

// enter waits for a turn to fetch; leave ends it.
func (w *web) enter(ctx context.Context) (leave func(), err error) {
	select {
	case w.slots <- struct{}{}:
		return func() { <-w.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// get reads a document of up to limit bytes. The caller has entered.
func (w *web) get(ctx context.Context, p place, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer is %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("answer has more than %d bytes", limit)
	}
	return body, nil
}

// Bounds of certificates. SNS has one per region and replaces it about yearly.
const (
	maxCertificates     = 32
	maxCertificateBytes = 32 << 10
	certificateLife     = 24 * time.Hour
)

// Bounds of remembering failures. SNS repeats a message for longer than that.
const (
	maxFailures = 128
	failureLife = 10 * time.Second
)

// certificates keeps signing keys by the URL of their certificate, and for a short time
// the URLs that gave none: a forger who repeats a message costs no further fetch.
type certificates struct {
	web *web
	now func() time.Time

	mu     sync.Mutex             // guards what follows
	kept   map[string]keptKey     // at most maxCertificates
	failed map[string]keptFailure // at most maxFailures
}

type keptKey struct {
	key       *rsa.PublicKey
	notBefore time.Time
	until     time.Time
}

type keptFailure struct {
	err   error
	until time.Time
}

func newCertificates(w *web, now func() time.Time) *certificates {
	return &certificates{web: w, now: now, kept: make(map[string]keptKey), failed: make(map[string]keptFailure)}
}

// key is the public key of the certificate at a place. Unavailable: it cannot be had
// now. Denied: what is there is not a certificate to trust.
func (c *certificates) key(ctx context.Context, p place) (*rsa.PublicKey, error) {
	if key, err := c.cached(p); key != nil || err != nil {
		return key, err
	}
	leave, err := c.web.enter(ctx)
	if err != nil {
		return nil, unfetched("sns.certificate", err)
	}
	defer leave()
	if key, err := c.cached(p); key != nil || err != nil {
		return key, err // fetched while this call waited
	}
	fetched, err := c.fetch(ctx, p)
	if err != nil {
		if ctx.Err() == nil { // else the caller left, and the place is not to blame
			c.keepFailure(p.url, err)
		}
		return nil, err
	}
	c.keep(p.url, fetched)
	return fetched.key, nil
}

// fetch reads the certificate at a place. The caller has entered.
func (c *certificates) fetch(ctx context.Context, p place) (keptKey, error) {
	body, err := c.web.get(ctx, p, maxCertificateBytes)
	if err != nil {
		return keptKey{}, unfetched("sns.certificate", err)
	}
	cert, err := trustedCertificate(body, p.amazon, c.now())
	if err != nil {
		return keptKey{}, denied("sns.certificate", "the signing certificate is not valid", err)
	}
	until := c.now().Add(certificateLife)
	if cert.NotAfter.Before(until) {
		until = cert.NotAfter
	}
	key := cert.PublicKey.(*rsa.PublicKey) // trustedCertificate saw to it
	return keptKey{key: key, notBefore: cert.NotBefore, until: until}, nil
}

// unfetched is the error for a trusted place that does not answer.
func unfetched(code string, cause error) *muster.Error {
	return &muster.Error{Kind: muster.Unavailable, Code: code, Message: "a place that the message names does not answer", RetryAfter: retryAfter, Err: cause}
}

// cached is the kept key of a place, or why there was none a moment ago; neither if the
// place must be asked.
func (c *certificates) cached(p place) (*rsa.PublicKey, error) {
	c.mu.Lock()
	kept, failure := c.kept[p.url], c.failed[p.url]
	c.mu.Unlock()
	now := c.now()
	if kept.key != nil && now.Before(kept.until) && !now.Before(kept.notBefore) {
		return kept.key, nil
	}
	if now.Before(failure.until) {
		return nil, failure.err
	}
	return nil, nil
}

// keep adds a key; when there are too many, all others are dropped and fetched again.
func (c *certificates) keep(at string, k keptKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= maxCertificates {
		clear(c.kept)
	}
	c.kept[at] = k
	delete(c.failed, at)
}

// keepFailure remembers for a short time that a place gave no key; when there are too
// many, all others are forgotten.
func (c *certificates) keepFailure(at string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failed) >= maxFailures {
		clear(c.failed)
	}
	c.failed[at] = keptFailure{err: err, until: c.now().Add(failureLife)}
}

// trustedCertificate reads the first certificate of a PEM document and checks its dates
// and key; further ones must each have signed the one before. One from Amazon must also
// bear the name of SNS. That it is Amazon's rests on the HTTPS connection to Amazon's
// host: the document need not hold a whole chain.
func trustedCertificate(body []byte, amazon bool, now time.Time) (*x509.Certificate, error) {
	chain, err := parseChain(body)
	if err != nil {
		return nil, err
	}
	cert := chain[0]
	for i, c := range chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return nil, errors.New("a certificate is not valid now")
		}
		if i > 0 {
			if err := chain[i-1].CheckSignatureFrom(c); err != nil {
				return nil, fmt.Errorf("the chain does not hold: %w", err)
			}
		}
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	const minBits = 2048
	if !ok || key.N.BitLen() < minBits {
		return nil, fmt.Errorf("the certificate has no RSA key of %d bits", minBits)
	}
	if amazon && !namesSNS(cert) {
		return nil, errors.New("the certificate does not bear the name of SNS")
	}
	return cert, nil
}

func parseChain(body []byte) ([]*x509.Certificate, error) {
	const maxChain = 5
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		block, body = pem.Decode(body)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(chain) == maxChain {
			return nil, fmt.Errorf("a certificate document holds up to %d certificates and nothing else", maxChain)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate in PEM form")
	}
	return chain, nil
}

func namesSNS(cert *x509.Certificate) bool {
	for _, name := range append([]string{cert.Subject.CommonName}, cert.DNSNames...) {
		if amazonSNSName.MatchString(name) {
			return true
		}
	}
	return false
}

// maxReplays bounds the memory of message ids; beyond it the oldest are forgotten, and
// the rules, which apply every event once, are the second guard.
const maxReplays = 100_000

// replays remembers the messages of the time in which a message is taken at all.
type replays struct {
	mu    sync.Mutex
	seen  map[string]struct{} // guarded by mu
	order []arrival           // guarded by mu; oldest first; may name forgotten ids
}

type arrival struct {
	id string
	at time.Time
}

func newReplays() *replays { return &replays{seen: make(map[string]struct{})} }

// first reports whether the id is new, and remembers it.
func (r *replays) first(id string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.order) > 0 && (len(r.order) >= maxReplays || now.Sub(r.order[0].at) > maxMessageAge+maxMessageAhead) {
		delete(r.seen, r.order[0].id)
		r.order = r.order[1:]
	}
	if _, known := r.seen[id]; known {
		return false
	}
	r.seen[id] = struct{}{}
	r.order = append(r.order, arrival{id, now})
	return true
}

// forget makes an id new again.
func (r *replays) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, id)
}
