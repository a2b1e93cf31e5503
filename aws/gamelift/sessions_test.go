package gamelift

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"muster"
)

const sessionARN = "arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/gsess-1"

const exampleMatchmakerData = `{"matchId":"m1","matchmakingConfigurationArn":"arn:aws:gamelift:us-west-2:111122223333:matchmakingconfiguration/duel",
 "teams":[{"name":"red","players":[{"playerId":"p1","attributes":{"skill":{"attributeType":"DOUBLE","valueAttribute":23.0}}}]},
          {"name":"blue","players":[{"playerId":"p2","attributes":{}}]}],
 "autoBackfillMode":null,"autoBackfillTicketId":null}`

func TestSessionsAsTheyAreDescribed(t *testing.T) {
	created := time.Date(2026, 11, 22, 5, 21, 27, 57_000_000, time.UTC)
	cases := []struct {
		name   string
		status string
		data   string
		want   muster.SessionSnapshot
	}{
		{"an active session of a match", "ACTIVE", exampleMatchmakerData, muster.SessionSnapshot{
			Live: true, MatchID: "m1", Configuration: "duel", Teams: map[muster.PlayerID]string{"p1": "red", "p2": "blue"},
		}},
		{"a session that starts, without a match", "ACTIVATING", "", muster.SessionSnapshot{Live: true}},
		{"a session that ends", "TERMINATING", "", muster.SessionSnapshot{Ending: true}},
		{"a session that is over", "TERMINATED", "", muster.SessionSnapshot{}},
		{"a session that failed", "ERROR", "", muster.SessionSnapshot{}},
		{"matchmaker data that is not JSON", "ACTIVE", "{", muster.SessionSnapshot{Live: true}},
		{"matchmaker data of another form", "ACTIVE", `{"teams":7}`, muster.SessionSnapshot{Live: true}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f, c := newFake(t)
			f.on("DescribeGameSessions", func(in members) (members, *fault) {
				if in["GameSessionId"] != sessionARN {
					t.Errorf("asked for %v", in)
				}
				session := members{
					"GameSessionId": sessionARN, "Status": tc.status, "IpAddress": "203.0.113.1", "DnsName": "host.example",
					"Port": 7777, "CreationTime": instant(created),
				}
				if tc.data != "" {
					session["MatchmakerData"] = tc.data
				}
				return members{"GameSessions": []any{session}}, nil
			})
			got, err := c.Session(context.Background(), sessionARN)
			if err != nil {
				t.Fatal(err)
			}
			want := tc.want
			want.ID, want.IPAddress, want.DNSName, want.Port, want.CreatedAt = sessionARN, "203.0.113.1", "host.example", 7777, created
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestSeatsAsTheyAreDescribed(t *testing.T) {
	for status, live := range map[string]bool{"RESERVED": true, "ACTIVE": true, "COMPLETED": false, "TIMEDOUT": false} {
		f, c := newFake(t)
		f.on("DescribePlayerSessions", func(members) (members, *fault) {
			return members{"PlayerSessions": []any{members{
				"PlayerSessionId": "psess-1", "PlayerId": "p1", "GameSessionId": sessionARN, "Status": status, "PlayerData": "spectator",
			}}}, nil
		})
		got, err := c.Seat(context.Background(), "psess-1")
		want := muster.SeatState{Seat: "psess-1", Player: "p1", Session: sessionARN, Live: live, Data: "spectator"}
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", status, got, err, want)
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	for name, answer := range map[string]func(members) (members, *fault){
		"an empty list": func(members) (members, *fault) {
			return members{"GameSessions": []any{}, "PlayerSessions": []any{}}, nil
		},
		"an error": func(members) (members, *fault) { return nil, notFoundFault },
	} {
		t.Run(name, func(t *testing.T) {
			f, c := newFake(t)
			f.on("DescribeGameSessions", answer)
			f.on("DescribePlayerSessions", answer)
			_, err := c.Session(context.Background(), sessionARN)
			wantError(t, err, muster.NotFound, "gamelift.not_found")
			_, err = c.Seat(context.Background(), "psess-1")
			wantError(t, err, muster.NotFound, "gamelift.not_found")
		})
	}
}

func FuzzMatchmakerData(f *testing.F) {
	f.Add(exampleMatchmakerData)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		data, ok := parseMatchmakerData(text)
		if ok && (data.match == "" || data.teams == nil) {
			t.Errorf("%q gives %+v", text, data)
		}
	})
}

func TestASessionIsEndedGracefullyWhereThatCanBeAsked(t *testing.T) {
	const gracefully, forced = "TRIGGER_ON_PROCESS_TERMINATE", "FORCE_TERMINATE"
	over := &fault{400, namespace, "InvalidGameSessionStatusException"}
	starting := &fault{400, namespace, "NotReadyException"}
	for _, c := range []struct {
		name    string
		force   bool
		answers map[string]*fault // by mode; absent: done
		modes   []string
		kind    muster.Kind
		ok      bool
	}{
		{"the game server is told", false, nil, []string{gracefully}, 0, true},
		{"with force it is stopped", true, nil, []string{forced}, 0, true},
		{"one that cannot be told is stopped", false, map[string]*fault{gracefully: invalidFault}, []string{gracefully, forced}, 0, true},
		{"nothing can be done", false, map[string]*fault{gracefully: invalidFault, forced: invalidFault}, []string{gracefully, forced}, muster.Invalid, false},
		{"it is over", false, map[string]*fault{gracefully: over}, []string{gracefully}, muster.Conflict, false},
		{"it is unknown", false, map[string]*fault{gracefully: notFoundFault}, []string{gracefully}, muster.NotFound, false},
		{"it is still starting", false, map[string]*fault{gracefully: starting}, []string{gracefully}, muster.Unavailable, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, client := newFake(t)
			var modes []string
			f.on("TerminateGameSession", func(in members) (members, *fault) {
				mode := in["TerminationMode"].(string)
				modes = append(modes, mode)
				return members{"GameSession": members{}}, c.answers[mode]
			})
			err := client.EndSession(context.Background(), "arn:x", c.force)
			if c.ok != (err == nil) || !c.ok && muster.KindOf(err) != c.kind {
				t.Errorf("the answer is %v", err)
			}
			if !slices.Equal(modes, c.modes) {
				t.Errorf("asked for %v, want %v", modes, c.modes)
			}
		})
	}
}
