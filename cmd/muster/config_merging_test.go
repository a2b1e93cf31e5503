package main

import (
	"strings"
	"testing"

	"muster"
)

func TestMergingIsAPolicy(t *testing.T) {
	for policy, valid := range map[muster.MergePolicy]bool{muster.MergeFill: true, muster.MergeKeep: true, muster.MergeOff: true, "always": false} {
		text := "identity: {merging: " + string(policy) + "}\nmodes:\n  - {name: a, ruleSet: good.json}\n"
		if !valid {
			want := `c.yaml:1: identity.merging: "always" is no policy; use fill, keep or off`
			if got := strings.Join(problemsOf(t, text), "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			continue
		}
		c, err := parseConfig("c.yaml", []byte(text), files)
		if err != nil || c.Identity.Merging != policy {
			t.Errorf("%s: %+v (%v)", policy, c.Identity, err)
		}
	}
}
