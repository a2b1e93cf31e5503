package gameliftlocal

import (
	"slices"
)

// Amazon's structs hold optional members as pointers; these read and set them.

// val is what p points to, or the zero value.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional is a pointer to v, or nil for the zero value: members without a value
// are left out of answers.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// assign overwrites *dst when the request gave a value: the rule of every Update
// operation.
func assign[T any](dst **T, given *T) {
	if given != nil {
		*dst = given
	}
}

// assignList overwrites *dst when the request gave a list, an empty one included.
func assignList[T any](dst *[]T, given []T) {
	if given != nil {
		*dst = given
	}
}

// assignEnum overwrites *dst when the request named a value.
func assignEnum[T ~string](dst *T, given T) {
	if given != "" {
		*dst = given
	}
}

// sortedKeys gives the keys of a map an order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
