package game

import "math/rand/v2"

// Arena is the floor plan: Width by Height tiles, of which some are walls. It looks the
// same from both ends (turned by half a circle), so neither team has the better half.
type Arena struct {
	Width, Height int
	Walls         []bool // row by row
}

// startColumns at both ends stay free of walls.
const startColumns = 5

// newArena makes the floor for a number of cars and puts blocks of wall on it.
func newArena(rng *rand.Rand, cars int) Arena {
	a := Arena{Width: 28, Height: 16}
	switch {
	case cars > 4:
		a.Width, a.Height = 40, 22
	case cars > 2:
		a.Width, a.Height = 34, 18
	}
	a.Walls = make([]bool, a.Width*a.Height)
	wanted := a.Width * a.Height / 130
	for tries := 0; wanted > 0 && tries < 200; tries++ {
		w, h := 1+rng.IntN(3), 1+rng.IntN(3)
		x := startColumns + rng.IntN(a.Width/2-startColumns-w+1)
		y := 2 + rng.IntN(a.Height-h-3)
		if a.clearAround(x, y, w, h) {
			a.addBlock(x, y, w, h)
			wanted--
		}
	}
	return a
}

// clearAround reports whether a block fits with two free tiles on every side, so that
// a car always finds a way around; its mirror image counts as well.
func (a *Arena) clearAround(x, y, w, h int) bool {
	if x+w > a.Width/2-1 {
		return false // would meet its own mirror image in the middle
	}
	for ty := y - 2; ty < y+h+2; ty++ {
		for tx := x - 2; tx < x+w+2; tx++ {
			if tx >= 0 && ty >= 0 && tx < a.Width && ty < a.Height && a.Walls[ty*a.Width+tx] {
				return false
			}
		}
	}
	return true
}

func (a *Arena) addBlock(x, y, w, h int) {
	for ty := y; ty < y+h; ty++ {
		for tx := x; tx < x+w; tx++ {
			tile := ty*a.Width + tx
			a.Walls[tile] = true
			a.Walls[len(a.Walls)-1-tile] = true
		}
	}
}

// solid reports whether the tile at a position is a wall or outside.
func (a *Arena) solid(tx, ty int) bool {
	return tx < 0 || ty < 0 || tx >= a.Width || ty >= a.Height || a.Walls[ty*a.Width+tx]
}

// open reports whether neither a tile nor one next to it is a wall, so that nothing on
// it looks half hidden. Its mirror image is just as open.
func (a *Arena) open(tx, ty int) bool {
	for y := ty - 1; y <= ty+1; y++ {
		for x := tx - 1; x <= tx+1; x++ {
			if a.solid(x, y) {
				return false
			}
		}
	}
	return true
}

// start is where car i of a team of size cars begins.
func (a *Arena) start(team, i, size int) vec {
	p := vec{2.5, float64(a.Height) * float64(i+1) / float64(size+1)}
	if team == 1 {
		return a.mirror(p)
	}
	return p
}

// mirror turns a position by half a circle around the middle.
func (a *Arena) mirror(p vec) vec {
	return vec{float64(a.Width) - p.x, float64(a.Height) - p.y}
}
