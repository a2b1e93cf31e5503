package dynamotest

import (
	"slices"
)

// capacity is what a call is said to have cost.
type capacity struct {
	TableName          string
	CapacityUnits      float64
	ReadCapacityUnits  *float64 `json:",omitempty"`
	WriteCapacityUnits *float64 `json:",omitempty"`
}

// units is how many units of a size some bytes take: one at least.
func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

const readUnit, writeUnit = 4096, 1024

// totalOnly refuses to tell of anything but the sum of a call's cost.
func totalOnly(wanted string) error {
	if wanted != "TOTAL" {
		return unsupported("the ReturnConsumedCapacity %q", wanted)
	}
	return nil
}

// consistent refuses reads of what may be out of date: the stand-in has nothing of it.
func consistent(read bool) error {
	if !read {
		return unsupported("a read without ConsistentRead")
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type getItem struct {
	TableName              string
	Key                    item
	ConsistentRead         bool
	ReturnConsumedCapacity string
}

func (s *Server) getItem(in *getItem) (any, error) {
	k, wrong := keyOnly(in.Key)
	if err := firstOf(totalOnly(in.ReturnConsumedCapacity), consistent(in.ConsistentRead), wrong); err != nil {
		return nil, err
	}
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	found := t.at(k)
	return struct {
		Item             item `json:",omitempty"`
		ConsumedCapacity capacity
	}{found, capacity{TableName: t.name, CapacityUnits: units(found.bytes(), readUnit)}}, nil
}

// page is what a Query or a Scan answers.
type page struct {
	Items            []item
	Count            int
	ScannedCount     int
	LastEvaluatedKey item `json:",omitempty"`
	ConsumedCapacity capacity
}

// pageOf reads items from keys on, which are in the order of the answer: until there are
// limit, or they are larger than a page.
func (s *Server) pageOf(t *table, keys []key, limit int) page {
	limit = s.shorten(min(limit, len(keys)), limit)
	p := page{Items: []item{}}
	bytes := 0
	for _, k := range keys {
		i := t.at(k)
		bytes += i.bytes()
		p.Items = append(p.Items, i)
		if len(p.Items) == limit || bytes > maxPageBytes {
			p.LastEvaluatedKey = k.item()
			break
		}
	}
	p.Count, p.ScannedCount = len(p.Items), len(p.Items)
	p.ConsumedCapacity = capacity{TableName: t.name, CapacityUnits: units(bytes, readUnit)}
	return p
}

type query struct {
	TableName                 string
	ConsistentRead            bool
	ReturnConsumedCapacity    string
	KeyConditionExpression    *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attribute
	ScanIndexForward          *bool
	Limit                     *int
	ExclusiveStartKey         item
}

func (s *Server) query(in *query) (any, error) {
	refs := newReferences(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	span, wrong := parseSpan(in.KeyConditionExpression, refs)
	if err := firstOf(totalOnly(in.ReturnConsumedCapacity), consistent(in.ConsistentRead), checkLimit(in.Limit), wrong, refs.check()); err != nil {
		return nil, err
	}
	if in.ScanIndexForward == nil {
		return nil, unsupported("a Query without ScanIndexForward")
	}
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	var sorts []string
	if p := t.partitions[span.partition]; p != nil {
		sorts = slices.DeleteFunc(slices.Clone(p.sorts), func(sort string) bool { return !span.has(sort) })
	}
	if !*in.ScanIndexForward {
		slices.Reverse(sorts)
	}
	if in.ExclusiveStartKey != nil {
		after, err := keyOnly(in.ExclusiveStartKey)
		if err != nil || after.partition != span.partition || !span.has(after.sort) {
			return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		sorts = slices.DeleteFunc(sorts, func(sort string) bool {
			if *in.ScanIndexForward {
				return sort <= after.sort
			}
			return sort >= after.sort
		})
	}
	keys := make([]key, len(sorts))
	for i, sort := range sorts {
		keys[i] = key{span.partition, sort}
	}
	return s.pageOf(t, keys, *in.Limit), nil
}

// checkLimit says what is wrong with a page's limit.
func checkLimit(limit *int) error {
	switch {
	case limit == nil:
		return unsupported("a page without Limit")
	case *limit < 1:
		return invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *limit)
	}
	return nil
}

type scan struct {
	TableName              string
	ConsistentRead         bool
	ReturnConsumedCapacity string
	Segment, TotalSegments *int
	Limit                  *int
	ExclusiveStartKey      item
}

func (s *Server) scan(in *scan) (any, error) {
	if err := firstOf(totalOnly(in.ReturnConsumedCapacity), consistent(in.ConsistentRead), checkLimit(in.Limit)); err != nil {
		return nil, err
	}
	switch {
	case in.Segment == nil || in.TotalSegments == nil:
		return nil, unsupported("a Scan without segments")
	case *in.Segment < 0 || *in.Segment >= *in.TotalSegments:
		return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *in.Segment, *in.TotalSegments)
	}
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	var after *key
	if in.ExclusiveStartKey != nil {
		k, err := keyOnly(in.ExclusiveStartKey)
		if err != nil || segmentOf(k.partition, *in.TotalSegments) != *in.Segment {
			return nil, invalid("The provided Exclusive start key is not within the range of the scan segment")
		}
		after = &k
	}
	var keys []key
	for name, p := range t.partitions {
		if segmentOf(name, *in.TotalSegments) != *in.Segment {
			continue
		}
		for _, sort := range p.sorts {
			if k := (key{name, sort}); after == nil || after.before(k) {
				keys = append(keys, k)
			}
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return s.pageOf(t, keys, *in.Limit), nil
}
