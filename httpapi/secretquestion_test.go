package httpapi

import (
	"encoding/json"
	"regexp"
	"testing"
)

// aboutPasswords are the names that hints and secret questions go by. Nothing that is asked
// of a player, or told, may have one (ASVS 5.0, 6.4.2).
var aboutPasswords = regexp.MustCompile(`(?i)hint|secret_?(question|answer)|security_?(question|answer)|maiden`)

func TestNoCallKnowsHintsOrSecretQuestions(t *testing.T) {
	var doc any
	if err := json.Unmarshal([]byte(newRig(t, nil).do("GET", "/openapi.json", "", "").body), &doc); err != nil {
		t.Fatal(err)
	}
	members := 0
	var walk func(at string, node any)
	walk = func(at string, node any) {
		switch v := node.(type) {
		case map[string]any:
			for name, child := range v {
				members++
				if aboutPasswords.MatchString(name) {
					t.Errorf("%s has %q", at, name)
				}
				walk(at+"/"+name, child)
			}
			if name, ok := v["name"].(string); ok && aboutPasswords.MatchString(name) {
				t.Errorf("%s takes %q", at, name)
			}
		case []any:
			for _, child := range v {
				walk(at, child)
			}
		}
	}
	walk("", doc)
	if members < 1000 {
		t.Errorf("the document has %d members: it is not the one of the API", members)
	}
}
