package muster

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Redacted is the form of a key for errors and logs. Addresses, the ids that platforms give
// people, names and codes that let somebody in stand in keys, and logs are kept longer and read
// by more people than the store. What may be shown is listed, so that a new kind of key is
// hidden until somebody decides; of the others there is the kind and a short hash, which tells
// one record's troubles from another's and is too short to find a code by:
//
//	P#b1946ac9/SLOT
//	ID#924304
//
// A key without Sort names its partition.
func (k Key) Redacted() string {
	kind, _, found := strings.Cut(k.Partition, "#")
	switch {
	case found && !plainKind(kind):
		sum := sha256.Sum256([]byte(k.Partition + "\x00" + k.Sort))
		return kind + "#" + hex.EncodeToString(sum[:3])
	case k.Sort == "":
		return k.Partition
	}
	return k.Partition + "/" + k.Sort
}

// plainKind says that the keys of a kind of partition are made of ids that we draw, of what is
// configured, and of instants. A partition without a kind is a constant.
func plainKind(kind string) bool {
	switch kind {
	case "P", "AUD", "DENY", // players
		"T", "BF", "PL", "PTY", "GS", "OPEN", "DUE", // what they do
		"RES", "LB", "LBC", "RECOUNT", // what comes of it
		"MAIL": // letters that wait
		return true
	}
	return false
}
