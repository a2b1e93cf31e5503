package dynamo

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
)

const (
	absent   = "attribute_not_exists(PK) OR #ttl <= :now"
	atV      = "v = :v AND (attribute_not_exists(#ttl) OR #ttl > :now)"
	notMine  = "attribute_not_exists(w) OR w <> :w"
	countsOn = "SET d = :d, w = :w, v = if_not_exists(v, :zero) + :one"
)

func TestAnOperationIsOneConditionalAction(t *testing.T) {
	k := muster.Key{Partition: "p", Sort: "s"}
	at := time.Unix(1_800_000_060, 0)
	for name, test := range map[string]struct {
		op                    muster.Op
		action, condition     string
		update                string
		version, ttl, expects string // numbers that are sent; "" for none
	}{
		"a put where nothing is":       {muster.Op{Key: k}, "put", absent, "", "1", "", ""},
		"a put over a version":         {muster.Op{Key: k, Version: 7, ExpiresAt: at}, "put", atV, "", "8", "1800000060", "7"},
		"a put over any version":       {muster.Op{Key: k, Version: muster.AnyVersion}, "update", notMine, countsOn + " REMOVE #ttl", "", "", ""},
		"one that expires":             {muster.Op{Key: k, Version: muster.AnyVersion, ExpiresAt: at}, "update", notMine, countsOn + ", #ttl = :ttl", "", "1800000060", ""},
		"a delete of a version":        {muster.Op{Kind: muster.Delete, Key: k, Version: 7}, "delete", atV, "", "", "", "7"},
		"a delete where nothing is":    {muster.Op{Kind: muster.Delete, Key: k}, "delete", absent, "", "", "", ""},
		"a delete of any version":      {muster.Op{Kind: muster.Delete, Key: k, Version: muster.AnyVersion}, "delete", "", "", "", "", ""},
		"a check of a version":         {muster.Op{Kind: muster.Check, Key: k, Version: 7}, "check", atV, "", "", "", "7"},
		"a check that nothing is":      {muster.Op{Kind: muster.Check, Key: k}, "check", absent, "", "", "", ""},
		"a put over the first version": {muster.Op{Key: k, Version: 1}, "put", atV, "", "2", "", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := author{now: time.Unix(1_800_000_000, 999_999_999), id: writeID{1}}
			got := takeApart(t, a.request("records", test.op))
			if got.action != test.action || got.condition != test.condition || got.update != test.update {
				t.Fatalf("got %s if %q, update %q", got.action, got.condition, got.update)
			}
			if got.item != nil {
				want := encode(muster.Record{Key: k, Version: test.op.Version + 1, ExpiresAt: test.op.ExpiresAt}, a.id)
				if !maps.EqualFunc(got.item, want, sameValue) {
					t.Errorf("the item is %v, want %v", got.item, want)
				}
			}
			for placeholder, want := range map[string]string{":v": test.expects, ":ttl": ternary(test.action == "update", test.ttl, ""), ":now": ternary(strings.Contains(test.condition, ":now"), "1800000000", "")} {
				if n, _ := got.values[placeholder].(*types.AttributeValueMemberN); n == nil && want != "" || n != nil && n.Value != want {
					t.Errorf("%s is %v, want %q", placeholder, n, want)
				}
			}
			// DynamoDB refuses what an expression does not use.
			for placeholder := range got.values {
				if !strings.Contains(got.condition+" "+got.update, placeholder) {
					t.Errorf("%s is not used", placeholder)
				}
			}
			if used := strings.Contains(got.condition+got.update, "#ttl"); used != (got.names["#ttl"] == attrExpiry) {
				t.Errorf("the names are %v", got.names)
			}
		})
	}
}

// parts of an action, whatever it is.
type parts struct {
	action, condition, update string
	item                      item
	names                     map[string]string
	values                    map[string]types.AttributeValue
}

