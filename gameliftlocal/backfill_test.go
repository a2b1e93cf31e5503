package gameliftlocal

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// brawl starts a session of two in a team of four and returns its ARN.
func brawl(h *harness, edit func(*gamelift.CreateMatchmakingConfigurationInput)) (*gameServer, string) {
	h.t.Helper()
	site := h.makeSite(nil)
	server := h.ready(site, "process-1")
	h.makeMatchmaker("brawl", brawlRules, site, edit)
	h.queueUp("brawl", "t1", 1, "ada", "bob")
	h.advance(time.Second)
	return server, *h.wantStatus("t1", completed).GameSessionConnectionInfo.GameSessionArn
}

// seated is the backfill request of a session in which these players sit.
func seated(configuration, ticketID, sessionARN string, players ...string) *gamelift.StartMatchBackfillInput {
	in := &gamelift.StartMatchBackfillInput{ConfigurationName: &configuration, TicketId: &ticketID, GameSessionArn: &sessionARN}
	for _, id := range players {
		in.Players = append(in.Players, types.Player{PlayerId: &id, Team: aws.String("all")})
	}
	return in
}

func (h *harness) session(arn string) types.GameSession {
	h.t.Helper()
	out, err := h.DescribeGameSessions(h.ctx, &gamelift.DescribeGameSessionsInput{GameSessionId: &arn})
	return must(h.t, out, err).GameSessions[0]
}

func TestBackfillSeatsNewcomersInTheRunningSession(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		server, arn := brawl(h, nil)
		out, err := h.StartMatchBackfill(h.ctx, seated("brawl", "fill", arn, "ada", "bob"))
		if must(t, out, err); out.MatchmakingTicket.Status != queued {
			t.Errorf("new backfill ticket is %s", out.MatchmakingTicket.Status)
		}
		h.wantStatus("fill", searching)
		h.queueUp("brawl", "t2", 1, "cyd")
		h.advance(time.Second)
		h.wantStatus("fill", completed)
		conn := h.wantStatus("t2", completed).GameSessionConnectionInfo
		if *conn.GameSessionArn != arn || len(conn.MatchedPlayerSessions) != 1 || *conn.MatchedPlayerSessions[0].PlayerId != "cyd" {
			t.Errorf("the newcomer's connection %+v", conn)
		}
		g := h.session(arn)
		if *g.CurrentPlayerSessionCount != 3 {
			t.Errorf("%d players, want 3", *g.CurrentPlayerSessionCount)
		}
		data, ok := parseMatchmakerData(*g.MatchmakerData)
		if !ok || len(data.Teams[0].Players) != 3 {
			t.Errorf("matchmaker data %s", *g.MatchmakerData)
		}
		pushes := server.pushed("UpdateGameSession")
		if len(pushes) != 1 || pushes[0].text("UpdateReason") != "MATCHMAKING_DATA_UPDATED" || pushes[0].text("BackfillTicketId") != "fill" {
			t.Errorf("pushes %v", pushes)
		}
	})
}

func TestBackfillThatFindsNobodyIsTold(t *testing.T) {
	reasons := func(server *gameServer) string {
		var out []string
		for _, push := range server.pushed("UpdateGameSession") {
			out = append(out, push.text("BackfillTicketId")+" "+push.text("UpdateReason"))
		}
		return strings.Join(out, ", ")
	}
	t.Run("it times out", func(t *testing.T) {
		inBubble(t, Options{}, func(h *harness) {
			server, arn := brawl(h, nil)
			_, err := h.StartMatchBackfill(h.ctx, seated("brawl", "fill", arn, "ada", "bob"))
			must(t, 0, err)
			server.call("HeartbeatServerProcess", frame{"HealthStatus": true})
			h.advance(61 * time.Second)
			h.wantStatus("fill", timedOut)
			if got := reasons(server); got != "fill BACKFILL_TIMED_OUT" {
				t.Errorf("told %q", got)
			}
		})
	})
	t.Run("a later request replaces it", func(t *testing.T) {
		inBubble(t, Options{}, func(h *harness) {
			server, arn := brawl(h, nil)
			for _, id := range []string{"fill-1", "fill-2"} {
				_, err := h.StartMatchBackfill(h.ctx, seated("brawl", id, arn, "ada", "bob"))
				must(t, 0, err)
			}
			h.wantStatus("fill-1", cancelled)
			h.wantStatus("fill-2", searching)
			if got := reasons(server); got != "fill-1 BACKFILL_CANCELLED" {
				t.Errorf("told %q", got)
			}
		})
	})
	t.Run("the session ends", func(t *testing.T) {
		inBubble(t, Options{}, func(h *harness) {
			server, arn := brawl(h, nil)
			_, err := h.StartMatchBackfill(h.ctx, seated("brawl", "fill", arn, "ada", "bob"))
			must(t, 0, err)
			server.call("TerminateServerProcess", nil)
			h.advance(time.Second)
			h.wantStatus("fill", cancelled)
		})
	})
}

