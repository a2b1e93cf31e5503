package dynamo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"muster"
)

// stored is a record as the protocol has it; one that expires is gone at the time of
// scripted stores.
func stored(sort string, gone bool) members {
	m := members{
		attrPartition: members{"S": "p"}, attrSort: members{"S": sort}, attrVersion: members{"N": "1"},
		attrValue: members{"B": base64.StdEncoding.EncodeToString([]byte("v"))},
	}
	if gone {
		m[attrExpiry] = members{"N": "1800000000"}
	}
	return m
}

// page answers a Query or a Scan; with next, there is more after it.
func page(next string, items ...members) step {
	body := members{"Items": items, "ConsumedCapacity": members{"TableName": "records", "CapacityUnits": 2}}
	if next != "" {
		body["LastEvaluatedKey"] = members{attrPartition: members{"S": "p"}, attrSort: members{"S": next}}
	}
	return ok(body)
}

func TestAListReadsOnUntilItHasEnough(t *testing.T) {
	live, gone := func(sort string) members { return stored(sort, false) }, func(sort string) members { return stored(sort, true) }
	for name, test := range map[string]struct {
		opts   muster.ListOptions
		steps  []step
		want   []string
		limits []int
	}{
		"one page that ends":                      {muster.ListOptions{Limit: 2}, []step{page("", live("a"))}, []string{"a"}, []int{2}},
		"one page that is full":                   {muster.ListOptions{Limit: 2}, []step{page("b", live("a"), live("b"))}, []string{"a", "b"}, []int{2}},
		"pages with expired records":              {muster.ListOptions{Limit: 2}, []step{page("b", gone("a"), gone("b")), page("d", gone("c"), live("d")), page("", live("e"), live("f"))}, []string{"d", "e"}, []int{2, 4, 8}},
		"a page cut short by its size":            {muster.ListOptions{}, []step{page("a", live("a")), page("", live("b"))}, []string{"a", "b"}, []int{1000, 1000}},
		"an empty page in between":                {muster.ListOptions{Limit: 600}, []step{page("a"), page("", live("b"))}, []string{"b"}, []int{600, 1000}},
		"the record after which it begins":        {muster.ListOptions{Limit: 1, After: "c", Descending: true}, []step{page("b", live("c"), live("b"))}, []string{"b"}, []int{2}},
		"more than it asked for, from a full one": {muster.ListOptions{Limit: 1, After: "c", Descending: true}, []step{page("a", live("b"), live("a"))}, []string{"b"}, []int{2}},
		"nothing that could be there":             {muster.ListOptions{Prefix: "\xff"}, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, sc := scripted(t, test.steps...)
			var tally Tally
			s.meter = tally.Count
			records, err := s.List(context.Background(), "p", test.opts)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range records {
				got = append(got, r.Sort)
			}
			var limits []int
			for i, a := range sc.asked {
				limits = append(limits, int(a.at("Limit").(float64)))
				if a.at("ConsistentRead") != true || (a.at("ExclusiveStartKey") != nil) != (i > 0) {
					t.Errorf("page %d is asked for as %v", i, a.members)
				}
			}
			if !slices.Equal(got, test.want) || !slices.Equal(limits, test.limits) {
				t.Errorf("got %q with limits %v, want %q with %v", got, limits, test.want, test.limits)
			}
			if got := tally.Total(); got.Calls != len(test.steps) || got.ReadUnits != float64(2*len(test.steps)) {
				t.Errorf("the meter was told of %+v", got)
			}
		})
	}
}

func TestAReadOfSomethingElseSaysSo(t *testing.T) {
	ctx := context.Background()
	alien := members{attrPartition: members{"S": "p"}, attrSort: members{"S": "s"}, "name": members{"S": "x"}}
	s, sc := scripted(t, ok(members{"Item": alien}), page("", alien), page("", alien), page("", alien), page("", alien), page("", alien))
	_, getErr := s.Get(ctx, muster.Key{Partition: "p", Sort: "s"})
	_, listErr := s.List(ctx, "p", muster.ListOptions{})
	scanErr := s.Scan(ctx, func([]muster.Record) error { return nil })
	sc.forget() // a segment may not have been begun
	for call, err := range map[string]error{"get": getErr, "list": listErr, "scan": scanErr} {
		if muster.KindOf(err) != muster.Internal || err == nil {
			t.Errorf("%s: got error %v, want kind internal", call, err)
		}
	}
}

func TestReadsSayWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	absent := fails(400, "ResourceNotFoundException")
	s, _ := scripted(t, absent, absent, absent)
	_, getErr := s.Get(ctx, muster.Key{Partition: "p", Sort: "s"})
	_, listErr := s.List(ctx, "p", muster.ListOptions{})
	checkErr := s.Write(ctx, muster.Op{Kind: muster.Check, Key: muster.Key{Partition: "p", Sort: "s"}})
	for call, err := range map[string]error{"get": getErr, "list": listErr, "check": checkErr} {
		var e *muster.Error
		if !errors.As(err, &e) || e.Code != "store.no_table" {
			t.Errorf("%s: got error %v", call, err)
		}
	}
}

