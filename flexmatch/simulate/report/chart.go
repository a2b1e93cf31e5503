package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"muster/flexmatch/simulate"
	"muster/flexmatch/simulate/internal/spell"
)

// The drawing area of a chart, in the units of its SVG. A column of the page shows about
// as many pixels.
const (
	chartWidth  = 460.0
	chartHeight = 250.0
	plotLeft    = 52.0
	plotRight   = chartWidth - 12
	plotTop     = 24.0
	plotBottom  = chartHeight - 40
)

// chart is a drawing whose every place is computed: the template only writes it down.
type chart struct {
	Title, Note    string
	Tall           bool   // takes two rows of the page's columns
	Label          string // for those who cannot see it
	Width, Height  float64
	Left, Right    float64 // of the plot
	Top, Bottom    float64
	XTicks, YTicks []tick
	XName, YName   string
	Lines          []curve
	Bars           []bar
	Words          []word
	Hovers         []hover
	Legend         []key
}

// curve is a line; Class says its colour and stroke.
type curve struct{ Class, Path string }

// bar is a rectangle; Title shows when it is pointed at.
type bar struct {
	X, Y, Width, Height float64
	Class, Title        string
}

// word is a text in the drawing. Class says its colour and alignment.
type word struct {
	X, Y        float64
	Class, Text string
}

// hover is a strip of the plot that shows its Title when it is pointed at.
type hover struct {
	X, Width float64
	Title    string
}

// key is one line of the legend.
type key struct{ Class, Text string }

// series is one line of a line chart: values by x, NaN where there is none.
type series struct {
	name, class string
	x, y        []float64
}

// seriesClass is the colour of a result and the stroke of a percentile: 0 is the main
// one, 1 and 2 are thinner and dashed.
func seriesClass(result, percentile int) string { return fmt.Sprintf("c%d q%d", result%4, percentile) }

func newChart(title, note string) *chart {
	return &chart{
		Title: title, Note: note, Width: chartWidth, Height: chartHeight,
		Left: plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom,
	}
}

// overTime draws series whose x are seconds since the start; each x is the start of a
// bucket and drawn in its middle. It returns nil when no series has a value.
func overTime(title, note string, results []*simulate.Result, u unit, yName string, lines []series) *chart {
	c := newChart(title, note)
	total, width, startHour := 0.0, results[0].BucketSeconds, results[0].StartHour
	for _, r := range results {
		total = max(total, r.SimulatedSeconds)
	}
	y := newAxis(u, highest(lines), plotBottom, plotTop, 5)
	if !hasValues(lines) || total <= 0 {
		return nil
	}
	at := func(x float64) float64 {
		return plotLeft + (plotRight-plotLeft)*min(x+min(width, total-x)/2, total)/total
	}
	c.axes(y, timeTicks(startHour, total, plotLeft, plotRight), yName, "simulated time of day")
	for _, s := range lines {
		c.Lines = append(c.Lines, curve{s.class, path(s, at, y.at)})
		if len(lines) > 1 || len(results) > 1 {
			c.Legend = append(c.Legend, key{s.class, s.name})
		}
	}
	c.hoverBuckets(results, u, lines, total)
	return c
}

// hoverBuckets lays a strip over each bucket that says what every line is there.
func (c *chart) hoverBuckets(results []*simulate.Result, u unit, lines []series, total float64) {
	longest := results[0]
	for _, r := range results {
		if len(r.Buckets) > len(longest.Buckets) {
			longest = r
		}
	}
	scale := (c.Right - c.Left) / total
	for i, b := range longest.Buckets {
		words := []string{spell.Clock(longest.StartHour, time.Duration(b.FromSeconds*float64(time.Second)))}
		for _, s := range lines {
			if i < len(s.y) && !math.IsNaN(s.y[i]) {
				words = append(words, s.name+": "+u.spell(s.y[i]))
			}
		}
		c.Hovers = append(c.Hovers, hover{c.Left + b.FromSeconds*scale, min(longest.BucketSeconds, total-b.FromSeconds) * scale, strings.Join(words, "\n")})
	}
}

