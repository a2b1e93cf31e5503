package muster

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// Latencies outside these bounds are treated as if they had not been sent.
const (
	minLatencyInMs = 1
	maxLatencyInMs = 10_000
	maxLocations   = 100
)

// What is kept of latencies that were dropped: enough to see the mistake of a client.
const (
	maxDroppedLatencies = 5
	maxDroppedName      = 64 // bytes
)

// latencyProblem is why a measured latency was dropped.
type latencyProblem string

const (
	latencyUnknown latencyProblem = "unknown" // we do not run there
	latencyWild    latencyProblem = "wild"    // below zero, or beyond every connection
)

// latencies keeps what a client measured for the locations we run in: below a
// millisecond counts as one, wild values and unknown places are dropped. Of those, the
// first by name are told.
func (b *Backend) latencies(measured map[string]int) (kept map[string]int, dropped map[string]latencyProblem, err error) {
	if len(measured) > maxLocations {
		return nil, nil, Errorf(Invalid, "ticket.too_many_latencies", "latencies for at most %d locations, not %d", maxLocations, len(measured))
	}
	kept = make(map[string]int, len(measured))
	for _, location := range slices.Sorted(maps.Keys(measured)) {
		ms := measured[location]
		why := latencyWild
		switch {
		case !b.locations[location]:
			why = latencyUnknown
		case ms >= 0 && ms <= maxLatencyInMs:
			kept[location] = max(ms, minLatencyInMs)
			continue
		}
		if len(dropped) < maxDroppedLatencies && len(location) <= maxDroppedName && utf8.ValidString(location) {
			if dropped == nil {
				dropped = make(map[string]latencyProblem)
			}
			dropped[location] = why
		}
	}
	return kept, dropped, nil
}
