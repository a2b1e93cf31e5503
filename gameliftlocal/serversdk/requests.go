package serversdk

import (
	"encoding/json"

	"muster/gameliftlocal/hosting"
)

// Request is one decoded request of a process: one of the types below. Their fields
// have the names of the wire.
type Request interface{ request() }

// ActivateServerProcess is ProcessReady.
type ActivateServerProcess struct {
	SdkVersion, SdkLanguage     string
	SdkToolName, SdkToolVersion string
	Port                        int
	LogPaths                    []string
}

// HeartbeatServerProcess is the health report, about every 60 s.
type HeartbeatServerProcess struct{ HealthStatus bool }

// ActivateGameSession says that the session of CreateGameSession takes players.
type ActivateGameSession struct{ GameSessionId hosting.SessionID }

// AcceptPlayerSession makes a reserved player session active.
type AcceptPlayerSession struct {
	GameSessionId   hosting.SessionID
	PlayerSessionId hosting.PlayerSessionID
}

// RemovePlayerSession ends a player session.
type RemovePlayerSession struct {
	GameSessionId   hosting.SessionID
	PlayerSessionId hosting.PlayerSessionID
}

// UpdatePlayerSessionCreationPolicy opens or closes the session to new players.
type UpdatePlayerSessionCreationPolicy struct {
	GameSessionId       hosting.SessionID
	PlayerSessionPolicy hosting.CreationPolicy
}

// DescribePlayerSessions lists player sessions by exactly one of the three ids.
type DescribePlayerSessions struct {
	GameSessionId             hosting.SessionID
	PlayerId                  string
	PlayerSessionId           hosting.PlayerSessionID
	PlayerSessionStatusFilter hosting.PlayerStatus
	NextToken                 string
	Limit                     int
}

// StartMatchBackfill asks the matchmaker for more players. Its response is a
// StartMatchBackfillResponse.
type StartMatchBackfill struct {
	GameSessionArn              hosting.SessionID
	MatchmakingConfigurationArn string
	TicketId                    string // empty: the service makes one
	Players                     []Player
}

// Player is a player in the session to be filled.
type Player struct {
	PlayerId         string
	Team             string
	LatencyInMs      map[string]int
	PlayerAttributes map[string]AttributeValue
}

// AttributeValue is a player attribute; the member that AttrType names is set.
type AttributeValue struct {
	AttrType string // STRING, DOUBLE, STRING_LIST, STRING_DOUBLE_MAP or NONE
	S        string
	N        float64
	SL       []string
	SDM      map[string]float64
}

// StopMatchBackfill cancels a backfill ticket.
type StopMatchBackfill struct {
	GameSessionArn              hosting.SessionID
	MatchmakingConfigurationArn string
	TicketId                    string
}

// GetComputeCertificate asks for the path of the compute's TLS certificate.
type GetComputeCertificate struct{}

// GetFleetRoleCredentials asks for credentials of the fleet's role.
type GetFleetRoleCredentials struct{ RoleArn, RoleSessionName string }

// TerminateServerProcess is ProcessEnding.
type TerminateServerProcess struct{}

func (*ActivateServerProcess) request()             {}
func (*HeartbeatServerProcess) request()            {}
func (*ActivateGameSession) request()               {}
func (*AcceptPlayerSession) request()               {}
func (*RemovePlayerSession) request()               {}
func (*UpdatePlayerSessionCreationPolicy) request() {}
func (*DescribePlayerSessions) request()            {}
func (*StartMatchBackfill) request()                {}
func (*StopMatchBackfill) request()                 {}
func (*GetComputeCertificate) request()             {}
func (*GetFleetRoleCredentials) request()           {}
func (*TerminateServerProcess) request()            {}

