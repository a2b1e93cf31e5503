package muster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fields are the members of a document, by name, as compact JSON.
type fields map[string]json.RawMessage

// maxDocumentDepth bounds how deep a document nests; the document itself is the first
// level.
const maxDocumentDepth = 32

// replaced is the document after whoever by is sent all of it.
func (n Namespace) replaced(stored, sent fields, by DataRole) (fields, error) {
	if len(n.PlayerFields) == 0 {
		return sent, nil
	}
	next := maps.Clone(sent)
	if by == DataServer {
		for name, value := range stored {
			if _, mentioned := sent[name]; !mentioned && n.playerWrites(name) {
				next[name] = value
			}
		}
		return next, nil
	}
	if err := n.checkSent(stored, sent); err != nil {
		return nil, err
	}
	for name, value := range stored {
		if !n.playerWrites(name) {
			next[name] = value
		}
	}
	return next, nil
}

// patched is the document after a merge patch of whoever by is.
func (n Namespace) patched(stored, patch fields, by DataRole) (fields, error) {
	next := maps.Clone(stored)
	if next == nil {
		next = fields{}
	}
	for name, raw := range patch {
		if string(raw) == "null" {
			delete(next, name)
			continue
		}
		value, err := mergePatch(next[name], raw)
		if err != nil {
			return nil, err
		}
		next[name] = value
	}
	if by == DataServer || n.Write == PlayerWrites {
		return next, nil
	}
	changed := fields{}
	for name := range patch {
		is, there := next[name]
		was, wasThere := stored[name]
		switch {
		case there != wasThere, there && !sameJSON(is, was):
			changed[name] = is
		case there:
			next[name] = was
		}
	}
	return next, n.checkSent(stored, changed)
}

// cleared is the document after whoever by is deleted it; nil: nothing is left.
func (n Namespace) cleared(stored fields, by DataRole) fields {
	if by == DataServer || n.Write == PlayerWrites {
		return nil
	}
	left := fields{}
	for name, value := range stored {
		if !n.playerWrites(name) {
			left[name] = value
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left
}

func (n Namespace) playerWrites(field string) bool {
	return n.Write == PlayerWrites || slices.Contains(n.PlayerFields, field)
}

// checkSent refuses fields that a player sends and only game servers may change.
func (n Namespace) checkSent(stored, sent fields) error {
	var others []string
	for name, value := range sent {
		if !n.playerWrites(name) && !sameJSON(value, stored[name]) {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return nil
	}
	slices.Sort(others)
	others = others[:min(len(others), 10)]
	err := Errorf(Denied, "data.field_not_yours", "only game servers change %s", strings.Join(others, ", "))
	err.Details = map[string]any{"fields": others}
	return err
}

// sameJSON says that two values mean the same: a client that read a document may send
// it back with its members in another order. Absent values are only like each other.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return len(a) > 0 && len(b) > 0 && json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// encode is the document as it is stored: compact, members in the order of their names.
func (n Namespace) encode(f fields, by DataRole) ([]byte, error) {
	if n.Name == AttributesNamespace {
		for name, raw := range f {
			if c := raw[0]; c != '"' && c != '-' && (c < '0' || c > '9') {
				return nil, Errorf(Invalid, "attributes.type", "%q is neither a number nor a string", name)
			}
		}
	}
	body, err := plainJSON(f)
	if err != nil {
		return nil, err
	}
	if len(body) > n.MaxBytes {
		code := "data.too_large"
		if n.Name == AttributesNamespace && by == DataServer {
			code = "attributes.too_large"
		}
		return nil, Errorf(Invalid, code, "a document of %s has at most %d bytes, not %d", n.Name, n.MaxBytes, len(body))
	}
	return body, nil
}

// storedFields reads a document's record; an absent one has none.
func storedFields(rec Record) (fields, error) {
	if rec.Version == 0 {
		return nil, nil
	}
	return decode[fields](rec)
}

// plainJSON is v as compact JSON that keeps <, > and & as they are.
func plainJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a document: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// parseFields reads a JSON object strictly: UTF-8, no member twice, numbers that a
// double can hold, no deeper than maxDocumentDepth, nothing after it. Numbers keep their
// spelling.
func parseFields(body []byte) (fields, error) {
	if !utf8.Valid(body) {
		return nil, Errorf(Invalid, "data.not_json", "a document is JSON in UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := checkObject(dec); err != nil {
		return nil, err
	}
	var f fields
	if err := json.Unmarshal(body, &f); err != nil {
		return nil, notJSON(err)
	}
	for name, raw := range f {
		compact, err := plainJSON(raw)
		if err != nil {
			return nil, notJSON(err)
		}
		f[name] = compact
	}
	return f, nil
}

func notJSON(cause error) error {
	return &Error{Kind: Invalid, Code: "data.not_json", Message: "a document is JSON in UTF-8", Err: cause}
}

// level is one object or list that a document is being read in.
type level struct {
	names map[string]bool // nil in a list
	value bool            // in an object: a value comes next, not a name
}

// checkObject reads one object and everything after it.
func checkObject(dec *json.Decoder) error {
	var levels []level
	for first := true; first || len(levels) > 0; first = false {
		token, err := dec.Token()
		if err != nil {
			return notJSON(err)
		}
		if first && token != json.Delim('{') {
			return Errorf(Invalid, "data.not_object", "a document is a JSON object")
		}
		if levels, err = enterToken(levels, token); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Errorf(Invalid, "data.not_json", "something follows the document")
	}
	return nil
}

// enterToken goes on with one token of a document.
func enterToken(levels []level, token json.Token) ([]level, error) {
	if token == json.Delim('}') || token == json.Delim(']') {
		return levels[:len(levels)-1], nil
	}
	if len(levels) > 0 {
		at := &levels[len(levels)-1]
		if name, isText := token.(string); isText && at.names != nil && !at.value {
			if at.names[name] {
				return nil, Errorf(Invalid, "data.duplicate_key", "the member %.100q stands twice in one object", name)
			}
			at.names[name], at.value = true, true
			return levels, nil
		}
		at.value = false
	}
	switch token := token.(type) {
	case json.Delim:
		if len(levels) == maxDocumentDepth {
			return nil, Errorf(Invalid, "data.too_deep", "a document nests at most %d deep", maxDocumentDepth)
		}
		if token == '{' {
			return append(levels, level{names: make(map[string]bool)}), nil
		}
		return append(levels, level{}), nil
	case json.Number:
		if v, err := strconv.ParseFloat(token.String(), 64); err != nil || math.IsInf(v, 0) {
			return nil, Errorf(Invalid, "data.number", "the number %.40s is beyond what a double holds", token)
		}
	}
	return levels, nil
}

// mergePatch applies a merge patch to a value; an absent value is empty. Source: RFC
// 7396, section 2.
func mergePatch(target, patch json.RawMessage) (json.RawMessage, error) {
	var to, from map[string]json.RawMessage
	if len(patch) == 0 || patch[0] != '{' {
		return patch, nil
	}
	if err := json.Unmarshal(patch, &from); err != nil {
		return nil, notJSON(err)
	}
	if len(target) > 0 && target[0] == '{' {
		if err := json.Unmarshal(target, &to); err != nil {
			return nil, notJSON(err)
		}
	}
	if to == nil {
		to = make(map[string]json.RawMessage, len(from))
	}
	for name, raw := range from {
		if string(raw) == "null" {
			delete(to, name)
			continue
		}
		value, err := mergePatch(to[name], raw)
		if err != nil {
			return nil, err
		}
		to[name] = value
	}
	return plainJSON(to)
}
