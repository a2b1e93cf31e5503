package dynamotest

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
)

// Faults say what goes wrong, and how often.
type Faults struct {
	// Random decides; it is used by one request at a time. The same source and the same
	// requests give the same faults.
	Random *rand.Rand
	// Rates are those for a request of an operation, asked for each time, by one request at
	// a time. It must not call the server.
	Rates func(operation string) Rates
}

// Rates are the shares of requests, 0 to 1, that something befalls. Those up to Unclear
// exclude each other. What cannot befall a request, as an unprocessed part of a GetItem,
// does not.
type Rates struct {
	// Nothing is changed, and the answer says so.
	Throttled  float64 // too much at once; a transaction may be told so in its reasons
	Contended  float64 // another transaction has the item; not for what only reads, nor for batches
	Unsent     float64 // no connection
	Unanswered float64 // an internal error, a service that is away, or a broken connection, before the effect

	// The effect is there, and the answer is not.
	Lost float64 // an internal error or a broken connection, after it
	// Unclear is a transaction whose answer is lost, and which is made only some requests
	// later. Until then who repeats it learns that it is in progress.
	Unclear float64

	ShortPage   float64 // a page of fewer items than it could have
	Unprocessed float64 // some of a batch are not taken
	Sweep       float64 // before the request, what has expired is removed
}

const (
	throughputExceeded = "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API"
	longestLate        = 6 // requests that pass before an unclear transaction is made
)

// chance says whether something befalls that has this rate.
func (s *Server) chance(rate float64) bool { return rate > 0 && s.faults.Random.Float64() < rate }

// attempt serves a request, unless a fault befalls it.
func (s *Server) attempt(operation string, body []byte) (*http.Response, error) {
	s.makeLate()
	if operation == "TransactWriteItems" && s.isLate(body) {
		s.count("in progress")
		return answer(refusal("TransactionInProgressException", "Transaction already in progress"))
	}
	if s.faults == nil {
		return s.perform(operation, body)
	}
	s.rates = s.faults.Rates(operation)
	if !contends[operation] {
		s.rates.Contended = 0
	}
	if operation != "TransactWriteItems" {
		s.rates.Unclear = 0
	}
	rates := s.rates
	if s.chance(rates.Sweep) {
		for _, t := range s.tables {
			s.counts["removed"] += t.sweep(s.now().Unix())
		}
	}
	draw := s.faults.Random.Float64()
	befalls := func(rate float64) bool { draw -= rate; return draw < 0 }
	switch {
	case befalls(rates.Throttled):
		s.count("throttled")
		return s.throttle(body)
	case befalls(rates.Contended):
		s.count("contended")
		return s.contend(body)
	case befalls(rates.Unsent):
		s.count("unsent")
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: io.ErrClosedPipe}
	case befalls(rates.Unanswered):
		s.count("unanswered")
		return s.silence(nil)
	case befalls(rates.Lost):
		s.count("lost")
		done, err := s.perform(operation, body)
		if err != nil {
			return nil, err
		}
		return s.silence(done)
	case befalls(rates.Unclear):
		s.count("unclear")
		s.late = append(s.late, &lateTransaction{body: body, requests: 1 + s.faults.Random.IntN(longestLate)})
		return nil, io.ErrUnexpectedEOF
	}
	return s.perform(operation, body)
}

// contends are the operations that a transaction can be in the way of (DynamoDB API
// reference, "TransactionConflictException").
var contends = map[string]bool{"PutItem": true, "UpdateItem": true, "DeleteItem": true, "TransactWriteItems": true}

// parts is how many parts a transaction has; 0 for another request.
func parts(body []byte) int {
	var in struct{ TransactItems []json.RawMessage }
	if err := json.Unmarshal(body, &in); err != nil {
		return 0
	}
	return len(in.TransactItems)
}

