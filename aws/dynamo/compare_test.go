package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"muster"
	"muster/aws/dynamo/dynamotest"
)

// comparison sends the same requests to DynamoDB Local and to the stand-in.
//
// Where the two differ the stand-in goes by Amazon's documents. What differs is left out of
// the comparison, each at its place: what transactions and empty lists are said to cost
// (docs/benchmarks.md), the end of a list, the order of a Scan, and the words of messages but
// those that the driver goes by.
type comparison struct {
	*testing.T
	random         *rand.Rand
	local, standIn *Store
}

// compared is the instant by which what is written expires: long after today, for DynamoDB
// Local removes by the true time.
var compared = time.Date(2090, 3, 1, 12, 0, 0, 0, time.UTC)

func TestTheStandInAnswersAsDynamoDBLocalDoes(t *testing.T) {
	o := localOptions(t)
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	now := func() time.Time { return compared }
	o.Now = now
	standIn, err := New(standInOptions(dynamotest.New(dynamotest.Options{Now: now}), now))
	if err != nil {
		t.Fatal(err)
	}
	standIn.table = o.Table
	if err := standIn.CreateTable(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := &comparison{T: t, random: rand.New(rand.NewPCG(seed, 0)), local: openLocal(t, o), standIn: standIn}
	kinds := []func(){c.write, c.write, c.write, c.transact, c.transact, c.get, c.query, c.query, c.batch, c.repeat}
	for range 1500 {
		kinds[c.random.IntN(len(kinds))]()
	}
	c.scan()
	c.wrong()
}

// both makes one call to both, and compares what they say of it.
func (c *comparison) both(what string, call func(s *Store) (any, error)) {
	c.Helper()
	ours, theirs := c.said(call(c.standIn)), c.said(call(c.local))
	for range 5 { // a connection to DynamoDB Local breaks now and then within a long answer
		if strings.HasPrefix(theirs, noAnswer) {
			theirs = c.said(call(c.local))
		}
	}
	if ours != theirs {
		c.Errorf("%s:\nthe stand-in says   %.3000s\nDynamoDB Local says %.3000s", what, ours, theirs)
	}
}

const noAnswer = "no answer: "

// said is what there is to compare of an answer: of an error its name, what the driver makes
// of it, its reasons, and the item that did not satisfy a condition.
func (c *comparison) said(answer any, err error) string {
	if err == nil {
		return fmt.Sprintf("%v", answer)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return noAnswer + err.Error()
	}
	if outcomeOf(err) == tooLarge {
		// DynamoDB Local refuses a transaction whose Update becomes too large as it refuses one
		// with a large Put. Amazon names it among the reasons of a cancellation ("Item size to
		// update has exceeded the maximum allowed size", API reference of TransactWriteItems).
		return "too large"
	}
	said := fmt.Sprintf("%s, outcome %d", exceptionName(api), outcomeOf(err))
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		for _, r := range cancelled.CancellationReasons {
			said += " " + deref(r.Code)
		}
	}
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) && failed.Item != nil {
		said += " because of " + show(failed.Item)
	}
	if strings.Contains(api.ErrorMessage(), "stand-in") {
		c.Errorf("a request that the stand-in does not know: %v", err)
	}
	return said
}

