package httpapi

import "muster"

// The rules offer all that the interface asks for.
var (
	_ Play  = (*muster.Backend)(nil)
	_ Admin = (*muster.Backend)(nil)

	_ Parties = (*muster.Backend)(nil)

	_ Rooms       = (*muster.Backend)(nil)
	_ ServerRooms = (*muster.Backend)(nil)

	_ Boards = (*muster.Backend)(nil)
)
