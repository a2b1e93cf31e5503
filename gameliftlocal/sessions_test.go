package gameliftlocal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
	"github.com/aws/smithy-go"
)

func (h *harness) createSession(site testSite, edit func(*gamelift.CreateGameSessionInput)) (types.GameSession, error) {
	in := &gamelift.CreateGameSessionInput{
		FleetId: &site.fleetID, Location: aws.String(testLocation), MaximumPlayerSessionCount: aws.Int32(2),
	}
	if edit != nil {
		edit(in)
	}
	out, err := h.CreateGameSession(h.ctx, in)
	if err != nil {
		return types.GameSession{}, err
	}
	return *out.GameSession, nil
}

func (h *harness) activeSession(site testSite, edit func(*gamelift.CreateGameSessionInput)) types.GameSession {
	h.t.Helper()
	made, err := h.createSession(site, edit)
	must(h.t, 0, err)
	h.advance(time.Second)
	return h.session(*made.GameSessionId)
}

func TestAGameSessionLivesAndEnds(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		server := h.ready(site, "process-1")
		if n := h.service.IdleProcesses(site.fleetID, testLocation); n != 1 {
			t.Fatalf("%d idle processes, want 1", n)
		}
		made, err := h.createSession(site, func(in *gamelift.CreateGameSessionInput) {
			in.Name, in.GameSessionData, in.IdempotencyToken = aws.String("room"), aws.String("data"), aws.String("once")
			in.GameProperties = []types.GameProperty{{Key: aws.String("map"), Value: aws.String("pit")}}
		})
		must(t, 0, err)
		want := "arn:aws:gamelift:us-west-2::gamesession/" + site.fleetID + "/custom-home/once"
		if *made.GameSessionId != want || made.Status != types.GameSessionStatusActivating || *made.Port != 7777 {
			t.Errorf("new session %s is %s on port %d", *made.GameSessionId, made.Status, *made.Port)
		}
		h.advance(time.Second)
		if got := h.session(want); got.Status != types.GameSessionStatusActive || *got.ComputeName != testCompute {
			t.Errorf("session %+v", got)
		}
		if n := h.service.IdleProcesses(site.fleetID, ""); n != 0 {
			t.Errorf("%d idle processes, want 0", n)
		}
		seats, err := h.CreatePlayerSessions(h.ctx, &gamelift.CreatePlayerSessionsInput{
			GameSessionId: &want, PlayerIds: []string{"ada", "bob"}, PlayerDataMap: map[string]string{"ada": "hello", "eve": "ignored"},
		})
		must(t, 0, err)
		if p := seats.PlayerSessions[0]; p.Status != types.PlayerSessionStatusReserved || *p.PlayerData != "hello" || *p.FleetArn != site.fleetARN {
			t.Errorf("seat %+v", p)
		}
		_, err = h.CreatePlayerSession(h.ctx, &gamelift.CreatePlayerSessionInput{GameSessionId: &want, PlayerId: aws.String("cyd")})
		refused[*types.GameSessionFullException](t, err, "2 of 2")
		details, err := h.GetPlayerConnectionDetails(h.ctx, &gamelift.GetPlayerConnectionDetailsInput{GameSessionId: &want, PlayerIds: []string{"bob"}})
		if must(t, 0, err); *details.PlayerConnectionDetails[0].Endpoints[0].Port != 7777 {
			t.Errorf("details %+v", details)
		}
		h.advance(61 * time.Second) // nobody came
		players, err := h.DescribePlayerSessions(h.ctx, &gamelift.DescribePlayerSessionsInput{
			GameSessionId: &want, PlayerSessionStatusFilter: aws.String("TIMEDOUT"),
		})
		if must(t, 0, err); len(players.PlayerSessions) != 2 || *h.session(want).CurrentPlayerSessionCount != 0 {
			t.Errorf("%d seats timed out", len(players.PlayerSessions))
		}
		endSession(t, h, server, want)
	})
}

func endSession(t *testing.T, h *harness, server *gameServer, arn string) {
	t.Helper()
	_, err := h.TerminateGameSession(h.ctx, &gamelift.TerminateGameSessionInput{GameSessionId: &arn, TerminationMode: types.TerminationModeForceTerminate})
	refused[*types.InvalidRequestException](t, err, "FORCE_TERMINATE")
	out, err := h.TerminateGameSession(h.ctx, &gamelift.TerminateGameSessionInput{
		GameSessionId: &arn, TerminationMode: types.TerminationModeTriggerOnProcessTerminate,
	})
	if must(t, 0, err); out.GameSession.Status != types.GameSessionStatusTerminating {
		t.Errorf("status %s", out.GameSession.Status)
	}
	if n := len(server.pushed("TerminateProcess")); n != 1 {
		t.Errorf("%d TerminateProcess pushes", n)
	}
	server.call("TerminateServerProcess", nil)
	got := h.session(arn)
	if got.Status != types.GameSessionStatusTerminated || got.StatusReason != types.GameSessionStatusReasonTriggeredOnProcessTerminate || got.TerminationTime == nil {
		t.Errorf("ended session %+v", got)
	}
	_, err = h.UpdateGameSession(h.ctx, &gamelift.UpdateGameSessionInput{GameSessionId: &arn, Name: aws.String("late")})
	refused[*types.InvalidGameSessionStatusException](t, err, "TERMINATED")
}

func TestGameSessionRefusals(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		create := func(edit func(*gamelift.CreateGameSessionInput)) error {
			_, err := h.createSession(site, edit)
			return err
		}
		t.Run("no idle process", func(t *testing.T) {
			refused[*types.FleetCapacityExceededException](t, create(nil), "No idle server process")
		})
		h.ready(site, "process-1")
		h.ready(site, "process-2")
		t.Run("fleet and alias", func(t *testing.T) {
			err := create(func(in *gamelift.CreateGameSessionInput) { in.AliasId = aws.String("alias-1") })
			refused[*types.InvalidRequestException](t, err, "Exactly one")
		})
		t.Run("an unknown fleet", func(t *testing.T) {
			err := create(func(in *gamelift.CreateGameSessionInput) { in.FleetId = aws.String("fleet-none") })
			refused[*types.NotFoundException](t, err, "fleet-none")
		})
		t.Run("a location of another fleet", func(t *testing.T) {
			err := create(func(in *gamelift.CreateGameSessionInput) { in.Location = aws.String("custom-away") })
			refused[*types.InvalidRequestException](t, err, "custom-away")
		})
		t.Run("an idempotency token gives the same session, or a mismatch", func(t *testing.T) {
			once := func(in *gamelift.CreateGameSessionInput) { in.IdempotencyToken = aws.String("once") }
			first, err := h.createSession(site, once)
			must(t, 0, err)
			again, err := h.createSession(site, once)
			if must(t, 0, err); *first.GameSessionId != *again.GameSessionId {
				t.Errorf("%s and %s", *first.GameSessionId, *again.GameSessionId)
			}
			err = create(func(in *gamelift.CreateGameSessionInput) {
				in.IdempotencyToken, in.Name = aws.String("once"), aws.String("other")
			})
			refused[*types.IdempotentParameterMismatchException](t, err, "other parameters")
		})
		t.Run("a terminal alias says its message", func(t *testing.T) {
			alias, err := h.CreateAlias(h.ctx, &gamelift.CreateAliasInput{
				Name: aws.String("closed"), RoutingStrategy: &types.RoutingStrategy{Type: types.RoutingStrategyTypeTerminal, Message: aws.String("we are closed")},
			})
			must(t, 0, err)
			err = create(func(in *gamelift.CreateGameSessionInput) { in.FleetId, in.AliasId = nil, alias.Alias.AliasId })
			refused[*types.TerminalRoutingStrategyException](t, err, "we are closed")
		})
	})
}

func TestSearchFindsSortsAndPages(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		for _, name := range []string{"beta", "alpha", "gamma"} {
			h.ready(site, "process-"+name)
			h.activeSession(site, func(in *gamelift.CreateGameSessionInput) {
				in.Name = &name
				in.GameProperties = []types.GameProperty{{Key: aws.String("map"), Value: aws.String("map of " + name)}}
			})
		}
		search := func(filter, sort string, limit int32) string {
			t.Helper()
			in := &gamelift.SearchGameSessionsInput{FleetId: &site.fleetID, Limit: &limit}
			if filter != "" {
				in.FilterExpression = &filter
			}
			if sort != "" {
				in.SortExpression = &sort
			}
			var names []string
			for pages := gamelift.NewSearchGameSessionsPaginator(h.Client, in); pages.HasMorePages(); {
				out, err := pages.NextPage(h.ctx)
				must(t, 0, err)
				for _, g := range out.GameSessions {
					names = append(names, *g.Name)
				}
			}
			return strings.Join(names, " ")
		}
		if got := search("", "", 2); got != "beta alpha gamma" {
			t.Errorf("all: %s", got)
		}
		if got := search("hasAvailablePlayerSessions=true AND gameSessionName <> 'beta'", "gameSessionName DESC", 1); got != "gamma alpha" {
			t.Errorf("filtered: %s", got)
		}
		if got := search(`gameSessionProperties.map = "map of alpha"`, "", 20); got != "alpha" {
			t.Errorf("by property: %s", got)
		}
		_, err := h.SearchGameSessions(h.ctx, &gamelift.SearchGameSessionsInput{FleetId: &site.fleetID, FilterExpression: aws.String("colour = 'red'")})
		refused[*types.InvalidRequestException](t, err, "colour")
	})
}

