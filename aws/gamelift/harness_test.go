package gamelift

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"muster"
)

// members is a CBOR map as the protocol has it: member names to values.
type members = map[string]any

// fault is a modelled error of the service.
type fault struct {
	status    int
	namespace string // with its "#"; the service may send one or none
	code      string
}

const namespace = "com.amazonaws.gamelift#"

var (
	notFoundFault = &fault{400, namespace, "NotFoundException"}
	invalidFault  = &fault{400, namespace, "InvalidRequestException"}
	conflictFault = &fault{400, namespace, "ConflictException"}
)

// fake is a GameLift that answers in Smithy RPC v2 CBOR, one operation at a time, and
// keeps what it was asked.
type fake struct {
	decode cbor.DecMode

	mu      sync.Mutex
	answers map[string]func(in members) (members, *fault) // by operation
	asked   []asked
}

type asked struct {
	operation string
	in        members
}

// newFake starts a fake and a Client of it.
func newFake(t testing.TB) (*fake, *Client) {
	t.Helper()
	decode, err := cbor.DecOptions{DefaultMapType: reflect.TypeFor[members]()}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{decode: decode, answers: make(map[string]func(members) (members, *fault))}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, newTestClient(t, server.URL)
}

func newTestClient(t testing.TB, endpoint string) *Client {
	t.Helper()
	c, err := New(Options{Endpoint: endpoint, Region: "us-west-2", AccessKeyID: "AKID", SecretAccessKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// on says how an operation is answered.
func (f *fake) on(operation string, answer func(in members) (members, *fault)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[operation] = answer
}

// calls are the inputs of an operation so far.
func (f *fake) calls(operation string) []members {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []members
	for _, a := range f.asked {
		if a.operation == operation {
			all = append(all, a.in)
		}
	}
	return all
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := path.Base(r.URL.Path)
	body, err := io.ReadAll(r.Body)
	in := members{}
	if err == nil && len(body) > 0 {
		err = f.decode.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.asked = append(f.asked, asked{operation, in})
	answer := f.answers[operation]
	f.mu.Unlock()
	if answer == nil {
		writeCBOR(w, http.StatusNotFound, members{"__type": "UnknownOperationException", "message": "no answer for " + operation})
		return
	}
	out, refused := answer(in)
	if refused != nil {
		text := "arn:aws:gamelift:secret-resource"
		writeCBOR(w, refused.status, members{"__type": refused.namespace + refused.code, "Message": text, "message": text})
		return
	}
	if out == nil {
		panic(http.ErrAbortHandler) // the answer is lost
	}
	writeCBOR(w, http.StatusOK, out)
}

func writeCBOR(w http.ResponseWriter, status int, body members) {
	encoded, err := cbor.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("the fake cannot encode its answer: %v", err))
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}

// instant is a time as the protocol has it.
func instant(t time.Time) any {
	return cbor.Tag{Number: 1, Content: float64(t.UnixMilli()) / 1000}
}

// wantError fails unless err is an *Error of kind and code.
func wantError(t *testing.T, err error, kind muster.Kind, code string) {
	t.Helper()
	_ = wanted(t, err, kind, code)
}

// wanted is wantError for a test that looks further into the error.
func wanted(t *testing.T, err error, kind muster.Kind, code string) *muster.Error {
	t.Helper()
	e, ok := err.(*muster.Error) //nolint:errorlint // it must be that very type, unwrapped
	if !ok || e.Kind != kind || e.Code != code {
		t.Fatalf("error is %v, want %v with code %s", err, kind, code)
	}
	return e
}
