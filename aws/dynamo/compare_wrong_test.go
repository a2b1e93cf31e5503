package dynamo

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
)

// wrong sends what the driver must not send, so that the stand-in would catch it.
func (c *comparison) wrong() {
	a := c.author()
	k := muster.Key{Partition: "wrong", Sort: "s"}
	for name, op := range map[string]muster.Op{
		"an empty partition":       {Key: muster.Key{Sort: "s"}},
		"an empty sort":            {Key: muster.Key{Partition: "p"}},
		"a partition too long":     {Key: muster.Key{Partition: strings.Repeat("p", 2049), Sort: "s"}},
		"a sort too long":          {Key: muster.Key{Partition: "p", Sort: strings.Repeat("s", 1025)}},
		"an item too large":        {Key: k, Value: make([]byte, 409_600)},
		"an update too large":      {Key: k, Value: make([]byte, 409_600), Version: muster.AnyVersion},
		"a delete of no partition": {Kind: muster.Delete, Key: muster.Key{Sort: "s"}, Version: muster.AnyVersion},
	} {
		c.both(name, func(s *Store) (any, error) {
			_, err := s.send(context.Background(), a.request(s.table, op), false)
			return "done", err
		})
		token := c.token()
		c.both(name+" in a transaction", func(s *Store) (any, error) {
			return together(s, a.transaction(s.table, []muster.Op{op, {Key: muster.Key{Partition: "other", Sort: "s"}, Version: 3}}), token, &verbatim{})
		})
	}
	c.wrongTransactions(a)
	c.wrongExpressions(k)
	c.wrongBatches(a)
	c.wrongPages()
	c.wrongTable(k)
}

// wrongTransactions leaves out one item twice in a transaction: DynamoDB Local makes the
// operations one after another.
func (c *comparison) wrongTransactions(a author) {
	many := make([]muster.Op, 101)
	for i := range many {
		many[i] = muster.Op{Key: muster.Key{Partition: "many", Sort: fmt.Sprint(i)}}
	}
	for name, ops := range map[string][]muster.Op{
		"101 operations":        many,
		"no operation":          nil,
		"100 operations":        many[:100],
		"100 operations, again": many[:100],
	} {
		token := c.token()
		c.both(name, func(s *Store) (any, error) { return together(s, a.transaction(s.table, ops), token, &verbatim{}) })
	}
}

func (c *comparison) wrongExpressions(k muster.Key) {
	names := map[string]string{"#ttl": attrExpiry}
	for name, in := range map[string]sdk.DeleteItemInput{
		"a value that is not used":    {ConditionExpression: aws.String("v = :v"), ExpressionAttributeValues: item{":v": number(1), ":x": number(1)}},
		"a name that is not used":     {ConditionExpression: aws.String("v = :v"), ExpressionAttributeValues: item{":v": number(1)}, ExpressionAttributeNames: names},
		"a value that is not there":   {ConditionExpression: aws.String("v = :v")},
		"a name that is not there":    {ConditionExpression: aws.String("#ttl = :v"), ExpressionAttributeValues: item{":v": number(1)}},
		"a reserved word":             {ConditionExpression: aws.String("ttl = :v"), ExpressionAttributeValues: item{":v": number(1)}},
		"an absent attribute unequal": {ConditionExpression: aws.String("w <> :v"), ExpressionAttributeValues: item{":v": number(1)}},
		"an absent attribute above":   {ConditionExpression: aws.String("w > :v"), ExpressionAttributeValues: item{":v": number(1)}},
		"an empty condition":          {ConditionExpression: aws.String("")},
	} {
		in.Key, in.ReturnConsumedCapacity, in.ReturnValuesOnConditionCheckFailure = keyOf(k), types.ReturnConsumedCapacityTotal, types.ReturnValuesOnConditionCheckFailureNone
		c.both(name, func(s *Store) (any, error) {
			in := in
			in.TableName = &s.table
			_, err := s.api.DeleteItem(context.Background(), &in)
			return "done", err
		})
	}
}

