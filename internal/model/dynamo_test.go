package model

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"muster"
	"muster/aws/dynamo"
)

// historiesPerTable is how many histories share a table, each in partitions of its own:
// making a table takes longer than a history.
const historiesPerTable = 25

// tables hands out tables of DynamoDB Local and deletes those that nobody uses any more.
type tables struct {
	options dynamo.Options
	admin   *sdk.Client

	mu      sync.Mutex // guards what follows
	current string
	begun   int            // histories in the current table
	using   map[string]int // histories in each table that are not over
}

// newTables needs DynamoDB Local at MUSTER_DYNAMODB.
func newTables(t *testing.T) *tables {
	t.Helper()
	endpoint := os.Getenv("MUSTER_DYNAMODB")
	if endpoint == "" {
		t.Skip("needs DynamoDB Local: run scripts/dynamodb-local go test ./internal/model, or set MUSTER_DYNAMODB to its URL")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	client := &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	return &tables{
		options: dynamo.Options{
			Region: "us-east-1", Endpoint: endpoint, AccessKeyID: "AKIDLOCAL", SecretAccessKey: "secret",
			HTTPClient: client, TryTimeout: time.Minute,
		},
		admin: sdk.New(sdk.Options{
			Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: client,
			Credentials: credentials.NewStaticCredentialsProvider("AKIDLOCAL", "secret", ""),
		}),
		using: map[string]int{},
	}
}

// open gives a history its part of a table.
func (ts *tables) open(w *world, now func() time.Time) driver {
	t := w.t
	t.Helper()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	options := ts.options
	options.Now = now
	made := ts.begun%historiesPerTable == 0
	if made {
		ts.current = "muster-" + rand.Text()
	}
	options.Table = ts.current
	store, err := dynamo.New(options)
	if err != nil {
		t.Fatal(err)
	}
	if made {
		if err := store.CreateTable(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	ts.begun++
	ts.using[ts.current]++
	return &shared{Store: store, prefix: fmt.Sprint("history-", ts.begun, "/"), over: func() { ts.over(t, options.Table) }}
}

// over ends a history's use of a table.
func (ts *tables) over(t *testing.T, table string) {
	t.Helper()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.using[table]--
	if ts.using[table] > 0 || table == ts.current && ts.begun%historiesPerTable != 0 {
		return
	}
	delete(ts.using, table)
	ctx := context.Background()
	if _, err := ts.admin.UpdateTable(ctx, &sdk.UpdateTableInput{TableName: &table, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		t.Error(err)
	}
	if _, err := ts.admin.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: &table}); err != nil {
		t.Error(err)
	}
}

// shared is one history's part of a table: partitions that begin with its prefix.
type shared struct {
	*dynamo.Store
	prefix string
	over   func()
}

func (s *shared) in(key muster.Key) muster.Key {
	return muster.Key{Partition: s.prefix + key.Partition, Sort: key.Sort}
}

func (s *shared) out(records []muster.Record) []muster.Record {
	var mine []muster.Record
	for _, rec := range records {
		if rest, ok := strings.CutPrefix(rec.Partition, s.prefix); ok {
			rec.Partition = rest
			mine = append(mine, rec)
		}
	}
	return mine
}

func (s *shared) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	rec, err := s.Store.Get(ctx, s.in(key))
	rec.Key = key
	return rec, err
}

func (s *shared) List(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	records, err := s.Store.List(ctx, s.prefix+partition, opts)
	return s.out(records), err
}

func (s *shared) Write(ctx context.Context, ops ...muster.Op) error {
	mine := make([]muster.Op, len(ops))
	for i, op := range ops {
		op.Key = s.in(op.Key)
		mine[i] = op
	}
	return s.Store.Write(ctx, mine...)
}

func (s *shared) Scan(ctx context.Context, visit func(page []muster.Record) error) error {
	return s.Store.Scan(ctx, func(page []muster.Record) error { return visit(s.out(page)) })
}

// close ends the history's use of the table.
func (s *shared) close() { s.over() }
