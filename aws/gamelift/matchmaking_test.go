package gamelift

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"muster"
)

func start(id muster.TicketID) muster.StartMatchmaking {
	skill, mode := 12.5, "duel"
	return muster.StartMatchmaking{
		Ticket: id, Configuration: "cfg",
		Players: []muster.MatchmakingPlayer{{
			ID: "p1",
			Attributes: map[string]muster.AttributeValue{
				"skill": {N: &skill}, "mode": {S: &mode}, "maps": {SL: []string{"a", "b"}}, "skills": {SDM: map[string]float64{"aim": 2.5}},
			},
			LatencyInMs: map[string]int{"custom-home": 12, "custom-zero": 0, "custom-far": 1 << 40},
		}},
	}
}

func TestStartMatchmakingSaysEverythingOnce(t *testing.T) {
	f, c := newFake(t)
	f.on("StartMatchmaking", func(members) (members, *fault) { return members{"MatchmakingTicket": members{}}, nil })
	if err := c.StartMatchmaking(context.Background(), start("t1")); err != nil {
		t.Fatal(err)
	}
	want := members{
		"TicketId": "t1", "ConfigurationName": "cfg",
		"Players": []any{members{
			"PlayerId": "p1",
			"PlayerAttributes": members{
				"skill": members{"N": 12.5}, "mode": members{"S": "duel"},
				"maps": members{"SL": []any{"a", "b"}}, "skills": members{"SDM": members{"aim": 2.5}},
			},
			"LatencyInMs": members{"custom-home": uint64(12), "custom-zero": uint64(1), "custom-far": uint64(maxLatencyInMs)},
		}},
	}
	if got := f.calls("StartMatchmaking"); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("sent %v\nwant %v", got, want)
	}
}

// TestStartMatchmakingWhenAnAnswerIsLost plays what can become of two tries. An answer
// of nil is one that does not arrive.
func TestStartMatchmakingWhenAnAnswerIsLost(t *testing.T) {
	started := members{"MatchmakingTicket": members{}}
	busy := &fault{400, namespace, "ThrottlingException"}
	type answer struct {
		out members
		err *fault
	}
	cases := []struct {
		name  string
		tries []answer
		known bool // GameLift has the ticket when asked
		code  string
		looks int // how often it is asked
	}{
		{"the first try counts", []answer{{started, nil}}, true, "", 0},
		{"the second try counts when the first was lost on the way", []answer{{nil, nil}, {started, nil}}, true, "", 0},
		{"the second try counts when the first was throttled", []answer{{nil, busy}, {started, nil}}, true, "", 0},
		{"the first try counts when only its answer was lost", []answer{{nil, nil}, {nil, invalidFault}}, true, "", 1},
		{"a refusal after a lost answer is a refusal if the ticket is unknown", []answer{{nil, nil}, {nil, invalidFault}}, false, "gamelift.invalid_request", 1},
		{"a refusal at once is final and asks nothing", []answer{{nil, invalidFault}}, true, "gamelift.invalid_request", 0},
		{"an unknown configuration is final", []answer{{nil, notFoundFault}}, false, "gamelift.not_found", 0},
		{"two lost answers leave the outcome open", []answer{{nil, nil}, {nil, nil}}, true, "gamelift.unavailable", 0},
		{"a service that stays busy is told so", []answer{{nil, busy}, {nil, busy}}, false, "gamelift.throttled", 0},
		{"trouble inside the service is tried again", []answer{{nil, &fault{500, namespace, "InternalServiceException"}}, {started, nil}}, true, "", 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f, c := newFake(t)
			tries := make(chan answer, len(tc.tries))
			for _, try := range tc.tries {
				tries <- try
			}
			f.on("StartMatchmaking", func(members) (members, *fault) {
				select {
				case next := <-tries:
					return next.out, next.err
				default:
					t.Error("one try too many")
					return started, nil
				}
			})
			f.on("DescribeMatchmaking", func(members) (members, *fault) {
				if !tc.known {
					return members{"TicketList": []any{}}, nil
				}
				return members{"TicketList": []any{members{"TicketId": "t1", "Status": "SEARCHING"}}}, nil
			})
			err := c.StartMatchmaking(context.Background(), start("t1"))
			if tc.code == "" && err != nil {
				t.Error(err)
			}
			var e *muster.Error
			if tc.code != "" && (!errors.As(err, &e) || e.Code != tc.code) {
				t.Errorf("error is %v, want %s", err, tc.code)
			}
			if len(tries) != 0 || len(f.calls("DescribeMatchmaking")) != tc.looks {
				t.Errorf("%d tries are left, %d looks", len(tries), len(f.calls("DescribeMatchmaking")))
			}
		})
	}
}

