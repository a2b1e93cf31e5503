package dynamo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
)

// Write implements muster.Store.
func (s *Store) Write(ctx context.Context, ops ...muster.Op) error {
	if err := muster.CheckOps(ops); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	ops = withoutIdle(ops)
	if len(ops) == 0 {
		return nil
	}
	var token [16]byte
	s.random(token[:])
	a := author{now: s.now(), id: writeID(token[:8])}
	var r result
	var err error
	switch {
	case len(ops) > 1:
		r, err = s.writeMany(ctx, a.transaction(s.table, ops), hex.EncodeToString(token[:]))
	case ops[0].Kind == muster.Check:
		return s.check(ctx, ops[0])
	default:
		r, err = s.writeOne(ctx, a.request(s.table, ops[0]), a.id)
	}
	if err == nil {
		err = r.describeWrite()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", nameOps(ops), err)
	}
	return nil
}

// withoutIdle leaves out the operations that neither change nor assert anything.
func withoutIdle(ops []muster.Op) []muster.Op {
	kept := make([]muster.Op, 0, len(ops))
	for _, op := range ops {
		if op.Kind != muster.Check || op.Version != muster.AnyVersion {
			kept = append(kept, op)
		}
	}
	return kept
}

// nameOps says in an error what was written.
func nameOps(ops []muster.Op) string {
	first := strconv.Quote(ops[0].Key.Redacted())
	if len(ops) > 1 {
		first += fmt.Sprintf(" and %d more", len(ops)-1)
	}
	return first
}

// check is a Write that only asserts the version of one record: a read says as much as
// a transaction would, and costs less.
func (s *Store) check(ctx context.Context, op muster.Op) error {
	version := int64(0)
	r, err := s.read(ctx, op.Key, CallCheck)
	switch {
	case err == nil:
		version = r.Version
	case !errors.Is(err, muster.ErrNotFound):
		return fmt.Errorf("check %q: %w", op.Key.Redacted(), err)
	}
	if version != op.Version {
		return fmt.Errorf("check %q: version is %d, not %d: %w", op.Key.Redacted(), version, op.Version, muster.ErrConflict)
	}
	return nil
}

// writeOne makes a write of one operation. If an unanswered try is followed by a refusal,
// the refused item says whether it is that try's work.
func (s *Store) writeOne(ctx context.Context, req types.TransactWriteItem, id writeID) (result, error) {
	use := Usage{Call: CallWrite}
	r, err := s.persist(ctx, &use, func(ctx context.Context, uncertain bool) error {
		capacity, err := s.send(ctx, req, uncertain)
		use.addWrite(capacity)
		var failed *types.ConditionalCheckFailedException
		if uncertain && errors.As(err, &failed) && writtenBy(failed.Item, id) {
			return nil
		}
		return err
	})
	return r, err
}

// send makes one try of a write of one operation.
func (s *Store) send(ctx context.Context, req types.TransactWriteItem, uncertain bool) (*types.ConsumedCapacity, error) {
	onRefusal := types.ReturnValuesOnConditionCheckFailureNone
	if uncertain {
		onRefusal = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	switch {
	case req.Put != nil:
		out, err := s.api.PutItem(ctx, &sdk.PutItemInput{
			TableName: req.Put.TableName, Item: req.Put.Item, ConditionExpression: req.Put.ConditionExpression,
			ExpressionAttributeNames: req.Put.ExpressionAttributeNames, ExpressionAttributeValues: req.Put.ExpressionAttributeValues,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ReturnValuesOnConditionCheckFailure: onRefusal,
		})
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	case req.Update != nil:
		u := req.Update
		out, err := s.api.UpdateItem(ctx, &sdk.UpdateItemInput{
			TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
			ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ReturnValuesOnConditionCheckFailure: onRefusal,
		})
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	default:
		out, err := s.api.DeleteItem(ctx, &sdk.DeleteItemInput{
			TableName: req.Delete.TableName, Key: req.Delete.Key, ConditionExpression: req.Delete.ConditionExpression,
			ExpressionAttributeNames: req.Delete.ExpressionAttributeNames, ExpressionAttributeValues: req.Delete.ExpressionAttributeValues,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ReturnValuesOnConditionCheckFailure: onRefusal,
		})
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	}
}

// writeMany makes a write of several operations. The token makes repeats harmless, and a
// repeat that is refused says that no try before it has happened.
func (s *Store) writeMany(ctx context.Context, items []types.TransactWriteItem, token string) (result, error) {
	use := Usage{Call: CallTransaction}
	same := &verbatim{}
	r, err := s.persist(ctx, &use, func(ctx context.Context, _ bool) error {
		out, err := s.api.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{
			TransactItems: items, ClientRequestToken: &token, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}, same.options)
		if err == nil {
			for _, c := range out.ConsumedCapacity {
				use.addWrite(&c)
			}
		}
		return err
	})
	r.uncertain = r.uncertain && r.outcome != refused
	return r, err
}

