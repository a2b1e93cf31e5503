package replica

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReplicasWithOtherSigningKeysAreWarnedOf(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		warned              bool
	}{
		{"the same keys", "aa", "aa", false},
		{"other keys", "aa", "bb", true},
		{"a new key that is not used yet", "aa", "aa bb", false},
		{"a new key that is used", "aa bb", "bb aa", false},
		{"a new key that is used too early", "aa", "bb aa", true},
		{"an older version, which says nothing", "", "bb", false},
	} {
		inTown(t, func(t *testing.T, w *town) {
			var first, second bytes.Buffer
			w.keys, w.log = strings.Fields(c.first), slog.New(slog.NewTextHandler(&first, nil))
			w.join()
			w.keys, w.log = strings.Fields(c.second), slog.New(slog.NewTextHandler(&second, nil))
			w.join()
			time.Sleep(renewEvery) // of the bubble: both have met
			synctest.Wait()
			for who, said := range map[string]string{"the one that was there": first.String(), "the one that came": second.String()} {
				if got := strings.Contains(said, "has other signing keys"); got != c.warned {
					t.Errorf("%s: %s was warned: %t; it said %s", c.name, who, got, said)
				}
			}
		})
	}
}
