package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
	"muster/identity"
	"muster/store/sqlite"
)

// newPasswords is a backend with e-mail and passwords, on a server, and its terminal.
func newPasswords(t testing.TB) (url string, terminal *lockedText) {
	t.Helper()
	b, _, terminal := passwordsBackend(t)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.mail(ctx) }) // it has no error
	server := httptest.NewServer(b.handler)
	t.Cleanup(func() { server.Close(); cancel(); wg.Wait() })
	return server.URL, terminal
}

// passwordsBackend is a backend with e-mail and passwords that sends no mails yet, with its
// store and its terminal.
func passwordsBackend(t testing.TB) (b *backend, store *sqlite.Store, terminal *lockedText) {
	t.Helper()
	conf, err := parseConfig("c.yaml", []byte(oneMode+"\nidentity:\n  passwords: {}\n  mail: {game: Tower Clash}\n"), vendorFiles)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeys(bytes.NewReader(bytes.Repeat([]byte("muster"), 1000)))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	terminal = &lockedText{}
	b, err = newBackend(backendParts{
		url: "http://127.0.0.1", store: store, keys: keys, modes: conf.musterModes(), identity: conf.Identity, terminal: terminal, log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, store, terminal
}

// What waits for an address goes with its account: nobody is told of it, and nothing is kept.
func TestADeletedAccountLeavesNoMailBehind(t *testing.T) {
	ctx := t.Context()
	b, store, _ := passwordsBackend(t)
	ann, err := b.rules.SignUp(ctx, muster.Identity{Provider: muster.EmailProvider, Subject: "ann@example.com"}, []byte("hash"),
		func(context.Context) ([]muster.Op, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct{ path, body string }{
		{"/v1/auth/password/forgot", `{"email":"ann@example.com"}`},
		{"/v1/auth/register", `{"email":"ann@example.com","password":"four words of mine"}`},
	} {
		if status, text := ask(t, b.handler, "POST", call.path, call.body); status != http.StatusAccepted {
			t.Fatalf("%s: %d %s", call.path, status, text)
		}
	}
	mentions := func() (keys []string) {
		err := store.Scan(ctx, func(page []muster.Record) error {
			for _, rec := range page {
				if strings.Contains(rec.Partition+string(rec.Value), "ann@example.com") {
					keys = append(keys, rec.Partition)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	if n := len(mentions()); n != 6 { // account, identity, two requests and their letters
		t.Fatalf("the address stands in %q", mentions())
	}
	if err := errors.Join(b.rules.DeleteAccount(ctx, ann), b.rules.ErasePlayers(ctx)); err != nil {
		t.Fatal(err)
	}
	if left := mentions(); len(left) != 0 {
		t.Errorf("the address stands in %q", left)
	}
}

var codeInMail = regexp.MustCompile(`Your code: ([0-9A-Z]{4}-[0-9A-Z]{4})`)

// awaitCode waits for a mail with a code on the terminal, and returns it.
func awaitCode(t testing.TB, terminal *lockedText) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); pause(t.Context(), 10*time.Millisecond) {
		if found := codeInMail.FindStringSubmatch(terminal.String()); found != nil {
			return found[1]
		}
	}
	t.Fatalf("no mail came: %s", terminal.String())
	return ""
}

func TestWhoReadsTheTerminalSignsUp(t *testing.T) {
	url, terminal := newPasswords(t)
	var sent struct{ ID, Code string }
	if status := post(t, url+"/v1/auth/register", "", `{"email":"ann@example.com","password":"four words of mine"}`, &sent); status != http.StatusAccepted {
		t.Fatalf("register: %d %+v", status, sent)
	}
	var grant loginAnswer
	body := fmt.Sprintf(`{"id":%q,"code":%q}`, sent.ID, awaitCode(t, terminal))
	if status := post(t, url+"/v1/auth/email/verify", "", body, &grant); status != http.StatusCreated || grant.Player.ID == "" {
		t.Fatalf("verify: %d %+v", status, grant)
	}
	var again loginAnswer
	if status := post(t, url+"/v1/auth/login/email", "", `{"email":"ann@example.com","password":"four words of mine"}`, &again); status != http.StatusOK || again.Player != grant.Player {
		t.Errorf("sign-in: %d %+v", status, again)
	}
	if status := post(t, url+"/v1/auth/register", "", `{"email":"bob@example.com","password":"TowerClash12"}`, &again); status != http.StatusBadRequest || again.Code != "password.guessable" {
		t.Errorf("a password of the game's name: %d %+v", status, again)
	}
}

func TestWhatIsWrongWithPasswordsAndMails(t *testing.T) {
	const mode = oneMode + "\nidentity:\n"
	for name, c := range map[string]struct{ text, want string }{
		"too short a minimum":        {"  passwords: {minLength: 7}", "identity.passwords.minLength: lies between 8 and 64, not 7"},
		"a hash that is too cheap":   {"  passwords: {hashing: {memoryKiB: 1024}}", "identity.passwords.hashing.memoryKiB: lies between"},
		"a mode that is none":        {"  passwords: {secondFactor: maybe}", `identity.passwords.secondFactor: is off, optional or required, not "maybe"`},
		"a page without TLS":         {"  passwords: {page: 'http://game.example/'}", "identity.passwords.page:"},
		"a page with a fragment":     {"  passwords: {page: 'https://game.example/#x'}", "identity.passwords.page:"},
		"a list without an address":  {"  passwords: {breached: {required: true}}", "identity.passwords.breached.required:"},
		"a sender that is none":      {"  mail: {from: nobody}", "identity.mail.from:"},
		"a server without a port":    {"  mail: {from: a@b.example, smtp: {address: smtp.example}}", "identity.mail.smtp.address:"},
		"mails from nobody":          {"  mail: {smtp: {address: 'smtp.example:587'}}", "identity.mail.from: is needed"},
		"mails in the open":          {"  mail: {from: a@b.example, smtp: {address: 'smtp.example:25', security: none}}", "identity.mail.smtp.security: is none only"},
		"an unknown security":        {"  mail: {from: a@b.example, smtp: {address: 'smtp.example:25', security: ssl}}", "identity.mail.smtp.security: is starttls"},
		"a user without a password":  {"  mail: {from: a@b.example, smtp: {address: 'smtp.example:587', user: u}}", "identity.mail.smtp.password: is needed"},
		"a password in the file":     {"  mail: {from: a@b.example, smtp: {address: 'smtp.example:587', user: u, password: secret}}", "identity.mail.smtp.password"},
		"a password without a user":  {"  mail: {from: a@b.example, smtp: {address: 'smtp.example:587', password: {env: X}}}", "identity.mail.smtp.user:"},
		"a folder that is not there": {"  mail: {templates: none}", "identity.mail.templates: there is no folder none"},
		"a file as a folder":         {"  mail: {templates: good.json}", "identity.mail.templates: good.json is a file, not a folder"},
		"a template that is no good": {"  mail: {templates: mails}", "identity.mail.templates: template: confirm.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseConfig("c.yaml", []byte(mode+c.text+"\n"), func(file string) ([]byte, error) {
				if file == filepath.Join("mails", "confirm.txt") {
					return []byte("Subject: {{.Nothing}}\n"), nil
				}
				if file == "mails" {
					return nil, errors.New("is a directory")
				}
				if strings.HasPrefix(file, "mails") || file == "none" {
					return nil, os.ErrNotExist
				}
				return vendorFiles(file)
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestServeNeedsWhoSendsMails(t *testing.T) {
	text := strings.Replace(oneMode, "modes:", "locations: [us-east-1]\nmodes:", 1) + "\nidentity:\n  passwords: {}\n"
	_, err := parseConfigFor(true, "c.yaml", []byte(text), vendorFiles)
	if err == nil || !strings.Contains(err.Error(), "identity.passwords: need mails") {
		t.Error(err)
	}
}

// BenchmarkSignUpFlood measures what others wait while sign-ups come without end. Inputs:
// 64 clients register, each again as soon as it is answered; meanwhile 100 calls a second
// read their own player. Everything shares this machine's cores, the clients too.
func BenchmarkSignUpFlood(b *testing.B) {
	url, _ := newPasswords(b)
	var guest struct{ AccessToken string }
	if status := benchCall(b, http.MethodPost, url+"/v1/auth/guest", "", `{}`, &guest); status != http.StatusCreated {
		b.Fatal(status)
	}
	calm := waits(b, url, guest.AccessToken)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	var taken, busy atomic.Int64
	began := time.Now()
	for client := range 64 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				body := fmt.Sprintf(`{"email":"p%d-%d@example.com","password":"four words of mine"}`, client, i)
				switch benchCall(b, http.MethodPost, url+"/v1/auth/register", "", body, nil) {
				case http.StatusAccepted:
					taken.Add(1)
				case http.StatusTooManyRequests:
					busy.Add(1)
					pause(ctx, 100*time.Millisecond) // far less than Retry-After asks for
				}
			}
		})
	}
	flooded := waits(b, url, guest.AccessToken)
	cancel()
	wg.Wait()
	took := time.Since(began).Seconds()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(calm[len(calm)*99/100]), "calm-p99-ms")
	b.ReportMetric(ms(flooded[len(flooded)/2]), "flood-p50-ms")
	b.ReportMetric(ms(flooded[len(flooded)*99/100]), "flood-p99-ms")
	b.ReportMetric(ms(flooded[len(flooded)-1]), "flood-max-ms")
	b.ReportMetric(float64(taken.Load())/took, "sign-ups/s")
	b.ReportMetric(float64(busy.Load())/took, "refused/s")
	b.ReportMetric(0, "ns/op")
}

// waits are how long 800 calls took, 100 a second, sorted. A call that is late counts from
// when it was due.
func waits(b *testing.B, url, token string) []time.Duration {
	b.Helper()
	const calls, every = 800, 10 * time.Millisecond
	took := make([]time.Duration, calls)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range calls {
		due := start.Add(time.Duration(i) * every)
		pause(b.Context(), time.Until(due))
		wg.Go(func() {
			if status := benchCall(b, http.MethodGet, url+"/v1/players/me", token, "", nil); status != http.StatusOK {
				b.Errorf("status %d", status)
			}
			took[i] = time.Since(due)
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took
}

// benchCall makes one call and reads its answer.
func benchCall(b *testing.B, method, url, token, body string, answer any) int {
	req, err := http.NewRequestWithContext(b.Context(), method, url, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return 0
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0 // the flood is over
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(res.Body)
	if err == nil && answer != nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		b.Error(err)
	}
	return res.StatusCode
}
