package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
)

// sqliteMagic begins every SQLite database (SQLite file format, "The Database Header").
var sqliteMagic = []byte("SQLite format 3\x00")

// sqliteFileAt is the SQLite file that name stands for: itself, or that of a data folder;
// empty for anything else.
func sqliteFileAt(name string) string {
	path := name
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		path = filepath.Join(name, databaseFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	head := make([]byte, len(sqliteMagic))
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, sqliteMagic) {
		return ""
	}
	return path
}

// exportFirst is what to do with a SQLite file where something else is wanted.
func exportFirst(file string) string {
	return file + " is a SQLite file: export it first, with muster export --from sqlite:" + file + " --out FILE"
}
