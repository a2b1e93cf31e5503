package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/store/sqlite"
)

// command runs a muster command; the answer is what it printed.
func command(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &process{stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}
	code = run(ctx, p, args)
	return out.String(), errs.String(), code
}

// filled makes a data folder with so many records, and leaves its database open.
func filled(t *testing.T, records int) (folder string, store *sqlite.Store) {
	t.Helper()
	folder = t.TempDir()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(folder, databaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	all := make([]muster.Record, records)
	for i := range all {
		all[i] = muster.Record{Key: muster.Key{Partition: fmt.Sprint("p", i%3), Sort: fmt.Sprintf("%05d", i)}, Value: fmt.Appendf(nil, "value %d", i), Version: 2}
		if i%5 == 0 {
			all[i].ExpiresAt = time.Now().Add(time.Hour)
		}
	}
	if err := store.Load(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return folder, store
}

// A backup is taken while the store is open, restored, exported and imported elsewhere,
// and nothing is lost on the way.
func TestBackupExportImport(t *testing.T) {
	const records = 3210
	folder, store := filled(t, records)
	work := t.TempDir()
	at := func(name string) string { return filepath.Join(work, name) }

	stdout, stderr, code := command(t, t.Context(), "backup", "--data", folder, at("copy.db"))
	if code != 0 || !strings.Contains(stdout, at("copy.db")+": ") || !strings.Contains(stdout, "MB, checked, in ") {
		t.Fatalf("backup: exit code %d\n%s%s", code, stdout, stderr)
	}
	if err := store.Write(t.Context(), muster.Op{Key: muster.Key{Partition: "p", Sort: "later"}}); err != nil {
		t.Fatal(err)
	}
	first, stderr, code := command(t, t.Context(), "export", "--from", "sqlite:"+at("copy.db"), "--out", at("one.gz"))
	if code != 0 || !strings.Contains(first, fmt.Sprintf("%d records", records)) {
		t.Fatalf("export: exit code %d\n%s%s", code, first, stderr)
	}
	stdout, stderr, code = command(t, t.Context(), "import", "--to", "sqlite:"+at("new.db"), at("one.gz"))
	if code != 0 || !strings.Contains(stdout, fmt.Sprintf("%d records", records)) || !strings.Contains(stdout, "loaded and verified") {
		t.Fatalf("import: exit code %d\n%s%s", code, stdout, stderr)
	}
	second, stderr, code := command(t, t.Context(), "export", "--from", "sqlite:"+at("new.db"), "--out", at("two.gz"))
	if code != 0 || digestOf(second) != digestOf(first) || digestOf(first) == "" {
		t.Fatalf("export again: exit code %d\n%s%s\nfirst it was\n%s", code, second, stderr, first)
	}
	if stdout, stderr, code = command(t, t.Context(), "import", "--to", "sqlite:"+at("new.db"), "--into-nonempty", at("one.gz")); code != 0 {
		t.Errorf("import again: exit code %d\n%s%s", code, stdout, stderr)
	}
}

func digestOf(printed string) string {
	_, digest, _ := strings.Cut(printed, "\ndigest ")
	return digest
}

func TestACopyThatCannotBeMadeSaysWhy(t *testing.T) {
	folder, _ := filled(t, 10)
	work := t.TempDir()
	at := func(name string) string { return filepath.Join(work, name) }
	if stdout, stderr, code := command(t, t.Context(), "backup", "--data", folder, at("copy.db")); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := command(t, t.Context(), "export", "--from", at("copy.db"), "--out", at("good.gz")); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	good, err := os.ReadFile(at("good.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("cut.gz"), good[:len(good)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"a backup over a file", []string{"backup", "--data", folder, at("copy.db")}, 1, "exists already"},
		{"a backup of nothing", []string{"backup", "--data", t.TempDir(), at("x.db")}, 1, "there is no database"},
		{"an export over a file", []string{"export", "--from", at("copy.db"), "--out", at("good.gz")}, 1, "exists already"},
		{"an export of a database in use", []string{"export", "--from", folder, "--out", at("x.gz")}, 1, "it is in use by"},
		{"an export of no store", []string{"export", "--from", "redis:x", "--out", at("x.gz")}, 2, "is no store"},
		{"an import of no file", []string{"import", "--to", "sqlite:" + at("x.db"), at("none.gz")}, 2, "cannot be read"},
		{"an import of a database", []string{"import", "--to", "sqlite:" + at("x.db"), at("copy.db")}, 2, "copy.db is a SQLite file: export it first"},
		{"an import of a data folder", []string{"import", "--to", "sqlite:" + at("x.db"), folder}, 2, databaseFile + " is a SQLite file: export it first"},
		{"an import of another file", []string{"import", "--to", "sqlite:" + at("x.db"), "backup_test.go"}, 1, "not compressed by gzip"},
		{"an import of a part", []string{"import", "--to", "sqlite:" + at("x.db"), at("cut.gz")}, 1, "cut off"},
		{"an import into a full store", []string{"import", "--to", "sqlite:" + at("copy.db"), at("good.gz")}, 1, "add --into-nonempty"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, code := command(t, t.Context(), c.args...)
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.says) || strings.Count(strings.TrimSpace(stderr), "\n") != 0 {
				t.Errorf("exit code %d, printed %q and %q, want %d and one line that says %q", code, stdout, stderr, c.code, c.says)
			}
		})
	}
	for _, name := range []string{"x.db", "x.gz", "x.db.partial", "x.gz.partial"} {
		if _, err := os.Stat(at(name)); err == nil {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestAnInterruptedCopyLeavesNothing(t *testing.T) {
	folder, store := filled(t, 10)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	work := t.TempDir()
	for _, args := range [][]string{
		{"backup", "--data", folder, filepath.Join(work, "copy.db")},
		{"export", "--from", folder, "--out", filepath.Join(work, "one.gz")},
	} {
		if _, stderr, code := command(t, ended, args...); code == 0 {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}
	if names, err := os.ReadDir(work); err != nil || len(names) != 0 {
		t.Errorf("the folder holds %v, error %v", names, err)
	}
}

func TestAPaceIsSaidNowAndThen(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	p := &pace{out: &out, what: "load", now: func() time.Time { return now }, began: now, said: now}
	for i := range int64(10) {
		p.records(i*1000, i*1_000_000)
		now = now.Add(500 * time.Millisecond)
	}
	p.share(50, 200)
	want := "load: 4000 records, 4.0 MB, 2.0 MB/s\nload: 8000 records, 8.0 MB, 2.0 MB/s\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