func (c *comparison) wrongBatches(a author) {
	requests := make([]types.WriteRequest, 26)
	for i := range requests {
		r := muster.Record{Key: muster.Key{Partition: "batch", Sort: fmt.Sprint(i)}, Version: 1}
		requests[i].PutRequest = &types.PutRequest{Item: encode(r, a.id)}
	}
	large := types.WriteRequest{PutRequest: &types.PutRequest{Item: encode(muster.Record{Key: muster.Key{Partition: "batch", Sort: "large"}, Version: 1, Value: make([]byte, 409_600)}, a.id)}}
	for name, batch := range map[string][]types.WriteRequest{
		"26 items":          requests,
		"25 items":          requests[:25],
		"one item twice":    {requests[0], requests[0]},
		"an item too large": {requests[0], large},
		"nothing":           {},
	} {
		c.both("a batch of "+name, func(s *Store) (any, error) { return load(s, batch) })
	}
}

func (c *comparison) wrongPages() {
	in := sdk.QueryInput{
		ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ScanIndexForward: aws.Bool(true), Limit: aws.Int32(3),
		KeyConditionExpression: aws.String("PK = :p AND SK BETWEEN :from AND :to"), ExpressionAttributeValues: item{":p": text("p1"), ":from": text("b"), ":to": text("d")},
	}
	for name, change := range map[string]func(in *sdk.QueryInput){
		"bounds the wrong way round": func(in *sdk.QueryInput) {
			in.ExpressionAttributeValues = item{":p": text("p1"), ":from": text("d"), ":to": text("b")}
		},
		"a limit of 0": func(in *sdk.QueryInput) { in.Limit = aws.Int32(0) },
		"an empty bound": func(in *sdk.QueryInput) {
			in.ExpressionAttributeValues = item{":p": text("p1"), ":from": text(""), ":to": text("b")}
		},
		"a bound too long": func(in *sdk.QueryInput) {
			in.ExpressionAttributeValues = item{":p": text("p1"), ":from": text("a"), ":to": text(strings.Repeat("b", 1025))}
		},
		"a start in another partition": func(in *sdk.QueryInput) { in.ExclusiveStartKey = keyOf(muster.Key{Partition: "p2", Sort: "c"}) },
		"a start outside":              func(in *sdk.QueryInput) { in.ExclusiveStartKey = keyOf(muster.Key{Partition: "p1", Sort: "z"}) },
		"a start that is no item":      func(in *sdk.QueryInput) { in.ExclusiveStartKey = keyOf(muster.Key{Partition: "p1", Sort: "c"}) },
	} {
		c.both("a page from "+name, func(s *Store) (any, error) {
			in := in
			in.TableName = &s.table
			change(&in)
			out, err := s.api.Query(context.Background(), &in)
			if err != nil {
				return nil, err
			}
			return showAll(out.Items), nil
		})
	}
}

// wrongTable asks for a table that does not exist.
func (c *comparison) wrongTable(k muster.Key) {
	ctx := context.Background()
	for name, call := range map[string]func(s *Store) error{
		"get":     func(s *Store) error { _, err := s.Get(ctx, k); return err },
		"put":     func(s *Store) error { return s.Write(ctx, muster.Op{Key: k}) },
		"replace": func(s *Store) error { return s.Write(ctx, muster.Op{Key: k, Version: muster.AnyVersion}) },
		"delete":  func(s *Store) error { return s.Write(ctx, muster.Op{Kind: muster.Delete, Key: k, Version: 1}) },
		"two": func(s *Store) error {
			return s.Write(ctx, muster.Op{Key: k}, muster.Op{Key: muster.Key{Partition: "p", Sort: "t"}})
		},
		"list": func(s *Store) error { _, err := s.List(ctx, "p", muster.ListOptions{}); return err },
		"load": func(s *Store) error { return s.Load(ctx, []muster.Record{{Key: k, Version: 1}}) },
		"scan": func(s *Store) error { return s.Scan(ctx, func([]muster.Record) error { return nil }) },
	} {
		c.both(name+" without a table", func(s *Store) (any, error) {
			elsewhere := *s
			elsewhere.table = "muster-that-does-not-exist"
			return "done", call(&elsewhere)
		})
	}
}
