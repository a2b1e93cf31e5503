package lambda_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/aws/lambda"
)

const (
	stage     = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3/test"
	theTicket = "a-ticket"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// token is one that verify takes; it lives for a while.
func token(name string, lives time.Duration) string {
	claims := fmt.Sprintf(`{"sub":%q,"exp":%d}`, name, now.Add(lives).Unix())
	return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
}

// verify is a fake: what a token's subject is called is what becomes of it.
func verify(_ context.Context, text string) (muster.Caller, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "token.invalid", "not valid")
	}
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct{ Sub string }
	_ = json.Unmarshal(body, &claims)
	switch claims.Sub {
	case "banned":
		return muster.Caller{}, muster.Errorf(muster.Denied, "account.banned", "banned")
	case "unlucky":
		return muster.Caller{}, errors.New("store: secret detail")
	case "guest":
		return muster.Caller{Player: "p-guest", Scope: muster.GuestScope, Family: "f1"}, nil
	}
	return muster.Caller{Player: muster.PlayerID(claims.Sub), Scope: muster.PlayerScope, Family: "f1"}, nil
}

func verifyServer(key string) (muster.Caller, error) {
	if key != "msk_good" {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "server_key.invalid", "unknown")
	}
	return muster.Caller{Scope: muster.ServerScope, Key: "fingerprint"}, nil
}

var verifiers = muster.Verifiers{Token: verify, Server: verifyServer}

func redeem(_ context.Context, ticket string) (muster.Caller, error) {
	if ticket != theTicket {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "socket_ticket.invalid", "unknown")
	}
	return muster.Caller{Player: "p1", Scope: muster.PlayerScope, Family: "f1"}, nil
}

