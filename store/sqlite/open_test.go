package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster"
	"muster/store/sqlite"
)

// file writes a file into a new folder and returns its path.
func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "muster.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ours makes a database by this package and returns its path.
func ours(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "muster.db")
	s := openStore(t, sqlite.Options{Path: path})
	if err := s.Write(context.Background(), put("p", "s", "v", 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// changed runs SQL statements on the database at path, and returns path.
func changed(t *testing.T, path, statements string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSaysInOneSentenceWhatIsWrong(t *testing.T) {
	cases := []struct {
		name string
		path func(t *testing.T) string
		says string
	}{
		{"no path", func(*testing.T) string { return "" }, "no file is named"},
		{"a folder that does not exist", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none", "muster.db") }, "its folder does not exist"},
		{"a folder that is a file", func(t *testing.T) string { return filepath.Join(file(t, nil), "muster.db") }, "directory"},
		{"a file that is a folder", func(t *testing.T) string { return t.TempDir() }, "directory"},
		{"a folder that cannot be written", unwritable, "permission denied"},
		{"a file that is no database", func(t *testing.T) string { return file(t, bytes.Repeat([]byte("text\n"), 1000)) }, "the file is not a database"},
		{"a short file that is no database", func(t *testing.T) string { return file(t, []byte("text")) }, "the file is not a database"},
		{"a database of another program", func(t *testing.T) string { return changed(t, file(t, nil), "CREATE TABLE player (id)") }, "another program"},
		{"a marked database of another program", func(t *testing.T) string { return changed(t, file(t, nil), "PRAGMA application_id = 7") }, "another program"},
		{"a database of a newer version", func(t *testing.T) string { return changed(t, ours(t), "PRAGMA user_version = 99") }, "newer version of Muster (its schema is 99"},
		{"a link to a database in use", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "muster.db")
			openStore(t, sqlite.Options{Path: path})
			link := filepath.Join(t.TempDir(), "link.db")
			if err := os.Symlink(path, link); err != nil {
				t.Skip("this file system has no symbolic links: ", err)
			}
			return link
		}, "in use by"},
		{"a database in use by this process", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "muster.db")
			openStore(t, sqlite.Options{Path: path})
			return path
		}, "in use by"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := c.path(t)
			s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
			if err == nil {
				_ = s.Close() // the test has failed already
				t.Fatal("it opened")
			}
			text := err.Error()
			if !strings.Contains(text, c.says) || !strings.HasPrefix(text, "open store ") || strings.Contains(text, "\n") {
				t.Errorf("got %q, want one sentence that says %q", text, c.says)
			}
			if strings.Count(text, path) > 1 && path != "" {
				t.Errorf("%q names the path more than once", text)
			}
		})
	}
}

func unwritable(t *testing.T) string {
	if os.Geteuid() == 0 {
		t.Skip("root may write into every folder")
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) }) // so that it can be removed
	return filepath.Join(folder, "muster.db")
}

// A foreign file must not be changed by the attempt, nor stay locked.
func TestARefusedFileIsLeftAsItWas(t *testing.T) {
	path := changed(t, file(t, nil), "CREATE TABLE player (id)")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := sqlite.Open(context.Background(), sqlite.Options{Path: path}); err == nil || strings.Contains(err.Error(), "in use") {
			t.Fatalf("got error %v, want that of another program", err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Fatalf("the file was changed, error %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	openStore(t, sqlite.Options{Path: path}) // the lock is free
}

func TestAPathMayHoldAnyCharacters(t *testing.T) {
	for _, name := range []string{"with space", "100%", "%41", "what?", "a#b", "a&b=c", "ä日本", "file:x", ":memory:", "a;b", "a'b"} {
		if os.PathSeparator != '/' && strings.ContainsAny(name, `?:`) {
			continue // Windows has no such names
		}
		folder := t.TempDir()
		path := filepath.Join(folder, name)
		s := openStore(t, sqlite.Options{Path: path})
		if err := s.Write(context.Background(), put("p", "s", "v", 0)); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if _, err := s.Get(context.Background(), muster.Key{Partition: "p", Sort: "s"}); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: the file is elsewhere: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if names, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(names) != 2 {
			t.Errorf("%q: the folder holds %q, error %v", name, names, err)
		}
	}
}

// A relative path is of the folder where Open was called, wherever the process goes.
func TestARelativePathIsResolvedAtOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	s := openStore(t, sqlite.Options{Path: "muster.db"})
	t.Chdir(t.TempDir())
	if err := s.Write(context.Background(), put("p", "s", "v", 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("muster.db"); !os.IsNotExist(err) {
		t.Errorf("a file in the new folder: %v", err)
	}
}

func TestAnEndedContextOpensNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	path := filepath.Join(t.TempDir(), "muster.db")
	if _, err := sqlite.Open(ctx, sqlite.Options{Path: path}); err == nil {
		t.Fatal("it opened")
	}
	openStore(t, sqlite.Options{Path: path})
}

// Whatever a file holds, opening and using it ends in an error or works.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("SQLite format 3\x00"))
	valid := filepath.Join(f.TempDir(), "valid.db")
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: valid})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Write(context.Background(), put("p", "s", "v", 0)); err != nil {
		f.Fatal(err)
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(valid)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Fuzz(func(t *testing.T, content []byte) {
		path := file(t, content)
		s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
		if err != nil {
			return
		}
		ctx := context.Background()
		_, getErr := s.Get(ctx, muster.Key{Partition: "p", Sort: "s"})
		_, listErr := s.List(ctx, "p", muster.ListOptions{})
		writeErr := s.Write(ctx, put("p", "s", "w", muster.AnyVersion))
		if getErr == nil && listErr == nil && writeErr == nil {
			if r, err := s.Get(ctx, muster.Key{Partition: "p", Sort: "s"}); err != nil || string(r.Value) != "w" {
				t.Errorf("an acknowledged write is read back as %+v, error %v", r, err)
			}
		}
		_ = s.Close() // a damaged file may fail to close; it must only not hang
	})
}
