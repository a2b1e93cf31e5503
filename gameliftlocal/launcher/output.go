package launcher

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	lastLines    = 20
	maxLineBytes = 500 // of a line that is kept in memory
)

// output takes what a process prints: into a file up to a size, and the last lines in
// memory, for messages about how it ended.
type output struct {
	path string // empty: no file

	mu    sync.Mutex // guards what follows
	file  *os.File   // nil: no file, or closed, or full
	left  int64      // bytes that the file may still take
	lines []string   // the last complete ones, oldest first
	part  []byte     // the line that is not complete
}

// openOutput makes the file and its folder; an empty path makes none.
func openOutput(path string, maxBytes int64) (*output, error) {
	out := &output{path: path, left: maxBytes}
	if path == "" {
		return out, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("log folder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	out.file = file
	return out, nil
}

// Write never fails: a full disk must not stop a game server.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writeFile(p)
	o.writeLines(p)
	return len(p), nil
}

func (o *output) writeFile(p []byte) {
	if o.file == nil {
		return
	}
	full := int64(len(p)) > o.left
	if full {
		p = append(append([]byte(nil), p[:o.left]...), "\n(the rest is not kept)\n"...)
	}
	o.left -= int64(len(p))
	_, err := o.file.Write(p)
	if full || err != nil {
		_ = o.file.Close() // nothing more is written
		o.file = nil
	}
}

func (o *output) writeLines(p []byte) {
	for {
		line, rest, complete := bytes.Cut(p, []byte("\n"))
		if room := maxLineBytes - len(o.part); room > 0 {
			o.part = append(o.part, line[:min(room, len(line))]...)
		}
		if !complete {
			return
		}
		o.lines = append(o.lines, strings.TrimRight(string(o.part), "\r"))
		o.lines = o.lines[max(0, len(o.lines)-lastLines):]
		o.part = o.part[:0]
		p = rest
	}
}

// last is the last lines, oldest first.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.lines
	if len(o.part) > 0 {
		lines = append(lines[:len(lines):len(lines)], string(o.part))
	}
	return strings.Join(lines, "\n")
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		_ = o.file.Close() // a log
		o.file = nil
	}
}

// discard closes and removes the file of a process that did not start.
func (o *output) discard() {
	o.close()
	if o.path != "" {
		_ = os.Remove(o.path) // a log, and empty
	}
}
