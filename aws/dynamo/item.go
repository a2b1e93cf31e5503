package dynamo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
)

// Names of an item's attributes. They count towards its size, in every item.
const (
	attrPartition = "PK"
	attrSort      = "SK"
	attrValue     = "d"
	attrVersion   = "v"
	attrWriteID   = "w"   // 8 random bytes, new in every write
	attrExpiry    = "ttl" // epoch seconds; absent: never. Time to live must be on for it
)

// item is a record as DynamoDB has it.
type item = map[string]types.AttributeValue

// writeID names one write. No two writes share one, but for chance in 2^64.
type writeID [8]byte

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// data is never the nil slice, which would be no value at all.
func data(b []byte) types.AttributeValue {
	if b == nil {
		b = []byte{}
	}
	return &types.AttributeValueMemberB{Value: b}
}

func keyOf(k muster.Key) item { return item{attrPartition: text(k.Partition), attrSort: text(k.Sort)} }

// encode is the item of a record that write id makes.
func encode(r muster.Record, id writeID) item {
	i := keyOf(r.Key)
	i[attrValue], i[attrVersion], i[attrWriteID] = data(r.Value), number(r.Version), data(id[:])
	if !r.ExpiresAt.IsZero() {
		i[attrExpiry] = number(r.ExpiresAt.Unix())
	}
	return i
}

// decode reads an item. Attributes it does not know are left alone: they may be of a
// later version of this package.
func decode(i item) (muster.Record, error) {
	var r muster.Record
	partition, isText := i[attrPartition].(*types.AttributeValueMemberS)
	sort, alsoText := i[attrSort].(*types.AttributeValueMemberS)
	if !isText || !alsoText {
		return r, fmt.Errorf("an item without the keys %s and %s", attrPartition, attrSort)
	}
	r.Key = muster.Key{Partition: partition.Value, Sort: sort.Value}
	value, isData := i[attrValue].(*types.AttributeValueMemberB)
	version, ok := integer(i[attrVersion])
	if !isData || !ok || version < 1 {
		return r, fmt.Errorf("item %q is not a record: it has no value %s or no version %s", r.Redacted(), attrValue, attrVersion)
	}
	r.Value, r.Version = value.Value, version
	if i[attrExpiry] == nil {
		return r, nil
	}
	seconds, ok := integer(i[attrExpiry])
	if !ok {
		return r, fmt.Errorf("item %q is not a record: %s is not a whole number", r.Redacted(), attrExpiry)
	}
	r.ExpiresAt = time.Unix(seconds, 0).UTC()
	return r, nil
}

func integer(v types.AttributeValue) (int64, bool) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	return i, err == nil
}

// expired says whether r is gone at now. A condition says the same of an item by
// comparing ttl with now in whole seconds: ttl <= :now.
func expired(r muster.Record, now time.Time) bool {
	return !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt)
}

// writtenBy says whether id made the item.
func writtenBy(i item, id writeID) bool {
	w, ok := i[attrWriteID].(*types.AttributeValueMemberB)
	return ok && string(w.Value) == string(id[:])
}
