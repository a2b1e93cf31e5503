package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"muster"
)

// lateEvery is how often a check beside the open store says that it goes on.
const lateEvery = time.Minute

// errStoreDamaged is what every call returns once a late check has found damage: what is
// missing would look like what never was, and each Write could make it worse.
var errStoreDamaged = &muster.Error{Kind: muster.Unavailable, Code: "store.damaged", Message: "the store is damaged"}

// lateCheck is a check after a crash that goes on beside the open store. Until it has
// found the file whole, the mark of the crash stays. Nil is one that is not needed.
type lateCheck struct {
	stop  context.CancelFunc
	ended chan struct{} // closed when err is set
	err   error         // nil: the file is whole
}

// newLateCheck starts a check, which end ends and waits for.
func newLateCheck(check func(ctx context.Context) error) *lateCheck {
	ctx, stop := context.WithCancel(context.Background())
	l := &lateCheck{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		l.err = check(ctx)
	}()
	return l
}

// end breaks the check off if it still goes on, and says whether the file was found whole.
func (l *lateCheck) end() (whole bool) {
	if l == nil {
		return true
	}
	l.stop()
	<-l.ended
	return l.err == nil
}

// damage is errStoreDamaged once the check has found damage, and nil before and otherwise.
func (l *lateCheck) damage() error {
	if l == nil {
		return nil
	}
	select {
	case <-l.ended:
		if foundDamage(l.err) {
			return errStoreDamaged
		}
	default:
	}
	return nil
}

// checkLate reads the whole database through a connection of its own that only reads. It
// sees one instant of it, so the log cannot begin anew while it reads, and grows.
func (k *checker) checkLate(ctx context.Context) error {
	c, err := connect(ctx, dsn(k.path, url.Values{"mode": {"ro"}, "_query_only": {"1"}}))
	if err == nil {
		err = k.saying(lateEvery, func() error { return quickCheck(ctx, c) })
		err = errors.Join(err, c.Close())
	}
	after := slog.Duration("after", time.Since(k.began).Round(time.Millisecond))
	switch {
	case err == nil:
		k.log.Warn("the database is whole", after)
	case foundDamage(err):
		k.log.Error("the database is damaged: nothing is read or written any more; "+howToRestore, after, slog.Any("error", err))
	case ctx.Err() != nil:
		k.log.Warn("the check was broken off: it begins again at the next start", after)
	default:
		k.log.Error("the database could not be checked: it is tried again at the next start", after, slog.Any("error", err))
	}
	return err
}
