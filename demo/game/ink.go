package game

import "math"

// How far ink reaches, in tiles from the middle of the car to the middle of a tile.
const (
	brush       = 0.78
	dashBrush   = 1.1
	rollerBrush = 1.75
	shoveSplash = 2.3
	bombSplash  = 3.7
)

// paintUnderCars paints where cars stand. Where brushes of both teams reach the same
// tile in one tick, the first car to paint alternates, so that neither team gains.
func (w *World) paintUnderCars() {
	for k := range w.cars {
		i := k
		if w.tick%2 == 1 {
			i = len(w.cars) - 1 - k
		}
		c := &w.cars[i]
		switch {
		case c.gone || c.stun > 0:
		case c.roller > 0:
			w.splash(c.at, rollerBrush, c.team)
		case c.dash > 0:
			w.splash(c.at, dashBrush, c.team)
		default:
			w.splash(c.at, brush, c.team)
		}
	}
}

// splash paints every tile whose middle is within radius of p.
func (w *World) splash(p vec, radius float64, team uint8) {
	for ty := int(p.y - radius - 1); ty <= int(p.y+radius+1); ty++ {
		for tx := int(p.x - radius - 1); tx <= int(p.x+radius+1); tx++ {
			if !w.arena.solid(tx, ty) && p.within(vec{float64(tx) + 0.5, float64(ty) + 0.5}, radius) {
				w.paint(ty*w.arena.Width+tx, team)
			}
		}
	}
}

func (w *World) paint(tile int, team uint8) {
	before := w.tiles[tile]
	if before == team+1 {
		return
	}
	if before != 0 {
		w.scores[before-1]--
	}
	w.tiles[tile] = team + 1
	w.scores[team]++
	w.painted = append(w.painted, Paint{Tile: tile, Team: team})
}

// tileAt is the tile under a position inside the arena.
func (w *World) tileAt(p vec) int {
	return int(math.Floor(p.y))*w.arena.Width + int(math.Floor(p.x))
}
