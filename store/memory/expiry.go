package memory

import "container/heap"

// expiryQueue holds the entries that expire, soonest first. Each entry knows its
// place in it, so that replacing a record leaves nothing behind.
type expiryQueue struct{ entries entryHeap }

func (q *expiryQueue) add(e *entry)    { heap.Push(&q.entries, e) }
func (q *expiryQueue) remove(e *entry) { heap.Remove(&q.entries, e.place) }

// next is the entry that expires first; nil when none does.
func (q *expiryQueue) next() *entry {
	if len(q.entries) == 0 {
		return nil
	}
	return q.entries[0]
}

// entryHeap implements heap.Interface.
type entryHeap []*entry

func (h entryHeap) Len() int           { return len(h) }
func (h entryHeap) Less(i, j int) bool { return h[i].expiresAt.Before(h[j].expiresAt) }

func (h entryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *entryHeap) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, e)
}

func (h *entryHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
