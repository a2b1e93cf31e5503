package serversdk

import (
	"encoding/json"
	"errors"
	"time"

	"muster/gameliftlocal/hosting"
)

// The status codes of answers. Any but 200 is an error to the SDKs; which one decides
// the error type that they report.
const (
	statusOK         = 200
	statusBadRequest = 400
	statusForbidden  = 403
	statusNotFound   = 404
	statusConflict   = 409
	statusTooMany    = 429
	statusInternal   = 500
)

// statusOf is the status code of each condition.
var statusOf = map[hosting.Condition]int{
	hosting.NotFound:            statusNotFound,
	hosting.Invalid:             statusBadRequest,
	hosting.Conflict:            statusConflict,
	hosting.NotReady:            statusBadRequest,
	hosting.Forbidden:           statusForbidden,
	hosting.FleetStatus:         statusBadRequest,
	hosting.NoCapacity:          statusBadRequest,
	hosting.WrongStatus:         statusBadRequest,
	hosting.SessionFull:         statusBadRequest,
	hosting.IdempotencyMismatch: statusConflict,
	hosting.LimitExceeded:       statusTooMany,
}

// statusAndText is what a client may know of an error. An error that is not a
// *hosting.Error is internal and its text stays here.
func statusAndText(err error) (status int, text string) {
	var known *hosting.Error
	if !errors.As(err, &known) {
		return statusInternal, "internal error"
	}
	return statusOf[known.Condition], known.Message
}

// answer is the envelope of a response.
type answer struct {
	Action       string
	RequestId    string
	StatusCode   int
	ErrorMessage string `json:",omitempty"`
}

// encodeAnswer builds the frame that answers a request. Action is echoed: the C++ and
// C# SDKs choose their parser by it.
func encodeAnswer(h header, response Response, err error) []byte {
	a := answer{Action: h.Action, RequestId: h.RequestId, StatusCode: statusOK}
	if err != nil {
		a.StatusCode, a.ErrorMessage = statusAndText(err)
		return encode(a)
	}
	frame := encode(a)
	if response == nil {
		return frame
	}
	fields := encode(response)
	if len(fields) <= len("{}") {
		return frame
	}
	frame[len(frame)-1] = ','
	return append(frame, fields[1:]...)
}

// encode is json.Marshal of types that cannot fail.
func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic("serversdk: encode a message: " + err.Error())
	}
	return out
}

// createGameSession names the session's name and properties unlike everything else.
type createGameSession struct {
	Action                    string
	GameSessionId             hosting.SessionID
	GameSessionName           string
	GameSessionData           string
	MatchmakerData            string
	MaximumPlayerSessionCount int
	IpAddress                 string
	Port                      int
	DnsName                   string
	GameProperties            map[string]string
}

type updateGameSession struct {
	Action           string
	GameSession      gameSession
	UpdateReason     hosting.UpdateReason
	BackfillTicketId string
}

type gameSession struct {
	GameSessionId             hosting.SessionID
	Name                      string
	FleetId                   hosting.FleetID
	Location                  string
	MaximumPlayerSessionCount int
	Port                      int
	IpAddress                 string
	DnsName                   string
	GameSessionData           string
	MatchmakerData            string
	GameProperties            map[string]string
	Status                    hosting.SessionStatus
	StatusReason              string
}

type terminateProcess struct {
	Action          string
	TerminationTime int64 // Unix milliseconds
}

type refreshConnection struct {
	Action                    string
	RefreshConnectionEndpoint string
	AuthToken                 string
}

// encodePush builds the frame of a message that the service sends by itself. It never
// has a RequestId: the SDKs would take it for an answer and drop it.
func encodePush(m hosting.Message, endpoint string) []byte {
	switch m := m.(type) {
	case hosting.CreateGameSession:
		s := m.Session
		return encode(createGameSession{
			Action: "CreateGameSession", GameSessionId: s.ID, GameSessionName: s.Name, GameSessionData: s.Data,
			MatchmakerData: s.MatchmakerData, MaximumPlayerSessionCount: s.MaxPlayers,
			IpAddress: s.IPAddress, Port: s.Port, DnsName: s.DNSName, GameProperties: properties(s),
		})
	case hosting.UpdateGameSession:
		s := m.Session
		return encode(updateGameSession{
			Action: "UpdateGameSession", UpdateReason: m.Reason, BackfillTicketId: m.BackfillTicketID,
			GameSession: gameSession{
				GameSessionId: s.ID, Name: s.Name, FleetId: s.Fleet, Location: s.Location,
				MaximumPlayerSessionCount: s.MaxPlayers, Port: s.Port, IpAddress: s.IPAddress, DnsName: s.DNSName,
				GameSessionData: s.Data, MatchmakerData: s.MatchmakerData, GameProperties: properties(s),
				Status: s.Status, StatusReason: s.StatusReason,
			},
		})
	case hosting.TerminateProcess:
		return encode(terminateProcess{Action: "TerminateProcess", TerminationTime: m.TerminationAt.UnixMilli()})
	case hosting.RefreshConnection:
		return encode(refreshConnection{
			Action: "RefreshConnection", RefreshConnectionEndpoint: endpoint, AuthToken: m.AuthToken,
		})
	default:
		panic("serversdk: unknown message")
	}
}

func properties(s hosting.Session) map[string]string {
	out := make(map[string]string, len(s.Properties))
	for _, p := range s.Properties {
		out[p.Key] = p.Value
	}
	return out
}

func playerSession(p hosting.PlayerSession) PlayerSession {
	return PlayerSession{
		PlayerId: p.PlayerID, PlayerSessionId: string(p.ID), GameSessionId: string(p.Session), FleetId: string(p.Fleet),
		PlayerData: p.Data, IpAddress: p.IPAddress, Port: p.Port, DnsName: p.DNSName, Status: string(p.Status),
		CreationTime: milliseconds(p.CreatedAt), TerminationTime: milliseconds(p.EndedAt),
	}
}

func milliseconds(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	return new(at.UnixMilli())
}
