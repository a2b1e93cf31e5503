package scenario

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"muster/flexmatch"
)

// The kinds of scenario.
const (
	matchKind      = "match"
	acceptanceKind = "acceptance"
	largeFillKind  = "largeFill"
)

// document is a scenario as it is written.
type document struct {
	name, kind  string
	ruleSetFile string
	ruleSet     []byte // the inline one; nil without
	config      flexmatch.Config
	tickets     []flexmatch.Ticket
	byAction    map[string]bool // tickets that enter by a startMatchmaking action
	actions     []action
	expect      []expectation
	failing     map[int]string // expected error type ("" any) by index of the action
}

// action is one thing done at an instant: its verbs in their order.
type action struct {
	at    time.Time
	verbs []verb
}

// verb is one call of the API, a run of the matchmaker ("tick"), or the end of a
// placement.
type verb struct {
	name      string
	ticketID  string
	ticket    *flexmatch.Ticket // startMatchmaking with players
	playerIDs []string
	answer    string // ACCEPT or REJECT
	outcome   string // of a placement
}

// expectation is what must hold at an instant, or at the end when untimed. Nil slices
// and maps expect nothing.
type expectation struct {
	at        time.Time
	untimed   bool
	matches   []wantedMatch
	unmatched []string
	status    map[string][]string // allowed ones by ticket
	events    []string
	fails     bool // an action is expected to fail
	players   int  // largeFill: how many are seated
	teamSizes map[string]int
}

// wantedMatch describes a match that must form. Nil fields describe nothing.
type wantedMatch struct {
	tickets     []string
	inexact     bool // only ticketCount, mustInclude and teamSizes count
	ticketCount int
	mustInclude []string
	teamSizes   map[string]int
	teams       map[string][]string
	together    [][]string
}

// read reads a scenario; what is wrong goes to the reader.
func (r *reader) read(body []byte) document {
	d := document{byAction: map[string]bool{}, failing: map[int]string{}}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	root, err := decode(body)
	if err != nil {
		r.problem("", "%v", err)
		return d
	}
	if what := otherFile(root); what != "" {
		r.problem("", "%s", what)
		return d
	}
	for _, name := range repeatedNames(body) {
		r.warn("", "%s stands twice in one object, and only the last one counts", shorten(name))
	}
	f, ok := r.object("", root, "name", "kind", "ruleSetFile", "ruleSet", "config", "tickets", "actions", "expect",
		"errorAtAction", "errorType", "description", "basis", "confidence", "comment", "comments", "notes", "source")
	if !ok {
		return d
	}
	d.name, d.ruleSetFile, d.ruleSet = f.text("name"), f.text("ruleSetFile"), inlineRuleSet(f, body)
	switch {
	case d.ruleSetFile == "" && d.ruleSet == nil:
		r.problem("", "a ruleSet or a ruleSetFile is missing")
	case d.ruleSetFile != "" && d.ruleSet != nil:
		r.warn("ruleSet", "is not used: there is a ruleSetFile")
	}
	d.readTickets(f)
	for i, v := range f.list("actions") {
		d.actions = append(d.actions, d.action(r, fmt.Sprintf("actions[%d]", i), v))
	}
	d.expectedError(f)
	for i, v := range f.list("expect") {
		d.expect = append(d.expect, d.expectation(r, fmt.Sprintf("expect[%d]", i), v))
	}
	d.readKind(f)
	d.readConfig(f)
	return d
}

// otherFile names what is plainly not a scenario but another kind of file; "" of what
// may be one.
func otherFile(root any) string {
	m, ok := root.(map[string]any)
	if !ok {
		return ""
	}
	has := func(names ...string) bool {
		for name := range m {
			if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
				return true
			}
		}
		return false
	}
	switch {
	case has("ruleSet", "ruleSetFile", "expect", "actions"):
	case has("ruleLanguageVersion"):
		return "this is a rule set, not a scenario: a scenario names it as its ruleSetFile"
	case has("playersPerDay", "arrivalsByHour", "startHour", "skillAttribute", "patience", "parties", "regions"):
		return "this looks like a population for rules simulate, not like a scenario"
	case has("ticketId"):
		return "this is a ticket, not a scenario: a scenario lists it in its tickets"
	}
	return ""
}

