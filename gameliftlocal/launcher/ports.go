package launcher

import (
	"errors"
	"net"
	"strconv"
)

// maxPort is the highest port that the server SDKs accept in ProcessReady.
const maxPort = 60000

// ports hands out ports in turn, so that one is not given again right after its
// process ended, while players may still send to it.
type ports struct {
	first, next int
}

// free finds a port that nobody on this machine listens on and that is not in use.
func (p *ports) free(inUse map[int]bool) (int, error) {
	for range maxPort - p.first + 1 {
		port := p.next
		p.next++
		if p.next > maxPort {
			p.next = p.first
		}
		if !inUse[port] && available(port) {
			return port, nil
		}
	}
	return 0, errors.New("no port is free from " + strconv.Itoa(p.first) + " to " + strconv.Itoa(maxPort))
}

// available says whether a server could listen on the loopback port, by TCP and UDP.
// Between this and the server's own listening somebody else may take it; the server
// then exits and is started again with another.
func available(port int) bool {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer func() { _ = tcp.Close() }()
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	_ = udp.Close() // it was only a question
	return true
}

func (l *Launcher) portsInUse() map[int]bool {
	out := map[int]bool{}
	for _, p := range l.processes {
		out[p.port] = true
	}
	return out
}
