package gamelift

import (
	"context"
	"fmt"

	"muster"
)

// Dispatcher joins Decode and DecodePlacement for events that did not come by Receiver's
// way, but from whom nobody else can speak for: an EventBridge event, or what SNS carries in
// its Message. apply takes matchmaking events, placed placement events; any other event is
// passed over. An error that is not Invalid is worth another try.
func Dispatcher(apply func(context.Context, muster.Event) error, placed func(context.Context, muster.PlacementEvent) error) func(ctx context.Context, event []byte) error {
	return func(ctx context.Context, event []byte) error {
		id, err := dispatch(ctx, event, apply, placed)
		if id != "" && err != nil {
			return fmt.Errorf("apply event %s: %w", id, err)
		}
		return err
	}
}
