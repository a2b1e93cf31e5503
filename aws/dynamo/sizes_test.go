package dynamo

import (
	"context"
	"testing"

	"muster"
)

// Nothing that passes the checks of the port is too large for DynamoDB. What would be is
// recognised by DynamoDB's words, so they are put to the test.
func TestDynamoDBLocalSaysWhatIsTooLarge(t *testing.T) {
	ctx := context.Background()
	s := openLocal(t, localOptions(t))
	a := author{now: s.now(), id: writeID{1}}
	large := muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}, Value: make([]byte, maxItemBytes)}
	small := muster.Op{Key: muster.Key{Partition: "p", Sort: "t"}}
	update := large
	update.Version = muster.AnyVersion
	if err := s.Write(ctx, small); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() (result, error){
		"a put":     func() (result, error) { return s.writeOne(ctx, a.request(s.table, large), a.id) },
		"an update": func() (result, error) { return s.writeOne(ctx, a.request(s.table, update), a.id) },
		"a transaction": func() (result, error) {
			return s.writeMany(ctx, a.transaction(s.table, []muster.Op{large, {Key: muster.Key{Partition: "p", Sort: "u"}}}), "token-1")
		},
		"one that updates": func() (result, error) {
			return s.writeMany(ctx, a.transaction(s.table, []muster.Op{update, {Key: muster.Key{Partition: "p", Sort: "u"}}}), "token-2")
		},
	} {
		r, err := write()
		if err != nil || r.outcome != tooLarge || muster.KindOf(r.describe()) != muster.Invalid {
			t.Errorf("%s: got outcome %d and error %v (%v), want %d", name, r.outcome, err, r.err, tooLarge)
		}
	}
}

func TestTheLargestRecordAndWriteAreTakenByDynamoDBLocal(t *testing.T) {
	ctx := context.Background()
	s := openLocal(t, localOptions(t))
	r := largest(muster.MaxRecordBytes)
	if err := s.Load(ctx, []muster.Record{r}); err != nil {
		t.Errorf("a record of the greatest size: %v", err)
	}
	ops := make([]muster.Op, muster.MaxWriteOps)
	for i := range ops {
		r := largest(muster.MaxWriteBytes / muster.MaxWriteOps)
		k := muster.Key{Partition: r.Partition, Sort: string(rune('A'+i/26)) + string(rune('a'+i%26)) + r.Sort[2:]}
		ops[i] = muster.Op{Key: k, Value: r.Value, Version: muster.AnyVersion, ExpiresAt: r.ExpiresAt}
	}
	if err := s.Write(ctx, ops...); err != nil {
		t.Errorf("a write of the greatest size: %v", err)
	}
}
