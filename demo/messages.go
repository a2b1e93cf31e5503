package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"muster/demo/game"
)

// maxClientMessage bounds what a player may send at once, in bytes. A join token is
// the largest part of it.
const maxClientMessage = 4096

// The longest identifiers that are looked at.
const (
	maxSeatID    = 256
	maxJoinToken = 3072
	maxNameRunes = 18
)

// clientMessage is one parsed message of a player. Which fields mean something depends
// on Type: join, input, leave or ping.
type clientMessage struct {
	Type  string
	Seat  string // join: the player session id
	Token string // join
	Name  string // join: shown to others; may be empty
	Input game.Input
	Time  int64 // ping: echoed
}

// parseClientMessage reads one text message of a player. It accepts nothing that is
// out of range, so that the rest of the server need not ask again.
func parseClientMessage(data []byte) (clientMessage, error) {
	if len(data) > maxClientMessage {
		return clientMessage{}, fmt.Errorf("a message of %d bytes, %d is the limit", len(data), maxClientMessage)
	}
	var raw struct {
		Type  string `json:"type"`
		Seat  string `json:"playerSessionId"`
		Token string `json:"joinToken"`
		Name  string `json:"name"`
		X     int    `json:"x"`
		Y     int    `json:"y"`
		Dash  bool   `json:"dash"`
		Time  int64  `json:"t"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&raw); err != nil {
		return clientMessage{}, errors.New("not a JSON object of the known shape")
	}
	if _, err := dec.Token(); err != io.EOF {
		return clientMessage{}, errors.New("more than one JSON value in a message")
	}
	switch raw.Type {
	case "join":
		if raw.Seat == "" || raw.Token == "" || len(raw.Seat) > maxSeatID || len(raw.Token) > maxJoinToken {
			return clientMessage{}, errors.New("a join names its playerSessionId and joinToken")
		}
		return clientMessage{Type: raw.Type, Seat: raw.Seat, Token: raw.Token, Name: cleanName(raw.Name)}, nil
	case "input":
		if raw.X < -127 || raw.X > 127 || raw.Y < -127 || raw.Y > 127 {
			return clientMessage{}, errors.New("x and y are -127 to 127")
		}
		return clientMessage{Type: raw.Type, Input: game.Input{X: int8(raw.X), Y: int8(raw.Y), Dash: raw.Dash}}, nil
	case "leave":
		return clientMessage{Type: raw.Type}, nil
	case "ping":
		return clientMessage{Type: raw.Type, Time: raw.Time}, nil
	}
	return clientMessage{}, errors.New("the type is join, input, leave or ping")
}

// cleanName keeps what can be shown on one line: at most maxNameRunes printable runes.
func cleanName(s string) string {
	out := make([]rune, 0, maxNameRunes)
	for _, r := range s {
		if len(out) == maxNameRunes {
			break
		}
		if r != utf8.RuneError && unicode.IsPrint(r) {
			out = append(out, r)
		}
	}
	return string(bytes.TrimSpace([]byte(string(out))))
}

// The server's messages. Each is encoded once, however many receive it.
type (
	welcomeMessage struct {
		Type         string    `json:"type"`
		You          int       `json:"you"` // index into Cars
		TickRate     int       `json:"tickRate"`
		RoundSeconds float64   `json:"roundSeconds"`
		Width        int       `json:"width"`
		Height       int       `json:"height"`
		Walls        string    `json:"walls"` // row by row, "1" is a wall
		Tiles        string    `json:"tiles"` // row by row, "0" blank, "1" team 0, "2" team 1
		Teams        []string  `json:"teams"`
		Cars         []carInfo `json:"cars"`
	}
	rosterMessage struct {
		Type string    `json:"type"`
		Cars []carInfo `json:"cars"`
	}
	carInfo struct {
		Team  int    `json:"team"`
		Name  string `json:"name"`
		State string `json:"state"` // expected, here, away or left
	}
	overMessage struct {
		Type   string      `json:"type"`
		Reason string      `json:"reason"` // time, forfeit or nobody
		Teams  []teamScore `json:"teams"`
	}
	teamScore struct {
		Name  string `json:"name"`
		Rank  int    `json:"rank"`
		Score int    `json:"score"`
	}
	refusedMessage struct {
		Type    string `json:"type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	pongMessage struct {
		Type string `json:"type"`
		Time int64  `json:"t"`
	}
	plainMessage struct {
		Type string `json:"type"`
	}
)

// refusal is why a player does not get what it asked for. Code is stable, Message is
// for people; both are shown to the player.
type refusal struct {
	Code, Message string
	cause         error // for the log only
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.Code + ": " + r.Message + ": " + r.cause.Error()
	}
	return r.Code + ": " + r.Message
}

func (r *refusal) Unwrap() error { return r.cause }

func (r *refusal) encode() []byte {
	return mustJSON(refusedMessage{Type: "refused", Code: r.Code, Message: r.Message})
}

// mustJSON encodes one of our own message types, which cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return b
}

func digits(tiles []uint8) string {
	b := make([]byte, len(tiles))
	for i, t := range tiles {
		b[i] = '0' + t
	}
	return string(b)
}

func bits(walls []bool) string {
	b := bytes.Repeat([]byte{'0'}, len(walls))
	for i, wall := range walls {
		if wall {
			b[i] = '1'
		}
	}
	return string(b)
}
