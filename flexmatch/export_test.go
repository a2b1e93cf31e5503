package flexmatch

// NewTightPool is a pool whose limits are so low that small histories reach what only
// large pools do: crowding, cuts of lists, shared cells, locations without a bit.
func NewTightPool(c Config) *Pool {
	return newPool(c, limits{
		candidates: 5, sorted: 9, glanced: 8, mended: 4, few: 2, anchors: 2, likes: 1, cells: 3, bits: 2,
		crowdWork: 100, freshWork: 5, crowdAnchorWork: 2_000,
	})
}
