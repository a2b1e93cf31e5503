package secrets

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// moto is the address of PyPI's moto 5.2.5, which has a Secrets Manager.
func moto(t *testing.T) string {
	t.Helper()
	program := os.Getenv("MUSTER_MOTO")
	if _, err := os.Stat(program); program == "" || err != nil {
		if os.Getenv("MUSTER_PEERS") != "" {
			t.Fatalf("PyPI moto is missing in MUSTER_MOTO=%q although MUSTER_PEERS is set", program)
		}
		t.Skip("PyPI moto is missing; scripts/peers installs it and sets MUSTER_MOTO")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	host, port, _ := net.SplitHostPort(address)
	cmd := exec.CommandContext(t.Context(), program, "-H", host, "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // or it has ended by itself
		<-ended
	})
	for deadline := time.After(time.Minute); ; {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ended:
			t.Fatal("it ended")
		case <-deadline:
			t.Fatal("it does not listen after a minute")
		}
	}
}

func TestASecretOfAnotherProgramIsReadInItsCurrentVersion(t *testing.T) {
	url := moto(t)
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
