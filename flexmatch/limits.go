package flexmatch

// limits say how much is looked at before something coarser takes over. They change
// which of several possible matches is made, or when, never whether one is allowed.
type limits struct {
	candidates int // tickets that the full search considers around one anchor at a time; a larger pool is crowded
	sorted     int // tickets that are sorted to choose those from
	glanced    int // tickets that a glance tries to seat
	mended     int // tickets to choose a replacement from
	few        int // a pool of so many tickets is searched for as long as it takes, up to fewWork
	anchors    int // older tickets that are tried as the anchor of a fresh ticket's match
	likes      int // tickets without a match after which it is worth knowing who is like whom
	cells      int // of a group of the index; tickets with further combinations of locations share one
	bits       int // locations with a bit of their own, at most 63

	// Work of a pass over a crowded pool: together, for each fresh ticket besides, and
	// around one anchor at most. What a pass has not tried by then comes in the next.
	crowdWork, freshWork, crowdAnchorWork int
}

var defaultLimits = limits{
	candidates: 300, sorted: 2_000, glanced: 1_000, mended: 150, few: 12, anchors: 64, likes: 32, cells: 4096, bits: 63,
	crowdWork: 1_000_000, freshWork: 200, crowdAnchorWork: 25_000,
}
