package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io/fs"
	"strings"
	text "text/template"
)

// Topic is what a letter is about. Each has a template of its name.
type Topic string

// The topics.
const (
	ConfirmAddress  Topic = "confirm"  // the code that proves that an address is somebody's own
	AccountExists   Topic = "exists"   // somebody, perhaps the owner, tried to use an address that is in use
	ResetPassword   Topic = "reset"    // the code that sets another password
	PasswordChanged Topic = "password" // to the owner, after it
	AddressChanged  Topic = "moved"    // to the old address, after it

	FactorOn        Topic = "factor-on"      // to the owner, once there is a second factor
	FactorOff       Topic = "factor-off"     // and once there is none
	RecoveryUsed    Topic = "recovery"       // to the owner, after a recovery code
	RecoveryRenewed Topic = "recovery-new"   // to the owner, once there are others
	FactorRefused   Topic = "factor-refused" // to the owner: a right password, and wrong codes
)

// topics lists them all.
func topics() []Topic {
	return []Topic{
		ConfirmAddress, AccountExists, ResetPassword, PasswordChanged, AddressChanged,
		FactorOn, FactorOff, RecoveryUsed, RecoveryRenewed, FactorRefused,
	}
}

// Values are what a template can say.
type Values struct {
	Game    string // the game's name
	Code    string // "K7QM-2XWD"; empty where the topic has none
	Link    string // to a page that takes the code's place; empty: none
	Minutes int    // how long code and link work
}

// Templates turn letters into messages. They do not change and are safe for concurrent
// use.
type Templates struct {
	text map[Topic]*text.Template
	html map[Topic]*html.Template
}

//go:embed templates
var builtin embed.FS

// maxSubject bounds a subject, in bytes.
const maxSubject = 200

// NewTemplates reads the templates: TOPIC.txt, whose first line is "Subject: ...", and
// TOPIC.html. read answers a studio's own, or fs.ErrNotExist, which means ours; nil: ours. A
// studio's text without a page of its own is sent as text alone. Every template is tried
// out; the error lists all that do not work.
func NewTemplates(read func(name string) ([]byte, error)) (*Templates, error) {
	if read == nil {
		read = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	}
	t := &Templates{text: map[Topic]*text.Template{}, html: map[Topic]*html.Template{}}
	var problems []error
	for _, topic := range topics() {
		err := t.read(topic, read)
		if err == nil {
			_, err = t.message(topic, Values{Game: "Game", Code: "K7QM-2XWD", Link: "https://game.example/#code", Minutes: 10})
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	return t, errors.Join(problems...)
}

// read parses the templates of one topic.
func (t *Templates) read(topic Topic, read func(string) ([]byte, error)) error {
	name := string(topic) + ".txt"
	body, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		read = func(name string) ([]byte, error) { return builtin.ReadFile("templates/" + name) }
		body, err = read(name)
	}
	if err != nil {
		return fmt.Errorf("read the template %s: %w", name, err)
	}
	if t.text[topic], err = text.New(name).Parse(string(body)); err != nil {
		return err
	}
	name = string(topic) + ".html"
	body, err = read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the template %s: %w", name, err)
	}
	t.html[topic], err = html.New(name).Parse(string(body))
	return err
}

// message is a letter's text with values in it.
func (t *Templates) message(topic Topic, v Values) (Message, error) {
	words, known := t.text[topic]
	if !known {
		return Message{}, fmt.Errorf("there is no template for %q", topic)
	}
	var out bytes.Buffer
	if err := words.Execute(&out, v); err != nil {
		return Message{}, err
	}
	first, body, _ := strings.Cut(strings.TrimLeft(out.String(), "\r\n"), "\n")
	subject, found := strings.CutPrefix(strings.TrimRight(first, "\r"), "Subject:")
	if subject = strings.TrimSpace(subject); !found || subject == "" || len(subject) > maxSubject {
		return Message{}, fmt.Errorf(`template %s.txt: its first line is not "Subject:" and up to %d bytes`, topic, maxSubject)
	}
	m := Message{Subject: subject, Text: strings.TrimSpace(body) + "\n"}
	if page := t.html[topic]; page != nil {
		out.Reset()
		if err := page.Execute(&out, v); err != nil {
			return Message{}, err
		}
		m.HTML = out.String()
	}
	return m, nil
}