func takeApart(t *testing.T, r types.TransactWriteItem) parts {
	t.Helper()
	switch {
	case r.Put != nil:
		return parts{"put", deref(r.Put.ConditionExpression), "", r.Put.Item, r.Put.ExpressionAttributeNames, r.Put.ExpressionAttributeValues}
	case r.Update != nil:
		return parts{"update", deref(r.Update.ConditionExpression), deref(r.Update.UpdateExpression), nil, r.Update.ExpressionAttributeNames, r.Update.ExpressionAttributeValues}
	case r.Delete != nil:
		return parts{"delete", deref(r.Delete.ConditionExpression), "", nil, r.Delete.ExpressionAttributeNames, r.Delete.ExpressionAttributeValues}
	case r.ConditionCheck != nil:
		return parts{"check", deref(r.ConditionCheck.ConditionExpression), "", nil, r.ConditionCheck.ExpressionAttributeNames, r.ConditionCheck.ExpressionAttributeValues}
	}
	t.Fatal("no action")
	return parts{}
}

func sameValue(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && slices.Equal(a.Value, b.Value)
	}
	return false
}

func ternary(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func TestAWriteTakesTheCheapestCall(t *testing.T) {
	put, other := muster.Op{Key: muster.Key{Partition: "p", Sort: "put"}}, muster.Op{Key: muster.Key{Partition: "p", Sort: "other"}}
	any := muster.Op{Kind: muster.Check, Key: muster.Key{Partition: "p", Sort: "any"}, Version: muster.AnyVersion}
	version := muster.Op{Kind: muster.Check, Key: muster.Key{Partition: "p", Sort: "version"}}
	for name, test := range map[string]struct {
		ops  []muster.Op
		want string
	}{
		"one operation":  {[]muster.Op{put}, "PutItem"},
		"two operations": {[]muster.Op{put, other}, "TransactWriteItems"},
		"one operation and one that asserts nothing":  {[]muster.Op{any, put}, "PutItem"},
		"one operation and one that asserts":          {[]muster.Op{version, put}, "TransactWriteItems"},
		"only one that asserts":                       {[]muster.Op{version}, "GetItem"},
		"only one that asserts, and one that doesn't": {[]muster.Op{any, version}, "GetItem"},
		"only one that asserts nothing":               {[]muster.Op{any}, ""},
	} {
		var steps []step
		if test.want != "" {
			steps = append(steps, ok(members{}))
		}
		s, sc := scripted(t, steps...)
		if err := s.Write(context.Background(), test.ops...); err != nil || sc.operations() != test.want {
			t.Errorf("%s: asked %s, error %v, want %s", name, sc.operations(), err, test.want)
		}
	}
}

// writtenID is the id in a request, as the protocol has it.
func writtenID(t *testing.T, a asked) string {
	t.Helper()
	id, _ := a.at("Item", attrWriteID, "B").(string)
	if a.operation == "UpdateItem" {
		id, _ = a.at("ExpressionAttributeValues", ":w", "B").(string)
	}
	if raw, err := base64.StdEncoding.DecodeString(id); err != nil || len(raw) != len(writeID{}) {
		t.Errorf("%s names the write %q", a.operation, id)
	}
	return id
}

// refusedWith refuses a condition and shows the item that stands in the way, made by the
// write that the first request named, or by another.
func refusedWith(sc **script, byFirst bool) step {
	return func(a asked, ctx context.Context) (*http.Response, error) {
		id := base64.StdEncoding.EncodeToString([]byte("somebody"))
		if byFirst {
			id, _ = (*sc).asked[0].at("Item", attrWriteID, "B").(string)
			if id == "" {
				id, _ = (*sc).asked[0].at("ExpressionAttributeValues", ":w", "B").(string)
			}
		}
		return fails(400, "ConditionalCheckFailedException", members{"Item": members{attrWriteID: members{"B": id}, attrVersion: members{"N": "1"}}})(a, ctx)
	}
}

func TestARepeatedWriteHappensOnceAndIsToldRight(t *testing.T) {
	k := muster.Key{Partition: "p", Sort: "s"}
	create := muster.Op{Key: k, Value: []byte("v")}
	blind := muster.Op{Key: k, Version: muster.AnyVersion}
	remove := muster.Op{Kind: muster.Delete, Key: k, Version: 3}
	busy, refusal := fails(400, "ProvisionedThroughputExceededException"), fails(400, "ConditionalCheckFailedException")
	var sc *script
	mine, others := refusedWith(&sc, true), refusedWith(&sc, false)
	for name, test := range map[string]struct {
		op    muster.Op
		steps []step
		want  muster.Kind // of the error; numKinds for none
	}{
		"a refusal is a conflict":                            {create, []step{refusal}, muster.Conflict},
		"a refusal after throttling is a conflict":           {create, []step{busy, unreachable, refusal}, muster.Conflict},
		"the answer is lost, and the write had happened":     {create, []step{lost, mine}, muster.NumKinds},
		"the answer is lost, and the write had not happened": {create, []step{lost, ok(members{})}, muster.NumKinds},
		"an internal error, and the write had happened":      {create, []step{fails(500, "InternalServerError"), mine}, muster.NumKinds},
		"half an answer, and the write had happened":         {create, []step{cutShort, mine}, muster.NumKinds},
		"lost, then throttled, and the write had happened":   {create, []step{lost, busy, mine}, muster.NumKinds},
		"the answer is lost, and another's write stands":     {create, []step{lost, others}, muster.Unavailable},
		"lost, throttled, and another's write stands":        {create, []step{lost, busy, others}, muster.Unavailable},
		"the answer is lost, and the record is gone":         {remove, []step{lost, refusal}, muster.Unavailable},
		"a delete that is throttled and refused":             {remove, []step{busy, refusal}, muster.Conflict},
		"an unconditional write whose answer is lost":        {blind, []step{lost, mine}, muster.NumKinds},
		"an unconditional write that had not happened":       {blind, []step{lost, ok(members{})}, muster.NumKinds},
		"an unconditional delete whose answer is lost":       {muster.Op{Kind: muster.Delete, Key: k, Version: muster.AnyVersion}, []step{lost, ok(members{})}, muster.NumKinds},
		"no answer ever":                                      {create, slices.Repeat([]step{lost}, 5), muster.Unavailable},
		"an answer that will never be another":                {create, []step{fails(400, "AccessDeniedException")}, muster.Unavailable},
		"a transaction in the way for a while":                {create, []step{fails(400, "TransactionConflictException"), ok(members{})}, muster.NumKinds},
		"a transaction in the way for a while, then a loss":   {create, []step{fails(400, "TransactionConflictException"), lost, mine}, muster.NumKinds},
		"a table that is not there":                           {create, []step{fails(400, "ResourceNotFoundException")}, muster.Unavailable},
		"an item of ours shown after no loss is not believed": {create, []step{mine}, muster.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			var s *Store
			s, sc = scripted(t, test.steps...)
			err := s.Write(context.Background(), test.op)
			if kind := kindOf(err); kind != test.want || errors.Is(err, muster.ErrConflict) != (test.want == muster.Conflict) {
				t.Errorf("got error %v, want kind %v", err, test.want)
			}
			for i, a := range sc.asked {
				if test.op.Kind == muster.Put && writtenID(t, a) != writtenID(t, sc.asked[0]) {
					t.Errorf("try %d is another write", i+1)
				}
			}
		})
	}
}

