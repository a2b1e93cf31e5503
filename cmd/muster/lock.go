package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// errInUse says that another handle has the lock.
var errInUse = errors.New("in use")

// lockFolder keeps a second process out of a data folder until the lock is closed or
// this process ends, however it ends. The file stays behind.
func lockFolder(dir string) (io.Closer, error) {
	lock, err := openLocked(filepath.Join(dir, "lock"))
	if errors.Is(err, errInUse) {
		return nil, fmt.Errorf("the data folder %s is in use by another process: stop it, or choose another folder with --data", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, underlying(err))
	}
	return lock, nil
}
