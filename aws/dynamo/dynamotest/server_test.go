package dynamotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// started is when the clock of these tests begins.
var started = time.Unix(1_800_000_000, 0)

// newServer is a server with a table t, and a clock that the test moves.
func newServer(t *testing.T, rates Rates) (*Server, *time.Time) {
	t.Helper()
	now := started
	in := Rates{}
	s := New(Options{Now: func() time.Time { return now }, Faults: &Faults{
		Random: rand.New(rand.NewPCG(1, 2)), Rates: func(string) Rates { return in },
	}})
	ask(t, s, "CreateTable", `{"TableName":"t","BillingMode":"PAY_PER_REQUEST","DeletionProtectionEnabled":true,
		"AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}]}`).ok()
	ask(t, s, "UpdateTimeToLive", `{"TableName":"t","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`).ok()
	in = rates
	return s, &now
}

// reply is what came of a request.
type reply struct {
	t         *testing.T
	operation string
	status    int
	body      string
	err       error
}

func ask(t *testing.T, s *Server, operation, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://dynamodb.invalid/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 ...")
	answer, err := s.RoundTrip(r)
	if err != nil {
		return reply{t, operation, 0, "", err}
	}
	got, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // it is in memory
	return reply{t, operation, answer.StatusCode, string(got), err}
}

// ok is the body of an answer that must be one of success.
func (r reply) ok() string {
	r.t.Helper()
	if r.err != nil || r.status != http.StatusOK {
		r.t.Fatalf("%s: %d %s (%v)", r.operation, r.status, r.body, r.err)
	}
	return r.body
}

// fails checks that an answer is an exception of this name, whose text has words.
func (r reply) fails(name, words string) {
	r.t.Helper()
	var e struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || !strings.HasSuffix(e.Type, "#"+name) || !strings.Contains(r.body, words) {
		r.t.Errorf("%s: got %d %s (%v), want %s with %q", r.operation, r.status, r.body, r.err, name, words)
	}
}

func item1(sort string, version int) string {
	return fmt.Sprintf(`{"PK":{"S":"p"},"SK":{"S":%q},"d":{"B":"eA=="},"v":{"N":"%d"},"w":{"B":"AAAAAAAAAAA="}}`, sort, version)
}

func putBody(sort string) string {
	return `{"TableName":"t","ReturnConsumedCapacity":"TOTAL","ReturnValuesOnConditionCheckFailure":"NONE","Item":` + item1(sort, 1) + `}`
}

func getBody(sort string) string {
	return `{"TableName":"t","ReturnConsumedCapacity":"TOTAL","ConsistentRead":true,"Key":{"PK":{"S":"p"},"SK":{"S":"` + sort + `"}}}`
}

func transactBody(token string, sorts ...string) string {
	var parts []string
	for _, sort := range sorts {
		parts = append(parts, `{"Put":{"TableName":"t","ConditionExpression":"attribute_not_exists(PK)","Item":`+item1(sort, 1)+`}}`)
	}
	return `{"ReturnConsumedCapacity":"TOTAL","ClientRequestToken":"` + token + `","TransactItems":[` + strings.Join(parts, ",") + `]}`
}

// has says whether there is an item, with nothing going wrong meanwhile.
func has(t *testing.T, s *Server, sort string) bool {
	t.Helper()
	faults := s.faults
	s.faults = nil
	defer func() { s.faults = faults }()
	return strings.Contains(ask(t, s, "GetItem", getBody(sort)).ok(), `"Item"`)
}

