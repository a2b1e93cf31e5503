package scenario

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"muster/flexmatch"
)

// Limits of what is read. Those of ids and players are of Amazon's API reference, 2025.
const (
	maxTicketID = 128  // characters
	maxName     = 1024 // characters of player ids, attributes, locations and teams
	maxParty    = 10   // players of a ticket
	maxSeated   = 199  // players of a backfill ticket
	maxLine     = 4 << 20
	maxTickets  = 2_000_000
	maxClock    = 4e9 // seconds to either side of the epoch: 126 years
)

// epoch is second 0 of the test clock.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// At is an instant of the test clock, seconds after its start.
func At(seconds float64) time.Time {
	whole, part := math.Modf(seconds)
	return epoch.Add(time.Duration(whole)*time.Second + time.Duration(math.Round(part*1e9)))
}

// Seconds is where an instant lies on the test clock; it undoes At.
func Seconds(t time.Time) float64 { return float64(t.Sub(epoch)) / 1e9 }

// TicketFile is what a file of tickets holds.
type TicketFile struct {
	Tickets []flexmatch.Ticket // in the order of the file
	Lines   []int              // on which they stand, from 1
	// Warnings are what was not read.
	Warnings []string
}

// ReadTickets reads tickets, one JSON object a line, in the order of the file; empty
// lines are skipped. If anything is wrong the error is of type Problems and names every
// line and field, or it is that of in. Two tickets of one id are a problem; a player may
// be in several tickets, as over time players queue again.
func ReadTickets(in io.Reader) ([]flexmatch.Ticket, error) {
	file, err := ReadTicketFile(in)
	return file.Tickets, err
}

// ReadTicketFile is ReadTickets with the lines that the tickets stand on.
func ReadTicketFile(in io.Reader) (TicketFile, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	r := &reader{}
	var file TicketFile
	seen := make(map[string]int) // line by ticket id
	for lines.Scan() && len(r.problems) < maxProblems {
		r.line++
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		if len(file.Tickets) == maxTickets {
			r.problem("", "more than %d tickets", maxTickets)
			break
		}
		t, ok := r.ticketLine(line)
		if !ok {
			continue
		}
		if earlier := seen[t.ID]; earlier > 0 && t.ID != "" {
			r.problem("ticketId", "%s is in line %d already", shorten(t.ID), earlier)
		}
		seen[t.ID] = r.line
		file.Tickets, file.Lines = append(file.Tickets, t), append(file.Lines, r.line)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		r.line++
		r.problem("", "longer than %d MiB: a line is one ticket", maxLine>>20)
	} else if err != nil {
		return TicketFile{}, fmt.Errorf("read tickets: %w", err)
	}
	if len(r.problems) > 0 {
		return TicketFile{}, r.problems
	}
	file.Warnings = r.warnings
	return file, nil
}

// ticketLine reads one line; false when it is not JSON.
func (r *reader) ticketLine(line []byte) (flexmatch.Ticket, bool) {
	v, err := decode(line)
	if err != nil {
		r.problem("", "a line is one ticket as a JSON object: %v", err)
		return flexmatch.Ticket{}, false
	}
	before := len(r.problems)
	for _, name := range repeatedNames(line) {
		r.problem("", "%s stands twice in one object", shorten(name))
	}
	t := r.ticket("", v)
	if len(r.problems) == before {
		r.checkPlayers(t)
	}
	return t, true
}

// checkPlayers holds what GameLift says of the players of one ticket.
func (r *reader) checkPlayers(t flexmatch.Ticket) {
	backfill, limit := t.Backfill || t.GameSessionARN != "", maxParty
	if backfill {
		limit = maxSeated
	}
	if len(t.Players) < 1 || len(t.Players) > limit {
		r.problem("players", "there are %d players; a ticket has 1 to %d, a backfill up to %d", len(t.Players), maxParty, maxSeated)
	}
	seen := make(map[string]bool, len(t.Players))
	for i, p := range t.Players {
		if seen[p.ID] && p.ID != "" {
			r.problem(fmt.Sprintf("players[%d].playerId", i), "%s is in this ticket already", shorten(p.ID))
		}
		seen[p.ID] = true
		switch team := fmt.Sprintf("players[%d].team", i); {
		case backfill && p.Team == "":
			r.problem(team, "is missing: the team that a player of a backfill ticket sits in")
		case !backfill && p.Team != "":
			r.warn(team, "is ignored: only the players of a backfill ticket sit in a team already")
		}
	}
}

