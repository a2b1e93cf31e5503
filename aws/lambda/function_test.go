package lambda_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"muster/aws/lambda"
)

// seen is what a handler saw of a call.
type seen struct {
	Method, Host, Path, EscapedPath, Query, Remote, Body string
	Header                                               http.Header
	Signer                                               string
}

// mirror answers with what it saw.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	signer, _ := lambda.SignerFrom(r.Context())
	_ = json.NewEncoder(w).Encode(seen{
		Method: r.Method, Host: r.Host, Path: r.URL.Path, EscapedPath: r.URL.EscapedPath(), Query: r.URL.RawQuery, Remote: r.RemoteAddr,
		Body: string(body), Header: r.Header, Signer: signer.ARN,
	})
}

func function(handler http.HandlerFunc, change func(*lambda.FunctionOptions)) *lambda.Function {
	o := lambda.FunctionOptions{Handler: handler, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	return lambda.NewFunction(o)
}

// told is an answer in either form.
type told struct {
	StatusCode        int
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

func invoke(t *testing.T, f *lambda.Function, event string) told {
	t.Helper()
	out, err := f.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	var a told
	decode(t, string(out), &a)
	return a
}

func mirrored(t *testing.T, f *lambda.Function, event string) seen {
	t.Helper()
	a := invoke(t, f, event)
	var s seen
	decode(t, a.Body, &s)
	return s
}

// callV2 is a call by payload 2.0. Shape: API Gateway developer guide.
func callV2(domain, stage, rawPath, more string) string {
	return fmt.Sprintf(`{"version":"2.0","routeKey":"$default","rawPath":%q,"rawQueryString":"a=1&a=2&b=x%%20y","cookies":["c1=1","c2=2"],
		"headers":{"host":%q,"user-agent":"Game, 1.0","x-forwarded-for":"198.51.100.7","content-type":"application/json"},
		"requestContext":{"accountId":"1","apiId":"abc","domainName":%q,"http":{"method":"POST","path":%q,"protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"Game"},
		"requestId":"JKJaXmPLvHcESHA=","stage":%q,"timeEpoch":1}%s}`, rawPath, domain, domain, rawPath, stage, more)
}

// callV1 is a call by payload 1.0; version is empty for a REST API.
func callV1(version, domain, stage, path, more string) string {
	if version != "" {
		version = `"version":"` + version + `",`
	}
	return fmt.Sprintf(`{%s"resource":"/{proxy+}","path":"/elsewhere","httpMethod":"POST","headers":{"Host":%q},
		"multiValueHeaders":{"Host":[%q],"Accept":["a/b","c/d"],"X-Forwarded-For":["198.51.100.7"]},
		"multiValueQueryStringParameters":{"a":["1","2"],"b":["x y"]},
		"requestContext":{"apiId":"abc","domainName":%q,"stage":%q,"path":%q,"requestId":"0a1b-2c","identity":{"sourceIp":"192.0.2.1"}}%s}`,
		version, domain, domain, domain, stage, path, more)
}

const (
	ownDomain   = "abc.execute-api.eu-central-1.amazonaws.com"
	functionURL = "xyz.lambda-url.eu-central-1.on.aws"
)

func TestCallsReachTheHandlerAsTheClientMadeThem(t *testing.T) {
	for name, c := range map[string]struct{ event, base, path, escaped string }{
		"an HTTP API":                       {callV2(ownDomain, "$default", "/v1/modes", ""), "", "/v1/modes", "/v1/modes"},
		"an HTTP API with a stage":          {callV2(ownDomain, "prod", "/prod/v1/modes", ""), "", "/v1/modes", "/v1/modes"},
		"a stage that is called v1":         {callV2(ownDomain, "v1", "/v1/v1/modes", ""), "", "/v1/modes", "/v1/modes"},
		"a stage under a name of ours":      {callV2("play.example", "v1", "/v1/modes", ""), "", "/v1/modes", "/v1/modes"},
		"a base path":                       {callV2("play.example", "prod", "/game/v1/modes", ""), "/game", "/v1/modes", "/v1/modes"},
		"a base path that is the stage":     {callV2(ownDomain, "prod", "/prod/v1/modes", ""), "/prod", "/v1/modes", "/v1/modes"},
		"a base path that is not there":     {callV2("play.example", "prod", "/gamers/v1", ""), "/game", "/gamers/v1", "/gamers/v1"},
		"a path without its escapes":        {callV2(ownDomain, "$default", "/v1/a%2fb c?d", ""), "", "/v1/a%2fb c?d", "/v1/a%252fb%20c%3Fd"},
		"a function URL":                    {callV2(functionURL, "$default", "/v1/a%2Fb%20c", ""), "", "/v1/a/b c", "/v1/a%2Fb%20c"},
		"nothing but the stage":             {callV2(ownDomain, "prod", "/prod", ""), "", "/", "/"},
		"a REST API":                        {callV1("", ownDomain, "prod", "/prod/v1/a%2Fb", ""), "", "/v1/a/b", "/v1/a%2Fb"},
		"a REST API under a name of ours":   {callV1("", "play.example", "prod", "/game/v1/modes", ""), "/game", "/v1/modes", "/v1/modes"},
		"an HTTP API of payload 1.0":        {callV1("1.0", ownDomain, "prod", "/prod/v1/a%2Fb", ""), "", "/v1/a%2Fb", "/v1/a%252Fb"},
		"an HTTP API of 1.0, stage default": {callV1("1.0", ownDomain, "$default", "/v1/modes", ""), "", "/v1/modes", "/v1/modes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := mirrored(t, function(mirror, func(o *lambda.FunctionOptions) { o.BasePath = c.base }), c.event)
			if s.Path != c.path || s.EscapedPath != c.escaped {
				t.Errorf("path is %q (%q), want %q (%q)", s.Path, s.EscapedPath, c.path, c.escaped)
			}
			if s.Method != http.MethodPost || s.Remote != "192.0.2.1:0" || s.Signer != "" {
				t.Errorf("%s from %s, signed by %q", s.Method, s.Remote, s.Signer)
			}
			if s.Query != "a=1&a=2&b=x%20y" && s.Query != "a=1&a=2&b=x+y" {
				t.Errorf("query is %q", s.Query)
			}
			if s.Header.Get("X-Forwarded-For") != "" || s.Host == "" || s.Header.Get("Host") != "" {
				t.Errorf("host %q, headers %v", s.Host, s.Header)
			}
		})
	}
}

func TestHeadersAndCookiesOfCalls(t *testing.T) {
	s := mirrored(t, function(mirror, nil), callV2(ownDomain, "$default", "/", ""))
	if s.Header.Get("Cookie") != "c1=1; c2=2" || s.Header.Get("User-Agent") != "Game, 1.0" || s.Header.Get("X-Request-Id") != "JKJaXmPLvHcESHA" {
		t.Errorf("2.0: %v", s.Header)
	}
	s = mirrored(t, function(mirror, nil), callV1("", ownDomain, "prod", "/prod/x", ""))
	if got := s.Header["Accept"]; len(got) != 2 || s.Header.Get("X-Request-Id") != "0a1b-2c" {
		t.Errorf("1.0: %v", s.Header)
	}
	s = mirrored(t, function(mirror, func(o *lambda.FunctionOptions) { o.Forwarded = true }), callV2(ownDomain, "$default", "/", ""))
	if s.Header.Get("X-Forwarded-For") != "198.51.100.7" {
		t.Error("where proxies are known, what they say is kept from the handler")
	}
}

func TestBodiesOfCalls(t *testing.T) {
	text := base64.StdEncoding.EncodeToString([]byte("{\"x\":\"\xff\"}"))
	for name, c := range map[string]struct{ more, want string }{
		"text":     {`,"body":"{}","isBase64Encoded":false`, "{}"},
		"base64":   {`,"body":"e30=","isBase64Encoded":true`, "{}"},
		"bytes":    {`,"body":"` + text + `","isBase64Encoded":true`, "{\"x\":\"\ufffd\"}"},
		"nothing":  {``, ""},
		"no value": {`,"body":null`, ""},
	} {
		for _, event := range []string{callV2(ownDomain, "$default", "/", c.more), callV1("", ownDomain, "prod", "/prod/", c.more)} {
			if s := mirrored(t, function(mirror, nil), event); s.Body != c.want {
				t.Errorf("%s: body is %q, want %q", name, s.Body, c.want)
			}
		}
	}
	a := invoke(t, function(mirror, nil), callV2(ownDomain, "$default", "/", `,"body":"{","isBase64Encoded":true`))
	if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.Body, `"request.unreadable"`) {
		t.Errorf("a body that is not base64: %+v", a)
	}
	if a = invoke(t, function(mirror, nil), callV2(functionURL, "$default", "/%zz", "")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a path that is escaped wrongly: %+v", a)
	}
}

