package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"time"
)

func TestAMessageReadsAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	m := Message{ID: "letter-1", To: "ann@example.com", Subject: "Dein Code für Türme", Text: "Grüße\n.\nFrom here = 1\n", HTML: "<p>Grüße</p>"}
	body, err := m.encoded(mail.Address{Name: "Tower Clash", Address: "no-reply@game.example"}, at)
	if err != nil {
		t.Fatal(err)
	}
	read, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	if err != nil || subject != m.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"From": `"Tower Clash" <no-reply@game.example>`, "To": "<ann@example.com>", "Message-ID": "<letter-1@game.example>", "Auto-Submitted": "auto-generated",
	} {
		if got := read.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if date, err := read.Header.Date(); err != nil || !date.Equal(at) {
		t.Errorf("date %v, %v", date, err)
	}
	_, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(read.Body, params["boundary"])
	for _, want := range []string{m.Text, m.HTML} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(part)
		if text := strings.ReplaceAll(string(got), "\r\n", "\n"); err != nil || text != want {
			t.Errorf("a part is %q, %v; want %q", text, err, want)
		}
	}
}

func TestNothingOfALetterBeginsAnotherHeader(t *testing.T) {
	from := mail.Address{Address: "no-reply@game.example"}
	for name, m := range map[string]Message{
		"in the address": {ID: "1", To: "ann@example.com\r\nBcc: bob@example.com", Subject: "x"},
		"two addresses":  {ID: "1", To: "ann@example.com, bob@example.com", Subject: "x"},
		"a named one":    {ID: "1", To: "Ann <ann@example.com>", Subject: "x"},
		"no address":     {ID: "1", To: "", Subject: "x"},
		"in the subject": {ID: "1", To: "ann@example.com", Subject: "x\nBcc: bob@example.com"},
		"in the id":      {ID: "1\r\nBcc: bob@example.com", To: "ann@example.com", Subject: "x"},
	} {
		if body, err := m.encoded(from, time.Now()); !errors.Is(err, ErrRefused) || body != nil {
			t.Errorf("%s: %v", name, err)
		}
		var out bytes.Buffer
		if err := NewConsole(&out).Send(context.Background(), m); err == nil || out.Len() > 0 {
			t.Errorf("%s: the console prints %q", name, out.String())
		}
	}
}

func TestTheConsolePrintsWhatAPlayerReads(t *testing.T) {
	var out bytes.Buffer
	err := NewConsole(&out).Send(context.Background(), Message{ID: "1", To: "ann@example.com", Subject: "Your code", Text: "Your code: K7QM-2XWD\n\x1b[2Jx\n"})
	if err != nil || !strings.Contains(out.String(), "Mail to ann@example.com: Your code\n") || !strings.Contains(out.String(), "K7QM-2XWD") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%v: %q", err, out.String())
	}
}

func TestTemplatesOfAStudio(t *testing.T) {
	files := map[string]string{"confirm.txt": "Subject: {{.Game}}: {{.Code}}\n\nHallo! {{.Link}} {{.Minutes}}\n"}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	templates, err := NewTemplates(read)
	if err != nil {
		t.Fatal(err)
	}
	m, err := templates.message(ConfirmAddress, Values{Game: "Türme", Code: "C", Link: "L", Minutes: 3})
	if err != nil || m.Subject != "Türme: C" || m.Text != "Hallo! L 3\n" || m.HTML != "" {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err = templates.message(ResetPassword, Values{Game: "A&B", Code: "C"}); err != nil || !strings.Contains(m.Text, "A&B") || !strings.Contains(m.HTML, "A&amp;B") {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestOurTemplatesAreTrueWhereverTheyAreSent(t *testing.T) {
	templates, err := NewTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	for topic, wrong := range map[Topic]string{
		PasswordChanged: "other devices", // a reset signs all of them out
		ConfirmAddress:  "register",      // an address may be added or changed
	} {
		m, err := templates.message(topic, Values{Game: "Tower Clash", Code: "C", Minutes: 3})
		if err != nil || strings.Contains(m.Text, wrong) || strings.Contains(m.HTML, wrong) {
			t.Errorf("%s: %+v, %v", topic, m, err)
		}
	}
}

func TestTemplatesThatDoNotWork(t *testing.T) {
	for name, text := range map[string]string{
		"no subject":      "Hello\n",
		"an empty one":    "Subject:\nHello\n",
		"a broken brace":  "Subject: {{.Game\n",
		"an unknown word": "Subject: {{.Player}}\n",
		"an endless one":  "Subject: " + strings.Repeat("x", maxSubject+1) + "\n",
	} {
		_, err := NewTemplates(func(file string) ([]byte, error) {
			if file == "reset.txt" {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		if err == nil || !strings.Contains(err.Error(), "reset.txt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
