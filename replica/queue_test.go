package replica

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

func TestAQueueKeepsTheNewest(t *testing.T) {
	q := newQueue()
	for i := range maxWaiting + 10 {
		q.add([]byte(fmt.Sprint(i)))
	}
	if q.dropped != 10 || string(q.take()[0]) != "10" {
		t.Errorf("%d were dropped", q.dropped)
	}
	q = newQueue()
	big := bytes.Repeat([]byte("x"), maxWaitingBytes/2)
	for range 4 {
		q.add(big)
	}
	if q.dropped != 2 || q.bytes > maxWaitingBytes {
		t.Errorf("%d were dropped, %d bytes wait", q.dropped, q.bytes)
	}
	for len(q.take()) > 0 {
	}
	if q.bytes != 0 {
		t.Errorf("an empty queue has %d bytes", q.bytes)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	sizes := func(n, each int) (all [][]byte) {
		for range n {
			all = append(all, make([]byte, each))
		}
		return all
	}
	cases := []struct {
		name    string
		waiting [][]byte
		want    int
	}{
		{"nothing", nil, 0},
		{"a few", sizes(3, 1000), 3},
		{"as many as go at once", sizes(maxBatch, 10), maxBatch},
		{"one more", sizes(maxBatch+1, 10), maxBatch},
		{"large ones", sizes(100, maxBatchBytes/4), 4},
		{"one that is too large by itself", sizes(2, 2*maxBatchBytes), 1},
	}
	for _, c := range cases {
		if got := batchSize(c.waiting); got != c.want {
			t.Errorf("%s: %d go together, want %d", c.name, got, c.want)
		}
	}
}

func TestOnlyChangesAmongTheReplicasAreActedOn(t *testing.T) {
	peers := map[string]*peer{"b": {}, "c": {}}
	come, gone := changes("a", peers, []member{{ID: "d"}, {ID: "a"}, {ID: "b"}, {ID: "aa"}})
	if fmt.Sprint(come) != "[{aa  []} {d  []}]" || !slices.Equal(gone, []string{"c"}) {
		t.Errorf("%v come and %v are gone", come, gone)
	}
}
