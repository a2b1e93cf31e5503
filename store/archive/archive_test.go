package archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/store/archive"
	"muster/store/memory"
	"muster/store/sqlite"
)

func record(partition, sort, value string, version int64) muster.Record {
	return muster.Record{Key: muster.Key{Partition: partition, Sort: sort}, Value: []byte(value), Version: version}
}

// everything is records of all kinds that there can be.
func everything() []muster.Record {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	records := []muster.Record{
		record("p", "json", `{"name":"Ann","quote":"\"","emoji":"🎮","line":"\u2028"}`, 1),
		record("p", "empty", "", 2),
		record("p", "bytes", string(all), 3),
		record("p", "separators", "\u2028\u2029<>&", 4),
		record("p", "broken", "\xff\xfe", 5),
		record("p", "controls", "\x00\n\x1f", 6),
		record("\x00\n\"é<&\u2028", "\U0010ffff", "v", 1<<62),
		record(strings.Repeat("\x01", muster.MaxPartitionBytes), strings.Repeat("\x02", muster.MaxSortBytes), "long", 1),
		record("large", "text", strings.Repeat(`"`, muster.MaxRecordBytes-9), 1),
		record("large", "bytes", strings.Repeat("\x00", muster.MaxRecordBytes-10), 1),
	}
	records[0].ExpiresAt = time.Unix(4_000_000_000, 0).UTC()
	records[1].ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for i := range 2500 {
		records = append(records, record(fmt.Sprint("many ", i%7), fmt.Sprintf("%05d", i), fmt.Sprint("value ", i), int64(i+1)))
	}
	return records
}

func written(t testing.TB, records ...muster.Record) []byte {
	t.Helper()
	var body bytes.Buffer
	a, err := archive.NewWriter(&body)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(records); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return body.Bytes()
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	want := everything()
	body := written(t, want...)
	var got []muster.Record
	summary, err := archive.Read(bytes.NewReader(body), func(page []muster.Record) error {
		if len(page) == 0 || len(page) > muster.MaxListLimit {
			t.Errorf("a page has %d records", len(page))
		}
		got = append(got, page...)
		return nil
	})
	if err != nil || summary.Records != int64(len(want)) {
		t.Fatalf("got %d records and error %v, want %d", summary.Records, err, len(want))
	}
	for i, r := range got {
		w := want[i]
		if r.Key != w.Key || !bytes.Equal(r.Value, w.Value) || r.Version != w.Version || !r.ExpiresAt.Equal(w.ExpiresAt) {
			t.Errorf("record %d is %q %.60q, want %q %.60q", i, r.Key, r.Value, w.Key, w.Value)
		}
	}
}

// The same records have the same digest in any order, and no others have it.
func TestTheDigestIsOfTheSet(t *testing.T) {
	records := everything()[:10]
	digest := func(records []muster.Record) archive.Digest {
		var d archive.Digest
		for _, r := range records {
			d.Add(r)
		}
		return d
	}
	want := digest(records)
	for range 20 {
		rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		if got := digest(records); got != want {
			t.Fatalf("in another order the digest is %v, not %v", got, want)
		}
	}
	base := record("ab", "c", "d", 1)
	seen := map[archive.Digest]string{{}: "nothing", digest([]muster.Record{base}): "the record"}
	expiring := base
	expiring.ExpiresAt = time.Unix(1, 0)
	for name, other := range map[string][]muster.Record{
		"another split of the key":   {record("a", "bc", "d", 1)},
		"another split of the value": {record("ab", "", "cd", 1)},
		"another version":            {record("ab", "c", "d", 2)},
		"another value":              {record("ab", "c", "e", 1)},
		"an expiry":                  {expiring},
		"the record twice":           {base, base},
		"one record more":            {base, record("x", "y", "z", 1)},
	} {
		d := digest(other)
		if same, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", name, same)
		}
		seen[d] = name
	}
}

