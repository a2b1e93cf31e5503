package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/identity"
	"muster/identity/provider/providertest"
)

const (
	steamKey  = "PUBLISHERKEYPUBLISHERKEYPUBLISHE"
	aTicket   = steamToken + steamSession + "04000000deadbeef"
	steamPath = "/ISteamUserAuth/AuthenticateUserTicket/v1/"
	gabe      = "76561197960287930"
)

// The parts of a ticket: the token, with its id, gabe's SteamID and an instant, and what is told of
// the session. What is said of ownership comes after them.
const (
	steamToken   = "14000000" + "a1b2c3d4e5f60718" + "ba56000001001001" + "00b4a565"
	steamSession = "18000000" + "0100000005000000" + "a1b2c3d4a1b2c3d4" + "1027000003000000"
)

// steamSays is Steam's answer about a good ticket, with some members changed.
func steamSays(change map[string]any) map[string]any {
	params := map[string]any{"result": "OK", "steamid": gabe, "ownersteamid": gabe, "vacbanned": false, "publisherbanned": false}
	for name, value := range change {
		params[name] = value
	}
	return map[string]any{"response": map[string]any{"params": params}}
}

func steamFails(code int) map[string]any {
	return map[string]any{"response": map[string]any{"error": map[string]any{"errorcode": code, "errordesc": "Invalid ticket"}}}
}

func newSteam(r *rig, o SteamOptions) *Steam {
	o.Client, o.Now, o.Endpoint = r.client, r.now, r.URL()
	o.Key, o.AppID = FixedSecret(steamKey), "480"
	return NewSteam(o)
}

func steamVendor() vendor {
	return vendor{
		make: func(r *rig) identity.Provider {
			r.Answer(steamPath, http.StatusOK, steamSays(nil))
			return newSteam(r, SteamOptions{})
		},
		proof: identity.Proof{Token: aTicket}, subject: gabe,
		paths: []string{steamPath}, secrets: []string{steamKey, aTicket},
	}
}

