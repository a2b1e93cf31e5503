package wire

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestValuesInErrorsReadLikeAmazons(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{nil, "null"},
		{true, "true"},
		{int64(-5), "-5"},
		{1.5, "1.5"},
		{"a b", "a b"},
		{[]byte{1, 2}, "2 bytes"},
		{instant(time.UnixMilli(0).UTC()), "1970-01-01T00:00:00Z"},
		{[]any{"a", nil, int64(1)}, "[a, null, 1]"},
		{map[string]any{"b": []any{}, "a": map[string]any{"x": false}}, "{a={x=false}, b=[]}"},
		{strings.Repeat("x", 300), strings.Repeat("x", longestPrinted) + "..."},
		{strings.Repeat("\u00e9", 128) + "yz", strings.Repeat("\u00e9", 128) + "..."},
		{"y" + strings.Repeat("\u00e9", 128), "y" + strings.Repeat("\u00e9", 127) + "..."},
		{[]any{strings.Repeat("x", 300), "y"}, "[" + strings.Repeat("x", longestPrinted-1) + "..."},
		{map[string]any{strings.Repeat("k", 300): "y", "l": "z"}, "{" + strings.Repeat("k", longestPrinted-1) + "..."},
	}
	for _, test := range tests {
		if got := printValue(test.value); got != test.want {
			t.Errorf("%v is printed %q, want %q", test.value, got, test.want)
		}
	}
}

func TestOnlyMembersThatHoldNoSecretAreRepeated(t *testing.T) {
	table := table{
		Structures: map[string]map[string]string{},
		Shapes: map[string]tableShape{
			"Secret": {Max: bound(1), Sensitive: true},
			"Open":   {Max: bound(1)},
			"Keys":   {Key: "Secret", Of: "Open"},
			"Values": {Key: "Open", Of: "Secret"},
			"List":   {Of: "Secret"},
			"Free":   {Key: "Open", Of: "Open"},
		},
	}
	type in struct {
		Secret *string
		Open   *string
		Keys   map[string]string
		Values map[string]string
		List   []string
		Free   map[string]string
	}
	table.Structures["in"] = map[string]string{"Secret": "Secret", "Open": "Open", "Keys": "Keys", "Values": "Values", "List": "List", "Free": "Free"}
	long := map[string]any{"hush": "hush"}
	broken := check(newShapes(table).of(reflect.TypeFor[in](), "in"), map[string]any{
		"Secret": "hush", "Open": "hush", "Keys": long, "Values": long, "List": []any{"hush"}, "Free": long,
	})
	repeats := map[string]bool{}
	for _, v := range broken {
		repeats[v.path] = repeats[v.path] || strings.Contains(v.String(), "hush")
	}
	for path, want := range map[string]bool{"secret": false, "open": true, "keys": false, "values": false, "list": false, "free": true} {
		if got, reported := repeats[path]; !reported || got != want {
			t.Errorf("%s: reported %v, repeated %v, want repeated %v", path, reported, got, want)
		}
	}
}
