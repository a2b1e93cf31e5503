package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// request is what Muster sends. There is more in it where the configuration says so: code,
// redirectUri, codeVerifier, nonce and fields.
type request struct {
	Provider string `json:"provider"`
	Token    string `json:"token"`
}

// answer says whom the proof is about. Muster takes no other members.
type answer struct {
	Subject      string     `json:"subject"` // the account, for ever the same
	DisplayName  string     `json:"displayName,omitempty"`
	Entitlements []string   `json:"entitlements,omitempty"`
	ExpiresAt    *time.Time `json:"expiresAt,omitempty"` // set it if you would accept the proof again: Muster does not
}

// refusal says why a proof is not accepted.
type refusal struct {
	Reason string `json:"reason"`
}

type webhook struct {
	musterKey, ticketKey []byte
	now                  func() time.Time
}

func newWebhook(musterKey, ticketKey []byte, now func() time.Time) http.Handler {
	return &webhook{musterKey, ticketKey, now}
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 256<<10))
	if err != nil || !h.fromMuster(r.Header.Get("Muster-Signature"), body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var asked request
	if err := json.Unmarshal(body, &asked); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	account, until, reason := h.checkTicket(asked.Token)
	if reason != "" {
		reply(w, http.StatusUnprocessableEntity, refusal{reason})
		return
	}
	reply(w, http.StatusOK, answer{Subject: account, ExpiresAt: &until})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // Muster may have left
}

// fromMuster checks the header "t=SECONDS,v1=SIGNATURE": the signature is HMAC-SHA256 of
// SECONDS, a dot and the body. During a change of keys there are two of v1.
func (h *webhook) fromMuster(header string, body []byte) bool {
	stamp, signatures, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || h.now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	want := sign(h.musterKey, stamp+"."+string(body))
	for signature := range strings.SplitSeq(signatures, ",") {
		if hmac.Equal([]byte(strings.TrimPrefix(signature, "v1=")), []byte(want)) {
			return true
		}
	}
	return false
}

// checkTicket says whose a ticket is and until when it is good, or why it is not: one of
// Muster's codes for a refused proof.
func (h *webhook) checkTicket(ticket string) (account string, until time.Time, reason string) {
	parts := strings.Split(ticket, ".")
	if len(parts) != 3 || !hmac.Equal([]byte(parts[2]), []byte(sign(h.ticketKey, parts[0]+"."+parts[1]))) {
		return "", time.Time{}, "credential.invalid"
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	until = time.Unix(seconds, 0).UTC()
	switch {
	case err != nil || parts[0] == "":
		return "", time.Time{}, "credential.invalid"
	case !h.now().Before(until):
		return "", time.Time{}, "credential.expired"
	}
	return parts[0], until, ""
}

// newTicket is what a launcher would do.
func newTicket(key []byte, account string, until time.Time) string {
	text := account + "." + strconv.FormatInt(until.Unix(), 10)
	return text + "." + sign(key, text)
}

// sign is HMAC-SHA256 in hexadecimal.
func sign(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
