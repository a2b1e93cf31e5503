//go:build !windows

package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// lockFile takes the lock that keeps a second process off the database, or says who
// has it. It is a file of its own, because closing any handle on the database file
// would drop SQLite's locks on it. The file stays behind; the operating system
// releases the lock when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, cause(err)
	}
	if err := flock(f); err != nil {
		holder := holderOf(f)
		_ = f.Close() // nothing was written to it
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("it is in use by %s: end that, or make a copy with muster backup and work on the copy", holder)
		}
		return nil, fmt.Errorf("lock it: %w", err)
	}
	return f, nil
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// holderOf names the process that wrote its number into the lock file f.
func holderOf(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 20))
	pid, numberErr := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil || numberErr != nil:
		return "another process"
	case pid == os.Getpid():
		return "this process already"
	}
	return fmt.Sprintf("another process (pid %d)", pid)
}
