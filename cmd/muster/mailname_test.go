package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestAServedGameWithoutANameIsWarnedOf(t *testing.T) {
	const fleets = "locations: [us-east-1]\n"
	for name, c := range map[string]struct {
		where  string
		text   string
		hosted bool
		warns  bool
	}{
		"no name":                {fleets, "  passwords: {}\n  mail: {console: true}\n", true, true},
		"a name":                 {fleets, "  passwords: {}\n  mail: {console: true, game: Tower Clash}\n", true, false},
		"no passwords":           {fleets, "  limits: {}\n", true, false},
		"no name, on my machine": {"", "  passwords: {}\n", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			conf, err := parseConfigFor(c.hosted, "c.yaml", []byte(c.where+oneMode+"\nidentity:\n"+c.text), vendorFiles)
			if err != nil {
				t.Fatal(err)
			}
			var lines bytes.Buffer
			conf.Identity.announceName(slog.New(slog.NewTextHandler(&lines, nil)))
			if line := lines.String(); strings.Contains(line, "identity.mail.game") != c.warns {
				t.Errorf("the log says %q", line)
			}
		})
	}
}