// cumulative draws curves of which share has at most a value. It returns nil when all
// are empty. The axis ends where the last per cent begins.
func cumulative(title, note string, u unit, xName, yName string, lines []series) *chart {
	if !hasValues(lines) {
		return nil
	}
	c := newChart(title, note)
	end := 0.0
	for _, s := range lines {
		for i, x := range s.x {
			if s.y[i] <= 0.99*s.y[len(s.y)-1] {
				end = max(end, x)
			}
		}
	}
	x := newAxis(u, end, plotLeft, plotRight, 5)
	y := newAxis(shareUnit, 1, plotBottom, plotTop, 5)
	c.axes(y, x.ticks(), yName, xName)
	for _, s := range lines {
		c.Lines = append(c.Lines, curve{s.class, path(upTo(s, x.high), x.at, y.at)})
		if len(lines) > 1 {
			c.Legend = append(c.Legend, key{s.class, s.name})
		}
	}
	const strips = 40
	for i := range strips {
		v := x.high * (float64(i) + 0.5) / strips
		words := []string{"at most " + u.spell(v)}
		for _, s := range lines {
			words = append(words, s.name+": "+spell.Percent(shareBelow(s, v)))
		}
		step := (plotRight - plotLeft) / strips
		c.Hovers = append(c.Hovers, hover{plotLeft + float64(i)*step, step, strings.Join(words, "\n")})
	}
	return c
}

// upTo cuts a rising curve off where its axis ends.
func upTo(s series, end float64) series {
	for i, x := range s.x {
		if x <= end || i == 0 {
			continue
		}
		part := (end - s.x[i-1]) / (x - s.x[i-1])
		y := s.y[i-1] + part*(s.y[i]-s.y[i-1])
		s.x, s.y = append(slices.Clone(s.x[:i]), end), append(slices.Clone(s.y[:i]), y)
		break
	}
	return s
}

// shareBelow reads a cumulative curve.
func shareBelow(s series, v float64) float64 {
	out := 0.0
	for i, x := range s.x {
		if x <= v {
			out = s.y[i]
		}
	}
	return out
}

func (c *chart) axes(y axis, xTicks []tick, yName, xName string) {
	c.YTicks, c.XTicks, c.YName, c.XName = y.ticks(), xTicks, yName, xName
	c.Label = fmt.Sprintf("%s. %s by %s.", c.Title, yName, xName)
}

func highest(lines []series) float64 {
	out := 0.0
	for _, s := range lines {
		for _, v := range s.y {
			if v > out {
				out = v
			}
		}
	}
	return out
}

func hasValues(lines []series) bool {
	for _, s := range lines {
		for _, v := range s.y {
			if !math.IsNaN(v) {
				return true
			}
		}
	}
	return false
}

// path spells a line in SVG's language, interrupted where values are missing. A point
// between two gaps becomes a short dash, so that it is seen.
func path(s series, x, y func(float64) float64) string {
	var b strings.Builder
	drawing := false
	for i, v := range s.y {
		if math.IsNaN(v) {
			drawing = false
			continue
		}
		px, py := x(s.x[i]), y(v)
		alone := !drawing && (i+1 == len(s.y) || math.IsNaN(s.y[i+1]))
		switch {
		case drawing:
			fmt.Fprintf(&b, "L%.1f %.1f", px, py)
		case alone:
			fmt.Fprintf(&b, "M%.1f %.1fh3", px-1.5, py)
		default:
			fmt.Fprintf(&b, "M%.1f %.1f", px, py)
		}
		drawing = true
	}
	return b.String()
}

