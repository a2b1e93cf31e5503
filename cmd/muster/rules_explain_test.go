package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"muster"
)

func TestRulesMatchExplainsOneTicket(t *testing.T) {
	rules, tickets := writeFile(t, "rules.json", duelRules), writeFile(t, "tickets.jsonl", fourTickets())
	code, stdout, stderr := runRules(t, "", "match", "--rules", rules, "--tickets", tickets, "--explain", "t-c")
	if code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	_, got, _ := strings.Cut(stdout, "\nTicket ")
	const want = `t-c, 1 player, has been searching for 3 s, past 0 of 1 expansion step.
  1 other ticket waits; none could be in a match with it now.
  It needs 1 player more, 0 compatible.
  The next becomes compatible in 10 s, at expansion step 1.
  Rule Near keeps 1 ticket away: the nearest misses maxDistance 5 by 25 skill; it lets the first in after 10 s.
  The next expansion step comes in 7 s, at the age of 10 s, and changes rules[Near].maxDistance from 5 to 50.
`
	if got != want {
		t.Errorf("explained as\n%s\nwant\n%s", got, want)
	}
}

func TestRulesMatchExplainsAllThatWait(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	var many strings.Builder
	for i := range 52 {
		many.WriteString(ticketLine(fmt.Sprintf("p%02d", i), float64(i)/100, float64(i)*1000))
	}
	tickets := writeFile(t, "tickets.jsonl", many.String())
	code, stdout, stderr := runRules(t, "", "match", "--explain", "--rules", rules, "--tickets", tickets)
	if code != 0 || strings.Count(stdout, "\nTicket ") != 50 || !strings.HasSuffix(stdout, "\nand 2 tickets more; --explain TICKET explains one\n") {
		t.Errorf("code %d, %d explanations: %s", code, strings.Count(stdout, "\nTicket "), stderr)
	}
}

func TestRulesMatchExplainsInJSON(t *testing.T) {
	rules, tickets := writeFile(t, "rules.json", duelRules), writeFile(t, "tickets.jsonl", fourTickets())
	for args, want := range map[string]string{
		"":              "",
		"--explain":     "t-c searching, t-d searching",
		"--explain=t-d": "t-d searching",
		"--explain=t-a": "t-a placing",
	} {
		all := []string{"match", "--rules", rules, "--tickets", tickets, "--json"}
		if args != "" {
			all = append(all, args)
		}
		code, stdout, stderr := runRules(t, "", all...)
		var report struct{ Explanations []muster.Advice }
		if err := json.Unmarshal([]byte(stdout), &report); code != 0 || err != nil {
			t.Fatalf("code %d, %v: %s", code, err, stderr)
		}
		var got []string
		for _, a := range report.Explanations {
			got = append(got, fmt.Sprintf("%s %s", a.TicketID, a.Status))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s explains %q, want %q", args, got, want)
		}
	}
}

func TestRulesMatchSaysWhyATicketCannotBeExplained(t *testing.T) {
	rules, tickets := writeFile(t, "rules.json", duelRules), writeFile(t, "tickets.jsonl", fourTickets())
	for id, want := range map[string]string{
		"t-d":   `--explain: ticket "t-d" starts at 4 s, and the pass is at 3 s; --at 4 has it`,
		"t-cc":  `--explain: there is no ticket "t-cc"; did you mean "t-c"?`,
		"other": `--explain: there is no ticket "other"`,
	} {
		code, _, stderr := runRules(t, "", "match", "--rules", rules, "--tickets", tickets, "--at", "3", "--explain", id)
		if code != 2 || !strings.Contains(stderr, want+"\n") {
			t.Errorf("code %d: %s", code, stderr)
		}
	}
}

func TestAMatchedTicketWaitsForNoSessionOffline(t *testing.T) {
	rules, tickets := writeFile(t, "rules.json", duelRules), writeFile(t, "tickets.jsonl", fourTickets())
	_, stdout, _ := runRules(t, "", "match", "--rules", rules, "--tickets", tickets, "--explain", "t-a")
	if !strings.HasSuffix(stdout, "\nTicket t-a, 1 player, is in match 1.\n") {
		t.Errorf("%s", stdout)
	}
}

func TestExplanationsDoNotSteerTheTerminal(t *testing.T) {
	rules := writeFile(t, "rules.json", duelRules)
	tickets := writeFile(t, "tickets.jsonl", `{"ticketId":"t\u001b[2J","startTime":0,"players":[{"playerId":"p\u0007\n"}]}`+"\n")
	code, stdout, _ := runRules(t, "", "match", "--rules", rules, "--tickets", tickets, "--explain")
	if strings.ContainsAny(stdout, "\x1b\a") || code == 0 && !strings.Contains(stdout, "It can never match: player p?? has no attribute skill") {
		t.Errorf("code %d: %q", code, stdout)
	}
}