func TestErrorsOfTheServiceInOurWords(t *testing.T) {
	cases := []struct {
		fault fault
		kind  muster.Kind
		code  string
	}{
		{fault{400, namespace, "InvalidRequestException"}, muster.Invalid, "gamelift.invalid_request"},
		{fault{400, namespace, "ValidationException"}, muster.Invalid, "gamelift.invalid_request"},
		{fault{400, namespace, "UnsupportedRegionException"}, muster.Invalid, "gamelift.unsupported_region"},
		{fault{400, namespace, "SomethingNewException"}, muster.Invalid, "gamelift.invalid_request"},
		{fault{400, namespace, "NotFoundException"}, muster.NotFound, "gamelift.not_found"},
		{fault{400, namespace, "ConflictException"}, muster.Conflict, "gamelift.conflict"},
		{fault{400, namespace, "GameSessionFullException"}, muster.Conflict, "gamelift.session_full"},
		{fault{400, namespace, "LimitExceededException"}, muster.Exhausted, "gamelift.limit_exceeded"},
		{fault{400, namespace, "ThrottlingException"}, muster.Unavailable, "gamelift.throttled"},
		{fault{400, "", "ThrottlingException"}, muster.Unavailable, "gamelift.throttled"},
		{fault{400, "", "NotFoundException"}, muster.NotFound, "gamelift.not_found"},
		{fault{400, "com.amazon.coral.service#", "ThrottlingException"}, muster.Unavailable, "gamelift.throttled"},
		{fault{400, namespace, "AccessDeniedException"}, muster.Unavailable, "gamelift.not_authorized"},
		{fault{400, namespace, "UnauthorizedException"}, muster.Unavailable, "gamelift.not_authorized"},
		{fault{403, namespace, "UnrecognizedClientException"}, muster.Unavailable, "gamelift.not_authorized"},
		{fault{500, namespace, "InternalServiceException"}, muster.Unavailable, "gamelift.unavailable"},
		{fault{503, namespace, "SomethingNewException"}, muster.Unavailable, "gamelift.unavailable"},
	}
	for _, tc := range cases {
		t.Run(tc.fault.namespace+tc.fault.code, func(t *testing.T) {
			f, c := newFake(t)
			f.on("StopMatchmaking", func(members) (members, *fault) { return nil, &tc.fault })
			e := wanted(t, c.StopMatchmaking(context.Background(), "t1"), tc.kind, tc.code)
			if strings.Contains(e.Message, "secret-resource") || e.Err == nil {
				t.Errorf("a player would read %q", e.Message)
			}
			if waits := tc.kind == muster.Unavailable || tc.kind == muster.Exhausted; waits != (e.RetryAfter > 0) {
				t.Errorf("retry after %v", e.RetryAfter)
			}
			want := 1
			if tc.code == "gamelift.throttled" {
				want = maxAttempts
			}
			if n := len(f.calls("StopMatchmaking")); n != want {
				t.Errorf("tried %d times, want %d", n, want)
			}
		})
	}
}

func TestReadsAreTriedTwice(t *testing.T) {
	f, c := newFake(t)
	f.on("DescribeMatchmaking", func(members) (members, *fault) {
		if len(f.calls("DescribeMatchmaking")) == 1 {
			return nil, nil
		}
		return members{"TicketList": []any{}}, nil
	})
	if _, err := c.Tickets(context.Background(), []muster.TicketID{"t1"}); err != nil {
		t.Fatal(err)
	}
	f.on("DescribeMatchmaking", func(members) (members, *fault) { return nil, nil })
	_, err := c.Tickets(context.Background(), []muster.TicketID{"t1"})
	wantError(t, err, muster.Unavailable, "gamelift.unavailable")
	if n := len(f.calls("DescribeMatchmaking")); n != 2+maxAttempts {
		t.Errorf("%d calls", n)
	}
}

func TestAnswersThatDoNotCome(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	c := newTestClient(t, server.URL)
	c.timeout = 30 * time.Millisecond
	err := c.StartMatchmaking(context.Background(), start("t1"))
	wantError(t, err, muster.Unavailable, "gamelift.unavailable")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the cause is lost: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.StopMatchmaking(ctx, "t1"); !errors.Is(err, context.Canceled) || muster.KindOf(err) != muster.Unavailable {
		t.Errorf("a cancelled call: %v", err)
	}
	gone := newTestClient(t, "http://127.0.0.1:1")
	wantError(t, gone.StopMatchmaking(context.Background(), "t1"), muster.Unavailable, "gamelift.unavailable")
	notGameLift := httptest.NewServer(http.NotFoundHandler())
	defer notGameLift.Close()
	if err := newTestClient(t, notGameLift.URL).StopMatchmaking(context.Background(), "t1"); err == nil {
		t.Error("any server will do")
	}
}

