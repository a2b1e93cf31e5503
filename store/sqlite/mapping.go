package sqlite

// defaultMapBytes is how much of a file is mapped, in bytes: addresses, not memory. A
// file grows into its mapping; what lies beyond is read in the ordinary way.
const defaultMapBytes = 64 << 30

// mapFor maps the file at path for the connections of a store. No connection may be open:
// closing the file would drop SQLite's locks. Nil, which is harmless to use and to close,
// is a file that is read in the ordinary way: it was asked for, or the file or this system
// does not allow better.
func mapFor(path string, size int64) *mapping {
	if size == 0 {
		size = defaultMapBytes
	}
	if size < 0 {
		return nil
	}
	m, err := newMapping(path, size)
	if err != nil {
		return nil // nothing but speed is lost
	}
	return m
}
