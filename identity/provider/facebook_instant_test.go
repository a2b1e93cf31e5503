package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"muster/identity"
)

const instantPlayer = "2059189060823983"

// signInfo signs player info as Facebook does.
func signInfo(secret string, info map[string]any) string {
	body, err := json.Marshal(info)
	if err != nil {
		panic(err)
	}
	payload := base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) + "." + payload
}

// instantInfo is good info, with some members changed.
func instantInfo(r *rig, change map[string]any) map[string]any {
	info := map[string]any{"algorithm": "HMAC-SHA256", "issued_at": r.now().Unix(), "player_id": instantPlayer, "request_payload": "nonce"}
	for name, value := range change {
		info[name] = value
	}
	return info
}

func newInstant(r *rig) *FacebookInstant {
	return NewFacebookInstant(FacebookInstantOptions{Client: r.client, Now: r.now, AppSecret: FixedSecret(facebookSecret)})
}

func TestASignedPlayerInfoProvesItsPlayer(t *testing.T) {
	r := newRig(t)
	token := signInfo(facebookSecret, instantInfo(r, nil))
	who, err := newInstant(r).Verify(t.Context(), identity.Proof{Token: token})
	if err != nil || who.Subject != instantPlayer || who.Once == "" || who.Nonce != "" {
		t.Errorf("Verify = %+v, %v", who, err)
	}
	who, err = newInstant(r).Verify(t.Context(), identity.Proof{Token: token, Nonce: "nonce"})
	if err != nil || who.Subject != instantPlayer || who.Nonce != "nonce" || who.Once != "" {
		t.Errorf("with a nonce, Verify = %+v, %v", who, err)
	}
	wantOnce(t, newInstant(r), identity.Proof{Token: token}, identity.Proof{Token: strings.Replace(token, ".", "=.", 1)})
}

func TestPlayerInfoThatProvesNobody(t *testing.T) {
	r := newRig(t)
	good := signInfo(facebookSecret, instantInfo(r, nil))
	signature, payload, _ := strings.Cut(good, ".")
	forged, _ := json.Marshal(instantInfo(r, map[string]any{"player_id": "666"}))
	for name, c := range map[string]struct {
		proof  identity.Proof
		reason identity.Reason
	}{
		"nothing":                    {identity.Proof{}, identity.CredentialInvalid},
		"a signature alone":          {identity.Proof{Token: signature}, identity.CredentialInvalid},
		"no signature":               {identity.Proof{Token: "." + payload}, identity.CredentialInvalid},
		"a shortened signature":      {identity.Proof{Token: signature[:8] + "." + payload}, identity.CredentialInvalid},
		"another player":             {identity.Proof{Token: signature + "." + base64.RawURLEncoding.EncodeToString(forged)}, identity.CredentialInvalid},
		"another app":                {identity.Proof{Token: signInfo("another secret", instantInfo(r, nil))}, identity.CredentialInvalid},
		"no secret":                  {identity.Proof{Token: signInfo("", instantInfo(r, nil))}, identity.CredentialInvalid},
		"another algorithm":          {identity.Proof{Token: signInfo(facebookSecret, instantInfo(r, map[string]any{"algorithm": "none"}))}, identity.CredentialInvalid},
		"nobody":                     {identity.Proof{Token: signInfo(facebookSecret, instantInfo(r, map[string]any{"player_id": ""}))}, identity.CredentialInvalid},
		"no time":                    {identity.Proof{Token: signInfo(facebookSecret, instantInfo(r, map[string]any{"issued_at": 0}))}, identity.CredentialInvalid},
		"signed in the future":       {identity.Proof{Token: signInfo(facebookSecret, instantInfo(r, map[string]any{"issued_at": r.now().Add(2 * time.Minute).Unix()}))}, identity.CredentialInvalid},
		"signed in a far future":     {identity.Proof{Token: signInfo(facebookSecret, instantInfo(r, map[string]any{"issued_at": int64(1) << 62}))}, identity.CredentialInvalid},
		"signed too long ago":        {identity.Proof{Token: signInfo(facebookSecret, instantInfo(r, map[string]any{"issued_at": r.now().Add(-11 * time.Minute).Unix()}))}, identity.CredentialExpired},
		"signed for another nonce":   {identity.Proof{Token: good, Nonce: "another"}, identity.NonceMismatch},
		"text instead of an object":  {identity.Proof{Token: signInfo(facebookSecret, map[string]any{"player_id": 7})}, identity.CredentialInvalid},
		"more than a token can hold": {identity.Proof{Token: good + strings.Repeat("A", maxToken)}, identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newInstant(r).Verify(t.Context(), c.proof)
			wantRefused(t, err, c.reason, facebookSecret, instantPlayer)
		})
	}
}
