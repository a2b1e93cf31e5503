package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"
)

// Security is how a connection to a server of mails is kept private.
type Security string

// The kinds of security. StartTLS, the default, and TLS fail where the server offers none:
// nothing is ever sent in the open instead.
const (
	StartTLS Security = "starttls" // plain at first, TLS before anything is said; port 587
	TLS      Security = "tls"      // TLS from the start; port 465
	Insecure Security = "none"     // for a server on the same machine
)

// SMTPOptions name a server of mails.
type SMTPOptions struct {
	Address  string   // host and port
	Security Security // empty: StartTLS
	From     mail.Address

	// User and Password sign in; an empty user does not. The password is asked for each time,
	// so that it can change. It is never sent without TLS but to this machine.
	User     string
	Password func() (string, error)

	RootCAs *x509.CertPool // nil: the system's
	Now     func() time.Time
}

// SMTP sends through a server, with one connection for each message.
type SMTP struct {
	o    SMTPOptions
	host string
}

// NewSMTP makes a sender. It does not connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil || host == "" {
		return nil, fmt.Errorf("%q is not a host and a port", o.Address)
	}
	if o.Security == "" {
		o.Security = StartTLS
	}
	return &SMTP{o: o, host: host}, nil
}

// dialWithin is how long connecting may take; what follows is bounded by ctx.
const dialWithin = 10 * time.Second

// Send hands a message to the server. No error repeats what the server said, which may
// repeat the address.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	text, err := m.encoded(s.o.From, s.o.Now())
	if err != nil {
		return err
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("connect to the server of mails: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // whoever waits for it learns of it
	defer stop()
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		_ = conn.Close() // it is of no use
		return fmt.Errorf("greet the server of mails: %w", said(err, false))
	}
	defer client.Close() //nolint:errcheck // after Quit it is closed
	if err := s.begin(client); err != nil {
		return err
	}
	return s.hand(client, m.To, text)
}

func (s *SMTP) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialWithin}
	if s.o.Security == TLS {
		return (&tls.Dialer{NetDialer: &dialer, Config: s.tlsConfig()}).DialContext(ctx, "tcp", s.o.Address)
	}
	return dialer.DialContext(ctx, "tcp", s.o.Address)
}

func (s *SMTP) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.o.RootCAs, MinVersion: tls.VersionTLS12}
}

// begin makes a fresh connection private and signs in.
func (s *SMTP) begin(client *smtp.Client) error {
	_, domain, _ := strings.Cut(s.o.From.Address, "@")
	if err := client.Hello(domain); err != nil {
		return fmt.Errorf("greet the server of mails: %w", said(err, false))
	}
	if s.o.Security == StartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errors.New("the server of mails offers no STARTTLS")
		}
		if err := client.StartTLS(s.tlsConfig()); err != nil {
			return fmt.Errorf("start TLS with the server of mails: %w", said(err, false))
		}
	}
	if s.o.User == "" {
		return nil
	}
	password, err := s.o.Password()
	if err != nil {
		return fmt.Errorf("read the password for the server of mails: %w", err)
	}
	if err := client.Auth(&credentials{user: s.o.User, password: password, host: s.host}); err != nil {
		return fmt.Errorf("sign in to the server of mails: %w", said(err, false))
	}
	return nil
}

// hand gives one message over. What the server says of recipient and message may be final;
// what it says of us is not: an operator can mend that.
func (s *SMTP) hand(client *smtp.Client, to string, text []byte) error {
	if err := client.Mail(s.o.From.Address); err != nil {
		return fmt.Errorf("name the sender: %w", said(err, false))
	}
	if err := client.Rcpt(to); err != nil {
		return fmt.Errorf("name the recipient: %w", said(err, true))
	}
	w, err := client.Data()
	if err != nil {
		return fmt.Errorf("begin the message: %w", said(err, true))
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("send the message: %w", said(err, false))
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("end the message: %w", said(err, true))
	}
	_ = client.Quit() // the server has the message, whatever it answers to a goodbye
	return nil
}

// said is the error of a server without its words: its code alone, which may be final from
// 500 on.
func said(err error, mayBeFinal bool) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return err
	}
	if mayBeFinal && answer.Code >= 500 {
		return fmt.Errorf("%w: the server answers %d", ErrRefused, answer.Code)
	}
	return fmt.Errorf("the server answers %d", answer.Code)
}

// credentials signs in by PLAIN, or by LOGIN where the server knows nothing better.
type credentials struct {
	user, password, host string

	byLogin bool
}

// Start chooses the mechanism. Nothing is said without TLS, but to this machine.
func (c *credentials) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	if !server.TLS && !loopback(server.Name) {
		return "", nil, errors.New("no password is sent without TLS")
	}
	if server.Name != c.host {
		return "", nil, errors.New("another server answers")
	}
	plain, login := false, false
	for _, offered := range server.Auth {
		plain = plain || strings.EqualFold(offered, "PLAIN")
		login = login || strings.EqualFold(offered, "LOGIN")
	}
	if c.byLogin = login && !plain; c.byLogin {
		return "LOGIN", nil, nil
	}
	return "PLAIN", []byte("\x00" + c.user + "\x00" + c.password), nil
}

// Next answers what LOGIN asks for: the user, then the password.
func (c *credentials) Next(asked []byte, more bool) ([]byte, error) {
	switch question := strings.ToLower(string(asked)); {
	case !more:
		return nil, nil
	case c.byLogin && strings.HasPrefix(question, "user"):
		return []byte(c.user), nil
	case c.byLogin && strings.HasPrefix(question, "pass"):
		return []byte(c.password), nil
	}
	return nil, errors.New("the server asks for more than it should")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