// inlineRuleSet is the rule set as it stands in the scenario, byte for byte, or the
// text of the API's RuleSetBody.
func inlineRuleSet(f fields, body []byte) []byte {
	switch v := f.values["ruleSet"].(type) {
	case nil:
		return nil
	case string:
		return []byte(v)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(body, &parts); err != nil {
		return nil // it was decoded before
	}
	for name, part := range parts {
		if strings.EqualFold(name, "ruleSet") {
			return part
		}
	}
	return nil
}

func (d *document) readTickets(f fields) {
	seen := make(map[string]bool)
	for i, v := range f.list("tickets") {
		path := fmt.Sprintf("tickets[%d]", i)
		t := f.r.ticket(path, v)
		if t.ID != "" && seen[t.ID] {
			f.r.problem(path+".ticketId", "%s is used twice", shorten(t.ID))
		}
		seen[t.ID] = true
		d.tickets = append(d.tickets, t)
	}
}

// readKind takes the kind, or tells it from what else there is.
func (d *document) readKind(f fields) {
	d.kind = f.text("kind")
	kinds := []string{matchKind, acceptanceKind, largeFillKind}
	i := slices.IndexFunc(kinds, func(k string) bool { return strings.EqualFold(k, d.kind) })
	switch {
	case i >= 0:
		d.kind = kinds[i]
	case d.kind != "":
		f.r.problem("kind", "must be %s, not %s", strings.Join(kinds, ", "), shorten(d.kind))
	case len(d.actions) > 0:
		d.kind = acceptanceKind
	case len(d.tickets) == 0 && slices.ContainsFunc(d.expect, func(e expectation) bool { return e.players > 0 }):
		d.kind = largeFillKind
	default:
		d.kind = matchKind
	}
	if d.kind != acceptanceKind && len(d.actions) > 0 {
		f.r.warn("actions", "are not performed in a scenario of kind %s", d.kind)
	}
	d.readChecks(f)
	for i, e := range d.expect {
		path := fmt.Sprintf("expect[%d]", i)
		if d.kind == matchKind && e.untimed {
			f.r.problem(path+".at", "is missing: when the matchmaker runs, in seconds on the clock of startTime")
		}
		if d.kind == largeFillKind && (e.players < 1 || e.players > maxFill) {
			f.r.problem(path+".players", "must be 1 to %d: how many players are seated", maxFill)
		}
	}
}

// readChecks reports a scenario that would hold whatever happens.
func (d *document) readChecks(f fields) {
	idle := 0
	for i, e := range d.expect {
		if !e.checks(d.kind) {
			idle++
			f.r.warn(fmt.Sprintf("expect[%d]", i), "checks nothing: in a scenario of kind %s it has %s", d.kind, expectable[d.kind])
		}
	}
	if idle == len(d.expect) && (len(d.failing) == 0 || d.kind != acceptanceKind) {
		f.r.problem("expect", "nothing is checked: expect is a list of objects with %s", expectable[d.kind])
	}
}

// expectable is what an expectation of each kind can check.
var expectable = map[string]string{
	matchKind:      "matches, unmatched, status, statusIn or events",
	acceptanceKind: "status, statusIn, events, matches, unmatched or errorAtAction",
	largeFillKind:  "teamSizes",
}

// checks tells that an expectation can fail.
func (e expectation) checks(kind string) bool {
	if kind == largeFillKind {
		return len(e.teamSizes) > 0
	}
	return e.fails && kind == acceptanceKind || e.matches != nil || e.unmatched != nil || len(e.status) > 0 || len(e.events) > 0
}

// maxFill bounds the players of a largeFill scenario; more than any match has.
const maxFill = 1000

// maxSeconds bounds timeouts: Amazon's longest is 43,200.
const maxSeconds = 1e6

func (d *document) readConfig(f fields) {
	answers := func(a action) bool {
		return slices.ContainsFunc(a.verbs, func(v verb) bool { return v.name == "acceptMatch" })
	}
	d.config.AcceptanceRequired = d.kind == acceptanceKind && slices.ContainsFunc(d.actions, answers)
	if !f.has("config") {
		return
	}
	c, ok := f.r.object("config", f.values["config"], "acceptanceRequired", "acceptanceTimeoutSeconds", "requestTimeoutSeconds",
		"additionalPlayerCount", "flexMatchMode", "backfillMode", "name", "ruleSetName", "description")
	if !ok {
		return
	}
	seconds := func(name string) time.Duration {
		return time.Duration(c.number(name, 0, maxSeconds) * float64(time.Second))
	}
	d.config.RequestTimeout = seconds("requestTimeoutSeconds")
	d.config.AcceptanceTimeout = seconds("acceptanceTimeoutSeconds")
	d.config.AdditionalPlayers = c.count("additionalPlayerCount", 0)
	if c.has("acceptanceRequired") {
		d.config.AcceptanceRequired = c.truth("acceptanceRequired")
	} else if c.has("acceptanceTimeoutSeconds") {
		d.config.AcceptanceRequired = true
	}
	if d.kind != acceptanceKind { // the acceptance step is off
		d.config.AcceptanceRequired, d.config.AcceptanceTimeout = false, 0
	}
}

// verbNames are what an action can do, in the order in which one action does several.
var verbNames = []string{"startMatchmaking", "startMatchBackfill", "acceptMatch", "stopMatchmaking", "placement", "tick"}

func (d *document) action(r *reader, path string, v any) action {
	f, ok := r.object(path, v, append([]string{"at", "errorType", "comment", "description", "name"}, verbNames...)...)
	if !ok {
		return action{at: At(0)}
	}
	a := action{at: f.instant("at")}
	if n := len(d.actions); n > 0 {
		if before := d.actions[n-1].at; !f.has("at") {
			a.at = before
		} else if a.at.Before(before) {
			r.warn(f.at("at"), "is before the action that precedes it, so it happens at the same time")
			a.at = before
		}
	}
	if f.has("errorType") {
		d.failing[len(d.actions)] = f.text("errorType")
	}
	for _, name := range verbNames {
		if !f.has(name) {
			continue
		}
		if name == "tick" {
			if f.truth(name) {
				a.verbs = append(a.verbs, verb{name: name})
			}
			continue
		}
		a.verbs = append(a.verbs, d.verb(f, name, a.at))
	}
	if len(a.verbs) == 0 {
		r.warn(path, "does nothing but let time pass; an action has one of %s", strings.Join(verbNames, ", "))
	}
	return a
}

// verb reads the parameters of a call. A ticket id alone may stand for them.
func (d *document) verb(f fields, name string, at time.Time) verb {
	out := verb{name: name}
	if id, isText := f.values[name].(string); isText {
		out.ticketID = id
	} else {
		known := map[string][]string{
			"acceptMatch":        {"ticketId", "playerIds", "type", "acceptanceType"},
			"stopMatchmaking":    {"ticketId"},
			"placement":          {"ticketId", "outcome"},
			"startMatchmaking":   ticketFields,
			"startMatchBackfill": ticketFields,
		}
		p, ok := f.r.object(f.at(name), f.values[name], known[name]...)
		if !ok {
			return out
		}
		out.ticketID = p.id("ticketId", maxTicketID)
		out.playerIDs = p.texts("playerIds")
		out.answer = strings.ToUpper(cmp.Or(p.text("type"), p.text("acceptanceType")))
		out.outcome = strings.ToUpper(p.text("outcome"))
		if p.has("players") {
			t := f.r.ticket(f.at(name), f.values[name])
			if !p.has("startTime") {
				t.StartAt = at
			}
			out.ticket = &t
		}
	}
	if name == "startMatchmaking" || name == "startMatchBackfill" {
		d.starting(f, &out, at)
	}
	if outcomes := []string{"FULFILLED", "FAILED", "TIMED_OUT"}; name == "placement" && !slices.Contains(outcomes, out.outcome) {
		f.r.problem(f.at(name)+".outcome", "must be one of %s", strings.Join(outcomes, ", "))
	}
	return out
}

// starting finds the ticket that an action starts: its own, or one of the scenario's,
// which then does not enter by itself.
func (d *document) starting(f fields, v *verb, at time.Time) {
	if v.ticket == nil {
		i := slices.IndexFunc(d.tickets, func(t flexmatch.Ticket) bool { return t.ID == v.ticketID })
		if i < 0 {
			f.r.problem(f.at(v.name), "%s is not in tickets, and there are no players here", shorten(v.ticketID))
			return
		}
		t := d.tickets[i]
		t.StartAt = at
		v.ticket = &t
		d.byAction[t.ID] = true
	}
	if v.name == "startMatchBackfill" {
		v.ticket.Backfill = true
	}
}

// expectedError reads errorAtAction and errorType, of the scenario or of one
// expectation.
func (d *document) expectedError(f fields) {
	for _, v := range f.list("errorAtAction") {
		n, isNumber := v.(float64)
		if !isNumber || n != math.Trunc(n) || n < 0 || int(n) >= len(d.actions) {
			f.r.problem(f.at("errorAtAction"), "must be the index of an action, from 0 to %d, not %s", len(d.actions)-1, spell(v))
			continue
		}
		d.failing[int(n)] = f.text("errorType")
	}
}

func (d *document) expectation(r *reader, path string, v any) expectation {
	f, ok := r.object(path, v, "at", "matches", "unmatched", "status", "statusIn", "events", "players", "teamSizes",
		"errorAtAction", "errorType", "comment", "description", "name")
	if !ok {
		return expectation{untimed: true}
	}
	e := expectation{
		at: f.instant("at"), untimed: !f.has("at"), unmatched: f.texts("unmatched"), events: f.texts("events"),
		status: f.statuses(), players: f.count("players", 0), teamSizes: f.counts("teamSizes"),
	}
	if f.has("matches") {
		e.matches = []wantedMatch{}
	}
	for i, v := range f.list("matches") {
		e.matches = append(e.matches, r.wantedMatch(fmt.Sprintf("%s[%d]", f.at("matches"), i), v))
	}
	d.expectedError(f)
	e.fails = f.has("errorAtAction")
	return e
}

// statuses joins status and statusIn.
func (f fields) statuses() map[string][]string {
	out := make(map[string][]string)
	take := func(path, id string, v any) {
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		for _, s := range f.r.texts(path, list) {
			out[id] = append(out[id], strings.ToUpper(s))
		}
	}
	f.each("status", take)
	f.each("statusIn", take)
	return out
}

// counts is a member of whole numbers by name; nil when absent.
func (f fields) counts(name string) map[string]int {
	if !f.has(name) {
		return nil
	}
	out := make(map[string]int)
	f.each(name, func(path, key string, v any) { out[key] = f.r.count(path, v, 0) })
	return out
}

func (r *reader) wantedMatch(path string, v any) wantedMatch {
	f, ok := r.object(path, v, "tickets", "teamSizes", "teams", "together", "exactTickets", "ticketCount", "mustInclude",
		"comment", "description", "name")
	if !ok {
		return wantedMatch{}
	}
	w := wantedMatch{
		tickets: f.texts("tickets"), ticketCount: f.count("ticketCount", 0),
		mustInclude: f.texts("mustInclude"), teamSizes: f.counts("teamSizes"),
		inexact: f.has("exactTickets") && !f.truth("exactTickets"),
	}
	if f.has("teams") {
		w.teams = make(map[string][]string)
	}
	f.each("teams", func(path, team string, v any) {
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		w.teams[team] = r.texts(path, list)
	})
	for i, v := range f.list("together") {
		group, isList := v.([]any)
		if !isList {
			r.problem(fmt.Sprintf("%s[%d]", f.at("together"), i), "must be a list of player ids, not %s", kindOf(v))
			continue
		}
		w.together = append(w.together, r.texts(fmt.Sprintf("%s[%d]", f.at("together"), i), group))
	}
	return w
}
