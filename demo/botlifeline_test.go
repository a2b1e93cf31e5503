package demo

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// die ends the backend as a killed process does; game servers live on.
func (l *lobby) die() {
	_ = l.Listener.Close() // the second close, by the server, fails unheard
	l.CloseClientConnections()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.players {
		for _, ws := range p.sockets {
			_ = ws.CloseNow()
		}
		p.sockets = nil
	}
}

func TestBotsEndWhenTheBackendIsGone(t *testing.T) {
	cases := map[string]struct {
		opts BotOptions
		want string
	}{
		"after their time": {
			BotOptions{For: 2 * time.Second, patience: patience{notice: 1, away: time.Hour, last: 50 * time.Millisecond, finish: time.Hour}},
			"does not answer",
		},
		"before their matches are played": {
			BotOptions{Matches: 50, patience: patience{notice: 1, away: 300 * time.Millisecond, last: time.Hour, finish: time.Hour}},
			"has not answered for 300ms",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			l := newLobby(t, shortRound)
			var logged bytes.Buffer
			opts := tc.opts
			opts.URL, opts.Count = l.URL, 5
			opts.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
			opts.Progress = func(Report) { l.die() }
			begun := time.Now()
			_, err := RunBots(t.Context(), opts)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "context") {
				t.Fatalf("error %v, want one line with %q", err, tc.want)
			}
			if took := time.Since(begun); took > time.Minute {
				t.Fatalf("it took %s", took)
			}
			if n := strings.Count(logged.String(), "\n"); n != 1 || !strings.Contains(logged.String(), "does not answer") {
				t.Fatalf("want one warning, got %q", logged.String())
			}
		})
	}
}

func TestTheLifelineSaysWhenToEnd(t *testing.T) {
	const s = time.Second
	cases := map[string]struct {
		owing      bool
		away, over time.Duration // ago; 0: not
		again      time.Duration
		end        string
	}{
		"all is well":                           {again: time.Hour},
		"a hiccup":                              {away: s / 4, again: 3 * s / 4},
		"away for ever, but nothing is owed":    {away: time.Hour, again: time.Hour},
		"away, and matches are owed":            {owing: true, away: 10 * s, again: 20 * s},
		"away for too long, matches are owed":   {owing: true, away: 30 * s, end: "has not answered for 30s"},
		"time is over, the backend answers":     {over: 10 * s, again: 80 * s},
		"time is over for too long":             {over: 90 * s, end: "did not end within 1m30s"},
		"time is over while the backend is off": {away: 100 * s, over: s, again: s},
		"away after time is over":               {away: s, over: 30 * s, again: s},
		"away and over":                         {away: 100 * s, over: 2 * s, end: "does not answer"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
			l := newLifeline(BotOptions{URL: "http://backend", patience: usualPatience(), Log: slog.New(slog.DiscardHandler)})
			l.now, l.owing = func() time.Time { return now }, tc.owing
			if tc.away > 0 {
				l.away = now.Add(-tc.away)
			}
			if tc.over > 0 {
				l.over = now.Add(-tc.over)
			}
			again, reason := l.look()
			switch {
			case tc.end == "" && (reason != nil || again != tc.again):
				t.Fatalf("again in %s, want %s; %v", again, tc.again, reason)
			case tc.end != "" && (reason == nil || !strings.Contains(reason.Error(), tc.end)):
				t.Fatalf("end: %v, want %q", reason, tc.end)
			}
		})
	}
}

func TestTheLifelineWarnsOncePerOutage(t *testing.T) {
	var logged bytes.Buffer
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	l := newLifeline(BotOptions{patience: usualPatience(), Log: slog.New(slog.NewTextHandler(&logged, nil))})
	l.now = func() time.Time { return now }
	l.heard()
	l.missed()
	l.heard() // too short for a word
	for range 3 {
		l.missed()
		now = now.Add(2 * time.Second)
		if _, reason := l.look(); reason != nil || !l.gone() {
			t.Fatal(reason)
		}
	}
	l.heard()
	l.heard()
	text := logged.String()
	if strings.Count(text, "does not answer") != 1 || strings.Count(text, "answers again") != 1 || strings.Count(text, "\n") != 2 || l.gone() {
		t.Fatalf("logged %q", text)
	}
}
