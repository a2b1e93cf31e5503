package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/aws/dynamo/dynamotest"
)

// bad is a connection to DynamoDB on which much goes wrong: requests and answers are
// lost, and answers are replaced by those of a busy or broken service.
type bad struct {
	inner http.RoundTripper
	share float64 // of the requests with which something is wrong

	mu     sync.Mutex // guards random
	random *rand.Rand
}

func (b *bad) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	wrong, what := b.random.Float64() < b.share, b.random.IntN(7)
	b.mu.Unlock()
	transaction := strings.HasSuffix(r.Header.Get("X-Amz-Target"), "TransactWriteItems")
	switch {
	case !wrong:
		return b.inner.RoundTrip(r)
	case what == 0: // the request is lost
		return nil, io.ErrUnexpectedEOF
	case what == 1:
		return unreachable(asked{}, r.Context())
	case what == 2:
		return fails(400, "ProvisionedThroughputExceededException")(asked{}, r.Context())
	case what == 3 && transaction:
		return cancelled("TransactionConflict", "None")(asked{}, r.Context())
	case what == 3:
		return fails(400, "TransactionConflictException")(asked{}, r.Context())
	}
	answer, err := b.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	if what == 4 {
		return fails(500, "InternalServerError")(asked{}, r.Context())
	}
	if what == 5 {
		return cutShort(asked{}, r.Context())
	}
	return nil, io.ErrUnexpectedEOF
}

// Many append their names to two shared logs over a bad connection, to one of them or to
// both at once. What was acknowledged stands there once, what was refused never, and
// what nobody knows at most once.
func TestOverABadConnectionNothingIsLostOrDoneTwice(t *testing.T) {
	t.Run("to DynamoDB Local", func(t *testing.T) {
		o := localOptions(t)
		openLocal(t, o)
		overABadConnection(t, o)
	})
	t.Run("to the stand-in", func(t *testing.T) {
		server := dynamotest.New(dynamotest.Options{})
		openStandIn(t, server, time.Now)
		overABadConnection(t, standInOptions(server, time.Now))
	})
}

func overABadConnection(t *testing.T, o Options) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	o.HTTPClient = &http.Client{Transport: &bad{inner: o.HTTPClient.Transport, share: 0.35, random: rand.New(rand.NewPCG(seed, 0))}}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.pause = func(ctx context.Context, _ time.Duration) error { runtime.Gosched(); return ctx.Err() }
	const writers, tries = 6, 60
	fates := make([][]fate, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range tries {
				f := fate{name: fmt.Sprintf("w%dn%d", w, n), both: n%3 == 0}
				f.err = appendName(s, f.name, f.both)
				fates[w] = append(fates[w], f)
			}
		})
	}
	wg.Wait()

	first, second := readLog(t, s, "first"), readLog(t, s, "second")
	count := map[muster.Kind]int{}
	for _, f := range slices.Concat(fates...) {
		count[kindOf(f.err)]++
		inFirst, inSecond := countName(first, f.name), countName(second, f.name)
		if f.both && inFirst != inSecond || !f.both && inSecond != 0 {
			t.Errorf("%s stands %d and %d times in the two logs", f.name, inFirst, inSecond)
		}
		switch kind := kindOf(f.err); {
		case kind == muster.NumKinds && inFirst != 1:
			t.Errorf("%s was acknowledged and stands %d times", f.name, inFirst)
		case kind == muster.Conflict && inFirst != 0:
			t.Errorf("%s was refused and stands %d times: %v", f.name, inFirst, f.err)
		case inFirst > 1:
			t.Errorf("%s stands %d times: %v", f.name, inFirst, f.err)
		case kind != muster.NumKinds && kind != muster.Conflict && kind != muster.Unavailable:
			t.Errorf("%s: %v", f.name, f.err)
		}
	}
	t.Logf("%d done, %d refused, %d unknown", count[muster.NumKinds], count[muster.Conflict], count[muster.Unavailable])
	if count[muster.NumKinds] == 0 || count[muster.Conflict] == 0 || count[muster.Unavailable] > writers*tries/4 {
		t.Errorf("done, refused, unknown: %v", count)
	}
}

// fate is what a writer was told of its write.
type fate struct {
	name string
	both bool
	err  error
}

// appendName makes one attempt to add a name to the first log, or to both.
func appendName(s *Store, name string, both bool) error {
	ctx := context.Background()
	var ops []muster.Op
	for _, sort := range []string{"first", "second"} {
		if sort == "second" && !both {
			continue
		}
		r, err := s.Get(ctx, muster.Key{Partition: "log", Sort: sort})
		if err != nil && !errors.Is(err, muster.ErrNotFound) {
			return err
		}
		ops = append(ops, muster.Op{Key: muster.Key{Partition: "log", Sort: sort}, Version: r.Version, Value: append(r.Value, " "+name...)})
	}
	return s.Write(ctx, ops...)
}

func readLog(t *testing.T, s *Store, sort string) []string {
	t.Helper()
	r, err := s.Get(context.Background(), muster.Key{Partition: "log", Sort: sort})
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(r.Value))
	if int64(len(names)) != r.Version {
		t.Errorf("log %s has %d names at version %d", sort, len(names), r.Version)
	}
	return names
}

func countName(names []string, name string) int {
	n := 0
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}
