package demo

import (
	"strings"
	"testing"
	"unicode/utf8"

	"muster/demo/game"
)

func TestClientMessagesAreParsedStrictly(t *testing.T) {
	join := `{"type":"join","playerSessionId":"psess-1","joinToken":"a.b.c","name":"Ada"}`
	good := map[string]clientMessage{
		join:                                {Type: "join", Seat: "psess-1", Token: "a.b.c", Name: "Ada"},
		`{"type":"input","x":-127,"y":127}`: {Type: "input", Input: game.Input{X: -127, Y: 127}},
		`{"type":"input","dash":true}`:      {Type: "input", Input: game.Input{Dash: true}},
		`{"type":"leave","later":"field"}`:  {Type: "leave"},
		`{"type":"ping","t":12}` + "\n":     {Type: "ping", Time: 12},
	}
	for text, want := range good {
		if got, err := parseClientMessage([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	bad := map[string]string{
		"nothing":                   ``,
		"no JSON":                   `join`,
		"a list":                    `[1]`,
		"no type":                   `{}`,
		"an unknown type":           `{"type":"win"}`,
		"two values":                join + join,
		"x beyond its range":        `{"type":"input","x":128}`,
		"y with a fraction":         `{"type":"input","y":1.5}`,
		"a join without a token":    `{"type":"join","playerSessionId":"psess-1"}`,
		"a join without a seat":     `{"type":"join","joinToken":"a.b.c"}`,
		"a seat that is too long":   `{"type":"join","joinToken":"a","playerSessionId":"` + strings.Repeat("p", maxSeatID+1) + `"}`,
		"a message that is too big": `{"type":"leave","x":` + strings.Repeat(" ", maxClientMessage) + `1}`,
	}
	for name, text := range bad {
		if got, err := parseClientMessage([]byte(text)); err == nil {
			t.Errorf("%s was parsed to %+v", name, got)
		}
	}
}

func TestNamesAreMadeShowable(t *testing.T) {
	for in, want := range map[string]string{
		"  Ada  ":               "Ada",
		"a\nb\x00c":             "abc",
		"\u202eevil":            "evil",
		strings.Repeat("ä", 30): strings.Repeat("ä", maxNameRunes),
		"bad\xffbytes":          "badbytes",
		"":                      "",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("cleanName(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClientFrame(f *testing.F) {
	for _, seed := range []string{
		`{"type":"join","playerSessionId":"psess-1","joinToken":"a.b.c","name":"Ada"}`,
		`{"type":"input","x":-127,"y":127,"dash":true}`, `{"type":"leave"}`, `{"type":"ping","t":1}`, `{"type":"input","x":1e9}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseClientMessage(data)
		if err != nil {
			if m != (clientMessage{}) {
				t.Fatalf("an error came with %+v", m)
			}
			return
		}
		if m.Input.X == -128 || m.Input.Y == -128 || utf8.RuneCountInString(m.Name) > maxNameRunes || !utf8.ValidString(m.Name) {
			t.Fatalf("parsed %+v", m)
		}
		if m.Type == "join" && (m.Seat == "" || m.Token == "") {
			t.Fatalf("a join of nobody: %+v", m)
		}
	})
}
