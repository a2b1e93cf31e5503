package game

import "math"

// How cars drive. Distances are tiles, speeds tiles per second, times ticks.
const (
	carRadius   = 0.42
	cruiseSpeed = 8.2
	boostFactor = 1.4
	ownInk      = 1.12 // speed on the own colour
	foreignInk  = 0.84 // speed on the other colour
	grip        = 0.26 // part of the way to the wanted velocity in one tick
	slide       = 0.09 // the same while stunned

	dashSpeed    = 19.0
	dashTicks    = 7
	dashCooldown = 48
	shoveSpeed   = 14.0
	stunTicks    = 24
	immuneTicks  = stunTicks + 36

	boostTicks  = 4 * TicksPerSecond
	rollerTicks = 5 * TicksPerSecond
)

// Car is one car as drivers see it. Position is in tiles from the top left corner,
// velocity in tiles per second, Heading in radians from the x axis, clockwise.
type Car struct {
	Team    uint8
	X, Y    float64
	VX, VY  float64
	Heading float64
	Charge  float64 // 1: the dash is ready

	Dashing, Stunned, Boosted, Roller, Immune, Gone bool
}

type vec struct{ x, y float64 }

func (v vec) plus(o vec) vec               { return vec{v.x + o.x, v.y + o.y} }
func (v vec) minus(o vec) vec              { return vec{v.x - o.x, v.y - o.y} }
func (v vec) times(f float64) vec          { return vec{v.x * f, v.y * f} }
func (v vec) length() float64              { return math.Hypot(v.x, v.y) }
func (v vec) within(o vec, d float64) bool { w := v.minus(o); return w.x*w.x+w.y*w.y < d*d }

type car struct {
	team     uint8
	start    vec
	at, v    vec
	heading  float64
	dashHeld bool // the button was down in the tick before

	dash, recharge, stun, immune, boost, roller int // ticks left of each
	gone                                        bool
}

func newCar(team uint8, start vec) car {
	c := car{team: team, start: start}
	c.reset()
	return c
}

// reset puts the car back to its start. One that is gone stays gone.
func (c *car) reset() {
	*c = car{team: c.team, start: c.start, at: c.start, gone: c.gone}
	if c.team == 1 {
		c.heading = math.Pi
	}
}

func (c *car) view() Car {
	return Car{
		Team: c.team, X: c.at.x, Y: c.at.y, VX: c.v.x, VY: c.v.y, Heading: c.heading,
		Charge:  1 - float64(c.recharge)/dashCooldown,
		Dashing: c.dash > 0, Stunned: c.stun > 0, Boosted: c.boost > 0, Roller: c.roller > 0,
		Immune: c.immune > 0, Gone: c.gone,
	}
}

// drive moves every car by one tick and settles collisions, in the order of numbers.
func (w *World) drive(inputs []Input) {
	for i := range w.cars {
		c := &w.cars[i]
		if c.gone {
			continue
		}
		var in Input
		if i < len(inputs) {
			in = inputs[i]
		}
		c.countDown()
		w.steer(i, in)
		w.move(c)
	}
	for i := range w.cars {
		for j := i + 1; j < len(w.cars); j++ {
			w.collide(i, j)
		}
	}
}

func (c *car) countDown() {
	for _, left := range []*int{&c.dash, &c.recharge, &c.stun, &c.immune, &c.boost, &c.roller} {
		if *left > 0 {
			*left--
		}
	}
}

// steer turns the driver's wish into a velocity.
func (w *World) steer(i int, in Input) {
	c := &w.cars[i]
	pressed := in.Dash && !c.dashHeld
	c.dashHeld = in.Dash
	if c.stun > 0 {
		c.v = c.v.times(1 - slide)
		return
	}
	wish := vec{float64(in.X) / 127, float64(in.Y) / 127}
	if l := wish.length(); l > 1 {
		wish = wish.times(1 / l)
	}
	if wish.length() > 0.05 {
		c.heading = math.Atan2(wish.y, wish.x)
	}
	if pressed && c.recharge == 0 {
		c.dash, c.recharge = dashTicks, dashCooldown
		w.happened(Dashed, i, c.at)
	}
	if c.dash > 0 {
		c.v = vec{math.Cos(c.heading), math.Sin(c.heading)}.times(dashSpeed)
		return
	}
	c.v = c.v.plus(wish.times(w.speed(c)).minus(c.v).times(grip))
}

func (w *World) speed(c *car) float64 {
	s := cruiseSpeed
	switch w.tiles[w.tileAt(c.at)] {
	case 0:
	case c.team + 1:
		s *= ownInk
	default:
		s *= foreignInk
	}
	if c.boost > 0 {
		s *= boostFactor
	}
	return s
}

// move adds one tick of velocity, one axis after the other, and stops at walls. Two
// half steps keep the fastest car from jumping over a tile.
func (w *World) move(c *car) {
	for range 2 {
		step := c.v.times(0.5 / TicksPerSecond)
		if next := (vec{c.at.x + step.x, c.at.y}); w.free(next) {
			c.at = next
		} else {
			c.v.x = -c.v.x * 0.2
		}
		if next := (vec{c.at.x, c.at.y + step.y}); w.free(next) {
			c.at = next
		} else {
			c.v.y = -c.v.y * 0.2
		}
	}
}

// free reports whether a car fits at a position.
func (w *World) free(p vec) bool {
	x0, x1 := int(math.Floor(p.x-carRadius)), int(math.Floor(p.x+carRadius))
	y0, y1 := int(math.Floor(p.y-carRadius)), int(math.Floor(p.y+carRadius))
	return !w.arena.solid(x0, y0) && !w.arena.solid(x1, y0) && !w.arena.solid(x0, y1) && !w.arena.solid(x1, y1)
}

// collide pushes two overlapping cars apart; a dash into an opponent shoves it.
func (w *World) collide(i, j int) {
	a, b := &w.cars[i], &w.cars[j]
	if a.gone || b.gone || !a.at.within(b.at, 2*carRadius) {
		return
	}
	apart := b.at.minus(a.at)
	d := apart.length()
	if d < 1e-9 {
		apart, d = vec{1, 0}, 1 // exactly on top of each other: along the x axis, so that replays agree
	}
	n := apart.times(1 / d)
	overlap := n.times((2*carRadius - d) / 2)
	w.nudge(a, overlap.times(-1))
	w.nudge(b, overlap)
	switch {
	case a.team == b.team:
	case a.dash > 0 && b.dash > 0:
		a.dash, b.dash = 0, 0
		a.v, b.v = n.times(-shoveSpeed/2), n.times(shoveSpeed/2)
	case a.dash > 0:
		w.shove(i, j, n)
	case b.dash > 0:
		w.shove(j, i, n.times(-1))
	}
}

func (w *World) nudge(c *car, by vec) {
	if next := c.at.plus(by); w.free(next) {
		c.at = next
	}
}

// shove sends the victim off along n and splashes the attacker's ink.
func (w *World) shove(attacker, victim int, n vec) {
	a, v := &w.cars[attacker], &w.cars[victim]
	if v.immune > 0 {
		return
	}
	a.dash = 0
	a.v = a.v.times(0.3)
	v.v = n.times(shoveSpeed)
	v.stun, v.immune, v.dash = stunTicks, immuneTicks, 0
	w.happened(Shoved, attacker, v.at)
	if w.phase == Playing {
		w.splash(v.at, shoveSplash, a.team)
	}
}