// stacked draws for each bucket what became of those who joined in it, as players an
// hour.
func stacked(title, note string, r *simulate.Result) *chart {
	total := r.SimulatedSeconds
	if len(r.Buckets) == 0 || total <= 0 {
		return nil
	}
	c := newChart(title, note)
	perHour := func(b simulate.Bucket) float64 { return 3600 / min(r.BucketSeconds, total-b.FromSeconds) }
	most := 0.0
	for _, b := range r.Buckets {
		most = max(most, float64(b.Players.Queued)*perHour(b))
	}
	y := newAxis(countUnit, most, plotBottom, plotTop, 5)
	c.axes(y, timeTicks(r.StartHour, total, plotLeft, plotRight), "players an hour", "simulated time of day")
	scale := (plotRight - plotLeft) / total
	for i, o := range outcomeWords {
		if o.of(r.Players) > 0 {
			c.Legend = append(c.Legend, key{fmt.Sprintf("o%d box", i), o.name})
		}
	}
	for _, b := range r.Buckets {
		x, width := plotLeft+b.FromSeconds*scale, min(r.BucketSeconds, total-b.FromSeconds)*scale
		words := []string{spell.Clock(r.StartHour, time.Duration(b.FromSeconds*float64(time.Second)))}
		below := 0
		for i, o := range outcomeWords {
			n := o.of(b.Players)
			if n == 0 {
				continue
			}
			bottom, top := y.at(float64(below)*perHour(b)), y.at(float64(below+n)*perHour(b))
			c.Bars = append(c.Bars, bar{X: x, Y: top, Width: max(width-0.4, 0.2), Height: bottom - top, Class: fmt.Sprintf("o%d", i)})
			words = append(words, fmt.Sprintf("%s: %s (%s)", o.name, spell.Count(float64(n)), spell.Percent(ratio(n, b.Players.Queued))))
			below += n
		}
		c.Hovers = append(c.Hovers, hover{x, width, strings.Join(words, "\n")})
	}
	return c
}

// row is a line of a bar chart: for each result a main value, drawn solid, and perhaps a
// greater one behind it, drawn faint. Text says what they are.
type row struct {
	name  string
	main  []float64
	faint []float64
	text  []string
}

// rows draws horizontal bars. It returns nil without rows.
func rows(title, note string, results []*simulate.Result, u unit, xName string, list []row) *chart {
	if len(list) == 0 {
		return nil
	}
	// The margins hold names and values in the larger letters of narrow pages.
	const left, right, thick = 126.0, chartWidth - 164, 17.0
	c := newChart(title, note)
	c.Left, c.Right, c.Top = left, right, 8
	c.Tall = len(list) > 7
	high := 0.0
	for _, r := range list {
		for i := range r.main {
			high = max(high, r.main[i])
			if r.faint != nil {
				high = max(high, r.faint[i])
			}
		}
	}
	x := newAxis(u, high, left, right, 3)
	at := c.Top
	for _, r := range list {
		height := thick * float64(len(r.main))
		c.Words = append(c.Words, word{left - 8, at + height/2 + 4, "end", shorten(r.name, 17)})
		for i, v := range r.main {
			top := at + thick*float64(i)
			title := fmt.Sprintf("%s, %s: %s", results[i].Rules, r.name, r.text[i])
			if r.faint != nil && r.faint[i] > 0 {
				c.Bars = append(c.Bars, bar{left, top + 2, x.at(r.faint[i]) - left, thick - 4, fmt.Sprintf("c%d faint", i%4), title})
			}
			if v > 0 {
				c.Bars = append(c.Bars, bar{left, top + 2, max(x.at(v)-left, 1), thick - 4, fmt.Sprintf("c%d solid", i%4), title})
			}
			c.Words = append(c.Words, word{right + 8, top + thick - 4.5, "value", r.text[i]})
		}
		at += height + 7
	}
	c.Bottom = at
	c.Height = at + 40
	c.XTicks, c.XName = x.ticks(), xName
	c.Label = fmt.Sprintf("%s. Bars of %s.", title, xName)
	if len(results) > 1 {
		for i, r := range results {
			c.Legend = append(c.Legend, key{fmt.Sprintf("c%d box", i%4), r.Rules})
		}
	}
	return c
}

// shorten cuts a name to so many characters.
func shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// Places that the template derives.

// TickX is where the labels of the upright axis end.
func (c *chart) TickX() float64 { return c.Left - 6 }

// TickY is the line on which the labels of the other axis stand.
func (c *chart) TickY() float64 { return c.Bottom + 17 }

// NameY is the line on which that axis' name stands, around Middle.
func (c *chart) NameY() float64 { return c.Bottom + 35 }

// Middle is the middle of the plot from left to right.
func (c *chart) Middle() float64 { return (c.Left + c.Right) / 2 }

// PlotHeight is the height of the plot.
func (c *chart) PlotHeight() float64 { return c.Bottom - c.Top }

// Baseline is where the label of an upright axis' mark stands.
func (t tick) Baseline() float64 { return t.At + 4 }

// Box tells whether the legend shows a box, not a line.
func (k key) Box() bool { return strings.HasSuffix(k.Class, " box") }
