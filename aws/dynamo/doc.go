// Package dynamo is a muster.Store on Amazon DynamoDB: one table, no indexes.
//
// [New] makes a [Store]; [Store.CreateTable] makes its table and [Store.CheckTable] says
// whether a table is fit for use. An endpoint is all that tells DynamoDB Local from
// Amazon's service.
//
// An item holds one record: PK and SK are its key, d its value, v its version, ttl its
// expiry in epoch seconds, and w names the write that made it. Expiry is judged by the
// clock in [Options], in reads and in conditions alike; that DynamoDB removes expired
// items some day saves space and decides nothing.
//
// # When an answer is lost
//
// A write of several operations carries a token by which DynamoDB knows a repeat, so
// that it happens once. A write of one operation is half as dear and has no such token:
// when it is repeated and refused, the item's w tells whether the first try had
// succeeded. Where that cannot be told any more, because somebody else has written since,
// the error is of kind Unavailable and never muster.ErrConflict. Two things follow. A
// write of one operation with AnyVersion may, after a lost answer, happen a second time.
// And a record that is created, removed by others and created again, all within the wait
// for a lost answer, is taken for one creation.
//
// # What a List sees
//
// Every single record is as of the latest Write. A List is not one instant, though: a
// Write that happens meanwhile may be seen in some of its records and not in others
// (DynamoDB Developer Guide, "Isolation levels for DynamoDB transactions").
package dynamo
