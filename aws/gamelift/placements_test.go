package gamelift

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"muster"
)

func lobbyPlacement(id muster.PlacementID) muster.StartPlacement {
	return muster.StartPlacement{
		Placement: id, Queue: "lobbies", MaxPlayers: 6, Name: "n", Data: "d", Properties: map[string]string{"map": "tower", "a": "b"},
		Players: []muster.SeatPlayer{{ID: "p1", LatencyInMs: map[string]int{"custom-home": 12, "custom-far": 1 << 40}}, {ID: "p2", Data: "spectator"}},
	}
}

func TestStartPlacementSaysEverythingOnce(t *testing.T) {
	f, c := newFake(t)
	f.on("StartGameSessionPlacement", func(members) (members, *fault) { return members{"GameSessionPlacement": members{}}, nil })
	if err := c.StartPlacement(context.Background(), lobbyPlacement("room-1")); err != nil {
		t.Fatal(err)
	}
	ordered := lobbyPlacement("room-2")
	ordered.LocationOrder = []string{"custom-home"}
	if err := c.StartPlacement(context.Background(), ordered); err != nil {
		t.Fatal(err)
	}
	want := members{
		"PlacementId": "room-1", "GameSessionQueueName": "lobbies", "MaximumPlayerSessionCount": uint64(6), "GameSessionName": "n", "GameSessionData": "d",
		"GameProperties":        []any{members{"Key": "a", "Value": "b"}, members{"Key": "map", "Value": "tower"}},
		"DesiredPlayerSessions": []any{members{"PlayerId": "p1"}, members{"PlayerId": "p2", "PlayerData": "spectator"}},
		"PlayerLatencies": []any{
			members{"PlayerId": "p1", "RegionIdentifier": "custom-far", "LatencyInMilliseconds": float64(maxLatencyInMs)},
			members{"PlayerId": "p1", "RegionIdentifier": "custom-home", "LatencyInMilliseconds": float64(12)},
		},
	}
	got := f.calls("StartGameSessionPlacement")
	if len(got) != 2 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("sent %v\nwant %v", got, want)
	}
	if _, both := got[1]["PlayerLatencies"]; both || got[1]["PriorityConfigurationOverride"] == nil {
		t.Errorf("sent %v, want an order and no latencies", got[1])
	}
}

// TestStartPlacementCanBeRepeated: GameLift refuses an id that it has, and that is
// success.
func TestStartPlacementCanBeRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		known bool
		code  string
	}{
		"a refusal of a placement that GameLift has is success": {true, ""},
		"a refusal of one that it has not is a refusal":         {false, "gamelift.invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			f, client := newFake(t)
			f.on("StartGameSessionPlacement", func(members) (members, *fault) { return nil, invalidFault })
			f.on("DescribeGameSessionPlacement", func(members) (members, *fault) {
				if !c.known {
					return nil, notFoundFault
				}
				return members{"GameSessionPlacement": members{"PlacementId": "room-1", "Status": "PENDING"}}, nil
			})
			err := client.StartPlacement(context.Background(), lobbyPlacement("room-1"))
			if c.code == "" && err != nil {
				t.Error(err)
			}
			if c.code != "" {
				wantError(t, err, muster.Invalid, c.code)
			}
		})
	}
	t.Run("a lost answer is asked for again", func(t *testing.T) {
		f, client := newFake(t)
		tries := 0
		f.on("StartGameSessionPlacement", func(members) (members, *fault) {
			if tries++; tries == 1 {
				return nil, nil
			}
			return members{"GameSessionPlacement": members{}}, nil
		})
		if err := client.StartPlacement(context.Background(), lobbyPlacement("room-1")); err != nil || tries != 2 {
			t.Errorf("%v after %d tries", err, tries)
		}
	})
}

