package scenario_test

import (
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"muster/flexmatch"
	"muster/flexmatch/scenario"

	"pgregory.net/rapid"
)

func TestTicketsAreReadLineByLine(t *testing.T) {
	const body = "\ufeff" + `{"ticketId":"t1","startTime":0.25,"players":[{"playerId":"p1","attributes":{"skill":{"N":10},"mode":{"S":"duel"},"maps":{"SL":["a","b"]},"xp":{"SDM":{"aim":1.5}}},"latencyInMs":{"us-east-1":40}},{"playerId":"p2"}]}

{"ticketId":"t2","startTime":3,"backfill":true,"gameSessionArn":"arn","players":[{"playerId":"p3","team":"red","attributes":null}]}` + "\r\n"
	got, err := scenario.ReadTickets(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	want := []flexmatch.Ticket{
		{ID: "t1", StartAt: scenario.At(0.25), Players: []flexmatch.Player{
			{ID: "p1", LatencyInMs: map[string]int{"us-east-1": 40}, Attributes: map[string]flexmatch.Value{
				"skill": {Kind: flexmatch.NumberAttribute, Number: 10},
				"mode":  {Kind: flexmatch.StringAttribute, String: "duel"},
				"maps":  {Kind: flexmatch.StringListAttribute, Strings: []string{"a", "b"}},
				"xp":    {Kind: flexmatch.StringNumberMapAttribute, Numbers: map[string]float64{"aim": 1.5}},
			}},
			{ID: "p2", Attributes: map[string]flexmatch.Value{}},
		}},
		{ID: "t2", StartAt: scenario.At(3), Backfill: true, GameSessionARN: "arn", Players: []flexmatch.Player{
			{ID: "p3", Team: "red", Attributes: map[string]flexmatch.Value{}},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nnot %+v", got, want)
	}
}

func TestTheAPIsSpellingOfATicketIsReadToo(t *testing.T) {
	const body = `{"TicketId":"t1","Players":[{"PlayerId":"p1","PlayerAttributes":{"skill":{"N":1}},"LatencyInMs":{"eu":5}}]}`
	got, err := scenario.ReadTickets(strings.NewReader(body))
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if p := got[0].Players[0]; p.ID != "p1" || p.Attributes["skill"].Number != 1 || p.LatencyInMs["eu"] != 5 || !got[0].StartAt.Equal(scenario.At(0)) {
		t.Errorf("got %+v", got[0])
	}
}

func TestWrongTicketsAreNamedByLineAndField(t *testing.T) {
	const good = `{"ticketId":"t1","startTime":0,"players":[{"playerId":"p1"}]}` + "\n"
	players := func(n int) string { return strings.Join(numbered(`{"playerId":"p%"}`, n), ",") }
	for name, test := range map[string]struct{ line, want string }{
		"not JSON":                     {`{"ticketId":`, "line 2: a line is one ticket as a JSON object: not JSON: unexpected end of JSON input, at 1:12"},
		"not an object":                {`["t"]`, "line 2: must be an object with ticketId, startTime, players, backfill, gameSessionArn, not a list"},
		"a second value in the line":   {good[:len(good)-1] + `{}`, "line 2: a line is one ticket as a JSON object: not JSON: invalid character '{' after top-level value, at 1:62"},
		"a number beyond all":          {`{"ticketId":"t","players":[{"playerId":"p","attributes":{"a":{"N":1e999}}}]}`, "line 2: a line is one ticket as a JSON object: number 1e999 is beyond what a number can hold"},
		"no id":                        {`{"players":[{"playerId":"p"}]}`, "line 2: ticketId: is missing: text of 1 to 128 characters"},
		"an empty id":                  {`{"ticketId":"","players":[{"playerId":"p"}]}`, "line 2: ticketId: must have 1 to 128 characters"},
		"an id of another line":        {good, "line 2: ticketId: t1 is in line 1 already"},
		"an unknown field":             {`{"ticketId":"t","starttime":1,"wait":2,"players":[{"playerId":"p"}]}`, "line 2: unknown field wait; there are ticketId, startTime, players, backfill, gameSessionArn"},
		"a misspelt field":             {`{"ticketId":"t","player":[{"playerId":"p"}]}`, "line 2: unknown field player; there are ticketId, startTime, players, backfill, gameSessionArn; did you mean \"players\"?\nline 2: players: is missing: a list of players"},
		"a field twice":                {`{"ticketId":"t","startTime":1,"players":[{"playerId":"p"}],"startTime":2}`, "line 2: startTime stands twice in one object"},
		"a field in two spellings":     {`{"ticketId":"t","TicketId":"u","players":[{"playerId":"p"}]}`, "line 2: TicketId is ticketId in other letters, which stands here too"},
		"a backfill without a team":    {`{"ticketId":"t","backfill":true,"players":[{"playerId":"p"}]}`, "line 2: players[0].team: is missing: the team that a player of a backfill ticket sits in"},
		"a time that is a date":        {`{"ticketId":"t","startTime":"2026-01-01","players":[{"playerId":"p"}]}`, `line 2: startTime: must be a number of seconds on a clock of your own, as 0 or 12.5, not the text "2026-01-01"`},
		"a time in milliseconds":       {`{"ticketId":"t","startTime":1767225600000,"players":[{"playerId":"p"}]}`, "line 2: startTime: must be a number of seconds on a clock of your own, as 0 or 12.5, not 1.7672256e+12"},
		"no players":                   {`{"ticketId":"t"}`, "line 2: players: is missing: a list of players"},
		"a list without players":       {`{"ticketId":"t","players":[]}`, "line 2: players: there are 0 players; a ticket has 1 to 10, a backfill up to 199"},
		"too many players":             {`{"ticketId":"t","players":[` + players(11) + `]}`, "line 2: players: there are 11 players; a ticket has 1 to 10, a backfill up to 199"},
		"players that are no list":     {`{"ticketId":"t","players":{"playerId":"p"}}`, "line 2: players: must be a list, not an object"},
		"a player twice":               {`{"ticketId":"t","players":[{"playerId":"p"},{"playerId":"p"}]}`, "line 2: players[1].playerId: p is in this ticket already"},
		"an attribute without a type":  {`{"ticketId":"t","players":[{"playerId":"p","attributes":{"skill":10}}]}`, `line 2: players[0].attributes.skill: must be {"S": text}, {"N": number}, {"SL": [text, ...]} or {"SDM": {text: number, ...}}, not a number`},
		"a number in quotes":           {`{"ticketId":"t","players":[{"playerId":"p","attributes":{"skill":{"N":"10"}}}]}`, "line 2: players[0].attributes.skill.N: must be a number, not text"},
		"a latency that is not whole":  {`{"ticketId":"t","players":[{"playerId":"p","latencyInMs":{"eu":40.5}}]}`, "line 2: players[0].latencyInMs.eu: must be a whole number of 1 or more, not 40.5"},
		"a latency of zero":            {`{"ticketId":"t","players":[{"playerId":"p","latencyInMs":{"eu":0}}]}`, "line 2: players[0].latencyInMs.eu: must be a whole number of 1 or more, not 0"},
		"a backfill that is no truth":  {`{"ticketId":"t","backfill":"yes","players":[{"playerId":"p"}]}`, "line 2: backfill: must be true or false, not text"},
		"a name with an escape in it":  {`{"ticketId":"t","players":[{"playerId":"p","attributes":{"\u001b[2J":1}}]}`, `line 2: players[0].attributes."\x1b[2J": must be {"S": text}, {"N": number}, {"SL": [text, ...]} or {"SDM": {text: number, ...}}, not a number`},
		"a line beyond what is sane":   {strings.Repeat(" ", 5<<20), "line 2: longer than 4 MiB: a line is one ticket"},
		"two things wrong in one line": {`{"ticketId":1,"players":[{}]}`, "line 2: ticketId: must be text, not a number\nline 2: players[0].playerId: is missing: text of 1 to 1024 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			tickets, err := scenario.ReadTickets(strings.NewReader(good + test.line))
			var problems scenario.Problems
			if !errors.As(err, &problems) || tickets != nil {
				t.Fatalf("tickets %v, error %v, want problems", tickets, err)
			}
			if err.Error() != test.want {
				t.Errorf("it says\n%s\nnot\n%s", err, test.want)
			}
		})
	}
}

func TestTicketFilesKnowTheirLinesAndWhatIsIgnored(t *testing.T) {
	file, err := scenario.ReadTicketFile(strings.NewReader("\n" + `{"ticketId":"t1","players":[{"playerId":"p1","team":"red"}]}` + "\n\n" + `{"ticketId":"t2","players":[{"playerId":"p2","attributes":{"a":{"S":"\"a\":,{\"a\":"},"b":{"SL":["a","a"]}}}]}`))
	if err != nil || !slices.Equal(file.Lines, []int{2, 4}) || len(file.Tickets) != 2 {
		t.Fatalf("%+v, %v", file, err)
	}
	if got := strings.Join(file.Warnings, "\n"); got != "line 2: players[0].team: is ignored: only the players of a backfill ticket sit in a team already" {
		t.Errorf("warnings %q", got)
	}
}

// numbered repeats a text n times with the number in place of %.
func numbered(text string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strings.ReplaceAll(text, "%", string(rune('a'+i)))
	}
	return out
}

func TestProblemsAreBounded(t *testing.T) {
	_, err := scenario.ReadTickets(strings.NewReader(strings.Repeat("x\n", 100_000)))
	var problems scenario.Problems
	if !errors.As(err, &problems) || len(problems) != 100 {
		t.Errorf("%d problems", len(problems))
	}
}

func TestAReadErrorIsNotAProblemOfTheTickets(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := scenario.ReadTickets(io.MultiReader(strings.NewReader(`{"ticketId":"t"`), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestNoTicketsAreNoError(t *testing.T) {
	tickets, err := scenario.ReadTickets(strings.NewReader("\n  \n"))
	if err != nil || len(tickets) != 0 {
		t.Errorf("%v, %v", tickets, err)
	}
}

func TestTheClockCountsSeconds(t *testing.T) {
	if d := scenario.At(90.5).Sub(scenario.At(0)); d != 90*time.Second+500*time.Millisecond {
		t.Errorf("90.5 s are %v", d)
	}
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-4e9, 4e9).Draw(t, "ms")
		seconds := float64(ms) / 1000
		if got := scenario.Seconds(scenario.At(seconds)); got != seconds {
			t.Fatalf("%v s became %v", seconds, got)
		}
	})
}

func FuzzReadTickets(f *testing.F) {
	f.Add(`{"ticketId":"t1","startTime":0,"players":[{"playerId":"p1","attributes":{"a":{"N":1},"b":{"SL":["x"]},"c":{"SDM":{"k":2}},"d":{"S":"s"}},"latencyInMs":{"eu":4},"team":"x"}],"backfill":true}`)
	f.Add("{}\n[]\n\"\"\nnull\n{\"players\":[{}]}")
	f.Fuzz(func(t *testing.T, body string) {
		tickets, err := scenario.ReadTickets(strings.NewReader(body))
		if err != nil {
			if len(tickets) > 0 || strings.TrimSpace(err.Error()) == "" {
				t.Errorf("tickets %v with error %q", tickets, err)
			}
			return
		}
		seen := make(map[string]bool)
		for _, ticket := range tickets {
			if ticket.ID == "" || len(ticket.Players) == 0 || seen[ticket.ID] {
				t.Errorf("accepted %+v", ticket)
			}
			seen[ticket.ID] = true
		}
	})
}
