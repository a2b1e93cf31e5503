// Package archive keeps whole stores in files: what `muster export` writes and `muster
// import` reads. Every driver that is a muster.Copier can be exported and imported.
//
// An archive is JSON Lines, compressed with gzip, so that one can look into it with other
// tools: a header, a line for each record in no particular order, and a trailer with the
// number of records and a digest of them all. The digest does not depend on the order, so
// the archives of two drivers can be compared by it.
//
//	{"muster":"archive","format":1}
//	{"p":"PLAYER#1","s":"PROFILE","v":3,"e":1893456000,"t":"{\"name\":\"Ann\"}"}
//	{"p":"PLAYER#2","s":"KEY","v":1,"b":"AAEC"}
//	{"records":2,"bytes":40,"digest":"..."}
//
// p and s are the key, v is the version, e the expiry in seconds since 1970 if there is
// one, t the value as text or b as base64.
//
// Start with Export and Import, or with NewWriter and Read. Nothing here encrypts: an
// archive holds what the store holds.
package archive

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"muster"
)

// format is the version of what this package writes, and the only one that it reads.
const format = 1

// header is the first line.
type header struct {
	Muster string `json:"muster"` // "archive"
	Format int    `json:"format"`
}

// line is a record. Exactly one of Text and Bytes is there.
type line struct {
	Partition string  `json:"p"`
	Sort      string  `json:"s"`
	Version   int64   `json:"v"`
	ExpiresAt *int64  `json:"e,omitempty"` // seconds since 1970
	Text      *string `json:"t,omitempty"`
	Bytes     *[]byte `json:"b,omitempty"`
}

// trailer is the last line.
type trailer struct {
	Records int64  `json:"records"`
	Bytes   int64  `json:"bytes"`
	Digest  string `json:"digest"`
}

// Summary says what an archive holds.
type Summary struct {
	Records int64
	Bytes   int64 // keys and values together
	Digest  Digest
}

func (s *Summary) add(r muster.Record) {
	s.Records++
	s.Bytes += int64(len(r.Partition) + len(r.Sort) + len(r.Value))
	s.Digest.Add(r)
}

// Writer writes an archive. It is not safe for concurrent use.
type Writer struct {
	packed  *gzip.Writer
	plain   *bufio.Writer
	lines   *json.Encoder
	summary Summary
}

// NewWriter begins an archive in w. Close ends it; until then it is not whole.
func NewWriter(w io.Writer) (*Writer, error) {
	packed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	a := &Writer{packed: packed, plain: bufio.NewWriterSize(packed, 1<<16)}
	a.lines = json.NewEncoder(a.plain)
	a.lines.SetEscapeHTML(false) // for people who look into it
	return a, a.lines.Encode(header{"archive", format})
}

// Write adds records. A record that no store could hold is an *Error of kind Invalid.
func (a *Writer) Write(records []muster.Record) error {
	for _, r := range records {
		if err := muster.CheckRecord(r); err != nil {
			return err
		}
		l := line{Partition: r.Partition, Sort: r.Sort, Version: r.Version}
		if !r.ExpiresAt.IsZero() {
			seconds := r.ExpiresAt.Unix()
			if seconds < 0 || seconds > maxExpiry {
				return muster.Errorf(muster.Invalid, "archive.expiry", "a record expires at %v, which an archive cannot say", r.ExpiresAt)
			}
			l.ExpiresAt = &seconds
		}
		if isText(r.Value) {
			text := string(r.Value)
			l.Text = &text
		} else {
			l.Bytes = &r.Value
		}
		if err := a.lines.Encode(l); err != nil {
			return fmt.Errorf("write the archive: %w", err)
		}
		a.summary.add(r)
	}
	return nil
}

// isText says whether a value is written as text: as it is, readable and short.
func isText(value []byte) bool {
	for _, b := range value {
		if b < ' ' {
			return false
		}
	}
	return utf8.Valid(value)
}

// Close writes the end and says what the archive holds. It leaves the underlying writer
// open.
func (a *Writer) Close() (Summary, error) {
	end := trailer{a.summary.Records, a.summary.Bytes, a.summary.Digest.String()}
	if err := errors.Join(a.lines.Encode(end), a.plain.Flush(), a.packed.Close()); err != nil {
		return Summary{}, fmt.Errorf("write the archive: %w", err)
	}
	return a.summary, nil
}
