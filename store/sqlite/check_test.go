package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster"
)

// crashed makes a database as a killed process leaves it, with records of about 1 MB.
func crashed(t *testing.T) (path string) {
	t.Helper()
	s := openInternal(t, time.Now)
	for i := range 10 {
		if err := s.Write(context.Background(), putOf(fmt.Sprint(i), 100_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.writer.log.folder.conn.exec(context.Background(), foldSQL); err != nil { // into the file
		t.Fatal(err)
	}
	if err := s.Write(context.Background(), putOf("last", 1, 0)); err != nil { // into the log alone
		t.Fatal(err)
	}
	from, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, name := range from {
		body, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(name)), body, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, filepath.Base(s.path))
}

// openLogged opens the database at path and returns what was logged.
func openLogged(path string) (s *Store, log string, err error) {
	var lines bytes.Buffer
	s, err = Open(context.Background(), Options{Path: path, Log: slog.New(slog.NewTextHandler(&lines, nil))})
	return s, lines.String(), err
}

func TestAfterACrashTheFileIsCheckedOnce(t *testing.T) {
	path := crashed(t)
	for round, checked := range []bool{true, false, false} {
		s, log, err := openLogged(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log, "the database is whole"); got != checked {
			t.Errorf("round %d: checked: %v, want %v; the log says %q", round, got, checked, log)
		}
		if r, err := s.List(context.Background(), "p", muster.ListOptions{}); err != nil || len(r) != 11 {
			t.Errorf("round %d: %d records and error %v, want 11", round, len(r), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A failed attempt to open it does not make a crashed database pass for a clean one, nor
// the other way round.
func TestAFailedOpenLeavesTheMarkOfACrash(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	path := crashed(t)
	for _, checked := range []bool{true, false} {
		if _, err := Open(ended, Options{Path: path}); err == nil {
			t.Fatal("it opened")
		}
		s, log, err := openLogged(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := log != ""; got != checked {
			t.Errorf("checked: %v, want %v; the log says %q", got, checked, log)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// damage overwrites some pages, but not the header: the file is still a database.
func damage(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for page := int64(1); page < 6; page++ {
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 3000), page*pageBytes); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedFileIsRefusedInOneSentence(t *testing.T) {
	path := crashed(t)
	damage(t, path)
	for range 2 { // the mark of the crash stays until the file is whole
		s, _, err := openLogged(path)
		if err == nil {
			_ = s.Close() // the test has failed already
			t.Fatal("it opened")
		}
		text := err.Error()
		for _, want := range []string{"open store ", path, "the file is damaged (", howToRestore} {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not say %q", text, want)
			}
		}
		if strings.Contains(text, "\n") {
			t.Errorf("%q has several lines", text)
		}
	}
}

// SQLite flushes the log before each commit returns if synchronous is FULL (sqlite.org,
// "PRAGMA synchronous"), and before it folds the log in any case. That is what a
// SurvivePowerLoss rests on, so each connection is asked for its setting.
func TestEachConnectionThatWritesFlushesAsItShould(t *testing.T) {
	const normal, full = 1, 2
	for durability, want := range map[Durability]int64{SurvivePowerLoss: full, SurviveCrash: normal} {
		s, err := Open(context.Background(), Options{Path: filepath.Join(t.TempDir(), "muster.db"), Durability: durability})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.writer.conn.number(context.Background(), "PRAGMA synchronous"); err != nil || got != want {
			t.Errorf("durability %d: the writer has synchronous %d and error %v, want %d", durability, got, err, want)
		}
		if got, err := s.writer.log.folder.conn.number(context.Background(), "PRAGMA synchronous"); err != nil || got != full {
			t.Errorf("durability %d: the folder has synchronous %d and error %v, want %d", durability, got, err, full)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// At the moment of its acknowledgement a Write is in the files, not in this process: a
// copy of them has it.
func TestAnAcknowledgedWriteIsInTheFiles(t *testing.T) {
	s, _, err := openLogged(crashed(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // it was only read
	if _, err := s.Get(context.Background(), muster.Key{Partition: "p", Sort: "last"}); err != nil {
		t.Error(err)
	}
}
