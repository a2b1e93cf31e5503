package realtime

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"muster"
)

func TestEveryRequestIsAnswered(t *testing.T) {
	long := strings.Repeat("i", maxIDBytes+1)
	for _, c := range []struct {
		name, send, kind, id, want string
	}{
		{"a ticket is started", `{"type":"ticket.start","id":"c1","data":{"mode":"duel","latencyInMs":{"a":1},"preferences":{"map":"b"},"idempotencyKey":"k"}}`, "reply", "c1", `"id":"t-1"`},
		{"a ticket is read", `{"type":"ticket.get","id":"c2","data":{"ticketId":"t-1"}}`, "reply", "c2", `"id":"t-1"`},
		{"a ticket is cancelled", `{"type":"ticket.cancel","id":"c3","data":{"ticketId":"t-1"}}`, "reply", "c3", `"id":"t-1"`},
		{"a match is accepted", `{"type":"ticket.accept","id":"c4","data":{"ticketId":"t-1"}}`, "reply", "c4", `"id":"t-1"`},
		{"a match is declined", `{"type":"ticket.decline","id":"c5","data":{"ticketId":"t-1"}}`, "reply", "c5", `"id":"t-1"`},
		{"modes are listed", `{"type":"modes.list","id":"c6","data":{}}`, "reply", "c6", `{"modes":[]}`},
		{"a ping without data", `{"type":"ping","id":"c7"}`, "reply", "c7", `{}`},
		{"a request without id", `{"type":"ping"}`, "reply", "", `{}`},
		{"unknown members are ignored", `{"type":"ping","id":"c8","x":1,"data":{"y":2}}`, "reply", "c8", `{}`},
		{"no session", `{"type":"session.get","id":"e1","data":{}}`, "error", "e1", `"code":"session.none"`},
		{"another player's ticket", `{"type":"ticket.get","id":"e2","data":{"ticketId":"t-2"}}`, "error", "e2", `"status":404`},
		{"an unknown type", `{"type":"ticket.steal","id":"e3","data":{}}`, "error", "e3", `"code":"request.unknown_type"`},
		{"no type", `{"id":"e4"}`, "error", "e4", `"code":"request.invalid"`},
		{"a type that is no text", `{"type":7,"id":"e5"}`, "error", "e5", `"code":"request.invalid"`},
		{"an id that is no text", `{"type":"ping","id":7}`, "error", "", `"code":"request.invalid"`},
		{"an endless id", `{"type":"ping","id":"` + long + `"}`, "error", "", `"code":"request.invalid"`},
		{"a list", `[]`, "error", "", `"code":"request.invalid"`},
		{"no JSON", `{"type":`, "error", "", `"code":"message.malformed"`},
		{"a ticket without id", `{"type":"ticket.get","id":"e6","data":{}}`, "error", "e6", `"code":"request.invalid"`},
		{"data of another shape", `{"type":"ticket.get","id":"e7","data":[]}`, "error", "e7", `"code":"request.invalid"`},
		{"a start without mode", `{"type":"ticket.start","id":"e8","data":{}}`, "error", "e8", `"code":"request.invalid"`},
		{"a start with null", `{"type":"ticket.start","id":"e9","data":null}`, "error", "e9", `"code":"request.invalid"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, r *rig) {
				d, _ := r.fresh("ada")
				defer d.leave()
				d.send(c.send)
				m := d.read(c.kind)
				if m.ID != c.id || m.Seq != nil || !strings.Contains(string(m.Data), c.want) {
					t.Errorf("got id %q, data %s; want id %q, data with %s", m.ID, m.Data, c.id, c.want)
				}
			})
		})
	}
}

func TestRequestsReachTheRulesWhole(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		defer d.leave()
		d.send(`{"type":"ticket.start","data":{"mode":"duel","skill":9000,"latencyInMs":{"a":7},"preferences":{"map":"b"},"idempotencyKey":"k"}}`)
		d.read("reply")
		if r.play.started.Mode != "duel" || r.play.started.LatencyInMs["a"] != 7 || r.play.started.Preferences["map"] != "b" || r.play.key != "k" {
			t.Errorf("the rules got %+v, key %q", r.play.started, r.play.key)
		}
		for verb, want := range map[string]bool{"accept": true, "decline": false} {
			d.send(`{"type":"ticket.` + verb + `","data":{"ticketId":"t-1"}}`)
			d.read("reply")
			if *r.play.accepted != want {
				t.Errorf("%s said %v", verb, *r.play.accepted)
			}
		}
	})
}

func TestErrorsOfTheRulesDoNotLeak(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"an unclassified error", errors.New("hush"), []string{`"status":500`, `"code":"internal"`}},
		{
			"a conflict with details", &muster.Error{
				Kind: muster.Conflict, Code: "ticket.already_queued", Message: "you wait", RetryAfter: 1500 * time.Millisecond,
				Details: map[string]any{"ticketId": "t-9", "code": "forged", "broken": func() {}}, Err: errors.New("hush"),
			},
			[]string{`"status":409`, `"code":"ticket.already_queued"`, `"ticketId":"t-9"`, `"retryAfterSeconds":2`, `"type":"about:blank"`},
		},
		{"a sentinel of the store", fmt.Errorf("hush: %w", muster.ErrNotFound), []string{`"status":404`, `"code":"not_found"`}},
		{"a lost race", fmt.Errorf("hush: %w", muster.ErrConflict), []string{`"status":409`, `"code":"conflict"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, r *rig) {
				r.play.ticket = func(context.Context, muster.PlayerID, muster.TicketID) (muster.TicketView, error) {
					return muster.TicketView{}, c.err
				}
				d, _ := r.fresh("ada")
				defer d.leave()
				d.send(`{"type":"ticket.get","id":"c1","data":{"ticketId":"t-1"}}`)
				got := string(d.read("error").Data)
				for _, want := range c.want {
					if !strings.Contains(got, want) {
						t.Errorf("%s lacks %s", got, want)
					}
				}
				if strings.Contains(got, "hush") || strings.Contains(got, "broken") || strings.Contains(got, "forged") {
					t.Errorf("leaks: %s", got)
				}
			})
		})
	}
}

