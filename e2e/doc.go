// Package e2e holds the tests that drive the built program from outside: the README's
// commands, crashes, and clients that nobody here wrote. It imports nothing of ours.
//
// `go test ./e2e` needs only Go and says what it left out; scripts/peers installs the
// outside peers and runs everything.
package e2e
