package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"

	"muster/identity"
)

// WebhookTimeout is how long a studio's own service may take; it is the Client's to keep.
const WebhookTimeout = 2 * time.Second

// Limits of an answer, in bytes and entries.
const (
	maxWebhookAnswer  = 64 << 10
	maxWebhookSubject = 512
	maxWebhookName    = 256
	maxEntitlements   = 100
)

// WebhookOptions says who proves players. Client, Now, Name, URL and Key are required.
type WebhookOptions struct {
	Client *Client // with WebhookTimeout
	Now    func() time.Time
	Name   string // of the provider, told to the webhook
	URL    string

	// Key signs requests: 32 bytes or more. NextKey, if there is one, signs them too, so that the
	// webhook may change from one to the other at any time.
	Key     Secret
	NextKey Secret

	// Takes lists the members of a proof that the webhook wants, in the words of the API:
	// "token", "code", "redirectUri", "codeVerifier", "nonce", "fields.NAME". A proof has
	// all of them and no other. Empty: the token alone.
	Takes []string
	// Entitlement is one that the player must have. Empty: none is asked for.
	Entitlement string
}

// Webhook proves players by asking a service of the studio's own. What it sends and takes
// is described in docs/identity.md; Receiver is the other end.
type Webhook struct{ o WebhookOptions }

// NewWebhook makes a Webhook.
func NewWebhook(o WebhookOptions) *Webhook {
	if len(o.Takes) == 0 {
		o.Takes = []string{"token"}
	}
	o.Takes = slices.Clone(o.Takes)
	slices.Sort(o.Takes)
	return &Webhook{o}
}

// Takes implements identity.Taker.
func (w *Webhook) Takes() [][]string { return [][]string{w.o.Takes} }

// webhookRequest is the body of a request.
type webhookRequest struct {
	Provider     string            `json:"provider"`
	Token        string            `json:"token,omitempty"`
	Code         string            `json:"code,omitempty"`
	RedirectURI  string            `json:"redirectUri,omitempty"`
	CodeVerifier string            `json:"codeVerifier,omitempty"`
	Nonce        string            `json:"nonce,omitempty"`
	Fields       map[string]string `json:"fields,omitempty"`
}

// webhookAnswer is the body of an answer of status 200.
type webhookAnswer struct {
	Subject      string     `json:"subject"`
	DisplayName  string     `json:"displayName,omitempty"`
	Entitlements []string   `json:"entitlements,omitempty"`
	ExpiresAt    *time.Time `json:"expiresAt,omitempty"`
}

// webhookRefusal is the body of an answer of status 422.
type webhookRefusal struct {
	Reason identity.Reason `json:"reason"`
}

// webhookReasons are the reasons that a webhook may give.
var webhookReasons = []identity.Reason{
	identity.CredentialInvalid, identity.CredentialExpired, identity.WrongApplication, identity.NonceMismatch,
	identity.NotEntitled, identity.AccountBanned, identity.AgeOrPrivilege,
}

// Verify implements identity.Provider. A nonce that came along is used up once the webhook
// has said that the proof is good.
func (w *Webhook) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	if !slices.Equal(membersOf(proof), w.o.Takes) {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the proof does not have the members that the webhook takes"))
	}
	body, err := json.Marshal(webhookRequest{
		Provider: w.o.Name, Token: proof.Token, Code: proof.Code, RedirectURI: proof.RedirectURI,
		CodeVerifier: proof.CodeVerifier, Nonce: proof.Nonce, Fields: proof.Fields,
	})
	if err != nil {
		return identity.Verified{}, fmt.Errorf("ask a webhook: %w", err)
	}
	keys, err := w.keys(ctx)
	if err != nil {
		return identity.Verified{}, err
	}
	now := w.o.Now()
	answer, err := w.o.Client.Do(ctx, Call{
		Method: http.MethodPost, URL: w.o.URL, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}, SignatureHeader: {signBody(keys, now, body)}},
	})
	if err != nil {
		return identity.Verified{}, err
	}
	told, err := w.read(ctx, answer)
	if err != nil {
		return identity.Verified{}, err
	}
	who := identity.Verified{Subject: told.Subject, DisplayName: told.DisplayName, Nonce: proof.Nonce}
	if told.ExpiresAt != nil {
		if !now.Before(*told.ExpiresAt) {
			return identity.Verified{}, identity.Refusal(identity.CredentialExpired, errors.New("the webhook says that the proof has expired"))
		}
		sum := sha256.Sum256(body)
		who.Once, who.Until = hex.EncodeToString(sum[:]), earlier(*told.ExpiresAt, now.Add(longestReuse))
	}
	return who, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// membersOf lists the members that a proof has, in order.
