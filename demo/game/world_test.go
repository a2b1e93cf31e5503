package game

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func newWorld(t testing.TB, seed uint64, sizes [2]int, round int) *World {
	t.Helper()
	w, err := New(Config{Seed: seed, TeamSizes: sizes, RoundTicks: round, CountdownTicks: 3})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func drawInputs(t *rapid.T, cars int) []Input {
	in := make([]Input, cars)
	for i := range in {
		in[i] = Input{
			X:    rapid.Int8().Draw(t, "x"),
			Y:    rapid.Int8().Draw(t, "y"),
			Dash: rapid.Bool().Draw(t, "dash"),
		}
	}
	return in
}

func TestNewRefusesWhatCannotBePlayed(t *testing.T) {
	cases := map[string]Config{
		"a team without cars":        {TeamSizes: [2]int{0, 1}, RoundTicks: 1},
		"a team that is too large":   {TeamSizes: [2]int{1, MaxTeamSize + 1}, RoundTicks: 1},
		"a round without length":     {TeamSizes: [2]int{1, 1}},
		"a round of days":            {TeamSizes: [2]int{1, 1}, RoundTicks: maxRoundTicks + 1},
		"a countdown before nothing": {TeamSizes: [2]int{1, 1}, RoundTicks: 1, CountdownTicks: -1},
	}
	for name, cfg := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := New(cfg); err == nil {
				t.Fatalf("New(%+v) made a world", cfg)
			}
		})
	}
}

func TestPhasesFollowEachOther(t *testing.T) {
	w := newWorld(t, 1, [2]int{1, 1}, 5)
	var got []Phase
	for range 3 {
		got = append(got, w.Step(nil).Phase)
	}
	w.Begin()
	w.Begin() // a second time changes nothing
	for range 10 {
		got = append(got, w.Step(nil).Phase)
	}
	want := []Phase{Warmup, Warmup, Warmup, Countdown, Countdown, Countdown, Playing, Playing, Playing, Playing, Playing, Over, Over}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("phases %v, want %v", got, want)
	}
}

func TestWarmupPaintsNothingAndBeginResetsCars(t *testing.T) {
	w := newWorld(t, 2, [2]int{1, 1}, 100)
	start := w.Step(nil).Cars
	for range 40 {
		if f := w.Step([]Input{{X: 127}, {X: -127}}); len(f.Painted) > 0 {
			t.Fatal("warm-up painted tiles")
		}
	}
	w.Begin()
	if got := w.Step(nil).Cars; got[0].X != start[0].X || got[1].X != start[1].X {
		t.Fatalf("cars begin at %v, want %v", got, start)
	}
}

// Whatever drivers do: cars stay on the floor, scores count tiles, the deltas rebuild
// the floor, and the same inputs replay to the same frames.
func TestWorldHoldsItsInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		sizes := [2]int{rapid.IntRange(1, 4).Draw(t, "red"), rapid.IntRange(1, 4).Draw(t, "blue")}
		cfg := Config{Seed: seed, TeamSizes: sizes, RoundTicks: 200}
		w, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		twin, _ := New(cfg)
		w.Begin()
		twin.Begin()
		floor := make([]uint8, len(w.tiles))
		steps := rapid.IntRange(1, 12).Draw(t, "turns")
		for range steps {
			in := drawInputs(t, w.Cars())
			if rapid.IntRange(0, 20).Draw(t, "leaves") == 0 {
				car := rapid.IntRange(0, w.Cars()-1).Draw(t, "leaver")
				w.Remove(car)
				twin.Remove(car)
			}
			for range 15 {
				f := w.Step(in)
				if g := twin.Step(in); !reflect.DeepEqual(f, g) {
					t.Fatalf("replay differs at tick %d:\n%+v\n%+v", f.Tick, f, g)
				}
				for _, p := range f.Painted {
					floor[p.Tile] = p.Team + 1
				}
				checkFrame(t, w, f)
			}
		}
		if !reflect.DeepEqual(floor, w.Tiles()) {
			t.Fatal("deltas do not rebuild the floor")
		}
	})
}

func checkFrame(t *rapid.T, w *World, f Frame) {
	t.Helper()
	var count [2]int
	for i, tile := range w.tiles {
		if tile > 0 {
			count[tile-1]++
			if w.arena.Walls[i] {
				t.Fatalf("tile %d is a wall and painted", i)
			}
		}
	}
	if count != f.Scores {
		t.Fatalf("scores %v, tiles say %v", f.Scores, count)
	}
	for i, c := range f.Cars {
		if !w.free(vec{c.X, c.Y}) {
			t.Fatalf("car %d is in a wall or outside at %.2f,%.2f", i, c.X, c.Y)
		}
		if math.IsNaN(c.VX) || math.Hypot(c.VX, c.VY) > 1.5*dashSpeed {
			t.Fatalf("car %d drives at %v,%v", i, c.VX, c.VY)
		}
		if c.Charge < 0 || c.Charge > 1 {
			t.Fatalf("car %d is charged to %v", i, c.Charge)
		}
	}
	if len(f.Pickups) > maxPickups {
		t.Fatalf("%d pick-ups lie around", len(f.Pickups))
	}
}

