package wire

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCBORIsReadAsTheRFCShowsIt(t *testing.T) {
	at := instant(time.UnixMilli(1363896240500).UTC())
	// The forms are those of RFC 8949, appendix A, as far as Smithy RPC v2 uses them.
	tests := []struct {
		name string
		hex  string
		want any
	}{
		{"zero", "00", int64(0)},
		{"an integer in its first byte", "17", int64(23)},
		{"an integer in one byte more", "1818", int64(24)},
		{"an integer in two bytes more", "1903e8", int64(1000)},
		{"an integer in four bytes more", "1a000f4240", int64(1000000)},
		{"an integer in eight bytes more", "1b000000e8d4a51000", int64(1000000000000)},
		{"the largest integer", "1b7fffffffffffffff", int64(math.MaxInt64)},
		{"the smallest integer", "3b7fffffffffffffff", int64(math.MinInt64)},
		{"minus one", "20", int64(-1)},
		{"minus a thousand", "3903e7", int64(-1000)},
		{"half precision", "f93e00", 1.5},
		{"the largest half", "f97bff", 65504.0},
		{"the smallest half", "f90001", 5.960464477539063e-8},
		{"a normal small half", "f90400", 0.00006103515625},
		{"a negative half", "f9c400", -4.0},
		{"infinity as a half", "f97c00", math.Inf(1)},
		{"minus infinity as a half", "f9fc00", math.Inf(-1)},
		{"single precision", "fa47c35000", 100000.0},
		{"double precision", "fb3ff199999999999a", 1.1},
		{"false", "f4", false},
		{"true", "f5", true},
		{"null", "f6", nil},
		{"undefined", "f7", nil},
		{"bytes", "4401020304", []byte{1, 2, 3, 4}},
		{"bytes in parts", "5f42010243030405ff", []byte{1, 2, 3, 4, 5}},
		{"no bytes", "40", []byte{}},
		{"text", "6449455446", "IETF"},
		{"text of two bytes a character", "62c3bc", "\u00fc"},
		{"text in parts", "7f657374726561646d696e67ff", "streaming"},
		{"a list", "83010203", []any{int64(1), int64(2), int64(3)}},
		{"a list with a break", "9f018202039f0405ffff", []any{int64(1), []any{int64(2), int64(3)}, []any{int64(4), int64(5)}}},
		{"no list elements", "9fff", []any{}},
		{"a map", "a26161016162820203", map[string]any{"a": int64(1), "b": []any{int64(2), int64(3)}}},
		{"a map with a break", "bf61610161629f0203ffff", map[string]any{"a": int64(1), "b": []any{int64(2), int64(3)}}},
		{"an instant in floating seconds", "c1fb41d452d9ec200000", at},
		{"an instant in whole seconds", "c11a514b67b0", instant(time.Unix(1363896240, 0).UTC())},
		{"an instant before 1970", "c120", instant(time.Unix(-1, 0).UTC())},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := mustHex(t, "a16176"+test.hex) // {"v": ...}
			got, err := parseCBOR(body)
			if err != nil || !reflect.DeepEqual(got, map[string]any{"v": test.want}) {
				t.Errorf("got %#v, %v\nwant %#v", got["v"], err, test.want)
			}
		})
	}
}

