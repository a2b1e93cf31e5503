package gamelift

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster"
)

// Session describes one session; an unknown one is NotFound.
func (c *Client) Session(ctx context.Context, id muster.SessionID) (muster.SessionSnapshot, error) {
	out, err := call(ctx, c, c.api.DescribeGameSessions, &sdk.DescribeGameSessionsInput{GameSessionId: aws.String(string(id))})
	if err != nil {
		return muster.SessionSnapshot{}, err
	}
	if len(out.GameSessions) == 0 {
		return muster.SessionSnapshot{}, muster.Errorf(muster.NotFound, unknown.code, "GameLift does not know this session")
	}
	return sessionSnapshot(out.GameSessions[0]), nil
}

// EndSession tells the game server of a session to end it; where that cannot be asked for,
// or with force, GameLift stops the server. Source: GameLift API reference,
// TerminateGameSession; on an Anywhere fleet without GameLift's agent nothing can be forced.
func (c *Client) EndSession(ctx context.Context, id muster.SessionID, force bool) error {
	end := func(mode types.TerminationMode) error {
		in := &sdk.TerminateGameSessionInput{GameSessionId: aws.String(string(id)), TerminationMode: mode}
		_, err := call(ctx, c, c.api.TerminateGameSession, in)
		return err
	}
	if !force {
		err := end(types.TerminationModeTriggerOnProcessTerminate)
		if muster.KindOf(err) != muster.Invalid || err == nil {
			return err
		}
	}
	return end(types.TerminationModeForceTerminate)
}

func sessionSnapshot(s types.GameSession) muster.SessionSnapshot {
	snap := muster.SessionSnapshot{
		ID:        muster.SessionID(aws.ToString(s.GameSessionId)),
		Live:      s.Status == types.GameSessionStatusActivating || s.Status == types.GameSessionStatusActive,
		Ending:    s.Status == types.GameSessionStatusTerminating,
		IPAddress: aws.ToString(s.IpAddress), DNSName: aws.ToString(s.DnsName), Port: int(aws.ToInt32(s.Port)),
		CreatedAt: aws.ToTime(s.CreationTime).UTC(),
	}
	if data, ok := parseMatchmakerData(aws.ToString(s.MatchmakerData)); ok {
		snap.MatchID, snap.Configuration, snap.Teams = data.match, data.configuration, data.teams
	}
	return snap
}

// matchmakerData is what FlexMatch left in a session.
type matchmakerData struct {
	match         muster.MatchID
	configuration string
	teams         map[muster.PlayerID]string
}

// parseMatchmakerData reads a session's MatchmakerData; ok is false for a session that
// FlexMatch did not make, and for text in another form: such a session is described
// without a match, which is better than not at all. Source: Amazon's FlexMatch guide,
// "Work with matchmaker data".
func parseMatchmakerData(text string) (data matchmakerData, ok bool) {
	var doc struct {
		MatchID       string `json:"matchId"`
		Configuration string `json:"matchmakingConfigurationArn"`
		Teams         []struct {
			Name    string `json:"name"`
			Players []struct {
				ID string `json:"playerId"`
			} `json:"players"`
		} `json:"teams"`
	}
	if text == "" || json.Unmarshal([]byte(text), &doc) != nil || doc.MatchID == "" {
		return matchmakerData{}, false
	}
	data = matchmakerData{
		match: muster.MatchID(doc.MatchID), configuration: configurationName(doc.Configuration),
		teams: make(map[muster.PlayerID]string),
	}
	for _, team := range doc.Teams {
		for _, p := range team.Players {
			data.teams[muster.PlayerID(p.ID)] = team.Name
		}
	}
	return data, true
}

// configurationName is the name in a matchmaking configuration's ARN, or what was given
// if it is none.
func configurationName(arn string) string {
	if _, name, ok := strings.Cut(arn, ":matchmakingconfiguration/"); ok {
		return name
	}
	return arn
}

// Seat describes one seat; an unknown one is NotFound.
func (c *Client) Seat(ctx context.Context, id muster.SeatID) (muster.SeatState, error) {
	out, err := call(ctx, c, c.api.DescribePlayerSessions, &sdk.DescribePlayerSessionsInput{PlayerSessionId: aws.String(string(id))})
	if err != nil {
		return muster.SeatState{}, err
	}
	if len(out.PlayerSessions) == 0 {
		return muster.SeatState{}, muster.Errorf(muster.NotFound, unknown.code, "GameLift does not know this seat")
	}
	return seatState(out.PlayerSessions[0]), nil
}

func seatState(s types.PlayerSession) muster.SeatState {
	return muster.SeatState{
		Seat: muster.SeatID(aws.ToString(s.PlayerSessionId)), Player: muster.PlayerID(aws.ToString(s.PlayerId)),
		Session: muster.SessionID(aws.ToString(s.GameSessionId)),
		Data:    aws.ToString(s.PlayerData),
		Live:    s.Status == types.PlayerSessionStatusReserved || s.Status == types.PlayerSessionStatusActive,
	}
}
