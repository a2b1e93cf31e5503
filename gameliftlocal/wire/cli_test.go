package wire_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/wire"
)

// awsCLI finds an AWS CLI. Without one the test is left out, unless MUSTER_PEERS says
// that it is to be there.
func awsCLI(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/aws", "aws"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("MUSTER_PEERS") != "" {
		t.Fatal("the AWS CLI is missing although MUSTER_PEERS is set")
	}
	t.Skip("needs the AWS CLI: scripts/peers installs it and runs this test")
	return ""
}

// The AWS CLI sends JSON, and was not written by us.
func TestTheAWSCLIUnderstandsUs(t *testing.T) {
	cli := awsCLI(t)
	start := time.UnixMilli(1700000000123)
	s := newServer(t,
		wire.Op(func(_ context.Context, in *gamelift.StartMatchmakingInput) (*gamelift.StartMatchmakingOutput, error) {
			return &gamelift.StartMatchmakingOutput{MatchmakingTicket: &types.MatchmakingTicket{
				TicketId: aws.String("t-1"), StartTime: &start, Players: in.Players,
			}}, nil
		}),
		wire.Op(func(context.Context, *gamelift.StopMatchmakingInput) (*gamelift.StopMatchmakingOutput, error) {
			return nil, &types.NotFoundException{Message: aws.String("no such ticket")}
		}))
	run := func(arguments ...string) (string, string) {
		cmd := exec.CommandContext(t.Context(), cli, append([]string{"gamelift", "--endpoint-url", s.URL, "--region", testRegion, "--output", "json"}, arguments...)...)
		cmd.Env = append(cmd.Environ(), "AWS_ACCESS_KEY_ID="+testKey, "AWS_SECRET_ACCESS_KEY="+testSecret, "AWS_SESSION_TOKEN=", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, _ := cmd.Output() // its failure shows in what it writes
		return string(out), stderr.String()
	}
	const players = `[{"PlayerId":"p1","PlayerAttributes":{"skill":{"N":12.5}},"LatencyInMs":{"us-east-1":30}}]`
	out, stderr := run("start-matchmaking", "--configuration-name", "c", "--players", players)
	var got struct {
		MatchmakingTicket struct {
			TicketID  string          `json:"TicketId"`
			StartTime json.RawMessage // version 1 prints the number, version 2 a date
			Players   json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	if got.MatchmakingTicket.TicketID != "t-1" || !strings.Contains(string(got.MatchmakingTicket.StartTime), "0.123") {
		t.Errorf("ticket %+v", got.MatchmakingTicket)
	}
	equalJSON(t, "players", got.MatchmakingTicket.Players, json.RawMessage(players))

	if out, stderr := run("stop-matchmaking", "--ticket-id", "t-9"); !strings.Contains(stderr, "(NotFoundException)") || !strings.Contains(stderr, "no such ticket") {
		t.Errorf("the CLI says %s%s", out, stderr)
	}
	if out, stderr := run("stop-matchmaking", "--ticket-id", "not a ticket"); !strings.Contains(stderr, "(ValidationException)") {
		t.Errorf("the CLI says %s%s", out, stderr)
	}
}
