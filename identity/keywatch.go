package identity

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"time"
)

// KeyWatch keeps the keys of a ring as a file has them, so that keys rotate without a
// restart. Call Run.
type KeyWatch struct {
	Ring *KeyRing
	// Read reads the file: ReadKeyFile, or whatever reads it as it was read at first.
	Read func() ([]byte, error)
	// Rotate rotates the file when it is time. Nil: somebody else does.
	Rotate func() error
	Log    *slog.Logger

	last   []byte // the text that was looked at last
	failed string // what was said of the last reading that failed
}

// watchEvery is how often the file is read. Keys are published for hours before they sign,
// so it is early enough on every replica.
const watchEvery = 10 * time.Second

// Run looks at the file every ten seconds until ctx ends. Of what it cannot use it says so
// once, and the keys stay as they are.
func (w *KeyWatch) Run(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		w.look()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look reads the file, and takes its keys if they are others.
func (w *KeyWatch) look() {
	if w.Rotate != nil {
		if err := w.Rotate(); err != nil {
			w.complain("the signing keys could not be rotated", err)
		}
	}
	text, err := w.Read()
	if err != nil {
		w.complain("the signing keys could not be read again; those from before stay in use", err)
		return
	}
	if bytes.Equal(text, w.last) {
		return
	}
	keys, err := ParseKeys(text)
	if err != nil {
		w.complain("the signing keys have changed to what cannot be used; those from before stay in use", err)
		return
	}
	first := w.last == nil
	w.last, w.failed = text, ""
	w.Ring.Replace(keys)
	if !first {
		w.Log.Info("the signing keys have changed", "keys", keys.ids)
	}
}

// complain says what is wrong, once.
func (w *KeyWatch) complain(what string, err error) {
	if text := what + err.Error(); text != w.failed {
		w.failed = text
		w.Log.Error(what, "error", err)
	}
}

// ReadKeyFile reads a key file that its owner alone may read.
func ReadKeyFile(path string) ([]byte, error) { return readKeyFile(path) }

// WriteKeyFile writes a key file for its owner alone: whole and durable once it has its
// name.
func WriteKeyFile(path string, text []byte) error { return writeWhole(path, text) }

// KeepRotating rotates the key file of a data folder: a key that has signed for a time gets
// a successor, and keys that are over go.
func KeepRotating(dir string, after time.Duration, now func() time.Time, random io.Reader) func() error {
	path := filepath.Join(dir, KeyFile)
	return func() error {
		text, err := readKeyFile(path)
		if err != nil {
			return err
		}
		next, done, err := RotateKeys(text, now(), Rotation{After: after, Random: random})
		if err != nil || done.Added == "" && len(done.Dropped) == 0 {
			return err
		}
		return writeWhole(path, next)
	}
}