// newRequest gives an empty request of an action, or nil for an unknown action.
func newRequest(action string) Request {
	switch action {
	case "ActivateServerProcess":
		return &ActivateServerProcess{}
	case "HeartbeatServerProcess":
		return &HeartbeatServerProcess{}
	case "ActivateGameSession":
		return &ActivateGameSession{}
	case "AcceptPlayerSession":
		return &AcceptPlayerSession{}
	case "RemovePlayerSession":
		return &RemovePlayerSession{}
	case "UpdatePlayerSessionCreationPolicy":
		return &UpdatePlayerSessionCreationPolicy{}
	case "DescribePlayerSessions":
		return &DescribePlayerSessions{}
	case "StartMatchBackfill":
		return &StartMatchBackfill{}
	case "StopMatchBackfill":
		return &StopMatchBackfill{}
	case "GetComputeCertificate":
		return &GetComputeCertificate{}
	case "GetFleetRoleCredentials":
		return &GetFleetRoleCredentials{}
	case "TerminateServerProcess":
		return &TerminateServerProcess{}
	}
	return nil
}

// readOnly says that a request changes nothing, so that its answer need not be
// remembered.
func readOnly(r Request) bool {
	switch r.(type) {
	case *DescribePlayerSessions, *GetComputeCertificate, *GetFleetRoleCredentials:
		return true
	}
	return false
}

// Response is the part of a successful answer beside the envelope: nil, or one of the
// types below.
type Response interface{ response() }

// DescribePlayerSessionsResponse is a page of player sessions.
type DescribePlayerSessionsResponse struct {
	NextToken      *string // nil: the last page
	PlayerSessions []PlayerSession
}

// PlayerSession is a player session on the wire. Times are Unix milliseconds, unlike
// in Amazon's API; nil: unset.
type PlayerSession struct {
	PlayerId, PlayerSessionId, GameSessionId, FleetId string
	PlayerData, IpAddress                             string
	Port                                              int
	DnsName, Status                                   string
	CreationTime, TerminationTime                     *int64
}

// StartMatchBackfillResponse names the ticket.
type StartMatchBackfillResponse struct{ TicketId string }

// GetComputeCertificateResponse tells where the certificate is. Both may be empty.
type GetComputeCertificateResponse struct{ CertificatePath, ComputeName string }

// GetFleetRoleCredentialsResponse with an empty AccessKeyId tells the SDK that the
// fleet has no role, as on every Anywhere fleet. Expiration is Unix milliseconds.
type GetFleetRoleCredentialsResponse struct {
	AssumedRoleUserArn, AssumedRoleId          string
	AccessKeyId, SecretAccessKey, SessionToken string
	Expiration                                 int64
}

func (DescribePlayerSessionsResponse) response()  {}
func (StartMatchBackfillResponse) response()      {}
func (GetComputeCertificateResponse) response()   {}
func (GetFleetRoleCredentialsResponse) response() {}

// header is what every frame begins with.
type header struct {
	Action    string
	RequestId string
}

// maxRequestID bounds what is remembered; the SDKs send 32 or 36 characters.
const maxRequestID = 128

// decode reads a frame. The header is whatever could be read, also with an error,
// whose text is for the sender.
func decode(frame []byte) (header, Request, error) {
	var h header
	if err := json.Unmarshal(frame, &h); err != nil {
		return header{}, nil, &hosting.Error{Condition: hosting.Invalid, Message: "the frame is not a JSON object with Action and RequestId"}
	}
	if h.RequestId == "" || len(h.RequestId) > maxRequestID {
		return header{Action: known(h.Action)}, nil, &hosting.Error{Condition: hosting.Invalid, Message: "RequestId is missing or longer than 128 characters"}
	}
	r := newRequest(h.Action)
	if r == nil {
		return header{RequestId: h.RequestId}, nil, &hosting.Error{Condition: hosting.Invalid, Message: "the Action is not one that a server process may send"}
	}
	if err := json.Unmarshal(frame, r); err != nil {
		return h, nil, &hosting.Error{Condition: hosting.Invalid, Message: "a field of " + h.Action + " has the wrong type"}
	}
	return h, r, nil
}

// known gives the action back if there is one of this name.
func known(action string) string {
	if newRequest(action) == nil {
		return ""
	}
	return action
}
