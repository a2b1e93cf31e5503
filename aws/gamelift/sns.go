package gamelift

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // SNS signs with it unless the topic says otherwise
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"muster"
)

// The types of SNS messages over HTTP.
const (
	snsNotification = "Notification"
	snsSubscribe    = "SubscriptionConfirmation"
	snsUnsubscribe  = "UnsubscribeConfirmation"
)

// DefaultMaxBody bounds an SNS message: 256 KiB of message, which JSON may double, and
// the envelope.
const DefaultMaxBody = 640 << 10

// How old a message may be, and how far ahead of our clock. SNS retries for an hour at
// most; a few minutes more allow for clocks.
const (
	maxMessageAge   = time.Hour + 5*time.Minute
	maxMessageAhead = 5 * time.Minute
)

// ReceiverOptions says whose messages a Receiver takes.
type ReceiverOptions struct {
	// Topics are the ARNs of the topics listened to; messages of others are refused.
	Topics []string
	// CertificateURLPrefixes are further places to trust for certificates and
	// confirmation, such as "http://127.0.0.1:4570/sns/". Empty: Amazon's host in the
	// topic's region only.
	CertificateURLPrefixes []string
	HTTPClient             *http.Client // its redirects are not followed; nil: one with timeouts
	Now                    func() time.Time
	MaxBody                int // bytes; 0: DefaultMaxBody
}

// Receiver checks messages that arrive from SNS over HTTP. It is safe for concurrent
// use.
type Receiver struct {
	topics  map[string]bool
	trusted []origin
	web     *web
	certs   *certificates
	seen    *replays
	now     func() time.Time
	maxBody int
}

// NewReceiver makes a Receiver. A prefix that is not an absolute URL is an unsafe
// configuration and panics.
func NewReceiver(o ReceiverOptions) *Receiver {
	r := &Receiver{
		topics: make(map[string]bool, len(o.Topics)), now: o.Now, maxBody: o.MaxBody,
		web: newWeb(o.HTTPClient), seen: newReplays(),
	}
	if r.maxBody == 0 {
		r.maxBody = DefaultMaxBody
	}
	for _, arn := range o.Topics {
		r.topics[arn] = true
	}
	for _, prefix := range o.CertificateURLPrefixes {
		r.trusted = append(r.trusted, mustOrigin(prefix))
	}
	r.certs = newCertificates(r.web, o.Now)
	return r
}

// snsMessage is what SNS posts. Source: Amazon SNS developer guide, "Parsing message
// formats".
type snsMessage struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicARN         string `json:"TopicArn"`
	Subject          *string
	Message          string
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	SubscribeURL     string
	Token            string
}

// Receive checks a message and returns what it carries; nil when it carries nothing for
// us: a confirmation, which is answered, or a message that was delivered before. Only a
// message from a topic of ours, signed with a certificate from a trusted place, recent
// and new, passes. Errors are Invalid (malformed), Denied (not to be trusted), or
// Unavailable (the certificate or the confirmation cannot be had now).
func (r *Receiver) Receive(ctx context.Context, body []byte) ([]byte, error) {
	m, err := r.receive(ctx, body)
	if err != nil || m == nil {
		return nil, err
	}
	return []byte(m.Message), nil
}

// Handler joins Receive, Decode and DecodePlacement: the body of an SNS request goes in,
// apply takes its matchmaking event or placed its placement event, and nil comes out when
// SNS need not send it again. A message whose event could not be applied is forgotten, so
// that its repeat is taken.
func (r *Receiver) Handler(apply func(context.Context, muster.Event) error, placed func(context.Context, muster.PlacementEvent) error) func(ctx context.Context, body []byte) error {
	return func(ctx context.Context, body []byte) error {
		m, err := r.receive(ctx, body)
		if err != nil || m == nil {
			return err
		}
		id, err := dispatch(ctx, []byte(m.Message), apply, placed)
		if id != "" && err != nil {
			r.seen.forget(m.MessageID)
			return fmt.Errorf("apply event %s: %w", id, err)
		}
		return err
	}
}

// dispatch hands an event to who takes its kind. id is that of an event that was handed
// over, empty for one that was not.
func dispatch(ctx context.Context, message []byte, apply func(context.Context, muster.Event) error, placed func(context.Context, muster.PlacementEvent) error) (id string, err error) {
	event, ok, err := Decode(message)
	if err != nil {
		return "", err
	}
	if ok {
		return event.ID, apply(ctx, event)
	}
	placement, ok, err := DecodePlacement(message)
	if err != nil || !ok {
		return "", err
	}
	return placement.ID, placed(ctx, placement)
}