func TestSteamIsToldForWhomTheTicketIs(t *testing.T) {
	r := newRig(t)
	r.Answer(steamPath, http.StatusOK, steamSays(nil))
	if _, err := newSteam(r, SteamOptions{Identity: "chess"}).Verify(t.Context(), identity.Proof{Token: strings.ToUpper(aTicket)}); err != nil {
		t.Fatal(err)
	}
	if _, err := newSteam(r, SteamOptions{}).Verify(t.Context(), identity.Proof{Token: aTicket}); err != nil {
		t.Fatal(err)
	}
	calls := r.Calls(steamPath)
	for name, want := range map[string]string{"key": steamKey, "appid": "480", "ticket": aTicket, "identity": "chess"} {
		if got := calls[0].Query.Get(name); got != want || calls[0].Method != http.MethodGet {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := calls[1].Query.Get("identity"); got != DefaultSteamIdentity {
		t.Errorf("without one, the identity is %q", got)
	}
}

func TestWhatSteamSays(t *testing.T) {
	for name, c := range map[string]struct {
		answer any
		policy SteamOptions
		reason identity.Reason // empty: signed in
	}{
		"an invalid ticket":                 {steamFails(101), SteamOptions{}, identity.CredentialInvalid},
		"an invalid parameter":              {steamFails(3), SteamOptions{}, identity.CredentialInvalid},
		"another app's ticket":              {steamFails(102), SteamOptions{}, identity.WrongApplication},
		"an error never heard of":           {steamFails(999), SteamOptions{}, identity.CredentialInvalid},
		"banned by the publisher":           {steamSays(map[string]any{"publisherbanned": true}), SteamOptions{AllowVACBanned: true}, identity.AccountBanned},
		"banned by VAC":                     {steamSays(map[string]any{"vacbanned": true}), SteamOptions{}, identity.AccountBanned},
		"banned by VAC, which is allowed":   {steamSays(map[string]any{"vacbanned": true}), SteamOptions{AllowVACBanned: true}, ""},
		"a borrowed copy":                   {steamSays(map[string]any{"ownersteamid": "76561197960287931"}), SteamOptions{}, identity.NotEntitled},
		"a borrowed copy, which is allowed": {steamSays(map[string]any{"ownersteamid": "76561197960287931"}), SteamOptions{AllowBorrowed: true}, ""},
		"a result that is not OK":           {steamSays(map[string]any{"result": "Fail"}), SteamOptions{}, identity.ProviderUnavailable},
		"no SteamID":                        {steamSays(map[string]any{"steamid": ""}), SteamOptions{}, identity.ProviderUnavailable},
		"a SteamID that is no number":       {steamSays(map[string]any{"steamid": "gabe"}), SteamOptions{}, identity.ProviderUnavailable},
		"a SteamID in another spelling":     {steamSays(map[string]any{"steamid": "0" + gabe}), SteamOptions{}, identity.ProviderUnavailable},
		"a SteamID as a number":             {steamSays(map[string]any{"steamid": json.Number(gabe)}), SteamOptions{}, identity.ProviderUnavailable},
		"no owner":                          {steamSays(map[string]any{"ownersteamid": ""}), SteamOptions{}, identity.ProviderUnavailable},
		"neither an error nor an answer":    {map[string]any{"response": map[string]any{}}, SteamOptions{}, identity.ProviderUnavailable},
		"both, of which the error counts":   {map[string]any{"response": map[string]any{"error": map[string]any{"errorcode": 101}, "params": steamSays(nil)["response"].(map[string]any)["params"]}}, SteamOptions{}, identity.CredentialInvalid},
		"an answer about something else":    {map[string]any{"result": "OK", "steamid": gabe}, SteamOptions{}, identity.ProviderUnavailable},
		"an array":                          {[]string{"OK"}, SteamOptions{}, identity.ProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Answer(steamPath, http.StatusOK, c.answer)
			who, err := newSteam(r, c.policy).Verify(t.Context(), identity.Proof{Token: aTicket})
			if c.reason != "" {
				wantRefused(t, err, c.reason, steamKey, aTicket, gabe)
			} else if err != nil || who.Subject != gabe {
				t.Errorf("Verify = %+v, %v", who, err)
			}
		})
	}
}

func TestASteamThatIsBusyIsAskedThreeTimesMore(t *testing.T) {
	r := newRig(t)
	r.Answer(steamPath, http.StatusOK, steamFails(103))
	waits := 0
	patient := SteamOptions{Wait: func(_ context.Context, d time.Duration) error {
		waits++
		r.pass(d)
		return nil
	}}
	_, err := newSteam(r, patient).Verify(t.Context(), identity.Proof{Token: aTicket})
	wantRefused(t, err, identity.ProviderUnavailable)
	if calls := len(r.Calls(steamPath)); calls != 4 || waits != 3 {
		t.Errorf("%d calls, %d waits", calls, waits)
	}

	patient.Wait = func(context.Context, time.Duration) error {
		r.Answer(steamPath, http.StatusOK, steamSays(nil))
		return nil
	}
	if who, err := newSteam(r, patient).Verify(t.Context(), identity.Proof{Token: aTicket}); err != nil || who.Subject != gabe {
		t.Errorf("once it is not, Verify = %+v, %v", who, err)
	}

	r.Answer(steamPath, http.StatusOK, steamFails(103))
	patient.Wait = func(context.Context, time.Duration) error { return errors.New("gone") }
	_, err = newSteam(r, patient).Verify(t.Context(), identity.Proof{Token: aTicket})
	wantRefused(t, err, identity.ProviderUnavailable)
}

func TestTicketsThatSteamNeedNotSee(t *testing.T) {
	r := newRig(t)
	steam := newSteam(r, SteamOptions{})
	for name, ticket := range map[string]string{
		"nothing":          "",
		"base64":           "FAAAAKGyw9Q=",
		"half a byte":      "abc",
		"spaces":           "14 00",
		"another query":    "14&appid=1",
		"more than 8 kB":   strings.Repeat("ab", maxSteamTicket/2+1),
		"a sign before it": "+1400",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := steam.Verify(t.Context(), identity.Proof{Token: ticket})
			wantRefused(t, err, identity.CredentialInvalid)
		})
	}
	if calls := r.Calls(""); len(calls) != 0 {
		t.Errorf("Steam is asked: %v", calls)
	}
}

