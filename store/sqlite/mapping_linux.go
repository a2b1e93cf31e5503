//go:build linux && (amd64 || arm64 || loong64 || ppc64le || riscv64 || s390x)

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// mapping lets SQLite read a database file through memory that the system maps. It is a
// VFS of SQLite (sqlite.org/vfs.html): the one for unix in everything, but that xRead of the
// file copies the page out of the mapping where that is better.
//
// This is not PRAGMA mmap_size. There SQLite works on the mapped pages themselves, and an
// error of the disk is a signal in the middle of it, which ends the process or leaves locks
// behind. Here a page is touched in one place, by a copy that holds nothing. If it fails,
// the page is read in the ordinary way, which reports what is wrong as it always did.
//
// What SQLite calls and keeps stands in memory of its own, hooks, which a store that is
// never closed leaves there.
type mapping struct {
	window window
	hooks  *hooks
	tls    *libc.TLS
}

// hooks are what SQLite calls. They hold nothing that the garbage collector looks after.
// The methods of a file come first, so that their address is that of the hooks: see
// mappedRead.
type hooks struct {
	methods sqlite3.Tsqlite3_io_methods // those of base, but for xRead
	vfs     sqlite3.Tsqlite3_vfs        // that of base, but for xOpen; its pAppData is the address of hooks
	base    uintptr                     // SQLite's VFS for unix
	open    uintptr                     // xOpen of base
	read    uintptr                     // xRead of the methods that base gives a database file; 0: there was none yet
	window  uintptr                     // of the mapping
	path    uintptr                     // of the file, as text that ends in a zero
	name    uintptr                     // of the VFS, likewise
}

type (
	openFunc = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	readFunc = func(tls *libc.TLS, file, into uintptr, bytes int32, offset int64) int32
)

// coherent are file systems, by the number that statfs(2) gives, of which it is known that
// a mapping shows at once what is written to the file by other ways: they keep each page in
// memory once. Network and FUSE file systems need not.
var coherent = []int64{
	0xef53,     // ext2, ext3, ext4
	0x58465342, // xfs
	0x9123683e, // btrfs
	0xf2f52010, // f2fs
	0x01021994, // tmpfs
	0x794c7630, // overlayfs, of containers
}

// newMapping maps the file at path, which may be shorter than size or empty.
func newMapping(path string, size int64) (*mapping, error) {
	// For writing too: overlayfs then makes its copy, which is the file that is written.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	memory, err := mapFile(f, size)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	m := &mapping{window: newWindow(memory), tls: libc.NewTLS()}
	if err := m.register(path); err != nil {
		return nil, errors.Join(err, m.release())
	}
	return m, nil
}

func mapFile(f *os.File, size int64) ([]byte, error) {
	var fs syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &fs); err != nil {
		return nil, err
	}
	if !slices.Contains(coherent, int64(fs.Type)) { //nolint:unconvert // the type is not the same everywhere
		return nil, errors.ErrUnsupported
	}
	memory, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	// Reads jump about: what lies around a page is not wanted with it. Advice may be refused.
	_ = syscall.Madvise(memory, syscall.MADV_RANDOM)
	return memory, nil
}

// register makes the VFS known to SQLite.
func (m *mapping) register(path string) error {
	texts := [...]string{"unix", path, fmt.Sprintf("muster-%p", m)}
	var copies [len(texts)]uintptr
	for i, text := range texts {
		var err error
		if copies[i], err = libc.CString(text); err != nil {
			return err
		}
	}
	defer libc.Xfree(m.tls, copies[0])
	base := sqlite3.Xsqlite3_vfs_find(m.tls, copies[0])
	place := sqlite3.Xsqlite3_malloc64(m.tls, uint64(unsafe.Sizeof(hooks{})))
	if base == 0 || place == 0 {
		return errors.ErrUnsupported
	}
	h := at[hooks](place)
	*h = hooks{vfs: *at[sqlite3.Tsqlite3_vfs](base), base: base, window: uintptr(unsafe.Pointer(&m.window)), path: copies[1], name: copies[2]}
	h.open = h.vfs.FxOpen
	h.vfs.FzName, h.vfs.FpAppData, h.vfs.FxOpen = h.name, place, address[openFunc](mappedOpen)
	m.hooks = h
	if rc := sqlite3.Xsqlite3_vfs_register(m.tls, uintptr(unsafe.Pointer(&h.vfs)), 0); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("register a VFS: result %d", rc)
	}
	return nil
}

// vfs is what a connection names in its address; empty for nil.
func (m *mapping) vfs() string {
	if m == nil {
		return ""
	}
	return libc.GoString(m.hooks.name)
}

// Close ends the mapping. Every connection that uses it must be closed.
func (m *mapping) Close() error {
	if m == nil {
		return nil
	}
	if rc := sqlite3.Xsqlite3_vfs_unregister(m.tls, uintptr(unsafe.Pointer(&m.hooks.vfs))); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("unregister a VFS: result %d", rc)
	}
	return m.release()
}

func (m *mapping) release() error {
	if h := m.hooks; h != nil {
		libc.Xfree(m.tls, h.name)
		libc.Xfree(m.tls, h.path)
		sqlite3.Xsqlite3_free(m.tls, uintptr(unsafe.Pointer(h)))
	}
	m.tls.Close()
	return syscall.Munmap(m.window.memory)
}

// mappedOpen is xOpen: see sqlite.org/c3ref/vfs.html. A store opens its connections one
// after another.
func mappedOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	h := at[hooks](at[sqlite3.Tsqlite3_vfs](vfs).FpAppData)
	rc := function[openFunc](h.open)(tls, h.base, name, file, flags, outFlags)
	if rc != sqlite3.SQLITE_OK || flags&sqlite3.SQLITE_OPEN_MAIN_DB == 0 || libc.Xstrcmp(tls, name, h.path) != 0 {
		return rc
	}
	f := at[sqlite3.Tsqlite3_file](file)
	if h.read == 0 {
		h.methods = *at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		h.read = h.methods.FxRead
		h.methods.FxRead = address[readFunc](mappedRead)
	}
	f.FpMethods = uintptr(unsafe.Pointer(&h.methods))
	return rc
}

// mappedRead is xRead of a database file: see sqlite.org/c3ref/io_methods.html.
func mappedRead(tls *libc.TLS, file, into uintptr, bytes int32, offset int64) int32 {
	h := at[hooks](at[sqlite3.Tsqlite3_file](file).FpMethods)
	if at[window](h.window).read(unsafe.Slice(at[byte](into), bytes), offset) {
		return sqlite3.SQLITE_OK
	}
	return function[readFunc](h.read)(tls, file, into, bytes, offset)
}

// at is what stands at an address that SQLite was given or gave. It is not on the Go heap,
// or is held by the mapping.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// function is the Go function that a function pointer of SQLite stands for, and address the
// pointer for a function without a closure: modernc.org/libc has them so.
func function[F any](pointer uintptr) F { return *(*F)(unsafe.Pointer(&pointer)) }

func address[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }
