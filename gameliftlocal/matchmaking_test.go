package gameliftlocal

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// The statuses, in a length that fits a line.
const (
	cancelled = types.MatchmakingConfigurationStatusCancelled
	completed = types.MatchmakingConfigurationStatusCompleted
	failed    = types.MatchmakingConfigurationStatusFailed
	placing   = types.MatchmakingConfigurationStatusPlacing
	queued    = types.MatchmakingConfigurationStatusQueued
	proposed  = types.MatchmakingConfigurationStatusRequiresAcceptance
	searching = types.MatchmakingConfigurationStatusSearching
	timedOut  = types.MatchmakingConfigurationStatusTimedOut
)

func TestAMatchGoesFromFleetToSeats(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		server := h.ready(site, "process-1")
		h.makeMatchmaker("duel", duelRules, site, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			withAcceptance(in)
			in.GameProperties = []types.GameProperty{{Key: aws.String("map"), Value: aws.String("pit")}}
			in.GameSessionData = aws.String("from the configuration")
			in.CustomEventData = aws.String("custom")
		})
		if first := h.queueUp("duel", "t1", 20, "ada"); first.Status != queued || first.EstimatedWaitTime != nil {
			t.Errorf("new ticket: %s, wait %v", first.Status, first.EstimatedWaitTime)
		}
		h.wantStatus("t1", searching)
		h.queueUp("duel", "t2", 25, "bob")
		h.wantStatus("t1", proposed)
		h.wantStatus("t2", proposed)
		must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada"))
		h.advance(2 * time.Second)
		must(t, 0, h.accept("t2", types.AcceptanceTypeAccept, "bob"))
		h.advance(time.Second)
		a, b := h.wantStatus("t1", completed), h.wantStatus("t2", completed)

		t.Run("each ticket leads its own player only to the server", func(t *testing.T) {
			conn := a.GameSessionConnectionInfo
			if *conn.IpAddress != "127.0.0.1" || *conn.Port != 7777 || len(conn.MatchedPlayerSessions) != 1 {
				t.Fatalf("connection %+v", conn)
			}
			if p := conn.MatchedPlayerSessions[0]; *p.PlayerId != "ada" || !strings.HasPrefix(*p.PlayerSessionId, "psess-") {
				t.Errorf("seat %s %s", *p.PlayerId, *p.PlayerSessionId)
			}
			if *a.Players[0].Team == *b.Players[0].Team {
				t.Error("both players are in one team")
			}
			if *conn.GameSessionArn != *b.GameSessionConnectionInfo.GameSessionArn {
				t.Error("the two are not in one session")
			}
		})
		t.Run("the game server gets the configuration's and the matchmaker's data", func(t *testing.T) {
			checkCreatePush(t, server.pushed("CreateGameSession"))
		})
		t.Run("the seat is good for the game server", func(t *testing.T) {
			conn := a.GameSessionConnectionInfo
			seat := frame{"GameSessionId": *conn.GameSessionArn, "PlayerSessionId": *conn.MatchedPlayerSessions[0].PlayerSessionId}
			if got := server.call("AcceptPlayerSession", seat); got["StatusCode"] != 200.0 {
				t.Errorf("AcceptPlayerSession: %v", got)
			}
			seat["PlayerSessionId"] = "psess-invented"
			if got := server.call("AcceptPlayerSession", seat); got["StatusCode"] != 404.0 {
				t.Errorf("an invented seat: %v", got)
			}
		})
		t.Run("events tell the story in Amazon's shape", func(t *testing.T) { checkMatchEvents(t, h) })
		t.Run("the next ticket knows the wait", func(t *testing.T) {
			if wait := h.queueUp("duel", "t3", 20, "eve").EstimatedWaitTime; wait == nil || *wait < 2 || *wait > 3 {
				t.Errorf("EstimatedWaitTime %v, want 2 or 3", wait)
			}
		})
	})
}

