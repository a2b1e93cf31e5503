package wire

import (
	"net/http"
	"strings"
)

// protocol is one of the two ways that clients of GameLift write requests. Since April
// 2026 the service model lists both; the AWS SDK for Go sends CBOR from service/gamelift
// v1.53, and the AWS CLI, boto3 and the SDK for JavaScript send JSON.
type protocol uint8

const (
	jsonProtocol protocol = iota // AWS JSON 1.1
	cborProtocol                 // Smithy RPC v2 CBOR
)

// parse reads a body into a tree of nil, bool, int64, float64, string, []byte, instant,
// []any and map[string]any. No body at all is an empty map. The root is always a map.
func (p protocol) parse(body []byte) (map[string]any, error) {
	switch {
	case len(body) == 0:
		return map[string]any{}, nil
	case p == cborProtocol:
		return parseCBOR(body)
	default:
		return parseJSON(body)
	}
}

// encode writes the struct out points to; nil is the empty answer. An error means that
// the handler returned what the protocol cannot express, such as not-a-number in JSON.
func (p protocol) encode(s *shape, out any) ([]byte, error) {
	tree, err := encodeStruct(s, out)
	if err != nil {
		return nil, err
	}
	return p.marshal(tree)
}

func (p protocol) marshal(tree map[string]any) ([]byte, error) {
	if p == cborProtocol {
		return appendCBOR(nil, tree), nil
	}
	return marshalJSON(tree)
}

// encodeError writes the body of an error. The modelled member is Message; generic
// clients read message.
func (p protocol) encodeError(e *Error) []byte {
	// Maps of strings can always be written.
	body, _ := p.marshal(map[string]any{"__type": e.Code, "Message": e.Message, "message": e.Message})
	return body
}

// setHeaders marks an answer. Clients that speak CBOR refuse an answer, errors included,
// without the protocol header.
func (p protocol) setHeaders(h http.Header) {
	if p == cborProtocol {
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
		h.Set("Content-Type", "application/cbor")
		return
	}
	h.Set("Content-Type", "application/x-amz-json-1.1")
}

// route is what a request asks for, before anything of it is verified.
type route struct {
	protocol  protocol
	operation string // as sent: may be unknown
}

const (
	serviceName  = "GameLift"
	whatThisIs   = "This is Muster's local Amazon GameLift service. It answers the AWS CLI and AWS SDKs: give them this address as endpoint URL."
	targetHeader = "X-Amz-Target"
)

// findRoute tells protocol and operation of a request. The path decides for CBOR (with
// any prefix before /service/), the header X-Amz-Target for JSON.
//
// A CBOR request must carry the smithy-protocol header, as the protocol demands. It
// matters here: a web page cannot send that header or X-Amz-Target to another origin, so
// no page can make a visitor's browser call a service on his own machine.
func findRoute(r *http.Request) (route, *Error) {
	if operation, ok := cborOperation(r.URL.Path); ok {
		to := route{cborProtocol, operation}
		switch {
		case r.Method != http.MethodPost:
			return to, wrongMethod(r)
		case r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor":
			return to, unknownOperation(to.protocol, "The header smithy-protocol must be rpc-v2-cbor on this path.")
		}
		return to, nil
	}
	if r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		to := route{protocol: cborProtocol}
		return to, unknownOperation(to.protocol, whatThisIs+" The path must end in /service/GameLift/operation/NAME.")
	}
	to := route{protocol: jsonProtocol}
	target := r.Header.Get(targetHeader)
	switch {
	case r.Method != http.MethodPost:
		return to, wrongMethod(r)
	case target == "":
		return to, unknownOperation(to.protocol, whatThisIs+" A request needs the header X-Amz-Target or the path /service/GameLift/operation/NAME.")
	}
	operation, ok := strings.CutPrefix(target, serviceName+".")
	if !ok {
		return to, unknownOperation(to.protocol, "The target "+quoteShort(target)+" is not an operation of Amazon GameLift.")
	}
	to.operation = operation
	return to, nil
}

// cborOperation finds the operation in a path that ends in
// /service/GameLift/operation/NAME.
func cborOperation(path string) (string, bool) {
	at := strings.LastIndex(path, "/service/"+serviceName+"/operation/")
	if at < 0 {
		return "", false
	}
	name := path[at+len("/service/"+serviceName+"/operation/"):]
	return name, name != "" && !strings.Contains(name, "/")
}

func wrongMethod(r *http.Request) *Error {
	return &Error{
		Code:    "UnknownOperationException",
		Message: whatThisIs + " It takes POST requests only, not " + quoteShort(r.Method) + ".",
		status:  http.StatusMethodNotAllowed,
	}
}
