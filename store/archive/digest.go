package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"time"

	"muster"
)

// Digest stands for a set of records, in whatever order they were added: the sum of the
// SHA-256 of each, as four numbers of 64 bits. Equal sets have equal digests, and sets
// that differ by accident do not. It does not prove who made an archive. The zero value is
// that of no records.
type Digest [4]uint64

// Add adds a record: its key, value, version and expiry.
func (d *Digest) Add(r muster.Record) {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Partition), []byte(r.Sort), r.Value} {
		number(h, uint64(len(part))) // so that parts do not run together
		_, _ = h.Write(part)         // never fails, says hash.Hash
	}
	number(h, uint64(r.Version))
	if !r.ExpiresAt.IsZero() {
		number(h, uint64(r.ExpiresAt.Unix()))
	}
	sum := h.Sum(nil)
	for i := range d {
		d[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
}

func number(h hash.Hash, n uint64) {
	var body [8]byte
	binary.BigEndian.PutUint64(body[:], n)
	_, _ = h.Write(body[:]) // never fails, says hash.Hash
}

// plus is the digest of both sets together.
func (d Digest) plus(other Digest) Digest {
	for i := range d {
		d[i] += other[i]
	}
	return d
}

// String is the digest in 64 hexadecimal digits.
func (d Digest) String() string {
	var body [32]byte
	for i, n := range d {
		binary.BigEndian.PutUint64(body[8*i:], n)
	}
	return hex.EncodeToString(body[:])
}

// expirySpan is how long copying a store may take, for records that expire meanwhile to
// be told from records that got lost. A number for each second of it is kept at most.
const expirySpan = 48 * time.Hour

// tally is a digest from which those can be taken that have expired since.
type tally struct {
	from    int64            // seconds since 1970: when the copying began
	lasting Digest           // of what does not expire within expirySpan
	soon    map[int64]Digest // by the second in which they expire
	records map[int64]int64  // how many those are
	count   int64            // of lasting
}

func newTally(from time.Time) *tally {
	return &tally{from: from.Unix(), soon: make(map[int64]Digest), records: make(map[int64]int64)}
}

func (t *tally) add(r muster.Record) {
	at := r.ExpiresAt.Unix()
	if r.ExpiresAt.IsZero() || at >= t.from+int64(expirySpan/time.Second) {
		t.lasting.Add(r)
		t.count++
		return
	}
	d := t.soon[at]
	d.Add(r)
	t.soon[at] = d
	t.records[at]++
}

// at is what is left of the records at an instant.
func (t *tally) at(now time.Time) (d Digest, records int64) {
	d, records = t.lasting, t.count
	for at, soon := range t.soon {
		if at > now.Unix() {
			d = d.plus(soon)
			records += t.records[at]
		}
	}
	return d, records
}