func TestGameServersBackfillOverTheirSocket(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		server, arn := brawl(h, nil)
		configuration := "arn:aws:gamelift:us-west-2:123456789012:matchmakingconfiguration/brawl"
		start := frame{
			"GameSessionArn": arn, "MatchmakingConfigurationArn": configuration, "TicketId": "",
			"Players": []frame{{"PlayerId": "ada", "Team": "all"}, {"PlayerId": "bob", "Team": "all"}},
		}
		answer := server.call("StartMatchBackfill", start)
		if answer["StatusCode"] != 200.0 || answer.text("TicketId") == "" {
			t.Fatalf("StartMatchBackfill: %v", answer)
		}
		id := answer.text("TicketId")
		h.wantStatus(id, searching)
		stop := frame{"GameSessionArn": arn, "MatchmakingConfigurationArn": configuration, "TicketId": id}
		if answer := server.call("StopMatchBackfill", stop); answer["StatusCode"] != 200.0 {
			t.Errorf("StopMatchBackfill: %v", answer)
		}
		h.wantStatus(id, cancelled)
		stop["TicketId"] = "t1"
		if answer := server.call("StopMatchBackfill", stop); answer["StatusCode"] != 400.0 {
			t.Errorf("stopping a ticket that is not the session's: %v", answer)
		}
		start["GameSessionArn"] = arn + "x"
		if answer := server.call("StartMatchBackfill", start); answer["StatusCode"] != 404.0 {
			t.Errorf("backfill of another session: %v", answer)
		}
	})
}

func TestAutomaticBackfillFillsUntilTheSessionIsFull(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		server, arn := brawl(h, func(in *gamelift.CreateMatchmakingConfigurationInput) { in.BackfillMode = types.BackfillModeAutomatic })
		data, _ := parseMatchmakerData(server.pushed("CreateGameSession")[0].text("MatchmakerData"))
		if val(data.AutoBackfillMode) != "AUTOMATIC" || !strings.HasPrefix(val(data.AutoBackfillTicketID), "auto-backfill-") {
			t.Fatalf("matchmaker data %+v", data)
		}
		h.wantStatus(*data.AutoBackfillTicketID, searching)
		h.queueUp("brawl", "t2", 1, "cyd")
		h.advance(time.Second)
		h.wantStatus("t2", completed)
		second, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
		if val(second.AutoBackfillTicketID) == *data.AutoBackfillTicketID {
			t.Error("the second ticket has the id of the first")
		}
		h.wantStatus(val(second.AutoBackfillTicketID), searching)
		h.queueUp("brawl", "t3", 1, "dan")
		h.advance(time.Second)
		h.wantStatus("t3", completed)
		last, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
		if last.AutoBackfillTicketID != nil || len(last.Teams[0].Players) != 4 {
			t.Errorf("matchmaker data of the full session %+v", last)
		}
	})
}

func TestAutomaticBackfillGoesOnAfterATimeout(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		server, arn := brawl(h, func(in *gamelift.CreateMatchmakingConfigurationInput) { in.BackfillMode = types.BackfillModeAutomatic })
		// The players arrive, so that their seats outlive the reservation.
		for _, p := range h.ticket("t1").GameSessionConnectionInfo.MatchedPlayerSessions {
			server.call("AcceptPlayerSession", frame{"GameSessionId": arn, "PlayerSessionId": *p.PlayerSessionId})
		}
		first, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
		server.call("HeartbeatServerProcess", frame{"HealthStatus": true})
		h.advance(61 * time.Second)
		h.wantStatus(*first.AutoBackfillTicketID, timedOut)
		second, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
		h.wantStatus(*second.AutoBackfillTicketID, searching)
		_, err := h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: second.AutoBackfillTicketID})
		must(t, 0, err)
		h.advance(time.Second)
		third, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
		if *third.AutoBackfillTicketID != *second.AutoBackfillTicketID {
			t.Error("stopping the ticket did not end automatic backfill")
		}
	})
}

