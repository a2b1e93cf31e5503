package mail

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Round does once what Run does again and again: it takes over letters that are due, and
// sends them. It takes up none in the second half of the time that ctx has.
func (o *Outbox) Round(ctx context.Context) error {
	var failed []error
	for _, in := range o.rooms {
		failed = append(failed, o.sweep(ctx, in))
	}
	begin := ctx
	if deadline, has := ctx.Deadline(); has {
		var cancel context.CancelFunc
		begin, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/2))
		defer cancel()
	}
	var wg sync.WaitGroup
	for range o.senders {
		wg.Go(func() {
			for begin.Err() == nil {
				h, ok := o.handedNow()
				if !ok {
					return
				}
				if err := o.deliver(ctx, h); err != nil {
					o.o.Log.WarnContext(ctx, "keep a letter in order", "letter", h.id(), "error", err)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

// Look learns whether too many letters wait, for a program that sends none itself.
func (o *Outbox) Look(ctx context.Context) error {
	var failed []error
	for _, in := range o.rooms {
		_, err := o.look(ctx, in)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// handedNow is the letter to send now; ok is false when there is none.
func (o *Outbox) handedNow() (h held, ok bool) {
	for i := len(o.rooms) - 1; i >= 0; i-- {
		select {
		case h := <-o.rooms[i].handed:
			return h, true
		default:
		}
	}
	return held{}, false
}
