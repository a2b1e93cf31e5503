package sts_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"muster"
	"muster/aws/sts"
	"muster/identity"
	"muster/identity/provider"
	"muster/identity/provider/providertest"
)

const (
	serverID = "https://play.example"
	region   = "eu-central-1"
	host     = "sts.eu-central-1.amazonaws.com"
	role     = "arn:aws:iam::123456789012:role/game/GameServer"
	session  = "arn:aws:sts::123456789012:assumed-role/GameServer/i-0abc"
	user     = "AROAEXAMPLE:i-0abc"
	secret   = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// rig is a stand-in for STS and what checks proofs with it. The stand-in answers whoever
// signed with the one secret it knows: it computes the signature with the SDK's signer.
type rig struct {
	*providertest.Platform
	callers *sts.Callers
	now     time.Time
	arn     string // of whoever signs
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Platform: providertest.New(t), now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), arn: session}
	r.Handle("/", r.whoami)
	clock := func() time.Time { return r.now }
	var err error
	r.callers, err = sts.New(sts.Options{
		ServerID: serverID, Regions: []string{region}, Roles: []string{role}, Endpoint: r.URL(), Now: clock,
		Client: provider.NewClient(provider.ClientOptions{Name: "aws-iam", Timeout: time.Minute, Now: clock}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// whoami answers GetCallerIdentity as STS does.
func (r *rig) whoami(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	at, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	signed := presign(at, req.Header.Get(sts.ServerIDHeader), query.Get("X-Amz-Security-Token"))
	if err != nil || signed.Query().Get("X-Amz-Signature") != query.Get("X-Amz-Signature") {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>")
		return
	}
	_, _ = fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult><Arn>%s</Arn><UserId>%s</UserId><Account>%s</Account></GetCallerIdentityResult>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`, r.arn, user, strings.Split(r.arn, ":")[4])
}

// presign makes a proof as a game server does, with the SDK.
func presign(at time.Time, boundTo, token string) *url.URL {
	req, _ := http.NewRequest(http.MethodGet, "https://"+host+"/?Action=GetCallerIdentity&Version=2011-06-15", nil) // a constant
	req.Header.Set(sts.ServerIDHeader, boundTo)
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	text, _, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret, SessionToken: token},
		req, empty, "sts", region, at)
	if err != nil {
		panic(err)
	}
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

func (r *rig) verify(t *testing.T, proof string) (identity.Verified, error) {
	t.Helper()
	return r.callers.Verify(t.Context(), identity.Proof{Token: proof})
}

func wantReason(t *testing.T, err error, reason identity.Reason) {
	t.Helper()
	e, ok := err.(*muster.Error) //nolint:errorlint // it must be that very type, unwrapped
	if !ok || e.Code != string(reason) {
		t.Fatalf("error is %v, want %s", err, reason)
	}
	if strings.Contains(e.Error(), "Signature=") || strings.Contains(e.Error(), "EXAMPLE") {
		t.Errorf("the error repeats the proof: %v", e)
	}
}

func TestARoleIsProven(t *testing.T) {
	r := newRig(t)
	for _, token := range []string{"", "session+token/with=signs=="} {
		who, err := r.verify(t, presign(r.now, serverID, token).String())
		if err != nil {
			t.Fatal(err)
		}
		if who.Subject != user || who.DisplayName != session || who.Once == "" || !who.Until.Equal(r.now.Add(5*time.Minute)) {
			t.Errorf("verified is %+v", who)
		}
	}
}

func TestProofsOfSomebodyElse(t *testing.T) {
	for name, arn := range map[string]string{
		"another role":             "arn:aws:sts::123456789012:assumed-role/Other/i-0abc",
		"another account":          "arn:aws:sts::210987654321:assumed-role/GameServer/i-0abc",
		"a role that begins alike": "arn:aws:sts::123456789012:assumed-role/GameServer2/i-0abc",
		"a user of the name":       "arn:aws:iam::123456789012:user/GameServer",
		"another partition":        "arn:aws-cn:sts::123456789012:assumed-role/GameServer/i-0abc",
		"the account itself":       "arn:aws:iam::123456789012:root",
		"somebody of a pool":       "arn:aws:sts::123456789012:assumed-role/GameServer/CognitoIdentityCredentials",
		"a session of two names":   "arn:aws:sts::123456789012:assumed-role/GameServer/x/y",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.arn = arn
			_, err := r.verify(t, presign(r.now, serverID, "").String())
			wantReason(t, err, identity.WrongApplication)
		})
	}
}

func TestProofsThatAreNotSent(t *testing.T) {
	change := func(f func(u *url.URL, q url.Values)) func(*rig) string {
		return func(r *rig) string {
			u := presign(r.now, serverID, "")
			q := u.Query()
			f(u, q)
			u.RawQuery = q.Encode()
			return u.String()
		}
	}
	set := func(name, value string) func(*rig) string {
		return change(func(_ *url.URL, q url.Values) { q.Set(name, value) })
	}
	at := func(place string) func(*rig) string {
		return func(r *rig) string {
			return strings.Replace(presign(r.now, serverID, "").String(), "https://"+host, place, 1)
		}
	}
	for name, c := range map[string]struct {
		proof func(*rig) string
		want  identity.Reason
	}{
		"nothing":                      {func(*rig) string { return "" }, identity.CredentialInvalid},
		"no URL":                       {func(*rig) string { return "\x7f" }, identity.CredentialInvalid},
		"an endless one":               {set("X-Amz-Security-Token", strings.Repeat("x", 8<<10)), identity.CredentialInvalid},
		"another host":                 {at("https://evil.example"), identity.CredentialInvalid},
		"a host that ends alike":       {at("https://evil-" + host), identity.CredentialInvalid},
		"a host that begins alike":     {at("https://" + host + ".evil.example"), identity.CredentialInvalid},
		"the host as a name":           {at("https://" + host + "@evil.example"), identity.CredentialInvalid},
		"a region that is not named":   {at("https://sts.us-east-1.amazonaws.com"), identity.CredentialInvalid},
		"the global host":              {at("https://sts.amazonaws.com"), identity.CredentialInvalid},
		"a port":                       {at("https://" + host + ":8443"), identity.CredentialInvalid},
		"no TLS":                       {at("http://" + host), identity.CredentialInvalid},
		"another path":                 {at("https://" + host + "/x"), identity.CredentialInvalid},
		"another action":               {set("Action", "AssumeRole"), identity.CredentialInvalid},
		"another version":              {set("Version", "2012-10-17"), identity.CredentialInvalid},
		"two actions":                  {change(func(_ *url.URL, q url.Values) { q.Add("Action", "AssumeRole") }), identity.CredentialInvalid},
		"a parameter of another call":  {set("RoleArn", role), identity.CredentialInvalid},
		"another algorithm":            {set("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"), identity.CredentialInvalid},
		"no signature":                 {set("X-Amz-Signature", ""), identity.CredentialInvalid},
		"a signature in capitals":      {change(func(_ *url.URL, q url.Values) { q.Set("X-Amz-Signature", strings.ToUpper(q.Get("X-Amz-Signature"))) }), identity.CredentialInvalid},
		"a header that is not signed":  {set("X-Amz-SignedHeaders", "host"), identity.CredentialInvalid},
		"a host that is not signed":    {set("X-Amz-SignedHeaders", "x-muster-server-id"), identity.CredentialInvalid},
		"more headers than there are":  {set("X-Amz-SignedHeaders", "host;x-amz-target;x-muster-server-id"), identity.CredentialInvalid},
		"no date":                      {set("X-Amz-Date", "yesterday"), identity.CredentialInvalid},
		"one that is too old":          {func(r *rig) string { return presign(r.now.Add(-5*time.Minute), serverID, "").String() }, identity.CredentialExpired},
		"one of the future":            {func(r *rig) string { return presign(r.now.Add(2*time.Minute), serverID, "").String() }, identity.CredentialInvalid},
		"a query that does not decode": {func(r *rig) string { return presign(r.now, serverID, "").String() + "&%zz" }, identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, err := r.verify(t, c.proof(r))
			wantReason(t, err, c.want)
			if calls := r.Calls(""); len(calls) != 0 {
				t.Errorf("STS was asked: %+v", calls)
			}
		})
	}
}

func TestProofsThatSTSRefuses(t *testing.T) {
	r := newRig(t)
	_, err := r.verify(t, presign(r.now, "https://another.example", "").String())
	wantReason(t, err, identity.CredentialInvalid) // bound to another server: the header that we send is not what was signed
	forged := presign(r.now, serverID, "")
	query := forged.Query()
	query.Set("X-Amz-Signature", strings.Repeat("0", 64))
	forged.RawQuery = query.Encode()
	_, err = r.verify(t, forged.String())
	wantReason(t, err, identity.CredentialInvalid)
}

func TestWhenSTSIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		failure providertest.Failure
		want    identity.Reason
	}{
		"down":       {providertest.Failure{Status: http.StatusServiceUnavailable}, identity.ProviderUnavailable},
		"throttling": {providertest.Failure{Status: http.StatusTooManyRequests}, identity.ProviderRateLimited},
		"gone":       {providertest.Failure{Drop: true}, identity.ProviderUnavailable},
		"garbage":    {providertest.Failure{Body: "not XML <"}, identity.ProviderUnavailable},
		"nobody":     {providertest.Failure{Body: "<GetCallerIdentityResponse/>"}, identity.WrongApplication},
		"elsewhere":  {providertest.Failure{Forward: "https://evil.example/"}, identity.CredentialInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Fail("", c.failure)
			_, err := r.verify(t, presign(r.now, serverID, "").String())
			wantReason(t, err, c.want)
		})
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	good := sts.Options{ServerID: serverID, Regions: []string{region}, Roles: []string{role}, Now: time.Now}
	for name, change := range map[string]func(*sts.Options){
		"no server id":       func(o *sts.Options) { o.ServerID = "" },
		"a server id of two": func(o *sts.Options) { o.ServerID = "a\r\nb" },
		"no region":          func(o *sts.Options) { o.Regions = nil },
		"a host for region":  func(o *sts.Options) { o.Regions = []string{"evil.example/"} },
		"no role":            func(o *sts.Options) { o.Roles = nil },
		"a pattern":          func(o *sts.Options) { o.Roles = []string{"arn:aws:iam::123456789012:role/*"} },
		"a session":          func(o *sts.Options) { o.Roles = []string{session} },
	} {
		o := good
		change(&o)
		if _, err := sts.New(o); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	if _, err := sts.New(good); err != nil {
		t.Error(err)
	}
}
