package httpapi

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

// The names of the security schemes in the document.
const (
	playerSecurity = "player"
	serverSecurity = "gameServer"
	adminSecurity  = "operator"
)

// What the examples are made of.
const (
	examplePlayer   muster.PlayerID  = "0199c0de-0000-7000-8000-000000000001"
	exampleRival    muster.PlayerID  = "0199c0de-0000-7000-8000-000000000002"
	exampleTicketID muster.TicketID  = "0199c0de-0000-7000-8000-000000000f01"
	exampleMode     muster.ModeName  = "duel"
	exampleSession  muster.SessionID = "arn:aws:gamelift:us-west-2::gamesession/fleet-2222bbbb-33cc-44dd-55ee-6666ffff77aa/custom-home/gsess-1111aaaa"
	exampleLocation                  = "custom-home"
)

// descriptions say of the views' members what their names cannot, keyed by schema and
// member.
var descriptions = map[string]string{
	"TicketView.version":                "Grows with every change; for the poll's after",
	"TicketView.seat":                   "Only in status completed, and only the caller's own",
	"TicketView.reason":                 "Why the ticket ended without a seat",
	"TicketView.estimatedWaitSeconds":   "Absent: unknown",
	"MatchView.acceptBy":                "Answer before this instant",
	"MatchView.you":                     "What the caller answered",
	"SeatView.role":                     "Absent: to play",
	"SessionView.players":               "Only for those who are in it",
	"SessionView.code":                  "Only for those who are in it",
	"SessionPlacementView.code":         "Whoever has it can join",
	"SessionPlacementView.version":      "Grows with every change; for the poll's after",
	"SessionPlacementView.seat":         "Only in status fulfilled, and only the caller's own",
	"SessionPage.next":                  "The after of the following page; absent at the end",
	"RosterPlayerView.left":             "They were in it and are no longer",
	"ModeView.kind":                     "matchmaking and standalone take tickets; in queue sessions are created and joined",
	"SeatView.playerSessionId":          "To be shown to the game server",
	"SeatView.joinToken":                "A JWT that proves to the game server who is coming",
	"SeatView.ipAddress":                "Where the game server listens, with port",
	"RatingView.skill":                  "The number that matchmaking uses; 1500 at the start",
	"RatingView.mu":                     "Mean of the rating",
	"RatingView.sigma":                  "Uncertainty of the rating",
	"RatingView.season":                 "Absent: before the first, or the mode has none",
	"RatingView.volatility":             "How erratic the player is, in systems that keep track of it",
	"RatingView.placement":              "The rating is hidden until these matches are played: skill, mu, sigma and volatility are absent",
	"ModeView.season":                   "The season that it is now; absent: none",
	"SeasonView.endsAt":                 "When the next one starts; absent: not planned",
	"ResultReport.teams":                "The teams, each with its players; in a free for all, send players instead",
	"ResultReport.players":              "The players of a free for all, each with a rank",
	"ResultTeam.rank":                   "1 is best; equal ranks are a draw. A team that played alone has won with 1 and lost with 2",
	"ResultPlace.rank":                  "1 is best; equal ranks are a draw",
	"ResultPlayer.left":                 "Went before the end",
	"ResultPlayer.playedFraction":       "The part of the match that the player took part in, 0 to 1; absent: all of it",
	"ResultPlayer.stats":                "Up to 16 numbers by name, for the player's history",
	"PlayerResultRow.unrated":           "The rating stays as it is, and both skills are 0",
	"MatchHistoryView.skillBefore":      "Absent: hidden, or the match was unrated",
	"MatchHistoryView.skillAfter":       "Absent: hidden, or the match was unrated",
	"MatchHistoryView.hidden":           "The player began it in their placement games: skillBefore is absent, and skillAfter too but in the last of them",
	"MatchHistoryView.unrated":          "The match did not count for the player's rating",
	"MatchHistoryView.voided":           "An operator has voided the result; it counts for nobody",
	"MatchHistoryView.teams":            "The scoreboard, best first. In a match of more than 12 players it names only this one, and at most 12 teams",
	"AdminResultView.recounted":         "The ratings follow the last verdict; until then recount says how far that is",
	"RecountView.since":                 "Results from here on are counted again",
	"RecountView.results":               "Results looked at so far",
	"RecountView.corrected":             "Ratings changed so far",
	"ResultView.repeated":               "The same result was known already",
	"MatchHistoryPage.next":             "The before of the following page; absent at the end",
	"ModeView.choices":                  "Preferences that a ticket may state, with the values allowed",
	"ModeView.acceptanceTimeoutSeconds": "How long players have to accept a match",
	"Grant.expiresInSeconds":            "How long the access token works",
	"Grant.guest":                       "The secret only when the guest is new",
	"ExplanationView.message":           "One line to show to the player",
	"ExplanationView.asOf":              "When the tickets that wait were listed; a list serves some seconds",
	"ExplanationView.possible":          "Nothing stands in the way: a match is about to be made",
	"ExplanationView.obstacles":         "Not empty: no match can be found, now or later",
	"ExplanationView.neededPlayers":     "More players for the smallest match",
	"ExplanationView.compatiblePlayers": "Players who wait and could be in a match with this ticket",
	"ExplanationView.rules":             "What keeps waiting tickets away, most first",
	"ExplanationView.nextStepInSeconds": "When the rules relax next",
	"ExplanationView.reachInSeconds":    "When relaxed rules let a waiting ticket in",
	"ExplanationRule.limit":             "What the rule allows; absent where that is no matter of degree",
	"PartyView.state":                   "queued: its ticket is under way; playing: a member is still in the session of its latest match; idle: neither",
	"PartyView.code":                    "Lets others join while open is true",
	"PartyView.ticketId":                "Absent in state idle",
	"PartyView.members":                 "In the order in which they came: who has been there longest leads next",
	"PartyInviteView.declined":          "The player refused, and cannot be asked again until the invite expires",
	"PartyMemberView.displayName":       "As it was when the member joined or last said that they are ready",
	"PartyRulesView.rating":             "What each member of a party sends: their own skill, the party's average, or its highest",
	"PartyRulesView.requireReady":       "All but the leader must be ready before the leader starts",
	"ActivityView.kind":                 "Which of the two ids is set",
}

