// Package wire speaks the two protocols that clients of Amazon GameLift use, AWS JSON
// 1.1 and Smithy RPC v2 CBOR, and turns typed functions into operations of such a
// service.
//
// Start at NewHandler: give it Operations made by Op from functions over the request
// and response structs of the AWS SDK for Go, which are its schema. It finds the
// protocol and the operation of a request, verifies the AWS Signature Version 4,
// decodes and checks the input against Amazon's published constraints, calls the
// function, and encodes the answer or the error as the service would.
//
// It knows nothing of fleets, sessions or tickets, keeps no state, and does not throttle
// or authorise: a caller whose signature is valid may call everything.
//
// What members exist is taken from the SDK by reflection. What they may hold is a table
// (constraints.json) reduced from Amazon's Smithy model of April 2025, and amended by
// hand in amendments.go with what came later.
package wire

//go:generate go run ./internal/gen -model=$GAMELIFT_MODEL -out=constraints.json
