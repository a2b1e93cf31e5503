package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster"
	"muster/aws/lambda"
)

const (
	aTopic  = "arn:aws:sns:eu-central-1:123456789012:matchmaking"
	another = "arn:aws:sns:eu-central-1:123456789012:another"
)

// listener is a function that keeps the events it is given. What an event says fails it.
func listener(taken *[]string) *lambda.Function {
	return function(mirror, func(o *lambda.FunctionOptions) {
		o.Topics = []string{aTopic}
		o.Event = func(_ context.Context, event []byte) error {
			*taken = append(*taken, string(event))
			switch {
			case strings.Contains(string(event), "bad"):
				return muster.Errorf(muster.Invalid, "event.malformed", "bad")
			case strings.Contains(string(event), "down"):
				return errors.New("the store is down")
			}
			return nil
		}
	})
}

// notification is an SNS message to a function. Shape: SNS developer guide, "Fanout to Lambda
// functions".
func notification(topic, message string) string {
	return fmt.Sprintf(`{"Records":[{"EventVersion":"1.0","EventSubscriptionArn":"%s:1","EventSource":"aws:sns","Sns":{"SignatureVersion":"1",
		"Timestamp":"2026-11-22T08:00:00.000Z","Signature":"x","MessageId":"1","Message":%s,"MessageAttributes":{},"Type":"Notification","TopicArn":%q,"Subject":null}}]}`,
		topic, quote(message), topic)
}

// queued is an SQS batch. Shape: Lambda developer guide, "Using Lambda with Amazon SQS".
func queued(bodies ...string) string {
	var records []string
	for i, body := range bodies {
		records = append(records, fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"r","body":%s,"attributes":{"ApproximateReceiveCount":"1"},
			"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:q","awsRegion":"eu-central-1"}`, i+1, quote(body)))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func TestEventsBySNS(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		taken int
		again bool
	}{
		"an event":                 {notification(aTopic, `{"id":"1"}`), 1, false},
		"of another topic":         {notification(another, `{"id":"1"}`), 0, false},
		"one that is no good":      {notification(aTopic, "bad"), 1, false},
		"one that cannot be taken": {notification(aTopic, "down"), 1, true},
	} {
		var taken []string
		_, err := listener(&taken).Invoke(t.Context(), []byte(c.event))
		if len(taken) != c.taken || (err != nil) != c.again {
			t.Errorf("%s: took %q, %v", name, taken, err)
		}
	}
}

func TestEventsBySQS(t *testing.T) {
	wrapped := func(topic, message string) string {
		return fmt.Sprintf(`{"Type":"Notification","MessageId":"1","TopicArn":%q,"Message":%s,"Timestamp":"2026-11-22T08:00:00.000Z"}`, topic, quote(message))
	}
	var taken []string
	out, err := listener(&taken).Invoke(t.Context(), []byte(queued(
		`{"id":"raw"}`, wrapped(aTopic, `{"id":"wrapped"}`), wrapped(another, `{"id":"other"}`), "bad", "down", wrapped(aTopic, "down again"),
		`{"Type":"SubscriptionConfirmation","TopicArn":"`+aTopic+`"}`,
	)))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{`{"id":"raw"}`, `{"id":"wrapped"}`, "bad", "down", "down again"}; !slices.Equal(taken, want) {
		t.Errorf("took %q, want %q", taken, want)
	}
	if got, want := strings.TrimSpace(string(out)), `{"batchItemFailures":[{"itemIdentifier":"m5"},{"itemIdentifier":"m6"}]}`; got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
	taken = nil
	if out, err = listener(&taken).Invoke(t.Context(), []byte(queued(`{"id":"1"}`))); err != nil || !json.Valid(out) || !strings.Contains(string(out), `"batchItemFailures":[]`) {
		t.Errorf("a good batch: %s, %v", out, err)
	}
}

func TestMessagesThatThereIsNoTimeForComeAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var taken []string
	out, err := listener(&taken).Invoke(ctx, []byte(queued("a", "b")))
	if err != nil || len(taken) != 0 || !strings.Contains(string(out), "m1") || !strings.Contains(string(out), "m2") {
		t.Errorf("took %q, answered %s, %v", taken, out, err)
	}
}

func TestEventsByEventBridge(t *testing.T) {
	event := `{"version":"0","id":"1","detail-type":"GameLift Matchmaking Event","source":"aws.gamelift","time":"2026-11-22T08:00:00Z","detail":{}}`
	var taken []string
	if _, err := listener(&taken).Invoke(t.Context(), []byte(event)); err != nil || !slices.Equal(taken, []string{event}) {
		t.Errorf("took %q, %v", taken, err)
	}
}

func TestSchedulesTick(t *testing.T) {
	for name, event := range map[string]string{
		"a rule":      `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","resources":["arn:aws:events:r:1:rule/x"],"detail":{}}`,
		"a scheduler": `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`,
		"a text":      `{"muster":"tick"}`,
	} {
		for _, fails := range []bool{false, true} {
			ticks := 0
			f := function(mirror, func(o *lambda.FunctionOptions) {
				o.Tick = func(context.Context) error {
					ticks++
					if fails {
						return errors.New("down")
					}
					return nil
				}
			})
			if _, err := f.Invoke(t.Context(), []byte(event)); ticks != 1 || (err != nil) != fails {
				t.Errorf("%s: %d ticks, %v", name, ticks, err)
			}
		}
	}
}
