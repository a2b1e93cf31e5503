package dynamo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// asked is a request as DynamoDB gets it.
type asked struct {
	operation string
	body      string
	members   map[string]any
}

// at follows names into the members: maps only, nil where there is nothing.
func (a asked) at(path ...string) any {
	var v any = a.members
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// step answers one request; ctx is the request's.
type step func(a asked, ctx context.Context) (*http.Response, error)

// script is a DynamoDB that gives prepared answers, in order. A test fails when it is
// asked for more or for less.
type script struct {
	t     *testing.T
	mu    sync.Mutex // guards what follows
	steps []step
	asked []asked
	waits []time.Duration // pauses that were asked for, with the whole of their limit
}

// scripted makes a Store whose DynamoDB answers by script. It does not wait, and its
// clock stands at 1,800,000,000 s.
func scripted(t *testing.T, steps ...step) (*Store, *script) {
	t.Helper()
	sc := &script{t: t, steps: steps}
	s, err := New(Options{
		Table: "records", Region: "us-east-1", Endpoint: "http://dynamodb.invalid", AccessKeyID: "AKID", SecretAccessKey: "secret",
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, HTTPClient: &http.Client{Transport: sc},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.jitter = func() float64 { return 1 }
	s.pause = sc.pause
	t.Cleanup(func() {
		if len(sc.steps) > 0 {
			t.Errorf("%d answers were not asked for", len(sc.steps))
		}
	})
	return s, sc
}

func (sc *script) pause(ctx context.Context, d time.Duration) error {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.waits = append(sc.waits, d)
	return ctx.Err()
}

// RoundTrip implements http.RoundTripper.
func (sc *script) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a := asked{operation: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."), body: string(body)}
	if err := json.Unmarshal(body, &a.members); err != nil {
		return nil, err
	}
	sc.mu.Lock()
	sc.asked = append(sc.asked, a)
	if len(sc.steps) == 0 {
		sc.mu.Unlock()
		sc.t.Errorf("asked once too often: %s", a.operation)
		return nil, io.ErrUnexpectedEOF
	}
	next := sc.steps[0]
	sc.steps = sc.steps[1:]
	sc.mu.Unlock()
	return next(a, r.Context())
}

// operations are those asked for, in order.
func (sc *script) operations() string {
	var names []string
	for _, a := range sc.asked {
		names = append(names, a.operation)
	}
	return strings.Join(names, " ")
}

// forget says that the answers that are left need not be asked for.
func (sc *script) forget() {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.steps = nil
}

func response(status int, body any) *http.Response {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader(encoded))}
}

// members is a JSON object of the protocol.
type members = map[string]any

// ok answers with members.
func ok(body members) step {
	return func(asked, context.Context) (*http.Response, error) { return response(http.StatusOK, body), nil }
}

// fails answers with an exception, further members included.
func fails(status int, name string, more ...members) step {
	body := members{"__type": "com.amazonaws.dynamodb.v20120810#" + name, "message": "table arn:aws:dynamodb:secret-account"}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	return func(asked, context.Context) (*http.Response, error) { return response(status, body), nil }
}

// cancelled answers a transaction with the reasons of its operations.
func cancelled(codes ...string) step {
	reasons := make([]members, len(codes))
	for i, c := range codes {
		reasons[i] = members{"Code": c, "Message": "why"}
	}
	return fails(http.StatusBadRequest, "TransactionCanceledException", members{"CancellationReasons": reasons})
}

// lost breaks the connection after the request was sent.
func lost(asked, context.Context) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// unreachable refuses the connection.
func unreachable(asked, context.Context) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: io.ErrClosedPipe}
}

// cutShort answers with half of an answer.
func cutShort(asked, context.Context) (*http.Response, error) {
	r := response(http.StatusOK, members{})
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"ConsumedCap`), broken{}))
	return r, nil
}

// broken is a connection that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// silent answers nothing until its try is over.
func silent(_ asked, ctx context.Context) (*http.Response, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