func TestAnswersKeepWhatTheHandlerSaid(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept")
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("Late", "x")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "<&> ü")
	}
	a := invoke(t, function(handler, nil), callV2(ownDomain, "$default", "/", ""))
	if a.StatusCode != http.StatusCreated || a.Body != "<&> ü" || a.IsBase64Encoded || a.Headers["Vary"] != "Origin, Accept" || len(a.Cookies) != 2 || a.Headers["Late"] != "" || a.Headers["Set-Cookie"] != "" {
		t.Errorf("2.0: %+v", a)
	}
	a = invoke(t, function(handler, nil), callV1("", ownDomain, "prod", "/prod/", ""))
	if a.StatusCode != http.StatusCreated || len(a.MultiValueHeaders["Vary"]) != 2 || len(a.MultiValueHeaders["Set-Cookie"]) != 2 {
		t.Errorf("1.0: %+v", a)
	}
	a = invoke(t, function(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff, 0x00}) }, nil), callV2(ownDomain, "$default", "/", ""))
	if a.StatusCode != http.StatusOK || !a.IsBase64Encoded || a.Body != "/wA=" {
		t.Errorf("bytes: %+v", a)
	}
	if a = invoke(t, function(func(http.ResponseWriter, *http.Request) {}, nil), callV2(ownDomain, "$default", "/", "")); a.StatusCode != http.StatusOK || a.Body != "" {
		t.Errorf("nothing: %+v", a)
	}
}

