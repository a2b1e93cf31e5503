package gamelift_test

import (
	"context"
	"errors"
	"testing"

	"muster"
	"muster/aws/gamelift"
)

func TestDispatcherHandsEventsToWhoTakesTheirKind(t *testing.T) {
	const head = `{"version":"0","id":"e1","source":"aws.gamelift","time":"2026-11-22T08:00:00Z","resources":["arn:aws:gamelift:r:1:matchmakingconfiguration/duel"],`
	down := errors.New("the store is down")
	for name, c := range map[string]struct {
		event string
		fault error
		want  string // who took it
		kind  muster.Kind
		fails bool
	}{
		"a matchmaking event":     {head + `"detail-type":"GameLift Matchmaking Event","detail":{"type":"MatchmakingSearching","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}]}}`, nil, "match", 0, false},
		"one that fails":          {head + `"detail-type":"GameLift Matchmaking Event","detail":{"type":"MatchmakingSearching","tickets":[{"ticketId":"t1","players":[{"playerId":"p1"}]}]}}`, down, "match", muster.Internal, true},
		"a placement event":       {head + `"detail-type":"GameLift Queue Placement Event","detail":{"type":"PlacementCancelled","placementId":"pl1"}}`, nil, "placement", 0, false},
		"an event of others":      {`{"id":"e1","source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{}}`, nil, "", 0, false},
		"a type that came later":  {head + `"detail-type":"GameLift Matchmaking Event","detail":{"type":"Matchmaking Reconsidered"}}`, nil, "", 0, false},
		"one that is not JSON":    {"{", nil, "", muster.Invalid, true},
		"one of the wrong shape":  {head + `"detail-type":"GameLift Matchmaking Event","detail":[]}`, nil, "", muster.Invalid, true},
		"a matchmaking of nobody": {head + `"detail-type":"GameLift Matchmaking Event","detail":{"type":"MatchmakingSearching","tickets":[]}}`, nil, "", 0, false},
	} {
		took := ""
		take := gamelift.Dispatcher(
			func(context.Context, muster.Event) error { took = "match"; return c.fault },
			func(context.Context, muster.PlacementEvent) error { took = "placement"; return c.fault },
		)
		err := take(t.Context(), []byte(c.event))
		if took != c.want || (err != nil) != c.fails || err != nil && muster.KindOf(err) != c.kind {
			t.Errorf("%s: %q took it, %v", name, took, err)
		}
	}
}
