package identity

import (
	"strings"
	"testing"
	"time"
)

func TestAPasswordDoesNotAge(t *testing.T) {
	d := newDesk(t, nil)
	d.signUp(t, annMail, annWords)
	d.site.pass(20 * 365 * 24 * time.Hour)
	if _, err := d.Login(t.Context(), annMail, annWords); err != nil {
		t.Errorf("after twenty years it gives %v", err)
	}
}

func TestCodesFollowNoPattern(t *testing.T) {
	const requests, characters = 800, 8
	d := newDesk(t, nil)
	seen := map[string]bool{}
	var used [characters]map[byte]bool
	for range requests {
		id, err := newSecretText(d.random)
		if err != nil {
			t.Fatal(err)
		}
		code := strings.ReplaceAll(d.code(t, id), "-", "")
		if len(code) != characters || seen[code] {
			t.Fatalf("the code %q has another length, or was there before", code)
		}
		if again := strings.ReplaceAll(d.code(t, id), "-", ""); again != code {
			t.Fatalf("one request has the codes %q and %q", code, again)
		}
		seen[code] = true
		for i := range characters {
			if used[i] == nil {
				used[i] = map[byte]bool{}
			}
			used[i][code[i]] = true
		}
	}
	for i, letters := range used {
		if len(letters) != 32 { // by true chance one is missing in fewer than one of 10^8 runs
			t.Errorf("character %d is one of %d, not of 32", i, len(letters))
		}
	}
}
