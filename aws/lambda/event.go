package lambda

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"muster"
)

// kind is which of the authorizers an event is for.
type kind string

const (
	restToken   kind = "REST TOKEN"
	restRequest kind = "REST REQUEST"
	webSocket   kind = "WebSocket $connect"
	httpV1      kind = "HTTP API 1.0"
	httpV2      kind = "HTTP API 2.0"
	appSync     kind = "AppSync"
)

// event is what counts of the events of all kinds. Sources: API Gateway developer guide,
// "Input to a Lambda authorizer", of REST, HTTP and WebSocket APIs; AppSync developer guide,
// "AWS Lambda authorization". Maps that have nothing are absent, null or empty.
type event struct {
	kind kind
	api  apiARN // zero for AppSync

	Type               string              `json:"type"`
	Version            string              `json:"version"`
	MethodARN          string              `json:"methodArn"`
	RouteARN           string              `json:"routeArn"`
	AuthorizationToken string              `json:"authorizationToken"`
	IdentitySource     json.RawMessage     `json:"identitySource"` // a list in 2.0, a text in 1.0
	Headers            map[string]string   `json:"headers"`
	MultiHeaders       map[string][]string `json:"multiValueHeaders"`
	Query              map[string]string   `json:"queryStringParameters"`
	MultiQuery         map[string][]string `json:"multiValueQueryStringParameters"`
	RequestContext     *struct {
		APIID        string `json:"apiId"`
		EventType    string `json:"eventType"`    // of WebSocket APIs
		ConnectionID string `json:"connectionId"` // of WebSocket APIs
		Identity     struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"` // of all but 2.0 and AppSync
		HTTP struct {
			SourceIP string `json:"sourceIp"`
		} `json:"http"` // of 2.0
	} `json:"requestContext"`
}

// readEvent decodes an event and finds out its kind.
func readEvent(text []byte) (*event, error) {
	if len(text) > maxEvent {
		return nil, fmt.Errorf("the event has %d bytes, %d is the limit", len(text), maxEvent)
	}
	e := new(event)
	if err := json.Unmarshal(text, e); err != nil {
		return nil, fmt.Errorf("the event is not the JSON of an authorizer's: %w", withoutText(err))
	}
	var err error
	if e.kind, err = e.itsKind(); err != nil {
		return nil, err
	}
	if e.kind == appSync {
		return e, nil
	}
	if e.api, err = parseAPI(e.arn()); err != nil {
		return nil, err
	}
	return e, e.checkIdentitySource()
}

// withoutText is a decoder's error without what it read, which may be a token.
func withoutText(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%q is of another type", wrong.Field)
	}
	return errors.New("it does not parse")
}

// itsKind tells the kind by what only events of that kind have.
func (e *event) itsKind() (kind, error) {
	c := e.RequestContext
	switch {
	case e.Type == "TOKEN" && e.Version == "":
		return restToken, nil
	case e.Type == "REQUEST" && e.Version == "2.0":
		return httpV2, nil
	case e.Type == "REQUEST" && e.Version == "1.0":
		return httpV1, nil
	case e.Type == "REQUEST" && e.Version == "" && c != nil && (c.EventType != "" || c.ConnectionID != ""):
		if c.EventType != "" && c.EventType != "CONNECT" {
			return "", fmt.Errorf("the event is the %q of a WebSocket API: authorizers are asked at CONNECT alone", c.EventType)
		}
		return webSocket, nil
	case e.Type == "REQUEST" && e.Version == "":
		return restRequest, nil
	case e.Type == "" && e.arn() == "" && c != nil && c.APIID != "" && e.AuthorizationToken != "":
		return appSync, nil
	}
	return "", fmt.Errorf("the event is of no authorizer that is known: type %.20q, version %.20q; there are TOKEN and REQUEST of REST APIs, REQUEST of WebSocket APIs and of HTTP APIs (1.0 and 2.0), and AppSync", e.Type, e.Version)
}

func (e *event) arn() string {
	if e.MethodARN != "" {
		return e.MethodARN
	}
	return e.RouteARN
}

// checkIdentitySource refuses an HTTP API that keeps answers by something else than the
// token: another caller's answer would be given to whoever sends the same of that. Other
// kinds of event do not say what they keep answers by.
func (e *event) checkIdentitySource() error {
	var sources []string
	switch {
	case len(e.IdentitySource) == 0 || string(e.IdentitySource) == "null":
		return nil // answers are not kept
	case e.kind == httpV2:
		if err := json.Unmarshal(e.IdentitySource, &sources); err != nil {
			return errors.New("the event's identitySource is not a list")
		}
	default:
		var source string
		if err := json.Unmarshal(e.IdentitySource, &source); err != nil {
			return errors.New("the event's identitySource is not a text")
		}
		if source == "" {
			return nil
		}
		sources = []string{source}
		for part := range strings.SplitSeq(source, ",") {
			sources = append(sources, part)
		}
	}
	if shown := e.authorization(); len(sources) > 0 && (len(shown) == 0 || !slices.Contains(sources, shown[0])) {
		return errors.New("the authorizer's identity source must be the header Authorization")
	}
	return nil
}

// authorization is every value of the header Authorization that was sent.
func (e *event) authorization() []string {
	if e.kind == restToken {
		if e.AuthorizationToken == "" {
			return nil
		}
		return []string{e.AuthorizationToken}
	}
	var values []string
	for name, list := range e.MultiHeaders {
		if strings.EqualFold(name, "Authorization") {
			values = append(values, list...)
		}
	}
	if len(values) > 0 {
		return values
	}
	for name, value := range e.Headers { // the last of each name, or all with commas
		if strings.EqualFold(name, "Authorization") {
			values = append(values, value)
		}
	}
	return values
}

// client is where the call came from, as API Gateway says. AppSync and TOKEN authorizers are
// not told.
func (e *event) client() muster.Client {
	client := muster.Client{UserAgent: e.first("User-Agent"), Device: e.first("Muster-Device")}
	if c := e.RequestContext; c != nil {
		address, err := netip.ParseAddr(cmp.Or(c.HTTP.SourceIP, c.Identity.SourceIP))
		if err == nil {
			client.Address = address.Unmap().WithZone("")
		}
	}
	return client
}

// first is the value of a header, or one of them; empty: it was not sent.
func (e *event) first(header string) string {
	for name, value := range e.Headers {
		if strings.EqualFold(name, header) {
			return value
		}
	}
	return ""
}

// ticket is the ticket for the realtime socket; shown is whether there is any. Two are none.
func (e *event) ticket() (ticket string, shown bool) {
	if values := e.MultiQuery["ticket"]; len(values) > 1 {
		return "", true
	}
	ticket, shown = e.Query["ticket"]
	if values := e.MultiQuery["ticket"]; !shown && len(values) == 1 {
		return values[0], true
	}
	return ticket, shown
}

// apiARN is a stage of an API, as "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE".
type apiARN string

// parseAPI takes the stage off the ARN of a method or a route.
func parseAPI(arn string) (apiARN, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "execute-api" {
		return "", errors.New("the event names no method or route of API Gateway")
	}
	path := strings.SplitN(parts[5], "/", 3)
	if len(path) < 3 || path[0] == "" || path[1] == "" || strings.ContainsAny(path[0]+path[1], "*?") {
		return "", errors.New("the event's ARN does not name an API, a stage and a method or a route")
	}
	return apiARN(strings.Join(parts[:5], ":") + ":" + path[0] + "/" + path[1]), nil
}

// everything is the resource of all that the stage has.
func (a apiARN) everything() string { return string(a) + "/*" }
