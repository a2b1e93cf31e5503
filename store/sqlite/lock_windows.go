package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// errSharingViolation is Windows' ERROR_SHARING_VIOLATION: somebody has the file open.
const errSharingViolation = syscall.Errno(32)

// lockFile takes the lock that keeps a second process off the database: a file of its
// own, opened so that nobody else can open it. The file stays behind; Windows closes
// it when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const share = 0 // with nobody
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, share, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, errors.New("it is in use by another process: end that, or make a copy with muster backup and work on the copy")
	}
	if err != nil {
		return nil, cause(err)
	}
	return os.NewFile(uintptr(handle), path), nil
}
