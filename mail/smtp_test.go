package mail

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// postOffice speaks as much SMTP as a sender needs. What it offers and refuses is the
// test's to say.
type postOffice struct {
	t        *testing.T
	listener net.Listener
	config   *tls.Config
	roots    *x509.CertPool
	offers   []string // extensions; STARTTLS disappears once it is done
	wait     sync.WaitGroup

	mu      sync.Mutex        // guards what follows
	answers map[string]string // by the command that begins a line, in place of the usual; replaced, not changed
	said    []string          // every line of the client, with "(tls) " before those in TLS
}

func newPostOffice(t *testing.T, security Security, offers ...string) *postOffice {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1
	defer web.Close()
	p := &postOffice{t: t, config: web.TLS, roots: x509.NewCertPool(), offers: offers}
	p.roots.AddCert(web.Certificate())
	var err error
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if security == TLS {
		p.listener = tls.NewListener(p.listener, p.config)
	}
	p.wait.Go(func() {
		for {
			conn, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.wait.Go(func() { p.talk(conn, security == TLS) })
		}
	})
	t.Cleanup(func() { _ = p.listener.Close(); p.wait.Wait() })
	return p
}

// answerWith replaces the answers for connections from now on.
func (p *postOffice) answerWith(answers map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
}

func (p *postOffice) special() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answers
}

func (p *postOffice) talk(conn net.Conn, secret bool) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
	answers := p.special()
	if answers["silence"] != "" {
		_, _ = in.ReadString('\n') // until the client gives up
		return
	}
	say("220 post office")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		p.note(line, secret)
		command, _, _ := strings.Cut(line, " ")
		answer, special := answers[command]
		switch {
		case special:
			say("%s", answer)
		case command == "EHLO":
			say("250-post office")
			for _, offer := range p.offers {
				if offer != "STARTTLS" || !secret {
					say("250-%s", offer)
				}
			}
			say("250 8BITMIME")
		case command == "STARTTLS":
			say("220 go ahead")
			over := tls.Server(conn, p.config)
			conn, in, secret = over, bufio.NewReader(over), true
		case command == "AUTH" && strings.HasSuffix(line, "LOGIN"):
			for _, question := range []string{"Username:", "Password:"} {
				say("334 %s", base64.StdEncoding.EncodeToString([]byte(question)))
				line, _ := in.ReadString('\n')
				p.note(strings.TrimRight(line, "\r\n"), secret)
			}
			say("235 welcome")
		case command == "AUTH":
			say("235 welcome")
		case command == "DATA":
			say("354 go on")
			for line != "." && err == nil {
				line, err = in.ReadString('\n')
				line = strings.TrimRight(line, "\r\n")
			}
			say("250 taken")
		case command == "QUIT":
			say("221 goodbye")
			return
		default:
			say("250 fine")
		}
	}
}

func (p *postOffice) note(line string, secret bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if secret {
		line = "(tls) " + line
	}
	p.said = append(p.said, line)
}

// heard says whether the client said a line.
func (p *postOffice) heard(line string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, said := range p.said {
		if said == line {
			return true
		}
	}
	return false
}

