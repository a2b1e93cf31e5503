package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUpRefusesACommandThatItCannotUse(t *testing.T) {
	cases := []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"a file that is not there", []string{"--", "./nope"}, 1, []string{`"./nope"`, "cannot be started"}},
		{"a program that is not installed", []string{"--", "muster-no-such-program"}, 1, []string{`"muster-no-such-program"`, "not found"}},
		{"a folder", []string{"--", "."}, 1, []string{`"."`}},
		{"no command after the dashes", []string{"--"}, 2, []string{"after --"}},
		{"bots in another game than the demo", []string{"--bots", "2", "--", "go"}, 2, []string{"--bots", "demo game"}},
		{"matches in another game than the demo", []string{"--bots", "2", "--matches", "1", "--", "go"}, 2, []string{"--matches", "demo game"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it must not come to that
			defer cancel()
			var stdout, stderr bytes.Buffer
			p := &process{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "off" }}
			data := filepath.Join(t.TempDir(), "data")
			code := run(ctx, p, append([]string{"up", "--data", data, "--http", "127.0.0.1:0", "--gamelift", "127.0.0.1:0"}, c.args...))
			if code != c.code || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("code %d, standard output %q, standard error %q", code, stdout.String(), stderr.String())
			}
			for _, word := range c.says {
				if !strings.Contains(stderr.String(), word) {
					t.Errorf("%q does not say %q", stderr.String(), word)
				}
			}
		})
	}
}

func TestOnlyTheFirstProblemIsTold(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	cause, consequence := errors.New("cause"), errors.New("consequence")
	cases := []struct {
		name              string
		err, ending, want error
	}{
		{"none", nil, nil, nil},
		{"a problem, and a clean end", cause, nil, cause},
		{"a problem while ending", nil, consequence, consequence},
		{"a problem, and what follows from it", cause, consequence, cause},
	}
	for _, c := range cases {
		if got := firstProblem(c.err, c.ending, log); !errors.Is(got, c.want) || errors.Is(c.want, cause) && errors.Is(got, consequence) {
			t.Errorf("%s: it tells %v", c.name, got)
		}
	}
	s := newStack()
	s.fail("part", cause)
	if got := (&upCmd{}).whyNotUp(t.Context(), s, consequence); got == nil || got.Error() != "part: cause" {
		t.Errorf("a part's failure is told as %v", got)
	}
}
