package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"muster"
)

func TestOpenStore(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, databaseFile)
	cases := []struct {
		name  string
		place storePlace
		says  string // "": it opens
		usage bool
	}{
		{"a file that is not there", storePlace{Spec: "sqlite:" + file}, "there is no database " + file, false},
		{"a folder without a database", storePlace{Spec: folder}, "there is no database " + file, false},
		{"a folder that gets a database", storePlace{Spec: folder, Create: true}, "", false},
		{"a folder with a database", storePlace{Spec: folder}, "", false},
		{"a file by itself", storePlace{Spec: file}, "", false},
		{"a file with its kind", storePlace{Spec: "sqlite:" + file}, "", false},
		{"a file as a table", storePlace{Spec: "dynamodb:" + file}, file + " is a SQLite file: export it first", true},
		{"a folder as a table", storePlace{Spec: "dynamodb:" + folder}, file + " is a SQLite file: export it first", true},
		{"nothing", storePlace{}, "no data folder and no file is named", true},
		{"a kind without a name", storePlace{Spec: "sqlite:"}, "sqlite: names no file", true},
		{"a kind that does not exist", storePlace{Spec: "postgres:db"}, "postgres:db is no store: it can be a data folder that is there, or sqlite:FILE", true},
		{"a folder that is not there", storePlace{Spec: filepath.Join(folder, "none"), Create: true}, filepath.Join(folder, "none") + " is no store", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			db, err := openStore(context.Background(), c.place)
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := db.Write(context.Background(), muster.Op{Key: muster.Key{Partition: "p", Sort: "s"}, Version: muster.AnyVersion}); err != nil {
					t.Error(err)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			var usage usageError
			if err == nil || !strings.HasPrefix(err.Error(), c.says) || errors.As(err, &usage) != c.usage {
				t.Errorf("got error %v, want one that says %q (a mistake on the command line: %v)", err, c.says, c.usage)
			}
		})
	}
}

func TestServeSaysHowADatabaseIsMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.db")
	o := office{settings: serveSettings{store: storePlace{Spec: "sqlite:" + file}}, log: slog.New(slog.DiscardHandler)}
	if _, err := o.openStore(t.Context()); err == nil || err.Error() != "there is no database "+file+": with --create-table it is made" {
		t.Errorf("it says %v", err)
	}
}