func TestAcceptMatch(t *testing.T) {
	f, c := newFake(t)
	f.on("AcceptMatch", func(members) (members, *fault) { return members{}, nil })
	for accept, want := range map[bool]string{true: "ACCEPT", false: "REJECT"} {
		if err := c.AcceptMatch(context.Background(), "t1", []muster.PlayerID{"p1", "p2"}, accept); err != nil {
			t.Fatal(err)
		}
		calls := f.calls("AcceptMatch")
		sent := members{"TicketId": "t1", "PlayerIds": []any{"p1", "p2"}, "AcceptanceType": want}
		if got := calls[len(calls)-1]; !reflect.DeepEqual(got, sent) {
			t.Errorf("sent %v, want %v", got, sent)
		}
	}
}

func TestTicketsAsTheyAreDescribed(t *testing.T) {
	f, c := newFake(t)
	const arn = "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/gsess-1"
	f.on("DescribeMatchmaking", func(in members) (members, *fault) {
		if ids := in["TicketIds"].([]any); len(ids) != 3 {
			t.Errorf("asked for %v", ids)
		}
		return members{"TicketList": []any{
			members{
				"TicketId": "t1", "Status": "COMPLETED",
				"Players": []any{members{"PlayerId": "p1", "Team": "red"}},
				"GameSessionConnectionInfo": members{
					"GameSessionArn": arn, "IpAddress": "203.0.113.1", "DnsName": "host.example", "Port": 7777,
					"MatchedPlayerSessions": []any{
						members{"PlayerId": "p2", "PlayerSessionId": "psess-2"},
						members{"PlayerId": "p1", "PlayerSessionId": "psess-1"},
					},
				},
			},
			members{"TicketId": "t2", "Status": "TIMED_OUT", "StatusReason": "TimedOut", "StatusMessage": "too long", "EstimatedWaitTime": 30},
		}}, nil
	})
	got, err := c.Tickets(context.Background(), []muster.TicketID{"t1", "t2", "unknown"})
	if err != nil {
		t.Fatal(err)
	}
	want := []muster.TicketSnapshot{
		{
			Ticket: "t1", Status: muster.Completed, Session: arn, IPAddress: "203.0.113.1", DNSName: "host.example", Port: 7777,
			Seats: map[muster.PlayerID]muster.SeatID{"p1": "psess-1", "p2": "psess-2"},
			Teams: map[muster.PlayerID]string{"p1": "red"},
		},
		{Ticket: "t2", Status: muster.TimedOut, Reason: "TimedOut", Message: "too long", EstimatedWaitSeconds: 30, Teams: map[muster.PlayerID]string{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryStatusOfAmazonsHasAWord(t *testing.T) {
	for _, status := range []string{"QUEUED", "SEARCHING", "REQUIRES_ACCEPTANCE", "PLACING", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"} {
		f, c := newFake(t)
		f.on("DescribeMatchmaking", func(members) (members, *fault) {
			return members{"TicketList": []any{members{"TicketId": "t1", "Status": status}}}, nil
		})
		got, err := c.Tickets(context.Background(), []muster.TicketID{"t1"})
		if err != nil || len(got) != 1 || got[0].Status == "" {
			t.Errorf("%s is %+v, %v", status, got, err)
		}
	}
}

func TestTicketsThatCannotBeDescribed(t *testing.T) {
	f, c := newFake(t)
	f.on("DescribeMatchmaking", func(members) (members, *fault) {
		return members{"TicketList": []any{members{"TicketId": "t1", "Status": "DREAMING"}}}, nil
	})
	_, err := c.Tickets(context.Background(), []muster.TicketID{"t1"})
	wantError(t, err, muster.Internal, "gamelift.ticket_status")
	_, err = c.Tickets(context.Background(), make([]muster.TicketID, maxDescribed+1))
	wantError(t, err, muster.Invalid, "gamelift.too_many_tickets")
	before := len(f.calls("DescribeMatchmaking"))
	if got, err := c.Tickets(context.Background(), nil); err != nil || got != nil || len(f.calls("DescribeMatchmaking")) != before {
		t.Errorf("no ids: %v, %v", got, err)
	}
	f.on("DescribeMatchmaking", func(members) (members, *fault) { return nil, notFoundFault })
	if got, err := c.Tickets(context.Background(), []muster.TicketID{"t1"}); err != nil || len(got) != 0 {
		t.Errorf("unknown ticket: %v, %v", got, err)
	}
}

func TestAClientNeedsARegion(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("error is %v", err)
	}
	t.Setenv("AWS_REGION", "eu-west-1")
	if _, err := New(Options{}); err != nil {
		t.Error(err)
	}
}
