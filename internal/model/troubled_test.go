package model

import (
	"context"
	"math/rand/v2"
	"time"

	"muster"
	"muster/aws/dynamo"
	"muster/aws/dynamo/dynamotest"
)

// troubled is a store on a stand-in for DynamoDB with which much goes wrong: calls are
// throttled, meet other transactions, do not arrive, arrive without an answer, or late.
// While the driver waits for its next try, others go on. What a call gets after all its
// tries is the caller's: an error of kind Unavailable says that it may have happened, as
// after a crash.
type troubled struct {
	*dynamo.Store
	server *dynamotest.Server
	w      *world
	random *rand.Rand
	spell  int  // how many more requests of hard times there are
	still  bool // the whole store is read: nothing goes wrong
}

const records = "records" // the table

func openTroubled(w *world, now func() time.Time) driver {
	d := &troubled{w: w, random: rand.New(rand.NewPCG(w.seed, 0xd1))}
	d.server = dynamotest.New(dynamotest.Options{Now: now, Faults: &dynamotest.Faults{Random: d.random, Rates: d.rates}})
	store, err := dynamo.New(dynamo.Options{
		Table: records, Region: "us-east-1", Endpoint: "http://dynamodb.invalid", AccessKeyID: "AKIDSTANDIN", SecretAccessKey: "secret",
		Now: now, HTTPClient: d.server.Client(), TryTimeout: time.Hour, Pause: d.pause,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	d.Store, d.still = store, true
	if err := store.CreateTable(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	d.still = false
	return d
}

// rates are those of ordinary days, and four times as much in hard times, when calls fail
// for good. More befalls writes: there is more to get wrong. Nothing goes wrong in a calm
// world.
func (d *troubled) rates(operation string) dynamotest.Rates {
	if d.w.calm || d.still {
		return dynamotest.Rates{}
	}
	much := 1.0
	switch {
	case d.spell > 0:
		d.spell--
		much = 4
	case d.random.IntN(600) == 0:
		d.spell = 30
	}
	if operation == "GetItem" || operation == "Query" {
		return dynamotest.Rates{Throttled: 0.01 * much, Unsent: 0.003 * much, Unanswered: 0.01 * much, Lost: 0.003 * much, ShortPage: 0.05, Sweep: 0.01}
	}
	return dynamotest.Rates{
		Throttled: 0.03 * much, Contended: 0.04 * much, Unsent: 0.01 * much, Unanswered: 0.03 * much, Lost: 0.06 * much, Unclear: 0.03 * much, Sweep: 0.01,
	}
}

// pause is the wait before another try: it takes no time of ours.
func (d *troubled) pause(ctx context.Context, _ time.Duration) error {
	if !d.w.calm {
		d.w.now = d.w.now.Add(time.Duration(1+d.w.rand.IntN(100)) * time.Millisecond)
		d.w.interrupt(3)
	}
	return ctx.Err()
}

// List does not go the whole way for nothing when all is calm: a replay looks into
// thousands of partitions, nearly all of them empty.
func (d *troubled) List(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	if d.w.calm && d.server.Empty(records, partition) {
		return nil, nil
	}
	return d.Store.List(ctx, partition, opts)
}

// Scan reads what is there when nothing is under way any more.
func (d *troubled) Scan(ctx context.Context, visit func(page []muster.Record) error) error {
	d.server.Settle()
	d.still = true
	defer func() { d.still = false }()
	return d.Store.Scan(ctx, visit)
}

// close tells the history how often what went wrong.
func (d *troubled) close() {
	counts := d.server.Counts()
	for _, what := range []string{"throttled", "contended", "unsent", "unanswered", "lost", "unclear", "in progress", "short page", "removed"} {
		d.w.counts["store "+what] += counts[what]
	}
}
