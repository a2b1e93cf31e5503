//go:build !windows

package sqlite

import (
	"errors"
	"os"
)

// flushFolder makes a new name in the folder outlive a power failure.
func flushFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
