package realtime

import (
	"strings"
	"testing"
)

func TestMembersCountByTheirExactNames(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		d, _ := r.fresh("ada")
		defer d.leave()
		for _, c := range []struct{ name, send, want string }{
			{"a mode in capitals is none", `{"type":"ticket.start","data":{"Mode":"duel"}}`, "data.mode is missing"},
			{"a ticket spelt otherwise is none", `{"type":"ticket.get","data":{"ticketID":"t-1"}}`, "data.ticketId is missing"},
			{"a type in capitals is none", `{"TYPE":"ping"}`, "send an object"},
		} {
			d.send(c.send)
			if got := strings.ReplaceAll(string(d.read("error").Data), `\"`, `"`); !strings.Contains(got, c.want) {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
		d.send(`{"type":"ticket.start","data":{"mode":"duel","MODE":"chess","latencyinms":{"a":1},"more":[1]}}`)
		d.read("reply")
		if r.play.started.Mode != "duel" || len(r.play.started.LatencyInMs) != 0 {
			t.Errorf("the rules got %+v", r.play.started)
		}
	})
}
