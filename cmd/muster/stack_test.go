package main

import (
	"errors"
	"strings"
	"testing"
)

func TestAStackEndsNewestFirstAndTellsWhoFailed(t *testing.T) {
	s := newStack()
	var order []string
	for _, name := range []string{"first", "second", "third"} {
		s.onEnd(name, func() error { order = append(order, name); return nil })
	}
	s.onEnd("broken", func() error { return errors.New("no") })
	if err := s.end(); err == nil || err.Error() != "broken: no" {
		t.Errorf("the end says %v", err)
	}
	if strings.Join(order, " ") != "third second first" {
		t.Errorf("ended in the order %v", order)
	}
	if err := s.end(); err != nil {
		t.Errorf("a second end says %v", err)
	}
}
