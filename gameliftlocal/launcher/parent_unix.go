//go:build unix && !linux

package launcher

import (
	"os/exec"
	"syscall"
)

// dieWithParent gives the process a group of its own: a Ctrl-C in the terminal reaches
// only this process, which then ends the others in order. When this one dies at once,
// the end of their standard input is all they hear.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