func checkCreatePush(t *testing.T, pushes []frame) {
	t.Helper()
	if len(pushes) != 1 {
		t.Fatalf("%d CreateGameSession pushes", len(pushes))
	}
	push := pushes[0]
	if push.text("GameSessionData") != "from the configuration" || push["MaximumPlayerSessionCount"] != 2.0 ||
		push["GameProperties"].(map[string]any)["map"] != "pit" {
		t.Errorf("push %v", push)
	}
	text := push.text("MatchmakerData")
	if !strings.HasSuffix(text, `"autoBackfillMode":null,"autoBackfillTicketId":null}`) {
		t.Errorf("matchmaker data %s", text)
	}
	if !strings.Contains(text, `"skill":{"attributeType":"DOUBLE","valueAttribute":20.0}`) {
		t.Errorf("matchmaker data %s", text)
	}
	var data matchmakerData
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatal(err)
	}
	if data.ConfigurationARN != "arn:aws:gamelift:us-west-2:123456789012:matchmakingconfiguration/duel" || len(data.Teams) != 2 {
		t.Errorf("matchmaker data %+v", data)
	}
}

func checkMatchEvents(t *testing.T, h *harness) {
	t.Helper()
	for kind, count := range map[string]int{
		"MatchmakingSearching": 2, "PotentialMatchCreated": 1, "AcceptMatch": 2, "AcceptMatchCompleted": 1,
		"MatchmakingSucceeded": 1, "PlacementFulfilled": 1,
	} {
		if got := len(h.heard(kind)); got != count {
			t.Errorf("%d %s events, want %d", got, kind, count)
		}
	}
	e := h.heardOne("MatchmakingSucceeded")
	if e.Version != "0" || e.Source != "aws.gamelift" || e.DetailType != "GameLift Matchmaking Event" || e.Account != "123456789012" ||
		e.Region != "us-west-2" || !slices.Equal(e.Resources, []string{"arn:aws:gamelift:us-west-2:123456789012:matchmakingconfiguration/duel"}) {
		t.Errorf("envelope %+v", e)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", e.Time); err != nil {
		t.Errorf("time %q: %v", e.Time, err)
	}
	if e.Detail["customEventData"] != "custom" || e.Detail["matchId"] == "" {
		t.Errorf("detail %s", e.Raw)
	}
	info := e.Detail["gameSessionInfo"].(map[string]any)
	if info["port"] != 7777.0 || info["ipAddress"] != "127.0.0.1" || len(info["players"].([]any)) != 2 {
		t.Errorf("gameSessionInfo %v", info)
	}
	ticket := e.Detail["tickets"].([]any)[0].(map[string]any)
	player := ticket["players"].([]any)[0].(map[string]any)
	if !strings.HasPrefix(player["playerSessionId"].(string), "psess-") || player["team"] == "" || player["accepted"] != nil {
		t.Errorf("player %v", player)
	}
	if first := h.heard("MatchmakingSearching")[0]; first.Detail["estimatedWaitMillis"] != "NOT_AVAILABLE" {
		t.Errorf("searching %s", first.Raw)
	}
	potential := h.heardOne("PotentialMatchCreated").Detail
	if potential["acceptanceTimeout"] != 20.0 || potential["acceptanceRequired"] != true || potential["ruleEvaluationMetrics"] == nil {
		t.Errorf("potential match %v", potential)
	}
	if d := h.heardOne("AcceptMatchCompleted").Detail; d["acceptance"] != "Accepted" {
		t.Errorf("completed %v", d)
	}
	placement := h.heardOne("PlacementFulfilled")
	if placement.DetailType != "GameLift Queue Placement Event" || placement.Detail["port"] != "7777" {
		t.Errorf("placement %s", placement.Raw)
	}
}

