package dynamotest

import (
	"cmp"
	"maps"
	"strconv"
	"strings"
)

// The limits of Amazon's documents (DynamoDB Developer Guide, "Quotas in Amazon DynamoDB").
const (
	maxItemBytes        = 400 * 1024
	maxPartitionBytes   = 2048
	maxSortBytes        = 1024
	maxTransaction      = 100
	maxTransactionBytes = 4 << 20
	maxBatch            = 25
	maxBatchBytes       = 16 << 20
	maxPageBytes        = 1 << 20
)

// attribute is a value of one of the types that there are; exactly one member is set. It
// is not changed once it is stored.
type attribute struct {
	S *string `json:",omitempty"`
	N *string `json:",omitempty"`
	B *[]byte `json:",omitempty"`
}

// item is what is stored under a key, which is part of it.
type item map[string]attribute

// kind is the name of an attribute's type; "" for one that has none or more than one.
func (a attribute) kind() string {
	switch {
	case a.S != nil && a.N == nil && a.B == nil:
		return "S"
	case a.N != nil && a.S == nil && a.B == nil:
		return "N"
	case a.B != nil && a.S == nil && a.N == nil:
		return "B"
	}
	return ""
}

// check says what is wrong with an attribute. Of numbers the stand-in knows whole ones, as
// Go writes them.
func (a attribute) check() error {
	switch a.kind() {
	case "":
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case "N":
		if n, err := strconv.ParseInt(*a.N, 10, 64); err != nil || strconv.FormatInt(n, 10) != *a.N {
			return unsupported("the number %q", *a.N)
		}
	}
	return nil
}

// number is the value of an attribute of type N.
func (a attribute) number() int64 {
	n, err := strconv.ParseInt(*a.N, 10, 64)
	if err != nil {
		panic(err) // check has seen it
	}
	return n
}

func wholeNumber(n int64) attribute {
	text := strconv.FormatInt(n, 10)
	return attribute{N: &text}
}

// compare orders two values of one type: strings and binary by their bytes.
func compare(a, b attribute) int {
	switch a.kind() {
	case "S":
		return strings.Compare(*a.S, *b.S)
	case "N":
		return cmp.Compare(a.number(), b.number())
	default:
		return strings.Compare(string(*a.B), string(*b.B))
	}
}

// bytes is the size of an attribute's value (DynamoDB Developer Guide, "DynamoDB item sizes
// and formats"): a number takes about a byte for two significant digits, and one more.
func (a attribute) bytes() int {
	switch a.kind() {
	case "S":
		return len(*a.S)
	case "B":
		return len(*a.B)
	default:
		digits := strings.TrimPrefix(*a.N, "-")
		negative := len(*a.N) - len(digits)
		return (len(strings.TrimRight(digits, "0"))+1)/2 + 1 + negative
	}
}

// bytes is the size of an item; 0 for none.
func (i item) bytes() int {
	n := 0
	for name, a := range i {
		n += len(name) + a.bytes()
	}
	return n
}

// check says what is wrong with an item that is to be stored.
func (i item) check() error {
	for _, a := range i {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

// clone is a copy that can be changed.
func (i item) clone() item {
	if i == nil {
		return item{}
	}
	return maps.Clone(i)
}

// key is what an item is found by.
type key struct{ partition, sort string }

// keyNames are those of the only key schema there is: see table.go.
const partitionName, sortName = "PK", "SK"

// item is the key as DynamoDB says it.
func (k key) item() item { return item{partitionName: {S: &k.partition}, sortName: {S: &k.sort}} }

// keyIn is the key of a whole item.
func keyIn(i item) (key, error) {
	for _, name := range []string{partitionName, sortName} {
		a, ok := i[name]
		switch {
		case !ok:
			return key{}, invalid("One or more parameter values were invalid: Missing the key %s in the item", name)
		case a.kind() != "S":
			return key{}, invalid("One or more parameter values were invalid: Type mismatch for key %s expected: S actual: %s", name, a.kind())
		}
	}
	k := key{*i[partitionName].S, *i[sortName].S}
	return k, k.check()
}

// keyOnly is a key on its own.
func keyOnly(i item) (key, error) {
	if len(i) != 2 || i[partitionName].kind() != "S" || i[sortName].kind() != "S" {
		return key{}, invalid("The provided key element does not match the schema")
	}
	k := key{*i[partitionName].S, *i[sortName].S}
	return k, k.check()
}

func (k key) check() error {
	const empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s"
	switch {
	case k.partition == "":
		return invalid(empty, partitionName)
	case k.sort == "":
		return invalid(empty, sortName)
	case len(k.partition) > maxPartitionBytes:
		return invalidPart("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of %d bytes", maxPartitionBytes)
	case len(k.sort) > maxSortBytes:
		return invalidPart("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of %d bytes", maxSortBytes)
	}
	return nil
}
