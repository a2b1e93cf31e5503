package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/aws/dynamo"
)

// counted is what logUsage logs in a synctest bubble, without times. Each of the parts is counted, and then a
// minute passes; the last ends with the replica.
func counted(t *testing.T, parts ...[]dynamo.Usage) []string {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}}))
	var tally dynamo.Tally
	ctx, cancel := context.WithCancel(context.Background())
	ticks, done := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(done)
		logUsage(ctx, ticks, &tally, log)
	}()
	for i, part := range parts {
		if i > 0 {
			ticks <- time.Time{}
			synctest.Wait()
		}
		for _, u := range part {
			tally.Count(u)
		}
	}
	cancel()
	<-done
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestAReplicaLogsWhatItsCallsConsume(t *testing.T) {
	get := dynamo.Usage{Call: dynamo.CallGet, ReadUnits: 1}
	write := dynamo.Usage{Call: dynamo.CallWrite, WriteUnits: 2.5}
	const gets, writes = "level=INFO call=get calls=2 readUnits=2 writeUnits=0 refused=0 repeats=0 throttled=0", "level=INFO call=write calls=1 readUnits=0 writeUnits=2.5 refused=0 repeats=0 throttled=0"
	cases := []struct {
		name  string
		parts [][]dynamo.Usage
		want  []string
	}{
		{"nothing is logged of nothing", [][]dynamo.Usage{nil, nil, nil}, []string{""}},
		{"a line for each kind of call", [][]dynamo.Usage{{get, write, get}, nil}, []string{gets, writes}},
		{"each call is counted once", [][]dynamo.Usage{{get, get}, {write}, nil}, []string{gets, writes}},
		{"the rest is logged at the end", [][]dynamo.Usage{{write}, {get, get}}, []string{writes, gets}},
		{
			"throttling and repeats are warnings",
			[][]dynamo.Usage{{{Call: dynamo.CallLoad, Throttled: 2, Repeats: 2}, {Call: dynamo.CallWrite, Refused: true}, {Call: dynamo.CallTransaction, Repeats: 1}}},
			[]string{
				"level=WARN call=load calls=1 readUnits=0 writeUnits=0 refused=0 repeats=2 throttled=2",
				"level=WARN call=transaction calls=1 readUnits=0 writeUnits=0 refused=0 repeats=1 throttled=0",
				"level=INFO call=write calls=1 readUnits=0 writeUnits=0 refused=1 repeats=0 throttled=0",
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got, want := strings.Join(counted(t, c.parts...), "\n"), strings.Join(c.want, "\n"); got != want {
					t.Errorf("logged:\n%s\nwant:\n%s", got, want)
				}
			})
		})
	}
}