func TestAcceptance(t *testing.T) {
	propose := func(t *testing.T, test func(h *harness)) {
		t.Helper()
		inBubble(t, Options{}, func(h *harness) {
			h.makeMatchmaker("duel", duelRules, testSite{}, func(in *gamelift.CreateMatchmakingConfigurationInput) {
				withAcceptance(in)
				standalone(in)
			})
			h.queueUp("duel", "t1", 20, "ada")
			h.advance(time.Second)
			h.queueUp("duel", "t2", 20, "bob")
			h.wantStatus("t1", proposed)
			test(h)
		})
	}
	t.Run("a rejection cancels the ticket and returns the other", func(t *testing.T) {
		propose(t, func(h *harness) {
			must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada"))
			must(t, 0, h.accept("t2", types.AcceptanceTypeReject, "bob"))
			back := h.wantStatus("t1", searching)
			if *back.StatusReason != "AcceptanceFailed" || back.Players[0].Team != nil {
				t.Errorf("returned ticket: reason %s, team %v", *back.StatusReason, back.Players[0].Team)
			}
			h.wantStatus("t2", cancelled)
			if d := h.heardOne("AcceptMatchCompleted").Detail; d["acceptance"] != "Rejected" {
				t.Errorf("completed: %v", d)
			}
			if n := len(h.heard("MatchmakingCancelled")); n != 0 {
				t.Errorf("%d cancelled events for a rejection, want none", n)
			}
			if n := len(h.heard("MatchmakingSearching")); n != 3 {
				t.Errorf("%d searching events, want 3", n)
			}
		})
	})
	t.Run("silence cancels whoever was silent", func(t *testing.T) {
		propose(t, func(h *harness) {
			must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada"))
			h.advance(21 * time.Second)
			h.wantStatus("t1", searching)
			h.wantStatus("t2", cancelled)
			if d := h.heardOne("AcceptMatchCompleted").Detail; d["acceptance"] != "TimedOut" {
				t.Errorf("completed: %v", d)
			}
		})
	})
	t.Run("all accept and standalone completes at once", func(t *testing.T) {
		propose(t, func(h *harness) {
			must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada"))
			must(t, 0, h.accept("t2", types.AcceptanceTypeAccept, "bob"))
			if got := h.wantStatus("t1", completed); got.GameSessionConnectionInfo != nil || *got.Players[0].Team == "" {
				t.Errorf("standalone ticket %+v", got)
			}
			info := h.heardOne("MatchmakingSucceeded").Detail["gameSessionInfo"].(map[string]any)
			if info["ipAddress"] != nil || len(info["players"].([]any)) != 2 {
				t.Errorf("gameSessionInfo %v", info)
			}
		})
	})
	t.Run("stopping a proposed ticket frees the other", func(t *testing.T) {
		propose(t, func(h *harness) {
			_, err := h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: aws.String("t2")})
			must(t, 0, err)
			h.wantStatus("t2", cancelled)
			h.wantStatus("t1", searching)
			if d := h.heardOne("MatchmakingCancelled").Detail; d["message"] != "Cancelled by request." || d["reason"] != "Cancelled" {
				t.Errorf("cancelled: %v", d)
			}
		})
	})
	t.Run("a stranger cannot answer for the ticket", func(t *testing.T) {
		propose(t, func(h *harness) {
			refused[*types.InvalidRequestException](t, h.accept("t1", types.AcceptanceTypeAccept, "mallory"), "mallory")
			h.wantStatus("t1", proposed)
		})
	})
}

