package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// finite says whether a tree can be written as JSON again.
func finite(v any) bool {
	switch v := v.(type) {
	case float64:
		return !math.IsNaN(v) && !math.IsInf(v, 0)
	case []any:
		for _, e := range v {
			if !finite(e) {
				return false
			}
		}
	case map[string]any:
		for _, e := range v {
			if !finite(e) {
				return false
			}
		}
	}
	return true
}

// FuzzJSON: what we read, the standard library reads too, and it means the same after
// being written again.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":null}`, `{"a":[1,2.5,-3e2,"x",true,{"b":[]}]}`, `{"a":1,"a":2}`, `{"a":9223372036854775808}`,
		`{"a":"\ud800"}`, `[]`, `{"a":1}x`, `{"a":-0}`, strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		tree, err := parseJSON(body)
		if err != nil {
			if tree != nil {
				t.Errorf("a tree besides the error %v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("read what is not JSON: %q", body)
		}
		again, err := marshalJSON(tree)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseJSON(again)
		// Numbers of integer value may come back as the other Go type.
		if err != nil || !sameTree(back, tree) {
			t.Errorf("%q became %s, %v", body, again, err)
		}
	})
}

// sameTree compares trees, not distinguishing integers from whole floats.
func sameTree(a, b any) bool {
	fa, oka := number(a)
	fb, okb := number(b)
	if oka || okb {
		return oka && okb && fa == fb
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameTree(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if _, has := b[k]; !has || !sameTree(a[k], b[k]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// FuzzCBOR: what we read, Amazon's decoder reads too; and it comes back when written and
// read again.
func FuzzCBOR(f *testing.F) {
	for _, seed := range []string{
		"\xa0", "\xbf\xff", "\xa1av\x01", "\xa1av\xc1\xfb\x41\xd4\x52\xd9\xec\x20\x00\x00", "\xbfav\x9f\x01\x82\x02\x03\xff\xff",
		"\xa1av\x7fastremingaaa\xff", "\xa1av\xf9\x3e\x00", "\xa1av\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1av\x5fBabCcde\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		tree, err := parseCBOR(body)
		if err != nil {
			if tree != nil {
				t.Errorf("a tree besides the error %v", err)
			}
			return
		}
		if _, err := cbor.Decode(body); err != nil {
			t.Fatalf("read what Amazon's decoder refuses: %x: %v", body, err)
		}
		if !finite(tree) {
			return
		}
		again := appendCBOR(nil, tree)
		back, err := parseCBOR(again)
		if err != nil || !reflect.DeepEqual(back, tree) {
			t.Errorf("%x became %x, %v", body, again, err)
		}
	})
}

// FuzzAuthorization: no header and no query is believed without its secret, nor breaks
// anything.
func FuzzAuthorization(f *testing.F) {
	const good = "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/gamelift/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
	f.Add(good, "20261122T052127Z", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fgamelift%2Faws4_request&X-Amz-Date=20261122T052127Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature==", "x", "%zz")
	now := time.Date(2026, 11, 22, 5, 21, 27, 0, time.UTC)
	strict := verifier{credentials: func(string) (Credentials, bool) { return Credentials{Secret: "s"}, true }}
	lax := verifier{acceptAnyKey: true, region: "us-east-1"}
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.URL.RawQuery = query
		if caller, refused := strict.verify(r, nil, now); refused == nil {
			t.Fatalf("believed %q %q %q: %+v", authorization, date, query, caller)
		} else if refused.Code == "" || refused.Message == "" {
			t.Errorf("refused without reason: %+v", refused)
		}
		if caller, refused := lax.verify(r, nil, now); refused == nil && (caller.AccessKeyID == "" || caller.Region != "us-east-1") {
			t.Errorf("a caller without name or of another region: %+v", caller)
		}
	})
}

// FuzzDecodeInput: every operation's input either fills its struct with legal values or
// is refused with a reason, in both protocols.
func FuzzDecodeInput(f *testing.F) {
	shapes := newShapes(loadTable())
	ops := sdkOperations()
	for i, op := range ops {
		switch op.name {
		case "StartMatchmaking":
			f.Add(uint8(i), true, []byte(`{"ConfigurationName":"c","Players":[{"PlayerId":"p","PlayerAttributes":{"a":{"N":1,"SL":["x"],"SDM":{"y":2}}},"LatencyInMs":{"r":1}}]}`))
			f.Add(uint8(i), false, []byte("\xa1gPlayers\x81\xa1hPlayerIdap"))
		case "DescribeFleetEvents":
			f.Add(uint8(i), true, []byte(`{"FleetId":"fleet-1","StartTime":1469498468.057,"Limit":1}`))
		case "CreateScript":
			f.Add(uint8(i), true, []byte(`{"ZipFile":"aGVsbG8="}`))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, asJSON bool, body []byte) {
		op, p := ops[int(which)%len(ops)], cborProtocol
		if asJSON {
			p = jsonProtocol
		}
		s := shapes.of(op.input, op.input.Name())
		in, refused := decodeInput(p, s, op.input, body)
		if refused != nil {
			if refused.Code != "SerializationException" && refused.Code != "ValidationException" || refused.Message == "" {
				t.Errorf("refused with %+v", refused)
			}
			if len(refused.Message) > 20_000 {
				t.Errorf("refused in %d bytes", len(refused.Message))
			}
			return
		}
		// A legal input can be sent on, and is the same when it arrives.
		again, err := p.encode(s, in)
		if err != nil {
			t.Fatal(err)
		}
		back, refused := decodeInput(p, s, op.input, again)
		if refused != nil {
			t.Fatalf("%q became %q: %v", body, again, refused)
		}
		once, _ := p.encode(s, back)
		if !bytes.Equal(once, again) {
			t.Errorf("%q became %q, then %q", body, again, once)
		}
	})
}