// partly takes the first n of a batch and leaves the others.
func partly(n int) step {
	return func(a asked, ctx context.Context) (*http.Response, error) {
		requests, _ := a.at("RequestItems", "records").([]any)
		return ok(members{"UnprocessedItems": members{"records": requests[min(n, len(requests)):]}})(a, ctx)
	}
}

func numbered(n int) []muster.Record {
	records := make([]muster.Record, n)
	for i := range records {
		records[i] = muster.Record{Key: muster.Key{Partition: "p", Sort: strconv.Itoa(i)}, Version: 1}
	}
	return records
}

func TestALoadGoesOnAsLongAsSomethingIsTaken(t *testing.T) {
	refusing := slices.Repeat([]step{partly(0)}, 10)
	for name, test := range map[string]struct {
		steps []step
		sizes string // of the batches that were sent
		code  string // of the error; "" for none
	}{
		"all at once":                     {[]step{partly(25)}, "[25]", ""},
		"a few at a time":                 {[]step{partly(10), partly(0), partly(10), partly(5)}, "[25 15 15 5]", ""},
		"busy between":                    {[]step{partly(20), fails(400, "ProvisionedThroughputExceededException"), lost, partly(5)}, "[25 5 5 5]", ""},
		"nothing any more":                {append([]step{partly(1)}, slices.Repeat([]step{partly(0)}, 19)...), "[25 24 24 24 24 24 24 24 24 24 24 24 24 24 24 24 24 24 24 24]", "store.throttled"},
		"nothing at all":                  {refusing, "[25 25 25 25 25 25 25 25 25 25]", "store.throttled"},
		"one at a time, more than tries":  {append(slices.Repeat([]step{partly(1)}, 24), partly(1)), "[25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1]", ""},
		"a table that is not there":       {[]step{fails(400, "ResourceNotFoundException")}, "[25]", "store.no_table"},
		"taken, and then no table either": {[]step{partly(5), fails(400, "ResourceNotFoundException")}, "[25 20]", "store.no_table"},
	} {
		t.Run(name, func(t *testing.T) {
			s, sc := scripted(t, test.steps...)
			err := s.Load(context.Background(), numbered(25))
			var e *muster.Error
			if errors.As(err, &e); (err == nil) != (test.code == "") || e != nil && e.Code != test.code {
				t.Errorf("got error %v, want %q", err, test.code)
			}
			var sizes []int
			for _, a := range sc.asked {
				requests, _ := a.at("RequestItems", "records").([]any)
				sizes = append(sizes, len(requests))
			}
			if got := fmt.Sprint(sizes); got != test.sizes {
				t.Errorf("sent %s, want %s", got, test.sizes)
			}
		})
	}
}

func TestALoadThatFailsStopsItsOtherBatches(t *testing.T) {
	s, sc := scripted(t, slices.Repeat([]step{fails(400, "AccessDeniedException")}, loadBatches)...)
	err := s.Load(context.Background(), numbered(100*batchSize))
	var e *muster.Error
	if !errors.As(err, &e) || e.Code != "store.not_authorized" {
		t.Errorf("got error %v", err)
	}
	sc.forget() // how many batches were under way is chance, but not more than the workers
}

func TestAScanThatFailsInOneSegmentEnds(t *testing.T) {
	s, sc := scripted(t, page("", stored("a", false)), page("", stored("b", true)), page(""), fails(400, "AccessDeniedException"))
	var seen int
	err := s.Scan(context.Background(), func(page []muster.Record) error { seen += len(page); return nil })
	var e *muster.Error
	if !errors.As(err, &e) || e.Code != "store.not_authorized" || seen > 1 {
		t.Errorf("got error %v after %d records", err, seen)
	}
	sc.forget() // a segment may not have been begun
}

func TestExpiryFollowsTheGivenClock(t *testing.T) {
	s, _ := scripted(t, ok(members{"Item": stored("s", true)}), ok(members{"Item": stored("s", true)}))
	k := muster.Key{Partition: "p", Sort: "s"}
	if _, err := s.Get(context.Background(), k); !errors.Is(err, muster.ErrNotFound) {
		t.Errorf("at its expiry: got error %v", err)
	}
	s.now = func() time.Time { return time.Unix(1_799_999_999, 999_999_999) }
	if r, err := s.Get(context.Background(), k); err != nil || string(r.Value) != "v" {
		t.Errorf("just before: got %+v and error %v", r, err)
	}
}
