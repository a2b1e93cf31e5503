// Package report shows the results of simulations to people: Text as a summary and
// tables for a terminal, HTML as a page with charts that stands for itself, Sentences as
// a few plain words. With two results it sets them side by side everywhere.
//
// Every place of a drawing is computed here and written down by a template, which
// escapes all text: names come from files.
package report
