//go:build linux && (amd64 || arm64 || loong64 || ppc64le || riscv64 || s390x)

package sqlite

import (
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// granulePages is how many pages the system is asked about at a time, and after how many
// reads of them again.
const granulePages = 512

// window is a file mapped into memory. It may be longer than the file, which grows into it.
//
// A mapped page that is not in the system's memory is read from the disk when it is
// touched, and Go does not know that the thread waits: it runs nothing else in its place.
// So only pages that are in memory are read through the window, as far as is known. What is
// known may be wrong: that costs time, and nothing else.
type window struct {
	memory   []byte
	page     int64 // bytes of a page of the system
	granules []granule
}

// granule is what is known of granulePages pages.
type granule struct {
	reads    atomic.Int32                     // left until the system is asked again
	inMemory [granulePages / 64]atomic.Uint64 // a bit for each page
}

func newWindow(memory []byte) window {
	page := int64(os.Getpagesize())
	bytes := page * granulePages
	return window{memory: memory, page: page, granules: make([]granule, (int64(len(memory))+bytes-1)/bytes)}
}

// read fills part with what stands at an offset of the file, if that is in memory and can
// be read. Otherwise it says no, and the caller is to read the file: at an offset that is
// asked for once more, the page is thought to be in memory then.
func (w *window) read(part []byte, offset int64) bool {
	if offset < 0 || offset+int64(len(part)) > int64(len(w.memory)) || !w.expect(offset/w.page) {
		return false
	}
	return copyMapped(part, w.memory[offset:])
}

// expect says whether a page is in memory, and notes that it is about to be.
func (w *window) expect(page int64) bool {
	g := &w.granules[page/granulePages]
	if g.reads.Add(-1) < 0 {
		w.ask(page / granulePages)
	}
	word, bit := &g.inMemory[page%granulePages/64], uint64(1)<<(page%64)
	return word.Load()&bit != 0 || word.Or(bit)&bit != 0
}

// ask asks the system which pages of a granule are in memory.
func (w *window) ask(n int64) {
	g := &w.granules[n]
	g.reads.Store(granulePages)
	bytes := w.page * granulePages
	memory := w.memory[n*bytes : min((n+1)*bytes, int64(len(w.memory)))]
	var states [granulePages]byte
	if _, _, errno := syscall.Syscall(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&memory[0])), uintptr(len(memory)), uintptr(unsafe.Pointer(&states[0]))); errno != 0 {
		return // what was known stays known
	}
	for i := range g.inMemory {
		var word uint64
		for bit, state := range states[i*64 : (i+1)*64] {
			word |= uint64(state&1) << bit
		}
		g.inMemory[i].Store(word)
	}
}

// copyMapped copies from a mapping. It returns false if the system cannot provide a page:
// the file has become shorter, or the disk has failed.
func copyMapped(to, from []byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	copy(to, from)
	return true
}