func TestCBORThatIsRefused(t *testing.T) {
	tests := []struct {
		name string
		hex  string
		want error
	}{
		{"not a map", "80", errNotMap},
		{"more after the end", "a0a0", errTrailing},
		{"a map that ends early", "a1", errTruncated},
		{"a value that is missing", "a16176", errTruncated},
		{"an argument that ends early", "a1617619", errTruncated},
		{"text that ends early", "a1617662", errTruncated},
		{"a list of more than there is", "a161769bffffffffffffffff01", errTruncated},
		{"text of more than there is", "a161767bffffffffffffffff61", errTruncated},
		{"a map without its break", "bf", errTruncated},
		{"a list without its break", "a161769f01", errTruncated},
		{"text without its break", "a161767f6161", errTruncated},
		{"a key twice", "a2617601617602", errDuplicate},
		{"a key that is a number", "a10102", errKeyNotText},
		{"text that is not UTF-8", "a1617661ff", errNotUTF8},
		{"a key that is not UTF-8", "a161ff01", errNotUTF8},
		{"text in parts of bytes", "a161767f4161ff", errNotCBORText},
		{"text in parts in parts", "a161767f7fffff", errNotCBORText},
		{"a reserved length", "a161761c", errNotCBOR},
		{"an integer without length", "a161761f", errNotCBOR},
		{"a tag without number", "a16176df01", errNotCBOR},
		{"a break where none may be", "a16176ff", errNotCBOR},
		{"a simple value without meaning", "a16176e0", errNotCBOR},
		{"another tag", "a16176c074", errTruncated},
		{"another tag with its value", "a16176c06161", errUnknownTag},
		{"an instant in words", "a16176c16161", errBadInstant},
		{"an instant too far away", "a16176c1fb7e37e43c8800759c", errNumberRange},
		{"an instant that is no number", "a16176c1f97e00", errNumberRange},
		{"an integer too large", "a161761bffffffffffffffff", errNumberRange},
		{"an integer too small", "a161763bffffffffffffffff", errNumberRange},
		{"too deep", "a16176" + strings.Repeat("81", 40) + "00", errTooDeep},
		{"too deep in tags", "a16176" + strings.Repeat("c1", 40) + "00", errTooDeep},
		{"too many values", "a161769f" + strings.Repeat("00", maxValues) + "ff", errTooMany},
		{"too many parts of a text", "a161767f" + strings.Repeat("60", maxValues) + "ff", errTooMany},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := parseCBOR(mustHex(t, test.hex)); !errors.Is(err, test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestCBORIsWrittenInTheShortestForm(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{int64(23), "17"},
		{int64(24), "1818"},
		{int64(255), "18ff"},
		{int64(256), "190100"},
		{int64(65536), "1a00010000"},
		{int64(1) << 32, "1b0000000100000000"},
		{int64(-1), "20"},
		{int64(-256), "38ff"},
		{int64(math.MinInt64), "3b7fffffffffffffff"},
		{true, "f5"},
		{false, "f4"},
		{nil, "f6"},
		{1.1, "fb3ff199999999999a"},
		{float32(100000), "fa47c35000"},
		{"IETF", "6449455446"},
		{"\xff", "63efbfbd"},
		{[]byte{1, 2}, "420102"},
		{[]any{int64(1)}, "8101"},
		{map[string]any{"b": int64(2), "a": int64(1)}, "a2616101616202"},
		{instant(time.UnixMilli(1363896240500)), "c1fb41d452d9ec200000"},
	}
	for _, test := range tests {
		if got := hex.EncodeToString(appendCBOR(nil, test.value)); got != test.want {
			t.Errorf("%v is written %s, want %s", test.value, got, test.want)
		}
	}
}

func TestTypesDoNotCrossInCBOR(t *testing.T) {
	type in struct {
		At   *time.Time
		Blob []byte
	}
	s := newShapes(loadTable()).of(reflect.TypeFor[in](), "")
	for name, tree := range map[string]map[string]any{
		"a number for an instant": {"At": 1.5},
		"text for a blob":         {"Blob": "aGVsbG8="},
	} {
		var dst in
		if err := (decoder{cborProtocol}).decode(reflect.ValueOf(&dst).Elem(), s, tree, ""); err == nil {
			t.Errorf("%s is taken: %+v", name, dst)
		}
		if err := (decoder{jsonProtocol}).decode(reflect.ValueOf(&dst).Elem(), s, tree, ""); err != nil {
			t.Errorf("%s is refused in JSON: %v", name, err)
		}
	}
}

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
