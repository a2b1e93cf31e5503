// Package sts has programs prove which AWS role they run under, without a secret of ours:
// they sign a request to AWS STS, GetCallerIdentity, and hand it over; we send it, and STS
// answers who signed it.
//
// [New] makes what checks such proofs; it implements identity.Provider. A proof is the URL
// of the request, presigned by any AWS SDK as a GET with the header [ServerIDHeader], whose
// value names us: a request that was signed for somebody else does not sign in here, and
// ours does not there.
//
// What is proven is the account and the role. The name of a role's session is chosen by
// whoever takes the role on, so it is told and proves nothing. Identities of a Cognito
// identity pool all share the session name CognitoIdentityCredentials: a player among them
// cannot be told by this, and is refused. They have the pool's OpenID token to show.
package sts

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"muster/identity"
	"muster/identity/provider"
)

// ServerIDHeader is the header that every proof signs.
const ServerIDHeader = "X-Muster-Server-Id"

// Bounds of a proof.
const (
	maxProof  = 8 << 10         // bytes
	maxAge    = 5 * time.Minute // since it was signed
	clockSkew = time.Minute     // how far the signer's clock may run ahead
)

// cognitoSession is the session name of every identity of an identity pool. Source: Cognito
// developer guide, "IAM roles".
const cognitoSession = "CognitoIdentityCredentials"

// isOfPool says that the ARN of a session is that of identities of a pool.
func isOfPool(arn string) bool { return strings.HasSuffix(arn, "/"+cognitoSession) }

// Options is what Callers needs. All but Endpoint is required.
type Options struct {
	// ServerID is the value of ServerIDHeader: the address by which programs know us.
	ServerID string
	// Regions are whose STS may be asked.
	Regions []string
	// Roles are the ARNs of the IAM roles that count.
	Roles    []string
	Endpoint string // base URL in place of every region's; empty: Amazon's
	Client   *provider.Client
	Now      func() time.Time
}

// Callers checks proofs. It is safe for concurrent use.
type Callers struct {
	serverID string
	hosts    []string
	roles    Roles
	endpoint string
	client   *provider.Client
	now      func() time.Time
}

// role is an IAM role as STS names it: without its path, which the names of one account
// are unique without.
type role struct{ partition, account, name string }