// reasons blames one part of a transaction, or some of them.
func (s *Server) reasons(parts int, code, message string) error {
	reasons := make([]reason, parts)
	blamed := s.faults.Random.IntN(parts)
	for i := range reasons {
		reasons[i] = reason{Code: "None"}
		if i == blamed || s.faults.Random.IntN(4) == 0 {
			reasons[i] = reason{Code: code, Message: message}
		}
	}
	return cancellation(reasons)
}

// throttle refuses a request in one of the ways in which too much at once is refused
// (DynamoDB Developer Guide, "Error handling with DynamoDB"; "TransactWriteItems" for
// reasons).
func (s *Server) throttle(body []byte) (*http.Response, error) {
	n := parts(body)
	switch s.faults.Random.IntN(5) {
	case 0:
		return answer(refusal("RequestLimitExceeded", "Throughput exceeds the current throughput limit for your account. Please contact AWS Support at https://aws.amazon.com/support request a limit increase"))
	case 1:
		return answer(refusal("ThrottlingException", "Rate of requests exceeds the allowed throughput."))
	case 2:
		if n > 0 {
			return answer(s.reasons(n, "ThrottlingError", "Throughput exceeds the current capacity for one or more global secondary indexes."))
		}
	case 3:
		if n > 0 {
			return answer(s.reasons(n, "ProvisionedThroughputExceeded", throughputExceeded))
		}
	}
	return answer(refusal("ProvisionedThroughputExceededException", throughputExceeded))
}

// contend refuses a write because another transaction has an item.
func (s *Server) contend(body []byte) (*http.Response, error) {
	const message = "Transaction is ongoing for the item"
	if n := parts(body); n > 0 {
		return answer(s.reasons(n, "TransactionConflict", message))
	}
	return answer(refusal("TransactionConflictException", message))
}

// silence leaves open what has become of a request. done is its answer, if it was made.
func (s *Server) silence(done *http.Response) (*http.Response, error) {
	switch s.faults.Random.IntN(4) {
	case 0:
		return answer(&exception{status: http.StatusInternalServerError, name: "InternalServerError", message: "Internal server error"})
	case 1:
		return answer(&exception{status: http.StatusServiceUnavailable, name: "ServiceUnavailable", message: "The service is currently unavailable or busy"})
	case 2:
		if done != nil {
			return cutShort(done)
		}
	}
	return nil, io.ErrUnexpectedEOF
}

// cutShort breaks the connection in the middle of an answer.
func cutShort(done *http.Response) (*http.Response, error) {
	whole, err := io.ReadAll(done.Body)
	if err != nil {
		return nil, err
	}
	done.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), broken{}))
	return done, nil
}

// broken is the end of a connection that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// lateTransaction is one that takes its time.
type lateTransaction struct {
	body     []byte
	requests int // that pass before it is made
}

// makeLate lets the late transactions have their effect whose time has come.
func (s *Server) makeLate() {
	waiting := s.late
	s.late = nil
	for _, l := range waiting {
		if l.requests--; l.requests > 0 {
			s.late = append(s.late, l)
			continue
		}
		_, _ = s.transactWriteItems(l.body) // nobody learns of it, but who repeats it
	}
}

// Settle makes what is late at once: nothing is under way any more.
func (s *Server) Settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.late) > 0 {
		s.makeLate()
	}
}

// isLate says whether a transaction of the same body, and so of the same token, is to be
// made yet.
func (s *Server) isLate(body []byte) bool {
	for _, l := range s.late {
		if bytes.Equal(l.body, body) {
			return true
		}
	}
	return false
}

// shorten is the number of items of a page which there are n for and that may have limit.
func (s *Server) shorten(n, limit int) int {
	if n < 2 || !s.chance(s.rates.ShortPage) {
		return limit
	}
	s.count("short page")
	return 1 + s.faults.Random.IntN(n-1)
}

// takes is how many of a batch of n are taken.
func (s *Server) takes(n int) int {
	if !s.chance(s.rates.Unprocessed) {
		return n
	}
	s.count("unprocessed")
	return s.faults.Random.IntN(n)
}
