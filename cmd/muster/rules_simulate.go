package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"muster/flexmatch"
	"muster/flexmatch/scenario"
	"muster/flexmatch/simulate"
	"muster/flexmatch/simulate/report"
)

type rulesSimulateCmd struct {
	Rules          string    `required:"" placeholder:"FILE" help:"Rule set as JSON; - is the standard input."`
	Against        string    `placeholder:"FILE" help:"A second rule set, to see both side by side on the same players."`
	Population     string    `placeholder:"FILE" help:"Who plays, as JSON. Default: 20,000 players a day on three continents."`
	For            *timeSpan `placeholder:"D" help:"How long to simulate, such as 6h, at most 2400h. Default: 24h, or all recorded tickets."`
	Players        *float64  `placeholder:"N" help:"Players a day, instead of the population's."`
	Seed           *uint64   `placeholder:"N" help:"Seed of everything random, instead of the population's."`
	RequestTimeout *timeSpan `placeholder:"D" help:"Remove tickets that wait this long, such as 5m. Default: never."`
	Report         string    `placeholder:"FILE.html" help:"Write a page with charts that needs no network."`
	JSON           bool      `name:"json" help:"Print JSON instead of text."`
}

// timeSpan is a duration of simulated time on the command line.
type timeSpan time.Duration

// longestSpan is the most that one simulation lasts.
const longestSpan = 2400 * time.Hour

// UnmarshalText reads a duration from a second to 2400 hours. Days it only names in
// hours: Go's durations, which all our commands take, have none.
func (s *timeSpan) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		hint := "6h, 90m or 45s"
		if days, isDays := strings.CutSuffix(string(text), "d"); isDays {
			if n, err := strconv.ParseFloat(days, 64); err == nil && n > 0 && n <= longestSpan.Hours()/24 {
				hint = strconv.FormatFloat(24*n, 'f', -1, 64) + "h"
			}
		}
		return fmt.Errorf("%q is not a duration; write for example %s", text, hint)
	}
	if d < time.Second || d > longestSpan {
		return fmt.Errorf("%s is not from 1s to 2400h", text)
	}
	*s = timeSpan(d)
	return nil
}

// duration is 0 for a flag that was not given.
func (s *timeSpan) duration() time.Duration {
	if s == nil {
		return 0
	}
	return time.Duration(*s)
}

// Help is the long description that --help shows.
func (*rulesSimulateCmd) Help() string {
	return "Players who exist only on paper come, wait, give up or are matched by the real matchmaker, in simulated time: a day takes moments. " +
		"The same seed gives the same results. Ctrl-C shows what was simulated until then."
}

// Run simulates and shows what came out. An interrupted run shows it too, and then fails.
func (c *rulesSimulateCmd) Run(ctx context.Context, p *process) error {
	rules, err := c.ruleSets(p)
	if err != nil {
		return err
	}
	options, err := c.options(p)
	if err != nil {
		return err
	}
	if err := c.checkReport(); err != nil {
		return err
	}
	show := newProgressLine(p.stderr, time.Now)
	options.Progress = show.update
	results, err := simulate.Run(ctx, rules, options)
	show.end()
	if err != nil {
		return usageError{c.populationName() + ": " + lines(err)}
	}
	if err := c.show(p, results, rules, options); err != nil {
		return err
	}
	for _, r := range results {
		if r.Interrupted {
			done := time.Duration(r.SimulatedSeconds * float64(time.Second)).Round(time.Second)
			return interruptedError{fmt.Sprintf("interrupted after %s of simulated time", short(done))}
		}
	}
	return nil
}

