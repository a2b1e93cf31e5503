package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/wire"
)

// jsonRequest makes an unsigned request of AWS JSON 1.1.
func jsonRequest(t *testing.T, url, operation, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "GameLift."+operation)
	return r
}

// sign signs with Amazon's own signer, as testKey for the region of the tests.
func sign(t *testing.T, r *http.Request, body string, at time.Time) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, hex.EncodeToString(sum[:]), "gamelift", testRegion, at); err != nil {
		t.Fatal(err)
	}
}

// call sends a signed JSON request and returns the answer with its body.
func call(t *testing.T, s *httptest.Server, operation, body string) (*http.Response, string) {
	t.Helper()
	r := jsonRequest(t, s.URL, operation, body)
	sign(t, r, body, time.Now())
	return send(t, s, r)
}

func send(t *testing.T, s *httptest.Server, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp, readAll(t, resp)
}

func wantError(t *testing.T, resp *http.Response, body string, status int, code, message string) {
	t.Helper()
	var e map[string]string
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("the error is not JSON: %s", body)
	}
	if resp.StatusCode != status || e["__type"] != code || resp.Header.Get("x-amzn-ErrorType") != code || e["Message"] != e["message"] {
		t.Errorf("status %d, header %q, body %s\nwant %d and %s", resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), body, status, code)
	}
	if !strings.Contains(e["Message"], message) {
		t.Errorf("message %q\nwant %q", e["Message"], message)
	}
}

func TestJSONRequestsAreAnsweredInJSON(t *testing.T) {
	start := time.Date(2016, 7, 26, 2, 1, 8, 57_400_000, time.UTC)
	var got *gamelift.StartMatchmakingInput
	s := newServerWith(t, wire.Options{
		NewID: func() string { return "request-1" },
		Operations: []wire.Operation{
			wire.Op(func(_ context.Context, in *gamelift.StartMatchmakingInput) (*gamelift.StartMatchmakingOutput, error) {
				got = in
				return &gamelift.StartMatchmakingOutput{MatchmakingTicket: &types.MatchmakingTicket{
					TicketId: aws.String("<t>"), StartTime: &start, Players: []types.Player{}, EstimatedWaitTime: aws.Int32(3),
				}}, nil
			}),
		},
	})
	resp, body := call(t, s, "StartMatchmaking", `{"ConfigurationName":"c","Unknown":{"x":[1]},"TicketId":null,"Players":[
		{"PlayerId":"p1","PlayerAttributes":{"skill":{"N":12.5},"level":{"N":3}},"LatencyInMs":{"us-east-1":30.0}}]}`)
	if want := `{"MatchmakingTicket":{"EstimatedWaitTime":3,"Players":[],"StartTime":1469498468.057,"TicketId":"<t>"}}`; body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/x-amz-json-1.1" || resp.Header.Get("x-amzn-RequestId") != "request-1" {
		t.Errorf("status %d, header %v", resp.StatusCode, resp.Header)
	}
	equalJSON(t, "input", got, &gamelift.StartMatchmakingInput{
		ConfigurationName: aws.String("c"),
		Players: []types.Player{{
			PlayerId:         aws.String("p1"),
			PlayerAttributes: map[string]types.AttributeValue{"skill": {N: aws.Float64(12.5)}, "level": {N: aws.Float64(3)}},
			LatencyInMs:      map[string]int32{"us-east-1": 30},
		}},
	})
}