func authorizer(change func(*lambda.AuthorizerOptions)) *lambda.Authorizer {
	o := lambda.AuthorizerOptions{
		Verifiers: verifiers, Redeem: redeem, MaxTTL: time.Minute,
		DeniedFields: map[muster.Scope][]string{muster.GuestScope: {"Mutation.createParty"}},
		Now:          func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	return lambda.NewAuthorizer(o)
}

func quote(text string) string {
	body, _ := json.Marshal(text)
	return string(body)
}

// gateways are the events of API Gateway for a call that sends one header Authorization.
// Shapes: API Gateway developer guide.
func gateways(header string) map[string]string {
	h := quote(header)
	return map[string]string{
		"REST TOKEN": `{"type":"TOKEN","authorizationToken":` + h + `,"methodArn":"` + stage + `/GET/v1/profile"}`,
		"REST REQUEST": `{"type":"REQUEST","methodArn":"` + stage + `/GET/v1/profile","resource":"/v1/profile","path":"/v1/profile","httpMethod":"GET",
			"headers":{"X-AMZ-Date":"20170718T062915Z","AUTHORIZATION":` + h + `},"multiValueHeaders":{"AUTHORIZATION":[` + h + `]},
			"queryStringParameters":null,"multiValueQueryStringParameters":null,"pathParameters":{},"stageVariables":null,
			"requestContext":{"path":"/v1/profile","accountId":"123456789012","resourceId":"05c7jb","stage":"test","requestId":"...","identity":{"apiKey":"...","sourceIp":"192.0.2.1","clientCert":null},"resourcePath":"/v1/profile","httpMethod":"GET","apiId":"a1b2c3"}}`,
		"WebSocket": `{"type":"REQUEST","methodArn":"` + stage + `/$connect","headers":{"Authorization":` + h + `,"Host":"a1b2c3.execute-api.eu-central-1.amazonaws.com","Sec-WebSocket-Version":"13"},
			"multiValueHeaders":{"Authorization":[` + h + `]},"queryStringParameters":{},"multiValueQueryStringParameters":{},"stageVariables":{},
			"requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"e=","requestTime":"19/Jan/2023:21:13:26 +0000","messageDirection":"IN","stage":"test","connectedAt":1674162806344,"requestTimeEpoch":1674162806345,"identity":{"sourceIp":"192.0.2.1"},"requestId":"e=","domainName":"d","connectionId":"c=","apiId":"a1b2c3"}}`,
		"HTTP API 1.0": `{"version":"1.0","type":"REQUEST","methodArn":"` + stage + `/GET/request","identitySource":` + h + `,"authorizationToken":` + h + `,"resource":"/request","path":"/request","httpMethod":"GET",
			"headers":{"authorization":` + h + `},"queryStringParameters":{"q":"1"},"pathParameters":null,"stageVariables":{},"requestContext":{"path":"/request","accountId":"123456789012","stage":"test","identity":{"sourceIp":"192.0.2.1"},"httpMethod":"GET","apiId":"a1b2c3"}}`,
		"HTTP API 2.0": `{"version":"2.0","type":"REQUEST","routeArn":"` + stage + `/GET/request","identitySource":[` + h + `],"routeKey":"$default","rawPath":"/request","rawQueryString":"","cookies":["a"],
			"headers":{"authorization":` + h + `},"requestContext":{"accountId":"123456789012","apiId":"a1b2c3","domainName":"d","http":{"method":"GET","path":"/request","protocol":"HTTP/1.1","sourceIp":"192.0.2.1"},"requestId":"id","routeKey":"$default","stage":"test","time":"12/Mar/2020:19:03:58 +0000","timeEpoch":1583348638390},
			"stageVariables":null}`,
	}
}

func appSync(token string) string {
	return `{"authorizationToken":` + quote(token) + `,"requestContext":{"apiId":"aaaaaa123123123example123","accountId":"111122223333","requestId":"f4081827","queryString":"mutation M {x}","operationName":"M","variables":{}},"requestHeaders":{"application":"game"}}`
}

// answer is what any kind of answer may have.
type answer struct {
	PrincipalID    string
	PolicyDocument *struct {
		Version   string
		Statement []struct{ Action, Effect, Resource string }
	}
	Context         map[string]any
	IsAuthorized    *bool
	ResolverContext map[string]any
	DeniedFields    []string
	TTLOverride     *int
}

// allowed says whether anybody is let in, and checks that the answer is of one form.
func (a answer) allowed(t *testing.T) bool {
	t.Helper()
	if (a.PolicyDocument == nil) == (a.IsAuthorized == nil) {
		t.Fatalf("the answer is of no form: %+v", a)
	}
	if a.IsAuthorized != nil {
		return *a.IsAuthorized
	}
	d := a.PolicyDocument
	if d.Version != "2012-10-17" || len(d.Statement) != 1 || a.PrincipalID == "" ||
		d.Statement[0].Action != "execute-api:Invoke" || d.Statement[0].Resource != stage+"/*" {
		t.Fatalf("the policy is %+v", a)
	}
	return d.Statement[0].Effect == "Allow"
}

func ask(t *testing.T, a *lambda.Authorizer, event string) (answer, error) {
	t.Helper()
	text, err := a.Invoke(context.Background(), []byte(event))
	var got answer
	if err == nil {
		decode(t, string(text), &got)
	}
	return got, err
}

func TestAuthorizersDecideAsTheHTTPInterface(t *testing.T) {
	for name, header := range map[string]string{
		"a player":             "Bearer " + token("p1", time.Hour),
		"another case":         "bEARER   " + token("p1", time.Hour),
		"a guest":              "Bearer " + token("guest", time.Hour),
		"a banned player":      "Bearer " + token("banned", time.Hour),
		"a game server":        "Bearer msk_good",
		"no game server":       "Bearer msk_bad",
		"no scheme":            token("p1", time.Hour),
		"another scheme":       "Basic " + token("p1", time.Hour),
		"nothing after Bearer": "Bearer ",
		"no token":             "Bearer nonsense",
		"two in one header":    "Bearer " + token("p1", time.Hour) + ",Bearer " + token("p2", time.Hour),
		"too much":             "Bearer " + strings.Repeat("x", 9000),
		"nobody can say":       "Bearer " + token("unlucky", time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			caller, refused := verifiers.Authorization(context.Background(), []string{header})
			for _, answers := range []lambda.Answers{lambda.SimpleAnswers, lambda.PolicyAnswers} {
				a := authorizer(func(o *lambda.AuthorizerOptions) { o.HTTPAnswers = answers })
				for kind, event := range gateways(header) {
					got, err := ask(t, a, event)
					checkVerdict(t, kind, got, err, caller, refused)
				}
			}
		})
	}
}

// checkVerdict compares an answer with what the HTTP interface decides.
func checkVerdict(t *testing.T, kind string, got answer, err error, caller muster.Caller, refused error) {
	t.Helper()
	is401 := refused != nil && muster.KindOf(refused) == muster.Unauthenticated && !strings.HasPrefix(kind, "HTTP")
	is500 := refused != nil && muster.KindOf(refused) == muster.Internal
	switch {
	case is401 || is500:
		if err == nil || errors.Is(err, lambda.ErrUnauthorized) != is401 || is401 && err.Error() != "Unauthorized" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %+v, %v; the HTTP interface says %v", kind, got, err, refused)
		}
		return
	case err != nil:
		t.Errorf("%s: %v", kind, err)
		return
	}
	if got.allowed(t) != (refused == nil) {
		t.Errorf("%s: %+v; the HTTP interface says %v", kind, got, refused)
	}
	for key, want := range map[string]string{"player": string(caller.Player), "scope": string(caller.Scope), "family": caller.Family, "key": caller.Key} {
		if told, _ := got.Context[key].(string); told != want {
			t.Errorf("%s: context %s is %q, want %q", kind, key, told, want)
		}
	}
}