func TestDescribeGameSessionsPagesByFleetAndStatus(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		for _, id := range []string{"p1", "p2", "p3"} {
			server := h.ready(site, id)
			h.activeSession(site, nil)
			if id == "p1" {
				server.call("TerminateServerProcess", nil)
			}
		}
		count := func(status string) int {
			n := 0
			in := &gamelift.DescribeGameSessionDetailsInput{FleetId: &site.fleetID, Limit: aws.Int32(1)}
			if status != "" {
				in.StatusFilter = &status
			}
			for pages := gamelift.NewDescribeGameSessionDetailsPaginator(h.Client, in); pages.HasMorePages(); {
				out, err := pages.NextPage(h.ctx)
				must(t, 0, err)
				for _, d := range out.GameSessionDetails {
					if d.ProtectionPolicy != types.ProtectionPolicyNoProtection {
						t.Errorf("protection %s", d.ProtectionPolicy)
					}
				}
				n += len(out.GameSessionDetails)
			}
			return n
		}
		if all, active, ended := count(""), count("ACTIVE"), count("TERMINATED"); all != 3 || active != 2 || ended != 1 {
			t.Errorf("%d sessions, %d active, %d terminated", all, active, ended)
		}
		_, err := h.DescribeGameSessions(h.ctx, &gamelift.DescribeGameSessionsInput{FleetId: &site.fleetID, StatusFilter: aws.String("SLEEPING")})
		refused[*types.InvalidRequestException](t, err, "SLEEPING")
		_, err = h.DescribeGameSessions(h.ctx, &gamelift.DescribeGameSessionsInput{FleetId: &site.fleetID, NextToken: aws.String("bm90IG91cnM")})
		refused[*types.InvalidRequestException](t, err, "NextToken")
	})
}

func TestPlacements(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(&gamelift.CreateGameSessionQueueInput{TimeoutInSeconds: aws.Int32(30)})
		place := func(id string) (*gamelift.StartGameSessionPlacementOutput, error) {
			return h.StartGameSessionPlacement(h.ctx, &gamelift.StartGameSessionPlacementInput{
				PlacementId: &id, GameSessionQueueName: &site.queueARN, MaximumPlayerSessionCount: aws.Int32(4),
				DesiredPlayerSessions: []types.DesiredPlayerSession{{PlayerId: aws.String("ada")}},
			})
		}
		describe := func(id string) types.GameSessionPlacement {
			out, err := h.DescribeGameSessionPlacement(h.ctx, &gamelift.DescribeGameSessionPlacementInput{PlacementId: &id})
			return *must(t, out, err).GameSessionPlacement
		}
		for _, id := range []string{"times-out", "is-stopped"} {
			out, err := place(id)
			if must(t, 0, err); out.GameSessionPlacement.Status != types.GameSessionPlacementStatePending {
				t.Errorf("%s is %s", id, out.GameSessionPlacement.Status)
			}
		}
		_, err := h.StopGameSessionPlacement(h.ctx, &gamelift.StopGameSessionPlacementInput{PlacementId: aws.String("is-stopped")})
		must(t, 0, err)
		h.advance(31 * time.Second)
		h.heardOne("PlacementCancelled")
		h.heardOne("PlacementTimedOut")
		_, err = place("times-out")
		refused[*types.InvalidRequestException](t, err, "used once")
		_, err = place("waits")
		must(t, 0, err)
		h.ready(site, "process-1") // wakes the placement
		h.advance(time.Second)
		done := describe("waits")
		if done.Status != types.GameSessionPlacementStateFulfilled || *done.GameSessionRegion != "us-west-2" || len(done.PlacedPlayerSessions) != 1 {
			t.Errorf("placement %+v", done)
		}
		if e := h.heardOne("PlacementFulfilled"); e.Detail["gameSessionArn"] != *done.GameSessionArn {
			t.Errorf("event %s", e.Raw)
		}
		_, err = h.DescribeGameSessionPlacement(h.ctx, &gamelift.DescribeGameSessionPlacementInput{PlacementId: aws.String("never")})
		refused[*types.NotFoundException](t, err, "never")
	})
}

