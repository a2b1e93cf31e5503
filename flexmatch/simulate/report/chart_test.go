package report

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"muster/flexmatch/simulate"

	"pgregory.net/rapid"
)

func same(v float64) float64 { return v }

func TestLinesAreInterruptedWhereNothingIsKnown(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		name string
		y    []float64
		want string
	}{
		{"a whole line", []float64{1, 2, 3}, "M0.0 1.0L1.0 2.0L2.0 3.0"},
		{"a gap", []float64{1, 2, none, 4, 5}, "M0.0 1.0L1.0 2.0M3.0 4.0L4.0 5.0"},
		{"a point alone is a dash", []float64{none, 7, none}, "M-0.5 7.0h3"},
		{"a last point alone", []float64{1, 2, none, 9}, "M0.0 1.0L1.0 2.0M1.5 9.0h3"},
		{"nothing", []float64{none, none}, ""},
	} {
		s := series{y: c.y}
		for i := range c.y {
			s.x = append(s.x, float64(i))
		}
		if got := path(s, same, same); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCurvesAreCutWhereTheAxisEnds(t *testing.T) {
	s := series{x: []float64{0, 10, 30}, y: []float64{0, 0.5, 1}}
	cut := upTo(s, 20)
	if !reflect.DeepEqual(cut.x, []float64{0, 10, 20}) || !reflect.DeepEqual(cut.y, []float64{0, 0.5, 0.75}) {
		t.Errorf("%v, %v", cut.x, cut.y)
	}
	if whole := upTo(s, 30); !reflect.DeepEqual(whole, s) {
		t.Errorf("%v", whole)
	}
	if s.x[2] != 30 {
		t.Error("the original is changed")
	}
	if got := shareBelow(s, 15); got != 0.5 {
		t.Errorf("share below 15: %v", got)
	}
}

func TestAxesHoldEveryValueWithinTheirEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := unit(rapid.IntRange(0, 4).Draw(t, "unit"))
		high := rapid.Float64Range(0.001, 1e7).Draw(t, "high")
		if u == shareUnit {
			high = rapid.Float64Range(0.001, 1).Draw(t, "share")
		}
		a := newAxis(u, high, 50, 450, 5)
		if a.high < high || a.at(high) > 450+1e-9 || a.at(0) != 50 {
			t.Errorf("%v on %+v", high, a)
		}
		ticks := a.ticks()
		if len(ticks) < 2 || len(ticks) > 12 {
			t.Errorf("%d marks to %v", len(ticks), high)
		}
		for i := 1; i < len(ticks); i++ {
			if ticks[i].At <= ticks[i-1].At || ticks[i].Label == ticks[i-1].Label {
				t.Errorf("marks %v", ticks)
			}
		}
	})
}

// result is a small one with three buckets.
func result(name string) *simulate.Result {
	r := &simulate.Result{
		Rules: name, StartHour: 20, SimulatedSeconds: 750, BucketSeconds: 300, Matches: 10,
		Players:    simulate.Outcomes{Queued: 60, Matched: 40, Abandoned: 15, Waiting: 5},
		MatchSizes: []simulate.SizeCount{{Players: 2, Matches: 4}, {Players: 4, Matches: 6}},
		Expansions: []simulate.Step{{Matches: 7}, {FromSeconds: 30, Matches: 3}},
	}
	for i, o := range []simulate.Outcomes{{Queued: 30, Matched: 20, Abandoned: 10}, {}, {Queued: 30, Matched: 20, Abandoned: 5, Waiting: 5}} {
		r.Buckets = append(r.Buckets, simulate.Bucket{FromSeconds: 300 * float64(i), Players: o})
	}
	return r
}

func TestColumnsAddUpToWhoJoined(t *testing.T) {
	c := stacked("joined", "", result("a"))
	if len(c.Bars) != 5 || len(c.Legend) != 3 || len(c.Hovers) != 3 {
		t.Fatalf("%d bars, legend %v, %d hovers", len(c.Bars), c.Legend, len(c.Hovers))
	}
	// The first bucket has 30 players in 300 s, 360 an hour; the last as many in half of
	// it, so it is twice as high and half as wide.
	first := c.Bars[0].Height + c.Bars[1].Height
	last := c.Bars[2].Height + c.Bars[3].Height + c.Bars[4].Height
	if math.Abs(last-2*first) > 1e-9 || math.Abs(c.Bars[0].Width-2*c.Bars[2].Width-0.4) > 1e-9 {
		t.Errorf("heights %v and %v, widths %v and %v", first, last, c.Bars[0].Width, c.Bars[2].Width)
	}
	if c.Bars[0].Y+c.Bars[0].Height != c.Bottom || c.Bars[1].Y+c.Bars[1].Height != c.Bars[0].Y {
		t.Errorf("the bars do not stand on each other: %+v", c.Bars[:2])
	}
	if want := "20:00\nmatched: 20 (66.7 %)\ngave up: 10 (33.3 %)"; c.Hovers[0].Title != want {
		t.Errorf("hover says %q, want %q", c.Hovers[0].Title, want)
	}
}

