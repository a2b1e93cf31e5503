package httpapi

import (
	"bytes"
	"context"
	"net/http"
)

type snsInput struct {
	RawBody []byte `contentType:"text/plain"`
}

func (s *server) eventRoutes() {
	if s.SNS == nil {
		return
	}
	handle(s, operation{
		method: http.MethodPost, path: "/v1/events/sns", id: "sns", tag: "events",
		summary:     "Take a message of Amazon SNS",
		description: "SubscriptionConfirmation and Notification, as SNS posts them. Nothing is believed before its signature was verified; 403 otherwise.",
		refusals:    []int{http.StatusForbidden}, bodyLimit: s.SNSLimit, rawBody: true,
	}, s.takeSNS)
}

func (s *server) takeSNS(ctx context.Context, in *snsInput) (*struct{ Body statusBody }, error) {
	// huma takes the buffer back when the handler returns.
	if err := s.SNS(ctx, bytes.Clone(in.RawBody)); err != nil {
		return nil, err
	}
	return &struct{ Body statusBody }{statusBody{"ok"}}, nil
}
