package gameliftlocal

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPagesCoverEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfDistinct(rapid.StringMatching(`[a-z]{1,4}`), func(s string) string { return s }).Draw(t, "items")
		limit := rapid.Int32Range(1, 7).Draw(t, "limit")
		var got []string
		var token *string
		for range len(items) + 1 {
			out, next, err := page(listing{scope: []string{"List"}, limit: &limit, token: token}, slices.Clone(items), func(s string) string { return s })
			if err != nil {
				t.Fatal(err)
			}
			if len(out) > int(limit) {
				t.Fatalf("a page of %d, limit %d", len(out), limit)
			}
			got = append(got, out...)
			if token = next; token == nil {
				break
			}
		}
		slices.Sort(items)
		if token != nil || !slices.Equal(got, items) {
			t.Fatalf("got %v, want %v", got, items)
		}
	})
}

func TestATokenIsGoodForItsOwnListingOnly(t *testing.T) {
	items := []string{"a", "b", "c"}
	limit := int32(1)
	_, token, err := page(listing{scope: []string{"List", "x"}, limit: &limit}, items, func(s string) string { return s })
	if err != nil || token == nil {
		t.Fatalf("token %v, error %v", token, err)
	}
	for _, c := range []struct {
		name  string
		scope []string
		token string
	}{
		{"another operation", []string{"Describe", "x"}, *token},
		{"another parameter", []string{"List", "y"}, *token},
		{"not base64", []string{"List", "x"}, "!"},
		{"too short", []string{"List", "x"}, "YQ"},
	} {
		if _, _, err := page(listing{scope: c.scope, token: &c.token}, items, func(s string) string { return s }); err == nil {
			t.Errorf("%s: the token was taken", c.name)
		}
	}
}

func TestAPageGoesOnWhereItsPredecessorEndedThoughThatIsGone(t *testing.T) {
	limit := int32(2)
	l := listing{scope: []string{"List"}, limit: &limit}
	_, token, err := page(l, []string{"a", "b", "c", "d"}, func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	l.token = token
	out, _, err := page(l, []string{"a", "c", "d"}, func(s string) string { return s })
	if err != nil || !slices.Equal(out, []string{"c", "d"}) {
		t.Errorf("page %v, error %v", out, err)
	}
}

func TestPagesHaveAMaximum(t *testing.T) {
	items := make([]string, maxPage+1)
	for i := range items {
		items[i] = fmt.Sprintf("%03d", i)
	}
	limit := int32(10_000)
	out, next, err := page(listing{limit: &limit}, items, func(s string) string { return s })
	if err != nil || len(out) != maxPage || next == nil {
		t.Errorf("%d items, next %v, error %v", len(out), next, err)
	}
}

func FuzzToken(f *testing.F) {
	l := listing{scope: []string{"List"}}
	f.Add(l.seal("after"))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		after, ok := l.open(token)
		if !ok {
			return
		}
		if again, ok := l.open(l.seal(after)); !ok || again != after {
			t.Fatalf("%q does not survive", after)
		}
	})
}
