package wire

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// encodeStruct makes the tree of the struct that out points to; nil makes an empty map.
// Members that are nil, an empty enumeration or a zero time are left out. It fails on
// numbers that are not finite.
func encodeStruct(s *shape, out any) (map[string]any, error) {
	if out == nil {
		return map[string]any{}, nil
	}
	tree, err := encodeValue(s, reflect.ValueOf(out))
	if err != nil {
		return nil, err
	}
	return tree.(map[string]any), nil
}

// encodeValue returns nil for what is to be left out.
func encodeValue(s *shape, v reflect.Value) (any, error) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil, nil
		}
		v = v.Elem()
	}
	switch s.kind {
	case kindBool:
		return v.Bool(), nil
	case kindInteger:
		return v.Int(), nil
	case kindFloat:
		return encodeFloat(v)
	case kindString:
		return v.String(), nil
	case kindEnum:
		if v.String() == "" {
			return nil, nil
		}
		return v.String(), nil
	case kindInstant:
		t, _ := v.Interface().(time.Time)
		if t.IsZero() {
			return nil, nil
		}
		return instant(t), nil
	case kindBlob:
		if v.IsNil() {
			return nil, nil
		}
		return v.Bytes(), nil
	case kindList:
		return encodeList(s, v)
	case kindMap:
		return encodeMap(s, v)
	default:
		return encodeMembers(s, v)
	}
}

// encodeFloat keeps the width, so that a float32 of 0.1 reads 0.1 in JSON.
func encodeFloat(v reflect.Value) (any, error) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("the number %v cannot be answered", f)
	}
	if v.Kind() == reflect.Float32 {
		return float32(f), nil
	}
	return f, nil
}

func encodeMembers(s *shape, v reflect.Value) (any, error) {
	m := make(map[string]any, len(s.fields))
	for _, f := range s.fields {
		e, err := encodeValue(f.shape, v.Field(f.index))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if e != nil {
			m[f.name] = e
		}
	}
	return m, nil
}

func encodeList(s *shape, v reflect.Value) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	list := make([]any, v.Len())
	for i := range list {
		var err error
		if list[i], err = encodeValue(s.of, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func encodeMap(s *shape, v reflect.Value) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	m := make(map[string]any, v.Len())
	for _, key := range v.MapKeys() {
		var err error
		if m[key.String()], err = encodeValue(s.of, v.MapIndex(key)); err != nil {
			return nil, err
		}
	}
	return m, nil
}
