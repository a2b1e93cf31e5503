package sqlite

import (
	"errors"
	"fmt"
	"os"
)

// processLock keeps other processes off the database, and remembers in its file how the
// last one ended: the file holds a process number from Open to a clean Close.
type processLock struct {
	file    *os.File
	unclean bool // the last process did not come to a clean Close
}

// takeLock takes the lock or says who has it.
func takeLock(path string) (*processLock, error) {
	f, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		// Of one width, so that nothing of a longer number stays behind it.
		_, err = f.WriteAt(fmt.Appendf(nil, "%-10d\n", os.Getpid()), 0)
	}
	if err == nil {
		// On disk before anything is written: a power failure must leave it, too.
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(cause(err), f.Close())
	}
	return &processLock{file: f, unclean: info.Size() > 0}, nil
}

// release lets other processes have the database; clean says that nothing in it needs
// to be looked at, because this process closed it and it was whole. The file stays behind.
func (l *processLock) release(clean bool) error {
	var err error
	if clean {
		err = l.file.Truncate(0)
	}
	return errors.Join(err, l.file.Close())
}
