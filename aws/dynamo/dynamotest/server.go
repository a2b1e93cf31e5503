package dynamotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options says how a Server is.
type Options struct {
	Now    func() time.Time // by which tokens are forgotten and items expire; nil: time.Now
	Faults *Faults          // nil: nothing goes wrong
}

// Server holds tables, in memory. It is safe for concurrent use: requests are served one
// after another, so that the same requests and the same chance give the same answers.
type Server struct {
	now    func() time.Time
	faults *Faults

	mu     sync.Mutex // guards what follows, and the source of faults
	tables map[string]*table
	tokens map[string]*transaction
	late   []*lateTransaction
	rates  Rates // of the request that is served
	counts Counts
}

var _ http.RoundTripper = (*Server)(nil)

// New makes a Server without tables.
func New(o Options) *Server {
	s := &Server{now: o.Now, faults: o.Faults, tables: map[string]*table{}, tokens: map[string]*transaction{}}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Client sends everything to the server, whatever its address.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s} }

// Counts is how often what happened, by the operation's or the fault's name.
type Counts map[string]int

// Counts is what has happened so far. The caller owns it.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(Counts, len(s.counts))
	for what, n := range s.counts {
		all[what] = n
	}
	return all
}

func (s *Server) count(what string) {
	if s.counts == nil {
		s.counts = Counts{}
	}
	s.counts[what]++
}

// call serves one operation: body is the whole of its request.
type call func(s *Server, body []byte) (any, error)

// calls are the operations that there are.
var calls = map[string]call{
	"CreateTable":             serve((*Server).createTable),
	"DescribeTable":           serve((*Server).describeTable),
	"DescribeTimeToLive":      serve((*Server).describeTimeToLive),
	"UpdateTimeToLive":        serve((*Server).updateTimeToLive),
	"UpdateContinuousBackups": serve((*Server).updateContinuousBackups),
	"GetItem":                 serve((*Server).getItem),
	"PutItem":                 serve((*Server).putItem),
	"UpdateItem":              serve((*Server).updateItem),
	"DeleteItem":              serve((*Server).deleteItem),
	"Query":                   serve((*Server).query),
	"Scan":                    serve((*Server).scan),
	"BatchWriteItem":          serve((*Server).batchWriteItem),
	"TransactWriteItems":      (*Server).transactWriteItems,
}

// serve decodes a request for what serves it. A member that the request's type does not
// have is refused by its name.
func serve[In any](do func(s *Server, in *In) (any, error)) call {
	return func(s *Server, body []byte) (any, error) {
		in := new(In)
		if err := decode(body, in); err != nil {
			return nil, err
		}
		return do(s, in)
	}
}

func decode(body []byte, in any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return unsupported("the request %.200s: %v", body, err)
	}
	return nil
}

const target = "DynamoDB_20120810."

// RoundTrip implements http.RoundTripper.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	switch {
	case !ok || r.Method != http.MethodPost:
		return answer(unsupported("%s %s with the target %q", r.Method, r.URL, r.Header.Get("X-Amz-Target")))
	case r.Header.Get("Authorization") == "":
		return answer(refusal("MissingAuthenticationTokenException", "Request must contain either a valid (registered) AWS access key ID or X.509 certificate."))
	case calls[operation] == nil:
		return answer(&exception{status: http.StatusBadRequest, name: "UnknownOperationException", message: "the stand-in for DynamoDB has no operation " + operation})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(operation)
	return s.attempt(operation, body)
}

// perform does what is asked for.
func (s *Server) perform(operation string, body []byte) (*http.Response, error) {
	out, err := calls[operation](s, body)
	if err != nil {
		return answer(err)
	}
	return response(http.StatusOK, out)
}

// exception is an answer that is none of success.
type exception struct {
	status  int
	name    string
	message string
	reasons []reason // of a cancelled transaction
	item    item     // that did not satisfy a condition, if it was asked for
	// ofPart says that a transaction is cancelled if this is so of a part of it; other faults of
	// a part are found before anything else.
	ofPart bool
}

// reason says what an operation of a cancelled transaction has to do with it.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
}

func (e *exception) Error() string { return e.name + ": " + e.message }

// refusal is an exception that the request itself is to blame for.
func refusal(name, format string, args ...any) error {
	return &exception{status: http.StatusBadRequest, name: name, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refusal("ValidationException", format, args...)
}

func invalidPart(format string, args ...any) error {
	return &exception{status: http.StatusBadRequest, name: "ValidationException", message: fmt.Sprintf(format, args...), ofPart: true}
}

// unsupported names what the stand-in does not know.
func unsupported(format string, args ...any) error {
	return refusal("UnsupportedByStandIn", "the stand-in for DynamoDB does not know "+format, args...)
}

// answer is the response that tells of an exception.
func answer(err error) (*http.Response, error) {
	var e *exception
	if !errors.As(err, &e) {
		return nil, err
	}
	return response(e.status, struct {
		Type    string   `json:"__type"`
		Message string   `json:"message"`
		Reasons []reason `json:"CancellationReasons,omitempty"`
		Item    item     `json:"Item,omitempty"`
	}{namespace(e.name) + e.name, e.message, e.reasons, e.item})
}

// namespace is what stands before an exception's name.
func namespace(name string) string {
	if name == "ValidationException" || strings.HasPrefix(name, "Unknown") {
		return "com.amazon.coral.validate#"
	}
	return "com.amazonaws.dynamodb.v20120810#"
}

// response is one of the protocol, with the checksum by which the SDK sees that it is
// whole.
func response(status int, out any) (*http.Response, error) {
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
			"X-Amz-Crc32":  {strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)},
		},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}
