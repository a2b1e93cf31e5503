package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"muster"
)

const (
	// maxLine is the longest line of an archive, in bytes: a value of quotes doubles, bytes
	// of a key can become six each.
	maxLine = 2*muster.MaxRecordBytes + 6*(muster.MaxPartitionBytes+muster.MaxSortBytes) + 1024
	// pageBytes is what a page that visit gets holds at most before it ends early.
	pageBytes = 4_000_000
	// maxExpiry is the last instant that every driver and RFC 3339 can name: the end of the
	// year 9999, in seconds since 1970.
	maxExpiry = 253402300799
)

// Fault is what is wrong with an archive, and where.
type Fault struct {
	Line   int64 // the first is 1; 0: of the file as a whole
	Reason string
}

func (f *Fault) Error() string {
	if f.Line == 0 {
		return "the archive is not usable: " + f.Reason
	}
	return fmt.Sprintf("the archive is not usable: line %d: %s", f.Line, f.Reason)
}

// Read calls visit with all records of an archive, in pages of at most
// muster.MaxListLimit, and checks everything that can be checked: the form and the limits
// of each record before visit sees it, number and digest at the end. So visit may have
// seen all records before Read returns a *Fault. An error of visit ends Read and is
// returned as it is.
func Read(r io.Reader, visit func(page []muster.Record) error) (Summary, error) {
	packed := bufio.NewReader(r)
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return Summary{}, &Fault{0, "it is not compressed by gzip: " + err.Error()}
	}
	plain.Multistream(false)
	a := &reader{lines: bufio.NewScanner(plain), visit: visit}
	a.lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	if err := a.read(); err != nil {
		return Summary{}, err
	}
	if _, err := packed.ReadByte(); !errors.Is(err, io.EOF) {
		return Summary{}, &Fault{0, "something follows its end"}
	}
	return a.summary, nil
}

// reader is an archive on its way in.
type reader struct {
	lines   *bufio.Scanner
	number  int64 // of the line that was read last
	visit   func(page []muster.Record) error
	page    []muster.Record
	bytes   int // of the page
	summary Summary
}

func (a *reader) read() error {
	if err := a.header(); err != nil {
		return err
	}
	for {
		body, err := a.next()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(body, []byte(`{"records":`)) {
			return a.end(body)
		}
		if err := a.record(body); err != nil {
			return err
		}
	}
}

// next is the next line. The archive may not end before its trailer.
func (a *reader) next() ([]byte, error) {
	a.number++
	ok := a.lines.Scan()
	err := a.lines.Err() // may come with the beginning of a line
	switch {
	case ok && err == nil:
		return a.lines.Bytes(), nil
	case errors.Is(err, bufio.ErrTooLong):
		return nil, a.fault("it is longer than a record can be")
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil:
		return nil, a.fault("the end is missing: the file was cut off")
	}
	return nil, a.fault(err.Error())
}

func (a *reader) fault(reason string) error { return &Fault{a.number, reason} }

func (a *reader) header() error {
	body, err := a.next()
	if err != nil {
		return err
	}
	var h header
	if err := decode(body, &h); err != nil || h.Muster != "archive" {
		return a.fault("this is no archive of Muster")
	}
	if h.Format != format {
		return a.fault(fmt.Sprintf("its format is %d, this version of Muster reads %d", h.Format, format))
	}
	return nil
}

func (a *reader) record(body []byte) error {
	var l line
	if err := decode(body, &l); err != nil {
		return a.fault(err.Error())
	}
	r := muster.Record{Key: muster.Key{Partition: l.Partition, Sort: l.Sort}, Version: l.Version}
	switch {
	case l.Text != nil && l.Bytes == nil:
		r.Value = []byte(*l.Text)
	case l.Bytes != nil && l.Text == nil:
		r.Value = *l.Bytes
	default:
		return a.fault("a record has either t or b")
	}
	if l.ExpiresAt != nil {
		if *l.ExpiresAt < 0 || *l.ExpiresAt > maxExpiry {
			return a.fault(fmt.Sprintf("%d is not when a record expires", *l.ExpiresAt))
		}
		r.ExpiresAt = time.Unix(*l.ExpiresAt, 0).UTC()
	}
	if err := muster.CheckRecord(r); err != nil {
		return a.fault(err.Error())
	}
	a.summary.add(r)
	a.page = append(a.page, r)
	a.bytes += len(r.Value)
	if len(a.page) == muster.MaxListLimit || a.bytes >= pageBytes {
		return a.show()
	}
	return nil
}

// show gives the page to visit, which may keep it.
func (a *reader) show() error {
	page := a.page
	a.page, a.bytes = nil, 0
	if len(page) == 0 {
		return nil
	}
	return a.visit(page)
}

// end checks the trailer, and that nothing follows it.
func (a *reader) end(body []byte) error {
	var t trailer
	if err := decode(body, &t); err != nil {
		return a.fault(err.Error())
	}
	if err := a.show(); err != nil {
		return err
	}
	got := trailer{a.summary.Records, a.summary.Bytes, a.summary.Digest.String()}
	switch {
	case t.Records != got.Records:
		return a.fault(fmt.Sprintf("the archive says that it holds %d records, and holds %d", t.Records, got.Records))
	case t != got:
		return a.fault("the records are not those that were written: their digest differs")
	}
	a.number++
	if a.lines.Scan() {
		return a.fault("it follows the end")
	}
	if err := a.lines.Err(); err != nil { // of gzip, whose own checksum comes last
		return &Fault{0, err.Error()}
	}
	return nil
}

// decode reads one JSON object that is all of body.
func decode(body []byte, v any) error {
	if !utf8.Valid(body) {
		return errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("it is not what it should be: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("it holds more than one value")
	}
	return nil
}
