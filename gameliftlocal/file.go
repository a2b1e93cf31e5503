package gameliftlocal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fileFormat is the version of the document. A document of a later one is refused.
const fileFormat = 1

// fileName of the document inside the data folder.
const fileName = "gamelift.json"

// document is the file: the resources of one account in one region.
type document struct {
	Format  int    `json:"format"`
	Region  string `json:"region"`
	Account string `json:"account"`
	*resources
}

// tempPattern of what is written before it takes the document's place.
const tempPattern = ".gamelift-*.tmp"

// file keeps resources in one JSON document. Without a path it keeps nothing. It is
// not safe for concurrent use.
type file struct {
	path  string
	names names
	// last is the document as it was read or written; nil: there was none. Another one
	// in its place is somebody else's, and is not overwritten.
	last fs.FileInfo
}

// load reads the document; a missing one is an empty set of resources. A document
// that cannot be understood is an error and stays untouched.
func (f *file) load() (*resources, error) {
	empty := (&resources{}).clone()
	if f.path == "" {
		return empty, nil
	}
	body, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	r, err := f.decode(body)
	if err != nil {
		return nil, fmt.Errorf("read resources %s: %w (move the file away to start empty)", f.path, err)
	}
	if f.last, err = os.Stat(f.path); err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	f.removeLitter()
	return r, nil
}

// removeLitter removes what a crash left half-written.
func (f *file) removeLitter() {
	litter, _ := filepath.Glob(filepath.Join(filepath.Dir(f.path), tempPattern)) // the pattern is well-formed
	for _, path := range litter {
		_ = os.Remove(path) // it is only litter
	}
}

// unchanged refuses to overwrite a document that is not the one we know.
func (f *file) unchanged() error {
	now, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.last == nil:
		return nil
	case err != nil:
		return fmt.Errorf("write resources: %w", err)
	case f.last == nil || !os.SameFile(f.last, now):
		return fmt.Errorf("write resources %s: another program has written the file", f.path)
	}
	return nil
}

func (f *file) decode(body []byte) (*resources, error) {
	var head struct{ Format int }
	if err := json.Unmarshal(body, &head); err != nil {
		return nil, fmt.Errorf("not a document of this service: %w", err)
	}
	if head.Format != fileFormat {
		return nil, fmt.Errorf("format %d, this program reads format %d", head.Format, fileFormat)
	}
	doc := document{resources: &resources{}}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("not a document of this service: %w", err)
	}
	if doc.Region != f.names.region || doc.Account != f.names.account {
		return nil, fmt.Errorf("it belongs to account %s in %s, not to account %s in %s",
			doc.Account, doc.Region, f.names.account, f.names.region)
	}
	return doc.clone(), nil
}

// save replaces the document so that a crash at any moment leaves the old one or the
// new one. It returns when the new one is on disk.
func (f *file) save(r *resources) error {
	if f.path == "" {
		return nil
	}
	if err := f.unchanged(); err != nil {
		return err
	}
	body, err := json.MarshalIndent(document{fileFormat, f.names.region, f.names.account, r}, "", " ")
	if err != nil {
		return fmt.Errorf("encode resources: %w", err)
	}
	temp, err := writeTemp(filepath.Dir(f.path), body)
	if err == nil {
		err = os.Rename(temp, f.path)
	}
	if err == nil {
		f.last, err = os.Stat(f.path)
	}
	if err != nil {
		_ = os.Remove(temp) // the write has failed already; the rest is litter
		return fmt.Errorf("write resources: %w", err)
	}
	return syncFolder(filepath.Dir(f.path))
}

// writeTemp writes a file, down to the disk, and gives its path, also with an error if
// there is one by then.
func writeTemp(folder string, body []byte) (path string, err error) {
	temp, err := os.CreateTemp(folder, tempPattern)
	if err != nil {
		return "", err
	}
	_, err = temp.Write(body)
	if err == nil {
		err = temp.Sync()
	}
	return temp.Name(), errors.Join(err, temp.Close())
}

// syncFolder makes a rename durable. Systems that cannot sync a folder (Windows)
// order the rename themselves.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer func() { _ = dir.Close() }() // opened for reading only
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrInvalid) {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
