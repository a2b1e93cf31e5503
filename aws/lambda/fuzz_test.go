package lambda_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"testing"

	"muster/aws/lambda"
)

// FuzzInvoke has anything at all answered or refused, and calls reach the handler with a path
// that begins as paths do.
func FuzzInvoke(f *testing.F) {
	for _, event := range []string{
		callV2(ownDomain, "prod", "/prod/v1/modes", `,"body":"e30=","isBase64Encoded":true`), callV2(functionURL, "$default", "/v1/a%2Fb", ""),
		callV1("", ownDomain, "prod", "/prod/v1/modes", ""), callV1("1.0", ownDomain, "$default", "//v1", ""),
		notification(aTopic, "{}"), queued("{}", "bad"), `{"muster":"tick"}`, gateways("Bearer x")["WebSocket"],
	} {
		f.Add([]byte(event))
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" || r.URL.Path[0] != '/' || path.Clean(r.URL.EscapedPath()) == "" {
			panic("a path that is none: " + r.URL.Path)
		}
		mirror(w, r)
	}
	fn := function(handler, func(o *lambda.FunctionOptions) {
		o.BasePath, o.Topics = "/prod", []string{aTopic}
		o.Event = func(context.Context, []byte) error { return nil }
		o.Tick = func(context.Context) error { return nil }
	})
	f.Fuzz(func(t *testing.T, event []byte) {
		out, err := fn.Invoke(context.Background(), event)
		if (err == nil) != (out != nil) {
			t.Fatalf("answered %q and %v", out, err)
		}
		var a told
		if err == nil && json.Unmarshal(out, &a) != nil {
			t.Fatalf("answered %q", out)
		}
		if a.StatusCode == http.StatusInternalServerError {
			t.Fatalf("a panic: %s", a.Body)
		}
	})
}