// packed compresses lines as an archive is.
func packed(t testing.TB, lines ...string) []byte {
	t.Helper()
	var body bytes.Buffer
	w := gzip.NewWriter(&body)
	if _, err := io.WriteString(w, strings.Join(lines, "\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body.Bytes()
}

func unpacked(t testing.TB, body []byte) []string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestAFaultyArchiveIsRefusedWithItsLine(t *testing.T) {
	good := written(t, record("p", "a", "1", 1), record("p", "b", "\x00", 2))
	lines := unpacked(t, good)
	with := func(n int, text string) []byte {
		changed := slices.Clone(lines)
		changed[n-1] = text
		return packed(t, changed...)
	}
	cases := []struct {
		name string
		body []byte
		line int64
		says string
	}{
		{"nothing", nil, 0, "not compressed by gzip"},
		{"text", []byte("hello"), 0, "not compressed by gzip"},
		{"cut off", good[:len(good)/2], 0, "cut off"},
		{"cut off in gzip's checksum", good[:len(good)-4], 0, "cut off"},
		{"with a byte more", append(slices.Clone(good), 0), 0, "something follows"},
		{"with a second archive", append(slices.Clone(good), good...), 0, "something follows"},
		{"empty", packed(t), 1, "the end is missing"},
		{"another file of lines", packed(t, `{"a":1}`), 1, "no archive of Muster"},
		{"of another program", packed(t, `{"muster":"backup","format":1}`), 1, "no archive of Muster"},
		{"of a newer format", with(1, `{"muster":"archive","format":2}`), 1, "its format is 2"},
		{"without an end", packed(t, lines[:3]...), 4, "the end is missing"},
		{"with lines after the end", packed(t, append(slices.Clone(lines), lines[1])...), 5, "it follows the end"},
		{"without a record", packed(t, lines[0], lines[1], lines[3]), 3, "says that it holds 2 records, and holds 1"},
		{"with a record twice", packed(t, lines[0], lines[1], lines[1], lines[3]), 4, "digest differs"},
		{"with a changed value", with(2, `{"p":"p","s":"a","v":1,"t":"2"}`), 4, "digest differs"},
		{"with a changed digest", with(4, `{"records":2,"bytes":6,"digest":"00"}`), 4, "digest differs"},
		{"with an unknown field", with(2, `{"p":"p","s":"a","v":1,"t":"1","x":1}`), 2, "unknown field"},
		{"with half a record", with(2, `{"p":"p","s":"a"`), 2, "not what it should be"},
		{"with two records in a line", with(2, lines[1]+lines[2]), 2, "more than one value"},
		{"with an empty line", with(2, ""), 2, "not what it should be"},
		{"with text that is not UTF-8", with(2, "{\"p\":\"p\",\"s\":\"a\",\"v\":1,\"t\":\"\xff\"}"), 2, "not UTF-8"},
		{"with no value", with(2, `{"p":"p","s":"a","v":1}`), 2, "either t or b"},
		{"with two values", with(2, `{"p":"p","s":"a","v":1,"t":"1","b":"AA=="}`), 2, "either t or b"},
		{"with bytes that are not base64", with(2, `{"p":"p","s":"a","v":1,"b":"?"}`), 2, "not what it should be"},
		{"with an empty key", with(2, `{"p":"","s":"a","v":1,"t":"1"}`), 2, "a record key has"},
		{"with no version", with(2, `{"p":"p","s":"a","v":0,"t":"1"}`), 2, "version 0"},
		{"with a wild expiry", with(2, `{"p":"p","s":"a","v":1,"e":9999999999999,"t":"1"}`), 2, "not when a record expires"},
		{"with a record too large", with(2, `{"p":"p","s":"a","v":1,"t":"`+strings.Repeat("x", muster.MaxRecordBytes)+`"}`), 2, "limit"},
		{"with a line too long", with(2, strings.Repeat("x", 2_000_000)), 2, "longer than a record can be"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := archive.Read(bytes.NewReader(c.body), func([]muster.Record) error { return nil })
			var fault *archive.Fault
			if !errors.As(err, &fault) || c.line > 0 && fault.Line != c.line || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got error %v, want line %d and %q", err, c.line, c.says)
			}
		})
	}
}

func TestAnErrorOfTheVisitorEndsTheReading(t *testing.T) {
	enough := errors.New("enough")
	calls := 0
	_, err := archive.Read(bytes.NewReader(written(t, everything()...)), func([]muster.Record) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("got error %v after %d visits", err, calls)
	}
}

func TestARecordThatCannotBeIsNotWritten(t *testing.T) {
	late := record("p", "s", "v", 1)
	late.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, r := range map[string]muster.Record{"no key": {Version: 1}, "no version": record("p", "s", "v", 0), "an expiry beyond all": late} {
		a, err := archive.NewWriter(io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Write([]muster.Record{r}); muster.KindOf(err) != muster.Invalid || err == nil {
			t.Errorf("%s: got error %v, want kind invalid", name, err)
		}
	}
}

// openSQLite opens a database of the other driver.
func openSQLite(t *testing.T, now func() time.Time) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Now: now, Durability: sqlite.SurviveCrash})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// What one driver holds comes whole into the other and back, and the archives of both
// have one digest.
func TestAStoreMovesBetweenDrivers(t *testing.T) {
	ctx := context.Background()
	first := memory.New(nil)
	if err := first.Load(ctx, everything()); err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	exported, err := archive.Export(ctx, first, &one, nil)
	if err != nil {
		t.Fatal(err)
	}
	second := openSQLite(t, nil)
	var loaded, verified int64
	imported, err := archive.Import(ctx, bytes.NewReader(one.Bytes()), second, archive.ImportOptions{
		Loaded: func(n, _ int64) { loaded = n }, Verified: func(n, _ int64) { verified = n },
	})
	if err != nil || imported != exported || loaded != exported.Records || verified != exported.Records {
		t.Fatalf("imported %+v, error %v, told of %d and %d; exported %+v", imported, err, loaded, verified, exported)
	}
	if again, err := archive.Export(ctx, second, &two, nil); err != nil || again != exported {
		t.Errorf("exported again: %+v, error %v, want %+v", again, err, exported)
	}
}

