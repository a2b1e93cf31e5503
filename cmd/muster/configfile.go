package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// loadConfig reads a configuration file. The error lists every problem with its key
// and line.
func loadConfig(path string) (config, error) { return loadConfigFor(false, path) }

// loadConfigFor is loadConfig, for sessions on this machine or hosted elsewhere.
func loadConfigFor(hosted bool, path string) (config, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return config{}, fmt.Errorf("read the configuration: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path)) // so that messages about files say which
	if err != nil {
		return config{}, fmt.Errorf("read the configuration: %w", err)
	}
	full := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	return parseConfigIn(hosted, path, body, configFiles{func(name string) ([]byte, error) { return os.ReadFile(full(name)) }, full})
}

// configFiles reads the files that a configuration names, and says where they are looked for.
type configFiles struct {
	read func(name string) ([]byte, error)
	full func(name string) string
}

// problem is one thing wrong with a configuration file.
type problem struct {
	line    int
	path    string // of its key, "modes[0].name"; empty: the whole file
	shown   string // the key as the user is told
	message string
}

// parseConfig decodes and checks a configuration; name is for messages, and readFile
// reads the rule sets it names.
func parseConfig(name string, body []byte, readFile func(string) ([]byte, error)) (config, error) {
	return parseConfigFor(false, name, body, readFile)
}

// parseConfigFor is parseConfig, for sessions on this machine or hosted elsewhere.
func parseConfigFor(hosted bool, name string, body []byte, readFile func(string) ([]byte, error)) (config, error) {
	return parseConfigIn(hosted, name, body, configFiles{readFile, func(name string) string { return name }})
}

// parseConfigIn is parseConfigFor, of files that are in a folder.
func parseConfigIn(hosted bool, name string, body []byte, files configFiles) (config, error) {
	root, further, err := parseTree(body)
	if err != nil {
		if line := tabbedLine(body); line > 0 && strings.Contains(err.Error(), "found ") { // what was found is no token, or a tab
			return config{}, placedError{line, fmt.Sprintf("%s:%d: indent with spaces, not tabs", name, line)}
		}
		return config{}, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var r shapeReader
	var c config
	if r.read(root, fileShape(), "") {
		// What does not fit is no longer in the tree: the rest can be decoded and checked.
		if err := root.Decode(&c); err != nil {
			return config{}, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
		}
	}
	c.hosted, c.name = hosted, name
	c.setDefaults()
	problems := append(further, r.problems...)
	for _, p := range c.check(files) {
		if !r.named(p.Field) {
			problems = append(problems, problem{lineOf(root, p.Field), p.Field, p.Field, p.Message})
		}
	}
	for i := range c.needs {
		c.needs[i].line = lineOf(root, c.needs[i].at)
	}
	slices.SortStableFunc(problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	lines := make([]error, 0, len(problems))
	for _, p := range problems {
		lines = append(lines, placedError{p.line, fmt.Sprintf("%s:%d: %s: %s", name, p.line, p.shown, p.message)})
	}
	return c, errors.Join(lines...)
}

// placedError is a problem at a line of a configuration.
type placedError struct {
	line int
	text string
}

func (e placedError) Error() string { return e.text }

// byLine joins lists of problems into one that goes by their lines; what has none comes first.
func byLine(lists ...error) error {
	var all []error
	for _, list := range lists {
		if joined, is := list.(interface{ Unwrap() []error }); is {
			all = append(all, joined.Unwrap()...)
		} else {
			all = append(all, list)
		}
	}
	line := func(err error) int {
		var placed placedError
		errors.As(err, &placed)
		return placed.line
	}
	slices.SortStableFunc(all, func(a, b error) int { return cmp.Compare(line(a), line(b)) })
	return errors.Join(all...)
}

// tabbedLine is the first line that is indented with a tab, which YAML does not take; 0: none is.
func tabbedLine(body []byte) int {
	n := 0
	for line := range bytes.Lines(body) {
		n++
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		if bytes.ContainsRune(indent, '\t') {
			return n
		}
	}
	return 0
}

// parseTree parses the one document of a configuration; further is the problem that
// there are more.
func parseTree(body []byte) (root *yaml.Node, further []problem, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(body))
	var first, second yaml.Node
	err = dec.Decode(&first)
	if errors.Is(err, io.EOF) || err == nil && first.Content[0].ShortTag() == nullTag {
		return nil, nil, errors.New("the configuration is empty; it needs modes")
	}
	if err != nil {
		return nil, nil, err
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		further = []problem{{second.Line, "", "---", "a second document begins here; a configuration is one"}}
	case !errors.Is(err, io.EOF):
		return nil, nil, err
	}
	return first.Content[0], further, nil
}

// The YAML library's names of types.
const (
	nullTag  = "!!null"
	mergeTag = "!!merge" // of the key <<
)

// shapeReader finds what does not fit a shape, and takes it out of the tree.
type shapeReader struct{ problems []problem }

func (r *shapeReader) report(n *yaml.Node, path, shown, format string, args ...any) {
	r.problems = append(r.problems, problem{n.Line, path, cmp.Or(shown, "the file"), fmt.Sprintf(format, args...)})
}

// named says that a problem of the key, of what is in it or of what it is in was found
// already: what follows from that is not worth a line.
func (r *shapeReader) named(path string) bool {
	return slices.ContainsFunc(r.problems, func(p problem) bool { return within(path, p.path) || within(p.path, path) })
}

// within says that a key is another one or stands in it.
func within(path, parent string) bool {
	return parent == "" || path == parent || strings.HasPrefix(path, parent+".") || strings.HasPrefix(path, parent+"[")
}

// read reports what does not fit; ok says that n itself does. Recursion ends with the
// shape, also where an alias points to what it stands in.
func (r *shapeReader) read(n *yaml.Node, s *shape, path string) (ok bool) {
	value := resolved(n)
	switch {
	case value.ShortTag() == nullTag:
		return true // a key without a value counts as absent
	case !s.takes(value) && s.unsaid:
		r.report(n, path, path, "a secret is never in this file: write {env: NAME} or {file: PATH}")
		return false
	case !s.takes(value) && s.holdsSecret():
		r.report(n, path, path, "wants %s", s.want)
		return false
	case !s.takes(value):
		r.report(n, path, path, "wants %s, not %s", s.want, inWords(value))
		return false
	case s.items != nil:
		r.readList(value, s, path)
	case s.keys != nil || s.each != nil || s.pick != nil:
		r.readGroup(value, s, path)
	}
	return true
}

// readList reads a list and blanks what does not fit, so that the other items keep
// their places.
func (r *shapeReader) readList(n *yaml.Node, s *shape, path string) {
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		ok := r.read(item, s.items, at)
		if resolved(item).ShortTag() == nullTag {
			r.report(item, at, at, "is empty")
			ok = false
		}
		if !ok {
			n.Content[i] = s.items.blank(item)
		}
	}
}

// readGroup reads keys and their values, and drops the pairs that do not fit.
func (r *shapeReader) readGroup(n *yaml.Node, s *shape, path string) {
	var kept []*yaml.Node
	first := make(map[string]int) // the line on which a key first stands
	for pair := range slices.Chunk(n.Content, 2) {
		key := resolved(pair[0])
		if key.ShortTag() == mergeTag {
			kept = append(kept, pair...) // the library's to follow
			continue
		}
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		value, known := s.keys[key.Value]
		if s.each != nil || s.pick != nil {
			value, known = s.each, key.Kind == yaml.ScalarNode && key.ShortTag() != nullTag
		}
		if s.pick != nil {
			value = s.pick(key.Value, pair[1])
		}
		switch line, twice := first[key.Value]; {
		case !known:
			r.report(pair[0], at, key.Value, "there is no such key%s", strings.TrimSuffix(" in "+path, " in "))
		case twice:
			r.report(pair[0], at, at, "is already defined at line %d", line)
		default:
			first[key.Value] = pair[0].Line
			if r.read(pair[1], value, at) {
				kept = append(kept, pair...)
			}
		}
	}
	n.Content = kept
}

// resolved is the value that an alias stands for, or the value itself.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// inWords describes a value that was not wanted.
func inWords(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a group of keys"
	}
	text := []rune(n.Value)
	if len(text) > 40 {
		return fmt.Sprintf("%q...", string(text[:40]))
	}
	return fmt.Sprintf("%q", n.Value)
}

// lineOf finds the line of a key path, or of its nearest parent that stands in the file.
func lineOf(root *yaml.Node, path string) int {
	best, line := -1, max(root.Line, 1)
	walk(root, "", func(at string, key *yaml.Node) {
		if within(path, at) && len(at) > best {
			best, line = len(at), key.Line
		}
	})
	return line
}

// walk calls visit for every key and list item with its path ("modes[0].name") and what
// marks its place.
func walk(n *yaml.Node, path string, visit func(path string, place *yaml.Node)) {
	switch n.Kind {
	case yaml.MappingNode:
		for pair := range slices.Chunk(n.Content, 2) {
			at := strings.TrimPrefix(path+"."+pair[0].Value, ".")
			visit(at, pair[0])
			walk(pair[1], at, visit)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			visit(at, item)
			walk(item, at, visit)
		}
	}
}
