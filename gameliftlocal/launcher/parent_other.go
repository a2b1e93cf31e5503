//go:build !unix

package launcher

import (
	"os"
	"os/exec"
)

// dieWithParent does nothing here: the end of their standard input tells the processes.
func dieWithParent(*exec.Cmd) {}

// askToEnd does nothing here: there is no such signal, the standard input was closed.
func askToEnd(*os.Process) {}

func killAll(p *os.Process) { _ = p.Kill() } // may have ended by itself
