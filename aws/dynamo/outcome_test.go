package dynamo

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
)

// errorOf is what the SDK makes of an answer to a transaction.
func errorOf(t *testing.T, answer step) error {
	t.Helper()
	s, _ := scripted(t, answer)
	_, err := s.api.TransactWriteItems(context.Background(), &sdk.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{{Delete: &types.Delete{TableName: &s.table, Key: keyOf(muster.Key{Partition: "p", Sort: "s"})}}},
	})
	return err
}

func TestAnAnswerLeavesAnOutcome(t *testing.T) {
	tooBig := members{"message": "Item size has exceeded the maximum allowed size"}
	for name, test := range map[string]struct {
		answer step
		want   outcome
	}{
		"success":                                {ok(members{}), done},
		"a condition that fails":                 {fails(400, "ConditionalCheckFailedException"), refused},
		"a transaction in the way":               {fails(400, "TransactionConflictException"), contended},
		"its own first try is not through yet":   {fails(400, "TransactionInProgressException"), contended},
		"a partition that is too hot":            {fails(400, "ProvisionedThroughputExceededException"), throttled},
		"an account that asks too much":          {fails(400, "RequestLimitExceeded"), throttled},
		"throttling by another name":             {fails(400, "ThrottlingException"), throttled},
		"throttling by a status":                 {fails(429, "SomethingNew"), throttled},
		"an internal error":                      {fails(500, "InternalServerError"), unanswered},
		"a service that is away":                 {fails(503, "ServiceUnavailable"), unanswered},
		"an internal error of a new name":        {fails(500, "SomethingNew"), unanswered},
		"no permission":                          {fails(400, "AccessDeniedException"), denied},
		"a token that has expired":               {fails(400, "ExpiredTokenException"), denied},
		"no table":                               {fails(400, "ResourceNotFoundException"), missing},
		"a request that makes no sense":          {fails(400, "ValidationException"), faulty},
		"an item that is too large":              {fails(400, "ValidationException", tooBig), tooLarge},
		"a refusal of a new name":                {fails(400, "SomethingNew"), faulty},
		"a connection that is refused":           {unreachable, unsent},
		"a connection that breaks":               {lost, unanswered},
		"an answer that breaks off":              {cutShort, unanswered},
		"a cancellation without reasons":         {fails(400, "TransactionCanceledException"), contended},
		"cancelled by a version":                 {cancelled("None", "ConditionalCheckFailed"), refused},
		"cancelled by another transaction":       {cancelled("TransactionConflict", "None"), contended},
		"cancelled by both":                      {cancelled("TransactionConflict", "ConditionalCheckFailed"), refused},
		"cancelled by throttling":                {cancelled("None", "ThrottlingError"), throttled},
		"cancelled by a hot partition":           {cancelled("ProvisionedThroughputExceeded"), throttled},
		"cancelled by throttling and by another": {cancelled("TransactionConflict", "ThrottlingError"), throttled},
		"cancelled by an internal error":         {cancelled("InternalServerError"), contended},
		"cancelled for a new reason":             {cancelled("SomethingNew"), contended},
		"cancelled by a fault of the request":    {cancelled("ValidationError", "ConditionalCheckFailed"), faulty},
		"cancelled by a full collection":         {cancelled("ItemCollectionSizeLimitExceeded", "TransactionConflict"), tooLarge},
		"cancelled by missing permission":        {cancelled("AccessDenied", "ConditionalCheckFailed"), denied},
		"cancelled by an item that is too large": {fails(400, "TransactionCanceledException", members{"CancellationReasons": []members{
			{"Code": "ConditionalCheckFailed"}, {"Code": "ValidationError", "Message": "Item size to update has exceeded the maximum allowed size"},
		}}), tooLarge},
	} {
		if got := outcomeOf(errorOf(t, test.answer)); got != test.want {
			t.Errorf("%s: got outcome %d, want %d", name, got, test.want)
		}
	}
}