var (
	roleARN    = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})$`)
	assumedARN = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sts::([0-9]{12}):assumed-role/([\w+=,.@-]{1,64})/([\w+=,.@-]{2,64})$`)
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]+$`)
)

// New makes a Callers. It calls nobody.
func New(o Options) (*Callers, error) {
	c := &Callers{
		serverID: o.ServerID, endpoint: strings.TrimSuffix(o.Endpoint, "/"),
		client: o.Client, now: o.Now,
	}
	if o.ServerID == "" || strings.ContainsFunc(o.ServerID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the server id must be printable text without spaces")
	}
	for _, region := range o.Regions {
		if !regionName.MatchString(region) {
			return nil, fmt.Errorf("%q is not a region", region)
		}
		c.hosts = append(c.hosts, hostOf(region))
	}
	var err error
	if c.roles, err = ParseRoles(o.Roles); err != nil {
		return nil, err
	}
	if len(c.hosts) == 0 || len(o.Roles) == 0 {
		return nil, errors.New("at least one region and one role are needed")
	}
	return c, nil
}

func hostOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "sts." + region + ".amazonaws.com.cn"
	}
	return "sts." + region + ".amazonaws.com"
}

func parse(form *regexp.Regexp, arn string) (role, bool) {
	parts := form.FindStringSubmatch(arn)
	if parts == nil {
		return role{}, false
	}
	return role{partition: parts[1], account: parts[2], name: parts[3]}, true
}

// Verify implements identity.Provider: the proof's token is a presigned URL. The subject is
// the user id that STS answers with, "AROA...:session". A proof works once.
func (c *Callers) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	signed, err := c.read(proof.Token)
	if err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	now := c.now()
	switch {
	case signed.at.After(now.Add(clockSkew)):
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("the request was signed in the future"))
	case !now.Before(signed.at.Add(maxAge)):
		return identity.Verified{}, identity.Refusal(identity.CredentialExpired, errors.New("the request was signed too long ago"))
	}
	answer, err := c.ask(ctx, signed)
	if err != nil {
		return identity.Verified{}, err
	}
	switch {
	case isOfPool(answer.ARN):
		return identity.Verified{}, identity.Refusal(identity.WrongApplication, errors.New("the signer is somebody of an identity pool"))
	case !c.roles.Hold(answer.Account, answer.ARN) || answer.UserID == "":
		return identity.Verified{}, identity.Refusal(identity.WrongApplication, errors.New("the signer is under no role of ours"))
	}
	return identity.Verified{Subject: answer.UserID, DisplayName: answer.ARN, Once: signed.once, Until: signed.at.Add(maxAge)}, nil
}

// signedRequest is a request that somebody signed, in the form in which it is sent.
type signedRequest struct {
	url  string
	at   time.Time
	once string // the signature, which covers all of it
}

// parameters are what the query of a proof may hold. Anything else could be another call,
// or the same one in more forms.
var parameters = map[string]bool{
	"Action": true, "Version": true, "X-Amz-Algorithm": true, "X-Amz-Credential": true, "X-Amz-Date": true,
	"X-Amz-Expires": true, "X-Amz-SignedHeaders": true, "X-Amz-Signature": true, "X-Amz-Security-Token": true,
	"X-Amz-Content-Sha256": true, "X-Amz-User-Agent": true,
}

var signature = regexp.MustCompile(`^[0-9a-f]{64}$`)

// read takes a proof apart, so that what is sent is a GetCallerIdentity at an STS that we
// chose, and bound to us. It believes nothing of it.
func (c *Callers) read(text string) (signedRequest, error) {
	if len(text) > maxProof {
		return signedRequest{}, errors.New("the request is too long")
	}
	u, err := url.Parse(text)
	if err != nil {
		return signedRequest{}, errors.New("the request is not a URL")
	}
	if u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.Fragment != "" || u.Path != "/" && u.Path != "" || !slices.Contains(c.hosts, u.Host) {
		return signedRequest{}, errors.New("the request is not one to an STS of ours")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return signedRequest{}, errors.New("the request's query does not decode")
	}
	for name, values := range query {
		if !parameters[name] || len(values) != 1 {
			return signedRequest{}, errors.New("the request's query holds something else, or twice")
		}
	}
	if err := checkQuery(query); err != nil {
		return signedRequest{}, err
	}
	at, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	if err != nil {
		return signedRequest{}, errors.New("the request has no date")
	}
	base := "https://" + u.Host
	if c.endpoint != "" {
		base = c.endpoint
	}
	return signedRequest{base + "/?" + query.Encode(), at, query.Get("X-Amz-Signature")}, nil
}

// checkQuery says that a query is that of GetCallerIdentity, signed together with the
// header that binds it to us.
func checkQuery(query url.Values) error {
	headers := strings.Split(query.Get("X-Amz-SignedHeaders"), ";")
	switch {
	case query.Get("Action") != "GetCallerIdentity" || query.Get("Version") != "2011-06-15":
		return errors.New("the request is another one")
	case query.Get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" || !signature.MatchString(query.Get("X-Amz-Signature")):
		return errors.New("the request is not signed")
	case !slices.Contains(headers, "host") || !slices.Contains(headers, strings.ToLower(ServerIDHeader)):
		return errors.New("the request does not sign host and " + ServerIDHeader)
	case len(headers) != 2:
		return errors.New("the request signs headers that it does not have")
	}
	return nil
}

// whoami is STS's answer. Source: STS API reference, GetCallerIdentity.
type whoami struct {
	Account string `xml:"GetCallerIdentityResult>Account"`
	ARN     string `xml:"GetCallerIdentityResult>Arn"`
	UserID  string `xml:"GetCallerIdentityResult>UserId"`
}

// ask sends a signed request with our own name in the header.
func (c *Callers) ask(ctx context.Context, signed signedRequest) (whoami, error) {
	answer, err := c.client.Do(ctx, provider.Call{URL: signed.url, Header: http.Header{
		ServerIDHeader: {c.serverID}, "Accept": {"application/xml"},
	}})
	if err != nil {
		return whoami{}, err
	}
	if !answer.OK() {
		return whoami{}, identity.Refusal(identity.CredentialInvalid, fmt.Errorf("STS answered with status %d", answer.Status))
	}
	var told whoami
	if err := xml.Unmarshal(answer.Body, &told); err != nil {
		return whoami{}, identity.Refusal(identity.ProviderUnavailable, errors.New("STS answered something else"))
	}
	return told, nil
}
