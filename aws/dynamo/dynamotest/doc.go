// Package dynamotest is a stand-in for Amazon DynamoDB in this process, for tests of
// package dynamo and of what runs on it. [New] makes a [Server]; its Client is given to the
// driver as HTTPClient. The driver's own requests come in over the true SDK and the true
// JSON protocol; no socket is opened.
//
// It knows the operations, members and expressions that the driver sends, and no others.
// Whatever else it is asked for, it refuses by name with an UnsupportedByStandIn exception:
// it never guesses. Its rules are those of Amazon's documents (DynamoDB API reference and
// Developer Guide, November 2026); where they are silent a comment says that we chose. A
// test of package dynamo compares it with DynamoDB Local.
//
// DynamoDB Local never throttles, never meets another's transaction and never loses an
// answer. The stand-in does, at given [Rates] from a given source of chance: see [Faults].
package dynamotest
