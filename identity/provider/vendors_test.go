package provider

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/identity/provider/providertest"
)

// vendor is a provider that asks a platform by calls, and the platform's good answers.
type vendor struct {
	make    func(r *rig) identity.Provider // and scripts the platform
	proof   identity.Proof
	subject string
	paths   []string // of the calls, in order
	secrets []string // that neither errors nor the log may show
}

// vendors are all of them. Each is at home in its own file.
func vendors() map[string]vendor {
	return map[string]vendor{
		"Steam":    steamVendor(),
		"Facebook": facebookVendor(),
		"Discord":  discordVendor(),
		"Amazon":   amazonVendor(),
		"Xbox web": xboxWebVendor(),
		"webhook":  webhookVendor(),
	}
}

func TestVendorsProveTheSubjectTheyWereAskedAbout(t *testing.T) {
	for name, v := range vendors() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p := v.make(r)
			who, err := p.Verify(t.Context(), v.proof)
			if err != nil || who.Subject != v.subject {
				t.Fatalf("Verify = %+v, %v; want %q", who, err, v.subject)
			}
			for i, call := range r.Calls("") {
				if i >= len(v.paths) || call.Path != v.paths[i] {
					t.Errorf("call %d is of %s; want %q", i, call.Path, v.paths)
				}
			}
			if _, tells := p.(identity.Taker); !tells {
				t.Error("does not tell what it takes")
			}
		})
	}
}

// vendorTrouble is what may be wrong at a platform, and what becomes of it.
var vendorTrouble = map[string]struct {
	failure providertest.Failure
	reason  identity.Reason
	alert   string // "yes": somebody has to mend it; empty: that is all the same
}{
	"refuses our key":      {providertest.Failure{Status: http.StatusForbidden, Body: "<h1>Forbidden</h1>"}, identity.ProviderUnavailable, "yes"},
	"asks for a pause":     {providertest.Failure{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}}, identity.ProviderRateLimited, "no"},
	"fails":                {providertest.Failure{Status: http.StatusInternalServerError, Body: "stack trace"}, identity.ProviderUnavailable, "no"},
	"hangs":                {providertest.Failure{Hang: true}, identity.ProviderUnavailable, "no"},
	"drops the connection": {providertest.Failure{Drop: true}, identity.ProviderUnavailable, "no"},
	"answers garbage":      {providertest.Failure{Body: "<html>welcome</html>"}, identity.ProviderUnavailable, "no"},
	"answers no end":       {providertest.Failure{Large: true}, identity.ProviderUnavailable, "no"},
	"sends us elsewhere":   {providertest.Failure{Forward: "https://evil.example/"}, identity.ProviderUnavailable, ""},
}

func TestTroubleAtAPlatformSignsNobodyIn(t *testing.T) {
	for name, v := range vendors() {
		for _, path := range v.paths {
			for what, trouble := range vendorTrouble {
				t.Run(name+" "+path+" "+what, func(t *testing.T) {
					t.Parallel()
					r := newRig(t)
					p := v.make(r)
					r.Fail(path, trouble.failure)
					who, err := p.Verify(t.Context(), v.proof)
					e := wantReason(t, err, trouble.reason, append(v.secrets, r.URL())...)
					if who != (identity.Verified{}) {
						t.Errorf("and yet it is %+v", who)
					}
					if what == "asks for a pause" && e.RetryAfter != 7*time.Second {
						t.Errorf("the pause is %v", e.RetryAfter)
					}
					if alerted := strings.Contains(r.log(), "level=ERROR"); trouble.alert != "" && alerted != (trouble.alert == "yes") {
						t.Errorf("the log says %q", r.log())
					}
					for _, secret := range v.secrets {
						if strings.Contains(r.log(), secret) {
							t.Errorf("the log repeats %q: %s", secret, r.log())
						}
					}
				})
			}
		}
	}
}

func TestVendorsNeedTheirSecret(t *testing.T) {
	none := FixedSecret("")
	for name, make := range map[string]func(r *rig) identity.Provider{
		"Steam": func(r *rig) identity.Provider {
			return NewSteam(SteamOptions{Client: r.client, Now: r.now, Key: none})
		},
		"Facebook": func(r *rig) identity.Provider {
			return NewFacebook(FacebookOptions{Client: r.client, Now: r.now, AppSecret: none})
		},
		"Instant Games": func(r *rig) identity.Provider {
			return NewFacebookInstant(FacebookInstantOptions{Client: r.client, Now: r.now, AppSecret: none})
		},
		"webhook": func(r *rig) identity.Provider {
			return NewWebhook(WebhookOptions{Client: r.client, Now: r.now, Key: none, Takes: []string{"token", "code"}})
		},
		"webhook with a short key": func(r *rig) identity.Provider {
			return NewWebhook(WebhookOptions{Client: r.client, Now: r.now, Key: FixedSecret("short"), Takes: []string{"token", "code"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, err := make(r).Verify(t.Context(), identity.Proof{Token: "ab", Code: "code"})
			wantRefused(t, err, identity.ProviderUnavailable)
			if !strings.Contains(r.log(), "level=ERROR") || len(r.Calls("")) != 0 {
				t.Errorf("log %q, calls %v", r.log(), r.Calls(""))
			}
		})
	}
}

func TestProofsWithoutWhatAVendorNeeds(t *testing.T) {
	for name, v := range vendors() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, err := v.make(r).Verify(t.Context(), identity.Proof{Fields: map[string]string{"subject": v.subject}})
			wantRefused(t, err, identity.CredentialInvalid)
			if calls := r.Calls(""); len(calls) != 0 {
				t.Errorf("and yet the platform is asked: %v", calls)
			}
		})
	}
}

func TestAClientDoesNotChooseTheSubject(t *testing.T) {
	for name, v := range vendors() {
		if name == "webhook" {
			continue // it takes no fields but those that are configured
		}
		t.Run(name, func(t *testing.T) {
			proof := v.proof
			proof.Fields = map[string]string{"subject": "somebody-else", "userId": "somebody-else", "steamId": "1"}
			who, err := v.make(newRig(t)).Verify(t.Context(), proof)
			if err != nil || who.Subject != v.subject {
				t.Errorf("Verify = %+v, %v; want %q", who, err, v.subject)
			}
		})
	}
}

// desk uses proofs up, as far as tests of providers need it: as identity.Service does.
type desk struct {
	provider identity.Provider
	used     map[string]bool
}

func (d *desk) signIn(ctx context.Context, proof identity.Proof) error {
	who, err := d.provider.Verify(ctx, proof)
	if err == nil && who.Once != "" {
		if d.used[who.Once] {
			return identity.Refusal(identity.CredentialExpired, nil)
		}
		d.used[who.Once] = true
	}
	return err
}

// wantOnce fails unless a proof signs in once, however it is spelled the second time.
func wantOnce(t *testing.T, p identity.Provider, first identity.Proof, again ...identity.Proof) {
	t.Helper()
	d := &desk{p, map[string]bool{}}
	if err := d.signIn(t.Context(), first); err != nil {
		t.Fatalf("the first sign-in: %v", err)
	}
	for _, proof := range append(again, first) {
		if err := d.signIn(t.Context(), proof); muster.KindOf(err) != muster.Unauthenticated {
			t.Errorf("the proof signs in again: %v", err)
		}
	}
}

// wantRefused is wantReason for those who have no use for the error.
func wantRefused(t testing.TB, err error, reason identity.Reason, secrets ...string) {
	t.Helper()
	_ = wantReason(t, err, reason, secrets...)
}
