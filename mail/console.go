package mail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Console prints messages instead of sending them, for a laptop: whoever sees the
// terminal reads the codes.
type Console struct {
	mu  sync.Mutex // guards out: a message is printed as a whole
	out io.Writer
}

// NewConsole makes a sender that prints.
func NewConsole(out io.Writer) *Console { return &Console{out: out} }

// Send prints a message's text. Control characters do not reach the terminal.
func (c *Console) Send(_ context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "\n  Mail to %s: %s\n", m.To, m.Subject)
	for line := range strings.Lines(strings.TrimSpace(m.Text)) {
		fmt.Fprintf(&text, "  | %s\n", strings.Map(printable, strings.TrimRight(line, "\r\n")))
	}
	text.WriteByte('\n')
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.out.Write(text.Bytes())
	return err
}

func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return -1
	}
	return r
}
