package provider

import (
	"strings"
	"testing"

	"muster/identity"
)

func TestACodeGoesToWhoeverIssuedIt(t *testing.T) {
	wants := func(o *OIDCOptions) { takesCodes(o); o.Code.WantIssuer = true }
	for name, c := range map[string]struct {
		change func(*OIDCOptions)
		iss    string // "ours": as the provider is called
		reason identity.Reason
	}{
		"with its issuer":                       {takesCodes, "ours", ""},
		"without one":                           {takesCodes, "", ""},
		"with another issuer":                   {takesCodes, "https://honest.example", identity.WrongApplication},
		"with a longer one":                     {takesCodes, "ours/", identity.WrongApplication},
		"with its issuer, which is demanded":    {wants, "ours", ""},
		"without one, which is demanded":        {wants, "", identity.CredentialInvalid},
		"with another issuer, one is demanded ": {wants, "https://honest.example", identity.WrongApplication},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Answer("/token", 200, map[string]any{"id_token": r.Sign("rsa-1", r.claims(nil), nil)})
			var issuer string
			p := newIssuer(r, func(o *OIDCOptions) { c.change(o); issuer = o.Issuer })
			proof := codeProof()
			if c.iss != "" {
				proof.Fields = map[string]string{"iss": strings.Replace(c.iss, "ours", issuer, 1)}
			}
			who, err := p.Verify(t.Context(), proof)
			if c.reason == "" {
				if err != nil || who.Subject == "" {
					t.Errorf("%+v, %v", who, err)
				}
				return
			}
			wantReason(t, err, c.reason, goodCode, goodVerifier)
			if n := len(r.Calls("/token")); n != 0 {
				t.Errorf("the code was sent to the wrong one all the same")
			}
		})
	}
	r := newRig(t)
	var lists []string
	for _, list := range newIssuer(r, wants).Takes() {
		lists = append(lists, strings.Join(list, " "))
	}
	if !strings.Contains(strings.Join(lists, ";"), "fields.iss") {
		t.Errorf("clients are told of %v", lists)
	}
}
