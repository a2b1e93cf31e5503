package sns

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"
)

const (
	typeNotification = "Notification"
	typeConfirmation = "SubscriptionConfirmation"

	// timestampLayout has milliseconds: 2026-11-22T05:21:27.057Z.
	timestampLayout = "2006-01-02T15:04:05.000Z"
)

// message is the JSON that an endpoint gets. Source: Amazon SNS developer guide, "HTTP
// notification JSON format" and "HTTP subscription confirmation JSON format".
type message struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string `json:",omitempty"`
	TopicARN         string `json:"TopicArn"`
	Message          string
	SubscribeURL     string `json:",omitempty"`
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	UnsubscribeURL   string `json:",omitempty"`
}

// notification makes an unsigned notification; all subscriptions share it.
func (t *Topics) notification(topicARN, text string) *message {
	return &message{
		Type:      typeNotification,
		MessageID: t.opts.NewID(),
		TopicARN:  topicARN,
		Message:   text,
		Timestamp: t.opts.Now().UTC().Format(timestampLayout),
	}
}

// confirmation makes the unsigned question whether an endpoint wants its subscription.
func (t *Topics) confirmation(s *subscription) *message {
	query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {s.topicARN}, "Token": {s.token}}
	return &message{
		Type:      typeConfirmation,
		MessageID: t.opts.NewID(),
		Token:     s.token,
		TopicARN:  s.topicARN,
		Message: "You have chosen to subscribe to the topic " + s.topicARN +
			".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
		SubscribeURL: t.opts.BaseURL + pathPrefix + "?" + query.Encode(),
		Timestamp:    t.opts.Now().UTC().Format(timestampLayout),
	}
}

// envelope signs a copy of m for the subscription s and writes it as JSON.
func (t *Topics) envelope(s *subscription, m *message) ([]byte, error) {
	signed := *m
	signed.SignatureVersion = "2"
	signed.SigningCertURL = t.signer.certURL
	if m.Type == typeNotification {
		query := url.Values{"Action": {"Unsubscribe"}, "SubscriptionArn": {s.arn}}
		signed.UnsubscribeURL = t.opts.BaseURL + pathPrefix + "?" + query.Encode()
	}
	var err error
	if signed.Signature, err = t.signer.sign(m); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(signed); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// signedText is what the signature covers: name and value of certain members, each on a
// line of its own, in the order of their names.
func signedText(m *message) string {
	pairs := []string{"Message", m.Message, "MessageId", m.MessageID}
	if m.Type == typeConfirmation {
		pairs = append(pairs, "SubscribeURL", m.SubscribeURL, "Timestamp", m.Timestamp, "Token", m.Token)
	} else {
		pairs = append(pairs, "Timestamp", m.Timestamp)
	}
	pairs = append(pairs, "TopicArn", m.TopicARN, "Type", m.Type)
	return strings.Join(pairs, "\n") + "\n"
}

// signer holds the key and the certificate that vouches for it.
type signer struct {
	key         *rsa.PrivateKey
	certPEM     []byte
	fingerprint string // SHA-256 of the certificate, hex
	certURL     string
}

// newSigner makes a self-signed certificate for key (nil: a new key).
func newSigner(key *rsa.PrivateKey, baseURL string, now time.Time) (*signer, error) {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, fmt.Errorf("make the signing key: %w", err)
		}
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make the signing certificate: %w", err)
	}
	name := pkix.Name{CommonName: "Muster local notifications"}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      name,
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0), // the key lives as long as the process
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the signing certificate: %w", err)
	}
	sum := sha256.Sum256(der)
	fingerprint := hex.EncodeToString(sum[:])
	return &signer{
		key:         key,
		certPEM:     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		fingerprint: fingerprint,
		certURL:     baseURL + pathPrefix + fingerprint + ".pem",
	}, nil
}

// sign returns the signature of version 2, SHA-256 with RSA (PKCS #1 v1.5), in base64.
func (s *signer) sign(m *message) (string, error) {
	sum := sha256.Sum256([]byte(signedText(m)))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign message %q: %w", m.MessageID, err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}