// finishDocument completes what huma collected and encodes it.
func finishDocument(api huma.API) []byte {
	doc := api.OpenAPI()
	doc.Info.Description = "The backend between a multiplayer game and Amazon GameLift. " +
		"Times are RFC 3339 in UTC; a refusal is application/problem+json with a stable code; unknown members are ignored. " +
		"Every answer has an X-Request-Id."
	doc.Tags = []*huma.Tag{
		{Name: "auth", Description: "Sign in, stay signed in, sign out"},
		{Name: "players", Description: "Accounts, ratings, history"},
		{Name: "play", Description: "Modes, tickets, the realtime socket"},
		{Name: "leaderboards", Description: "Who is best in a mode and season"},
		{Name: "parties", Description: "Players who queue together"},
		{Name: "sessions", Description: "Sessions that players make, find and join by themselves"},
		{Name: "server", Description: "For game servers"},
		{Name: "events", Description: "For Amazon's services"},
		{Name: "operate", Description: "For operators"},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		playerSecurity: {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A player's access token"},
		serverSecurity: {Type: "http", Scheme: "bearer", Description: "A game server's key: msk_..."},
		adminSecurity:  {Type: "http", Scheme: "bearer", Description: "An operator's key: mak_..."},
	}
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's own refusals never leave
	delete(schemas, "ErrorDetail")
	for place, text := range descriptions {
		schema, member, _ := strings.Cut(place, ".")
		if s := schemas[schema]; s != nil && s.Properties[member] != nil {
			s.Properties[member].Description = text
		}
	}
	for _, s := range schemas {
		for _, member := range s.Properties {
			listsAreLists(member)
		}
	}
	if activity := schemas["Myself"].Properties["activity"]; activity != nil {
		schemas["Myself"].Properties["activity"] = &huma.Schema{
			Description: activity.Description,
			AnyOf:       []*huma.Schema{{Ref: activity.Ref}, {Type: "null"}},
		}
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete} {
			if op != nil {
				shareBody(op.Responses)
			}
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic("httpapi: the OpenAPI document does not encode: " + err.Error()) // made of constants
	}
	return text
}

// listsAreLists forbids null where a list belongs: we never answer with it, nor take it.
func listsAreLists(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
		listsAreLists(s.Items)
	}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		listsAreLists(values)
	}
}

