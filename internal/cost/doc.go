// Package cost measures what a match costs in DynamoDB: read and write units of every
// step from sign-in to result, counted offline by DynamoDB's rules, and beside DynamoDB
// Local as its driver reports them.
//
// It has only tests. They print a table, compare it with the one in docs/benchmarks.md,
// and fail when a match has become dearer. go test ./internal/cost -update renews the
// table after a change that is meant.
package cost
