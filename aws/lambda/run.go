package lambda

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

// Handler answers one event at a time.
type Handler interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// Run answers the events that the Lambda service has for this process, until ctx ends. The
// environment says where the service is. If that fails the process ends, as the service
// expects of it.
func Run(ctx context.Context, h Handler) {
	go lambda.StartWithOptions(h, lambda.WithContext(ctx))
	<-ctx.Done()
}
