// Package lambda reads what AWS services hand to a Lambda function.
//
// A [Function] serves an http.Handler: calls come from API Gateway (HTTP and REST APIs) or a
// function URL. It takes GameLift's events from SNS, SQS and EventBridge, and does a round of
// what falls due when a schedule says so. Not its affair: WebSocket APIs beyond $connect.
//
// An [Authorizer] says who a caller is to whatever asks a Lambda function that: API Gateway's
// REST, HTTP and WebSocket APIs, and AppSync. It verifies as the HTTP interface does.
//
// A call that was signed with AWS credentials names its signer in the request context:
// [SignerOfHTTP], [SignerOfREST] and [SignerOfWebSocket] read it, [SignerFrom] has it for the
// handler of a Function, and [Signers] says who that is: a player, by [Pools], or a game
// server. The context is API Gateway's word; it is to be read of an event that came from
// there, never of something a client sent.
package lambda
