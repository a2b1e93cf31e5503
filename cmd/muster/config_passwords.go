package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"

	"muster/identity"
	letters "muster/mail"
)

// passwordsConfig is how players sign in by e-mail and password. Without it `muster serve`
// has none; `muster up` has the defaults.
type passwordsConfig struct {
	MinLength     *int     `yaml:"minLength"`
	Words         []string `yaml:"words"` // that passwords must have more than
	VerifyMinutes *int     `yaml:"verifyMinutes"`
	ResetMinutes  *int     `yaml:"resetMinutes"`
	// ChangeAfterSignIn lets a sign-in of the last minutes change it without the present one.
	ChangeAfterSignIn bool           `yaml:"changeAfterSignIn"`
	Page              string         `yaml:"page"` // where links in mails lead; empty: there are codes alone
	Breached          breachedConfig `yaml:"breached"`
	Hashing           hashingConfig  `yaml:"hashing"`
	SecondFactor      string         `yaml:"secondFactor"` // off, optional or required; empty: optional
}

// breachedConfig is where passwords are looked up that others know, besides the list that is
// built in.
type breachedConfig struct {
	File     string `yaml:"file"` // relative to the working directory: it may be too large to read
	URL      string `yaml:"url"`
	Required bool   `yaml:"required"`
}

// hashingConfig is what a hash costs, and how many at once.
type hashingConfig struct {
	MemoryKiB *int `yaml:"memoryKiB"`
	Passes    *int `yaml:"passes"`
	AtOnce    *int `yaml:"atOnce"`
	Queue     *int `yaml:"queue"`
}

// mailConfig is how mails are written and sent.
type mailConfig struct {
	From      string     `yaml:"from"`
	Game      string     `yaml:"game"`
	Templates string     `yaml:"templates"` // folder, relative to the configuration file
	SMTP      smtpConfig `yaml:"smtp"`
	Console   bool       `yaml:"console"` // print mails instead of sending them

	from      mail.Address
	templates *letters.Templates
}

type smtpConfig struct {
	Address  string       `yaml:"address"`
	Security string       `yaml:"security"`
	User     string       `yaml:"user"`
	Password secretConfig `yaml:"password"`
}

func passwordsShape() *shape {
	return group(map[string]*shape{
		"minLength": whole(), "words": list("a list of strings", text()), "verifyMinutes": whole(), "resetMinutes": whole(), "page": text(), "changeAfterSignIn": truth(), "secondFactor": text(),
		"breached": group(map[string]*shape{"file": text(), "url": text(), "required": truth()}),
		"hashing":  group(map[string]*shape{"memoryKiB": whole(), "passes": whole(), "atOnce": whole(), "queue": whole()}),
	})
}

func mailShape() *shape {
	return group(map[string]*shape{
		"from": text(), "game": text(), "templates": text(), "console": truth(),
		"smtp": group(map[string]*shape{"address": text(), "security": text(), "user": text(), "password": secretShape()}),
	})
}

// checkPasswords reports what is wrong with both parts; hosted says that there is no
// terminal whose reader the mails are for.
func (c *identityConfig) checkPasswords(k *checker, hosted bool) {
	c.Mail.check(k, "identity.mail")
	if c.Passwords == nil {
		return
	}
	if hosted && c.Mail.SMTP.Address == "" && !c.Mail.Console {
		k.report("identity.passwords", "need mails: say in identity.mail.smtp who sends them, or print them with identity.mail.console: true")
	}
	c.Passwords.check(k, "identity.passwords")
}

// warnOfMail says that nothing is ever mailed although the file says how.
func (c *identityConfig) warnOfMail(log *slog.Logger) {
	m := c.Mail
	if c.Passwords == nil && (m.From != "" || m.Game != "" || m.Templates != "" || m.SMTP.Address != "" || m.Console) {
		log.Warn("identity.mail says how mails are sent, but there are none without identity.passwords; passwords: {} switches them on", "key", "identity.mail")
	}
}

