package main

import (
	"fmt"
	"math"
	"time"

	"muster"
)

// competitionConfig says how a mode's results count; its keys are the mode's own.
type competitionConfig struct {
	Leavers        string         `yaml:"leavers"` // asTeam, loss or ignored; empty: asTeam
	Absent         string         `yaml:"absent"`  // refused or unrated; empty: refused
	Seasons        []seasonConfig `yaml:"seasons"`
	CarryOver      float64        `yaml:"carryOver"`
	Decay          decayConfig    `yaml:"decay"`
	PlacementGames int            `yaml:"placementGames"`
	PublicHistory  bool           `yaml:"publicHistory"`
}

type seasonConfig struct {
	Name     string `yaml:"name"`
	StartsAt string `yaml:"startsAt"` // an instant, or a day: its first instant in UTC
}

type decayConfig struct {
	AfterDays float64 `yaml:"afterDays"`
}

// competitionShapes are the keys of a mode that say how results count.
func competitionShapes() map[string]*shape {
	return map[string]*shape{
		"leavers": text(), "absent": text(), "carryOver": number(), "placementGames": whole(), "publicHistory": truth(),
		"seasons": list("a list of seasons", group(map[string]*shape{"name": text(), "startsAt": text()})),
		"decay":   group(map[string]*shape{"afterDays": number()}),
	}
}

// check reports what the rules cannot see.
func (c competitionConfig) check(k *checker, at string) {
	if !(c.Decay.AfterDays >= 0 && c.Decay.AfterDays <= maxDays) {
		k.report(at+".decay.afterDays", "lies between 0 and %d, not %v", maxDays, c.Decay.AfterDays)
	}
	for i, s := range c.Seasons {
		if problem := s.problem(); problem != "" {
			k.report(fmt.Sprintf("%s.seasons[%d].startsAt", at, i), "%s", problem)
		}
	}
}

// problem says what is wrong with the start of a season that has one.
func (s seasonConfig) problem() string {
	if s.StartsAt == "" || !s.start().IsZero() {
		return "" // the rules want one
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if at, err := time.Parse(layout, s.StartsAt); err == nil {
			return fmt.Sprintf("%q has no time zone: write %s, or %s", s.StartsAt, at.Format(time.RFC3339), at.Format("2006-01-02T15:04:05")+"+02:00")
		}
	}
	return fmt.Sprintf("%q is neither a day, such as 2026-03-01, nor an instant with its time zone, such as 2026-03-01T18:00:00Z", s.StartsAt)
}

// competition is how results count as the rules know it.
func (c competitionConfig) competition() muster.Competition {
	rules := muster.Competition{
		Leavers: muster.LeaverRule(c.Leavers), Absent: muster.AbsentRule(c.Absent),
		CarryOver: c.CarryOver, PlacementGames: c.PlacementGames, PublicHistory: c.PublicHistory,
	}
	if c.Leavers == "asTeam" {
		rules.Leavers = muster.LeaversAsTeam
	}
	if c.Absent == "refused" {
		rules.Absent = muster.AbsentRefused
	}
	if c.Decay.AfterDays >= 0 && c.Decay.AfterDays <= maxDays { // else check says so
		rules.DecayAfter = time.Duration(math.Round(c.Decay.AfterDays*24*3600)) * time.Second
	}
	var last time.Time
	for _, s := range c.Seasons {
		at := s.start()
		if s.problem() != "" {
			at = last.Add(time.Nanosecond) // check says what is wrong; to the rules it is in order
		}
		rules.Seasons, last = append(rules.Seasons, muster.Season{Name: muster.SeasonName(s.Name), StartsAt: at}), at
	}
	return rules
}

// start is when the season starts; zero when that cannot be read.
func (s seasonConfig) start() time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s.StartsAt); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
