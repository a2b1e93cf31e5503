package launcher

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// The test binary plays game servers: childVariable names the role, reportVariable an
// address that it connects to, so that a test sees it start and, when the connection
// breaks, sees it die.
const (
	childVariable  = "MUSTER_TEST_CHILD"
	reportVariable = "MUSTER_TEST_REPORT"
)

func TestMain(m *testing.M) {
	role := os.Getenv(childVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	os.Exit(play(role))
}

func play(role string) int {
	switch role {
	case "crash": // at once
		for i := range 30 {
			fmt.Println("line", i)
		}
		fmt.Fprintln(os.Stderr, "out of luck")
		return 3
	case "obedient": // ends when asked
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		report(role)
		<-asked
	case "reader": // ends with its standard input
		signal.Ignore(syscall.SIGTERM)
		report(role)
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "stubborn": // does not end
		signal.Ignore(syscall.SIGTERM)
		report(role)
		<-make(chan int)
	case "wrapper": // like a script around a server that hangs
		inner := exec.Command(os.Args[0])
		inner.Env = append(os.Environ(), childVariable+"=stubborn")
		inner.Stdout, inner.Stderr = os.Stdout, os.Stderr // as a script does
		report(role)
		_ = inner.Run()
	case "parent": // a launcher of its own, with a stubborn server
		l, err := New(Options{
			Command: []string{os.Args[0]}, Env: append(os.Environ(), childVariable+"=stubborn"),
			WebSocketURL: "ws://x", FleetID: "f", HostID: "h",
			Token: func(context.Context) (string, error) { return "t", nil },
			NewID: func() string { return "proc" }, Status: func(string) Status { return Spare },
		})
		if err != nil {
			return 1
		}
		report(role)
		_ = l.Run(context.Background())
	}
	return 0
}

// report connects to the test and tells what this process was given. The connection
// stays open for as long as the process lives.
func report(role string) {
	conn, err := net.Dial("tcp", os.Getenv(reportVariable))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var given []string
	for _, name := range []string{"WEBSOCKET_URL", "PROCESS_ID", "HOST_ID", "FLEET_ID", "AUTH_TOKEN"} {
		given = append(given, os.Getenv("GAMELIFT_SDK_"+name))
	}
	given = append(given, os.Getenv("PORT"), strings.Join(os.Args[1:], " "))
	fmt.Fprintf(conn, "%s|%s|%d\n", role, strings.Join(given, "|"), os.Getpid())
	fmt.Println("playing", role)
}

// sighting is a game server that a test sees alive.
type sighting struct {
	role                     string
	url, id, host, fleet     string
	token, port, commandLine string
	pid                      string
	conn                     net.Conn
}

// watchtower hears the reports of game servers.
type watchtower struct {
	t        *testing.T
	listener net.Listener
	seen     chan sighting
}

func newWatchtower(t *testing.T) *watchtower {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &watchtower{t, listener, make(chan sighting, 100)}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			if f := strings.Split(strings.TrimSuffix(line, "\n"), "|"); len(f) == 9 {
				w.seen <- sighting{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], conn}
			}
		}
	}()
	return w
}
