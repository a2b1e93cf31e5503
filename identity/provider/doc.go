// Package provider proves identities with the platforms that players have accounts with.
// Each way in is one file and implements [identity.Provider].
//
// They stand on three things: [Client] calls a platform with time limits, a circuit breaker
// and no way to another host; [KeySet] keeps the keys that a platform signs with; [Verifier]
// checks tokens signed by them. Package providertest is a platform for tests.
//
// A proof signs in only whom it was made for us about: what was made for another
// application or environment is refused, though it be genuine. Nothing that a platform
// says reaches a client or the log, nor does a proof.
package provider
