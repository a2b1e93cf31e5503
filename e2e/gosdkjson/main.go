// Command gosdkjson asks a GameLift endpoint for one matchmaking ticket and prints it as
// JSON. It is a module of its own because it needs an AWS SDK from before April 2026,
// which sends AWS JSON 1.1, while the rest of the project uses one that sends CBOR: the
// tests of the local service run it as a client that nobody here wrote.
//
//	AWS_ACCESS_KEY_ID=.. AWS_SECRET_ACCESS_KEY=.. gosdkjson -endpoint URL -ticket ID
//
// It prints {"ticket":{..}} and exits with 0, or {"error":{"code":..,"message":..,
// "type":..}} and exits with 1; type is the SDK's Go type of a modelled exception. A
// ticket that the service does not know is {"ticket":null}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
	"github.com/aws/smithy-go"
)

func main() {
	endpoint := flag.String("endpoint", "", "base URL of the GameLift service")
	ticket := flag.String("ticket", "", "id of the matchmaking ticket")
	region := flag.String("region", "us-east-1", "region to sign for")
	timeout := flag.Duration("timeout", 10*time.Second, "how long to try")
	flag.Parse()
	if *endpoint == "" || *ticket == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	client := gamelift.New(gamelift.Options{
		BaseEndpoint: endpoint,
		Region:       *region,
		Credentials:  aws.CredentialsProviderFunc(fromEnvironment),
	})
	found, err := describe(ctx, client, *ticket)
	if err != nil {
		printJSON(os.Stdout, map[string]any{"error": describeError(err)})
		os.Exit(1)
	}
	printJSON(os.Stdout, map[string]any{"ticket": found})
}

func fromEnvironment(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	}
	if !c.HasKeys() {
		return c, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
	}
	return c, nil
}

// describe returns the ticket, or nil if the service does not know it.
func describe(ctx context.Context, client *gamelift.Client, id string) (*types.MatchmakingTicket, error) {
	out, err := client.DescribeMatchmaking(ctx, &gamelift.DescribeMatchmakingInput{TicketIds: []string{id}})
	if err != nil || len(out.TicketList) == 0 {
		return nil, err
	}
	return &out.TicketList[0], nil
}

func describeError(err error) map[string]string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return map[string]string{"code": "", "message": err.Error(), "type": ""}
	}
	return map[string]string{"code": api.ErrorCode(), "message": api.ErrorMessage(), "type": fmt.Sprintf("%T", api)}
}

func printJSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		fmt.Fprintln(os.Stderr, "gosdkjson:", err)
		os.Exit(1)
	}
}
