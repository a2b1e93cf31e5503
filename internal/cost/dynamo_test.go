package cost

import (
	"context"
	"crypto/rand"
	"math"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"muster/aws/dynamo"
)

// table is a table of DynamoDB Local, with what DynamoDB says that it has cost.
type table struct {
	*dynamo.Store
	tally *dynamo.Tally
}

func (s table) total() bill {
	sum := s.tally.Total()
	return bill{Reads: sum.ReadUnits, Writes: sum.WriteUnits}
}

// openTable makes a table that goes with the test. It needs DynamoDB Local at
// MUSTER_DYNAMODB.
func openTable(t *testing.T, now func() time.Time) metered {
	t.Helper()
	endpoint := os.Getenv("MUSTER_DYNAMODB")
	if endpoint == "" {
		t.Skip("needs DynamoDB Local: run scripts/dynamodb-local go test ./internal/cost, or set MUSTER_DYNAMODB to its URL")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	tally := &dynamo.Tally{}
	options := dynamo.Options{
		Table: "muster-" + rand.Text(), Region: "us-east-1", Endpoint: endpoint, AccessKeyID: "AKIDLOCAL", SecretAccessKey: "secret",
		HTTPClient: client, TryTimeout: time.Minute, Now: now, Meter: tally.Count,
	}
	store, err := dynamo.New(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTable(context.Background()); err != nil {
		t.Fatal(err)
	}
	admin := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDLOCAL", "secret", ""),
	})
	t.Cleanup(func() {
		ctx := context.Background()
		if _, err := admin.UpdateTable(ctx, &sdk.UpdateTableInput{TableName: &options.Table, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
			t.Error(err)
		}
		if _, err := admin.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: &options.Table}); err != nil {
			t.Error(err)
		}
	})
	return table{store, tally}
}

// What is counted here is what DynamoDB Local counts. Its word on transactions is its
// own, so there the sizes are compared by its arithmetic.
func TestDynamoDBLocalCountsTheSame(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			theirs := play(t, s, func(now func() time.Time) metered { return openTable(t, now) })
			ours := play(t, s, func(now func() time.Time) metered {
				m := newMeter(now)
				m.asLocal = true
				return m
			})
			for i, st := range theirs {
				if differ(st.bill.Reads, ours[i].bill.Reads) || differ(st.bill.Writes, ours[i].bill.Writes) {
					t.Errorf("%s: DynamoDB Local counts %v, we count %v", st.name, st.bill, ours[i].bill)
				}
			}
		})
	}
}

// differ allows for three in a hundred: a size on the edge of a unit.
func differ(a, b float64) bool { return math.Abs(a-b) > 0.03*b+1e-9 }
