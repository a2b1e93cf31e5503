package caller

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/smithy-go/logging"
)

// nobody has no credentials.
type nobody struct{}

func (nobody) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("no role found")
}

func TestACallWithoutCredentialsIsRecognised(t *testing.T) {
	client := sdk.New(sdk.Options{Region: "us-east-1", Credentials: nobody{}, BaseEndpoint: aws.String("http://127.0.0.1:1"), Retryer: aws.NopRetryer{}})
	_, err := client.DescribeFleetAttributes(context.Background(), &sdk.DescribeFleetAttributesInput{})
	if !LacksCredentials(err) {
		t.Fatalf("%v is not taken for missing credentials", err)
	}
	if said := Explained(err); !errors.Is(said, ErrNoCredentials) || !strings.HasPrefix(said.Error(), "no AWS credentials: ") || !strings.Contains(said.Error(), "no role found") {
		t.Errorf("it reads %v", said)
	}
	other := errors.New("connection refused")
	if LacksCredentials(other) || !errors.Is(Explained(other), other) || errors.Is(Explained(other), ErrNoCredentials) {
		t.Errorf("another error is taken for missing credentials: %v", Explained(other))
	}
	if Explained(nil) != nil {
		t.Error("no error becomes one")
	}
}

func TestTheSDKLogsWhereWeDo(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	Log(log).Logf(logging.Warn, "falling %s", "back")
	Log(log).Logf(logging.Debug, "details")
	Log(nil).Logf(logging.Warn, "unheard")
	for _, want := range []string{`level=WARN msg="AWS SDK: falling back"`, `level=DEBUG msg="AWS SDK: details"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("logged is %s, without %s", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "unheard") {
		t.Errorf("logged is %s", out.String())
	}
}