func TestMatchSizesAreRowsUnlessThereIsOne(t *testing.T) {
	a, b := result("a"), result("b")
	b.MatchSizes = []simulate.SizeCount{{Players: 3, Matches: 10}}
	rows := sizeRows([]*simulate.Result{a, b})
	if len(rows) != 3 || !reflect.DeepEqual(rows[0].text, []string{"40 %", "0 %"}) || !reflect.DeepEqual(rows[1].main, []float64{0, 1}) {
		t.Errorf("%+v", rows)
	}
	if rows := sizeRows([]*simulate.Result{b, b}); rows != nil {
		t.Errorf("one size gives %+v", rows)
	}
	for size := 10; size < 200; size += 3 {
		a.MatchSizes = append(a.MatchSizes, simulate.SizeCount{Players: size, Matches: 1})
	}
	if rows := sizeRows([]*simulate.Result{a}); len(rows) > 11 || rows[0].name != "2 to 21" {
		t.Errorf("%d rows from %q", len(rows), rows[0].name)
	}
}

func TestStepsOfBothRuleSetsStandInOrder(t *testing.T) {
	a, b := result("a"), result("b")
	b.Expansions = []simulate.Step{{Matches: 5}, {FromSeconds: 10, Matches: 5}}
	rows := stepRows([]*simulate.Result{a, b})
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	if !reflect.DeepEqual(names, []string{"no expansion", "from 10 s", "from 30 s"}) {
		t.Errorf("%q", names)
	}
	if !reflect.DeepEqual(rows[1].text, []string{"no such step", "50 %"}) {
		t.Errorf("%q", rows[1].text)
	}
}

func TestGroupsOfEitherResultAreRows(t *testing.T) {
	a, b := result("a"), result("b")
	some := simulate.Outcomes{Queued: 10, Matched: 9, Abandoned: 1}
	a.ByRegion = []simulate.Group{{Name: "x", Players: some, Wait: simulate.Summary{Count: 9, P50: 30, P90: 90}}}
	b.ByRegion = []simulate.Group{{Name: "y", Players: simulate.Outcomes{Queued: 4, Abandoned: 4}}}
	rows := groupRows([]*simulate.Result{a, b}, func(r *simulate.Result) []simulate.Group { return r.ByRegion })
	if len(rows) != 2 || !reflect.DeepEqual(rows[0].text, []string{"30 s · 1:30 · 10 % left", "nobody"}) || rows[1].text[1] != "none, 100 % left" {
		t.Errorf("%+v", rows)
	}
	if one := groupRows([]*simulate.Result{a}, func(r *simulate.Result) []simulate.Group { return r.ByRegion }); one != nil {
		t.Errorf("a group alone gives %+v", one)
	}
}

func TestChangesAreJudgedByWhatPlayersLike(t *testing.T) {
	for _, c := range []struct {
		name string
		m    measure
		want string
	}{
		{"more are matched", measure{unit: shareUnit, better: higher, values: []float64{0.8, 0.9}}, "better"},
		{"longer waits", measure{unit: secondsUnit, better: lower, values: []float64{10, 20}}, "worse"},
		{"a change that nobody sees", measure{unit: secondsUnit, better: lower, values: []float64{20.01, 20.02}}, ""},
		{"a change of no value", measure{unit: countUnit, better: neither, values: []float64{1, 2}}, ""},
		{"unknown", measure{unit: skillUnit, better: lower, values: []float64{1, math.NaN()}}, ""},
		{"one result", measure{unit: skillUnit, better: lower, values: []float64{1}}, ""},
	} {
		if got := judge(c.m); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTimeTablesHaveAFewRows(t *testing.T) {
	r := result("a")
	r.Buckets = nil
	for i := range 100 {
		r.Buckets = append(r.Buckets, simulate.Bucket{FromSeconds: 900 * float64(i), Players: simulate.Outcomes{Queued: 4, Matched: 4}})
	}
	r.BucketSeconds, r.SimulatedSeconds = 900, 90_000
	table := timeTable("over time", r)
	if len(table) != 26 || table[1][0] != "20:00" || table[2][0] != "21:00" || table[0][0] != "over time (15 min every 1 h)" {
		t.Errorf("%d rows, %q, then %q", len(table), table[0], table[1:3])
	}
}

func TestTablesAreAligned(t *testing.T) {
	var b strings.Builder
	w := &textWriter{w: &b}
	w.table(textTable{{"", "one", "two"}, {"Section that is longer than all"}, {"  größe", "1", "22222"}, {"  b", "333", "4"}})
	want := "         one    two\nSection that is longer than all\n  größe    1  22222\n  b      333      4\n\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestParagraphsBreakBetweenWords(t *testing.T) {
	var b strings.Builder
	w := &textWriter{w: &b}
	w.paragraph("one two three  averyveryverylongword four", 9)
	if want := "one two\nthree\naveryveryverylongword\nfour\n\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