func TestATicketRaisesNoAlarm(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestURITooLong} {
		r := newRig(t)
		v := steamVendor()
		p := v.make(r)
		r.Fail(steamPath, providertest.Failure{Status: status})
		_, err := p.Verify(t.Context(), v.proof)
		wantRefused(t, err, identity.CredentialInvalid, aTicket, steamKey)
		if strings.Contains(r.log(), "level=ERROR") {
			t.Errorf("%d: the log says %q", status, r.log())
		}
	}
}

func TestASteamTicketWorksOnce(t *testing.T) {
	v := steamVendor()
	again := []identity.Proof{v.proof}
	for _, ticket := range []string{
		strings.ToUpper(aTicket),
		aTicket + strings.Repeat("00", 1024), // of a client with a large buffer
		aTicket + "01",
		aTicket + strings.Repeat("00", 7) + "ff",
		aTicket[:len(aTicket)-2] + "00",
		steamToken + steamSession,
		steamToken + steamSession[:len(steamSession)-8] + "04000000" + "04000000deadbeef", // another session
		steamToken[:40] + "00b4a566" + steamSession,                                       // another instant
	} {
		again = append(again, identity.Proof{Token: ticket})
	}
	for i, first := range again {
		wantOnce(t, v.make(newRig(t)), first, append(again[:i:i], again[i+1:]...)...)
	}
}

func TestEachSteamTicketIsAnother(t *testing.T) {
	other := strings.Replace(aTicket, "a1b2c3d4e5f60718", "a1b2c3d4e5f60719", 1)
	for name, c := range map[string]struct {
		first, second    string
		player1, player2 string
	}{
		"by its token":          {aTicket, other, gabe, gabe},
		"by its player":         {aTicket, aTicket, gabe, "76561197960287931"},
		"of an unknown form":    {"15000000a1b2c3d4", "15000000a1b2c3d5", gabe, gabe},
		"with half a token":     {"14000000a1b2c3d4", "14000000a1b2c3d5", gabe, gabe},
		"half of another's":     {aTicket, aTicket[:46], gabe, gabe},
		"of two that are short": {"14", "1400000001", gabe, gabe},
	} {
		first, err := steamTicket(c.first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := steamTicket(c.second)
		if err != nil {
			t.Fatal(err)
		}
		if steamOnce(first, c.player1) == steamOnce(second, c.player2) {
			t.Errorf("%s: they are one", name)
		}
	}
	padded, err := steamTicket("15000000a1b2c3d40000")
	if err != nil || steamOnce(padded, gabe) != "15000000a1b2c3d4" {
		t.Errorf("zero bytes at the end make another ticket of one of an unknown form: %v", err)
	}
}

func TestASteamTicketIsRememberedForLongerThanSteamTakesIt(t *testing.T) {
	r := newRig(t)
	v := steamVendor()
	service := door(t, r, v.make(r))
	if _, err := service.ProveIdentity(t.Context(), "acme", v.proof); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.pass(29 * 24 * time.Hour)
		_, err := service.ProveIdentity(t.Context(), "acme", v.proof)
		wantReason(t, err, identity.CredentialExpired, aTicket)
	}
}

func TestSteamGetsATicketAsItIs(t *testing.T) {
	r := newRig(t)
	v := steamVendor()
	if _, err := v.make(r).Verify(t.Context(), identity.Proof{Token: aTicket + "00"}); err != nil {
		t.Fatal(err)
	}
	if got := r.Calls(steamPath)[0].Query.Get("ticket"); got != aTicket+"00" { // it may end like that
		t.Errorf("Steam gets %q", got)
	}
}

func TestSteamComesBack(t *testing.T) {
	r := newRig(t)
	v := steamVendor()
	p := v.make(r)
	r.Fail("", providertest.Failure{Status: http.StatusServiceUnavailable})
	for i := range 10 {
		_, err := p.Verify(clientAt(fmt.Sprintf("203.0.113.%d", i)), v.proof)
		wantRefused(t, err, identity.ProviderUnavailable)
	}
	if calls := len(r.Calls("")); calls > 2*breakAfter {
		t.Errorf("a Steam that is down was asked %d times", calls)
	}
	r.Mend()
	r.pass(longestPause)
	if _, err := p.Verify(t.Context(), v.proof); err != nil {
		t.Errorf("Steam is back: %v", err)
	}
}
