// Package limit says how often somebody may do something, and how long they wait.
//
// Rate and Slowdown are pure decisions: state and an instant in, state and an answer out.
// New makes a Limiter of them: what is spent and what failed stands in the store, where all
// replicas see it. NewCalls limits calls of any kind within one process.
//
// The package does not find out who somebody is: the address and the device of a client come
// from muster.ClientFrom. Both are kept as hashes, and only until the limit is over.
package limit