// show is an item as text.
func show(i item) string {
	if i == nil {
		return "nothing"
	}
	var parts []string
	for name, value := range i {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			parts = append(parts, fmt.Sprintf("%s=%.9q", name, v.Value))
		case *types.AttributeValueMemberN:
			parts = append(parts, name+"="+v.Value)
		case *types.AttributeValueMemberB:
			parts = append(parts, fmt.Sprintf("%s=%d:%.16x", name, len(v.Value), v.Value))
		default:
			parts = append(parts, fmt.Sprintf("%s is a %T", name, v))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func showAll(items []item) string {
	var all []string
	for _, i := range items {
		all = append(all, show(i))
	}
	return strings.Join(all, "\n")
}

// key is one of a few, in few partitions, so that they meet. Some are not ASCII.
func (c *comparison) key() muster.Key {
	sorts := []string{"a", "a\x00", "ab", "b", "ä", "\uffff", "\U00010000", "z", strings.Repeat("y", muster.MaxSortBytes)}
	return muster.Key{Partition: fmt.Sprint("p", c.random.IntN(3)), Sort: sorts[c.random.IntN(len(sorts))]}
}

// op is an operation on one of the keys, at a version that it may have.
func (c *comparison) op() muster.Op {
	o := muster.Op{
		Kind: []muster.OpKind{muster.Put, muster.Put, muster.Put, muster.Delete}[c.random.IntN(4)], Key: c.key(), Version: int64(c.random.IntN(5) - 1),
		Value: make([]byte, []int{0, 1, 30, 900, 1100, 5000, 100_000}[c.random.IntN(7)]),
	}
	for i := range min(8, len(o.Value)) {
		o.Value[i] = byte(c.random.Uint32())
	}
	if c.random.IntN(3) == 0 {
		o.ExpiresAt = compared.Add(time.Duration(c.random.IntN(9)-4) * time.Second)
	}
	if c.random.IntN(60) == 0 {
		o.Value = make([]byte, 409_600-c.random.IntN(60)) // about as large as an item may be, with what is around it
	}
	return o
}

func (c *comparison) author() author {
	a := author{now: compared.Add(time.Duration(c.random.IntN(5)-2) * time.Second)}
	for i := range a.id {
		a.id[i] = byte(c.random.IntN(2)) // so that writes have the same
	}
	return a
}

// write makes a write of one operation, as the first try or as a repeat.
func (c *comparison) write() {
	o, uncertain, a := c.op(), c.random.IntN(2) == 0, c.author()
	c.both(fmt.Sprintf("write %v of %d bytes", o.Key, len(o.Value)), func(s *Store) (any, error) {
		capacity, err := s.send(context.Background(), a.request(s.table, o), uncertain)
		if err != nil {
			return nil, err
		}
		return *capacity.CapacityUnits, nil
	})
}

// ops are operations on different keys.
func (c *comparison) ops() []muster.Op {
	var ops []muster.Op
	for range 2 + c.random.IntN(4) {
		o := c.op()
		if slices.ContainsFunc(ops, func(other muster.Op) bool { return other.Key == o.Key }) {
			continue
		}
		if o.Version != muster.AnyVersion && c.random.IntN(4) == 0 {
			o.Kind = muster.Check
		}
		ops = append(ops, o)
	}
	return ops
}

// token is of one run: DynamoDB Local knows those of earlier ones.
func (c *comparison) token() string {
	return fmt.Sprintf("%016x%016x", c.random.Uint64(), c.random.Uint64())
}

// together makes a transaction; what it says that it cost is left out.
func together(s *Store, items []types.TransactWriteItem, token string, same *verbatim) (any, error) {
	_, err := s.api.TransactWriteItems(context.Background(), &sdk.TransactWriteItemsInput{
		TransactItems: items, ClientRequestToken: &token, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}, same.options)
	return "done", err
}

func (c *comparison) transact() {
	ops, token, a := c.ops(), c.token(), c.author()
	c.both(fmt.Sprintf("transaction of %d", len(ops)), func(s *Store) (any, error) {
		return together(s, a.transaction(s.table, ops), token, &verbatim{})
	})
}

// repeat makes a transaction twice, with something between, and its token's with another.
func (c *comparison) repeat() {
	ops, token, a := c.ops(), c.token(), c.author()
	bodies := map[*Store]*verbatim{c.local: {}, c.standIn: {}}
	again := func(what string) {
		c.both(what, func(s *Store) (any, error) { return together(s, a.transaction(s.table, ops), token, bodies[s]) })
	}
	again("a transaction")
	c.write()
	again("its repeat")
	other := c.ops()
	c.both("its token with another", func(s *Store) (any, error) {
		return together(s, a.transaction(s.table, other), token, &verbatim{})
	})
}

func (c *comparison) get() {
	k := c.key()
	c.both(fmt.Sprintf("get %v", k), func(s *Store) (any, error) {
		out, err := s.api.GetItem(context.Background(), &sdk.GetItemInput{
			TableName: &s.table, Key: keyOf(k), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(show(out.Item), *out.ConsumedCapacity.CapacityUnits), nil
	})
}

// query reads the pages of a List. An empty one at the end is left out: whether a page that
// is full is known to be the last is open ("LastEvaluatedKey", API reference of Query), and
// DynamoDB Local mostly knows. Nor does it charge for an empty page.
func (c *comparison) query() {
	k := c.key()
	opts := muster.ListOptions{Descending: c.random.IntN(2) == 0, Limit: 1 + c.random.IntN(12)}
	if c.random.IntN(2) == 0 {
		opts.After = c.key().Sort
	}
	if c.random.IntN(3) == 0 {
		opts.Prefix = c.key().Sort[:1]
	}
	sp, ok := newSpan(opts)
	if !ok {
		return
	}
	expression, values := sp.condition(k.Partition)
	c.both(fmt.Sprintf("query %s %v", k.Partition, opts), func(s *Store) (any, error) {
		var pages []string
		in := &sdk.QueryInput{
			TableName: &s.table, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			KeyConditionExpression: &expression, ExpressionAttributeValues: values,
			ScanIndexForward: aws.Bool(!opts.Descending), Limit: aws.Int32(int32(opts.Limit)),
		}
		for {
			out, err := s.api.Query(context.Background(), in)
			if err != nil {
				return pages, err
			}
			if out.Count > 0 {
				pages = append(pages, fmt.Sprintf("%s\n%v units for %d, %d", showAll(out.Items), *out.ConsumedCapacity.CapacityUnits, out.Count, out.ScannedCount))
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
				return strings.Join(pages, "\n"), nil
			}
		}
	})
}

func (c *comparison) batch() {
	var requests []types.WriteRequest
	a := c.author()
	for _, o := range c.ops() {
		r := muster.Record{Key: o.Key, Value: o.Value, Version: 1 + max(0, o.Version), ExpiresAt: o.ExpiresAt}
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: encode(r, a.id)}})
	}
	c.both(fmt.Sprintf("batch of %d", len(requests)), func(s *Store) (any, error) { return load(s, requests) })
}

func load(s *Store, requests []types.WriteRequest) (any, error) {
	out, err := s.api.BatchWriteItem(context.Background(), &sdk.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{s.table: requests}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return nil, err
	}
	units := 0.0
	for _, used := range out.ConsumedCapacity {
		units += *used.CapacityUnits
	}
	return fmt.Sprint(units, " units, left ", len(out.UnprocessedItems)), nil
}

// scan reads everything, in whatever order.
func (c *comparison) scan() {
	c.both("scan", func(s *Store) (any, error) {
		var all []muster.Record
		err := s.Scan(context.Background(), func(page []muster.Record) error {
			all = append(all, page...)
			return nil
		})
		slices.SortFunc(all, func(a, b muster.Record) int {
			return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Sort, b.Sort))
		})
		var items []item
		for _, r := range all {
			items = append(items, encode(r, writeID{}))
		}
		return showAll(items), err
	})
}