// author is who writes, and when: what a request says beside its operation.
type author struct {
	now time.Time
	id  writeID
}

func (a author) transaction(table string, ops []muster.Op) []types.TransactWriteItem {
	items := make([]types.TransactWriteItem, len(ops))
	for i, op := range ops {
		items[i] = a.request(table, op)
	}
	return items
}

// request is an operation as an action of a transaction. A write of one operation has
// the same parts.
func (a author) request(table string, op muster.Op) types.TransactWriteItem {
	c := a.holds(op.Version)
	switch {
	case op.Kind == muster.Put && op.Version == muster.AnyVersion:
		return types.TransactWriteItem{Update: a.replace(table, op)}
	case op.Kind == muster.Put:
		r := muster.Record{Key: op.Key, Value: op.Value, Version: op.Version + 1, ExpiresAt: op.ExpiresAt}
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &table, Item: encode(r, a.id),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		}}
	case op.Kind == muster.Delete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &table, Key: keyOf(op.Key),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		}}
	default:
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &table, Key: keyOf(op.Key),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		}}
	}
}

// condition is a condition expression with what it refers to; all nil for none.
type condition struct {
	expression *string
	names      map[string]string
	values     map[string]types.AttributeValue
}

// holds is the condition that a record has a version: 0 for absent or expired.
func (a author) holds(version int64) condition {
	c := condition{
		names:  map[string]string{"#ttl": attrExpiry}, // a reserved word
		values: map[string]types.AttributeValue{":now": number(a.now.Unix())},
	}
	switch version {
	case muster.AnyVersion:
		return condition{}
	case 0:
		c.expression = aws.String("attribute_not_exists(" + attrPartition + ") OR #ttl <= :now")
	default:
		c.expression = aws.String(attrVersion + " = :v AND (attribute_not_exists(#ttl) OR #ttl > :now)")
		c.values[":v"] = number(version)
	}
	return c
}

// replace is a Put of any version. The version counts on from whatever is there, an
// expired record included. Its condition holds unless a repeat has overtaken it.
func (a author) replace(table string, op muster.Op) *types.Update {
	u := &types.Update{
		TableName: &table, Key: keyOf(op.Key),
		ConditionExpression:      aws.String("attribute_not_exists(" + attrWriteID + ") OR " + attrWriteID + " <> :w"),
		ExpressionAttributeNames: map[string]string{"#ttl": attrExpiry},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":d": data(op.Value), ":w": data(a.id[:]), ":zero": number(0), ":one": number(1),
		},
	}
	expression := "SET " + attrValue + " = :d, " + attrWriteID + " = :w, " + attrVersion + " = if_not_exists(" + attrVersion + ", :zero) + :one"
	if op.ExpiresAt.IsZero() {
		expression += " REMOVE #ttl"
	} else {
		expression += ", #ttl = :ttl"
		u.ExpressionAttributeValues[":ttl"] = number(op.ExpiresAt.Unix())
	}
	u.UpdateExpression = &expression
	return u
}
