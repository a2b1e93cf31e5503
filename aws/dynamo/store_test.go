package dynamo

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"go.uber.org/goleak"

	"muster"
	"muster/store/storetest"
)

// endpointVariable names the base URL of a DynamoDB Local that the tests may fill.
const endpointVariable = "MUSTER_DYNAMODB"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// localOptions are those of a table of its own on DynamoDB Local, which ends with the
// test. Without one the test is skipped.
func localOptions(t testing.TB) Options {
	t.Helper()
	endpoint := os.Getenv(endpointVariable)
	if endpoint == "" {
		t.Skipf("needs DynamoDB Local: run scripts/dynamodb-local go test ./aws/dynamo, or set %s to its URL", endpointVariable)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return Options{
		Table: "muster-" + rand.Text(), Region: "us-east-1", Endpoint: endpoint,
		AccessKeyID: "AKIDLOCAL", SecretAccessKey: "secret",
		HTTPClient: &http.Client{Transport: transport}, TryTimeout: time.Minute,
	}
}

// openLocal makes a store and its table.
func openLocal(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTable(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropTable(t, s) })
	return s
}

// dropTable takes a test's table away, its protection first.
func dropTable(t testing.TB, s *Store) {
	t.Helper()
	ctx := context.Background()
	if _, err := s.api.UpdateTable(ctx, &sdk.UpdateTableInput{TableName: &s.table, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		t.Error(err)
	}
	if _, err := s.api.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: &s.table}); err != nil {
		t.Error(err)
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) muster.Store {
		o := localOptions(t)
		o.Now = now
		return openLocal(t, o)
	})
}
