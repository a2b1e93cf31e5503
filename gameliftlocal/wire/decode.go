package wire

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// decoder fills the SDK's structs from a tree.
type decoder struct {
	protocol protocol
}

// typeError is a value of the wrong type; its text names the member as Amazon's
// validation does.
type typeError struct {
	path string
	got  string
	want string
}

func (e *typeError) Error() string {
	if e.path == "" {
		return fmt.Sprintf("%s can not be converted to %s", e.got, e.want)
	}
	return fmt.Sprintf("%s can not be converted to %s at '%s'", e.got, e.want, e.path)
}

// decode sets dst, of the Go type that s was built from or a pointer to it, from v. Nil
// leaves dst alone: a null member is an absent one. Unknown members are ignored. path
// names dst in errors.
func (d decoder) decode(dst reflect.Value, s *shape, v any, path string) error {
	if v == nil {
		return nil
	}
	if dst.Kind() == reflect.Pointer {
		target := reflect.New(dst.Type().Elem())
		if err := d.decode(target.Elem(), s, v, path); err != nil {
			return err
		}
		dst.Set(target)
		return nil
	}
	switch s.kind {
	case kindList:
		return d.decodeList(dst, s, v, path)
	case kindMap:
		return d.decodeMap(dst, s, v, path)
	case kindStructure:
		return d.decodeStructure(dst, s, v, path)
	}
	if want := d.decodeScalar(dst, s.kind, v); want != "" {
		return &typeError{path, treeName(v), want}
	}
	return nil
}

func (d decoder) decodeStructure(dst reflect.Value, s *shape, v any, path string) error {
	members, ok := v.(map[string]any)
	if !ok {
		return &typeError{path, treeName(v), "a structure"}
	}
	for _, f := range s.fields {
		if err := d.decode(dst.Field(f.index), f.shape, members[f.name], memberPath(path, f.name)); err != nil {
			return err
		}
	}
	return nil
}

func (d decoder) decodeList(dst reflect.Value, s *shape, v any, path string) error {
	elements, ok := v.([]any)
	if !ok {
		return &typeError{path, treeName(v), "a list"}
	}
	list := reflect.MakeSlice(dst.Type(), len(elements), len(elements))
	for i, e := range elements {
		if err := d.decode(list.Index(i), s.of, e, elementPath(path, i)); err != nil {
			return err
		}
	}
	dst.Set(list)
	return nil
}

func (d decoder) decodeMap(dst reflect.Value, s *shape, v any, path string) error {
	entries, ok := v.(map[string]any)
	if !ok {
		return &typeError{path, treeName(v), "a map"}
	}
	m := reflect.MakeMapWithSize(dst.Type(), len(entries))
	for key, e := range entries {
		value := reflect.New(dst.Type().Elem()).Elem()
		if err := d.decode(value, s.of, e, entryPath(path, key)); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(dst.Type().Key()), value)
	}
	dst.Set(m)
	return nil
}

// decodeScalar sets dst and returns "", or the name of the type that v is not.
func (d decoder) decodeScalar(dst reflect.Value, k kind, v any) (want string) {
	switch k {
	case kindBool:
		b, ok := v.(bool)
		if !ok {
			return "a Boolean"
		}
		dst.SetBool(b)
	case kindInteger:
		i, ok := treeInteger(v)
		if !ok || dst.OverflowInt(i) {
			return fmt.Sprintf("an integer of %d bits", dst.Type().Bits())
		}
		dst.SetInt(i)
	case kindFloat:
		f, ok := treeFloat(v)
		// The largest float32 is a little larger when read from its shortest decimal, so
		// overflow is what rounds to infinity.
		if !ok || dst.Kind() == reflect.Float32 && math.IsInf(float64(float32(f)), 0) {
			return fmt.Sprintf("a finite number of %d bits", dst.Type().Bits())
		}
		dst.SetFloat(f)
	case kindInstant:
		t, ok := d.instant(v)
		if !ok {
			return "a timestamp in seconds"
		}
		dst.Set(reflect.ValueOf(t))
	case kindBlob:
		b, ok := d.blob(v)
		if !ok {
			return "a blob"
		}
		dst.SetBytes(b)
	default: // kindString, kindEnum; check refuses unknown values of the latter
		s, ok := v.(string)
		if !ok {
			return "a String"
		}
		dst.SetString(s)
	}
	return ""
}

// treeInteger takes an integer also where it was written as 30.0.
func treeInteger(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		// Beyond 2^53 a float64 does not say which integer was meant.
		if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
			return int64(v), true
		}
	}
	return 0, false
}

// treeFloat takes finite numbers only. AWS JSON could write not-a-number as a string; a
// skill or latency that is none would spoil every comparison, so we refuse it.
func treeFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

// instant reads a timestamp: tagged in CBOR, a plain number in JSON.
func (d decoder) instant(v any) (time.Time, bool) {
	if t, ok := v.(instant); ok {
		return time.Time(t), true
	}
	seconds, ok := treeFloat(v)
	if !ok || d.protocol == cborProtocol {
		return time.Time{}, false
	}
	t, ok := instantAt(seconds)
	return time.Time(t), ok
}

// blob reads bytes: themselves in CBOR, base64 in JSON.
func (d decoder) blob(v any) ([]byte, bool) {
	if b, ok := v.([]byte); ok {
		return b, true
	}
	s, ok := v.(string)
	if !ok || d.protocol == cborProtocol {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil
}

// treeName names the type of a value for error texts, as Amazon's JSON parser does.
func treeName(v any) string {
	switch v.(type) {
	case bool:
		return "BOOLEAN_VALUE"
	case int64, float64:
		return "NUMBER_VALUE"
	case string:
		return "STRING_VALUE"
	case []byte:
		return "BLOB_VALUE"
	case instant:
		return "TIMESTAMP_VALUE"
	case []any:
		return "LIST_VALUE"
	default:
		return "MAP_VALUE"
	}
}

// memberPath, elementPath and entryPath name a place in an input as Amazon's validation
// does: "players.1.member.playerAttributes.skill.member".
func memberPath(path, name string) string {
	first, size := utf8.DecodeRuneInString(name)
	name = string(unicode.ToLower(first)) + name[size:]
	if path == "" {
		return name
	}
	return path + "." + name
}

func elementPath(path string, index int) string {
	return path + "." + strconv.Itoa(index+1) + ".member"
}

func entryPath(path, key string) string {
	const longest = 64
	if len(key) > longest {
		key = key[:longest] + "..."
	}
	return path + "." + key + ".member"
}
