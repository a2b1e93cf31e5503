package game

// PickupKind says what a pick-up does. Numbers are part of the wire format.
type PickupKind uint8

// The kinds: Bomb splashes ink at once, Boost speeds up, Roller widens the brush.
const (
	Bomb PickupKind = iota + 1
	Boost
	Roller
)

// Pickup is one thing lying on the floor, in the middle of a tile.
type Pickup struct {
	ID   uint8 // unique among those lying
	Kind PickupKind
	X, Y int // the tile
}

const (
	maxPickups       = 6
	firstPickupTicks = 2 * TicksPerSecond
	pickupTicks      = 4 * TicksPerSecond // between two pairs
	rushTicks        = 2 * TicksPerSecond // the same in the last rushLength
	rushLength       = 10 * TicksPerSecond
	pickupReach      = 0.95
)

// spawnPickups lays a pair now and then, one for each half of the arena.
func (w *World) spawnPickups() {
	if w.spawnIn--; w.spawnIn > 0 {
		return
	}
	w.spawnIn = pickupTicks
	if w.left < rushLength {
		w.spawnIn = rushTicks
	}
	if len(w.pickups)+2 > maxPickups {
		return
	}
	kind := PickupKind(1 + w.rng.IntN(3))
	for range 50 {
		x, y := 1+w.rng.IntN(w.arena.Width/2-1), 1+w.rng.IntN(w.arena.Height-2)
		mx, my := w.arena.Width-1-x, w.arena.Height-1-y
		if w.arena.open(x, y) && !w.occupied(x, y) && !w.occupied(mx, my) {
			w.lay(kind, x, y)
			w.lay(kind, mx, my)
			return
		}
	}
}

// occupied reports whether a pick-up lies, or a car drives, close to a tile.
func (w *World) occupied(x, y int) bool {
	middle := vec{float64(x) + 0.5, float64(y) + 0.5}
	for _, p := range w.pickups {
		if middle.within(vec{float64(p.X) + 0.5, float64(p.Y) + 0.5}, 2) {
			return true
		}
	}
	for i := range w.cars {
		if !w.cars[i].gone && middle.within(w.cars[i].at, 3) {
			return true
		}
	}
	return false
}

func (w *World) lay(kind PickupKind, x, y int) {
	w.nextID++
	w.pickups = append(w.pickups, Pickup{ID: w.nextID, Kind: kind, X: x, Y: y})
	w.happened(Appeared, 0, vec{float64(x) + 0.5, float64(y) + 0.5})
}

// collectPickups gives each pick-up to the first car that reaches it. As with ink, who
// is asked first alternates.
func (w *World) collectPickups() {
	kept := w.pickups[:0]
	for _, p := range w.pickups {
		if car, ok := w.collector(p); ok {
			w.use(car, p)
			continue
		}
		kept = append(kept, p)
	}
	w.pickups = kept
}

func (w *World) collector(p Pickup) (car int, ok bool) {
	middle := vec{float64(p.X) + 0.5, float64(p.Y) + 0.5}
	for k := range w.cars {
		i := k
		if w.tick%2 == 1 {
			i = len(w.cars) - 1 - k
		}
		if c := &w.cars[i]; !c.gone && c.stun == 0 && c.at.within(middle, pickupReach) {
			return i, true
		}
	}
	return 0, false
}

func (w *World) use(i int, p Pickup) {
	c := &w.cars[i]
	at := vec{float64(p.X) + 0.5, float64(p.Y) + 0.5}
	switch p.Kind {
	case Bomb:
		w.splash(at, bombSplash, c.team)
		w.happened(Exploded, i, at)
	case Boost:
		c.boost = boostTicks
		w.happened(Boosted, i, at)
	case Roller:
		c.roller = rollerTicks
		w.happened(Widened, i, at)
	}
}
