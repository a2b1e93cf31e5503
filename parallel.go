package muster

import (
	"context"
	"errors"
	"sync"
)

// parallelism bounds how many calls of one request reach the store at once.
const parallelism = 16

// inParallel calls work with 0 to n-1, several at a time, and returns when all are done.
// Every call is made, whatever became of the others; the errors are joined.
func inParallel(ctx context.Context, n int, work func(ctx context.Context, i int) error) error {
	if n == 1 {
		return work(ctx, 0)
	}
	failed := make([]error, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, parallelism) {
		wg.Go(func() {
			for i := range next {
				failed[i] = work(ctx, i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(failed...)
}
