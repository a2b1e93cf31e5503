package wire_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
	"github.com/aws/smithy-go"

	"muster/gameliftlocal/wire"
)

const (
	testRegion = "us-east-1"
	testKey    = "AKIDTEST"
	testSecret = "a secret of the tests"
)

func knownKeys(id string) (wire.Credentials, bool) {
	return wire.Credentials{Secret: testSecret}, id == testKey
}

// keyProvider gives the SDK fixed credentials.
func keyProvider(id, secret, token string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	})
}

// newServer serves the operations, checking signatures of testKey.
func newServer(t *testing.T, ops ...wire.Operation) *httptest.Server {
	t.Helper()
	return newServerWith(t, wire.Options{Operations: ops})
}

func newServerWith(t *testing.T, opts wire.Options) *httptest.Server {
	t.Helper()
	if opts.Credentials == nil {
		opts.Credentials = knownKeys
	}
	opts.Region, opts.Account = testRegion, "123456789012"
	s := httptest.NewServer(wire.NewHandler(opts))
	t.Cleanup(s.Close)
	return s
}

// newClient is the real SDK, which speaks CBOR, without retries.
func newClient(s *httptest.Server, change ...func(*gamelift.Options)) *gamelift.Client {
	return gamelift.New(gamelift.Options{
		BaseEndpoint:     aws.String(s.URL),
		Region:           testRegion,
		Credentials:      keyProvider(testKey, testSecret, ""),
		HTTPClient:       s.Client(),
		RetryMaxAttempts: 1,
	}, change...)
}

func TestTheSDKReadsWhatAHandlerAnswers(t *testing.T) {
	start := time.Date(2026, 11, 22, 5, 21, 27, 57_000_000, time.UTC)
	ticket := types.MatchmakingTicket{
		TicketId:          aws.String("t-1"),
		Status:            types.MatchmakingConfigurationStatusSearching,
		StartTime:         &start,
		EstimatedWaitTime: aws.Int32(0),
		Players: []types.Player{{
			PlayerId: aws.String("p1"),
			PlayerAttributes: map[string]types.AttributeValue{
				"skill": {N: aws.Float64(12.5)}, "modes": {SL: []string{"ctf", "tdm"}}, "maps": {SDM: map[string]float64{"a": 1}},
			},
			LatencyInMs: map[string]int32{"us-east-1": 30},
		}},
	}
	var got *gamelift.StartMatchmakingInput
	var caller wire.Caller
	s := newServer(t, wire.Op(func(ctx context.Context, in *gamelift.StartMatchmakingInput) (*gamelift.StartMatchmakingOutput, error) {
		got = in
		caller, _ = wire.CallerFrom(ctx)
		return &gamelift.StartMatchmakingOutput{MatchmakingTicket: &ticket}, nil
	}))
	out, err := newClient(s).StartMatchmaking(t.Context(), &gamelift.StartMatchmakingInput{
		ConfigurationName: aws.String("ranked"), TicketId: ticket.TicketId, Players: ticket.Players,
	})
	if err != nil {
		t.Fatal(err)
	}
	equalJSON(t, "what the handler got", got.Players, ticket.Players)
	equalJSON(t, "what the client got", out.MatchmakingTicket, &ticket)
	if caller.AccessKeyID != testKey || caller.Region != testRegion || caller.Account != "123456789012" || caller.RequestID == "" {
		t.Errorf("caller is %+v", caller)
	}
}

func TestTheSDKSeesErrorsAsTheirTypes(t *testing.T) {
	tests := []struct {
		name    string
		err     error
		code    string
		message string
	}{
		{"a modelled exception", &types.NotFoundException{Message: aws.String("no such ticket")}, "NotFoundException", "no such ticket"},
		{"a wrapped exception", errors.Join(errors.New("x"), &types.ConflictException{Message: aws.String("again")}), "ConflictException", "again"},
		{"a common exception", &wire.Error{Code: "ThrottlingException", Message: "Rate exceeded"}, "ThrottlingException", "Rate exceeded"},
		{"an unclassified error", errors.New("secret detail"), "InternalServiceException", "The service encountered an unrecoverable internal failure while processing the request."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, wire.Op(func(context.Context, *gamelift.StopMatchmakingInput) (*gamelift.StopMatchmakingOutput, error) {
				return nil, test.err
			}))
			_, err := newClient(s).StopMatchmaking(t.Context(), &gamelift.StopMatchmakingInput{TicketId: aws.String("t")})
			wantAPIError(t, err, test.code, test.message)
		})
	}
}

func TestAPanicIsAnInternalErrorWithoutItsText(t *testing.T) {
	s := newServer(t, wire.Op(func(context.Context, *gamelift.StopMatchmakingInput) (*gamelift.StopMatchmakingOutput, error) {
		panic("secret detail")
	}))
	_, err := newClient(s).StopMatchmaking(t.Context(), &gamelift.StopMatchmakingInput{TicketId: aws.String("t")})
	wantAPIError(t, err, "InternalServiceException", "unrecoverable")
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("the text leaked: %v", err)
	}
}

func TestAnEmptyAnswerIsAnswered(t *testing.T) {
	s := newServer(t, wire.Op(func(context.Context, *gamelift.StopMatchmakingInput) (*gamelift.StopMatchmakingOutput, error) {
		return nil, nil
	}))
	if _, err := newClient(s).StopMatchmaking(t.Context(), &gamelift.StopMatchmakingInput{TicketId: aws.String("t")}); err != nil {
		t.Error(err)
	}
}

func TestAnOperationWithoutHandlerSaysSo(t *testing.T) {
	_, err := newClient(newServer(t)).ListBuilds(t.Context(), &gamelift.ListBuildsInput{})
	wantAPIError(t, err, "InvalidRequestException", "The operation ListBuilds is not available in the local GameLift service yet.")
	if typed := (*types.InvalidRequestException)(nil); !errors.As(err, &typed) {
		t.Errorf("error is %T, want the typed one", err)
	}
}

func TestABaseEndpointMayHaveAPath(t *testing.T) {
	s := newServer(t, wire.Op(func(context.Context, *gamelift.ListFleetsInput) (*gamelift.ListFleetsOutput, error) {
		return &gamelift.ListFleetsOutput{FleetIds: []string{"fleet-1"}}, nil
	}))
	out, err := newClient(s, func(o *gamelift.Options) { o.BaseEndpoint = aws.String(s.URL + "/some where/a+b") }).ListFleets(t.Context(), &gamelift.ListFleetsInput{})
	if err != nil || len(out.FleetIds) != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestABrokenConstraintIsDescribedAsAmazonDoes(t *testing.T) {
	s := newServer(t, wire.Op(func(context.Context, *gamelift.DescribeFleetAttributesInput) (*gamelift.DescribeFleetAttributesOutput, error) {
		t.Error("the handler was called")
		return nil, nil
	}))
	_, err := newClient(s).DescribeFleetAttributes(t.Context(), &gamelift.DescribeFleetAttributesInput{FleetIds: []string{"fleet-1"}, Limit: aws.Int32(0)})
	wantAPIError(t, err, "ValidationException", "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
}

func wantAPIError(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("error is %v, want %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("error is %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

func TestAnUnsignedVisitorIsToldWhatThisIs(t *testing.T) {
	s := newServer(t)
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	body := readAll(t, resp)
	if resp.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(body, "POST") || !strings.Contains(body, "local Amazon GameLift") {
		t.Errorf("GET answers %d %s", resp.StatusCode, body)
	}
}