func TestWhatIsNotKnownIsNamed(t *testing.T) {
	s, _ := newServer(t, Rates{})
	const get = `"TableName":"t","ReturnConsumedCapacity":"TOTAL","ConsistentRead":true,"Key":{"PK":{"S":"p"},"SK":{"S":"s"}}`
	const remove = `"TableName":"t","ReturnConsumedCapacity":"TOTAL","ReturnValuesOnConditionCheckFailure":"NONE","Key":{"PK":{"S":"p"},"SK":{"S":"s"}}`
	for _, test := range []struct{ operation, body, names string }{
		{"GetItem", `{` + get + `,"ProjectionExpression":"d"}`, "ProjectionExpression"},
		{"GetItem", strings.ReplaceAll(`{`+get+`}`, `true`, `false`), "ConsistentRead"},
		{"GetItem", strings.ReplaceAll(`{`+get+`}`, `TOTAL`, `INDEXES`), "INDEXES"},
		{"PutItem", strings.ReplaceAll(putBody("s"), `"N":"1"`, `"N":"1.50"`), "1.50"},
		{"PutItem", strings.ReplaceAll(putBody("s"), `"N":"1"`, `"BOOL":true`), "BOOL"},
		{"PutItem", strings.ReplaceAll(putBody("s"), `NONE`, `ALL_NEW`), "ALL_NEW"},
		{"DeleteItem", `{` + remove + `,"ConditionExpression":"begins_with(d, :v)","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "begins_with"},
		{"DeleteItem", `{` + remove + `,"ConditionExpression":"v >= :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "the comparison"},
		{"DeleteItem", `{` + remove + `,"ConditionExpression":"NOT v = :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "NOT"},
		{"DeleteItem", `{` + remove + `,"ConditionExpression":"v = :v AND","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "the name"},
		{"DeleteItem", `{` + remove + `,"ConditionExpression":"v[0] = :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "[0]"},
		{"UpdateItem", `{` + remove + `,"UpdateExpression":"ADD v :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "ADD"},
		{"TransactWriteItems", strings.ReplaceAll(transactBody("", "s"), `,"ClientRequestToken":""`, ``), "ClientRequestToken"},
	} {
		ask(t, s, test.operation, test.body).fails("UnsupportedByStandIn", test.names)
	}
	ask(t, s, "BatchGetItem", `{}`).fails("UnknownOperationException", "BatchGetItem")
}

func TestOneItemTwiceInATransactionIsRefused(t *testing.T) {
	s, _ := newServer(t, Rates{})
	ask(t, s, "TransactWriteItems", transactBody("a", "s", "s")).fails("ValidationException", "multiple operations on one item")
}

func TestATokenIsGoodForTenMinutes(t *testing.T) {
	s, now := newServer(t, Rates{})
	ask(t, s, "TransactWriteItems", transactBody("a", "s", "t")).ok()
	*now = started.Add(tokenLife - time.Second)
	ask(t, s, "TransactWriteItems", transactBody("a", "s", "t")).ok()
	ask(t, s, "TransactWriteItems", transactBody("a", "s", "u")).fails("IdempotentParameterMismatchException", "")
	*now = started.Add(tokenLife)
	ask(t, s, "TransactWriteItems", transactBody("a", "s", "t")).fails("TransactionCanceledException", "ConditionalCheckFailed")
}

func TestWhatIsRefusedOrNotReachedIsNotDone(t *testing.T) {
	for name, rates := range map[string]Rates{
		"throttled": {Throttled: 1}, "contended": {Contended: 1}, "unsent": {Unsent: 1}, "unanswered": {Unanswered: 1},
	} {
		s, _ := newServer(t, rates)
		for i := range 20 {
			sort := fmt.Sprint(i)
			one, two := ask(t, s, "PutItem", putBody(sort)), ask(t, s, "TransactWriteItems", transactBody(sort, sort, sort+"'"))
			if one.err == nil && one.status == http.StatusOK || two.err == nil && two.status == http.StatusOK {
				t.Errorf("%s: it succeeded", name)
			}
			if has(t, s, sort) || has(t, s, sort+"'") {
				t.Errorf("%s: it was done", name)
			}
		}
		if got := s.Counts()[name]; got != 40 {
			t.Errorf("%s: counted %d", name, got)
		}
	}
}

func TestALostAnswerIsThatOfSomethingDone(t *testing.T) {
	s, _ := newServer(t, Rates{Lost: 1})
	for i := range 20 {
		sort := fmt.Sprint(i)
		if r := ask(t, s, "PutItem", putBody(sort)); r.err == nil && r.status == http.StatusOK {
			t.Errorf("it was answered: %s", r.body)
		}
		if !has(t, s, sort) {
			t.Error("it was not done")
		}
	}
}

func TestAnUnclearTransactionIsInProgressUntilItIsDone(t *testing.T) {
	s, _ := newServer(t, Rates{Unclear: 1})
	body := transactBody("a", "s", "t")
	if r := ask(t, s, "TransactWriteItems", body); r.err == nil {
		t.Fatalf("it was answered: %s", r.body)
	}
	if len(s.late) != 1 {
		t.Fatalf("%d are late", len(s.late))
	}
	s.late[0].requests = 3
	for range 2 {
		ask(t, s, "TransactWriteItems", body).fails("TransactionInProgressException", "")
		if s.Empty("t", "p") != true {
			t.Error("it was done")
		}
	}
	s.Settle()
	if !has(t, s, "s") || !has(t, s, "t") {
		t.Error("it was not done")
	}
	s.faults = nil
	if got := ask(t, s, "TransactWriteItems", body).ok(); !strings.Contains(got, "ReadCapacityUnits") {
		t.Errorf("its repeat is answered %s", got)
	}
}

func TestWhatHasExpiredIsSwept(t *testing.T) {
	s, now := newServer(t, Rates{Sweep: 1})
	ask(t, s, "PutItem", strings.Replace(putBody("s"), `"v":`, `"ttl":{"N":"1800000010"},"v":`, 1)).ok()
	ask(t, s, "PutItem", putBody("stays")).ok()
	*now = started.Add(10 * time.Second)
	if !strings.Contains(ask(t, s, "GetItem", getBody("s")).ok(), "Item") {
		t.Error("it was removed too early")
	}
	*now = started.Add(11 * time.Second)
	if strings.Contains(ask(t, s, "GetItem", getBody("s")).ok(), `"Item"`) || !has(t, s, "stays") {
		t.Error("it was not removed, or too much was")
	}
}

func TestTheSameChanceGivesTheSameAnswers(t *testing.T) {
	run := func() string {
		s, _ := newServer(t, Rates{Throttled: 0.2, Contended: 0.2, Unsent: 0.1, Unanswered: 0.1, Lost: 0.1, Unclear: 0.1, Sweep: 0.1})
		var all bytes.Buffer
		for i := range 200 {
			sort := fmt.Sprint(i % 7)
			for _, r := range []reply{ask(t, s, "TransactWriteItems", transactBody(fmt.Sprint(i%11), sort, "x"+sort)), ask(t, s, "PutItem", putBody(sort)), ask(t, s, "GetItem", getBody(sort))} {
				fmt.Fprintln(&all, r.status, r.body, r.err)
			}
		}
		return all.String()
	}
	if first, second := run(), run(); first != second {
		t.Error("two runs differ")
	}
}
