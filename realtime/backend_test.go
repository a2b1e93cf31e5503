package realtime

import "muster"

// The rules offer all that the socket asks for, and the hub is what they notify.
var (
	_ Play            = (*muster.Backend)(nil)
	_ Parties         = (*muster.Backend)(nil)
	_ muster.Notifier = (*Hub)(nil)
)