func TestAnEmptyBodyIsAnEmptyInput(t *testing.T) {
	s := newServer(t, wire.Op(func(context.Context, *gamelift.ListFleetsInput) (*gamelift.ListFleetsOutput, error) {
		return &gamelift.ListFleetsOutput{}, nil
	}))
	for _, body := range []string{"", "{}"} {
		if resp, answer := call(t, s, "ListFleets", body); resp.StatusCode != 200 || answer != "{}" {
			t.Errorf("body %q: %d %s", body, resp.StatusCode, answer)
		}
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	s := newServer(t, refuseCall[gamelift.StartMatchmakingInput, gamelift.StartMatchmakingOutput](t), refuseCall[gamelift.CreateScriptInput, gamelift.CreateScriptOutput](t), refuseCall[gamelift.DescribeFleetEventsInput, gamelift.DescribeFleetEventsOutput](t))
	tests := []struct {
		name, operation, body, message string
	}{
		{"not JSON", "StartMatchmaking", `{"a":`, "ends early"},
		{"not an object", "StartMatchmaking", `[]`, "not a map"},
		{"something after the object", "StartMatchmaking", `{} {}`, "goes on"},
		{"a comma too many", "StartMatchmaking", `{"a":1,}`, "not JSON at byte"},
		{"a member twice", "StartMatchmaking", `{"a":1,"a":1}`, "twice"},
		{"too deep", "StartMatchmaking", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "nested"},
		{"too many values", "StartMatchmaking", `{"a":[` + strings.Repeat("1,", 100_000) + `1]}`, "more than 100000 values"},
		{"not UTF-8", "StartMatchmaking", "{\"a\":\"\xff\"}", "UTF-8"},
		{"a number out of range", "StartMatchmaking", `{"a":1e999}`, "out of range"},
		{"a number for a string", "StartMatchmaking", `{"ConfigurationName":1}`, "NUMBER_VALUE can not be converted to a String at 'configurationName'"},
		{"a structure for a list", "StartMatchmaking", `{"Players":{}}`, "MAP_VALUE can not be converted to a list at 'players'"},
		{"a list for a structure", "StartMatchmaking", `{"Players":[[]]}`, "LIST_VALUE can not be converted to a structure at 'players.1.member'"},
		{"a string for a map", "StartMatchmaking", `{"Players":[{},{"LatencyInMs":"x"}]}`, "STRING_VALUE can not be converted to a map at 'players.2.member.latencyInMs'"},
		{"a fraction for an integer", "StartMatchmaking", `{"Players":[{"LatencyInMs":{"r":1.5}}]}`, "NUMBER_VALUE can not be converted to an integer of 32 bits at 'players.1.member.latencyInMs.r.member'"},
		{"an integer that is too large", "StartMatchmaking", `{"Players":[{"LatencyInMs":{"r":2147483648}}]}`, "an integer of 32 bits"},
		{"a string for a number", "StartMatchmaking", `{"Players":[{"PlayerAttributes":{"a":{"N":"NaN"}}}]}`, "STRING_VALUE can not be converted to a finite number of 64 bits"},
		{"a string for a time", "DescribeFleetEvents", `{"StartTime":"2026-01-01T00:00:00Z"}`, "STRING_VALUE can not be converted to a timestamp"},
		{"a time out of range", "DescribeFleetEvents", `{"StartTime":1e18}`, "timestamp"},
		{"a blob that is not base64", "CreateScript", `{"ZipFile":"*"}`, "STRING_VALUE can not be converted to a blob at 'zipFile'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resp, body := call(t, s, test.operation, test.body)
			wantError(t, resp, body, 400, "SerializationException", test.message)
		})
	}
}

// refuseCall is an operation that must not be reached.
func refuseCall[In, Out any](t *testing.T) wire.Operation {
	return wire.Op(func(context.Context, *In) (*Out, error) {
		t.Error("the handler was called")
		return nil, nil
	})
}

func TestTimesAndBlobsArrive(t *testing.T) {
	s := newServer(t,
		wire.Op(func(_ context.Context, in *gamelift.DescribeFleetEventsInput) (*gamelift.DescribeFleetEventsOutput, error) {
			return &gamelift.DescribeFleetEventsOutput{Events: []types.Event{{EventTime: in.StartTime}}}, nil
		}),
		wire.Op(func(_ context.Context, in *gamelift.CreateScriptInput) (*gamelift.CreateScriptOutput, error) {
			return &gamelift.CreateScriptOutput{Script: &types.Script{Name: aws.String(string(in.ZipFile))}}, nil
		}))
	if _, body := call(t, s, "DescribeFleetEvents", `{"FleetId":"fleet-1","StartTime":1469498468.0574}`); body != `{"Events":[{"EventTime":1469498468.057}]}` {
		t.Errorf("times: %s", body)
	}
	if _, body := call(t, s, "CreateScript", `{"ZipFile":"aGVsbG8="}`); body != `{"Script":{"Name":"hello"}}` {
		t.Errorf("blobs: %s", body)
	}
}

