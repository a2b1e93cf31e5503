package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"
	"testing"
	"time"
)

// No statement walks over the whole table: what is fast with ten records stays so.
func TestEveryStatementGoesByAnIndex(t *testing.T) {
	s := openInternal(t, time.Now)
	for _, text := range []string{getSQL, listSQL, listDescendingSQL, pageSQL, versionSQL, createSQL, replaceSQL, putSQL, deleteSQL, sweepSQL, soonestSQL} {
		plan, err := s.writer.conn.prepare(context.Background(), "EXPLAIN QUERY PLAN "+text)
		if err != nil {
			t.Fatal(err)
		}
		err = plan.each(func(row []driver.Value) error {
			if step, _ := row[3].(string); strings.HasPrefix(step, "SCAN") {
				t.Errorf("%s\nis done by: %s", text, step)
			}
			return nil
		}, make([]driver.Value, strings.Count(text, "?"))...)
		if err != nil {
			t.Fatal(err)
		}
	}
}