// kindOf is an error's kind; muster.NumKinds for none.
func kindOf(err error) muster.Kind {
	if err == nil {
		return muster.NumKinds
	}
	return muster.KindOf(err)
}

func TestOnlyARepeatAsksWhoStandsInTheWay(t *testing.T) {
	s, sc := scripted(t, lost, ok(members{}))
	if err := s.Write(context.Background(), muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"NONE", "ALL_OLD"} {
		if got := sc.asked[i].at("ReturnValuesOnConditionCheckFailure"); got != want {
			t.Errorf("try %d asks for %v, want %s", i+1, got, want)
		}
	}
}

func TestARepeatedTransactionIsTheSameByItsToken(t *testing.T) {
	ops := []muster.Op{{Key: muster.Key{Partition: "p", Sort: "a"}}, {Key: muster.Key{Partition: "p", Sort: "b"}, Version: muster.AnyVersion}}
	busy := cancelled("ThrottlingError", "None")
	conflict := cancelled("None", "TransactionConflict")
	refusal := cancelled("ConditionalCheckFailed", "None")
	for name, test := range map[string]struct {
		steps []step
		want  muster.Kind
	}{
		"it succeeds at once":                  {[]step{ok(members{})}, muster.NumKinds},
		"its answer is lost":                   {[]step{lost, ok(members{})}, muster.NumKinds},
		"its first try is under way":           {[]step{lost, fails(400, "TransactionInProgressException"), ok(members{})}, muster.NumKinds},
		"it is cancelled for what passes":      {[]step{busy, conflict, fails(500, "InternalServerError"), ok(members{})}, muster.NumKinds},
		"it is refused":                        {[]step{refusal}, muster.Conflict},
		"it is refused after a loss":           {[]step{lost, refusal}, muster.Conflict}, // a try that had happened is never refused
		"others are always in the way":         {slices.Repeat([]step{conflict}, 12), muster.Unavailable},
		"it is too large, whatever was lost":   {[]step{lost, cancelled("ItemCollectionSizeLimitExceeded")}, muster.Invalid},
		"it makes no sense":                    {[]step{cancelled("ValidationError")}, muster.Internal},
		"it is cancelled without saying why":   {[]step{fails(400, "TransactionCanceledException"), ok(members{})}, muster.NumKinds},
		"nobody answers":                       {slices.Repeat([]step{lost}, 5), muster.Unavailable},
		"nobody can be reached":                {slices.Repeat([]step{unreachable}, 5), muster.Unavailable},
		"it is another's turn, then throttled": {[]step{conflict, busy, ok(members{})}, muster.NumKinds},
	} {
		t.Run(name, func(t *testing.T) {
			s, sc := scripted(t, test.steps...)
			err := s.Write(context.Background(), ops...)
			if kind := kindOf(err); kind != test.want {
				t.Errorf("got error %v, want kind %v", err, test.want)
			}
			for i, a := range sc.asked {
				token, _ := a.at("ClientRequestToken").(string)
				if token == "" || len(token) > 36 || token != sc.asked[0].at("ClientRequestToken") {
					t.Errorf("try %d has the token %q", i+1, token)
				}
				if a.body != sc.asked[0].body {
					t.Errorf("try %d is another request by the letter", i+1)
				}
			}
		})
	}
}