func TestPlacementsAsTheyAreDescribed(t *testing.T) {
	session := members{
		"PlacementId": "room-1", "GameSessionArn": sessionARN, "IpAddress": "203.0.113.1", "DnsName": "host.example", "Port": 7777,
		"PlacedPlayerSessions": []any{members{"PlayerId": "p2", "PlayerSessionId": "psess-2"}, members{"PlayerId": "p1", "PlayerSessionId": "psess-1"}},
	}
	fulfilled := muster.PlacementSnapshot{
		Placement: "room-1", Status: muster.PlacementFulfilled, Session: sessionARN, IPAddress: "203.0.113.1", DNSName: "host.example", Port: 7777,
		Seats: map[muster.PlayerID]muster.SeatID{"p1": "psess-1", "p2": "psess-2"},
	}
	for status, want := range map[string]muster.PlacementSnapshot{
		"FULFILLED": fulfilled,
		"PENDING":   {Placement: "room-1", Status: muster.PlacementPending}, // its session may still change
		"CANCELLED": {Placement: "room-1", Status: muster.PlacementCancelled},
		"TIMED_OUT": {Placement: "room-1", Status: muster.PlacementTimedOut},
		"FAILED":    {Placement: "room-1", Status: muster.PlacementFailed},
	} {
		t.Run(status, func(t *testing.T) {
			f, c := newFake(t)
			f.on("DescribeGameSessionPlacement", func(members) (members, *fault) {
				session["Status"] = status
				return members{"GameSessionPlacement": session}, nil
			})
			got, err := c.Placement(context.Background(), "room-1")
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
	t.Run("a status that is none of Amazon's ends nothing", func(t *testing.T) {
		f, c := newFake(t)
		f.on("DescribeGameSessionPlacement", func(members) (members, *fault) {
			return members{"GameSessionPlacement": members{"PlacementId": "room-1", "Status": "RESTING"}}, nil
		})
		_, err := c.Placement(context.Background(), "room-1")
		wantError(t, err, muster.Internal, "gamelift.placement_status")
	})
	t.Run("one that is not there", func(t *testing.T) {
		f, c := newFake(t)
		f.on("DescribeGameSessionPlacement", func(members) (members, *fault) { return nil, notFoundFault })
		_, err := c.Placement(context.Background(), "room-1")
		wantError(t, err, muster.NotFound, "gamelift.not_found")
	})
}

func TestSeatsAreReserved(t *testing.T) {
	f, c := newFake(t)
	f.on("CreatePlayerSession", func(in members) (members, *fault) {
		if in["GameSessionId"] != sessionARN || in["PlayerId"] != "p1" || in["PlayerData"] != "spectator" {
			t.Errorf("asked for %v", in)
		}
		return members{"PlayerSession": members{"PlayerSessionId": "psess-1", "IpAddress": "203.0.113.1", "Port": 7777}}, nil
	})
	got, err := c.ReserveSeat(context.Background(), muster.ReserveSeat{Session: sessionARN, Player: "p1", Data: "spectator"})
	if err != nil || got != (muster.SeatGrant{Seat: "psess-1", IPAddress: "203.0.113.1", Port: 7777}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for code, want := range map[string]string{
		"GameSessionFullException":          "gamelift.session_full",
		"InvalidGameSessionStatusException": "gamelift.conflict",
	} {
		f.on("CreatePlayerSession", func(members) (members, *fault) { return nil, &fault{400, namespace, code} })
		_, err := c.ReserveSeat(context.Background(), muster.ReserveSeat{Session: sessionARN, Player: "p1"})
		wantError(t, err, muster.Conflict, want)
	}
	before := len(f.calls("CreatePlayerSession"))
	f.on("CreatePlayerSession", func(members) (members, *fault) { return nil, nil }) // the answer is lost
	_, err = c.ReserveSeat(context.Background(), muster.ReserveSeat{Session: sessionARN, Player: "p1"})
	wantError(t, err, muster.Unavailable, "gamelift.unavailable")
	if tries := len(f.calls("CreatePlayerSession")) - before; tries != 1 {
		t.Errorf("a seat was asked for %d times: the second try could make a second one", tries)
	}
}

func TestLiveSeatsAreListedFromEveryPage(t *testing.T) {
	f, c := newFake(t)
	row := func(id, player, status string) members {
		return members{"PlayerSessionId": id, "PlayerId": player, "GameSessionId": sessionARN, "Status": status}
	}
	f.on("DescribePlayerSessions", func(in members) (members, *fault) {
		switch {
		case in["PlayerSessionStatusFilter"] == "ACTIVE":
			return members{"PlayerSessions": []any{row("psess-2", "p2", "ACTIVE")}}, nil
		case in["NextToken"] == nil:
			return members{"PlayerSessions": []any{row("psess-1", "p1", "RESERVED")}, "NextToken": "more"}, nil
		}
		return members{"PlayerSessions": []any{row("psess-2", "p2", "RESERVED")}}, nil // it connects meanwhile
	})
	got, err := c.LiveSeats(context.Background(), sessionARN)
	if err != nil || len(got) != 2 || got[0].Player != "p1" || got[1].Player != "p2" || !got[0].Live {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestStartBackfillNamesPlayersAndTeams(t *testing.T) {
	f, c := newFake(t)
	f.on("StartMatchBackfill", func(in members) (members, *fault) { return members{"MatchmakingTicket": members{}}, nil })
	skill := 7.0
	err := c.StartBackfill(context.Background(), muster.StartBackfill{
		Ticket: "backfill-1", Configuration: "cfg", Session: sessionARN,
		Players: []muster.BackfillPlayer{{MatchmakingPlayer: muster.MatchmakingPlayer{ID: "p1", Attributes: map[string]muster.AttributeValue{"skill": {N: &skill}}}, Team: "red"}},
	})
	want := members{
		"TicketId": "backfill-1", "ConfigurationName": "cfg", "GameSessionArn": sessionARN,
		"Players": []any{members{"PlayerId": "p1", "Team": "red", "PlayerAttributes": members{"skill": members{"N": 7.0}}}},
	}
	if got := f.calls("StartMatchBackfill"); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%v; sent %v\nwant %v", err, got, want)
	}
}

func TestPlacementEventsAsTheyAreDecoded(t *testing.T) {
	const where = `"gameSessionArn":"` + sessionARN + `","ipAddress":"203.0.113.1","dnsName":"host.example","port":"7777"`
	at := time.Date(2026, 11, 22, 5, 21, 27, 0, time.UTC)
	event := func(s muster.PlacementSnapshot) muster.PlacementEvent {
		s.Placement = "room-1"
		return muster.PlacementEvent{ID: "e1", At: at, PlacementSnapshot: s}
	}
	fulfilled := muster.PlacementSnapshot{
		Status: muster.PlacementFulfilled, Session: sessionARN, IPAddress: "203.0.113.1", DNSName: "host.example", Port: 7777,
		Seats: map[muster.PlayerID]muster.SeatID{"p1": "psess-1"},
	}
	cases := []struct {
		name, detail string
		want         muster.PlacementEvent
	}{
		{"fulfilled, with the port as a string", `{"type":"PlacementFulfilled","placementId":"room-1",` + where + `,"placedPlayerSessions":[{"playerId":"p1","playerSessionId":"psess-1"}]}`, event(fulfilled)},
		{"cancelled", `{"type":"PlacementCancelled","placementId":"room-1"}`, event(muster.PlacementSnapshot{Status: muster.PlacementCancelled})},
		{"timed out", `{"type":"PlacementTimedOut","placementId":"room-1"}`, event(muster.PlacementSnapshot{Status: muster.PlacementTimedOut})},
		{"failed, whatever else it says", `{"type":"PlacementFailed","placementId":"room-1",` + where + `}`, event(muster.PlacementSnapshot{Status: muster.PlacementFailed})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok, err := DecodePlacement([]byte(placementJSON(c.detail)))
			if err != nil || !ok || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %t, %v\nwant %+v", got, ok, err, c.want)
			}
		})
	}
	for name, body := range map[string]string{
		"a matchmaking event":      eventJSON(`{"type":"MatchmakingSearching","tickets":[]}`),
		"a type that came after":   placementJSON(`{"type":"PlacementPaused","placementId":"room-1"}`),
		"an event of another kind": `{"detail-type":"other"}`,
	} {
		if _, ok, err := DecodePlacement([]byte(body)); ok || err != nil {
			t.Errorf("%s: %t, %v", name, ok, err)
		}
	}
	good := placementJSON(`{"type":"PlacementFulfilled","placementId":"room-1",` + where + `}`)
	for name, body := range map[string]string{
		"nothing": "", "no id": strings.Replace(good, `"id":"e1",`, "", 1), "no time": strings.Replace(good, "2026-11-22T05:21:27Z", "now", 1),
		"no placement": strings.Replace(good, "room-1", "", 1), "no session": strings.Replace(good, sessionARN, "", 1),
		"a port that is none": strings.Replace(good, "7777", "77777", 1), "more than a message has": good + strings.Repeat(" ", maxEventBytes),
		"too many players": strings.Replace(good, `"port"`, `"placedPlayerSessions":[`+strings.TrimSuffix(strings.Repeat(`{},`, maxEventPlayers+1), ",")+`],"port"`, 1),
	} {
		if _, ok, err := DecodePlacement([]byte(body)); ok || muster.KindOf(err) != muster.Invalid || err == nil {
			t.Errorf("%s: %t, %v", name, ok, err)
		}
	}
}

func FuzzDecodePlacement(f *testing.F) {
	f.Add([]byte(placementJSON(`{"type":"PlacementFulfilled","placementId":"room-1","gameSessionArn":"a","port":"1","placedPlayerSessions":[{"playerId":"p1","playerSessionId":"psess-1"}]}`)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, ok, err := DecodePlacement(body)
		switch {
		case err != nil && (ok || muster.KindOf(err) != muster.Invalid):
			t.Errorf("ok %t, error %v", ok, err)
		case ok && (event.ID == "" || event.Placement == "" || !event.Status.Final() || event.Port < 0 || event.Port > 65535):
			t.Errorf("an incomplete event passes: %+v", event)
		}
	})
}
