package gamelift

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"muster"
)

const topicARN = "arn:aws:sns:us-west-2:123456789012:matchmaking"

// eventJSON wraps a detail as GameLift does.
func eventJSON(detail string) string {
	return `{"version":"0","id":"e1","detail-type":"GameLift Matchmaking Event","source":"aws.gamelift","account":"123456789012",
		"time":"2026-11-22T05:21:27.123Z","region":"us-west-2",
		"resources":["arn:aws:gamelift:us-west-2:123456789012:matchmakingconfiguration/duel"],"detail":` + detail + `}`
}

// inEvent is what every event of eventJSON says beside its detail.
func inEvent(e muster.Event) muster.Event {
	e.ID, e.Configuration = "e1", "duel"
	e.At = time.Date(2026, 11, 22, 5, 21, 27, 123_000_000, time.UTC)
	return e
}

func ticketOf(id muster.TicketID, players ...muster.EventPlayer) muster.EventTicket {
	return muster.EventTicket{ID: id, Players: players}
}

func TestEventsAsTheyAreDecoded(t *testing.T) {
	yes, no := true, false
	p1 := muster.EventPlayer{ID: "p1"}
	cases := []struct {
		name   string
		detail string
		want   muster.Event
	}{
		{
			"searching, with a wait in seconds whatever the member is called",
			`{"type":"MatchmakingSearching","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}],"estimatedWaitMillis":42,"gameSessionInfo":{"players":[{"playerId":"p1"}]}}`,
			muster.Event{Type: muster.MatchmakingSearching, EstimatedWaitSeconds: 42, Tickets: []muster.EventTicket{ticketOf("t1", p1)}},
		},
		{
			"searching, with a wait that nobody knows",
			`{"type":"MatchmakingSearching","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}],"estimatedWaitMillis":"NOT_AVAILABLE","gameSessionInfo":{"players":[]}}`,
			muster.Event{Type: muster.MatchmakingSearching, Tickets: []muster.EventTicket{ticketOf("t1", p1)}},
		},
		{
			"a proposed match that must be accepted",
			`{"type":"PotentialMatchCreated","matchId":"m1","acceptanceRequired":true,"acceptanceTimeout":600,"ruleEvaluationMetrics":[{"ruleName":"r","passedCount":1,"failedCount":0}],
			  "tickets":[{"ticketId":"t1","players":[{"playerId":"p1","team":"red"}]},{"ticketId":"t2","players":[{"playerId":"p2","team":"blue"}]}],"gameSessionInfo":{"players":[]}}`,
			muster.Event{Type: muster.PotentialMatchCreated, MatchID: "m1", AcceptanceRequired: true, AcceptanceTimeout: 10 * time.Minute, Tickets: []muster.EventTicket{
				ticketOf("t1", muster.EventPlayer{ID: "p1", Team: "red"}), ticketOf("t2", muster.EventPlayer{ID: "p2", Team: "blue"}),
			}},
		},
		{
			"numbers and truth as strings",
			`{"type":"PotentialMatchCreated","matchId":"m1","acceptanceRequired":"true","acceptanceTimeout":"30","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}]}`,
			muster.Event{Type: muster.PotentialMatchCreated, MatchID: "m1", AcceptanceRequired: true, AcceptanceTimeout: 30 * time.Second, Tickets: []muster.EventTicket{ticketOf("t1", p1)}},
		},
		{
			"an answer of one player, with silence of the other",
			`{"type":"AcceptMatch","matchId":"m1","tickets":[{"ticketId":"t1","players":[{"playerId":"p1","accepted":false}]},{"ticketId":"t2","players":[{"playerId":"p2"}]},{"ticketId":"t3","players":[{"playerId":"p3","accepted":true}]}]}`,
			muster.Event{Type: muster.AcceptMatch, MatchID: "m1", Tickets: []muster.EventTicket{
				ticketOf("t1", muster.EventPlayer{ID: "p1", Accepted: &no}), ticketOf("t2", muster.EventPlayer{ID: "p2"}), ticketOf("t3", muster.EventPlayer{ID: "p3", Accepted: &yes}),
			}},
		},
		{
			"answers in gameSessionInfo only, and in both, where the ticket's holds",
			`{"type":"AcceptMatch","matchId":"m1","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]},{"ticketId":"t2","players":[{"playerId":"p2","accepted":false}]}],
			  "gameSessionInfo":{"players":[{"playerId":"p1","accepted":true},{"playerId":"p2","accepted":true}]}}`,
			muster.Event{Type: muster.AcceptMatch, MatchID: "m1", Tickets: []muster.EventTicket{
				ticketOf("t1", muster.EventPlayer{ID: "p1", Accepted: &yes}), ticketOf("t2", muster.EventPlayer{ID: "p2", Accepted: &no}),
			}},
		},
		{
			"the end of acceptance",
			`{"type":"AcceptMatchCompleted","matchId":"m1","acceptance":"TimedOut","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}]}`,
			muster.Event{Type: muster.AcceptMatchCompleted, MatchID: "m1", Acceptance: "TimedOut", Tickets: []muster.EventTicket{ticketOf("t1", p1)}},
		},
		{
			"success",
			`{"type":"MatchmakingSucceeded","matchId":"m1","tickets":[{"ticketId":"t1","players":[{"playerId":"p1","team":"red","playerSessionId":"psess-1"}]}],
			  "gameSessionInfo":{"gameSessionArn":"` + sessionARN + `","ipAddress":"203.0.113.1","dnsName":"host.example","port":7777,"players":[{"playerId":"p1","team":"red","playerSessionId":"psess-1"}]}}`,
			muster.Event{
				Type: muster.MatchmakingSucceeded, MatchID: "m1", Session: sessionARN, IPAddress: "203.0.113.1", DNSName: "host.example", Port: 7777,
				Tickets: []muster.EventTicket{ticketOf("t1", muster.EventPlayer{ID: "p1", Team: "red", Seat: "psess-1"})},
			},
		},
		{
			"success with a port as a string and seats in gameSessionInfo only, in another order",
			`{"type":"MatchmakingSucceeded","matchId":"m1","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]},{"ticketId":"t2","players":[{"playerId":"p2"}]}],
			  "gameSessionInfo":{"gameSessionArn":"` + sessionARN + `","ipAddress":"203.0.113.1","port":"7777","players":[{"playerId":"p2","team":"blue","playerSessionId":"psess-2"},{"playerId":"p1","team":"red","playerSessionId":"psess-1"}]}}`,
			muster.Event{Type: muster.MatchmakingSucceeded, MatchID: "m1", Session: sessionARN, IPAddress: "203.0.113.1", Port: 7777, Tickets: []muster.EventTicket{
				ticketOf("t1", muster.EventPlayer{ID: "p1", Team: "red", Seat: "psess-1"}), ticketOf("t2", muster.EventPlayer{ID: "p2", Team: "blue", Seat: "psess-2"}),
			}},
		},
		{
			"failure, beside a ticket of automatic backfill",
			`{"type":"MatchmakingFailed","reason":"UNEXPECTED_ERROR","message":"An unexpected error was encountered during match placing.","matchId":"m1","customEventData":"x",
			  "tickets":[{"ticketId":"auto-backfill|1","players":[{"playerId":"p9"}]},{"ticketId":"t1","players":[{"playerId":"p1"}]}]}`,
			muster.Event{
				Type: muster.MatchmakingFailed, MatchID: "m1", Reason: "UNEXPECTED_ERROR", Message: "An unexpected error was encountered during match placing.",
				Tickets: []muster.EventTicket{ticketOf("t1", p1)},
			},
		},
		{
			"a cancelled ticket without match",
			`{"type":"MatchmakingCancelled","reason":"Cancelled","message":"Cancelled by request.","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}],"acceptanceTimeout":null}`,
			muster.Event{Type: muster.MatchmakingCancelled, Reason: "Cancelled", Message: "Cancelled by request.", Tickets: []muster.EventTicket{ticketOf("t1", p1)}},
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got, ok, err := Decode([]byte(eventJSON(tc.detail)))
			if err != nil || !ok {
				t.Fatalf("ok %t, %v", ok, err)
			}
			if want := inEvent(tc.want); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestEventsThatAreSkipped(t *testing.T) {
	good := eventJSON(`{"type":"MatchmakingSearching","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}]}`)
	cases := map[string]string{
		"a placement event":               strings.Replace(good, "Matchmaking Event", "Queue Placement Event", 1),
		"an event of another service":     strings.Replace(good, "aws.gamelift", "aws.ec2", 1),
		"a type that came later":          strings.Replace(good, "MatchmakingSearching", "MatchmakingDreaming", 1),
		"a message that is no event":      `{"hello":"world"}`,
		"automatic backfill and no other": strings.Replace(good, `"t1"`, `"auto-backfill|1"`, 1),
		"no tickets":                      eventJSON(`{"type":"MatchmakingSearching","tickets":[]}`),
	}
	for name, body := range cases {
		if event, ok, err := Decode([]byte(body)); ok || err != nil {
			t.Errorf("%s: %+v, %t, %v", name, event, ok, err)
		}
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	good := eventJSON(`{"type":"MatchmakingSearching","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}]}`)
	manyTickets := strings.TrimSuffix(strings.Repeat(`{"ticketId":"t","players":[]},`, maxEventTickets+1), ",")
	manyPlayers := strings.TrimSuffix(strings.Repeat(`{"playerId":"p"},`, maxEventPlayers+1), ",")
	cases := map[string]string{
		"nothing":                  "",
		"text":                     "hello",
		"a list":                   "[]",
		"a detail that is text":    strings.Replace(good, `"detail":{`, `"detail":"x","other":{`, 1),
		"no detail":                strings.Replace(good, `"detail":`, `"other":`, 1),
		"no id":                    strings.Replace(good, `"id":"e1",`, "", 1),
		"no time":                  strings.Replace(good, "2026-11-22T05:21:27.123Z", "yesterday", 1),
		"a ticket without id":      strings.Replace(good, `"t1"`, `""`, 1),
		"a port that is none":      eventJSON(`{"type":"MatchmakingSucceeded","tickets":[],"gameSessionInfo":{"port":70000}}`),
		"tickets that are a map":   eventJSON(`{"type":"MatchmakingSucceeded","tickets":{}}`),
		"more tickets than exist":  eventJSON(`{"type":"MatchmakingSucceeded","tickets":[` + manyTickets + `]}`),
		"more players than exist":  eventJSON(`{"type":"MatchmakingSucceeded","tickets":[{"ticketId":"t1","players":[` + manyPlayers + `]}]}`),
		"more than a message has":  good + strings.Repeat(" ", maxEventBytes),
		"a truncated event":        good[:len(good)/2],
		"two events in one":        good + good,
		"nesting without end":      strings.Repeat("[", 20000),
		"an id that is a number":   strings.Replace(good, `"e1"`, "1", 1),
		"a team that is a number":  eventJSON(`{"type":"MatchmakingSucceeded","tickets":[{"ticketId":"t1","players":[{"playerId":"p","team":1}]}]}`),
		"a ticket that is nothing": eventJSON(`{"type":"MatchmakingSucceeded","tickets":[null]}`),
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			_, ok, err := Decode([]byte(body))
			if ok || err == nil || muster.KindOf(err) != muster.Invalid {
				t.Errorf("ok %t, error %v", ok, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(eventJSON(`{"type":"MatchmakingSucceeded","matchId":"m1","tickets":[{"ticketId":"t1","players":[{"playerId":"p1","accepted":"true"}]}],"gameSessionInfo":{"port":"1","players":[{"playerId":"p1","playerSessionId":"psess-1"}]}}`)))
	f.Add([]byte(eventJSON(`{"type":"MatchmakingSearching","estimatedWaitMillis":1e9}`)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, ok, err := Decode(body)
		if err != nil {
			if ok || muster.KindOf(err) != muster.Invalid {
				t.Errorf("ok %t, error %v", ok, err)
			}
			return
		}
		if !ok {
			return
		}
		if event.ID == "" || len(event.Tickets) == 0 || event.At.IsZero() && !strings.Contains(string(body), "0001") {
			t.Errorf("an incomplete event passes: %+v", event)
		}
		if event.AcceptanceTimeout < 0 || event.EstimatedWaitSeconds < 0 || event.Port < 0 || event.Port > 65535 {
			t.Errorf("a number is out of range: %+v", event)
		}
		for _, ticket := range event.Tickets {
			if ticket.ID == "" || strings.HasPrefix(string(ticket.ID), autoBackfill) {
				t.Errorf("ticket %q passes", ticket.ID)
			}
		}
		again, ok, err := Decode(body)
		if err != nil || !ok || fmt.Sprint(mustJSON(again)) != fmt.Sprint(mustJSON(event)) {
			t.Error("the same bytes give another event")
		}
	})
}

func mustJSON(v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func placementJSON(detail string) string {
	return `{"id":"e1","detail-type":"GameLift Queue Placement Event","source":"aws.gamelift","time":"2026-11-22T05:21:27Z","detail":` + detail + `}`
}
