package serversdk

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestParseQuery(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"as Go encodes it", "pID=a%2Bb%2fc", "a+b/c"},
		{"a raw plus is a plus", "pID=a+b", "a+b"},
		{"the first value counts", "pID=one&pID=two", "one"},
		{"keys are case-sensitive", "pid=one", ""},
		{"broken escapes stand for themselves", "pID=%&x=1", "%"},
		{"half an escape", "pID=%4", "%4"},
		{"an escape of no hex", "pID=%zz", "%zz"},
		{"more equals signs", "pID=a=b", "a=b"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := parseQuery(c.raw).process; got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

// signed is a query that the Go server SDK 5.5.0 would send for these ids, with a
// signature computed by another implementation of the same recipe (Python's hmac).
func signed() query {
	return parseQuery("pID=proc-1&ComputeId=box&FleetId=fleet-1&Authorization=SigV4" +
		"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIALOCAL%2F20260102%2Fus-west-2%2Fgamelift%2Faws4_request" +
		"&X-Amz-Date=20260102T030405Z&X-Amz-Signature=cad638f293743094ebeace62b8f537bf5c6f1096af4c408e8da70d686aaa13e2")
}

func secretOf(accessKey string) (string, bool) { return "local-secret", accessKey == "AKIALOCAL" }

func TestVerifySignature(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name      string
		change    func(*query)
		now       time.Time
		reconnect bool
		want      string // part of the error; "": none
	}{
		{"a good one", nil, at, false, ""},
		{"as old as it may be", nil, at.Add(15 * time.Minute), false, ""},
		{"too old", nil, at.Add(15*time.Minute + 1), false, "expired"},
		{"from the future", nil, at.Add(-15*time.Minute - 1), false, "expired"},
		{"old, but of a process that is known", nil, at.Add(5 * time.Hour), true, ""},
		{"of another process", func(q *query) { q.process = "proc-2" }, at, false, "does not match"},
		{"of another fleet", func(q *query) { q.fleet = "fleet-2" }, at, false, "does not match"},
		{"of another compute", func(q *query) { q.compute = "other" }, at, true, "does not match"},
		{"no signature", func(q *query) { q.signature = "" }, at, false, "does not match"},
		{"an unknown access key", func(q *query) { q.credential = "X" + q.credential }, at, false, "not known"},
		{"another algorithm", func(q *query) { q.algorithm = "none" }, at, false, "Algorithm"},
		{"another service", func(q *query) { q.credential = strings.Replace(q.credential, "gamelift", "s3", 1) }, at, false, "Credential"},
		{"a broken scope", func(q *query) { q.credential = "AKIALOCAL" }, at, false, "Credential"},
		{"a date of another day", func(q *query) { q.date = "20260103T030405Z" }, at, false, "Date"},
		{"no date", func(q *query) { q.date = "" }, at, false, "Date"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := signed()
			if c.change != nil {
				c.change(&q)
			}
			err := verifySignature(q, c.now, c.reconnect, secretOf)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestASpaceInASignedIDMayBeWrittenEitherWay(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, encoded := range []string{"my%20box", "my+box"} {
		q := signed()
		q.compute = "my box"
		scope := []string{"20260102", "us-west-2", "gamelift", "aws4_request"}
		q.signature = sign("local-secret", q.date, scope, "ComputeId="+encoded+"&FleetId=fleet-1&pID=proc-1")
		must(t, verifySignature(q, at, false, secretOf))
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("pID=a&ComputeId=b&FleetId=c&Authorization=SigV4&X-Amz-Credential=a/b/c/gamelift/aws4_request&X-Amz-Date=20260102T030405Z")
	f.Add("pID=%2B+%zz%&&==&pID")
	f.Fuzz(func(t *testing.T, raw string) {
		q := parseQuery(raw)
		if q.problem() == "" && (q.process == "" || len(q.process) > maxValue) {
			t.Fatalf("%q passed", q.process)
		}
		if err := verifySignature(q, time.Unix(0, 0), true, secretOf); err == nil && q.algorithm == "" {
			t.Fatal("a query without a signature was verified")
		}
		if strict, err := url.ParseQuery(raw); err == nil && !strings.ContainsAny(raw, "+;") && strict.Get("pID") != q.process {
			t.Fatalf("%q read as %q, strictly %q", raw, q.process, strict.Get("pID"))
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte(`{"Action":"ActivateServerProcess","RequestId":"a","Port":1,"LogPaths":null}`))
	f.Add([]byte(`{"Action":"StartMatchBackfill","RequestId":"a","Players":[{"PlayerId":"p","PlayerAttributes":{"s":{"AttrType":"DOUBLE","N":1}}}]}`))
	f.Add([]byte(`{"Action":"Nothing","RequestId":""}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, request, err := decode(frame)
		if (request == nil) != (err != nil) {
			t.Fatalf("request %v with error %v", request, err)
		}
		if len(h.RequestId) > maxRequestID {
			t.Fatal("an id without end was kept")
		}
		if err != nil {
			if status, _ := statusAndText(err); status != statusBadRequest {
				t.Fatalf("status %d", status)
			}
			return
		}
		answer := encodeAnswer(h, GetComputeCertificateResponse{}, nil)
		again, _, err := decode(answer)
		if err != nil || again != h {
			t.Fatalf("the answer %s does not echo %+v", answer, h)
		}
	})
}
