package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// stack runs the parts of a process and takes them down in the opposite order: what
// was started last, and leans on the others, ends first. It is not safe for concurrent
// use but for failed.
type stack struct {
	layers []layer
	failed chan error // the first part that ended by itself
	once   sync.Once
}

type layer struct {
	name string
	end  func() error
}

func newStack() *stack { return &stack{failed: make(chan error, 1)} }

// run starts a part that works until its context ends.
func (s *stack) run(name string, work func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		err := work(ctx)
		if ctx.Err() == nil {
			s.fail(name, err)
		}
		done <- err
	}()
	s.layers = append(s.layers, layer{name, func() error {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}})
}

// fail records that a part ended although nobody asked it to.
func (s *stack) fail(name string, err error) {
	if err == nil {
		err = errors.New("ended unexpectedly")
	}
	s.once.Do(func() { s.failed <- fmt.Errorf("%s: %w", name, err) })
}

// onEnd adds something to release at this height.
func (s *stack) onEnd(name string, end func() error) {
	s.layers = append(s.layers, layer{name, end})
}

// end takes everything down, newest first, and waits for it.
func (s *stack) end() error {
	var problems []error
	for i := len(s.layers) - 1; i >= 0; i-- {
		if err := s.layers[i].end(); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", s.layers[i].name, err))
		}
	}
	s.layers = nil
	return errors.Join(problems...)
}
