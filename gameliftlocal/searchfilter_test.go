package gameliftlocal

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// searched is a session with something in every operand: two of five places taken.
func searched() types.GameSession {
	return types.GameSession{
		GameSessionId: aws.String("arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/gsess-1"), Name: aws.String("it's \"mine\""),
		MaximumPlayerSessionCount: aws.Int32(5), CurrentPlayerSessionCount: aws.Int32(2), CreationTime: aws.Time(time.UnixMilli(1_700_000_000_123)),
		GameProperties: []types.GameProperty{{Key: aws.String("map"), Value: aws.String("pit")}, {Key: aws.String("a.b"), Value: aws.String("x")}},
	}
}

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		name, expression string
		want             bool
	}{
		{"numbers compare", "maximumSessions = 5", true},
		{"without spaces", "maximumSessions>=5", true},
		{"smaller", "playerSessionCount < 2", false},
		{"larger or equal", "playerSessionCount >= 2", true},
		{"unequal", "playerSessionCount <> 2", false},
		{"milliseconds", "creationTimeMillis = 1700000000123", true},
		{"truth", "hasAvailablePlayerSessions = true", true},
		{"untruth", "hasAvailablePlayerSessions <> true", false},
		{"single quotes with an escape", `gameSessionName = 'it\'s "mine"'`, true},
		{"double quotes with an escape", `gameSessionName = "it's \"mine\""`, true},
		{"strings are case-sensitive", `gameSessionName = "It's \"mine\""`, false},
		{"the full ARN", "gameSessionId = 'arn:aws:gamelift:us-west-2::gamesession/fleet-1/custom-home/gsess-1'", true},
		{"a property", "gameSessionProperties.map = 'pit'", true},
		{"a property that differs", "gameSessionProperties.map <> 'pit'", false},
		{"a missing property equals nothing", "gameSessionProperties.mode = 'x'", false},
		{"a missing property differs from nothing", "gameSessionProperties.mode <> 'x'", false},
		{"a key with a dot is not searchable", "gameSessionProperties.a.b = 'x'", false},
		{"AND binds tighter than OR", "maximumSessions = 5 OR maximumSessions = 5 AND maximumSessions = 1", true},
		{"parentheses bind tighter", "(maximumSessions = 5 OR maximumSessions = 5) AND maximumSessions = 1", false},
		{"NOT binds tighter than AND", "NOT maximumSessions = 1 AND maximumSessions = 5", true},
		{"NOT twice", "NOT NOT maximumSessions = 5", true},
		{"keywords in any case", "not maximumSessions = 1 and hasAvailablePlayerSessions = TRUE or maximumSessions = 1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := parseFilter(c.expression)
			if err != nil {
				t.Fatal(err)
			}
			if got := f(searched()); got != c.want {
				t.Errorf("%s is %v", c.expression, got)
			}
		})
	}
}

func TestFilterRefusesWhatItCannotMean(t *testing.T) {
	for _, c := range []struct{ name, expression, want string }{
		{"an unknown operand", "colour = 'red'", `unknown operand "colour"`},
		{"a string for a number", "maximumSessions = '5'", "whole number"},
		{"a fraction", "maximumSessions = 5.5", "whole number"},
		{"a number for a truth value", "hasAvailablePlayerSessions = 1", "true or false"},
		{"a bare word for a string", "gameSessionName = red", "string in quotes"},
		{"an order of strings", "gameSessionName < 'red'", "= and <> only"},
		{"an open string", "gameSessionName = 'red", "does not end"},
		{"an open parenthesis", "(maximumSessions = 5", "closing parenthesis"},
		{"a closing one too many", "maximumSessions = 5)", "AND, OR or the end"},
		{"nothing after AND", "maximumSessions = 5 AND", "an operand should follow"},
		{"no comparison", "maximumSessions 5", "a comparison"},
		{"nothing", "", "an operand should follow"},
		{"a property without a key", "gameSessionProperties. = 'x'", "needs a property key"},
		{"too long", strings.Repeat(" ", maxExpression) + "maximumSessions = 5", "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseFilter(c.expression); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestSort(t *testing.T) {
	list := func() []types.GameSession {
		named := func(name string, players int32, pairs ...string) types.GameSession {
			g := types.GameSession{Name: &name, CurrentPlayerSessionCount: &players, MaximumPlayerSessionCount: aws.Int32(3)}
			for _, v := range pairs {
				g.GameProperties = append(g.GameProperties, types.GameProperty{Key: aws.String("rank"), Value: &v})
			}
			return g
		}
		return []types.GameSession{named("b", 3, "10"), named("a", 1), named("c", 2, "9")}
	}
	for _, c := range []struct{ expression, want string }{
		{"gameSessionName ASC", "abc"},
		{"gameSessionName desc", "cba"},
		{"playerSessionCount DESC", "bca"},
		{"gameSessionProperties.rank ASC", "bca"},  // strings: "10" before "9"; without it last
		{"gameSessionProperties.rank DESC", "cba"}, // without it last here too
		{"hasAvailablePlayerSessions DESC", "acb"},
	} {
		sort, err := parseSort(c.expression)
		if err != nil {
			t.Fatal(err)
		}
		sessions, got := list(), ""
		sort(sessions)
		for _, g := range sessions {
			got += *g.Name
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.expression, got, c.want)
		}
	}
	for _, expression := range []string{"", "gameSessionName", "gameSessionName UP", "colour ASC", "gameSessionName ASC DESC"} {
		if _, err := parseSort(expression); err == nil {
			t.Errorf("%q was taken for a sort expression", expression)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"maximumSessions>=10 AND hasAvailablePlayerSessions=true", `NOT (gameSessionProperties.map = "a\"b" OR gameSessionName <> 'x')`, "((((", "'", "= <> <",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		fits, err := parseFilter(expression)
		if err != nil {
			return
		}
		again, err := parseFilter("NOT (" + expression + ")")
		if err != nil {
			if len(expression)+len("NOT ()") > maxExpression {
				return
			}
			t.Fatalf("%q parses, its negation does not: %v", expression, err)
		}
		if fits(searched()) == again(searched()) {
			t.Fatalf("%q and its negation agree", expression)
		}
	})
}
