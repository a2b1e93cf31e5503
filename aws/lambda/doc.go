// Package lambda reads what AWS services hand to a Lambda function.
//
// An [Authorizer] says who a caller is to whatever asks a Lambda function that: API Gateway's
// REST, HTTP and WebSocket APIs, and AppSync. It verifies as the HTTP interface does.
//
// A call that was signed with AWS credentials names its signer in the request context:
// [SignerOfHTTP], [SignerOfREST] and [SignerOfWebSocket] read it, [Pools.Player] says which
// player that is. The context is API Gateway's word; it is to be read of an event that came
// from there, never of something a client sent.
package lambda
