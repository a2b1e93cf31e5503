package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"muster"
	"muster/aws/dynamo"
	"muster/store/sqlite"
)

// databaseFile is what a data folder calls its database.
const databaseFile = "muster.db"

// database is a store that this command has opened: every driver is one.
type database interface {
	muster.Store
	muster.Copier
	Close() error
}

// storePlace says which store is meant: what a flag or a configuration says of one.
type storePlace struct {
	Spec   string // sqlite:FILE, or a data folder or a file of one; see storeKinds
	Create bool   // make it if it is not there
	// Of a DynamoDB table: empty, as the AWS SDK finds the region, and Amazon's endpoint.
	Region, Endpoint string
	Meter            func(dynamo.Usage) // told what each call to a table consumes; nil: nobody
	Log              *slog.Logger       // told what opening takes long for, and which calls are repeated; nil: nobody
}

// storeKinds are what a spec may begin with, with a colon behind it, and how each is
// opened.
var storeKinds = []struct {
	name, place string // the place in words, for people
	open        func(ctx context.Context, place storePlace, name string) (database, error)
}{
	{"sqlite", "FILE", openFileStore},
	{"dynamodb", "TABLE", openTable},
}

// isTable says whether a DynamoDB table is meant, which costs money to make.
func (s storePlace) isTable() bool { return strings.HasPrefix(s.Spec, "dynamodb:") }

// openStore opens the store that place names. A spec that cannot be meant is an error of
// the command line.
func openStore(ctx context.Context, place storePlace) (database, error) {
	var known []string
	for _, kind := range storeKinds {
		if name, ok := strings.CutPrefix(place.Spec, kind.name+":"); ok {
			if name == "" {
				return nil, usageError{fmt.Sprintf("%s names no %s", place.Spec, strings.ToLower(kind.place))}
			}
			return kind.open(ctx, place, name)
		}
		known = append(known, kind.name+":"+kind.place)
	}
	// What is not there and has no kind is not made: it may be a folder or a file.
	if _, err := os.Stat(place.Spec); err != nil && (strings.Contains(place.Spec, ":") || place.Create && place.Spec != "") {
		return nil, usageError{fmt.Sprintf("%s is no store: it can be a data folder that is there, or %s", place.Spec, strings.Join(known, " or "))}
	}
	return openFileStore(ctx, place, place.Spec)
}

// openFileStore opens a SQLite file, or that of a data folder.
func openFileStore(ctx context.Context, place storePlace, name string) (database, error) {
	path, err := databasePath(name, place.Create)
	if err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, sqlite.Options{Path: path, Log: place.Log})
}

// noDatabaseError says that a file is not there.
type noDatabaseError struct{ path string }

func (e noDatabaseError) Error() string { return "there is no database " + e.path }

// databasePath is the SQLite file that name stands for: itself, or muster.db in it if it
// is a folder. It must be there, unless create.
func databasePath(name string, create bool) (string, error) {
	if name == "" {
		return "", usageError{"no data folder and no file is named"}
	}
	path := name
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		path = filepath.Join(name, databaseFile)
	}
	_, err := os.Stat(path)
	switch {
	case err == nil, create && errors.Is(err, os.ErrNotExist):
		return path, nil
	case errors.Is(err, os.ErrNotExist):
		return "", noDatabaseError{path}
	}
	return "", fmt.Errorf("find the database %s: %w", path, underlying(err))
}
