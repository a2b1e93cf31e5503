package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	codeLine = regexp.MustCompile("(?ms)^```.*?^```|^    .*?$")
	noSlug   = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// anchorsOf lists what links into a document can name, as GitHub makes it of the headings.
func anchorsOf(text string) []string {
	var anchors []string
	for _, m := range heading.FindAllStringSubmatch(codeLine.ReplaceAllString(text, ""), -1) {
		anchors = append(anchors, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return anchors
}

// documents are the project's own, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		found[filepath.Clean(path)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	texts := documents(t)
	links := 0
	for from, text := range texts {
		for _, m := range link.FindAllStringSubmatch(codeLine.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			links++
			path, anchor, _ := strings.Cut(m[1], "#")
			to := from
			if path != "" {
				to = filepath.Join(filepath.Dir(from), path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which is not there", from, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchorsOf(texts[to]), anchor) {
				t.Errorf("%s links to %s, which has no such heading", from, m[1])
			}
		}
	}
	if links < 100 {
		t.Errorf("there are %d links", links)
	}
}

func TestTheContentsOfIdentityNameEveryHeading(t *testing.T) {
	text := documents(t)[filepath.Join("..", "..", "docs", "identity.md")]
	contents, _, _ := strings.Cut(text, "\n## ")
	for _, anchor := range anchorsOf(text)[1:] {
		if !strings.Contains(contents, "(#"+anchor+")") {
			t.Errorf("the contents do not have #%s", anchor)
		}
	}
}
