package main

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"muster/aws/dynamo"
)

// usageEvery is how often a replica logs what its calls to DynamoDB consumed.
const usageEvery = time.Minute

// logUsage logs at each tick what has been counted since the last, and once more when ctx
// ends.
func logUsage(ctx context.Context, ticks <-chan time.Time, tally *dynamo.Tally, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			logSums(tally.Reset(), log)
			return
		case <-ticks:
			logSums(tally.Reset(), log)
		}
	}
}

// logSums logs a line for each kind of call. Throttling and repeats are warnings: players
// wait for them, and one line a minute says as much as one for each.
func logSums(sums map[dynamo.Call]dynamo.Sum, log *slog.Logger) {
	for _, call := range slices.SortedFunc(maps.Keys(sums), cmp.Compare[dynamo.Call]) {
		sum := sums[call]
		level := slog.LevelInfo
		if sum.Throttled > 0 || sum.Repeats > 0 {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "calls to DynamoDB", "call", call, "calls", sum.Calls,
			"readUnits", sum.ReadUnits, "writeUnits", sum.WriteUnits, "refused", sum.Refused, "repeats", sum.Repeats, "throttled", sum.Throttled)
	}
}
