package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// call is a request as API Gateway or a function URL hands it over, in either format.
type call struct {
	method, host string
	path         string // as the client called it, the stage included
	escaped      bool   // path still has its escapes
	stage        string // that path begins with; empty: none
	query        string
	header       http.Header
	body         string
	base64       bool
	sourceIP     string
	requestID    string
	signer       Signer
	signed       bool
	multi        bool // the answer may have a header more than once
}

// readCall reads a request. Sources: API Gateway developer guide, "Create AWS Lambda proxy
// integrations for HTTP APIs" and "Input format of a Lambda function for proxy integration";
// Lambda developer guide, "Invoking Lambda function URLs".
func readCall(text []byte) (*call, error) {
	var head struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, withoutText(err)
	}
	if head.Version == "2.0" {
		return readCallV2(text)
	}
	return readCallV1(text, head.Version)
}

// readCallV2 reads payload 2.0. An HTTP API takes the escapes out of the path; a function URL
// leaves them. (Not in Amazon's documents; seen by many, and kept so for compatibility.)
func readCallV2(text []byte) (*call, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, withoutText(err)
	}
	c := e.RequestContext
	r := &call{
		method: c.HTTP.Method, host: c.DomainName, path: e.RawPath, escaped: isFunctionURL(c.DomainName), query: e.RawQueryString,
		header: make(http.Header, len(e.Headers)+1), body: e.Body, base64: e.IsBase64Encoded, sourceIP: c.HTTP.SourceIP, requestID: c.RequestID,
	}
	for name, value := range e.Headers {
		r.header.Set(name, value)
	}
	if len(e.Cookies) > 0 {
		r.header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	if isOwnDomain(c.DomainName, c.APIID) && c.Stage != "$default" {
		r.stage = c.Stage
	}
	r.signer, r.signed = SignerOfHTTP(c)
	return r, nil
}

// readCallV1 reads payload 1.0: of a REST API, whose events name no version, or of an HTTP
// API. The path in the context is the one that the client called.
func readCallV1(text []byte, version string) (*call, error) {
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, withoutText(err)
	}
	c := e.RequestContext
	r := &call{
		method: e.HTTPMethod, host: c.DomainName, path: c.Path, escaped: version == "", header: make(http.Header),
		body: e.Body, base64: e.IsBase64Encoded, sourceIP: c.Identity.SourceIP, requestID: c.RequestID, multi: true,
	}
	if r.path == "" {
		r.path = e.Path
	} else if isOwnDomain(c.DomainName, c.APIID) && c.Stage != "$default" {
		r.stage = c.Stage
	}
	for name, values := range e.MultiValueHeaders {
		for _, value := range values {
			r.header.Add(name, value)
		}
	}
	if len(e.MultiValueHeaders) == 0 {
		for name, value := range e.Headers {
			r.header.Set(name, value)
		}
	}
	query := url.Values(e.MultiValueQueryStringParameters)
	if len(query) == 0 {
		query = make(url.Values)
		for name, value := range e.QueryStringParameters {
			query.Set(name, value)
		}
	}
	r.query = query.Encode()
	r.signer, r.signed = SignerOfREST(c)
	return r, nil
}

func isFunctionURL(domain string) bool { return strings.Contains(domain, ".lambda-url.") }

// isOwnDomain says that an API is called by the name that API Gateway gave it, where its
// paths begin with the stage. Under a name of the studio's own they do not.
func isOwnDomain(domain, api string) bool {
	return strings.HasPrefix(domain, api+".execute-api.")
}

// errBadCall is that a request cannot be served as it came.
var errBadCall = errors.New("the event's request cannot be read")

// request is the call for an http.Handler whose paths begin below base. What proxies said of
// the client is left out unless forwarded: API Gateway's own word is RemoteAddr.
func (c *call) request(ctx context.Context, base string, forwarded bool) (*http.Request, error) {
	body := []byte(c.body)
	if c.base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(c.body); err != nil {
			return nil, fmt.Errorf("%w: its body is not base64", errBadCall)
		}
	}
	target, err := c.target(base)
	if err != nil {
		return nil, err
	}
	if c.signed {
		ctx = withSigner(ctx, c.signer)
	}
	r, err := http.NewRequestWithContext(ctx, c.method, "/", newBody(body))
	if err != nil {
		return nil, fmt.Errorf("%w: it has no method", errBadCall)
	}
	r.URL, r.RequestURI, r.ContentLength = target, target.RequestURI(), int64(len(body))
	r.Header, r.RemoteAddr = c.header, net.JoinHostPort(c.sourceIP, "0")
	if r.Host = c.header.Get("Host"); r.Host == "" {
		r.Host = c.host
	}
	for _, name := range []string{"Host", "Transfer-Encoding", "Connection"} {
		r.Header.Del(name)
	}
	if !forwarded {
		r.Header.Del("X-Forwarded-For")
	}
	if id := strings.TrimRight(c.requestID, "="); id != "" && r.Header.Get("X-Request-Id") == "" {
		r.Header.Set("X-Request-Id", id)
	}
	return r, nil
}

// target is what is called, below base or, if the path has no such beginning, below the stage.
func (c *call) target(base string) (*url.URL, error) {
	u := &url.URL{Path: c.path, RawQuery: c.query}
	if c.escaped {
		decoded, err := url.PathUnescape(c.path)
		if err != nil {
			return nil, fmt.Errorf("%w: its path is escaped wrongly", errBadCall)
		}
		u.Path, u.RawPath = decoded, c.path
	}
	for _, prefix := range []string{base, "/" + c.stage} {
		if below(u, prefix) {
			break
		}
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path, u.RawPath = "/"+u.Path, ""
	}
	return u, nil
}

// below takes a prefix off a path; false: it has none.
func below(u *url.URL, prefix string) bool {
	if len(prefix) < 2 {
		return false
	}
	rest, found := strings.CutPrefix(u.Path, prefix)
	if !found || rest != "" && rest[0] != '/' {
		return false
	}
	u.Path = rest
	if u.RawPath != "" {
		// A prefix that came with escapes is not the one that API Gateway or we know.
		if u.RawPath, found = strings.CutPrefix(u.RawPath, prefix); !found {
			u.RawPath = ""
		}
	}
	return true
}