// ruleSets reads the rule set or both; problems and warnings are printed as rules check
// prints them.
func (c *rulesSimulateCmd) ruleSets(p *process) ([]simulate.Rules, error) {
	files := []string{c.Rules}
	if c.Against != "" {
		files = append(files, c.Against)
	}
	if len(files) == 2 && files[0] == "-" && files[1] == "-" {
		return nil, usageError{"the standard input cannot be both rule sets"}
	}
	names := ruleSetNames(files)
	var out []simulate.Rules
	for i, file := range files {
		body, err := p.readInput(file)
		if err != nil {
			return nil, err
		}
		rules, err := simulate.ParseRules(names[i], body)
		if err != nil {
			checkRuleSet(shownName(file), body).print(p.stderr)
			return nil, fmt.Errorf("%s is no rule set to simulate", shownName(file))
		}
		checkedFile{File: shownName(file), Warnings: ruleProblems(rules.Set.Warnings())}.print(p.stderr)
		out = append(out, rules)
	}
	return out, nil
}

// ruleSetNames are what reports call files: without folder and extension, if that
// tells them apart.
func ruleSetNames(files []string) []string {
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = shownName(file)
		if file != "-" {
			names[i] = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		}
	}
	if len(names) == 2 && names[0] == names[1] {
		return files
	}
	return names
}

func (c *rulesSimulateCmd) populationName() string {
	if c.Population == "" {
		return "default population"
	}
	return shownName(c.Population)
}

// options are the population and what flags say.
func (c *rulesSimulateCmd) options(p *process) (simulate.Options, error) {
	population, err := c.population(p)
	if err != nil {
		return simulate.Options{}, err
	}
	o := simulate.Options{Population: population, Duration: c.For.duration(), RequestTimeout: c.RequestTimeout.duration(), Seed: population.Seed, Seeded: true}
	if c.Seed != nil {
		o.Seed = *c.Seed
	}
	return o, nil
}

func (c *rulesSimulateCmd) population(p *process) (*simulate.Population, error) {
	const most = 10_000_000 // players a day
	population := simulate.DefaultPopulation()
	if c.Population != "" {
		body, err := p.readInput(c.Population)
		if err != nil {
			return nil, err
		}
		if population, err = simulate.ParsePopulation(body); err != nil {
			return nil, usageError{c.populationName() + ": " + lines(err)}
		}
		if population.Name == "" {
			population.Name = filepath.Base(shownName(c.Population))
		}
	}
	switch {
	case population.Recorded != "" && c.Players != nil:
		return nil, usageError{"--players does not go with recorded tickets"}
	case population.Recorded != "":
		return population, c.readRecorded(p, population)
	case c.Players == nil:
	case *c.Players >= 1 && *c.Players <= most:
		population.ScaleTo(*c.Players)
	default: // not a number, too
		return nil, usageError{fmt.Sprintf("--players is from 1 to %d, not %v", most, *c.Players)}
	}
	return population, nil
}

// readRecorded reads the tickets that a population names, relative to its file.
func (c *rulesSimulateCmd) readRecorded(p *process, population *simulate.Population) error {
	file := population.Recorded
	if !filepath.IsAbs(file) && c.Population != "-" {
		file = filepath.Join(filepath.Dir(c.Population), file)
	}
	body, err := p.readInput(file)
	if err != nil {
		return err
	}
	tickets, err := scenario.ReadTickets(bytes.NewReader(body))
	if err != nil {
		return usageError{file + ": " + lines(err)}
	}
	population.Tickets = append([]flexmatch.Ticket{}, tickets...)
	return nil
}

// checkReport fails if the report cannot be written, before anything is simulated for it.
// A file that is there keeps what it holds.
func (c *rulesSimulateCmd) checkReport() error {
	if c.Report == "" {
		return nil
	}
	info, err := os.Stat(c.Report)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil // a device or a pipe: opening it would already do something
	}
	file, failed := os.OpenFile(c.Report, os.O_WRONLY|os.O_CREATE, 0o644)
	if failed != nil {
		return usageError{fmt.Sprintf("--report: %s cannot be written: %v", c.Report, underlying(failed))}
	}
	_ = file.Close() // nothing was written
	if err != nil {
		_ = os.Remove(c.Report) // it was not there; left behind, it would be empty
	}
	return nil
}