func (p *postOffice) sender(t *testing.T, security Security, user string) *SMTP {
	t.Helper()
	s, err := NewSMTP(SMTPOptions{
		Address: p.listener.Addr().String(), Security: security, From: mail.Address{Address: "no-reply@game.example"},
		User: user, Password: func() (string, error) { return "let me in", nil }, RootCAs: p.roots, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var aLetter = Message{ID: "letter-1", To: "ann@example.com", Subject: "Your code", Text: "Your code: K7QM-2XWD\n.\n"}

func TestMailsGoOutOverTLS(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00muster\x00let me in"))
	for name, c := range map[string]struct {
		security Security
		offers   []string
		user     string
		heard    []string
	}{
		"by STARTTLS with PLAIN": {"", []string{"STARTTLS", "AUTH LOGIN PLAIN"}, "muster", []string{"STARTTLS", "(tls) AUTH PLAIN " + plain, "(tls) RCPT TO:<ann@example.com>"}},
		"by STARTTLS with LOGIN": {StartTLS, []string{"STARTTLS", "AUTH LOGIN"}, "muster", []string{"(tls) bXVzdGVy", "(tls) bGV0IG1lIGlu", "(tls) MAIL FROM:<no-reply@game.example> BODY=8BITMIME"}},
		"by TLS from the start":  {TLS, []string{"AUTH PLAIN"}, "muster", []string{"(tls) EHLO game.example", "(tls) AUTH PLAIN " + plain}},
		"without a user":         {StartTLS, []string{"STARTTLS"}, "", []string{"(tls) RCPT TO:<ann@example.com>"}},
		"to this machine":        {Insecure, nil, "", []string{"RCPT TO:<ann@example.com>"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPostOffice(t, c.security, c.offers...)
			if err := p.sender(t, c.security, c.user).Send(t.Context(), aLetter); err != nil {
				t.Fatal(err)
			}
			for _, line := range c.heard {
				if !p.heard(line) {
					t.Errorf("it did not hear %q, but %q", line, p.said)
				}
			}
		})
	}
}

func TestMailsThatDoNotGoOut(t *testing.T) {
	for name, c := range map[string]struct {
		offers  []string
		answers map[string]string
		change  func(*SMTPOptions)
		final   bool
	}{
		"no STARTTLS is offered":         {offers: []string{"AUTH PLAIN"}},
		"STARTTLS is refused":            {offers: []string{"STARTTLS"}, answers: map[string]string{"STARTTLS": "454 not now"}},
		"the certificate is of others":   {offers: []string{"STARTTLS"}, change: func(o *SMTPOptions) { o.RootCAs = x509.NewCertPool() }},
		"the password is wrong":          {offers: []string{"STARTTLS", "AUTH PLAIN"}, answers: map[string]string{"AUTH": "535 ann@example.com is wrong"}},
		"the password cannot be read":    {offers: []string{"STARTTLS", "AUTH PLAIN"}, change: func(o *SMTPOptions) { o.Password = func() (string, error) { return "", errors.New("no file") } }},
		"the sender is not allowed":      {offers: []string{"STARTTLS", "AUTH PLAIN"}, answers: map[string]string{"MAIL": "553 not yours"}},
		"the mailbox is full":            {offers: []string{"STARTTLS", "AUTH PLAIN"}, answers: map[string]string{"RCPT": "452 ann@example.com is full"}},
		"there is no such mailbox":       {offers: []string{"STARTTLS", "AUTH PLAIN"}, answers: map[string]string{"RCPT": "550 ann@example.com is unknown"}, final: true},
		"the message is not wanted":      {offers: []string{"STARTTLS", "AUTH PLAIN"}, answers: map[string]string{"DATA": "554 spam"}, final: true},
		"the server is busy":             {offers: []string{"STARTTLS", "AUTH PLAIN"}, answers: map[string]string{"DATA": "421 later"}},
		"nobody listens":                 {change: func(o *SMTPOptions) { o.Address = "127.0.0.1:1" }},
		"the server does not say a word": {answers: map[string]string{"silence": "yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPostOffice(t, StartTLS, c.offers...)
			p.answerWith(c.answers)
			s := p.sender(t, StartTLS, "muster")
			if c.change != nil {
				c.change(&s.o)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if c.answers["silence"] != "" {
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
			}
			err := s.Send(ctx, aLetter)
			if err == nil || errors.Is(err, ErrRefused) != c.final {
				t.Errorf("it is %v, final %v", err, c.final)
			}
			if err != nil && (strings.Contains(err.Error(), "ann@") || strings.Contains(err.Error(), "let me in")) {
				t.Errorf("the error tells too much: %v", err)
			}
			if p.heard("AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00muster\x00let me in"))) {
				t.Error("the password went out in the open")
			}
		})
	}
}