func (c *passwordsConfig) check(k *checker, at string) {
	within := func(key string, n *int, least, most int) {
		if n != nil && (*n < least || *n > most) {
			k.report(at+key, "lies between %d and %d, not %d", least, most, *n)
		}
	}
	within(".minLength", c.MinLength, identity.LeastMinPassword, identity.MostMinPassword)
	within(".verifyMinutes", c.VerifyMinutes, 1, 24*60)
	within(".resetMinutes", c.ResetMinutes, 1, 60)
	within(".hashing.memoryKiB", c.Hashing.MemoryKiB, 7<<10, 1<<20) // the least that OWASP names, with five passes
	within(".hashing.passes", c.Hashing.Passes, 1, 64)
	within(".hashing.atOnce", c.Hashing.AtOnce, 1, 1024)
	within(".hashing.queue", c.Hashing.Queue, 1, 1<<20)
	switch identity.FactorMode(c.SecondFactor) {
	case "", identity.FactorsOff, identity.FactorsOptional, identity.FactorsRequired:
	default:
		k.report(at+".secondFactor", "is off, optional or required, not %q", c.SecondFactor)
	}
	if c.Page != "" && !isPage(c.Page) {
		k.report(at+".page", "%q is not an address like https://game.example/account, without # and ?", c.Page)
	}
	if c.Breached.URL != "" && !isPage(c.Breached.URL) {
		k.report(at+".breached.url", "%q is not an address like https://api.pwnedpasswords.com/range/", c.Breached.URL)
	}
	if c.Breached.File != "" {
		k.need(at+".breached.file", func(func(string) string) error { return c.Breached.look() })
	}
	if c.Breached.Required && c.Breached.URL == "" {
		k.report(at+".breached.required", "is about a url, and there is none")
	}
}

// open opens the list on disk.
func (c breachedConfig) open() (*identity.BreachedFile, error) {
	path, err := filepath.Abs(c.File) // so that messages say which
	if err != nil {
		return nil, err
	}
	return identity.OpenBreachedFile(path)
}

// look says why the list cannot be opened.
func (c breachedConfig) look() error {
	list, err := c.open()
	if err != nil {
		return err
	}
	return list.Close()
}

// isPage says that text is an address with TLS, or on this machine, to which more can be
// added.
func isPage(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}

func (c *mailConfig) check(k *checker, at string) {
	if c.From != "" {
		from, err := mail.ParseAddress(c.From)
		if err != nil {
			k.report(at+".from", `%q is not an address like "My Game <no-reply@game.example>"`, c.From)
		} else {
			c.from = *from
		}
	}
	c.SMTP.check(k, at+".smtp", c.From)
	var read func(string) ([]byte, error)
	if c.Templates != "" {
		k.wantFolder(at+".templates", c.Templates)
		read = func(name string) ([]byte, error) { return k.readFile(filepath.Join(c.Templates, name)) }
	}
	templates, err := letters.NewTemplates(read)
	if err != nil {
		k.report(at+".templates", "%v", err)
	}
	c.templates = templates
}

// wantFolder reports a folder that is not there: each of its files may be missing, so that
// nothing else would tell.
func (k *checker) wantFolder(at, name string) {
	switch _, err := k.readFile(name); { // what can be read is no folder
	case err == nil:
		k.report(at, "%s is a file, not a folder", name)
	case errors.Is(err, fs.ErrNotExist):
		k.report(at, "there is no folder %s", fileOf(err, name))
	}
}

func (c *smtpConfig) check(k *checker, at, from string) {
	if c.Address == "" {
		return
	}
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" || port == "" {
		k.report(at+".address", "%q is not a host and a port, such as smtp.example.com:587", c.Address)
	}
	if from == "" {
		k.report("identity.mail.from", "is needed: the address that mails come from")
	}
	ip := net.ParseIP(host)
	here := host == "localhost" || ip != nil && ip.IsLoopback()
	switch letters.Security(c.Security) {
	case "", letters.StartTLS, letters.TLS:
	case letters.Insecure:
		if !here {
			k.report(at+".security", "is none only for a server on this machine")
		}
	default:
		k.report(at+".security", "is starttls, tls or none, not %q", c.Security)
	}
	if c.User != "" {
		c.Password.check(k, at+".password")
	} else if c.Password.given() {
		k.report(at+".user", "is needed with a password")
	}
}
