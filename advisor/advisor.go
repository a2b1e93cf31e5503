// Package advisor tells why tickets are not matched: it implements muster.Advisor by
// judging the tickets that wait with the matchmaker of package flexmatch, under the
// rule set that GameLift itself matches them with.
//
// Make one with New and give it to muster.Options. It keeps the rules of each
// configuration for a minute, so it follows a configuration that is given another rule
// set. What GameLift does may differ where Amazon's documents are silent; backfill
// tickets of game servers are unknown to the backend and so to the advice.
//
// It decides nothing about who may see what: that is the root's.
package advisor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"muster"
	"muster/flexmatch"
)

// Source reads what a matchmaking configuration matches by. An unknown configuration is
// a *muster.Error of kind NotFound.
type Source interface {
	MatchmakerRules(ctx context.Context, configuration string) (muster.MatchmakerRules, error)
}

// keptFor is how long rules are trusted, and maxKept how many configurations are kept.
const (
	keptFor = time.Minute
	maxKept = 200
)

// Advisor implements muster.Advisor. It is safe for concurrent use.
type Advisor struct {
	source Source

	mu   sync.Mutex       // guards kept
	kept map[string]rules // by configuration
}

// rules is one matchmaker, as it was read at an instant.
type rules struct {
	at     time.Time
	body   string
	config flexmatch.Config
}

var _ muster.Advisor = (*Advisor)(nil)

// New makes an Advisor that asks nobody until it is asked.
func New(source Source) *Advisor {
	return &Advisor{source: source, kept: make(map[string]rules)}
}

// Explain explains a ticket among those that wait.
func (a *Advisor) Explain(ctx context.Context, q muster.AdviceRequest) (muster.Advice, error) {
	r, err := a.rules(ctx, q.Configuration, q.Now)
	if err != nil {
		return muster.Advice{}, err
	}
	waiting := make([]flexmatch.Ticket, len(q.Waiting))
	for i, w := range q.Waiting {
		waiting[i] = ticket(w)
	}
	x, err := r.config.Explain(q.Now, waiting, string(q.Ticket))
	if err != nil {
		return muster.Advice{}, &muster.Error{
			Kind: muster.Unavailable, Code: "explanation.unreadable",
			Message: "this ticket cannot be judged by the rules of its mode", Err: fmt.Errorf("explain ticket %s: %w", q.Ticket, err),
		}
	}
	return Of(x), nil
}

// rules finds the matchmaker of a configuration; what is kept for too long is read
// anew. When that fails, what is kept serves on.
func (a *Advisor) rules(ctx context.Context, configuration string, now time.Time) (rules, error) {
	a.mu.Lock()
	known, ok := a.kept[configuration]
	a.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < keptFor {
		return known, nil
	}
	read, err := a.source.MatchmakerRules(ctx, configuration)
	if err != nil {
		if ok && muster.KindOf(err) == muster.Unavailable {
			return known, nil
		}
		return rules{}, unreadable(fmt.Errorf("read the rules of configuration %s: %w", configuration, err))
	}
	fresh := rules{at: now, body: read.RuleSetBody, config: flexmatch.Config{
		RuleSet: known.config.RuleSet, RequestTimeout: read.RequestTimeout, AdditionalPlayers: read.AdditionalPlayers,
	}}
	if !ok || known.body != read.RuleSetBody {
		set, err := flexmatch.ParseRuleSet([]byte(read.RuleSetBody))
		if err != nil {
			return rules{}, unreadable(fmt.Errorf("rule set of configuration %s: %w", configuration, err))
		}
		fresh.config.RuleSet = set
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) >= maxKept {
		clear(a.kept)
	}
	a.kept[configuration] = fresh
	return fresh, nil
}

func unreadable(err error) error {
	return &muster.Error{
		Kind: muster.Unavailable, Code: "explanation.rules_unreadable", Message: "the rules of this mode cannot be read now", Err: err,
	}
}

// ticket turns a waiting ticket into the matchmaker's form.
func ticket(w muster.WaitingTicket) flexmatch.Ticket {
	t := flexmatch.Ticket{ID: string(w.Ticket), StartAt: w.StartedAt, Players: make([]flexmatch.Player, len(w.Players))}
	for i, p := range w.Players {
		t.Players[i] = flexmatch.Player{ID: string(p.ID), LatencyInMs: p.LatencyInMs, Attributes: make(map[string]flexmatch.Value, len(p.Attributes))}
		for name, v := range p.Attributes {
			t.Players[i].Attributes[name] = value(v)
		}
	}
	return t
}

func value(v muster.AttributeValue) flexmatch.Value {
	switch {
	case v.S != nil:
		return flexmatch.Value{Kind: flexmatch.StringAttribute, String: *v.S}
	case v.N != nil:
		return flexmatch.Value{Kind: flexmatch.NumberAttribute, Number: *v.N}
	case v.SDM != nil:
		return flexmatch.Value{Kind: flexmatch.StringNumberMapAttribute, Numbers: v.SDM}
	}
	return flexmatch.Value{Kind: flexmatch.StringListAttribute, Strings: v.SL}
}
