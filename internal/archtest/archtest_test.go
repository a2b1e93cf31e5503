// Package archtest holds the directions of the house as a test: which of our packages
// may import which, and what from outside is out of bounds.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "muster"

// rules names, per package, which of ours it may import; "" is the root. A package
// missing here fails the test, so a new one is listed first. A trailing /... allows
// everything below.
var rules = map[string][]string{
	"":                               {},
	"identity":                       {"", "mail"},
	"mail":                           {""},
	"identity/provider":              {"", "identity"},
	"identity/provider/providertest": {},
	"rating":                         {},
	"flexmatch":                      {},
	"flexmatch/internal":             {"flexmatch"},
	"flexmatch/scenario":             {"flexmatch"},
	"flexmatch/simulate":             {"flexmatch", "flexmatch/simulate/internal/..."},
	"flexmatch/simulate/internal":    {},
	"flexmatch/simulate/report":      {"flexmatch", "flexmatch/simulate", "flexmatch/simulate/internal/..."},
	"store/archive":                  {""},
	"store/memory":                   {""},
	"store/sqlite":                   {""},
	"store/storetest":                {""},
	"aws/caller":                     {},
	"aws/cognito":                    {"", "aws/caller", "identity", "identity/provider", "aws/cognito/srp"},
	"aws/cognito/cognitotest":        {"identity/provider/providertest"},
	"aws/cognito/srp":                {},
	"aws/lambda":                     {"", "identity"},
	"aws/secrets":                    {"aws/caller"},
	"aws/sts":                        {"", "identity", "identity/provider"},
	"aws/dynamo":                     {"", "aws/caller"},
	"aws/dynamo/dynamotest":          {},
	"aws/gamelift":                   {"", "aws/caller"},
	"advisor":                        {"", "flexmatch"},
	"httpapi":                        {""},
	"limit":                          {""},
	"realtime":                       {""},
	"samples":                        {""},
	"replica":                        {""},
	"gameliftlocal":                  {"flexmatch", "gameliftlocal/..."},
	"gameliftlocal/hosting":          {},
	"gameliftlocal/launcher":         {},
	"gameliftlocal/serversdk":        {"gameliftlocal/hosting"},
	"gameliftlocal/sns":              {},
	"gameliftlocal/wire":             {},
	"gameliftlocal/wire/internal":    {},
	"console":                        {},
	"demo":                           {"demo/game"},
	"demo/game":                      {},
	"e2e":                            {},
	"examples/server":                {},
	"examples/webhook":               {},
	"internal/cost":                  {},
	"internal/model":                 {},
	"internal/archtest":              {},
	"internal/asvs":                  {},
	"internal/peertest":              {},
	"cmd/muster": {
		"", "identity", "identity/provider", "mail", "rating", "flexmatch", "flexmatch/scenario", "flexmatch/simulate", "flexmatch/simulate/report", "store/sqlite", "store/archive", "aws/caller", "aws/gamelift", "aws/dynamo", "aws/cognito", "aws/secrets", "aws/sts", "aws/lambda", "httpapi", "realtime", "limit", "samples", "replica",
		"gameliftlocal", "gameliftlocal/launcher", "gameliftlocal/wire", "console", "demo", "advisor",
	},
}

// outside names, for packages that keep to it, the only modules they may import; no
// entry means no rule. The standard library is always allowed, but for forbidden.
var outside = map[string][]string{
	"":                               {"golang.org/x/text/unicode/norm"},
	"rating":                         {},
	"flexmatch":                      {},
	"advisor":                        {},
	"store/archive":                  {},
	"store/memory":                   {},
	"store/storetest":                {},
	"gameliftlocal/hosting":          {},
	"demo/game":                      {},
	"console":                        {},
	"store/sqlite":                   {"modernc.org/sqlite", "modernc.org/libc", "golang.org/x/sys"},
	"httpapi":                        {"github.com/danielgtaylor/huma/v2"},
	"realtime":                       {"github.com/coder/websocket"},
	"replica":                        {},
	"limit":                          {},
	"examples/server":                {"github.com/amazon-gamelift/amazon-gamelift-servers-go-server-sdk/v5", "github.com/go-jose/go-jose/v4"},
	"examples/webhook":               {},
	"identity":                       {"github.com/go-jose/go-jose/v4", "golang.org/x/crypto/argon2", "golang.org/x/net/idna", "golang.org/x/text/unicode/norm"},
	"mail":                           {},
	"identity/provider":              {"github.com/go-jose/go-jose/v4"},
	"identity/provider/providertest": {},
	"aws/caller":                     {"github.com/aws/smithy-go"},
	"aws/dynamo":                     {"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
	"aws/dynamo/dynamotest":          {},
	"gameliftlocal/sns":              {},
	"gameliftlocal/wire":             {"github.com/aws/aws-sdk-go-v2/service/gamelift", "github.com/aws/smithy-go"},
}

// forbidden names packages of the standard library that a package must do without.
var forbidden = map[string][]string{
	"":                      {"net/http", "database/sql", "testing", "os", "net"},
	"flexmatch":             {"net", "os", "log", "sync", "context", "log/slog", "net/http"},
	"gameliftlocal/hosting": {"net", "os", "log", "sync", "context", "log/slog", "net/http"},
	"demo/game":             {"net", "os", "log", "sync", "context", "net/http"},
	"rating":                {"net", "os", "log", "sync", "context", "net/http"},
}

type listed struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	IgnoredFiles []string `json:"IgnoredGoFiles"`
	Imports      []string
}

func TestPackagesPointOneWay(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		allowed, known := rules[rule(name)]
		if !known {
			t.Errorf("package %q has no rule: add it to rules in %s", name, "internal/archtest")
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, module+"/")
			if imported == module {
				ours, isOurs = "", true
			}
			switch {
			case isOurs:
				if !permits(allowed, ours) {
					t.Errorf("%q imports %q, which its rule does not allow", name, ours)
				}
			case slices.Contains(forbidden[name], imported):
				t.Errorf("%q imports %q, which it must do without", name, imported)
			case strings.Contains(strings.Split(imported, "/")[0], "."):
				checkOutside(t, name, imported)
			}
		}
	}
}

// rule is the name under which a package's rule stands: helpers below an internal
// folder share one.
func rule(name string) string {
	if i := strings.Index(name, "/internal/"); i >= 0 {
		return name[:i] + "/internal"
	}
	return name
}

func permits(allowed []string, name string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		prefix, below := strings.CutSuffix(a, "...")
		return a == name || below && strings.HasPrefix(name, prefix)
	})
}

func checkOutside(t *testing.T, name, imported string) {
	t.Helper()
	if list, ruled := outside[name]; ruled && !slices.ContainsFunc(list, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }) {
		t.Errorf("%q imports %q, which is not among its libraries %q", name, imported, list)
	}
	if strings.HasPrefix(imported, "github.com/aws/") && !strings.HasPrefix(name, "aws/") && !strings.HasPrefix(name, "gameliftlocal") {
		t.Errorf("%q imports the AWS SDK (%s); only aws/... and gameliftlocal may", name, imported)
	}
}

// remember reads a package's files, so that the go command's cache of test results
// knows what this one rests on.
func (p listed) remember(t *testing.T) {
	t.Helper()
	for _, name := range slices.Concat(p.GoFiles, p.IgnoredFiles) {
		if _, err := os.ReadFile(filepath.Join(p.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// list asks the go command for our packages and what they import outside tests.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,IgnoredGoFiles,Imports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
		p.remember(t)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}