func TestAnswersThatAreTooLarge(t *testing.T) {
	for name, one := range map[string]string{"many bytes": "x", "bytes that need escapes": "\x01"} {
		handler := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat(one, 5<<20)) }
		if name == "many bytes" {
			handler = func(w http.ResponseWriter, _ *http.Request) {
				for range 7 {
					_, _ = io.WriteString(w, strings.Repeat(one, 1<<20))
				}
			}
		}
		a := invoke(t, function(handler, nil), callV2(ownDomain, "$default", "/", ""))
		if a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.Body, "response.too_large") {
			t.Errorf("%s: status %d, %d bytes", name, a.StatusCode, len(a.Body))
		}
	}
}

func TestAPanicIsA500(t *testing.T) {
	a := invoke(t, function(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic("secret detail")
	}, nil), callV2(ownDomain, "$default", "/", ""))
	if a.StatusCode != http.StatusInternalServerError || strings.Contains(a.Body, "half") || strings.Contains(a.Body, "secret") {
		t.Errorf("answer is %+v", a)
	}
}

func TestCallsEndBeforeTheInvocation(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  int
	}{
		"a handler that heeds its context": {func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.WriteHeader(http.StatusAccepted)
		}, http.StatusAccepted},
		"a handler that does not": {nil, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				defer cancel()
				start := time.Now()
				handler := c.handler
				if handler == nil {
					release := make(chan struct{})
					defer close(release)
					handler = func(http.ResponseWriter, *http.Request) { <-release }
				}
				out, err := function(handler, nil).Invoke(ctx, []byte(callV2(ownDomain, "$default", "/", "")))
				if err != nil {
					t.Fatal(err)
				}
				var a told
				decode(t, string(out), &a)
				if took := time.Since(start); a.StatusCode != c.status || took >= 3*time.Second || took < 2*time.Second {
					t.Errorf("status %d after %v", a.StatusCode, took)
				}
			})
		})
	}
}

