package dynamo

import (
	"bytes"
	"context"
	"fmt"
	"io"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// verbatim makes all tries of one call the same by the letter. DynamoDB takes a token
// with another body for another transaction, and the SDK writes maps in random order
// (github.com/aws/aws-sdk-go-v2, issue 3131). It serves one try at a time.
type verbatim struct{ body []byte }

// options adds it to a call.
func (v *verbatim) options(o *sdk.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Serialize.Add(v, middleware.After)
	})
}

// ID implements middleware.SerializeMiddleware.
func (*verbatim) ID() string { return "muster:Verbatim" }

// HandleSerialize implements middleware.SerializeMiddleware: it comes after what writes
// the body.
func (v *verbatim) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
	fail := func(err error) (middleware.SerializeOutput, middleware.Metadata, error) {
		return middleware.SerializeOutput{}, middleware.Metadata{}, fmt.Errorf("keep the body: %w", err)
	}
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return fail(fmt.Errorf("a request of type %T", in.Request))
	}
	if v.body == nil {
		body, err := io.ReadAll(request.GetStream())
		if err != nil {
			return fail(err)
		}
		v.body = body
	}
	request, err := request.SetStream(bytes.NewReader(v.body))
	if err != nil {
		return fail(err)
	}
	in.Request = request
	return next.HandleSerialize(ctx, in)
}