func membersOf(p identity.Proof) []string {
	var members []string
	for name, value := range map[string]string{
		"token": p.Token, "code": p.Code, "redirectUri": p.RedirectURI, "codeVerifier": p.CodeVerifier, "nonce": p.Nonce,
	} {
		if value != "" {
			members = append(members, name)
		}
	}
	for name := range p.Fields {
		members = append(members, "fields."+name)
	}
	slices.Sort(members)
	return members
}

// keys are those that the request is signed with.
func (w *Webhook) keys(ctx context.Context) ([]string, error) {
	var keys []string
	for _, secret := range []Secret{w.o.Key, w.o.NextKey} {
		if secret == nil {
			continue
		}
		key, err := secret.read(ctx, w.o.Client, "the key of the webhook")
		if err != nil {
			return nil, err
		}
		if len(key) < MinWebhookKey {
			return nil, w.o.Client.Misconfigured(ctx, fmt.Sprintf("a key of the webhook is shorter than %d bytes", MinWebhookKey))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// read takes an answer apart. Whatever is not as agreed signs nobody in, and the log says
// what that was.
func (w *Webhook) read(ctx context.Context, answer Answer) (webhookAnswer, error) {
	switch {
	case answer.Status == http.StatusOK:
		var told webhookAnswer
		err := decodeExactly(answer.Body, &told, "subject", "displayName", "entitlements", "expiresAt")
		if err == nil {
			err = told.check()
		}
		if err != nil {
			return webhookAnswer{}, notAsAgreed(answer, err)
		}
		if w.o.Entitlement != "" && !slices.Contains(told.Entitlements, w.o.Entitlement) {
			return webhookAnswer{}, identity.Refusal(identity.NotEntitled, errors.New("without the entitlement asked for"))
		}
		return told, nil
	case answer.Status == http.StatusUnprocessableEntity:
		var refusal webhookRefusal
		err := decodeExactly(answer.Body, &refusal, "reason")
		if err == nil && !slices.Contains(webhookReasons, refusal.Reason) {
			err = fmt.Errorf("%q is no reason that a webhook may give", shown(string(refusal.Reason)))
		}
		if err != nil {
			return webhookAnswer{}, notAsAgreed(answer, err)
		}
		return webhookAnswer{}, identity.Refusal(refusal.Reason, errors.New("the webhook says so"))
	case !answer.OK():
		return webhookAnswer{}, w.o.Client.Misconfigured(ctx, fmt.Sprintf("the webhook answers %d to our signature, address or request", answer.Status))
	}
	return webhookAnswer{}, notAsAgreed(answer, errors.New("the status is neither 200 nor 422"))
}

func notAsAgreed(answer Answer, err error) error {
	return identity.Refusal(identity.ProviderUnavailable, fmt.Errorf("an answer of the webhook of status %d is not as agreed: %w", answer.Status, err))
}

// decodeExactly reads one JSON object that has no members but these, in this case, and none
// twice. The error holds no value.
func decodeExactly(body []byte, dest any, members ...string) error {
	var all map[string]json.RawMessage
	switch {
	case len(body) > maxWebhookAnswer:
		return fmt.Errorf("it is longer than %d bytes", maxWebhookAnswer)
	case json.Unmarshal(body, &all) != nil || all == nil:
		return errors.New("it is not one JSON object with each member once")
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(members, name) {
			return fmt.Errorf("there is no member %q; there are %s", shown(name), strings.Join(members, ", "))
		}
		if json.Unmarshal(fmt.Appendf(nil, "{%q:%s}", name, all[name]), dest) != nil {
			return fmt.Errorf("%s is not of the type that is agreed", name)
		}
	}
	return nil
}

// check says how an answer is not within the limits.
func (a webhookAnswer) check() error {
	switch {
	case a.Subject == "":
		return errors.New("subject is missing")
	case !plainText(a.Subject, maxWebhookSubject):
		return fmt.Errorf("subject is not a text of up to %d bytes without control characters", maxWebhookSubject)
	case !plainText(a.DisplayName, maxWebhookName):
		return fmt.Errorf("displayName is not a text of up to %d bytes without control characters", maxWebhookName)
	case len(a.Entitlements) > maxEntitlements:
		return fmt.Errorf("there are more than %d entitlements", maxEntitlements)
	}
	for _, name := range a.Entitlements {
		if name == "" || !plainText(name, maxWebhookName) {
			return fmt.Errorf("one of entitlements is not a text of 1 to %d bytes without control characters", maxWebhookName)
		}
	}
	return nil
}

// plainText says whether a text is short enough, UTF-8 and without control characters.
func plainText(text string, limit int) bool {
	return len(text) <= limit && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