func TestAnImportBesideOtherRecordsLeavesThem(t *testing.T) {
	ctx := context.Background()
	body := written(t, record("p", "a", "new", 5), record("p", "b", "new", 1))
	for name, store := range map[string]archive.Database{"memory": memory.New(nil), "sqlite": openSQLite(t, nil)} {
		if err := store.Load(ctx, []muster.Record{record("p", "a", "old", 9), record("q", "c", "other", 1)}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Import(ctx, bytes.NewReader(body), store, archive.ImportOptions{}); !errors.Is(err, archive.ErrDiffers) {
			t.Errorf("%s: as if it were empty: got error %v, want ErrDiffers", name, err)
		}
		if _, err := archive.Import(ctx, bytes.NewReader(body), store, archive.ImportOptions{Beside: true}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r, err := store.Get(ctx, muster.Key{Partition: "p", Sort: "a"}); err != nil || string(r.Value) != "new" || r.Version != 5 {
			t.Errorf("%s: got %+v and error %v", name, r, err)
		}
		if _, err := store.Get(ctx, muster.Key{Partition: "q", Sort: "c"}); err != nil {
			t.Errorf("%s: the other record: %v", name, err)
		}
	}
}

// forgetful loses what it is told to.
type forgetful struct {
	*memory.Store
	loses func(r muster.Record) bool
}

func (f *forgetful) Load(ctx context.Context, records []muster.Record) error {
	return f.Store.Load(ctx, slices.DeleteFunc(slices.Clone(records), f.loses))
}

func TestAnImportNoticesWhatTheStoreLost(t *testing.T) {
	body := written(t, everything()...)
	for name, o := range map[string]archive.ImportOptions{"empty": {}, "beside": {Beside: true}} {
		store := &forgetful{memory.New(nil), func(r muster.Record) bool { return r.Sort == "00042" }}
		if _, err := archive.Import(context.Background(), bytes.NewReader(body), store, o); !errors.Is(err, archive.ErrDiffers) {
			t.Errorf("%s: got error %v, want ErrDiffers", name, err)
		}
	}
}

// Records that expire while an import goes on are not missed, whether they go before or
// during the verification.
func TestWhatExpiresDuringAnImportIsNotMissed(t *testing.T) {
	began := time.Unix(1_800_000_000, 0)
	var records []muster.Record
	for i := range 3000 {
		r := record("p", fmt.Sprintf("%04d", i), "v", 1)
		if i%2 == 0 {
			r.ExpiresAt = began.Add(time.Duration(i/100) * time.Second)
		}
		records = append(records, r)
	}
	body := written(t, records...)
	for _, beside := range []bool{false, true} {
		now := began
		clock := func() time.Time { return now }
		pass := func(int64, int64) { now = now.Add(3 * time.Second) }
		store := memory.New(clock)
		o := archive.ImportOptions{Beside: beside, Now: clock, Loaded: pass, Verified: pass}
		if _, err := archive.Import(context.Background(), bytes.NewReader(body), store, o); err != nil {
			t.Errorf("beside %v: %v", beside, err)
		}
		if now.Sub(began) < 15*time.Second {
			t.Errorf("beside %v: only %v went by", beside, now.Sub(began))
		}
	}
}

func TestIsEmpty(t *testing.T) {
	ctx := context.Background()
	store := memory.New(nil)
	if empty, err := archive.IsEmpty(ctx, store); !empty || err != nil {
		t.Errorf("a new store: %v, error %v", empty, err)
	}
	if err := store.Load(ctx, everything()); err != nil {
		t.Fatal(err)
	}
	if empty, err := archive.IsEmpty(ctx, store); empty || err != nil {
		t.Errorf("a full store: %v, error %v", empty, err)
	}
}

// Whatever a file holds, reading it ends, within the limits; and what could be read can be
// written and has the same digest.
func FuzzRead(f *testing.F) {
	good := written(f, everything()[:8]...)
	f.Add(good, false)
	f.Add([]byte(strings.Join(unpacked(f, good), "\n")), true)
	f.Add([]byte(`{"muster":"archive","format":1}`), true)
	f.Fuzz(func(t *testing.T, body []byte, lines bool) {
		if lines {
			body = packed(t, string(body))
		}
		var records []muster.Record
		summary, err := archive.Read(bytes.NewReader(body), func(page []muster.Record) error {
			for _, r := range page {
				if err := muster.CheckRecord(r); err != nil {
					t.Errorf("a record that could not exist: %v", err)
				}
			}
			records = append(records, page...)
			return nil
		})
		if err != nil {
			return
		}
		again, err := archive.Read(bytes.NewReader(written(t, records...)), func([]muster.Record) error { return nil })
		if err != nil || again != summary {
			t.Errorf("written again it is %+v, error %v, and was %+v", again, err, summary)
		}
	})
}
