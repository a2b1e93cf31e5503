// Package game is Ink Rush, the demo game, as a pure simulation: two teams drive small
// cars over a floor of tiles, every tile driven over takes the team's colour, and the
// team with the most tiles at the end wins. A dash shoves an opponent aside and
// splashes ink over the place; pick-ups explode, speed up or widen the brush.
//
// Call New, then Step once for every tick of 1/30 second. There is no clock, goroutine
// or I/O inside: same Config and same inputs give the same frames on one processor
// architecture. A World is not safe for concurrent use.
package game

import (
	"fmt"
	"math/rand/v2"
)

// TicksPerSecond is the rate that the rules are written for.
const TicksPerSecond = 30

// Limits of a Config.
const (
	MaxTeamSize   = 8
	maxRoundTicks = 60 * 60 * TicksPerSecond
)

// Phase is where a round stands. It only moves forward.
type Phase uint8

// The phases. During Warmup everybody drives and nothing is painted.
const (
	Warmup Phase = iota
	Countdown
	Playing
	Over
)

// Config describes one round.
type Config struct {
	Seed           uint64
	TeamSizes      [2]int // cars of each team, 1 to MaxTeamSize
	RoundTicks     int    // length of Playing; 1 or more
	CountdownTicks int    // length of Countdown; 0: none
}

// Input is what one driver wants in one tick. X and Y are the direction, -127 to 127
// each, y downwards; a longer vector than 127 counts as 127.
type Input struct {
	X, Y int8
	Dash bool
}

// World is the state of one round. Cars are numbered from 0, team 0 first.
type World struct {
	arena   Arena
	tiles   []uint8 // row by row: 0 is blank, 1 is team 0, 2 is team 1
	cars    []car
	pickups []Pickup
	scores  [2]int
	rng     *rand.Rand

	phase     Phase
	left      int // ticks left of the phase; 0 in Warmup and Over
	tick      uint32
	round     int // RoundTicks
	countdown int // CountdownTicks
	spawnIn   int // ticks until the next pick-ups
	nextID    uint8

	painted []Paint // since the start of the current Step
	events  []Event
}

// Frame is what one Step did and where everything stands after it. The caller owns it.
type Frame struct {
	Tick    uint32
	Phase   Phase
	Left    int // ticks left of the phase
	Scores  [2]int
	Cars    []Car
	Pickups []Pickup
	Painted []Paint // tiles that changed in this step; a later entry of a tile wins
	Events  []Event // in the order they happened
}

// Paint is one tile that took a colour.
type Paint struct {
	Tile int   // y*Width + x
	Team uint8 // 0 or 1
}

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of event. Numbers are part of the wire format.
const (
	Dashed EventKind = iota + 1
	Shoved           // Car is who did it, X and Y where
	Exploded
	Boosted
	Widened
	Appeared // a pick-up; Car means nothing
)

// Event is something worth a sound or a flash. X and Y are in tiles.
type Event struct {
	Kind EventKind
	Car  int
	X, Y float64
}

// New builds a world in Warmup with every car at its start.
func New(cfg Config) (*World, error) {
	for team, size := range cfg.TeamSizes {
		if size < 1 || size > MaxTeamSize {
			return nil, fmt.Errorf("team %d has %d cars, 1 to %d are possible", team, size, MaxTeamSize)
		}
	}
	if cfg.RoundTicks < 1 || cfg.RoundTicks > maxRoundTicks || cfg.CountdownTicks < 0 || cfg.CountdownTicks > maxRoundTicks {
		return nil, fmt.Errorf("a round of %d ticks after %d is not possible, %d is the most", cfg.RoundTicks, cfg.CountdownTicks, maxRoundTicks)
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x1a2b3c4d5e6f7788))
	w := &World{
		rng:       rng,
		arena:     newArena(rng, cfg.TeamSizes[0]+cfg.TeamSizes[1]),
		round:     cfg.RoundTicks,
		countdown: cfg.CountdownTicks,
		spawnIn:   firstPickupTicks,
	}
	w.tiles = make([]uint8, w.arena.Width*w.arena.Height)
	for team, size := range cfg.TeamSizes {
		for i := range size {
			w.cars = append(w.cars, newCar(uint8(team), w.arena.start(team, i, size)))
		}
	}
	return w, nil
}

// Arena returns the floor plan. It never changes; do not modify it.
func (w *World) Arena() Arena { return w.arena }

// Tiles returns a copy of the floor: row by row, 0 for blank, 1 + team otherwise.
func (w *World) Tiles() []uint8 { return append([]uint8(nil), w.tiles...) }

// Scores returns the number of tiles of each team.
func (w *World) Scores() [2]int { return w.scores }

// Phase returns where the round stands.
func (w *World) Phase() Phase { return w.phase }

// Cars returns the number of cars, those that were removed included.
func (w *World) Cars() int { return len(w.cars) }

// Team returns the team of a car.
func (w *World) Team(car int) int { return int(w.cars[car].team) }

// Begin ends Warmup: every car goes back to its start and the countdown runs. It does
// nothing in any other phase.
func (w *World) Begin() {
	if w.phase != Warmup {
		return
	}
	for i := range w.cars {
		w.cars[i].reset()
	}
	w.phase, w.left = Countdown, w.countdown
	if w.countdown == 0 {
		w.phase, w.left = Playing, w.round
	}
}

// End stops the round now. Scores stay as they are.
func (w *World) End() { w.phase, w.left = Over, 0 }

// Remove takes a car off the floor for good; its ink stays.
func (w *World) Remove(car int) { w.cars[car].gone = true }

// Step advances the world by one tick. inputs are indexed by car; a missing one is an
// idle driver.
func (w *World) Step(inputs []Input) Frame {
	w.tick++
	w.painted, w.events = nil, nil
	w.advancePhase()
	if w.phase == Warmup || w.phase == Playing {
		w.drive(inputs)
	}
	if w.phase == Playing {
		w.spawnPickups()
		w.paintUnderCars()
		w.collectPickups()
	}
	return w.frame()
}

func (w *World) advancePhase() {
	if w.phase != Countdown && w.phase != Playing {
		return
	}
	if w.left > 0 {
		w.left--
		return
	}
	if w.phase == Countdown {
		w.phase, w.left = Playing, w.round-1
		return
	}
	w.End()
}

func (w *World) frame() Frame {
	f := Frame{
		Tick: w.tick, Phase: w.phase, Left: w.left, Scores: w.scores,
		Cars:    make([]Car, len(w.cars)),
		Pickups: append([]Pickup(nil), w.pickups...),
		Painted: w.painted, Events: w.events,
	}
	for i := range w.cars {
		f.Cars[i] = w.cars[i].view()
	}
	return f
}

func (w *World) happened(kind EventKind, car int, at vec) {
	w.events = append(w.events, Event{Kind: kind, Car: car, X: at.x, Y: at.y})
}
