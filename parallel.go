package muster

import (
	"cmp"
	"context"
	"errors"
	"sync"
)

// defaultParallel bounds how many calls of one request reach the store at once.
const defaultParallel = 16

// several is how many calls of one request reach the store at once.
func (b *Backend) several() int { return cmp.Or(b.parallel, defaultParallel) }

// inParallel calls work with 0 to n-1, several at a time, and returns when all are done.
// Every call is made, whatever became of the others; the errors are joined.
func (b *Backend) inParallel(ctx context.Context, n int, work func(ctx context.Context, i int) error) error {
	return inParallel(ctx, n, b.several(), work)
}

// inParallel calls work with 0 to n-1, as many at a time as it is told.
func inParallel(ctx context.Context, n, atOnce int, work func(ctx context.Context, i int) error) error {
	failed := make([]error, n)
	workers := min(n, atOnce)
	if workers <= 1 {
		for i := range n {
			failed[i] = work(ctx, i)
		}
		return errors.Join(failed...)
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
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