var ticketFields = []string{"ticketId", "startTime", "players", "backfill", "gameSessionArn"}

// ticket reads a ticket.
func (r *reader) ticket(path string, v any) flexmatch.Ticket {
	f, ok := r.object(path, v, ticketFields...)
	if !ok {
		return flexmatch.Ticket{}
	}
	t := flexmatch.Ticket{
		ID:             f.id("ticketId", maxTicketID),
		StartAt:        f.instant("startTime"),
		Backfill:       f.truth("backfill"),
		GameSessionARN: f.text("gameSessionArn"),
	}
	if !f.has("players") {
		r.problem(f.at("players"), "is missing: a list of players")
	}
	list := f.list("players")
	t.Players = make([]flexmatch.Player, len(list))
	for i, one := range list {
		t.Players[i] = r.player(fmt.Sprintf("%s[%d]", f.at("players"), i), one)
	}
	return t
}

// instant is a member that is seconds on the clock of the file; its start when absent.
func (f fields) instant(name string) time.Time {
	v, ok := f.values[name]
	if !ok {
		return epoch
	}
	n, isNumber := v.(float64)
	if !isNumber || math.Abs(n) > maxClock {
		f.r.problem(f.at(name), "must be a number of seconds on a clock of your own, as 0 or 12.5, not %s", spell(v))
		return epoch
	}
	return At(n)
}

func (r *reader) player(path string, v any) flexmatch.Player {
	f, ok := r.object(path, v, "playerId", "attributes", "playerAttributes", "latencyInMs", "team")
	if !ok {
		return flexmatch.Player{}
	}
	p := flexmatch.Player{ID: f.id("playerId", maxName), Team: f.text("team"), Attributes: map[string]flexmatch.Value{}}
	attribute := func(path, name string, v any) {
		if name == "" {
			r.problem(path, "an attribute has a name")
		} else if v != nil {
			p.Attributes[name] = r.value(path, v)
		}
	}
	f.each("attributes", attribute)
	f.each("playerAttributes", attribute) // the API's name of it
	f.each("latencyInMs", func(path, location string, v any) {
		switch {
		case v == nil:
			return
		case location == "":
			r.problem(path, "a location has a name")
			return
		case p.LatencyInMs == nil:
			p.LatencyInMs = make(map[string]int)
		}
		p.LatencyInMs[location] = r.count(path, v, 1)
	})
	return p
}

// value reads an attribute in the form of the API's AttributeValue.
func (r *reader) value(path string, v any) flexmatch.Value {
	const accepted = `{"S": text}, {"N": number}, {"SL": [text, ...]} or {"SDM": {text: number, ...}}`
	m, ok := v.(map[string]any)
	if !ok {
		r.problem(path, "must be %s, not %s", accepted, kindOf(v))
		return flexmatch.Value{}
	}
	var kinds []string
	for _, kind := range sortedKeys(m) {
		if m[kind] != nil {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != 1 {
		r.problem(path, "must be one of %s, not %d of them", accepted, len(kinds))
		return flexmatch.Value{}
	}
	f := fields{r, path, m}
	switch kind := kinds[0]; kind {
	case "S":
		return flexmatch.Value{Kind: flexmatch.StringAttribute, String: f.text("S")}
	case "N":
		return flexmatch.Value{Kind: flexmatch.NumberAttribute, Number: f.number("N", -math.MaxFloat64, math.MaxFloat64)}
	case "SL":
		return flexmatch.Value{Kind: flexmatch.StringListAttribute, Strings: f.texts("SL")}
	case "SDM":
		out := flexmatch.Value{Kind: flexmatch.StringNumberMapAttribute, Numbers: map[string]float64{}}
		f.each("SDM", func(path, key string, v any) {
			out.Numbers[key] = r.number(path, v, -math.MaxFloat64, math.MaxFloat64)
		})
		return out
	default:
		r.problem(path, "must be %s; %s is none of them", accepted, strings.TrimSpace(shorten(kind)))
		return flexmatch.Value{}
	}
}