// shareBody gives every success of a route the body of the usual one.
func shareBody(responses map[string]*huma.Response) {
	var content map[string]*huma.MediaType
	for code, r := range responses {
		if code[0] == '2' && len(r.Content) > 0 {
			content = r.Content
		}
	}
	for code, r := range responses {
		if code[0] == '2' && len(r.Content) == 0 {
			r.Content = content
		}
	}
}

func exampleTime() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 500_000_000, time.UTC) }

func exampleMyself() myself {
	at := exampleTime()
	return myself{ID: examplePlayer, DisplayName: "Ada", Avatar: "owl", Locale: "pt-BR", CreatedAt: &at, Activity: &muster.ActivityView{Kind: "ticket", TicketID: exampleTicketID}}
}

func exampleSeat() muster.SeatView {
	at := exampleTime()
	return muster.SeatView{
		SessionID: exampleSession, Mode: exampleMode, Team: "red", IPAddress: "127.0.0.1", DNSName: "localhost", Port: 7777,
		PlayerSessionID: "psess-0a1b2c3d", JoinToken: "eyJhbGciOiJFZERTQSJ9.eyJzaWQiOiJhcm4ifQ.c2lnbmF0dXJl", JoinTokenExpiresAt: &at,
	}
}

func exampleTicket(status muster.TicketStatus) muster.TicketView {
	t := muster.TicketView{
		ID: exampleTicketID, Mode: exampleMode, Status: status, Version: 1,
		CreatedAt: exampleTime(), UpdatedAt: exampleTime(), Players: []muster.PlayerID{examplePlayer},
	}
	acceptBy := exampleTime().Add(30 * time.Second)
	switch status {
	case muster.RequiresAcceptance:
		t.Version = 3
		t.Match = &muster.MatchView{ID: "5a1e", AcceptanceRequired: true, AcceptBy: &acceptBy, PlayerCount: 2, AcceptedCount: 1, You: "accepted"}
	case muster.Completed:
		seat := exampleSeat()
		t.Version, t.Seat = 5, &seat
	case muster.Searching:
		t.Version, t.EstimatedWaitSeconds = 2, 12
	}
	return t
}

func exampleModeView() muster.ModeView {
	return muster.ModeView{
		Name: exampleMode, Title: "Duel", Description: "One against one", Acceptance: true, AcceptanceTimeoutSeconds: 20,
		Teams:   []muster.ModeTeam{{Name: "red", MinPlayers: 1, MaxPlayers: 1}, {Name: "blue", MinPlayers: 1, MaxPlayers: 1}},
		Choices: map[string][]string{"map": {"harbour", "canyon"}},
	}
}

func exampleTeams() []muster.ResultTeam {
	return []muster.ResultTeam{
		{Name: "red", Rank: 1, Score: 120, Players: []muster.ResultPlayer{{PlayerID: examplePlayer}}},
		{Name: "blue", Rank: 2, Score: 90, Players: []muster.ResultPlayer{{PlayerID: exampleRival, Left: true}}},
	}
}

func exampleResult() muster.ResultView {
	return muster.ResultView{SessionID: exampleSession, Players: []muster.PlayerResultRow{
		{PlayerID: examplePlayer, Outcome: muster.Win, SkillBefore: 1500, SkillAfter: 1532},
		{PlayerID: exampleRival, Outcome: muster.Loss, SkillBefore: 1500, SkillAfter: 1468},
	}}
}

func exampleHistory() muster.MatchHistoryPage {
	return muster.MatchHistoryPage{Matches: []muster.MatchHistoryView{{
		SessionID: exampleSession, Mode: exampleMode, EndedAt: exampleTime(), Team: "red", Outcome: muster.Win,
		SkillBefore: new(1500), SkillAfter: new(1532), Teams: exampleTeams(),
	}}}
}
