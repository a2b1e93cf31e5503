//go:build linux && (amd64 || arm64 || loong64 || ppc64le || riscv64 || s390x)

package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// openWindow maps a new, empty file.
func openWindow(t *testing.T, size int64) (*os.File, *window) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := mapFile(f, size)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("files are mapped on ext, XFS, Btrfs, F2FS, tmpfs and overlayfs alone: set TMPDIR to a folder of one")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Munmap(memory), f.Close()); err != nil {
			t.Error(err)
		}
	})
	w := newWindow(memory)
	return f, &w
}

// fillPage writes a page of one letter.
func fillPage(t *testing.T, f *os.File, page int64, letter byte) {
	t.Helper()
	if _, err := f.WriteAt(bytes.Repeat([]byte{letter}, os.Getpagesize()), page*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
}

// A window shows what is in the file at the moment, and says no where there is nothing,
// where the file was and has been cut off, and beyond its own end. A page that it said no
// to was then read in another way: it is looked at the next time.
func TestAWindowShowsWhatIsInTheFile(t *testing.T) {
	const pages = 4
	page := int64(os.Getpagesize())
	f, w := openWindow(t, pages*page)
	part := make([]byte, 1000)
	look := func(at int64, want byte, what string) {
		t.Helper()
		for try := range 2 {
			if ok := w.read(part, at*page+10); ok && !bytes.Equal(part, bytes.Repeat([]byte{want}, len(part))) {
				t.Fatalf("%s: the window shows %q, want %q", what, part[:1], want)
			} else if ok != (want != 0) && try == 1 {
				t.Fatalf("%s: the window says %v", what, ok)
			}
		}
	}
	look(0, 0, "an empty file")
	fillPage(t, f, 0, 'a')
	look(0, 'a', "a page that was written")
	fillPage(t, f, 0, 'b')
	look(0, 'b', "a page that was written again")
	fillPage(t, f, 2, 'c')
	look(2, 'c', "a page that the file has grown by")
	if err := f.Truncate(page); err != nil {
		t.Fatal(err)
	}
	look(2, 0, "a page that was cut off")
	look(0, 'b', "what was left")
	fillPage(t, f, 2, 'd')
	look(2, 'd', "a page that is there again")
	for _, offset := range []int64{-1, pages*page - 999, pages * page, 1 << 50} {
		if w.read(part, offset) {
			t.Errorf("the window shows what is at %d, and ends at %d", offset, pages*page)
		}
	}
}

// What is in memory is not known for ever: after so many reads the system is asked again.
func TestAWindowAsksAgainWhatIsInMemory(t *testing.T) {
	page := int64(os.Getpagesize())
	f, w := openWindow(t, 2*granulePages*page)
	fillPage(t, f, granulePages+1, 'a')
	if !w.expect(granulePages + 1) {
		t.Fatal("a page that was just written is not thought to be in memory")
	}
	if w.expect(granulePages + 2) {
		t.Fatal("a page that the file does not have is thought to be in memory")
	}
	if !w.expect(granulePages + 2) {
		t.Fatal("a page that was asked for is not thought to be in memory")
	}
	for range granulePages {
		w.expect(granulePages + 1)
	}
	if w.expect(granulePages + 2) {
		t.Error("the system was not asked again")
	}
}
