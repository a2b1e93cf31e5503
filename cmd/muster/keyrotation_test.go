package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/identity"
)

func TestKeysRotateByCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := (&signingKeysCmd{Out: file, Type: "es256"}).Run(&process{}); err != nil {
		t.Fatal(err)
	}
	keys, err := signingKeys(file, "")
	if err != nil {
		t.Fatal(err)
	}
	o := office{settings: serveSettings{keys: identity.NewKeyRing(keys), keysFile: file}, log: slog.New(slog.DiscardHandler)}
	now := keys.Fingerprints()[0]
	var said bytes.Buffer
	rotate := rotateKeysCmd{File: file, Wait: new(3 * time.Hour), Keep: time.Hour}
	for _, want := range []string{"signs from", "none: one waits already"} {
		said.Reset()
		if err := rotate.Run(&process{stdout: &said}); err != nil || !strings.Contains(said.String(), want) {
			t.Errorf("it says %q (%v), want %q", said.String(), err, want)
		}
	}
	rotate.Type = "es256"
	if err := rotate.Run(&process{stdout: &said}); err != nil {
		t.Errorf("for a key of the type that waits: %v", err)
	}
	rotate.Type = "eddsa"
	if err := rotate.Run(&process{stdout: &said}); err == nil || !strings.Contains(err.Error(), "a key of type es256 waits already, and signs from 20") {
		t.Errorf("for a key of another type than waits: %v", err)
	}
	rotate.Type, rotate.Wait = "", new(time.Minute)
	if err := rotate.Run(&process{stdout: &said}); err == nil || !strings.Contains(err.Error(), "later than --wait 1m0s") {
		t.Errorf("for a key that signs sooner than the one that waits: %v", err)
	}
	if mode, err := os.Stat(file); err != nil || mode.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v (%v)", mode.Mode(), err)
	}
	again, err := signingKeys(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if all := again.At(time.Now()).Fingerprints(); len(all) != 2 || all[0] != now {
		t.Errorf("at once the keys are %v, before they were %v", all, now)
	}
	if all := again.At(time.Now().Add(4 * time.Hour)).Fingerprints(); all[0] == now {
		t.Error("later the same key signs")
	}
	if watch := o.keyWatch(); watch == nil {
		t.Error("the file is not read again")
	} else if text, err := watch.Read(t.Context()); err != nil || strings.Count(string(text), `"nbf"`) != 1 {
		t.Errorf("read again it is %s (%v)", text, err)
	}
	o.settings.keysFile = ""
	if o.keyWatch() != nil {
		t.Error("the environment is watched")
	}
}

func TestStolenKeysAreReplacedByCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	rotate := func(args ...string) (code int, said string) {
		var out bytes.Buffer
		p := &process{stdout: &out, stderr: &out, getenv: func(string) string { return "" }}
		code = run(t.Context(), p, append([]string{"keys", "rotate", "--file", file}, args...))
		return code, out.String()
	}
	if err := (&signingKeysCmd{Out: file}).Run(&process{}); err != nil {
		t.Fatal(err)
	}
	if code, said := rotate(); code != 0 {
		t.Fatal(said)
	}
	stolen, err := signingKeys(file, "")
	if err != nil {
		t.Fatal(err)
	}
	waited := stolen.At(time.Now().Add(3 * time.Hour)).Fingerprints()[0]
	if code, said := rotate("--stolen"); code != 0 || !strings.Contains(said, "added    ") || !strings.Contains(said, "stolen   ") || !strings.Contains(said, "dropped  ") {
		t.Errorf("the first time it says %q (%d)", said, code)
	}
	keys, err := signingKeys(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if all := keys.At(time.Now().Add(3 * time.Hour)).Fingerprints(); len(all) != 2 || slices.Contains(all, waited) || slices.Contains(stolen.Fingerprints(), all[0]) {
		t.Errorf("in three hours the keys are %v, and stolen were %v", all, stolen.Fingerprints())
	}
	if code, said := rotate("--stolen"); code != 1 || !strings.Contains(said, "run this again from 20") {
		t.Errorf("too early it says %q (%d)", said, code)
	}
}

func TestRotationsThatAreRefused(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"an absent file": broken + "x", "a broken file": broken} {
		if err := (&rotateKeysCmd{File: file, Wait: new(time.Hour)}).Run(&process{stdout: io.Discard}); err == nil {
			t.Errorf("%s was rotated", name)
		}
	}
	for name, cmd := range map[string]interface{ Validate() error }{
		"no wait":       &rotateKeysCmd{Wait: new(time.Duration), Keep: time.Hour},
		"a short keep":  &rotateKeysCmd{Wait: new(time.Hour), Keep: time.Minute},
		"a type":        &rotateKeysCmd{Wait: new(time.Hour), Keep: time.Hour, Type: "hs256"},
		"a type to new": &signingKeysCmd{Type: "none"},
	} {
		var usage usageError
		if err := cmd.Validate(); !errors.As(err, &usage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who keeps the published keys for as long as they may has a new key before it signs, whatever
// --wait says: it begins at one minute, of which a replica takes ten seconds to read the file.
func TestPublishedKeysAreKeptForLessThanANewOneWaits(t *testing.T) {
	res := httptest.NewRecorder()
	wired(t).ServeHTTP(res, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
	seconds, err := strconv.Atoi(strings.TrimPrefix(res.Header().Get("Cache-Control"), "public, max-age="))
	if err != nil {
		t.Fatalf("they may be kept for %q", res.Header().Get("Cache-Control"))
	}
	late := time.Duration(seconds)*time.Second + 10*time.Second
	if (&rotateKeysCmd{Wait: &late, Keep: time.Hour}).Validate() == nil {
		t.Errorf("a key may sign after %v, when others do not have it yet", late)
	}
}
