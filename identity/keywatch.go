package identity

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// KeyWatch keeps the keys of a ring as a file or a secret has them, so that keys rotate without
// a restart. Call Run, or Fresh before every use of the keys. Of what it cannot use it says so
// once, and the keys stay as they are.
type KeyWatch struct {
	Ring *KeyRing
	// Read reads the file, or whatever the keys were read from at first.
	Read func(ctx context.Context) ([]byte, error)
	// From is what Read reads, for the log.
	From string
	// Rotate rotates the file when it is time. Nil: somebody else does.
	Rotate func() error
	// Every is how often to read it; zero: every ten seconds. Keys are published for longer than
	// that before they sign.
	Every time.Duration
	Log   *slog.Logger

	mu     sync.Mutex
	readAt time.Time // guarded by mu; when Fresh looked last
	last   []byte    // guarded by mu; the text that was looked at last
	failed string    // guarded by mu; what was said of the last reading that failed
}

const watchEvery = 10 * time.Second

func (w *KeyWatch) every() time.Duration { return cmp.Or(w.Every, watchEvery) }

// Known says what the keys of the ring were read from, and when: it need not be read for Every.
func (w *KeyWatch) Known(text []byte, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.readAt = text, now
}

// Fresh looks unless it has done so within Every. It is for who has no time of their own, and now
// is the time of day, which goes on while they stand still.
func (w *KeyWatch) Fresh(ctx context.Context, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if since := now.Sub(w.readAt); since >= 0 && since < w.every() {
		return
	}
	w.readAt = now
	w.look(ctx)
}

// Run looks again and again until ctx ends.
func (w *KeyWatch) Run(ctx context.Context) error {
	ticker := time.NewTicker(w.every())
	defer ticker.Stop()
	for {
		w.mu.Lock()
		w.look(ctx)
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look takes the keys if they are others; mu is held.
func (w *KeyWatch) look(ctx context.Context) {
	if w.Rotate != nil {
		if err := w.Rotate(); err != nil {
			w.complain("the signing keys could not be rotated", err)
		}
	}
	text, err := w.Read(ctx)
	if err != nil && ctx.Err() != nil {
		return // nobody waits any more
	}
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

// complain says what is wrong, once; mu is held.
func (w *KeyWatch) complain(what string, err error) {
	if text := what + err.Error(); text != w.failed {
		w.failed = text
		w.Log.Error(what, "from", w.From, "error", err)
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
