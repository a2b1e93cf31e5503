package dynamo

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"muster"
)

// Limits of DynamoDB (Developer Guide, "Service, account, and table quotas").
const (
	maxItemBytes        = 400 << 10
	maxTransactionBytes = 4 << 20
)

// itemBytes is an item's size as DynamoDB counts it, at most (Developer Guide, "DynamoDB
// item sizes and formats"): names and values, a number being up to 21 bytes.
func itemBytes(i item) int {
	total := 0
	for name, v := range i {
		total += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			total += len(v.Value)
		case *types.AttributeValueMemberB:
			total += len(v.Value)
		case *types.AttributeValueMemberN:
			total += 21
		}
	}
	return total
}

// largest is a record of the greatest size, whose numbers are as long as they can be.
func largest(size int) muster.Record {
	k := muster.Key{Partition: strings.Repeat("p", muster.MaxPartitionBytes), Sort: strings.Repeat("s", muster.MaxSortBytes)}
	return muster.Record{
		Key: k, Value: make([]byte, size-len(k.Partition)-len(k.Sort)),
		Version: math.MaxInt64, ExpiresAt: time.Unix(math.MaxInt32, 0),
	}
}

func TestTheLargestRecordFitsIntoAnItem(t *testing.T) {
	if size := itemBytes(encode(largest(muster.MaxRecordBytes), writeID{})); size > maxItemBytes {
		t.Errorf("it takes %d bytes, %d is the limit", size, maxItemBytes)
	}
}

func TestTheLargestWriteFitsIntoATransaction(t *testing.T) {
	each := itemBytes(encode(largest(muster.MaxWriteBytes/muster.MaxWriteOps), writeID{}))
	if total := muster.MaxWriteOps * each; total > maxTransactionBytes {
		t.Errorf("it takes %d bytes, %d is the limit", total, maxTransactionBytes)
	}
}

func TestARecordOfModestSizeCostsOneUnit(t *testing.T) {
	r := muster.Record{Key: muster.Key{Partition: "P#0190f7a2-5a3c-7d1e-8f00-0123456789ab", Sort: "SLOT"}, Version: 1_000_000, ExpiresAt: time.Unix(1_900_000_000, 0)}
	if overhead := itemBytes(encode(r, writeID{})) - len(r.Partition) - len(r.Sort); overhead > 64 {
		t.Errorf("beside key and value an item has %d bytes", overhead)
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := muster.Record{
			Key:     muster.Key{Partition: rapid.String().Draw(t, "partition"), Sort: rapid.String().Draw(t, "sort")},
			Value:   rapid.SliceOf(rapid.Byte()).Draw(t, "value"),
			Version: rapid.Int64Min(1).Draw(t, "version"),
		}
		if rapid.Bool().Draw(t, "expires") {
			want.ExpiresAt = time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "expiry"), 0).UTC()
		}
		id := writeID{1, 2, 3}
		encoded := encode(want, id)
		got, err := decode(encoded)
		if err != nil || got.Key != want.Key || !bytes.Equal(got.Value, want.Value) || got.Version != want.Version || !got.ExpiresAt.Equal(want.ExpiresAt) {
			t.Fatalf("got %+v and error %v, want %+v", got, err, want)
		}
		if !writtenBy(encoded, id) || writtenBy(encoded, writeID{}) {
			t.Fatal("the item does not say who wrote it")
		}
	})
}

func TestAnItemThatIsNoRecordIsRefused(t *testing.T) {
	whole := func() item {
		return encode(muster.Record{Key: muster.Key{Partition: "p", Sort: "s"}, Version: 3, ExpiresAt: time.Unix(9, 0)}, writeID{})
	}
	for name, change := range map[string]func(i item){
		"no partition":                   func(i item) { delete(i, attrPartition) },
		"a sort that is a number":        func(i item) { i[attrSort] = number(1) },
		"no value":                       func(i item) { delete(i, attrValue) },
		"a value that is text":           func(i item) { i[attrValue] = text("v") },
		"no version":                     func(i item) { delete(i, attrVersion) },
		"a version that is not whole":    func(i item) { i[attrVersion] = &types.AttributeValueMemberN{Value: "1.5"} },
		"a version before the first":     func(i item) { i[attrVersion] = number(0) },
		"an expiry that is text":         func(i item) { i[attrExpiry] = text("soon") },
		"an expiry that is out of range": func(i item) { i[attrExpiry] = &types.AttributeValueMemberN{Value: "1e30"} },
	} {
		i := whole()
		change(i)
		if r, err := decode(i); err == nil {
			t.Errorf("%s: decoded as %+v", name, r)
		}
	}
	i := whole()
	i["later"] = text("an attribute of a later version")
	delete(i, attrWriteID)
	if r, err := decode(i); err != nil || r.Version != 3 || writtenBy(i, writeID{}) {
		t.Errorf("an item with more attributes, or made elsewhere: got %+v and error %v", r, err)
	}
}

// Reads judge expiry by the clock, conditions by its whole seconds: they must agree.
func TestReadsAndConditionsExpireAtTheSameInstant(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for _, now := range []time.Time{at.Add(-time.Second), at.Add(-time.Nanosecond), at, at.Add(time.Nanosecond), at.Add(time.Second)} {
		byCondition := at.Unix() <= now.Unix()
		if byRead := expired(muster.Record{ExpiresAt: at}, now); byRead != byCondition {
			t.Errorf("at %v a read says %v, a condition %v", now, byRead, byCondition)
		}
	}
}