func TestAppSync(t *testing.T) {
	for name, c := range map[string]struct {
		token   string
		allowed bool
		ttl     int
		denied  int
	}{
		"a token":                     {token("p1", time.Hour), true, 60, 0},
		"a token with Bearer":         {"Bearer " + token("p1", time.Hour), true, 60, 0},
		"a token that ends soon":      {token("p1", 20*time.Second), true, 20, 0},
		"a guest has denied fields":   {token("guest", time.Hour), true, 60, 1},
		"a key says no end":           {"msk_good", true, 60, 0},
		"a banned player is not kept": {token("banned", time.Hour), false, 0, 0},
		"nonsense":                    {"nonsense", false, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ask(t, authorizer(nil), appSync(c.token))
			if err != nil || got.allowed(t) != c.allowed || got.TTLOverride == nil || *got.TTLOverride != c.ttl || len(got.DeniedFields) != c.denied {
				t.Errorf("%+v, %v", got, err)
			}
			if c.allowed == (len(got.ResolverContext) == 0) {
				t.Errorf("the resolvers learn %v", got.ResolverContext)
			}
		})
	}
}

func TestSocketTickets(t *testing.T) {
	connect := func(headers, query, multi string) string {
		return `{"type":"REQUEST","methodArn":"` + stage + `/$connect","headers":` + headers + `,"queryStringParameters":` + query + `,"multiValueQueryStringParameters":` + multi + `,"requestContext":{"eventType":"CONNECT","connectionId":"c="}}`
	}
	header := `{"Authorization":"Bearer ` + token("p1", time.Hour) + `"}`
	for name, c := range map[string]struct {
		event   string
		allowed bool
	}{
		"a good ticket":             {connect(`null`, `{"ticket":"a-ticket"}`, `{"ticket":["a-ticket"]}`), true},
		"a ticket in one map alone": {connect(`null`, `null`, `{"ticket":["a-ticket"]}`), true},
		"a ticket that is unknown":  {connect(`{}`, `{"ticket":"other"}`, `null`), false},
		"an empty ticket":           {connect(`{}`, `{"ticket":""}`, `null`), false},
		"an endless ticket":         {connect(`{}`, `{"ticket":"`+strings.Repeat("x", 513)+`"}`, `null`), false},
		"two tickets":               {connect(`{}`, `{"ticket":"a-ticket"}`, `{"ticket":["b","a-ticket"]}`), false},
		"a ticket and a token":      {connect(header, `{"ticket":"a-ticket"}`, `null`), false},
		"a token alone":             {connect(header, `null`, `null`), true},
		"nothing":                   {connect(`null`, `null`, `null`), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ask(t, authorizer(nil), c.event)
			if c.allowed != (err == nil) || err != nil && !errors.Is(err, lambda.ErrUnauthorized) {
				t.Fatalf("%+v, %v", got, err)
			}
			if c.allowed && (!got.allowed(t) || got.PrincipalID != "p1") {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("elsewhere a ticket is nothing", func(t *testing.T) {
		_, err := ask(t, authorizer(nil), `{"type":"REQUEST","methodArn":"`+stage+`/GET/x","queryStringParameters":{"ticket":"a-ticket"},"requestContext":{"apiId":"a"}}`)
		if !errors.Is(err, lambda.ErrUnauthorized) {
			t.Error(err)
		}
	})
	t.Run("without a store", func(t *testing.T) {
		_, err := ask(t, authorizer(func(o *lambda.AuthorizerOptions) { o.Redeem = nil }), connect(`null`, `{"ticket":"a-ticket"}`, `null`))
		if !errors.Is(err, lambda.ErrUnauthorized) {
			t.Error(err)
		}
	})
}

func TestTwoAuthorizationHeadersAreRefused(t *testing.T) {
	good := quote("Bearer " + token("p1", time.Hour))
	_, err := ask(t, authorizer(nil), `{"type":"REQUEST","methodArn":"`+stage+`/GET/x","headers":{"authorization":`+good+`},"multiValueHeaders":{"authorization":[`+good+`,`+good+`]},"requestContext":{"apiId":"a"}}`)
	if !errors.Is(err, lambda.ErrUnauthorized) {
		t.Error(err)
	}
}

func TestOnlySomeScopes(t *testing.T) {
	a := authorizer(func(o *lambda.AuthorizerOptions) { o.Scopes = []muster.Scope{muster.PlayerScope} })
	for header, want := range map[string]bool{"Bearer " + token("p1", time.Hour): true, "Bearer " + token("guest", time.Hour): false, "Bearer msk_good": false} {
		for kind, event := range gateways(header) {
			got, err := ask(t, a, event)
			if err != nil || got.allowed(t) != want {
				t.Errorf("%s: %+v, %v", kind, got, err)
			}
			if !want && got.Context["code"] != "auth.wrong_scope" {
				t.Errorf("%s: the context is %v", kind, got.Context)
			}
		}
	}
}

func TestEventsThatAreNone(t *testing.T) {
	bearer := "Bearer " + token("p1", time.Hour)
	for name, c := range map[string]struct{ event, says string }{
		"no JSON":                      {`Bearer a.b.c`, "does not parse"},
		"nothing":                      {``, "does not parse"},
		"null":                         {`null`, "no authorizer"},
		"a list":                       {`[]`, "another type"},
		"headers of another type":      {`{"type":"REQUEST","headers":["Bearer x"]}`, `"headers"`},
		"too much":                     {`{"type":"` + strings.Repeat("x", 2<<20) + `"}`, "the limit"},
		"a call, not an authorization": {`{"version":"2.0","routeKey":"$default","rawPath":"/","requestContext":{"apiId":"a"}}`, "no authorizer"},
		"another version":              {`{"type":"REQUEST","version":"3.0","routeArn":"` + stage + `/GET/x"}`, "no authorizer"},
		"a message of a socket":        {`{"type":"REQUEST","methodArn":"` + stage + `/hi","requestContext":{"eventType":"MESSAGE","connectionId":"c="}}`, "MESSAGE"},
		"no ARN":                       {`{"type":"TOKEN","authorizationToken":"x"}`, "names no method"},
		"the ARN of something else":    {`{"type":"TOKEN","authorizationToken":"x","methodArn":"arn:aws:lambda:eu-central-1:1:function:x"}`, "names no method"},
		"an ARN without a stage":       {`{"type":"TOKEN","authorizationToken":"x","methodArn":"arn:aws:execute-api:r:1:api"}`, "does not name"},
		"an ARN of every stage":        {`{"type":"TOKEN","authorizationToken":"x","methodArn":"arn:aws:execute-api:r:1:api/*/GET/x"}`, "does not name"},
		"answers kept by a cookie":     {`{"version":"2.0","type":"REQUEST","routeArn":"` + stage + `/GET/x","identitySource":["cookie"],"headers":{"authorization":` + quote(bearer) + `}}`, "identity source"},
		"answers kept by a cookie, 1":  {`{"version":"1.0","type":"REQUEST","methodArn":"` + stage + `/GET/x","identitySource":"cookie","headers":{"authorization":` + quote(bearer) + `}}`, "identity source"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ask(t, authorizer(nil), c.event)
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, lambda.ErrUnauthorized) {
				t.Errorf("%+v, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "a.b.c") {
				t.Errorf("the error repeats what was shown: %v", err)
			}
		})
	}
}

func FuzzAuthorizer(f *testing.F) {
	for _, event := range gateways("Bearer " + token("p1", time.Hour)) {
		f.Add([]byte(event))
	}
	f.Add([]byte(appSync(token("guest", time.Hour))))
	a := authorizer(nil)
	f.Fuzz(func(t *testing.T, event []byte) {
		text, err := a.Invoke(context.Background(), event)
		if (err == nil) != json.Valid(text) {
			t.Errorf("%q, %v", text, err)
		}
	})
}

func TestAuthorizersKnowWhereACallCameFrom(t *testing.T) {
	var got muster.Client
	a := authorizer(func(o *lambda.AuthorizerOptions) {
		o.Verifiers.Token = func(ctx context.Context, token string) (muster.Caller, error) {
			got = muster.ClientFrom(ctx)
			return verify(ctx, token)
		}
	})
	for name, event := range gateways("Bearer " + token("p1", time.Minute)) {
		got = muster.Client{}
		event = strings.Replace(event, `"headers":{`, `"headers":{"user-agent":"Game/1","Muster-Device":"d1","X-Forwarded-For":"198.51.100.7",`, 1)
		if _, err := a.Invoke(t.Context(), []byte(event)); err != nil {
			t.Fatal(err)
		}
		want := "192.0.2.1/Game/1/d1"
		if name == "REST TOKEN" {
			want = "invalid IP//" // such an event says nothing of the client
		}
		if said := got.Address.String() + "/" + got.UserAgent + "/" + got.Device; said != want {
			t.Errorf("%s: client is %s, want %s", name, said, want)
		}
	}
}
