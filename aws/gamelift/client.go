package gamelift

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"

	"muster/aws/caller"
)

// DefaultCallTimeout bounds one call, repeats included.
const DefaultCallTimeout = 5 * time.Second

// Pace of repeats. Waits are short: a player is on the other end.
const (
	maxAttempts = 2
	maxBackoff  = 300 * time.Millisecond
)

// Options says which service a Client speaks to. The zero value is Amazon's, with the
// region and credentials that the AWS SDK finds in environment, profile or instance.
type Options struct {
	Endpoint string // base URL; empty: Amazon's for the region
	Region   string // empty: as the AWS SDK finds it
	// AccessKeyID and SecretAccessKey are fixed credentials. Empty: as the AWS SDK finds
	// them.
	AccessKeyID, SecretAccessKey string
	HTTPClient                   *http.Client  // nil: one tuned for many calls to one host
	CallTimeout                  time.Duration // zero: DefaultCallTimeout
	Log                          *slog.Logger  // what the AWS SDK warns of; nil: nothing is logged
}

// Client calls GameLift. It is safe for concurrent use.
//
// Reads are tried twice. StopMatchmaking and AcceptMatch are repeated only after
// throttling, when they have certainly done nothing; StartMatchmaking has a rule of its
// own.
type Client struct {
	api     *sdk.Client
	timeout time.Duration
}

// New makes a Client. With fixed credentials and a region it is made of the options
// alone; otherwise it reads the SDK's environment and files. It calls nobody.
func New(o Options) (*Client, error) {
	if o.CallTimeout == 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	cfg, err := o.awsConfig()
	if err != nil {
		return nil, fmt.Errorf("configure GameLift: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("configure GameLift: no region: set one, or AWS_REGION")
	}
	api := sdk.NewFromConfig(cfg, func(so *sdk.Options) {
		if o.Endpoint != "" {
			so.BaseEndpoint = &o.Endpoint
		}
	})
	return &Client{api: api, timeout: o.CallTimeout}, nil
}

func (o Options) awsConfig() (aws.Config, error) {
	var httpClient aws.HTTPClient = newHTTPClient()
	if o.HTTPClient != nil {
		httpClient = o.HTTPClient
	}
	log := caller.Log(o.Log)
	fixed := aws.Config{
		Region: o.Region, Logger: log, HTTPClient: httpClient, Retryer: readRetryer,
		Credentials: credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, ""),
	}
	switch {
	case o.AccessKeyID == "":
		return config.LoadDefaultConfig(context.Background(),
			config.WithHTTPClient(httpClient), config.WithRetryer(readRetryer), config.WithLogger(log), config.WithRegion(o.Region))
	case o.Region == "":
		return config.LoadDefaultConfig(context.Background(),
			config.WithHTTPClient(httpClient), config.WithRetryer(readRetryer), config.WithLogger(log), config.WithCredentialsProvider(fixed.Credentials))
	}
	return fixed, nil
}

// newHTTPClient keeps connections to one host open: a burst of players must not open
// one each. It has no timeout of its own, every call brings one. It is of the SDK's
// kind, which can take in the certificates that AWS_CA_BUNDLE names.
func newHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 3 * time.Second }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns = 256
			t.MaxIdleConnsPerHost = 64
			t.IdleConnTimeout = 50 * time.Second // under the minute at which load balancers hang up
			t.TLSHandshakeTimeout = 3 * time.Second
		})
}

func readRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(retryableThrottle)}, o.Retryables...)
	})
}

// whenThrottled is for calls that must not be done twice: they are repeated only when
// the service said that it did not look at them.
func whenThrottled(o *sdk.Options) {
	o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
		so.MaxAttempts, so.MaxBackoff = maxAttempts, maxBackoff
		so.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(retryableThrottle)}
	})
}

// never is for calls whose repeats are decided here.
func never(o *sdk.Options) { o.Retryer = aws.NopRetryer{} }

// call does one operation within the client's timeout and classifies its error.
func call[In, Out any](ctx context.Context, c *Client, op func(context.Context, *In, ...func(*sdk.Options)) (*Out, error), in *In, opts ...func(*sdk.Options)) (*Out, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out, err := op(ctx, in, opts...)
	if err != nil {
		return nil, classify(err)
	}
	return out, nil
}
