package mail

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/peertest"
)

// received is a message as the peer understood it.
type received struct {
	From, Subject, Text, HTML string
	To                        []string
	TLS                       bool
}

// Against a server that we did not write: Python's aiosmtpd.
func TestAiosmtpdUnderstandsOurMails(t *testing.T) {
	python := peertest.Find(t, "a Python with aiosmtpd", "MUSTER_SMTP_PEER")
	cert, key, roots := ownCertificate(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "testdata/aiosmtpd_peer.py", cert, key)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close(); _ = cmd.Wait() }() // what it has to say was said
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatal("the peer did not say its port")
	}
	o := SMTPOptions{
		Address: net.JoinHostPort("127.0.0.1", lines.Text()), From: mail.Address{Name: "Türme", Address: "no-reply@game.example"},
		User: "muster", Password: func() (string, error) { return "let me in", nil }, RootCAs: roots, Now: time.Now,
	}
	sender, err := NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	m := Message{ID: "letter-1", To: "ann@example.com", Subject: "Dein Code für Türme", Text: "Grüße\n.\n..\n" + strings.Repeat("lang ", 300) + "\n", HTML: "<p>Grüße = 1</p>\n"}
	if err := sender.Send(ctx, m); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() {
		t.Fatal("the peer did not say what it got")
	}
	var got received
	if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	got.Text, got.HTML = strings.ReplaceAll(got.Text, "\r\n", "\n"), strings.ReplaceAll(got.HTML, "\r\n", "\n")
	if !got.TLS || got.From != "no-reply@game.example" || len(got.To) != 1 || got.To[0] != m.To || got.Subject != m.Subject || got.Text != m.Text || got.HTML != m.HTML {
		t.Errorf("it got %+v", got)
	}
	m.To = "nobody@example.com"
	if err := sender.Send(ctx, m); !errors.Is(err, ErrRefused) {
		t.Errorf("an unknown mailbox gives %v", err)
	}
	o.Password = func() (string, error) { return "let me out", nil }
	if sender, err = NewSMTP(o); err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(ctx, m); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("a wrong password gives %v", err)
	}
}

// ownCertificate makes a certificate of 127.0.0.1 that signs itself, as two files.
func ownCertificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := errors.Join(os.WriteFile(cert, public, 0o600), os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	return cert, key, roots
}
