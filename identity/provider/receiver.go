package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster"
	"muster/identity"
)

// SignatureHeader is the header of a webhook's request with which Muster proves itself:
// "t=1795334400,v1=..." with the seconds since 1970 and the HMAC-SHA256, in hexadecimal, of
// that number as it is written, a dot and the body. There is a v1 for each key.
const SignatureHeader = "Muster-Signature"

// MinWebhookKey is how long a key of a webhook is at least, in bytes.
const MinWebhookKey = 32

// signatureAge is how old a request may be, or how far ahead of its receiver's clock.
const signatureAge = 5 * time.Minute

// maxWebhookRequest bounds what a Receiver reads, in bytes. A proof's fields make it large.
const maxWebhookRequest = 256 << 10

// signBody makes the value of SignatureHeader.
func signBody(keys []string, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	parts := []string{"t=" + stamp}
	for _, key := range keys {
		parts = append(parts, "v1="+hex.EncodeToString(webhookMAC(key, stamp, body)))
	}
	return strings.Join(parts, ",")
}

func webhookMAC(key, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// signedBy says whether the value of a SignatureHeader is of one of the keys, for this body
// and about now.
func signedBy(keys []string, header string, now time.Time, body []byte) bool {
	var stamp string
	var given [][]byte
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			if mac, err := hex.DecodeString(value); err == nil {
				given = append(given, mac)
			}
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > signatureAge {
		return false
	}
	return slices.ContainsFunc(keys, func(key string) bool {
		want := webhookMAC(key, stamp, body)
		return slices.ContainsFunc(given, func(mac []byte) bool { return hmac.Equal(mac, want) })
	})
}

// ReceiverOptions is what a Receiver needs. All but Log is required.
type ReceiverOptions struct {
	Provider identity.Provider
	Keys     []Secret // any of them: the one in use and, for a change of keys, the other
	Now      func() time.Time
	Log      *slog.Logger // nil: silent
}

// Receiver is the webhook that a Webhook asks, around a provider: a studio that writes its
// provider in Go serves it with this, in a program of its own, and Muster needs no change. It
// is safe for concurrent use.
type Receiver struct{ o ReceiverOptions }

// NewReceiver makes a Receiver.
func NewReceiver(o ReceiverOptions) *Receiver {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{o}
}

// ServeHTTP answers 200 with whom the proof is about, 422 with why it is refused, 401 to who
// is not Muster, and 503 when the provider cannot say.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxWebhookRequest))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	keys, err := r.keys()
	if err != nil {
		r.o.Log.ErrorContext(req.Context(), "a key of the webhook cannot be read", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if req.Method != http.MethodPost || !signedBy(keys, req.Header.Get(SignatureHeader), r.o.Now(), body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var asked webhookRequest
	if err := json.Unmarshal(body, &asked); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	who, err := r.o.Provider.Verify(req.Context(), identity.Proof{
		Token: asked.Token, Code: asked.Code, RedirectURI: asked.RedirectURI,
		CodeVerifier: asked.CodeVerifier, Nonce: asked.Nonce, Fields: asked.Fields,
	})
	r.answer(w, req, who, err)
}

func (r *Receiver) answer(w http.ResponseWriter, req *http.Request, who identity.Verified, err error) {
	var refusal *muster.Error
	switch {
	case err == nil:
		answer := webhookAnswer{Subject: who.Subject, DisplayName: who.DisplayName}
		if who.Once != "" {
			answer.ExpiresAt = &who.Until
		}
		writeJSON(w, http.StatusOK, answer)
	case errors.As(err, &refusal) && slices.Contains(webhookReasons, identity.Reason(refusal.Code)):
		writeJSON(w, http.StatusUnprocessableEntity, webhookRefusal{identity.Reason(refusal.Code)})
	case errors.As(err, &refusal) && refusal.Kind == muster.Exhausted:
		if seconds := int(refusal.RetryAfter / time.Second); seconds > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(seconds))
		}
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		r.o.Log.ErrorContext(req.Context(), "a proof could not be checked", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // Muster may have left
}

// keys are those that can be read and are long enough.
func (r *Receiver) keys() ([]string, error) {
	var keys []string
	for _, secret := range r.o.Keys {
		key, err := secret()
		switch {
		case err != nil:
			return nil, err
		case len(key) < MinWebhookKey:
			return nil, errors.New("a key is too short")
		}
		keys = append(keys, key)
	}
	return keys, nil
}