// show writes the report and prints the results: in this order, so that a reader who has
// seen enough of the text has the report all the same.
func (c *rulesSimulateCmd) show(p *process, results []*simulate.Result, rules []simulate.Rules, options simulate.Options) error {
	wrong := c.writeReport(report.Run{Results: results, Rules: rules, Population: options.Population, Command: c.command(options.Seed)})
	if c.Report != "" && wrong == nil {
		fmt.Fprintf(p.stderr, "The report is in %s\n", c.Report)
	}
	if c.JSON {
		printJSON(p.stdout, map[string]any{"results": results})
	} else if err := report.Text(p.stdout, results); err != nil {
		return fmt.Errorf("print the results: %w", err)
	}
	return wrong
}

func (c *rulesSimulateCmd) writeReport(run report.Run) error {
	if c.Report == "" {
		return nil
	}
	var page bytes.Buffer
	err := report.HTML(&page, run)
	if err == nil {
		err = os.WriteFile(c.Report, page.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the report %s: %w", c.Report, underlying(err))
	}
	return nil
}

// command is the command line that makes the report again.
func (c *rulesSimulateCmd) command(seed uint64) string {
	words := []string{"muster rules simulate"}
	add := func(flag, value string) { words = append(words, "--"+flag, value) }
	addFile := func(flag, file string) {
		if file != "" {
			add(flag, shellWord(file))
		}
	}
	addFile("rules", c.Rules)
	addFile("against", c.Against)
	addFile("population", c.Population)
	if c.For != nil {
		add("for", short(c.For.duration()))
	}
	if c.Players != nil {
		add("players", strconv.FormatFloat(*c.Players, 'f', -1, 64))
	}
	add("seed", strconv.FormatUint(seed, 10))
	if c.RequestTimeout != nil {
		add("request-timeout", short(c.RequestTimeout.duration()))
	}
	addFile("report", c.Report)
	return strings.Join(words, " ")
}

// shellWord is a file as a shell takes it. Folders from the root on stay out: reports are
// passed on.
func shellWord(file string) string {
	if filepath.IsAbs(file) {
		file = filepath.Base(file)
	}
	if strings.ContainsFunc(file, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./", r)
	}) {
		return "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
	}
	return file
}

// short spells a duration without the units that are zero at its end.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// lines sets an error of many lines off from what precedes it.
func lines(err error) string {
	text := err.Error()
	if strings.Contains(text, "\n") {
		return "\n  " + strings.ReplaceAll(text, "\n", "\n  ")
	}
	return text
}

// progressLine shows how far a simulation is: on a terminal one line that changes,
// elsewhere a line every few seconds. Runs that are over sooner say nothing.
type progressLine struct {
	w        io.Writer
	now      func() time.Time
	terminal bool
	next     time.Time
	shown    bool
}

// The pace of progress.
const (
	terminalPace = 200 * time.Millisecond
	filePace     = 5 * time.Second
)

func newProgressLine(w io.Writer, now func() time.Time) *progressLine {
	l := &progressLine{w: w, now: now, terminal: isTerminal(w)}
	l.next = now().Add(l.pace())
	return l
}

func (l *progressLine) pace() time.Duration {
	if l.terminal {
		return terminalPace
	}
	return filePace
}

func (l *progressLine) update(s simulate.Progress) {
	now := l.now()
	if now.Before(l.next) || s.Total <= 0 {
		return
	}
	l.next, l.shown = now.Add(l.pace()), true
	text := fmt.Sprintf("%3.0f %%  %s  %s, %s", 100*float64(s.Simulated)/float64(s.Total), s.Clock(), plural(s.Queued, "player"), plural(s.Matches, "match"))
	if l.terminal {
		fmt.Fprintf(l.w, "\r%s\x1b[K", text)
	} else {
		fmt.Fprintln(l.w, text)
	}
}

// end clears the line.
func (l *progressLine) end() {
	if l.terminal && l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
