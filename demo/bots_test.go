package demo

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

const shortRound = 200 * time.Millisecond

func TestBotsPlayTheMatchesAskedFor(t *testing.T) {
	l := newLobby(t, shortRound)
	l.broken["/v1/modes"] = 1
	l.broken["/v1/matchmaking/tickets"] = 2
	var told int
	report, err := RunBots(t.Context(), BotOptions{URL: l.URL + "/", Count: 6, Matches: 4, Progress: func(Report) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	if report.Matches != 4 || report.Results != 4 || report.Seated != 8 || report.SeatsRefused != 0 || report.Players < 4 || report.Players > 6 {
		t.Fatalf("report %+v", report)
	}
	if q := report.QueueToSeatMs; q.P50 <= 0 || q.P50 > q.P99 || q.P99 > q.Max {
		t.Fatalf("waits %+v", q)
	}
	if told != 8 {
		t.Fatalf("progress was told %d times, want once for each of 8 seats", told)
	}
	if !l.sawNames["Ada"] {
		t.Fatalf("bots took the names %v", l.sawNames)
	}
}

func TestBotsStopWhenTheirTimeIsOver(t *testing.T) {
	l := newLobby(t, shortRound)
	report, err := RunBots(t.Context(), BotOptions{URL: l.URL, Count: 3, For: time.Second})
	if err != nil || report.Matches == 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) != 0 {
		t.Fatal("a bot left its ticket in the queue")
	}
}

func TestBotsComeBackAfterLosingTheirSockets(t *testing.T) {
	l := newLobby(t, shortRound)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // cuts every connection again and again
		for sleep(ctx, 150*time.Millisecond) == nil {
			l.CloseClientConnections()
			l.mu.Lock()
			for _, p := range l.players {
				for _, ws := range p.sockets {
					_ = ws.CloseNow()
				}
				p.sockets = nil
			}
			l.mu.Unlock()
		}
	}()
	report, err := RunBots(ctx, BotOptions{URL: l.URL, Count: 2, Matches: 1})
	if err != nil || report.Matches != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
}

func TestBotsSayWhatIsMissing(t *testing.T) {
	l := newLobby(t, shortRound)
	cases := map[string]struct {
		opts BotOptions
		want string
	}{
		"too few bots for a match": {BotOptions{URL: l.URL, Count: 1, Matches: 1}, "1 bots cannot fill"},
		"a mode that is not there": {BotOptions{URL: l.URL, Count: 2, Mode: "chess"}, `no mode "chess"`},
		"a backend that is away":   {BotOptions{URL: "http://127.0.0.1:1", Count: 2}, "sign in"},
		"no time to play a match":  {BotOptions{URL: l.URL, Count: 2, Matches: 1, For: time.Nanosecond}, "0 of 1 matches"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := RunBots(t.Context(), tc.opts)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestTheReportHasTheNamesThatScriptsRead(t *testing.T) {
	got, err := json.Marshal(Report{Matches: 5, Players: 8, Seated: 10, Results: 5, QueueToSeatMs: Percentiles{1, 2, 3.5}})
	want := `{"matches":5,"players":8,"seated":10,"seats_refused":0,"results":5,"queue_to_seat_ms":{"p50":1,"p99":2,"max":3.5}}`
	if err != nil || string(got) != want {
		t.Fatalf("%s, %v", got, err)
	}
}

func TestPercentilesTakeTheNearestRank(t *testing.T) {
	var many []time.Duration
	for i := 1; i <= 200; i++ {
		many = append(many, time.Duration(201-i)*time.Millisecond)
	}
	cases := map[string]struct {
		in   []time.Duration
		want Percentiles
	}{
		"of nothing":  {nil, Percentiles{}},
		"of one":      {[]time.Duration{7 * time.Millisecond}, Percentiles{7, 7, 7}},
		"of two":      {[]time.Duration{9 * time.Millisecond, 1 * time.Millisecond}, Percentiles{1, 9, 9}},
		"of 200":      {many, Percentiles{100, 198, 200}},
		"in microsec": {[]time.Duration{1500 * time.Microsecond}, Percentiles{1.5, 1.5, 1.5}},
	}
	for name, tc := range cases {
		if got := percentiles(tc.in); got != tc.want {
			t.Errorf("percentiles %s: %+v, want %+v", name, got, tc.want)
		}
	}
}

func TestBotsTurnToAnotherBackend(t *testing.T) {
	l := newLobby(t, shortRound)
	for _, urls := range []string{"http://127.0.0.1:1, " + l.URL + "/", l.URL + ",http://127.0.0.1:1"} {
		report, err := RunBots(t.Context(), BotOptions{URL: urls, Count: 4, Matches: 2})
		if err != nil || report.Matches < 2 || report.Failures > 0 {
			t.Errorf("%s: %+v, %v", urls, report, err)
		}
		if report.Retries == 0 {
			t.Errorf("%s: nothing was tried again", urls)
		}
	}
}

func TestOnlyALastingRefusalEndsAMatchForABot(t *testing.T) {
	for code, want := range map[string]error{
		"token.unverifiable": errCut, "seat.unverifiable": errCut, "seat.busy": errCut,
		"seat.mismatch": errSeatRefused, "token.invalid": errSeatRefused, "seat.given_up": errSeatRefused,
	} {
		d := driver{}
		if _, err := d.hear([]byte(`{"type":"refused","code":"`+code+`"}`), nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
	}
}
