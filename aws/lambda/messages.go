package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"muster"
)

// records takes what SNS or SQS brings.
func (f *Function) records(ctx context.Context, text []byte, first json.RawMessage) ([]byte, error) {
	var kind struct {
		EventSource string // SNS writes EventSource, SQS eventSource: the decoder takes both
	}
	if err := json.Unmarshal(first, &kind); err != nil {
		return nil, fmt.Errorf("the event's records cannot be read: %w", withoutText(err))
	}
	switch kind.EventSource {
	case "aws:sns":
		var batch events.SNSEvent
		if err := json.Unmarshal(text, &batch); err != nil {
			return nil, fmt.Errorf("the event is not one of SNS: %w", withoutText(err))
		}
		return nothing, f.notifications(ctx, batch)
	case "aws:sqs":
		var batch events.SQSEvent
		if err := json.Unmarshal(text, &batch); err != nil {
			return nil, fmt.Errorf("the event is not one of SQS: %w", withoutText(err))
		}
		return encode(f.messages(ctx, batch))
	}
	return nil, fmt.Errorf("records of %.40q are not taken: there are SNS and SQS", kind.EventSource)
}

// notifications takes messages of topics. SNS invokes again for an error; what was applied
// before changes nothing by coming again.
func (f *Function) notifications(ctx context.Context, batch events.SNSEvent) error {
	var failed []error
	for _, r := range batch.Records {
		if f.ofTopic(ctx, r.SNS.TopicArn) {
			failed = append(failed, f.take(ctx, []byte(r.SNS.Message)))
		}
	}
	return errors.Join(failed...)
}

// messages takes messages of a queue and answers which are to come again.
func (f *Function) messages(ctx context.Context, batch events.SQSEvent) events.SQSEventResponse {
	failed := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range batch.Records {
		if err := f.message(ctx, m.Body); err != nil {
			f.o.Log.WarnContext(ctx, "a message is left to come again", "message", m.MessageId, "error", err)
			failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return failed
}

// message takes the body of a message: an event, or a topic's notification of one.
func (f *Function) message(ctx context.Context, body string) error {
	if err := ctx.Err(); err != nil {
		return err // no time is left
	}
	var n struct{ Type, TopicArn, Message string }
	if json.Unmarshal([]byte(body), &n) != nil || n.Type == "" || n.TopicArn == "" {
		return f.take(ctx, []byte(body))
	}
	if n.Type != "Notification" || !f.ofTopic(ctx, n.TopicArn) {
		return nil
	}
	return f.take(ctx, []byte(n.Message))
}

// ofTopic says whether a topic is listened to. What others say is dropped: it would come
// again to be refused again.
func (f *Function) ofTopic(ctx context.Context, arn string) bool {
	if slices.Contains(f.o.Topics, arn) {
		return true
	}
	f.o.Log.WarnContext(ctx, "a message of a topic that is not listened to was dropped: name the topic, or take the subscription away", "topic", arn)
	return false
}

// take hands over an event. One that can never be taken is dropped.
func (f *Function) take(ctx context.Context, event []byte) error {
	if f.o.Event == nil {
		return errors.New("no events are taken here")
	}
	err := f.o.Event(ctx, event)
	if kind := muster.KindOf(err); err != nil && (kind == muster.Invalid || kind == muster.Denied) {
		f.o.Log.WarnContext(ctx, "an event was dropped", "error", err)
		return nil
	}
	return err
}
