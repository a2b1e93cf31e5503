package mail

import (
	"regexp"
	"testing"
)

// A game without a name is "this game", which no sentence can begin with.
func TestNoSentenceOfOursBeginsWithTheGame(t *testing.T) {
	templates, err := NewTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	begins := regexp.MustCompile(`(^|[.!?:>]\s*|\n\n)this game`)
	for _, topic := range topics() {
		m, err := templates.message(topic, Values{Game: "this game", Code: "C", Link: "L", Minutes: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{m.Subject, m.Text, m.HTML} {
			if found := begins.FindString(text); found != "" {
				t.Errorf("%s has %q", topic, found)
			}
		}
	}
}