func TestAPanicOfTheRulesIsOneErrorAndTheConnectionLives(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.play.ticket = func(context.Context, muster.PlayerID, muster.TicketID) (muster.TicketView, error) { panic("hush") }
		d, _ := r.fresh("ada")
		defer d.leave()
		d.send(`{"type":"ticket.get","id":"c1","data":{"ticketId":"t-1"}}`)
		if m := d.read("error"); m.ID != "c1" || m.code(t) != "internal" {
			t.Errorf("got %s", m.Data)
		}
		d.send(`{"type":"ping","id":"c2"}`)
		d.read("reply")
	})
}

func TestARequestThatHangsIsGivenUp(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.play.ticket = func(ctx context.Context, _ muster.PlayerID, _ muster.TicketID) (muster.TicketView, error) {
			<-ctx.Done()
			return muster.TicketView{}, ctx.Err()
		}
		d, _ := r.fresh("ada")
		defer d.leave()
		start := time.Now()
		d.send(`{"type":"ticket.get","id":"c1","data":{"ticketId":"t-1"}}`)
		if m := d.read("error"); m.code(t) != "request.interrupted" || time.Since(start) != requestWithin {
			t.Errorf("after %s: %s", time.Since(start), m.Data)
		}
	})
}

func TestRequestsRunTogetherWithinBounds(t *testing.T) {
	inBubble(t, func(o *Options) { o.Limits.Requests = 2; o.Limits.RequestBurst = 100 }, func(t *testing.T, r *rig) {
		running, most := make(chan struct{}, 100), 0
		goOn := make(chan struct{})
		r.play.ticket = func(context.Context, muster.PlayerID, muster.TicketID) (muster.TicketView, error) {
			running <- struct{}{}
			<-goOn
			<-running
			return muster.TicketView{}, nil
		}
		d, _ := r.fresh("ada")
		defer d.leave()
		for i := range 2 + 16 { // two run, sixteen wait
			d.send(`{"type":"ticket.get","id":"c` + strconv.Itoa(i) + `","data":{"ticketId":"t-1"}}`)
		}
		d.send(`{"type":"ticket.get","id":"last","data":{"ticketId":"t-1"}}`)
		if m := d.read("error"); m.ID != "last" || m.code(t) != "realtime.busy" {
			t.Errorf("got %+v", m)
		}
		seen := map[string]bool{}
		for range 2 + 16 {
			synctest.Wait()
			most = max(most, len(running))
			goOn <- struct{}{}
			seen[d.read("reply").ID] = true
		}
		if most != 2 || len(seen) != 18 {
			t.Errorf("%d ran at once, %d were answered", most, len(seen))
		}
	})
}

func TestRequestsBeyondTheRateAreRefusedAndThenServed(t *testing.T) {
	inBubble(t, func(o *Options) { o.Limits.RequestBurst = 3; o.Limits.RequestsPerSecond = 2 }, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		defer d.leave()
		ping := func(want string) message {
			d.send(`{"type":"ping","id":"c1"}`)
			return d.read(want)
		}
		for range 3 {
			ping("reply")
		}
		if m := ping("error"); m.ID != "c1" || m.code(t) != "realtime.rate_limited" || !strings.Contains(string(m.Data), `"retryAfterSeconds":1`) {
			t.Errorf("got %+v", m)
		}
		time.Sleep(500 * time.Millisecond)
		ping("reply")
	})
}

func TestNonsenseIsAnsweredAndThenClosed(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  websocket.MessageType
		send  string
		times int
		code  websocket.StatusCode
	}{
		{"text that is no JSON", websocket.MessageText, `{`, maxMalformed, websocket.StatusInvalidFramePayloadData},
		{"bytes", websocket.MessageBinary, `{"type":"ping"}`, 1, websocket.StatusUnsupportedData},
		{"a message that is too large", websocket.MessageText, `"` + strings.Repeat("x", 17<<10) + `"`, 1, websocket.StatusMessageTooBig},
		{"a flood", websocket.MessageText, `{"type":"ping"}`, 30 + maxRateRefused + 1, websocket.StatusPolicyViolation},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, r *rig) {
				d, _ := r.fresh("ada")
				closed := make(chan websocket.StatusCode)
				go func() { closed <- d.code() }()
				for range c.times {
					if err := d.ws.Write(t.Context(), c.kind, []byte(c.send)); err != nil {
						break // closed meanwhile: the code says why
					}
				}
				if code := <-closed; code != c.code {
					t.Errorf("closed with %d, want %d", code, c.code)
				}
			})
		})
	}
}

func TestOneMalformedMessageIsForgiven(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		defer d.leave()
		for range 3 * maxMalformed {
			d.send(`{`)
			d.read("error")
			d.send(`{"type":"ping"}`)
			d.read("reply")
			time.Sleep(time.Second) // stay within the rate
		}
	})
}

func TestADeviceThatDoesNotReadItsAnswersIsDropped(t *testing.T) {
	inBubble(t, func(o *Options) { o.Limits.Queue = 4 }, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		for range 10 {
			d.send(`{"type":"ping"}`)
			synctest.Wait()
		}
		if code := d.code(); code != codeTooSlow {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestEveryKindHasAStatus(t *testing.T) {
	for kind, status := range statuses {
		if status == 0 {
			t.Errorf("kind %v has no status", muster.Kind(kind))
		}
	}
}
