package realtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster"
)

// The history agrees with one that forgets nothing, as far as it says it can.
func TestHistoryRemembersAtLeastItsSize(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 9).Draw(rt, "size")
		h := history{size: size}
		var all [][]byte
		for i := range rapid.IntRange(0, 60).Draw(rt, "messages") {
			message := fmt.Appendf(nil, "m%d", i+1)
			h.add(message)
			all = append(all, message)
		}
		after := rapid.Int64Range(-3, int64(len(all))+3).Draw(rt, "after")
		missed, ok := h.since(after)
		want := after >= 0 && after <= int64(len(all)) && int64(len(all))-after <= int64(size)
		if ok != want {
			rt.Fatalf("since(%d) of %d with size %d: %v", after, len(all), size, ok)
		}
		if ok && !bytes.Equal(bytes.Join(missed, []byte(" ")), bytes.Join(all[after:], []byte(" "))) {
			rt.Fatalf("since(%d): %s", after, missed)
		}
		if len(h.messages) >= 2*size {
			rt.Fatalf("keeps %d messages for a size of %d", len(h.messages), size)
		}
	})
}

func TestBucket(t *testing.T) {
	at := time.Unix(1000, 0)
	b := bucket{rate: 2, burst: 3}
	for i := range 3 {
		if _, ok := b.take(at); !ok {
			t.Fatalf("take %d of the burst is refused", i)
		}
	}
	if wait, ok := b.take(at); ok || wait != 500*time.Millisecond {
		t.Errorf("beyond the burst: %v, wait %s", ok, wait)
	}
	if wait, ok := b.take(at.Add(250 * time.Millisecond)); ok || wait != 250*time.Millisecond {
		t.Errorf("half a token later: %v, wait %s", ok, wait)
	}
	if _, ok := b.take(at.Add(500 * time.Millisecond)); !ok {
		t.Error("a token later: refused")
	}
	if _, ok := b.take(at.Add(-time.Hour)); ok {
		t.Error("a clock that goes back gives tokens")
	}
}

// In the long run a bucket gives no more than its rate and its burst.
func TestBucketNeverGivesMoreThanItsRate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.Float64Range(0.5, 20).Draw(rt, "rate")
		b := bucket{rate: rate, burst: 5}
		start := time.Unix(1000, 0)
		now, taken := start, 0.0
		for _, ms := range rapid.SliceOf(rapid.IntRange(0, 400)).Draw(rt, "waits") {
			now = now.Add(time.Duration(ms) * time.Millisecond)
			if wait, ok := b.take(now); ok {
				taken++
			} else if wait <= 0 {
				rt.Fatalf("refused with a wait of %s", wait)
			}
		}
		if most := 5 + rate*now.Sub(start).Seconds() + 1e-6; taken > most {
			rt.Fatalf("%v taken, %v allowed", taken, most)
		}
	})
}

func TestEventMessagesAreJSON(t *testing.T) {
	got := eventMessage("ticket", 7, []byte(`{"a":"<b>"}`))
	if string(got) != `{"type":"ticket","seq":7,"data":{"a":"<b>"}}` {
		t.Errorf("got %s", got)
	}
}

// Whatever a client sends: no panic, only errors that a client may see, an answer that
// encodes, and no id that is longer than allowed.
func FuzzClientMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ping","id":"c1","data":{}}`, `{"type":"ticket.get","data":{"ticketId":"t-1"}}`,
		`{"type":"ticket.start","id":"c2","data":{"mode":"duel","latencyInMs":{"a":1}}}`, `{"type":"ticket.accept","data":null}`,
		`{"type":"session.get"}`, `{"type":"modes.list","data":[]}`, `{`, `[]`, `null`, `{"type":7}`, `{"id":"\ud800"}`, "\xff",
		`{"type":"ticket.start","data":{"mode":"duel","latencyInMs":{"a":1e99}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if len(r.ID) > maxIDBytes {
			t.Fatalf("an id of %d bytes", len(r.ID))
		}
		if errors.Is(err, errMalformed) == json.Valid(b) {
			t.Fatalf("malformed and valid: %q", b)
		}
		var reply any
		if err == nil {
			reply, err = serveRequest(t.Context(), &fakePlay{}, "ada", r)
		}
		answer := envelope{Type: "reply", ID: r.ID, Data: reply}
		if err != nil {
			if kind := muster.KindOf(err); kind != muster.Invalid && kind != muster.NotFound {
				t.Fatalf("kind %v: %v", kind, err)
			}
			answer = envelope{Type: "error", ID: r.ID, Data: problemOf(err)}
		}
		if message := encode(answer); !json.Valid(message) {
			t.Fatalf("not JSON: %s", message)
		}
	})
}