func TestARequestThatIsNotSentHasDoneNothing(t *testing.T) {
	s, _ := scripted(t)
	_, err := s.api.GetItem(context.Background(), &sdk.GetItemInput{})
	if got := outcomeOf(err); got != faulty {
		t.Errorf("without its members: got outcome %d, want %d", got, faulty)
	}
	_, err = s.api.GetItem(context.Background(), &sdk.GetItemInput{TableName: &s.table, Key: keyOf(muster.Key{Partition: "p", Sort: "s"})}, func(o *sdk.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("nobody knows them")
		})
	})
	if got := outcomeOf(err); got != unsigned {
		t.Errorf("without credentials: got outcome %d, want %d (%v)", got, unsigned, err)
	}
}

// A clock that is wrong shows in the answer; the SDK corrects it for the next try.
func TestAWrongClockIsTriedAgain(t *testing.T) {
	s, _ := scripted(t, func(asked, context.Context) (*http.Response, error) {
		r := response(http.StatusBadRequest, members{"__type": "com.amazon.coral.service#InvalidSignatureException", "message": "Signature expired"})
		r.Header.Set("Date", "Mon, 02 Jan 2040 15:04:05 GMT")
		return r, nil
	}, ok(members{}))
	if err := s.Write(context.Background(), muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}}); err != nil {
		t.Error(err)
	}
}

func TestEveryOutcomeIsDescribed(t *testing.T) {
	cause := errors.New("arn:aws:dynamodb:secret-account")
	for o, want := range map[outcome]struct {
		kind muster.Kind
		code string
	}{
		contended:  {muster.Unavailable, "store.contended"},
		throttled:  {muster.Unavailable, "store.throttled"},
		unsent:     {muster.Unavailable, "store.unavailable"},
		unanswered: {muster.Unavailable, "store.unavailable"},
		denied:     {muster.Unavailable, "store.not_authorized"},
		missing:    {muster.Unavailable, "store.no_table"},
		tooLarge:   {muster.Invalid, "store.record_too_large"},
	} {
		err := result{outcome: o, err: cause}.describe()
		var e *muster.Error
		if !errors.As(err, &e) || e.Kind != want.kind || e.Code != want.code || (e.RetryAfter > 0) != (e.Kind == muster.Unavailable) {
			t.Errorf("outcome %d: got %v, want %v %s", o, err, want.kind, want.code)
			continue
		}
		if !errors.Is(err, cause) || strings.Contains(e.Message, "secret") || errors.Is(err, muster.ErrConflict) {
			t.Errorf("outcome %d: the log gets %v, the client %q", o, err, e.Message)
		}
	}
	if err := (result{}).describe(); err != nil {
		t.Errorf("done: got %v", err)
	}
	if err := (result{outcome: refused, err: cause}).describe(); muster.KindOf(err) != muster.Conflict || !errors.Is(err, muster.ErrConflict) {
		t.Errorf("refused: got %v, want a conflict", err)
	}
	if err := (result{outcome: faulty, err: cause}).describe(); muster.KindOf(err) != muster.Internal {
		t.Errorf("faulty: got %v, want kind internal", err)
	}
	for _, o := range []outcome{refused, contended, throttled, unsent, unsigned, unanswered, denied} {
		err := result{outcome: o, uncertain: true, err: cause}.describeWrite()
		var e *muster.Error
		if !errors.As(err, &e) || e.Code != "store.unavailable" || !strings.Contains(e.Message, "look before") || errors.Is(err, muster.ErrConflict) {
			t.Errorf("outcome %d of a write that may have happened: got %v", o, err)
		}
	}
	if err := (result{outcome: tooLarge, uncertain: true, err: cause}).describeWrite(); muster.KindOf(err) != muster.Invalid {
		t.Errorf("what can never succeed: got %v, want kind invalid", err)
	}
}
