package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// FunctionOptions is what a Function needs. Handler and Log are required.
type FunctionOptions struct {
	// Handler serves calls. SignerFrom tells it who signed one.
	Handler http.Handler
	// BasePath is what paths begin with where clients call, such as "/game"; empty: nothing.
	BasePath string
	// Forwarded leaves X-Forwarded-For to the handler, which knows the proxies that wrote it.
	// Without it the handler has API Gateway's word for the client's address, and no other.
	Forwarded bool
	// After runs when a call is served and before it is answered. Nil: nothing does.
	After func(ctx context.Context)

	// Event takes an event of GameLift; an error that is neither Invalid nor Denied has it come
	// again. Nil: there are none.
	Event func(ctx context.Context, event []byte) error
	// Topics are the SNS topics whose messages are events.
	Topics []string
	// Tick does one round of all that falls due. Nil: nothing does.
	Tick func(ctx context.Context) error

	Log *slog.Logger
}

// Function answers what a Lambda function is invoked for: calls by HTTP, events, and ticks of
// a schedule. It is safe for concurrent use, and implements Handler.
type Function struct{ o FunctionOptions }

// NewFunction makes a Function.
func NewFunction(o FunctionOptions) *Function { return &Function{o} }

// Time that is left of an invocation when its work must end, and when nobody waits for the
// work any more.
const (
	endBefore   = 500 * time.Millisecond
	leaveBefore = 200 * time.Millisecond
)

// maxInvocation bounds what a function is invoked with, in bytes: Lambda takes 6 MB, and a
// little more of envelope is for certain.
const maxInvocation = 7 << 20

// invocation is what tells the kinds apart.
type invocation struct {
	HTTPMethod     string            `json:"httpMethod"`
	MethodARN      string            `json:"methodArn"`
	RouteARN       string            `json:"routeArn"`
	Records        []json.RawMessage `json:"Records"`
	Source         string            `json:"source"`
	DetailType     string            `json:"detail-type"`
	Muster         string            `json:"muster"`
	RequestContext *struct {
		HTTP     *struct{} `json:"http"`
		Balancer *struct{} `json:"elb"` // of a load balancer, which says of no client where it is
	} `json:"requestContext"`
}

// Invoke answers one invocation. It implements the Handler of aws-lambda-go. An error has
// the service try an event again; calls are always answered.
func (f *Function) Invoke(ctx context.Context, text []byte) ([]byte, error) {
	if len(text) > maxInvocation {
		return nil, fmt.Errorf("the event has %d bytes, %d is the limit", len(text), maxInvocation)
	}
	var kind invocation
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, fmt.Errorf("the event cannot be read: %w", withoutText(err))
	}
	ctx, cancel := endEarlier(ctx, endBefore)
	defer cancel()
	switch {
	case kind.MethodARN != "" || kind.RouteARN != "":
		return nil, errors.New("the event is an authorizer's: that function has the handler authorizer")
	case kind.RequestContext != nil && kind.RequestContext.Balancer != nil:
		return nil, errors.New("the event is a load balancer's: let it call muster serve, or API Gateway call the function")
	case kind.RequestContext != nil && (kind.HTTPMethod != "" || kind.RequestContext.HTTP != nil):
		return f.call(ctx, text)
	case len(kind.Records) > 0:
		return f.records(ctx, text, kind.Records[0])
	case kind.Muster == "tick", kind.DetailType == "Scheduled Event" && (kind.Source == "aws.events" || kind.Source == "aws.scheduler"):
		return nothing, f.tick(ctx)
	case kind.DetailType != "" && kind.Source != "":
		return nothing, f.take(ctx, text)
	}
	return nil, errors.New("the event is none that is known: there are calls (HTTP APIs, REST APIs, function URLs), GameLift's events by SNS, SQS and EventBridge, and schedules")
}

// nothing answers events that nobody waits for the answer of.
var nothing = []byte("{}")

// endEarlier has work end before the invocation does.
func endEarlier(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	deadline, has := ctx.Deadline()
	if !has {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-by))
}

func (f *Function) tick(ctx context.Context) error {
	if f.o.Tick == nil {
		return errors.New("nothing is done by schedule here")
	}
	return f.o.Tick(ctx)
}

// call serves one request.
func (f *Function) call(ctx context.Context, text []byte) ([]byte, error) {
	c, err := readCall(text)
	if err != nil {
		return nil, fmt.Errorf("the event's request cannot be read: %w", err)
	}
	w := newRecorder()
	switch r, err := c.request(ctx, f.o.BasePath, f.o.Forwarded); {
	case err != nil:
		f.o.Log.WarnContext(ctx, "refuse a request", "error", err)
		w.refuse(http.StatusBadRequest, "request.unreadable", "the request could not be read")
	default:
		w = f.serve(r)
	}
	answer, err := w.answer(c.multi)
	if errors.Is(err, errAnswerTooLarge) {
		f.o.Log.ErrorContext(ctx, "an answer is larger than a function can give", "path", c.path)
		w.refuse(http.StatusInternalServerError, "response.too_large", "the answer is larger than can be given here")
		return w.answer(c.multi)
	}
	return answer, err
}

// serve has the handler answer, for as long as the invocation has time. What the handler does
// after that nobody sees; what comes after it holds the answer up no longer than that.
func (f *Function) serve(r *http.Request) *recorder {
	var late <-chan time.Time // nil: never
	if deadline, has := r.Context().Deadline(); has {
		timer := time.NewTimer(time.Until(deadline.Add(endBefore - leaveBefore)))
		defer timer.Stop()
		late = timer.C
	}
	done, over := make(chan *recorder, 1), make(chan struct{})
	go func() {
		defer close(over)
		done <- f.handle(r)
		f.after(r.Context())
	}()
	var w *recorder
	select {
	case w = <-done:
	case <-late:
		f.o.Log.ErrorContext(r.Context(), "a request took longer than the function has", "path", r.URL.EscapedPath())
		w = newRecorder()
		w.refuse(http.StatusServiceUnavailable, "request.interrupted", "the request took too long; try again")
		return w
	}
	select {
	case <-over:
	case <-late:
	}
	return w
}

// handle calls the handler. A panic is a 500.
func (f *Function) handle(r *http.Request) (w *recorder) {
	defer func() {
		if f.caught(r.Context(), recover()) {
			w = newRecorder()
			w.refuse(http.StatusInternalServerError, "internal", "something went wrong on our side")
		}
	}()
	w = newRecorder()
	f.o.Handler.ServeHTTP(w, r)
	return w
}

// after does what comes after a call. A panic of it costs no answer.
func (f *Function) after(ctx context.Context) {
	defer func() { f.caught(ctx, recover()) }()
	if f.o.After != nil {
		f.o.After(ctx)
	}
}

// caught logs what was recovered; false: nothing was.
func (f *Function) caught(ctx context.Context, v any) bool {
	if v == nil {
		return false
	}
	f.o.Log.ErrorContext(ctx, "panic", "panic", v, "stack", string(debug.Stack()))
	return true
}

// LogHandler adds to what is logged for an invocation its id, by which Lambda's own lines go.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if c, known := lambdacontext.FromContext(ctx); known && c.AwsRequestID != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("invocation", c.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
