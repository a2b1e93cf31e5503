// Package secrets reads one secret of AWS Secrets Manager, by its ARN. Whoever reads it needs
// secretsmanager:GetSecretValue on that secret, and kms:Decrypt on the key that encrypts it
// unless that is the service's own.
//
// [New] makes a [Secret], and [Secret.Read] asks for what it holds now. Nothing is kept here, and
// nothing is written: how long a value may be used is for the caller to say.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"muster/aws/caller"
)

// DefaultCallTimeout bounds one reading, repeats included.
const DefaultCallTimeout = 5 * time.Second

// maxAttempts bounds how often one reading asks.
const maxAttempts = 3

// Options says which secret is meant. Without credentials they are found as the AWS SDK does; the
// region is the ARN's.
type Options struct {
	ARN      string
	Endpoint string // base URL; empty: as the AWS SDK finds it, which is Amazon's for the region
	// AccessKeyID and SecretAccessKey are fixed credentials. Empty: as the AWS SDK finds them.
	AccessKeyID, SecretAccessKey string
	HTTPClient                   *http.Client  // nil: the SDK's
	CallTimeout                  time.Duration // zero: DefaultCallTimeout
	Log                          *slog.Logger  // what the AWS SDK warns of; nil: nothing is logged
}

// Secret is a secret that can be read. It is safe for concurrent use.
type Secret struct {
	api     *sdk.Client
	arn     string
	timeout time.Duration
}

// secretARN is the form of the ARNs of secrets (AWS Service Authorization Reference, "Actions,
// resources, and condition keys for AWS Secrets Manager"). Its group is the region.
var secretARN = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$`)

// IsARN says whether a text is the ARN of a secret.
func IsARN(text string) bool { return secretARN.MatchString(text) }

// New makes a Secret. It may read the SDK's environment and files, and calls nobody.
func New(o Options) (*Secret, error) {
	parts := secretARN.FindStringSubmatch(o.ARN)
	if parts == nil {
		return nil, fmt.Errorf("%q is not the ARN of a secret, such as arn:aws:secretsmanager:eu-central-1:123456789012:secret:muster/signing-keys-a1b2c3", o.ARN)
	}
	cfg, err := o.awsConfig(parts[1])
	if err != nil {
		return nil, fmt.Errorf("configure Secrets Manager: %w", err)
	}
	s := &Secret{arn: o.ARN, timeout: o.CallTimeout, api: sdk.NewFromConfig(cfg, func(so *sdk.Options) {
		so.RetryMaxAttempts = maxAttempts
		if o.Endpoint != "" {
			so.BaseEndpoint = &o.Endpoint
		}
	})}
	if s.timeout == 0 {
		s.timeout = DefaultCallTimeout
	}
	return s, nil
}

func (o Options) awsConfig(region string) (aws.Config, error) {
	load := []func(*config.LoadOptions) error{config.WithRegion(region), config.WithLogger(caller.Log(o.Log))}
	if o.HTTPClient != nil {
		load = append(load, config.WithHTTPClient(o.HTTPClient))
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, "")))
	}
	return config.LoadDefaultConfig(context.Background(), load...)
}

// Read is what the secret holds now: its current version, a text or bytes. Errors name the
// secret and never what it holds.
func (s *Secret) Read(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	got, err := s.api.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: &s.arn})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the secret %s: %w", s.arn, explained(err))
	case got.SecretString != nil:
		return []byte(*got.SecretString), nil
	case got.SecretBinary != nil:
		return got.SecretBinary, nil
	}
	return nil, fmt.Errorf("the secret %s is empty", s.arn)
}

// explained is an error of the service in its own words, without the SDK's account of the call.
func explained(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return &refusal{api, err}
	}
	return caller.Explained(err)
}

type refusal struct {
	api smithy.APIError
	err error
}

func (r *refusal) Error() string {
	if message := r.api.ErrorMessage(); message != "" {
		return r.api.ErrorCode() + ": " + message
	}
	return r.api.ErrorCode()
}

func (r *refusal) Unwrap() error { return r.err }