func TestSignedCallsNameTheirSigner(t *testing.T) {
	iam := `,"requestContext":{"apiId":"abc","domainName":"` + ownDomain + `","stage":"$default","http":{"method":"GET","sourceIp":"192.0.2.1"},
		"authorizer":{"iam":{"accountId":"123456789012","userArn":"` + loginARN + `","cognitoIdentity":null}}}}`
	v2 := strings.TrimSuffix(callV2(ownDomain, "$default", "/", ""), "}") + iam // the later member counts
	if s := mirrored(t, function(mirror, nil), v2); s.Signer != loginARN {
		t.Errorf("2.0: signed by %q", s.Signer)
	}
	v1 := strings.Replace(callV1("", ownDomain, "prod", "/prod/", ""), `"identity":{`, `"identity":{"userArn":"`+loginARN+`","accountId":"123456789012",`, 1)
	if s := mirrored(t, function(mirror, nil), v1); s.Signer != loginARN {
		t.Errorf("1.0: signed by %q", s.Signer)
	}
	// What a client sends names nobody.
	forged := strings.Replace(callV2(ownDomain, "$default", "/", `,"body":"{\"requestContext\":{\"authorizer\":{\"iam\":{\"userArn\":\"x\"}}}}"`),
		`"headers":{`, `"headers":{"requestcontext":"{\"authorizer\":{\"iam\":{\"userArn\":\"x\"}}}","x-amzn-iam":"x",`, 1)
	if s := mirrored(t, function(mirror, nil), forged); s.Signer != "" {
		t.Errorf("forged: signed by %q", s.Signer)
	}
}

func TestEventsThatAreNotForAFunction(t *testing.T) {
	f := function(mirror, nil)
	for name, event := range map[string]string{
		"nothing": ``, "a list": `[]`, "no kind": `{}`,
		"a load balancer's":   `{"httpMethod":"GET","path":"/","requestContext":{"elb":{"targetGroupArn":"arn:x"}},"headers":{}}`,
		"an authorizer's":     gateways("Bearer x")["REST REQUEST"],
		"an authorizer's 2.0": gateways("Bearer x")["HTTP API 2.0"],
		"records of others":   `{"Records":[{"eventSource":"aws:s3"}]}`,
		"a schedule":          `{"source":"aws.events","detail-type":"Scheduled Event"}`,
		"an event":            `{"source":"aws.gamelift","detail-type":"GameLift Matchmaking Event"}`,
		"one without end":     `{"x":"` + strings.Repeat("x", 8<<20) + `"}`,
	} {
		if out, err := f.Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("%s: answered %s", name, out)
		} else if strings.Contains(err.Error(), "xxxx") {
			t.Errorf("%s: the error repeats the event", name)
		}
	}
}

func TestAFunctionAnswersInTheFormOfItsEvents(t *testing.T) {
	out, err := function(mirror, nil).Invoke(t.Context(), []byte(callV2(functionURL, "$default", "/", "")))
	if err != nil {
		t.Fatal(err)
	}
	var u events.LambdaFunctionURLResponse
	decode(t, string(out), &u)
	if u.StatusCode != http.StatusOK || u.Headers["Content-Type"] == "" {
		t.Errorf("a function URL: %+v", u)
	}
}

func TestWhatComesAfterACallCostsNoAnswer(t *testing.T) {
	for name, after := range map[string]func(ctx context.Context){
		"a panic":             func(context.Context) { panic("x") },
		"what heeds its time": func(ctx context.Context) { <-ctx.Done() },
		"what does not":       func(ctx context.Context) { <-time.After(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				defer cancel()
				start := time.Now()
				f := function(mirror, func(o *lambda.FunctionOptions) { o.After = after })
				out, err := f.Invoke(ctx, []byte(callV2(ownDomain, "$default", "/", "")))
				if err != nil {
					t.Fatal(err)
				}
				var a told
				decode(t, string(out), &a)
				if took := time.Since(start); a.StatusCode != http.StatusOK || took >= 3*time.Second {
					t.Errorf("status %d after %v", a.StatusCode, took)
				}
				synctest.Wait()
				<-time.After(time.Minute) // what does not heed its time ends
			})
		})
	}
}
