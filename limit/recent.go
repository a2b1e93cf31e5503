package limit

import "container/list"

// recent is a map that forgets what was used longest ago. Not safe for concurrent use.
type recent[V any] struct {
	most  int
	order *list.List // of *entry[V], the latest first
	held  map[string]*list.Element
}

type entry[V any] struct {
	key   string
	value V
}

func newRecent[V any](most int) *recent[V] {
	return &recent[V]{most: most, order: list.New(), held: map[string]*list.Element{}}
}

// at is the value of a key, made when it is not there. It is the caller's to change until
// the next call.
func (r *recent[V]) at(key string) *V {
	if e, there := r.held[key]; there {
		r.order.MoveToFront(e)
		return &e.Value.(*entry[V]).value
	}
	if r.order.Len() >= r.most {
		last := r.order.Back()
		delete(r.held, r.order.Remove(last).(*entry[V]).key)
	}
	e := &entry[V]{key: key}
	r.held[key] = r.order.PushFront(e)
	return &e.value
}