func TestConstraintsAreCheckedInAmazonsWords(t *testing.T) {
	s := newServer(t,
		refuseCall[gamelift.CreatePlayerSessionsInput, gamelift.CreatePlayerSessionsOutput](t),
		refuseCall[gamelift.StartMatchmakingInput, gamelift.StartMatchmakingOutput](t),
		refuseCall[gamelift.AcceptMatchInput, gamelift.AcceptMatchOutput](t),
		refuseCall[gamelift.DeleteFleetInput, gamelift.DeleteFleetOutput](t),
		refuseCall[gamelift.CreateAliasInput, gamelift.CreateAliasOutput](t),
		refuseCall[gamelift.CreateGameSessionInput, gamelift.CreateGameSessionOutput](t),
		refuseCall[gamelift.ListLocationsInput, gamelift.ListLocationsOutput](t),
	)
	const one = "1 validation error detected: "
	tests := []struct {
		name, operation, body, message string
	}{
		{"a missing member", "DeleteFleet", `{}`, one + "Value null at 'fleetId' failed to satisfy constraint: Member must not be null"},
		{"a null member", "DeleteFleet", `{"FleetId":null}`, one + "Value null at 'fleetId' failed"},
		{"a pattern", "DeleteFleet", `{"FleetId":"x"}`, one + `Value 'x' at 'fleetId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z]*fleet-[a-zA-Z0-9\-]+$|^arn:.*:[a-z]*fleet\/[a-z]*fleet-[a-zA-Z0-9\-]+$`},
		{"length and pattern together", "DeleteFleet", `{"FleetId":""}`, "2 validation errors detected: Value '' at 'fleetId' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'fleetId' failed"},
		{"an enumeration", "AcceptMatch", `{"TicketId":"t","PlayerIds":["p"],"AcceptanceType":"MAYBE"}`, one + "Value 'MAYBE' at 'acceptanceType' failed to satisfy constraint: Member must satisfy enum value set: [ACCEPT, REJECT]"},
		{"a list of enumerations", "ListLocations", `{"Filters":["AWS","MARS"]}`, one + "Value '[AWS, MARS]' at 'filters' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [AWS, CUSTOM], Member must not be null]"},
		{"a list that is too short", "CreatePlayerSessions", `{"GameSessionId":"arn:1","PlayerIds":[]}`, one + "Value at 'playerIds' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"a list that is too long", "CreatePlayerSessions", `{"GameSessionId":"arn:1","PlayerIds":["p"` + strings.Repeat(`,"p"`, 25) + `]}`, one + "Value at 'playerIds' failed to satisfy constraint: Member must have length less than or equal to 25"},
		{"a sensitive element", "CreatePlayerSessions", `{"GameSessionId":"arn:1","PlayerIds":["p",""]}`, one + "Value at 'playerIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must not be null]"},
		{"a null element", "CreatePlayerSessions", `{"GameSessionId":"arn:1","PlayerIds":[null]}`, one + "Value at 'playerIds' failed"},
		{"a map's values", "StartMatchmaking", `{"ConfigurationName":"c","Players":[{"LatencyInMs":{"r":0,"s":1}}]}`, one + "Value '{r=0, s=1}' at 'players.1.member.latencyInMs' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value greater than or equal to 1, Member must not be null]"},
		{"a map's keys", "StartMatchmaking", `{"ConfigurationName":"c","Players":[{"LatencyInMs":{"":1}}]}`, one + "Value '{=1}' at 'players.1.member.latencyInMs' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length greater than or equal to 1, Member must not be null]"},
		{"structures in a map", "StartMatchmaking", `{"ConfigurationName":"c","Players":[{"PlayerAttributes":{"a":{"S":""}}}]}`, one + "Value '' at 'players.1.member.playerAttributes.a.member.s' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"characters, not bytes", "CreateAlias", `{"Name":"` + strings.Repeat("\u00e9", 1025) + `","RoutingStrategy":{}}`, "Member must have length less than or equal to 1024"},
		{"a blank name", "CreateAlias", `{"Name":"  ","RoutingStrategy":{}}`, one + `Value '  ' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: \S`},
		{"members of a list of structures", "CreateGameSession", `{"MaximumPlayerSessionCount":-1,"GameProperties":[{"Key":"k","Value":"v"},{"Key":"k"}]}`, "2 validation errors detected: Value '-1' at 'maximumPlayerSessionCount' failed to satisfy constraint: Member must have value greater than or equal to 0; Value null at 'gameProperties.2.member.value' failed to satisfy constraint: Member must not be null"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resp, body := call(t, s, test.operation, test.body)
			wantError(t, resp, body, 400, "ValidationException", test.message)
		})
	}
}

func TestLongValuesAndListsOfErrorsAreCut(t *testing.T) {
	s := newServer(t, refuseCall[gamelift.DeleteFleetInput, gamelift.DeleteFleetOutput](t), refuseCall[gamelift.TagResourceInput, gamelift.TagResourceOutput](t))
	if _, body := call(t, s, "DeleteFleet", `{"FleetId":"`+strings.Repeat("x", 100_000)+`"}`); len(body) > 4000 || !strings.Contains(body, "xxx...") {
		t.Errorf("a long value is repeated in %d bytes", len(body))
	}
	if _, body := call(t, s, "TagResource", `{"ResourceARN":"arn:x","Tags":[`+strings.Repeat(`{"Key":""},`, 199)+`{}]}`); len(body) > 8000 || !strings.Contains(body, "400 validation errors detected") {
		t.Errorf("400 errors are described in %d bytes: %.100s", len(body), body)
	}
}

func TestRequestsThatLeadNowhere(t *testing.T) {
	s := newServer(t)
	cborPath := "/service/GameLift/operation/"
	tests := []struct {
		name, method, path, target, protocol string
		status                               int
		message                              string
	}{
		{"a browser", "GET", "/", "", "", 405, "It takes POST requests only, not 'GET'"},
		{"a browser on the path of an operation", "GET", cborPath + "ListFleets", "", "", 405, "POST"},
		{"no target", "POST", "/", "", "", 400, "needs the header X-Amz-Target"},
		{"another service's target", "POST", "/", "DynamoDB_20120810.GetItem", "", 400, "'DynamoDB_20120810.GetItem'"},
		{"an unknown operation", "POST", "/", "GameLift.MakeCoffee", "", 400, "'MakeCoffee'"},
		{"an unknown operation in CBOR", "POST", cborPath + "MakeCoffee", "", "rpc-v2-cbor", 404, "'MakeCoffee'"},
		{"another service in CBOR", "POST", "/service/DynamoDB/operation/GetItem", "", "rpc-v2-cbor", 404, "/service/GameLift/operation/NAME"},
		{"more path than an operation", "POST", cborPath + "ListFleets/x", "", "rpc-v2-cbor", 404, "/service/GameLift/operation/NAME"},
		{"CBOR without its header", "POST", cborPath + "ListFleets", "", "", 404, "smithy-protocol"},
		{"another protocol", "POST", cborPath + "ListFleets", "", "rpc-v2-json", 404, "smithy-protocol"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), test.method, s.URL+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.target != "" {
				r.Header.Set("X-Amz-Target", test.target)
			}
			if test.protocol != "" {
				r.Header.Set("smithy-protocol", test.protocol)
			}
			resp, body := send(t, s, r)
			isCBOR := test.protocol != "" || strings.HasPrefix(test.path, cborPath)
			if got := resp.Header.Get("smithy-protocol"); (got == "rpc-v2-cbor") != isCBOR {
				t.Errorf("smithy-protocol is %q", got)
			}
			if allow := resp.Header.Get("Allow"); (allow == "POST") != (test.status == 405) {
				t.Errorf("Allow is %q", allow)
			}
			if resp.StatusCode != test.status || resp.Header.Get("x-amzn-ErrorType") != "UnknownOperationException" || !strings.Contains(body, test.message) {
				t.Errorf("answer %d %s %s", resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), body)
			}
		})
	}
}

