package muster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The index lists a mode's results in the order of their instants, a day in a few
// partitions, so that they can be counted again.

// resultShards spreads a day's results of a mode over partitions, each of which takes
// some 500 a second in DynamoDB.
const resultShards = 8

// resultIndex is the value of an index record: all that it says stands in its key.
type resultIndex struct{}

func resultPartition(mode ModeName, day time.Time, shard int) string {
	return "RES#" + string(mode) + "#" + day.UTC().Format(time.DateOnly) + "#" + strconv.Itoa(shard)
}

func (r *result) indexKey() Key {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.Session)) // a hash never fails to write
	return Key{resultPartition(r.Mode, r.RecordedAt, int(h.Sum32()%resultShards)), sortableTime(r.RecordedAt) + "#" + string(r.Session)}
}

// resultRef is a result as the index names it. Text sorts as the results do: by instant,
// then by session.
type resultRef struct {
	text    string
	at      time.Time
	session SessionID
}

func refOf(sort string) (resultRef, error) {
	stamp, session, _ := strings.Cut(sort, "#")
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return resultRef{}, fmt.Errorf("read the index of results: %w", err)
	}
	return resultRef{sort, at, SessionID(session)}, nil
}

// indexPage is how many index records of one shard are read at a time.
const indexPage = 500

// resultShard reads one shard of a day, in order.
type resultShard struct {
	partition string
	after     string
	ahead     []resultRef // read and not yet handed out
	over      bool
}

func (s *resultShard) fill(ctx context.Context, store Store) error {
	if len(s.ahead) > 0 || s.over {
		return nil
	}
	records, err := store.List(ctx, s.partition, ListOptions{After: s.after, Limit: indexPage})
	if err != nil {
		return err
	}
	for _, rec := range records {
		ref, err := refOf(rec.Sort)
		if err != nil {
			return err
		}
		s.ahead, s.after = append(s.ahead, ref), rec.Sort
	}
	s.over = len(records) < indexPage
	return nil
}

// resultsOfDay hands the results of a mode that were recorded on a day, at from or
// later, to visit: in order, at most batch at a time.
func (b *Backend) resultsOfDay(ctx context.Context, mode ModeName, from time.Time, batch int, visit func([]resultRef) error) error {
	shards := make([]*resultShard, resultShards)
	for i := range shards {
		shards[i] = &resultShard{partition: resultPartition(mode, from, i), after: sortableTime(from)}
	}
	var refs []resultRef
	for {
		err := b.inParallel(ctx, len(shards), func(ctx context.Context, i int) error { return shards[i].fill(ctx, b.store) })
		if err != nil {
			return err
		}
		shards = slices.DeleteFunc(shards, func(s *resultShard) bool { return len(s.ahead) == 0 })
		if len(shards) == 0 || len(refs) == batch {
			if err := visit(refs); err != nil || len(shards) == 0 {
				return err
			}
			refs = refs[:0]
		}
		refs = takeInOrder(shards, refs, batch)
	}
}

// takeInOrder moves the first of all shards' results to refs, until batch is reached or a
// shard has to be read again.
func takeInOrder(shards []*resultShard, refs []resultRef, batch int) []resultRef {
	for len(refs) < batch {
		first := slices.MinFunc(shards, func(a, b *resultShard) int { return cmp.Compare(a.ahead[0].text, b.ahead[0].text) })
		refs = append(refs, first.ahead[0])
		if first.ahead = first.ahead[1:]; len(first.ahead) == 0 {
			break
		}
	}
	return refs
}

// walkBatch is how many results are read at a time.
const walkBatch = 64

// walkResults hands the stored results of a mode, from an instant to the end of the day of
// another, to visit, in order. Results that are still being applied are finished first.
func (b *Backend) walkResults(ctx context.Context, mode ModeName, from, to time.Time, skip func(resultRef) bool, visit func(*result) error) error {
	for ; !from.After(to); from = nextDay(from) {
		err := b.resultsOfDay(ctx, mode, from.UTC(), walkBatch, func(refs []resultRef) error {
			refs = slices.DeleteFunc(slices.Clone(refs), skip)
			results := make([]*result, len(refs))
			err := b.inParallel(ctx, len(refs), func(ctx context.Context, i int) error {
				res, err := b.finishResult(ctx, refs[i].session)
				if errors.Is(err, ErrNotFound) || KindOf(err) == NotFound {
					return nil // expired meanwhile
				}
				results[i] = &res
				return err
			})
			if err != nil {
				return err
			}
			for _, res := range results {
				if res == nil {
					continue
				}
				if err := visit(res); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func nextDay(at time.Time) time.Time {
	return at.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}