func TestAutomaticBackfillEnds(t *testing.T) {
	automatic := func(in *gamelift.CreateMatchmakingConfigurationInput) { in.BackfillMode = types.BackfillModeAutomatic }
	// arrive makes the players' seats outlive their reservation.
	arrive := func(h *harness, server *gameServer, arn string) {
		for _, p := range h.ticket("t1").GameSessionConnectionInfo.MatchedPlayerSessions {
			server.call("AcceptPlayerSession", frame{"GameSessionId": arn, "PlayerSessionId": *p.PlayerSessionId})
		}
		server.call("HeartbeatServerProcess", frame{"HealthStatus": true})
	}
	for _, c := range []struct {
		name string
		end  func(h *harness, server *gameServer, arn string)
		want types.MatchmakingConfigurationStatus // of the first ticket, a minute later
	}{
		{"with its session", func(_ *harness, server *gameServer, _ string) {
			server.call("TerminateServerProcess", nil)
		}, cancelled},
		{"with a configuration that no longer backfills", func(h *harness, server *gameServer, arn string) {
			arrive(h, server, arn)
			_, err := h.UpdateMatchmakingConfiguration(h.ctx, &gamelift.UpdateMatchmakingConfigurationInput{
				Name: aws.String("brawl"), BackfillMode: types.BackfillModeManual,
			})
			must(h.t, 0, err)
		}, timedOut},
		{"with a session that others have filled", func(h *harness, server *gameServer, arn string) {
			arrive(h, server, arn)
			out, err := h.CreatePlayerSessions(h.ctx, &gamelift.CreatePlayerSessionsInput{GameSessionId: &arn, PlayerIds: []string{"yan", "zoe"}})
			for _, p := range must(h.t, out, err).PlayerSessions {
				server.call("AcceptPlayerSession", frame{"GameSessionId": arn, "PlayerSessionId": *p.PlayerSessionId})
			}
		}, timedOut},
		{"with the game server's request to stop", func(h *harness, server *gameServer, arn string) {
			arrive(h, server, arn)
			data, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
			server.call("StopMatchBackfill", frame{
				"GameSessionArn": arn, "MatchmakingConfigurationArn": data.ConfigurationARN, "TicketId": *data.AutoBackfillTicketID,
			})
		}, cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, Options{}, func(h *harness) {
				server, arn := brawl(h, automatic)
				first, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
				c.end(h, server, arn)
				h.advance(61 * time.Second)
				h.wantStatus(*first.AutoBackfillTicketID, c.want)
				if last := h.service.backfills[arn]; last != nil {
					t.Errorf("backfill %s goes on", last.id())
				}
			})
		})
	}
}

func TestAutomaticBackfillAsksNewcomersToAccept(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		h.ready(site, "process-1")
		h.makeMatchmaker("brawl", brawlRules, site, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			withAcceptance(in)
			in.BackfillMode = types.BackfillModeAutomatic
		})
		h.queueUp("brawl", "t1", 1, "ada", "bob")
		must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada", "bob"))
		h.advance(time.Second)
		arn := *h.wantStatus("t1", completed).GameSessionConnectionInfo.GameSessionArn
		data, _ := parseMatchmakerData(*h.session(arn).MatchmakerData)
		h.queueUp("brawl", "t2", 1, "cyd")
		h.wantStatus(*data.AutoBackfillTicketID, proposed)
		must(t, 0, h.accept("t2", types.AcceptanceTypeReject, "cyd"))
		h.wantStatus(*data.AutoBackfillTicketID, searching)
		h.queueUp("brawl", "t3", 1, "dan")
		must(t, 0, h.accept("t3", types.AcceptanceTypeAccept, "dan"))
		h.advance(time.Second)
		h.wantStatus("t3", completed)
		h.wantStatus(*data.AutoBackfillTicketID, completed)
	})
}

func TestBackfillRefusals(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		server, arn := brawl(h, nil)
		start := func(in *gamelift.StartMatchBackfillInput) error {
			_, err := h.StartMatchBackfill(h.ctx, in)
			return err
		}
		t.Run("an unknown session", func(t *testing.T) {
			refused[*types.NotFoundException](t, start(seated("brawl", "f", arn+"x", "ada")), "does not exist")
		})
		t.Run("no session though there is a queue", func(t *testing.T) {
			in := seated("brawl", "f", arn, "ada")
			in.GameSessionArn = nil
			refused[*types.InvalidRequestException](t, start(in), "GameSessionArn")
		})
		t.Run("an unknown configuration", func(t *testing.T) {
			refused[*types.NotFoundException](t, start(seated("nobody", "f", arn, "ada")), "nobody")
		})
		t.Run("a session that has ended", func(t *testing.T) {
			server.call("TerminateServerProcess", nil)
			refused[*types.InvalidRequestException](t, start(seated("brawl", "f", arn, "ada")), "TERMINATED")
		})
	})
}