func TestArenaIsFairAndConnected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 8).Draw(t, "size")
		w, err := New(Config{Seed: rapid.Uint64().Draw(t, "seed"), TeamSizes: [2]int{size, size}, RoundTicks: 1})
		if err != nil {
			t.Fatal(err)
		}
		a := w.Arena()
		free := 0
		for i, wall := range a.Walls {
			if wall != a.Walls[len(a.Walls)-1-i] {
				t.Fatalf("tile %d and its mirror image differ", i)
			}
			if !wall {
				free++
			}
		}
		if got := reachable(a); got != free {
			t.Fatalf("%d of %d free tiles can be reached", got, free)
		}
		for i := range w.cars {
			if !w.free(w.cars[i].at) {
				t.Fatalf("car %d starts in a wall", i)
			}
		}
	})
}

// reachable counts the tiles that can be reached from the top left corner.
func reachable(a Arena) int {
	seen := map[int]bool{0: true}
	for queue := []int{0}; len(queue) > 0; queue = queue[1:] {
		x, y := queue[0]%a.Width, queue[0]/a.Width
		for _, d := range [][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			nx, ny := x+d[0], y+d[1]
			if tile := ny*a.Width + nx; !a.solid(nx, ny) && !seen[tile] {
				seen[tile] = true
				queue = append(queue, tile)
			}
		}
	}
	return len(seen)
}

func TestDashShovesAnOpponentAndSplashes(t *testing.T) {
	w := newWorld(t, 3, [2]int{1, 1}, 100)
	clear(w.arena.Walls) // a wall would throw the victim back
	w.Begin()
	for w.Phase() != Playing {
		w.Step(nil)
	}
	w.cars[1].at = vec{w.cars[0].at.x + 2, w.cars[0].at.y}
	var shoved bool
	for range 8 {
		f := w.Step([]Input{{X: 127, Dash: true}})
		for _, e := range f.Events {
			shoved = shoved || e.Kind == Shoved && e.Car == 0
		}
	}
	if c := w.cars[1]; !shoved || c.stun == 0 || c.v.x <= 0 {
		t.Fatalf("the opponent was not shoved: %+v", c)
	}
	if w.Scores()[0] < 10 {
		t.Fatalf("a shove splashed only %d tiles", w.Scores()[0])
	}
	if f := w.Step([]Input{{}, {X: -127, Dash: true}}); f.Cars[1].VX <= 0 {
		t.Fatal("a stunned driver steered")
	}
}

func TestDashNeedsItsCooldownAndAReleasedButton(t *testing.T) {
	w := newWorld(t, 4, [2]int{1, 1}, 300)
	dashes := 0
	for range dashCooldown * 2 {
		for _, e := range w.Step([]Input{{X: 1, Dash: true}}).Events {
			if e.Kind == Dashed {
				dashes++
			}
		}
	}
	if dashes != 1 {
		t.Fatalf("a held button dashed %d times, want once", dashes)
	}
	w.Step(nil)
	if f := w.Step([]Input{{X: 1, Dash: true}}); len(f.Events) != 1 || f.Events[0].Kind != Dashed {
		t.Fatalf("a pressed button after the cooldown gave %v", f.Events)
	}
}

func TestPickups(t *testing.T) {
	cases := map[PickupKind]func(w *World) bool{
		Bomb:   func(w *World) bool { return w.Scores()[0] > 30 },
		Boost:  func(w *World) bool { return w.cars[0].boost > 0 },
		Roller: func(w *World) bool { return w.cars[0].roller > 0 },
	}
	for kind, worked := range cases {
		w := newWorld(t, 5, [2]int{1, 1}, 100)
		w.Begin()
		for w.Phase() != Playing {
			w.Step(nil)
		}
		at := w.cars[0].at
		w.lay(kind, int(at.x), int(at.y))
		w.Step(nil)
		if !worked(w) || len(w.pickups) != 0 {
			t.Errorf("pick-up %d did nothing or stayed: %+v", kind, w.cars[0])
		}
	}
}

func TestARoundIsWorthPlaying(t *testing.T) {
	w := newWorld(t, 6, [2]int{1, 1}, 45*TicksPerSecond)
	w.Begin()
	appeared := 0
	for w.Phase() != Over {
		turn := float64(w.tick) / 25
		in := Input{X: int8(120 * math.Cos(turn)), Y: int8(120 * math.Sin(turn*1.7))}
		f := w.Step([]Input{in, {X: -in.X, Y: -in.Y}})
		for _, e := range f.Events {
			if e.Kind == Appeared {
				appeared++
			}
		}
	}
	if s := w.Scores(); s[0] < 60 || s[1] < 60 || appeared < 4 {
		t.Fatalf("scores %v with %d pick-ups: hardly a game", s, appeared)
	}
}

func TestARemovedCarDoesNothing(t *testing.T) {
	w := newWorld(t, 7, [2]int{1, 1}, 100)
	w.Begin()
	w.Remove(0)
	for range 20 {
		if f := w.Step([]Input{{X: 127, Dash: true}}); !f.Cars[0].Gone || f.Scores[0] != 0 {
			t.Fatalf("a removed car still plays: %+v", f.Cars[0])
		}
	}
}

func FuzzStep(f *testing.F) {
	f.Add(uint64(1), []byte{127, 0, 1, 200, 3, 0})
	f.Fuzz(func(t *testing.T, seed uint64, moves []byte) {
		w := newWorld(t, seed, [2]int{2, 2}, 50)
		w.Begin()
		for i := 0; i+2 < len(moves) && i < 600; i += 3 {
			w.Step([]Input{{X: int8(moves[i]), Y: int8(moves[i+1]), Dash: moves[i+2]&1 > 0}})
		}
		if s := w.Scores(); s[0] < 0 || s[0]+s[1] > len(w.tiles) {
			t.Fatalf("scores %v on %d tiles", s, len(w.tiles))
		}
	})
}
