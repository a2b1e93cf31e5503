package flexmatch

import "testing"

func TestMisspeltNamesAreRecognised(t *testing.T) {
	known := []string{"maxDistance", "minDistance", "name", "type", "red", "blue"}
	for name, want := range map[string]string{
		"maxDistence": "maxDistance",
		"maxdistance": "maxDistance",
		"minDistnace": "minDistance", // two neighbours swapped
		"nam":         "name",
		"rde":         "red",
		"green":       "",
		"RED":         "red",
		"re":          "",            // too short to guess
		"maxDistance": "minDistance", // never itself
		"":            "",
		"comment":     "",
	} {
		if got := lookalike(name, known); got != want {
			t.Errorf("%q looks like %q, want %q", name, got, want)
		}
	}
}

func TestDistanceCountsLettersToChange(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "ab", 2},
		{"ab", "", 2},
		{"same", "same", 0},
		{"abc", "axc", 1},
		{"abc", "acb", 1},
		{"kitten", "sitting", 3},
		{"größe", "grösse", 2},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q is %d, want %d", c.a, c.b, got, c.want)
		}
		if back := distance(c.b, c.a); back != c.want {
			t.Errorf("%q to %q is %d, want %d", c.b, c.a, back, c.want)
		}
	}
}
