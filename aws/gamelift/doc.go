// Package gamelift is the port to Amazon GameLift: calls out, events in, and what must
// exist before either.
//
// [New] makes a [Client], which implements muster.GameLift. [NewReceiver] makes a
// [Receiver], which checks what arrives from SNS; [Receiver.Handler] joins it with
// [Decode] and [DecodePlacement]. [Client.Provision] creates a location, a fleet, a queue and the
// matchmakers where they are missing.
//
// Another endpoint is the only difference between Amazon's service and one that speaks
// its protocol; nothing here asks which of the two it is.
package gamelift
