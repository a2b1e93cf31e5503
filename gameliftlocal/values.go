package gameliftlocal

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
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

// orDefault is what p points to, or fallback.
func orDefault[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
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

// propertyMap reads game properties; of a repeated key the last value counts.
func propertyMap(list []types.GameProperty) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, p := range list {
		out[val(p.Key)] = val(p.Value)
	}
	return out
}

// propertyList writes game properties in the order of their keys.
func propertyList(m map[string]string) []types.GameProperty {
	out := make([]types.GameProperty, 0, len(m))
	for _, key := range sortedKeys(m) {
		out = append(out, types.GameProperty{Key: new(key), Value: new(m[key])})
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
