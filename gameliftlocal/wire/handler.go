package wire

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"time"
)

// handler is what NewHandler returns. Immutable.
type handler struct {
	operations   map[string]*operation // every known operation, by name
	verifier     verifier
	account      string
	now          func() time.Time
	newID        func() string
	log          *slog.Logger
	maxBodyBytes int64
}

// operation is a known operation. One that is not implemented has no call, and refuses
// with the error refusal.
type operation struct {
	Operation
	in, out *shape
	refusal *Error
}

func newHandler(opts Options) *handler {
	h := &handler{
		operations: map[string]*operation{},
		verifier: verifier{
			credentials:  opts.Credentials,
			acceptAnyKey: opts.AcceptAnyKey,
			region:       opts.Region,
		},
		account:      opts.Account,
		now:          opts.Now,
		newID:        opts.NewID,
		log:          opts.Log,
		maxBodyBytes: opts.MaxBodyBytes,
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.newID == nil {
		h.newID = randomUUID
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.maxBodyBytes == 0 {
		h.maxBodyBytes = DefaultMaxBodyBytes
	}
	h.addOperations(opts.Operations)
	return h
}

func (h *handler) addOperations(implemented []Operation) {
	t := loadTable()
	for _, name := range t.operationNames() {
		h.operations[name] = &operation{Operation: Operation{Name: name}, refusal: t.refusal(name)}
	}
	shapes := newShapes(t)
	for _, op := range implemented {
		known, ok := h.operations[op.Name]
		if !ok {
			panic("wire: GameLift has no operation " + op.Name)
		}
		if known.call != nil {
			panic("wire: operation " + op.Name + " is listed twice")
		}
		known.Operation = op
		known.in = shapes.of(op.input, op.input.Name())
		known.out = shapes.of(op.output, "")
	}
}

// randomUUID returns a version 4 UUID.
func randomUUID() string {
	var b [16]byte
	// crypto/rand.Read never fails: it crashes the program instead.
	_, _ = rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := h.newID()
	w.Header().Set("X-Amzn-Requestid", id)
	route, refused := findRoute(r)
	if refused != nil {
		h.writeError(w, route.protocol, refused)
		h.log.DebugContext(r.Context(), "request refused", "request_id", id, "method", r.Method, "error", refused.Code)
		return
	}
	out, op, err := h.serve(w, r, route, id)
	if err == nil {
		var body []byte
		if body, err = route.protocol.encode(op.out, out); err == nil {
			h.write(w, route.protocol, http.StatusOK, body)
			h.log.DebugContext(r.Context(), "request served", "request_id", id, "operation", route.operation)
			return
		}
	}
	known := asError(err)
	if known == nil {
		// The client is told nothing of what went wrong inside.
		h.log.ErrorContext(r.Context(), "operation failed", "request_id", id, "operation", route.operation, "error", err)
		known = internalError()
	} else {
		h.log.DebugContext(r.Context(), "request refused", "request_id", id, "operation", route.operation, "error", known.Code)
	}
	h.writeError(w, route.protocol, known)
}

// serve does everything between routing and encoding. Its error is what the handler
// function returned, or an *Error of the front door.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, to route, id string) (any, *operation, error) {
	op, ok := h.operations[to.operation]
	if !ok {
		return nil, nil, unknownOperation(to.protocol, "the operation "+quoteShort(to.operation)+" is not one of Amazon GameLift's")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBodyBytes))
	if err != nil {
		return nil, op, bodyError(err)
	}
	caller, refused := h.verifier.verify(r, body, h.now())
	if refused != nil {
		return nil, op, refused
	}
	if op.call == nil {
		return nil, op, op.refusal
	}
	in, refused := decodeInput(to.protocol, op.in, op.input, body)
	if refused != nil {
		return nil, op, refused
	}
	caller.Account, caller.RequestID = h.account, id
	out, err := callSafely(context.WithValue(r.Context(), callerKey{}, caller), op, in)
	return out, op, err
}

// decodeInput reads body into a new struct of the operation's input type and checks it
// against the constraints. It returns a pointer to the struct.
func decodeInput(p protocol, s *shape, t reflect.Type, body []byte) (any, *Error) {
	tree, err := p.parse(body)
	if err != nil {
		return nil, serializationError(err)
	}
	in := reflect.New(t)
	if err := (decoder{p}).decode(in.Elem(), s, tree, ""); err != nil {
		return nil, serializationError(err)
	}
	if broken := check(s, tree); len(broken) > 0 {
		return nil, validationError(broken)
	}
	return in.Interface(), nil
}

// callSafely calls the operation and turns a panic into an error. The abort of a
// response (http.ErrAbortHandler) goes on.
func callSafely(ctx context.Context, op *operation, in any) (out any, err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return op.call(ctx, in)
}

func bodyError(err error) *Error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return &Error{
			Code:    "RequestEntityTooLargeException",
			Message: fmt.Sprintf("The request body is larger than %d bytes.", tooLarge.Limit),
			status:  http.StatusRequestEntityTooLarge,
		}
	}
	return serializationError(errors.New("the request body ended early"))
}

func (h *handler) writeError(w http.ResponseWriter, p protocol, e *Error) {
	w.Header().Set("X-Amzn-Errortype", e.Code)
	if e.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	h.write(w, p, e.httpStatus(), p.encodeError(e))
}

func (h *handler) write(w http.ResponseWriter, p protocol, status int, body []byte) {
	p.setHeaders(w.Header())
	w.WriteHeader(status)
	// A client that went away learns nothing from an error here, and nobody else cares.
	_, _ = w.Write(body)
}
