package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
)

const (
	scanSegments = 4  // read at once
	loadBatches  = 8  // written at once
	batchSize    = 25 // BatchWriteItem's limit; 25 of the largest records are under its 16 MB
)

var _ muster.Copier = (*Store)(nil)

// Scan implements muster.Copier. It reads several parts of the table at once, as fast as
// the table allows, and visits their pages one after another.
func (s *Store) Scan(ctx context.Context, visit func(page []muster.Record) error) error {
	reading, stop := context.WithCancel(ctx)
	pages := make(chan scanned)
	go func() {
		var wg sync.WaitGroup
		for segment := range scanSegments {
			wg.Go(func() { s.scanSegment(reading, segment, pages) })
		}
		wg.Wait()
		close(pages)
	}()
	defer func() {
		stop()
		for range pages { // until the last reader has ended
		}
	}()
	for page := range pages {
		if page.err != nil {
			return fmt.Errorf("scan: %w", page.err)
		}
		if err := visit(page.records); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	return nil
}

// scanned is a page of a segment, or what ended it.
type scanned struct {
	records []muster.Record
	err     error
}

// scanSegment reads one part of the table into pages, until ctx ends.
func (s *Store) scanSegment(ctx context.Context, segment int, pages chan<- scanned) {
	send := func(p scanned) (wanted bool) {
		select {
		case pages <- p:
			return p.err == nil
		case <-ctx.Done():
			return false
		}
	}
	in := &sdk.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(scanSegments), Limit: aws.Int32(muster.MaxListLimit),
	}
	for {
		out, records, err := s.scanPage(ctx, in)
		if err != nil {
			send(scanned{err: err})
			return
		}
		if len(records) > 0 && !send(scanned{records: records}) || out.LastEvaluatedKey == nil {
			return
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// scanPage reads one page, and its live records.
func (s *Store) scanPage(ctx context.Context, in *sdk.ScanInput) (out *sdk.ScanOutput, records []muster.Record, err error) {
	use := Usage{Call: CallScan}
	r, err := s.persist(ctx, &use, func(ctx context.Context, _ bool) (err error) {
		if out, err = s.api.Scan(ctx, in); err == nil {
			use.addRead(out.ConsumedCapacity)
		}
		return err
	})
	if err == nil {
		err = r.describe()
	}
	if err != nil {
		return nil, nil, err
	}
	now := s.now()
	for _, i := range out.Items {
		record, err := decode(i)
		if err != nil {
			return nil, nil, err
		}
		if !expired(record, now) {
			records = append(records, record)
		}
	}
	return out, records, nil
}

// Load implements muster.Copier. It writes several batches at once, as fast as the table
// takes them.
func (s *Store) Load(ctx context.Context, records []muster.Record) error {
	for _, r := range records {
		if err := muster.CheckRecord(r); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	batches := make(chan []muster.Record)
	var wg sync.WaitGroup
	for range min(loadBatches, 1+len(records)/batchSize) {
		wg.Go(func() {
			for batch := range batches {
				if err := s.loadBatch(ctx, batch); err != nil {
					fail(err)
				}
			}
		})
	}
	for batch := range slices.Chunk(records, batchSize) {
		select {
		case batches <- batch:
		case <-ctx.Done():
		}
	}
	close(batches)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

// errUnprocessed says that DynamoDB took only some of a batch.
var errUnprocessed = errors.New("some of the batch was not processed")

// loadBatch writes at most batchSize records. As long as DynamoDB takes some of them, it
// goes on with the others.
func (s *Store) loadBatch(ctx context.Context, records []muster.Record) error {
	var id writeID
	s.random(id[:])
	left := make([]types.WriteRequest, len(records))
	for i, r := range records {
		left[i].PutRequest = &types.PutRequest{Item: encode(r, id)}
	}
	for {
		before := len(left)
		use := Usage{Call: CallLoad}
		r, err := s.persist(ctx, &use, func(ctx context.Context, _ bool) error {
			out, err := s.api.BatchWriteItem(ctx, &sdk.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{s.table: left}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			})
			if err != nil {
				return err
			}
			for _, c := range out.ConsumedCapacity {
				use.addWrite(&c)
			}
			if left = out.UnprocessedItems[s.table]; len(left) > 0 {
				return errUnprocessed
			}
			return nil
		})
		if err != nil {
			return err
		}
		if r.outcome != throttled || len(left) == before {
			return r.describe()
		}
	}
}
