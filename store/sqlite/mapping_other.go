//go:build !(linux && (amd64 || arm64 || loong64 || ppc64le || riscv64 || s390x))

package sqlite

import "errors"

// mapping is not made on this system: see mapping_linux.go.
type mapping struct{}

func newMapping(string, int64) (*mapping, error) { return nil, errors.ErrUnsupported }

func (*mapping) vfs() string { return "" }

// Close does nothing.
func (*mapping) Close() error { return nil }
