//go:build unix

package launcher

import (
	"os"
	"syscall"
)

// askToEnd and killAll signal the group that a process leads, and so what it started
// itself, such as the server behind a script. They are called while the process or
// something that holds its output open lives, so that the number still means its group.

func askToEnd(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGTERM) } // may have ended by itself

func killAll(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // may have ended by itself
