package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster"
)

func TestPasswordsThatMayBeChosen(t *testing.T) {
	policy := PasswordPolicy{Words: []string{"Tower Clash"}, Breached: []Breached{CommonPasswords{}}}
	for name, c := range map[string]struct{ password, code string }{
		"several words":                         {"four words of mine", ""},
		"no digits or capitals are asked for":   {"abcdefghqwzx", ""},
		"any script":                            {"пароль из четырёх слов", ""},
		"spaces around are part of it":          {"  four words of mine  ", ""},
		"pictures count as characters":          {"🐎🔋📎🪑🐎🔋📎🪑🐎🔋📎🪑", ""},
		"128 characters":                        {strings.Repeat("abcd", 32), ""},
		"129 characters":                        {strings.Repeat("abcd", 32) + "e", "password.too_long"},
		"too short":                             {"elevenchars", "password.too_short"},
		"short, but long in bytes":              {"пароль", "password.too_short"},
		"nothing":                               {"", "password.too_short"},
		"no text":                               {"four words \xff of mine", "password.too_long"},
		"a control character":                   {"four words\x07 of mine", "password.characters"},
		"one character again and again":         {"aaaaaaaaaaaaaaaa", "password.guessable"},
		"the address":                           {"ann.lee@example.com", "password.guessable"},
		"the address with a little more":        {"Ann.Lee@example.com1!", "password.guessable"},
		"the player's name and the game's":      {"Grimbold-TowerClash", "password.guessable"},
		"the game's name in a longer one":       {"tower clash or how I learned", ""},
		"a common one":                          {"qwertyuiop123", "password.breached"},
		"a common one in capitals":              {"1QAZ2wsx3EDC", "password.breached"},
		"a common one with digits on both ends": {"99Football2026!", "password.breached"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := policy.accept(context.Background(), c.password, "ann.lee@example.com", "Grimbold")
			if c.code != "" {
				wantRefusal(t, err, muster.Invalid, c.code, c.password)
			} else if err != nil || got != c.password {
				t.Errorf("it is %q, %v", got, err)
			}
		})
	}
}

func TestTheSameTextIsTheSamePassword(t *testing.T) {
	composed, _ := normalPassword("caf\u00e9 caf\u00e9")
	decomposed, _ := normalPassword("cafe\u0301 cafe\u0301")
	if composed != decomposed {
		t.Errorf("%q and %q differ", composed, decomposed)
	}
	if kept, _ := normalPassword("  ﬁne "); kept != "  ﬁne " {
		t.Errorf("spaces and compatible characters become %q", kept)
	}
}

func TestAListInAFile(t *testing.T) {
	known := []string{"correct horse battery staple", "hunter2hunter2", "password1"}
	for i := range 500 {
		known = append(known, fmt.Sprint("known ", i))
	}
	for name, form := range map[string]string{"with counts": "%s:%d\r\n", "hashes alone": "%s\n"} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for i, p := range known {
				args := []any{breachedHash(p)}
				if strings.Contains(form, "%d") {
					args = append(args, i*i)
				}
				lines = append(lines, fmt.Sprintf(form, args...))
			}
			slices.Sort(lines)
			path := filepath.Join(t.TempDir(), "list.txt")
			if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			list, err := OpenBreachedFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer list.Close() //nolint:errcheck // only read
			for _, p := range known {
				if found, err := list.Breached(context.Background(), p); err != nil || !found {
					t.Errorf("%q: %v, %v", p, found, err)
				}
			}
			for i := range 500 {
				p := fmt.Sprint("unknown ", i)
				if found, err := list.Breached(context.Background(), p); err != nil || found {
					t.Errorf("%q: %v, %v", p, found, err)
				}
			}
		})
	}
}

func TestFilesThatAreNoList(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "passwords": "hunter2\npassword1\n", "long, but no hashes": strings.Repeat("z", 60) + "\n"} {
		path := filepath.Join(t.TempDir(), "list.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenBreachedFile(path); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestAServiceIsAskedForARangeAlone(t *testing.T) {
	hash := breachedHash("hunter2hunter2")
	var asked, padding string
	down := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, padding = r.URL.Path, r.Header.Get("Add-Padding")
		if down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n%s:0\r\n%s:17\r\n", breachedHash("padded padded")[5:], hash[5:])
	}))
	defer server.Close()
	var told error
	list := &BreachedRange{URL: server.URL + "/range/", Client: server.Client(), Down: func(err error) { told = err }}
	if known, err := list.Breached(context.Background(), "hunter2hunter2"); err != nil || !known {
		t.Errorf("a listed password: %v, %v", known, err)
	}
	if asked != "/range/"+hash[:5] || padding != "true" {
		t.Errorf("it was asked for %s, padding %q", asked, padding)
	}
	for _, p := range []string{"padded padded", "nobody knows this"} {
		if known, err := list.Breached(context.Background(), p); err != nil || known {
			t.Errorf("%q: %v, %v", p, known, err)
		}
	}
	down = true
	if known, err := list.Breached(context.Background(), "hunter2hunter2"); err != nil || known || told == nil {
		t.Errorf("while it is down: %v, %v, told %v", known, err, told)
	}
	list.Required = true
	_, err := list.Breached(context.Background(), "hunter2hunter2")
	wantRefusal(t, err, muster.Unavailable, "provider.unavailable", hash)
	server.Close()
	if _, err := list.Breached(context.Background(), "x"); strings.Contains(errors.Unwrap(err).Error(), breachedHash("x")[:5]) {
		t.Errorf("the error tells what was asked: %v", err)
	}
}