// receive returns a new notification, or nil for a message that needs no more work.
func (r *Receiver) receive(ctx context.Context, body []byte) (*snsMessage, error) {
	m, err := r.parse(body)
	if err != nil {
		return nil, err
	}
	if err := r.verify(ctx, m); err != nil {
		return nil, err
	}
	if !r.seen.first(m.MessageID, r.now()) {
		return nil, nil
	}
	switch m.Type {
	case snsNotification:
		return m, nil
	case snsSubscribe:
		if err := r.confirm(ctx, m); err != nil {
			r.seen.forget(m.MessageID)
			return nil, err
		}
	}
	return nil, nil
}

func (r *Receiver) parse(body []byte) (*snsMessage, error) {
	if len(body) > r.maxBody {
		return nil, muster.Errorf(muster.Invalid, "sns.too_large", "a message has %d bytes, %d is the limit", len(body), r.maxBody)
	}
	var m snsMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, &muster.Error{Kind: muster.Invalid, Code: "sns.malformed", Message: "the body is not an SNS message", Err: err}
	}
	switch m.Type {
	case snsNotification, snsSubscribe, snsUnsubscribe:
	default:
		return nil, muster.Errorf(muster.Invalid, "sns.type", "the body is not an SNS message of a known type; raw delivery cannot be verified and is not taken")
	}
	const maxID = 256
	if m.MessageID == "" || len(m.MessageID) > maxID {
		return nil, muster.Errorf(muster.Invalid, "sns.malformed", "the message has no usable MessageId")
	}
	return &m, nil
}

// verify is the checks in the order in which each makes the next one safe: a topic of
// ours, a known signature, a certificate from a trusted place, the signature itself, and
// only then what the message says of its age.
func (r *Receiver) verify(ctx context.Context, m *snsMessage) error {
	if !r.topics[m.TopicARN] {
		return denied("sns.topic", "the message is of a topic that is not listened to", nil)
	}
	hash, sum, err := m.digest()
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil {
		return denied("sns.signature", "the signature is not base64", err)
	}
	place, ok := r.certificateURL(m.TopicARN, m.SigningCertURL)
	if !ok {
		return denied("sns.certificate_url", "the signing certificate is not at a trusted place", nil)
	}
	key, err := r.certs.key(ctx, place)
	if err != nil {
		return err
	}
	if err := rsa.VerifyPKCS1v15(key, hash, sum, signature); err != nil {
		return denied("sns.signature", "the signature is not that of the message", err)
	}
	at, err := time.Parse(time.RFC3339, m.Timestamp)
	if err != nil {
		return &muster.Error{Kind: muster.Invalid, Code: "sns.malformed", Message: "the message has no valid Timestamp", Err: err}
	}
	if age := r.now().Sub(at); age > maxMessageAge || age < -maxMessageAhead {
		return denied("sns.stale", "the message is too old, or from the future", nil)
	}
	return nil
}

func denied(code, message string, cause error) *muster.Error {
	return &muster.Error{Kind: muster.Denied, Code: code, Message: message, Err: cause}
}

// digest is the hash of what the signature covers, by signature version. Source: Amazon
// SNS developer guide, "Verifying the signatures of Amazon SNS messages".
func (m *snsMessage) digest() (crypto.Hash, []byte, error) {
	text := []byte(m.signedText())
	switch m.SignatureVersion {
	case "1":
		sum := sha1.Sum(text) //nolint:gosec // what version 1 is
		return crypto.SHA1, sum[:], nil
	case "2":
		sum := sha256.Sum256(text)
		return crypto.SHA256, sum[:], nil
	}
	return 0, nil, denied("sns.signature_version", "the signature is of an unknown version", nil)
}

// signedText is name and value of certain members, a line each, in the order of their
// names.
func (m *snsMessage) signedText() string {
	pairs := []string{"Message", m.Message, "MessageId", m.MessageID}
	if m.Type == snsNotification {
		if m.Subject != nil {
			pairs = append(pairs, "Subject", *m.Subject)
		}
		pairs = append(pairs, "Timestamp", m.Timestamp)
	} else {
		pairs = append(pairs, "SubscribeURL", m.SubscribeURL, "Timestamp", m.Timestamp, "Token", m.Token)
	}
	pairs = append(pairs, "TopicArn", m.TopicARN, "Type", m.Type)
	return strings.Join(pairs, "\n") + "\n"
}

// confirm tells SNS that the subscription is wanted. The message was verified, so its
// URL comes from whoever owns the topic; still it must lead to a trusted place.
func (r *Receiver) confirm(ctx context.Context, m *snsMessage) error {
	place, ok := r.subscribeURL(m.TopicARN, m.SubscribeURL)
	if !ok {
		return denied("sns.subscribe_url", "the confirmation does not lead to a trusted place", nil)
	}
	leave, err := r.web.enter(ctx)
	if err != nil {
		return unfetched("sns.confirm", err)
	}
	defer leave()
	const maxAnswer = 64 << 10
	if _, err := r.web.get(ctx, place, maxAnswer); err != nil {
		return unfetched("sns.confirm", err)
	}
	return nil
}
