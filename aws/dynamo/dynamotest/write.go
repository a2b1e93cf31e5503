package dynamotest

import "net/http"

// change is a write of one item, made ready: what it demands, and what it makes of the item.
type change struct {
	table *table
	key   key
	holds condition
	after update // nil: it only demands
	wrong error  // for which a transaction with it is cancelled
}

// apply makes the change. A refusal holds the item as it was.
func (c change) apply() (before, after item, err error) {
	before = c.table.at(c.key)
	if c.wrong != nil {
		return before, before, c.wrong
	}
	if !c.holds(before) {
		return before, before, &exception{status: http.StatusBadRequest, name: "ConditionalCheckFailedException", message: "The conditional request failed"}
	}
	if c.after == nil {
		return before, before, nil
	}
	after, err = c.after(before)
	return before, after, err
}

// cost is what a change of one item costs, by the larger of what was and what is.
func cost(before, after item) float64 { return units(max(before.bytes(), after.bytes()), writeUnit) }

// conditional is what all writes of one item can say.
type conditional struct {
	TableName                 string
	ConditionExpression       *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attribute
}

// put is a Put, alone or in a transaction.
type put struct {
	conditional
	Item item
}

func (in *put) change(s *Server) (change, error) {
	refs := newReferences(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	holds, wrong := parseCondition(in.ConditionExpression, refs)
	k, badKey := keyIn(in.Item)
	if err := firstOf(wrong, refs.check(), in.Item.check(), badKey, putSize(in.Item)); err != nil {
		return change{}, err
	}
	t, err := s.named(in.TableName)
	return change{table: t, key: k, holds: holds, after: func(item) (item, error) { return in.Item, nil }}, err
}

// putSize refuses an item that is too large.
func putSize(i item) error {
	if i.bytes() > maxItemBytes {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return nil
}

// updating is an Update, alone or in a transaction.
type updating struct {
	conditional
	Key              item
	UpdateExpression *string
}

func (in *updating) change(s *Server) (change, error) {
	refs := newReferences(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	after, badUpdate := parseUpdate(in.UpdateExpression, refs)
	holds, wrong := parseCondition(in.ConditionExpression, refs)
	k, badKey := keyOnly(in.Key)
	if err := firstOf(badUpdate, wrong, refs.check(), badKey); err != nil {
		return change{}, err
	}
	t, err := s.named(in.TableName)
	return change{table: t, key: k, holds: holds, after: func(old item) (item, error) {
		if old == nil {
			old = in.Key
		}
		out, err := after(old)
		if err == nil && out.bytes() > maxItemBytes {
			err = invalid("Item size to update has exceeded the maximum allowed size")
		}
		return out, err
	}}, err
}

// keyed is a Delete or a ConditionCheck.
type keyed struct {
	conditional
	Key item
}

func (in *keyed) change(s *Server, after update) (change, error) {
	refs := newReferences(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	holds, wrong := parseCondition(in.ConditionExpression, refs)
	k, badKey := keyOnly(in.Key)
	if err := firstOf(wrong, refs.check(), badKey); err != nil {
		return change{}, err
	}
	t, err := s.named(in.TableName)
	return change{table: t, key: k, holds: holds, after: after}, err
}

// gone is what a Delete makes of an item.
func gone(item) (item, error) { return nil, nil }

// alone is what writes of one item say that are no part of a transaction.
type alone struct {
	ReturnConsumedCapacity              string
	ReturnValuesOnConditionCheckFailure string
}

// write makes a change that is no part of a transaction.
func (a alone) write(c change, wrong error) (any, error) {
	onRefusal := a.ReturnValuesOnConditionCheckFailure
	if onRefusal != "NONE" && onRefusal != "ALL_OLD" {
		return nil, unsupported("the ReturnValuesOnConditionCheckFailure %q", onRefusal)
	}
	if err := firstOf(totalOnly(a.ReturnConsumedCapacity), wrong); err != nil {
		return nil, err
	}
	before, after, err := c.apply()
	if e, ok := err.(*exception); ok && e.name == "ConditionalCheckFailedException" && onRefusal == "ALL_OLD" { //nolint:errorlint // apply wraps nothing
		e.item = before
	}
	if err != nil {
		return nil, err
	}
	c.table.put(c.key, after)
	return map[string]any{"ConsumedCapacity": capacity{TableName: c.table.name, CapacityUnits: cost(before, after)}}, nil
}

func (s *Server) putItem(in *struct {
	put
	alone
},
) (any, error) {
	return in.write(in.change(s))
}

func (s *Server) updateItem(in *struct {
	updating
	alone
},
) (any, error) {
	return in.write(in.change(s))
}

func (s *Server) deleteItem(in *struct {
	keyed
	alone
},
) (any, error) {
	return in.write(in.change(s, gone))
}

type writeRequest struct{ PutRequest *struct{ Item item } }

type batchWriteItem struct {
	RequestItems           map[string][]writeRequest
	ReturnConsumedCapacity string
}

func (s *Server) batchWriteItem(in *batchWriteItem) (any, error) {
	if err := totalOnly(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if len(in.RequestItems) != 1 {
		return nil, unsupported("a BatchWriteItem of %d tables", len(in.RequestItems))
	}
	for name, requests := range in.RequestItems {
		keys, err := batchKeys(requests)
		if err != nil {
			return nil, err
		}
		t, err := s.named(name)
		if err != nil {
			return nil, err
		}
		taken := s.takes(len(requests))
		if taken == 0 {
			return nil, refusal("ProvisionedThroughputExceededException", throughputExceeded)
		}
		total := 0.0
		for i, r := range requests[:taken] {
			total += cost(t.at(keys[i]), r.PutRequest.Item)
			t.put(keys[i], r.PutRequest.Item)
		}
		left := map[string][]writeRequest{}
		if taken < len(requests) {
			left[name] = requests[taken:]
		}
		return map[string]any{"UnprocessedItems": left, "ConsumedCapacity": []capacity{{TableName: name, CapacityUnits: total}}}, nil
	}
	panic("there is one table")
}

// batchKeys are the keys of a batch's items, or what is wrong with it.
func batchKeys(requests []writeRequest) ([]key, error) {
	if len(requests) == 0 || len(requests) > maxBatch {
		return nil, invalid("1 validation error detected: Value '...' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to %d, Member must have length greater than or equal to 1]", maxBatch)
	}
	seen := map[key]bool{}
	keys := make([]key, len(requests))
	bytes := 0
	for i, r := range requests {
		if r.PutRequest == nil {
			return nil, unsupported("a part of a batch that is no PutRequest")
		}
		k, badKey := keyIn(r.PutRequest.Item)
		if err := firstOf(r.PutRequest.Item.check(), badKey, putSize(r.PutRequest.Item)); err != nil {
			return nil, err
		}
		if seen[k] {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		keys[i], seen[k] = k, true
		bytes += r.PutRequest.Item.bytes()
	}
	if bytes > maxBatchBytes {
		return nil, refusal("RequestEntityTooLargeException", "Request size exceeds %d bytes", maxBatchBytes)
	}
	return keys, nil
}
