package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
	"muster/aws/caller"
)

// DefaultTryTimeout bounds one try of a call.
const DefaultTryTimeout = 5 * time.Second

// Options says which table a Store keeps its records in. Only Table is required; region
// and credentials are those that the AWS SDK finds in environment, profile or instance,
// unless they are given.
type Options struct {
	Table    string
	Region   string
	Endpoint string // base URL; empty: Amazon's for the region
	// AccessKeyID and SecretAccessKey are fixed credentials.
	AccessKeyID, SecretAccessKey string
	Now                          func() time.Time // by which records expire; nil: time.Now
	Meter                        func(Usage)      // told of every call as it ends, concurrently; nil: nobody
	Log                          *slog.Logger     // nil: nothing is logged
	HTTPClient                   *http.Client     // nil: one tuned for many calls to one host
	TryTimeout                   time.Duration    // zero: DefaultTryTimeout
	// Pause waits for d, or until ctx ends, and then returns its error; nil: by a timer.
	// Tests that live in another time give one.
	Pause func(ctx context.Context, d time.Duration) error
}

// Store implements muster.Store and muster.Copier. It is safe for concurrent use.
type Store struct {
	api        *sdk.Client
	http       *http.Client // as in Options
	table      string
	now        func() time.Time
	meter      func(Usage)
	log        *slog.Logger
	tryTimeout time.Duration

	// Chance and waiting, so that tests can do without.
	random func(b []byte)                                   // fills b
	jitter func() float64                                   // 0 to 1
	pause  func(ctx context.Context, d time.Duration) error // ends early with ctx, and its error
}

var _ muster.Store = (*Store)(nil)

// New makes a Store. With fixed credentials and a region it is made of the options
// alone; otherwise it reads the SDK's environment and files. It calls nobody.
func New(o Options) (*Store, error) {
	if o.Table == "" {
		return nil, errors.New("configure DynamoDB: no table is named")
	}
	cfg, err := o.awsConfig()
	if err != nil {
		return nil, fmt.Errorf("configure DynamoDB: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("configure DynamoDB: no region: set one, or AWS_REGION")
	}
	s := &Store{
		api: sdk.NewFromConfig(cfg, func(so *sdk.Options) {
			if o.Endpoint != "" {
				so.BaseEndpoint = &o.Endpoint
			}
		}),
		http: o.HTTPClient, table: o.Table, now: o.Now, meter: o.Meter, log: o.Log, tryTimeout: o.TryTimeout,
		random: func(b []byte) { _, _ = rand.Read(b) }, // never fails, by its documentation
		jitter: mathrand.Float64,
		pause:  o.Pause,
	}
	if s.pause == nil {
		s.pause = pause
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.tryTimeout == 0 {
		s.tryTimeout = DefaultTryTimeout
	}
	return s, nil
}

// awsConfig has no retryer of the SDK's: which calls are repeated is decided here.
func (o Options) awsConfig() (aws.Config, error) {
	var client aws.HTTPClient = newHTTPClient()
	if o.HTTPClient != nil {
		client = o.HTTPClient
	}
	never := func() aws.Retryer { return aws.NopRetryer{} }
	log := caller.Log(o.Log)
	fixed := credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, "")
	switch {
	case o.AccessKeyID == "":
		return config.LoadDefaultConfig(context.Background(),
			config.WithHTTPClient(client), config.WithRetryer(never), config.WithLogger(log), config.WithRegion(o.Region))
	case o.Region == "":
		return config.LoadDefaultConfig(context.Background(),
			config.WithHTTPClient(client), config.WithRetryer(never), config.WithLogger(log), config.WithCredentialsProvider(fixed))
	}
	return aws.Config{Region: o.Region, HTTPClient: client, Retryer: never, Credentials: fixed, Logger: log}, nil
}

// newHTTPClient keeps connections to one host open: a burst of players must not open one
// each. It has no timeout of its own, every try brings one. It is of the SDK's kind,
// which can take in the certificates that AWS_CA_BUNDLE names.
func newHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 2 * time.Second }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns = 512
			t.MaxIdleConnsPerHost = 256
			t.IdleConnTimeout = 50 * time.Second
			t.TLSHandshakeTimeout = 2 * time.Second
		})
}

// Close closes the idle connections of a given HTTPClient; others close by themselves. A
// Store keeps nothing else: what was written is written.
func (s *Store) Close() error {
	if s.http != nil {
		s.http.CloseIdleConnections()
	}
	return nil
}

// Get implements muster.Store.
func (s *Store) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	if err := muster.CheckKey(key); err != nil {
		return muster.Record{}, err
	}
	r, err := s.read(ctx, key, CallGet)
	if err != nil {
		return muster.Record{}, fmt.Errorf("get %q: %w", key.Redacted(), err)
	}
	return r, nil
}

// read is Get without its name in the error, for more than one kind of call.
func (s *Store) read(ctx context.Context, key muster.Key, call Call) (muster.Record, error) {
	if err := ctx.Err(); err != nil {
		return muster.Record{}, err
	}
	now := s.now()
	use := Usage{Call: call}
	var got item
	r, err := s.persist(ctx, &use, func(ctx context.Context, _ bool) error {
		out, err := s.api.GetItem(ctx, &sdk.GetItemInput{
			TableName: &s.table, Key: keyOf(key), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err == nil {
			got = out.Item
			use.addRead(out.ConsumedCapacity)
		}
		return err
	})
	if err == nil {
		err = r.describe()
	}
	switch {
	case err != nil:
		return muster.Record{}, err
	case got == nil:
		return muster.Record{}, muster.ErrNotFound
	}
	record, err := decode(got)
	if err == nil && expired(record, now) {
		err = muster.ErrNotFound
	}
	return record, err
}

// List implements muster.Store.
func (s *Store) List(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	if err := muster.CheckPartition(partition); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list %q: %w", muster.Key{Partition: partition}.Redacted(), err)
	}
	records, err := s.list(ctx, partition, opts)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", muster.Key{Partition: partition}.Redacted(), err)
	}
	return records, nil
}

// list reads pages until it has enough. What has expired, and is not removed yet, takes
// room in a page, so each is asked to be twice as long as the one before.
func (s *Store) list(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	span, ok := newSpan(opts)
	if !ok {
		return nil, nil
	}
	now := s.now()
	expression, values := span.condition(partition)
	var records []muster.Record
	var after item
	for limit := opts.Max() + span.slack(); ; limit = min(2*limit, muster.MaxListLimit) {
		page, err := s.query(ctx, &sdk.QueryInput{
			TableName: &s.table, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			KeyConditionExpression: &expression, ExpressionAttributeValues: values,
			ScanIndexForward: aws.Bool(!opts.Descending), Limit: aws.Int32(int32(limit)), ExclusiveStartKey: after,
		})
		if err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			r, err := decode(i)
			if err != nil {
				return nil, err
			}
			if !span.has(r.Sort) || expired(r, now) {
				continue
			}
			if records = append(records, r); len(records) == opts.Max() {
				return records, nil
			}
		}
		if after = page.LastEvaluatedKey; after == nil {
			return records, nil
		}
	}
}

// query reads one page.
func (s *Store) query(ctx context.Context, in *sdk.QueryInput) (*sdk.QueryOutput, error) {
	use := Usage{Call: CallList}
	var page *sdk.QueryOutput
	r, err := s.persist(ctx, &use, func(ctx context.Context, _ bool) (err error) {
		if page, err = s.api.Query(ctx, in); err == nil {
			use.addRead(page.ConsumedCapacity)
		}
		return err
	})
	if err == nil {
		err = r.describe()
	}
	return page, err
}
