package dynamo

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/aws/dynamo/dynamotest"
	"muster/store/storetest"
)

// standInOptions are those of a table on a stand-in for DynamoDB. Its pauses take no time.
func standInOptions(server *dynamotest.Server, now func() time.Time) Options {
	return Options{
		Table: "records", Region: "us-east-1", Endpoint: "http://dynamodb.invalid", AccessKeyID: "AKIDSTANDIN", SecretAccessKey: "secret",
		Now: now, HTTPClient: server.Client(), TryTimeout: time.Minute,
		Pause: func(ctx context.Context, _ time.Duration) error { runtime.Gosched(); return ctx.Err() },
	}
}

// openStandIn makes a store and its table.
func openStandIn(t testing.TB, server *dynamotest.Server, now func() time.Time) *Store {
	t.Helper()
	s, err := New(standInOptions(server, now))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTable(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreOnTheStandIn(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) muster.Store {
		return openStandIn(t, dynamotest.New(dynamotest.Options{Now: now}), now)
	})
}

// withoutDoubt are faults after which the driver always learns what has become of a call:
// a write of one operation is never without an answer. Calls about the table are left alone.
func withoutDoubt(operation string) dynamotest.Rates {
	r := dynamotest.Rates{Throttled: 0.04, Contended: 0.05, Unsent: 0.01, Sweep: 0.05}
	switch operation {
	case "PutItem", "UpdateItem", "DeleteItem":
	case "GetItem", "Query", "Scan", "TransactWriteItems", "BatchWriteItem":
		r.Unanswered, r.Lost, r.Unclear = 0.01, 0.02, 0.03
		r.ShortPage, r.Unprocessed = 0.3, 0.2
	default:
		return dynamotest.Rates{}
	}
	return r
}

// wholePages are the same faults for a test that wants to see two records at one instant:
// a List is one instant only while it is one page.
func wholePages(operation string) dynamotest.Rates {
	r := withoutDoubt(operation)
	r.ShortPage = 0
	return r
}

func TestStoreOnAStandInWhereMuchGoesWrong(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	total := dynamotest.Counts{}
	storetest.Run(t, func(t *testing.T, now func() time.Time) muster.Store {
		faults := &dynamotest.Faults{Random: rand.New(rand.NewPCG(seed, 0)), Rates: withoutDoubt}
		if strings.Contains(t.Name(), "a_sum_over_two_records") {
			faults.Rates = wholePages
		}
		server := dynamotest.New(dynamotest.Options{Now: now, Faults: faults})
		t.Cleanup(func() {
			for what, n := range server.Counts() {
				total[what] += n
			}
		})
		return openStandIn(t, server, now)
	})
	t.Log(total)
	for _, what := range []string{"throttled", "contended", "unsent", "unanswered", "lost", "unclear", "in progress", "short page", "unprocessed", "removed"} {
		if total[what] == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
}