func TestTicketRefusals(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		start := func(edit func(*gamelift.StartMatchmakingInput)) error {
			in := startInput("duel", "fresh", 1, "zoe")
			edit(in)
			_, err := h.StartMatchmaking(h.ctx, in)
			return err
		}
		t.Run("a known ticket id", func(t *testing.T) {
			err := start(func(in *gamelift.StartMatchmakingInput) { in.TicketId = aws.String("t1") })
			refused[*types.InvalidRequestException](t, err, "exists already")
		})
		t.Run("an unknown configuration", func(t *testing.T) {
			err := start(func(in *gamelift.StartMatchmakingInput) { in.ConfigurationName = aws.String("nobody") })
			refused[*types.NotFoundException](t, err, "nobody")
		})
		t.Run("a player twice", func(t *testing.T) {
			err := start(func(in *gamelift.StartMatchmakingInput) { in.Players = append(in.Players, in.Players[0]) })
			refused[*types.InvalidRequestException](t, err, "twice")
		})
		t.Run("eleven players", func(t *testing.T) {
			err := start(func(in *gamelift.StartMatchmakingInput) {
				in.Players = startInput("", "", 1, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k").Players
			})
			refused[*types.InvalidRequestException](t, err, "1 to 10")
		})
		t.Run("an attribute with two values", func(t *testing.T) {
			err := start(func(in *gamelift.StartMatchmakingInput) {
				in.Players[0].PlayerAttributes["skill"] = types.AttributeValue{N: aws.Float64(1), S: aws.String("x")}
			})
			refused[*types.InvalidRequestException](t, err, "exactly one")
		})
		t.Run("an attribute of another type than declared", func(t *testing.T) {
			err := start(func(in *gamelift.StartMatchmakingInput) {
				in.Players[0].PlayerAttributes["skill"] = types.AttributeValue{S: aws.String("ten")}
			})
			refused[*types.InvalidRequestException](t, err, "skill")
		})
		t.Run("a refused ticket is not known afterwards", func(t *testing.T) {
			out, err := h.DescribeMatchmaking(h.ctx, &gamelift.DescribeMatchmakingInput{TicketIds: []string{"fresh"}})
			if must(t, out, err); len(out.TicketList) != 0 {
				t.Errorf("described %+v", out.TicketList)
			}
		})
		t.Run("answering without a proposal", func(t *testing.T) {
			refused[*types.InvalidRequestException](t, h.accept("t1", types.AcceptanceTypeAccept, "ada"), "SEARCHING")
		})
		t.Run("stopping twice", func(t *testing.T) {
			in := &gamelift.StopMatchmakingInput{TicketId: aws.String("t1")}
			_, err := h.StopMatchmaking(h.ctx, in)
			must(t, 0, err)
			_, err = h.StopMatchmaking(h.ctx, in)
			refused[*types.InvalidRequestException](t, err, "Matchmaking ticket is in CANCELLED status and cannot be canceled.")
		})
		t.Run("stopping an unknown ticket", func(t *testing.T) {
			_, err := h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: aws.String("nothing")})
			refused[*types.NotFoundException](t, err, "nothing")
		})
	})
}

