package identity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// KeyFile is the name of the file that LoadOrCreateKeys keeps in its folder: a JWKS
// with private keys.
const KeyFile = "signing-keys.json"

// maxKeyFile bounds the key file, in bytes.
const maxKeyFile = 64 << 10

// LoadOrCreateKeys reads the key set of a data folder, or makes one and keeps it there,
// readable by its owner alone, before it returns. A file that cannot be read, does not
// parse or is open to others is an error and is left as it is: replacing it would sign
// everybody out. One process at a time may use a folder.
func LoadOrCreateKeys(dir string, random io.Reader) (*Keys, error) {
	path := filepath.Join(dir, KeyFile)
	data, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createKeyFile(path, random)
	}
	if err != nil {
		return nil, err
	}
	keys, err := ParseKeys(data)
	if err != nil {
		return nil, fmt.Errorf("key file %s is damaged: %w; restore it, or remove it and everybody signs in again", path, err)
	}
	return keys, nil
}

func readKeyFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("key file %s is not a regular file", path)
	}
	// Windows has no permission bits: the folder's access list rules there.
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("key file %s is open to others (mode %04o): chmod 600 it, or remove it if someone may have read it", path, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("key file %s has more than %d bytes", path, maxKeyFile)
	}
	return data, nil
}

func createKeyFile(path string, random io.Reader) (*Keys, error) {
	data, err := NewKeySet(random)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("keep signing keys: %w", err)
	}
	if err := writeWhole(path, data); err != nil {
		return nil, fmt.Errorf("keep signing keys: %w", err)
	}
	return ParseKeys(data)
}

// writeWhole writes a file that is complete and durable once it has its name.
func writeWhole(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name()) // the first error matters more
		}
	}()
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename durable. Windows cannot sync a folder and needs not.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
