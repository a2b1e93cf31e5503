package secrets

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"muster/internal/peertest"
)

func TestASecretOfAnotherProgramIsReadInItsCurrentVersion(t *testing.T) {
	url := peertest.Moto(t)
	api := sdk.New(sdk.Options{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""), BaseEndpoint: &url})
	made, err := api.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: aws.String("muster/signing-keys"), SecretString: aws.String("first")})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := New(Options{ARN: *made.ARN, Endpoint: url, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := secret.Read(t.Context()); err != nil || string(got) != "first" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := api.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: made.ARN, SecretBinary: []byte("second")}); err != nil {
		t.Fatal(err)
	}
	if got, err := secret.Read(t.Context()); err != nil || string(got) != "second" {
		t.Errorf("once it was replaced: %q, %v", got, err)
	}
	gone, err := New(Options{ARN: *made.ARN + "x", Endpoint: url, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("one that is not there: %v", err)
	}
}