func TestGameServersAreLetInByTokenOnly(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		stranger := site
		stranger.token = "wrong"
		if _, err := h.connect(stranger, "p1"); err == nil || !strings.Contains(err.Error(), "status 403") {
			t.Errorf("a wrong token: %v", err)
		}
		h.ready(site, "p1")
		_, err := h.DeregisterCompute(h.ctx, &gamelift.DeregisterComputeInput{FleetId: &site.fleetID, ComputeName: aws.String(testCompute)})
		must(t, 0, err)
		if _, err := h.connect(site, "p2"); err == nil || !strings.Contains(err.Error(), "status 403") {
			t.Errorf("a compute that is gone: %v", err)
		}
	})
}

func TestCallersAreLetInBySignatureOnly(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		code := func(id, secret string) string {
			_, err := newClient(h.http, id, secret).ListFleets(h.ctx, &gamelift.ListFleetsInput{})
			var known smithy.APIError
			if errors.As(err, &known) {
				return known.ErrorCode()
			}
			return "no error"
		}
		for _, c := range []struct{ name, id, secret, want string }{
			{"the right key", "AKIDTEST", "secret", "no error"},
			{"a wrong secret", "AKIDTEST", "wrong", "InvalidSignatureException"},
			{"an unknown key", "AKIDNONE", "secret", "UnrecognizedClientException"},
		} {
			if got := code(c.id, c.secret); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
	})
}

func TestFleetEventsTellOfCrashes(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		h.ready(site, "process-1").kill()
		h.advance(4 * time.Minute)
		out, err := h.DescribeFleetEvents(h.ctx, &gamelift.DescribeFleetEventsInput{FleetId: &site.fleetID})
		must(t, 0, err)
		var codes []string
		for _, e := range out.Events {
			codes = append(codes, string(e.EventCode))
		}
		got := strings.Join(codes, " ")
		if !strings.Contains(got, "FLEET_CREATED") || !strings.Contains(got, "SERVER_PROCESS_CRASHED") {
			t.Errorf("events %s", got)
		}
		later, err := h.DescribeFleetEvents(h.ctx, &gamelift.DescribeFleetEventsInput{FleetId: &site.fleetID, StartTime: aws.Time(time.Now().Add(time.Hour))})
		if must(t, 0, err); len(later.Events) != 0 {
			t.Errorf("%d events of the future", len(later.Events))
		}
	})
}

func TestUtilizationCountsWhatIsHosted(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		h.ready(site, "process-1")
		h.ready(site, "process-2")
		session := h.activeSession(site, nil)
		_, err := h.CreatePlayerSession(h.ctx, &gamelift.CreatePlayerSessionInput{GameSessionId: session.GameSessionId, PlayerId: aws.String("ada")})
		must(t, 0, err)
		check := func(u types.FleetUtilization) {
			t.Helper()
			if *u.ActiveServerProcessCount != 2 || *u.ActiveGameSessionCount != 1 || *u.CurrentPlayerSessionCount != 1 || *u.MaximumPlayerSessionCount != 2 {
				t.Errorf("utilization %d %d %d %d", *u.ActiveServerProcessCount, *u.ActiveGameSessionCount, *u.CurrentPlayerSessionCount, *u.MaximumPlayerSessionCount)
			}
		}
		all, err := h.DescribeFleetUtilization(h.ctx, &gamelift.DescribeFleetUtilizationInput{})
		check(must(t, all, err).FleetUtilization[0])
		one, err := h.DescribeFleetLocationUtilization(h.ctx, &gamelift.DescribeFleetLocationUtilizationInput{FleetId: &site.fleetID, Location: aws.String(testLocation)})
		check(*must(t, one, err).FleetUtilization)
		_, err = h.DescribeFleetUtilization(h.ctx, &gamelift.DescribeFleetUtilizationInput{FleetIds: []string{"fleet-none"}})
		refused[*types.NotFoundException](t, err, "")
		_, err = h.DescribeFleetLocationUtilization(h.ctx, &gamelift.DescribeFleetLocationUtilizationInput{FleetId: &site.fleetID, Location: aws.String("custom-away")})
		refused[*types.NotFoundException](t, err, "custom-away")
	})
}