func TestPlacingEndsTicketsAsThePlacementEnds(t *testing.T) {
	queue := func() *gamelift.CreateGameSessionQueueInput {
		return &gamelift.CreateGameSessionQueueInput{TimeoutInSeconds: aws.Int32(30)}
	}
	t.Run("a placing ticket cannot be stopped, and times out with the queue", func(t *testing.T) {
		inBubble(t, Options{}, func(h *harness) {
			site := h.makeSite(queue())
			h.makeMatchmaker("duel", duelRules, site, nil)
			h.queueUp("duel", "t1", 1, "ada")
			h.queueUp("duel", "t2", 1, "bob")
			h.wantStatus("t1", placing)
			_, err := h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: aws.String("t1")})
			refused[*types.InvalidRequestException](t, err, "Matchmaking ticket is in PLACING status and cannot be canceled.")
			h.advance(31 * time.Second)
			if got := h.wantStatus("t1", timedOut); *got.StatusMessage != "Removed from matchmaking due to timing out." {
				t.Errorf("message %s", *got.StatusMessage)
			}
			if n := len(h.heard("MatchmakingTimedOut")); n != 2 {
				t.Errorf("%d timed-out events, want one per ticket", n)
			}
			h.heardOne("PlacementTimedOut")
		})
	})
	t.Run("a process that dies before activation is followed by another", func(t *testing.T) {
		inBubble(t, Options{}, func(h *harness) {
			site := h.makeSite(&gamelift.CreateGameSessionQueueInput{TimeoutInSeconds: aws.Int32(600)})
			first := h.ready(site, "process-1")
			first.autoActivate = false
			h.makeMatchmaker("duel", duelRules, site, nil)
			h.queueUp("duel", "t1", 1, "ada")
			h.queueUp("duel", "t2", 1, "bob")
			h.wantStatus("t1", placing)
			if n := len(first.pushed("CreateGameSession")); n != 1 {
				t.Fatalf("%d pushes", n)
			}
			first.kill()
			h.ready(site, "process-2")
			h.advance(4 * time.Minute) // the time a lost process has to come back is over
			conn := h.wantStatus("t1", completed).GameSessionConnectionInfo
			if !strings.HasSuffix(*conn.GameSessionArn, "-2") {
				t.Errorf("session %s is not the second attempt's", *conn.GameSessionArn)
			}
			h.heardOne("MatchmakingSucceeded")
		})
	})
	t.Run("a deleted queue fails the match", func(t *testing.T) {
		inBubble(t, Options{}, func(h *harness) {
			site := h.makeSite(queue())
			h.makeMatchmaker("duel", duelRules, site, nil)
			h.queueUp("duel", "t1", 1, "ada")
			h.queueUp("duel", "t2", 1, "bob")
			_, err := h.DeleteGameSessionQueue(h.ctx, &gamelift.DeleteGameSessionQueueInput{Name: aws.String("q")})
			must(t, 0, err)
			h.wantStatus("t1", failed)
			if d := h.heardOne("MatchmakingFailed").Detail; d["reason"] != "UNEXPECTED_ERROR" || len(d["tickets"].([]any)) != 2 {
				t.Errorf("failed: %v", d)
			}
			h.heardOne("PlacementFailed")
		})
	})
}

func TestATicketTimesOutAfterItsRequestTimeout(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		h.advance(59 * time.Second)
		h.wantStatus("t1", searching)
		h.advance(2 * time.Second)
		got := h.wantStatus("t1", timedOut)
		if wait := got.EndTime.Sub(*got.StartTime); wait != 60*time.Second {
			t.Errorf("ended after %v", wait)
		}
		if d := h.heardOne("MatchmakingTimedOut").Detail; d["reason"] != "TimedOut" || d["ruleEvaluationMetrics"] == nil {
			t.Errorf("timed out: %v", d)
		}
	})
}

func TestANewRequestCancelsThePlayersEarlierOne(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.makeMatchmaker("other", brawlRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		h.queueUp("other", "t2", 1, "ada")
		h.wantStatus("t1", cancelled)
		h.wantStatus("t2", searching)
		h.heardOne("MatchmakingCancelled")
	})
}

func TestUpdatingAConfigurationAppliesToWaitingTickets(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			standalone(in)
			withAcceptance(in)
		})
		h.queueUp("duel", "far-1", 0, "ada")
		h.queueUp("duel", "far-2", 100, "bob") // too far from ada
		h.queueUp("duel", "near", 101, "cyd")  // proposed with bob
		h.wantStatus("far-1", searching)
		h.wantStatus("near", proposed)
		_, err := h.CreateMatchmakingRuleSet(h.ctx, &gamelift.CreateMatchmakingRuleSetInput{
			Name: aws.String("loose"), RuleSetBody: aws.String(strings.Replace(duelRules, `"maxDistance": 10`, `"maxDistance": 1000`, 1)),
		})
		must(t, 0, err)
		_, err = h.UpdateMatchmakingConfiguration(h.ctx, &gamelift.UpdateMatchmakingConfigurationInput{
			Name: aws.String("duel"), RuleSetName: aws.String("loose"), AcceptanceRequired: aws.Bool(false),
		})
		must(t, 0, err)
		before := len(h.heard("MatchmakingSearching"))
		must(t, 0, h.accept("far-2", types.AcceptanceTypeAccept, "bob")) // the proposal lives under the old settings
		must(t, 0, h.accept("near", types.AcceptanceTypeReject, "cyd"))
		// bob returns to searching, moves to the new settings, and fits ada now
		h.advance(time.Second)
		h.wantStatus("far-1", completed)
		h.wantStatus("far-2", completed)
		h.wantStatus("near", cancelled)
		if now := len(h.heard("MatchmakingSearching")); now != before+1 {
			t.Errorf("%d searching events after the update, want 1 for the returned ticket", now-before)
		}
	})
}

