package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"muster"
	"muster/store/sqlite"
)

const (
	crashPathVariable = "MUSTER_TEST_CRASH_PATH" // set: be the process that is killed
	crashClients      = 32
	crashRounds       = 8
	crashAfter        = 600 // acknowledgements in a round, at most
)

// writeUntilKilled writes as fast as it can and prints "client number" for each Write
// that was acknowledged.
func writeUntilKilled(path string) {
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var out sync.Mutex // keeps lines whole
	var wg sync.WaitGroup
	for client := range crashClients {
		wg.Go(func() {
			for n := crashCount(s, client); ; n++ {
				if err := s.Write(context.Background(), crashOps(client, n)...); err != nil {
					out.Lock()
					fmt.Println("error", err)
					out.Unlock()
					return
				}
				out.Lock()
				fmt.Println(client, n)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// crashCount is how many Writes of a client the store holds.
func crashCount(s *sqlite.Store, client int) int64 {
	r, err := s.Get(context.Background(), muster.Key{Partition: "count", Sort: fmt.Sprint(client)})
	if err != nil && muster.KindOf(err) != muster.NotFound {
		return -1 // its Writes fail, and say so
	}
	return r.Version
}

// crashOps is a Write of two new records and of one that counts them.
func crashOps(client int, n int64) []muster.Op {
	partition := fmt.Sprint(client)
	value := strings.Repeat(fmt.Sprintf("%d ", n), 200)
	return []muster.Op{
		put("a"+partition, fmt.Sprintf("%06d", n), value, 0),
		put("b"+partition, fmt.Sprintf("%06d", n), value, 0),
		put("count", partition, fmt.Sprint(n+1), n),
	}
}

// The process is killed again and again, at random moments, and each time started on what
// the last one left: the next finds every Write that was acknowledged, and each whole.
func TestEveryAcknowledgedWriteSurvivesKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	rounds := crashRounds
	if testing.Short() {
		rounds = 2
	}
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		after := 1 + random.IntN(crashAfter)
		acknowledged := killAfter(t, path, after, round == 0)
		var log strings.Builder
		s := openStore(t, sqlite.Options{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if !strings.Contains(log.String(), "the database is whole") {
			t.Errorf("round %d: the file was not checked: %s", round, log.String())
		}
		for client := range crashClients {
			checkCrashed(t, s, client, acknowledged[client])
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("round %d: killed after %d acknowledgements", round, after)
		}
	}
}

// killAfter starts a process that writes to the database at path, and kills it after so
// many acknowledgements. The answer is the number of Writes that each client was told of,
// those of earlier processes included; a client that was told of none is left out.
func killAfter(t *testing.T, path string, after int, knock bool) map[int]int64 {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashPathVariable+"="+path)
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill := func() {
		if !killed {
			killed = true
			_ = child.Process.Kill() // SIGKILL; it can only fail if the child is gone
		}
	}
	defer kill()

	acknowledged := make(map[int]int64)
	lines := bufio.NewScanner(stdout)
	for total := 1; lines.Scan(); total++ {
		var client int
		var n int64
		if _, err := fmt.Sscan(lines.Text(), &client, &n); err != nil {
			if killed {
				continue // a line cut in half by the kill acknowledges nothing
			}
			t.Fatalf("the child says %q", lines.Text())
		}
		acknowledged[client] = max(acknowledged[client], n+1)
		if knock && total == (after+1)/2 {
			refusedWhileInUse(t, path, child.Process.Pid)
		}
		if total == after {
			kill()
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return acknowledged
}

// refusedWhileInUse checks that a database another process works on cannot be opened.
func refusedWhileInUse(t *testing.T, path string, pid int) {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err == nil {
		_ = s.Close() // the test has failed already
		t.Fatal("two processes opened one database")
	}
	if os.PathSeparator == '/' && !strings.Contains(err.Error(), fmt.Sprintf("in use by another process (pid %d)", pid)) {
		t.Errorf("the error does not say who uses it: %v", err)
	}
}

// checkCrashed checks that a client's records are there as far as they were
// acknowledged, perhaps one further, and that no Write happened by half.
func checkCrashed(t *testing.T, s *sqlite.Store, client int, acknowledged int64) {
	t.Helper()
	var lists [2][]muster.Record
	for i, partition := range []string{"a", "b"} {
		opts := muster.ListOptions{}
		for {
			page, err := s.List(context.Background(), partition+fmt.Sprint(client), opts)
			if err != nil {
				t.Fatal(err)
			}
			lists[i] = append(lists[i], page...)
			if len(page) < opts.Max() {
				break
			}
			opts.After = page[len(page)-1].Sort
		}
	}
	var count int64
	r, err := s.Get(context.Background(), muster.Key{Partition: "count", Sort: fmt.Sprint(client)})
	if err == nil {
		count = r.Version
	} else if muster.KindOf(err) != muster.NotFound {
		t.Fatal(err)
	}
	a, b := int64(len(lists[0])), int64(len(lists[1]))
	if a != b || a != count {
		t.Errorf("client %d: %d and %d records, the count says %d: a write happened by half", client, a, b, count)
	}
	if count < acknowledged {
		t.Errorf("client %d: %d writes found, %d were acknowledged", client, count, acknowledged)
	}
	if acknowledged > 0 && count > acknowledged+1 && os.PathSeparator == '/' {
		t.Errorf("client %d: %d writes found, only %d were made", client, count, acknowledged+1)
	}
	for n, r := range lists[0] {
		if want := string(crashOps(client, int64(n))[0].Value); string(r.Value) != want {
			t.Errorf("client %d, record %d: the value is damaged", client, n)
		}
	}
}