func TestALargeBodyIsRefused(t *testing.T) {
	s := newServerWith(t, wire.Options{MaxBodyBytes: 100, Operations: []wire.Operation{refuseCall[gamelift.ListFleetsInput, gamelift.ListFleetsOutput](t)}})
	resp, body := call(t, s, "ListFleets", `{"NextToken":"`+strings.Repeat("x", 100)+`"}`)
	wantError(t, resp, body, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "larger than 100 bytes")
}

func TestErrorsInJSON(t *testing.T) {
	var log bytes.Buffer
	tests := []struct {
		name    string
		err     error
		status  int
		code    string
		message string
	}{
		{"a modelled client error", &types.GameSessionFullException{Message: aws.String("full")}, 400, "GameSessionFullException", "full"},
		{"the modelled server error", &types.InternalServiceException{Message: aws.String("sorry")}, 500, "InternalServiceException", "sorry"},
		{"an unavailable service", &wire.Error{Code: "ServiceUnavailableException", Message: "later"}, 503, "ServiceUnavailableException", "later"},
		{"an error of our own", context.DeadlineExceeded, 500, "InternalServiceException", "internal failure"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			log.Reset()
			s := newServerWith(t, wire.Options{
				Log: slog.New(slog.NewTextHandler(&log, nil)),
				Operations: []wire.Operation{wire.Op(func(context.Context, *gamelift.ListFleetsInput) (*gamelift.ListFleetsOutput, error) {
					return nil, test.err
				})},
			})
			resp, body := call(t, s, "ListFleets", `{}`)
			wantError(t, resp, body, test.status, test.code, test.message)
			if logged := strings.Contains(log.String(), context.DeadlineExceeded.Error()); logged != errors.Is(test.err, context.DeadlineExceeded) {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
}

func TestMistakesOfTheProgramPanic(t *testing.T) {
	list := refuseCall[gamelift.ListFleetsInput, gamelift.ListFleetsOutput](t)
	type BrewCoffeeInput struct{}
	tests := map[string]func(){
		"an operation twice": func() { wire.NewHandler(wire.Options{Operations: []wire.Operation{list, list}}) },
		"an operation of nobody": func() {
			wire.NewHandler(wire.Options{Operations: []wire.Operation{wire.Op(func(context.Context, *BrewCoffeeInput) (*struct{}, error) { return nil, nil })}})
		},
		"an input of other names": func() { wire.Op(func(context.Context, *types.Player) (*struct{}, error) { return nil, nil }) },
	}
	for name, mistake := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("nothing panicked")
				}
			}()
			mistake()
		})
	}
}