func TestDeletingAConfigurationCancelsItsTickets(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		_, err := h.DeleteMatchmakingConfiguration(h.ctx, &gamelift.DeleteMatchmakingConfigurationInput{Name: aws.String("duel")})
		must(t, 0, err)
		h.advance(time.Second)
		h.wantStatus("t1", cancelled)
		_, err = h.StartMatchmaking(h.ctx, startInput("duel", "t2", 1, "bob"))
		refused[*types.NotFoundException](t, err, "duel")
	})
}

func TestStoppingTheServiceEndsWhatLives(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		h.makeMatchmaker("duel", duelRules, site, nil)
		h.queueUp("duel", "waits", 1000, "eve")
		h.queueUp("duel", "t1", 1, "ada")
		h.queueUp("duel", "t2", 1, "bob")
		h.wantStatus("t1", placing) // no server is there
		server := h.ready(site, "process-1")
		h.advance(time.Second)
		h.wantStatus("t1", completed)
		h.queueUp("duel", "t3", 1, "kim")
		h.queueUp("duel", "t4", 1, "lee") // placing: the server is busy
		h.stop()
		h.heardOne("MatchmakingCancelled") // eve
		h.heardOne("MatchmakingFailed")    // kim and lee
		if n := len(server.pushed("TerminateProcess")); n != 1 {
			t.Errorf("%d TerminateProcess pushes, want 1", n)
		}
		_, err := h.StartMatchmaking(h.ctx, startInput("duel", "late", 1, "zed"))
		if err == nil || !strings.Contains(err.Error(), "ServiceUnavailable") {
			t.Errorf("a call after the end: %v", err)
		}
	})
}

func TestTooManyTicketsAreThrottled(t *testing.T) {
	inBubble(t, Options{MaxTickets: 2}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		h.queueUp("duel", "t2", 100, "bob")
		_, err := h.StartMatchmaking(h.ctx, startInput("duel", "t3", 1000, "cyd"))
		if err == nil || !strings.Contains(err.Error(), "ThrottlingException") {
			t.Fatalf("a third live ticket: %v", err)
		}
		_, err = h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: aws.String("t1")})
		must(t, 0, err)
		h.queueUp("duel", "t3", 1000, "cyd") // takes the place of the finished one
		out, err := h.DescribeMatchmaking(h.ctx, &gamelift.DescribeMatchmakingInput{TicketIds: []string{"t1", "t2", "t3"}})
		if must(t, out, err); len(out.TicketList) != 2 {
			t.Errorf("%d tickets known, want 2", len(out.TicketList))
		}
	})
}

func TestAQueueDelayKeepsTicketsQueued(t *testing.T) {
	inBubble(t, Options{QueueDelay: 5 * time.Second}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		h.advance(2 * time.Second)
		h.queueUp("duel", "t2", 1, "bob")
		h.queueUp("duel", "gone", 1, "cyd")
		_, err := h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: aws.String("gone")})
		must(t, 0, err)
		h.wantStatus("gone", cancelled)
		h.wantStatus("t1", queued)
		h.advance(4 * time.Second)
		h.wantStatus("t1", searching)
		h.wantStatus("t2", queued)
		h.advance(2 * time.Second)
		h.wantStatus("t1", completed)
		if got := h.wantStatus("t2", completed); got.EndTime.Sub(*got.StartTime) != 5*time.Second {
			t.Errorf("t2 waited %v", got.EndTime.Sub(*got.StartTime))
		}
		h.queueUp("duel", "late", 1, "eve")
		h.stop()
		if n := len(h.heard("MatchmakingCancelled")); n != 2 {
			t.Errorf("%d cancelled events, want 2", n)
		}
	})
}
