package cost

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "renew the table in docs/benchmarks.md")

// Prices on demand in us-east-1 in 2026, in dollars for a million request units. Source:
// Amazon DynamoDB pricing.
const (
	dollarsPerMillionWrites = 0.625
	dollarsPerMillionReads  = 0.125
)

// dollarsPerMillion is what a million of something costs.
func (b bill) dollarsPerMillion() float64 {
	return b.Writes*dollarsPerMillionWrites + b.Reads*dollarsPerMillionReads
}

const (
	document   = "../../docs/benchmarks.md"
	tableBegin = "<!-- cost -->\n"
	tableEnd   = "<!-- end of cost -->\n"
)

// number is a unit count with as many places as it needs, two at the most.
func number(v float64) string {
	text := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	if text == "0" {
		return "-"
	}
	return text
}

// costTable is the table of all scenarios in Markdown.
func costTable(all [][]step) string {
	var names []string
	for _, steps := range all {
		at := 0
		for _, st := range steps { // steps that others lack stand where they happen
			if i := slices.Index(names, st.name); i >= 0 {
				at = i + 1
				continue
			}
			names = slices.Insert(names, at, st.name)
			at++
		}
	}
	var b strings.Builder
	b.WriteString("| each player pays for |")
	for _, s := range scenarios {
		b.WriteString(" " + s.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(scenarios)) + "\n")
	row := func(name string, cell func(i int) string) {
		b.WriteString("| " + name + " |")
		for i := range scenarios {
			b.WriteString(" " + cell(i) + " |")
		}
		b.WriteString("\n")
	}
	units := func(v bill) string { return number(v.Writes) + " / " + number(v.Reads) }
	for _, once := range []bool{false, true} {
		for _, name := range names {
			if isOnce(name) != once {
				continue
			}
			row(name, func(i int) string {
				at := slices.IndexFunc(all[i], func(st step) bool { return st.name == name })
				if at < 0 {
					return ""
				}
				return units(all[i][at].bill)
			})
		}
		if once {
			break
		}
		row("**a match**", func(i int) string { return "**" + units(sum(all[i])) + "**" })
		row("**dollars for a million matches**", func(i int) string {
			return fmt.Sprintf("**%.0f**", sum(all[i]).times(scenarios[i].players()).dollarsPerMillion())
		})
		row("*beside that, once*", func(int) string { return "" })
	}
	return b.String()
}

// checkDocument compares what stands in docs/benchmarks.md with what was measured, or
// renews it.
func checkDocument(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := bytes.Cut(text, []byte(tableBegin))
	stands, after, closed := bytes.Cut(rest, []byte(tableEnd))
	switch {
	case !found || !closed:
		t.Fatalf("%s has no place for the table: %q and %q", document, tableBegin, tableEnd)
	case string(stands) == table:
	case !*update:
		t.Errorf("%s does not say what a match costs now; if that is meant, renew it with go test ./internal/cost -update", document)
	default:
		fresh := slices.Concat(before, []byte(tableBegin), []byte(table), []byte(tableEnd), after)
		if err := os.WriteFile(document, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
