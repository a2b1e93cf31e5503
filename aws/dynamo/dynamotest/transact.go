package dynamotest

import (
	"bytes"
	"net/http"
	"strings"
	"time"
)

// tokenLife is for how long a transaction's token is known after it (DynamoDB API
// reference, "TransactWriteItems": 10 minutes).
const tokenLife = 10 * time.Minute

// transaction is one that succeeded, as it is known by its token.
type transaction struct {
	body     []byte
	at       time.Time
	readCost float64 // of a repeat
	table    string
}

type transactItem struct {
	Put            *put
	Update         *updating
	Delete         *keyed
	ConditionCheck *keyed
}

func (in transactItem) change(s *Server) (change, error) {
	switch (transactKinds{in.Put != nil, in.Update != nil, in.Delete != nil, in.ConditionCheck != nil}) {
	case transactKinds{put: true}:
		return in.Put.change(s)
	case transactKinds{update: true}:
		return in.Update.change(s)
	case transactKinds{remove: true}:
		return in.Delete.change(s, gone)
	case transactKinds{check: true}:
		if in.ConditionCheck.ConditionExpression == nil {
			return change{}, invalid("The ConditionExpression of a ConditionCheck must not be empty")
		}
		return in.ConditionCheck.change(s, nil)
	}
	return change{}, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
}

func (in transactItem) table() string {
	switch {
	case in.Put != nil:
		return in.Put.TableName
	case in.Update != nil:
		return in.Update.TableName
	case in.Delete != nil:
		return in.Delete.TableName
	}
	return in.ConditionCheck.TableName
}

// transactKinds says which parts an item of a transaction has.
type transactKinds struct{ put, update, remove, check bool }

type transactWriteItems struct {
	TransactItems          []transactItem
	ClientRequestToken     string
	ReturnConsumedCapacity string
}

// transactWriteItems makes all changes or none. It is told apart from others by its token
// and the letter of its body: Amazon compares parameters in a way that it does not describe,
// and takes the order of a map's members for a difference (github.com/aws/aws-sdk-go-v2,
// issue 3131).
func (s *Server) transactWriteItems(body []byte) (any, error) {
	in := new(transactWriteItems)
	if err := decode(body, in); err != nil {
		return nil, err
	}
	if err := totalOnly(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	changes, err := s.changes(in.TransactItems)
	if err != nil {
		return nil, err
	}
	if in.ClientRequestToken == "" {
		return nil, unsupported("a TransactWriteItems without ClientRequestToken")
	}
	if known := s.tokens[in.ClientRequestToken]; known != nil && s.now().Sub(known.at) < tokenLife {
		if !bytes.Equal(known.body, body) {
			return nil, refusal("IdempotentParameterMismatchException", "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical")
		}
		return costs(known.table, known.readCost, 0), nil
	}
	return s.transact(changes, in.ClientRequestToken, body)
}

// changes makes the parts of a transaction ready, or says what is wrong with it.
func (s *Server) changes(items []transactItem) ([]change, error) {
	if len(items) == 0 || len(items) > maxTransaction {
		return nil, invalid("1 validation error detected: Value '...' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d", maxTransaction)
	}
	changes := make([]change, len(items))
	seen := map[key]bool{}
	for i, item := range items {
		c, err := item.change(s)
		if e, ok := err.(*exception); ok && e.ofPart { //nolint:errorlint // change wraps nothing
			t, absent := s.named(item.table())
			if absent != nil {
				return nil, absent
			}
			changes[i] = change{table: t, wrong: err}
			continue
		}
		if err != nil {
			return nil, err
		}
		if c.table != nil && i > 0 && c.table != changes[0].table {
			return nil, unsupported("a transaction over several tables")
		}
		if seen[c.key] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		changes[i], seen[c.key] = c, true
	}
	return changes, nil
}

// transact makes the changes if every one of them can be made.
func (s *Server) transact(changes []change, token string, body []byte) (any, error) {
	reasons := make([]reason, len(changes))
	after := make([]item, len(changes))
	done := &transaction{body: body, at: s.now(), table: changes[0].table.name}
	cancelled, writeCost, size := false, 0.0, 0
	for i, c := range changes {
		before, made, err := c.apply()
		reasons[i] = reason{Code: "None"}
		if e, ok := err.(*exception); ok { //nolint:errorlint // apply wraps nothing
			reasons[i] = reason{Code: reasonCodes[e.name], Message: e.message}
			cancelled = true
		}
		after[i] = made
		writeCost += 2 * cost(before, made)
		done.readCost += 2 * units(made.bytes(), readUnit)
		size += max(before.bytes(), made.bytes())
	}
	switch {
	case cancelled:
		return nil, cancellation(reasons)
	case size > maxTransactionBytes:
		return nil, invalid("Collection size exceeded: the aggregate size of the items in the transaction exceeds %d bytes", maxTransactionBytes)
	}
	for i, c := range changes {
		if c.after != nil {
			c.table.put(c.key, after[i])
		}
	}
	s.remember(token, done)
	return costs(done.table, 0, writeCost), nil
}

// reasonCodes are what a cancelled transaction calls the exceptions of its parts.
var reasonCodes = map[string]string{
	"ConditionalCheckFailedException": "ConditionalCheckFailed",
	"ValidationException":             "ValidationError",
}

// remember keeps a token, and forgets those whose time has passed.
func (s *Server) remember(token string, done *transaction) {
	for old, t := range s.tokens {
		if done.at.Sub(t.at) >= tokenLife {
			delete(s.tokens, old)
		}
	}
	s.tokens[token] = done
}

// costs is the answer to a transaction. What a repeat costs is not said exactly by the
// documents ("the number of read capacity units consumed in reading the item"): we chose a
// transaction's read of each.
func costs(table string, read, write float64) any {
	c := capacity{TableName: table, CapacityUnits: read + write}
	if read > 0 {
		c.ReadCapacityUnits = &read
	} else {
		c.WriteCapacityUnits = &write
	}
	return map[string]any{"ConsumedCapacity": []capacity{c}}
}

// cancellation says why a transaction was not made.
func cancellation(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return &exception{
		status: http.StatusBadRequest, name: "TransactionCanceledException", reasons: reasons,
		message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
	}
}
