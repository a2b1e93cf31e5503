package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxAnswer bounds an answer, in bytes of JSON: Lambda gives no more than 6 MB back. Source:
// Lambda developer guide, "Lambda quotas".
const maxAnswer = 6 << 20

// newBody is a body that was received as a whole; nothing at all is http.NoBody.
func newBody(body []byte) io.Reader {
	if len(body) == 0 {
		return http.NoBody
	}
	return bytes.NewReader(body)
}

// recorder keeps what a handler answers. It is an http.ResponseWriter, for one goroutine.
type recorder struct {
	header http.Header
	sent   http.Header // as of the first byte; nil: nothing is sent yet
	status int
	body   bytes.Buffer
	over   bool // more was written than an answer can hold
}

func newRecorder() *recorder { return &recorder{header: make(http.Header)} }

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter. What is informational is not passed on.
func (r *recorder) WriteHeader(status int) {
	if r.sent != nil || status < 200 {
		return
	}
	r.status, r.sent = status, r.header.Clone()
}

var errAnswerTooLarge = errors.New("the answer is larger than a function can give")

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.over = r.over || r.body.Len()+len(b) > maxAnswer; r.over {
		return 0, errAnswerTooLarge
	}
	return r.body.Write(b)
}

// answer is what was recorded, as an event's source wants it. multi: a header may be there
// more than once; if not, cookies have a list of their own.
func (r *recorder) answer(multi bool) ([]byte, error) {
	r.WriteHeader(http.StatusOK)
	if r.over {
		return nil, errAnswerTooLarge
	}
	text, isBase64 := r.body.String(), false
	if !utf8.ValidString(text) || r.sent.Get("Content-Encoding") != "" {
		text, isBase64 = base64.StdEncoding.EncodeToString(r.body.Bytes()), true
	}
	if r.sent.Get("Content-Type") == "" && text != "" {
		r.sent.Set("Content-Type", http.DetectContentType(r.body.Bytes()))
	}
	var told any = events.APIGatewayProxyResponse{
		StatusCode: r.status, MultiValueHeaders: r.sent, Body: text, IsBase64Encoded: isBase64,
	}
	if !multi {
		v2 := events.APIGatewayV2HTTPResponse{
			StatusCode: r.status, Headers: make(map[string]string, len(r.sent)), Body: text, IsBase64Encoded: isBase64, Cookies: r.sent.Values("Set-Cookie"),
		}
		for name, values := range r.sent {
			if name != "Set-Cookie" {
				v2.Headers[name] = strings.Join(values, ", ")
			}
		}
		told = v2
	}
	encoded, err := encode(told)
	if err == nil && len(encoded) > maxAnswer {
		return nil, errAnswerTooLarge
	}
	return encoded, err
}

// refuse has the recorder say that a call failed, as the HTTP interface says it.
func (r *recorder) refuse(status int, code, detail string) {
	*r = *newRecorder()
	body, err := json.Marshal(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
	if err != nil {
		panic("lambda: a problem does not encode: " + err.Error()) // it is text and a number
	}
	r.header.Set("Content-Type", "application/problem+json")
	r.header.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		r.header.Set("Retry-After", "1")
	}
	r.WriteHeader(status)
	_, _ = r.Write(append(body, '\n')) // far below the limit
}

// encode is JSON without escapes for HTML, which an answer does not need.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return text.Bytes(), err
}