// A write that gives up tells nobody simply to try again when one of its tries may have
// happened, whatever the last one met.
func TestAWriteThatMayHaveHappenedSaysSo(t *testing.T) {
	one := []muster.Op{{Key: muster.Key{Partition: "p", Sort: "a"}}}
	two := append(slices.Clone(one), muster.Op{Key: muster.Key{Partition: "p", Sort: "b"}})
	busy := slices.Repeat([]step{fails(400, "ThrottlingException")}, 10)
	progress := slices.Repeat([]step{fails(400, "TransactionInProgressException")}, 12)
	for name, test := range map[string]struct {
		ops   []muster.Op
		steps []step
		want  string
	}{
		"one, throttled":                       {one, busy, "try again"},
		"one, throttled after a lost answer":   {one, append([]step{lost}, busy...), "look before trying again"},
		"two, throttled":                       {two, busy, "try again"},
		"two, throttled after a lost answer":   {two, append([]step{lost}, busy...), "look before trying again"},
		"two, in progress after a lost answer": {two, append([]step{lost}, progress...), "look before trying again"},
		"two, unreachable after a lost answer": {two, append([]step{lost}, slices.Repeat([]step{unreachable}, 5)...), "look before trying again"},
		"two, not allowed after a lost answer": {two, []step{lost, fails(400, "ExpiredTokenException")}, "look before trying again"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := scripted(t, test.steps...)
			err := s.Write(context.Background(), test.ops...)
			var e *muster.Error
			if !errors.As(err, &e) || e.Kind != muster.Unavailable || !strings.HasSuffix(e.Message, test.want) ||
				strings.HasSuffix(e.Message, "look before trying again") != (test.want == "look before trying again") {
				t.Errorf("got error %v, want unavailable, %s", err, test.want)
			}
		})
	}
}

func TestTwoWritesHaveDifferentNames(t *testing.T) {
	s, sc := scripted(t, ok(members{}), ok(members{}))
	for range 2 {
		if err := s.Write(context.Background(), muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}, Version: muster.AnyVersion}); err != nil {
			t.Fatal(err)
		}
	}
	if writtenID(t, sc.asked[0]) == writtenID(t, sc.asked[1]) {
		t.Error("they have one")
	}
}
