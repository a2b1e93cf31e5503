package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
	"unicode"
)

// Message is a mail as it is sent: text, and the same as HTML.
type Message struct {
	ID      string // unique; of the alphabet [a-zA-Z0-9-]
	To      string // a bare address, ASCII
	Subject string // one line
	Text    string
	HTML    string // empty: text alone
}

// Sender hands messages on. It is safe for concurrent use.
type Sender interface {
	// Send returns nil when the message is somebody else's to deliver. ErrRefused, wrapped,
	// says that it never will be; any other error may pass.
	Send(ctx context.Context, m Message) error
}

// ErrRefused is wrapped by the error of a message that nobody will ever take.
var ErrRefused = errors.New("the message is refused for good")

// encoded writes the message in the form of RFC 5322 and 2046, with lines that end in LF.
func (m *Message) encoded(from mail.Address, at time.Time) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	var out bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&out, "%s: %s\n", name, value) }
	header("From", from.String())
	header("To", (&mail.Address{Address: m.To}).String())
	header("Subject", mime.QEncoding.Encode("utf-8", m.Subject))
	header("Date", at.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+m.ID+"@"+domain+">")
	header("Auto-Submitted", "auto-generated") // RFC 3834: no automatic answers
	header("MIME-Version", "1.0")
	if m.HTML == "" {
		header("Content-Type", "text/plain; charset=utf-8")
		header("Content-Transfer-Encoding", "quoted-printable")
		out.WriteByte('\n')
		err := quoted(&out, m.Text)
		return out.Bytes(), err
	}
	parts := multipart.NewWriter(&out)
	header("Content-Type", `multipart/alternative; boundary="`+parts.Boundary()+`"`)
	out.WriteByte('\n')
	for _, part := range []struct{ kind, body string }{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		if err := quoted(w, part.body); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return bytes.ReplaceAll(out.Bytes(), []byte("\r\n"), []byte("\n")), err
}

func quoted(w io.Writer, text string) error {
	q := quotedprintable.NewWriter(w)
	if _, err := q.Write([]byte(text)); err != nil {
		return err
	}
	return q.Close()
}

// check refuses what could end a header line and begin another.
func (m *Message) check() error {
	for _, text := range []string{m.To, m.Subject, m.ID} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("%w: there are control characters in a header", ErrRefused)
		}
	}
	a, err := mail.ParseAddress(m.To)
	if err != nil || a.Name != "" || a.Address != m.To {
		return fmt.Errorf("%w: it is to no address", ErrRefused)
	}
	return nil
}
